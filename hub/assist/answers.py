"""Reads what a model wrote: one JSON object, however it was wrapped. Text stays text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.assist.trouble import Trouble
from hub.model import AiTrouble, Intent

LONGEST_ANSWER = 1000
"""Characters. Nobody wants more in a chat."""
_THOUGHT = re.compile(r"<think>.*?(?:</think>|$)", re.DOTALL | re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_MOST_TRIED = 50


@dataclass(frozen=True, slots=True)
class Read:
    text: str
    intent: Intent
    confidence: float
    language: str


def read_answer(written: str, fence: str) -> Read:
    """Raises Trouble: UNREADABLE with what is wrong, EMPTY, or TOO_LARGE.

    `fence` marks the buyer's words in the prompt; an answer with it in shows the prompt to buyers.
    """
    found = next(_objects(_THOUGHT.sub("", written)), None)
    if found is None:
        raise Trouble(AiTrouble.UNREADABLE, "没有 JSON")
    text = found.get("answer")
    if text is None:
        text = ""
    if not isinstance(text, str):
        raise Trouble(AiTrouble.UNREADABLE, "answer 不是文字")
    text = cleaned(text).strip()
    if fence in text:
        raise Trouble(AiTrouble.UNREADABLE, "把提示词写进了回答")
    intent = _intent(found.get("intent"))
    if not text and intent is not Intent.NONE:
        raise Trouble(AiTrouble.EMPTY)
    if len(text) > LONGEST_ANSWER:
        raise Trouble(AiTrouble.TOO_LARGE, f"{len(text)} 字")
    return Read(text, intent, _confidence(found.get("confidence")), _language(found))


def cleaned(text: str) -> str:
    """Without signs that nobody sees: control, direction, tag and half characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in text if one in "\n\t" or not _is_unseen(one))


def _is_unseen(sign: str) -> bool:
    if sign in "\u200d\ufe0f":  # what holds an emoji together
        return False
    return unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects that hold an answer, wherever they stand in the text."""
    decoder = json.JSONDecoder(strict=False)  # models write line breaks into strings
    at, tried = text.find("{"), 0
    while at >= 0 and tried < _MOST_TRIED:
        try:
            found, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and ("answer" in found or "intent" in found):
            yield found
        at, tried = text.find("{", at + 1), tried + 1


def _intent(said: object) -> Intent:
    try:
        return Intent(str(said).strip().lower())
    except ValueError:
        return Intent.OTHER


def _confidence(said: object) -> float:
    """Between 0 and 1. What cannot be read counts as no confidence at all."""
    if isinstance(said, bool):
        return 0.0
    if isinstance(said, str):
        said = said.strip()
        percent = said.endswith("%")
        try:
            said = float(said.removesuffix("%")) / (100 if percent else 1)
        except ValueError:
            return 0.0
    if not isinstance(said, int | float) or said != said:
        return 0.0
    if 1 < said <= 100:
        said = said / 100
    return float(said) if 0 <= said <= 1 else 0.0


def _language(found: dict[str, Any]) -> str:
    said = found.get("language")
    if isinstance(said, str) and len(said) <= 20 and _LANGUAGE.fullmatch(said.strip()):
        return said.strip().lower()
    return ""
