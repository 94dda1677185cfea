"""Logging in with a QR code: who asked for it, what the phone did, which account it became.

An attempt lives in memory only and nothing is stored before the platform has confirmed the login,
so a stop of the program leaves nothing half done.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from loguru import logger

from hub.desk.accounts import checked_name, checked_way_out, find_account
from hub.desk.operator import Operator
from hub.desk.proven_login import ProvenLogin, keep_login
from hub.errors import (
    Invalid,
    Malformed,
    NotFound,
    PeerError,
    ProxyUnreachable,
    Refusal,
    Rejected,
    Throttled,
    TooOften,
    Unreachable,
    VerificationNeeded,
)
from hub.model import Account, AccountId, Role, ShopId
from hub.settings import XianyuSettings
from hub.store import Store, Tx
from hub.text import login_qr as words
from hub.xianyu import (
    NO_LOGIN,
    QR_POLL_SECONDS,
    CookieJar,
    Endpoints,
    QrLogin,
    QrState,
    QrStep,
    Timing,
    open_qr_login,
)

OpenLogin = Callable[[str | None], AbstractAsyncContextManager[QrLogin]]
"""Asks the platform for a fresh code, through this proxy if one is given. Raises PeerErrors."""

MOST_PENDING = 3
"""Codes of one shop that wait for a phone at the same time."""
MOST_PICTURES = 10
"""Codes that one shop may ask for within REMEMBER; the platform watches how often it is asked."""
REMEMBER = timedelta(minutes=15)
"""How long the outcome of an attempt can be looked up."""
MOST_RETRIES = 1
START_SECONDS = 15.0
"""How long `start` waits for the picture before it says that it is being prepared."""
THROTTLED_SECONDS = 15.0
MOST_MISREAD = 5
"""Answers in a row that may be unreadable; the platform's busy pages are."""
FINISH_TRIES = 3
WAITING_STARTS = 64


class LoginStep(StrEnum):
    PREPARING = "preparing"
    WAITING = "waiting"
    SCANNED = "scanned"
    VERIFICATION = "verification"
    """The seller has to prove who they are at `url`."""
    FINISHING = "finishing"
    """Confirmed; the cookies are being fetched and stored."""
    DONE = "done"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


PENDING = frozenset(
    {
        LoginStep.PREPARING,
        LoginStep.WAITING,
        LoginStep.SCANNED,
        LoginStep.VERIFICATION,
        LoginStep.FINISHING,
    }
)


@dataclass(frozen=True, slots=True)
class QrView:
    """An attempt as a door shows it."""

    id: str
    account: Account | None
    """Whose login is renewed; once DONE, the account that is logged in."""
    name: str
    """Wished for a new account; empty: the seller's own."""
    step: LoginStep
    words: str
    """The step in one Chinese sentence."""
    image_text: str = ""
    """What the picture has to encode; empty before there is one and after the last is over."""
    picture: int = 0
    """Counts the pictures of this attempt."""
    seconds_left: int = 0
    url: str = ""
    may_retry: bool = False
    """Whether `retry` gives a fresh picture."""

    @property
    def pending(self) -> bool:
        return self.step in PENDING


