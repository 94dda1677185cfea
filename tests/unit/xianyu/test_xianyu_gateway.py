"""The signed gateway over real HTTP: signatures, cookies, repetitions and refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub.errors import (
    AuthExpired,
    Malformed,
    PeerError,
    Rejected,
    Throttled,
    Uncertain,
    Unreachable,
    VerificationNeeded,
)
from hub.model import PlatformUser
from hub.xianyu import Client, CookieJar, Endpoints, Timing, new_device_id, open_http
from hub.xianyu.browser import Browser
from hub.xianyu.calls import Call
from hub.xianyu.mtop import Mtop
from hub.xianyu.sign import sign
from hub.xianyu.token import UNKNOWN_LIFE, read_expiry

FRAMES = Path(__file__).parents[2] / "conformance" / "frames"
NOW = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
COOKIES = "unb=2200111122223; cookie2=1a2b; _m_h5_tk=old_1"
SUCCESS = {"ret": ["SUCCESS::调用成功"], "data": {"userId": "2200111122223"}}
READ = "mtop.taobao.idlemessage.pc.loginuser.get"


def corpus(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((FRAMES / f"{name}.json").read_text("utf-8"))
    return case


class Gateway:
    """Answers in the order given; the last answer repeats."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[web.Request] = []
        self.bodies: list[str] = []
        self.answers: list[Callable[[web.Request], web.StreamResponse]] = []

    def answers_with(self, *answers: object, cookies: tuple[str, ...] = ()) -> None:
        for one in answers:
            self.answers.append(self._made(one, cookies))
            cookies = ()

    def _made(self, what: object, cookies: tuple[str, ...]) -> Any:
        def make(request: web.Request) -> web.StreamResponse:
            if callable(what):
                return what(request)
            text = what if isinstance(what, str) else json.dumps(what)
            response = web.Response(text=text)
            for line in cookies:
                response.headers.add("Set-Cookie", line)
            return response

        return make

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request)
        self.bodies.append((await request.post()).get("data", ""))
        make = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return make(request)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    fake = Gateway()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


class Account:
    def __init__(self, client: Client, mtop: Mtop, jar: CookieJar, saved: list[str]) -> None:
        self.client, self.mtop, self.jar, self.saved = client, mtop, jar, saved


@asynccontextmanager
async def account_at(url: str, cookies: str = COOKIES, answer: float = 3) -> AsyncIterator[Account]:
    saved: list[str] = []

    async def save(line: str) -> None:
        saved.append(line)

    jar = CookieJar.parse(cookies)
    endpoints = Endpoints(url, url, url, url)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        browser = Browser(http, endpoints, jar, on_cookies=save, answer_seconds=answer)
        mtop = Mtop(browser, endpoints, now=lambda: NOW)
        timing = Timing(answer=answer)
        client = Client(http, endpoints, jar, on_cookies=save, now=lambda: NOW, timing=timing)
        yield Account(client, mtop, jar, saved)


async def test_a_call_is_signed_over_exactly_what_is_sent(gateway: Gateway) -> None:
    gateway.answers_with(SUCCESS)
    async with account_at(gateway.url) as account:
        await account.mtop.call(Call(READ, "1.0", {"文": "a b&c=d%"}))
    call, body = gateway.calls[0], gateway.bodies[0]
    assert (call.method, call.path) == ("POST", f"/h5/{READ}/1.0/")
    assert body == '{"文":"a b&c=d%"}'
    assert call.query["sign"] == sign("old", call.query["t"], body)
    assert call.query["t"] == "1790000000000"
    assert (call.query["api"], call.query["appKey"]) == (READ, "34839810")
    assert call.headers["cookie"] == COOKIES


