"""Pictures on our disk: those of conversations to look at, and those that wait to be sent.

What lies here was opened and packed anew by us, so it is a plain PNG or JPEG whatever somebody
sent, without the places and times that cameras write. A page shows a buyer's picture from here and
never leads a browser to the platform.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from loguru import logger

from hub.errors import Invalid, NotFound, Rejected, Unreachable
from hub.model import KEPT, AccountId, Picture
from hub.settings import Settings, XianyuSettings
from hub.store import Store
from hub.xianyu import (
    NO_PICTURE,
    Client,
    Endpoints,
    FittedPicture,
    Timing,
    download,
    fit_picture,
    open_http,
)

PEER, OP = "xianyu", "picture"
MEGABYTE = 1024 * 1024
MOST_BYTES = 10 * MEGABYTE
"""Of one picture as it comes; it is scaled down afterwards."""
FETCH_SECONDS = 20.0
AT_ONCE = 4
UNPACKED_AT_ONCE = 1
"""A large one takes hundreds of megabytes for a moment."""
HALF_SECONDS = 3600.0
"""After this, a file that was never finished is what a crash left."""
KEPT_SECONDS = 7 * 86400.0
"""Pictures that wait to be sent; what waited longer than a day is not sent any more."""
FAILED_SECONDS = 60.0
"""How long a picture that could not be had is not asked for again."""
MOST_FAILED = 1000
TRIMMED_TO = 0.9
HALF = ".half"
MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that may be shown to anybody who may see its message."""

    data: bytes = field(repr=False)
    media_type: str


class Source(Protocol):
    """Where pictures of an account's conversations come from; `hub.xianyu.Client` is one."""

    async def download(self, url: str, *, most_bytes: int) -> bytes: ...


class Elsewhere:
    """Pictures of an account that another node is connected for: they lie open, so its way out is
    all that is needed, and no login."""

    def __init__(self, store: Store, endpoints: Endpoints, account: AccountId) -> None:
        self._store = store
        self._endpoints = endpoints
        self._account = account

    async def download(self, url: str, *, most_bytes: int) -> bytes:
        """As `Client.download`."""
        account = self._account
        proxy = await self._store.read(lambda tx: tx.accounts.proxy(tx.shops.default(), account))
        async with open_http(proxy) as http:
            return await download(
                http, self._endpoints, url, most_bytes=most_bytes, seconds=Timing().transfer
            )


