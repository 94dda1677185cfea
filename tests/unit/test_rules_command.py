"""`yuqiao rules`: reply rules from and to files on the command line; and their benchmark."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hub.bench import report_rules, run_rules
from tests.programs import Done, run
from tests.unit.sheets.sheet_files import xlsx


def yuqiao(folder: Path, *words: str) -> Done:
    return run("rules", *words, env={"DB_PATH": str(folder / "hub.db")})


def test_rules_are_told_brought_in_and_taken_out(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    file.write_bytes(xlsx([("包邮", "", "包的"), ("坏", "", "{nobody}"), ("加微信", "", None)]))
    code, told, _ = yuqiao(tmp_path, "import", str(file))
    assert code == 0
    assert told.splitlines()[0] == (
        "会这样导入（加 --yes 才真的做）：添加 2，修改 0，删除 0，一样的 0"
    )
    assert "第 3 行：没有用：「关键词内容」不认识 {nobody}" in told
    assert "第 4 行：「关键词内容」是空的：命中了也不回复" in told
    assert "添加 2" in yuqiao(tmp_path, "import", str(file))[1]
    assert "已导入：添加 2" in yuqiao(tmp_path, "import", "--yes", str(file))[1]
    assert yuqiao(tmp_path, "import", "--yes", "--replace", str(file))[0] == 1
    out = tmp_path / "b.csv"
    assert yuqiao(tmp_path, "export", str(out))[0] == 0
    assert "包邮,,包的,全部账号" in out.read_text("utf-8-sig")
    again = yuqiao(tmp_path, "import", "--yes", "--replace", str(out))[1]
    assert again.strip() == "已导入：添加 0，修改 0，删除 0，一样的 2"


def test_what_cannot_be_done_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("关键词,关键词内容\n好,行\n")
    code, _, told = yuqiao(tmp_path, "import", "--account", "没有的店", str(file))
    assert (code, "没有叫「没有的店」的账号" in told) == (1, True)
    code, _, told = yuqiao(tmp_path, "export", str(tmp_path / "a.pdf"))
    assert (code, ".xlsx 或 .csv" in told) == (1, True)


def test_the_benchmark_decides_about_every_message() -> None:
    """Figures depend on the machine; the goal of a millisecond leaves ten times what it takes."""
    result = asyncio.run(run_rules(rules=5000, patterns=20, messages=2000, lines=100))
    assert (result.rules, result.messages) == (5000, 2000)
    assert 0 < result.answered < 2000
    assert result.cpu < 1
    assert "5000 rules, 20 of them patterns" in report_rules(result)
    assert result.as_dict()["p50"] > 0