@dataclass(slots=True)
class _Attempt:
    operator: Operator
    began_at: datetime
    view: QrView
    expires_at: datetime
    shown: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once there is a picture, or never will be."""
    proxy: str | None = None
    """The way out of a new account; an account that exists has its own."""
    task: asyncio.Task[None] | None = None
    misread: int = 0

    @property
    def shop(self) -> ShopId:
        return self.operator.shop


class Logins:
    """Attempts to log in by QR code. `run` follows them; without it none gets a picture."""

    def __init__(
        self,
        store: Store,
        open_login: OpenLogin,
        now: Callable[[], datetime],
        *,
        takeover_minutes: int,
        poll_seconds: float = QR_POLL_SECONDS,
    ) -> None:
        self._store = store
        self._open_login = open_login
        self._now = now
        self._takeover_minutes = takeover_minutes
        self._poll_seconds = poll_seconds
        self._attempts: dict[str, _Attempt] = {}
        self._asked: asyncio.Queue[_Attempt] = asyncio.Queue(WAITING_STARTS)
        self._revisions: Counter[ShopId] = Counter()
        self._moved = asyncio.Event()

    # --- What a door asks for ---------------------------------------------------------------

    async def start(
        self,
        operator: Operator,
        account: AccountId | None = None,
        name: str = "",
        *,
        proxy: str = "",
    ) -> QrView:
        """Ask for a code: to renew `account`, or for a new account called `name` that is to leave
        through `proxy`, as this login does already.

        An account whose code still waits keeps that one. Raises NotFound, Invalid, TooOften.
        What goes wrong at the platform is told by the view: step FAILED.
        """
        operator.require(Role.OWNER)
        alias = checked_name(name) if account is None and name.strip() else ""
        way_out = checked_way_out(proxy) if account is None else None
        now = self._now()

        def unit(tx: Tx) -> Account | None:
            found = None if account is None else find_account(tx, operator, account)
            if alias and any(a.name == alias for a in tx.accounts.all(operator.shop)):
                raise Invalid(f"已经有一个叫「{alias}」的账号，换个名字", {"name": "名字已被使用"})
            operator.record(tx, "account.scan", found.name if found else alias, now)
            return found

        found = await self._store.write(unit)
        attempt = self._waiting_for(found) if found is not None else None
        if attempt is None:
            self._require_room(operator.shop)
            view = QrView(
                secrets.token_urlsafe(12), found, alias, LoginStep.PREPARING, words.PREPARING
            )
            attempt = _Attempt(operator, now, view, now, proxy=way_out)
            self._ask(attempt)
            self._attempts[view.id] = attempt
        return await self._shown(attempt)

    def state(self, operator: Operator, id_: str) -> QrView:
        """Raises NotFound for what never was or is forgotten."""
        return self._seen(self._find(operator, id_))

    def pending(self, operator: Operator) -> Sequence[QrView]:
        """What waits for a phone, oldest first."""
        operator.require(Role.OWNER)
        return [self._seen(a) for a in self._of(operator.shop) if a.view.pending]

    def revision(self, shop: ShopId) -> int:
        """A number that grows whenever an attempt of the shop moves on."""
        return self._revisions[shop]

    async def wait_moved(self, shop: ShopId, seen: int) -> None:
        """Return as soon as the shop's `revision` is another one."""
        while self._revisions[shop] == seen:
            await self._moved.wait()

    def cancel(self, operator: Operator, id_: str) -> QrView:
        """Give up an attempt; one that is confirmed or over stays as it is."""
        attempt = self._find(operator, id_)
        if attempt.view.pending and attempt.view.step is not LoginStep.FINISHING:
            self._move(attempt, LoginStep.CANCELLED, words.CANCELLED_HERE)
            if attempt.task is not None:
                attempt.task.cancel()
        return self._seen(attempt)

    async def retry(self, operator: Operator, id_: str) -> QrView:
        """A fresh picture for an attempt that expired. Raises Invalid, TooOften.

        If another attempt waits for the same account by now, it is that one.
        """
        attempt = self._find(operator, id_)
        if not attempt.view.pending:
            if not attempt.view.may_retry:
                raise Invalid(words.NO_RETRY)
            account = attempt.view.account
            another = self._waiting_for(account) if account is not None else None
            if another is not None:
                return await self._shown(another)
            self._require_room(operator.shop)
            self._ask(attempt)
            attempt.shown.clear()
            attempt.view = replace(attempt.view, may_retry=False)
            self._move(attempt, LoginStep.PREPARING, words.PREPARING)
        return await self._shown(attempt)

    # --- Bookkeeping ------------------------------------------------------------------------

    def _of(self, shop: ShopId) -> Sequence[_Attempt]:
        return [a for a in self._attempts.values() if a.shop == shop]

    def _find(self, operator: Operator, id_: str) -> _Attempt:
        operator.require(Role.OWNER)
        attempt = self._attempts.get(id_)
        if attempt is None or attempt.shop != operator.shop:
            raise NotFound(words.UNKNOWN)
        return attempt

    def _waiting_for(self, account: Account) -> _Attempt | None:
        for attempt in self._of(account.shop):
            wanted = attempt.view.account
            if attempt.view.pending and wanted is not None and wanted.id == account.id:
                return attempt
        return None

    def _require_room(self, shop: ShopId) -> None:
        self._forget()
        attempts = self._of(shop)
        if sum(a.view.pending for a in attempts) >= MOST_PENDING:
            raise TooOften(words.TOO_MANY_WAITING)
        if sum(max(1, a.view.picture) for a in attempts) >= MOST_PICTURES:
            raise TooOften(words.TOO_MANY_PICTURES)

    def _forget(self) -> None:
        before = self._now() - REMEMBER
        old = [
            id_
            for id_, a in self._attempts.items()
            if not a.view.pending and max(a.began_at, a.expires_at) < before
        ]
        for id_ in old:
            del self._attempts[id_]

    def _ask(self, attempt: _Attempt) -> None:
        try:
            self._asked.put_nowait(attempt)
        except asyncio.QueueFull:
            raise TooOften(words.TOO_MANY_WAITING) from None

    async def _shown(self, attempt: _Attempt) -> QrView:
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await attempt.shown.wait()
        return self._seen(attempt)

    def _seen(self, attempt: _Attempt) -> QrView:
        left = (attempt.expires_at - self._now()).total_seconds() if attempt.view.pending else 0
        return replace(attempt.view, seconds_left=max(0, math.ceil(left)))

    def _move(self, attempt: _Attempt, step: LoginStep, said: str, *, url: str = "") -> None:
        before = attempt.view
        image_text = before.image_text if step in PENDING else ""
        attempt.view = replace(before, step=step, words=said, url=url, image_text=image_text)
        if step is not LoginStep.PREPARING:
            attempt.shown.set()
        if step is not before.step:
            logger.info("qr login of shop {}: {}", attempt.shop, step)
            self._revisions[attempt.shop] += 1
            self._moved.set()
            self._moved = asyncio.Event()

    # --- Following the phone ----------------------------------------------------------------

    async def run(self) -> None:
        """Follow every attempt that is started, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                attempt = await self._asked.get()
                if attempt.view.step is LoginStep.PREPARING:
                    attempt.task = tasks.create_task(self._attend(attempt), name="qr login")

    async def _attend(self, attempt: _Attempt) -> None:
        """From a fresh code to its end."""
        try:
            async with self._open_login(await self._way_out(attempt)) as login:
                attempt.view = replace(
                    attempt.view, image_text=login.image_text, picture=attempt.view.picture + 1
                )
                await self._follow(attempt, login)
        except PeerError as error:
            logger.info("qr login of shop {} failed: {}", attempt.shop, error)
            url = error.url if isinstance(error, VerificationNeeded) else ""
            self._move(attempt, LoginStep.FAILED, _explain(error), url=url)
        except Refusal as refusal:
            self._move(attempt, LoginStep.FAILED, refusal.text)
        except Exception:
            # The boundary of one attempt: whatever broke, the others and the hub go on.
            logger.exception("qr login of shop {} broke", attempt.shop)
            self._move(attempt, LoginStep.FAILED, words.BROKEN)

    async def _way_out(self, attempt: _Attempt) -> str | None:
        account = attempt.view.account
        if account is None:
            return attempt.proxy
        return await self._store.read(lambda tx: tx.accounts.proxy(account.shop, account.id))

    async def _follow(self, attempt: _Attempt, login: QrLogin) -> None:
        state = QrState(QrStep.NEW)
        while True:
            attempt.expires_at = login.expires_at
            self._tell(attempt, state)
            if state.step is QrStep.CONFIRMED:
                await self._finish(attempt, login)
            if not attempt.view.pending:
                return
            await asyncio.sleep(self._poll_seconds)
            state = await self._look(attempt, login, state)

    def _tell(self, attempt: _Attempt, state: QrState) -> None:
        match state.step:
            case QrStep.NEW:
                self._move(attempt, LoginStep.WAITING, words.WAITING)
            case QrStep.SCANNED:
                self._move(attempt, LoginStep.SCANNED, words.SCANNED)
            case QrStep.VERIFICATION:
                self._move(attempt, LoginStep.VERIFICATION, words.VERIFICATION, url=state.url)
            case QrStep.CONFIRMED:
                self._move(attempt, LoginStep.FINISHING, words.FINISHING)
            case QrStep.CANCELLED:
                self._move(attempt, LoginStep.CANCELLED, words.CANCELLED_BY_PHONE)
            case QrStep.EXPIRED:
                again = attempt.view.picture <= MOST_RETRIES
                attempt.view = replace(attempt.view, may_retry=again)
                self._move(attempt, LoginStep.EXPIRED, words.expired(may_retry=again))

    async def _look(self, attempt: _Attempt, login: QrLogin, before: QrState) -> QrState:
        """What became of the code, or what was known before if nobody can tell right now."""
        verifying = before.step is QrStep.VERIFICATION
        try:
            state = await (login.check_verification() if verifying else login.poll())
            attempt.misread = 0
            return state
        except Unreachable as error:
            logger.debug("qr login not asked: {}", error)
        except Malformed as error:
            attempt.misread += 1
            if attempt.misread >= MOST_MISREAD:
                raise
            logger.info("qr login not understood: {}", error)
        except Throttled as error:
            logger.info("qr login asked too often: {}", error)
            await asyncio.sleep(error.after or THROTTLED_SECONDS)
        return before

    async def _finish(self, attempt: _Attempt, login: QrLogin) -> None:
        jar = await self._cookies(login)
        now = self._now()
        name = attempt.view.name or login.name
        proven = ProvenLogin(jar, name, self._takeover_minutes, attempt.proxy)

        def unit(tx: Tx) -> tuple[Account, str]:
            return keep_login(tx, attempt.operator, attempt.view.account, proven, now)

        account, said = await self._store.write(unit)
        attempt.view = replace(attempt.view, account=account)
        self._move(attempt, LoginStep.DONE, said)

    async def _cookies(self, login: QrLogin) -> CookieJar:
        for _ in range(FINISH_TRIES - 1):
            try:
                return await login.finish()
            except Unreachable as error:
                logger.info("qr login not finished: {}", error)
                await asyncio.sleep(self._poll_seconds)
        return await login.finish()


def _explain(error: PeerError) -> str:
    match error:
        case VerificationNeeded():
            return words.VERIFY_FIRST
        case Throttled():
            return words.THROTTLED
        case ProxyUnreachable():
            return words.NO_PROXY
        case Unreachable():
            return words.NO_LINE
        case Rejected(code=code) if code == NO_LOGIN:
            return words.NO_LOGIN
        case Rejected():
            return words.refused(error.reason)
        case _:
            return words.UNREADABLE


def open_login_at(settings: XianyuSettings, now: Callable[[], datetime]) -> OpenLogin:
    """At the platform that the settings name."""
    endpoints = Endpoints(
        settings.ws_url, settings.mtop_url, settings.passport_url, settings.upload_url
    )
    timing = Timing(answer=settings.answer_seconds)

    def open_login(proxy: str | None) -> AbstractAsyncContextManager[QrLogin]:
        return open_qr_login(endpoints, proxy=proxy, timing=timing, now=now)

    return open_login
