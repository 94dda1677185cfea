"""Keywords, default replies and replies of items become rules, in the order they had."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hub.errors import Invalid
from hub.model import Rule, RuleId, RuleKind
from hub.ops.importing import cells
from hub.ops.importing.pictures import find_picture
from hub.ops.importing.plan import FOR_CHECKING, Draft, NewRule, OldAccount, key_of, line_of
from hub.ops.importing.report import Outcome, Part
from hub.ops.importing.wording import literal_braces, unescaped
from hub.policy import REPLY_FACTS, checked_rule
from hub.store import ROW, OriginalRow
from hub.text import imports as words

KEYWORD, DEFAULT, ITEM_REPLY = "keyword", "default", "item_reply"
NOT_A_NUMBER = "nan"
"""What a spreadsheet made of an empty cell (L47)."""
_SHOWN = 20
_LINE = re.compile(r"(.+?)(?:\s*[：:]\s*|\s+)(.+)")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A rule as it is to be, before it is checked."""

    part: Part
    name: str
    kind: str
    key: str
    account: OldAccount | None
    rule: Rule
    picture: str = ""
    """Path or address, as the original wrote it down."""
    notes: tuple[str, ...] = ()


def plan_replies(draft: Draft, keyword_file: str) -> None:
    seen: dict[str, int] = {}
    draft.each(Part.KEYWORDS, "keywords", lambda row: _plan_keyword(draft, row, seen))
    for number, line in enumerate(keyword_file.splitlines(), 1):
        _plan_line(draft, number, line, seen)
    draft.each(Part.DEFAULT_REPLIES, "default_replies", lambda row: _plan_default(draft, row))
    for row, older in _newest_item_replies(draft):
        _plan_item_reply(draft, row, older)


def _blank(draft: Draft, kind: RuleKind) -> Rule:
    return Rule(RuleId(0), draft.known.shop, None, kind)


def _plan_keyword(draft: Draft, row: OriginalRow, seen: dict[str, int]) -> None:
    keyword, written, item = cells.word(row, "keyword"), cells.word(row, "item_id"), ""
    name = f"{cells.word(row, 'cookie_id')} · {keyword[:_SHOWN]}"
    notes = []
    if written:
        item = cells.item_id(row)
        name = f"{name} · {item}"
        if item != written:
            notes.append(words.item_mended(item))
    account = draft.account_for(Part.KEYWORDS, name, cells.word(row, "cookie_id"))
    if account is None:
        return
    is_image = cells.word(row, "type").lower() == "image"
    reply = "" if is_image else cells.text(row, "reply")
    enabled = True
    if NOT_A_NUMBER in (keyword.lower(), reply.strip().lower()):
        enabled = False
        notes.append(words.NOT_A_NUMBER)
    rule = replace(
        _blank(draft, RuleKind.KEYWORD),
        keywords=(keyword,),
        items=(item,) if item else (),
        reply=reply,
        enabled=enabled,
    )
    key = _counted(seen, key_of(account.key, keyword, item, "image" if is_image else "text"))
    picture = cells.word(row, "image_url") if is_image else ""
    if is_image and not picture:
        draft.leave(Part.KEYWORDS, name, words.NO_PICTURE)
        return
    _put(
        draft,
        _Wanted(Part.KEYWORDS, name, KEYWORD, key, account, rule, picture, tuple(notes)),
    )


def _plan_line(draft: Draft, number: int, line: str, seen: dict[str, int]) -> None:
    """One line of the file with keywords for every account."""
    written = line.strip().lstrip("\ufeff")
    if not written or written.startswith("#"):
        return
    parts = _LINE.fullmatch(written)
    keyword, reply = parts.groups() if parts is not None else (written, "")
    name = words.line_of_keywords(number, keyword[:_SHOWN])
    if not reply:
        draft.leave(Part.KEYWORDS, name, words.NO_REPLY_IN_LINE)
        return
    rule = replace(_blank(draft, RuleKind.KEYWORD), keywords=(keyword,), reply=reply)
    key = _counted(seen, key_of("", keyword, "", "file"))
    _put(draft, _Wanted(Part.KEYWORDS, name, KEYWORD, key, None, rule))


