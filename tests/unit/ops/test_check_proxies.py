"""The check-up says of each proxy whether it leads to Xianyu, and never what its password is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.model import PlatformUser
from hub.ops import Finding, check_proxies
from hub.sandbox import SandboxOptions, start_sandbox
from hub.settings import XianyuSettings
from hub.store import Store, open_store
from tests.fake_proxy import fake_proxy

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "hub.db", now=lambda: NOW) as store:
        yield store


async def checked(store: Store, url: str, *proxies: str | None) -> list[Finding]:
    """Accounts 店1, 店2, … with these proxies; the last one is switched off afterwards."""

    def unit(tx: Any) -> None:
        for number, proxy in enumerate([*proxies, "http://off:1"], 1):
            account = tx.accounts.add(
                tx.shops.default(),
                name=f"店{number}",
                user=PlatformUser(str(number)),
                device_id="d",
                cookies="c",
                proxy=proxy,
                takeover_minutes=0,
                now=NOW,
            )
        tx.accounts.set_enabled(account.shop, account.id, False, NOW)

    await store.write(unit)
    return await check_proxies(XianyuSettings(mtop_url=url), store)


async def test_each_proxy_of_an_enabled_account_has_its_line(store: Store) -> None:
    async with (
        start_sandbox(SandboxOptions()) as sandbox,
        fake_proxy("http", ("me", "right")) as http,
        fake_proxy("socks5") as socks,
    ):
        right, wrong = (http.url.replace("://", f"://me:{word}@") for word in ("right", "SECRET"))
        dead = "socks5://me:SECRET@127.0.0.1:1"
        far = f"http://xianyu.invalid:{sandbox.origin.rpartition(':')[2]}"
        found = await checked(store, far, None, right, socks.url, wrong, dead)

    said = [str(one) for one in found]
    starred = http.url.replace("://", "://***@")
    assert said[0] == f"✓ 账号 店2 的代理 {starred} 可以连到闲鱼"
    assert said[1] == f"✓ 账号 店3 的代理 {socks.url} 可以连到闲鱼"
    assert said[2].startswith(f"✗ 账号 店4 的代理 {starred} 没有接通（HTTP 407）。到后台")
    assert said[3].startswith("✗ 账号 店5 的代理 socks5://***@127.0.0.1:1 没有接通（")
    assert len(said) == 4
    assert "SECRET" not in "".join(said)


async def test_without_proxies_nothing_is_said(store: Store) -> None:
    assert await checked(store, "http://127.0.0.1:1", None) == []
