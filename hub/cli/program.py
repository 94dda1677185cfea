"""The command line; `yuqiao` and `python -m hub` are the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import click
from loguru import logger

from hub import __version__
from hub.app import serve, utc_now
from hub.cli.backups import backup_group, restore_command
from hub.cli.bench import bench_group
from hub.cli.imports import import_command
from hub.cli.mail import mail_group
from hub.cli.rules import rules_group
from hub.cli.shell import SHOWN_FROM
from hub.cli.shell import at_the_desk as _at_the_desk
from hub.cli.shell import run as _run
from hub.demo import run_demo
from hub.desk import ROLES, Desk, Operator
from hub.errors import HubError, Invalid, NotFound, Refusal, SettingsError, StoreError
from hub.model import Role
from hub.ops import (
    Finding,
    check_platform,
    check_proxies,
    check_store,
    closed_store,
    in_order,
    log_files,
    set_up_logs,
)
from hub.sandbox import SandboxOptions, run_sandbox
from hub.settings import load_settings, settings_file
from hub.store import Database, is_original, open_store
from hub.text import ACCOUNT_STATES, imports, pool_line, restocked

EXIT_REFUSED = 1
EXIT_BUG = 70
EXIT_CONFIG = 78
DEFAULT_PORT = 8080


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yuqiao")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file; default config/hub.yml if it exists.",
)
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """鱼桥 Yuqiao: run a Xianyu shop from QQ."""
    context.obj = config


cli.add_command(bench_group)
cli.add_command(rules_group)
cli.add_command(mail_group)
cli.add_command(import_command)
cli.add_command(backup_group)
cli.add_command(restore_command)


@cli.command("serve")
@click.pass_obj
def serve_command(config: Path | None) -> None:
    """Run the hub."""
    settings = load_settings(config)
    as_json = settings.log.format == "json"
    zone = ZoneInfo(settings.text.timezone)
    set_up_logs(settings.log.level, as_json=as_json, files=log_files(settings), zone=zone)
    _run(serve(settings, settings_file(config)))


@cli.command("demo")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Port of the admin.")
def demo_command(port: int) -> None:
    """Hub and sandbox with a furnished shop: try everything without any account."""
    set_up_logs("WARNING")
    _run(run_demo(port=port))


@cli.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="One port for everything; 0: any.")
@click.option("--onebot-url", help="The hub's OneBot address, for the sandbox's QQ to dial.")
@click.option("--onebot-token", default="", help="The hub's OneBot access token.")
@click.option("--empty", is_flag=True, help="Without the demo shop.")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="PEM file with certificate and key; everything is then served over TLS.",
)
def sandbox_command(
    host: str,
    port: int,
    onebot_url: str | None,
    onebot_token: str,
    empty: bool,
    certificate: Path | None,
) -> None:
    """A local Xianyu and QQ; prints one JSON line with its addresses when ready."""
    set_up_logs("WARNING")
    options = SandboxOptions(
        host=host,
        port=port,
        onebot_url=onebot_url,
        onebot_token=onebot_token,
        furnished=not empty,
        certificate=certificate,
    )
    _run(run_sandbox(options))


@cli.command("check")
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
                found = await check_store(settings, store)
                if not quick:
                    proxies = await check_proxies(settings.xianyu, store)
        except StoreError as error:
            found = closed_store(settings, error)
        return found if quick else [*found, *await check_platform(settings.xianyu), *proxies]

    findings = [Finding(True, "设置可以读取"), *_run(look())]
    for finding in findings:
        click.echo(str(finding))
    if not in_order(findings):
        sys.exit(EXIT_REFUSED)


@cli.group("account")
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

    click.echo(_run(_at_the_desk(config, add)))


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

    click.echo(_run(_at_the_desk(config, change)))


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

    click.echo(_run(_at_the_desk(config, lines)))


@cli.group("member")
def member_group() -> None:
    """Members of the shop."""


@member_group.command("add")
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--qq", multiple=True, help="QQ id; may be given several times.")
@click.option("--email")
@click.pass_obj
def member_add(
    config: Path | None, name: str, role: str, qq: tuple[str, ...], email: str | None
) -> None:
    """Add a member who can work from QQ at once; a web password is set in the admin."""

    async def add(desk: Desk, operator: Operator) -> str:
        member = await desk.members.add(operator, name=name, role=Role(role), qq=qq, email=email)
        ids = ", ".join(member.qq) or "no QQ id"
        return f"member {member.name} added as {member.role} ({ids})"

    click.echo(_run(_at_the_desk(config, add)))


@member_group.command("password")
@click.option("--name", required=True)
@click.password_option(help="Asked for if not given.")
@click.pass_obj
def member_password(config: Path | None, name: str, password: str) -> None:
    """Set a member's web password: the way back in for an owner who forgot theirs."""

    async def change(desk: Desk, operator: Operator) -> str:
        found = next((m for m in await desk.members.all(operator) if m.name == name), None)
        if found is None:
            raise NotFound(f"没有叫「{name}」的成员")
        await desk.members.change(operator, found.id, password=password)
        return f"password of {found.name} set; older logins have ended"

    click.echo(_run(_at_the_desk(config, change)))


