"""Orders as they were last read, and the story of each."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from hub.model import (
    AccountId,
    Cause,
    ConversationId,
    DeliveryStep,
    KnownOrder,
    MemberId,
    Order,
    OrderNote,
    OrderStatus,
    PlatformUser,
    ShopId,
    StepOrder,
    StoryLine,
)
from hub.store.codec import (
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    spec_from_text,
    spec_to_text,
)
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "shop_id, account_id, order_id, conversation_id, status, raw_status, item_id, item_title,"
    " buyer, buyer_name, spec, quantity, paid_amount, bargain, created_at, paid_at, steps,"
    " shipped_at, refund_at, seen_at, read_at"
)
_ONE = " WHERE shop_id = :shop AND account_id = :account AND order_id = :order"
_SAVE = Statement(
    "INSERT INTO orders (shop_id, account_id, order_id, conversation_id, status, raw_status,"
    " item_id, item_title, buyer, buyer_name, spec, quantity, paid_amount, bargain, created_at,"
    " paid_at, steps, shipped_at, seen_at, read_at) VALUES (:shop, :account, :order,"
    " :conversation, :status, :raw_status, :item_id, :item_title, :buyer, :buyer_name, :spec,"
    " :quantity, :paid_amount, :bargain, :created_at, :paid_at, :steps, :shipped_at, :now, :now)"
    " ON CONFLICT (shop_id, account_id, order_id) DO UPDATE SET"
    " conversation_id = coalesce(excluded.conversation_id, orders.conversation_id),"
    " status = excluded.status, raw_status = excluded.raw_status,"
    " item_id = coalesce(excluded.item_id, orders.item_id),"
    " item_title = CASE WHEN excluded.item_title = '' THEN orders.item_title"
    " ELSE excluded.item_title END,"
    " buyer = coalesce(excluded.buyer, orders.buyer),"
    " buyer_name = CASE WHEN excluded.buyer_name = '' THEN orders.buyer_name"
    " ELSE excluded.buyer_name END,"
    " spec = CASE WHEN excluded.spec = '[]' THEN orders.spec ELSE excluded.spec END,"
    " quantity = coalesce(excluded.quantity, orders.quantity),"
    " paid_amount = coalesce(excluded.paid_amount, orders.paid_amount),"
    " bargain = orders.bargain OR excluded.bargain,"
    " created_at = coalesce(excluded.created_at, orders.created_at),"
    " paid_at = coalesce(excluded.paid_at, orders.paid_at),"
    " shipped_at = coalesce(orders.shipped_at, excluded.shipped_at), read_at = excluded.read_at"
)
_GET = Statement(f"SELECT {_COLUMNS} FROM orders{_ONE}")
_BY_NUMBER = Statement(f"SELECT {_COLUMNS} FROM orders WHERE shop_id = :shop AND order_id = :order")
_OF_BUYER = Statement(
    f"SELECT {_COLUMNS} FROM orders WHERE shop_id = :shop AND buyer = :buyer"
    " ORDER BY seen_at DESC, id DESC LIMIT :limit"
)
_RECENT = Statement(
    f"SELECT {_COLUMNS} FROM orders WHERE shop_id = :shop ORDER BY seen_at DESC, id DESC"
    " LIMIT :limit"
)
MOST_WORDS = 4
_HAS = " AND ".join(
    f"(instr(lower(buyer_name), :word{n}) > 0 OR instr(lower(item_title), :word{n}) > 0"
    f" OR instr(order_id, :word{n}) > 0 OR instr(lower(spec), :word{n}) > 0)"
    for n in range(MOST_WORDS)
)
_SEARCH = {
    (of_account, in_status, words, older): Statement(
        f"SELECT {_COLUMNS} FROM orders WHERE shop_id = :shop"
        f"{' AND account_id = :account' if of_account else ''}"
        f"{' AND status = :status' if in_status else ''}"
        f"{f' AND {_HAS}' if words else ''}"
        f"{' AND (seen_at, id) < (:seen_at, :id)' if older else ''}"
        " ORDER BY seen_at DESC, id DESC LIMIT :limit"
    )
    for of_account in (True, False)
    for in_status in (True, False)
    for words in (True, False)
    for older in (True, False)
}
_PLACE = Statement(
    "SELECT seen_at, id FROM orders WHERE shop_id = :shop AND order_id = :order ORDER BY id LIMIT 1"
)
_ENDING = Statement(
    f"SELECT {_COLUMNS} FROM orders WHERE shop_id = :shop AND order_id LIKE :ending"
    " ORDER BY seen_at DESC, id DESC LIMIT :limit"
)
_SET_STEPS = Statement(f"UPDATE orders SET steps = :steps{_ONE}")
_SET_SHIPPED = Statement(f"UPDATE orders SET shipped_at = :now{_ONE} AND shipped_at IS NULL")
_SET_REFUND = Statement(f"UPDATE orders SET refund_at = :at{_ONE} AND refund_at IS NULL")
_CLEAR_REFUND = Statement(f"UPDATE orders SET refund_at = NULL{_ONE} AND refund_at IS NOT NULL")
_NAME_BUYER = Statement(
    "UPDATE orders SET buyer_name = :name"
    " WHERE shop_id = :shop AND buyer = :buyer AND buyer_name = '' RETURNING order_id"
)
_NOTE_DOWN = Statement(
    "INSERT INTO delivery_events (shop_id, account_id, order_id, unit, step, detail, member_id,"
    " door, at) VALUES (:shop, :account, :order, :unit, :step, :detail, :member, :door, :now)"
)
_STORY = Statement(
    f"SELECT at, unit, step, detail, member_id, door FROM delivery_events{_ONE} ORDER BY id"
)
_OUTCOMES = Statement(
    "SELECT step FROM delivery_events WHERE shop_id = :shop"
    " AND step IN ('accepted', 'rejected', 'uncertain') AND at >= :since"
    " ORDER BY id DESC LIMIT :limit"
)
_STEPS = frozenset(step.value for step in DeliveryStep)
_BY_THE_HUB = Cause(None, "hub")


class Orders:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def save(
        self,
        shop: ShopId,
        account: AccountId,
        order: Order,
        *,
        conversation: ConversationId | None,
        now: datetime,
    ) -> KnownOrder:
        """What the page says by now; what it does not say stays as it was known."""
        shipped = order.shipped_at or (
            now if order.status in (OrderStatus.SHIPPED, OrderStatus.COMPLETED) else None
        )
        self._sql.run(
            _SAVE,
            shop=shop,
            account=account,
            order=order.id,
            conversation=conversation,
            status=order.status,
            raw_status=order.raw_status,
            item_id=order.item_id,
            item_title=order.item_title,
            buyer=order.buyer,
            buyer_name=order.buyer_name,
            spec=spec_to_text(order.spec),
            quantity=order.quantity,
            paid_amount=None if order.paid_amount is None else str(order.paid_amount),
            bargain=order.bargain,
            created_at=micros_or_none(order.created_at),
            paid_at=micros_or_none(order.paid_at),
            steps=StepOrder.SEND_THEN_CONFIRM,
            shipped_at=micros_or_none(shipped),
            now=micros(now),
        )
        self._changed(shop, order.id)
        found = self.get(shop, account, order.id)
        assert found is not None  # noqa: S101 - saved above
        return found

    def get(self, shop: ShopId, account: AccountId, order: str) -> KnownOrder | None:
        row = self._sql.row(_GET, shop=shop, account=account, order=order)
        return None if row is None else _to_order(row)

    def by_number(self, shop: ShopId, order: str) -> list[KnownOrder]:
        """Platform numbers are unique, so more than one is an oddity."""
        return [_to_order(row) for row in self._sql.rows(_BY_NUMBER, shop=shop, order=order)]

    def of_buyer(self, shop: ShopId, buyer: PlatformUser, limit: int = 50) -> list[KnownOrder]:
        """The newest first."""
        rows = self._sql.rows(_OF_BUYER, shop=shop, buyer=buyer, limit=limit)
        return [_to_order(row) for row in rows]

    def recent(self, shop: ShopId, limit: int = 50) -> list[KnownOrder]:
        return [_to_order(row) for row in self._sql.rows(_RECENT, shop=shop, limit=limit)]

    def search(
        self,
        shop: ShopId,
        words: str,
        *,
        account: AccountId | None = None,
        status: OrderStatus | None = None,
        before: str = "",
        limit: int = 50,
    ) -> list[KnownOrder]:
        """Each of the words in the buyer's name, the item's title, the choice or the number; the
        newest first. `before`: the number of an order, only what comes after it in this list; an
        unknown one leaves nothing."""
        place = self._sql.row(_PLACE, shop=shop, order=before) if before else None
        if before and place is None:
            return []
        wanted = _lower(words).split(maxsplit=MOST_WORDS - 1)
        rows = self._sql.rows(
            _SEARCH[account is not None, status is not None, bool(wanted), place is not None],
            shop=shop,
            account=account,
            status=status,
            limit=limit,
            seen_at=place[0] if place is not None else None,
            id=place[1] if place is not None else None,
            **{
                f"word{n}": word
                for n, word in enumerate([*wanted, *[""] * MOST_WORDS][:MOST_WORDS])
            },
        )
        return [_to_order(row) for row in rows]

    def ending(self, shop: ShopId, digits: str, limit: int = 6) -> list[KnownOrder]:
        """Those whose number ends with these digits, the newest first."""
        rows = self._sql.rows(_ENDING, shop=shop, ending=f"%{digits}", limit=limit)
        return [_to_order(row) for row in rows]

    def set_steps(self, shop: ShopId, account: AccountId, order: str, steps: StepOrder) -> None:
        self._sql.run(_SET_STEPS, shop=shop, account=account, order=order, steps=steps)

    def set_shipped(self, shop: ShopId, account: AccountId, order: str, now: datetime) -> bool:
        """False: that was known."""
        news = self._sql.run(_SET_SHIPPED, shop=shop, account=account, order=order, now=micros(now))
        self._changed(shop, order)
        return news > 0

    def set_refund(self, shop: ShopId, account: AccountId, order: str, at: datetime) -> bool:
        """A refund, or the end of the order, was heard of. False: that was known."""
        news = self._sql.run(_SET_REFUND, shop=shop, account=account, order=order, at=micros(at))
        self._changed(shop, order)
        return news > 0

    def clear_refund(self, shop: ShopId, account: AccountId, order: str) -> bool:
        """It is off. False: there was none."""
        news = self._sql.run(_CLEAR_REFUND, shop=shop, account=account, order=order)
        self._changed(shop, order)
        return news > 0

    def name_buyer(self, shop: ShopId, buyer: PlatformUser, name: str) -> None:
        """His orders whose pages did not tell his name have it from now on."""
        for (order,) in self._sql.rows(_NAME_BUYER, shop=shop, buyer=buyer, name=name):
            self._changed(shop, order)

    # --- the story ---

    def note_down(
        self,
        shop: ShopId,
        account: AccountId,
        order: str,
        step: DeliveryStep | OrderNote,
        *,
        unit: int | None = None,
        detail: str = "",
        by: Cause = _BY_THE_HUB,
        now: datetime,
    ) -> None:
        """One more line; `detail` never holds a card."""
        self._sql.run(
            _NOTE_DOWN,
            shop=shop,
            account=account,
            order=order,
            unit=unit,
            step=step,
            detail=detail,
            member=by.member,
            door=by.door,
            now=micros(now),
        )
        self._changed(shop, order)

    def story(self, shop: ShopId, account: AccountId, order: str) -> list[StoryLine]:
        rows = self._sql.rows(_STORY, shop=shop, account=account, order=order)
        return [
            StoryLine(
                at=moment(at),
                unit=unit,
                step=_to_step(step),
                detail=detail,
                member=None if member is None else MemberId(member),
                door=door,
            )
            for at, unit, step, detail, member, door in rows
        ]

    def outcomes(self, shop: ShopId, since: datetime, limit: int) -> list[DeliveryStep]:
        """What became of the newest deliveries: ACCEPTED, REJECTED or UNCERTAIN."""
        rows = self._sql.rows(_OUTCOMES, shop=shop, since=micros(since), limit=limit)
        return [DeliveryStep(step) for (step,) in rows]

    def unknown(self, shop: ShopId, account: AccountId, orders: Iterable[str]) -> list[str]:
        """Those of the orders that were never read."""
        return [one for one in orders if self.get(shop, account, one) is None]

    def _changed(self, shop: ShopId, order: str) -> None:
        self._sql.changed(shop, "order", int(order) if order.isdecimal() else 0)


def _lower(words: str) -> str:
    """As the database does it: ASCII alone."""
    return "".join(sign.lower() if sign.isascii() else sign for sign in words)


def _to_step(step: str) -> DeliveryStep | OrderNote:
    return DeliveryStep(step) if step in _STEPS else OrderNote(step)


def _to_order(row: Row) -> KnownOrder:
    shop, account, order, conversation, status, raw_status, item_id, item_title = row[:8]
    buyer, buyer_name, spec, quantity, paid_amount, bargain = row[8:14]
    created_at, paid_at, steps, shipped_at, refund_at, seen_at, read_at = row[14:]
    return KnownOrder(
        shop=ShopId(shop),
        account=AccountId(account),
        id=order,
        conversation=None if conversation is None else ConversationId(conversation),
        status=None if status is None else OrderStatus(status),
        raw_status=raw_status,
        item_id=item_id,
        item_title=item_title,
        buyer=None if buyer is None else PlatformUser(buyer),
        buyer_name=buyer_name,
        spec=spec_from_text(spec),
        quantity=quantity,
        paid_amount=None if paid_amount is None else Decimal(paid_amount),
        bargain=bool(bargain),
        created_at=moment_or_none(created_at),
        paid_at=moment_or_none(paid_at),
        steps=StepOrder(steps),
        shipped_at=moment_or_none(shipped_at),
        refund_at=moment_or_none(refund_at),
        seen_at=moment(seen_at),
        read_at=moment(read_at),
    )
