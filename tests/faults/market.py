"""A town with something to sell: pools, rules, buyers who order, people who act on orders.

What becomes of it is looked at by `goods.py`, line by line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from hub.app import utc_now
from hub.model import (
    CardState,
    Cause,
    Delivery,
    DeliveryRule,
    DeliveryRuleId,
    DeliveryState,
    Guards,
    Pool,
    PoolKind,
    Role,
    ShopId,
    StepOrder,
    StoredPicture,
    SupplierCall,
)
from hub.sandbox.orders import Order, Refused
from hub.sandbox.world import DEMO_SELLER
from hub.store import Store, Tx, open_store
from tests.faults.people import AGENT_QQ, People
from tests.faults.supplier import AGAIN, DEADLINE_SECONDS, ONCE, Supplier, open_supplier
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
    kind: PoolKind | None = PoolKind.CODES
    """None: no rule serves it."""
    sku: str = ""
    codes: str = ""
    """How its codes begin; empty: it has none. For a supplier's this is its door, too."""
    cards: int = 1
    template: str = ""
    steps: StepOrder = StepOrder.SEND_THEN_CONFIRM
    delay_seconds: int = 0

    @property
    def one_piece(self) -> bool:
        """However many are bought, it is handed out once."""
        return self.kind in (PoolKind.TEXT, PoolKind.IMAGE)


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
    "season": Ware("880011223344", kind=None, sku="季卡"),
    "call": Ware("880011223401", kind=PoolKind.API, codes=ONCE),
    "safe call": Ware(
        "880011223402", kind=PoolKind.API, codes=AGAIN, template="{order_id}：{DELIVERY_CONTENT}"
    ),
    "course": Ware("880011223403", kind=PoolKind.TEXT),
    "map": Ware("880011223404", kind=PoolKind.IMAGE),
}
"""Three pools of codes, a choice that no rule names, two doors of a supplier, a text, pictures."""
COURSE = "订单 {order_id} 的教程：https://example.com/course"
PICTURES = 2


@dataclass
class Market:
    """What was bought, and in which life of the hub what was said about it."""

    town: Town
    supplier: Supplier
    people: People = field(init=False)
    orders: dict[int, Order] = field(default_factory=dict)
    """By the number of the purchase."""
    wares: dict[str, Ware] = field(default_factory=dict)
    """By the id of the order."""
    kills: int = 0
    life_of_send: dict[str, int] = field(default_factory=dict)
    """In which life of the hub a message left, by its `uuid`."""
    life_of_refund: dict[str, int] = field(default_factory=dict)
    """In which life of the hub, or after which, a refund was first asked for."""

    def __post_init__(self) -> None:
        self.people = People(self.town, self.is_seen, self.is_there)

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

    # --- what people see before they act ---

    def on_phones(self) -> set[str]:
        """The `uuid`s of our messages that buyers have."""
        return {one.uuid for c in self.town.conversations() for one in c.messages if one.uuid}

    async def is_seen(self, order: str) -> bool:
        """Whether anything that was sent for this order is on its buyer's phone."""
        there = self.on_phones()
        return any(
            uuid in there
            for _, attempts in await self.town.read_calmly(
                lambda tx, shop: written_for(tx, shop, order)
            )
            for uuids in attempts
            for uuid in uuids
        )

    async def is_there(self, order: str) -> bool:
        """Whether the buyer has all of what nobody was sure about."""
        there = self.on_phones()
        doubtful = [
            attempts
            for one, attempts in await self.town.read_calmly(
                lambda tx, shop: written_for(tx, shop, order)
            )
            if one.state is DeliveryState.REVIEW
        ]
        return bool(doubtful) and all(
            any(uuids and there.issuperset(uuids) for uuids in attempts) for attempts in doubtful
        )

    async def some_card(self, state: CardState, nth: int) -> tuple[str, str]:
        """A code in this state, and the order that has it. Empty: there is none."""

        def unit(tx: Tx, shop: ShopId) -> list[tuple[str, str]]:
            return [
                (card.code, card.unit.order if card.unit is not None else "")
                for pool in tx.pools.all(shop)
                for card in tx.card_records.page(shop, pool.id, state=state, limit=5)
                if card.batch is not None
            ]

        found = await self.town.read_calmly(unit)
        return found[nth % len(found)] if found else ("", "")

    def heal(self) -> None:
        """From now on the platform and the supplier behave."""
        self.town.heal()
        self.supplier.heal()

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
            "supply": lambda: self.supplier.calls,
            "push": lambda: len(self.town.sandbox.lines.log),
            "whenever": lambda: 0,
        }
        return counts[moment]()

    def _calls(self, api: str) -> int:
        return sum(api in one.path for one in self.town.sandbox.recorder.seen)


