"""Nothing that opens a door is ever written into the log, however much is logged (L64)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from loguru import logger

from hub.model import AccountState
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.stage import TOKEN, Stage, open_stage

PASSWORD = "a long password"


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Every line of every level, as it is before anything is taken out of it."""
    lines: list[str] = []
    sink = logger.add(lines.append, level=0, diagnose=False)
    yield lines
    logger.remove(sink)


async def test_a_whole_journey_logs_no_secret_at_any_level(tmp_path: Path, log: list[str]) -> None:
    async with open_stage(tmp_path) as stage:
        await _live_through_a_lot(stage)
        secrets = _secrets_of(stage)
    said = "\n".join(log)
    assert "connected" in said, "the log of this journey is looked at"
    assert [one for one in secrets if one in said] == []


async def _live_through_a_lot(stage: Stage) -> None:
    await stage.buyer_says("在？")
    notice = await stage.wait_for_notice("在？")
    await stage.operator_writes("在的", quote=notice)
    await stage.wait_for_answer("在的")
    await _knock(stage)
    stage.sandbox.faults.add(DEMO_SELLER, "push_garbage")
    stage.sandbox.faults.add(DEMO_SELLER, "push_malformed")
    await stage.buyer_says("还有一句")
    await stage.wait_for_notice("还有一句")
    stage.sandbox.faults.add(DEMO_SELLER, "mtop_garbage")
    stage.sandbox.faults.add(DEMO_SELLER, "reg_refused", reason="invalid token")
    stage.sandbox.lines.of(DEMO_SELLER)[-1].abort()
    await stage.wait_state(AccountState.CONNECTING)
    await stage.wait_state(AccountState.ONLINE)


async def _knock(stage: Stage) -> None:
    """Wrong and right keys at both doors."""
    url = f"http://127.0.0.1:{stage.hub.port}"
    wrong = {"Authorization": "Bearer wrong-token", "X-Self-ID": "10001"}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(f"{url}/onebot/v11/ws", headers=wrong)
        async with http.get(f"{url}/login") as page:
            csrf = (await page.text()).partition('name="csrf" value="')[2].partition('"')[0]
        for password in ("wrong-password", PASSWORD):
            form = {"csrf": csrf, "name": "店主", "password": password}
            async with http.post(f"{url}/login", data=form, allow_redirects=False) as answer:
                assert answer.status == (303 if password == PASSWORD else 403)


def _secrets_of(stage: Stage) -> list[str]:
    cookies = stage.sandbox.cookies().split("; ")
    values = [pair.partition("=")[2] for pair in cookies if not pair.startswith("unb=")]
    return [
        *(value for value in values if len(value) > 6),
        *stage.sandbox.world.tokens,
        TOKEN,
        PASSWORD,
        "wrong-token",
        "wrong-password",
    ]


async def test_a_copied_database_holds_no_secret_in_clear(tmp_path: Path) -> None:
    async with open_stage(tmp_path) as stage:
        await stage.buyer_says("在？")
        await stage.wait_for_notice("在？")
        secrets = [s for s in _secrets_of(stage) if not s.startswith("wrong")]
    blob = _database_in(tmp_path)
    assert len(blob) > 10_000
    assert [one for one in secrets if one.encode() in blob] == []
    assert (tmp_path / "yuqiao.key").stat().st_mode & 0o777 == 0o600


def _database_in(folder: Path) -> bytes:
    """The file with all that was committed, and whatever lies beside it."""
    with closing(sqlite3.connect(folder / "hub.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(file.read_bytes() for file in sorted(folder.glob("hub.db*")))
