"""Taking messages back: quickly, because the platform allows it for two minutes only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from loguru import logger

from hub import text
from hub.errors import PeerError, Rejected, Throttled, Uncertain
from hub.model import (
    AccountId,
    BuyerMessage,
    Conversation,
    Message,
    MessageState,
    OwnMessage,
    RecallMessage,
    TaskState,
)
from hub.notices import tell_asker
from hub.outbound.worker import Claim
from hub.store import Store, Tx
from hub.xianyu import Session

AGAIN = timedelta(seconds=2)
OFFLINE_AGAIN = timedelta(seconds=5)
HISTORY_LIMIT = 20
TOO_LATE = "超过了闲鱼允许的时间"


class Recalls:
    """Performs `RecallMessage`. Asking twice does no harm, but without an answer it is looked
    whether the message is gone before somebody is told that it is not."""

    def __init__(
        self,
        store: Store,
        session_of: Callable[[AccountId], Session | None],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._session_of = session_of
        self._now = now

    async def perform(self, claim: Claim) -> None:
        work, shop = claim.task.work, claim.task.shop
        assert isinstance(work, RecallMessage)  # noqa: S101 - performers are registered by kind
        message, conversation = await self._store.read(
            lambda tx: (
                tx.messages.get(shop, work.message),
                tx.conversations.get(shop, work.conversation),
            )
        )
        if message is None or conversation is None:
            await self._settle(claim, TaskState.DROPPED)
        elif message.state is MessageState.RECALLED:
            await self._done(claim, work, message, conversation)
        elif self._late(claim):
            await self._give_up(claim, work, conversation)
        elif (session := self._session_of(work.account)) is None:
            await self._release(claim, OFFLINE_AGAIN, clear_wire=claim.task.wire_at is None)
        elif claim.task.wire_at is not None:
            await self._look(claim, work, message, conversation, session)
        else:
            await self._ask(claim, work, message, conversation, session)

    async def _ask(
        self,
        claim: Claim,
        work: RecallMessage,
        message: Message,
        conversation: Conversation,
        session: Session,
    ) -> None:
        if message.platform_id is None:
            await self._failed(claim, work, conversation, "闲鱼没有给出这条消息的编号")
            return
        now = self._now()
        if not await self._store.write(
            lambda tx: tx.outbox.mark_wire(claim.task, claim.holder, now)
        ):
            return
        try:
            await session.recall(message.platform_id)
        except Uncertain as error:
            logger.warning("recall of message {} uncertain: {}", message.id, error)
            await self._release(claim, AGAIN, clear_wire=False)
        except Rejected as error:
            logger.warning("recall of message {} rejected: {}", message.id, error)
            reason = f"闲鱼说：{error.reason}" if error.reason else "闲鱼没有同意"
            await self._failed(claim, work, conversation, reason)
        except PeerError as error:
            logger.info("recall of message {} not asked for: {}", message.id, error)
            after = error.after if isinstance(error, Throttled) else None
            wait = timedelta(seconds=after) if after else AGAIN
            await self._release(claim, wait, clear_wire=True)
        else:
            await self._done(claim, work, message, conversation)

    async def _look(
        self,
        claim: Claim,
        work: RecallMessage,
        message: Message,
        conversation: Conversation,
        session: Session,
    ) -> None:
        """An earlier attempt had no answer: what is gone from the history was taken back."""
        try:
            page = await session.history(conversation.platform_id, limit=HISTORY_LIMIT)
        except PeerError as error:
            logger.info("history of {} not read: {}", conversation.id, error)
            await self._release(claim, AGAIN, clear_wire=False)
            return
        said = [one for one in page.events if isinstance(one, BuyerMessage | OwnMessage)]
        older = page.next_cursor is None or any(one.sent_at < message.sent_at for one in said)
        if older and all(one.id != message.platform_id for one in said):
            await self._done(claim, work, message, conversation)
        else:
            await self._release(claim, timedelta(0), clear_wire=True)

    def _late(self, claim: Claim) -> bool:
        expires_at = claim.task.expires_at
        return expires_at is not None and self._now() >= expires_at

    async def _give_up(self, claim: Claim, work: RecallMessage, conversation: Conversation) -> None:
        if claim.task.wire_at is None:
            await self._failed(claim, work, conversation, TOO_LATE)
            return
        told = text.recall_uncertain(conversation)
        await self._tell(claim, work, conversation, TaskState.UNCERTAIN, told, "不确定是否撤回")

    async def _failed(
        self, claim: Claim, work: RecallMessage, conversation: Conversation, reason: str
    ) -> None:
        told = text.recall_failed(conversation, reason)
        await self._tell(claim, work, conversation, TaskState.FAILED, told, f"没有撤回，{reason}")

    async def _tell(
        self,
        claim: Claim,
        work: RecallMessage,
        conversation: Conversation,
        state: TaskState,
        told: str,
        noted: str,
    ) -> None:
        """`told` to whoever asked in chat; `noted` beside the message on its page."""
        now = self._now()

        def unit(tx: Tx) -> None:
            if not tx.outbox.settle(claim.task, claim.holder, state, error=noted, now=now):
                return
            tx.messages.set_reason(claim.task.shop, work.message, noted)
            self._answer(tx, claim, work, conversation, told, now)

        await self._store.write(unit)

    async def _done(
        self, claim: Claim, work: RecallMessage, message: Message, conversation: Conversation
    ) -> None:
        now = self._now()

        def unit(tx: Tx) -> None:
            if not tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now):
                return
            if message.platform_id is not None:
                tx.messages.mark_recalled(claim.task.shop, work.account, [message.platform_id])
            told = text.recall_done(conversation)
            self._answer(tx, claim, work, conversation, told, now)

        await self._store.write(unit)

    def _answer(
        self,
        tx: Tx,
        claim: Claim,
        work: RecallMessage,
        conversation: Conversation,
        told: str,
        now: datetime,
    ) -> None:
        if work.asked_by is not None:
            key = f"receipt:{claim.task.id}"
            tell_asker(tx, conversation, work.asked_by, told, key=f"recall-{key}", now=now)

    async def _settle(self, claim: Claim, state: TaskState) -> None:
        now = self._now()
        await self._store.write(
            lambda tx: tx.outbox.settle(claim.task, claim.holder, state, now=now)
        )

    async def _release(self, claim: Claim, wait: timedelta, *, clear_wire: bool) -> None:
        due_at = self._now() + wait
        await self._store.write(
            lambda tx: tx.outbox.release(claim.task, claim.holder, due_at, clear_wire=clear_wire)
        )
