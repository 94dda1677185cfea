"""An account's way out: everything of it through its proxy, or nothing at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from fake_http import SUCCESS, FakeHttp, client_at, fake_http
from fake_im import SELLER, FakeIm

from hub.errors import Invalid, ProxyUnreachable, Unreachable
from hub.model import PlatformUser
from hub.xianyu import (
    Endpoints,
    ImToken,
    Timing,
    check_proxy,
    masked_proxy,
    open_qr_login,
    open_session,
)
from hub.xianyu.proxy import for_websocket
from tests.fake_proxy import FakeProxy, fake_proxy

USER = PlatformUser(SELLER)
TOKEN = ImToken("oauth_k1:invented", "DEVICE", datetime(2030, 1, 1, tzinfo=UTC))
FAST = Timing(answer=3, dial=3, close=0.5, sync_delay=0)
WHO = {"ret": [SUCCESS], "data": {"userId": SELLER}}


@pytest.fixture(params=["http", "socks5", "socks4"])
async def proxy(request: pytest.FixtureRequest) -> AsyncIterator[FakeProxy]:
    async with fake_proxy(request.param) as made:
        yield made


def named(url: str) -> str:
    """The same server under a name, so that it shows who resolves it."""
    return url.replace("127.0.0.1", "localhost")


async def test_calls_leave_through_the_proxy(platform: FakeHttp, proxy: FakeProxy) -> None:
    platform.on("*", WHO)
    url = named(platform.url)
    async with client_at(Endpoints(url, url, url, url), proxy=proxy.url) as client:
        assert await client.login_user() == SELLER
    assert [host for host, _ in proxy.passed] == ["localhost"]
    assert len(platform.seen) == 1


async def test_downloads_leave_through_the_proxy(platform: FakeHttp, proxy: FakeProxy) -> None:
    platform.on("/a.jpg", "a")
    async with client_at(platform.endpoints, proxy=proxy.url) as client:
        assert await client.download(f"{platform.url}/a.jpg") == b"a"
    assert len(proxy.passed) == 1


async def test_the_message_connection_leaves_through_the_same_proxy(
    im: FakeIm, proxy: FakeProxy
) -> None:
    url = named(im.url)
    endpoints = Endpoints(url, url, url, url)
    async with open_session(endpoints, TOKEN, USER, timing=FAST, proxy=proxy.url) as session:
        assert session.user == SELLER
    assert [host for host, _ in proxy.passed] == ["localhost"]


async def test_a_login_leaves_through_the_proxy(platform: FakeHttp, proxy: FakeProxy) -> None:
    with pytest.raises(Exception, match="qr login"):
        async with open_qr_login(platform.endpoints, proxy=proxy.url, timing=FAST):
            pass
    assert len(proxy.passed) >= 1
    assert platform.seen


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_not_there_means_that_nothing_left(
    platform: FakeHttp, im: FakeIm, scheme: str
) -> None:
    gone = f"{scheme}://127.0.0.1:1"
    async with client_at(platform.endpoints, proxy=gone) as client:
        with pytest.raises(ProxyUnreachable):
            await client.ship("5120000111122223333")
    endpoints = Endpoints(im.url, im.url, im.url, im.url)
    with pytest.raises(ProxyUnreachable):
        async with open_session(endpoints, TOKEN, USER, timing=FAST, proxy=gone):
            pass
    assert not platform.seen
    assert not im.received


async def test_a_socks_proxy_that_refuses_means_that_nothing_left(platform: FakeHttp) -> None:
    async with fake_proxy("socks5") as proxy:
        proxy.refuses = True
        async with client_at(platform.endpoints, proxy=proxy.url) as client:
            with pytest.raises(ProxyUnreachable):
                await client.ship("5120000111122223333")
    assert not platform.seen


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_the_name_and_password_in_an_address_open_the_proxy(
    platform: FakeHttp, im: FakeIm, scheme: str
) -> None:
    platform.on("*", WHO)
    async with fake_proxy(scheme, ("me@home", "p:w/#%")) as proxy:
        url = check_proxy(proxy.url.replace("://", "://me%40home:p%3Aw%2F%23%25@"))
        async with client_at(platform.endpoints, proxy=url) as client:
            assert await client.login_user() == SELLER
        endpoints = Endpoints(im.url, im.url, im.url, im.url)
        async with open_session(endpoints, TOKEN, USER, timing=FAST, proxy=url) as session:
            assert session.user == SELLER
        assert len(proxy.passed) == 2


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_wrong_password_blames_the_proxy_and_is_not_repeated_in_words(
    platform: FakeHttp, im: FakeIm, scheme: str
) -> None:
    said = []
    async with fake_proxy(scheme, ("me", "right")) as proxy:
        url = proxy.url.replace("://", "://me:wrong-SECRET@")
        far = "https://h5api.invalid"
        for place in (platform.endpoints, Endpoints(far, far, far, far)):
            async with client_at(place, proxy=url) as client:
                with pytest.raises(ProxyUnreachable) as caught:
                    await client.ship("5120000111122223333")
                said.append(caught.value)
        endpoints = Endpoints(im.url, im.url, im.url, im.url)
        with pytest.raises(ProxyUnreachable) as caught:
            async with open_session(endpoints, TOKEN, USER, timing=FAST, proxy=url):
                pass
        said.append(caught.value)
    assert not platform.seen
    assert not im.received
    for error in said:
        assert "SECRET" not in str(error) + repr(error.__cause__)


async def test_without_a_proxy_nobody_blames_one(im: FakeIm) -> None:
    gone = "http://127.0.0.1:1"
    endpoints = Endpoints(gone.replace("http", "ws"), gone, gone, gone)
    async with client_at(endpoints) as client:
        with pytest.raises(Unreachable) as caught:
            await client.login_user()
    assert not isinstance(caught.value, ProxyUnreachable)
    with pytest.raises(Unreachable) as caught:
        async with open_session(endpoints, TOKEN, USER, timing=FAST):
            pass
    assert not isinstance(caught.value, ProxyUnreachable)


async def test_a_proxy_that_refuses_a_message_connection_is_unreachable(
    im: FakeIm, proxy: FakeProxy
) -> None:
    proxy.refuses = True
    endpoints = Endpoints(im.url, im.url, im.url, im.url)
    with pytest.raises(ProxyUnreachable):
        async with open_session(endpoints, TOKEN, USER, timing=FAST, proxy=proxy.url):
            pass


async def test_a_refused_tunnel_means_that_nothing_left() -> None:
    async with fake_proxy("http") as proxy:
        proxy.refuses = True
        far = "https://h5api.invalid"
        async with client_at(Endpoints(far, far, far, far), proxy=proxy.url) as client:
            with pytest.raises(ProxyUnreachable):
                await client.ship("5120000111122223333")


async def test_proxies_of_the_environment_are_not_used(
    platform: FakeHttp, im: FakeIm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    platform.on("*", WHO)
    async with client_at(platform.endpoints) as client:
        assert await client.login_user() == SELLER
    endpoints = Endpoints(im.url, im.url, im.url, im.url)
    async with open_session(endpoints, TOKEN, USER, timing=FAST) as session:
        assert session.user == SELLER


async def test_accounts_with_different_proxies_do_not_meet() -> None:
    async with fake_http() as one, fake_proxy("socks5") as left, fake_proxy("http") as right:
        one.on("*", WHO)
        for proxy in (left, right):
            async with client_at(one.endpoints, proxy=proxy.url) as client:
                await client.login_user()
        assert (len(left.passed), len(right.passed)) == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1:1080",
        "socks5://host",
        "ftp://host:21",
        "http://:80",
        "socks5://:80",
        "http://[",
        "代理",
        "socks5://u:p#w@host:1080",
        "socks5://u:p/w@host:1080",
        "http://host:8080/path",
        "http://host:8080/?SECRET",
        "http://host:0",
        "http://host:99999",
    ],
)
def test_an_address_that_is_no_proxy_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Invalid, match="代理地址") as caught:
        check_proxy(text)
    assert "SECRET" not in caught.value.text


@pytest.mark.parametrize(
    "text",
    ["http://a:8080", "https://u:p@a:443", "socks5://a:1080", "socks5h://a:1", "socks4://a:1"],
)
def test_proxies_of_the_usual_kinds_are_known(text: str) -> None:
    assert check_proxy(f" {text}\n") == text


@pytest.mark.parametrize(
    ("text", "kept", "shown"),
    [
        ("http://a:8080/", "http://a:8080", "http://a:8080"),
        ("socks5://u@a:1", "socks5://u:@a:1", "socks5://***@a:1"),
        ("HTTP://U:P@A:1", "http://U:P@a:1", "http://***@a:1"),
        ("socks5://u:p%40w@[::1]:1", "socks5://u:p%40w@[::1]:1", "socks5://***@[::1]:1"),
        ("http://u:密码@a:1", "http://u:%E5%AF%86%E7%A0%81@a:1", "http://***@a:1"),
    ],
)
def test_an_address_is_kept_so_that_all_read_it_alike_and_shown_without_secrets(
    text: str, kept: str, shown: str
) -> None:
    assert check_proxy(text) == kept
    assert masked_proxy(kept) == shown


def test_names_are_resolved_at_the_far_end() -> None:
    assert for_websocket("socks5://u:p@a:1") == "socks5h://u:p@a:1"
    assert for_websocket("socks4://a:1") == "socks4a://a:1"
    assert for_websocket("http://a:1") == "http://a:1"
    assert for_websocket(None) is None
