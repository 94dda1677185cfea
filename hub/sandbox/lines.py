"""Connections of accounts and what was pushed over them: journal, acknowledgements, redelivery."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSCloseCode, web

from hub.sandbox.encode import Entry, malformed_entry, order_frame, push_frame
from hub.sandbox.faults import Faults
from hub.sandbox.manners import Manners
from hub.sandbox.tasks import Tasks
from hub.sandbox.world import Bell, ImToken, now_ms

GARBAGE = '{"lwp":"/s/sync","headers":{"mid":'
ENTRIES_PER_REPLAY = 32
JOURNAL_LENGTH = 5_000
LOG_LENGTH = 50_000
WRITE_SECONDS = 10.0
BACKED_UP_BYTES = 16_384


@dataclass(slots=True)
class Push:
    """One frame that was sent over one connection."""

    mid: str
    lwp: str
    user: str
    line: int
    entries: tuple[Entry, ...]
    about: tuple[str, ...]
    """Ids of the messages in it."""
    sent_at: int
    attempt: int = 1
    acked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Journaled:
    pts: int
    entry: Entry
    about: str


class Line:
    """One WebSocket connection, from its opening to its end."""

    _ids = itertools.count(1)

    def __init__(self, ws: web.WebSocketResponse, request: web.Request) -> None:
        self.id = next(self._ids)
        self.sid = "2107" + secrets.token_hex(20)
        self.opened_at = now_ms()
        self.user = ""
        self.did = ""
        self.token_number = 0
        self.registered_at: float | None = None
        """Monotonic seconds."""
        self.claimed_at: int | None = None
        """The same moment in ms since 1970."""
        self.token_expires_at = 0
        """Ms."""
        self.zombie = False
        self.half_open = False
        """Silent: what arrives is swallowed, nothing goes out."""
        self.deaf_since: int | None = None
        """Registered at this `pts`, but nothing is pushed before the sync duty is done."""
        self.state_given = 0
        """`pts` (µs) of the last `getState` answer."""
        self.gap: int | None = None
        """`pts` (µs) after which pushes were withheld."""
        self.closed = False
        self.heartbeats = 0
        self.cookies: dict[str, str] = {}
        self.owed: set[str] = set()
        """Mids of pushes that it has not acknowledged."""
        self._ended = asyncio.Event()
        self._ws = ws
        self._request = request

    @property
    def registered(self) -> bool:
        return self.registered_at is not None and not self.closed

    @property
    def seconds_registered(self) -> float:
        return 0.0 if self.registered_at is None else time.monotonic() - self.registered_at

    async def send(self, text: str) -> bool:
        """False when the connection is gone; a peer that does not read is cut off."""
        if self.closed:
            return False
        if self.half_open:
            return True
        try:
            if self._backed_up():
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._ws.send_str(text)
            else:
                await self._ws.send_str(text)
        except TimeoutError:
            self.abort()
        except (ConnectionError, RuntimeError):
            self._over()
        return not self.closed

    def _backed_up(self) -> bool:
        """Whether the peer reads too slowly; only then can a write wait, so only then is timed."""
        transport = self._request.transport
        return transport is None or transport.get_write_buffer_size() > BACKED_UP_BYTES

    async def close(self, code: int = WSCloseCode.OK) -> None:
        """End it with a close frame, as the platform routinely does with 1000."""
        self._over()
        await self._ws.close(code=code)

    def abort(self) -> None:
        """Cut the socket without a word; what was written a moment ago may be lost with it."""
        self._over()
        if self._request.transport is not None:
            self._request.transport.abort()

    def hang_up(self) -> None:
        """End it without a close frame, but let through what was written."""
        self._over()
        if self._request.transport is not None:
            self._request.transport.close()

    async def pong(self, payload: bytes) -> None:
        if not self.closed and not self.half_open:
            await self._ws.pong(payload)

    async def until_over(self, seconds: float) -> None:
        """Wait until this side ended it, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def _over(self) -> None:
        self.closed = True
        self._ended.set()


