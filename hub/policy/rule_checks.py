"""What a rule must be like before it is kept: one sentence per field that is wrong."""

from __future__ import annotations

import re
from dataclasses import replace

from hub.errors import Invalid
from hub.model import Match, Rule, RuleKind
from hub.policy.reply_templates import REPLY_FACTS, unknown_reply_placeholders
from hub.policy.rulebook import why_no_pattern
from hub.policy.templates import cut

LONGEST_REPLY = 2000
LONGEST_KEYWORD = 60
LONGEST_PATTERN = 200
MOST_KEYWORDS = 50
MOST_ITEMS = 200
MOST_MESSAGES = 5
"""Into which `######` may cut one answer."""
MOST_PICTURES = 9
HIGHEST_PRIORITY = 100
_ITEM_ID = re.compile(r"[0-9]{8,20}")
_BREAKS = re.compile(r"\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What no buyer could see, and no spreadsheet could hold."""


def legible(text: str) -> str:
    """With line breaks of one kind, and without what cannot be shown."""
    return _UNREADABLE.sub("", _BREAKS.sub("\n", text))


def split_keywords(text: str, match: Match = Match.CONTAINS) -> tuple[str, ...]:
    """Words as people type them into one field: one a line, or separated by commas. Commas belong
    to patterns, which stand one a line."""
    between = r"\n" if match is Match.PATTERN else r"[\n,，、;；]"
    parts = (part.strip() for part in re.split(between, text))
    return tuple(dict.fromkeys(part for part in parts if part))


def checked_rule(rule: Rule, *, silent: bool) -> Rule:
    """The rule as it is kept. Raises Invalid with a sentence per field that is wrong."""
    if rule.kind is RuleKind.MOMENT and rule.moment is None:
        raise Invalid("选一个时机，例如付款以后", {"moment": "选一个时机"})
    if not 0 <= rule.priority <= HIGHEST_PRIORITY:
        raise Invalid(
            f"优先级是 0 到 {HIGHEST_PRIORITY} 的整数，越大越先",
            {"priority": f"0 到 {HIGHEST_PRIORITY}"},
        )
    if rule.hours is not None and rule.hours.start == rule.hours.end:
        raise Invalid("开始和结束的时间一样。要全天有效，两个都不填", {"hours": "全天有效就不填"})
    if len(rule.pictures) > MOST_PICTURES:
        raise Invalid(
            f"一条规则最多 {MOST_PICTURES} 张图片", {"pictures": f"最多 {MOST_PICTURES} 张"}
        )
    return replace(
        rule,
        match=rule.match if rule.kind is RuleKind.KEYWORD else Match.CONTAINS,
        keywords=_checked_keywords(rule),
        items=_checked_items(rule),
        reply="" if silent else checked_reply(rule.reply, has_pictures=bool(rule.pictures)),
        pictures=() if silent else rule.pictures,
        moment=rule.moment if rule.kind is RuleKind.MOMENT else None,
    )


def _checked_keywords(rule: Rule) -> tuple[str, ...]:
    if rule.kind is not RuleKind.KEYWORD:
        return ()
    legibles = (" ".join(legible(word).split("\n")).strip() for word in rule.keywords)
    words = tuple(dict.fromkeys(word for word in legibles if word))
    if not words:
        raise Invalid("关键词规则至少要有一个关键词", {"keywords": "写至少一个词"})
    longest = LONGEST_PATTERN if rule.match is Match.PATTERN else LONGEST_KEYWORD
    if len(words) > MOST_KEYWORDS or any(len(word) > longest for word in words):
        raise Invalid(
            f"一条规则最多 {MOST_KEYWORDS} 个关键词，每个最多 {longest} 字",
            {"keywords": f"最多 {MOST_KEYWORDS} 个，每个最多 {longest} 字"},
        )
    if rule.match is Match.PATTERN:
        for word in words:
            why = why_no_pattern(word)
            if why is not None:
                raise Invalid(
                    f"正则「{word}」写得不对，不能用：{why}", {"keywords": f"「{word}」：{why}"}
                )
    return words


def _checked_items(rule: Rule) -> tuple[str, ...]:
    items = tuple(dict.fromkeys(item.strip() for item in rule.items if item.strip()))
    wrong = next((item for item in items if _ITEM_ID.fullmatch(item) is None), None)
    if wrong is not None:
        raise Invalid(f"「{wrong}」不是商品编号", {"items": "商品编号只有数字"})
    if len(items) > MOST_ITEMS:
        raise Invalid(f"一条规则最多写 {MOST_ITEMS} 个商品", {"items": f"最多 {MOST_ITEMS} 个"})
    if rule.kind is RuleKind.ITEM and not items:
        raise Invalid("商品回复要写明是哪些商品", {"items": "写至少一个商品"})
    return items


def checked_reply(
    reply: str, *, has_pictures: bool = False, field: str = "reply", what: str = "回复内容"
) -> str:
    """What is said to buyers, as it is kept. Raises Invalid that blames the `field`."""
    text = legible(reply).strip()
    if not any(part.strip() for part in cut(text)) and not has_pictures:
        raise Invalid(f"{what}不能为空", {field: "写要回复的话"})
    if len(text) > LONGEST_REPLY:
        raise Invalid(f"{what}最多 {LONGEST_REPLY} 字", {field: f"最多 {LONGEST_REPLY} 字"})
    unknown = unknown_reply_placeholders(text)
    if unknown:
        named = "、".join("{" + name + "}" for name in unknown)
        usable = " ".join("{" + name + "}" for name in REPLY_FACTS)
        raise Invalid(
            f"{what}里的变量 {named} 不认识，可以用：{usable}", {field: f"不认识 {named}"}
        )
    if len([part for part in cut(text) if part.strip()]) > MOST_MESSAGES:
        raise Invalid(f"{what}最多分成 {MOST_MESSAGES} 条消息", {field: f"最多 {MOST_MESSAGES} 条"})
    return text
