"""The IM endpoint: what the platform answers to each request of a WebSocket connection."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from aiohttp import WSMsgType, web

from hub.sandbox import payloads
from hub.sandbox.answers import (
    BAD_REQUEST,
    NOT_AUTHORISED,
    THROTTLED,
    Answer,
    digits,
    refusal,
)
from hub.sandbox.doors import cookies_in
from hub.sandbox.encode import (
    APP_KEY,
    READ,
    READ_BATCH,
    Entry,
    Payload,
    answer_frame,
    entry,
    json_entry,
    registered_frame,
    sync_package,
)
from hub.sandbox.faults import Faults
from hub.sandbox.lines import Line, Lines
from hub.sandbox.logins import Logins
from hub.sandbox.manners import Manners
from hub.sandbox.payloads import Content
from hub.sandbox.requests import Requests
from hub.sandbox.tasks import Tasks
from hub.sandbox.world import Conversation, Message, World, now_ms

AROUSED_CONVERSATIONS = 7
"""The first `/s/vulcan` speaks of at most so many conversations, two entries each."""
HALF_OPEN_SECONDS = 60.0
"""How long a silent connection outlives the client's wish to close it."""
ACK_DIFF = "/r/SyncStatus/ackDiff"
SEND = "/r/MessageSend/sendByReceiverScope"


@dataclass(slots=True)
class Send:
    """One send request as it came in, and what became of it."""

    user: str
    conversation: str
    uuid: str
    text: str
    at: int
    line: int
    outcome: str = ""
    message: str = ""
    """Id the message got, if it was stored."""