async def test_a_first_call_without_token_is_repeated_with_the_one_it_brought(
    gateway: Gateway,
) -> None:
    first = corpus("d01-first-call")
    gateway.answers_with(first["body"], SUCCESS, cookies=tuple(first["set_cookie"]))
    async with account_at(gateway.url, "unb=2200111122223; cookie2=1a2b") as account:
        assert await account.client.login_user() == "2200111122223"
    fresh = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    one, two = (call.query for call in gateway.calls)
    assert one["sign"] == sign("", one["t"], "{}")
    assert two["sign"] == sign(fresh, two["t"], "{}")
    assert f"_m_h5_tk={fresh}_1790000600000" in gateway.calls[1].headers["cookie"]
    assert len(account.saved) == 1


async def test_an_expired_token_without_a_new_one_is_dropped_to_get_one(gateway: Gateway) -> None:
    expired = corpus("d02-token-expired")["body"]
    first = corpus("d01-first-call")
    gateway.answers_with(expired)
    gateway.answers_with(first["body"], SUCCESS, cookies=tuple(first["set_cookie"]))
    async with account_at(gateway.url) as account:
        await account.client.login_user()
    tokens = ["_m_h5_tk" in call.headers["cookie"] for call in gateway.calls]
    assert tokens == [True, False, True]


async def test_repeating_has_an_end(gateway: Gateway) -> None:
    gateway.answers_with(corpus("d02-token-expired")["body"])
    async with account_at(gateway.url) as account:
        with pytest.raises(AuthExpired):
            await account.client.login_user()
    assert len(gateway.calls) == 4


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (corpus("d03-session-expired")["body"], AuthExpired),
        (corpus("d04-verification")["body"], VerificationNeeded),
        ({"ret": ["FAIL_SYS_ILLEGAL_ACCESS ::非法访问"]}, VerificationNeeded),
        ({"ret": ["SOME::x"], "data": {"url": "https://h/punish?x"}}, VerificationNeeded),
        ({"ret": ["RGV587_ERROR::SM::哎哟喂，被挤爆啦，请稍后重试"]}, VerificationNeeded),
        ({"ret": ["FAIL_SYS_TRAFFIC_LIMIT::限流"]}, Throttled),
        ({"ret": ["FAIL_SYS_TRAFFIC_LIMIT::哎哟喂,被挤爆啦,请稍后重试"]}, Throttled),
        ({"ret": ["哎哟喂,被挤爆啦,请稍后重试"]}, VerificationNeeded),
        ({"ret": ["FAIL_SYS_TIMEOUT::超时"]}, Unreachable),
        ({"ret": ["FAIL_BIZ_ITEM_NOT_FOUND::商品不存在"]}, Rejected),
        ({"ret": ["BARE_CODE"]}, Rejected),
        ({"ret": []}, Malformed),
        ({"ret": "SUCCESS"}, Malformed),
        ([1, 2], Malformed),
        ("<html>维护中</html>", Malformed),
        ('<script>location="/_____tmd_____/punish?x5secdata=a"</script>', VerificationNeeded),
    ],
)
async def test_a_refusal_is_told_apart_and_asked_once(
    gateway: Gateway, answer: object, error: type[PeerError]
) -> None:
    gateway.answers_with(answer)
    async with account_at(gateway.url) as account:
        with pytest.raises(error):
            await account.client.login_user()
    assert len(gateway.calls) == 1


async def test_a_verification_names_its_page(gateway: Gateway) -> None:
    case = corpus("d04-verification")
    gateway.answers_with(case["body"])
    async with account_at(gateway.url) as account:
        with pytest.raises(VerificationNeeded) as caught:
            await account.client.im_token("D-1")
    assert caught.value.url == case["outcome"]["url"]


@pytest.mark.parametrize("body", [SUCCESS, {"ret": ["FAIL_BIZ_X::no"]}, "<html>"])
async def test_cookies_are_kept_whatever_the_answer_says(gateway: Gateway, body: object) -> None:
    gateway.answers_with(body, cookies=("sgcookie=new; Path=/; Domain=.goofish.com",))
    async with account_at(gateway.url) as account:
        with suppress(PeerError):
            await account.client.login_user()
        assert account.saved == [COOKIES + "; sgcookie=new"]
        assert account.jar.get("sgcookie") == "new"


