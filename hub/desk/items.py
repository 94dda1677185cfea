"""The items of accounts: what is for sale, and for how much. Read only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from hub.cluster import Cluster
from hub.desk.accounts import find_account
from hub.desk.operator import Operator
from hub.errands import keep_item_list, listed_items, read_item_list
from hub.errors import AuthExpired, PeerError, Refusal, TooOften, Unavailable, VerificationNeeded
from hub.model import Account, AccountId, Item, ListedItem, Role, TaskState
from hub.store import Store, Tx
from hub.text import nodes as words
from hub.xianyu import Client

ALREADY = "正在读这个账号的商品，稍等一下再看"
ELSEWHERE_SECONDS = 45.0
"""How long another node is waited for that reads."""
LOOK_SECONDS = 0.5
OPEN = (TaskState.READY, TaskState.RUNNING)
OLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ItemList:
    account: Account
    items: tuple[Item, ...]
    """In the platform's order."""
    read_at: datetime | None
    """When the list was read; None: never, or there was nothing."""


class Items:
    def __init__(
        self,
        store: Store,
        client_of: Callable[[AccountId], Client | None],
        now: Callable[[], datetime],
        cluster: Cluster | None = None,
    ) -> None:
        self._cluster = cluster or Cluster(store)
        self._store = store
        self._client_of = client_of
        self._now = now
        self._reading: set[AccountId] = set()

    async def of_account(self, operator: Operator, account: AccountId) -> ItemList:
        """The list as it was last read."""
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: _known(tx, operator, account))

    async def refresh(self, operator: Operator, account: AccountId) -> ItemList:
        """Read the list anew. Takes a second for every twenty items.

        Raises Refusal with a sentence when that is not possible now; what was known stays.
        """
        operator.require(Role.AGENT)
        return await self._refresh(operator, account)

    async def _refresh(self, operator: Operator, account: AccountId) -> ItemList:
        found = await self._store.read(lambda tx: find_account(tx, operator, account))
        client = self._client_of(account)
        if client is None and (node := await self._cluster.who_holds(account)) is not None:
            return await self._have_it_read(operator, found, node)
        if client is None:
            raise Unavailable(f"账号「{found.name}」现在没有连上闲鱼，连上以后再读商品")
        if account in self._reading:
            raise TooOften(ALREADY)
        self._reading.add(account)
        try:
            items = await listed_items(client)
        except PeerError as error:
            logger.info("items of account {} not read: {}", account, error)
            raise Unavailable(_why(found, error)) from error
        finally:
            self._reading.discard(account)
        return await self._keep(operator, found, items)

    async def fresh(self, operator: Operator, account: AccountId) -> ItemList:
        """The list, read anew when it is older than a day and that is possible."""
        known = await self.of_account(operator, account)
        if known.read_at is not None and self._now() - known.read_at < OLD:
            return known
        try:
            return await self._refresh(operator, account)
        except Refusal:
            if known.read_at is None:
                raise
            return known

    async def _keep(
        self, operator: Operator, account: Account, items: Sequence[ListedItem]
    ) -> ItemList:
        now = self._now()

        def unit(tx: Tx) -> ItemList:
            if not keep_item_list(tx, operator.shop, account.id, items, now):
                raise Unavailable("闲鱼这次没有给出任何商品，先不当真；过一会儿再刷新")
            return _known(tx, operator, account.id)

        return await self._store.write(unit)

    async def _have_it_read(self, operator: Operator, account: Account, node: str) -> ItemList:
        """By the node that has the account."""
        now = self._now()
        task = await self._store.write(
            lambda tx: read_item_list(tx, operator.shop, account.id, now)
        )
        if task is None:
            raise TooOften(ALREADY)
        with suppress(TimeoutError):
            async with asyncio.timeout(ELSEWHERE_SECONDS):
                while True:
                    state = await self._store.read(lambda tx: tx.outbox.state(task))
                    if state not in OPEN:
                        break
                    await asyncio.sleep(LOOK_SECONDS)
            if state is TaskState.DONE:
                return await self.of_account(operator, account.id)
        raise Unavailable(words.not_read_elsewhere(account.name, node))


def _known(tx: Tx, operator: Operator, account: AccountId) -> ItemList:
    found = find_account(tx, operator, account)
    known = tx.items.listed(operator.shop, account)
    read_at = max((one.listed_at for one in known if one.listed_at is not None), default=None)
    return ItemList(found, tuple(one.item for one in known), read_at)


def _why(account: Account, error: PeerError) -> str:
    match error:
        case VerificationNeeded():
            return f"闲鱼要求验证账号「{account.name}」，商品没有读到；完成验证后再试"
        case AuthExpired():
            return f"账号「{account.name}」的登录失效了，商品没有读到；更新登录后再试"
        case _:
            return "商品没有读到，闲鱼没有给出能用的回答；过一会儿再试"
