"""Renewing a login: what is asked, when it is not, and what the answers mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web
from fake_http import COOKIES, NOW, FakeHttp, With, client_at, cut

from hub.errors import Malformed, PeerError, Unreachable, VerificationNeeded
from hub.xianyu import Client

FRAMES = Path(__file__).parents[2] / "conformance" / "frames"
HAS = "/newlogin/hasLogin.do"
SILENT = "/newlogin/silentHasLogin.do"
KEEP = "/ac/account/setLoginSettings.do"
GOOD = json.loads((FRAMES / "d10-has-login.json").read_text("utf-8"))["body"]
BAD = {"content": {"success": False, "data": {}, "titleMsg": "请重新登录"}, "hasError": False}
FULL = f"{COOKIES}; XSRF-TOKEN=xs-1; cna=CNA1; _tb_token_=tb1"
LATER = round(NOW.timestamp() * 1000) + 60_000
BEFORE = LATER - 120_000


async def test_a_login_that_holds_is_freshened(platform: FakeHttp) -> None:
    saved: list[str] = []
    platform.on(HAS, With(GOOD, ("sgcookie=E2; Path=/; Domain=.goofish.com",)))
    async with client_at(platform.endpoints, FULL, saved=saved) as client:
        assert await client.has_login() is True
    assert saved == [FULL + "; sgcookie=E2"]
    (asked,) = platform.seen
    assert (asked.method, asked.query) == ("POST", {"appName": "xianyu", "fromSite": "77"})
    assert asked.headers["x-xsrf-token"] == "xs-1"
    assert asked.headers["cookie"] == FULL
    form = asked.form
    assert (form["hid"], form["hsiz"], form["deviceId"]) == ("2200111122223", "1a2b", "CNA1")
    assert (form["_csrf_token"], form["ltl"]) == ("xs-1", "true")


async def test_without_the_first_csrf_cookie_the_second_serves(platform: FakeHttp) -> None:
    platform.on(HAS, GOOD)
    async with client_at(platform.endpoints, f"{COOKIES}; _tb_token_=tb1") as client:
        await client.has_login()
    assert platform.seen[0].form["_csrf_token"] == "tb1"
    assert "x-xsrf-token" not in platform.seen[0].headers


@pytest.mark.parametrize("path", [HAS, KEEP])
async def test_a_login_that_is_over_is_no_error(
    platform: FakeHttp, client: Client, path: str
) -> None:
    platform.on(path, BAD)
    ask = client.has_login if path == HAS else client.keep_logged_in
    assert await ask() is False


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        ({"havana_lgc_exp": LATER}, {"ltl": "true"}),
        ({"havana_lgc_exp": LATER // 1000}, {"ltl": "true"}),
        ({"havana_lgc_exp": LATER, "cookie3_bak_exp": LATER}, {"ltl": "true"}),
        ({"cookie3_bak_exp": LATER}, {"skipSessionFilter": "true", "c2r": "true"}),
        (
            {"havana_lgc_exp": BEFORE, "cookie3_bak_exp": LATER, "sdkSilent": BEFORE},
            {"skipSessionFilter": "true", "c2r": "true"},
        ),
    ],
)
async def test_a_silent_renewal_says_which_cookie_carries_it(
    platform: FakeHttp, cookies: dict[str, int], expected: dict[str, str]
) -> None:
    platform.on(SILENT, GOOD)
    line = COOKIES + "".join(f"; {name}={value}" for name, value in cookies.items())
    async with client_at(platform.endpoints, line) as client:
        assert await client.silent_has_login() is True
    query = platform.seen[0].query
    assert {name: query[name] for name in expected} == expected
    modes = {"ltl", "skipSessionFilter", "c2r"}
    assert modes & set(query) == set(expected)


@pytest.mark.parametrize(
    "cookies",
    [
        "",
        f"; havana_lgc_exp={BEFORE}; cookie3_bak_exp={BEFORE}",
        f"; havana_lgc_exp={LATER}; sdkSilent={LATER}",
        "; havana_lgc_exp=soon",
    ],
)
async def test_a_silent_renewal_that_is_not_due_asks_nothing(
    platform: FakeHttp, cookies: str
) -> None:
    async with client_at(platform.endpoints, COOKIES + cookies) as client:
        assert await client.silent_has_login() is None
    assert not platform.seen


async def test_the_long_login_brings_its_cookie(platform: FakeHttp) -> None:
    saved: list[str] = []
    answer = With({"data": {"success": "true"}}, ("havana_lgc2_77=long==",))
    platform.on(KEEP, answer)
    async with client_at(platform.endpoints, saved=saved) as client:
        assert await client.keep_logged_in() is True
    assert saved == [COOKIES + "; havana_lgc2_77=long=="]
    assert platform.seen[0].form == {"status": "0"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (cut, Unreachable),
        (lambda _: web.Response(status=503), Unreachable),
        ({"content": {"success": False}, "hasError": True}, Unreachable),
        ({"hasError": True}, Unreachable),
        ("<html>login</html>", Malformed),
        ({}, Malformed),
        ([1], Malformed),
        ({"content": {"success": False, "msg": "RGV587_ERROR::SM::x"}}, VerificationNeeded),
        ({"ret": ["FAIL_SYS_USER_VALIDATE"], "data": {"url": "https://x"}}, VerificationNeeded),
        ('<script src="/_____tmd_____/punish">', VerificationNeeded),
    ],
)
async def test_trouble_at_the_passport_is_told_apart(
    platform: FakeHttp, client: Client, answer: object, error: type[PeerError]
) -> None:
    platform.on(HAS, answer)
    with pytest.raises(error):
        await client.has_login()
    assert len(platform.seen) == 1
