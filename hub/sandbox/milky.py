"""A simulated Milky server: calls over HTTP, events over a WebSocket, numbers per chat.

It behaves like Lagrange V2 unless told otherwise: own messages are not reported, a call without a
token is answered with 401, one while QQ is logged out with -403.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from hub.sandbox.onebot_chats import ChatLine, Failed, Segment
from hub.sandbox.qq_people import PeopleOfQq

LARGEST_BODY = 50 * 1024 * 1024
MOST_HISTORY = 30
SCENES = {"private": "friend", "group": "group"}


@dataclass(slots=True)
class _Chat:
    lines: list[ChatLine] = field(default_factory=list)
    next_seq: int = 100


@dataclass(slots=True)
class _Fault:
    times: int | None
    retcode: int = 0
    text: str = ""
    status: int = 200
    lost: bool = False


class MilkySim(PeopleOfQq):
    """One QQ account behind a server that the hub dials. Use `serve`.

    Numbers of messages are those of a chat: two chats have the same ones.
    """

    def __init__(
        self, *, self_id: str = "30001", token: str = "", report_self_message: bool = False
    ) -> None:
        self.self_id = self_id
        self.token = token
        self.report_self_message = report_self_message
        self.logged_in = True
        self.connections = 0
        """How often the hub was connected so far."""
        self.refused = 0
        """Calls and connections with a wrong token."""
        self.calls: deque[tuple[str, dict[str, Any]]] = deque(maxlen=10_000)
        """Calls that were let in, oldest first."""
        self.files: dict[tuple[str, str], str] = {}
        """Addresses of files by their ids and hashes."""
        self.reactions: deque[tuple[str, str, bool]] = deque(maxlen=1_000)
        self.resources: dict[str, str] = {}
        """Where pictures lie, by their names."""
        self._chats: dict[tuple[str, str], _Chat] = {}
        self._faults: dict[str, _Fault] = {}
        self._links: set[web.WebSocketResponse] = set()
        self._news = asyncio.Event()

    # --- Connections ----------------------------------------------------------------------------

    @property
    def online(self) -> bool:
        return bool(self._links)

    @asynccontextmanager
    async def serve(
        self, host: str = "127.0.0.1", port: int = 0, *, prefix: str = ""
    ) -> AsyncIterator[str]:
        """Serve while the block runs; yields the address to configure."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get(f"{prefix}/event", self._meet)
        app.router.add_post(f"{prefix}/api/{{action}}", self._serve)
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield f"http://{host}:{runner.addresses[0][1]}{prefix}"
        finally:
            await self.hang_up()
            await runner.cleanup()

    async def hang_up(self) -> None:
        for ws in tuple(self._links):
            await ws.close()

    def cut(self) -> None:
        """Lose every connection as a pulled cable does: no close frame."""
        for ws in tuple(self._links):
            line = ws.get_extra_info("socket")
            if line is not None:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    async def log_out(self, reason: str = "你的账号在别处登录") -> None:
        """QQ drops the account."""
        self.logged_in = False
        await self._emit("bot_offline", {"reason": reason})

    async def _meet(self, request: web.Request) -> web.StreamResponse:
        if not self._may(request):
            return web.Response(status=401)
        ws = web.WebSocketResponse(timeout=1.0)
        await ws.prepare(request)
        self._links.add(ws)
        self.connections += 1
        self._tell()
        try:
            async for _ in ws:
                pass
        finally:
            self._links.discard(ws)
            self._tell()
        return ws

    def _may(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self.token or self.token in (given, request.query.get("access_token")):
            return True
        self.refused += 1
        self._tell()
        return False

    async def _emit(self, event_type: str, data: dict[str, Any]) -> None:
        event = {"time": _seconds(), "self_id": int(self.self_id), "event_type": event_type}
        for ws in tuple(self._links):
            with suppress(ConnectionError):
                await ws.send_str(json.dumps({**event, "data": data}))

    # --- People ---------------------------------------------------------------------------------

    async def repeat(self, scene: str, peer: str, seq: str) -> None:
        """Deliver the event of an earlier message once more."""
        line = next(one for one in self.chat(scene, peer) if one.id == seq)
        await self._emit("message_receive", self._message(scene, peer, line))

    async def tell_event(self, event_type: str, data: dict[str, Any]) -> None:
        """Send any event."""
        await self._emit(event_type, data)

    async def tell_raw(self, text: str) -> None:
        """Send what may be no event at all."""
        for ws in tuple(self._links):
            await ws.send_str(text)

    def chat(self, scene: str, peer: str) -> list[ChatLine]:
        return list(self._chat(scene, peer).lines)

    async def wait_for_line(
        self,
        scene: str,
        peer: str,
        part: str,
        timeout: float = 30.0,  # noqa: ASYNC109
    ) -> ChatLine:
        """The newest line of the bot that contains `part`. Raises TimeoutError."""

        def found() -> list[ChatLine]:
            return [line for line in self.bot_lines(scene, peer) if part in line.text]

        async with asyncio.timeout(timeout):
            while not found():
                self._news.clear()
                await self._news.wait()
        return found()[-1]

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
            segments.append({"type": "reply", "data": {"message_seq": int(quote)}})
        if at_bot:
            segments.append({"type": "mention", "data": {"user_id": int(self.self_id)}})
        if text:
            segments.append({"type": "text", "data": {"text": f" {text}" if at_bot else text}})
        if image:
            name = f"resource-{len(self.resources) + 1}"
            self.resources[name] = image
            picture = {"resource_id": name, "temp_url": image, "width": 1, "height": 1}
            segments.append({"type": "image", "data": {**picture, "sub_type": "normal"}})
        segments.extend(more)
        line = self._add(scene, peer, user_id, segments)
        await self._emit("message_receive", self._message(scene, peer, line))
        return line.id

    def _chat(self, scene: str, peer: str) -> _Chat:
        return self._chats.setdefault((scene, peer), _Chat())

    def _add(self, scene: str, peer: str, sender: str, segments: list[Segment]) -> ChatLine:
        chat = self._chat(scene, peer)
        text = "".join(s["data"].get("text", "") for s in segments if s["type"] == "text")
        quoted = [str(s["data"]["message_seq"]) for s in segments if s["type"] == "reply"]
        chat.next_seq += 1
        line = ChatLine(
            str(chat.next_seq),
            sender,
            text.strip(),
            tuple(segments),
            quoted[0] if quoted else None,
            datetime.now(UTC),
        )
        chat.lines.append(line)
        self._tell()
        return line

    def _message(self, scene: str, peer: str, line: ChatLine) -> dict[str, Any]:
        return {
            "message_scene": SCENES[scene],
            "peer_id": int(peer),
            "message_seq": int(line.id),
            "sender_id": int(line.sender),
            "time": int(line.at.timestamp()),
            "segments": list(line.segments),
        }

    # --- Faults ---------------------------------------------------------------------------------

    def fail(
        self, action: str, retcode: int = -500, text: str = "", *, times: int | None = 1
    ) -> None:
        """Refuse the call; `times` None: until `heal`."""
        self._faults[action] = _Fault(times, retcode=retcode, text=text)

    def unknown(self, action: str) -> None:
        """The server does not have this call."""
        self._faults[action] = _Fault(None, status=404)

    def turn_down(self, action: str, status: int) -> None:
        """Answer the next such call with an HTTP status alone."""
        self._faults[action] = _Fault(1, status=status)

    def swallow(self, action: str, *, times: int | None = 1) -> None:
        """Do what was asked and break the connection before the answer."""
        self._faults[action] = _Fault(times, lost=True)

    def heal(self) -> None:
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

    # --- Calls ----------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not self._may(request):
            return web.Response(status=401)
        if request.content_type != "application/json":
            return web.Response(status=415)
        action, params = request.match_info["action"], await request.json()
        self.calls.append((action, params))
        self._tell()
        fault = self._fault_of(action)
        if fault.status != 200:
            return web.Response(status=fault.status)
        try:
            if not self.logged_in:
                raise Failed(-403, "未处于登录状态")
            if fault.retcode:
                raise Failed(fault.retcode, fault.text)
            data = await self._perform(action, params)
        except KeyError:
            return web.json_response(_failed(-400, "参数不对"))
        except LookupError:
            return web.Response(status=404)
        except Failed as failed:
            return web.json_response(_failed(failed.retcode, failed.text))
        if fault.lost and request.transport is not None:
            request.transport.close()
        return web.json_response({"status": "ok", "retcode": 0, "data": data})

    async def _perform(self, action: str, params: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "get_login_info":
                return {"uin": int(self.self_id), "nickname": "鱼桥机器人"}
            case "send_private_message":
                return await self._send("private", str(params["user_id"]), params["message"])
            case "send_group_message":
                return await self._send("group", str(params["group_id"]), params["message"])
            case "get_message":
                scene, peer = _place(params)
                found = [one for one in self.chat(scene, peer) if one.id == _seq(params)]
                if not found:
                    raise Failed(-404, "消息不存在")
                return {"message": self._message(scene, peer, found[0])}
            case "get_history_messages":
                scene, peer = _place(params)
                lines = self.chat(scene, peer)[-min(int(params.get("limit", 20)), MOST_HISTORY) :]
                before = int(lines[0].id) - 1 if lines else None
                messages = [self._message(scene, peer, one) for one in lines]
                return {"messages": messages, "next_message_seq": before}
            case "get_resource_temp_url":
                if params["resource_id"] not in self.resources:
                    raise Failed(-404, "资源不存在")
                return {"url": self.resources[params["resource_id"]]}
            case "get_private_file_download_url":
                if (params["file_id"], params["file_hash"]) not in self.files:
                    raise Failed(-404, "文件不存在")
                return {"download_url": self.files[params["file_id"], params["file_hash"]]}
            case "send_group_message_reaction":
                told = (_seq(params), str(params["reaction"]), bool(params.get("is_add", True)))
                self.reactions.append(told)
                return {}
            case _:
                raise LookupError(action)

    async def _send(self, scene: str, peer: str, message: list[Segment]) -> dict[str, Any]:
        if any(value is None for segment in message for value in segment["data"].values()):
            raise Failed(-400, "字段的类型不对")
        line = self._add(scene, peer, self.self_id, message)
        if self.report_self_message:
            await self._emit("message_receive", self._message(scene, peer, line))
        return {"message_seq": int(line.id), "time": int(line.at.timestamp())}

    def _tell(self) -> None:
        self._news.set()


def _place(params: dict[str, Any]) -> tuple[str, str]:
    scene = "group" if params["message_scene"] == "group" else "private"
    return scene, str(params["peer_id"])


def _seq(params: dict[str, Any]) -> str:
    return str(params["message_seq"])


def _failed(retcode: int, text: str) -> dict[str, Any]:
    return {"status": "failed", "retcode": retcode, "message": text}


def _seconds() -> int:
    return int(datetime.now(UTC).timestamp())
