"""What was written reaches the buyer byte for byte, with the order's facts in their places."""

from __future__ import annotations

import random

import pytest

from hub.model import StoredPicture, Text
from hub.policy import FACTS, DeliveryFacts, DeliveryPart, compose, fill, unknown_placeholders
from hub.policy.templates import LONGEST_PART

FACTS_OF_ONE = DeliveryFacts(
    order_id="4400112233445566778",
    item_id="900100200300",
    item_title="会员月卡",
    item_detail="自动发货",
    buyer_id="3100444455556",
    buyer_name="小林",
    cookie_id="数码小店",
    spec_name="时长",
    spec_value="30 天",
    order_amount="12.50",
    order_quantity="2",
)
ONE = StoredPicture("a.png", "image/png", 10, 10)
TWO = StoredPicture("b.jpg", "image/jpeg", 10, 10)


def texts(*parts: str) -> tuple[DeliveryPart, ...]:
    return tuple(Text(part) for part in parts)


def test_the_content_stands_where_the_template_says() -> None:
    template = "{buyer_name}你好，卡密：\n{DELIVERY_CONTENT}\n祝使用愉快"
    assert compose(template, FACTS_OF_ONE, codes=["A-1", "A-2"]) == texts(
        "小林你好，卡密：\nA-1\nA-2\n祝使用愉快"
    )


def test_an_empty_template_is_the_content_alone() -> None:
    assert compose("", FACTS_OF_ONE, codes=[" A-1"]) == texts(" A-1")


def test_a_template_without_a_place_is_followed_by_the_content() -> None:
    assert compose("请查收", FACTS_OF_ONE, codes=["A-1"]) == texts("请查收\n\nA-1")


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_has_its_placeholder(name: str) -> None:
    value = getattr(FACTS_OF_ONE, name)
    assert compose(f"[{{{name}}}]{{DELIVERY_CONTENT}}", FACTS_OF_ONE, codes=["x"]) == texts(
        f"[{value}]x"
    )


def test_the_placeholders_of_the_forerunner_are_all_known() -> None:
    named = (
        "{order_id} {item_id} {buyer_id} {cookie_id} {spec_name} {spec_value} {order_amount}"
        " {order_quantity} {item_detail} {DELIVERY_CONTENT}"
    )
    assert unknown_placeholders(named) == []


def test_unknown_placeholders_are_named_each_once_and_in_order() -> None:
    assert unknown_placeholders("{b} {order_id} {Order_Id} {b} {delivery_content}") == [
        "b",
        "Order_Id",
        "delivery_content",
    ]


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("{ order_id }", " order_id "),
        ("{order_id\u3000}", "order_id\u3000"),
        ("｛order_id｝", "｛order_id｝"),
        ("{order_id｝", "{order_id｝"),
        ("{ｏｒｄｅｒ＿ｉｄ}", "ｏｒｄｅｒ＿ｉｄ"),
        ("｛ DELIVERY_CONTENT ｝", "｛ DELIVERY_CONTENT ｝"),
        ("｛Order_ID｝", "｛Order_ID｝"),
    ],
)
def test_a_placeholder_that_was_nearly_written_is_named(written: str, named: str) -> None:
    """Chinese keyboards write wide braces; the buyer would read them, or get no card."""
    assert unknown_placeholders(f"单号 {written}") == [named]


@pytest.mark.parametrize(
    "literal",
    [
        "{",
        "}",
        "{}",
        "{{",
        "}}",
        "{订单}",
        "{ 订单 }",
        "{a b}",
        '{"a": 1}',
        "{0}",
        "{a-b}",
        "a{b",
        "%s$x",
    ],
)
def test_lone_braces_are_what_they_are(literal: str) -> None:
    """Never an exception at sending time (L36)."""
    assert unknown_placeholders(literal) == []
    assert compose(literal + "{DELIVERY_CONTENT}", FACTS_OF_ONE, codes=["x"]) == texts(
        literal + "x"
    )


def test_braces_around_a_placeholder_stay() -> None:
    assert fill("{{order_id}}", {"order_id": "1"}) == "{1}"


def test_a_name_that_became_unknown_is_left_as_it_stands() -> None:
    assert fill("{gone} {order_id}", {"order_id": "1"}) == "{gone} 1"


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    """Buyers choose their names, suppliers their codes."""
    facts = DeliveryFacts(buyer_name="{order_id}######{DELIVERY_CONTENT}", order_id="1")
    assert compose("{buyer_name}:{DELIVERY_CONTENT}", facts, codes=["{order_id}######x"]) == texts(
        "{order_id}######{DELIVERY_CONTENT}:{order_id}######x"
    )


