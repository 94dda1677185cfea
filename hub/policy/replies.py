"""Which automatic answer a buyer's message gets, and whether it may still go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.model import Content, Hold, HoldKind, Rule, RuleKind, Text

HUMAN_ANSWERED = "人工已经先回复了"
"""Why an automatic answer was not sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    rule: Rule
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Silence:
    """No automatic answer, and why; `outcome` is one word for lists and metrics."""

    outcome: str
    reason: str


def decide_reply(
    content: Content,
    sent_at: datetime,
    rules: Sequence[Rule],
    hold: Hold | None,
    *,
    enabled: bool,
    now: datetime,
    expire: timedelta,
) -> Answer | Silence:
    """Decide by the first reason that applies.

    Off -> held -> too old -> first keyword rule whose word is in the text -> first default rule ->
    nothing. `rules` come in their order of precedence: the account's before the shop's.
    """
    if not enabled:
        return Silence("off", "自动回复已在设置里关闭")
    if hold is not None:
        return Silence("held", _hold_reason(hold))
    if now - sent_at > expire:
        minutes = int((now - sent_at).total_seconds() // 60)
        return Silence("expired", f"消息是 {minutes} 分钟前发的，超过了自动回复的时限")
    if isinstance(content, Text):
        folded = content.text.casefold()
        for rule in rules:
            word = _matching_word(rule, folded)
            if word is not None:
                return Answer(rule, rule.reply, f"命中关键词「{word}」")
    for rule in rules:
        if rule.enabled and rule.kind is RuleKind.DEFAULT and rule.reply:
            return Answer(rule, rule.reply, "没有命中关键词，使用默认回复")
    return Silence("no_rule", "没有命中任何规则")


class Turn(StrEnum):
    """What one more line of the buyer does to the automatic answer of the conversation."""

    NOTHING = "nothing"
    START = "start"
    """None waits, so this line's answer begins to."""
    REPLACE = "replace"
    """This line's answer goes out in place of the one that waits."""
    JOIN = "join"
    """The one that waits answers this line too, and waits on."""


MOST_WAITS = 5
"""A buyer who never stops typing is answered after so many times the usual wait."""


def fit_into_burst(decision: Answer | Silence, *, waits: bool) -> Turn:
    """`waits`: whether an automatic answer to earlier lines has not left yet.

    The last line that hits a keyword wins; a default reply never takes the place of anything.
    """
    if isinstance(decision, Answer):
        if not waits:
            return Turn.START
        return Turn.REPLACE if decision.rule.kind is RuleKind.KEYWORD else Turn.JOIN
    return Turn.JOIN if waits and decision.outcome == "no_rule" else Turn.NOTHING


def quiet_until(began: datetime, now: datetime, wait: timedelta) -> datetime:
    """When an answer may leave: `began` is when its first line came, `now` when the last did."""
    return max(now, min(now + wait, began + MOST_WAITS * wait))


def _matching_word(rule: Rule, folded: str) -> str | None:
    if not rule.enabled or rule.kind is not RuleKind.KEYWORD or not rule.reply:
        return None
    return next((w for w in rule.keywords if w and w.casefold() in folded), None)


def _hold_reason(hold: Hold) -> str:
    if hold.kind is HoldKind.TAKEOVER:
        return "人工正在接待这个会话"
    where = "这个会话" if hold.conversation is not None else "整个店铺"
    return f"{where}的自动回复已暂停：{hold.reason}"


def still_wanted(hold: Hold | None, *, human_answered: bool) -> str | None:
    """Asked right before an automatic answer leaves: None to send, else who made it needless."""
    if human_answered:
        return HUMAN_ANSWERED
    if hold is not None:
        return _hold_reason(hold)
    return None
