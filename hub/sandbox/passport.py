"""The passport: logging in with a QR code that somebody scans by hand, and renewing a login."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from hub.sandbox.doors import Route, cookies_in, html, set_cookies
from hub.sandbox.faults import Faults
from hub.sandbox.lines import Lines
from hub.sandbox.logins import Logins
from hub.sandbox.manners import Manners
from hub.sandbox.world import World, now_ms

NEW, SCANNED, CONFIRMED = "NEW", "SCANED", "CONFIRMED"
EXPIRED, CANCELLED, VERIFYING = "EXPIRED", "CANCELED", "VERIFYING"
PENDING = (NEW, SCANNED, VERIFYING)
KEPT_CODES = 200
_VERIFY_PATH = "/iv/mini/identity_verify.htm"


@dataclass(slots=True)
class QrCode:
    """One code on somebody's screen, and what the phone has done with it."""

    ck: str
    t: str
    session: str
    """`cookie2` of the jar that asked for it; no other jar may go on with it."""
    csrf: str
    made_at: int
    state: str = NEW
    seller: str = ""
    """Who scanned it."""
    verify_token: str = ""
    verified: bool = False
    """The check of the face is over; only then does the jar get its login."""
    login_token: str = ""
    polls: int = 0


class Passport:
    """Answers everything at the passport's origin. Faults carry the last part of the path."""

    def __init__(
        self,
        world: World,
        logins: Logins,
        lines: Lines,
        faults: Faults,
        manners: Manners,
        origin: Callable[[], str],
    ) -> None:
        self._world = world
        self._logins = logins
        self._lines = lines
        self._faults = faults
        self._manners = manners
        self._origin = origin
        self.codes: dict[str, QrCode] = {}
        """By `ck`, oldest first."""

    def attach(self, app: web.Application) -> None:
        routes: dict[tuple[str, str], Route] = {
            ("GET", "/mini_login.htm"): self._mini_login,
            ("GET", "/newlogin/qrcode/generate.do"): self._generate,
            ("POST", "/newlogin/qrcode/query.do"): self._query,
            ("GET", "/qrcodeCheck.htm"): self._scanned_with_a_real_phone,
            ("POST", "/login_token/login.do"): self._token_login,
            ("GET", _VERIFY_PATH): self._verify_page,
            ("GET", "/iv/photoVerify/check.do"): self._verify_check,
            ("GET", "/iv/ivCheckLogin.htm"): self._verified_login,
            ("GET", "/im"): self._chat_page,
            ("POST", "/newlogin/hasLogin.do"): self._has_login,
            ("POST", "/newlogin/silentHasLogin.do"): self._silent_has_login,
            ("POST", "/ac/account/setLoginSettings.do"): self._set_login_settings,
            ("POST", "/ac/account/queryLoginSettings.do"): self._query_login_settings,
        }
        for (method, path), route in routes.items():
            app.router.add_route(method, path, self._guarded(route))

    def _guarded(self, route: Route) -> Route:
        async def guarded(request: web.Request) -> web.StreamResponse:
            user = _jar(request).get("unb", "")
            name = request.path.rpartition("/")[2]
            if self._lines.down:
                return web.Response(status=503, text="Service Unavailable")
            if late := self._faults.take(user, "passport_delay", name):
                await asyncio.sleep(late.seconds)
            if self._faults.take(user, "passport_html", name):
                return html("<html><body>系统繁忙</body></html>")
            if self._faults.take(user, "passport_refused", name):
                return _refused("系统繁忙，请稍后再试")
            return await route(request)

        return guarded

    # --- what a phone does ---

    def act(self, ck: str, what: str, seller: str = "") -> QrCode:
        """Scan, confirm, cancel, expire, verify (ask for a check) or pass (the check) by hand.

        `ck` may be `latest`. Raises KeyError for an unknown code, ValueError for what cannot be.
        """
        code = self.find(ck)
        if seller:
            code.seller = self._world.seller(seller).user
        code.seller = code.seller or next(iter(self._world.sellers), "")
        self._age(code)
        possible: dict[str, tuple[tuple[str, ...], str]] = {
            "scan": ((NEW,), SCANNED),
            "confirm": ((NEW, SCANNED), CONFIRMED),
            "cancel": (PENDING, CANCELLED),
            "expire": (PENDING, EXPIRED),
            "verify": ((NEW, SCANNED), VERIFYING),
            "pass": ((VERIFYING,), VERIFYING),
        }
        if what not in possible:
            raise ValueError(f"do one of {', '.join(possible)}")
        allowed, state = possible[what]
        if code.state not in allowed:
            raise ValueError(f"a code that is {code.state} cannot do that")
        code.state = state
        if what == "verify":
            code.verify_token = secrets.token_urlsafe(24)
        code.verified = code.verified or what == "pass"
        self._world.bell.ring()
        return code

    def find(self, ck: str) -> QrCode:
        """Raises KeyError with a sentence when there is no such code."""
        if ck == "latest" and self.codes:
            return self.codes[next(reversed(self.codes))]
        if ck not in self.codes:
            raise KeyError(f"no QR code {ck!r}")
        return self.codes[ck]

    def pending(self) -> QrCode | None:
        """The newest code that still waits for its phone."""
        for code in reversed(self.codes.values()):
            self._age(code)
            if code.state in PENDING and not code.verified:
                return code
        return None

    def _age(self, code: QrCode) -> None:
        late = now_ms() - code.made_at >= self._manners.qr_seconds * 1000
        if late and code.state in (NEW, SCANNED):
            code.state = EXPIRED

    # --- QR login ---

    async def _mini_login(self, request: web.Request) -> web.Response:
        csrf, session = secrets.token_hex(16), secrets.token_hex(16)
        form = {
            "appName": "xianyu",
            "appEntrance": "web",
            "_csrf_token": csrf,
            "umidToken": secrets.token_hex(20),
            "hsiz": session,
            "bizParams": "taobaoBizLoginFrom=web",
            "mainPage": False,
            "isMobile": False,
            "lang": "zh_CN",
            "returnUrl": "",
            "fromSite": 77,
        }
        view = {"appConfig": {"title": "扫码登录"}, "loginFormData": form, "errors": {}}
        text = json.dumps(view, ensure_ascii=False)
        response = html(f"<html><script>window.viewData = {text};</script><body></body></html>")
        cookies = {"XSRF-TOKEN": csrf, "_tb_token_": secrets.token_hex(6), "cookie2": session}
        set_cookies(response, cookies)
        return response

    async def _generate(self, request: web.Request) -> web.Response:
        jar = _jar(request)
        csrf = request.query.get("_csrf_token", "")
        if not jar.get("cookie2") or not csrf or csrf != jar.get("XSRF-TOKEN"):
            return _answer({}, success=False, error=True)
        at = now_ms()
        code = QrCode("0011" + secrets.token_hex(16), str(at), jar["cookie2"], csrf, at)
        self.codes[code.ck] = code
        while len(self.codes) > KEPT_CODES:
            del self.codes[next(iter(self.codes))]
        self._world.bell.ring()
        return _answer(
            {
                "t": code.t,
                "ck": code.ck,
                "codeContent": f"{self._origin()}/qrcodeCheck.htm?lgToken={code.ck}",
                "resultCode": 100,
                "processFinished": False,
            }
        )

    async def _query(self, request: web.Request) -> web.Response:
        form = await request.post()
        code = self.codes.get(str(form.get("ck", "")))
        mine = code is not None and (
            form.get("t"),
            form.get("_csrf_token"),
            _jar(request).get("cookie2"),
        ) == (code.t, code.csrf, code.session)
        if code is None or not mine or self._faults.take("", "qr_error"):
            return _answer({}, success=False, error=True)
        code.polls += 1
        self._age(code)
        if fault := self._faults.take("", "qr_status"):
            return _status(fault.reason)
        if code.state == VERIFYING:
            url = f"{self._origin()}{_VERIFY_PATH}?havana_iv_token={code.verify_token}"
            told = {"qrCodeStatus": CONFIRMED, "iframeRedirect": True, "iframeRedirectUrl": url}
            return _answer(told)
        if code.state != CONFIRMED:
            return _status(code.state)
        if self._manners.qr_login == "token":
            code.login_token = code.login_token or secrets.token_urlsafe(24)
            return _status(CONFIRMED, token=code.login_token)
        response = _status(CONFIRMED)
        set_cookies(response, self._logins.issue(code.seller))
        return response

    async def _scanned_with_a_real_phone(self, _request: web.Request) -> web.Response:
        return html("<html><meta charset=utf-8><body>请在沙盒试玩页上扫码</body></html>")

    async def _token_login(self, request: web.Request) -> web.Response:
        token = request.query.get("token", "")
        for code in self.codes.values():
            if token and code.login_token == token and self._same_jar(code, request):
                code.login_token = ""
                response = _answer({})
                set_cookies(response, self._logins.issue(code.seller))
                return response
        return _refused("登录凭证无效")

    # --- verification ---

    async def _verify_page(self, request: web.Request) -> web.Response:
        code = self._verifying(request.query.get("havana_iv_token", ""))
        if code is None:
            return html("<html><meta charset=utf-8><body>页面已失效</body></html>")
        check = f"/iv/photoVerify/check.do?htoken={code.verify_token}"
        return html(
            "<html><meta charset=utf-8><body><p>请用手机完成人脸验证</p>"
            f'<script>window.checkUrl = "{check}";</script></body></html>'
        )

    async def _verify_check(self, request: web.Request) -> web.Response:
        code = self._verifying(request.query.get("htoken", ""))
        if code is None or not self._same_jar(code, request):
            return web.json_response({"content": {"code": "9"}, "hasError": True})
        if not code.verified:
            return web.json_response({"content": {"code": "0"}, "hasError": False})
        url = f"{self._origin()}/iv/ivCheckLogin.htm?ivToken={code.verify_token}"
        return web.json_response({"content": {"code": "3", "url": url}, "hasError": False})

    async def _verified_login(self, request: web.Request) -> web.Response:
        code = self._verifying(request.query.get("ivToken", ""))
        if code is None or not code.verified or not self._same_jar(code, request):
            return html("<html><meta charset=utf-8><body>页面已失效</body></html>")
        code.state = CONFIRMED
        response = web.Response(status=302, headers={"Location": f"{self._origin()}/im"})
        set_cookies(response, self._logins.issue(code.seller))
        return response

    def _verifying(self, token: str) -> QrCode | None:
        for code in self.codes.values():
            if token and code.verify_token == token and code.state == VERIFYING:
                return code
        return None

    def _same_jar(self, code: QrCode, request: web.Request) -> bool:
        return _jar(request).get("cookie2") == code.session

    async def _chat_page(self, request: web.Request) -> web.Response:
        response = html("<html><meta charset=utf-8><body>闲鱼消息</body></html>")
        if self._logins.holds(_jar(request)):
            set_cookies(response, {"cookie3_bak_exp": str(now_ms() + 86_400_000)})
        return response

    # --- renewal ---

    async def _has_login(self, request: web.Request) -> web.Response:
        if self._logins.holds(_jar(request)) is None:
            return _answer({}, success=False)
        response = _answer({})
        set_cookies(response, {"sgcookie": "E100" + secrets.token_urlsafe(24)})
        return response

    async def _silent_has_login(self, request: web.Request) -> web.Response:
        """Either mode needs the cookie that it relies on, still in the future."""
        jar, query = _jar(request), request.query
        havana = query.get("ltl") == "true" and _in_future(jar.get("havana_lgc_exp"))
        backup = query.get("c2r") == "true" and _in_future(jar.get("cookie3_bak_exp"))
        renewed = self._logins.renew(jar) if havana or backup else None
        if renewed is None:
            return _refused("登录已失效，请重新登录")
        response = _answer({})
        set_cookies(response, {**renewed, "sdkSilent": str(now_ms() + 86_400_000)})
        return response

    async def _set_login_settings(self, request: web.Request) -> web.Response:
        seller = self._logins.holds(_jar(request))
        form = await request.post()
        if seller is None or form.get("status") not in ("0", "1"):
            return _refused("登录已失效，请重新登录")
        response = _answer({"success": True}, data={"success": True})
        if form.get("status") == "0":
            set_cookies(response, self._logins.long_login(seller.user))
        return response

    async def _query_login_settings(self, request: web.Request) -> web.Response:
        jar = _jar(request)
        if self._logins.holds(jar) is None:
            return _refused("登录已失效，请重新登录")
        settings = {
            "canOpenLongLogin": True,
            "hasLongTokenLogin": _in_future(jar.get("havana_lgc_exp")),
        }
        told = {"returnValue": settings}
        return _answer(told, data=told, returnValue=settings)


def _jar(request: web.Request) -> dict[str, str]:
    return cookies_in(request.headers.get("Cookie", ""))


def _answer(
    inner: Mapping[str, Any], *, success: bool = True, error: bool = False, **outer: Any
) -> web.Response:
    content = {"data": inner, "status": 0, "success": success}
    return web.json_response({"content": content, "hasError": error, **outer})


def _refused(words: str) -> web.Response:
    content = {"data": {}, "status": 0, "success": False, "titleMsg": words}
    return web.json_response({"content": content, "hasError": False})


def _status(state: str, **more: Any) -> web.Response:
    return _answer({"qrCodeStatus": state, "resultCode": 100, **more})


def _in_future(stamp: str | None) -> bool:
    return stamp is not None and stamp.isdigit() and int(stamp) > now_ms()
