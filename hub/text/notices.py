"""Notices in chat: who, about what, what they said, and the ticket to answer by."""

from __future__ import annotations

from hub.model import Account, Content, Conversation
from hub.text.content import plain, shorten


def _head(account: Account, conversation: Conversation) -> str:
    buyer = shorten(conversation.buyer_name, 24) or conversation.buyer or "买家"
    item = f" · {shorten(conversation.item_title, 24)}" if conversation.item_title else ""
    return f"【{account.name}】{buyer}{item}"


def buyer_notice(
    account: Account, conversation: Conversation, content: Content, outcome: str
) -> str:
    """`outcome` is a line such as `↪ 自动回复：在的`, or empty."""
    lines = [_head(account, conversation), plain(content)]
    if outcome:
        lines.append(outcome)
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def answer_planned(answer: str) -> str:
    return f"↪ 自动回复：{shorten(answer)}"


def answer_replaced(answer: str) -> str:
    """The notice of an earlier line has promised another answer."""
    return f"{answer_planned(answer)}（前一句不再单独回复）"


def answer_joined(answer: str) -> str:
    """This line got no answer of its own; the one to the earlier lines is still to come."""
    return f"↪ 和前面的话一起自动回复：{shorten(answer)}"


def order_notice(
    account: Account, conversation: Conversation, what: str, order_id: str | None
) -> str:
    lines = [_head(account, conversation), f"🧾 {what}"]
    if order_id:
        lines.append(f"订单 {order_id}")
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def phone_notice(account: Account, conversation: Conversation, minutes: int) -> str:
    return (
        f"{_head(account, conversation)}\n"
        f"你在手机上回复了，自动回复停 {minutes} 分钟\n#{conversation.ticket}"
    )


def account_notice(account: Account, what: str) -> str:
    return f"【{account.name}】{what}"


def receipt_accepted(conversation: Conversation) -> str:
    return f"✓ 已送达 {conversation.buyer_name or '买家'} #{conversation.ticket}"


def receipt_rejected(conversation: Conversation, reason: str) -> str:
    return (
        f"✗ 没有发出：闲鱼拒绝了这条消息（{reason or '没有给出原因'}）。"
        f"改一改再发。#{conversation.ticket}"
    )


def receipt_uncertain(conversation: Conversation, reason: str) -> str:
    return (
        f"？ 不确定是否送达：{reason}。为免重复，没有自动重发，"
        f"请先在闲鱼里看一眼再决定。#{conversation.ticket}"
    )


def receipt_dropped(conversation: Conversation, reason: str) -> str:
    return f"✗ 没有发出：{reason}。#{conversation.ticket}"
