"""A platform, its buyers, an operator in QQ, and a hub that comes and goes.

The hub runs as in production, in a process of its own, against real sockets.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from hub.app import utc_now
from hub.desk import Desk, Door, Operator
from hub.model import RESTING, Account, AccountState, RuleKind, ShopId
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.onebot import ChatLine
from hub.sandbox.world import DEMO_SELLER, Conversation, World
from hub.settings import Settings
from hub.store import Store, Tx, open_store
from tests.faults.lives import Life, free_port
from tests.faults.witness import Witness

TOKEN = f"a-token-of-{secrets.token_hex(8)}"
"""Of this process alone: a bridge that is left behind gets in nowhere else."""
OWNER_QQ = "10002"
GREETING = "在的，直接拍就可以"
KEYWORD = "在吗"
SELLERS = (DEMO_SELLER, "2200111122224", "2200111122225")
BUYER = "3100444455556"
OTHER_BUYER = "3100444455557"
SECONDS = 60.0
"""Deadline of every wait; nothing takes nearly as long."""
LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Written:
    """What the operator wrote in QQ, and the conversation that it must reach."""

    id: str
    text: str
    conversation: str
    life: int


@dataclass
class Town:
    sandbox: Sandbox
    folder: Path
    sellers: tuple[str, ...]
    settings: Settings
    witness: Witness
    life: Life
    written: list[Written] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    """Ids of orders that buyers have paid."""
    _mended: Counter[str] = field(default_factory=Counter)
    _coming_and_going: asyncio.Lock = field(default_factory=asyncio.Lock)

    # --- people ---

    @property
    def world(self) -> World:
        return self.sandbox.world

    def conversations(self) -> list[Conversation]:
        return [one for s in self.sellers for one in self.world.conversations_of(s)]

    def conversation(self, buyer: str = BUYER, seller: str = DEMO_SELLER) -> Conversation:
        return self.world.conversation_of(seller, buyer)

    async def say(self, conversation: Conversation, *texts: str) -> None:
        """The buyer says all of it in one push."""
        await self.sandbox.stage.say(conversation, [{"text": text} for text in texts])

    async def pay(self, conversation: Conversation) -> None:
        """The buyer orders and pays."""
        trade = self.sandbox.trade
        order = await trade.place(conversation)
        await trade.step(order, "pay")
        self.orders.append(order.id)

    def notices(self) -> list[ChatLine]:
        """What the hub told the owner, receipts included."""
        return self.sandbox.qq.bot_lines("private", OWNER_QQ)

    def notice_of(self, text: str) -> ChatLine | None:
        """The notice of a buyer's message with this text."""
        return next((n for n in self.notices() if text in n.text.splitlines()), None)

    async def wait_notice(self, part: str) -> ChatLine:
        return await self.sandbox.qq.wait_for_line(
            "private", OWNER_QQ, lambda line: line.sender != OWNER_QQ and part in line.text, SECONDS
        )

    async def answer(self, conversation: Conversation, quoted: ChatLine, text: str) -> Written:
        """The operator quotes a notice of this conversation."""
        id = await self.sandbox.qq.say_private(OWNER_QQ, text, quote=quoted.id)
        written = Written(id, text, conversation.id, self.life.number)
        self.written.append(written)
        return written

    def receipts(self, written: Written) -> list[ChatLine]:
        """Everything the operator was told about what he wrote."""
        return [line for line in self.notices() if line.quoted == written.id]

    # --- trouble ---

    async def admin(self, path: str, body: Mapping[str, Any], method: str = "POST") -> Any:
        """Ask the platform's admin door, as a person with curl would."""
        url = f"{self.sandbox.urls['admin_url']}/{path}"
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, json=body) as response,
        ):
            assert response.ok, await response.text()
            return await response.json()

    async def restart_hub(self, *, kill: bool, pause: float) -> None:
        """One after the other, when several are asked for at once."""
        async with self._coming_and_going:
            await (self.life.kill() if kill else self.life.stop())
            await asyncio.sleep(pause)
            await self.life.start()

    def heal(self) -> None:
        """From now on the platform behaves. What happened before stays."""
        self.sandbox.faults.clear()
        self.sandbox.lines.refusing_until = 0.0
        self.sandbox.manners.change({"unacked_limit": 0, "expired_line": "nothing"})

    # --- the truth ---

    @property
    def store(self) -> Store:
        """What the running hub has stored."""
        assert self.life.store is not None, "no hub runs"
        return self.life.store

    async def read(self, unit: Callable[[Tx, ShopId], Any]) -> Any:
        return await self.store.read(lambda tx: unit(tx, tx.shops.default()))

    async def read_calmly(self, unit: Callable[[Tx, ShopId], Any]) -> Any:
        """The same in the midst of trouble: no hub is killed or started meanwhile."""
        async with self._coming_and_going:
            return await self.read(unit)

    async def accounts(self) -> list[Account]:
        found: list[Account] = await self.read(lambda tx, shop: tx.accounts.all(shop))
        return found

    async def until(self, met: Callable[[], bool], what: str) -> None:
        assert await self.world.bell.until(met, SECONDS), f"waited in vain for {what}"

    async def wait_accounts(self, met: Callable[[Account], bool], what: str) -> None:
        """Wait until it is so for every account."""

        async def look() -> list[str]:
            return [f"{a.name} is {a.state}" for a in await self.accounts() if not met(a)]

        await self.nothing_left(look, what)

    async def start_hub(self) -> None:
        """Start it and wait until it is connected to QQ and to Xianyu."""
        await self.life.start()
        await self.sandbox.qq.wait_online(SECONDS)
        await self.wait_online()

    async def wait_online(self) -> None:
        await self.wait_accounts(lambda a: a.state is AccountState.ONLINE, "the accounts")

    async def wait_declared(self) -> None:
        """Wait until the lines have told the platform what they know; before that, it repeats.

        A line's second heartbeat comes after it.
        """

        async def look() -> list[str]:
            lines = [self.sandbox.lines.of(seller) for seller in self.sellers]
            return [str(some) for some in lines if not any(one.heartbeats > 1 for one in some)]

        await self.nothing_left(look, "the first heartbeats")

    async def wait_compared(self) -> None:
        """Wait until the lists were compared after connecting; what is missed later, a deaf line
        missed."""

        def unit(tx: Tx, shop: ShopId) -> list[str]:
            return [
                account.name
                for account in tx.accounts.all(shop)
                if not tx.inputs.known(shop, [f"orders known:{account.id}"])
                or any(
                    one.account == account.id and one.caught_up_at is None
                    for one in tx.comparisons.outages(shop)
                )
            ]

        await self.nothing_left(lambda: self.read(unit), "the first comparison")

    async def nothing_left(
        self, look: Callable[[], Awaitable[list[str]]], what: str, seconds: float = SECONDS
    ) -> None:
        """Look again and again until nothing is left to wait for."""
        left: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                while left := await look():  # noqa: ASYNC110 - nobody can set an event for it
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        except TimeoutError as error:
            raise AssertionError(f"waited in vain for {what}: {left}") from error

    async def mend_accounts(self) -> None:
        """The owner does what he was told to do about his accounts, once for each time."""
        for account in await self.accounts():
            told = sum(_asks_for(account.name, line.text) for line in self.notices())
            if account.state not in RESTING or told <= self._mended[account.name]:
                continue
            self._mended[account.name] = told
            if account.state is AccountState.HELD:
                await self.sandbox.qq.say_private(OWNER_QQ, f"/重连 {account.name}")
            else:
                desk, owner = await self.desk()
                await desk.accounts.log_in(owner, account.id, self.sandbox.cookies(account.user))

    async def desk(self) -> tuple[Desk, Operator]:
        owners = await self.read(lambda tx, shop: tx.members.owners(shop))
        return Desk(self.store, self.settings, utc_now), Operator(owners[0], Door.CLI)


