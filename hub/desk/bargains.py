"""Prices as people decide them: floors, answers to offers, and what an unpaid order costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from hub import text
from hub.bargains import SHOP_WORDS, agree, standing, terms_of
from hub.desk.accounts import find_account
from hub.desk.inbox import Inbox
from hub.desk.limits import check_risky
from hub.desk.operator import Operator
from hub.desk.orders import find_order
from hub.desk.stock import cause
from hub.errors import Invalid, NotConfirmed, NotFound
from hub.model import (
    Account,
    AccountId,
    AskedBy,
    ChangePrice,
    Choice,
    Floor,
    FloorKind,
    Item,
    KnownOrder,
    Need,
    OrderNote,
    OrderStatus,
    Role,
    StoredFloor,
    order_lane,
)
from hub.policy import ItemTerms, floor_price, forbidden_words, parse_floor, parse_price
from hub.settings import BargainSettings
from hub.store import Store, Tx

SETTLES = timedelta(seconds=5)
"""The platform refuses changes of an order that is younger."""
LIKE_THE_REST = ("默认", "跟随", "清除")
"""Words for: no floor of its own."""
MOST_WORDS, LONGEST_WORD = 500, 40
FLOOR_HINT = "写最低价（18）、最多降百分之几（10%）、最多降几元（减5）、不降价，或者默认"


@dataclass(frozen=True, slots=True)
class ItemFloor:
    """An item and how far its price may fall."""

    item: Item
    own: Floor | None
    """None: that of the account or the shop counts."""
    terms: ItemTerms


@dataclass(frozen=True, slots=True)
class FloorList:
    """All floors that an account's items have."""

    of: Account
    shop: Floor | None
    account: Floor | None
    items: tuple[ItemFloor, ...]


