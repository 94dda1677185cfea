"""Log files: one for each day, packed when the day is over, gone after some days."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
import zipfile
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

MEGABYTE = 1024 * 1024
TRY_AGAIN_SECONDS = 60.0
_NAME = re.compile(r"yuqiao-(\d{4}-\d{2}-\d{2})(?:\.\d+)?\.log(?:\.zip)?")


class LogFiles:
    """Writes lines to `yuqiao-2026-11-26.log`; from `most_bytes` on to `yuqiao-2026-11-26.2.log`.

    The name says the day, so a restart goes on where the last life stopped. What is older is packed
    (`.log.zip`), and what is older than `keep_days` removed, on another thread. A disk that cannot
    be written to is told of on standard error once, and tried again a minute later.
    """

    def __init__(
        self, folder: Path, *, keep_days: int, zone: ZoneInfo, most_bytes: int, pack: bool = True
    ) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._zone = zone
        self._most_bytes = most_bytes
        self._pack = pack
        self._file: IO[str] | None = None
        self._path = folder
        self._day: date | None = None
        self._size = 0
        self._broken_at: float | None = None
        self.trouble = ""
        """Why nothing is written at present; empty: it is."""
        self._tidying: threading.Thread | None = None

    def write(self, line: str, at: datetime) -> None:
        """Never raises for a disk that is full or gone: a log must not stop the shop."""
        if self._broken_at is not None and time.monotonic() - self._broken_at < TRY_AGAIN_SECONDS:
            return
        try:
            self._write(line, at)
        except OSError as error:
            if self._broken_at is None:
                sys.stderr.write(f"log files cannot be written in {self._folder}: {error}\n")
            self.trouble = f"{self._folder}：{error.strerror or error}"
            self._broken_at = time.monotonic()
            with suppress(OSError):
                self.close()
        else:
            self._broken_at, self.trouble = None, ""

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def settle(self) -> None:
        """Wait until what is old is packed and removed."""
        if self._tidying is not None:
            self._tidying.join()

    def _write(self, line: str, at: datetime) -> None:
        day = at.astimezone(self._zone).date()
        if self._file is None or day != self._day or self._size >= self._most_bytes:
            self._turn(day)
        assert self._file is not None  # noqa: S101 - `_turn` opens it
        self._file.write(line)
        self._file.flush()
        self._size += len(line.encode("utf-8", "replace"))

    def _turn(self, day: date) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        number = 1
        while True:
            suffix = f".{number}" if number > 1 else ""
            path = self._folder / f"yuqiao-{day.isoformat()}{suffix}.log"
            packed = path.with_name(path.name + ".zip")
            if not packed.exists() and _size_of(path) < self._most_bytes:
                break
            number += 1
        handle = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o640)
        self._file = os.fdopen(handle, "a", encoding="utf-8", errors="replace")
        self._path, self._day, self._size = path, day, _size_of(path)
        self.settle()
        self._tidying = threading.Thread(target=self._tidy, args=(path, day), daemon=True)
        self._tidying.start()

    def _tidy(self, current: Path, day: date) -> None:
        oldest = day - timedelta(days=self._keep_days)
        for path in sorted(self._folder.iterdir()):
            match = _NAME.fullmatch(path.name)
            if match is None or path == current:
                continue
            with suppress(OSError, ValueError):  # the next turn may be better
                if date.fromisoformat(match[1]) < oldest:
                    path.unlink()
                elif self._pack and path.suffix == ".log":
                    _packed(path)


def _packed(path: Path) -> None:
    half = path.with_name(f".{path.name}.half")
    try:
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
        half.chmod(0o640)
        half.replace(path.with_name(path.name + ".zip"))
    finally:
        half.unlink(missing_ok=True)
    path.unlink()


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
