"""`yuqiao import`: what a shop had in xianyu-auto-reply, brought over."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from hub.cli.shell import run, utc_now
from hub.desk import Door, hash_brought_over
from hub.errors import Invalid
from hub.ops import ImportFrom, ImportInto, Report, beside, bring_over, fetch_from, in_words
from hub.settings import Settings, load_settings
from hub.store import Database, Store, is_original, open_store, set_aside
from hub.text import imports as words

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
LARGEST_TEXT = 20 * 1024 * 1024


@click.command("import")
@click.argument("source", type=_FILE)
@click.argument("original_config", metavar="[GLOBAL_CONFIG]", type=_FILE, required=False)
@click.option("--uploads", type=_FOLDER, help="Its folder of pictures: static/uploads/images.")
@click.option("--keywords", type=_FILE, help="Its file with keywords for every account.")
@click.option("--user", "users", multiple=True, help="Only what belongs to this user; repeatable.")
@click.option("--dry-run", is_flag=True, help="Tell what would come; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--report", type=_FILE, help="Write the report as JSON to this file as well.")
@click.pass_obj
def import_command(
    config: Path | None,
    source: Path,
    original_config: Path | None,
    uploads: Path | None,
    keywords: Path | None,
    users: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    report: Path | None,
) -> None:
    """Bring over what is in SOURCE, a database (or JSON backup) of xianyu-auto-reply.

    Accounts and delivery rules come switched off; nothing starts, sends or delivers. Doing it again
    changes nothing. GLOBAL_CONFIG is the original's global_config.yml, if there is one.
    """
    where = ImportFrom(
        source,
        config=_text(original_config),
        keywords=_text(keywords),
        uploads=uploads or beside(source).uploads,
        only=frozenset(users),
    )
    done: Report = run(_import(load_settings(config), where, dry=dry_run))
    if report is not None:
        _write(report, json.dumps(done.as_dict(), ensure_ascii=False, indent=2))
    click.echo(json.dumps(done.as_dict(), ensure_ascii=False) if as_json else in_words(done))


def _write(file: Path, written: str) -> None:
    """For this user only: names of items and rules stand in it."""
    handle = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as report:
        report.write(written + "\n")


async def _import(settings: Settings, where: ImportFrom, *, dry: bool) -> Report:
    path = settings.database.path
    if not dry and path.exists() and where.path.exists() and path.samefile(where.path):
        moved = set_aside(path)
        where = where if moved is None else where.at(moved)
    async with _opened(settings, dry=dry) as store:
        into = ImportInto(store, Door.CLI, utc_now, hash_brought_over, fetch_from(settings.xianyu))
        return await bring_over(where, into, dry=dry, progress=_show)


@asynccontextmanager
async def _opened(settings: Settings, *, dry: bool) -> AsyncIterator[Store | None]:
    """A dry run makes no database, and does not mind one of the original in its place."""
    database, key = Database.chosen(settings.database), settings.database.key
    path = database.path
    if dry and not database.url and (not path.exists() or is_original(path)):
        yield None
        return
    async with open_store(database, key=key, now=utc_now, guest=True) as store:
        yield store


def _show(what: str, done: int, total: int) -> None:
    if total > 1000 and (done % 10_000 == 0 or done == total):
        click.echo(f"{what} {done}/{total}", err=True)


def _text(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        if file.stat().st_size > LARGEST_TEXT:
            raise Invalid(words.not_text(file))
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(words.not_text(file)) from None
    except OSError as error:
        raise Invalid(words.no_file(file, error)) from None
