"""A simulated OneBot v11 implementation; it keeps what QQ and its bridges do at the wire.

It behaves like NapCat unless the dialect says otherwise: array messages, positive 31-bit ids, no
replay of what was said while nobody was connected, message lookup that a restart wipes.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from hub.sandbox.onebot_chats import (
    BAD_REQUEST,
    FAILURE,
    UNKNOWN,
    ChatLine,
    Chats,
    Dialect,
    Failed,
    Segment,
    read_message,
    written,
)
from hub.sandbox.qq_people import PeopleOfQq

__all__ = ["ChatLine", "Dialect", "OneBotSim", "Segment"]

Link = aiohttp.ClientWebSocketResponse | web.WebSocketResponse
Line = Callable[[str, str, "ChatLine"], None]

LARGEST_FRAME = 50 * 1024 * 1024
HANDSHAKE_SECONDS = 2.0
"""NapCat gives the other side this long to accept the connection."""


@dataclass(slots=True)
class _Fault:
    times: int | None
    retcode: int = 0
    text: str = ""
    before: float = 0.0
    silent: bool = False
    after: float = 0.0


class _Over(Exception):
    """The connection has ended; everything that belongs to it stops."""


class OneBotSim(PeopleOfQq):
    """One QQ account with a bridge beside it.

    People speak through `say_private` and `say_group`; what the hub does is seen in `chat`. Use
    `connected` (reverse WebSocket, the simulator dials) or `serve_forward` (the hub dials).
    """

    def __init__(
        self,
        *,
        self_id: str = "10001",
        dialect: Dialect | None = None,
        reconnect_seconds: float = 5.0,
    ) -> None:
        self.self_id = self_id
        self.reconnect_seconds = reconnect_seconds
        self.on_line: list[Line] = []
        """Called with scene, peer and line for everything that is said, by either side."""
        self.refusals: deque[int] = deque(maxlen=100)
        """HTTP status of each connection attempt that the other side turned down."""
        self.calls: deque[tuple[str, dict[str, Any]]] = deque(maxlen=10_000)
        """Actions that were asked for, oldest first."""
        self.reactions: deque[tuple[str, str, bool]] = deque(maxlen=1_000)
        self.reaction_result = 0
        """What QQ itself says to reactions; NapCat passes it on."""
        self.images: dict[str, dict[str, Any]] = {}
        """What the bridge knows of pictures by their names, and of files by their ids."""
        self.connections = 0
        """How often the hub was connected so far."""
        self.beats = 0
        """Heartbeats told so far."""
        self._chats = Chats(self_id, dialect or Dialect())
        self._faults: dict[str, _Fault] = {}
        self._links: set[Link] = set()
        self._news = asyncio.Event()
        self._account_online = True

    # --- Connections ----------------------------------------------------------------------------

    @property
    def dialect(self) -> Dialect:
        """May be replaced at any time."""
        return self._chats.dialect

    @dialect.setter
    def dialect(self, dialect: Dialect) -> None:
        self._chats.dialect = dialect

    @property
    def online(self) -> bool:
        """Whether the hub is connected right now."""
        return bool(self._links)

    async def dial(self, url: str, token: str = "") -> None:
        """Connect to the hub's reverse WebSocket and reconnect for ever; ends when cancelled."""
        headers = {
            "X-Self-ID": self.self_id,
            "X-Client-Role": "Universal",
            "Authorization": f"Bearer {token}",
            "User-Agent": "OneBot/11",
        }
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    async with asyncio.timeout(HANDSHAKE_SECONDS):
                        ws = await http.ws_connect(url, headers=headers, max_msg_size=LARGEST_FRAME)
                    async with ws:
                        await self._speak(ws)
                except aiohttp.WSServerHandshakeError as error:
                    self.refusals.append(error.status)
                    self._tell()
                except (aiohttp.ClientError, OSError, TimeoutError):
                    pass
                task = asyncio.current_task()
                if task is not None and task.cancelling():  # a TaskGroup kept it to itself
                    raise asyncio.CancelledError
                await asyncio.sleep(self.reconnect_seconds)

    @asynccontextmanager
    async def connected(self, url: str, token: str = "") -> AsyncIterator[OneBotSim]:
        """Keep dialling `url` while the block runs; does not wait for the first connection."""
        async with asyncio.TaskGroup() as tasks:
            dialling = tasks.create_task(self.dial(url, token), name=f"onebot {self.self_id}")
            try:
                yield self
            finally:
                dialling.cancel()

    @asynccontextmanager
    async def serve_forward(
        self, host: str = "127.0.0.1", port: int = 0, token: str = ""
    ) -> AsyncIterator[str]:
        """Serve a forward WebSocket while the block runs; yields its address."""

        async def meet(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            right = not token or token in (given, request.query.get("access_token"))
            if not right and self.dialect.token_refused_by_http:
                return web.Response(status=403)
            ws = web.WebSocketResponse(max_msg_size=LARGEST_FRAME, timeout=1.0)
            await ws.prepare(request)
            if not right:
                answer = {"status": "failed", "retcode": 1403, "message": "token验证失败"}
                await ws.send_str(json.dumps({**answer, "data": None}))
                await ws.close()
                return ws
            await self._speak(ws)
            return ws

        app = web.Application()
        app.router.add_get("/", meet)
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            yield f"ws://{host}:{runner.addresses[0][1]}/"
        finally:
            await self.hang_up()
            await runner.cleanup()

    async def hang_up(self) -> None:
        """Close every connection politely; a dialling simulator comes back by itself."""
        for ws in tuple(self._links):
            await ws.close()

    def cut(self) -> None:
        """Lose every connection as a pulled cable does: no close frame."""
        for ws in tuple(self._links):
            line = ws.get_extra_info("socket")
            if line is not None:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    async def wait_online(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109
        """Wait until the hub is connected. Raises TimeoutError."""
        await self.wait_until(lambda: self.online, timeout)

    async def wait_refused(self, timeout: float = 30.0) -> int:  # noqa: ASYNC109
        """Wait for a connection attempt to be turned down; returns its HTTP status."""
        await self.wait_until(lambda: bool(self.refusals), timeout)
        return self.refusals[-1]

    async def wait_until(
        self,
        met: Callable[[], bool],
        timeout: float = 30.0,  # noqa: ASYNC109
    ) -> None:
        """Wait until something about this simulator holds. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not met():
                await self._news.wait()

    async def _speak(self, ws: Link) -> None:
        await self._push(ws, self._meta("lifecycle", sub_type="connect"))
        self._links.add(ws)
        self.connections += 1
        self._tell()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._beat(ws))
                async for frame in ws:
                    if frame.type is aiohttp.WSMsgType.TEXT:
                        tasks.create_task(self._serve(ws, frame.data))
                raise _Over
        except* _Over:
            pass
        finally:
            self._links.discard(ws)
            self._tell()

    async def _beat(self, ws: Link) -> None:
        while True:
            await asyncio.sleep(self.dialect.heartbeat_seconds)
            await self._push(ws, self._heartbeat())
            self.beats += 1
            self._tell()

    async def _push(self, ws: Link, frame: dict[str, Any]) -> None:
        with suppress(ConnectionError, aiohttp.ClientError):
            await ws.send_str(written(frame))

    async def _emit(self, frame: dict[str, Any]) -> None:
        for ws in tuple(self._links):
            await self._push(ws, frame)

    # --- People ---------------------------------------------------------------------------------

    async def repeat(self, message_id: str) -> None:
        """Deliver the event of an earlier message once more, as some bridges do."""
        place = self._chats.place(message_id)
        if place is None:
            raise KeyError(message_id)
        await self._emit(self._chats.event("message", place.scene, place.peer, place.line))

    async def tell_event(self, frame: dict[str, Any]) -> None:
        """Send any event; `time` and `self_id` are filled in."""
        await self._emit({"time": _seconds(), "self_id": int(self.self_id), **frame})

    async def set_account_online(self, online: bool) -> None:
        """QQ itself drops or takes back the account; the next heartbeat says so at once."""
        self._account_online = online
        await self._emit(self._heartbeat())

    def chat(self, scene: str, peer: str) -> list[ChatLine]:
        """Everything said in that chat, oldest first."""
        return self._chats.lines(scene, peer)

    async def wait_for_line(
        self,
        scene: str,
        peer: str,
        predicate: Callable[[ChatLine], bool],
        timeout: float = 30.0,  # noqa: ASYNC109
    ) -> ChatLine:
        """The newest line of a chat that satisfies `predicate`. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while True:
                for line in reversed(self.chat(scene, peer)):
                    if predicate(line):
                        return line
                await self._news.wait()

    def forget(self) -> None:
        """The bridge was restarted: old ids can no longer be looked up, quoted or recalled."""
        self._chats.forget()

    async def _say(
        self,
        scene: str,
        peer: str,
        user_id: str,
        text: str,
        quote: str | None,
        image: str,
        more: Sequence[Segment] = (),
        *,
        at_bot: bool,
    ) -> str:
        segments: list[Segment] = []
        if quote is not None:
            segments.extend(self._chats.quote_segments(scene, quote))
        if at_bot:
            segments.append({"type": "at", "data": {"qq": self.self_id}})
        if text:
            segments.append({"type": "text", "data": {"text": f" {text}" if at_bot else text}})
        if image:
            segments.append({"type": "image", "data": {"file": image, "url": image}})
        segments.extend(more)
        line = self._add(scene, peer, user_id, segments, quote)
        await self._emit(self._chats.event("message", scene, peer, line))
        return line.id

    # --- Faults ---------------------------------------------------------------------------------

    def fail(
        self, action: str, retcode: int = 1200, text: str = "", *, times: int | None = 1
    ) -> None:
        """Refuse the action; `times` None: until `heal`."""
        self._faults[action] = _Fault(times, retcode=retcode, text=text)

    def delay(self, action: str, seconds: float, *, times: int | None = 1) -> None:
        """Do the action only after `seconds`."""
        self._faults[action] = _Fault(times, before=seconds)

    def swallow(
        self, action: str, *, answer_after: float | None = None, times: int | None = 1
    ) -> None:
        """Do the action at once, but answer late, or never (`answer_after` None)."""
        silent = answer_after is None
        self._faults[action] = _Fault(times, silent=silent, after=answer_after or 0.0)

    def heal(self) -> None:
        """Take back all faults."""
        self._faults.clear()

    def _fault_of(self, action: str) -> _Fault:
        fault = self._faults.get(action)
        if fault is None:
            return _Fault(0)
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self._faults[action]
        return fault

    # --- Actions --------------------------------------------------------------------------------

    async def _serve(self, ws: Link, raw: str) -> None:
        try:
            request = json.loads(raw)
        except ValueError:
            if self.dialect.answers_unreadable:
                unread = Failed(BAD_REQUEST, "json解析失败,请检查数据格式")
                await self._push(ws, {**self.dialect.refusal(unread), "echo": None})
            return
        action, params = str(request.get("action")), dict(request.get("params") or {})
        self.calls.append((action, params))
        self._tell()
        fault = self._fault_of(action)
        await asyncio.sleep(fault.before)
        try:
            if fault.retcode:
                raise Failed(fault.retcode, fault.text, exactly=True)
            answer = {"status": "ok", "retcode": 0, "data": await self._perform(action, params)}
            answer |= self.dialect.words()
        except Failed as failed:
            answer = self.dialect.refusal(failed)
        except (ValueError, TypeError, KeyError) as error:
            answer = self.dialect.refusal(Failed(BAD_REQUEST, str(error)))
        await asyncio.sleep(fault.after)
        if not fault.silent:
            await self._push(ws, {**answer, "echo": request.get("echo")})

    async def _perform(self, action: str, params: dict[str, Any]) -> Any:
        if action in self.dialect.missing_actions:
            raise Failed(UNKNOWN, f"不支持的Api {action}")
        match action:
            case "send_msg" | "send_private_msg" | "send_group_msg":
                return await self._send(action, params)
            case "get_msg":
                return self._chats.look_up(str(params.get("message_id")))
            case "get_login_info":
                return {"user_id": int(self.self_id), "nickname": "鱼桥机器人"}
            case "get_status":
                return {"online": self._account_online, "good": True}
            case "get_version_info":
                return {"app_name": "OneBotSim", "app_version": "1", "protocol_version": "v11"}
            case "get_friend_msg_history":
                return self._history("private", params.get("user_id"), params)
            case "get_group_msg_history":
                return self._history("group", params.get("group_id"), params)
            case "get_image" | "get_file" | "get_private_file_url":
                name = str(params.get("file_id") or params.get("file"))
                if name not in self.images:
                    raise Failed(FAILURE, "文件不存在")
                return self.images[name]
            case "delete_msg":
                self._chats.recall(str(params.get("message_id")))
                return None
            case self.dialect.reaction_action:
                return self._react(params)
            case _:
                raise Failed(UNKNOWN, f"不支持的Api {action}")

    def _react(self, params: dict[str, Any]) -> dict[str, Any] | None:
        """NapCat's and Lagrange's names for the same."""
        message_id = str(params.get("message_id"))
        if not self._chats.knows(message_id):
            raise Failed(FAILURE, "消息不存在")
        napcat = self.dialect.reaction_action == "set_msg_emoji_like"
        face, on = ("emoji_id", "set") if napcat else ("code", "is_add")
        self.reactions.append((message_id, str(params[face]), bool(params.get(on, True))))
        self._tell()
        return {"result": self.reaction_result, "errMsg": ""} if napcat else None

    async def _send(self, action: str, params: dict[str, Any]) -> dict[str, Any]:
        group = action == "send_group_msg" or (
            action == "send_msg"
            and (params.get("message_type") == "group" or "user_id" not in params)
        )
        scene = "group" if group else "private"
        peer = params.get("group_id" if group else "user_id")
        if not peer:
            raise Failed(BAD_REQUEST, "缺少 group_id 或 user_id")
        segments = read_message(params.get("message"))
        quoted = next((s["data"].get("id") for s in segments if s["type"] == "reply"), None)
        if quoted is not None and not self._chats.knows(str(quoted)):
            if self.dialect.unknown_quote_fails:
                raise Failed(FAILURE, "")
            quoted = None
            segments = [s for s in segments if s["type"] != "reply"]
        if not segments:
            raise Failed(FAILURE, "消息体无法解析")
        line = self._add(
            scene, str(peer), self.self_id, segments, None if quoted is None else str(quoted)
        )
        if self.dialect.report_self_message:
            await self._emit(self._chats.event("message_sent", scene, str(peer), line))
        return {"message_id": int(line.id)}

    def _history(self, scene: str, peer: object, params: dict[str, Any]) -> dict[str, Any]:
        count, anchor = int(params.get("count") or 20), str(params.get("message_seq") or "0")
        return {"messages": self._chats.history(scene, str(peer), count, anchor)}

    def _add(
        self, scene: str, peer: str, sender: str, segments: list[Segment], quoted: str | None
    ) -> ChatLine:
        line = self._chats.add(scene, peer, sender, segments, quoted)
        for told in self.on_line:
            told(scene, peer, line)
        self._tell()
        return line

    # --- Frames ----------------------------------------------------------------------------------

    def _meta(self, kind: str, **more: Any) -> dict[str, Any]:
        head = {"time": _seconds(), "self_id": int(self.self_id), "post_type": "meta_event"}
        return {**head, "meta_event_type": kind, **more}

    def _heartbeat(self) -> dict[str, Any]:
        online = self._account_online or self.dialect.always_online
        status = {"online": online, "good": True}
        every = int(self.dialect.heartbeat_seconds * 1000)
        return self._meta("heartbeat", status=status, interval=every)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _seconds() -> int:
    return int(datetime.now(UTC).timestamp())
