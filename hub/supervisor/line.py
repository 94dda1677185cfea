"""The life of one account: token, session, pushes, backing off; and the account's state.

One account's trouble never touches another: each has its own task, HTTP session and cookies.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial

import aiohttp
from loguru import logger

from hub.cluster import Cluster
from hub.errors import (
    AuthExpired,
    PeerError,
    ProxyUnreachable,
    Refusal,
    Rejected,
    StoreError,
    Throttled,
    Unreachable,
    VerificationNeeded,
)
from hub.model import Account, AccountId, AccountState, Event, TakenIn, send_lane
from hub.policy import Brake, EndKind, LineEnd, backoff, believed, brake_after
from hub.settings import XianyuSettings
from hub.store import Store
from hub.supervisor.catch_up import CatchUp
from hub.supervisor.gate import Gate
from hub.supervisor.renewal import Renewal, Renewed
from hub.supervisor.standing import Rest, Standing, sleep_until
from hub.supervisor.tokens import Held, Tokens
from hub.text import line as words
from hub.xianyu import (
    CONNECT_LIMIT,
    Client,
    CookieJar,
    Endpoints,
    How,
    Pace,
    Push,
    Session,
    Spacings,
    Timing,
    open_http,
    open_session,
)

TakeIn = Callable[[Account, Sequence[Event]], Awaitable[TakenIn]]
PUSHES_IN_FLIGHT = 64
"""Pushes of one account whose commit is awaited at the same time; their order is kept."""
STEADY = timedelta(seconds=30)
"""A session that lived this long counts as good: the next failure starts a new backoff."""
PROOF_AGAIN = timedelta(minutes=3)
"""Before a planned renewal of the token is thought of again when the login was not proven."""
ENDS_KEPT = 50

_PAUSED = {Brake.CROWDED_PAUSE: words.CROWDED, Brake.SHORT_PAUSE: words.SHORT_LINES}
_HELD = {
    Brake.CROWDED_HOLD: words.CROWDED_AGAIN,
    Brake.OUSTED_HOLD: words.OUSTED_OFTEN,
    Brake.SHORT_HOLD: words.SHORT_LINES_AGAIN,
}


@dataclass(frozen=True, slots=True)
class Live:
    """What an account that is connected can be asked through."""

    session: Session
    client: Client


@dataclass(frozen=True, slots=True)
class _Pause:
    """Before the next life. Without a reason it is routine and changes no state."""

    seconds: float
    reason: str = ""


class _Leave(Enum):
    """Why a session is left."""

    ENDED = auto()
    DEAF = auto()
    CHECK = auto()
    LOGIN_LOST = auto()
    NEW_TOKEN = auto()


class AccountLine:
    """The life of one account from login to login."""

    def __init__(
        self,
        account: Account,
        store: Store,
        settings: XianyuSettings,
        take_in: TakeIn,
        live: dict[AccountId, Live],
        now: Callable[[], datetime],
        *,
        gate: Gate,
        cluster: Cluster | None = None,
        count_renewal: Callable[[str], None] = lambda _: None,
    ) -> None:
        cluster = cluster or Cluster(store)
        self._standing = Standing(account, store, now, cluster)
        self._held = partial(cluster.holds_account, account.id)
        self._store = store
        self._settings = settings
        self._take_in = take_in
        self._live = live
        self._gate = gate
        self._now = now
        self._tokens = Tokens(self._standing, timedelta(seconds=settings.token_spacing_seconds))
        self._renewal = Renewal(self._standing, settings, count_renewal)
        self._catch_up = CatchUp(
            account,
            store,
            every=timedelta(minutes=settings.compare_minutes),
            take_in=self._take_in_events,
            tell=self._standing.tell,
            now=now,
        )
        self._ends: deque[LineEnd] = deque(maxlen=ENDS_KEPT)
        self._failures = 0
        self._log = logger.bind(account=account.id)
        self._endpoints = Endpoints(
            settings.ws_url, settings.mtop_url, settings.passport_url, settings.upload_url
        )
        self._timing = Timing(
            heartbeat=settings.heartbeat_seconds,
            answer=settings.answer_seconds,
            list_settle=settings.list_settle_seconds,
        )
        self._pace = Pace(_spacings(settings))

    def learn(self, account: Account) -> None:
        """The account as it is configured by now: its name, its minutes of takeover."""
        self._standing.account = account
        self._catch_up.learn(account)

    @property
    def _account(self) -> Account:
        return self._standing.account

    async def run(self) -> None:
        """Until a person has to act, or another node has the account. A wait that an earlier run of
        the program began is kept."""
        began = self._account
        kept = believed(began.state_since, self._now()) is not None
        if kept and began.state is AccountState.WAITING and began.state_until is not None:
            await sleep_until(began.state_until, self._now)
        while self._held():
            try:
                proxy = await self._proxy()
                async with open_http(proxy) as http:
                    pause = await self._one_life(http, proxy)
            except Rest as rest:
                self._log.warning("account {} rests: {}", self._account.id, rest)
                await self._standing.rest(rest)
                return
            except Exception as error:
                # The boundary of one account: whatever broke, this line alone waits and tries
                # again; pushes that were not committed were not acknowledged.
                pause = self._broken(error)
            _heed_cancellation()
            await self._wait(pause)

    async def _proxy(self) -> str | None:
        """The account's way out, for HTTP and the message connection alike."""
        account = self._account
        return await self._store.read(lambda tx: tx.accounts.proxy(account.shop, account.id))

    def _broken(self, error: Exception) -> _Pause:
        if _is_store_trouble(error):
            self._log.error("line of account {} left: {}", self._account.id, error)
            return self._failed(words.STORE)
        self._log.exception("line of account {} broke", self._account.id)
        return self._failed(words.BROKEN)

    async def _wait(self, pause: _Pause) -> None:
        until = self._now() + timedelta(seconds=pause.seconds)
        if pause.reason:
            await self._standing.set(AccountState.WAITING, pause.reason, until=until)
        await sleep_until(until, self._now)

    async def _one_life(self, http: aiohttp.ClientSession, proxy: str | None) -> _Pause:
        """Connect once and stay until the session ends."""
        await self._gate.turn(proxy)
        await self._standing.set(AccountState.CONNECTING)
        try:
            client = await self._client(http, proxy)
        except Refusal as refusal:
            raise Rest(AccountState.LOGGED_OUT, refusal.text) from refusal
        try:
            try:
                held = await self._tokens.get(client, lambda: self._renewal.prove(client))
                return await self._stay(held, client, proxy)
            except AuthExpired as error:
                self._log.info("login of account {} lost: {}", self._account.id, error)
                return await self._mend(client)
        except VerificationNeeded as error:
            raise Rest(AccountState.VERIFICATION_NEEDED, words.VERIFICATION, error.url) from error
        except PeerError as error:
            self._log.info("account {} not connected: {}", self._account.id, error)
            return self._after_refusal(error)

    async def _stay(self, held: Held, client: Client, proxy: str | None) -> _Pause:
        """A session from its registration to its end. Raises AuthExpired when the login is lost."""
        since = await self._catch_up.replay_from()
        began: datetime | None = None
        try:
            async with open_session(
                self._endpoints,
                held.token,
                self._account.user,
                since=since,
                timing=self._timing,
                proxy=proxy,
                may_speak=self._held,
            ) as session:
                began = self._now()
                live = Live(session, client)
                leave = await self._online(live, held)
        except AuthExpired as error:
            if began is not None:
                raise
            return await self._after_refused_token(error, held, client)
        return await self._after(leave, live, self._now() - began)

    async def _client(self, http: aiohttp.ClientSession, proxy: str | None) -> Client:
        account = self._account
        text = await self._store.read(lambda tx: tx.accounts.cookies(account.shop, account.id))
        return Client(
            http,
            self._endpoints,
            CookieJar.parse(text),
            on_cookies=self._standing.keep_cookies,
            now=self._now,
            pace=self._pace,
            proxied=proxy is not None,
            may_ask=self._held,
        )

    async def _online(self, live: Live, held: Held) -> _Leave:
        """Work while the session lives, until there is a reason to leave it."""
        account, session, client = self._account, live.session, live.client
        self._live[account.id] = live
        try:
            found = await self._standing.found() or account
            told = found.told_since is not None
            await self._catch_up.came_back(found.offline_since or found.told_since, told=told)
            await self._standing.online()
            await self._tokens.accepted()
            await self._store.write(lambda tx: tx.outbox.hasten(send_lane(account.id), self._now()))
            async with asyncio.TaskGroup() as tasks:
                jobs = {
                    tasks.create_task(client.trouble.checked.wait()): _Leave.CHECK,
                    tasks.create_task(self._take_in_pushes(session)): _Leave.ENDED,
                    tasks.create_task(self._renewal.keep(client)): _Leave.LOGIN_LOST,
                    tasks.create_task(self._catch_up.follow(session, client)): _Leave.DEAF,
                    tasks.create_task(self._until_new_token(held, client)): _Leave.NEW_TOKEN,
                }
                await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
                why = next(leave for job, leave in jobs.items() if job.done())
                for job in jobs:
                    job.cancel()
            return _Leave.CHECK if client.trouble.check is not None else why
        finally:
            del self._live[account.id]

    async def _until_new_token(self, held: Held, client: Client) -> None:
        """Ends when the session should be left for a new token, and the login is good for one."""
        await self._tokens.due(held)
        while True:
            try:
                await self._renewal.prove(client)
            except PeerError as error:
                self._log.info("account {} keeps its session: {}", self._account.id, error)
                await sleep_until(self._now() + PROOF_AGAIN, self._now)
            else:
                return

    async def _take_in_pushes(self, session: Session) -> None:
        window = asyncio.Semaphore(PUSHES_IN_FLIGHT)
        async with asyncio.TaskGroup() as tasks:
            async for push in session.pushes():
                await window.acquire()
                tasks.create_task(self._take_in_push(session, push, window))

    async def _take_in_events(self, events: Sequence[Event]) -> TakenIn:
        return await self._take_in(self._account, events)

    async def _take_in_push(self, session: Session, push: Push, window: asyncio.Semaphore) -> None:
        """Commit, then acknowledge: never the other way round (L22). Tasks start in the order they
        are made and the store takes units in that order, so messages keep theirs."""
        self._catch_up.heard(push.events)
        try:
            await self._take_in(self._account, push.events)
            await session.ack(push)
        finally:
            window.release()

    # --- After a session, or instead of one ---------------------------------------------------

    async def _after(self, leave: _Leave, live: Live, lasted: timedelta) -> _Pause:
        steady = lasted >= STEADY
        if steady:
            self._failures = 0
        ended = live.session.ended
        how = ended.how if ended is not None and leave is _Leave.ENDED else How.STOPPED
        self._log.info("session of account {} ended: {} {}", self._account.id, leave.name, how)
        if leave is _Leave.CHECK and live.client.trouble.check is not None:
            raise live.client.trouble.check
        if leave is _Leave.LOGIN_LOST:
            await self._tokens.drop()
            raise Rest(AccountState.LOGGED_OUT, words.LOGGED_OUT)
        if leave is _Leave.NEW_TOKEN:
            self._tokens.want_new()
            return _Pause(0.0)
        ousted = leave is _Leave.DEAF or how is How.KICKED
        if ousted:
            await self._tokens.drop()
        kind = EndKind.CROWDED if how is How.REMOVED else EndKind.PLAIN
        braked = self._brake(LineEnd(self._now(), lasted, EndKind.OUSTED if ousted else kind))
        if braked is not None:
            return braked
        if how is How.CLOSED and steady:
            # Routine: the platform closes healthy lines every 10 to 30 minutes.
            return _Pause(self._settings.reconnect_first_seconds * _chance())
        return self._failed(words.DEAF if leave is _Leave.DEAF else words.LOST)

    def _brake(self, end: LineEnd) -> _Pause | None:
        """A longer pause, or Rest, when the line does not stay up."""
        self._ends.append(end)
        minutes = self._settings.breaker_minutes
        brake = brake_after(self._ends, self._now()) if minutes else None
        if brake in _HELD:
            raise Rest(AccountState.HELD, _HELD[brake])
        return _Pause(minutes * 60, _PAUSED[brake]) if brake in _PAUSED else None

    async def _after_refused_token(self, error: AuthExpired, held: Held, client: Client) -> _Pause:
        """An old token is replaced at once. When a new one is refused too, the login is looked at;
        if nothing is wrong with it, the next attempt waits for longer each time."""
        self._log.info("token of account {} refused: {}", self._account.id, error)
        await self._tokens.drop()
        if not held.fresh:
            return self._failed(words.TOKEN_REFUSED)
        after = await self._tokens.failed(error.reason)
        await self._renewal.prove(client)
        pause = self._failed(words.token_failed(error.reason))
        return _Pause(max(after, pause.seconds), pause.reason)

    async def _mend(self, client: Client) -> _Pause:
        """The login is lost and the account is not connected. Raises VerificationNeeded."""
        free = await self._renewal.free_at()
        if free is not None:
            return _Pause((free - self._now()).total_seconds(), words.RENEWAL_SPACED)
        await self._standing.set(AccountState.RENEWING, words.RENEWING)
        match await self._renewal.mend(client):
            case Renewed.RENEWED:
                return _Pause(0.0)
            case Renewed.LOST:
                await self._tokens.drop()
                raise Rest(AccountState.LOGGED_OUT, words.LOGGED_OUT)
            case Renewed.UNCLEAR:
                free = await self._renewal.free_at()
                pause = self._failed(words.RENEWAL_UNCLEAR)
                seconds = (free - self._now()).total_seconds() if free is not None else 0.0
                return _Pause(max(seconds, pause.seconds), pause.reason)

    def _after_refusal(self, error: PeerError) -> _Pause:
        """The platform was not reached, or would not have us."""
        if isinstance(error, Rejected) and error.code == CONNECT_LIMIT:
            end = LineEnd(self._now(), timedelta(0), EndKind.CROWDED)
            return self._brake(end) or self._failed(words.CROWDED)
        if isinstance(error, Throttled) and error.after is not None:
            return _Pause(error.after, error.reason)
        if isinstance(error, ProxyUnreachable):
            return self._failed(words.PROXY)
        silent = isinstance(error, Unreachable)
        return self._failed(words.UNREACHABLE if silent else words.refused(error.reason))

    def _failed(self, reason: str) -> _Pause:
        self._failures += 1
        seconds = backoff(
            self._failures,
            first=self._settings.reconnect_first_seconds,
            most=self._settings.reconnect_most_seconds,
            jitter=_chance(),
        )
        return _Pause(seconds, reason)


def _heed_cancellation() -> None:
    """Raises CancelledError if we were told to end. A TaskGroup that is ending because of an error
    keeps that to itself (python/cpython#116720), and the line would go on for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _is_store_trouble(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_store_trouble(one) for one in error.exceptions)
    return isinstance(error, StoreError)


def _spacings(settings: XianyuSettings) -> Spacings:
    return Spacings(
        write=settings.write_spacing_seconds,
        polish=settings.polish_spacing_seconds,
        item=settings.item_spacing_seconds,
        item_list=settings.item_list_spacing_seconds,
        order=settings.order_spacing_seconds,
        order_list=settings.order_list_spacing_seconds,
        jitter=settings.spacing_jitter,
    )


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads reconnects, guards nothing
