"""Prices in chat are read as people mean them; the phrases are data."""

from __future__ import annotations

from decimal import Decimal

import pytest
from phrase_book import Phrase, phrases, score

from hub.policy import Ask, read_offer, read_promises
from hub.policy.amounts import spoken_whole

LEAST = 0.97


def offer(phrase: Phrase) -> set[str]:
    found = read_offer(phrase.text, Decimal(phrase.about or 30))
    if found is None:
        return set()
    if found.ask is not Ask.PRICE or found.amount is None:
        return {found.ask.value}
    return {format(found.amount.normalize(), "f")}


def refused(phrase: Phrase) -> set[str]:
    listed, _, floor = (phrase.about or "20/18").partition("/")
    found = read_promises(phrase.text, Decimal(listed))
    low = [one for one in found if one.amount is None or one.amount < Decimal(floor)]
    return {"low"} if low else set()


READERS = {"offers": (offer, "none"), "promises": (refused, "ok")}
EACH = pytest.mark.parametrize("file", READERS)


def test_there_are_enough_phrases_to_say_anything() -> None:
    parts = [(file, part) for file in ("offers", "promises", "guard") for part in ("must", "usual")]
    parts += [(book, file) for book in ("held_out", "blind") for file in (*READERS, "guard")]
    found = {f"{file}, {part}": len(phrases(file, part)) for file, part in parts}
    print(found, "together", sum(found.values()))
    assert sum(found.values()) >= 1000


@EACH
def test_what_must_be_understood_always_is(file: str) -> None:
    result = score(phrases(file, "must"), *READERS[file])
    assert not result.wrong, result.told(file)
    assert not result.missed, result.told(file)


@EACH
def test_prices_are_read_with_few_mistakes(file: str) -> None:
    chosen = phrases(file, "must") + phrases(file, "usual")
    result = score(chosen, *READERS[file])
    print(result.told(file))
    assert result.precision >= LEAST, result.told(file)
    assert result.recall >= LEAST, result.told(file)


@EACH
@pytest.mark.parametrize(
    ("book", "precision", "recall"), [("held_out", 0.97, 0.97), ("blind", 0.9, 0.75)]
)
def test_phrases_that_nobody_tuned_for_are_read_as_well_as_when_they_were_measured(
    file: str, book: str, precision: float, recall: float
) -> None:
    result = score(phrases(book, file), *READERS[file])
    print(result.told(f"{book}, {file}"))
    assert result.precision >= precision, result.told(file)
    assert result.recall >= recall, result.told(file)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("十", 10), ("十五", 15), ("二十", 20), ("一百八", 180), ("百八", 180), ("一百零八", 108),
        ("二百五", 250), ("一千零五", 1005), ("一千零五十", 1050), ("两千二", 2200),
        ("一万二", 12000), ("一万零二", 10002), ("十二万", 120000), ("一万二千三", 12300),
        ("八五", 85), ("二十六七", 26), ("两三百", 200), ("零", 0), ("三一百", None),
    ],
)  # fmt: skip
def test_spoken_numbers_mean_what_people_mean(said: str, value: int | None) -> None:
    assert spoken_whole(said) == value


def test_an_offer_says_for_how_many_it_is_and_whether_postage_is_in_it() -> None:
    found = read_offer("两个50包邮", Decimal(30))
    assert found is not None
    assert (found.amount, found.quantity, found.free_postage) == (Decimal(25), 2, True)


def test_without_a_listed_price_a_discount_is_no_number() -> None:
    found = read_offer("打八折吧", None)
    assert found is not None
    assert (found.ask, found.amount) == (Ask.LESS, None)
    assert [one.amount for one in read_promises("给你便宜5块", None)] == [None]


def test_the_numbers_of_the_items_own_title_are_no_prices() -> None:
    title, listed = "二手机械键盘 87键 茶轴", Decimal(168)
    assert not read_promises(f"{title} ¥168，页面上的价格就是。", listed, title)[:-1]
    assert not read_promises("是87键的", listed, title)
    for promised in ("87给你", "87键盘，87元", "二手机械键盘 87键，87"):
        assert [one.amount for one in read_promises(promised, listed, title)][-1] == Decimal(87)
    assert read_promises("是87的", listed), "nothing tells that from a price"


def test_every_promise_of_a_text_is_seen() -> None:
    found = read_promises("19可以，要是两个就30，再包邮", Decimal(20))
    assert [one.amount for one in found] == [Decimal(19), Decimal(15), None]
    assert found[2].postage


@pytest.mark.parametrize("text", ["", " ", "\u200b", "？", "折", "一", "1" * 40, "9" * 400 + "块"])
def test_odd_texts_do_not_break_the_readers(text: str) -> None:
    read_offer(text, Decimal(30))
    read_promises(text, Decimal(30))


@pytest.mark.parametrize("piece", ["15块", "最低", "便宜", "a1-", "一百", "2个", "包邮", "， "])
@pytest.mark.timeout(30)
def test_endless_texts_are_read_and_do_not_hang(piece: str) -> None:
    """A search that tries all ways of reading it would take hours."""
    text = piece * (20_000 // len(piece))
    read_offer(text, Decimal(30))
    read_promises(text, Decimal(30))


def test_a_text_of_ours_that_is_too_long_to_read_promises_who_knows_what() -> None:
    found = read_promises("好的" * 1000 + "5块给你", Decimal(20))
    assert [one.amount for one in found] == [None]


@pytest.mark.parametrize(
    "text", ["1️⃣0️⃣0️⃣元给你", "1 0 0 元", "壹佰元", "1OO元", "💯元", "包 邮", "便 宜点给你", "打.折"]
)
def test_no_way_of_writing_hides_a_promise(text: str) -> None:
    assert read_promises(text, Decimal(168))