async def test_cookies_are_saved_before_the_answer_is_judged(gateway: Gateway) -> None:
    seen: list[str] = []

    async def save(line: str) -> None:
        seen.append(line)
        raise RuntimeError("store is gone")

    gateway.answers_with({"ret": ["FAIL_BIZ_X::no"]}, cookies=("sgcookie=new",))
    endpoints = Endpoints(gateway.url, gateway.url, gateway.url, gateway.url)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        client = Client(http, endpoints, CookieJar.parse(COOKIES), on_cookies=save)
        with pytest.raises(RuntimeError, match="store is gone"):
            await client.login_user()
    assert len(seen) == 1


async def test_a_client_that_may_not_ask_any_more_asks_nothing(gateway: Gateway) -> None:
    async def save(_: str) -> None:
        raise AssertionError

    endpoints = Endpoints(gateway.url, gateway.url, gateway.url, gateway.url)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        jar = CookieJar.parse(COOKIES)
        client = Client(http, endpoints, jar, on_cookies=save, may_ask=lambda: False)
        with pytest.raises(Unreachable):
            await client.login_user()
    assert not gateway.calls


async def test_a_redirect_gets_no_cookies(gateway: Gateway) -> None:
    def away(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"{gateway.url}/elsewhere"})

    gateway.answers_with(away)
    async with account_at(gateway.url) as account:
        with pytest.raises(Malformed):
            await account.client.login_user()
    assert [call.path for call in gateway.calls] == [f"/h5/{READ}/1.0/"]


async def test_a_redirect_to_a_verification_page_is_a_verification(gateway: Gateway) -> None:
    page = "https://h5api.m.goofish.com/_____tmd_____/punish?x5step=2"
    gateway.answers_with(lambda _: web.Response(status=302, headers={"Location": page}))
    async with account_at(gateway.url) as account:
        with pytest.raises(VerificationNeeded) as caught:
            await account.client.login_user()
    assert caught.value.url == page


def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize(("write", "error"), [(False, Unreachable), (True, Uncertain)])
@pytest.mark.parametrize(
    "answer", [cut, lambda _: web.Response(status=502), {"ret": ["FAIL_SYS_ERROR::系统错误"]}]
)
async def test_trouble_after_the_request_left_is_uncertain_for_writes(
    gateway: Gateway, answer: object, write: bool, error: type[PeerError]
) -> None:
    gateway.answers_with(answer)
    async with account_at(gateway.url) as account:
        with pytest.raises(error):
            await account.mtop.call(Call("mtop.consign", "1.0", write=write))
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("write", [False, True])
async def test_nobody_listening_is_unreachable_even_for_writes(write: bool) -> None:
    async with account_at("http://127.0.0.1:1") as account:
        with pytest.raises(Unreachable):
            await account.mtop.call(Call("mtop.consign", "1.0", write=write))


@pytest.mark.parametrize("write", [False, True])
async def test_a_line_that_ended_meanwhile_is_unreachable_even_for_writes(
    gateway: Gateway, write: bool
) -> None:
    """A worker still holds the client of a line that has just been closed."""
    async with account_at(gateway.url) as account:
        pass
    with pytest.raises(Unreachable):
        await account.mtop.call(Call("mtop.consign", "1.0", write=write))
    assert gateway.calls == []


async def test_too_many_requests_is_throttled(gateway: Gateway) -> None:
    gateway.answers_with(lambda _: web.Response(status=429, text="slow down"))
    async with account_at(gateway.url) as account:
        with pytest.raises(Throttled):
            await account.client.login_user()


async def test_a_session_that_would_mix_cookies_of_accounts_is_refused() -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(ValueError, match="DummyCookieJar"):
            Client(http, Endpoints("", "", "", ""), CookieJar.parse(COOKIES), on_cookies=None)


