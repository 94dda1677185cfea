"""One authenticated life of an account's message connection, in our words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loguru import logger

from hub.errors import AuthExpired, Malformed, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    Event,
    Image,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Text,
)
from hub.xianyu import lwp
from hub.xianyu.client import utc_now
from hub.xianyu.decode import decode_entry, unknown
from hub.xianyu.endpoints import IM_APP_KEY, IM_BROWSER, Endpoints, Timing
from hub.xianyu.ids import bare, full, milliseconds
from hub.xianyu.line import Ended, How, Line, Unanswered, Unsent, open_line, running
from hub.xianyu.listing import (
    FIRST_PAGE,
    ConversationPage,
    HistoryPage,
    read_conversations,
    read_history,
)
from hub.xianyu.lwp import Reply
from hub.xianyu.outgoing import conversation_body, find_conversation, message_body
from hub.xianyu.shapes import as_map, as_moment
from hub.xianyu.token import ImToken
from hub.xianyu.verdicts import PEER, judge_answer, judge_registration

RECALL_WITHIN = timedelta(minutes=2)
"""How long after it was sent the platform lets an own message be taken back."""


@dataclass(frozen=True, slots=True)
class Push:
    """What the platform told in one frame. Acknowledge it when all of it is stored."""

    events: tuple[Event, ...]
    received_at: datetime
    _echo: Mapping[str, object] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """Accepted by the platform. Its answer may lack the id; the echo then brings it."""

    id: PlatformMessage | None
    at: datetime | None


class Session:
    """Made by `open_session`. One consumer of `pushes`, any number of callers of the rest."""

    def __init__(
        self, line: Line, user: PlatformUser, timing: Timing, now: Callable[[], datetime]
    ) -> None:
        self.user = user
        self._line = line
        self._timing = timing
        self._now = now
        self._lists = asyncio.Lock()
        self._next_list = asyncio.get_running_loop().time() + timing.list_settle

    @property
    def ended(self) -> Ended | None:
        """How the session ended; set at the latest when `pushes` is over."""
        return self._line.ended

    @property
    def latency(self) -> float | None:
        """How long the last answered heartbeat took, in seconds; None: none was answered yet."""
        return self._line.latency

    async def pushes(self) -> AsyncIterator[Push]:
        """Pushes in the order they came; over when the session has ended and all are handed out.

        Text that is no frame comes as a push with one Unknown.
        """
        async for arrival in self._line.arrivals():
            if isinstance(arrival.what, lwp.Garbled):
                yield Push((unknown(arrival.what.text, arrival.what.reason),), arrival.at)
                continue
            events: list[Event] = []
            for entry in arrival.what.entries:
                events.extend(decode_entry(entry, user=self.user, received_at=arrival.at))
            yield Push(tuple(events), arrival.at, arrival.what.echo)

    async def ack(self, push: Push) -> None:
        """Tell the platform that a push is safe with us; call it after the commit, never before.

        Silent when the line is gone: the platform then tells again, or the catch-up finds it.
        """
        if push._echo:
            await self._line.tell(lwp.acknowledge(push._echo))

    async def send(
        self,
        conversation: PlatformConversation,
        to: PlatformUser,
        content: Text | Image,
        *,
        uuid: str,
        quoted: PlatformMessage | None = None,
    ) -> Sent:
        """Say something to a buyer. `uuid` stays the same when the same message is sent again.

        Pictures have to be uploaded before, and know their sizes.
        Raises Rejected, Throttled, AuthExpired when the platform refused; Unreachable when nothing
        left this machine; Uncertain when it left and no answer came.
        """
        op = "send"
        if isinstance(content, Image) and not _sendable(content):
            raise Rejected(PEER, op, "图片还没有上传，不能发送")
        body = message_body(conversation, to, self.user, content, uuid, quoted)
        reply = await self._effect(op, lwp.SEND, body)
        receipt = as_map(reply.body)
        name = _message_id(receipt)
        if reply.code is None and name is None:
            raise Uncertain(PEER, op, "answer without a code")
        return Sent(name, as_moment(receipt.get("createAt")))

    async def history(
        self, conversation: PlatformConversation, *, cursor: int | None = None, limit: int = 20
    ) -> HistoryPage:
        """One page of a conversation. Raises Unreachable, Throttled, Rejected, AuthExpired."""
        start = FIRST_PAGE if cursor is None else cursor
        body = [full(conversation), False, start, limit, False]
        reply = await self._list("history", lwp.HISTORY, body)
        return read_history(reply.body, user=self.user, cursor=start)

    async def conversations(
        self, *, cursor: int | None = None, limit: int = 20
    ) -> ConversationPage:
        """One page of conversations. Raises Unreachable, Throttled, Rejected, AuthExpired."""
        start = FIRST_PAGE if cursor is None else cursor
        reply = await self._list("conversations", lwp.CONVERSATIONS, [start, limit])
        return read_conversations(reply.body, user=self.user, cursor=start)

    async def mark_read(self, messages: Sequence[PlatformMessage]) -> None:
        """Tell the buyer that these were read. Harmless to repeat, so no answer is Unreachable."""
        if messages:
            await self._query("mark read", lwp.READ, [list(messages)])

    async def recall(self, message: PlatformMessage) -> None:
        """Take an own message back; the platform allows it within `RECALL_WITHIN`.

        Raises Rejected when it is too late; Unreachable or Uncertain like `send`.
        """
        await self._effect("recall", lwp.RECALL, [message])

    async def create_conversation(self, buyer: PlatformUser, item_id: str) -> PlatformConversation:
        """The conversation with a buyer about an item, made if there is none yet.

        Harmless to repeat, so no answer is Unreachable. Raises Rejected, Throttled, AuthExpired,
        Malformed as well.
        """
        op = "create conversation"
        reply = await self._query(op, lwp.CREATE, conversation_body(self.user, buyer, item_id))
        name = find_conversation(reply.body)
        if name is None:
            raise Malformed(PEER, op, "answer without a conversation")
        return name

    async def _effect(self, op: str, path: str, body: list[object]) -> Reply:
        """A request that must not be repeated: without an answer it is Uncertain."""
        try:
            reply = await self._line.ask(path, body)
        except Unsent as error:
            raise Unreachable(PEER, op, str(error)) from None
        except Unanswered as error:
            raise Uncertain(PEER, op, str(error)) from None
        self._raise_refusal(op, reply)
        return reply

    async def _query(self, op: str, path: str, body: list[object]) -> Reply:
        """A request that may be repeated: without an answer it counts as Unreachable."""
        try:
            reply = await self._line.ask(path, body)
        except (Unsent, Unanswered) as error:
            raise Unreachable(PEER, op, str(error)) from None
        self._raise_refusal(op, reply)
        return reply

    def _raise_refusal(self, op: str, reply: Reply) -> None:
        refusal = judge_answer(op, reply.code, reply.body)
        if refusal is None:
            return
        if isinstance(refusal, AuthExpired):
            # The line lives, but for the platform nobody is logged in on it any more.
            self._line.end(How.KICKED, f"{op}: {refusal.reason}")
        raise refusal

    async def _list(self, op: str, path: str, body: list[object]) -> Reply:
        """One list at a time, not too early and not too fast; asked again when refused as such."""
        loop = asyncio.get_running_loop()
        waits = iter(self._timing.list_retries)
        async with self._lists:
            while True:
                await asyncio.sleep(self._next_list - loop.time())
                self._next_list = loop.time() + self._timing.list_spacing
                try:
                    return await self._query(op, path, body)
                except Throttled:
                    wait = next(waits, None)
                    if wait is None:
                        raise
                    self._next_list = loop.time() + wait

    # --- Upkeep ---------------------------------------------------------------------------------

    async def _keep_up(self, since: datetime) -> None:
        """Heartbeats, and the sync state whenever it has to be declared."""
        loop = asyncio.get_running_loop()
        next_beat = loop.time() + self._timing.heartbeat
        try:
            await self._line.beat()
            await asyncio.sleep(self._timing.sync_delay)
            await self._declare(_everything_until(since))
            while self.ended is None:
                try:
                    async with asyncio.timeout_at(next_beat):
                        await self._line.gap.wait()
                except TimeoutError:
                    next_beat = loop.time() + self._timing.heartbeat
                    await self._line.beat()
                else:
                    self._line.gap.clear()
                    await self._close_gap()
        finally:
            # Without heartbeats the line is worth nothing, whatever stopped them.
            self._line.end(How.LOST, "the upkeep stopped")

    async def _declare(self, state: Mapping[str, object]) -> None:
        try:
            reply = await self._line.ask(lwp.ACK_DIFF, [dict(state)])
        except (Unsent, Unanswered) as error:
            logger.warning("xianyu {}: sync state not declared ({})", self.user, error)
            return
        refusal = judge_answer("declare sync state", reply.code, reply.body)
        if refusal is not None:
            logger.warning("xianyu {}: sync state refused ({})", self.user, refusal)
            return
        answered = lwp.pushed(lwp.ACK_DIFF, {}, reply.body)
        if answered.entries:
            self._line.put_arrival(answered)

    async def _close_gap(self) -> None:
        """The server lost track: take over its own state and declare that."""
        try:
            reply = await self._line.ask(lwp.GET_STATE, [{"topic": "sync"}])
        except (Unsent, Unanswered) as error:
            logger.warning("xianyu {}: sync state not read ({})", self.user, error)
            return
        state = as_map(reply.body)
        if judge_answer("read sync state", reply.code, reply.body) is None and state:
            await self._declare(state)


@asynccontextmanager
async def open_session(
    endpoints: Endpoints,
    token: ImToken,
    user: PlatformUser,
    *,
    since: datetime | None = None,
    timing: Timing | None = None,
    now: Callable[[], datetime] = utc_now,
    proxy: str | None = None,
    may_speak: Callable[[], bool] = lambda: True,
) -> AsyncIterator[Session]:
    """Dial, register, keep the line alive; leave it normally at the end.

    `proxy` as `check_proxy` gave it; None: directly, whatever the environment says.

    `may_speak` is asked before each frame that leaves; what is not allowed to is Unreachable.

    `since`: the platform is asked to push again what came after this moment; None: nothing that is
    older than this session. What it repeats may be known already.
    Raises Unreachable; AuthExpired when the token does not count (any more); Throttled;
    Rejected with code `CONNECT_LIMIT` when another client owns the slot; Malformed.
    """
    timing = timing or Timing()
    started = now()
    async with open_line(
        endpoints.ws_url, name=user, timing=timing, now=now, proxy=proxy, may_speak=may_speak
    ) as line:
        await _register(line, token, user)
        session = Session(line, user, timing, now)
        async with running(
            session._keep_up(min(since or started, started)), f"xianyu-upkeep-{user}"
        ):
            try:
                yield session
            finally:
                line.end(How.STOPPED, "")


async def _register(line: Line, token: ImToken, user: PlatformUser) -> None:
    op = "register"
    headers = {
        "cache-header": "app-key token ua wv",
        "app-key": IM_APP_KEY,
        "token": token.value,
        "ua": IM_BROWSER,
        "dt": "j",
        "wv": "im:3,au:3,sy:6",
        "sync": "0,0;0;0;",
        "did": token.device_id,
    }
    try:
        reply = await line.ask(lwp.REGISTER, headers=headers)
    except (Unsent, Unanswered) as error:
        raise Unreachable(PEER, op, str(error)) from None
    refusal = judge_registration(reply.code, reply.headers, reply.body)
    if refusal is not None:
        raise refusal
    registered = bare(reply.headers.get("reg-uid"))
    if registered is not None and registered != user:
        raise AuthExpired(PEER, op, f"the token belongs to user {registered}")


def _sendable(image: Image) -> bool:
    return bool(image.pictures) and all(
        one.url.startswith(("https://", "http://")) and one.width > 0 and one.height > 0
        for one in image.pictures
    )


def _message_id(receipt: Mapping[object, object]) -> PlatformMessage | None:
    """Some answers nest the receipt one or two levels under the key `1`."""
    part: object = receipt
    for _ in range(2):
        name = bare(as_map(part).get("messageId"))
        if name:
            return PlatformMessage(name)
        part = as_map(part).get("1")
    name = bare(part)
    return PlatformMessage(name) if name else None


def _everything_until(moment: datetime) -> dict[str, object]:
    """The sync state of a client that has seen everything up to a moment.

    Never a moment after the registration began, so that what arrived meanwhile is told and not
    skipped.
    """
    at = milliseconds(moment)
    return {
        "pipeline": "sync",
        "tooLong2Tag": "PNM,1",
        "channel": "sync",
        "topic": "sync",
        "highPts": 0,
        "pts": at * 1000,
        "seq": 0,
        "timestamp": at,
    }
