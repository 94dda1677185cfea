"""A sign where there are signs, words where something has to be done, and never a flood."""

from __future__ import annotations

import pytest

from hub.model import Mark
from hub.policy import ReceiptWay, receipt_way


@pytest.mark.parametrize(
    ("mark", "with_signs", "without"),
    [
        (None, ReceiptWay(False, True), ReceiptWay(False, True)),
        (Mark.SENDING, ReceiptWay(True, False), ReceiptWay(False, False)),
        (Mark.ACCEPTED, ReceiptWay(True, False), ReceiptWay(False, True)),
        (Mark.READ, ReceiptWay(True, False), ReceiptWay(False, False)),
        (Mark.REFUSED, ReceiptWay(True, True), ReceiptWay(False, True)),
        (Mark.UNCERTAIN, ReceiptWay(True, True), ReceiptWay(False, True)),
    ],
)
def test_how_it_is_told(mark: Mark | None, with_signs: ReceiptWay, without: ReceiptWay) -> None:
    assert receipt_way(mark, reacts=True) == with_signs
    assert receipt_way(mark, reacts=False) == without
