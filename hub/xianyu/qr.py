"""Logging in with a QR code that the seller scans with the phone."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urljoin

from loguru import logger
from yarl import URL

from hub.errors import Invalid, Malformed, PeerError, Rejected, VerificationNeeded
from hub.xianyu.browser import Browser, Page, origin_of
from hub.xianyu.calls import Call
from hub.xianyu.client import utc_now
from hub.xianyu.cookies import CookieJar
from hub.xianyu.endpoints import BROWSER, SITE, Endpoints, Timing
from hub.xianyu.mtop import Mtop
from hub.xianyu.passport import Passport, has_error
from hub.xianyu.proxy import open_http
from hub.xianyu.shapes import Map, as_map, as_text
from hub.xianyu.verdicts import PEER, holds, judge_page

QR_LIFE = timedelta(minutes=5)
QR_POLL_SECONDS = 2.0
"""How often the page itself asks what became of the code."""
NO_LOGIN = "no login"
"""Code of a Rejected login: everything went well and yet no seller is logged in."""
MISREAD_POLLS = 5
"""Polls in a row that the passport may fail to answer properly."""
REDIRECTS = 5

_OP = "qr login"
_GREETING = Call(
    "mtop.gaia.nodejs.gaia.idle.data.gw.v2.index.get", "1.0", {"bizScene": "home"}, page="/"
)
_PROFILE = Call("mtop.idle.web.user.page.nav", "1.0")
_LOGIN_PAGE = {
    "lang": "zh_cn",
    "appName": "xianyu",
    "appEntrance": "web",
    "styleType": "vertical",
    "bizParams": "",
    "notLoadSsoView": "false",
    "notKeepLogin": "false",
    "isMobile": "false",
    "qrCodeFirst": "false",
    "stie": "77",
}
_POLLING = {
    "navlanguage": "zh-CN",
    "navUserAgent": BROWSER,
    "navPlatform": "Win32",
    "isIframe": "true",
    "documentReferer": SITE,
    "defaultView": "qrcode",
}
_SEARCHED = "window.viewData"
_CHECK_TOKEN = re.compile(r"htoken=([\w.~%-]+)")
_PENDING, _PASSED = "0", "3"


class QrStep(StrEnum):
    NEW = "new"
    SCANNED = "scanned"
    CONFIRMED = "confirmed"
    VERIFICATION = "verification"
    """The seller has to prove who they are, in the app, at the address that comes with it."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_STEPS = {
    "NEW": QrStep.NEW,
    "SCANED": QrStep.SCANNED,
    "SCANNED": QrStep.SCANNED,
    "CONFIRMED": QrStep.CONFIRMED,
    "EXPIRED": QrStep.EXPIRED,
    "CANCELED": QrStep.CANCELLED,
    "CANCELLED": QrStep.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class QrState:
    step: QrStep
    url: str = ""
    """Where to prove it, for VERIFICATION."""