class Album:
    """`source_of`: where the pictures of an account come from, None while it is not connected."""

    def __init__(
        self, folder: Path, source_of: Callable[[AccountId], Source | None], *, most_bytes: int
    ) -> None:
        self._seen = folder / "seen"
        self._kept = folder / "kept"
        self._stock = folder / "stock"
        self._source_of = source_of
        self._most_bytes = most_bytes
        self._fetching = asyncio.Semaphore(AT_ONCE)
        self._unpacking = asyncio.Semaphore(UNPACKED_AT_ONCE)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._failed: OrderedDict[str, float] = OrderedDict()

    async def keep(self, data: bytes) -> Picture:
        """Put a picture that is to be sent on the disk, where it outlives a crash.

        Raises Invalid with one Chinese sentence.
        """
        fitted = await self._fit(data)
        name = hashlib.sha256(fitted.data).hexdigest() + fitted.suffix
        try:
            await asyncio.to_thread(self._write_kept, name, fitted.data)
        except OSError as error:
            logger.error("a picture cannot be kept: {}", error)
            raise Invalid("服务器的磁盘写不进去，图片没有存下") from error
        return Picture(KEPT + name, fitted.width, fitted.height)

    async def show(self, account: AccountId, picture: Picture) -> Shown:
        """The picture, from the disk if it is there, else from the platform.

        Raises NotFound for one that we kept and no longer have; Unreachable when the account is
        not connected or the platform does not answer; Rejected when the platform does not have it,
        when it is no picture, too large, or not at the platform's own hosts.
        """
        if picture.kept:
            return await self.show_kept(picture)
        name = _name_of(picture.url)
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            found = None
            with suppress(OSError):  # then it is fetched again
                found = await asyncio.to_thread(_read, self._seen, name)
            if found is not None:
                return found
            async with self._fetching:
                fitted = await self._fetch(account, picture.url)
            await self._remember(name, fitted)
            return Shown(fitted.data, fitted.media_type)

    async def adopt(self, kept: Picture, sent: Picture) -> None:
        """A kept picture was uploaded: show it under the platform's address from now on."""
        found = await self.show_kept(kept)
        suffix = next(s for s, media_type in MEDIA_TYPES.items() if media_type == found.media_type)
        fitted = FittedPicture(found.data, found.media_type, suffix, sent.width, sent.height)
        await self._remember(_name_of(sent.url), fitted)

    async def show_kept(self, picture: Picture) -> Shown:
        """One that `keep` gave out, or that stock hands out.

        Raises NotFound when it is not there any more."""
        stem, _, _ = picture.url.removeprefix(KEPT).rpartition(".")
        found = None
        if stem.isalnum():  # it names a file, so it holds nothing that could lead elsewhere
            found = await asyncio.to_thread(_read, self._kept, stem)
            found = found or await asyncio.to_thread(_read, self._stock, stem)
        if found is None:
            raise NotFound("这张图片已经不在了")
        return found

    async def _fetch(self, account: AccountId, url: str) -> FittedPicture:
        now = time.monotonic()
        if now - self._failed.get(url, -FAILED_SECONDS) < FAILED_SECONDS:
            raise Unreachable(PEER, OP, "not to be had a moment ago")
        source = self._source_of(account)
        if source is None:
            raise Unreachable(PEER, OP, "account not connected")
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                data = await source.download(url, most_bytes=MOST_BYTES)
            return await self._fit(data)
        except TimeoutError as error:
            self._note_failed(url, now)
            raise Unreachable(PEER, OP, "too slow") from error
        except Invalid as error:
            self._note_failed(url, now)
            raise Rejected(PEER, OP, error.text, code=NO_PICTURE) from error
        except (Rejected, Unreachable):
            self._note_failed(url, now)
            raise

    def _note_failed(self, url: str, now: float) -> None:
        self._failed[url] = now
        self._failed.move_to_end(url)
        while len(self._failed) > MOST_FAILED:
            self._failed.popitem(last=False)

    async def _fit(self, data: bytes) -> FittedPicture:
        async with self._unpacking:
            return await asyncio.to_thread(fit_picture, data)

    async def _remember(self, name: str, fitted: FittedPicture) -> None:
        """A disk that is full or not ours costs the next download, and nobody this picture."""
        try:
            await asyncio.to_thread(self._write_seen, name, fitted)
        except OSError as error:
            logger.warning("a picture cannot be remembered: {}", error)

    # --- In a thread ----------------------------------------------------------------------------

    def _write_kept(self, name: str, data: bytes) -> None:
        _write(self._kept, name, data)
        limit = time.time() - KEPT_SECONDS
        for used_at, _, file in _files(self._kept):
            if used_at < limit:
                file.unlink(missing_ok=True)

    def _write_seen(self, name: str, fitted: FittedPicture) -> None:
        _write(self._seen, name + fitted.suffix, fitted.data)
        files = _files(self._seen)
        total = sum(size for _, size, _ in files)
        if total <= self._most_bytes:
            return
        for _, size, file in files:
            file.unlink(missing_ok=True)
            total -= size
            if total <= self._most_bytes * TRIMMED_TO:
                break


def album_of(
    settings: Settings, source_of: Callable[[AccountId], Source | None] = lambda _: None
) -> Album:
    """The album beside the database. Without `source_of` nothing is fetched."""
    return Album(
        settings.database.path.parent / "pictures",
        source_of,
        most_bytes=settings.pictures.cache_megabytes * MEGABYTE,
    )


def sources(
    settings: XianyuSettings,
    store: Store,
    client_of: Callable[[AccountId], Client | None],
    here: Callable[[AccountId], bool],
) -> Callable[[AccountId], Source | None]:
    """Where pictures come from. `client_of`: the way to the platform of an account, None while it
    is not connected; `here`: whether it would be connected from here."""
    endpoints = Endpoints(
        settings.ws_url, settings.mtop_url, settings.passport_url, settings.upload_url
    )

    def source_of(account: AccountId) -> Source | None:
        return client_of(account) if here(account) else Elsewhere(store, endpoints, account)

    return source_of


def _name_of(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def _read(folder: Path, stem: str) -> Shown | None:
    for suffix, media_type in MEDIA_TYPES.items():
        file = folder / (stem + suffix)
        with suppress(FileNotFoundError):
            data = file.read_bytes()
            with suppress(OSError):
                os.utime(file)  # looked at lately, so it stays longer
            return Shown(data, media_type)
    return None


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """When each picture was last used, its size and its place; the oldest first.

    Others write and remove files meanwhile, and what is gone is left out.
    """
    found = []
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            stat = file.stat()
            if file.suffix in MEDIA_TYPES:
                found.append((stat.st_mtime, stat.st_size, file))
            elif file.suffix == HALF and stat.st_mtime < time.time() - HALF_SECONDS:
                file.unlink()
    return sorted(found)


def _write(folder: Path, name: str, data: bytes) -> None:
    """All of it or nothing, and on the disk when this returns."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = folder / f"{name}.{secrets.token_hex(4)}{HALF}"
    try:
        with half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(folder / name)
    finally:
        half.unlink(missing_ok=True)
