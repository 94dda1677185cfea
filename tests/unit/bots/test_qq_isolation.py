"""NoneBot's habits of a lone program stay away from the hub: log, environment, global state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from qq_stage import FAST, TOKEN, Door

from bots import QQ
from hub.settings import QQSettings

ROOT = Path(__file__).parents[3]

KEEPS_LOG = """
from loguru import logger
ours = []
logger.remove()
logger.add(ours.append, format="{name} {level} {message}", level="DEBUG")
from bots import QQ
logger.info("after the import")
from hub.settings import QQSettings
QQ(QQSettings(), access_token="t", receive=None, is_operator=bool)
logger.info("after the start")
import nonebot
nonebot.logger.success("a message text")
nonebot.logger.opt(colors=True).warning("<r>one line</r>\\nand the content of a chat")
print("".join(ours), end="")
"""

POISONED = {
    "HOST": "x86_64-conda-linux-gnu",
    "PORT": "none",
    "SUPERUSERS": "123",
    "NICKNAME": "bob",
    "LOG_LEVEL": "debug",
    "COMMAND_START": "/",
    "DRIVER": "~fastapi",
    "ENVIRONMENT": "nowhere",
    "API_TIMEOUT": "soon",
    "ONEBOT_ACCESS_TOKEN": "other",
    "ONEBOT_WS_URLS": "nonsense",
}


def run(code: str, folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **env},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_importing_and_starting_nonebot_leaves_our_log_as_it_was(tmp_path: Path):
    """Only warnings come through, one line each: below that NoneBot logs message texts."""
    lines = run(KEEPS_LOG, tmp_path, {}).splitlines()
    assert lines == [
        "__main__ INFO after the import",
        "__main__ INFO after the start",
        "__main__ WARNING one line",
    ]


def test_an_environment_full_of_foreign_variables_does_not_stop_the_start(tmp_path: Path):
    (tmp_path / ".env").write_text("NICKNAME=bob\nSUPERUSERS=123\n")
    code = (
        "import os; from bots import QQ; from hub.settings import QQSettings;"
        "QQ(QQSettings(), access_token='t', receive=None, is_operator=bool);"
        "print(os.environ['HOST'], os.environ['LOG_LEVEL'])"
    )
    assert run(code, tmp_path, POISONED) == "x86_64-conda-linux-gnu debug\n"


async def test_a_second_qq_is_refused_while_the_first_runs_and_works_afterwards(door: Door):
    def another() -> QQ:
        return QQ(
            QQSettings(),
            access_token=TOKEN,
            receive=door.desk.receive,
            is_operator=bool,
            timing=FAST,
        )

    with pytest.raises(RuntimeError, match="one at a time"):
        another()
    async with door.bridge() as bridge:
        await bridge.say_private("10002", "还在")
        await door.desk.wait_for(1)
    await door.stop()
    another()
