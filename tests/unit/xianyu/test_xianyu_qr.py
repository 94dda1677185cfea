"""Logging in with a QR code, from the empty jar to the proven login."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_http import NOW, FakeHttp, With, cut, fake_http, redirect

from hub.errors import (
    AuthExpired,
    Malformed,
    PeerError,
    Rejected,
    Unreachable,
    VerificationNeeded,
)
from hub.xianyu import (
    NO_LOGIN,
    QR_LIFE,
    QrLogin,
    QrState,
    QrStep,
    Timing,
    check_proxy,
    open_qr_login,
)
from hub.xianyu.qr import as_field, read_htoken, read_login_form

FRAMES = Path(__file__).parents[2] / "conformance" / "frames"
GREETING = "/h5/mtop.gaia.nodejs.gaia.idle.data.gw.v2.index.get/1.0/"
PROFILE = "/h5/mtop.idle.web.user.page.nav/1.0/"
PAGE = "/mini_login.htm"
GENERATE = "/newlogin/qrcode/generate.do"
QUERY = "/newlogin/qrcode/query.do"
REDEEM = "/login_token/login.do"
CHECK = "/iv/photoVerify/check.do"
KEEP = "/ac/account/setLoginSettings.do"
IMAGE = "https://passport.goofish.com/qrcodeCheck.htm?lgToken=invented"
FORM = {"appName": "xianyu", "_csrf_token": "c-1", "hsiz": "h", "isMobile": False, "lang": "zh_CN"}
LOGIN_PAGE = f"<script>window.viewData = {json.dumps({'loginFormData': FORM})};</script>"
CODE = {"t": 1790000060123.0, "ck": "0011", "codeContent": IMAGE, "resultCode": 100}
LOGIN = ("unb=2200111122223; Path=/", "cookie2=real; Path=/; HttpOnly", "_tb_token_=tb")
SOLD = {"module": {"base": {"displayName": "鱼桥演示店"}}}


def content(**data: object) -> dict[str, object]:
    return {"content": {"data": data, "status": 0, "success": True}, "hasError": False}


def state(name: str) -> Any:
    return json.loads((FRAMES / f"d09-qr-{name}.json").read_text("utf-8"))["body"]


@pytest.fixture
def passport(platform: FakeHttp) -> FakeHttp:
    """Everything up to the code works, and so does what comes after the confirmation."""
    visitor = ("_m_h5_tk=guest_1", "cookie2=visitor", "cna=CNA1")
    platform.on(
        GREETING, With({"ret": ["FAIL_SYS_TOKEN_EMPTY::令牌为空"]}, visitor), {"ret": ["X"]}
    )
    platform.on(PAGE, With(LOGIN_PAGE, ("XSRF-TOKEN=xs-1",)))
    platform.on(GENERATE, content(**CODE))
    platform.on(QUERY, state("new"))
    platform.on("/im", With("<html>", ("havana_lgc2_77=long",)))
    platform.on(KEEP, With({"data": {"success": True}}, ("havana_lgc_exp=1792592000000",)))
    platform.api(SOLD, path=PROFILE)
    return platform


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def with_login(
    platform: FakeHttp, act: Callable[[QrLogin], Awaitable[Any]], **more: Any
) -> Any:
    timing = Timing(answer=3)
    more.setdefault("now", Clock())
    async with open_qr_login(platform.endpoints, timing=timing, **more) as login:
        return await act(login)


async def test_the_picture_holds_what_the_platform_said(passport: FakeHttp) -> None:
    async def act(login: QrLogin) -> None:
        assert login.image_text == IMAGE
        assert login.expires_at == NOW + QR_LIFE

    await with_login(passport, act)
    assert passport.of(GENERATE)[0].query["umidTag"] == "SERVER"
    assert passport.of(GENERATE)[0].query["isMobile"] == "false"


async def test_each_poll_repeats_the_login_form_and_the_code(passport: FakeHttp) -> None:
    await with_login(passport, lambda login: login.poll())
    form = passport.of(QUERY)[0].form
    assert (form["t"], form["ck"]) == ("1790000060123", "0011")
    assert (form["_csrf_token"], form["umidTag"], form["deviceId"]) == ("c-1", "SERVER", "CNA1")
    assert passport.of(QUERY)[0].headers["x-xsrf-token"] == "xs-1"


async def test_a_scan_and_its_confirmation_are_seen(passport: FakeHttp) -> None:
    passport.on(QUERY, state("new"), state("scanned"), state("confirmed"))

    async def act(login: QrLogin) -> list[QrState]:
        return [await login.poll() for _ in range(4)]

    steps = [one.step for one in await with_login(passport, act)]
    assert steps == [QrStep.NEW, QrStep.SCANNED, QrStep.CONFIRMED, QrStep.CONFIRMED]
    assert len(passport.of(QUERY)) == 3


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (state("expired"), QrStep.EXPIRED),
        (content(qrCodeStatus="CANCELED"), QrStep.CANCELLED),
        (content(qrCodeStatus="SCANNED"), QrStep.SCANNED),
        (content(qrCodeStatus="SOMETHING_NEW"), QrStep.NEW),
    ],
)
async def test_each_state_of_the_code_is_told(
    passport: FakeHttp, answer: object, step: QrStep
) -> None:
    passport.on(QUERY, answer)
    found = await with_login(passport, lambda login: login.poll())
    assert found == QrState(step)


async def test_an_old_code_is_expired_without_asking(passport: FakeHttp) -> None:
    clock = Clock()

    async def act(login: QrLogin) -> QrState:
        clock.now += QR_LIFE
        return await login.poll()

    assert (await with_login(passport, act, now=clock)).step is QrStep.EXPIRED
    assert not passport.of(QUERY)


async def test_a_few_broken_polls_change_nothing_and_many_end_it(passport: FakeHttp) -> None:
    passport.on(QUERY, {"content": {"data": {}}, "hasError": True})

    async def act(login: QrLogin) -> None:
        for _ in range(4):
            assert await login.poll() == QrState(QrStep.NEW)
        with pytest.raises(Malformed):
            await login.poll()

    await with_login(passport, act)


async def test_a_final_error_of_the_code_is_a_refusal(passport: FakeHttp) -> None:
    passport.on(QUERY, content(qrCodeStatus="ERROR", titleMsg="账号异常"))

    async def act(login: QrLogin) -> None:
        with pytest.raises(Rejected, match="账号异常"):
            await login.poll()

    await with_login(passport, act)


async def test_a_poll_without_an_answer_may_be_repeated(passport: FakeHttp) -> None:
    passport.on(QUERY, cut, state("scanned"))

    async def act(login: QrLogin) -> QrState:
        with pytest.raises(Unreachable):
            await login.poll()
        return await login.poll()

    assert (await with_login(passport, act)).step is QrStep.SCANNED


# --- The end of it ------------------------------------------------------------------------------


async def confirm_and_finish(login: QrLogin) -> tuple[str, str, str]:
    await login.poll()
    jar = await login.finish()
    return jar.user, jar.header(), login.name


async def test_a_confirmed_code_becomes_a_proven_login(passport: FakeHttp) -> None:
    passport.on(QUERY, With(state("confirmed"), LOGIN))
    user, line, name = await with_login(passport, confirm_and_finish)
    assert (user, name) == ("2200111122223", "鱼桥演示店")
    cookies = dict(piece.split("=", 1) for piece in line.split("; "))
    assert cookies["cookie2"] == "real"
    assert cookies["havana_lgc2_77"] == "long"
    assert cookies["havana_lgc_exp"] == "1792592000000"
    assert not passport.of(REDEEM)
    assert passport.of(KEEP)[0].form == {"status": "0"}
    assert "cookie2=real" in passport.of(PROFILE)[0].headers["cookie"]


@pytest.mark.parametrize("key", ["token", "lgToken"])
async def test_a_token_that_comes_with_the_confirmation_is_redeemed(
    passport: FakeHttp, key: str
) -> None:
    passport.on(QUERY, content(qrCodeStatus="CONFIRMED", **{key: "T-1"}))
    passport.on(REDEEM, With(content(), LOGIN))
    user, _, _ = await with_login(passport, confirm_and_finish)
    assert user == "2200111122223"
    (asked,) = passport.of(REDEEM)
    assert (asked.method, asked.query["token"], asked.query["confirm"]) == ("POST", "T-1", "true")


async def test_a_confirmation_without_a_user_is_no_login(passport: FakeHttp) -> None:
    passport.on(QUERY, state("confirmed"))

    async def act(login: QrLogin) -> None:
        with pytest.raises(Rejected) as caught:
            await confirm_and_finish(login)
        assert caught.value.code == NO_LOGIN

    await with_login(passport, act)


async def test_a_login_that_the_platform_does_not_know_is_not_handed_out(
    passport: FakeHttp,
) -> None:
    passport.on(QUERY, With(state("confirmed"), LOGIN))
    passport.api({}, ret="FAIL_SYS_SESSION_EXPIRED::Session过期", path=PROFILE)

    async def act(login: QrLogin) -> None:
        with pytest.raises(AuthExpired):
            await confirm_and_finish(login)

    await with_login(passport, act)


async def test_a_long_login_that_cannot_be_turned_on_spoils_nothing(passport: FakeHttp) -> None:
    passport.on(QUERY, With(state("confirmed"), LOGIN))
    passport.on(KEEP, "<html>")
    user, _, _ = await with_login(passport, confirm_and_finish)
    assert user == "2200111122223"


# --- Verification -------------------------------------------------------------------------------


async def test_a_demanded_check_is_waited_for_and_followed(passport: FakeHttp) -> None:
    passport.on(QUERY, state("verification"))
    passed = {"content": {"code": "3", "url": f"{passport.url}/ivCheckLogin?x=1"}}
    passport.on(CHECK, {"content": {"code": "0"}}, {"content": {"code": "99"}}, passed)
    passport.on("/ivCheckLogin", With("", LOGIN))
    clock = Clock()

    async def act(login: QrLogin) -> str:
        clock.now += timedelta(minutes=4)
        waiting = await login.poll()
        assert waiting.step is QrStep.VERIFICATION
        assert waiting.url.startswith("https://passport.goofish.com/iv/")
        assert login.expires_at == clock.now + QR_LIFE
        assert await login.poll() == waiting
        assert await login.check_verification() == waiting
        assert await login.check_verification() == waiting
        assert (await login.check_verification()).step is QrStep.CONFIRMED
        return (await login.finish()).user

    assert await with_login(passport, act, now=clock) == "2200111122223"
    assert passport.of(CHECK)[0].query == {"htoken": "INVENTED"}
    assert len(passport.of(QUERY)) == 1


async def test_the_page_of_a_check_tells_how_to_ask_for_it(passport: FakeHttp) -> None:
    url = f"{passport.url}/iv/page?havana_iv_token=first"
    passport.on(
        QUERY, content(qrCodeStatus="CONFIRMED", iframeRedirect=True, iframeRedirectUrl=url)
    )
    passport.on("/iv/page", redirect("/iv/face"))
    passport.on("/iv/face", '<script>var u = "/iv/photoVerify/check.do?htoken=second";</script>')
    passport.on(CHECK, {"content": {"code": "0"}})

    async def act(login: QrLogin) -> None:
        await login.poll()
        await login.check_verification()
        await login.check_verification()

    await with_login(passport, act)
    assert [one.query["htoken"] for one in passport.of(CHECK)] == ["second", "second"]
    assert len(passport.of("/iv/page")) == 1


async def test_a_check_that_takes_too_long_expires(passport: FakeHttp) -> None:
    passport.on(QUERY, state("verification"))
    clock = Clock()

    async def act(login: QrLogin) -> QrState:
        await login.poll()
        clock.now += QR_LIFE
        return await login.check_verification()

    assert (await with_login(passport, act, now=clock)).step is QrStep.EXPIRED
    assert not passport.of(CHECK)


async def test_a_check_demanded_at_the_very_end_is_told(passport: FakeHttp) -> None:
    passport.on(QUERY, content(qrCodeStatus="CONFIRMED", token="T-1"))
    passport.on(REDEEM, content(iframeRedirect=True, iframeRedirectUrl="https://iv"))

    async def act(login: QrLogin) -> None:
        with pytest.raises(VerificationNeeded) as caught:
            await confirm_and_finish(login)
        assert caught.value.url == "https://iv"

    await with_login(passport, act)


# --- Where cookies go ---------------------------------------------------------------------------


async def test_no_cookie_follows_a_redirect_to_a_foreign_host(passport: FakeHttp) -> None:
    """L14"""
    passport.on(QUERY, With(state("confirmed"), LOGIN))
    async with fake_http() as stranger:
        passport.on("/im", redirect(f"{stranger.url}/im"))
        await with_login(passport, confirm_and_finish)
        assert not stranger.seen


async def test_redirects_at_home_are_followed_and_end(passport: FakeHttp) -> None:
    passport.on(QUERY, state("confirmed"))
    passport.on("/im", redirect("/im/login"))
    passport.on("/im/login", With("", LOGIN))
    user, _, _ = await with_login(passport, confirm_and_finish)
    assert user == "2200111122223"
    passport.on(QUERY, With(state("confirmed"), LOGIN))
    passport.on("/im", redirect("/im"))
    await with_login(passport, confirm_and_finish)
    assert len(passport.of("/im")) < 10


async def test_two_logins_share_no_cookies(passport: FakeHttp) -> None:
    passport.on(QUERY, With(state("confirmed"), LOGIN))
    await with_login(passport, confirm_and_finish)
    done = len(passport.seen)
    await with_login(passport, lambda login: login.poll())
    assert "cookie" not in passport.seen[done].headers


# --- When it does not even begin ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "answer", "error"),
    [
        (
            GREETING,
            {"ret": ["FAIL_SYS_USER_VALIDATE"], "data": {"url": "https://x"}},
            VerificationNeeded,
        ),
        (PAGE, cut, Unreachable),
        (PAGE, "<html>without it</html>", Malformed),
        (PAGE, '<script src="/_____tmd_____/punish">', VerificationNeeded),
        (GENERATE, content(), Malformed),
        (GENERATE, {"content": {"success": False, "titleMsg": "RGV587_ERROR"}}, VerificationNeeded),
    ],
)
async def test_a_code_that_cannot_be_had_says_why(
    passport: FakeHttp, path: str, answer: object, error: type[PeerError]
) -> None:
    passport.on(path, answer)
    with pytest.raises(error):
        await with_login(passport, lambda login: login.poll())


@pytest.mark.parametrize(
    "page",
    [
        "",
        "window.viewData",
        "window.viewData = {broken",
        "window.viewData = {};",
        'window.viewData = {"loginFormData": []};',
        '{"loginFormData": {"a": 1}}',
    ],
)
def test_a_page_without_a_login_form_has_none(page: str) -> None:
    assert read_login_form(page) == {}


def test_moments_and_truth_values_are_sent_as_forms_send_them() -> None:
    values = [1790000060123.0, 1790000060123, True, False, "x", None, []]
    assert [as_field(value) for value in values] == [
        "1790000060123",
        "1790000060123",
        "true",
        "false",
        "x",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://h/iv?havana_iv_token=a", "a"),
        ("https://h/iv?havana_iv_token=a&htoken=b", "b"),
        ("https://h/iv", ""),
        ("http://[", ""),
    ],
)
def test_the_token_of_a_check_stands_in_its_address(url: str, token: str) -> None:
    assert read_htoken(url) == token


def test_a_proxy_for_the_login_is_checked_first() -> None:
    assert check_proxy(" socks5://u:p@127.0.0.1:1080 ") == "socks5://u:p@127.0.0.1:1080"
