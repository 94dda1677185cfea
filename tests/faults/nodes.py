"""Two hubs in processes of their own on one PostgreSQL, at one platform, with one bot in QQ."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from hub.app import utc_now
from hub.cluster import Cluster
from hub.model import (
    Account,
    AccountId,
    AccountState,
    Cause,
    DeliveryRule,
    DeliveryRuleId,
    NodeView,
    PoolKind,
    ShopId,
)
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.lines import Line
from hub.sandbox.milky import MilkySim
from hub.sandbox.world import Conversation, ImToken
from hub.settings import Settings
from hub.store import Database, Store, Tx, open_store
from tests.faults.lives import Life, free_port
from tests.faults.town import (
    BUYER,
    OWNER_QQ,
    SECONDS,
    SELLERS,
    TOKEN,
    furnish_store,
    people,
    settings_of,
)
from tests.waiting import wait_until

LEASE_SECONDS = 6
"""Long enough for a machine that has much else to do, and short enough to be waited for."""
LONG_LEASE_SECONDS = 60
POT = "880011223346"
CODES = [f"CODE-{number}" for number in range(1000, 1006)]


@dataclass
class Row:
    """Nodes `a` and `b`; QQ is at `a`. `store` is a guest's, of the test's own."""

    sandbox: Sandbox
    store: Store
    lives: dict[str, Life]
    settings: dict[str, Settings]
    claims: list[str] = field(default_factory=list)
    """Sellers, as their lines were registered one after the other."""

    async def read(self, unit: Callable[[Tx, ShopId], Any]) -> Any:
        return await self.store.read(lambda tx: unit(tx, tx.shops.default()))

    async def accounts(self) -> list[Account]:
        found: list[Account] = await self.read(lambda tx, shop: tx.accounts.all(shop))
        return found

    async def view(self) -> dict[str, tuple[AccountId, ...]]:
        """Who lives, and which accounts each has."""
        seen: list[NodeView] = list(await self.store.read(Cluster(self.store).view_in))
        return {one.node.name: one.accounts for one in seen}

    async def until_held(self, **accounts: int) -> None:
        """Wait until exactly these nodes live, each with so many accounts, all of them online."""

        async def look() -> bool:
            view = await self.view()
            return {name: len(held) for name, held in view.items()} == accounts and all(
                one.state is AccountState.ONLINE for one in await self.accounts()
            )

        try:
            await wait_until(look, SECONDS)
        except Exception as error:
            error.add_note(f"{await self.view()} {await self.accounts()}")
            raise

    async def until(self, met: Callable[[], bool], what: str) -> None:
        assert await self.sandbox.world.bell.until(met, SECONDS), f"waited in vain for {what}"

    async def node_of(self, seller: str) -> str:
        """The name of the node that has the account."""
        (account,) = [one for one in await self.accounts() if one.user == seller]
        return next(name for name, held in (await self.view()).items() if account.id in held)

    def thread(
        self, seller: str = SELLERS[0], item: str | None = None, buyer: str = BUYER
    ) -> Conversation:
        world = self.sandbox.world
        return world.conversation_of(seller, buyer, *([item] if item else []))

    async def say(self, thread: Conversation, text: str) -> None:
        await self.sandbox.stage.say(thread, [{"text": text}])

    def told(self, part: str) -> int:
        """How often the owner was told so."""
        lines = self.sandbox.qq.bot_lines("private", OWNER_QQ)
        return sum(part in line.text for line in lines if line.sender != OWNER_QQ)

    def pictures_told(self) -> int:
        lines = self.sandbox.qq.bot_lines("private", OWNER_QQ)
        return sum(one["type"] == "image" for line in lines for one in line.segments)

    async def health(self, name: str) -> Any:
        settings = self.settings[name]
        token = (settings.database.path.parent / "health.token").read_text("ascii")
        url = f"http://127.0.0.1:{settings.web.port}/health"
        shown = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=shown) as http, http.get(url) as response:
            return await response.json()


def stock_up(tx: Tx) -> None:
    shop, now = tx.shops.default(), utc_now()
    pool = tx.pools.add(shop, name="月卡", kind=PoolKind.CODES, now=now)
    batch = tx.card_records.new_batch(shop, pool.id, "一批", by=Cause(None, "cli"), now=now)
    tx.cards.add(shop, pool.id, CODES, batch=batch, now=now)
    tx.delivery_rules.add(DeliveryRule(DeliveryRuleId(0), shop, None, pool.id, items=(POT,)), now)


def answers(thread: Conversation) -> list[str]:
    return [one.summary for one in thread.messages if one.own]


@asynccontextmanager
async def open_row(
    url: str,
    folder: Path,
    *,
    accounts: int,
    lease_seconds: float,
    spacing_seconds: float,
    milky: MilkySim | None = None,
) -> AsyncIterator[Row]:
    """`url`: of an empty database. `spacing_seconds`: between two messages of an account. `milky`:
    a bot that the nodes dial, in the place of the one that dials `a`. No node lives yet."""
    ports = {"a": free_port(), "b": free_port()}
    options = SandboxOptions(
        list_quiet_seconds=0,
        onebot_url=None if milky else f"ws://127.0.0.1:{ports['a']}/onebot/v11/ws",
        onebot_token=TOKEN,
        onebot_reconnect_seconds=0.05,
    )
    async with (
        start_sandbox(options) as sandbox,
        milky.serve() if milky else nullcontext("") as dialled,
    ):
        sellers = people(sandbox, accounts)
        settings = {
            name: _of_node(settings_of(sandbox, folder, port), name, url, spacing_seconds, dialled)
            for name, port in ports.items()
        }
        database = Database.chosen(settings["a"].database)
        async with open_store(database, now=utc_now) as store:
            await furnish_store(store, settings["a"], sandbox, sellers)
            await store.write(stock_up)
            lives = {
                name: Life(one, f"{name}.log", lease_seconds) for name, one in settings.items()
            }
            row = Row(sandbox, store, lives, settings)
            _note_claims(row)
            try:
                yield row
            except BaseException as error:
                for name, life in lives.items():
                    error.add_note(f"the end of the log of {name}:\n{life.tail()}")
                raise
            finally:
                for life in lives.values():
                    await life.kill()


def _of_node(
    settings: Settings, name: str, url: str, spacing_seconds: float, dialled: str
) -> Settings:
    """Lines that no slow machine breaks."""
    given = settings.model_dump(exclude_unset=True)
    given["database"]["url"] = url
    given["node"] = {"name": name}
    given["qq"]["milky_urls"] = [dialled] if dialled else []
    given["xianyu"] |= {
        "heartbeat_seconds": 2.0,
        "answer_seconds": 10.0,
        "send_spacing_seconds": spacing_seconds,
    }
    return Settings.model_validate(given)


def _note_claims(row: Row) -> None:
    lines = row.sandbox.lines
    claim = lines.claim

    def noted(line: Line, token: ImToken) -> None:
        row.claims.append(token.user)
        claim(line, token)

    lines.claim = noted  # type: ignore[method-assign]
