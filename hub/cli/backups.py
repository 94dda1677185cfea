"""`yuqiao backup` and `yuqiao restore`: for cron, for deploy scripts, and for the bad day."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import click

from hub.cli.shell import utc_now
from hub.errors import Invalid
from hub.model import StoredBackup
from hub.ops import Backups, Restored, Wish, checked_parts, restore, set_up_logs, undo, verify
from hub.settings import load_settings, settings_file
from hub.text import backups as words
from hub.text import clock, since

passphrase_option = click.option(
    "--passphrase-file",
    type=click.File(encoding="utf-8"),
    help="File with the passphrase of the key; - for standard input.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("backup", invoke_without_command=True)
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder; default the setting backup.folder.",
)
@click.option(
    "--daily", is_flag=True, help="For cron: older daily ones go when their time is over."
)
@passphrase_option
@json_option
@click.pass_context
def backup_group(
    context: click.Context,
    to: Path | None,
    daily: bool,
    passphrase_file: IO[str] | None,
    as_json: bool,
) -> None:
    """Make a backup now, while the hub runs or not; says where it is. Exit 1 if there is none."""
    config: Path | None = context.obj
    set_up_logs("WARNING")
    if context.invoked_subcommand is not None:
        return
    settings = load_settings(config)
    backups = Backups(settings, settings_file(config), folder=to)
    made = backups.make(utc_now(), passphrase=_passphrase(passphrase_file), daily=daily)
    if as_json:
        click.echo(json.dumps(_as_dict(made)))
    else:
        click.echo(words.made(str(made.path), made.size, made.rows, sealed=made.sealed))
    click.echo(words.READABLE, err=True)
    if not made.sealed:
        click.echo(words.NO_KEY, err=True)


@backup_group.command("list")
@json_option
@click.pass_obj
def backup_list(config: Path | None, as_json: bool) -> None:
    """List the backups in the folder, the newest first."""
    settings = load_settings(config)
    found = Backups(settings, settings_file(config)).all()
    if as_json:
        click.echo(json.dumps([_as_dict(one) for one in found]))
        return
    zone, now = ZoneInfo(settings.text.timezone), utc_now()
    for one in found:
        state = _key_word(one.sealed) if one.good else words.UNREADABLE
        at = f"{clock(one.at, zone, now)}（{since(one.at, now)}前）"
        click.echo(f"{one.name}\t{at}\t{words.size(one.size)}\t{state}")
    if not found:
        click.echo(words.NO_BACKUPS)


@backup_group.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup_verify(config: Path | None, file: Path) -> None:
    """Unpack FILE, compare every checksum, open its database. Exit 1 if anything is wrong."""
    zone = ZoneInfo(load_settings(config).text.timezone)
    found = verify(file)
    at = f"{found.made_at.astimezone(zone):%Y-%m-%d %H:%M}"
    click.echo(
        words.good(file.name, at, found.program, found.schema, found.total, _key_word(found.sealed))
    )


@click.command("restore")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--undo",
    "undoing",
    is_flag=True,
    help="Bring back what the last restore replaced; FILE may name an older folder of that kind.",
)
@click.option(
    "--only",
    default="",
    metavar="PARTS",
    help="Comma-separated: database, pictures, config, rules, canned, pools, delivery-rules.",
)
@passphrase_option
@click.option(
    "--key-file",
    type=click.File(encoding="ascii"),
    help="The key file that was kept apart from the backup.",
)
@click.option("--yes", is_flag=True, help="Do it; without, only tell what it would do.")
@click.pass_obj
def restore_command(
    config: Path | None,
    file: Path | None,
    undoing: bool,
    only: str,
    passphrase_file: IO[str] | None,
    key_file: IO[str] | None,
    yes: bool,
) -> None:
    """Bring a backup back; the hub must not run. What is replaced is kept beside the database."""
    set_up_logs("WARNING")
    parts = [part.strip() for part in only.split(",") if part.strip()]
    checked_parts(parts)
    place = settings_file(config)
    settings = load_settings(place) if place.is_file() else load_settings(None, _without_file())
    now = datetime.now(UTC)
    if undoing or file is None or file.is_dir():
        if file is None and not undoing:
            raise click.UsageError("Name the backup, or take a restore back with --undo.")
        if parts or key_file is not None:
            raise click.UsageError("--undo brings back all of it.")
        _tell(undo(settings, file, now=now, do=yes), did=yes)
        return
    key = key_file.read().strip() if key_file is not None else ""
    wish = Wish(file, parts, _passphrase(passphrase_file), key)
    _tell(restore(settings, place, wish, now=now, do=yes), did=yes)


def _tell(done: Restored, *, did: bool) -> None:
    if did:
        click.echo(words.restored(done.parts, done.kept))
        if done.kept is not None:
            click.echo(words.UNDO)
    else:
        click.echo(words.would_restore(done.parts))
        if done.parts:
            click.echo(words.WOULD)
    for warning in done.warnings:
        click.echo(warning, err=True)


def _without_file() -> dict[str, str]:
    """A settings file that is to come back from the backup need not be there yet."""
    return {name: value for name, value in os.environ.items() if name != "YUQIAO_CONFIG"}


def _passphrase(file: IO[str] | None) -> str:
    if file is None:
        return ""
    text = file.read().strip()
    if not text:
        raise Invalid(words.EMPTY_PASSPHRASE)
    return text


def _key_word(sealed: bool) -> str:
    return words.KEY_SEALED if sealed else words.KEY_ABSENT


def _as_dict(one: StoredBackup) -> dict[str, object]:
    return {
        "file": str(one.path),
        "at": one.at.isoformat(),
        "size": one.size,
        "daily": one.daily,
        "good": one.good,
        "key": "sealed" if one.sealed else "absent",
        "rows": one.rows,
        "program": one.program,
        "schema": one.schema,
    }
