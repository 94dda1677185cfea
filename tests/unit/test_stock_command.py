"""`yuqiao stock`: restocking from the command line."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.bench import report_stock, run_stock
from hub.model import PoolKind
from hub.store import open_store
from tests.programs import Done, Program, run
from tests.waiting import wait_until


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "hub.db"

    async def make() -> None:
        async with open_store(path) as store:
            shop = await store.read(lambda tx: tx.shops.default())
            now = datetime.now(UTC)
            await store.write(
                lambda tx: tx.pools.add(shop, name="月卡", kind=PoolKind.CODES, now=now)
            )

    asyncio.run(make())
    return path


def yuqiao(database: Path, *words: str, given: bytes = b"") -> Done:
    return run("stock", *words, env={"DB_PATH": str(database)}, given=given)


def test_a_file_is_restocked_and_reported_line_by_line(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "codes.txt"
    file.write_bytes("卡一\r\n\r\n卡二\r\n卡一\r\n".encode("gbk"))
    assert yuqiao(database, "add", "月卡", str(file)) == (
        0,
        "「月卡」入库 2 张，现在可用 2 张\n1 行和前面的行重复：第 4 行\n",
        "",
    )
    code, said, _ = yuqiao(database, "add", "月卡", "-", given="卡二\n卡三".encode())
    assert code == 0
    assert "1 行店里已经有过（包括卖出和作废的）：第 1 行" in said
    assert yuqiao(database, "list")[1] == "🟢 月卡 剩 3\n"


def test_a_large_file_shows_how_far_it_is(database: Path) -> None:
    codes = "\n".join(f"N-{n}" for n in range(6000)).encode()
    code, said, progress = yuqiao(database, "add", "月卡", "-", given=codes)
    assert (code, said) == (0, "「月卡」入库 6000 张，现在可用 6000 张\n")
    assert progress.endswith("\r6000/6000\n")


async def test_killed_in_the_middle_and_done_again_every_code_is_there_once(
    database: Path, tmp_path: Path
) -> None:
    file = tmp_path / "codes.txt"
    file.write_text("\n".join(f"N-{n}" for n in range(60_000)))
    shown = tmp_path / "shown"
    env = {**os.environ, "DB_PATH": str(database)}
    first = Program("stock", "add", "月卡", str(file), env=env, out=shown, err=shown)

    async def well_under_way() -> bool:
        assert first.alive, first.tail()
        return shown.exists() and shown.read_bytes().count(b"/60000") >= 5

    await wait_until(well_under_way, 60)
    first.signal(signal.SIGKILL)
    assert await first.over() == -signal.SIGKILL

    code, said, _ = yuqiao(database, "add", "月卡", str(file))

    assert code == 0
    added, there = map(int, re.findall(r"入库 (\d+) 张，现在可用 (\d+) 张", said)[0])
    assert there == 60_000
    assert 0 < added <= 56_000
    assert f"{60_000 - added} 行店里已经有过" in said
    assert yuqiao(database, "list")[1] == "🟢 月卡 剩 60000\n"


def test_two_at_once_add_each_code_once(database: Path) -> None:
    """The second waits for its turn, or is told that the file is in use."""
    codes = "\n".join(f"N-{n}" for n in range(8000)).encode()
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(yuqiao, database, "add", "月卡", "-", given=codes) for _ in range(2)]
    done = [run.result() for run in runs]
    assert any(code == 0 for code, _, _ in done), done
    assert yuqiao(database, "list")[1] == "🟢 月卡 剩 8000\n"


@pytest.mark.parametrize(
    ("pool", "given", "said"),
    [
        ("年卡", b"A", "没有叫「年卡」的卡池，现有：月卡"),
        ("月卡", b"", "没有看到卡密"),
        ("月卡", b"PK\x03\x04\x00", "不是文本文件"),
    ],
)
def test_what_cannot_be_restocked_is_one_line_and_no_success(
    database: Path, pool: str, given: bytes, said: str
) -> None:
    code, out, error = yuqiao(database, "add", pool, "-", given=given)
    assert (code, out) == (1, "")
    assert error.count("\n") == 1
    assert said in error


def test_the_benchmark_draws_from_all_stocks_that_fit() -> None:
    """Figures depend on the machine; that drawing does not depend on the stock is proved by the
    plan of its statement (`test_store_plans.py`)."""
    result = asyncio.run(run_stock(codes=1500, draws=20))
    assert result.codes == 1500
    assert [one.stock for one in result.drawings] == [100]
    assert "import of 1500 codes" in report_stock(result)
    assert result.as_dict()["drawings"][0]["p50"] > 0
