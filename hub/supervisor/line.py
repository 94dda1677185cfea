"""The life of one account: token, session, pushes, backing off; and the account's state.

One account's trouble never touches another: each has its own task, HTTP session and cookies.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import aiohttp
from loguru import logger

from hub.errors import (
    AuthExpired,
    HubError,
    PeerError,
    Refusal,
    Throttled,
    Unreachable,
    VerificationNeeded,
)
from hub.model import Account, AccountId, AccountState, Event, TakenIn, send_lane
from hub.notices import tell_owners_of_shop
from hub.policy import backoff
from hub.settings import XianyuSettings
from hub.store import Store, StoredToken, Tx
from hub.supervisor.catch_up import CatchUp
from hub.xianyu import (
    Client,
    CookieJar,
    Endpoints,
    How,
    ImToken,
    Push,
    Session,
    Timing,
    open_session,
)

TakeIn = Callable[[Account, Sequence[Event]], Awaitable[TakenIn]]
PUSHES_IN_FLIGHT = 64
"""Pushes of one account whose commit is awaited at the same time; their order is kept."""
STEADY = timedelta(seconds=30)
"""A session that lived this long counts as good: the next failure starts a new backoff."""
TOKEN_MARGIN = timedelta(minutes=10)
HTTP_SECONDS = 20.0


class _NeedsPerson(Exception):
    """The runner can do nothing more until a person acts."""

    def __init__(self, state: AccountState, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


class AccountLine:
    """The life of one account from login to login."""

    def __init__(
        self,
        account: Account,
        store: Store,
        settings: XianyuSettings,
        take_in: TakeIn,
        sessions: dict[AccountId, Session],
        now: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._store = store
        self._settings = settings
        self._take_in = take_in
        self._sessions = sessions
        self._now = now
        self._log = logger.bind(account=account.id)
        self._failures = 0
        self._token_asked_at: datetime | None = None
        self._endpoints = Endpoints(
            settings.ws_url, settings.mtop_url, settings.passport_url, settings.upload_url
        )
        self._timing = Timing(heartbeat=settings.heartbeat_seconds, answer=settings.answer_seconds)

    def learn(self, account: Account) -> None:
        """The account as it is configured by now: its name, its minutes of takeover."""
        self._account = account

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=HTTP_SECONDS)
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout
        ) as http:
            while True:
                try:
                    wait = await self._one_life(http)
                except _NeedsPerson as end:
                    await self._set_state(end.state, end.reason)
                    return
                except Exception:
                    # The boundary of one account: whatever broke, this line alone waits and tries
                    # again; pushes that were not committed were not acknowledged.
                    self._log.exception("line of account {} broke", self._account.id)
                    wait = await self._wait_after("程序内部出错，会自动重试；详情在日志里")
                await asyncio.sleep(wait)

    async def _one_life(self, http: aiohttp.ClientSession) -> float:
        """Connect once and stay until the session ends; returns seconds to wait before the next."""
        await self._set_state(AccountState.CONNECTING)
        try:
            client = await self._client(http)
            token, fresh = await self._token(client)
            try:
                return await self._stay(token, client)
            except AuthExpired as error:
                return await self._after_refused_token(error, fresh=fresh)
        except VerificationNeeded as error:
            raise _NeedsPerson(
                AccountState.VERIFICATION_NEEDED,
                "闲鱼要求验证身份，请在浏览器里完成后更新登录",
            ) from error
        except AuthExpired as error:
            await self._drop_token()
            raise _NeedsPerson(AccountState.LOGGED_OUT, "登录失效，请更新登录") from error
        except Refusal as refusal:
            raise _NeedsPerson(AccountState.LOGGED_OUT, refusal.text) from refusal
        except PeerError as error:
            self._log.info("account {} not connected: {}", self._account.id, error)
            after = error.after if isinstance(error, Throttled) else None
            reason = "" if isinstance(error, Unreachable) else error.reason
            return await self._wait_after(reason or "连不上闲鱼，会自动重试", after)

    async def _stay(self, token: ImToken, client: Client) -> float:
        """A session from its registration to its end."""
        began, catch_up = self._now(), self._catch_up()
        since = await catch_up.known_until()
        async with open_session(
            self._endpoints,
            token,
            self._account.user,
            since=since,
            timing=self._timing,
        ) as session:
            deaf = await self._online(session, client, catch_up, since)
        steady = self._now() - began >= STEADY
        if steady:
            self._failures = 0
        if deaf:
            await self._drop_token()
            return await self._wait_after("连接失灵，正在重连")
        return await self._after(session, steady=steady)

    async def _client(self, http: aiohttp.ClientSession) -> Client:
        account = self._account
        text = await self._store.read(lambda tx: tx.accounts.cookies(account.shop, account.id))

        async def keep(cookies: str) -> None:
            await self._write_mine(
                lambda tx: tx.accounts.set_cookies(account.shop, account.id, cookies)
            )

        return Client(http, self._endpoints, CookieJar.parse(text), on_cookies=keep, now=self._now)

    async def _token(self, client: Client) -> tuple[ImToken, bool]:
        """The stored token while it lasts, else a new one, and whether it is new.

        The platform watches how often it is asked.
        """
        account, now = self._account, self._now()
        stored = await self._store.read(lambda tx: tx.accounts.token(account.shop, account.id))
        if stored is not None and stored.expires_at - TOKEN_MARGIN > now:
            return ImToken(stored.value, stored.device_id, stored.expires_at), False
        last = max(
            (at for at in (self._token_asked_at, stored and stored.fetched_at) if at), default=None
        )
        spacing = timedelta(seconds=self._settings.token_spacing_seconds)
        if last is not None and now - last < spacing:
            left = (last + spacing - now).total_seconds()
            raise Throttled("xianyu", "im token", "离上次登录太近，稍等再连", after=left)
        self._token_asked_at = now
        token = await client.im_token(account.device_id)
        await self._write_mine(
            lambda tx: tx.accounts.set_token(
                account.shop,
                account.id,
                StoredToken(token.value, token.device_id, token.expires_at, now),
            )
        )
        return token, True

    def _catch_up(self) -> CatchUp:
        return CatchUp(
            self._account,
            self._store,
            every=timedelta(minutes=self._settings.compare_minutes),
            take_in=self._take_in_events,
            tell=self._tell,
            now=self._now,
        )

    async def _online(
        self, session: Session, client: Client, catch_up: CatchUp, since: datetime | None
    ) -> bool:
        """Work while the session lives. True: it lives, but it is deaf and must be left."""
        account = self._account
        self._sessions[account.id] = session
        gone = await self._offline_since()
        try:
            await self._set_state(AccountState.ONLINE)
            await self._store.write(lambda tx: tx.outbox.hasten(send_lane(account.id), self._now()))
            async with asyncio.TaskGroup() as tasks:
                pushes = tasks.create_task(self._take_in_pushes(session))
                watch = tasks.create_task(catch_up.follow(session, client, since, gone))
                await asyncio.wait({pushes, watch}, return_when=asyncio.FIRST_COMPLETED)
                deaf = watch.done() and not pushes.done()
                pushes.cancel()
                watch.cancel()
            return deaf
        finally:
            del self._sessions[account.id]

    async def _take_in_pushes(self, session: Session) -> None:
        window = asyncio.Semaphore(PUSHES_IN_FLIGHT)
        async with asyncio.TaskGroup() as tasks:
            async for push in session.pushes():
                await window.acquire()
                tasks.create_task(self._take_in_push(session, push, window))

    async def _take_in_events(self, events: Sequence[Event]) -> TakenIn:
        return await self._take_in(self._account, events)

    async def _tell(self, said: str, what: str) -> None:
        account, now = self._account, self._now()
        key = f"account:{account.id}:{what}"
        await self._write_mine(
            lambda tx: tell_owners_of_shop(tx, account.shop, said, key=key, now=now)
        )

    async def _offline_since(self) -> datetime | None:
        account = self._account
        found = await self._store.read(lambda tx: tx.accounts.get(account.shop, account.id))
        return found.offline_since if found is not None else None

    async def _take_in_push(self, session: Session, push: Push, window: asyncio.Semaphore) -> None:
        """Commit, then acknowledge: never the other way round (L22). Tasks start in the order they
        are made and the store takes units in that order, so messages keep theirs."""
        try:
            await self._take_in(self._account, push.events)
            await session.ack(push)
        finally:
            window.release()

    async def _after(self, session: Session, *, steady: bool) -> float:
        ended = session.ended
        how = ended.how if ended is not None else How.LOST
        self._log.info("session of account {} ended: {}", self._account.id, how)
        if how is How.REMOVED:
            raise _NeedsPerson(
                AccountState.WAITING, "闲鱼说这个账号的连接太多，请关掉别的程序后重新启用"
            )
        if how is How.KICKED:
            await self._drop_token()
        if how is How.CLOSED and steady:
            # Routine: the platform closes healthy lines every 10 to 30 minutes.
            return self._settings.reconnect_first_seconds * random.random()  # noqa: S311 - jitter
        return await self._wait_after("连接断开，正在重连")

    async def _after_refused_token(self, error: AuthExpired, *, fresh: bool) -> float:
        """A refused token is replaced once; when a new one is refused too, a person must look."""
        self._log.info("token of account {} refused: {}", self._account.id, error)
        await self._drop_token()
        if fresh:
            raise _NeedsPerson(AccountState.LOGGED_OUT, "闲鱼不认可这个登录，请更新登录") from error
        return await self._wait_after("连接凭证失效，正在换新的")

    async def _drop_token(self) -> None:
        account = self._account
        await self._write_mine(lambda tx: tx.accounts.set_token(account.shop, account.id, None))

    async def _write_mine(self, unit: Callable[[Tx], object]) -> None:
        """Write about the account unless somebody switched it off or logged it in anew meanwhile:
        then this line is a thing of the past and must not undo what the person did."""
        account = self._account

        def fenced(tx: Tx) -> None:
            found = tx.accounts.get(account.shop, account.id)
            if found is not None and found.enabled and found.logins == account.logins:
                unit(tx)

        await self._store.write(fenced)

    async def _wait_after(self, reason: str, after: float | None = None) -> float:
        self._failures += 1
        wait = after
        if wait is None:
            wait = backoff(
                self._failures,
                first=self._settings.reconnect_first_seconds,
                most=self._settings.reconnect_most_seconds,
                jitter=random.random(),  # noqa: S311 - spreads reconnects, guards nothing
            )
        await self._set_state(AccountState.WAITING, reason)
        return wait

    async def _set_state(self, state: AccountState, reason: str = "") -> None:
        account, now = self._account, self._now()
        try:
            await self._write_mine(
                lambda tx: tx.accounts.set_state(account.shop, account.id, state, reason, now)
            )
        except HubError as error:
            self._log.warning("state of account {} not stored: {}", account.id, error)
