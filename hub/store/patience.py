"""For work that has nobody to tell that the database is away, and must go on when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loguru import logger

from hub.errors import StoreError

T = TypeVar("T")

AGAIN_SECONDS = 2.0


async def persistently(what: str, work: Callable[[], Awaitable[T]]) -> T:
    """Do it until the store lets it be done. For work that may be done twice: a commit whose answer
    was lost may have happened. `what` names it in the log."""
    while True:
        try:
            return await work()
        except StoreError as error:
            logger.error("{} must wait for the database: {}", what, error)
            await asyncio.sleep(AGAIN_SECONDS)
