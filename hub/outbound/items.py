"""Reading the pages of items that conversations are about, rarely and without haste."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from loguru import logger

from hub.errands import WHOLE_LIST, keep_item_list, listed_items
from hub.errors import PeerError, Throttled, Unreachable, Verdict
from hub.model import AccountId, Item, ListedItem, ReadItem, TaskId, TaskState
from hub.outbound.worker import Claim
from hub.store import Store, Tx
from hub.xianyu import Client

NOT_CONNECTED_AGAIN = timedelta(minutes=1)
TRY_AGAIN = timedelta(minutes=1)
MOST_TRIES = 3
QUIET = timedelta(hours=1)
"""How long nothing is read for an account after the platform wanted a human."""


class ItemReads:
    """Performs `ReadItem`. Nothing waits for it, and it may fail: the next day asks again."""

    def __init__(
        self,
        store: Store,
        client_of: Callable[[AccountId], Client | None],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._client_of = client_of
        self._now = now
        self._tries: dict[TaskId, int] = {}
        self._quiet_until: dict[AccountId, datetime] = {}

    async def perform(self, claim: Claim) -> None:
        work, expires_at = claim.task.work, claim.task.expires_at
        assert isinstance(work, ReadItem)  # noqa: S101 - performers are registered by kind
        now = self._now()
        if expires_at is not None and now >= expires_at:
            await self._settle(claim, TaskState.DROPPED, "expired")
        elif now < self._quiet_until.get(work.account, now):
            await self._settle(claim, TaskState.FAILED, "the platform wants a human")
        elif (client := self._client_of(work.account)) is None:
            await self._release(claim, NOT_CONNECTED_AGAIN)
        else:
            await self._read(claim, work, client)

    async def _read(self, claim: Claim, work: ReadItem, client: Client) -> None:
        try:
            if work.item == WHOLE_LIST:
                keep = self._keep_list(claim, work, await listed_items(client))
            else:
                keep = self._keep_item(claim, work, await client.item(work.item))
        except PeerError as error:
            await self._failed(claim, work, error)
            return
        self._tries.pop(claim.task.id, None)
        await self._store.write(keep)

    def _keep_item(self, claim: Claim, work: ReadItem, item: Item) -> Callable[[Tx], None]:
        now, shop = self._now(), claim.task.shop

        def unit(tx: Tx) -> None:
            if tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now):
                tx.items.save(shop, work.account, item, now)
                tx.conversations.name_item(shop, item.id, item.title)

        return unit

    def _keep_list(
        self, claim: Claim, work: ReadItem, items: Sequence[ListedItem]
    ) -> Callable[[Tx], None]:
        now, shop = self._now(), claim.task.shop

        def unit(tx: Tx) -> None:
            kept = keep_item_list(tx, shop, work.account, items, now)
            state = TaskState.DONE if kept else TaskState.FAILED
            tx.outbox.settle(claim.task, claim.holder, state, now=now)

        return unit

    async def _failed(self, claim: Claim, work: ReadItem, error: PeerError) -> None:
        logger.info("item {} not read: {}", work.item, error)
        if error.verdict is Verdict.PAUSE:
            self._quiet_until[work.account] = self._now() + QUIET
        tries = self._tries[claim.task.id] = self._tries.get(claim.task.id, 0) + 1
        if isinstance(error, Unreachable | Throttled) and tries < MOST_TRIES:
            await self._release(claim, TRY_AGAIN)
            return
        self._tries.pop(claim.task.id, None)
        await self._settle(claim, TaskState.FAILED, str(error))

    async def _settle(self, claim: Claim, state: TaskState, error: str) -> None:
        now = self._now()
        await self._store.write(
            lambda tx: tx.outbox.settle(claim.task, claim.holder, state, error=error, now=now)
        )

    async def _release(self, claim: Claim, wait: timedelta) -> None:
        due_at = self._now() + wait
        await self._store.write(lambda tx: tx.outbox.release(claim.task, claim.holder, due_at))
