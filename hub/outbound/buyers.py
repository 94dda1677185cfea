"""Messages to buyers: checked again, marked as on the wire, sent once, settled by the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from hub import text
from hub.delivery import look_again, on_message_left, on_message_settled, on_message_waits, why_not
from hub.errors import AuthExpired, PeerError, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    AccountId,
    ChatPeer,
    Conversation,
    Image,
    Mark,
    Message,
    MessageId,
    MessageState,
    NoticeKind,
    Origin,
    OwnMessage,
    PlatformMessage,
    SendMessage,
    TaskState,
    Text,
    chat_key,
    send_lane,
)
from hub.notices import tell_asker, tell_owners
from hub.outbound.uploads import Uploads, waits_for_upload
from hub.outbound.worker import Claim
from hub.pacing import Pacer
from hub.policy import still_wanted
from hub.store import Store, Tx
from hub.xianyu import Session

OFFLINE_AGAIN = timedelta(seconds=30)
"""The account's lanes are hastened when it comes online; this is the fallback."""
WAITS_FOR = timedelta(minutes=5)
"""How long a delivery waits for its account before a person is told."""
THROTTLED_AGAIN = timedelta(seconds=5)
UNREACHABLE_AGAIN = timedelta(seconds=2)
LOOK_AGAIN = timedelta(seconds=3)
ORDER_AGAIN = timedelta(seconds=1)
"""How long a delivery waits for the page of its order, again and again."""
UNREADABLE_FOR = timedelta(minutes=10)
"""How long an uncertain send waits for a history that cannot be read before a person is asked."""
CLOCK_SKEW = timedelta(minutes=2)
HISTORY_LIMIT = 20
MARKS = {
    MessageState.ACCEPTED: Mark.ACCEPTED,
    MessageState.UNCERTAIN: Mark.UNCERTAIN,
}
ARRIVED = (MessageState.ACCEPTED, MessageState.READ)


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything a send needs, read in the transaction that marked it as on the wire."""

    conversation: Conversation
    message: Message
    uuid: str


Sent = Callable[[Origin, MessageState, float], None]
"""Who wrote it, what became of it, and how many seconds after it was written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, and what the task becomes."""

    message: MessageState
    task: TaskState
    reason: str = ""
    platform_id: PlatformMessage | None = None
    superseded: bool = False
    """People made it needless, so nobody has to be told."""


class BuyerSends:
    """Performs `SendMessage` over the session of the conversation's account."""

    def __init__(
        self,
        store: Store,
        session_of: Callable[[AccountId], Session | None],
        uploads: Uploads,
        *,
        pacer: Pacer,
        look_for: timedelta,
        now: Callable[[], datetime],
        reacts: Callable[[ChatPeer], bool] = lambda _: False,
        count: Sent = lambda *_: None,
    ) -> None:
        """`pacer`: the turns of each account. `look_for`: how long an unanswered send is looked for
        in the history before a person is asked. `reacts`: whether a chat has signs. `count`: hears
        the end of each message."""
        self._reacts = reacts
        self._store = store
        self._look_for = look_for
        self._session_of = session_of
        self._uploads = uploads
        self._pacer = pacer
        self._now = now
        self._began = now()
        self._count = count

    async def perform(self, claim: Claim) -> None:
        work = claim.task.work
        assert isinstance(work, SendMessage)  # noqa: S101 - performers are registered by kind
        session = self._session_of(work.account)
        if claim.task.wire_at is not None:
            await self._reconcile(claim, work, session, claim.task.wire_at)
        elif session is None:
            await self._wait_for_account(claim, work)
        elif work.pictures and not await self._has_uploaded(claim, work):
            pass
        elif self._pacer.take(str(work.account)) or await self._wait_for_turn(claim, work):
            await self._send(claim, work, session)

    async def _wait_for_turn(self, claim: Claim, work: SendMessage) -> bool:
        """Answers of people go before automatic ones. False: it is not sent now."""
        ready = await self._store.read(lambda tx: self._look_once_more(tx, claim, work))
        if isinstance(ready, Outcome):  # it would take its turn for nothing
            await self._conclude(claim, work, ready)
            return False
        human = not ready.message.automatic
        seconds = await self._pacer.turn(str(work.account), ahead=human)
        if seconds:
            await self._release(claim, work, timedelta(seconds=seconds), "waits for its turn")
        return not seconds

    async def _wait_for_account(self, claim: Claim, work: SendMessage) -> None:
        ready = await self._store.read(lambda tx: self._look_once_more(tx, claim, work))
        if isinstance(ready, Outcome):
            await self._conclude(claim, work, ready)
            return
        now, message = self._now(), ready.message
        if message.origin is Origin.DELIVERY and now - message.sent_at >= WAITS_FOR:
            shop = claim.task.shop
            await self._store.write(lambda tx: on_message_waits(tx, shop, message.id, now))
        await self._release(claim, work, OFFLINE_AGAIN, "account not connected")
        if self._session_of(work.account) is not None:  # it came online in between
            lane = send_lane(work.account, work.conversation)
            await self._store.write(lambda tx: tx.outbox.hasten(lane, self._now()))

    async def _has_uploaded(self, claim: Claim, work: SendMessage) -> bool:
        """Whether the platform has its pictures. If not, they are uploaded, and the task is put
        back or settled: uploading takes no turn of the account, and the send gets its whole time.
        Nothing was said, so all of it may be repeated."""
        ready = await self._store.read(lambda tx: self._look_once_more(tx, claim, work))
        if isinstance(ready, Outcome):
            await self._conclude(claim, work, ready)
            return False
        if not waits_for_upload(ready.message):
            return True
        match await self._uploads.upload(claim.task, work.account, ready.message):
            case timedelta() as wait:
                await self._release(claim, work, wait, "pictures not uploaded yet")
            case str() as reason:
                said = Outcome(MessageState.REJECTED, TaskState.FAILED, reason)
                await self._conclude(claim, work, said)
            case None:
                await self._release(claim, work, timedelta(0), "pictures uploaded")
        return False

    # --- Sending ----------------------------------------------------------------------------

    async def _send(self, claim: Claim, work: SendMessage, session: Session) -> None:
        ready = await self._store.write(lambda tx: self._make_ready(tx, claim, work))
        if isinstance(ready, timedelta):
            await self._release(claim, work, ready, "its order is read again first")
            return
        if not isinstance(ready, Ready):
            if ready is not None:
                await self._conclude(claim, work, ready)
            return
        conversation, content = ready.conversation, ready.message.content
        assert conversation.buyer is not None and isinstance(content, Text | Image)  # noqa: S101, PT018
        try:
            sent = await session.send(
                conversation.platform_id, conversation.buyer, content, uuid=ready.uuid
            )
        except Uncertain as error:
            logger.warning("message {} uncertain: {}", work.message, error)
            await self._release_looking(claim, LOOK_AGAIN, error)
        except Unreachable as error:
            await self._release(claim, work, UNREACHABLE_AGAIN, error)
        except AuthExpired as error:
            # Refused, and the session is over; the next one hastens this lane.
            await self._release(claim, work, OFFLINE_AGAIN, error)
        except Throttled as error:
            wait = timedelta(seconds=error.after) if error.after else THROTTLED_AGAIN
            await self._release(claim, work, wait, error)
        except Rejected as error:
            logger.warning("message {} rejected: {}", work.message, error)
            outcome = Outcome(MessageState.REJECTED, TaskState.FAILED, error.reason)
            await self._conclude(claim, work, outcome)
        else:
            outcome = Outcome(MessageState.ACCEPTED, TaskState.DONE, platform_id=sent.id)
            await self._conclude(claim, work, outcome)

    def _make_ready(
        self, tx: Tx, claim: Claim, work: SendMessage
    ) -> Ready | Outcome | timedelta | None:
        """Re-check what may have changed and mark the task as on the wire.

        A time: it has to wait so long. None: another worker has the task by now.
        """
        now = self._now()
        ready = self._look_once_more(tx, claim, work)
        if isinstance(ready, Outcome):
            return ready
        delivers = ready.message.origin is Origin.DELIVERY
        if delivers and look_again(tx, claim.task.shop, work.message, now):
            return ORDER_AGAIN
        if not tx.outbox.mark_wire(claim.task, claim.holder, now):
            return None
        tx.messages.set_state(claim.task.shop, work.message, MessageState.SENDING, now=now)
        if delivers:
            on_message_left(tx, claim.task.shop, work.message, now)
        return ready

    def _look_once_more(self, tx: Tx, claim: Claim, work: SendMessage) -> Ready | Outcome:
        """What changed since it was enqueued; an outcome if it is not to be sent any more."""
        now, shop, expires_at = self._now(), claim.task.shop, claim.task.expires_at
        found = tx.conversations.of_message(shop, work.message)
        if found is None:
            return _dropped("会话已被删除")
        conversation, message, uuid = found
        if message.state in ARRIVED:
            return Outcome(MessageState.ACCEPTED, TaskState.DONE)
        if message.automatic:
            unwanted = still_wanted(
                tx.holds.active(shop, conversation.id, now),
                human_answered=tx.messages.human_answer_since(
                    shop, conversation.id, message.sent_at
                ),
            )
            if unwanted is not None:
                return _dropped(unwanted, superseded=True)
        if message.origin is Origin.DELIVERY:
            refusal = why_not(tx, message, shop, now)
            if refusal is not None:
                return _dropped(refusal)
        if expires_at is not None and now >= expires_at:
            return _dropped("等得太久，已经过了可以发送的时间")
        return Ready(conversation, message, uuid)

    async def _release(
        self, claim: Claim, work: SendMessage, wait: timedelta, error: PeerError | str
    ) -> None:
        """Nothing left this machine, or it was refused: it is queued as before."""
        now = self._now()

        def unit(tx: Tx) -> None:
            task = claim.task
            if tx.outbox.release(task, claim.holder, now + wait, error=str(error), clear_wire=True):
                tx.messages.set_state(task.shop, work.message, MessageState.QUEUED, now=now)
                self._show_sending(tx, claim, work, now)

        await self._store.write(unit)

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
            await self._conclude(claim, work, _dropped("会话已被删除"))
            return
        if await self._arrived(claim, work.message):
            await self._conclude(claim, work, Outcome(MessageState.ACCEPTED, TaskState.DONE))
            return
        if session is None:
            await self._look_later(claim, work, wire_at, OFFLINE_AGAIN, "account not connected")
            return
        try:
            page = await session.history(conversation.platform_id, limit=HISTORY_LIMIT)
        except PeerError as error:
            logger.info("history of {} not read: {}", conversation.id, error)
            await self._look_later(claim, work, wire_at, LOOK_AGAIN, error)
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
            await self._release_looking(claim, LOOK_AGAIN, "not in the history yet")
        else:
            reason = "闲鱼没有确认收到，聊天记录里也没有找到"
            await self._conclude(claim, work, _uncertain(reason))

    async def _look_later(
        self,
        claim: Claim,
        work: SendMessage,
        wire_at: datetime,
        wait: timedelta,
        error: PeerError | str,
    ) -> None:
        """The history cannot be read now; when it could not for long, a person is asked."""
        if self._now() - max(wire_at, self._began) < UNREADABLE_FOR:
            await self._release_looking(claim, wait, error)
        else:
            reason = "闲鱼没有确认收到，聊天记录也一直读不到"
            await self._conclude(claim, work, _uncertain(reason))

    def _match(self, tx: Tx, conversation: Conversation, own: list[OwnMessage]) -> None:
        """As if the echoes had come through the line."""
        for event in own:
            if tx.messages.knows(conversation.shop, conversation.account, event.id):
                continue
            matched = tx.messages.match_echo(
                conversation.shop,
                conversation.account,
                conversation.id,
                platform_id=event.id,
                content=event.content,
                now=self._now(),
                sent_at=event.sent_at,
            )
            if matched is not None:  # perhaps another one than that which was looked for
                on_message_settled(
                    tx, conversation.shop, matched, MessageState.ACCEPTED, "", self._now()
                )

    async def _arrived(self, claim: Claim, message: MessageId) -> bool:
        found = await self._store.read(lambda tx: tx.messages.get(claim.task.shop, message))
        return found is not None and found.state in ARRIVED

    async def _release_looking(self, claim: Claim, wait: timedelta, error: PeerError | str) -> None:
        """It stays marked as on the wire."""
        now, work = self._now(), claim.task.work
        assert isinstance(work, SendMessage)  # noqa: S101 - performers are registered by kind

        def unit(tx: Tx) -> None:
            if tx.outbox.release(claim.task, claim.holder, now + wait, error=str(error)):
                self._show_sending(tx, claim, work, now)

        await self._store.write(unit)

    def _show_sending(self, tx: Tx, claim: Claim, work: SendMessage, now: datetime) -> None:
        """It takes longer than usual: whoever wrote it sees that, once and without words."""
        asked_by, shop = work.asked_by, claim.task.shop
        if asked_by is None or not self._reacts(asked_by.peer):
            return
        conversation = tx.conversations.get(shop, work.conversation)
        if conversation is not None:
            key = f"sending:{chat_key(asked_by.peer, asked_by.message_id)}"
            tell_asker(tx, conversation, asked_by, "", key=key, now=now, mark=Mark.SENDING)

    # --- Settlement ---------------------------------------------------------------------------

    async def _conclude(self, claim: Claim, work: SendMessage, outcome: Outcome) -> None:
        message = await self._store.write(lambda tx: self._settle(tx, claim, work, outcome))
        if message is not None:
            took = self._now() - message.sent_at
            self._count(message.origin, outcome.message, took.total_seconds())

    def _settle(self, tx: Tx, claim: Claim, work: SendMessage, outcome: Outcome) -> Message | None:
        """None: it is not ours any more, or gone."""
        if not self._finish(tx, claim, outcome.task, outcome.reason):
            return None
        shop = claim.task.shop
        tx.messages.set_state(
            shop,
            work.message,
            outcome.message,
            reason=outcome.reason,
            platform_id=outcome.platform_id,
        )
        message = tx.messages.get(shop, work.message)
        if message is not None and message.origin is Origin.DELIVERY:
            # Its goods are no matter for a receipt: the ledger tells what has to be told.
            on_message_settled(tx, shop, message.id, message.state, outcome.reason, self._now())
            return message
        well = outcome.message is MessageState.ACCEPTED or outcome.superseded
        if well and (work.asked_by is None or work.more):
            return message
        conversation = tx.conversations.get(shop, work.conversation)
        if message is None or conversation is None:
            return message
        told = _sentence(conversation, outcome)
        now, key = self._now(), f"receipt:{work.message}"
        if work.asked_by is not None:
            mark = MARKS.get(outcome.message, Mark.REFUSED)
            tell_asker(
                tx,
                conversation,
                work.asked_by,
                told,
                key=key,
                now=now,
                message=message.id,
                mark=mark,
            )
        else:
            said = f"{text.shorten(text.plain(message.content))}\n{told}"
            kind = NoticeKind.RECEIPT
            tell_owners(tx, conversation, said, key=key, now=now, kind=kind, message=message.id)
        return message

    def _finish(self, tx: Tx, claim: Claim, state: TaskState, error: str = "") -> bool:
        """False: a faster worker settled it; then nothing of ours may be written."""
        return tx.outbox.settle(claim.task, claim.holder, state, error=error, now=self._now())


def _dropped(reason: str, *, superseded: bool = False) -> Outcome:
    return Outcome(MessageState.DROPPED, TaskState.DROPPED, reason, superseded=superseded)


def _uncertain(reason: str) -> Outcome:
    return Outcome(MessageState.UNCERTAIN, TaskState.UNCERTAIN, reason)


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
