"""Making backups: a copy of everything that cannot be had again, checked before it counts."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from loguru import logger

from hub import __version__
from hub.errors import Invalid, StoreError, Unavailable
from hub.model import StoredBackup
from hub.ops.archive import (
    DATABASE,
    SEALED,
    ArchiveWriter,
    Manifest,
    belongs,
    check_database,
    read_manifest,
    unpack,
)
from hub.ops.health import LEAST_FREE
from hub.ops.sealing import Secrets, blanked, seal
from hub.policy import believed, outlived
from hub.settings import Settings
from hub.store import Database, contents, copy_out, read_key, size_of, under_way
from hub.text import backups as words

DAILY, BY_HAND = "yuqiao-daily", "yuqiao"
UPLOADS = ("stock", "kept")
"""Folders of pictures that cannot be had again; the others are copies of the platform's."""
_NAME = re.compile(r"(yuqiao-daily|yuqiao)-(\d{8}-\d{6})(?:-\d+)?\.zip")
_DRAFT = ".backup-"
_STALE_SECONDS = 86400.0


class Backups:
    """The backups of one installation. Methods touch the disk: call them in a thread."""

    def __init__(self, settings: Settings, config: Path, *, folder: Path | None = None) -> None:
        """`config`: the settings file, whether it is there or not. `folder`: another one than the
        settings say."""
        self._settings = settings
        self._config = config
        self._zone = ZoneInfo(settings.text.timezone)
        self.folder = folder or settings.backup_folder

    def make(self, now: datetime, *, passphrase: str = "", daily: bool = False) -> StoredBackup:
        """A new backup; it appears complete and checked, or not at all.

        `passphrase`: another one than the settings say. A daily one makes those go whose time is
        over. Raises Unavailable with one sentence.
        """
        database = Database.chosen(self._settings.database)
        if not database.url and not database.path.is_file():
            raise Unavailable(words.no_database(database.path))
        if under_way(database.folder):
            raise Unavailable(words.CUT_SHORT_ON_SERVER if database.url else words.CUT_SHORT)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._tidy()
            self._ask_for_room()
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=_DRAFT) as draft:
                made = self._write(Path(draft), now, passphrase or self._settings.backup.passphrase)
                path = self._name(DAILY if daily else BY_HAND, now)
                made.rename(path)
        except OSError as error:
            raise Unavailable(self._why(error)) from error
        except StoreError as error:
            raise Unavailable(str(error)) from error
        except Invalid as error:
            raise Unavailable(words.not_good(error.text)) from error
        if daily:
            self._forget_old(now)
        logger.info("backup {} is complete and checked", path.name)
        complete = _look_at(path)
        if complete is None:
            raise Unavailable(words.missing(path))
        return complete

    def all(self) -> list[StoredBackup]:
        """The newest first. What others put there, or take away meanwhile, does no harm."""
        try:
            paths = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        except OSError:
            return []
        found = [one for path in paths if (one := _look_at(path)) is not None]
        return sorted(found, key=lambda one: (one.at, one.name), reverse=True)

    def find(self, name: str) -> Path | None:
        """A backup of ours in the folder; nothing else can be named."""
        path = self.folder / name
        return path if _NAME.fullmatch(name) and path.is_file() else None

    def _write(self, draft: Path, now: datetime, passphrase: str) -> Path:
        copy, target = draft / DATABASE, draft / "archive.zip"
        copy_out(Database.chosen(self._settings.database), copy)
        found = contents(copy)
        manifest = Manifest(now, __version__, found.schema, found.rows)
        writer = ArchiveWriter(target, now.astimezone(self._zone))
        try:
            writer.add(DATABASE, copy)
            copy.unlink()
            for name, file in self._files():
                if not belongs(name):
                    logger.warning("{!r} has a name that no backup can hold: left out", name)
                    continue
                with suppress(FileNotFoundError):  # a picture that was sent and is gone
                    writer.add(name, file)
            self._add_settings(writer, passphrase)
            writer.close(manifest)
        finally:
            writer.abandon()
        check_archive(target, draft / "looked-at")
        return target

    def _files(self) -> Iterator[tuple[str, Path]]:
        pictures = self._settings.database.path.parent / "pictures"
        for folder in UPLOADS:
            for file in _plain_files(pictures / folder):
                if not file.name.endswith(".half"):
                    yield f"pictures/{folder}/{file.name}", file
        for file in _plain_files(self._settings.ai.prompts):
            yield f"config/prompts/{file.name}", file
        if self._settings.bargain.forbidden_words.is_file():
            yield "config/words/forbidden.txt", self._settings.bargain.forbidden_words

    def _add_settings(self, writer: ArchiveWriter, passphrase: str) -> None:
        config = None
        if self._config.is_file():
            config = self._config.read_text(encoding="utf-8")
            writer.add_text("config/hub.yml", blanked(config))
        key = self._settings.database.key or read_key(self._settings.database.path.parent)
        if passphrase and key:
            writer.add_text(SEALED, seal(Secrets(key, config), passphrase))

    def _name(self, kind: str, now: datetime) -> Path:
        stem = f"{kind}-{now.astimezone(self._zone):%Y%m%d-%H%M%S}"
        names = [f"{stem}.zip", *(f"{stem}-{number}.zip" for number in range(2, 100))]
        return next(path for name in names if not (path := self.folder / name).exists())

    def _ask_for_room(self) -> None:
        """The archive is unpacked in here to be checked, and the shop must go on meanwhile: room
        for pictures twice, as they do not get smaller, and for a database and a half."""
        database = Database.chosen(self._settings.database)
        size = size_of(database)
        needed = size + size // 2
        for _, file in self._files():
            with suppress(FileNotFoundError):
                needed += 2 * file.stat().st_size
        there = database.folder if database.url else database.path
        if self.folder.stat().st_dev == there.stat().st_dev:
            needed += LEAST_FREE
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise Unavailable(words.no_room(self.folder, needed, free))

    def _why(self, error: OSError) -> str:
        reason = error.strerror or str(error)
        place = Path(str(error.filename)) if error.filename else self.folder
        if place == self.folder or self.folder in place.parents:
            return words.cannot_write(self.folder, reason)
        return words.cannot_use(place, reason)

    def _forget_old(self, now: datetime) -> None:
        """Those that cannot be read neither count nor go: a person should see them. Nor do those
        that a wrong clock dated ahead, or they would outlive all the others."""
        daily = {
            one.path: one.at
            for one in self.all()
            if one.daily and one.good and believed(one.at, now) is not None
        }
        settings = self._settings.backup
        for path in outlived(
            daily, days=settings.keep_days, weeks=settings.keep_weeks, zone=self._zone
        ):
            with suppress(OSError):  # the next time may be better
                path.unlink()
                logger.info("backup {} has outlived its time", path.name)

    def _tidy(self) -> None:
        """What a backup left that was killed."""
        for rest in self.folder.glob(f"{_DRAFT}*"):
            with suppress(OSError):
                if time.time() - rest.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(rest)