def test_six_signs_cut_into_messages_and_take_their_line_breaks_along() -> None:
    template = "一\n######\n二\n\n######{DELIVERY_CONTENT}######\r\n三"
    assert compose(template, FACTS_OF_ONE, codes=["x"]) == texts("一", "二\n", "x", "三")


@pytest.mark.parametrize("line", ["#####", "#######", "############", "# # # # # #"])
def test_fewer_or_more_signs_are_decoration(line: str) -> None:
    template = f"一\n{line}\n{{DELIVERY_CONTENT}}"
    assert compose(template, FACTS_OF_ONE, codes=["x"]) == texts(f"一\n{line}\nx")


def test_messages_of_blanks_are_not_sent() -> None:
    assert compose("###### \n ######{DELIVERY_CONTENT}######", FACTS_OF_ONE, codes=["x"]) == texts(
        "x"
    )


def test_nothing_but_the_template_is_sent_when_there_is_no_content() -> None:
    assert compose("", FACTS_OF_ONE) == ()


def test_everything_else_is_sent_byte_for_byte() -> None:
    template = "  前空格\t\r\n\n{DELIVERY_CONTENT}  \n\u3000尾 \u200b🎁 "
    assert compose(template, FACTS_OF_ONE, codes=["  x  "]) == texts(
        "  前空格\t\r\n\n  x    \n\u3000尾 \u200b🎁 "
    )


def test_a_fixed_text_is_the_sellers_own_and_may_be_cut_and_filled() -> None:
    assert compose(
        "你好\n{DELIVERY_CONTENT}\n再见", FACTS_OF_ONE, text="链接 {order_id}######提取码 8888"
    ) == texts("你好\n链接 4400112233445566778", "提取码 8888\n再见")


def test_pictures_are_messages_of_their_own_between_the_words() -> None:
    """No mark inside a text (L15)."""
    assert compose("前\n{DELIVERY_CONTENT}\n后", FACTS_OF_ONE, pictures=[ONE, TWO]) == (
        Text("前\n"),
        ONE,
        TWO,
        Text("\n后"),
    )
    assert compose("", FACTS_OF_ONE, pictures=[ONE]) == (ONE,)
    assert compose("请查收", FACTS_OF_ONE, pictures=[ONE]) == (Text("请查收"), ONE)


def test_the_content_may_stand_in_several_places() -> None:
    twice = "{DELIVERY_CONTENT}######再发一次：{DELIVERY_CONTENT}"
    assert compose(twice, FACTS_OF_ONE, codes=["x"]) == texts("x", "再发一次：x")


@pytest.mark.parametrize("seed", range(20))
def test_no_template_whatsoever_fails(seed: int) -> None:
    dice = random.Random(seed)
    bits = [
        "{",
        "}",
        "#",
        "######",
        "\n",
        "{order_id}",
        "{DELIVERY_CONTENT}",
        "\\",
        "字",
        "$1",
        " ",
    ]
    for _ in range(200):
        template = "".join(dice.choices(bits, k=dice.randint(0, 30)))
        parts = compose(template, FACTS_OF_ONE, codes=["CODE"], pictures=[ONE] * dice.randint(0, 1))
        sent = "".join(part.text for part in parts if isinstance(part, Text))
        assert "CODE" in sent
        assert "{order_id}" not in sent
        assert "{DELIVERY_CONTENT}" not in sent


# --- Length ---------------------------------------------------------------------------------------


def test_more_than_one_message_takes_is_cut_at_ends_of_lines_and_never_inside_a_code() -> None:
    codes = [f"{n:04d}-" + "x" * 495 for n in range(9)]
    parts = compose("卡密：\n{DELIVERY_CONTENT}\n完", FACTS_OF_ONE, codes=codes)
    said = [part.text for part in parts if isinstance(part, Text)]
    assert len(said) == len(parts) == 3
    assert all(len(one) <= LONGEST_PART for one in said)
    assert "\n".join(said) == "\n".join(["卡密：", *codes, "完"])


def test_a_line_that_is_longer_than_a_message_stays_whole() -> None:
    """Half a code is none; whether it goes out is for the platform to say."""
    code = "x" * LONGEST_PART
    assert compose("a\n卡密：{DELIVERY_CONTENT}\nb", FACTS_OF_ONE, codes=[code]) == texts(
        "a", f"卡密：{code}", "b"
    )


def test_a_message_that_just_fits_is_one() -> None:
    template = "x" * (LONGEST_PART - 3) + "\n{DELIVERY_CONTENT}"
    assert len(compose(template, FACTS_OF_ONE, codes=["ab"])) == 1
    assert len(compose(template, FACTS_OF_ONE, codes=["abc"])) == 2
