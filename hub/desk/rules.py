"""Keyword rules and default replies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import AccountId, Role, Rule, RuleId, RuleKind
from hub.store import Store, Tx

LONGEST_REPLY = 2000
LONGEST_KEYWORD = 60
MOST_KEYWORDS = 50


class Rules:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def all(self, operator: Operator) -> Sequence[Rule]:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.rules.all(operator.shop))

    async def add(
        self,
        operator: Operator,
        *,
        kind: RuleKind,
        reply: str,
        keywords: Iterable[str] = (),
        account: AccountId | None = None,
        enabled: bool = True,
    ) -> Rule:
        operator.require(Role.OWNER)
        words, text = _checked(kind, keywords, reply)
        now = self._now()

        def unit(tx: Tx) -> Rule:
            _check_account(tx, operator, account)
            rule = tx.rules.add(
                operator.shop,
                account=account,
                kind=kind,
                keywords=words,
                reply=text,
                enabled=enabled,
                now=now,
            )
            operator.record(tx, "rule.add", str(rule.id), now)
            return rule

        return await self._store.write(unit)

    async def change(
        self,
        operator: Operator,
        rule: RuleId,
        *,
        reply: str | None = None,
        keywords: Iterable[str] | None = None,
        enabled: bool | None = None,
    ) -> Rule:
        """Change what is given, leave the rest: switching a rule does not touch its text (L54)."""
        operator.require(Role.OWNER)
        given = tuple(keywords) if keywords is not None else None
        now = self._now()

        def unit(tx: Tx) -> Rule:
            found = _find(tx, operator, rule)
            words, text = _checked(
                found.kind,
                given if given is not None else found.keywords,
                reply if reply is not None else found.reply,
            )
            tx.rules.update(
                operator.shop,
                rule,
                keywords=words if given is not None else None,
                reply=text if reply is not None else None,
                enabled=enabled,
            )
            operator.record(tx, "rule.change", str(rule), now)
            return _find(tx, operator, rule)

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


def _checked(kind: RuleKind, keywords: Iterable[str], reply: str) -> tuple[tuple[str, ...], str]:
    words = tuple(dict.fromkeys(word.strip() for word in keywords if word.strip()))
    text = reply.replace("\r\n", "\n").strip()
    if kind is RuleKind.KEYWORD and not words:
        raise Invalid("关键词规则至少要有一个关键词", {"keywords": "写至少一个词"})
    if len(words) > MOST_KEYWORDS or any(len(word) > LONGEST_KEYWORD for word in words):
        raise Invalid(
            f"一条规则最多 {MOST_KEYWORDS} 个关键词，每个最多 {LONGEST_KEYWORD} 字",
            {"keywords": f"最多 {MOST_KEYWORDS} 个，每个最多 {LONGEST_KEYWORD} 字"},
        )
    if not text:
        raise Invalid("回复内容不能为空", {"reply": "写要回复的话"})
    if len(text) > LONGEST_REPLY:
        raise Invalid(f"回复内容最多 {LONGEST_REPLY} 字", {"reply": f"最多 {LONGEST_REPLY} 字"})
    return words, text


def _check_account(tx: Tx, operator: Operator, account: AccountId | None) -> None:
    if account is not None and tx.accounts.get(operator.shop, account) is None:
        raise Invalid("选的账号不存在，请重新选择", {"account": "账号不存在"})


def _find(tx: Tx, operator: Operator, rule: RuleId) -> Rule:
    found = tx.rules.get(operator.shop, rule)
    if found is None:
        raise NotFound("这条规则不存在，可能已经被删除")
    return found
