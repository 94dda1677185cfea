"""Tokens of this installation: random, made once, sealed in the database."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from loguru import logger

from hub.store import Store, Tx

PROBE_FILE = "health.token"
"""In the data folder. Whoever can read it may be told everything that `/health` knows."""
_PROBE = "health.token"
_RANDOM_BYTES = 4


async def stored_token(store: Store, name: str) -> str:
    """The token of that name. Raises StoreError."""
    fresh = secrets.token_urlsafe(24)

    def unit(tx: Tx) -> str:
        shop = tx.shops.default()
        known = tx.values.get(shop, name)
        if known is None:
            tx.values.set(shop, name, fresh, sealed=True)
        return known or fresh

    return await store.write(unit)


async def probe_token(store: Store, folder: Path) -> str:
    """What the probe of the container shows to be told reasons; it finds it in this folder. A hub
    that cannot leave it there works all the same. Raises StoreError."""
    token = await stored_token(store, _PROBE)
    try:
        await asyncio.to_thread(leave, folder / PROBE_FILE, token)
    except OSError as error:
        logger.warning("nobody can ask for the reasons of /health by a token: {}", error)
    return token


def leave(file: Path, token: str) -> None:
    """Whole or not at all, for nobody else to read, and without the halves that crashes left. Hubs
    that share the folder have the same one. Raises OSError."""
    if not (_holds(file, token) and _is_private(file)):
        _put(file, token)
    for half in file.parent.glob(f"{file.name}.{'[0-9a-f]' * 2 * _RANDOM_BYTES}"):
        with suppress(OSError):
            half.unlink()


def _put(file: Path, token: str) -> None:
    new = file.with_name(f"{file.name}.{secrets.token_hex(_RANDOM_BYTES)}")
    try:
        handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(token.encode())
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)
        # Another hub that starts now took it for the half of a crash, but has left its own first.
        if not _holds(file, token):
            raise


def _holds(file: Path, token: str) -> bool:
    try:
        return file.read_bytes() == token.encode()
    except FileNotFoundError:
        return False


def _is_private(file: Path) -> bool:
    """Windows keeps rights elsewhere."""
    return os.name != "posix" or stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