class QrLogin:
    """One attempt, made by `open_qr_login`. Everything happens in a jar of its own.

    Ask `poll` every `QR_POLL_SECONDS` until CONFIRMED, then `finish`; at VERIFICATION ask
    `check_verification` instead. All of them raise `PeerError`s; after Unreachable ask again.
    """

    def __init__(
        self, browser: Browser, endpoints: Endpoints, *, now: Callable[[], datetime]
    ) -> None:
        self.image_text = ""
        """What the QR picture has to encode."""
        self.name = ""
        """What the seller is called, once `finish` is through."""
        self.expires_at = now() + QR_LIFE
        self._browser = browser
        self._endpoints = endpoints
        self._passport = Passport(browser, endpoints, now=now)
        self._mtop = Mtop(browser, endpoints, now=now)
        self._now = now
        self._form: dict[str, str] = {}
        self._state = QrState(QrStep.NEW)
        self._token = ""
        self._check_token = ""
        self._misread = 0

    async def poll(self) -> QrState:
        """What became of the code."""
        if self._state.step in (QrStep.NEW, QrStep.SCANNED):
            if self._now() >= self.expires_at:
                self._state = QrState(QrStep.EXPIRED)
            else:
                self._take(
                    await self._passport.ask(_OP, "/newlogin/qrcode/query.do", {}, self._form)
                )
        return self._state

    async def check_verification(self) -> QrState:
        """Whether the seller passed the check the platform asked for."""
        if self._state.step is not QrStep.VERIFICATION:
            return self._state
        if self._now() >= self.expires_at:
            self._state = QrState(QrStep.EXPIRED)
            return self._state
        self._check_token = self._check_token or await self._find_check_token(self._state.url)
        query = {"htoken": self._check_token}
        answer = await self._passport.ask(_OP, "/iv/photoVerify/check.do", query)
        content = as_map(answer.get("content"))
        if str(content.get("code")) == _PASSED:
            await self._follow(as_text(content.get("url")))
            self._state = QrState(QrStep.CONFIRMED)
        elif str(content.get("code")) != _PENDING:
            logger.debug("xianyu {}: verification in state {!r}", _OP, content.get("code"))
        return self._state

    async def finish(self) -> CookieJar:
        """The cookies of the login, proven by a page that only a logged-in person sees.

        Raises Rejected with code `NO_LOGIN` when nobody is logged in after all.
        """
        if self._token:
            await self._redeem()
        await self._follow(f"{self._endpoints.site_url.rstrip('/')}/im")
        self._cookies()
        profile = await self._mtop.call(_PROFILE)
        self.name = as_text(as_map(as_map(profile.get("module")).get("base")).get("displayName"))
        try:
            await self._passport.keep_logged_in()
        except PeerError as error:
            logger.info("xianyu {}: the long login stays off ({})", _OP, error)
        return self._cookies()

    async def _begin(self) -> None:
        """Be a visitor, open the login page, ask for a code."""
        try:
            await self._mtop.call(_GREETING)
        except VerificationNeeded:
            raise
        except PeerError as error:
            # All that is wanted from this call are its cookies, and refusals bring them too.
            logger.debug("xianyu {}: greeted with {}", _OP, error)
        page = await self._browser.ask(
            _OP,
            "GET",
            f"{self._endpoints.passport_url.rstrip('/')}/mini_login.htm",
            query=_LOGIN_PAGE,
            headers={"accept": "text/html,*/*", "referer": f"{SITE}/"},
        )
        form = read_login_form(page.text)
        if not form:
            raise judge_page(_OP, page.status, page.text, page.location)
        answer = await self._passport.ask(_OP, "/newlogin/qrcode/generate.do", form)
        code = as_map(as_map(answer.get("content")).get("data"))
        self.image_text = as_text(code.get("codeContent"))
        if not self.image_text:
            raise Malformed(PEER, _OP, "answer without a code")
        self._form = {
            **form,
            **_POLLING,
            "deviceId": self._browser.jar.get("cna") or "",
            "t": as_field(code.get("t")),
            "ck": as_field(code.get("ck")),
        }
        self.expires_at = self._now() + QR_LIFE

    def _take(self, answer: Map) -> None:
        code = as_map(as_map(answer.get("content")).get("data"))
        status = as_text(code.get("qrCodeStatus"))
        if has_error(answer) or not status:
            self._misread += 1
            if self._misread >= MISREAD_POLLS:
                raise Malformed(PEER, _OP, "the code's state cannot be read")
            return
        self._misread = 0
        if status == "ERROR":
            raise Rejected(PEER, _OP, as_text(code.get("titleMsg")), code=status)
        step = _STEPS.get(status)
        if step is None:
            logger.debug("xianyu {}: unknown state {!r} of the code", _OP, status)
        elif step is QrStep.CONFIRMED and code.get("iframeRedirect") in (True, "true"):
            self._state = QrState(QrStep.VERIFICATION, as_text(code.get("iframeRedirectUrl")))
            self.expires_at = self._now() + QR_LIFE
        else:
            self._state = QrState(step)
            self._token = as_text(code.get("token")) or as_text(code.get("lgToken"))

    def _cookies(self) -> CookieJar:
        try:
            return CookieJar.parse(self._browser.jar.header())
        except Invalid as error:
            raise Rejected(PEER, _OP, error.text, code=NO_LOGIN) from error

    async def _redeem(self) -> None:
        query = {
            "token": self._token,
            "subFlow": "DIALOG_CHECK_LOGIN_RPC",
            "nextCode": "0018",
            "bizScene": "qrcode",
            "confirm": "true",
        }
        answer = await self._passport.ask(_OP, "/login_token/login.do", query, {})
        self._token = ""
        state = as_map(as_map(answer.get("content")).get("data"))
        if state.get("iframeRedirect") in (True, "true"):
            url = as_text(state.get("iframeRedirectUrl"))
            raise VerificationNeeded(PEER, _OP, "identity check", url=url)

    async def _find_check_token(self, url: str) -> str:
        """By which name the passport knows the check. The page of the check, loaded as the login
        page would load it, may tell a better one than its address."""
        told = read_htoken(url)
        if told and "htoken" in URL(url).query:
            return told
        page = await self._follow(url)
        found = _CHECK_TOKEN.search(page.text) if page is not None else None
        return found[1] if found else told

    async def _follow(self, url: str) -> Page | None:
        """Visit a page for the cookies it sets; redirects as far as the platform's own sites."""
        page = None
        for _ in range(REDIRECTS):
            if not self._browser.may_visit(url):
                logger.info("xianyu {}: does not follow to {}", _OP, origin_of(url))
                break
            page = await self._browser.ask(_OP, "GET", url, headers={"accept": "text/html,*/*"})
            if not page.location:
                break
            if holds(page.location, ("punish", "captcha")):
                raise VerificationNeeded(PEER, _OP, "verification page", url=page.location)
            url = urljoin(url, page.location)
        return page


