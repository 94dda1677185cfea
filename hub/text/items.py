"""Items and their prices as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hub.model import Item
from hub.text.content import shorten

LONGEST_TITLE = 24


def yuan(amount: Decimal) -> str:
    """`12.80`, and `168` without its zeros."""
    return f"{amount:.2f}".removesuffix(".00")


def price(item: Item) -> str:
    """`¥12.80`, `¥9.90～29.90`; empty when nobody knows it."""
    if item.price is None:
        return ""
    highest = item.highest_price
    more = f"～{yuan(highest)}" if highest is not None and highest > item.price else ""
    return f"¥{yuan(item.price)}{more}"


def item_line(title: str, item: Item | None) -> str:
    """Title and price on one line, either of which may be unknown."""
    name = shorten((item.title if item is not None else "") or title, LONGEST_TITLE)
    return f"{name} {price(item) if item is not None else ''}".strip()


def item_list(name: str, items: Sequence[Item], more: int) -> str:
    """One account's items; `more`: how many are not shown."""
    lines = [f"【{name}】{len(items) + more} 件在售"]
    lines += [f"· {item_line('', item)}" for item in items]
    if more:
        lines.append(f"…还有 {more} 件，写上关键词可以缩小范围：/商品 关键词")
    return "\n".join(lines)


def no_items(word: str) -> str:
    return f"没有标题里带「{word}」的在售商品" if word else "没有在售的商品"
