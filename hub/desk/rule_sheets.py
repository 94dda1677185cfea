"""Reply rules from and to spreadsheets: looked at first, then all of it at once (L47, L48)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.desk.operator import Operator
from hub.desk.rules import refuse_cards
from hub.errors import Invalid
from hub.model import AccountId, Role, Rule, ShopId
from hub.policy import (
    NEEDED_COLUMNS,
    RULE_COLUMNS,
    RULE_SHEET,
    SAMPLES,
    ImportPlan,
    SheetRule,
    SheetTrouble,
    plan_import,
    read_rule_lines,
    rule_lines,
)
from hub.sheets import Table, read_table, write_csv, write_xlsx
from hub.store import Store, Tx

MOST_LINES = 10_000
SHOWN_EVERY = 500
"""Lines between two words about how far it is."""
WIDTHS = (24, 18, 60, 14, 14, 10, 8, 14, 10, 8, 8)

Progress = Callable[[int, int], None]
"""Hears how many of how many lines are read; in a thread of its own."""


class SheetFormat(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class RuleSheet:
    """What a file with rules would do, or did."""

    plan: ImportPlan
    lines: int
    wrong: tuple[SheetTrouble, ...]
    """Lines that are left out, and why."""
    pictured: int
    """Lines of rules with pictures, which stay as they are."""
    unknown: tuple[str, ...]
    """Columns that nobody reads."""
    version: int
    """Of the rules that it was compared with."""
    readable: bytes
    """The lines that are used, as a CSV file that does the same."""


class RuleSheets:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def export(self, operator: Operator, form: SheetFormat) -> bytes:
        """All rules of the shop; without any, the template with three samples."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> tuple[list[Rule], dict[AccountId, str]]:
            return tx.rules.all(operator.shop), _names(tx, operator.shop)

        rules, names = await self._store.read(unit)
        return await asyncio.to_thread(_write, rules, names, form)

    async def preview(
        self,
        operator: Operator,
        data: bytes,
        *,
        account: AccountId | None = None,
        replace_all: bool = False,
        progress: Progress = lambda done, all_: None,
    ) -> RuleSheet:
        """What importing would do; changes nothing. `account`: of lines that name none.

        `replace_all`: text rules that the file could speak of and does not are removed.
        Raises Invalid for a file that cannot be read at all.
        """
        operator.require(Role.OWNER)

        def unit(tx: Tx) -> tuple[list[Rule], dict[AccountId, str], int]:
            shop = operator.shop
            return tx.rules.all(shop), _names(tx, shop), tx.rules.version(shop)

        rules, names, version = await self._store.read(unit)
        if account is not None and account not in names:
            raise Invalid("选的账号不存在，请重新选择", {"account": "账号不存在"})
        reading = _Reading(operator.shop, rules, names, version, account, replace_all, progress)
        return await asyncio.to_thread(reading.read, data)

    async def import_(
        self,
        operator: Operator,
        data: bytes,
        *,
        account: AccountId | None = None,
        replace_all: bool = False,
        version: int | None = None,
        progress: Progress = lambda done, all_: None,
    ) -> RuleSheet:
        """Do what `preview` tells, all in one unit of work. Lines that are wrong are left out;
        not when everything is replaced, where their rules would be lost.

        `version`: of the preview; what was changed since then is not overwritten.
        """
        sheet = await self.preview(
            operator, data, account=account, replace_all=replace_all, progress=progress
        )
        if replace_all and sheet.wrong:
            raise Invalid(f"没有导入：有 {len(sheet.wrong)} 行不对，改好它们才能替换全部")
        if version is not None and version != sheet.version:
            raise _changed_meanwhile()
        plan, now = sheet.plan, self._now()
        added = [one.new for one in plan.added if one.new is not None]
        changed = [one.new for one in plan.changed if one.new is not None]
        removed = [one.old for one in plan.removed if one.old is not None]

        def unit(tx: Tx) -> None:
            if tx.rules.version(operator.shop) != sheet.version:
                raise _changed_meanwhile()
            for rule in removed:
                tx.rules.remove(operator.shop, rule.id)
            tx.rules.put(operator.shop, added, changed, now)
            done = f"+{len(added)} ~{len(changed)} -{len(removed)}"
            operator.record(tx, "rule.import", done, now)

        def check(tx: Tx) -> None:
            for rule in (*added, *changed):
                refuse_cards(tx, operator, rule.reply, "file")

        if plan.changes:
            await self._store.read(check)
            await self._store.write(unit)
        return sheet


@dataclass(frozen=True, slots=True)
class _Reading:
    """Everything that reading a file needs, so that it can be done in a thread."""

    shop: ShopId
    rules: list[Rule]
    names: dict[AccountId, str]
    version: int
    account: AccountId | None
    replace_all: bool
    progress: Progress

    def read(self, data: bytes) -> RuleSheet:
        table = read_table(
            data, columns=RULE_COLUMNS, required=NEEDED_COLUMNS, sheet=RULE_SHEET, most=MOST_LINES
        )
        used, wrong, pictured = self._sorted_out(table)
        if not used and not wrong and not pictured:
            raise Invalid("这个表格里没有规则", {"file": "列名下面一行都没有"})
        plan = plan_import(
            used, self.rules, replace_all=self.replace_all, default_account=self.account
        )
        return RuleSheet(
            plan,
            len(table.lines),
            tuple(wrong),
            pictured,
            table.unknown,
            self.version,
            _readable(table, {line.line for line in used}),
        )

    def _sorted_out(self, table: Table) -> tuple[list[SheetRule], list[SheetTrouble], int]:
        used: list[SheetRule] = []
        wrong = [SheetTrouble(line.number, line.trouble) for line in table.lines if line.trouble]
        pictured = 0
        good = [line for line in table.lines if not line.trouble]
        found: Iterator[SheetRule | SheetTrouble | None] = read_rule_lines(
            ((line.number, line.cells) for line in good),
            table.columns,
            shop=self.shop,
            accounts={name: id_ for id_, name in self.names.items()},
            default_account=self.account,
        )
        for number, one in enumerate(found, 1):
            match one:
                case SheetRule():
                    used.append(one)
                case SheetTrouble():
                    wrong.append(one)
                case None:
                    pictured += 1
            if number % SHOWN_EVERY == 0 or number == len(good):
                self.progress(number, len(good))
        return used, sorted(wrong, key=lambda one: one.line), pictured


def _readable(table: Table, used: set[int]) -> bytes:
    lines = [line for line in table.lines if line.number in used]
    return write_csv(table.columns, [tuple(line.cells.values()) for line in lines])


def _write(rules: list[Rule], names: dict[AccountId, str], form: SheetFormat) -> bytes:
    lines = rule_lines(rules, names)
    rest = ("",) * (len(RULE_COLUMNS) - len(SAMPLES[0]))
    shown = lines or [sample + rest for sample in SAMPLES]
    match form:
        case SheetFormat.XLSX:
            columns = list(zip(RULE_COLUMNS, WIDTHS, strict=True))
            return write_xlsx(RULE_SHEET, columns, shown, grey=not lines)
        case SheetFormat.CSV:
            return write_csv(RULE_COLUMNS, shown)


def _names(tx: Tx, shop: ShopId) -> dict[AccountId, str]:
    return {account.id: account.name for account in tx.accounts.all(shop)}


def _changed_meanwhile() -> Invalid:
    return Invalid("没有导入：规则刚刚被改过，请再核对一次")
