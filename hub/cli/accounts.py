"""`yuqiao account`: seller accounts, without the admin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from hub.cli.owner import at_the_desk
from hub.cli.shell import run
from hub.desk import Desk, Operator
from hub.errors import Invalid, NotFound
from hub.text import ACCOUNT_STATES


@click.group("account")
def account_group() -> None:
    """Seller accounts."""


@account_group.command("add")
@click.option("--name", required=True, help="Short name, shown in every notice.")
@click.option(
    "--cookies-file",
    required=True,
    type=click.File(encoding="utf-8-sig"),
    help="File with the cookie string; - for standard input.",
)
@click.option("--proxy", default="", help="Way out of all its connections; default: directly.")
@click.pass_obj
def account_add(config: Path | None, name: str, cookies_file: Any, proxy: str) -> None:
    """Add an account from a cookie string."""
    try:
        cookies = cookies_file.read()
    except UnicodeDecodeError:
        raise Invalid(f"{cookies_file.name} 不是 UTF-8 文本，请另存为 UTF-8 再试") from None

    async def add(desk: Desk, operator: Operator) -> str:
        account = await desk.accounts.add(operator, name, cookies, proxy=proxy)
        return f"account {account.name} (Xianyu user {account.user}) added and enabled"

    click.echo(run(at_the_desk(config, add)))


@account_group.command("proxy")
@click.argument("name")
@click.argument("url")
@click.pass_obj
def account_proxy(config: Path | None, name: str, url: str) -> None:
    """Let an account leave through a proxy; URL `none`: directly, `-`: read it from standard input.

    The address is http, https, socks5 or socks4://[user:password@]host:port.
    """
    address = sys.stdin.readline() if url == "-" else url
    proxy = "" if url == "none" else address.strip()
    if url == "-" and not proxy:
        raise Invalid("标准输入里没有代理地址；要改为直连，请写 none")

    async def change(desk: Desk, operator: Operator) -> str:
        found = next((a for a in await desk.accounts.all(operator) if a.name == name), None)
        if found is None:
            raise NotFound(f"没有叫「{name}」的账号")
        await desk.accounts.set_proxy(operator, found.id, proxy)
        shown = await desk.accounts.proxy(operator, found.id)
        return f"account {found.name} leaves {f'through {shown}' if shown else 'directly'}"

    click.echo(run(at_the_desk(config, change)))


@account_group.command("list")
@click.pass_obj
def account_list(config: Path | None) -> None:
    """List the accounts with their states."""

    async def lines(desk: Desk, operator: Operator) -> str:
        accounts = await desk.accounts.all(operator)
        return "\n".join(
            f"{a.id}\t{a.name}\t{a.user}\t{ACCOUNT_STATES[a.state]}\t{a.state_reason}"
            for a in accounts
        )

    click.echo(run(at_the_desk(config, lines)))
