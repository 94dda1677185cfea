"""Keeps an account's login alive, and brings a lost one back without a person where that works.

From cheap to dear: prove it, which keeps it alive; renew it every few hours; climb the ladder when
it is lost. Only `login_user` proves a login; what a renewal promises, nobody knows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum

from loguru import logger

from hub.errors import AuthExpired, PeerError, VerificationNeeded
from hub.policy import believed, due_after, next_renewal
from hub.settings import XianyuSettings
from hub.supervisor.standing import Standing, sleep_until
from hub.xianyu import Client

PROOF_LASTS = timedelta(minutes=1)
PROOF_AGAIN = timedelta(minutes=3)
"""After a proof that brought no clear answer."""
FARTHEST_PROOF = timedelta(hours=1)


class Renewed(StrEnum):
    """What became of a renewal."""

    RENEWED = "renewed"
    LOST = "lost"
    """Nothing brought the login back."""
    UNCLEAR = "unclear"
    """The platform did not answer clearly; later it may."""


class Renewal:
    """The login of one account, from the start of its line to its end."""

    def __init__(
        self, standing: Standing, settings: XianyuSettings, count: Callable[[str], None]
    ) -> None:
        self._standing = standing
        self._keep_alive = timedelta(minutes=settings.keep_alive_minutes)
        self._every = timedelta(hours=settings.renewal_hours)
        self._spacing = timedelta(minutes=settings.renewal_spacing_minutes)
        self._count = count
        self._proven_at: datetime | None = None
        self._next_proof: datetime | None = None
        self._next_renewal: datetime | None = None
        self._unclear = 0

    async def prove(self, client: Client) -> None:
        """Raises AuthExpired when the login is lost, or any PeerError. A proof lasts a minute."""
        now = self._standing.now()
        if self._proven_at is None or not timedelta(0) <= now - self._proven_at < PROOF_LASTS:
            await self._prove(client)

    async def keep(self, client: Client) -> None:
        """Look after the login while the account is connected; ends when a person has to."""
        now = self._standing.now()
        if self._next_proof is None:
            self._next_proof = due_after(self._proven_at or now, self._keep_alive, _chance())
        if self._next_renewal is None:
            since = await self._renewed_at() or self._standing.account.started_at or now
            due = due_after(since, self._every, _chance())
            self._next_renewal = max(due, now + self._keep_alive * _chance())
        while client.trouble.check is None:
            # Never farther away than it can have been meant, should the clock be set back.
            now = self._standing.now()
            self._next_proof = min(self._next_proof, now + FARTHEST_PROOF)
            self._next_renewal = min(self._next_renewal, now + self._every)
            await self._wait(client, min(self._next_proof, self._next_renewal))
            try:
                good = await self._look_after(client)
            except VerificationNeeded:
                return
            if not good:
                return

    async def free_at(self) -> datetime | None:
        """The earliest moment at which `mend` may be tried; None: now."""
        free = next_renewal(await self._renewed_at(), self._spacing, self._unclear)
        return free if free is not None and free > self._standing.now() else None

    async def mend(self, client: Client) -> Renewed:
        """Bring a lost login back; ask `free_at` before. Raises VerificationNeeded."""
        return await self._climb(client, routine=False)

    async def _look_after(self, client: Client) -> bool:
        """What is due by now. False: the login is lost for good."""
        now = self._standing.now()
        if self._next_renewal is not None and now >= self._next_renewal:
            self._next_renewal = due_after(now, self._every, _chance())
            if await self._climb(client, routine=True) is Renewed.LOST:
                return False
        if not client.trouble.doubted.is_set() and not self._proof_due():
            return True
        try:
            await self._prove(client)
        except AuthExpired as error:
            logger.info("login of account {} lost: {}", self._standing.account.id, error)
            return await self._mend_beside(client)
        except VerificationNeeded:
            raise
        except PeerError as error:
            logger.info("login of account {} not proven: {}", self._standing.account.id, error)
            # The doubt stands, but it is not asked about again before that.
            client.trouble.doubted.clear()
            self._next_proof = self._standing.now() + min(PROOF_AGAIN, self._keep_alive)
        return True

    def _proof_due(self) -> bool:
        return self._next_proof is None or self._standing.now() >= self._next_proof

    async def _mend_beside(self, client: Client) -> bool:
        """The login is lost while the line lives: it is mended beside it."""
        free = await self.free_at()
        result = Renewed.UNCLEAR if free else await self._climb(client, routine=False)
        if result is Renewed.UNCLEAR:
            client.trouble.doubted.clear()
            self._next_proof = await self.free_at() or self._standing.now() + PROOF_AGAIN
        return result is not Renewed.LOST

    async def _climb(self, client: Client, *, routine: bool) -> Renewed:
        """`routine`: the login is thought to be good and only kept from running out."""
        account, now = self._standing.account, self._standing.now()
        await self._standing.write(
            lambda tx: tx.accounts.set_renewed(account.shop, account.id, now)
        )
        unclear: list[PeerError] = []

        async def yes(step: Callable[[], Awaitable[bool | None]]) -> bool:
            try:
                return bool(await step())
            except VerificationNeeded:
                raise
            except AuthExpired:
                return False
            except PeerError as error:
                unclear.append(error)
                return False

        async def proof() -> bool:
            await self._prove(client)
            return True

        result = Renewed.RENEWED
        held = await yes(client.has_login)
        if routine or not (held and await yes(proof)):
            await yes(client.silent_has_login)
            if not await yes(proof):
                result = Renewed.UNCLEAR if unclear else Renewed.LOST
        if result is Renewed.RENEWED:
            await yes(client.keep_logged_in)
        self._unclear = self._unclear + 1 if result is Renewed.UNCLEAR else 0
        self._count(result)
        logger.info("login of account {} renewed: {} {}", account.id, result, unclear or "")
        return result

    async def _prove(self, client: Client) -> None:
        await client.login_user()
        self._proven_at = now = self._standing.now()
        self._next_proof = due_after(now, self._keep_alive, _chance())
        client.trouble.doubted.clear()

    async def _wait(self, client: Client, moment: datetime) -> None:
        """Until then, or until an answer raises a doubt that the last proof does not settle."""
        now = self._standing.now()
        doubt = client.trouble.doubted
        settled = self._proven_at + PROOF_LASTS if self._proven_at is not None else now
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, (moment - now).total_seconds())):
                await doubt.wait()
                await sleep_until(settled, self._standing.now)

    async def _renewed_at(self) -> datetime | None:
        account = self._standing.account
        last = await self._standing.store.read(
            lambda tx: tx.accounts.renewed_at(account.shop, account.id)
        )
        return believed(last, self._standing.now())


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads habits, guards nothing
