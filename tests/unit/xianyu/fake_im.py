"""A message server on loopback that says exactly what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Frame = dict[str, Any]
Reaction = Callable[[ServerConnection, Frame], Any]
SELLER = "2200111122223"


def answer(request: Frame, body: object = None, *, code: object = 200, **headers: str) -> Frame:
    frame: Frame = {"code": code, "headers": {**headers, "mid": request["headers"]["mid"]}}
    if code is None:
        del frame["code"]
    return frame if body is None else {**frame, "body": body}


def push(entries: list[object], *, mid: str = "84a4001c 0", lwp: str = "/s/sync") -> Frame:
    headers = {"app-key": "key", "mid": mid, "ua": "ua", "sid": "213f"}
    return {"lwp": lwp, "headers": headers, "body": {"syncPushPackage": {"data": entries}}}


class FakeIm:
    """Answers registration, heartbeats and sync requests by itself; `on` replaces any of them.

    A reaction gets the socket and the request and returns a frame, a text, None (no answer), or a
    coroutine that does as it likes.
    """

    def __init__(self) -> None:
        self.url = ""
        self.received: list[Frame] = []
        self.sockets: list[ServerConnection] = []
        self.closed_by_client: list[int | None] = []
        self._changed = asyncio.Condition()
        self._reactions: dict[str, Reaction] = {
            "/reg": lambda _, frame: answer(frame, {}, **{"reg-uid": f"{SELLER}@goofish"}),
            "/!": lambda _, frame: answer(frame, dt="j"),
            "/r/SyncStatus/ackDiff": lambda _, frame: answer(frame),
            "/r/SyncStatus/getState": lambda _, frame: answer(
                frame, {"topic": "sync", "pts": 1789999999000000}
            ),
        }

    def on(self, lwp: str, reaction: Reaction) -> None:
        self._reactions[lwp] = reaction

    async def say(self, *frames: Frame | str) -> None:
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame, ensure_ascii=False)
            await self.sockets[-1].send(text)

    def of(self, lwp: str) -> list[Frame]:
        return [frame for frame in self.received if frame.get("lwp") == lwp]

    @property
    def acks(self) -> list[Frame]:
        return [frame for frame in self.received if "lwp" not in frame]

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def _talk(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        try:
            async for text in socket:
                frame = json.loads(text)
                async with self._changed:
                    self.received.append(frame)
                    self._changed.notify_all()
                reaction = self._reactions.get(frame.get("lwp", ""))
                if reaction is not None:
                    await self._react(socket, reaction(socket, frame))
        except ConnectionClosed:
            pass
        async with self._changed:
            self.closed_by_client.append(socket.close_code)
            self._changed.notify_all()

    async def _react(self, socket: ServerConnection, reply: object) -> None:
        if asyncio.iscoroutine(reply):
            reply = await reply
        if isinstance(reply, dict):
            await socket.send(json.dumps(reply))
        elif isinstance(reply, str):
            await socket.send(reply)


@asynccontextmanager
async def fake_im() -> AsyncIterator[FakeIm]:
    im = FakeIm()
    async with serve(im._talk, "127.0.0.1", 0, ping_interval=None, close_timeout=0.5) as server:
        port = server.sockets[0].getsockname()[1]
        im.url = f"ws://127.0.0.1:{port}"
        yield im
        for socket in im.sockets:
            socket.transport.abort()