class Im:
    """One server for all accounts; connections become an account's by `/reg`."""

    def __init__(
        self,
        world: World,
        logins: Logins,
        lines: Lines,
        faults: Faults,
        manners: Manners,
        tasks: Tasks,
    ) -> None:
        self.world = world
        self.lines = lines
        self.is_picture: Callable[[str], bool] = lambda url: url.startswith("https://")
        """Whether an address may stand in an image message."""
        self._logins = logins
        self.sends: deque[Send] = deque(maxlen=50_000)
        self.on_send: list[Callable[[Send], None]] = []
        """Called when a send request arrives, before anything is done with it."""
        self._faults = faults
        self._manners = manners
        self._tasks = tasks
        self._requests = Requests(world, lines, faults, manners).table()

    async def meet(self, request: web.Request) -> web.WebSocketResponse:
        """Speak with one client until it is gone."""
        self.lines.dials.append(now_ms())
        if self.lines.down:
            raise web.HTTPServiceUnavailable
        ws = web.WebSocketResponse(
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=8 * 1024 * 1024,
            timeout=1.0,
        )
        await ws.prepare(request)
        line = Line(ws, request)
        line.cookies = cookies_in(request.headers.get("Cookie", ""))
        self.lines.add(line)
        try:
            async for frame in ws:
                if frame.type is WSMsgType.TEXT:
                    await self._receive(line, frame.data)
                elif frame.type is WSMsgType.PING:
                    await line.pong(frame.data)
            if line.half_open:
                await line.until_over(HALF_OPEN_SECONDS)
        finally:
            self.lines.remove(line)
        return ws

    async def _receive(self, line: Line, text: str) -> None:
        if line.half_open:
            return
        try:
            frame = json.loads(text)
            mid = frame["headers"]["mid"]
        except (ValueError, KeyError, TypeError):
            await line.close(1002)
            return
        lwp = frame.get("lwp")
        if lwp is None:
            self.lines.acknowledge(mid)
        elif self._broke(line, lwp):
            return
        elif lwp == "/reg":
            await self._register(line, mid, frame["headers"])
        elif lwp == "/!":
            await self._heartbeat(line, mid)
        elif not line.registered:
            await self._answer(line, mid, lwp, NOT_AUTHORISED)
        else:
            await self._serve(line, mid, lwp, frame.get("body") or [])

    def _broke(self, line: Line, lwp: str) -> bool:
        """Whether a fault ended or silenced the connection at this request."""
        if self._faults.take(line.user, "cut_on_request", lwp):
            line.abort()
        elif self._faults.take(line.user, "half_open", lwp):
            line.half_open = True
        return line.closed or line.half_open

    async def _heartbeat(self, line: Line, mid: str) -> None:
        line.heartbeats += 1
        if line.registered and line.token_expires_at < now_ms():
            if self._manners.expired_line == "kick":
                await self.lines.kick(line)
                return
            line.zombie = line.zombie or self._manners.expired_line == "zombie"
        await self._answer(line, mid, "/!", Answer(headers={"dt": "j", "sid": line.sid}))

    async def _serve(self, line: Line, mid: str, lwp: str, body: list[Any]) -> None:
        try:
            if lwp == SEND:
                await self._take_send(line, mid, body)
            elif lwp == ACK_DIFF:
                await self._ack_diff(line, mid, int(body[0].get("pts", 0)))
            elif lwp in self._requests:
                await self._answer(line, mid, lwp, self._requests[lwp](line, body))
            else:
                missing = refusal(404, "404", f"no such service {lwp}")
                await self._answer(line, mid, lwp, missing)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            await self._answer(line, mid, lwp, BAD_REQUEST)

    async def _answer(self, line: Line, mid: str, lwp: str, answer: Answer) -> None:
        if self._faults.take(line.user, "answer_drop", lwp):
            return
        if self._faults.take(line.user, "cut_on_answer", lwp):
            line.abort()
            return
        if answer.code == 200:
            answer = replace(answer, code=self._manners.ok_code)
        headers = answer.headers or {"server-timestamp": str(now_ms())}
        text = answer_frame(mid, answer.code, answer.body, headers=headers)
        if late := self._faults.take(line.user, "answer_delay", lwp):
            self._tasks.start(self._answer_later(line, late.seconds, text))
        else:
            await line.send(text)

    async def _answer_later(self, line: Line, seconds: float, text: str) -> None:
        await asyncio.sleep(seconds)
        await line.send(text)

    # --- /reg ---

    async def _register(self, line: Line, mid: str, headers: dict[str, str]) -> None:
        token = self.world.tokens.get(unquote(headers.get("token", "")))
        user = token.user if token else ""
        if self._faults.take(user, "reg_silent"):
            return
        refused = self._refuse_registration(line, headers, user)
        if refused is not None or token is None:
            answer = refused or refusal(401, "401", "token is not found")
            await line.send(answer_frame(mid, answer.code, answer.body))
            return
        for other in self.lines.of(user):
            if other.did == token.did and other is not line:
                self._tasks.start(self.lines.kick(other))
        self.lines.claim(line, token)
        await line.send(registered_frame(mid, user=user, sid=line.sid, at=now_ms()))
        self.world.bell.ring()
        await self._arouse(line)
        if line.deaf_since is None:
            await self.lines.redeliver(line)

    def _refuse_registration(self, line: Line, headers: dict[str, str], user: str) -> Answer | None:
        token = self.world.tokens.get(unquote(headers.get("token", "")))
        if fault := self._faults.take(user, "reg_refused"):
            return refusal(401, "401", fault.reason or "invalid token")
        if token is None:
            return refusal(401, "401", "token is not found")
        if headers.get("app-key") != APP_KEY or headers.get("did") != token.did:
            return refusal(401, "401", "device id or appkey is not equal")
        if token.expires_at < now_ms():
            return refusal(401, "401", "token invalid")
        if self._manners.ws_cookie == "needed" and self._logins.holds(line.cookies) is None:
            return NOT_AUTHORISED
        others = [one for one in self.lines.of(user) if one.did != token.did]
        limit = self._manners.lines_per_account
        if self._faults.take(user, "reg_limit") or (limit and len(others) >= limit):
            return refusal(400, "400", "connect limit")
        return None

    async def _arouse(self, line: Line) -> None:
        """The first push after `/reg`: suggestions for the newest conversations, no messages."""
        entries = []
        for conversation in self.world.conversations_of(line.user)[:AROUSED_CONVERSATIONS]:
            for keyboard in (False, True):
                value = payloads.session_arouse(conversation.thread, now_ms(), keyboard=keyboard)
                entries.append(json_entry(value))
        if entries:
            await self.lines.send(line, entries, lwp="/s/vulcan", reconnect=True)

    # --- sending ---

    async def _take_send(self, line: Line, mid: str, body: list[Any]) -> None:
        message, scope = body[0], body[1]
        content = self._content(message)
        send = Send(
            line.user,
            digits(message["cid"]),
            str(message["uuid"]),
            payloads.summary_of(content),
            now_ms(),
            line.id,
        )
        self.sends.append(send)
        for told in self.on_send:
            told(send)
        refused = self._refuse_send(line, send)
        if refused is not None:
            await self._answer(line, mid, SEND, refused)
            return
        if self._faults.take(line.user, "send_lost"):
            send.outcome = "lost"
            return
        receivers = {digits(one) for one in scope["actualReceivers"]}
        conversation = self.world.conversations[send.conversation]
        if conversation.thread.buyer not in receivers:
            send.outcome = "bad"
            await self._answer(line, mid, SEND, BAD_REQUEST)
            return
        ext = message.get("extension") or {}
        quoted = str(ext.get("replyMessageId", ""))
        stored, echo = self.own_message(conversation, content, quoted=quoted, uuid=send.uuid)
        send.message = stored.stamp.id
        if self._faults.take(line.user, "send_stored"):
            send.outcome = "stored"
            return
        send.outcome = "accepted"
        silent = line.user not in receivers or self._faults.take(line.user, "echo_missing")
        if self._manners.echo_first and not silent:
            await self.lines.push(line.user, [echo], about=[send.message])
        if self._manners.send_answer != "none":
            await self._answer(line, mid, SEND, self._accepted(line, send, stored))
        if not self._manners.echo_first and not silent:
            await self.lines.push(line.user, [echo], about=[send.message])

    def _content(self, message: dict[str, Any]) -> Content:
        """What is to be sent. Raises ValueError for what the platform does not take."""
        content = _content(message)
        if content.get("contentType") == 2:
            wanted = self._manners.image_type
            if wanted and message["content"]["custom"].get("type") != wanted:
                raise ValueError("wrong custom.type")
            for picture in content["image"]["pics"]:
                size = (int(picture["width"]), int(picture["height"]))
                if min(size) < 1 or not self.is_picture(str(picture["url"])):
                    raise ValueError("not a picture of the platform")
        return content

    def _refuse_send(self, line: Line, send: Send) -> Answer | None:
        conversation = self.world.conversations.get(send.conversation)
        if conversation is None or conversation.thread.seller != line.user:
            send.outcome = "bad"
            return BAD_REQUEST
        if self._faults.take(line.user, "send_blocked"):
            send.outcome = "blocked"
            reason = "内容存在不当信息，请修改后重试"
            inner = "CSI_FORBID" if self._manners.forbid_in == "code" else "400000"
            blocked = {"reason": reason, "code": inner, "moreInfo": "CSI_FORBID||安全拦截"}
            return Answer(self._manners.forbid_code, blocked)
        if self._faults.take(line.user, "send_failed"):
            send.outcome = "failed"
            return refusal(400, "400000", "system is error")
        if self._faults.take(line.user, "send_throttled"):
            send.outcome = "throttled"
            return THROTTLED
        return None

    def _accepted(self, line: Line, send: Send, stored: Message) -> Answer:
        form = self._manners.send_answer
        if form == "bare" or self._faults.take(line.user, "send_no_body"):
            return Answer(headers={"sid": line.sid, "dt": "j"})
        body: dict[str, Any] = {
            "messageId": send.message,
            "uuid": send.uuid,
            "createAt": stored.stamp.at,
        }
        if form == "nested_twice":
            return Answer(body={"1": {"1": send.message}})
        return Answer(body={"1": body} if form == "nested" else body)

    def chat_entry(self, conversation: Conversation, payload: Payload) -> Entry:
        """A chat-shaped payload as an entry, in the form that the platform's manners ask for."""
        form = self._manners.json_messages
        if form != "no" and payload[1][7] == 2:
            return json_entry(payloads.on_json_channel(payload, wrapped=form == "custom"))
        if self._manners.nested_messages:
            sender = payload[1][10]["senderUserId"]
            thread = conversation.thread
            payload = payloads.nested(
                payload, thread.seller if sender == thread.buyer else thread.buyer
            )
        return entry(payload)

    def own_message(
        self,
        conversation: Conversation,
        content: Content,
        *,
        platform: str = "web",
        quoted: str = "",
        uuid: str = "",
    ) -> tuple[Message, Entry]:
        """Store what the seller wrote; returns it with the entry of its echo."""
        stamp = self.world.stamp(conversation)
        payload = payloads.user_message(
            conversation.thread, stamp, content, by_seller=True, platform=platform, quoted=quoted
        )
        words = payloads.summary_of(content)
        message = Message(
            conversation.id,
            stamp,
            conversation.thread.seller,
            content,
            words,
            payload[1][10],
            own=True,
            uuid=uuid,
        )
        return self.world.keep(conversation, message), self.chat_entry(conversation, payload)

    # --- reading ---

    async def buyer_reads(self, conversation: Conversation, ids: list[str], *, batch: bool) -> None:
        """The buyer has read messages of the seller: mark them and push the receipts."""
        fresh = self.world.mark_read(conversation, conversation.thread.buyer, ids)
        if not fresh:
            return
        at = now_ms()
        if batch:
            receipts = [entry(payloads.read_receipts(conversation.id, fresh, at), READ_BATCH)]
        else:
            receipts = [entry(payloads.read_receipt(conversation.id, id, at), READ) for id in fresh]
        await self.lines.push(conversation.thread.seller, receipts)

    # --- sync state ---

    async def _ack_diff(self, line: Line, mid: str, pts: int) -> None:
        """The client says up to where it knows everything; what is newer comes again."""
        if line.deaf_since is not None:
            if self._manners.sync_duty == "state" and pts != line.state_given:
                await self._answer(line, mid, ACK_DIFF, Answer())
                return
            pts, line.deaf_since = min(pts, line.deaf_since), None
            await self.lines.redeliver(line)
        line.gap = None
        form = self._manners.ack_diff_answer
        body: dict[str, Any] = {
            "syncExtensionModel": {"fingerprint": -898528959},
            "syncExtraType": {"type": 3},
        }
        if form == "package":
            body |= sync_package(self.lines.newer_than(line.user, pts), at=now_ms())
        await self._answer(line, mid, ACK_DIFF, Answer(body=None if form == "plain" else body))
        if form != "package":
            await self.lines.replay(line, pts)


def _content(message: dict[str, Any]) -> Content:
    """The content JSON of a send request. Raises ValueError when it is none."""
    custom = message["content"]["custom"]
    try:
        content = json.loads(base64.b64decode(custom["data"], validate=True))
    except binascii.Error as error:
        raise ValueError("content is not base64") from error
    if message["content"].get("contentType") != 101 or not isinstance(content, dict):
        raise ValueError("content is not wrapped")
    return content
