"""The form of a backup: a plain zip that anybody can open, with a manifest of what it must hold.

manifest.json     what made it, when, the schema, rows by table, size and SHA-256 of each file
database.db       SQLite
pictures/...      what was uploaded
config/...        settings without their secrets, prompts, words
sealed.json       the key and the settings with their secrets, behind a passphrase; may be absent
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from hub.errors import Invalid, StoreError
from hub.store import Contents, contents, known_schemas
from hub.text import backups as words

FORMAT, VERSION = "yuqiao-backup", 1
MANIFEST, DATABASE, SEALED = "manifest.json", "database.db", "sealed.json"
FOLDERS = ("config", "pictures")
_CHUNK = 1024 * 1024
_MOST_MANIFEST = 50 * 1024 * 1024
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What reading a damaged or odd zip raises; besides, it may seek to places that there are not."""


_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class FileFact:
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    made_at: datetime
    program: str
    """The version that made it."""
    schema: str
    rows: Mapping[str, int]
    files: Mapping[str, FileFact] = field(default_factory=dict)

    @property
    def sealed(self) -> bool:
        """The key is in it."""
        return SEALED in self.files

    @property
    def total(self) -> int:
        return sum(self.rows.values())


class ArchiveWriter:
    """Builds one archive; `close` makes it complete."""

    def __init__(self, path: Path, made_at: datetime) -> None:
        # A clock that was never set says 1970, and a zip begins with 1980.
        self._at = max(made_at.timetuple()[:6], (1980, 1, 1, 0, 0, 0))
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        self._file = os.fdopen(handle, "w+b")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        self._facts: dict[str, FileFact] = {}

    def add(self, name: str, source: Path) -> None:
        """Raises FileNotFoundError, before anything is written, if it has gone."""
        with (
            source.open("rb") as file,
            self._zip.open(self._entry(name), "w", force_zip64=True) as to,
        ):
            digest, size = hashlib.sha256(), 0
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                to.write(chunk)
        self._facts[name] = FileFact(size, digest.hexdigest())

    def add_text(self, name: str, text: str) -> None:
        data = text.encode()
        self._zip.writestr(self._entry(name), data)
        self._facts[name] = FileFact(len(data), hashlib.sha256(data).hexdigest())

    def close(self, manifest: Manifest) -> None:
        fields = {**asdict(manifest), "files": {n: asdict(f) for n, f in self._facts.items()}}
        text = json.dumps(
            {
                "format": FORMAT,
                "version": VERSION,
                **fields,
                "made_at": manifest.made_at.isoformat(),
            },
            ensure_ascii=False,
            indent=1,
        )
        self._zip.writestr(self._entry(MANIFEST), text.encode())
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Let the file go, whatever is in it."""
        self._zip.fp = None  # or it would write its end to a file that is closed
        self._file.close()

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(name, self._at)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        return entry


def read_manifest(path: Path) -> Manifest:
    """What an archive says of itself, without reading its files.

    Raises Invalid, with one sentence, for what is foreign, newer or damaged.
    """
    try:
        with _opened(path) as archive:
            return _manifest(archive, path.name)
    except FileNotFoundError:
        raise Invalid(words.missing(path)) from None
    except _BROKEN as error:
        if _was_ours(path):
            raise Invalid(words.damaged(path.name, _short(error))) from None
        raise Invalid(words.foreign(path.name)) from None


def unpack(path: Path, folder: Path) -> Manifest:
    """Write the files of an archive below `folder`, each compared with the manifest.

    Raises Invalid as `read_manifest` does; what is in the folder then is worth nothing.
    """
    manifest = read_manifest(path)
    try:
        with _opened(path) as archive:
            for name, fact in manifest.files.items():
                _extract(archive, name, fact, folder / name)
    except KeyError as error:
        raise Invalid(words.damaged(path.name, f"缺少 {error.args[0]}")) from None
    except _BROKEN as error:
        raise Invalid(words.damaged(path.name, _short(error))) from None
    except _Wrong as error:
        raise Invalid(words.damaged(path.name, str(error))) from None
    return manifest


def check_database(path: Path, name: str, manifest: Manifest) -> Contents:
    """Open what was unpacked: every page, the schema, the number of rows. Raises Invalid."""
    try:
        found = contents(path)
    except StoreError as error:
        raise Invalid(words.damaged(name, str(error))) from None
    if found.schema != manifest.schema:
        raise Invalid(words.damaged(name, f"数据库是 {found.schema}，不是 {manifest.schema}"))
    if dict(found.rows) != dict(manifest.rows):
        raise Invalid(words.damaged(name, "行数和清单不符"))
    return found


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise zipfile.BadZipFile("the directory leads nowhere") from None


class _Wrong(Exception):
    """A file is not what the manifest says."""


def _extract(archive: zipfile.ZipFile, name: str, fact: FileFact, target: Path) -> None:
    info = archive.getinfo(name)
    if info.file_size != fact.size:
        raise _Wrong(f"{name} 的大小不对")
    if info.compress_type not in _PACKED_AS:
        raise _Wrong(f"{name} 的压缩方式不对")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, left = hashlib.sha256(), fact.size
    handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file, archive.open(info) as source:
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise _Wrong(f"{name} 的大小不对")
            digest.update(chunk)
            file.write(chunk)
    if left or digest.hexdigest() != fact.sha256:
        raise _Wrong(f"{name} 的校验和不对")


def _manifest(archive: zipfile.ZipFile, name: str) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
        if info.file_size > _MOST_MANIFEST or info.compress_type not in _PACKED_AS:
            raise Invalid(words.foreign(name))
        fields = json.loads(archive.read(info))
    except (KeyError, ValueError):
        raise Invalid(words.foreign(name)) from None
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise Invalid(words.foreign(name))
    if not isinstance(fields.get("version"), int) or fields["version"] > VERSION:
        raise Invalid(words.newer(name, str(fields.get("program", "?"))))
    try:
        manifest = _read(fields)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid(words.damaged(name, "清单读不懂")) from None
    if manifest.schema not in known_schemas():
        raise Invalid(words.newer(name, manifest.program))
    odd = next((one for one in manifest.files if not belongs(one)), None)
    if odd is not None or DATABASE not in manifest.files:
        raise Invalid(words.damaged(name, f"清单里有 {odd!r}" if odd else "清单里没有数据库"))
    return manifest


def _read(fields: Mapping[str, Any]) -> Manifest:
    made_at = datetime.fromisoformat(fields["made_at"])
    if made_at.tzinfo is None:
        raise ValueError("a time without its zone")
    return Manifest(
        made_at=made_at,
        program=str(fields["program"]),
        schema=str(fields["schema"]),
        rows={str(name): int(number) for name, number in fields["rows"].items()},
        files={
            str(name): FileFact(int(fact["size"]), str(fact["sha256"]))
            for name, fact in fields["files"].items()
        },
    )


def belongs(name: str) -> bool:
    """Nothing but our own files, and nothing that could lead out of the folder."""
    parts = PurePosixPath(name).parts
    plain = name.isprintable() and not any(one in name for one in "\\:") and name == "/".join(parts)
    if not plain or any(one in ("..", ".", "") for one in parts):
        return False
    return name in (DATABASE, SEALED) or (len(parts) > 1 and parts[0] in FOLDERS)


def _was_ours(path: Path) -> bool:
    """A zip without its end, which is where its directory stands; ours begin with the database."""
    with path.open("rb") as file:
        start = file.read(64)
    return start.startswith(b"PK\x03\x04") and DATABASE.encode() in start


def _short(error: Exception) -> str:
    return str(error)[:100] or type(error).__name__
