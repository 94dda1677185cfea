"""What `/health`, `/health/live` and `/metrics` tell whoever asks, and what they do not."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub.cluster import Cluster
from hub.errors import StoreError
from hub.model import Account, AccountState, Cause, PlatformUser, PoolKind, Role
from hub.ops import Metrics, attach_ops, check_store, health, probe_token
from hub.ops.tokens import leave
from hub.settings import DatabaseSettings, Settings
from hub.store import Store, open_store

COOKIES = "unb=2200111122223; cookie2=0123456789abcdef"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Stage:
    store: Store
    url: str
    http: aiohttp.ClientSession

    async def ask(self, path: str = "/health", **headers: str) -> tuple[int, Any]:
        """Shows the token unless told to show something else."""
        headers = headers or {"Authorization": f"Bearer {TOKEN}"}
        async with self.http.get(self.url + path, headers=headers) as response:
            return response.status, await response.json()

    async def page(self) -> str:
        """What `/metrics` says."""
        async with self.http.get(self.url + "/metrics") as response:
            assert response.headers["Content-Type"].startswith("text/plain")
            return await response.text()

    async def account(
        self, user: str, state: AccountState, reason: str = "", until: datetime | None = None
    ) -> Account:
        def unit(tx: Any) -> Account:
            account: Account = tx.accounts.add(
                tx.shops.default(),
                name=f"店{user}",
                user=PlatformUser(user),
                device_id="d",
                cookies=COOKIES,
                takeover_minutes=10,
                now=now(),
            )
            tx.accounts.set_state(account.shop, account.id, state, reason, now(), until=until)
            return account

        return await self.store.write(unit)


TOKEN = "a-token-of-probes"
FIT = {"status": "ready", "hub": "ready"}
"""What strangers are told."""
SIGNED_IN: dict[str, bool | Exception] = {}
"""By a header."""


async def is_signed_in(request: web.Request) -> bool:
    who = SIGNED_IN.get(request.headers.get("Who", ""), False)
    if isinstance(who, Exception):
        raise who
    return who


LOGS = {"trouble": ""}
"""Why no log files are written."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_store(tmp_path / "hub.db", now=now) as store:
        app = web.Application()
        log_trouble = partial(LOGS.__getitem__, "trouble")
        attach_ops(
            app,
            store,
            Metrics(),
            "1.2.3",
            now,
            tmp_path,
            log_trouble,
            token=TOKEN,
            is_signed_in=is_signed_in,
        )
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with aiohttp.ClientSession() as http:
                yield Stage(store, f"http://127.0.0.1:{runner.addresses[0][1]}", http)
        finally:
            await runner.cleanup()


async def test_a_hub_without_accounts_is_ready(stage: Stage) -> None:
    expected = {"status": "ready", "hub": "ready", "reasons": [], "version": "1.2.3"}
    assert await stage.ask() == (200, expected)


async def test_log_files_that_cannot_be_written_are_told_of_and_the_hub_is_ready(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOGS, "trouble", "/logs：No space left on device")
    status, told = await stage.ask()
    assert (status, told["status"]) == (200, "ready")
    assert told["warnings"] == ["日志文件写不进 /logs：No space left on device"]


async def test_clocks_that_differ_are_told_of_and_the_hub_is_ready(tmp_path: Path) -> None:
    """Here, and by `yuqiao check`."""
    path = tmp_path / "hub.db"
    settings = Settings(database=DatabaseSettings(path=path))
    async with open_store(path, now=lambda: now() - timedelta(hours=1, seconds=30)) as store:
        store.alone = False
        node = Cluster(store, "a")
        await node.turn()
        told = health.warnings("", node)
        found = await check_store(settings, store)
    said = "这台机器的钟比数据库的快 1 小时"
    assert [one.startswith(f"节点 a：{said}") for one in told] == [True]
    assert [one.what for one in found if not one.ok] == [said]