class Lines:
    """All connections, and per account the journal of what ought to have arrived."""

    def __init__(self, faults: Faults, manners: Manners, tasks: Tasks, bell: Bell) -> None:
        self.open: dict[int, Line] = {}
        self.log: deque[Push] = deque(maxlen=LOG_LENGTH)
        self.dials: deque[int] = deque(maxlen=LOG_LENGTH)
        """When connections were asked for (ms), refused ones included, oldest first."""
        self.on_ack: list[Callable[[Push], None]] = []
        """Called when a push is acknowledged, the moment its acknowledgement arrives."""
        self.refusing_until = 0.0
        """Monotonic seconds: until then the platform is down."""
        self._of: dict[str, dict[int, Line]] = {}
        self._faults = faults
        self._manners = manners
        self._tasks = tasks
        self._bell = bell
        self._unacked: dict[str, Push] = {}
        self._journal: dict[str, deque[Journaled]] = {}
        self._held: dict[str, list[tuple[Sequence[Entry], Sequence[str], str]]] = {}
        self._last_pts: dict[str, int] = {}
        self._mids = itertools.count(int.from_bytes(secrets.token_bytes(3)) << 4)

    # --- connections ---

    def add(self, line: Line) -> None:
        self.open[line.id] = line
        self._bell.ring()

    def remove(self, line: Line) -> None:
        line.closed = True
        self.open.pop(line.id, None)
        self._of.get(line.user, {}).pop(line.id, None)
        self._bell.ring()

    def claim(self, line: Line, token: ImToken) -> None:
        """The connection has registered and belongs to an account from now on."""
        line.user, line.did, line.token_number = token.user, token.did, token.number
        line.token_expires_at = token.expires_at
        if self._manners.sync_duty != "none":
            line.deaf_since = self._pts_so_far(token.user)
        line.registered_at, line.claimed_at = time.monotonic(), now_ms()
        self._of.setdefault(token.user, {})[line.id] = line

    def of(self, user: str) -> list[Line]:
        """Registered connections of an account, zombies included."""
        return [line for line in self._of.get(user, {}).values() if line.registered]

    @property
    def down(self) -> bool:
        return time.monotonic() < self.refusing_until

    async def restart(self, how: str, seconds: float) -> int:
        """End every connection at once and take none for so long; returns how many ended."""
        self.refusing_until = time.monotonic() + seconds
        lines = list(self.open.values())
        if how == "normal":
            await asyncio.gather(*(line.close() for line in lines))
        else:
            for line in lines:
                line.abort()
        self._bell.ring()
        return len(lines)

    def age(self, user: str, did: str, token_number: int) -> None:
        """A newer token was issued for this device: its older connections become zombies."""
        if self._manners.zombies:
            for line in self.of(user):
                if line.did == did and line.token_number < token_number:
                    line.zombie = True

    async def kick(self, line: Line, lwp: str = "/push/kickout") -> None:
        """Tell a connection to go, then close it."""
        await line.send(order_frame(lwp, mid=self.next_mid(), sid=line.sid))
        await line.close()

    # --- pushes ---

    async def push(
        self,
        user: str,
        entries: Sequence[Entry],
        *,
        about: Sequence[str] = (),
        lwp: str = "/s/sync",
    ) -> None:
        """Push entries of one frame to every connection of the account, subject to its faults."""
        before = self._pts_so_far(user)
        if lwp == "/s/sync":
            self._journalise(user, entries, about)
        if self._faults.take(user, "push_lost"):
            return
        if gap := self._faults.take(user, "push_gap"):
            await self._announce_gap(user, before, int(gap.reason or "1"))
            return
        if self._faults.take(user, "push_reorder"):
            self._held.setdefault(user, []).append((entries, about, lwp))
            return
        if late := self._faults.take(user, "push_delay"):
            self._tasks.start(self._push_later(late.seconds, user, entries, about, lwp))
            return
        await self._push_now(user, entries, about, lwp)

    async def _announce_gap(self, user: str, before: int, extra_type: int) -> None:
        for line in self.of(user):
            if not line.zombie:
                line.gap = before if line.gap is None else line.gap
                await self.send(line, [], extra_type=extra_type)

    async def _push_later(
        self,
        seconds: float,
        user: str,
        entries: Sequence[Entry],
        about: Sequence[str],
        lwp: str,
    ) -> None:
        await asyncio.sleep(seconds)
        await self._push_now(user, entries, about, lwp)

    async def _push_now(
        self, user: str, entries: Sequence[Entry], about: Sequence[str], lwp: str
    ) -> None:
        if self._faults.take(user, "push_malformed"):
            middle = len(entries) // 2
            entries = [*entries[:middle], malformed_entry(), *entries[middle:]]
        garbage = self._faults.take(user, "push_garbage")
        times = 2 if self._faults.take(user, "push_duplicate") else 1
        for line in self.of(user):
            if self._manners.expired_line == "zombie" and line.token_expires_at < now_ms():
                line.zombie = True
            if line.zombie or line.deaf_since is not None:
                continue
            if garbage:
                await line.send(GARBAGE)
            for _ in range(times):
                await self.send(line, entries, about, lwp)
        for held_entries, held_about, held_lwp in self._held.pop(user, ()):
            await self._push_now(user, held_entries, held_about, held_lwp)

    async def send(
        self,
        line: Line,
        entries: Sequence[Entry],
        about: Sequence[str] = (),
        lwp: str = "/s/sync",
        *,
        attempt: int = 1,
        reconnect: bool = False,
        extra_type: int | None = None,
    ) -> None:
        """Send one frame over one connection and remember that an acknowledgement is owed."""
        if not self._manners.object_types:
            entries = [
                {**one, "objectType": 40} if one["bizType"] == 40 else one for one in entries
            ]
        push = Push(
            self.next_mid(),
            lwp,
            line.user,
            line.id,
            tuple(entries),
            tuple(about),
            now_ms(),
            attempt,
        )
        text = push_frame(
            entries,
            mid=push.mid,
            sid=line.sid,
            at=push.sent_at,
            pts=self._last_pts.get(line.user, 0),
            lwp=lwp,
            reconnect=reconnect,
            extra_type=3 if reconnect else extra_type,
        )
        await self.send_frame(line, push, text)

    async def send_frame(self, line: Line, push: Push, text: str) -> None:
        """Send a frame that was built before."""
        self.log.append(push)
        self._unacked[push.mid] = push
        line.owed.add(push.mid)
        if self._faults.take(line.user, "cut_on_push", push.lwp):
            line.abort()
            return
        await line.send(text)
        self._bell.ring()
        limit = self._manners.unacked_limit
        if limit and len(line.owed) >= limit:
            await line.close()
        elif self._faults.take(line.user, "cut_after_push", push.lwp):
            line.hang_up()

    def acknowledge(self, mid: str) -> bool:
        """True if a push with this mid was waiting for it."""
        push = self._unacked.pop(mid, None)
        if push is None:
            return False
        push.acked_at = now_ms()
        if line := self.open.get(push.line):
            line.owed.discard(mid)
        for told in self.on_ack:
            told(push)
        self._bell.ring()
        return True

    async def redeliver(self, line: Line) -> None:
        """Push again what went out over connections that are gone and was never acknowledged."""
        if not self._manners.redeliver:
            return
        lost = [
            push
            for push in self._unacked.values()
            if push.user == line.user and push.lwp == "/s/sync" and self._is_gone(push.line, line)
        ]
        for push in lost:
            del self._unacked[push.mid]
            await self.send(line, push.entries, push.about, push.lwp, attempt=push.attempt + 1)

    def _is_gone(self, id: int, heir: Line) -> bool:
        """Ended, or about to be: a line of the same device that registered anew."""
        line = self.open.get(id)
        return line is None or line.closed or (line is not heir and line.did == heir.did)

    def newer_than(self, user: str, pts: int) -> list[Entry]:
        """What ought to have arrived after `pts` (µs), oldest first."""
        return [one.entry for one in self._journal.get(user, ()) if one.pts > pts]

    async def replay(self, line: Line, pts: int) -> int:
        """Push everything newer than `pts` (µs) again; returns how many entries that were."""
        newer = [one for one in self._journal.get(line.user, ()) if one.pts > pts]
        for start in range(0, len(newer), ENTRIES_PER_REPLAY):
            chunk = newer[start : start + ENTRIES_PER_REPLAY]
            about = [one.about for one in chunk if one.about]
            await self.send(line, [one.entry for one in chunk], about)
        return len(newer)

    def forget(self, user: str) -> None:
        """What was pushed or should have been is pushed no more: only lists and histories know."""
        self._journal.pop(user, None)
        for mid in [mid for mid, push in self._unacked.items() if push.user == user]:
            del self._unacked[mid]

    def newest_pts(self, user: str) -> int:
        return self._last_pts.get(user, now_ms() * 1000)

    def _pts_so_far(self, user: str) -> int:
        """Everything that comes from now on is newer than this."""
        return self._last_pts.get(user, now_ms() * 1000 - 1)

    def _journalise(self, user: str, entries: Sequence[Entry], about: Sequence[str]) -> None:
        journal = self._journal.setdefault(user, deque(maxlen=JOURNAL_LENGTH))
        for number, entry in enumerate(entries):
            pts = max(now_ms() * 1000, self._last_pts.get(user, 0) + 1)
            self._last_pts[user] = pts
            journal.append(Journaled(pts, entry, about[number] if number < len(about) else ""))

    def next_mid(self) -> str:
        return f"{next(self._mids):08x} 0"
