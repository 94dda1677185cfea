"""What models write is read however they wrap it, and refused when it is not what was asked for."""

from __future__ import annotations

import json

import pytest

from hub.assist.answers import LONGEST_ANSWER, read_answer
from hub.assist.trouble import Trouble
from hub.model import AiTrouble, Intent

GOOD = '{"intent": "price", "confidence": 0.9, "language": "zh", "answer": "168 元"}'


@pytest.mark.parametrize(
    "written",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"好的，下面是回答：\n{GOOD}\n希望有帮助！",
        f'<think>买家问价 {{"answer": "想想"}}</think>\n{GOOD}',
        f'{{"note": 1}} {GOOD}',
        f"{{坏的 {{ {GOOD}",
        f"{GOOD}\n{GOOD}",
        GOOD.replace('"price"', '" PRICE "'),
    ],
)
def test_an_answer_is_found_in_its_wrapping(written: str) -> None:
    found = read_answer(written, "fence")
    assert (found.text, found.intent, found.confidence) == ("168 元", Intent.PRICE, 0.9)
    assert found.language == "zh"


@pytest.mark.parametrize(
    ("said", "confidence"),
    [
        ("0.5", 0.5),
        ('"0.5"', 0.5),
        ('"50%"', 0.5),
        ("50", 0.5),
        ("1", 1.0),
        ("0", 0.0),
        ("-1", 0.0),
        ("101", 0.0),
        ("true", 0.0),
        ("null", 0.0),
        ('"high"', 0.0),
        ("NaN", 0.0),
        ("Infinity", 0.0),
        ("[1]", 0.0),
    ],
)
def test_confidence_that_cannot_be_read_is_none(said: str, confidence: float) -> None:
    written = f'{{"intent": "chat", "confidence": {said}, "answer": "在"}}'
    assert read_answer(written, "fence").confidence == confidence


def test_a_missing_confidence_is_none_and_an_unknown_intent_is_other() -> None:
    found = read_answer('{"intent": "销售", "answer": "在"}', "fence")
    assert (found.intent, found.confidence, found.language) == (Intent.OTHER, 0.0, "")


@pytest.mark.parametrize(
    ("written", "trouble"),
    [
        ("", AiTrouble.UNREADABLE),
        ("168 元", AiTrouble.UNREADABLE),
        ("{}", AiTrouble.UNREADABLE),
        ('{"answer": ["168 元"], "intent": "price"}', AiTrouble.UNREADABLE),
        ('{"answer": {"text": "x"}, "intent": "price"}', AiTrouble.UNREADABLE),
        ('{"answer": "  ", "intent": "price"}', AiTrouble.EMPTY),
        ('{"intent": "price"}', AiTrouble.EMPTY),
        (json.dumps({"answer": "x" * (LONGEST_ANSWER + 1)}), AiTrouble.TOO_LARGE),
        ("{" * 100_000, AiTrouble.UNREADABLE),
    ],
)
def test_what_is_no_answer_is_refused(written: str, trouble: AiTrouble) -> None:
    with pytest.raises(Trouble) as caught:
        read_answer(written, "fence")
    assert caught.value.kind is trouble


def test_nothing_to_say_is_an_answer_only_when_none_is_needed() -> None:
    found = read_answer('{"intent": "none", "answer": ""}', "fence")
    assert (found.text, found.intent) == ("", Intent.NONE)


def test_unseen_signs_are_taken_out_and_line_breaks_kept() -> None:
    written = json.dumps({"intent": "chat", "answer": "一\r\n二\u202e三\u0007👨\u200d👩"})
    assert read_answer(written, "fence").text == "一\n二三👨\u200d👩"
