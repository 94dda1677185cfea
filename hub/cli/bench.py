"""`yuqiao bench`: what the hub can carry on this machine."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import click
from pydantic import ValidationError

from hub.bench import (
    AccountsOptions,
    BenchOptions,
    NoticesOptions,
    accounts_report,
    report,
    report_notices,
    report_rules,
    report_stock,
    run_accounts,
    run_bench,
    run_notices,
    run_rules,
    run_stock,
)
from hub.cli.shell import run
from hub.ops import set_up_logs
from hub.settings import DatabaseSettings

EXIT_INCOMPLETE = 1
DATABASE_VARIABLE = "BENCH_DATABASE_URL"
"""Not the one of the setting: a shop's own database must not be filled because it is exported."""


def _address(_context: click.Context, _option: click.Parameter, url: str) -> str:
    """Refused before anything is measured, and without repeating it: a password stands in it."""
    try:
        DatabaseSettings(url=url)
    except ValidationError:
        raise click.BadParameter(
            "must be postgresql://user:password@host:port/name (special characters as %XX)"
        ) from None
    return url


@click.group("bench", invoke_without_command=True)
@click.option("--messages", default=5000, show_default=True, help="Messages of the closed loop.")
@click.option("--outstanding", default=32, show_default=True, help="Unanswered at a time.")
@click.option("--rate", default=20.0, show_default=True, help="Messages/s of the open loop.")
@click.option("--seconds", default=20.0, show_default=True, help="Length of the open loop.")
@click.option(
    "--database",
    default="",
    metavar="URL",
    callback=_address,
    envvar=DATABASE_VARIABLE,
    show_envvar=True,
    help="An empty PostgreSQL database, which is filled; SQLite if not given. A password belongs "
    "into the variable: everybody on the machine can read what stands on a command line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def bench_group(
    context: click.Context,
    messages: int,
    outstanding: int,
    rate: float,
    seconds: float,
    database: str,
    as_json: bool,
) -> None:
    """Measure push -> answer on the wire against a sandbox in a second process."""
    if context.invoked_subcommand is not None:
        return
    set_up_logs("WARNING")
    options = BenchOptions(
        messages=messages,
        outstanding=outstanding,
        rate=rate,
        length=timedelta(seconds=seconds),
        database=database,
    )
    result = run(run_bench(options))
    click.echo(json.dumps(result.as_dict()) if as_json else report(result))
    if not result.complete:
        sys.exit(EXIT_INCOMPLETE)


@bench_group.command("accounts")
@click.option("--accounts", default=200, show_default=True)
@click.option("--minutes", default=10.0, show_default=True, help="Half idle, half under load.")
@click.option("--rate", default=2.0, show_default=True, help="Messages/s over all accounts.")
@click.option("--outage", default=10.0, show_default=True, help="Seconds of a platform restart.")
@click.option("--plain", is_flag=True, help="Without TLS.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the section xianyu; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench_accounts(
    accounts: int,
    minutes: float,
    rate: float,
    outage: float,
    plain: bool,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure many accounts: memory, processor time, and how they come back from outages.

    Says on stderr what is going on.
    """
    set_up_logs("WARNING")
    options = AccountsOptions(
        accounts=accounts,
        minutes=minutes,
        rate=rate,
        outage_seconds=outage,
        tls=not plain,
        xianyu=dict(_pair(one) for one in settings),
    )
    result = run(run_accounts(options, lambda line: click.echo(line, err=True)))
    click.echo(json.dumps(result.as_dict()) if as_json else accounts_report(result))
    if not result.complete:
        sys.exit(EXIT_INCOMPLETE)


@bench_group.command("notices")
@click.option("--rate", default=20.0, show_default=True, help="Messages/s.")
@click.option("--seconds", default=20.0, show_default=True, help="Length of each run.")
@click.option("--conversations", default=50, show_default=True, help="That talk at once.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench_notices(rate: float, seconds: float, conversations: int, as_json: bool) -> None:
    """Measure how long a buyer's words take to QQ, and that nothing gets mixed up."""
    set_up_logs("WARNING")
    result = run(run_notices(NoticesOptions(rate, seconds, conversations)))
    click.echo(json.dumps(result.as_dict()) if as_json else report_notices(result))
    if not result.complete:
        sys.exit(EXIT_INCOMPLETE)


@bench_group.command("stock")
@click.option("--codes", default=100_000, show_default=True, help="Codes to import.")
@click.option("--draws", default=200, show_default=True, help="Cards to draw from each stock.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench_stock(codes: int, draws: int, as_json: bool) -> None:
    """Measure importing codes, and drawing one from little and from much stock."""
    set_up_logs("WARNING")
    result = run(run_stock(codes, draws))
    click.echo(json.dumps(result.as_dict()) if as_json else report_stock(result))


@bench_group.command("rules")
@click.option("--rules", default=5000, show_default=True, help="Rules of the shop.")
@click.option("--patterns", default=20, show_default=True, help="Of them, regular expressions.")
@click.option("--messages", default=20_000, show_default=True, help="Messages to decide about.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench_rules(rules: int, patterns: int, messages: int, as_json: bool) -> None:
    """Measure how long the engine takes to find the answer to one message."""
    set_up_logs("WARNING")
    result = run(run_rules(rules, patterns, messages))
    click.echo(json.dumps(result.as_dict()) if as_json else report_rules(result))


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--set")
    return key, value
