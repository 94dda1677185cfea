"""The socket under a session: who waits for which answer, and how the line ended.

What leaves this machine is counted exactly: `Unsent` means that nothing left, `Unanswered` that
the frame was handed to the socket and no answer told what became of it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from loguru import logger
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)
from websockets.protocol import State
from websockets.typing import Origin

from hub.errors import ProxyUnreachable, Throttled, Unreachable
from hub.xianyu import lwp
from hub.xianyu.endpoints import IM_BROWSER, SITE, Timing
from hub.xianyu.ids import milliseconds
from hub.xianyu.lwp import Reply
from hub.xianyu.proxy import for_websocket
from hub.xianyu.verdicts import PEER

LARGEST_FRAME = 8 * 1024 * 1024
BACKLOG = 1024
"""Pushes that may wait for business work before no more are taken off the line."""
MISSED_BEATS = 2
"""Unanswered heartbeats that end a line on which other frames still arrive."""

Waiter = asyncio.Future[Reply | None]
"""None: the line ended without an answer."""


class How(StrEnum):
    """How a session ended."""

    CLOSED = "closed"
    """The platform closed normally, as it does every now and then."""
    LOST = "lost"
    SILENT = "silent"
    """Heartbeats went unanswered."""
    KICKED = "kicked"
    """Another registration took our place, or the token died."""
    REMOVED = "removed"
    """The platform took the connection away because of its limit."""
    STOPPED = "stopped"
    """We left."""


@dataclass(frozen=True, slots=True)
class Ended:
    how: How
    detail: str


@dataclass(frozen=True, slots=True)
class Arrival:
    what: lwp.Pushed | lwp.Garbled
    at: datetime


class Unsent(Exception):
    """The line was gone before the request left."""


class Unanswered(Exception):
    """The request left; no answer came."""


class _Dial(connect):
    """Follows no redirect: the registration that comes next carries the token."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Line:
    """Made by `open_line`; `name` says in the log whose line it is."""

    def __init__(
        self,
        socket: ClientConnection,
        *,
        name: str,
        timing: Timing,
        now: Callable[[], datetime],
        may_speak: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_speak`: asked before each frame; once it says no, nothing leaves any more."""
        self._may_speak = may_speak
        self.ended: Ended | None = None
        self.gap = asyncio.Event()
        """Set when the server asks us to compare sync states."""
        self._socket = socket
        self._name = name
        self._timing = timing
        self._now = now
        self._wire: lwp.Connection[Waiter] = lwp.Connection(lambda: milliseconds(now()))
        self._arrivals: asyncio.Queue[Arrival | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._crowded = False
        self._frames = 0
        self._missed = 0
        self.latency: float | None = None
        """How long the last answered heartbeat took, in seconds."""

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """Everything the server told, in order; over when the line is and nothing is left."""
        while (arrival := await self._arrivals.get()) is not None:
            if self._crowded and self._arrivals.qsize() < BACKLOG:
                self._room.set()
            yield arrival
        self._arrivals.put_nowait(None)  # whoever asks again gets the same end

    async def ask(
        self,
        path: str,
        body: list[object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Raises Unsent or Unanswered."""
        if not self._open:
            raise Unsent("the line is gone")
        waiter: Waiter = asyncio.get_running_loop().create_future()
        mid, text = self._wire.request(waiter, path, body, headers)
        logger.debug("xianyu {} > {} {}", self._name, path, mid)
        late = "the line was cut"
        try:
            async with asyncio.timeout(self._timing.answer):
                # The line was open and nothing ran in between, so from here on the frame counts
                # as sent. A cut is not the end of it: the reader first reads what had arrived.
                await self._put(text)
                await waiter
        except TimeoutError:
            late = f"no answer within {self._timing.answer:g} s"
        finally:
            self._wire.forget(mid)
        reply = waiter.result() if waiter.done() and not waiter.cancelled() else None
        if reply is None:
            raise Unanswered(late)
        return reply

    async def tell(self, text: str) -> None:
        """Send what needs no answer; silent when the line is gone."""
        if not self._open:
            return
        try:
            async with asyncio.timeout(self._timing.answer):
                await self._put(text)
        except TimeoutError:
            logger.debug("xianyu {} = nobody takes what we send", self._name)

    def put_arrival(self, what: lwp.Pushed | lwp.Garbled) -> None:
        self._arrivals.put_nowait(Arrival(what, self._now()))

    async def beat(self) -> None:
        """One heartbeat. Ends the line when nobody seems to be there any more."""
        before = self._frames
        asked_at = asyncio.get_running_loop().time()
        try:
            await self.ask(lwp.HEARTBEAT)
        except Unsent:
            return
        except Unanswered as error:
            if self._crowded:
                return  # the answer may lie unread behind the backlog
            self._missed += 1
            if self._frames == before or self._missed >= MISSED_BEATS:
                self.end(How.SILENT, f"heartbeat: {error}")
                self._socket.transport.abort()
        else:
            self._missed = 0
            self.latency = asyncio.get_running_loop().time() - asked_at

    def end(self, how: How, detail: str) -> None:
        """The first end counts. Everybody who waits is told."""
        if self.ended is not None:
            return
        self.ended = Ended(how, detail)
        logger.debug("xianyu {} = {} {}", self._name, how, detail)
        for waiter in self._wire.abandon():
            if not waiter.done():
                waiter.set_result(None)
        self._arrivals.put_nowait(None)
        self._room.set()

    async def read(self) -> None:
        """Take frames off the socket until the line ends."""
        try:
            while self.ended is None:
                raw = await self._socket.recv(decode=False)
                self._frames += 1
                self._take(raw.decode("utf-8", "replace"))
                if self._arrivals.qsize() >= BACKLOG:
                    await self._make_room()
        except ConnectionClosedOK as error:
            self.end(How.CLOSED, str(error))
        except ConnectionClosed as error:
            self.end(How.LOST, str(error))
        finally:
            self.end(How.LOST, "the reader stopped")

    @property
    def _open(self) -> bool:
        return self.ended is None and self._socket.state is State.OPEN and self._may_speak()

    async def _put(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            logger.debug("xianyu {} = cut while sending ({})", self._name, error)

    def _take(self, text: str) -> None:
        incoming = self._wire.receive(text)
        if isinstance(incoming, lwp.Answer):
            if not incoming.waiter.done():
                incoming.waiter.set_result(incoming.reply)
        elif isinstance(incoming, lwp.Pushed):
            logger.debug("xianyu {} < {}", self._name, incoming.lwp)
            self.put_arrival(incoming)
            if incoming.gap:
                self.gap.set()
        elif isinstance(incoming, lwp.Garbled):
            logger.warning(
                "xianyu {} < {} characters that are no frame: {}",
                self._name,
                len(text),
                incoming.reason,
            )
            self.put_arrival(incoming)
        elif isinstance(incoming, lwp.KickedOut):
            self.end(How.KICKED, "kicked out by the platform")
        elif isinstance(incoming, lwp.Removed):
            self.end(How.REMOVED, "removed by the platform: too many connections")
        else:
            logger.debug("xianyu {} < answer nobody waits for: {}", self._name, incoming.mid)

    async def _make_room(self) -> None:
        """Business work is far behind: let the platform feel it instead of piling up memory."""
        logger.warning("xianyu {}: {} pushes wait to be stored", self._name, BACKLOG)
        self._room.clear()
        self._crowded = True
        if self.ended is None:
            await self._room.wait()
        self._crowded = False


@asynccontextmanager
async def open_line(
    url: str,
    *,
    name: str,
    timing: Timing,
    now: Callable[[], datetime],
    proxy: str | None = None,
    may_speak: Callable[[], bool] = lambda: True,
) -> AsyncIterator[Line]:
    """Dial and read. Raises Unreachable or Throttled."""
    socket = await _dial(url, timing, for_websocket(proxy))
    line = Line(socket, name=name, timing=timing, now=now, may_speak=may_speak)
    try:
        async with running(line.read(), f"xianyu-reader-{name}"):
            try:
                yield line
            finally:
                line.end(How.STOPPED, "")
    finally:
        try:
            await socket.close()
        finally:
            socket.transport.abort()


@asynccontextmanager
async def running(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Work beside the body, cancelled and awaited at its end. A bug in it is raised there."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


@cache
def _tls() -> ssl.SSLContext:
    """One for all lines: reading the authorities costs 50 ms and 1 MB, every time."""
    return ssl.create_default_context()


async def _dial(url: str, timing: Timing, proxy: str | None) -> ClientConnection:
    """No compression, no WebSocket pings, no proxy of the environment: the platform's protocol has
    its own heartbeat, and both sides of an account must leave through the same address."""
    op = "connect"
    try:
        return await _Dial(
            url.rstrip("/") + "/",
            origin=Origin(SITE),
            user_agent_header=IM_BROWSER,
            additional_headers={"Cache-Control": "no-cache", "Pragma": "no-cache"},
            compression=None,
            ssl=_tls() if url.startswith("wss:") else None,
            proxy=proxy,
            open_timeout=timing.dial,
            close_timeout=timing.close,
            ping_interval=None,
            max_size=LARGEST_FRAME,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if status in (429, 503):
            raise Throttled(PEER, op, f"HTTP {status}") from error
        raise Unreachable(PEER, op, f"HTTP {status}") from error
    except (ProxyError, InvalidProxy) as error:
        # Their texts may hold the proxy's address, and that holds a password.
        raise ProxyUnreachable(PEER, op, f"the proxy refuses ({type(error).__name__})") from None
    except TimeoutError:
        raise Unreachable(PEER, op, "no answer in time") from None
    except OSError as error:
        kind = Unreachable if proxy is None else ProxyUnreachable
        raise kind(PEER, op, str(error)) from error
    except (InvalidHandshake, InvalidURI) as error:
        raise Unreachable(PEER, op, str(error) or "no answer in time") from error
