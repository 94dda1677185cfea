"""The record of requests: who asked what of which origin, and which headers came along."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from hub.bench.certificate import write_certificate
from hub.sandbox import SandboxOptions, start_sandbox

from .client import SELLER, Rig


@pytest.fixture
async def spread() -> AsyncIterator[Rig]:
    """A sandbox whose parts have origins of their own, as the real ones do."""
    options = SandboxOptions(list_quiet_seconds=0, origins_apart=True)
    async with (
        start_sandbox(options) as sandbox,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        yield Rig(sandbox, http)


async def test_every_origin_has_its_own_port_when_told_so(spread: Rig) -> None:
    assert len(set(spread.sandbox.origins.values())) == 6
    async with spread.online() as wire:
        await spread.say("在吗")
        await wire.until(wire.texts)


async def test_the_record_proves_where_cookies_went(spread: Rig) -> None:
    """L14: a request that carries the login to a stranger would stand in this list."""
    urls = spread.sandbox.urls
    async with spread.online():
        pass
    cookie = {"Cookie": spread.sandbox.cookies(SELLER)}
    async with spread.http.get(urls["elsewhere_url"] + "/cards?id=1", headers=cookie):
        pass
    async with spread.http.get(urls["upload_url"] + "/imgextra/i1/0000/none.jpg"):
        pass
    seen = await spread.admin("GET", "/requests")
    told = {
        (one["kind"], one["origin"])
        for one in seen
        if any(name.lower() == "cookie" for name, _ in one["headers"])
    }
    origins = spread.sandbox.origins
    assert told == {("mtop", origins["mtop"]), ("elsewhere", origins["elsewhere"])}
    assert {one["kind"] for one in seen} == {"mtop", "im", "elsewhere", "picture"}
    (stranger,) = await spread.admin("GET", "/requests?kind=elsewhere")
    assert (stranger["method"], stranger["path"]) == ("GET", "/elsewhere/cards?id=1")


async def test_the_sandboxs_own_doors_are_not_on_record_and_it_can_be_forgotten(rig: Rig) -> None:
    await rig.admin("GET", "/state")
    async with rig.http.get(rig.sandbox.urls["playground_url"]):
        pass
    assert await rig.admin("GET", "/requests") == []
    await rig.browser.call("mtop.taobao.idlemessage.pc.loginuser.get")
    found = await rig.admin("GET", "/requests?path=loginuser")
    assert [one["kind"] for one in found] == ["mtop", "mtop"]
    assert all(one["size"] > 0 for one in found)
    await rig.admin("DELETE", "/requests")
    assert await rig.admin("GET", "/requests") == []


async def test_attempts_to_connect_are_counted_even_if_they_are_refused(rig: Rig) -> None:
    async with rig.online():
        (line,) = await rig.admin("GET", "/connections")
        (dial,) = await rig.admin("GET", "/connections/dials")
        assert dial <= line["opened_at"] <= line["registered_at"]
    await rig.admin("POST", "/restart", {"seconds": 60})
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with rig.dial():
            pass
    assert len(await rig.admin("GET", "/connections/dials")) == 2
    assert len(await rig.admin("GET", f"/connections/dials?since={dial + 1}")) == 1


async def test_calls_tell_when_they_came_and_can_be_chosen_by_their_api(rig: Rig) -> None:
    api = "mtop.taobao.idlemessage.pc.loginuser.get"
    async with rig.online():
        await rig.browser.call(api)
    calls = await rig.admin("GET", f"/calls?api={api}")
    assert [call["ret"] for call in calls] == ["SUCCESS::调用成功"]
    assert calls[0]["user"] == SELLER
    assert calls[0]["at"] > 1_700_000_000_000


async def test_with_a_certificate_everything_is_spoken_over_tls(tmp_path: Path) -> None:
    certificate = tmp_path / "sandbox.pem"
    write_certificate(certificate)
    trust = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(certificate)))
    options = SandboxOptions(list_quiet_seconds=0, certificate=certificate)
    async with (
        start_sandbox(options) as sandbox,
        aiohttp.ClientSession(connector=trust, cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        schemes = {url.partition("://")[0] for url in sandbox.urls.values()}
        assert schemes == {"https", "wss"}
        rig = Rig(sandbox, http)
        async with rig.online() as wire:
            await rig.say("在吗")
            await wire.until(wire.texts)
