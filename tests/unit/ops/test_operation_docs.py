"""The pages on operations say what is so: commands, settings, figures, messages and links."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from hub.cli import cli
from hub.ops import Metrics
from hub.settings import Settings
from tests.originals import write_original
from tests.programs import Done, run

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "operations"
PAGES = tuple(sorted(path.name for path in FOLDER.glob("*.md")))
OTHER_VALUES = {"install.md", "postgresql.md"}
"""Pages that say what to change, not what is so."""
RUN_FOR_LONG = {"serve", "demo", "bench", "sandbox"}
"""Commands that end when a person says so."""


def page(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each code block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)


def in_blocks(text: str) -> Iterator[str]:
    """Each call of ours in a block, without its remark."""
    for _, block in blocks(text):
        for line in block.splitlines():
            if found := re.match(r"(?:yuqiao|.*-m hub|\./docker-deploy\.sh run) ([a-z].*)", line):
                yield re.sub(r" (?:#|<) ?.*", "", found[1]).strip()


def commands() -> Iterator[str]:
    """Each call of ours in a block or between backticks, of all that people read."""
    for path in (*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))):
        text = path.read_text("utf-8")
        yield from in_blocks(text)
        for inline in re.findall(r"`(?:yuqiao|[^`\n]*-m hub) ([a-z][^`…\n]*)`", text):
            yield inline.partition(" <")[0].strip()


def parse(command: click.Command, words: list[str]) -> None:
    """As the command line would, without doing it. Raises for what it does not know."""
    options = [word for word in words if word.startswith("--")]
    known = {name for option in command.params for name in option.opts}
    group = command.commands if isinstance(command, click.Group) else {}
    for place, word in enumerate(words):
        if word in group:
            parse(group[word], words[place + 1 :])
            return
    assert set(options) <= known, (command.name, set(options) - known)


def test_every_command_exists_with_its_options() -> None:
    found = sorted(set(commands()))
    assert len(found) > 30
    for line in found:
        words = shlex.split(line)
        command = cli.get_command(None, words[0])  # type: ignore[arg-type] - it needs none
        assert command is not None, line
        parse(command, words[1:])


def test_the_commands_of_the_pages_do_what_they_say(tmp_path: Path) -> None:
    """As they stand there, in their order, in the folder of a shop that comes from the original."""
    left = tmp_path / "原系统"
    (left / "data").mkdir(parents=True)
    copied = tmp_path / "data" / "原系统"
    copied.mkdir(parents=True)
    (left / "global_config.yml").write_text("MESSAGE_EXPIRE_TIME: 600000\n", "utf-8")
    shutil.copy(write_original(left / "data" / "xianyu_data.db"), copied)
    shutil.copy(left / "global_config.yml", copied)
    (tmp_path / "cookie.txt").write_text(
        "unb=2200111122223; cookie2=x; _m_h5_tk=y_1; cna=z", "utf-8"
    )
    (tmp_path / "口令.txt").write_text("a horse and a staple", "utf-8")
    environment = {"PATH": os.environ["PATH"], "YUQIAO_BACKUP__FOLDER": "backups"}

    def said(line: str) -> Done:
        newest = max((tmp_path / "backups").glob("yuqiao-*.zip"), default=None, key=_age)
        line = line.replace("/mnt/usb", shlex.quote(str(tmp_path / "usb")))
        if newest is not None:
            line = line.replace("yuqiao-20261126-043000.zip", newest.name)
        return run(*shlex.split(line), cwd=tmp_path, plain=True, env=environment)

    pages = [ROOT / "docs" / "migration.md", FOLDER / "backup.md", ROOT / "README.md"]
    lines = [line for path in pages for line in in_blocks(path.read_text("utf-8"))]
    lines += [line for line in in_blocks(page("troubleshooting.md")) if line != "check"]
    done = {line: said(line) for line in lines if line.split()[0] not in RUN_FOR_LONG}
    assert len(done) > 12
    assert {line: each for line, each in done.items() if each.code} == {}
    assert "恢复以前的样子" in done["restore --undo --yes"].out
    assert "✓ 已恢复：回复规则" in next(each.out for line, each in done.items() if "--only" in line)


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


OLD_VARIABLES = """
WEB_PORT TZ DB_PATH LOG_LEVEL DEBUG RELOAD SQL_LOG_ENABLED SQL_LOG_LEVEL ADMIN_USERNAME
ADMIN_PASSWORD JWT_SECRET_KEY SESSION_TIMEOUT TOKEN_EXPIRE_TIME MULTIUSER_ENABLED
USER_REGISTRATION_ENABLED EMAIL_VERIFICATION_ENABLED CAPTCHA_ENABLED AUTO_REPLY_ENABLED
AUTO_DELIVERY_ENABLED AUTO_DELIVERY_TIMEOUT API_CARD_TIMEOUT BATCH_DATA_LOCK_TIMEOUT
AI_REPLY_ENABLED DEFAULT_AI_MODEL DEFAULT_AI_BASE_URL AI_REQUEST_TIMEOUT AI_MAX_TOKENS
WEBSOCKET_URL HEARTBEAT_INTERVAL HEARTBEAT_TIMEOUT TOKEN_REFRESH_INTERVAL TOKEN_RETRY_INTERVAL
MESSAGE_EXPIRE_TIME MEMORY_LIMIT CPU_LIMIT MEMORY_RESERVATION CPU_RESERVATION API_HOST API_PORT
COOKIES_STR DOCKER_ENV UVICORN_WORKERS UVICORN_HOST UVICORN_PORT PYTHONUNBUFFERED
PYTHONDONTWRITEBYTECODE
"""


def test_whoever_comes_from_the_original_finds_what_became_of_each_variable() -> None:
    table = page("README.md").partition("### 变量")[2].partition("###")[0]
    assert [name for name in OLD_VARIABLES.split() if f"`{name}`" not in table] == []
    settings = re.findall(r"`([a-z]+)\.([a-z_]+)`", table.replace(".yml`", "`"))
    assert len(settings) > 6
    for section, key in settings:
        assert key in type(getattr(Settings(), section)).model_fields, (section, key)


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_exists_with_the_value_that_is_its_default(name: str) -> None:
    for language, block in blocks(page(name)):
        values = yaml.safe_load(block) if language == "yaml" else {}
        if set(values) <= set(Settings.model_fields):
            given = Settings.model_validate(values)
            for section in values if name not in OTHER_VALUES else ():
                assert getattr(given, section) == getattr(Settings(), section), section


def test_every_figure_is_explained_and_none_is_invented() -> None:
    shown = Metrics().page().decode()
    names = re.findall(r"^# TYPE (yuqiao_\w+) ", shown, re.M)
    real = {name for name in names if not name.endswith("_created")}
    said = set(re.findall(r"`(yuqiao_\w+)", page("monitoring.md")))
    assert said == real


def test_the_messages_in_the_tables_are_those_of_the_program() -> None:
    files = (path.read_text("utf-8") for path in (ROOT / "hub").rglob("*.py"))
    source = "".join(re.sub(r'"\s*\n\s*f?"', "", text) for text in files)
    table = page("troubleshooting.md").partition("## 启动不了")[2].partition("\n## ")[0]
    phrases = [
        part
        for cell in re.findall(r"^\| (`[^|]*) \|", table, re.M)
        for quoted in re.findall(r"`([^`]+)`", cell)
        for part in re.split(r"\s*…\s*", quoted)
        if part and part != "Permission denied"
    ]
    assert len(phrases) > 8
    assert [one for one in phrases if one not in source] == []


def test_what_the_scripts_are_said_to_say_they_say() -> None:
    scripts = ("docker-deploy.sh", "deploy/parts.sh", "deploy/update.sh", "entrypoint.sh")
    source = "".join((ROOT / name).read_text("utf-8") for name in scripts)
    table = page("troubleshooting.md").partition("## 部署脚本说不行")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.M)
    phrases = [one for cell in cells for one in re.findall(r"`([^`]+)`", cell)]
    ours = [one for one in phrases if re.search(r"[\u4e00-\u9fff]", one)]
    assert len(ours) > 10
    assert [one for one in ours if one not in source] == []


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name)):
        assert (FOLDER / target).resolve().exists(), target
