"""Stock: pools and their cards, looked at and changed by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub import text
from hub.commands import may
from hub.desk.operator import Operator
from hub.desk.stored_pictures import MOST_PICTURES, keep_picture, read_picture
from hub.errors import Conflict, Invalid, NotFound
from hub.model import (
    Cause,
    Pool,
    PoolId,
    PoolKind,
    Role,
    StockLevel,
    StoredPicture,
)
from hub.notices import tell_stock
from hub.policy import (
    CONTENT,
    FACTS,
    LOOKS_BACK,
    DeliveryFacts,
    DeliveryPart,
    compose,
    days_left,
    stock_level,
    unknown_placeholders,
)
from hub.store import Store, Tx

LONGEST_NAME = 30
LONGEST_TEMPLATE = 2000
LONGEST_NOTE = 500
MOST_LOW_AT = 1_000_000
FORGOTTEN_AT_ONCE = 1000
"""Cards that one unit of work may take away with their pool."""
CHANGED_MEANWHILE = "没有保存：别人刚刚改过这个卡池，请看一下现在的内容再改"

SAMPLE = DeliveryFacts(
    order_id="4400112233445566778",
    item_id="900100200300",
    item_title="会员月卡 自动发货",
    item_detail="拍下自动发货",
    buyer_id="3100444455556",
    buyer_name="小林",
    cookie_id="数码小店",
    spec_name="时长",
    spec_value="30 天",
    order_amount="12.50",
    order_quantity="1",
    order_unit="1",
)
"""The order that previews are made with."""
SAMPLE_CODE = "ABCD-EFGH-1234-5678"


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A pool with what its numbers mean today."""

    pool: Pool
    level: StockLevel
    left: int
    """Cards that can still be drawn: available and not over."""
    given: int
    """What buyers have of it: cards, or for a fixed text or picture how often it went out."""
    sold: int
    """The same, of the last fourteen days."""
    expired: int
    """Available, but over, so that nobody gets them."""
    days: float | None
    """For how many days the stock lasts; None: nothing was sold lately, or there is no stock."""