def settings_of(
    sandbox: Sandbox, folder: Path, port: int, debounce_seconds: float = 0.0
) -> Settings:
    """Quick, so that a fault and its cure fit into seconds."""
    urls = {
        name: sandbox.urls[name] for name in ("ws_url", "mtop_url", "passport_url", "upload_url")
    }
    quick = {
        "send_spacing_seconds": 0,
        "token_spacing_seconds": 0,
        "order_list_spacing_seconds": 0,
        "order_spacing_seconds": 0,
        "write_spacing_seconds": 0,
        "item_spacing_seconds": 0,
        "answer_seconds": 1.0,
        "heartbeat_seconds": 0.5,
        "uncertain_seconds": 1.0,
        "compare_minutes": 0.02,
        "renewal_spacing_minutes": 0,
        "breaker_minutes": 0.01,
        "reconnect_first_seconds": 0.05,
        "reconnect_most_seconds": 0.3,
    }
    return Settings.model_validate(
        {
            "web": {"host": "127.0.0.1", "port": port},
            "database": {"path": folder / "hub.db"},
            "xianyu": {**urls, **quick},
            "qq": {"access_token": TOKEN, "send_spacing_seconds": 0, "api_seconds": 2.0},
            "replies": {"debounce_seconds": debounce_seconds},
            "log": {"level": "DEBUG"},
        }
    )


