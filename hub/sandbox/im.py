"""The IM endpoint: what the platform answers to each request of a WebSocket connection."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aiohttp import WSMsgType, web

from hub.sandbox import payloads
from hub.sandbox.encode import (
    APP_KEY,
    READ,
    READ_BATCH,
    answer_frame,
    entry,
    json_entry,
    registered_frame,
)
from hub.sandbox.faults import Faults, Manners
from hub.sandbox.lines import Line, Lines
from hub.sandbox.payloads import Content
from hub.sandbox.tasks import Tasks
from hub.sandbox.views import conversation_model, history_model, pair_model
from hub.sandbox.world import Conversation, Message, World, now_ms

AROUSED_CONVERSATIONS = 7
"""The first `/s/vulcan` speaks of at most so many conversations, two entries each."""
RECALL_MS = 120_000
SEND = "/r/MessageSend/sendByReceiverScope"
_DOMAIN = "@goofish"


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


@dataclass(frozen=True, slots=True)
class Answer:
    code: int = 200
    body: Any = None
    headers: dict[str, str] | None = None


def refusal(code: int, inner: str, reason: str) -> Answer:
    return Answer(code, {"code": inner, "reason": reason, "developerMessage": reason})


THROTTLED = refusal(400, "400600001", "IM flow control")
NOT_AUTHORISED = refusal(401, "401", "not auth")
BAD_REQUEST = refusal(400, "400000", "param is invalid")


class Im:
    """One server for all accounts; connections become an account's by `/reg`."""

    def __init__(
        self, world: World, lines: Lines, faults: Faults, manners: Manners, tasks: Tasks
    ) -> None:
        self.world = world
        self.lines = lines
        self.sends: deque[Send] = deque(maxlen=50_000)
        self.on_send: list[Callable[[Send], None]] = []
        """Called when a send request arrives, before anything is done with it."""
        self._faults = faults
        self._manners = manners
        self._tasks = tasks
        self._requests: dict[str, Callable[[Line, list[Any]], Answer]] = {
            "/r/SyncStatus/getState": self._get_state,
            "/r/Conversation/listNewestPagination": self._list_conversations,
            "/r/MessageManager/listUserMessages": self._list_messages,
            "/r/SingleChatConversation/create": self._create_conversation,
            "/r/MessageManager/recallMessage": lambda line, body: self._recall(line, body[0]),
            "/r/MessageManager/recallMessageByFeature": (
                lambda line, body: self._recall(line, body[1])
            ),
            "/r/Conversation/clearRedPoint": lambda _line, _body: Answer(),
        }

    async def meet(self, request: web.Request) -> web.WebSocketResponse:
        """Speak with one client until it is gone."""
        ws = web.WebSocketResponse(
            autoping=True, compress=False, max_msg_size=8 * 1024 * 1024, timeout=1.0
        )
        await ws.prepare(request)
        line = Line(ws, request)
        self.lines.add(line)
        try:
            async for frame in ws:
                if frame.type is WSMsgType.TEXT:
                    await self._receive(line, frame.data)
        finally:
            self.lines.remove(line)
        return ws

    async def _receive(self, line: Line, text: str) -> None:
        try:
            frame = json.loads(text)
            mid = frame["headers"]["mid"]
        except (ValueError, KeyError, TypeError):
            await line.close(1002)
            return
        lwp = frame.get("lwp")
        if lwp is None:
            self.lines.acknowledge(mid)
        elif lwp == "/reg":
            await self._register(line, mid, frame["headers"])
        elif lwp == "/!":
            line.heartbeats += 1
            await self._answer(line, mid, lwp, Answer(headers={"dt": "j", "sid": line.sid}))
        elif not line.registered:
            await self._answer(line, mid, lwp, NOT_AUTHORISED)
        else:
            await self._serve(line, mid, lwp, frame.get("body") or [])

    async def _serve(self, line: Line, mid: str, lwp: str, body: list[Any]) -> None:
        try:
            if lwp == SEND:
                await self._take_send(line, mid, body)
            elif lwp == "/r/SyncStatus/ackDiff":
                pts = int(body[0].get("pts", 0))
                await self._answer(line, mid, lwp, Answer())
                await self.lines.replay(line, pts)
            elif lwp == "/r/MessageStatus/read":
                await self._answer(line, mid, lwp, self._seller_read(line, body))
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
        refused = self._refuse_registration(headers, user)
        if refused is not None or token is None:
            answer = refused or refusal(401, "401", "token is not found")
            await line.send(answer_frame(mid, answer.code, answer.body))
            return
        for other in self.lines.of(user):
            if other.did == token.did and other is not line:
                self._tasks.start(self.lines.kick(other))
        line.user, line.did, line.token_number = user, token.did, token.number
        line.registered_at = time.monotonic()
        await line.send(registered_frame(mid, user=user, sid=line.sid, at=now_ms()))
        self.world.bell.ring()
        await self._arouse(line)
        await self.lines.redeliver(line)

    def _refuse_registration(self, headers: dict[str, str], user: str) -> Answer | None:
        token = self.world.tokens.get(unquote(headers.get("token", "")))
        if fault := self._faults.take(user, "reg_refused"):
            return refusal(401, "401", fault.reason or "invalid token")
        if token is None:
            return refusal(401, "401", "token is not found")
        if headers.get("app-key") != APP_KEY or headers.get("did") != token.did:
            return refusal(401, "401", "device id or appkey is not equal")
        if token.expires_at < now_ms():
            return refusal(401, "401", "token invalid")
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
        content = _content(message)
        send = Send(
            line.user,
            _digits(message["cid"]),
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
        receivers = {_digits(one) for one in scope["actualReceivers"]}
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
        await self._answer(line, mid, SEND, self._accepted(line, send, stored))
        if not self._manners.echo_first and not silent:
            await self.lines.push(line.user, [echo], about=[send.message])

    def _refuse_send(self, line: Line, send: Send) -> Answer | None:
        conversation = self.world.conversations.get(send.conversation)
        if conversation is None or conversation.thread.seller != line.user:
            send.outcome = "bad"
            return BAD_REQUEST
        if self._faults.take(line.user, "send_blocked"):
            send.outcome = "blocked"
            reason = "内容存在不当信息，请修改后重试"
            more = "CSI_FORBID||安全拦截"
            return Answer(200, {"reason": reason, "code": "CSI_FORBID", "moreInfo": more})
        if self._faults.take(line.user, "send_failed"):
            send.outcome = "failed"
            return refusal(400, "400000", "system is error")
        if self._faults.take(line.user, "send_throttled"):
            send.outcome = "throttled"
            return THROTTLED
        return None

    def _accepted(self, line: Line, send: Send, stored: Message) -> Answer:
        if self._faults.take(line.user, "send_no_body"):
            return Answer(headers={"sid": line.sid, "dt": "j"})
        body = {"messageId": send.message, "uuid": send.uuid, "createAt": stored.stamp.at}
        return Answer(body=body)

    def own_message(
        self,
        conversation: Conversation,
        content: Content,
        *,
        platform: str = "web",
        quoted: str = "",
        uuid: str = "",
    ) -> tuple[Message, dict[str, Any]]:
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
        return self.world.keep(conversation, message), entry(payload)

    # --- reading ---

    def _seller_read(self, line: Line, body: list[Any]) -> Answer:
        ids = body[0]
        if not isinstance(ids, list) or not all(str(one).endswith(".PNM") for one in ids):
            return BAD_REQUEST
        for id in ids:
            found = self.world.find_message(id)
            if found and found[0].thread.seller == line.user:
                self.world.mark_read(found[0], line.user, [id])
        return Answer()

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

    # --- lists ---

    def _get_state(self, line: Line, _body: list[Any]) -> Answer:
        return Answer(
            body={
                "channel": "sync",
                "highPts": 0,
                "pipeline": "sync",
                "pts": self.lines.newest_pts(line.user),
                "seq": 0,
                "timestamp": now_ms(),
                "tooLong2Tag": "PNM,1",
                "topic": "sync",
            }
        )

    def _too_early(self, line: Line) -> bool:
        early = line.seconds_registered < self._manners.list_quiet_seconds
        return early or self._faults.take(line.user, "list_throttle") is not None

    def _list_conversations(self, line: Line, body: list[Any]) -> Answer:
        if self._too_early(line):
            return THROTTLED
        cursor, limit = int(body[0]), int(body[1])
        older = [
            one
            for one in self.world.conversations_of(line.user)
            if one.modified_at < cursor and one.messages
        ]
        page = older[:limit]
        return Answer(
            body={
                "hasMore": int(len(older) > limit),
                "nextCursor": page[-1].modified_at if page else 0,
                "userConvs": [
                    {"type": 1, "singleChatUserConversation": conversation_model(one)}
                    for one in page
                ],
            }
        )

    def _list_messages(self, line: Line, body: list[Any]) -> Answer:
        if self._too_early(line):
            return THROTTLED
        conversation = self._own_conversation(line, body[0])
        cursor, limit = int(body[2]), int(body[3])
        shown = [one for one in conversation.messages if not one.recalled]
        if not shown:
            return Answer(body={"nextCursor": 0, "hasMore": 0, "degradeFailover": 0})
        older = [one for one in reversed(shown) if one.stamp.at < cursor]
        page = older[:limit]
        return Answer(
            body={
                "hasMore": int(len(older) > limit),
                "nextCursor": page[-1].stamp.at if page else 0,
                "userMessageModels": [history_model(one) for one in page],
            }
        )

    def _create_conversation(self, line: Line, body: list[Any]) -> Answer:
        wish = body[0]
        pair = {_digits(wish["pairFirst"]), _digits(wish["pairSecond"])}
        (buyer,) = pair - {line.user}
        made = self.world.conversation_of(line.user, buyer, str(wish["extension"]["itemId"]))
        return Answer(body={"singleChatConversation": pair_model(made)})

    def _recall(self, line: Line, id: object) -> Answer:
        found = self.world.find_message(str(id))
        if found is None or found[1].sender != line.user:
            return refusal(400, "400", "非本人消息，无法撤回")
        if now_ms() - found[1].stamp.at > RECALL_MS:
            return refusal(400, "400", "超过可撤回时间")
        found[1].recalled = True
        self.world.bell.ring()
        return Answer()

    def _own_conversation(self, line: Line, cid: str) -> Conversation:
        conversation = self.world.conversation(_digits(cid))
        if conversation.thread.seller != line.user:
            raise KeyError(cid)
        return conversation


def _digits(id: str) -> str:
    return str(id).removesuffix(_DOMAIN)


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
