"""Logging in with a QR code and renewing a login, as a browser without JavaScript does it."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import aiohttp
import pytest

from .client import SELLER, Browser, Rig

NAV = "mtop.idle.web.user.page.nav"
RENEW = "/newlogin/silentHasLogin.do"
SETTINGS = "/ac/account/setLoginSettings.do"


class Visitor:
    """Somebody without a login, and one jar for all of it."""

    def __init__(self, rig: Rig, cookies: str = "") -> None:
        self.http = rig.http
        self.origin = rig.sandbox.urls["passport_url"]
        self.jar = dict(piece.split("=", 1) for piece in cookies.split("; ") if piece)
        self.form: dict[str, str] = {}

    async def ask(
        self,
        path: str,
        *,
        query: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> tuple[str, aiohttp.ClientResponse]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}
        method = "GET" if form is None else "POST"
        url = path if path.startswith("http") else self.origin + path
        async with self.http.request(
            method, url, params=query, data=form, headers=headers, allow_redirects=False
        ) as response:
            for line in response.headers.getall("Set-Cookie", []):
                name, _, rest = line.partition("=")
                self.jar[name] = rest.partition(";")[0]
            return await response.text(), response

    async def json(self, path: str, **how: Any) -> dict[str, Any]:
        text, _ = await self.ask(path, **how)
        return dict(json.loads(text))

    async def start(self) -> dict[str, Any]:
        """Open the login page and ask for a code."""
        page, _ = await self.ask("/mini_login.htm", query={"appName": "xianyu"})
        found = re.search(r"window\.viewData = (\{.*\});</script>", page)
        assert found is not None
        fields = json.loads(found[1])["loginFormData"]
        self.form = {name: str(value) for name, value in fields.items()}
        answer = await self.json("/newlogin/qrcode/generate.do", query=self.form)
        code = dict(answer["content"]["data"])
        self.form |= {"t": code["t"], "ck": code["ck"]}
        return code

    async def poll(self) -> dict[str, Any]:
        return await self.json("/newlogin/qrcode/query.do", form=self.form)

    async def state(self) -> str:
        return str((await self.poll())["content"]["data"]["qrCodeStatus"])

    def browser(self, rig: Rig) -> Browser:
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        return Browser(rig.http, rig.sandbox.urls["mtop_url"], cookies)


async def test_a_scanned_and_confirmed_code_logs_the_sellers_jar_in(rig: Rig) -> None:
    visitor = Visitor(rig)
    code = await visitor.start()
    assert "qrcodeCheck.htm?lgToken=" in code["codeContent"]
    assert code["t"].isdigit()
    assert await visitor.state() == "NEW"
    await rig.admin("POST", "/qr/latest/scan", {"seller": SELLER})
    assert await visitor.state() == "SCANED"
    assert "unb" not in visitor.jar
    await rig.admin("POST", f"/qr/{code['ck']}/confirm")
    assert await visitor.state() == "CONFIRMED"
    assert visitor.jar["unb"] == SELLER
    base = (await visitor.browser(rig).data(NAV))["module"]["base"]
    assert base["displayName"] == "鱼桥演示店"


async def test_whoever_scans_is_the_one_who_is_logged_in(rig: Rig) -> None:
    other = await rig.admin("POST", "/sellers", {"name": "另一家"})
    visitor = Visitor(rig)
    await visitor.start()
    await rig.admin("POST", "/qr/latest/scan", {"seller": SELLER})
    await rig.admin("POST", "/qr/latest/confirm", {"seller": other["user"]})
    await visitor.poll()
    assert visitor.jar["unb"] == other["user"]


@pytest.mark.parametrize(("what", "state"), [("cancel", "CANCELED"), ("expire", "EXPIRED")])
async def test_a_code_can_be_refused_or_run_out(rig: Rig, what: str, state: str) -> None:
    visitor = Visitor(rig)
    await visitor.start()
    await rig.admin("POST", f"/qr/latest/{what}")
    assert await visitor.state() == state
    await rig.admin("POST", "/qr/latest/confirm", status=400)
    assert "unb" not in visitor.jar


async def test_a_code_runs_out_by_itself(rig: Rig) -> None:
    visitor = Visitor(rig)
    await visitor.start()
    await rig.manners(qr_seconds=0)
    assert await visitor.state() == "EXPIRED"
    await rig.admin("GET", "/qr/wait?timeout=0", status=408)


async def test_a_session_may_have_to_be_fetched_with_a_token(rig: Rig) -> None:
    await rig.manners(qr_login="token")
    visitor = Visitor(rig)
    await visitor.start()
    await rig.admin("POST", "/qr/latest/confirm")
    token = (await visitor.poll())["content"]["data"]["token"]
    assert "unb" not in visitor.jar
    stranger = Visitor(rig)
    path = "/login_token/login.do"
    assert not (await stranger.json(path, query={"token": token}, form={}))["content"]["success"]
    assert (await visitor.json(path, query={"token": token}, form={}))["content"]["success"]
    assert visitor.jar["unb"] == SELLER
    assert not (await visitor.json(path, query={"token": token}, form={}))["content"]["success"]


async def test_a_check_of_the_person_comes_before_the_login(rig: Rig) -> None:
    visitor = Visitor(rig)
    await visitor.start()
    await rig.admin("POST", "/qr/latest/verify")
    told = (await visitor.poll())["content"]["data"]
    assert (told["qrCodeStatus"], told["iframeRedirect"]) == ("CONFIRMED", True)
    assert "unb" not in visitor.jar
    page, _ = await visitor.ask(told["iframeRedirectUrl"])
    check = re.search(r'checkUrl = "([^"]+)"', page)
    assert check is not None
    assert (await visitor.json(check[1]))["content"] == {"code": "0"}
    await rig.admin("POST", "/qr/latest/pass")
    assert (await Visitor(rig).json(check[1]))["content"]["code"] == "9"
    passed = (await visitor.json(check[1]))["content"]
    assert passed["code"] == "3"
    _, response = await visitor.ask(passed["url"])
    assert response.status == 302
    assert visitor.jar["unb"] == SELLER
    assert (await visitor.browser(rig).ret(NAV)) == "SUCCESS"


async def test_another_jar_or_another_stamp_cannot_ask_for_the_code(rig: Rig) -> None:
    visitor, thief = Visitor(rig), Visitor(rig)
    await visitor.start()
    await thief.start()
    own = thief.form
    thief.form = visitor.form
    await rig.admin("POST", f"/qr/{visitor.form['ck']}/confirm")
    assert (await thief.poll())["hasError"] is True
    assert "unb" not in thief.jar
    thief.form = {**own, "t": f"{own['t']}.0"}
    assert (await thief.poll())["hasError"] is True
    assert await visitor.state() == "CONFIRMED"


async def test_polls_can_err_and_say_what_nobody_knows(rig: Rig) -> None:
    visitor = Visitor(rig)
    await visitor.start()
    await rig.admin("POST", "/faults", {"kind": "qr_error", "times": 2})
    await rig.admin("POST", "/faults", {"kind": "qr_status", "reason": "WONDERING"})
    assert [(await visitor.poll())["hasError"] for _ in range(2)] == [True, True]
    assert [await visitor.state() for _ in range(2)] == ["WONDERING", "NEW"]


async def test_the_waiting_code_is_told_to_whoever_waits_for_it(rig: Rig) -> None:
    await rig.admin("GET", "/qr/wait?timeout=0", status=408)
    visitor = Visitor(rig)
    await visitor.start()
    told = await rig.admin("GET", "/qr/wait")
    assert (told["code"]["ck"], told["code"]["state"]) == (visitor.form["ck"], "NEW")
    url = f"{rig.sandbox.urls['playground_url']}playground/state"
    async with rig.http.get(url) as response:
        page = (await response.json())["qr"]
    assert (page["ck"], page["sellers"][0]["user"]) == (visitor.form["ck"], SELLER)


# --- renewal ---


async def test_an_ended_login_is_over_everywhere_and_a_new_one_is_good(rig: Rig) -> None:
    first = Visitor(rig)
    await first.start()
    await rig.admin("POST", "/qr/latest/confirm")
    await first.poll()
    await rig.admin("POST", f"/sellers/{SELLER}/login", {"logged_in": False})
    for browser in (rig.browser, first.browser(rig)):
        assert await browser.ret(NAV) == "FAIL_SYS_SESSION_EXPIRED"
    second = Visitor(rig)
    await second.start()
    await rig.admin("POST", "/qr/latest/confirm")
    await second.poll()
    assert await second.browser(rig).ret(NAV) == "SUCCESS"
    assert await first.browser(rig).ret(NAV) == "FAIL_SYS_SESSION_EXPIRED"


async def test_a_long_login_renews_only_where_the_platform_lets_it(rig: Rig) -> None:
    seller = Visitor(rig, rig.sandbox.cookies(SELLER))
    before = seller.jar["cookie2"]
    assert (await seller.json(RENEW, query={"ltl": "true"}, form={}))["content"]["success"]
    assert int(seller.jar["sdkSilent"]) > time.time() * 1000
    login = f"/sellers/{SELLER}/login"
    await rig.admin("POST", login, {"logged_in": False})
    assert not (await seller.json(RENEW, query={"ltl": "true"}, form={}))["content"]["success"]
    await rig.admin("POST", login, {"logged_in": False, "renewable": True})
    both = {"skipSessionFilter": "true", "c2r": "true"}
    assert not (await seller.json(RENEW, query=both, form={}))["content"]["success"]
    assert (await seller.json(RENEW, query={"ltl": "true"}, form={}))["content"]["success"]
    assert seller.jar["cookie2"] != before
    assert await seller.browser(rig).ret(NAV) == "SUCCESS"


async def test_the_long_login_is_switched_on_by_a_good_login_only(rig: Rig) -> None:
    seller = Visitor(rig, rig.sandbox.cookies(SELLER))
    del seller.jar["havana_lgc2_77"], seller.jar["havana_lgc_exp"]
    asked = await seller.json("/ac/account/queryLoginSettings.do", form={})
    assert asked["returnValue"] == {"canOpenLongLogin": True, "hasLongTokenLogin": False}
    assert (await seller.json(SETTINGS, form={"status": "0"}))["data"]["success"]
    assert seller.jar["havana_lgc2_77"].endswith("=")
    stranger = Visitor(rig, f"unb={SELLER}; cookie2=0")
    assert not (await stranger.json(SETTINGS, form={"status": "0"}))["content"]["success"]


async def test_the_chat_page_sets_its_cookie_for_a_good_login(rig: Rig) -> None:
    seller, stranger = Visitor(rig, rig.sandbox.cookies(SELLER)), Visitor(rig)
    await seller.ask("/im")
    await stranger.ask("/im")
    assert "cookie3_bak_exp" in seller.jar
    assert stranger.jar == {}


@pytest.mark.parametrize("kind", ["passport_html", "passport_refused"])
async def test_the_passport_can_be_of_no_help(rig: Rig, kind: str) -> None:
    seller = Visitor(rig, rig.sandbox.cookies(SELLER))
    await rig.fault(kind, subject="hasLogin.do")
    text, _ = await seller.ask("/newlogin/hasLogin.do", form={})
    assert text.startswith("<html>") or json.loads(text)["content"]["success"] is False
    assert (await seller.json("/newlogin/hasLogin.do", form={}))["content"]["success"]


async def test_a_visitor_gets_its_signing_token_before_any_login(rig: Rig) -> None:
    browser = Browser(rig.http, rig.sandbox.urls["mtop_url"], "cna=1")
    home = "mtop.gaia.nodejs.gaia.idle.data.gw.v2.index.get"
    assert await browser.ret(home, bizScene="home") == "SUCCESS"
    assert browser.cookies["_m_h5_tk"]
    assert await browser.ret(NAV) == "FAIL_SYS_SESSION_EXPIRED"