def written_for(tx: Tx, shop: ShopId, order: str) -> list[tuple[Delivery, list[list[str]]]]:
    """The units of an order, each with the `uuid`s of its messages, time by time."""
    (account,) = tx.accounts.all(shop)
    return [
        (
            unit,
            [
                [
                    _uuid(tx, shop, message)
                    for message, _ in tx.deliveries.parts(shop, unit.id, time)
                ]
                for time in range(1, unit.attempt + 1)
            ],
        )
        for unit in tx.deliveries.of_order(shop, account.id, order)
    ]


def _uuid(tx: Tx, shop: ShopId, message: Any) -> str:
    found = tx.conversations.of_message(shop, message)
    assert found is not None
    return found[2]


# --- what the owner has set up ---


async def stock_up(store: Store, supplier: Supplier) -> None:
    """Pools, a rule for each, and somebody who helps."""
    pictures = tuple(_picture(store, color) for color in range(PICTURES))

    def unit(tx: Tx) -> None:
        shop, now = tx.shops.default(), utc_now()
        tx.members.add(shop, "客服", Role.AGENT, qq=[AGENT_QQ], now=now)
        for name, ware in WARES.items():
            if ware.kind is None:
                continue
            pool = _pool(tx, shop, name, ware, supplier, pictures)
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

    await store.write(unit)


def _pool(
    tx: Tx,
    shop: ShopId,
    name: str,
    ware: Ware,
    supplier: Supplier,
    pictures: tuple[StoredPicture, ...],
) -> Pool:
    assert ware.kind is not None
    now = utc_now()
    pool = tx.pools.add(
        shop,
        name=name,
        kind=ware.kind,
        template=ware.template,
        text=COURSE if ware.kind is PoolKind.TEXT else "",
        pictures=pictures if ware.kind is PoolKind.IMAGE else (),
        supplier=_call(supplier, ware.codes) if ware.kind is PoolKind.API else None,
        now=now,
    )
    if ware.kind is PoolKind.CODES:
        batch = tx.card_records.new_batch(shop, pool.id, "一批", by=Cause(None, "cli"), now=now)
        codes = [f"{ware.codes}-{number:04}" for number in range(IN_STOCK)]
        tx.cards.add(shop, pool.id, codes, batch=batch, now=now)
    return pool


def _call(supplier: Supplier, door: str) -> SupplierCall:
    return SupplierCall(
        supplier.url(door),
        method="POST",
        body='{"order": "{order_id}", "piece": "{order_unit}"}',
        success_path="$.ok",
        success_values=("true",),
        timeout_seconds=DEADLINE_SECONDS,
        repeatable=door == AGAIN,
        allow_private=True,
    )


def _picture(store: Store, color: int) -> StoredPicture:
    file = BytesIO()
    Image.new("RGB", (20, 10), (color, 0, 0)).save(file, "PNG")
    return StoredPicture(store.pictures.keep(file.getvalue(), ".png"), "image/png", 20, 10)


@asynccontextmanager
async def open_market(furnished: Path, folder: Path) -> AsyncIterator[Market]:
    """`furnished`: a folder made for one account. No hub runs yet."""
    async with open_supplier() as supplier, open_town(furnished, folder) as town:
        for buyer in BUYERS:
            town.world.add_buyer(f"买家{buyer[-2:]}", buyer)
        for name, ware in WARES.items():
            if ware.item not in town.world.items:
                town.world.add_item(DEMO_SELLER, name, id=ware.item)
        async with open_store(town.settings.database.path, now=utc_now) as store:
            await stock_up(store, supplier)
        async with Market(town, supplier).watched() as market:
            yield market
