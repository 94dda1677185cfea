"""The mtop gateway: signature, rotating tokens, session check, faults of a call."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from hub.sandbox.doors import cookies_in, cut, html, set_cookies
from hub.sandbox.encode import compact
from hub.sandbox.faults import Faults
from hub.sandbox.lines import Lines
from hub.sandbox.logins import Logins
from hub.sandbox.manners import Manners
from hub.sandbox.world import now_ms

SIGN_APP_KEY = "34839810"
SUCCESS = "SUCCESS::调用成功"
LOST = "lost"
"""Stands for no answer at all."""
PUNISH = (
    "https://h5api.m.goofish.com:443//h5/{api}/{version}/_____tmd_____/punish"
    "?x5secdata=xgSANDBOX&x5step=2&action=captcha&pureCaptcha="
)
RISK = ("FAIL_SYS_USER_VALIDATE", "RGV587_ERROR::SM::哎哟喂,被挤爆啦,请稍后重试")


@dataclass(frozen=True, slots=True)
class Call:
    """One API call that passed signature and session checks."""

    user: str
    data: dict[str, Any]


Api = Callable[[Call], Awaitable[dict[str, Any]]]


class Failed(Exception):
    """The API answers with this `ret` instead of success."""

    def __init__(self, *ret: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(ret[0])
        self.ret = ret
        self.data = data or {}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A request as it arrived, before any check."""

    api: str
    version: str
    query: dict[str, str]
    data: str
    cookies: dict[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """A call and the first `ret` of its answer."""

    user: str
    api: str
    ret: str
    at: int
    """Ms."""


class Gateway:
    """Answers `/h5/{api}/{version}/`. HTTP status is 200 even for failures, as on the platform."""

    def __init__(self, logins: Logins, lines: Lines, faults: Faults, manners: Manners) -> None:
        self._logins = logins
        self._lines = lines
        self._faults = faults
        self._manners = manners
        self._pairs: dict[str, tuple[str, int]] = {}
        self.calls: deque[Made] = deque(maxlen=10_000)
        """Every call, oldest first."""
        self._apis: dict[str, Api] = {}
        self._open: set[str] = set()

    def add(self, apis: Mapping[str, Api], *, anonymous: bool = False) -> None:
        """Answer these APIs; `anonymous`: also to those who are not logged in."""
        self._apis.update(apis)
        if anonymous:
            self._open.update(apis)

    async def meet(self, request: web.Request) -> web.StreamResponse:
        if self._lines.down:
            return web.Response(status=503, text="Service Unavailable")
        seen = await _read(request)
        user = seen.cookies.get("unb", "")
        if late := self._faults.take(user, "mtop_delay", seen.api):
            await asyncio.sleep(late.seconds)
        if self._faults.take(user, "mtop_http500", seen.api):
            return web.Response(status=500, text="Internal Server Error")
        if self._faults.take(user, "mtop_garbage", seen.api):
            return html("<html><body>登录</body></html>")
        answered, pair = await self._answer(seen, user)
        if self._must_cut(seen, user, answered["ret"][0]):
            return cut(request)
        response = web.Response(text=compact(answered), content_type="application/json")
        if pair is not None:
            set_cookies(response, {"_m_h5_tk": pair[0], "_m_h5_tk_enc": pair[1]})
        return response

    async def _answer(
        self, seen: _Seen, user: str
    ) -> tuple[dict[str, Any], tuple[str, str] | None]:
        """The answer, and a new token pair if one is handed out with it."""
        pair: tuple[str, str] | None = None
        try:
            pair = self._check_token(seen, user)
            self._check_faults(seen, user)
            self._check_sign(seen)
            data = await self._perform(seen, user)
            ret: tuple[str, ...] = (SUCCESS,)
        except Failed as failed:
            ret, data = failed.ret, failed.data
            if failed.ret[0].startswith("FAIL_SYS_TOKEN"):
                pair = self._new_pair()
        self.calls.append(Made(user, seen.api, ret[0], now_ms()))
        if seen.query.get("valueType") == "string":
            data = _as_text(data)
        return {"api": seen.api, "v": seen.version, "ret": list(ret), "data": data}, pair

    def _must_cut(self, seen: _Seen, user: str, ret: str) -> bool:
        """Calls that were not done because of their token do not use up a fault."""
        if ret == LOST:
            return True
        return ret == SUCCESS and self._faults.take(user, "mtop_stored", seen.api) is not None

    # --- checks ---

    def _check_token(self, seen: _Seen, user: str) -> tuple[str, str] | None:
        """Refuse a missing or stale pair; hand out a fresh one before the old one runs out."""
        token = seen.cookies.get("_m_h5_tk", "")
        if not token:
            raise Failed("FAIL_SYS_TOKEN_EMPTY::令牌为空")
        known = self._pairs.get(token)
        companion = seen.cookies.get("_m_h5_tk_enc", "")
        if known is None or known[0] != companion or known[1] <= now_ms():
            raise Failed("FAIL_SYS_TOKEN_EXOIRED::令牌过期")
        if self._faults.take(user, "mtop_token_expired", seen.api):
            del self._pairs[token]
            raise Failed("FAIL_SYS_TOKEN_EXOIRED::令牌过期")
        left = known[1] - now_ms()
        return self._new_pair() if left < self._manners.mtop_token_seconds * 1000 / 5 else None

    def _check_faults(self, seen: _Seen, user: str) -> None:
        if self._faults.take(user, "mtop_risk", seen.api):
            url = PUNISH.format(api=seen.api, version=seen.version)
            raise Failed(*RISK, data={"url": url})
        if self._faults.take(user, "mtop_throttle", seen.api):
            raise Failed("FAIL_SYS_TRAFFIC_LIMIT::哎哟喂，被挤爆啦，请稍后重试")
        if self._faults.take(user, "mtop_session_expired", seen.api):
            raise Failed("FAIL_SYS_SESSION_EXPIRED::Session过期")
        if fault := self._faults.take(user, "mtop_ret", seen.api):
            raise Failed(fault.reason)

    def _check_sign(self, seen: _Seen) -> None:
        """The signature covers the data exactly as it was sent, before url-encoding."""
        token = seen.cookies["_m_h5_tk"].partition("_")[0]
        signed = f"{token}&{seen.query.get('t', '')}&{SIGN_APP_KEY}&{seen.data}"
        sign = hashlib.md5(signed.encode()).hexdigest()
        if seen.query.get("appKey") != SIGN_APP_KEY or seen.query.get("sign") != sign:
            raise Failed("FAIL_SYS_ILLEGAL_REQUEST::非法请求，签名(sign)不正确")

    async def _perform(self, seen: _Seen, user: str) -> dict[str, Any]:
        name = seen.api.lower()
        api = self._apis.get(name)
        if api is None:
            raise Failed("FAIL_SYS_API_NOT_FOUNDED::请求API不存在")
        if name not in self._open and self._logins.holds(seen.cookies) is None:
            raise Failed("FAIL_SYS_SESSION_EXPIRED::Session过期")
        if self._faults.take(user, "mtop_lost", seen.api):
            raise Failed(LOST)
        if self._faults.take(user, "mtop_unsure", seen.api):
            return {"success": False}
        try:
            data = json.loads(seen.data or "{}")
            return await api(Call(user, data))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Failed("FAIL_BIZ_PARAM_ERROR::参数错误") from None

    def _new_pair(self) -> tuple[str, str]:
        expires = now_ms() + int(self._manners.mtop_token_seconds * 1000)
        token, companion = f"{secrets.token_hex(16)}_{expires}", secrets.token_hex(16)
        self._pairs[token] = (companion, expires)
        return token, companion

    def expire_tokens(self) -> None:
        """Every `_m_h5_tk` handed out so far becomes stale."""
        self._pairs.clear()


async def _read(request: web.Request) -> _Seen:
    query = dict(request.query)
    if request.method == "POST":
        form = parse_qs((await request.read()).decode("utf-8", "replace"), keep_blank_values=True)
        data = form.get("data", [""])[0]
    else:
        data = query.get("data", "")
    return _Seen(
        api=request.match_info["api"],
        version=request.match_info["version"],
        query=query,
        data=data,
        cookies=cookies_in(request.headers.get("Cookie", "")),
    )


def _as_text(value: Any) -> Any:
    """Every scalar as text, as `valueType=string` asks for."""
    if isinstance(value, dict):
        return {key: _as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_text(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None else str(value)
