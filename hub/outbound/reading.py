"""Telling the platform that a conversation was read, as its own app does when it is opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from loguru import logger

from hub.errors import PeerError, Throttled, Unreachable
from hub.model import AccountId, MarkRead, TaskId, TaskState
from hub.outbound.worker import Claim
from hub.store import Store
from hub.xianyu import Session

NOT_CONNECTED_AGAIN = timedelta(minutes=1)
TRY_AGAIN = timedelta(seconds=5)
MOST_TRIES = 3
MOST_MESSAGES = 20
"""The newest ones; what lies before them was marked long ago."""


class Reading:
    """Performs `MarkRead`. Repeating it does no harm, and failing costs nobody anything."""

    def __init__(
        self,
        store: Store,
        session_of: Callable[[AccountId], Session | None],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._session_of = session_of
        self._now = now
        self._tries: dict[TaskId, int] = {}

    async def perform(self, claim: Claim) -> None:
        work, shop, expires_at = claim.task.work, claim.task.shop, claim.task.expires_at
        assert isinstance(work, MarkRead)  # noqa: S101 - performers are registered by kind
        if expires_at is not None and self._now() >= expires_at:
            await self._settle(claim, TaskState.DROPPED, "expired")
            return
        session = self._session_of(work.account)
        if session is None:
            await self._release(claim, NOT_CONNECTED_AGAIN)
            return
        heard = await self._store.read(
            lambda tx: tx.messages.heard(shop, work.conversation, limit=MOST_MESSAGES)
        )
        try:
            await session.mark_read(heard)
        except PeerError as error:
            await self._failed(claim, error)
        else:
            await self._settle(claim, TaskState.DONE, "")

    async def _failed(self, claim: Claim, error: PeerError) -> None:
        tries = self._tries[claim.task.id] = self._tries.get(claim.task.id, 0) + 1
        if isinstance(error, Unreachable | Throttled) and tries < MOST_TRIES:
            await self._release(claim, TRY_AGAIN)
            return
        logger.info("conversation not marked as read: {}", error)
        await self._settle(claim, TaskState.FAILED, str(error))

    async def _settle(self, claim: Claim, state: TaskState, error: str) -> None:
        now = self._now()
        self._tries.pop(claim.task.id, None)
        await self._store.write(
            lambda tx: tx.outbox.settle(claim.task, claim.holder, state, error=error, now=now)
        )

    async def _release(self, claim: Claim, wait: timedelta) -> None:
        due_at = self._now() + wait
        await self._store.write(lambda tx: tx.outbox.release(claim.task, claim.holder, due_at))
