"""`yuqiao check`: what is in order and what is not."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hub.cli.shell import EXIT_REFUSED, run, utc_now
from hub.errors import StoreError
from hub.ops import (
    Finding,
    check_platform,
    check_proxies,
    check_running,
    check_store,
    closed_store,
    in_order,
)
from hub.settings import load_settings
from hub.store import Database, is_original, open_store
from hub.text import imports


@click.command("check")
@click.option("--quick", is_flag=True, help="Settings, database, disk; nothing outside.")
@click.pass_obj
def check_command(config: Path | None, quick: bool) -> None:
    """Say what is in order and what is not, one line each; exit 1 if anything is not."""
    settings = load_settings(config)

    async def look() -> list[Finding]:
        database, key = Database.chosen(settings.database), settings.database.key
        proxies: list[Finding] = []
        if is_original(database.path):
            return [Finding(True, imports.WILL_COME_OVER)]
        try:
            async with open_store(database, key=key, now=utc_now, guest=True) as store:
                found = [
                    await check_running(settings.web),
                    *await check_store(settings, store),
                ]
                if not quick:
                    proxies = await check_proxies(settings.xianyu, store)
        except StoreError as error:
            found = closed_store(settings, error)
        return found if quick else [*found, *await check_platform(settings.xianyu), *proxies]

    findings = [Finding(True, "设置可以读取"), *run(look())]
    for finding in findings:
        click.echo(str(finding))
    if not in_order(findings):
        sys.exit(EXIT_REFUSED)
