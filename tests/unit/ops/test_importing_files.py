"""Files that are damaged, wrong or large: what can be read comes, all else is one sentence."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.errors import Invalid
from hub.ops import ImportFrom, bring_over
from hub.ops.importing import Outcome, Part
from hub.ops.importing.config import read_config
from hub.store import open_store
from tests import originals
from tests.programs import Done, run
from tests.unit.ops.import_stage import NOW, Stage, into, notes, shop_of, snapshot


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_store(tmp_path / "new" / "hub.db", now=lambda: NOW) as store:
        source = ImportFrom(tmp_path / "xianyu_data.db")
        yield Stage(store, tmp_path / "new", source, await shop_of(store))


def many_keywords(path: Path, count: int) -> Path:
    rows = originals.furnished()
    rows["keywords"] = [
        {"cookie_id": "shop1", "keyword": f"词{n}", "reply": f"答{n} " + "很长的话" * 20}
        for n in range(count)
    ]
    return originals.write_original(path, rows=rows)


def smash(path: Path, table: str) -> None:
    """Overwrite a page in the middle of a table."""
    with closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        pages = connection.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,)
        ).fetchall()
    page = pages[len(pages) // 2][0]
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xde\xad" * (size // 2))


async def test_rows_on_a_page_that_cannot_be_read_cost_only_themselves(stage: Stage) -> None:
    path = many_keywords(stage.source.path, 400)
    with closing(sqlite3.connect(path)) as connection:
        try:
            connection.execute("SELECT * FROM dbstat LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            pytest.skip("this SQLite cannot say where its pages lie")
    smash(path, "keywords")

    report = await stage.run()

    rules = await stage.read(lambda tx: tx.rules.all(stage.shop))
    there = {rule.keywords[0] for rule in rules if rule.keywords}
    assert {"词0", "词399"} <= there
    assert 300 < len(there) < 400
    assert "坏了，读不出来" in notes(report, "关键词")
    assert report.damage
    assert report.number(Part.ORDERS, Outcome.CAME) == 2


async def test_of_a_file_that_was_cut_off_comes_what_is_left(stage: Stage) -> None:
    path = many_keywords(stage.source.path, 4000)
    whole = path.stat().st_size
    os.truncate(path, whole * 2 // 3)

    report = await stage.run()

    assert report.damage
    assert report.number(Part.ACCOUNTS, Outcome.CAME, Outcome.ADAPTED) == 2
    assert 100 < report.number(Part.KEYWORDS, Outcome.CAME) < 4000


async def test_a_row_that_holds_no_text_costs_itself_only(stage: Stage) -> None:
    path = originals.write_original(stage.source.path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO keywords (cookie_id, keyword, reply)"
            " VALUES ('shop1', CAST(x'fffe80' AS TEXT), '乱码')"
        )
        connection.execute("INSERT INTO keywords (cookie_id, keyword, reply) VALUES (7, 8, 9)")
        connection.execute(
            "UPDATE cards SET data_content = CAST(x'4b312d41410aff800a4b332d4343' AS TEXT)"
            " WHERE id = 1"
        )
        connection.execute(
            "INSERT INTO keywords (cookie_id, keyword, reply) VALUES ('shop1','后',5)"
        )
    report = await stage.run()
    rules = await stage.read(lambda tx: tx.rules.all(stage.shop))
    assert [rule.reply for rule in rules if rule.keywords == ("后",)] == ["5"]
    assert "不是文字" in notes(report, "关键词 第 10 行")
    pool = await stage.read(lambda tx: tx.pools.by_name(stage.shop, "月卡卡密"))
    assert pool.counts.available == 2  # the line between them is no code


@pytest.mark.parametrize(
    "written", ["a: 2025-13-45", "a: !!timestamp never", "a: !!int none", "- 1", "{[1]: 2}", "a: ["]
)
def test_a_settings_file_that_nobody_can_read_is_one_clear_sentence(written: str) -> None:
    with pytest.raises(Invalid, match="设置文件读不懂"):
        read_config(written)


WRONG: dict[str, str] = {
    "missing": "读不了",
    "empty": "空文件",
    "text": "不是 SQLite",
    "other": "不是 xianyu-auto-reply 的数据库",
    "newer": "比鱼桥认识的 1.4 新",
    "ours": "是鱼桥自己的数据库",
    "locked": "先停掉原系统",
    "header": "坏得读不出表",
}


def wrong_file(folder: Path, which: str) -> Path:
    path = folder / "xianyu_data.db"
    match which:
        case "empty":
            path.touch()
        case "text":
            path.write_text("这不是数据库", encoding="utf-8")
        case "other":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE cookies (name TEXT)")
        case "newer":
            originals.write_original(path, "1.10")
        case "header":
            originals.write_original(path)
            os.truncate(path, 60)
        case "locked":
            originals.write_original(path)
        case _:
            pass
    return path


@pytest.mark.parametrize("which", sorted(WRONG))
async def test_a_wrong_file_is_one_clear_sentence(stage: Stage, tmp_path: Path, which: str) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    path = stage.folder / "hub.db" if which == "ours" else wrong_file(folder, which)
    before = snapshot(folder)
    with closing(sqlite3.connect(":memory:" if which != "locked" else path)) as other:
        if which == "locked":
            other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Invalid, match=WRONG[which]) as caught:
            await stage.run(path=path)
    assert "\n" not in caught.value.text
    assert snapshot(folder) == before


async def test_many_cards_and_words_come_in_portions_with_progress(stage: Stage) -> None:
    """Nothing holds the database for long, and one card's codes are in memory at a time."""
    rows = originals.furnished()
    rows["cards"] = [
        {
            "id": 1,
            "name": "很多",
            "type": "data",
            "enabled": 1,
            "data_content": "\n".join(f"N-{n}" for n in range(20_000)),
        }
    ]
    said = rows["ai_conversations"][0]
    rows["ai_conversations"] = [{**said, "id": n, "chat_id": str(100 + n)} for n in range(1, 1500)]
    originals.write_original(stage.source.path, rows=rows)
    seen: list[tuple[str, int, int]] = []

    report = await bring_over(
        stage.source, into(stage.store), dry=False, progress=lambda *step: seen.append(step)
    )

    assert report.number(Part.CARDS, Outcome.CAME) == 20_000
    assert report.number(Part.CONVERSATIONS, Outcome.CAME) == 1499
    cards = [done for what, done, of in seen if what == "很多" and of == 20_000]
    assert cards == [*range(1000, 20_001, 1000)]
    assert ("AI 聊天记录", 1499, 1499) in seen
    pool = await stage.read(lambda tx: tx.pools.by_name(stage.shop, "很多"))
    assert pool.counts.available == 20_000


