"""An account's token of the message connection: kept, asked for rarely, renewed in order."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from hub.errors import AuthExpired, PeerError, Throttled, Unreachable, VerificationNeeded
from hub.model import AccountState
from hub.policy import (
    MOST_TOKEN_FAILURES,
    believed,
    next_token_attempt,
    token_lasts,
    token_renewal,
)
from hub.store import StoredToken, TokenTries
from hub.supervisor.standing import Rest, Standing, sleep_until
from hub.text import line as words
from hub.xianyu import Client, ImToken


@dataclass(frozen=True, slots=True)
class Held:
    """A token in hand. `fresh`: nothing has been opened with it yet."""

    token: ImToken
    fetched_at: datetime
    fresh: bool


class Tokens:
    """The platform watches how often it is asked for one: every attempt is remembered, also
    across restarts, before it is made."""

    def __init__(self, standing: Standing, spacing: timedelta) -> None:
        self._standing = standing
        self._spacing = spacing
        self._wanted = False

    async def get(self, client: Client, prove: Callable[[], Awaitable[None]]) -> Held:
        """The stored token while it lasts, else a new one, for which the login is proven before.

        Raises Throttled while it is too early for an attempt, Rest after too many failures,
        AuthExpired, VerificationNeeded and Unreachable.
        """
        stored, tries = await self._read()
        now = self._standing.now()
        if stored is not None:
            lasts = token_lasts(stored.fetched_at, stored.expires_at, now)
            if lasts and not self._wanted:
                return _held(stored)
        earliest = self._earliest(tries)
        if earliest is not None and now < earliest:
            if stored is not None and now < stored.expires_at:
                self._wanted = False
                return _held(stored)
            reason = words.TOKEN_SPACED
            after = (earliest - now).total_seconds()
            raise Throttled("xianyu", "im token", reason, after=after)
        await prove()
        try:
            return await self._ask(client)
        except (AuthExpired, VerificationNeeded):
            raise
        except PeerError as error:
            if stored is None or self._standing.now() >= stored.expires_at:
                raise
            logger.info("account {} keeps its token: {}", self._standing.account.id, error)
            self._wanted = False
            return _held(stored)

    def want_new(self) -> None:
        """The next `get` asks for a new one although the old one lasts."""
        self._wanted = True

    async def due(self, held: Held) -> None:
        """Wait until the line that lives on this token should be left for a new one."""
        jitter = random.random()  # noqa: S311 - spreads renewals, guards nothing
        at = token_renewal(held.fetched_at, held.token.expires_at, jitter)
        _, tries = await self._read()
        earliest = self._earliest(tries)
        await sleep_until(at if earliest is None else max(at, earliest), self._standing.now)

    async def accepted(self) -> None:
        """A line was opened: whatever failed before is over."""
        account = self._standing.account
        await self._standing.write(
            lambda tx: tx.accounts.set_token_failures(account.shop, account.id, 0)
        )

    async def drop(self) -> None:
        account = self._standing.account
        await self._standing.write(lambda tx: tx.accounts.set_token(account.shop, account.id, None))

    async def failed(self, reason: str) -> float:
        """One more attempt brought no token that counts; returns the seconds until the next.

        Raises Rest when there were too many.
        """
        standing, account = self._standing, self._standing.account
        _, tries = await self._read()
        failures = tries.failures + 1
        await standing.write(
            lambda tx: tx.accounts.set_token_failures(account.shop, account.id, failures)
        )
        if failures >= MOST_TOKEN_FAILURES:
            raise Rest(AccountState.HELD, words.token_given_up(failures, reason))
        earliest = self._earliest(TokenTries(tries.asked_at, failures))
        return 0.0 if earliest is None else max(0.0, (earliest - standing.now()).total_seconds())

    async def _ask(self, client: Client) -> Held:
        standing, account = self._standing, self._standing.account
        now = standing.now()
        await standing.write(lambda tx: tx.accounts.token_asked(account.shop, account.id, now))
        try:
            token = await client.im_token(account.device_id)
        except (Unreachable, VerificationNeeded):
            raise
        except AuthExpired as error:
            await self.failed(error.reason)
            raise
        except PeerError as error:
            after = await self.failed(error.reason)
            reason = words.token_failed(error.reason)
            raise Throttled("xianyu", "im token", reason, after=after) from error
        self._wanted = False
        stored = StoredToken(token.value, token.device_id, token.expires_at, now)
        await standing.write(lambda tx: tx.accounts.set_token(account.shop, account.id, stored))
        return Held(token, now, fresh=True)

    async def _read(self) -> tuple[StoredToken | None, TokenTries]:
        account = self._standing.account
        return await self._standing.store.read(
            lambda tx: (
                tx.accounts.token(account.shop, account.id),
                tx.accounts.token_tries(account.shop, account.id),
            )
        )

    def _earliest(self, tries: TokenTries) -> datetime | None:
        asked_at = believed(tries.asked_at, self._standing.now())
        return next_token_attempt(asked_at, tries.failures, self._spacing)


def _held(stored: StoredToken) -> Held:
    token = ImToken(stored.value, stored.device_id, stored.expires_at)
    return Held(token, stored.fetched_at, fresh=False)