@asynccontextmanager
async def open_qr_login(
    endpoints: Endpoints,
    *,
    proxy: str | None = None,
    timing: Timing | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[QrLogin]:
    """A fresh code to scan. The seller has `QR_LIFE`; another code needs another login.

    `proxy`: the way out that the account will use. Raises Unreachable, VerificationNeeded,
    Throttled, Rejected, Malformed.
    """

    async def forget(_: str) -> None:
        """Nobody is logged in yet, so there is nothing to keep."""

    async with open_http(proxy) as http:
        jar = CookieJar({})
        seconds = (timing or Timing()).answer
        browser = Browser(
            http,
            endpoints,
            jar,
            on_cookies=forget,
            answer_seconds=seconds,
            proxied=proxy is not None,
        )
        login = QrLogin(browser, endpoints, now=now)
        await login._begin()
        yield login


def read_login_form(page: str) -> dict[str, str]:
    """The fields that the login page would send; empty for any other page."""
    start = page.find("{", max(0, page.find(_SEARCHED)))
    if _SEARCHED not in page or start < 0:
        return {}
    try:
        seen, _ = json.JSONDecoder().raw_decode(page, start)
    except (ValueError, RecursionError):
        return {}
    fields: Mapping[str, object] = as_map(as_map(seen).get("loginFormData"))
    form = {name: as_field(value) for name, value in fields.items() if value is not None}
    return {**form, "umidTag": "SERVER"} if form else {}


def read_htoken(url: str) -> str:
    """The one-time token of an identity check, from the address of its page."""
    try:
        query = URL(url).query
    except ValueError:
        return ""
    return query.get("htoken") or query.get("havana_iv_token") or ""


def as_field(value: object) -> str:
    """A value as a form sends it. A moment that came as a float must not be sent as one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) else ""