def check_archive(path: Path, folder: Path) -> Manifest:
    """Unpack all of an archive below `folder`, compare it with its manifest and open its database.

    Raises Invalid with one sentence.
    """
    folder.mkdir(mode=0o700)
    manifest = unpack(path, folder)
    check_database(folder / DATABASE, path.name, manifest)
    return manifest


def verify(path: Path) -> Manifest:
    """The same, leaving nothing behind."""
    # Beside the archive: the system's folder may be a small one in memory.
    beside = path.parent if os.access(path.parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=beside) as folder:
        return check_archive(path, Path(folder) / "looked-at")


def _plain_files(folder: Path) -> Sequence[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _look_at(path: Path) -> StoredBackup | None:
    """None: it is no file, or is gone."""
    match = _NAME.fullmatch(path.name)
    assert match is not None  # noqa: S101 - callers looked
    try:
        status = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    daily = match[1] == DAILY
    try:
        manifest = read_manifest(path)
    except (Invalid, OSError):  # damaged, or of a user whose files we cannot read
        at = datetime.fromtimestamp(status.st_mtime).astimezone()
        return StoredBackup(path, at, status.st_size, daily, good=False, sealed=False)
    return StoredBackup(
        path,
        manifest.made_at,
        status.st_size,
        daily,
        good=True,
        sealed=manifest.sealed,
        rows=manifest.total,
        program=manifest.program,
        schema=manifest.schema,
    )
