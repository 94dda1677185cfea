"""What people read about stock. No code stands in it but masked."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model import CardState, CardStep, Pool, PoolKind, StockCard, StockLevel
from hub.text.content import shorten

POOL_KINDS: dict[PoolKind, str] = {
    PoolKind.CODES: "卡密",
    PoolKind.TEXT: "固定文字",
    PoolKind.IMAGE: "图片",
    PoolKind.API: "接口",
}

CARD_STATES: dict[CardState, str] = {
    CardState.AVAILABLE: "可用",
    CardState.RESERVED: "已预留",
    CardState.HANDED_OVER: "已发出",
    CardState.VOID: "已作废",
    CardState.DISPUTED: "有争议",
}

CARD_STEPS: dict[CardStep, str] = {
    CardStep.RESERVED: "预留给订单",
    CardStep.FETCHED: "从接口取得",
    CardStep.HANDED_OVER: "发给买家",
    CardStep.RELEASED: "退回卡池",
    CardStep.VOID: "作废",
    CardStep.EXPIRED: "过期作废",
    CardStep.DISPUTED: "买家申请退款",
}

PLACEHOLDERS: dict[str, str] = {
    "DELIVERY_CONTENT": "卡密、文字或图片放在这里",
    "order_id": "订单号",
    "item_id": "商品编号",
    "item_title": "商品标题",
    "item_detail": "商品描述",
    "buyer_id": "买家编号",
    "buyer_name": "买家昵称",
    "cookie_id": "账号名称",
    "spec_name": "规格名称",
    "spec_value": "规格值",
    "order_amount": "实付金额",
    "order_quantity": "购买数量",
    "order_unit": "订单里的第几件",
}
"""What can stand in a template, in the order in which it is explained."""

_POOLS = 40
"""In one message."""
_LISTED = 8
"""Line numbers that are named one by one."""


def unknown_placeholder(names: Sequence[str], known: Sequence[str]) -> str:
    said = "、".join(name if name[:1] in "{｛" else f"{{{name}}}" for name in names[:3])
    return f"没有 {said} 这个变量，能用的是：{' '.join(f'{{{name}}}' for name in known)}"


def pool_line(pool: Pool, level: StockLevel, left: int, given: int, days: float | None) -> str:
    """One pool in a list."""
    off = "（已停用）" if not pool.enabled else ""
    if pool.kind is not PoolKind.CODES:
        return f"▫ {pool.name}{off} {POOL_KINDS[pool.kind]}，已发 {given}"
    marks = {StockLevel.FINE: "🟢", StockLevel.LOW: "🟡", StockLevel.EMPTY: "🔴"}
    parts = [f"剩 {left}"]
    if pool.counts.reserved:
        parts.append(f"预留 {pool.counts.reserved}")
    if days is not None:
        parts.append(lasts(days))
    return f"{marks[level]} {pool.name}{off} {'，'.join(parts)}"


def pool_list(lines: Sequence[str]) -> str:
    """All pools; of very many the rest is left to the admin."""
    said = list(lines[:_POOLS])
    if len(lines) > _POOLS:
        said.append(
            f"还有 {len(lines) - _POOLS} 个，写「/库存 卡池名」看一个，或者看后台的「库存」"
        )
    return "\n".join(said)


def pool_page(
    pool: Pool,
    level: StockLevel,
    left: int,
    given: int,
    days: float | None,
    sold: int,
    expired: int,
    *,
    note: bool,
) -> str:
    """`note`: what the shop wrote about it may be seen here."""
    counts = pool.counts
    lines = [pool_line(pool, level, left, given, days)]
    if pool.kind is PoolKind.CODES:
        lines.append(f"可用 {left}，预留 {counts.reserved}，作废 {counts.void}")
        if expired:
            lines.append(f"另有 {expired} 张已经过期，不会发出")
    disputed = f"，有争议 {counts.disputed}" if counts.disputed else ""
    lines.append(f"已发 {given}，近 14 天 {sold}{disputed}")
    if pool.kind is PoolKind.CODES and pool.low_at:
        lines.append(f"剩 {pool.low_at} 张时提醒")
    if note and pool.note:
        lines.append(f"备注：{pool.note}")
    return "\n".join(lines)


def no_pools() -> str:
    return "还没有卡池，请店主在网页后台的「库存」里添加"


def lasts(days: float) -> str:
    if days < 1:
        return "不够卖一天"
    return f"约够 {days:.0f} 天" if days < 365 else "够卖一年以上"


def restocked(
    pool: str,
    *,
    added: int,
    available: int,
    known: Sequence[int],
    repeated: Sequence[int],
    too_long: Sequence[int],
    unreadable: Sequence[int],
) -> str:
    """Lines are named by number."""
    lines = [f"「{pool}」入库 {added} 张，现在可用 {available} 张"]
    lines += left_out(known, repeated, too_long, unreadable)
    return "\n".join(lines)


def left_out(
    known: Sequence[int],
    repeated: Sequence[int],
    too_long: Sequence[int],
    unreadable: Sequence[int],
) -> list[str]:
    """What is not added, and why, one sentence each."""
    reasons = (
        (known, "店里已经有过（包括卖出和作废的）"),
        (repeated, "和前面的行重复"),
        (too_long, "太长，一张卡密最多 2000 字"),
        (unreadable, "含有看不见的控制字符"),
    )
    return [f"{len(n)} 行{why}：{_numbers(n)}" for n, why in reasons if n]


def _numbers(numbers: Sequence[int]) -> str:
    said = "、".join(str(n) for n in numbers[:_LISTED])
    return f"第 {said} 行" + (" 等" if len(numbers) > _LISTED else "")


def void_question(card: StockCard, pool: str) -> str:
    """Before a card is voided from chat."""
    said = f"要作废「{pool}」的 {card.masked}，作废后不能恢复，也不能再入库"
    if card.unit is None:
        return said
    if card.state is CardState.RESERVED:
        return f"{said}；它预留给了订单 {card.unit.order}，那笔会改用别的卡"
    return f"{said}；它已经发给订单 {card.unit.order} 的买家"


def voided(card: StockCard, pool: str) -> str:
    """`card` as it was before."""
    said = f"已作废「{pool}」的 {card.masked}"
    if card.unit is None:
        return said
    if card.state is CardState.RESERVED:
        return f"{said}，它原来预留给订单 {card.unit.order}，会改用别的卡"
    return f"{said}，它已经发给订单 {card.unit.order} 的买家，要补发请另外发货"


def file_is_for_stock(name: str) -> str:
    """A file came along with no word about it."""
    return (
        f"收到文件「{shorten(name, 30)}」，没有发给买家（文件发不了）。"
        "要补货，引用这个文件写 /补货 卡池名"
    )


def restock_question(pool: str, new: int, lines: Sequence[str]) -> str:
    """Before the codes of a file are added. `lines`: what is left out, and why."""
    return "\n".join([f"要往「{pool}」入库 {new} 张", *lines])


def nothing_to_restock(lines: Sequence[str]) -> str:
    return "\n".join(["没有入库：文件里没有新的卡密", *lines])


def codes_only_in_private() -> str:
    return "卡密不要发在群里，请私聊我再试。群里那条消息最好撤回"


def stock_fell(pool: Pool, level: StockLevel) -> str:
    if level is StockLevel.EMPTY:
        what = f"🔴 卡池「{pool.name}」已经没有可用的卡密了，新订单会等补货。"
    else:
        left = pool.counts.available
        what = f"🟡 卡池「{pool.name}」只剩 {left} 张（提醒线 {pool.low_at}）。"
    return f"{what}\n私聊发「/补货 {pool.name}」，下面一行一张"
