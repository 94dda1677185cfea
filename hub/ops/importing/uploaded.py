"""An original that was uploaded: looked at first, brought over when a person says so, then removed.

One at a time. The files lie in a folder of their own beside the database, because the system's
folder for temporary files may be small, or memory. What is known about them lives in this process.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from errno import ENOSPC
from pathlib import Path, PurePosixPath

from loguru import logger

from hub.errors import HubError, Invalid, NotFound, OnHold, Unavailable
from hub.model import ImportJob, ImportStage, MemberId, SentFile
from hub.ops.importing.pictures import unpacked
from hub.ops.importing.rendering import in_words, laid_out
from hub.ops.importing.report import Report
from hub.ops.importing.running import ROOM, ImportFrom, ImportInto, bring_over
from hub.text import imports as words

LARGEST = 512 * 1024 * 1024
"""Bytes of everything that is uploaded for one import."""
LARGEST_TEXT = 20 * 1024 * 1024
KEPT = timedelta(hours=1)
"""How long files wait for a person who does not come back."""
FORGOTTEN = timedelta(days=1)
"""Nothing of a node that lives is so old."""
_DATABASE, _SETTINGS, _PICTURES = "database", "settings", "pictures"
_LONGEST_NAME = 80
_NAMES = {_SETTINGS: "global_config.yml", _PICTURES: "uploads.zip"}
_BESIDE = ("-wal", "-journal")


@dataclass(slots=True)
class _Held:
    job: ImportJob
    folder: Path
    source: ImportFrom
    member: MemberId | None = None
    """Who wants it done; None: nobody yet."""
    report: Report | None = None


class UploadedOriginals:
    def __init__(
        self, folder: Path, into: ImportInto, now: Callable[[], datetime], node: str = ""
    ) -> None:
        """`folder`: where our database lies. `node`: our name among several that may share it;
        empty: nobody else does."""
        self._all = folder / ROOM
        self._room = self._all / node
        self._into = into
        self._now = now
        self._held: _Held | None = None
        self._receiving = False
        self._wanted: asyncio.Queue[_Held] = asyncio.Queue()

    def clear(self) -> None:
        """Remove all files of ours, also of a life before this one, and those of nodes that have
        not come back for them."""
        shutil.rmtree(self._room, ignore_errors=True)
        with suppress(OSError):
            for room in self._all.iterdir():
                if room.stat().st_mtime < (self._now() - FORGOTTEN).timestamp():
                    shutil.rmtree(room, ignore_errors=True)

    @property
    def largest(self) -> int:
        return LARGEST

    def current(self) -> ImportJob | None:
        return self._held.job if self._held is not None else None

    def written(self, id_: str) -> str:
        """The report as text. Raises NotFound."""
        held = self._get(id_)
        if held.report is None:
            raise NotFound(words.NO_REPORT)
        return in_words(held.report)

    async def receive(self, files: AsyncIterator[SentFile]) -> ImportJob:
        """Keep what is sent and begin to look at it. What waited before is thrown away.

        Raises OnHold while another one is at work, Invalid for what is too large or not there,
        Unavailable where there is no room.
        """
        if self._receiving or (self._held is not None and self._held.job.busy):
            raise OnHold(words.BUSY)
        self._receiving = True
        folder = self._room / secrets.token_hex(8)
        try:
            await asyncio.to_thread(_make_private, folder)
            held = await self._received(folder, files)
            await asyncio.to_thread(self._forget)
        except OSError as error:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            full = error.errno == ENOSPC
            raise Unavailable(words.NO_ROOM if full else words.not_kept(error)) from None
        except BaseException:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
            raise
        finally:
            self._receiving = False
        self._held = held
        self._wanted.put_nowait(held)
        return held.job

    async def _received(self, folder: Path, files: AsyncIterator[SentFile]) -> _Held:
        name, total, kept = "", 0, set[str]()
        async for sent in files:
            target = _target(sent)
            if target is None:
                continue
            if target in kept:
                raise Invalid(words.TWICE_SENT)
            kept.add(target)
            file = await asyncio.to_thread((folder / target).open, "xb")
            try:
                async for chunk in sent.chunks:
                    total += len(chunk)
                    if total > LARGEST:
                        raise Invalid(words.too_much(LARGEST))
                    await asyncio.to_thread(file.write, chunk)
            finally:
                await asyncio.to_thread(file.close)
            if target in ("xianyu_data.db", "backup.json"):
                name = _shown(sent.name)
        if not name:
            raise Invalid(words.NO_DATABASE, {_DATABASE: words.NO_DATABASE})
        source = await asyncio.to_thread(_source, folder)
        job = ImportJob(secrets.token_hex(8), name, total, ImportStage.LOOKING, self._now())
        return _Held(job, folder, source)

    def start(self, id_: str, member: MemberId | None) -> ImportJob:
        """Bring over exactly what was looked at. Asked again, it is begun only once.

        Raises NotFound, and OnHold where there is nothing to be done any more.
        """
        held = self._get(id_)
        if held.job.stage is ImportStage.RUNNING:
            return held.job
        if held.job.stage is not ImportStage.LOOKED:
            raise OnHold(words.NOT_NOW)
        held.member = member
        self._move(held, ImportStage.RUNNING)
        self._wanted.put_nowait(held)
        return held.job

    async def drop(self, id_: str) -> ImportJob:
        """Throw it away. Raises NotFound, OnHold while it is at work."""
        held = self._get(id_)
        if held.job.busy:
            raise OnHold(words.BUSY)
        await asyncio.to_thread(self._forget)
        return held.job

    async def run(self) -> None:
        """Look at what is uploaded and bring it over, until cancelled; then the files are gone."""
        try:
            while True:
                try:
                    async with asyncio.timeout(KEPT.total_seconds()):
                        held = await self._wanted.get()
                except TimeoutError:
                    if not self._receiving:
                        await asyncio.to_thread(self._forget_files)
                    continue
                await self._work(held)
        finally:
            self.clear()

    async def _work(self, held: _Held) -> None:
        dry = held.job.stage is ImportStage.LOOKING
        try:
            into = replace(self._into, member=held.member)
            report = await bring_over(held.source, into, dry=dry, progress=self._progress(held))
        except (HubError, OSError) as error:
            await self._fail(held, _named(error, held), dry=dry)
        except Exception:  # reading what others wrote must not end the hub
            logger.exception("an uploaded original cannot be brought over")
            await self._fail(held, words.OUR_FAULT, dry=dry)
        else:
            report.source = held.job.name
            held.report = report
            logger.info("upload {}: {} things{}", held.job.id, report.changed, " (dry)" * dry)
            if not dry:
                await asyncio.to_thread(shutil.rmtree, held.folder, ignore_errors=True)
            stage = ImportStage.LOOKED if dry else ImportStage.DONE
            self._move(held, stage, summary=laid_out(report))

    async def _fail(self, held: _Held, why: str, *, dry: bool) -> None:
        """What began may be done again; what cannot even be looked at goes."""
        logger.warning("upload {} is not brought over: {}", held.job.id, why)
        if dry:
            await asyncio.to_thread(shutil.rmtree, held.folder, ignore_errors=True)
        self._move(held, ImportStage.FAILED if dry else ImportStage.LOOKED, trouble=why)

    def _progress(self, held: _Held) -> Callable[[str, int, int], None]:
        def tell(what: str, done: int, total: int) -> None:
            held.job = replace(held.job, progress=words.progress(what, done, total))

        return tell

    def _move(self, held: _Held, stage: ImportStage, **changed: object) -> None:
        job = replace(held.job, stage=stage, at=self._now(), progress="", trouble="")
        held.job = replace(job, **changed)  # type: ignore[arg-type]

    def _get(self, id_: str) -> _Held:
        if self._held is None or self._held.job.id != id_:
            raise NotFound(words.GONE)
        return self._held

    def _forget(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            shutil.rmtree(held.folder, ignore_errors=True)

    def _forget_files(self) -> None:
        if self._held is not None and self._held.job.stage is ImportStage.LOOKED:
            self._forget()


def _make_private(folder: Path) -> None:
    """Logins stand in what will lie there in clear."""
    folder.parent.parent.mkdir(mode=0o700, exist_ok=True)
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)


def _target(sent: SentFile) -> str | None:
    """What a file is called here, whatever it was called there; None: none was chosen."""
    if not sent.name or sent.field not in (_DATABASE, *_NAMES):
        return None
    if sent.field != _DATABASE:
        return _NAMES[sent.field]
    name = sent.name.lower()
    beside = next((suffix for suffix in _BESIDE if name.endswith(suffix)), "")
    return "backup.json" if name.endswith(".json") else f"xianyu_data.db{beside}"


def _shown(name: str) -> str:
    plain = "".join(c for c in name if c.isprintable())
    return PurePosixPath(plain.replace("\\", "/")).name[:_LONGEST_NAME] or "xianyu_data.db"


def _source(folder: Path) -> ImportFrom:
    database, backup = folder / "xianyu_data.db", folder / "backup.json"
    if database.exists() and backup.exists():
        raise Invalid(words.TWICE_SENT)
    packed = folder / _NAMES[_PICTURES]
    uploads = folder / "uploads"
    if packed.exists():
        uploads.mkdir(mode=0o700)
        unpacked(packed, uploads)
        packed.unlink()
    return ImportFrom(
        backup if backup.exists() else database,
        config=_text(folder / _NAMES[_SETTINGS]),
        uploads=uploads if uploads.exists() else None,
        room=folder,
    )


def _text(file: Path) -> str:
    with suppress(FileNotFoundError):
        if file.stat().st_size > LARGEST_TEXT:
            raise Invalid(words.BAD_CONFIG, {_SETTINGS: words.BAD_CONFIG})
        try:
            return file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid(words.BAD_CONFIG, {_SETTINGS: words.BAD_CONFIG}) from None
    return ""


def _named(error: HubError | OSError, held: _Held) -> str:
    """What went wrong, with the file's own name in the place of ours."""
    if isinstance(error, OSError):
        return words.NO_ROOM if error.errno == ENOSPC else words.not_kept(error)
    said = error.text if isinstance(error, Invalid) else str(error)
    places: Iterable[Path] = (held.source.path, held.source.path.resolve())
    for place in places:
        said = said.replace(f"{place} ", f"「{held.job.name}」")
    return said
