"""Rules as lines of a spreadsheet, in the columns that sellers know and ours beside them.

What a sheet has no column for is not said by it: an import leaves that as it is (L47, L54).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import TypeVar

from hub.errors import Invalid
from hub.model import AccountId, Hours, Match, Moment, Rule, RuleId, RuleKind, ShopId
from hub.policy.replies import MOMENT_NAMES
from hub.policy.rule_checks import checked_rule, split_keywords

Meaning = TypeVar("Meaning")

RULE_SHEET = "关键词数据"
WORD, ITEM, REPLY = "关键词", "商品ID", "关键词内容"
ACCOUNT, KIND, MATCH, PRIORITY = "账号", "类型", "匹配", "优先级"
HOURS, ONCE, SWITCH, PICTURES = "时段", "只说一次", "开关", "图片"
KNOWN_COLUMNS = (WORD, ITEM, REPLY)
"""All that the program had that many sellers come from."""
RULE_COLUMNS = (*KNOWN_COLUMNS, ACCOUNT, KIND, MATCH, PRIORITY, HOURS, ONCE, SWITCH, PICTURES)
NEEDED_COLUMNS = (WORD, REPLY)
ALL_ACCOUNTS = "全部账号"
SAMPLES = (
    ("你好", "", "您好，欢迎光临！有什么可以帮您？"),
    ("价格\n多少钱", "123456789012", "这件 99 元，包邮。"),
    ("发货", "", "付款后会尽快发货。"),
)

_KINDS = {
    RuleKind.KEYWORD: "关键词",
    RuleKind.ITEM: "商品回复",
    RuleKind.DEFAULT: "默认回复",
}
_SAID_KINDS: dict[str, tuple[RuleKind, Moment | None]] = {
    "": (RuleKind.KEYWORD, None),
    "关键词回复": (RuleKind.KEYWORD, None),
    "商品": (RuleKind.ITEM, None),
    "默认": (RuleKind.DEFAULT, None),
    **{name: (kind, None) for kind, name in _KINDS.items()},
    **{name: (RuleKind.MOMENT, moment) for moment, name in MOMENT_NAMES.items()},
}
_MATCHES = {Match.CONTAINS: "包含", Match.EXACT: "完全一致", Match.PATTERN: "正则"}
_SAID_MATCHES = {"": Match.CONTAINS, "精确": Match.EXACT, "一致": Match.EXACT} | {
    name: match for match, name in _MATCHES.items()
}
_YES = {"是", "开", "打开", "启用", "true", "yes", "1"}
_NO = {"否", "关", "关闭", "停用", "false", "no", "0"}
_BETWEEN_WORDS = re.compile(r"[\n,，、;；]")
_BETWEEN_ITEMS = re.compile(r"[\s,，、;；]+")
_HOURS = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–—~～到至]\s*(\d{1,2})[:：](\d{2})")
_ROUNDED = re.compile(r"\d+(?:\.\d+)?[eE]\+?\d+")
_WHOLE = re.compile(r"(\d+)\.0+")


@dataclass(frozen=True, slots=True)
class SheetRule:
    """What one line says."""

    line: int
    rule: Rule
    """Its id means nothing; fields without a column are as for a new rule."""
    columns: frozenset[str]
    """Those that the sheet has."""
    warning: str = ""

    def upon(self, old: Rule) -> Rule:
        """The old rule as this line wants it, its words and items left alone."""
        said = {
            "match": MATCH,
            "priority": PRIORITY,
            "hours": HOURS,
            "once": ONCE,
            "enabled": SWITCH,
        }
        new = {name: getattr(self.rule, name) for name, at in said.items() if at in self.columns}
        return replace(old, reply=self.rule.reply, **new)


@dataclass(frozen=True, slots=True)
class SheetTrouble:
    line: int
    why: str


def read_rule_lines(
    lines: Iterable[tuple[int, Mapping[str, str]]],
    columns: Collection[str],
    *,
    shop: ShopId,
    accounts: Mapping[str, AccountId],
    default_account: AccountId | None,
) -> Iterator[SheetRule | SheetTrouble | None]:
    """One result a line. None: a rule with pictures, which no sheet speaks of (L48).

    `accounts`: by name; `default_account`: of lines that name none.
    """
    bare = set(columns) <= set(KNOWN_COLUMNS)
    for number, cells in lines:
        if cells.get(PICTURES, "").strip():
            yield None
            continue
        try:
            yield _read(number, cells, columns, shop, accounts, default_account, bare=bare)
        except Invalid as refusal:
            yield SheetTrouble(number, _briefly(refusal))


def _briefly(refusal: Invalid) -> str:
    """Without the list of everything that could be written, which nobody reads for each line."""
    reply = refusal.fields.get("reply")
    return refusal.text if reply is None else f"「{REPLY}」{reply}"


def _read(
    number: int,
    cells: Mapping[str, str],
    columns: Collection[str],
    shop: ShopId,
    accounts: Mapping[str, AccountId],
    default_account: AccountId | None,
    *,
    bare: bool,
) -> SheetRule:
    def said(column: str) -> str:
        return cells.get(column, "").strip()

    kind, moment = _one_of(_SAID_KINDS, KIND, said(KIND))
    match = _one_of(_SAID_MATCHES, MATCH, said(MATCH))
    words = said(WORD)
    if bare and words.lower() == "nan":
        raise Invalid("「关键词」是 nan，多半是以前导出时留下的空格子")
    if words and kind is not RuleKind.KEYWORD:
        raise Invalid(f"类型是「{said(KIND)}」的不看关键词，请清空「关键词」，或者改类型")
    reply = cells.get(REPLY, "")
    silent = not reply.strip() or (bare and said(REPLY).lower() == "nan")
    wanted = Rule(
        id=RuleId(0),
        shop=shop,
        account=_account(said(ACCOUNT), accounts, default_account),
        kind=kind,
        keywords=_words(cells.get(WORD, ""), match),
        match=match,
        reply=reply,
        enabled=_switch(SWITCH, said(SWITCH), blank=True),
        items=_items(said(ITEM)),
        priority=_priority(said(PRIORITY)),
        hours=_hours(said(HOURS)),
        once=_switch(ONCE, said(ONCE), blank=False),
        moment=moment,
    )
    warning = "「关键词内容」是空的：命中了也不回复" if silent else ""
    rule = checked_rule(wanted, silent=silent)
    return SheetRule(number, rule, frozenset(columns), warning)


def _one_of(known: Mapping[str, Meaning], column: str, said: str) -> Meaning:
    if said not in known:
        usable = "、".join(dict.fromkeys(name for name in known if name))
        raise Invalid(f"「{column}」里的「{said}」不认识，可以写：{usable}")
    return known[said]


def _words(cell: str, match: Match) -> tuple[str, ...]:
    """A line break anywhere says that words stand one a line, with commas of their own."""
    one_a_line = match is Match.PATTERN or "\n" in cell
    return split_keywords(cell, Match.PATTERN if one_a_line else match)


def _items(cell: str) -> tuple[str, ...]:
    items = []
    for item in _BETWEEN_ITEMS.split(cell):
        if _ROUNDED.fullmatch(item):
            raise Invalid(f"「商品ID」{item} 丢了后面几位，请把这一列设成文本再填")
        whole = _WHOLE.fullmatch(item)
        items.append(whole[1] if whole else item)
    return tuple(item for item in items if item and item.lower() != "nan")


def _account(
    said: str, accounts: Mapping[str, AccountId], default: AccountId | None
) -> AccountId | None:
    if not said:
        return default
    if said == ALL_ACCOUNTS:
        return None
    if said in accounts:
        return accounts[said]
    raise Invalid(f"没有叫「{said}」的账号")


def _priority(said: str) -> int:
    whole = _WHOLE.fullmatch(said)
    said = whole[1] if whole else said
    if not said:
        return 0
    if not (said.isascii() and said.isdigit() and len(said) <= 9):
        raise Invalid(f"「优先级」是 0 到 100 的整数，这里是「{said}」")
    return int(said)


def _hours(said: str) -> Hours | None:
    if said in ("", "全天"):
        return None
    found = _HOURS.fullmatch(said)
    try:
        if found is not None:
            hour, minute, until_hour, until_minute = map(int, found.groups())
            return Hours(time(hour, minute), time(until_hour, until_minute))
    except ValueError:
        pass
    raise Invalid(f"「时段」写成 22:00-08:00 的样子，这里是「{said}」")


def _switch(column: str, said: str, *, blank: bool) -> bool:
    if not said:
        return blank
    if said.lower() in _YES or said.lower() in _NO:
        return said.lower() in _YES
    raise Invalid(f"「{column}」写是或否、开或关，这里是「{said}」")


# --- Writing --------------------------------------------------------------------------------------


def rule_lines(rules: Iterable[Rule], names: Mapping[AccountId, str]) -> list[tuple[str, ...]]:
    """A line for each, in `RULE_COLUMNS`; `names` of accounts. Rules of a kind stay in their order,
    which counts among equals."""
    kinds = list(RuleKind)
    ordered = sorted(rules, key=lambda rule: (kinds.index(rule.kind), rule.id))
    return [_line(rule, names) for rule in ordered]


def _line(rule: Rule, names: Mapping[AccountId, str]) -> tuple[str, ...]:
    hours = rule.hours
    return (
        _joined(rule.keywords, rule.match),
        "\n".join(rule.items),
        rule.reply,
        ALL_ACCOUNTS if rule.account is None else names.get(rule.account, ""),
        MOMENT_NAMES[rule.moment] if rule.moment is not None else _KINDS[rule.kind],
        _MATCHES[rule.match] if rule.kind is RuleKind.KEYWORD else "",
        str(rule.priority) if rule.priority else "",
        f"{hours.start:%H:%M}-{hours.end:%H:%M}" if hours is not None else "",
        "是" if rule.once else "",
        "" if rule.enabled else "关",
        f"{len(rule.pictures)} 张" if rule.pictures else "",
    )


def _joined(words: Sequence[str], match: Match) -> str:
    """As `_words` reads it. A line break behind a single word keeps its commas."""
    with_commas = match is not Match.PATTERN and any(map(_BETWEEN_WORDS.search, words))
    return "\n".join(words) + ("\n" if with_commas and len(words) == 1 else "")
