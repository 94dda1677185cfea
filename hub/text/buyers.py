"""What is said about buyers that the shop knows."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model import BuyerCard, Conversation
from hub.text.content import shorten

BLOCKED = "买家在黑名单里"
"""Why nothing is answered by itself; also the mark of the pauses that come from it."""
SHORT_NOTE = 30


def buyer_line(card: BuyerCard) -> str:
    """One short line for notices; empty when nothing is kept."""
    parts = ["⛔ 已拉黑"] if card.blocked else []
    parts += [f"[{tag}]" for tag in card.tags]
    if card.note:
        parts.append(shorten(card.note, SHORT_NOTE))
    return f"📌 {' '.join(parts)}" if parts else ""


def buyer_page(card: BuyerCard, conversation: Conversation) -> str:
    name = conversation.buyer_name or "买家"
    lines = [f"{name}（{card.buyer}）"]
    if card.blocked:
        lines.append("⛔ 已拉黑：不自动发货，不自动回复")
    lines.append(f"标签：{'、'.join(card.tags) or '没有'}")
    lines.append(f"备注：{card.note or '没有'}")
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def note_saved(conversation: Conversation, note: str) -> str:
    return f"已备注 {_whom(conversation)}：{note} #{conversation.ticket}"


def tags_saved(conversation: Conversation, tags: Sequence[str]) -> str:
    said = "、".join(tags) or "没有标签了"
    return f"{_whom(conversation)} 的标签：{said} #{conversation.ticket}"


def blocked(conversation: Conversation) -> str:
    return (
        f"⛔ 已拉黑 {_whom(conversation)}：不再自动回复，订单先问你再发；消息照样通知你。"
        f"取消：引用这条写 /拉黑 取消 #{conversation.ticket}"
    )


def unblocked(conversation: Conversation) -> str:
    return f"▶ {_whom(conversation)} 不在黑名单里了，自动回复和发货照常 #{conversation.ticket}"


def cleared(conversation: Conversation, what: Sequence[str]) -> str:
    if not what:
        return f"{_whom(conversation)} 没有备注、标签，也没有拉黑 #{conversation.ticket}"
    return f"已清除 {_whom(conversation)} 的{'、'.join(what)} #{conversation.ticket}"


def _whom(conversation: Conversation) -> str:
    return conversation.buyer_name or "买家"
