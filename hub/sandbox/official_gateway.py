"""The gateway of the simulated official platform: hello, identify, heartbeat, resume, events."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from hub.sandbox.world import Bell

MESSAGES = 1 << 25
INTERACTIONS = 1 << 26
HEARTBEAT_MS = 41_250
Event = dict[str, Any]


@dataclass(slots=True)
class _Session:
    """What a bot has been told since it identified; a resume gets the rest of it again."""

    id: str
    intents: int
    told: list[Event] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None


class Gateway:
    def __init__(self, bell: Bell, is_token: Callable[[str], bool], me: dict[str, Any]) -> None:
        self.heartbeat_ms = HEARTBEAT_MS
        self.grants = MESSAGES | INTERACTIONS
        """Kinds of events that the bot may ask for; who asks for more is hung up on."""
        self.session_limit: Event = {}
        """How many sessions may still begin, where that is told otherwise than usual."""
        self.identified = 0
        """How often a new session began."""
        self.resumed = 0
        self.beats = 0
        self.deaf = False
        """Beats are heard and not answered, as by a line that is half gone."""
        self._bell = bell
        self._is_token = is_token
        self._me = me
        self._session: _Session | None = None
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def session(self) -> str:
        """Id of the session that could be resumed; empty: there is none."""
        return self._session.id if self._session is not None else ""

    @property
    def online(self) -> bool:
        """Whether the bot is in a session right now."""
        return self._session is not None and self._session.socket is not None

    async def tell(self, kind: str, id_: str, data: Event, intent: int = MESSAGES) -> bool:
        """An event for the bot. It waits for a resume if the bot is away; without a session, or
        where the bot did not ask for its kind, nobody ever hears of it: False."""
        session = self._session
        if session is None or not session.intents & intent:
            return False
        event = {"op": 0, "s": len(session.told) + 1, "t": kind, "id": id_, "d": data}
        session.told.append(event)
        if session.socket is not None:
            await _send(session.socket, event)
        return True

    async def repeat(self) -> None:
        """Tell the last event once more, as it was."""
        if self._session is not None and self._session.socket is not None:
            await _send(self._session.socket, self._session.told[-1])

    def forget(self) -> None:
        """Sessions are over: who wants to resume has to begin anew."""
        self._session = None

    async def cut(self, code: int = 4009) -> None:
        """Hang up. The session stays."""
        for socket in tuple(self._sockets):
            await socket.close(code=code)

    async def ask_to_reconnect(self) -> None:
        for socket in tuple(self._sockets):
            await _send(socket, {"op": 7})

    async def meet(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await _send(socket, {"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}})
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                await self._take(socket, json.loads(message.data))
        finally:
            self._sockets.discard(socket)
            if self._session is not None and self._session.socket is socket:
                self._session.socket = None
            self._bell.ring()
        return socket

    async def _take(self, socket: web.WebSocketResponse, frame: Event) -> None:
        data = frame.get("d")
        match frame.get("op"):
            case 1:
                self.beats += 1
                if not self.deaf:
                    await _send(socket, {"op": 11})
            case 2 if isinstance(data, dict) and self._knows(data):
                await self._identify(socket, int(data["intents"]))
            case 6 if isinstance(data, dict) and self._knows(data):
                await self._resume(socket, data)
            case _:
                await _send(socket, {"op": 9, "d": False})
        self._bell.ring()

    def _knows(self, data: Event) -> bool:
        return self._is_token(str(data.get("token", "")).removeprefix("QQBot "))

    async def _identify(self, socket: web.WebSocketResponse, intents: int) -> None:
        if intents & ~self.grants:
            await socket.close(code=4014)
            return
        self.identified += 1
        self._session = _Session(secrets.token_hex(16), intents, socket=socket)
        ready = {
            "version": 1,
            "session_id": self._session.id,
            "user": self._me,
            "shard": [0, 1],
        }
        event = {"op": 0, "s": 1, "t": "READY", "d": ready}
        self._session.told.append(event)
        await _send(socket, event)

    async def _resume(self, socket: web.WebSocketResponse, data: Event) -> None:
        session = self._session
        if session is None or session.id != data.get("session_id"):
            await _send(socket, {"op": 9, "d": False})
            return
        self.resumed += 1
        session.socket = socket
        for event in session.told[int(data["seq"]) :]:
            await _send(socket, event)
        resumed = {"op": 0, "s": len(session.told) + 1, "t": "RESUMED", "d": ""}
        session.told.append(resumed)
        await _send(socket, resumed)


async def _send(socket: web.WebSocketResponse, frame: Event) -> None:
    if not socket.closed:
        await socket.send_str(json.dumps(frame, ensure_ascii=False))
