"""The mtop gateway: signature, rotating tokens, session check, and the APIs a hub calls."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote

from aiohttp import web

from hub.sandbox.encode import APP_KEY as IM_APP_KEY
from hub.sandbox.encode import compact
from hub.sandbox.faults import Faults, Manners
from hub.sandbox.lines import Lines
from hub.sandbox.world import Item, World, now_ms

SIGN_APP_KEY = "34839810"
SUCCESS = "SUCCESS::调用成功"
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


class Gateway:
    """Answers `/h5/{api}/{version}/`. HTTP status is 200 even for failures, as on the platform."""

    def __init__(self, world: World, lines: Lines, faults: Faults, manners: Manners) -> None:
        self._world = world
        self._lines = lines
        self._faults = faults
        self._manners = manners
        self._pairs: dict[str, tuple[str, int]] = {}
        self.calls: deque[tuple[str, str, str]] = deque(maxlen=10_000)
        """Account, API and first `ret` of every call, oldest first."""
        self._apis: dict[str, Callable[[Call], dict[str, Any]]] = {
            "mtop.taobao.idlemessage.pc.login.token": self._login_token,
            "mtop.taobao.idlemessage.pc.loginuser.get": self._login_user,
            "mtop.idle.web.user.page.nav": self._page_nav,
            "mtop.taobao.idlemessage.pc.user.query": self._user_query,
            "mtop.taobao.idle.pc.detail": self._item_detail,
        }

    async def meet(self, request: web.Request) -> web.StreamResponse:
        seen = await _read(request)
        user = seen.cookies.get("unb", "")
        if late := self._faults.take(user, "mtop_delay", seen.api):
            await asyncio.sleep(late.seconds)
        if self._faults.take(user, "mtop_http500", seen.api):
            return web.Response(status=500, text="Internal Server Error")
        if self._faults.take(user, "mtop_garbage", seen.api):
            return web.Response(text="<html><body>登录</body></html>", content_type="text/html")
        pair: tuple[str, str] | None = None
        try:
            pair = self._check_token(seen, user)
            self._check_faults(seen, user)
            self._check_sign(seen)
            data = self._perform(seen, user)
            ret: tuple[str, ...] = (SUCCESS,)
        except Failed as failed:
            ret, data = failed.ret, failed.data
            if failed.ret[0].startswith("FAIL_SYS_TOKEN"):
                pair = self._new_pair()
        self.calls.append((user, seen.api, ret[0]))
        answer = {"api": seen.api, "v": seen.version, "ret": list(ret), "data": data}
        response = web.Response(text=compact(answer), content_type="application/json")
        if pair is not None:
            _set_cookies(response, {"_m_h5_tk": pair[0], "_m_h5_tk_enc": pair[1]})
        return response

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

    def _perform(self, seen: _Seen, user: str) -> dict[str, Any]:
        api = self._apis.get(seen.api.lower())
        if api is None:
            raise Failed("FAIL_SYS_API_NOT_FOUNDED::请求API不存在")
        seller = self._world.sellers.get(user)
        valid = seller is not None and seller.logged_in
        if seller is None or not valid or seen.cookies.get("cookie2") != seller.cookie2:
            raise Failed("FAIL_SYS_SESSION_EXPIRED::Session过期")
        try:
            data = json.loads(seen.data or "{}")
        except ValueError:
            raise Failed("FAIL_BIZ_PARAM_ERROR::参数错误") from None
        return api(Call(user, data))

    def _new_pair(self) -> tuple[str, str]:
        expires = now_ms() + int(self._manners.mtop_token_seconds * 1000)
        token, companion = f"{secrets.token_hex(16)}_{expires}", secrets.token_hex(16)
        self._pairs[token] = (companion, expires)
        return token, companion

    def expire_tokens(self) -> None:
        """Every `_m_h5_tk` handed out so far becomes stale."""
        self._pairs.clear()

    # --- APIs ---

    def _login_token(self, call: Call) -> dict[str, Any]:
        did = str(call.data.get("deviceId", ""))
        if call.data.get("appKey") != IM_APP_KEY or not did:
            raise Failed("FAIL_BIZ_PARAM_ERROR::参数错误")
        seconds = self._manners.im_token_seconds
        token = self._world.issue_token(call.user, did, seconds)
        self._lines.age(call.user, did, token.number)
        value = quote(token.value, safe=":") if self._manners.encoded_token else token.value
        return {
            "accessToken": value,
            "accessTokenExpiredTime": str(int(seconds * 1000)),
            "refreshToken": f"oauth_k1:{secrets.token_urlsafe(24)}",
        }

    def _login_user(self, call: Call) -> dict[str, Any]:
        return {"userId": call.user, "mainUserId": call.user}

    def _page_nav(self, call: Call) -> dict[str, Any]:
        name = self._world.sellers[call.user].name
        base = {
            "displayName": name,
            "avatar": "https://img.alicdn.com/sns_logo/sandbox.png",
            "soldCount": 12,
            "purchaseCount": 3,
            "followers": "8",
            "following": "2",
            "collectionCount": 5,
        }
        return {"module": {"base": base}}

    def _user_query(self, call: Call) -> dict[str, Any]:
        conversation = self._world.conversations.get(str(call.data.get("sessionId", "")))
        if conversation is None or conversation.thread.seller != call.user:
            raise Failed("FAIL_BIZ_PARAM_ERROR::会话不存在")
        thread = conversation.thread
        name = thread.seller_name if call.data.get("isOwner") else thread.buyer_name
        return {"userInfo": {"nick": name, "fishNick": name, "logo": "", "type": 1, "ext": {}}}

    def _item_detail(self, call: Call) -> dict[str, Any]:
        item = self._world.items.get(str(call.data.get("itemId", "")))
        if item is None:
            raise Failed("FAIL_BIZ_ITEM_NOT_FOUND::商品不存在")
        seller = self._world.sellers[item.seller]
        return {
            "itemDO": _item_model(item),
            "sellerDO": {
                "sellerId": seller.user,
                "nick": seller.name,
                "uniqueName": seller.name,
                "city": "杭州",
                "publishCity": "杭州",
                "portraitUrl": "",
                "itemCount": sum(one.seller == seller.user for one in self._world.items.values()),
            },
            "trackParams": {},
        }


def _item_model(item: Item) -> dict[str, Any]:
    return {
        "itemId": item.id,
        "title": item.title,
        "desc": f"{item.title}，拍下即发，有问题请留言。",
        "soldPrice": item.price,
        "defaultPrice": item.price,
        "originalPrice": item.price,
        "quantity": item.quantity,
        "wantCnt": 3,
        "collectCnt": 1,
        "browseCnt": 42,
        "soldCnt": 0,
        "itemStatus": 0,
        "itemStatusStr": "在线",
        "imageInfos": [
            {"url": item.picture, "widthSize": "1080", "heightSize": "1440", "major": True}
        ],
        "itemLabelExtList": [],
        "cpvLabels": [],
        "skuList": [],
        "gmtCreate": 1_790_000_000_000,
    }


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
        cookies=_cookies(request.headers.get("Cookie", "")),
    )


def _cookies(header: str) -> dict[str, str]:
    """Raw values, the first `=` separates; the last of several equal names wins."""
    pairs = (piece.strip().partition("=") for piece in header.split(";"))
    return {name: value for name, sign, value in pairs if sign and name}


def _set_cookies(response: web.Response, cookies: dict[str, str]) -> None:
    """One header each, for the platform's own domain, as the gateway does."""
    for name, value in cookies.items():
        line = f"{name}={value};Path=/;Domain=.goofish.com;Max-Age=604800"
        response.headers.add("Set-Cookie", line)


class Passport:
    """`/newlogin/hasLogin.do`: says whether the login still holds and renews side cookies."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def has_login(self, request: web.Request) -> web.Response:
        cookies = _cookies(request.headers.get("Cookie", ""))
        seller = self._world.sellers.get(cookies.get("unb", ""))
        fine = seller is not None and seller.logged_in and cookies.get("cookie2") == seller.cookie2
        answer = {"content": {"data": {}, "status": 0, "success": fine}, "hasError": False}
        response = web.json_response(answer)
        if fine:
            _set_cookies(response, {"sgcookie": "E100" + secrets.token_urlsafe(24)})
        return response
