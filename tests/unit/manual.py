"""The manual of the commands, made from the registry.

`python -m tests.unit.manual` writes it into docs/qq.md.
"""

from __future__ import annotations

from pathlib import Path

from hub.commands import COMMANDS
from hub.text import manual

PAGE = Path(__file__).parents[2] / "docs" / "qq.md"
BEGIN, END = "<!-- 命令手册：开始 -->\n", "<!-- 命令手册：结束 -->\n"


def written() -> str:
    """What stands in the page."""
    page = PAGE.read_text(encoding="utf-8")
    return page.partition(BEGIN)[2].partition(END)[0]


def made() -> str:
    return manual([(c.name, c.usage, c.summary, c.role, c.details, c.aliases) for c in COMMANDS])


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + made() + END + after, encoding="utf-8")
