"""Which addresses are asked: what the connection makes of a name is what counts."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fake_supplier import HOST, FakeSupplier, open_supplier

from hub.addresses import OwnLookup, host_of, is_public, system_lookup
from hub.errors import Rejected, Unreachable
from tests.waiting import wait_until


@pytest.fixture
async def supplier() -> AsyncIterator[FakeSupplier]:
    async with open_supplier() as fake:
        fake.says({"data": "A-1"})
        yield fake


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "0.1.2.3", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.8",
        "192.88.99.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:53aa:64c::1",
        "2001:db8::1", "3fff::1", "5f00::1", "4000::1",
    ],
)  # fmt: skip
def test_addresses_of_the_own_network_are_told_apart(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::", "64:ff9b::5db8:d822", "2002:5db8:d822::1"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:7f00:1]", "127。0。0。1", "①②⑦.0.0.1", "１２７.０.0.1",
     "１２７．0．0．1", "[::127.0.0.1]"],
)  # fmt: skip
async def test_a_private_address_in_figures_is_refused_however_they_are_written(
    supplier: FakeSupplier, host: str
) -> None:
    """The connection understands figures and full stops of other scripts."""
    url = f"http://{host}:{supplier.port}/"
    with pytest.raises(Rejected, match="内网"):
        await supplier.fetch(supplier.call(url=url, allow_private=False))
    assert supplier.heard == []


@pytest.mark.parametrize("host", ["127。0。0。1", "①②⑦.0.0.1", "127.0.0.1"])
def test_the_host_is_the_one_that_would_be_connected(host: str) -> None:
    assert host_of(f"http://{host}/") == "127.0.0.1"


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0", HOST])
async def test_a_name_that_leads_inside_is_refused_however_it_is_written(
    supplier: FakeSupplier, host: str
) -> None:
    url = f"http://{host}:{supplier.port}/"
    with pytest.raises(Rejected):
        await supplier.fetch(supplier.call(url=url, allow_private=False))
    assert supplier.heard == []


async def test_one_private_address_among_public_ones_is_refused(supplier: FakeSupplier) -> None:
    supplier.leads_to = ("93.184.216.34", "127.0.0.1")
    with pytest.raises(Rejected, match="内网"):
        await supplier.fetch(supplier.call(allow_private=False))


async def test_the_address_that_was_checked_is_the_one_that_is_connected(
    supplier: FakeSupplier,
) -> None:
    """A second lookup could lead elsewhere; there is none."""
    assert await supplier.fetch() == ("A-1",)
    assert supplier.looked_up == [HOST]


async def test_names_that_are_never_answered_hold_up_nobody_but_suppliers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The platform's names and pictures share the loop's own threads."""
    let_go = threading.Event()
    hanging: list[str] = []

    async def some_hang() -> bool:
        return len(hanging) >= 2

    def hang(host: str, *_: object, **__: object) -> list[Any]:
        hanging.append(host)
        let_go.wait(60)
        raise OSError("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        async with OwnLookup() as lookup, asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(lookup(f"{n}.example", 80)) for n in range(64)]
            await wait_until(some_hang)
            async with asyncio.timeout(30):
                assert await asyncio.to_thread(int, "7") == 7
            for one in waiting:
                one.cancel()
    finally:
        let_go.set()


async def test_a_name_is_looked_up_as_the_system_finds_it() -> None:
    async with OwnLookup() as lookup:
        for look_up in (lookup, system_lookup):
            assert set(await look_up("localhost", 80)) <= {"127.0.0.1", "::1"}
            with pytest.raises((OSError, ValueError)):
                await look_up("x" * 64 + ".example", 80)


async def test_a_proxy_of_the_environment_is_not_used(
    supplier: FakeSupplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would look the name up itself, and see the secrets."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await supplier.fetch() == ("A-1",)


@pytest.mark.parametrize(
    "url",
    ["", "card", "ftp://a.example/", "file:///etc/passwd", "http://", "http://u:p@a.example/",
     "http://a.example:99999/", "http://[::1/", "http://a b.example/", "http+unix://%2Ftmp%2Fx/",
     "http://a.example\\@127.0.0.1/", "http:a.example", "http://a.example\\x/"],
)  # fmt: skip
async def test_what_is_no_web_address_is_refused(supplier: FakeSupplier, url: str) -> None:
    with pytest.raises((Rejected, Unreachable)):
        await supplier.fetch(supplier.call(url=url))
    assert supplier.heard == []


@pytest.mark.parametrize("path", ["card/{buyer_name}", "card/{buyer_name}/x", "{buyer_name}/card"])
async def test_no_value_leads_out_of_the_path_that_was_configured(
    supplier: FakeSupplier, path: str
) -> None:
    """A buyer may be called `..`."""
    call = supplier.call(url=f"{supplier.url}/{path}")
    with pytest.raises(Rejected, match="变量"):
        await supplier.fetch(call, url=call.url.replace("{buyer_name}", ".."))
    assert supplier.heard == []
    for name in ("...", "", "x.y", "..x", "a%2Fb", "%252e%252e"):
        await supplier.fetch(call, url=call.url.replace("{buyer_name}", name))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("there", ["http://127.0.0.1:{}/admin", "//127.0.0.1:{}/", "/admin"])
async def test_a_redirect_is_not_followed_anywhere(
    supplier: FakeSupplier, status: int, there: str
) -> None:
    supplier.redirects(status, there.format(supplier.port))
    with pytest.raises(Rejected, match="转到别的地址"):
        await supplier.fetch()
    assert len(supplier.heard) == 1