async def test_a_token_is_bound_to_its_device(gateway: Gateway) -> None:
    answer = corpus("d05-token")["body"]
    answer["data"]["accessToken"] = "oauth_k1:INVENTED%3D%3D"
    gateway.answers_with(answer)
    device = new_device_id(PlatformUser("2200111122223"))
    async with account_at(gateway.url) as account:
        token = await account.client.im_token(device)
    assert (token.value, token.device_id) == ("oauth_k1:INVENTED==", device)
    assert token.expires_at == NOW + timedelta(days=1)
    assert json.loads(gateway.bodies[0])["deviceId"] == device
    assert "INVENTED" not in repr(token)


async def test_an_answer_without_a_token_is_malformed(gateway: Gateway) -> None:
    gateway.answers_with(SUCCESS)
    async with account_at(gateway.url) as account:
        with pytest.raises(Malformed):
            await account.client.im_token("D-1")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("86400000", NOW + timedelta(days=1)),
        (86400, NOW + timedelta(days=1)),
        ("7200", NOW + timedelta(hours=2)),
        (str(1790003600000), NOW + timedelta(hours=1)),
        (1790003600, NOW + timedelta(hours=1)),
        ("2026-09-21T15:13:20Z", NOW + timedelta(hours=1)),
        ("2026-09-21T23:13:20+08:00", NOW + timedelta(hours=1)),
        ("2026-09-21T23:13:20", NOW + UNKNOWN_LIFE),
        (1690000000000, NOW + UNKNOWN_LIFE),
        ("soon", NOW + UNKNOWN_LIFE),
        (None, NOW + UNKNOWN_LIFE),
        (-5, NOW + UNKNOWN_LIFE),
        (10**40, NOW + UNKNOWN_LIFE),
        (1999999999999, NOW + timedelta(days=2)),
    ],
)
def test_every_way_of_writing_an_expiry_is_read(value: object, expected: datetime) -> None:
    assert read_expiry(value, NOW) == expected


async def test_cookies_go_to_the_platforms_own_addresses_and_nowhere_else(
    gateway: Gateway,
) -> None:
    """L14"""
    gateway.answers_with(SUCCESS)
    home = Endpoints(*["http://127.0.0.1:1"] * 4)
    async with open_http() as http:
        jar = CookieJar.parse(COOKIES)
        browser = Browser(http, home, jar, on_cookies=keep_nothing, answer_seconds=3)
        for url in (f"{gateway.url}/", gateway.url.replace("127.0.0.1", "localhost"), "", "x"):
            with pytest.raises(Rejected):
                await browser.ask("visit", "GET", url)
    assert not gateway.calls


async def keep_nothing(_: str) -> None:
    pass


def test_the_site_is_where_the_passport_is() -> None:
    real = Endpoints("wss://w", "https://m", "https://passport.goofish.com", "https://u")
    assert real.site_url == "https://www.goofish.com"
    assert Endpoints("", "", "http://127.0.0.1:9", "").site_url == "http://127.0.0.1:9"


async def test_after_a_check_was_demanded_no_call_of_the_account_leaves(gateway: Gateway) -> None:
    """Whoever met it and whatever they made of it."""
    gateway.answers_with(corpus("d04-verification")["body"])
    async with account_at(gateway.url) as account:
        with pytest.raises(VerificationNeeded) as demanded:
            await account.client.order("5000000000000000001")
        assert account.client.trouble.checked.is_set()
        asked = len(gateway.calls)
        for call in (
            account.client.login_user,
            account.client.has_login,
            account.client.keep_logged_in,
            lambda: account.client.im_token("device"),
            lambda: account.client.ship("5000000000000000001"),
            lambda: account.client.download("https://img.alicdn.com/a.png"),
        ):
            with pytest.raises(VerificationNeeded) as refused:
                await call()
            assert refused.value.url == demanded.value.url
        assert len(gateway.calls) == asked


async def test_a_lost_login_is_noted_for_whoever_looks_after_it(gateway: Gateway) -> None:
    gateway.answers_with(corpus("d03-session-expired")["body"])
    async with account_at(gateway.url) as account:
        assert not account.client.trouble.doubted.is_set()
        with pytest.raises(AuthExpired):
            await account.client.order("5000000000000000001")
        assert account.client.trouble.doubted.is_set()