# --- The command ----------------------------------------------------------------------------------


def yuqiao(database: Path, *words: str) -> Done:
    return run(*words, env={"DB_PATH": str(database)})


def test_the_command_tells_first_and_does_it_then(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    originals.write_pictures(old / "static" / "uploads" / "images")
    source = originals.write_original(old / "data.db")
    config = old / "global_config.yml"
    config.write_text("LOG_CONFIG: {level: DEBUG}\n", encoding="utf-8")

    dry = yuqiao(new / "hub.db", "import", str(source), str(config), "--dry-run", "--json")
    assert (dry.code, dry.err) == (0, "")
    assert not new.exists()

    report = tmp_path / "report.json"
    done = yuqiao(new / "hub.db", "import", str(source), str(config), "--report", str(report))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("导入完成\n")
    assert "  1. " in done.out
    written = json.loads(report.read_text(encoding="utf-8"))
    assert {**written, "dry_run": True} == json.loads(dry.out)
    assert written["settings"]["log"] == {"level": "DEBUG"}
    if sys.platform != "win32":
        assert report.stat().st_mode & 0o777 == 0o600

    wrong = yuqiao(new / "hub.db", "import", str(config))
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err.startswith("yuqiao: ")
    assert wrong.err.count("\n") == 1


def test_given_the_database_at_its_own_place_it_is_set_aside_first(tmp_path: Path) -> None:
    path = originals.write_original(tmp_path / "xianyu_data.db")
    file = path.read_bytes()

    looked = yuqiao(path, "check", "--quick")
    assert (looked.code, looked.err) == (0, "")
    assert "原系统的数据库" in looked.out
    dry = yuqiao(path, "import", str(path), "--dry-run")
    assert dry.code == 0
    assert [one.name for one in tmp_path.iterdir()] == ["xianyu_data.db"]
    assert path.read_bytes() == file

    assert yuqiao(path, "import", str(path)).code == 0

    assert path.with_name("xianyu_data.db.original").read_bytes() == file
    assert "数码小店" in yuqiao(path, "account", "list").out
