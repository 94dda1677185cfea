"""Items and prices as people write them (L40)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hub import text
from hub.model import Item


def priced(low: str | None, high: str | None = None) -> Item:
    return Item(
        "1",
        "视频会员月卡",
        price=None if low is None else Decimal(low),
        highest_price=None if high is None else Decimal(high),
    )


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (priced("12.8"), "¥12.80"),
        (priced("12.80", "12.80"), "¥12.80"),
        (priced("9.90", "29.90"), "¥9.90～29.90"),
        (priced("12000"), "¥12000"),
        (priced("1.2E+4"), "¥12000"),
        (priced("168.00"), "¥168"),
        (priced("0.01"), "¥0.01"),
        (priced(None), ""),
    ],
)
def test_a_price_is_shown_in_yuan_and_never_invented(item: Item, shown: str) -> None:
    assert text.price(item) == shown


def test_a_line_names_what_is_known() -> None:
    assert text.item_line("推送里的标题", None) == "推送里的标题"
    assert text.item_line("", priced("12.80")) == "视频会员月卡 ¥12.80"
    assert text.item_line("旧标题", priced(None)) == "视频会员月卡"
    assert text.item_line("", None) == ""


def test_a_list_says_how_many_it_does_not_show() -> None:
    shown = text.item_list("小店", [priced("1"), priced("2")], 7)
    assert shown.startswith("【小店】9 件在售")
    assert "还有 7 件" in shown
    assert "还有" not in text.item_list("小店", [priced("1")], 0)


def test_nothing_found_names_the_word() -> None:
    assert "键盘" in text.no_items("键盘")
    assert text.no_items("") == "没有在售的商品"
