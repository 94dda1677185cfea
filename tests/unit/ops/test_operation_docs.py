"""The pages on operations say what is so: commands, settings, figures, messages and links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from hub.cli import cli
from hub.ops import Metrics
from hub.settings import Settings

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "operations"
PAGES = tuple(sorted(path.name for path in FOLDER.glob("*.md")))
OTHER_VALUES = {"install.md", "postgresql.md"}
"""Pages that say what to change, not what is so."""


def page(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each code block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)


def commands() -> Iterator[str]:
    """Each call of ours in a block or between backticks, without its remark."""
    for name in PAGES:
        for _, block in blocks(page(name)):
            for line in block.splitlines():
                if line.startswith("yuqiao "):
                    yield line.removeprefix("yuqiao ").partition(" #")[0].strip()
                elif "-m hub " in line:
                    yield line.partition("-m hub ")[2].strip()
        for inline in re.findall(r"`yuqiao ([a-z][^`…]*)`", page(name)):
            yield inline.strip()


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
    assert len(found) > 12
    for line in found:
        words = shlex.split(line)
        command = cli.get_command(None, words[0])  # type: ignore[arg-type] - it needs none
        assert command is not None, line
        parse(command, words[1:])


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


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name)):
        assert (FOLDER / target).resolve().exists(), target
