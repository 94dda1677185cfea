"""What is stored about an account's line, as the line itself may write it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from loguru import logger

from hub.cluster import Cluster
from hub.errors import NotOurSeat, StoreError
from hub.model import Account, AccountState
from hub.notices import tell_owners_of_shop
from hub.store import Store, Tx

AGAIN_SECONDS = 5.0
SLICE_SECONDS = 15.0


class Rest(Exception):
    """The line can do nothing more until a person acts."""

    def __init__(self, state: AccountState, reason: str, url: str = "") -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
        self.url = url


class Standing:
    """Writes of one line, fenced: a line that a person overtook must not undo what they did."""

    def __init__(
        self,
        account: Account,
        store: Store,
        now: Callable[[], datetime],
        cluster: Cluster | None = None,
    ) -> None:
        self.account = account
        """As it is configured by now; `starts` and `logins` as the line was started with."""
        self.store = store
        self.now = now
        self._cluster = cluster or Cluster(store)
        self._starts = account.starts
        self._logins = account.logins

    async def found(self) -> Account | None:
        account = self.account
        return await self.store.read(lambda tx: tx.accounts.get(account.shop, account.id))

    async def write(self, unit: Callable[[Tx], object]) -> None:
        """Unless somebody switched the account off or started it afresh meanwhile. Raises
        StoreError, also if it is another node's."""
        account = self.account

        def fenced(tx: Tx) -> None:
            self._cluster.fence(tx, account.id)
            found = tx.accounts.get(account.shop, account.id)
            if found is not None and found.enabled and found.starts == self._starts:
                unit(tx)

        await self.store.write(fenced)

    async def keep_cookies(self, cookies: str) -> None:
        """Unless a person gave others meanwhile. A login that is switched off is still a login."""
        account = self.account

        def fenced(tx: Tx) -> None:
            self._cluster.fence(tx, account.id)
            found = tx.accounts.get(account.shop, account.id)
            if found is not None and found.logins == self._logins:
                tx.accounts.set_cookies(account.shop, account.id, cookies)

        await self.store.write(fenced)

    async def set(
        self, state: AccountState, reason: str = "", *, until: datetime | None = None
    ) -> None:
        """A state on the way; when it cannot be stored, the next one will be."""
        try:
            await self._put(state, reason, until, "")
        except StoreError as error:
            logger.warning("state of account {} not stored: {}", self.account.id, error)

    async def online(self) -> None:
        """Raises StoreError: nothing comes after it for hours, and until it is stored the account
        looks as if it were still on its way."""
        await self._put(AccountState.ONLINE, "", None, "")

    async def rest(self, rest: Rest) -> None:
        """A state that stays: tried until it is stored, because nothing comes after it."""
        while True:
            try:
                await self._put(rest.state, rest.reason, None, rest.url)
            except NotOurSeat:
                return
            except StoreError as error:
                logger.error("account {} rests, not stored: {}", self.account.id, error)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def tell(self, said: str, what: str) -> None:
        """To the owners; the same `what` is told once."""
        account, now = self.account, self.now()
        key = f"account:{account.id}:{what}"
        await self.write(
            lambda tx: tell_owners_of_shop(
                tx, account.shop, said, key=key, now=now, account=account.id
            )
        )

    async def _put(
        self, state: AccountState, reason: str, until: datetime | None, url: str
    ) -> None:
        account, now = self.account, self.now()
        await self.write(
            lambda tx: tx.accounts.set_state(
                account.shop, account.id, state, reason, now, until=until, url=url
            )
        )


async def sleep_until(moment: datetime, now: Callable[[], datetime]) -> None:
    """In slices, so that a machine that slept itself is noticed; and never for longer than it is
    by now, whatever becomes of the clock."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + (moment - now()).total_seconds()
    while (left := min((moment - now()).total_seconds(), latest - loop.time())) > 0:  # noqa: ASYNC110
        await asyncio.sleep(min(left, SLICE_SECONDS))
