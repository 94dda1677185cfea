"""Answers explained: why one was given, what one would be, what is kept for saying it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.model import CannedAnswer, Content, Conversation, Message
from hub.text.content import plain, shorten
from hub.text.talk import what_became
from hub.text.times import clock

OUTCOMES = {
    "answered": "自动回复了",
    "asks_ai": "交给 AI",
    "ai_answered": "AI 回复了",
    "ai_dropped": "AI 的回答没有用上",
    "ai_failed": "AI 没有回答",
    "ai_silent": "AI 没有回复",
    "no_ai": "没有问 AI",
    "bargained": "按底价回复了",
    "away": "说了安静时段的自动答复",
    "asks_person": "没有自动回复，等你定",
    "draft": "AI 写了草稿，等人看",
    "joined": "和前面的话一起回复",
    "superseded": "只回复后面那句",
    "answered_by_person": "人工已经回复",
}
"""Outcomes of decisions in words; every other one is a silence."""
SILENT = "没有自动回复"


def outcome(word: str) -> str:
    """What a decision came to, in words."""
    return OUTCOMES.get(word, SILENT)


def why_page(
    conversation: Conversation,
    heard: Message | None,
    decisions: Sequence[tuple[str, str, Sequence[str]]],
    said: Sequence[Message],
    zone: ZoneInfo,
    now: datetime,
    *,
    around: Sequence[Message] = (),
    fell_back: bool = False,
) -> str:
    """`heard`: the buyer's line, None for a step of an order; `decisions`: outcome, reason and what
    was looked at before, in the order in which they were made; `said`: what the buyer was told, or
    was to be. `around`: lines close by that might be meant. `fell_back`: the quoted one was none
    that anything was decided about."""
    lines = ["你引用的那条没有单独的决定，下面是最近的一次："] if fell_back else []
    if heard is None:
        lines.append("订单到了新的一步")
    else:
        words = shorten(plain(heard.content, links=False), 60)
        lines.append(f"买家 {clock(heard.sent_at, zone, now)} 说：{words}")
    if around:
        others = "".join(f"「{shorten(plain(one.content, links=False), 12)}」" for one in around)
        lines.append(f"（前后还说了{others}，要看那句就引用它的通知）")
    for one in said:
        words = shorten(plain(one.content, links=False), 60)
        lines.append(f"回复：「{words}」{what_became(one)}")
    for word, reason, steps in decisions:
        lines.append(f"→ {outcome(word)}：{reason}")
        lines += [f"  · {step}" for step in steps]
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def why_nothing(conversation: Conversation) -> str:
    return f"这个会话里还没有决定过什么：买家还没有说过话 #{conversation.ticket}"


def trial_page(
    account: str,
    item: str,
    word: str,
    reason: str,
    steps: Sequence[str],
    contents: Sequence[Content],
) -> str:
    """What a buyer would be told; nothing was sent."""
    lines = [f"【{account}】{shorten(item, 30)}".rstrip()]
    lines.append(f"→ {outcome(word)}：{reason}")
    lines += [f"「{plain(content)}」" for content in contents]
    lines += [f"  · {step}" for step in steps]
    lines.append("只是试一下，没有发给任何人")
    return "\n".join(lines)


def canned_page(known: Sequence[CannedAnswer]) -> str:
    if not known:
        return "还没有常用语。引用一条自己的回复写 /存 短码，就存下来了"
    lines = [f"{one.code}：{_in_one_line(one.text, 30)}" for one in known]
    return "\n".join([*lines, "引用买家的通知写 /k 短码，就发出去"])


def canned_saved(canned: CannedAnswer) -> str:
    kept = f"已存为「{canned.code}」：{_in_one_line(canned.text, 40)}"
    return f"{kept}\n引用买家的通知写 /k {canned.code} 就发出去"


def _in_one_line(said: str, length: int) -> str:
    """Its first message; how many there are, if there are more."""
    parts = [part.strip() for part in said.split("######") if part.strip()]
    first = shorten(" ".join((parts or [""])[0].split()), length)
    return f"{first}（{len(parts)} 条）" if len(parts) > 1 else first