class Stock:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    # --- looking ---

    async def overview(self, operator: Operator) -> Sequence[PoolLine]:
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> list[PoolLine]:
            return _lines_of(tx, tx.pools.all(operator.shop), operator, now)

        return await self._store.read(unit)

    async def pool(self, operator: Operator, id_: PoolId) -> PoolLine:
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> PoolLine:
            return _lines_of(tx, [find_pool(tx, operator, id_)], operator, now)[0]

        return await self._store.read(unit)

    async def picture(self, operator: Operator, pool: PoolId, name: str) -> tuple[bytes, str]:
        """A picture that a pool hands out, and its media type."""
        operator.require(Role.AGENT)
        found = await self._store.read(lambda tx: find_pool(tx, operator, pool))
        return await read_picture(self._store, found.pictures, name)

    def sample(
        self, kind: PoolKind, template: str, content: str, pictures: Sequence[StoredPicture] = ()
    ) -> tuple[DeliveryPart, ...]:
        """What a buyer of an invented order would receive. Raises Invalid as saving would."""
        _check_words(template, content)
        match kind:
            case PoolKind.TEXT:
                return compose(template, SAMPLE, text=content)
            case PoolKind.IMAGE:
                return compose(template, SAMPLE, pictures=pictures)
            case PoolKind.CODES | PoolKind.API:
                return compose(template, SAMPLE, codes=[SAMPLE_CODE])

    # --- pools ---

    async def create(
        self,
        operator: Operator,
        *,
        name: str,
        kind: PoolKind,
        template: str = "",
        note: str = "",
        low_at: int = 0,
        content: str = "",
    ) -> Pool:
        operator.require(Role.OWNER)
        title = _checked_name(name)
        template, content = _lines(template), _lines(content)
        _check_words(template, content)
        _check_numbers(note, low_at)
        if kind is PoolKind.TEXT:
            _check_content(content)
        now = self._now()

        def unit(tx: Tx) -> Pool:
            try:
                pool = tx.pools.add(
                    operator.shop,
                    name=title,
                    kind=kind,
                    template=template,
                    note=note.strip(),
                    low_at=low_at,
                    text=content if kind is PoolKind.TEXT else "",
                    now=now,
                )
            except Conflict:
                raise _name_taken(title) from None
            operator.record(tx, "pool.add", title, now)
            return pool

        return await self._store.write(unit)

    async def change(
        self,
        operator: Operator,
        id_: PoolId,
        *,
        version: int | None = None,
        name: str | None = None,
        enabled: bool | None = None,
        template: str | None = None,
        note: str | None = None,
        low_at: int | None = None,
        content: str | None = None,
    ) -> Pool:
        """Change what is given, leave the rest (L54). `version`: what was seen before the change;
        somebody else's change in between is not overwritten."""
        operator.require(Role.OWNER)
        title = None if name is None else _checked_name(name)
        template = None if template is None else _lines(template)
        content = None if content is None else _lines(content)
        _check_words(template or "", content or "")
        _check_numbers(note or "", low_at or 0)
        now = self._now()

        def unit(tx: Tx) -> Pool:
            old = find_pool(tx, operator, id_)
            if version is not None and version != old.version:
                raise Invalid(CHANGED_MEANWHILE)
            if content is not None and old.kind is PoolKind.TEXT:
                _check_content(content)
            try:
                tx.pools.update(
                    operator.shop,
                    id_,
                    name=title,
                    enabled=enabled,
                    template=template,
                    note=None if note is None else note.strip(),
                    low_at=low_at,
                    text=content if old.kind is PoolKind.TEXT else None,
                )
            except Conflict:
                raise _name_taken(title or "") from None
            operator.record(tx, "pool.change", title or old.name, now)
            tell_stock(tx, operator.shop, id_, now)
            return find_pool(tx, operator, id_)

        return await self._store.write(unit)

    async def add_picture(self, operator: Operator, id_: PoolId, data: bytes) -> Pool:
        """One more picture that this pool hands out, packed anew; PNG stays PNG (L55)."""
        operator.require(Role.OWNER)
        picture = await keep_picture(self._store, data)
        now = self._now()

        def unit(tx: Tx) -> Pool:
            pool = find_pool(tx, operator, id_)
            if pool.kind is not PoolKind.IMAGE:
                raise Invalid("这个卡池不发图片")
            if len(pool.pictures) >= MOST_PICTURES:
                raise Invalid(f"一个卡池最多 {MOST_PICTURES} 张图片", {"pictures": "已经放满"})
            kept = [one for one in pool.pictures if one.name != picture.name]
            tx.pools.update(operator.shop, id_, pictures=[*kept, picture])
            operator.record(tx, "pool.picture", pool.name, now)
            return find_pool(tx, operator, id_)

        return await self._store.write(unit)

    async def remove_picture(self, operator: Operator, id_: PoolId, name: str) -> Pool:
        """The file stays: a delivery under way may still need it."""
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> Pool:
            pool = find_pool(tx, operator, id_)
            kept = [one for one in pool.pictures if one.name != name]
            tx.pools.update(operator.shop, id_, pictures=kept)
            operator.record(tx, "pool.picture", pool.name, now)
            return find_pool(tx, operator, id_)

        return await self._store.write(unit)

    async def remove(self, operator: Operator, id_: PoolId) -> None:
        """Take a pool away with its unsold cards; sold ones stay known. Not while cards are
        reserved. In several units of work: cut short, it is done again."""
        operator.require(Role.OWNER)
        now = self._now()

        def forget(tx: Tx) -> int:
            pool = find_pool(tx, operator, id_)
            if pool.counts.reserved:
                kept = pool.counts.reserved
                raise Invalid(f"没有删除：有 {kept} 张卡预留给了没发完的订单，等它们发完再删")
            tx.pools.update(operator.shop, id_, enabled=False)
            return tx.cards.discard(operator.shop, id_, FORGOTTEN_AT_ONCE)

        def finish(tx: Tx) -> bool:
            pool = find_pool(tx, operator, id_)
            removed = tx.pools.remove(operator.shop, id_, now)
            if removed:
                operator.record(tx, "pool.remove", pool.name, now)
            return removed

        removed = False
        while not removed:
            while await self._store.write(forget):
                pass
            removed = await self._store.write(finish)