class Bargains:
    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        settings: BargainSettings,
        now: Callable[[], datetime],
        *,
        most_risky: int = 0,
    ) -> None:
        """`most_risky`: as in `Orders`."""
        self._most_risky = most_risky
        self._store = store
        self._inbox = inbox
        self._settings = settings
        self._now = now

    # --- floors ---

    async def floors(self, operator: Operator) -> Sequence[tuple[StoredFloor, str]]:
        """Every floor that is set, with the name of what it is for."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> list[tuple[StoredFloor, str]]:
            found = tx.floors.all(operator.shop)
            return [(one, _name(tx, operator, one.account, one.item)) for one in found]

        return await self._store.read(unit)

    async def of_account(self, operator: Operator, account: AccountId) -> FloorList:
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> FloorList:
            shop = operator.shop
            of = find_account(tx, operator, account)
            stored = {(one.account, one.item): one.floor for one in tx.floors.all(shop)}
            own = {item: floor for (_, item), floor in stored.items() if item is not None}
            return FloorList(
                of,
                stored.get((None, None)),
                stored.get((account, None)),
                tuple(
                    ItemFloor(
                        known.item,
                        own.get(known.item.id),
                        terms_of(tx, shop, account, known.item.id),
                    )
                    for known in tx.items.listed(shop, account)
                ),
            )

        return await self._store.read(unit)

    async def floor_of(self, operator: Operator, item: str) -> str:
        """What counts for an item, in one Chinese sentence. Raises NotFound."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> str:
            known = tx.items.get(operator.shop, item)
            if known is None:
                raise NotFound("没有这件商品；刚发布的先在「商品」里刷新")
            terms = terms_of(tx, operator.shop, known.account, item)
            name = _name(tx, operator, known.account, item)
            return text.floor_now(name, terms.floor, terms.least)

        return await self._store.read(unit)

    async def set_floor(
        self,
        operator: Operator,
        words: str,
        *,
        account: AccountId | None = None,
        item: str | None = None,
    ) -> str:
        """Set or clear the floor of an item, an account (no item) or the shop (neither); returns
        one Chinese sentence about what counts now. Raises Invalid, NotFound."""
        operator.require(Role.OWNER)
        floor = None if words.strip() in LIKE_THE_REST else parse_floor(words)
        if floor is None and words.strip() not in LIKE_THE_REST:
            raise Invalid(
                f"没有改动：看不懂「{words.strip()[:20]}」，{FLOOR_HINT}", {"floor": FLOOR_HINT}
            )
        now = self._now()

        def unit(tx: Tx) -> str:
            shop, of = operator.shop, account
            if item is not None:
                known = tx.items.get(shop, item)
                if known is None:
                    raise NotFound("没有这件商品；刚发布的先在「商品」里刷新")
                of = known.account
            elif account is not None:
                find_account(tx, operator, account)
            name = _name(tx, operator, of, item)
            if floor is None:
                tx.floors.clear(shop, of, item)
            else:
                self._check(tx, operator, floor, of, item)
                tx.floors.set(shop, of, item, floor, now)
            target = f"item {item}" if item else f"account {of}" if of is not None else "shop"
            operator.record(tx, "floor.set", target, now)
            if item is None or of is None:
                return text.floor_set(name, floor, None)
            terms = terms_of(tx, shop, of, item)
            return text.floor_set(name, terms.floor, terms.least)

        return await self._store.write(unit)

    def _check(
        self, tx: Tx, operator: Operator, floor: Floor, account: AccountId | None, item: str | None
    ) -> None:
        if item is None or account is None or floor.kind is FloorKind.PERCENT:
            if item is None and floor.kind is FloorKind.ABSOLUTE:
                raise Invalid(
                    "没有改动：整个账号或店铺的底价请写百分比或减几元，例如 10% 或 减5",
                    {"floor": "写百分比或减几元"},
                )
            return
        listed = max(terms_of(tx, operator.shop, account, item).prices, default=None)
        if listed is not None and floor.value > listed:
            raise Invalid(
                f"没有改动：比标价 {text.money(listed)} 元还高", {"floor": "不能比标价高"}
            )

    # --- words that no automatic answer may hold ---

    async def forbidden(self, operator: Operator) -> str:
        """The shop's own words, one a line, as they were written."""
        operator.require(Role.VIEWER)
        found = await self._store.read(lambda tx: tx.values.get(operator.shop, SHOP_WORDS))
        return found or ""

    async def forbid(self, operator: Operator, words: str) -> int:
        """Replace the shop's own words; returns how many there are now. Raises Invalid."""
        operator.require(Role.OWNER)
        found, now = forbidden_words(words), self._now()
        if len(found) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in found):
            why = f"最多 {MOST_WORDS} 个词，一个最多 {LONGEST_WORD} 个字"
            raise Invalid(f"没有保存：{why}", {"words": why})

        def unit(tx: Tx) -> int:
            tx.values.set(operator.shop, SHOP_WORDS, words.replace("\r\n", "\n").strip())
            operator.record(tx, "words.forbid", str(len(found)), now)
            return len(found)

        return await self._store.write(unit)

    # --- offers that wait for a person ---

    async def answer(self, operator: Operator, need: Need, choice: Choice, price: str = "") -> str:
        """Tell the buyer what was decided, close the need and remember the price, at once or not
        at all. `price`: what to counter with. Raises Invalid."""
        operator.require(Role.AGENT)
        if need.conversation is None:
            raise NotFound("这个会话不存在，可能已经被删除")
        where, now = need.conversation, self._now()
        named = parse_price(price) if choice is Choice.COUNTER else None
        if choice is Choice.COUNTER and named is None:
            raise Invalid(
                f"没有执行：写上要报的价，例如 /处理 {need.number} 2 18", {"price": "写上价格"}
            )
        offered = await self._store.read(lambda tx: self._offered(tx, operator, need))
        if choice is Choice.AGREE and offered is None:
            raise Invalid("没有执行：买家没有说具体的价，请还个价，或者直接在会话里回复")
        said = _to_buyer(choice, offered, named)

        def also(tx: Tx) -> None:
            conversation = tx.conversations.get(operator.shop, where)
            resolution = text.CHOICES[choice] + (f" {text.money(named)} 元" if named else "")
            if not tx.needs.close(
                operator.shop,
                need.id,
                resolution=resolution,
                member=operator.member.id or None,
                now=now,
            ):
                raise Invalid(f"待处理 {need.number} 刚刚有人处理过了")
            if conversation is not None and choice is Choice.AGREE:
                agree(tx, conversation, self._settings, now, agreed=offered)
            elif conversation is not None and named is not None:
                agree(tx, conversation, self._settings, now, countered=named)
            operator.record(tx, "offer.answer", str(need.number), now)

        key = f"offer:{need.id}"
        if await self._inbox.answer(operator, where, said, key=key, also=also) is None:
            raise Invalid(f"待处理 {need.number} 刚刚有人处理过了")
        return f"待处理 {need.number}：{text.CHOICES[choice]}，已回复买家「{said}」"

    def _offered(self, tx: Tx, operator: Operator, need: Need) -> Decimal | None:
        conversation = (
            tx.conversations.get(operator.shop, need.conversation)
            if need.conversation is not None
            else None
        )
        if conversation is None:
            return None
        bargain = standing(tx, conversation, self._settings, need.opened_at)
        return bargain.offered if bargain is not None else None

    # --- orders ---

    async def change_price(
        self,
        operator: Operator,
        order: str,
        price: str,
        *,
        key: str,
        code: str = "",
        asked_by: AskedBy | None = None,
    ) -> tuple[KnownOrder, Decimal]:
        """Have an unpaid order cost so much in all. What the platform says is told later.

        `key` names the act: the same key again changes nothing. Raises NotConfirmed the first time;
        Invalid, NotFound.
        """
        operator.require(Role.AGENT)
        amount, now = parse_price(price), self._now()
        if amount is None:
            raise Invalid(
                f"没有改价：看不懂「{price.strip()[:20]}」，写买家一共要付的钱，例如 15 或 15.5",
                {"price": "例如 15 或 15.5"},
            )

        def unit(tx: Tx) -> tuple[KnownOrder, Decimal]:
            known = find_order(tx, operator, order)
            if known.status is not OrderStatus.UNPAID:
                raise Invalid(
                    f"没有改价：订单现在是「{text.order_status(known)}」，只有待付款的能改价"
                )
            if known.paid_amount == amount:
                raise Invalid(f"没有改价：这笔订单本来就是 {text.money(amount)} 元")
            check_risky(tx, operator, self._most_risky, now)
            wanted = known.id[-4:]
            if code.strip() != wanted:
                least = self._least(tx, known)
                raise NotConfirmed(text.price_question(known, amount, least), wanted)
            what = f"price:{known.account}:{known.id}"
            task = tx.outbox.enqueue(
                known.shop,
                ChangePrice(known.account, known.id, amount, asked_by),
                lane=order_lane(known.account, f"price:{known.id}"),
                key=f"{what}:{key}",
                due_at=max(now, (known.created_at or now) + SETTLES),
            )
            if task is not None:
                tx.orders.note_down(
                    known.shop,
                    known.account,
                    known.id,
                    OrderNote.PRICE_ASKED,
                    detail=f"{text.money(amount)} 元",
                    by=cause(operator),
                    now=now,
                )
                operator.record(tx, "order.price", known.id, now)
            return known, amount

        return await self._store.write(unit)

    def _least(self, tx: Tx, order: KnownOrder) -> Decimal | None:
        """What the floor allows for all pieces of an order."""
        if order.item_id is None or order.quantity is None:
            return None
        terms = terms_of(tx, order.shop, order.account, order.item_id)
        least = floor_price(terms.listed, terms.floor)
        return None if least is None else least * order.quantity


def is_floor(words: str) -> bool:
    """Whether this can be said of a floor."""
    return words.strip() in LIKE_THE_REST or parse_floor(words) is not None


def _to_buyer(choice: Choice, offered: Decimal | None, named: Decimal | None) -> str:
    if choice is Choice.AGREE and offered is not None:
        return text.agreed_to_buyer(offered)
    return text.countered_to_buyer(named) if named is not None else text.declined_to_buyer()


def _name(tx: Tx, operator: Operator, account: AccountId | None, item: str | None) -> str:
    if item is not None:
        known = tx.items.get(operator.shop, item)
        return (
            f"「{known.item.title}」" if known is not None and known.item.title else f"商品 {item}"
        )
    found = tx.accounts.get(operator.shop, account) if account is not None else None
    return f"账号「{found.name}」" if found is not None else "全店"
