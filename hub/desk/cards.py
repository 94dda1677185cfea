"""Single cards: looked at, found, voided by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub import text
from hub.commands import may
from hub.desk.operator import Operator
from hub.desk.stock import LONGEST_NOTE, cause, find_pool
from hub.errors import Invalid, NotConfirmed, NotFound
from hub.model import (
    Batch,
    CardEvent,
    CardId,
    CardState,
    MemberId,
    Pool,
    PoolId,
    Role,
    StockCard,
)
from hub.notices import tell_stock
from hub.store import Store, Tx

LONGEST_REASON = 200
NO_SUCH_CARD = "没有这张卡密，可能已经随卡池删除"


@dataclass(frozen=True, slots=True)
class CardView:
    """Everything about one card, the code masked for those who only look."""

    card: StockCard
    pool: Pool | None
    """None: it was removed."""
    batch: Batch | None
    events: tuple[CardEvent, ...]
    names: dict[MemberId, str]
    """Who the members in batch and events are."""


class Cards:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def page(
        self,
        operator: Operator,
        pool: PoolId,
        *,
        state: CardState | None = None,
        before: CardId | None = None,
        limit: int = 50,
    ) -> Sequence[StockCard]:
        """The newest first; the next page is what comes before the last one's id."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> list[StockCard]:
            find_pool(tx, operator, pool)
            page = tx.card_records.page(
                operator.shop, pool, state=state, before=before, limit=limit
            )
            return [_seen_by(operator, card) for card in page]

        return await self._store.read(unit)

    async def get(self, operator: Operator, id_: CardId) -> CardView:
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> CardView:
            shop = operator.shop
            card = tx.cards.get(shop, id_)
            if card is None:
                raise NotFound(NO_SUCH_CARD)
            return CardView(
                _seen_by(operator, card),
                tx.pools.get(shop, card.pool),
                None if card.batch is None else tx.card_records.batch(shop, card.batch),
                tuple(tx.card_records.history(shop, id_)),
                {member.id: member.name for member in tx.members.all(shop)},
            )

        return await self._store.read(unit)

    async def look_up(self, operator: Operator, words: str) -> Sequence[StockCard]:
        """Cards by their whole code, or by the number of the order they went to."""
        operator.require(Role.VIEWER)
        wanted = words.strip()

        def unit(tx: Tx) -> list[StockCard]:
            card = tx.cards.by_code(operator.shop, wanted)
            found = [card] if card is not None else []
            found += tx.cards.fetched(operator.shop, wanted)
            found += tx.card_records.of_order(operator.shop, wanted)
            return [_seen_by(operator, one) for one in found]

        return await self._store.read(unit) if wanted else []

    async def void(self, operator: Operator, id_: CardId, reason: str) -> StockCard:
        """Never to be handed out (again). Returns the card as it was."""
        operator.require(Role.OWNER)
        why = _checked_reason(reason)
        return await self._store.write(lambda tx: self._void(tx, operator, id_, why))

    async def void_by_code(
        self, operator: Operator, words: str, *, code: str = ""
    ) -> tuple[StockCard, str]:
        """`words`: the whole code, a blank, and the reason, as people type it in chat. Returns the
        card as it was, and the name of its pool. Raises NotConfirmed the first time."""
        operator.require(Role.OWNER)

        def unit(tx: Tx) -> tuple[StockCard, str]:
            card, reason = _code_and_reason(tx, operator, words)
            pool = tx.pools.get(operator.shop, card.pool)
            name = pool.name if pool is not None else "已删除的卡池"
            before = self._void(tx, operator, card.id, _checked_reason(reason))
            wanted = f"{card.id % 10_000:04d}"
            if code.strip() != wanted:
                raise NotConfirmed(text.void_question(before, name), wanted)
            return before, name

        return await self._store.write(unit)

    async def set_note(self, operator: Operator, id_: CardId, note: str) -> None:
        operator.require(Role.AGENT)
        if len(note) > LONGEST_NOTE:
            raise Invalid("备注太长", {"note": f"最多 {LONGEST_NOTE} 字"})
        now = self._now()

        def unit(tx: Tx) -> None:
            if not tx.cards.set_note(operator.shop, id_, note.strip()):
                raise NotFound(NO_SUCH_CARD)
            operator.record(tx, "card.note", str(id_), now)

        await self._store.write(unit)

    def _void(self, tx: Tx, operator: Operator, id_: CardId, why: str) -> StockCard:
        now = self._now()
        card = tx.cards.void(operator.shop, id_, by=cause(operator, why), now=now)
        if card is None:
            if tx.cards.get(operator.shop, id_) is None:
                raise NotFound(NO_SUCH_CARD)
            raise Invalid("这张卡密早就作废了")
        operator.record(tx, "card.void", f"{id_} {card.masked}", now)
        tell_stock(tx, operator.shop, card.pool, now)
        return card


def _seen_by(operator: Operator, card: StockCard) -> StockCard:
    return card if may(operator.member.role, Role.AGENT) else replace(card, code=card.masked)


def _code_and_reason(tx: Tx, operator: Operator, words: str) -> tuple[StockCard, str]:
    """Codes may hold blanks, so the longest beginning that is a code counts."""
    line = words.strip()
    ends = [len(line), *(n for n in range(len(line) - 1, 0, -1) if line[n].isspace())]
    for end in ends[:50]:
        card = tx.cards.by_code(operator.shop, line[:end].rstrip())
        if card is not None:
            return card, line[end:].strip()
    raise NotFound("没有找到这张卡密。写法：/作废 完整的卡密 原因")


def _checked_reason(reason: str) -> str:
    why = reason.strip()
    if not why:
        raise Invalid("作废要写原因，例如：充值失败", {"reason": "写一个原因"})
    if len(why) > LONGEST_REASON:
        raise Invalid("原因太长", {"reason": f"最多 {LONGEST_REASON} 字"})
    return why