async def test_a_disk_that_is_full_makes_the_hub_unready(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LEAST_FREE", shutil.disk_usage(tmp_path).total + 1)
    unready = {"status": "unready", "hub": "unready"}
    assert await stage.ask(Who="a stranger") == (503, unready)
    status, told = await stage.ask()
    assert status == 503
    assert told["reasons"][0].startswith("磁盘满了，只剩 ")
    assert str(tmp_path) in told["reasons"][0]


@pytest.mark.parametrize("answer", [False, StoreError("the disk is gone")])
async def test_strangers_are_told_the_verdict_and_no_names(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, answer: bool | Exception
) -> None:
    monkeypatch.setitem(LOGS, "trouble", "/logs：No space left on device")
    monkeypatch.setitem(SIGNED_IN, "a stranger", answer)
    assert await stage.ask(Who="a stranger") == (200, FIT)
    await stage.account("1", AccountState.LOGGED_OUT, "闲鱼说登录过期了")
    assert await stage.ask(Who="a stranger") == (503, FIT | {"status": "unready"})


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", "Bearer ключ"])
async def test_a_wrong_token_is_none(stage: Stage, shown: str) -> None:
    assert await stage.ask(Authorization=shown) == (200, FIT)


async def test_whoever_is_signed_in_is_told_reasons(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIGNED_IN, "the owner", True)
    await stage.account("1", AccountState.LOGGED_OUT, "闲鱼说登录过期了")
    status, told = await stage.ask(Who="the owner")
    assert status == 503
    assert "店1" in told["reasons"][0]


async def test_the_token_lies_in_the_data_folder_for_nobody_else_and_stays_the_same(
    tmp_path: Path,
) -> None:
    file = tmp_path / "health.token"
    async with open_store(tmp_path / "hub.db", now=now) as store:
        token = await probe_token(store, tmp_path)
        assert file.read_text("ascii") == token
        assert len(token) >= 32
        if os.name == "posix":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.write_text("of another database", "ascii")
        assert await probe_token(store, tmp_path) == token
        assert file.read_text("ascii") == token
        assert await probe_token(store, tmp_path / "missing") == token, "and the hub starts"
    left = await asyncio.to_thread(os.listdir, tmp_path)
    assert [name for name in left if name.startswith("health")] == [file.name]


@pytest.mark.skipif(os.name != "posix", reason="rights of files")
async def test_a_token_that_others_could_read_is_theirs_no_more(tmp_path: Path) -> None:
    file = tmp_path / "health.token"
    async with open_store(tmp_path / "hub.db", now=now) as store:
        token = await probe_token(store, tmp_path)
        file.chmod(0o644)
        assert await probe_token(store, tmp_path) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text("ascii") == token


async def test_the_half_of_a_token_that_a_crash_left_is_removed_and_nothing_else(
    tmp_path: Path,
) -> None:
    half, other = tmp_path / "health.token.0123abcd", tmp_path / "health.token.mine"
    async with open_store(tmp_path / "hub.db", now=now) as store:
        for _ in range(2):
            half.write_text("of-th", "ascii")
            other.write_text("kept", "ascii")
            await probe_token(store, tmp_path)
            assert (half.exists(), other.exists()) == (False, True)


def test_of_two_hubs_that_leave_the_token_at_once_none_takes_it_from_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has done all its work between the first one's writing and its renaming."""
    file = tmp_path / "health.token"
    replace = Path.replace

    def second_comes_first(new: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        leave(target, new.read_text("ascii"))
        return replace(new, target)

    monkeypatch.setattr(Path, "replace", second_comes_first)
    leave(file, "the same one")
    assert file.read_text("ascii") == "the same one"
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


async def test_an_account_that_is_connected_or_knowingly_waits_is_fit(stage: Stage) -> None:
    await stage.account("1", AccountState.ONLINE)
    await stage.account("2", AccountState.WAITING, "断线", now() + timedelta(hours=1))
    assert (await stage.ask())[0] == 200


async def test_a_wait_that_was_over_long_ago_was_forgotten(stage: Stage) -> None:
    await stage.account("1", AccountState.WAITING, "断线", now() - timedelta(minutes=5))
    assert (await stage.ask())[0] == 503


@pytest.mark.parametrize(
    "state",
    [
        AccountState.NEW,
        AccountState.CONNECTING,
        AccountState.RENEWING,
        AccountState.LOGGED_OUT,
        AccountState.VERIFICATION_NEEDED,
        AccountState.HELD,
    ],
)
async def test_any_other_state_of_one_account_makes_the_hub_unready_and_says_why(
    stage: Stage, state: AccountState
) -> None:
    await stage.account("1", AccountState.ONLINE)
    await stage.account("2", state, "闲鱼说登录过期了")
    status, told = await stage.ask()
    assert (status, told["status"]) == (503, "unready")
    (reason,) = told["reasons"]
    assert "店2" in reason
    assert "闲鱼说登录过期了" in reason


async def test_an_account_that_is_switched_off_troubles_nobody(stage: Stage) -> None:
    account = await stage.account("1", AccountState.DISABLED)
    await stage.store.write(
        lambda tx: tx.accounts.set_enabled(account.shop, account.id, False, now())
    )
    assert (await stage.ask())[0] == 200


async def test_a_store_that_fails_is_unready_but_the_process_lives(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Store) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(Store, "ping", fail)
    status, told = await stage.ask()
    assert (status, told["hub"], told["reasons"]) == (503, "unready", ["数据库没有应答"])
    assert await stage.ask("/health/live") == (200, {"status": "live", "version": "1.2.3"})


async def test_a_store_that_hangs_is_unready_and_not_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: Store) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Store, "ping", hang)
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.05)
    async with asyncio.timeout(30):
        status, told = await stage.ask()
    assert (status, told["reasons"]) == (503, ["数据库没有应答"])


async def test_metrics_count_accounts_and_name_nobody(stage: Stage) -> None:
    await stage.account("1", AccountState.ONLINE, "geheim")
    await stage.store.write(
        lambda tx: tx.members.add(tx.shops.default(), "小王", Role.OWNER, qq=["10002"], now=now())
    )
    page = await stage.page()
    assert 'yuqiao_accounts{state="online"} 1.0' in page
    for private in ("店1", "小王", "10002", "geheim", "2200111122223"):
        assert private not in page


async def test_metrics_count_the_cards_of_pools_that_are_there(stage: Stage) -> None:
    """By number: a pool's name is nobody's business at this door."""

    def unit(tx: Any) -> Any:
        shop = tx.shops.default()
        pool = tx.pools.add(shop, name="geheime Karten", kind=PoolKind.CODES, now=now())
        batch = tx.card_records.new_batch(shop, pool.id, "x", by=Cause(None, "web"), now=now())
        tx.cards.add(shop, pool.id, ["A-1", "A-2"], batch=batch, now=now())
        tx.pools.add(shop, name="Text", kind=PoolKind.TEXT, text="x", now=now())
        return pool

    pool = await stage.store.write(unit)
    page = await stage.page()
    assert f'yuqiao_stock_cards{{pool="{pool.id}",state="available"}} 2.0' in page
    assert page.count('state="available"') == 1
    assert "geheim" not in page

    def remove(tx: Any) -> None:
        tx.cards.discard(pool.shop, pool.id, 10)
        assert tx.pools.remove(pool.shop, pool.id, now())

    await stage.store.write(remove)
    assert 'state="available"' not in await stage.page()
