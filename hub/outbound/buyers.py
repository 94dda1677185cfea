"""Messages to buyers: checked again, marked as on the wire, sent once, settled by the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from hub import text
from hub.errors import PeerError, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    AccountId,
    Conversation,
    Message,
    MessageId,
    MessageState,
    Origin,
    OwnMessage,
    PlatformMessage,
    SendMessage,
    TaskState,
    Text,
)
from hub.notices import tell_asker, tell_owners
from hub.outbound.pacing import Pacer
from hub.outbound.worker import Claim
from hub.policy import still_wanted
from hub.store import Store, Tx
from hub.xianyu import Session

OFFLINE_AGAIN = timedelta(seconds=30)
"""The account's lanes are hastened when it comes online; this is the fallback."""
THROTTLED_AGAIN = timedelta(seconds=5)
UNREACHABLE_AGAIN = timedelta(seconds=2)
LOOK_AGAIN = timedelta(seconds=3)
CLOCK_SKEW = timedelta(minutes=2)
HISTORY_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything a send needs, read in the transaction that marked it as on the wire."""

    conversation: Conversation
    message: Message
    uuid: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, and what the task becomes."""

    message: MessageState
    task: TaskState
    reason: str = ""
    platform_id: PlatformMessage | None = None


class BuyerSends:
    """Performs `SendMessage` over the session of the conversation's account."""

    def __init__(
        self,
        store: Store,
        session_of: Callable[[AccountId], Session | None],
        *,
        spacing: float,
        look_for: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        """`spacing`: least seconds between two sends of one account. `look_for`: how long an
        unanswered send is looked for in the history before a person is asked."""
        self._store = store
        self._look_for = look_for
        self._session_of = session_of
        self._pacer = Pacer(spacing)
        self._now = now

    async def perform(self, claim: Claim) -> None:
        work = claim.task.work
        assert isinstance(work, SendMessage)  # noqa: S101 - performers are registered by kind
        session = self._session_of(work.account)
        if claim.task.wire_at is not None:
            await self._reconcile(claim, work, session, claim.task.wire_at)
        elif session is None:
            await self._wait_for_account(claim, work)
        else:
            await self._pacer.turn(str(work.account))
            await self._send(claim, work, session)

    async def _wait_for_account(self, claim: Claim, work: SendMessage) -> None:
        now = self._now()
        expires_at = claim.task.expires_at
        if expires_at is not None and now >= expires_at:
            reason = "等得太久，账号一直没有连上"
            await self._conclude(
                claim, work, Outcome(MessageState.DROPPED, TaskState.DROPPED, reason)
            )
            return
        await self._store.write(
            lambda tx: tx.outbox.release(
                claim.task, claim.holder, now + OFFLINE_AGAIN, error="account not connected"
            )
        )

    # --- Sending ----------------------------------------------------------------------------

    async def _send(self, claim: Claim, work: SendMessage, session: Session) -> None:
        ready = await self._store.write(lambda tx: self._make_ready(tx, claim, work))
        if not isinstance(ready, Ready):
            if ready is not None:
                await self._conclude(claim, work, ready)
            return
        conversation, content = ready.conversation, ready.message.content
        assert conversation.buyer is not None and isinstance(content, Text)  # noqa: S101, PT018
        try:
            sent = await session.send(
                conversation.platform_id, conversation.buyer, content, uuid=ready.uuid
            )
        except Uncertain as error:
            logger.warning("message {} uncertain: {}", work.message, error)
            await self._release(claim, LOOK_AGAIN, error, clear_wire=False)
        except Unreachable as error:
            await self._release(claim, UNREACHABLE_AGAIN, error, clear_wire=True)
        except Throttled as error:
            wait = timedelta(seconds=error.after) if error.after else THROTTLED_AGAIN
            await self._release(claim, wait, error, clear_wire=True)
        except Rejected as error:
            logger.warning("message {} rejected: {}", work.message, error)
            outcome = Outcome(MessageState.REJECTED, TaskState.FAILED, error.reason)
            await self._conclude(claim, work, outcome)
        else:
            outcome = Outcome(MessageState.ACCEPTED, TaskState.DONE, platform_id=sent.id)
            await self._conclude(claim, work, outcome)

    def _make_ready(self, tx: Tx, claim: Claim, work: SendMessage) -> Ready | Outcome | None:
        """Re-check what may have changed and mark the task as on the wire.

        None: another worker has the task by now.
        """
        now, shop = self._now(), claim.task.shop
        message = tx.messages.get(shop, work.message)
        conversation = tx.conversations.get(shop, message.conversation) if message else None
        if message is None or conversation is None:
            return Outcome(MessageState.DROPPED, TaskState.DROPPED, "会话已被删除")
        if message.origin is Origin.RULE:
            unwanted = still_wanted(
                tx.holds.active(shop, conversation.id, now),
                human_answered=tx.messages.human_answer_since(
                    shop, conversation.id, message.sent_at
                ),
                now=now,
                expires_at=claim.task.expires_at,
            )
            if unwanted is not None:
                return Outcome(MessageState.DROPPED, TaskState.DROPPED, unwanted)
        if not tx.outbox.mark_wire(claim.task, claim.holder, now):
            return None
        tx.messages.set_state(shop, message.id, MessageState.SENDING, now=now)
        return Ready(conversation, message, tx.messages.uuid(shop, message.id))

    async def _release(
        self, claim: Claim, wait: timedelta, error: PeerError, *, clear_wire: bool
    ) -> None:
        due_at = self._now() + wait
        await self._store.write(
            lambda tx: tx.outbox.release(
                claim.task, claim.holder, due_at, error=str(error), clear_wire=clear_wire
            )
        )

    # --- Uncertain sends ----------------------------------------------------------------------

    async def _reconcile(
        self,
        claim: Claim,
        work: SendMessage,
        session: Session | None,
        wire_at: datetime,
    ) -> None:
        """It may have been sent: believe our own echo or the history, never send again blindly."""
        shop = claim.task.shop
        conversation = await self._store.read(
            lambda tx: tx.conversations.get(shop, work.conversation)
        )
        if conversation is None:
            outcome = Outcome(MessageState.DROPPED, TaskState.DROPPED, "会话已被删除")
            await self._conclude(claim, work, outcome)
            return
        if await self._arrived(claim, work.message):
            await self._conclude(claim, work, Outcome(MessageState.ACCEPTED, TaskState.DONE))
            return
        if session is None:
            await self._release_looking(claim, OFFLINE_AGAIN)
            return
        try:
            page = await session.history(conversation.platform_id, limit=HISTORY_LIMIT)
        except PeerError as error:
            logger.info("history of {} not read: {}", conversation.id, error)
            await self._release_looking(claim, LOOK_AGAIN)
            return
        own = [
            event
            for event in reversed(page.events)
            if isinstance(event, OwnMessage) and event.sent_at >= wire_at - CLOCK_SKEW
        ]
        await self._store.write(lambda tx: self._match(tx, conversation, own))
        if await self._arrived(claim, work.message):
            await self._conclude(claim, work, Outcome(MessageState.ACCEPTED, TaskState.DONE))
        elif self._now() - wire_at < self._look_for:
            await self._release_looking(claim, LOOK_AGAIN)
        else:
            reason = "闲鱼没有确认收到，聊天记录里也没有找到"
            outcome = Outcome(MessageState.UNCERTAIN, TaskState.UNCERTAIN, reason)
            await self._conclude(claim, work, outcome)

    def _match(self, tx: Tx, conversation: Conversation, own: list[OwnMessage]) -> None:
        for event in own:
            tx.messages.match_echo(
                conversation.shop,
                conversation.account,
                conversation.id,
                platform_id=event.id,
                content=event.content,
                now=self._now(),
            )

    async def _arrived(self, claim: Claim, message: MessageId) -> bool:
        found = await self._store.read(lambda tx: tx.messages.get(claim.task.shop, message))
        return found is not None and found.state in (MessageState.ACCEPTED, MessageState.READ)

    async def _release_looking(self, claim: Claim, wait: timedelta) -> None:
        due_at = self._now() + wait
        await self._store.write(
            lambda tx: tx.outbox.release(
                claim.task, claim.holder, due_at, error="looking for it in the history"
            )
        )

    # --- Settlement ---------------------------------------------------------------------------

    async def _conclude(self, claim: Claim, work: SendMessage, outcome: Outcome) -> None:
        await self._store.write(lambda tx: self._settle(tx, claim, work, outcome))

    def _settle(self, tx: Tx, claim: Claim, work: SendMessage, outcome: Outcome) -> None:
        if not self._finish(tx, claim, outcome.task, outcome.reason):
            return
        shop = claim.task.shop
        tx.messages.set_state(
            shop,
            work.message,
            outcome.message,
            reason=outcome.reason,
            platform_id=outcome.platform_id,
        )
        failed = outcome.message in (MessageState.REJECTED, MessageState.UNCERTAIN)
        if work.asked_by is None and not failed:
            return
        message = tx.messages.get(shop, work.message)
        conversation = tx.conversations.get(shop, work.conversation)
        if message is None or conversation is None:
            return
        told = _sentence(conversation, outcome)
        now, key = self._now(), f"receipt:{work.message}"
        if work.asked_by is not None:
            tell_asker(tx, conversation, work.asked_by, told, key=key, now=now)
        else:
            said = f"{text.shorten(text.plain(message.content))}\n{told}"
            tell_owners(tx, conversation, said, key=key, now=now, message=message.id)

    def _finish(self, tx: Tx, claim: Claim, state: TaskState, error: str = "") -> bool:
        """False: a faster worker settled it; then nothing of ours may be written."""
        return tx.outbox.settle(claim.task, claim.holder, state, error=error, now=self._now())


def _sentence(conversation: Conversation, outcome: Outcome) -> str:
    match outcome.message:
        case MessageState.REJECTED:
            return text.receipt_rejected(conversation, outcome.reason)
        case MessageState.UNCERTAIN:
            return text.receipt_uncertain(conversation, outcome.reason)
        case MessageState.DROPPED:
            return text.receipt_dropped(conversation, outcome.reason)
        case _:
            return text.receipt_accepted(conversation)
