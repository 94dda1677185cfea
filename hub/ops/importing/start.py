"""A database of the original lay where ours should be: it was set aside, and is brought over before
the hub opens its doors. Cut short, it is finished at the next start."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

from loguru import logger

from hub.errors import HubError
from hub.model import ShopId
from hub.ops.importing.pictures import UPLOADS
from hub.ops.importing.rendering import in_words
from hub.ops.importing.report import Outcome, Report
from hub.ops.importing.running import ROOM, ImportFrom, ImportInto, bring_over
from hub.store import Store, Tx, set_aside_before

DONE = "import.done"
CONFIG, KEYWORDS = "global_config.yml", "回复关键字.txt"
REPORT = ".report.txt"
AT_START = "at start"
"""No name of a node."""


async def bring_over_set_aside(store: Store, database: Path, into: ImportInto) -> list[Report]:
    """Everything that lies aside of `database` and was not brought over yet.

    What cannot be is told in the log and left for a person; the hub starts without it.
    """
    shop = await store.read(lambda tx: tx.shops.default())
    reports = []
    for file in await asyncio.to_thread(set_aside_before, database):
        which = await asyncio.to_thread(_mark, file)
        if which in await _done(store, shop):
            continue
        logger.warning(
            "a database of xianyu-auto-reply was set aside as {}; bringing it over", file
        )
        try:
            source = await asyncio.to_thread(beside, file)
            source = replace(source, room=await asyncio.to_thread(_room, file.parent))
            report = await bring_over(source, replace(into, store=store), dry=False)
            await asyncio.to_thread(_write, file, report)
        except (HubError, OSError) as error:
            logger.error("{} is not brought over: {}", file, error)
            continue
        except Exception:  # a fault of ours in reading what others wrote must not lock people out
            logger.exception("{} is not brought over; the hub starts without it", file)
            continue
        finally:
            await asyncio.to_thread(_clear, file.parent)
        await store.write(partial(_note_done, shop, which))
        left = sum(report.number(part, Outcome.LEFT) for part in report.counts)
        logger.warning(
            "{}: {} came over, accounts switched off; {} left; report: {}",
            file,
            report.changed,
            left,
            _report(file),
        )
        reports.append(report)
    return reports


def beside(path: Path) -> ImportFrom:
    """A database of the original with what lies beside it: settings, keywords, pictures."""
    folders = [path.parent, path.parent.parent, Path.cwd()]
    pictures = (folder.joinpath(*UPLOADS) for folder in folders)
    return ImportFrom(
        path,
        config=_text(folders, CONFIG),
        keywords=_text(folders, KEYWORDS),
        uploads=next((one for one in pictures if one.is_dir()), None),
    )


def _text(folders: list[Path], name: str) -> str:
    for folder in folders:
        try:
            return (folder / name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            continue
    return ""


def _room(folder: Path) -> Path:
    """The system's own may be small, or memory."""
    _clear(folder)
    room = folder / ROOM / AT_START
    (folder / ROOM).mkdir(mode=0o700, exist_ok=True)
    room.mkdir(mode=0o700)
    return room


def _clear(folder: Path) -> None:
    """What another node has there is its own."""
    shutil.rmtree(folder / ROOM / AT_START, ignore_errors=True)


async def _done(store: Store, shop: ShopId) -> list[str]:
    found = await store.read(lambda tx: tx.values.get(shop, DONE))
    return [str(one) for one in json.loads(found or "[]")]


def _note_done(shop: ShopId, which: str, tx: Tx) -> None:
    done = json.loads(tx.values.get(shop, DONE) or "[]")
    tx.values.set(shop, DONE, json.dumps([*done, which]))


def _mark(file: Path) -> str:
    stat = file.stat()
    return f"{file.name}:{stat.st_size}:{stat.st_mtime_ns}"


def _report(file: Path) -> Path:
    return file.with_name(file.name + REPORT)


def _write(file: Path, report: Report) -> None:
    handle = os.open(_report(file), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as written:
        written.write(in_words(report) + "\n")