def _plan_default(draft: Draft, row: OriginalRow) -> None:
    name = cells.word(row, "cookie_id")
    account = draft.account_for(Part.DEFAULT_REPLIES, name, name)
    if account is None:
        return
    reply = cells.text(row, "reply_content")
    enabled = cells.flag(row, "enabled", False)
    if not enabled and not reply.strip():
        draft.leave(Part.DEFAULT_REPLIES, name, words.EMPTY_DEFAULT)
        return
    notes = [] if reply.strip() else [words.SILENT]
    if not enabled:
        notes.append(words.WAS_OFF)
    rule = replace(
        _blank(draft, RuleKind.DEFAULT),
        reply=reply,
        once=cells.flag(row, "reply_once", False),
        enabled=enabled,
    )
    _put(
        draft,
        _Wanted(
            Part.DEFAULT_REPLIES, name, DEFAULT, account.key, account, rule, notes=tuple(notes)
        ),
    )


def _newest_item_replies(draft: Draft) -> list[tuple[OriginalRow, int]]:
    """One per account and item, the one that was changed last, and how many older ones there are:
    nothing kept them apart in the original."""
    newest: dict[tuple[str, str], tuple[tuple[datetime | None, int], OriginalRow]] = {}
    older: dict[tuple[str, str], int] = {}

    def take(row: OriginalRow) -> None:
        which = (cells.word(row, "cookie_id"), cells.item_id(row))
        number = row.get(ROW)
        at = cells.moment(row, "updated_at") or cells.moment(row, "created_at")
        age = (at, number if isinstance(number, int) else 0)
        if which not in newest:
            newest[which] = age, row
            return
        older[which] = older.get(which, 0) + 1
        if _is_newer(age, newest[which][0]):
            newest[which] = age, row

    draft.each(Part.ITEM_REPLIES, "item_replay", take)
    return [(row, older.get(which, 0)) for which, (_, row) in newest.items()]


def _is_newer(one: tuple[datetime | None, int], other: tuple[datetime | None, int]) -> bool:
    if one[0] is not None and other[0] is not None and one[0] != other[0]:
        return one[0] > other[0]
    return one[1] > other[1]


def _plan_item_reply(draft: Draft, row: OriginalRow, older: int) -> None:
    item = cells.item_id(row)
    name = f"{cells.word(row, 'cookie_id')} · {item}"
    account = draft.account_for(Part.ITEM_REPLIES, name, cells.word(row, "cookie_id"))
    if account is None:
        return
    reply = cells.text(row, "reply_content")
    notes = [words.older_replies(older)] if older else []
    if not reply.strip():
        notes.append(words.SILENT)
    # Keywords and AI came before it in the original, whatever its own pages said (L45).
    rule = replace(_blank(draft, RuleKind.DEFAULT), items=(item,), reply=reply)
    key = key_of(account.key, item)
    _put(
        draft,
        _Wanted(Part.ITEM_REPLIES, name, ITEM_REPLY, key, account, rule, notes=tuple(notes)),
    )


def _counted(seen: dict[str, int], key: str) -> str:
    """The same keyword may stand there twice; the first one answered, and both are kept."""
    seen[key] = seen.get(key, 0) + 1
    return key if seen[key] == 1 else f"{key}:{seen[key]}"


def _put(draft: Draft, wanted: _Wanted) -> None:
    if (wanted.kind, wanted.key) in draft.known.ledger:
        draft.leave(wanted.part, wanted.name, outcome=Outcome.KNOWN)
        return
    notes = list(wanted.notes)
    reply, literal = literal_braces(unescaped(wanted.rule.reply), REPLY_FACTS)
    if literal:
        notes.append(words.literal_braces(literal))
    rule = replace(wanted.rule, reply=reply)
    picture: Path | str | None = None
    if wanted.picture:
        try:
            picture, elsewhere = find_picture(draft, wanted.picture, notes)
        except Invalid as error:
            draft.leave(wanted.part, wanted.name, error.text)
            return
        if elsewhere:
            rule = replace(rule, enabled=False)
    try:
        shown = replace(rule, pictures=(FOR_CHECKING,)) if picture is not None else rule
        silent = not reply.strip() and picture is None
        checked = replace(checked_rule(shown, silent=silent), pictures=())
    except Invalid as error:
        draft.leave(wanted.part, wanted.name, error.text)
        return
    running = wanted.account.running if wanted.account else _any_running(draft)
    if running and checked.enabled:
        checked = replace(checked, enabled=False)
        notes.append(words.RULE_OFF_FOR_RUNNING)
    account = wanted.account.key if wanted.account is not None else None
    draft.put(
        line_of(wanted.part, wanted.name, notes),
        wanted.kind,
        wanted.key,
        NewRule(account, checked, picture),
    )


def _any_running(draft: Draft) -> bool:
    return any(one.enabled for one in draft.known.accounts)
