"""What opens a door, is worth money or names a person stands in no log, however much is logged, in
no audit, and in nothing that machines may read (L64)."""

from __future__ import annotations

import logging
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from loguru import logger

from hub.model import AccountState, DeliveryState, Role
from hub.ops import LogFiles, set_up_logs
from hub.sandbox.world import DEMO_SELLER
from hub.settings import BackupSettings
from tests.e2e.shop import Shop, open_shop
from tests.e2e.stage import TOKEN, Stage, open_stage

PASSWORD = "a long password"
PHONE = "13812345678"
CARDS = ("KAMI-8731-0001", "KAMI-8731-0002")
PASSPHRASE = "not to be read anywhere"
NEW_QQ = "20001"


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Every line of every level, as it is before anything is taken out of it."""
    lines: list[str] = []
    sink = logger.add(lines.append, level=0, diagnose=False)
    yield lines
    logger.remove(sink)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """The folder of the log files of this journey, at the level that says most."""
    folder = tmp_path / "logs"
    written = LogFiles(folder, keep_days=7, zone=ZoneInfo("Asia/Shanghai"), most_bytes=10**8)
    set_up_logs("DEBUG", files=written)
    yield folder
    logger.remove()
    logging.getLogger().handlers.clear()
    written.close()


async def test_a_whole_journey_tells_no_secret_to_any_log_audit_or_machine(
    tmp_path: Path, files: Path, log: list[str]
) -> None:
    backup = BackupSettings(passphrase=PASSPHRASE)
    async with open_shop(tmp_path, backup=backup) as shop:
        stage = shop.stage
        code = await _live_through_a_lot(shop)
        secrets = _secrets_of(stage)
        told = {
            "metrics": await _page_of(stage, "/metrics", tmp_path),
            "health": await _page_of(stage, "/health", tmp_path),
            "audit": repr(await stage.hub.desk.system.audit(stage.operator, 1000)),
        }
        made = await stage.hub.desk.backups.make(stage.operator)
    told["log"] = "\n".join(log)
    told["log files"] = _all_of(files)
    for place, sign in {
        "metrics": "yuqiao_answers_total",
        "health": "reasons",
        "audit": "rule.add",
        "log": "connected",
        "log files": " account=1",
    }.items():
        assert sign in told[place], f"{place} of this journey is looked at"
        found = [one for one in (*secrets, PHONE, *CARDS, PASSPHRASE) if one in told[place]]
        assert found == [], place
        # Six digits alone: longer numbers hold every code by chance.
        assert re.search(rf"(?<![\d.]){code}(?![\d.])", told[place]) is None, place
    with zipfile.ZipFile(made.path) as archive:
        blob = b"".join(archive.read(name) for name in archive.namelist())
    opening = [one for one in secrets if not one.startswith("wrong")]
    assert [one for one in (*opening, PASSPHRASE) if one.encode() in blob] == []


def _all_of(folder: Path) -> str:
    return "".join(path.read_text("utf-8") for path in folder.iterdir())


async def _page_of(stage: Stage, path: str, data: Path) -> str:
    """As whoever has the token of probes is told."""
    url = f"http://127.0.0.1:{stage.hub.port}{path}"
    shown = {"Authorization": f"Bearer {(data / 'health.token').read_text('ascii')}"}
    async with aiohttp.ClientSession(headers=shown) as http, http.get(url) as page:
        return await page.text()


async def _live_through_a_lot(shop: Shop) -> str:
    """Returns the binding code that was used meanwhile."""
    stage = shop.stage
    pool = await shop.pool([CARDS[0]])
    await shop.rule(pool)
    await stage.operator_writes(f"/补货 {pool.name}\n{CARDS[1]}")
    await stage.wait_for_notice("入库 1 张")
    order = await shop.buy()
    await shop.wait_states(order, DeliveryState.CONFIRMED)
    await stage.buyer_says(f"我的手机 {PHONE}，验证码 483920")
    await stage.wait_for_notice(PHONE)
    member = await stage.hub.desk.members.add(stage.operator, name="小李", role=Role.AGENT)
    code = (await stage.hub.desk.binding.make_code(stage.operator, member.id)).code
    await stage.sandbox.qq.say_private(NEW_QQ, f"/绑定 {code}")
    await stage.wait_for_notice("你是「小李」", NEW_QQ)
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
    return code


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