@member_group.command("list")
@click.pass_obj
def member_list(config: Path | None) -> None:
    """List the members."""

    async def lines(desk: Desk, operator: Operator) -> str:
        members = await desk.members.all(operator)
        return "\n".join(f"{m.id}\t{m.name}\t{ROLES[m.role]}\t{','.join(m.qq)}" for m in members)

    click.echo(_run(_at_the_desk(config, lines)))


@cli.group("stock")
def stock_group() -> None:
    """Pools of cards."""


@stock_group.command("add")
@click.argument("pool")
@click.argument("file", type=click.File("rb"))
@click.option("--label", default="", help="Name of the batch; default the file's name.")
@click.pass_obj
def stock_add(config: Path | None, pool: str, file: Any, label: str) -> None:
    """Add the codes in FILE (one a line, - for standard input) to the pool named POOL."""
    codes = file.read()
    name = label or Path(file.name).name

    def progress(done: int, of: int) -> None:
        if of > SHOWN_FROM:
            click.echo(f"\r{done}/{of}", nl=done == of, err=True)

    async def add(desk: Desk, operator: Operator) -> str:
        lines = await desk.stock.overview(operator)
        found = next((line.pool for line in lines if line.pool.name == pool), None)
        if found is None:
            names = "、".join(line.pool.name for line in lines)
            raise NotFound(f"没有叫「{pool}」的卡池，现有：{names or '还没有卡池'}")
        done = await desk.restock.add(operator, found.id, codes, label=name, progress=progress)
        return restocked(
            done.pool.name,
            added=done.new,
            available=done.pool.counts.available,
            known=done.known,
            repeated=done.read.repeated,
            too_long=done.read.too_long,
            unreadable=done.read.unreadable,
        )

    click.echo(_run(_at_the_desk(config, add)))


@stock_group.command("list")
@click.pass_obj
def stock_list(config: Path | None) -> None:
    """List the pools with what is left."""

    async def lines(desk: Desk, operator: Operator) -> str:
        return "\n".join(
            pool_line(line.pool, line.level, line.left, line.given, line.days)
            for line in await desk.stock.overview(operator)
        )

    click.echo(_run(_at_the_desk(config, lines)))


def main() -> None:
    """Run the command line; a known problem is one clear line and an exit code, no traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (HubError, OSError) as error:
        _fail(error)
    except BaseExceptionGroup as group:
        known = _known(group)
        if known is None:
            logger.opt(exception=group).critical("stopped by a bug")
            sys.exit(EXIT_BUG)
        _fail(known)


def _known(group: BaseExceptionGroup[BaseException]) -> HubError | None:
    """The error of ours inside a task group's wrapping, if that is all there is."""
    ours, others = group.split(HubError)
    while ours is not None:
        first = ours.exceptions[0]
        if isinstance(first, HubError):
            return first if others is None else None
        ours = first
    return None


def _fail(error: HubError | OSError) -> NoReturn:
    line = error.text if isinstance(error, Refusal) else str(error)
    click.echo(f"yuqiao: {line}", err=True)
    sys.exit(EXIT_CONFIG if isinstance(error, SettingsError | StoreError) else EXIT_REFUSED)
