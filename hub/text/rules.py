"""Rules for replies, in words."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model import Match, RuleKind

RULE_KINDS: dict[RuleKind, str] = {
    RuleKind.ITEM: "商品回复",
    RuleKind.KEYWORD: "关键词回复",
    RuleKind.MOMENT: "时机回复",
    RuleKind.DEFAULT: "默认回复",
}
"""In the order in which they are shown."""

MATCHES: dict[Match, str] = {
    Match.CONTAINS: "包含",
    Match.EXACT: "完全一致",
    Match.PATTERN: "正则",
}

REPLY_PLACEHOLDERS: dict[str, str] = {
    "buyer_name": "买家的昵称",
    "buyer_id": "买家编号",
    "message": "买家刚才说的话；时机回复里没有",
    "item_title": "商品标题",
    "item_price": "商品价格，例如 12.50",
    "item_id": "商品编号",
    "order_id": "这个会话里最近的订单号",
    "order_amount": "那笔订单的实付金额",
    "account": "账号名称",
}


def rules_imported(
    *,
    done: bool,
    added: int,
    changed: int,
    removed: int,
    unchanged: int,
    lines: Sequence[tuple[int, str]],
) -> str:
    """What came of a spreadsheet, or would come of it; `lines` by number with what is odd there."""
    head = "已导入" if done else "会这样导入（加 --yes 才真的做）"
    counts = f"{head}：添加 {added}，修改 {changed}，删除 {removed}，一样的 {unchanged}"
    return "\n".join([counts, *(f"第 {line} 行：{why}" for line, why in sorted(lines))])
