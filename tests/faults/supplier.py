"""A supplier on a real socket, alive while hubs come and go, that counts what it has handed out.

Whether an answer arrives or not: a card that left the shelf is paid for.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

ONCE, AGAIN = "ONC", "AGN"
"""How the cards of its two doors begin. At `ONCE` every call costs a card; at `AGAIN` the same key
is given the same card."""
DEADLINE_SECONDS = 1.0
"""How long a hub waits for an answer."""
MOODS = ("slow", "late", "broken", "broken_empty", "refused", "busy", "cut", "nonsense")
"""What may go wrong with a call. Of these `broken_empty`, `refused` and `busy` give nothing."""
GIVES_NOTHING = ("broken_empty", "refused", "busy")
KEY = "Idempotency-Key"


def key_of(order: str, unit: int) -> str:
    """What a hub calls a unit of an order."""
    return f"yuqiao-{order}-{unit}"


@dataclass
class Supplier:
    port: int = 0
    heard: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Calls, by door and key."""
    turned_away: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Those of them that were told to come again."""
    given: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """Each card that was handed out, by door and key, in order."""
    story: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What became of each call, by key, for people."""
    _moods: deque[str] = field(default_factory=deque)
    _numbers: Counter[str] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        return self.heard.total()

    def url(self, door: str) -> str:
        return f"http://127.0.0.1:{self.port}/{door}"

    def misbehave(self, mood: str, times: int) -> None:
        """The next calls, at whatever door, after those that were arranged before."""
        self._moods += [mood] * times

    def heal(self) -> None:
        self._moods.clear()

    def hand_out(self, door: str, key: str) -> str:
        given = self.given[door, key]
        if door == ONCE or not given:
            given.append(f"{door}-{self._numbers[door]:04}")
            self._numbers[door] += 1
        return given[-1]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        door, key = request.match_info["door"], request.headers[KEY]
        mood = self._moods.popleft() if self._moods else "fine"
        self.heard[door, key] += 1
        code = "" if mood in GIVES_NOTHING else self.hand_out(door, key)
        self.story[key].append(f"{mood}: {code or 'nothing'}")
        match mood:
            case "busy":
                self.turned_away[door, key] += 1
                return web.Response(status=429, headers={"Retry-After": "1"})
            case "broken" | "broken_empty":
                return web.Response(status=500)
            case "refused":
                return web.json_response({"ok": False, "msg": "库存不足"})
            case "nonsense":
                return web.Response(text="<html>维护中</html>")
            case "cut":
                assert request.transport is not None
                request.transport.close()
            case "slow":
                await asyncio.sleep(0.4 * DEADLINE_SECONDS)
            case "late":
                await asyncio.sleep(1.5 * DEADLINE_SECONDS)
        return web.json_response({"ok": True, "data": code})


@asynccontextmanager
async def open_supplier() -> AsyncIterator[Supplier]:
    supplier = Supplier()
    app = web.Application()
    app.router.add_post("/{door}", supplier.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        supplier.port = runner.addresses[0][1]
        yield supplier
    finally:
        await runner.cleanup()
