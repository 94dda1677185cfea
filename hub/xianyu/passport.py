"""The passport: where logins are proven, renewed and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from hub.errors import Unreachable
from hub.xianyu.browser import Browser
from hub.xianyu.endpoints import SITE, Endpoints
from hub.xianyu.shapes import Map, as_int, as_map
from hub.xianyu.verdicts import PEER, find_reason, judge_page, judge_passport

_TRUE = (True, "true")


class Passport:
    """The passport as one account, or a browser that is about to log in, sees it."""

    def __init__(
        self, browser: Browser, endpoints: Endpoints, *, now: Callable[[], datetime]
    ) -> None:
        self._browser = browser
        self._origin = endpoints.passport_url.rstrip("/")
        self._now = now

    async def ask(
        self,
        op: str,
        path: str,
        query: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> Map:
        """One answer: a POST with a form, a GET without.

        All of these may be asked again, so no answer is Unreachable. Raises AuthExpired,
        VerificationNeeded, Throttled, Rejected, Malformed as well.
        """
        jar = self._browser.jar
        page = await self._browser.ask(
            op,
            "GET" if form is None else "POST",
            self._origin + path,
            query=query,
            form=form,
            headers={
                "origin": SITE,
                "referer": f"{SITE}/",
                **({"x-xsrf-token": token} if (token := jar.get("XSRF-TOKEN")) else {}),
            },
        )
        try:
            answer = as_map(json.loads(page.text))
        except (ValueError, RecursionError):
            error = judge_page(op, page.status, page.text, page.location)
            raise self._browser.noted(error) from None
        refusal = judge_passport(op, answer)
        if refusal is not None:
            raise self._browser.noted(refusal)
        return answer

    async def has_login(self) -> bool:
        """Whether the login still holds; if so, the answer freshens its cookies."""
        query = {"appName": "xianyu", "fromSite": "77"}
        form = self._login_form()
        return await self._whether("hasLogin", "/newlogin/hasLogin.do", query, form)

    async def silent_has_login(self) -> bool | None:
        """Renew the login by its long-lived cookies, as the page does when it is opened.

        None: not due, or no cookie is left that could do it; nothing was asked.
        """
        mode = self._silent_mode()
        if mode is None:
            return None
        query = {
            "documentReferer": f"{SITE}/",
            "appName": "xianyu",
            "appEntrance": "xianyu_sdkSilent",
            "fromSite": "0",
            **mode,
        }
        return await self._whether("silentHasLogin", "/newlogin/silentHasLogin.do", query, {})

    async def keep_logged_in(self) -> bool:
        """Turn the long login on, which gives cookies for thirty days."""
        query = {"fromSite": "77", "appName": "xianyu", "bizEntrance": "web"}
        path = "/ac/account/setLoginSettings.do"
        return await self._whether("setLoginSettings", path, query, {"status": "0"})

    async def _whether(
        self, op: str, path: str, query: Mapping[str, str], form: Mapping[str, str]
    ) -> bool:
        """A yes or no. The passport's own trouble is neither: it would look like a lost login."""
        answer = await self.ask(op, path, query, form)
        if has_error(answer):
            raise Unreachable(PEER, op, find_reason(answer.get("content")) or "trouble inside")
        return succeeded(answer)

    def _silent_mode(self) -> dict[str, str] | None:
        if self._lies_ahead("sdkSilent"):
            return None
        if self._lies_ahead("havana_lgc_exp"):
            return {"ltl": "true"}
        if self._lies_ahead("cookie3_bak_exp"):
            return {"skipSessionFilter": "true", "c2r": "true"}
        return None

    def _lies_ahead(self, cookie: str) -> bool:
        moment = read_stamp(self._browser.jar.get(cookie))
        return moment is not None and moment > self._now()

    def _login_form(self) -> dict[str, str]:
        jar = self._browser.jar
        return {
            "hid": jar.get("unb") or "",
            "ltl": "true",
            "appName": "xianyu",
            "appEntrance": "web",
            "_csrf_token": jar.get("XSRF-TOKEN") or jar.get("_tb_token_") or "",
            "umidToken": jar.get("_uab_collina") or "",
            "hsiz": jar.get("cookie2") or "",
            "bizParams": "taobaoBizLoginFrom=web",
            "mainPage": "false",
            "isMobile": "false",
            "lang": "zh_CN",
            "returnUrl": "",
            "fromSite": "77",
            "isIframe": "true",
            "documentReferer": f"{SITE}/",
            "defaultView": "hasLogin",
            "umidTag": "SERVER",
            "deviceId": jar.get("cna") or "",
        }


def has_error(answer: Map) -> bool:
    return answer.get("hasError") in _TRUE


def succeeded(answer: Map) -> bool:
    """The passport says it here or there, as a truth value or as text."""
    parts = (answer, as_map(answer.get("content")), as_map(answer.get("data")))
    return any(part.get("success") in _TRUE for part in parts)


def read_stamp(value: object) -> datetime | None:
    """The moment in a cookie, in seconds or milliseconds since 1970."""
    number = as_int(value)
    if number is None or not 10**9 < number < 10**13:
        return None
    return datetime.fromtimestamp(number / 1000 if number > 10**11 else number, UTC)
