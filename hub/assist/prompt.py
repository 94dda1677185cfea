"""What a model is told: the owner's rules and facts on one side, the buyer's words on the other.

Buyers' words are data. They go out as JSON, one line a message, between marks with a random number,
and without the signs that marks are made of: there is nothing a buyer can type that ends them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from hub.assist.answers import cleaned
from hub.assist.line import Message
from hub.errors import SettingsError
from hub.model import Intent, Question, Said, Speaker
from hub.policy import fill, unknown_placeholders
from hub.text import INTENTS, PICTURE

PLACEHOLDERS: Mapping[str, tuple[str, ...]] = {
    "answer": ("facts", "knowledge", "guidance", "fence", "intents"),
    "repair": ("reason", "intents"),
}
"""Prompt -> what may stand in braces in it."""
NEEDED: Mapping[str, tuple[str, ...]] = {"answer": ("facts", "fence", "intents"), "repair": ()}
"""Without these the model knows nothing, or cannot tell the buyer's words from ours."""
LONGEST_PROMPT = 20_000
LONGEST_MESSAGE = 1_000
LONGEST_DESCRIPTION = 3_000
LONGEST_KNOWLEDGE = 8_000
"""Characters, of each scope."""
LONGEST_LINE = 200
MOST_SPECS = 60
MOST_WORDS = 20
"""Messages that are answered together."""
SPEAKERS: Mapping[Speaker, str] = {
    Speaker.BUYER: "买家",
    Speaker.SELLER: "卖家",
    Speaker.PLATFORM: "闲鱼",
}


@dataclass(frozen=True, slots=True)
class Prompts:
    """The texts around questions, as the owner may have changed them."""

    answer: str
    repair: str


def load_prompts(folder: Path | None = None) -> Prompts:
    """Ours, except where the folder holds a file of the same name.

    Raises SettingsError that names the file and what is wrong with it.
    """
    return Prompts(**{name: _load(name, folder) for name in PLACEHOLDERS})


def _load(name: str, folder: Path | None) -> str:
    own = None if folder is None else folder / f"{name}.md"
    if own is None or not own.is_file():
        return resources.files("hub.assist").joinpath("prompts", f"{name}.md").read_text("utf-8")
    try:
        text = own.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the prompt {own}: {error}") from None
    known = PLACEHOLDERS[name]
    listed = ", ".join(f"{{{one}}}" for one in known)
    if unknown := unknown_placeholders(text, known):
        raise SettingsError(f"prompt {own}: {{{unknown[0]}}} is no placeholder; there are {listed}")
    for needed in NEEDED[name]:
        if f"{{{needed}}}" not in text:
            raise SettingsError(f"prompt {own}: {{{needed}}} must stand in it somewhere")
    if len(text) > LONGEST_PROMPT:
        raise SettingsError(f"prompt {own} is longer than {LONGEST_PROMPT} characters")
    return text


def opening(question: Question, prompts: Prompts, fence: str, *, pictures: bool) -> list[Message]:
    """The messages of the first call. `fence`: random, and in none of the texts."""
    system = fill(
        prompts.answer,
        {
            "facts": _data(_facts(question)),
            "knowledge": _listed(question.knowledge) or "（没有）",
            "guidance": _listed(question.guidance),
            "fence": fence,
            "intents": intents(),
        },
    )
    words = _words(question, fence)
    content: Any = words
    if pictures and question.picture is not None:
        packed = base64.b64encode(question.picture.data).decode("ascii")
        url = f"data:{question.picture.media_type};base64,{packed}"
        content = [
            {"type": "text", "text": words},
            {"type": "image_url", "image_url": {"url": url}},
        ]
    return [{"role": "system", "content": system}, {"role": "user", "content": content}]


def repair(prompts: Prompts, written: str, reason: str) -> list[Message]:
    """What is added for the second call."""
    asked = fill(prompts.repair, {"reason": reason, "intents": intents()})
    return [
        {"role": "assistant", "content": written[:LONGEST_DESCRIPTION]},
        {"role": "user", "content": asked},
    ]


def intents() -> str:
    return "、".join(f"{intent.value}（{INTENTS[intent]}）" for intent in Intent)


def texts_of(question: Question) -> Iterable[str]:
    """Every text that others wrote."""
    yield from (said.text for said in (*question.history, *question.words))
    yield question.unlike
    yield from (question.item.title, question.item.description, *question.item.specs)


def _facts(question: Question) -> dict[str, Any]:
    item = question.item
    facts: dict[str, Any] = {
        "标题": item.title[:LONGEST_LINE],
        "价格": item.price,
        "库存": item.stock,
        "说明": item.description[:LONGEST_DESCRIPTION],
        "可选规格": [spec[:LONGEST_LINE] for spec in item.specs[:MOST_SPECS]],
        "买家的订单": question.order,
    }
    return {name: value for name, value in facts.items() if value}


def _words(question: Question, fence: str) -> str:
    before, new = question.history, question.words[-MOST_WORDS:]
    parts = []
    if before:
        parts.append(f"<之前的对话 {fence}>\n{_lines(before)}\n</之前的对话 {fence}>")
    parts.append(f"<买家的新消息 {fence}>\n{_lines(new)}\n</买家的新消息 {fence}>")
    if question.unlike:
        draft = _data({"草稿": _short(question.unlike)})
        parts.append(f"<店主不满意的草稿 {fence}>\n{draft}\n</店主不满意的草稿 {fence}>")
        parts.append("店主不想发这个草稿，请换一种答法。")
    parts.append("请回答买家的新消息，按系统消息里的格式只输出一个 JSON。")
    return "\n\n".join(parts)


def _lines(said: Iterable[Said]) -> str:
    return "\n".join(
        _data({"谁": SPEAKERS[one.speaker], "说": _short(one.text) or PICTURE}) for one in said
    )


def _short(text: str) -> str:
    text = cleaned(text).strip()
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def _data(value: Any) -> str:
    """JSON on one line, whatever counts as a line's end, and without angle brackets: marks, and the
    signs by which some servers tell roles apart, cannot be written in it."""
    written = cleaned(json.dumps(value, ensure_ascii=False))
    return written.replace("<", "\\u003c").replace(">", "\\u003e")


def _listed(texts: Iterable[str]) -> str:
    return "\n\n".join(text.strip()[:LONGEST_KNOWLEDGE] for text in texts if text.strip())