def _asks_for(name: str, notice: str) -> bool:
    """Whether a notice says that a person has to look at the account, alone or with others."""
    return f"🔴【{name}】" in notice or ("个账号要你处理" in notice and name in notice)


def people(sandbox: Sandbox, accounts: int) -> tuple[str, ...]:
    world = sandbox.world
    for seller in SELLERS[1:accounts]:
        world.add_seller(f"店铺{seller[-1]}", seller)
        world.add_item(seller, "旧书一箱")
        for buyer in (BUYER, OTHER_BUYER):
            world.conversation_of(seller, buyer)
    return SELLERS[:accounts]


async def furnish(folder: Path, accounts: int) -> None:
    """What the owner has set up before the hub starts. The folder may be copied: its logins hold
    in every town made of it."""
    async with start_sandbox(SandboxOptions(realm=str(folder))) as sandbox:
        sellers = people(sandbox, accounts)
        settings = settings_of(sandbox, folder, port=0)
        async with open_store(settings.database.path, now=utc_now) as store:
            await furnish_store(store, settings, sandbox, sellers)


async def furnish_store(
    store: Store, settings: Settings, sandbox: Sandbox, sellers: Sequence[str]
) -> None:
    desk = Desk(store, settings, utc_now)
    founded = await desk.members.found_shop(name="店主", password="a long password", qq=[OWNER_QQ])
    owner = Operator(founded.login.operator.member, Door.CLI)
    await desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=[KEYWORD], reply=GREETING)
    for number, seller in enumerate(sellers, 1):
        account = await desk.accounts.add(owner, f"小店{number}", sandbox.cookies(seller))
        await desk.accounts.configure(owner, account.id, takeover_minutes=0)


@asynccontextmanager
async def open_town(
    furnished: Path, folder: Path, *, accounts: int = 1, debounce_seconds: float = 0.0
) -> AsyncIterator[Town]:
    """`furnished`: a folder made by `furnish` for as many accounts. No hub runs yet."""
    shutil.copytree(furnished, folder)
    port = free_port()
    options = SandboxOptions(
        list_quiet_seconds=0,
        onebot_url=f"ws://127.0.0.1:{port}/onebot/v11/ws",
        onebot_token=TOKEN,
        onebot_reconnect_seconds=0.05,
        realm=str(furnished),
    )
    async with start_sandbox(options) as sandbox:
        sellers = people(sandbox, accounts)
        settings = settings_of(sandbox, folder, port, debounce_seconds)
        with Witness(settings.database.path).watching(sandbox) as witness:
            life = Life(settings)
            try:
                yield Town(sandbox, folder, sellers, settings, witness, life)
            except Exception as error:
                error.add_note(f"the end of the hub's log {life.log}:\n{life.tail()}")
                raise
            finally:
                await life.kill()
    shutil.rmtree(folder)  # of what went well; hundreds of them would fill the disk
