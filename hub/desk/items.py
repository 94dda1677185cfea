"""The items of accounts: what is for sale, and for how much. Read only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from hub.desk.accounts import find_account
from hub.desk.operator import Operator
from hub.errors import AuthExpired, PeerError, Refusal, TooOften, Unavailable, VerificationNeeded
from hub.model import Account, AccountId, Item, ListedItem, Role
from hub.store import Store, Tx
from hub.xianyu import Client

MOST_PAGES = 25
"""Five hundred items; whoever has more sees the newest."""
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
    ) -> None:
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
        if client is None:
            raise Unavailable(f"账号「{found.name}」现在没有连上闲鱼，连上以后再读商品")
        if account in self._reading:
            raise TooOften("正在读这个账号的商品，稍等一下再看")
        self._reading.add(account)
        try:
            items = await self._read_all(client)
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
            if not items and tx.items.listed(operator.shop, account.id):
                raise Unavailable("闲鱼这次没有给出任何商品，先不当真；过一会儿再刷新")
            tx.items.save_list(operator.shop, account.id, items, now)
            return _known(tx, operator, account.id)

        return await self._store.write(unit)

    async def _read_all(self, client: Client) -> list[ListedItem]:
        """Raises PeerError. The client spaces the pages. An empty first one is asked for twice: now
        and then it is a lie."""
        items: dict[str, ListedItem] = {}
        for number in range(1, MOST_PAGES + 1):
            page = await client.items(number)
            if number == 1 and not page.items:
                page = await client.items(number)
            before = len(items)
            items.update((item.id, item) for item in page.items)
            if not page.more or len(items) == before:
                break
        return list(items.values())


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
