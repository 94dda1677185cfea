"""Prompts are files: ours unless the owner has some, and wrong ones are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from assist_stage import question

from hub.assist import PLACEHOLDERS, load_prompts
from hub.assist.prompt import LONGEST_PROMPT, opening
from hub.errors import SettingsError

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "config" / "prompts"


def test_our_own_prompts_are_complete(tmp_path: Path) -> None:
    ours = load_prompts()
    assert ours == load_prompts(tmp_path / "nowhere") == load_prompts(FOLDER)
    for name, known in PLACEHOLDERS.items():
        named = set(re.findall(r"\{([a-z]+)\}", getattr(ours, name)))
        assert named == set(known), name
    system = opening(question(), ours, "f" * 16, pictures=False)[0]["content"]
    assert not re.search(r"\{[a-z]+\}", system), "everything is filled in"


def test_a_file_of_the_owner_replaces_ours_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "answer.md").write_text("只说你好 {facts} {fence} {intents}", "utf-8")
    found = load_prompts(tmp_path)
    assert found.answer == "只说你好 {facts} {fence} {intents}"
    assert found.repair == load_prompts().repair


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{facts} {fence} {intents} {buyer_name}", r"answer\.md: \{buyer_name\} is no placeholder"),
        ("{facts} {intents}", r"answer\.md: \{fence\} must stand in it"),
        ("{fence} {intents}", r"answer\.md: \{facts\} must stand in it"),
        ("{facts} {fence} {intents}" + "长" * LONGEST_PROMPT, "is longer than"),
    ],
)
def test_a_wrong_prompt_is_named_with_what_is_wrong(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "answer.md").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=part):
        load_prompts(tmp_path)


def test_a_prompt_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "repair.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="repair"):
        load_prompts(tmp_path)


def test_the_page_about_prompts_names_every_file_and_placeholder() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    for name, known in PLACEHOLDERS.items():
        assert f"`{name}.md`" in page
        for placeholder in known:
            assert f"`{{{placeholder}}}`" in page
