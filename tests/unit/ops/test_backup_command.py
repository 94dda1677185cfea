"""`yuqiao backup` and `yuqiao restore` as cron and deploy scripts call them: words, exit codes."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from backup_stage import NOW, PASSPHRASE, Machine, furnish

from hub.ops.kept import free_folder
from hub.text import backups as words
from tests.programs import Done, run


async def yuqiao(machine: Machine, *said: str, stdin: str = "") -> Done:
    """From a folder of nobody's and with next to no environment, as cron does."""
    nobody = machine.folder.with_name(f"{machine.folder.name}-cron")
    nobody.mkdir(exist_ok=True)
    return await asyncio.to_thread(
        run,
        *(("--config", str(machine.config)) if machine.config.exists() else ()),
        *said,
        given=stdin.encode(),
        cwd=nobody,
        plain=True,
        env={
            "PATH": os.environ["PATH"],
            "DB_PATH": str(machine.database),
            "YUQIAO_AI__PROMPTS": str(machine.folder / "config" / "prompts"),
            "YUQIAO_BARGAIN__FORBIDDEN_WORDS": str(machine.folder / "config" / "words.txt"),
        },
    )


async def test_the_whole_way_from_a_backup_to_another_machine(tmp_path: Path) -> None:
    here, there = Machine(tmp_path / "here"), Machine(tmp_path / "there")
    await furnish(here)
    code, said, aside = await yuqiao(here, "backup")
    assert (code, "✓ 已备份并检查过" in said) == (0, True)
    assert words.NO_KEY in aside
    code, said, aside = await yuqiao(
        here, "backup", "--daily", "--json", "--passphrase-file", "-", stdin=PASSPHRASE
    )
    made = json.loads(said)
    assert (code, made["key"], made["daily"], made["good"]) == (0, "sealed", True, True)
    assert words.NO_KEY not in aside

    code, said, _ = await yuqiao(here, "backup", "list")
    assert (code, said.count("\n"), said.splitlines()[0].split("\t")[0]) == (
        0,
        2,
        Path(made["file"]).name,
    )
    code, said, _ = await yuqiao(here, "backup", "verify", made["file"])
    assert (code, "完好" in said) == (0, True)

    code, said, _ = await yuqiao(
        there, "restore", made["file"], "--passphrase-file", "-", stdin="no"
    )
    assert (code, said) == (1, "")
    asked = ("restore", made["file"], "--passphrase-file", "-")
    code, said, _ = await yuqiao(there, *asked, stdin=PASSPHRASE)
    assert (code, words.WOULD in said, there.database.exists()) == (0, True, False)
    code, said, _ = await yuqiao(there, *asked, "--yes", stdin=PASSPHRASE)
    assert (code, "✓ 已恢复" in said) == (0, True)
    assert there.tables() == here.tables()
    assert words.UNDO not in said  # there was nothing before

    code, said, _ = await yuqiao(here, "restore", made["file"], "--only", "rules", "--yes")
    assert (code, words.UNDO in said) == (0, True)
    code, said, _ = await yuqiao(here, "restore", "--undo")
    assert (code, words.WOULD in said, "恢复以前的样子" in said) == (0, True, True)
    code, said, _ = await yuqiao(here, "restore", "--undo", "--yes")
    assert (code, words.UNDO in said) == (0, True)
    assert (await yuqiao(here, "restore"))[0] == 2


async def test_a_part_that_the_backup_has_not_is_not_said_to_come_back(tmp_path: Path) -> None:
    here = Machine(tmp_path / "here")
    async with here.store():
        pass
    file = here.backups.make(NOW).path
    code, said, _ = await yuqiao(here, "restore", str(file), "--only", "pictures")
    assert (code, said.strip()) == (0, words.NOTHING_TO_RESTORE)


def test_what_a_restore_keeps_is_named_by_the_clock_of_the_shop(tmp_path: Path) -> None:
    evening = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)
    assert free_folder(tmp_path, evening, "Asia/Shanghai").name == "before-restore-20261127-020000"


async def test_what_cannot_be_done_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    here = Machine(tmp_path / "here")
    for said, why in (
        (("backup",), "还没有数据库"),
        (("backup", "verify", str(tmp_path / "no.zip")), "没有备份文件"),
        (("restore", str(tmp_path / "no.zip"), "--only", "everything"), "没有叫「everything」"),
    ):
        code, out, errors = await yuqiao(here, *said)
        assert (code, out, errors.count("\n")) == (1, "", 1), said
        assert why in errors
