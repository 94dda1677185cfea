"""Tokens of this installation: random, made once, sealed in the database."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path

from loguru import logger

from hub.store import Store, Tx

PROBE_FILE = "health.token"
"""In the data folder. Whoever can read it may be told everything that `/health` knows."""
_PROBE = "health.token"


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
        await asyncio.to_thread(_leave, folder / PROBE_FILE, token)
    except OSError as error:
        logger.warning("nobody can ask for the reasons of /health by a token: {}", error)
    return token


def _leave(file: Path, token: str) -> None:
    """Whole or not at all: hubs that share the folder have the same one."""
    with suppress(FileNotFoundError):
        if file.read_bytes() == token.encode():
            return
    new = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(token.encode())
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise
