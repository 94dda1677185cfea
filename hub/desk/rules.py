"""Rules for automatic answers: for items, keywords, moments, and when nothing else answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypedDict, Unpack

from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import AccountId, Hours, Match, Moment, Role, Rule, RuleId, RuleKind
from hub.policy import REPLY_FACTS, cut, unknown_reply_placeholders, why_no_pattern
from hub.store import Store, Tx

LONGEST_REPLY = 2000
LONGEST_KEYWORD = 60
LONGEST_PATTERN = 200
MOST_KEYWORDS = 50
MOST_ITEMS = 200
MOST_MESSAGES = 5
"""Into which `######` may cut one answer."""
HIGHEST_PRIORITY = 100
_ITEM_ID = re.compile(r"[0-9]{8,20}")


class RuleFields(TypedDict, total=False):
    """What can be given of a rule; see `Rule`."""

    account: AccountId | None
    keywords: Iterable[str]
    match: Match
    items: Iterable[str]
    reply: str
    silent: bool
    """True: the rule matches and says nothing on purpose, whatever `reply` was."""
    priority: int
    hours: Hours | None
    once: bool
    moment: Moment | None
    enabled: bool


class Rules:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def all(self, operator: Operator) -> Sequence[Rule]:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.rules.all(operator.shop))

    async def add(
        self, operator: Operator, *, kind: RuleKind, **fields: Unpack[RuleFields]
    ) -> Rule:
        operator.require(Role.OWNER)
        wanted = drawn_up(new_rule(operator, kind), fields)
        now = self._now()

        def unit(tx: Tx) -> Rule:
            _check_account(tx, operator, wanted.account)
            rule = tx.rules.add(wanted, now)
            operator.record(tx, "rule.add", str(rule.id), now)
            return rule

        return await self._store.write(unit)

    async def change(self, operator: Operator, rule: RuleId, **fields: Unpack[RuleFields]) -> Rule:
        """Change what is given, leave the rest: switching a rule does not touch its text (L54)."""
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> Rule:
            found = _find(tx, operator, rule)
            wanted = drawn_up(found, fields)
            _check_account(tx, operator, wanted.account)
            tx.rules.save(wanted)
            operator.record(tx, "rule.change", str(rule), now)
            return wanted

        return await self._store.write(unit)

    async def remove(self, operator: Operator, rule: RuleId) -> None:
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> None:
            _find(tx, operator, rule)
            tx.rules.remove(operator.shop, rule)
            operator.record(tx, "rule.remove", str(rule), now)

        await self._store.write(unit)


def split_keywords(text: str) -> tuple[str, ...]:
    """Words as people type them into one field: one a line, or separated by commas."""
    parts = (part.strip() for part in re.split(r"[\n,，、;；]", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def new_rule(operator: Operator, kind: RuleKind) -> Rule:
    """One of this kind that says nothing yet."""
    return Rule(RuleId(0), operator.shop, None, kind)


def drawn_up(rule: Rule, fields: RuleFields) -> Rule:
    """The rule with these fields, as it would be kept. Raises Invalid with a sentence for each that
    is wrong."""
    silent = fields.get("silent", rule.silent and rule.id != 0)
    return _checked(_with(rule, fields), silent=silent)


def _with(rule: Rule, fields: RuleFields) -> Rule:
    return replace(
        rule,
        account=fields.get("account", rule.account),
        keywords=tuple(fields.get("keywords", rule.keywords)),
        match=fields.get("match", rule.match),
        items=tuple(fields.get("items", rule.items)),
        reply=fields.get("reply", rule.reply),
        priority=fields.get("priority", rule.priority),
        hours=fields.get("hours", rule.hours),
        once=fields.get("once", rule.once),
        moment=fields.get("moment", rule.moment),
        enabled=fields.get("enabled", rule.enabled),
    )


def _checked(rule: Rule, *, silent: bool) -> Rule:
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
    return replace(
        rule,
        keywords=_checked_keywords(rule),
        items=_checked_items(rule),
        reply="" if silent else _checked_reply(rule),
        pictures=() if silent else rule.pictures,
        moment=rule.moment if rule.kind is RuleKind.MOMENT else None,
    )


def _checked_keywords(rule: Rule) -> tuple[str, ...]:
    if rule.kind is not RuleKind.KEYWORD:
        return ()
    words = tuple(dict.fromkeys(word.strip() for word in rule.keywords if word.strip()))
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


def _checked_reply(rule: Rule) -> str:
    text = rule.reply.replace("\r\n", "\n").strip()
    if not text and not rule.pictures:
        raise Invalid("回复内容不能为空", {"reply": "写要回复的话"})
    if len(text) > LONGEST_REPLY:
        raise Invalid(f"回复内容最多 {LONGEST_REPLY} 字", {"reply": f"最多 {LONGEST_REPLY} 字"})
    unknown = unknown_reply_placeholders(text)
    if unknown:
        named = "、".join("{" + name + "}" for name in unknown)
        usable = " ".join("{" + name + "}" for name in REPLY_FACTS)
        raise Invalid(
            f"回复里的变量 {named} 不认识，可以用：{usable}", {"reply": f"不认识 {named}"}
        )
    if len([part for part in cut(text) if part.strip()]) > MOST_MESSAGES:
        raise Invalid(
            f"一次回复最多分成 {MOST_MESSAGES} 条消息", {"reply": f"最多 {MOST_MESSAGES} 条"}
        )
    return text


def _check_account(tx: Tx, operator: Operator, account: AccountId | None) -> None:
    if account is not None and tx.accounts.get(operator.shop, account) is None:
        raise Invalid("选的账号不存在，请重新选择", {"account": "账号不存在"})


def _find(tx: Tx, operator: Operator, rule: RuleId) -> Rule:
    found = tx.rules.get(operator.shop, rule)
    if found is None:
        raise NotFound("这条规则不存在，可能已经被删除")
    return found
