"""`yuqiao rules`: reply rules from and to files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from hub.cli.owner import at_the_desk
from hub.cli.shell import SHOWN_FROM, run
from hub.desk import Desk, Operator, SheetFormat
from hub.errors import Invalid, NotFound
from hub.text import rules_imported


@click.group("rules")
def rules_group() -> None:
    """Reply rules."""


@rules_group.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def rules_export(config: Path | None, file: Path) -> None:
    """Write all reply rules to FILE, .xlsx or .csv; without any rules, a template."""
    if file.suffix.lower().lstrip(".") not in list(SheetFormat):
        raise Invalid("文件名要以 .xlsx 或 .csv 结尾")
    form = SheetFormat(file.suffix.lower().lstrip("."))

    async def export(desk: Desk, operator: Operator) -> str:
        data = await desk.rule_sheets.export(operator, form)
        await asyncio.to_thread(file.write_bytes, data)
        return f"已写入 {file}"

    click.echo(run(at_the_desk(config, export)))


@rules_group.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--account", default="", help="For lines that name none; default all accounts.")
@click.option("--replace", "replace_all", is_flag=True, help="Remove text rules not in FILE.")
@click.option("--yes", is_flag=True, help="Do it; without, only tell what it would do.")
@click.pass_obj
def rules_import(
    config: Path | None, file: Any, account: str, replace_all: bool, yes: bool
) -> None:
    """Bring reply rules from FILE (.xlsx or .csv), merged with those that are there."""
    data = file.read()

    def progress(done: int, of: int) -> None:
        if of > SHOWN_FROM:
            click.echo(f"\r{done}/{of}", nl=done == of, err=True)

    async def bring(desk: Desk, operator: Operator) -> str:
        accounts = await desk.accounts.all(operator)
        named = next((one.id for one in accounts if one.name == account), None)
        if account and named is None:
            raise NotFound(f"没有叫「{account}」的账号")
        act = desk.rule_sheets.import_ if yes else desk.rule_sheets.preview
        sheet = await act(operator, data, account=named, replace_all=replace_all, progress=progress)
        return rules_imported(
            done=yes,
            added=len(sheet.plan.added),
            changed=len(sheet.plan.changed),
            removed=len(sheet.plan.removed),
            unchanged=sheet.plan.unchanged,
            lines=[
                *((one.line, f"没有用：{one.why}") for one in sheet.wrong),
                *((one.line, one.why) for one in sheet.plan.warnings),
            ],
        )

    click.echo(run(at_the_desk(config, bring)))
