"""Prices: what buyers are told once a person has decided, and what operators read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hub.model import Floor, FloorKind, KnownOrder
from hub.text.content import shorten

FORBIDDEN_WORDS = (Path(__file__).parent / "forbidden.txt").read_text(encoding="utf-8")
"""Words that no automatic answer may hold: one a line, `#` begins a remark."""


def money(amount: Decimal) -> str:
    """`18`, `18.5`, `18.25`."""
    return format(amount.normalize(), "f")


def offer_detail(buyer: str, item: str, said: str, why: str) -> str:
    who = shorten(buyer, 24) or "买家"
    about = f"（{shorten(item, 20)}）" if item else ""
    return f"{who}{about}：「{shorten(said, 40)}」\n{why}"


def offer_superseded() -> str:
    return "买家又出了新的价"


def agreed_to_buyer(price: Decimal) -> str:
    return f"可以，{money(price)} 元。您拍下后先不要付款，我改好价格再付。"


def countered_to_buyer(price: Decimal) -> str:
    return f"这个价做不了，最低 {money(price)} 元。可以的话拍下后先不要付款，我改好价格再付。"


def declined_to_buyer() -> str:
    return "不好意思，这个价格不能再低了。喜欢的话可以直接拍下。"


def postage_free_to_buyer() -> str:
    return "包邮的，直接拍就可以。"


def postage_extra_to_buyer() -> str:
    return "不好意思，这件不包邮，运费按页面上写的算。"


def floor_words(floor: Floor | None) -> str:
    """What a floor allows, in words."""
    if floor is None:
        return "没有设底价，不降价"
    if floor.value <= 0:
        return "不降价"
    value = money(floor.value)
    match floor.kind:
        case FloorKind.ABSOLUTE:
            return f"最低 {value} 元"
        case FloorKind.PERCENT:
            return f"最多降 {value}%"
        case FloorKind.AMOUNT:
            return f"最多降 {value} 元"


def floor_set(what: str, floor: Floor | None, least: Decimal | None) -> str:
    """`what`: the item, account or shop."""
    return f"已设好：{what}，{_floor_and_least(floor, least)}"


def floor_now(what: str, floor: Floor | None, least: Decimal | None) -> str:
    """What counts for an item, wherever it was set."""
    return f"{what}：{_floor_and_least(floor, least)}"


def _floor_and_least(floor: Floor | None, least: Decimal | None) -> str:
    said = floor_words(floor)
    if least is None or (floor is not None and floor.kind is FloorKind.ABSOLUTE):
        return said
    return f"{said}（现在最低卖 {money(least)} 元）"


def price_question(order: KnownOrder, amount: Decimal, least: Decimal | None) -> str:
    """What has to be said before the price of an order is changed. `least`: the lowest that the
    floor allows for the whole order."""
    now = f"现在是 {money(order.paid_amount)} 元，" if order.paid_amount is not None else ""
    said = f"{now}改成买家一共付 {money(amount)} 元（邮费算 0 元）"
    if least is not None and amount < least:
        said += f"，低于底价 {money(least)} 元"
    elif order.paid_amount is not None and amount > order.paid_amount:
        said += "，比现在还高"
    return said


def price_asked(order: KnownOrder, amount: Decimal) -> str:
    return f"正在把订单 {order.id} 改成 {money(amount)} 元，结果会告诉你"


def price_changed(order: KnownOrder, amount: Decimal) -> str:
    return f"✅ 已改价：订单 {order.id} 现在是 {money(amount)} 元，买家可以付款了"


def price_failed(order: KnownOrder, amount: Decimal, why: str) -> str:
    return f"❌ 没有改成 {money(amount)} 元：订单 {order.id}，{why}"


def price_unsure(order: KnownOrder, amount: Decimal) -> str:
    return (
        f"❓ 不确定订单 {order.id} 有没有改成 {money(amount)} 元：闲鱼一直没有确认。"
        "请在闲鱼里看一眼再决定"
    )
