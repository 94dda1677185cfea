"""The command line; `yuqiao` and `python -m hub` are the same."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import click
from loguru import logger

from hub import __version__
from hub.cli.shell import EXIT_REFUSED
from hub.errors import HubError, Refusal, SettingsError, StoreError

EXIT_BUG = 70
EXIT_CONFIG = 78
COMMANDS = {
    "account": "accounts:account_group",
    "backup": "backups:backup_group",
    "bench": "bench:bench_group",
    "check": "check:check_command",
    "demo": "trying:demo_command",
    "import": "imports:import_command",
    "mail": "mail:mail_group",
    "member": "members:member_group",
    "restore": "backups:restore_command",
    "rules": "rules:rules_group",
    "sandbox": "trying:sandbox_command",
    "serve": "serve:serve_command",
    "stock": "stock:stock_group",
}
"""Each command with the file of this room that holds it, and its name there."""


class Program(click.Group):
    """Loads the command that is asked for and no other: what serves a shop must not wait for the
    sandbox and the benchmarks."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, _context: click.Context | None, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        file, _, function = COMMANDS[name].partition(":")
        found: click.Command = getattr(import_module(f"hub.cli.{file}"), function)
        return found


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yuqiao")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file; default config/hub.yml if it exists.",
)
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """鱼桥 Yuqiao: run a Xianyu shop from QQ."""
    _ops().set_up_logs("WARNING")  # or a bug would print the values of variables
    context.obj = config
    gc.freeze()
    gc.enable()


def main() -> None:
    """Run the command line; a known problem is one clear line and an exit code, no traceback."""
    # Nothing that is imported is garbage: looking for some takes a seventh of the start. What the
    # command needs is loaded when `cli` is entered.
    gc.disable()
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
            _stopped_by_bug(group)
        _fail(known)
    except Exception as bug:
        _stopped_by_bug(bug)


def _ops() -> ModuleType:
    """Logs without secrets; loaded as late as the command, which mostly needs it as well."""
    return import_module("hub.ops")


def _stopped_by_bug(error: BaseException) -> NoReturn:
    logger.opt(exception=error).critical("stopped by a bug")
    sys.exit(EXIT_BUG)


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
    line = error.text if isinstance(error, Refusal) else _ops().redact(str(error))
    click.echo(f"yuqiao: {line}", err=True)
    sys.exit(EXIT_CONFIG if isinstance(error, SettingsError | StoreError) else EXIT_REFUSED)
