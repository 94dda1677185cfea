"""Load generator: pushes numbered buyer messages and times the answers on the wire, or the notices
in QQ."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hub.sandbox import payloads
from hub.sandbox.encode import entry, push_frame
from hub.sandbox.faults import EVERYBODY
from hub.sandbox.im import Im, Send
from hub.sandbox.lines import Line, Push
from hub.sandbox.onebot import ChatLine, OneBotSim
from hub.sandbox.payloads import Stamp
from hub.sandbox.world import Conversation, Message, World, now_ms

ITEM_TITLE = "压测商品"
BUILT_AT_ONCE = 100
"""Messages built before others on the loop get their turn."""
SETTLE_SECONDS = 0.3
"""How long to listen for surplus answers after the last expected one."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`closed`: keep `outstanding` messages unanswered. `open`: `rate` per second, whatever comes.

    Each message is `keyword` and a unique tag. An answer that repeats the tag is matched by it,
    any other by its conversation, oldest unanswered message first.
    """

    mode: str = "closed"
    until: str = "answered"
    """What ends the time of a message: `answered` on the wire, or `told` in QQ (open mode only)."""
    user: str = ""
    """Seller; empty: the only one that is connected; `*`: all that are, in turn."""
    messages: int = 5_000
    """Closed mode only; open mode sends rate times seconds."""
    outstanding: int = 32
    rate: float = 20.0
    seconds: float = 10.0
    conversations: int = 0
    """0: as many as outstanding in closed mode, 50 in open mode."""
    keyword: str = "在吗"
    warmup: int = 0
    """So many first messages are answered but not timed."""
    patience: float = 10.0
    """Give up when no answer came for so many seconds."""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> LoadPlan:
        """Raises ValueError for an unknown field or a plan that cannot be run."""
        known = {one.name for one in fields(cls)}
        if wrong := set(values) - known:
            raise ValueError(f"unknown field {sorted(wrong)[0]!r}; known: {sorted(known)}")
        plan = cls(**values)
        if plan.mode not in ("closed", "open"):
            raise ValueError("mode is closed or open")
        if plan.until not in ("answered", "told") or (plan.until, plan.mode) == ("told", "closed"):
            raise ValueError("until is answered, or told in open mode")
        if plan.total < 1 or plan.outstanding < 1 or plan.rate <= 0:
            raise ValueError("nothing to send")
        return plan

    @property
    def total(self) -> int:
        return self.messages if self.mode == "closed" else round(self.rate * self.seconds)

    @property
    def spread(self) -> int:
        """Number of conversations; closed mode has at most one unanswered message in each."""
        if self.mode == "closed":
            return max(self.conversations, self.outstanding)
        return self.conversations or 50


@dataclass(slots=True)
class _Shot:
    """One message, built before the clock starts."""

    number: int
    line: Line
    conversation: Conversation
    message: Message
    push: Push
    frame: str
    sent: float = 0.0
    answered: float = 0.0


@dataclass(slots=True)
class _Run:
    plan: LoadPlan
    tag: str
    shots: list[_Shot]
    waiting: dict[str, deque[_Shot]] = field(default_factory=dict)
    free: asyncio.Queue[Conversation] = field(default_factory=asyncio.Queue)
    answered: int = 0
    duplicates: int = 0
    wrong_conversation: int = 0
    out_of_order: int = 0
    """Told after a later message of the same conversation."""
    newest: dict[str, int] = field(default_factory=dict)
    """Of the messages that were told, by conversation."""
    said_at: list[float] = field(default_factory=list)
    """When the bot said something in QQ."""
    last_answer: float = 0.0
    progress: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, send: Send) -> None:
        """A send request of the hub arrived: whose answer is it?"""
        now = time.perf_counter()
        if send.conversation not in self.waiting:
            self.wrong_conversation += 1
            return
        shot = self._shot_of(send)
        if shot is None:
            return
        shot.answered = self.last_answer = now
        self.answered += 1
        self.free.put_nowait(shot.conversation)
        self.progress.set()

    def hear(self, line: ChatLine) -> None:
        """The bot said something in QQ: which messages does it tell of?"""
        now = time.perf_counter()
        self.said_at.append(now)
        for tagged in re.finditer(rf"{self.tag}-(\d+)", line.text):
            shot = self.shots[int(tagged[1])]
            queue = self.waiting[shot.conversation.id]
            if shot.answered or shot not in queue:
                self.duplicates += 1
                continue
            self.out_of_order += self.newest.get(shot.conversation.id, -1) > shot.number
            self.newest[shot.conversation.id] = shot.number
            queue.remove(shot)
            shot.answered = self.last_answer = now
            self.answered += 1
            self.progress.set()

    def _shot_of(self, send: Send) -> _Shot | None:
        queue = self.waiting[send.conversation]
        if tagged := re.search(rf"{self.tag}-(\d+)", send.text):
            shot = self.shots[int(tagged[1])]
            if shot.conversation.id != send.conversation:
                self.wrong_conversation += 1
                return None
            if shot.answered or shot not in queue:
                self.duplicates += 1
                return None
            queue.remove(shot)
            return shot
        if not queue:
            self.duplicates += 1
            return None
        return queue.popleft()


class Load:
    """Runs one plan at a time over a connection that a hub has already made."""

    def __init__(self, world: World, im: Im, qq: OneBotSim) -> None:
        self._world = world
        self._im = im
        self._qq = qq
        self._conversations: dict[str, list[Conversation]] = {}
        self._busy = False

    async def run(self, plan: LoadPlan) -> dict[str, Any]:
        """Raises ValueError when no hub is connected, or another run is going on."""
        if self._busy:
            raise ValueError("a load run is going on already")
        lines = self._lines(plan.user)
        self._busy = True
        try:
            return await self._measure(plan, lines)
        finally:
            self._busy = False

    async def _measure(self, plan: LoadPlan, lines: list[Line]) -> dict[str, Any]:
        run = await self._prepare(plan, lines)

        def hear(_scene: str, _peer: str, line: ChatLine) -> None:
            if line.sender == self._qq.self_id:
                run.hear(line)

        listeners: list[Any] = self._qq.on_line if plan.until == "told" else self._im.on_send
        listener = hear if plan.until == "told" else run.note
        listeners.append(listener)
        try:
            if plan.mode == "closed":
                await self._closed(run)
            else:
                await self._open(run)
            await self._await_answers(run)
            await asyncio.sleep(SETTLE_SECONDS)
        finally:
            listeners.remove(listener)
        return _figures(run)

    def _lines(self, user: str) -> list[Line]:
        """The newest connection of each seller that takes part."""
        newest = {
            line.user: line
            for line in self._im.lines.open.values()
            if line.registered and not line.zombie and user in ("", EVERYBODY, line.user)
        }
        if not newest:
            raise ValueError("no hub is connected for this seller")
        if len(newest) > 1 and user != EVERYBODY:
            raise ValueError("several sellers are connected; name one as user")
        return list(newest.values())

    async def _prepare(self, plan: LoadPlan, lines: list[Line]) -> _Run:
        tag = secrets.token_hex(3)
        each = math.ceil(plan.spread / len(lines))
        known = [self._places(line.user, each) for line in lines]
        # Round after round: everybody's first conversation, then everybody's second.
        places = [place for round_ in zip(*known, strict=True) for place in round_]
        base = now_ms()
        run = _Run(plan, tag, [])
        for number in range(plan.total):
            if number % BUILT_AT_ONCE == 0:
                await asyncio.sleep(0)
            conversation = places[number % len(places)]
            words = f"{plan.keyword} {tag}-{number}"
            at = max(base, conversation.modified_at + 1) + number // len(places)
            line = lines[number % len(lines)]
            run.shots.append(self._build(number, conversation, words, at, line))
        run.waiting = {one.id: deque() for one in places}
        return run

    def _places(self, user: str, count: int) -> list[Conversation]:
        """Conversations of invented buyers, used again by later runs."""
        known = self._conversations.setdefault(user, [])
        if not known and count:
            self._world.add_item(user, ITEM_TITLE)
        item = next(
            one.id
            for one in self._world.items.values()
            if one.seller == user and one.title == ITEM_TITLE
        )
        while len(known) < count:
            buyer = self._world.add_buyer(f"压测买家{len(known) + 1}")
            known.append(self._world.conversation_of(user, buyer.user, item))
        return known[:count]

    def _build(
        self, number: int, conversation: Conversation, words: str, at: int, line: Line
    ) -> _Shot:
        stamp = Stamp(self._world.stamp(conversation).id, secrets.token_hex(16), at)
        content = payloads.text(words)
        payload = payloads.user_message(conversation.thread, stamp, content)
        message = Message(
            conversation.id, stamp, conversation.thread.buyer, content, words, payload[1][10]
        )
        made = entry(payload)
        push = Push(
            self._im.lines.next_mid(), "/s/sync", line.user, line.id, (made,), (stamp.id,), at
        )
        frame = push_frame([made], mid=push.mid, sid=line.sid, at=at)
        return _Shot(number, line, conversation, message, push, frame)

    async def _shoot(self, run: _Run, shot: _Shot) -> None:
        if not shot.line.registered:
            raise ValueError("the hub's connection ended during the run")
        self._world.keep(shot.conversation, shot.message)
        run.waiting[shot.conversation.id].append(shot)
        shot.sent = time.perf_counter()
        await self._im.lines.send_frame(shot.line, shot.push, shot.frame)

    async def _closed(self, run: _Run) -> None:
        """A conversation whose answer never comes costs its place, not the run."""
        by_place: dict[str, deque[_Shot]] = {id: deque() for id in run.waiting}
        for shot in run.shots:
            by_place[shot.conversation.id].append(shot)
        places = [self._world.conversation(id) for id in run.waiting]
        for place in places[: run.plan.outstanding]:
            run.free.put_nowait(place)
        spare = deque(places[run.plan.outstanding :])
        left = len(run.shots)
        while left:
            try:
                async with asyncio.timeout(run.plan.patience):
                    place = await run.free.get()
            except TimeoutError:
                return
            spare.append(place)
            following = _next_shot(spare, by_place)
            if following is None:
                return
            left -= 1
            await self._shoot(run, following)

    async def _open(self, run: _Run) -> None:
        start = time.perf_counter()
        for shot in run.shots:
            due = start + shot.number / run.plan.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self._shoot(run, shot)

    async def _await_answers(self, run: _Run) -> None:
        while any(run.waiting.values()):
            run.progress.clear()
            try:
                async with asyncio.timeout(run.plan.patience):
                    await run.progress.wait()
            except TimeoutError:
                return


def _next_shot(places: deque[Conversation], left: dict[str, deque[_Shot]]) -> _Shot | None:
    """The next message of the place that has rested longest and still has something to say."""
    while places:
        place = places.popleft()
        if left[place.id]:
            return left[place.id].popleft()
    return None


def _figures(run: _Run) -> dict[str, Any]:
    timed = run.shots[run.plan.warmup :]
    sent = [shot for shot in run.shots if shot.sent]
    delays = sorted((shot.answered - shot.sent) * 1000 for shot in timed if shot.answered)
    first = min((shot.sent for shot in timed if shot.sent), default=0.0)
    seconds = max(run.last_answer - first, 0.0) if delays else 0.0
    return {
        "mode": run.plan.mode,
        "messages": len(sent),
        "answered": run.answered,
        "missing": len(sent) - run.answered,
        "duplicates": run.duplicates,
        "wrong_conversation": run.wrong_conversation,
        "out_of_order": run.out_of_order,
        "lines": len(run.said_at),
        "mean_gap_ms": _mean_gap_ms(run.said_at),
        "seconds": round(seconds, 4),
        "messages_per_second": round(len(delays) / seconds, 1) if seconds else 0.0,
        "p50_ms": _quantile(delays, 0.50),
        "p95_ms": _quantile(delays, 0.95),
        "p99_ms": _quantile(delays, 0.99),
        "max_ms": round(delays[-1], 3) if delays else None,
    }


def _mean_gap_ms(said_at: list[float]) -> float | None:
    gaps = len(said_at) - 1
    return round(1000 * (said_at[-1] - said_at[0]) / gaps, 3) if gaps > 0 else None


def _quantile(ordered: list[float], part: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3)
