"""A town with something to sell: pools, rules, buyers who order, and everything that becomes of it.

The ledger, the cards and the buyers' phones are compared line by line by `goods.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hub.app import utc_now
from hub.model import Cause, DeliveryRule, DeliveryRuleId, Guards, PoolKind, StepOrder
from hub.sandbox.orders import Order, Refused
from hub.sandbox.world import DEMO_SELLER
from hub.store import Tx, open_store
from tests.faults.town import Town, open_town

ORDER_API = "mtop.idle.web.trade.order.detail"
SHIP_API = "mtop.taobao.idle.logistic.consign.dummy"
FREE_API = "mtop.idle.groupon.activity.seller.freeshipping"
BUYERS = tuple(f"31004445600{number:02}" for number in range(8))
IN_STOCK = 200
"""Cards of each pool: plenty, so that whatever is owed can be drawn."""
REFUND_STEP = "refund_requested"


@dataclass(frozen=True, slots=True)
class Ware:
    """What can be bought and what the buyer of one piece gets."""

    item: str
    sku: str = ""
    codes: str = ""
    """How the codes of its pool begin; empty: no rule serves it."""
    cards: int = 1
    template: str = ""
    steps: StepOrder = StepOrder.SEND_THEN_CONFIRM
    delay_seconds: int = 0


WARES = {
    "pot": Ware("880011223346", codes="MON"),
    "keyboard": Ware(
        "880011223345",
        codes="SEA",
        cards=2,
        template="您好\n######\n{DELIVERY_CONTENT}\n######\n请确认收货",
        delay_seconds=1,
    ),
    "month": Ware("880011223344", sku="月卡", codes="YEA", steps=StepOrder.CONFIRM_THEN_SEND),
    "season": Ware("880011223344", sku="季卡"),
}
"""Three pools, and a choice that no rule names."""


@dataclass
class Market:
    """What was bought, and in which life of the hub what was said about it."""

    town: Town
    orders: dict[int, Order] = field(default_factory=dict)
    """By the number of the purchase."""
    wares: dict[str, Ware] = field(default_factory=dict)
    """By the id of the order."""
    kills: int = 0
    life_of_send: dict[str, int] = field(default_factory=dict)
    """In which life of the hub a message left, by its `uuid`."""
    life_of_refund: dict[str, int] = field(default_factory=dict)
    """In which life of the hub, or after which, a refund was first asked for."""

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Market]:
        on_send = self.town.sandbox.im.on_send

        def note(send: object) -> None:
            uuid: str = send.uuid  # type: ignore[attr-defined]
            self.life_of_send.setdefault(uuid, self.town.life.number)

        on_send.append(note)
        try:
            yield self
        finally:
            on_send.remove(note)

    # --- what buyers and the platform do ---

    async def place(
        self, number: int, buyer: str, ware: Ware, *, quantity: int, bargain: bool
    ) -> None:
        thread = self.town.world.conversation_of(DEMO_SELLER, buyer, ware.item)
        trade = self.town.sandbox.trade
        order = trade.book.place(thread, quantity=quantity, sku=ware.sku, bargain=bargain)
        self.orders[number], self.wares[order.id] = order, ware
        await trade.tell(order, "unpaid")

    async def step(self, number: int, name: str, told: str = "story") -> None:
        """A step that the order may not allow any more; then nothing happens."""
        order = self.orders[number]
        if name == "refund":
            self.life_of_refund.setdefault(order.id, self.town.life.number)
        try:
            await self.town.sandbox.trade.step(order, name, told=told)
        except Refused:
            if REFUND_STEP not in order.story:
                self.life_of_refund.pop(order.id, None)

    async def repeat(self, number: int, event: str) -> None:
        """The platform says once more what it has said, or says it in another form."""
        order = self.orders[number]
        if "paid" in order.story or "bargain_done" in order.story:
            await self.town.sandbox.trade.tell(order, event)

    async def forge(self, number: int) -> None:
        """The buyer types what the platform would write."""
        order = self.orders[number]
        thread = self.town.world.conversation(order.conversation)
        await self.town.say(thread, f"[我已付款，等待你发货] orderId={order.id}")

    # --- the hub's end ---

    async def kill(self, moment: str, seconds: float, pause: float) -> None:
        """SIGKILL at the next such moment, or after so many seconds without one."""
        before, count = self._count(moment), self._count
        await self.town.world.bell.until(lambda: count(moment) > before, seconds)
        await self.town.restart_hub(kill=True, pause=pause)
        self.kills += 1

    def _count(self, moment: str) -> int:
        counts: dict[str, Callable[[], int]] = {
            "send": lambda: len(self.town.sandbox.im.sends),
            "read": lambda: self._calls(ORDER_API),
            "ship": lambda: self._calls(SHIP_API),
            "free": lambda: self._calls(FREE_API),
            "push": lambda: len(self.town.sandbox.lines.log),
            "whenever": lambda: 0,
        }
        return counts[moment]()

    def _calls(self, api: str) -> int:
        return sum(api in one.path for one in self.town.sandbox.recorder.seen)


def stock_up(tx: Tx) -> None:
    """What the owner has set up: three pools, and a rule for each."""
    shop, now = tx.shops.default(), utc_now()
    for name, ware in WARES.items():
        if not ware.codes:
            continue
        pool = tx.pools.add(shop, name=name, kind=PoolKind.CODES, template=ware.template, now=now)
        batch = tx.card_records.new_batch(shop, pool.id, "一批", by=Cause(None, "cli"), now=now)
        codes = [f"{ware.codes}-{number:04}" for number in range(IN_STOCK)]
        tx.cards.add(shop, pool.id, codes, batch=batch, now=now)
        rule = DeliveryRule(
            DeliveryRuleId(0),
            shop,
            None,
            pool.id,
            items=(ware.item,),
            spec=(("套餐", ware.sku),) if ware.sku else (),
            cards=ware.cards,
            delay_seconds=ware.delay_seconds,
            steps=ware.steps,
        )
        tx.delivery_rules.add(rule, now)
    # Refusals come thick and fast here; the brake has tests of its own.
    tx.guards.set(shop, Guards(brake_per_minute=0, brake_failures=0))


@asynccontextmanager
async def open_market(furnished: Path, folder: Path) -> AsyncIterator[Market]:
    """`furnished`: a folder made for one account. No hub runs yet."""
    async with open_town(furnished, folder) as town:
        for buyer in BUYERS:
            town.world.add_buyer(f"买家{buyer[-2:]}", buyer)
        async with open_store(town.settings.database.path, now=utc_now) as store:
            await store.write(stock_up)
        async with Market(town).watched() as market:
            yield market
