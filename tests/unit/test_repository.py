"""What the repository holds: nothing of anybody's machine, and two languages that agree."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from hub.commands import COMMANDS

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
BINARY = {".png", ".ico", ".woff2"}


def tracked() -> list[Path]:
    """Every file that a clone brings; without git, everything that looks like source."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listed if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_hashes_and_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links)\b", text, re.M)
    pins = re.split(r"\n(?=[A-Za-z0-9])", text)
    for pin in pins:
        assert re.match(r"[\w.\[\]-]+==\S+", pin), pin.splitlines()[0]
        assert "--hash=sha256:" in pin, pin.splitlines()[0]


def test_what_the_tests_need_contains_what_the_program_needs() -> None:
    pins = [
        set(re.findall(r"^([\w.-]+==[^\s;\\]+)", (ROOT / name).read_text("utf-8"), re.M))
        for name in LOCKS
    ]
    assert pins[0] < pins[1]


def test_every_text_ends_its_lines_as_unix_does() -> None:
    assert "* text=auto eol=lf" in (ROOT / ".gitattributes").read_text("utf-8")
    windows = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix not in BINARY | {".bat"} and b"\r\n" in path.read_bytes()
    ]
    assert windows == []


def test_no_path_of_anybodys_machine_is_in_it() -> None:
    home = re.compile(r"(?<![\w.~])/(?:root|home/\w+|Users/\w+|mnt/\w+)/|[A-Z]:\\\\Users")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix not in BINARY
        and path != Path(__file__)
        and home.search(path.read_text("utf-8"))
    ]
    assert found == []


def test_every_command_of_the_chat_is_in_the_readme_and_explained_in_the_docs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    pages = ("qq.md", "delivery.md", "stock.md", "bargaining.md")
    docs = "".join((ROOT / "docs" / name).read_text("utf-8") for name in pages)
    for command in COMMANDS:
        said = re.compile(rf"`/{command.name}[`\s]")
        assert said.search(readme), command.name
        assert said.search(docs), command.name


def _blocks(text: str) -> list[str]:
    return re.findall(r"^```\n(.*?)^```", text, re.M | re.S)


def test_both_readmes_give_the_same_commands_and_link_to_what_exists() -> None:
    chinese, english = ((ROOT / n).read_text("utf-8") for n in ("README.md", "README.en.md"))
    assert _blocks(chinese) == _blocks(english)
    rows = [re.findall(r"`[^`\n]*(?:python|py) [^`\n]*`", text) for text in (chinese, english)]
    assert set(rows[0]) == set(rows[1])
    assert len(re.findall("^## ", chinese, re.M)) == len(re.findall("^## ", english, re.M))
    for target in re.findall(r"\]\(([^)#:]+)\)", chinese + english):
        assert (ROOT / target).exists(), target


def test_the_readme_promises_targets_that_the_makefile_has() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert {"demo", "serve", "test", "deploy-test"} <= targets
    promised = set(re.findall(r"`?make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8")))
    assert promised <= targets


def test_ci_runs_the_readmes_tests_and_then_the_deployment_within_its_time() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert {"set -euo pipefail", "SECONDS=0", "make test"} <= set(lines)
    assert lines.index("SECONDS=0") < lines.index("make test")
    assert lines[-1] == "DEPLOY_SECONDS=$((MOST - SECONDS)) make deploy-test"
    [most] = re.findall(r"^MOST=(\d+)\b", "\n".join(lines), re.M)
    assert int(most) <= 28 * 60