def cause(operator: Operator, why: str = "") -> Cause:
    """The operator as the cause of what happens to cards."""
    return Cause(operator.member.id or None, operator.door, why)


def find_pool(tx: Tx, operator: Operator, id_: PoolId) -> Pool:
    """Raises NotFound."""
    pool = tx.pools.get(operator.shop, id_)
    if pool is None:
        raise NotFound("这个卡池不存在，可能已经被删除")
    return pool


def _lines_of(tx: Tx, pools: Sequence[Pool], operator: Operator, now: datetime) -> list[PoolLine]:
    sold = tx.card_records.sold_since(operator.shop, now, LOOKS_BACK)
    units = tx.deliveries.given(operator.shop, now - LOOKS_BACK)
    return [
        _line(
            _seen_by(operator, pool),
            sold.get(pool.id, 0),
            units.get(pool.id, (0, 0)),
            _expired(tx, pool, now),
            now,
        )
        for pool in pools
    ]


def _line(pool: Pool, sold: int, units: tuple[int, int], expired: int, now: datetime) -> PoolLine:
    """`units`: deliveries from it, ever and lately; a fixed text has no cards to count."""
    left = max(pool.counts.available - expired, 0)
    match pool.kind:
        case PoolKind.CODES:
            days = days_left(left, sold, now - pool.created_at) if left else None
            level = stock_level(left, pool.low_at)
            return PoolLine(pool, level, left, pool.counts.handed_over, sold, expired, days)
        case PoolKind.API:
            return PoolLine(pool, StockLevel.FINE, 0, pool.counts.handed_over, sold, 0, None)
        case _:
            return PoolLine(pool, StockLevel.FINE, 0, *units, 0, None)


def _seen_by(operator: Operator, pool: Pool) -> Pool:
    """What a fixed text or picture says is what is sold, as much as a code."""
    return pool if may(operator.member.role, Role.AGENT) else replace(pool, text="", pictures=())


def _expired(tx: Tx, pool: Pool, now: datetime) -> int:
    if pool.kind is not PoolKind.CODES:
        return 0
    return tx.card_records.expired_count(pool.shop, pool.id, now)


def _lines(words: str) -> str:
    """Browsers send CRLF, whatever was typed."""
    return words.replace("\r\n", "\n")


def _checked_name(name: str) -> str:
    title = " ".join(name.split())
    if not title:
        raise Invalid("卡池要有名字", {"name": "写一个名字"})
    if len(title) > LONGEST_NAME:
        raise Invalid("卡池名太长", {"name": f"最多 {LONGEST_NAME} 字"})
    return title


def _name_taken(title: str) -> Invalid:
    return Invalid(f"已经有叫「{title}」的卡池了", {"name": "换一个名字"})


def _check_words(template: str, content: str) -> None:
    """Unknown placeholders are refused here, so that none is found when a buyer waits (L36)."""
    for field, words, known in (
        ("template", template, (CONTENT, *FACTS)),
        ("content", content, FACTS),
    ):
        if len(words) > LONGEST_TEMPLATE:
            raise Invalid("内容太长", {field: f"最多 {LONGEST_TEMPLATE} 字"})
        if names := unknown_placeholders(words, known):
            sentence = text.unknown_placeholder(names, known)
            raise Invalid(sentence, {field: sentence})


def _check_content(content: str) -> None:
    if not content.strip():
        raise Invalid("要发的文字不能为空", {"content": "写要发给买家的文字"})


def _check_numbers(note: str, low_at: int) -> None:
    if len(note) > LONGEST_NOTE:
        raise Invalid("备注太长", {"note": f"最多 {LONGEST_NOTE} 字"})
    if not 0 <= low_at <= MOST_LOW_AT:
        raise Invalid("提醒线不对", {"low_at": f"填 0 到 {MOST_LOW_AT} 的整数"})
