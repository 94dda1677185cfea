"""Pictures of the original: files in its folder, or addresses at the platform."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from hub.errors import Invalid, PeerError, Unreachable
from hub.model import StoredPicture
from hub.ops.importing.plan import Draft
from hub.settings import XianyuSettings
from hub.store import Store
from hub.text import imports as words
from hub.xianyu import Endpoints, download, fit_picture, may_fetch, open_http

LARGEST_PICTURE = 8 * 1024 * 1024
UPLOADS = ("static", "uploads", "images")
FETCH_SECONDS = 10.0
MOST_FAILURES = 2
"""Without an answer; then nobody waits for the next ones either."""

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets a picture from an address of the platform. Raises PeerError."""


def fetch_from(places: XianyuSettings) -> Fetch:
    """From addresses of the platform only, without any login."""
    endpoints = Endpoints(places.ws_url, places.mtop_url, places.passport_url, places.upload_url)

    async def fetch(address: str) -> bytes:
        async with open_http() as http:
            return await download(
                http, endpoints, address, most_bytes=LARGEST_PICTURE, seconds=FETCH_SECONDS
            )

    return fetch


def find_picture(draft: Draft, written: str, notes: list[str]) -> tuple[Path | str | None, bool]:
    """What is to be taken over, and whether it cannot be had, so that a person has to bring it.

    Raises Invalid for a file that is not there or is no picture.
    """
    if "://" not in written and not written.startswith("//"):
        file = draft.picture(written)
        if file is None:
            raise Invalid(words.picture_missing(written))
        return file, False
    address = f"https:{written}" if written.startswith("//") else written
    secure = f"https://{address.partition('://')[2]}"
    if may_fetch(secure):
        notes.append(words.PICTURE_FETCHED)
        return secure, False
    notes.append(words.picture_elsewhere(written))
    draft.report.ask(words.ADD_PICTURES)
    return None, True


class FoundPictures:
    """Finds what a path of the original points to, and nothing outside its folder of pictures."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def __call__(self, path: str) -> Path | None:
        name = PurePosixPath(path.replace("\\", "/")).name
        if self._folder is None or name in ("", "..", "."):
            return None
        try:
            return self._found(self._folder, name)
        except OSError as error:
            raise Invalid(words.picture_unreadable(path, error)) from None

    def _found(self, uploads: Path, name: str) -> Path | None:
        for folder in (uploads, uploads.joinpath(*UPLOADS), uploads / "images"):
            file = folder / name
            if file.is_file():
                if file.stat().st_size > LARGEST_PICTURE:
                    raise Invalid(words.LARGE_PICTURE)
                fit_picture(file.read_bytes())
                return file
        return None


class KeptPictures:
    """Puts pictures where rules and pools have theirs."""

    def __init__(self, store: Store, fetch: Fetch | None) -> None:
        self._store = store
        self._fetch = fetch
        self._failures = 0

    async def keep(self, picture: Path | str) -> StoredPicture | str:
        """Or why there is none."""
        try:
            if isinstance(picture, Path):
                content = await asyncio.to_thread(picture.read_bytes)
            else:
                content = await self._fetched(picture)
            fitted = await asyncio.to_thread(fit_picture, content)
        except Invalid as error:
            return error.text
        except (PeerError, OSError) as error:
            return words.lost_picture(error)
        name = await asyncio.to_thread(self._store.pictures.keep, fitted.data, fitted.suffix)
        return StoredPicture(name, fitted.media_type, fitted.width, fitted.height)

    async def _fetched(self, address: str) -> bytes:
        if self._fetch is None or self._failures >= MOST_FAILURES:
            raise Unreachable("xianyu", "picture", words.NOT_REACHED)
        try:
            return await self._fetch(address)
        except Unreachable:
            self._failures += 1
            raise


# --- Packed ---------------------------------------------------------------------------------------

MOST_PACKED = 5000
LARGEST_UNPACKED = 512 * 1024 * 1024
KINDS = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"})


def unpacked(packed: Path, folder: Path) -> None:
    """Put the pictures of an archive into `folder`, each under its bare name, so that no name in it
    leads anywhere else. What is no picture, or too large for one, is left out.

    Raises Invalid for what is no archive, or holds more than anybody has.
    """
    try:
        with ZipFile(packed) as archive:
            found = [one for one in archive.infolist() if _is_picture(one)]
            if len(found) > MOST_PACKED or sum(o.file_size for o in found) > LARGEST_UNPACKED:
                raise Invalid(words.TOO_MANY_PICTURES, {"pictures": words.TOO_MANY_PICTURES})
            for one in found:
                _unpack(archive, one, folder)
    except (BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, zlib.error):
        raise Invalid(words.NO_ARCHIVE, {"pictures": words.NO_ARCHIVE}) from None


def _is_picture(one: ZipInfo) -> bool:
    name = PurePosixPath(one.filename.replace("\\", "/"))
    return (
        not one.is_dir()
        and name.suffix.lower() in KINDS
        and name.name.isprintable()
        and len(name.name.encode("utf-8", "replace")) <= 200
        and one.file_size <= LARGEST_PICTURE
    )


def _unpack(archive: ZipFile, one: ZipInfo, folder: Path) -> None:
    target = folder / PurePosixPath(one.filename.replace("\\", "/")).name
    if target.exists():
        return
    with archive.open(one) as packed:
        content = packed.read(LARGEST_PICTURE + 1)  # what an archive says of itself may be a lie
    if len(content) <= LARGEST_PICTURE:
        target.write_bytes(content)
