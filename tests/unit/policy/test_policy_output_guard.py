"""What a model wrote goes out only if it is harmless; the phrases are data."""

from __future__ import annotations

from pathlib import Path

import pytest
from phrase_book import Phrase, phrases, score

from hub.policy import Author, GuardWords, HitKind, forbidden_words, guard

LEAST = 0.97
WORDS = Path(__file__).parents[3] / "hub" / "text" / "forbidden.txt"
RULES = GuardWords(forbidden=forbidden_words(WORDS.read_text(encoding="utf-8")))


def kinds(phrase: Phrase) -> set[str]:
    return {hit.kind.value for hit in guard(phrase.text, RULES)}


def test_what_must_never_go_out_never_does() -> None:
    result = score(phrases("guard", "must"), kinds, "clean")
    assert not result.wrong, result.told("guard")
    assert not result.missed, result.told("guard")


def test_the_guard_is_right_nearly_always() -> None:
    result = score(phrases("guard", "must") + phrases("guard", "usual"), kinds, "clean")
    print(result.told("guard"))
    assert result.precision >= LEAST, result.told("guard")
    assert result.recall >= LEAST, result.told("guard")


@pytest.mark.parametrize(
    ("book", "precision", "recall"), [("held_out", 0.97, 0.97), ("blind", 0.9, 0.9)]
)
def test_what_nobody_tuned_for_is_judged_as_well_as_when_it_was_measured(
    book: str, precision: float, recall: float
) -> None:
    result = score(phrases(book, "guard"), kinds, "clean")
    print(result.told(f"{book}, guard"))
    assert result.precision >= precision, result.told("guard")
    assert result.recall >= recall, result.told("guard")


def test_a_card_of_the_shop_is_found_in_whatever_way_it_is_written() -> None:
    known = {"山高月小#水落石出", "tok-en_9981"}
    for text in ("给您：tok-en_9981。", "您的内容\n 山高月小#水落石出 \n请查收"):
        hits = guard(text, RULES, is_card=known.__contains__)
        assert [hit.kind for hit in hits] == [HitKind.CARD]
        assert hits[0].words == ""
        assert not any(code in hit.reason for hit in hits for code in known)


def test_what_the_owner_wrote_is_looked_at_for_cards_only() -> None:
    text = "加微信 shop888，不满意退你钱，https://evil.example 激活码 AAAA-1111-BBBB"
    assert guard(text, RULES, author=Author.OWNER) == ()
    hits = guard(f"{text} SECRET99", RULES, author=Author.OWNER, is_card="SECRET99".__eq__)
    assert [hit.kind for hit in hits] == [HitKind.CARD]


def test_each_hit_gives_a_reason_in_words() -> None:
    text = (
        "加微信 shop888，不满意退你钱，看 https://evil.example 激活码 AAAA-1111-BBBB" + "啊" * 400
    )
    hits = guard(text, GuardWords(forbidden=("啊啊啊",)))
    assert {hit.kind for hit in hits} == set(HitKind) - {HitKind.PRICE}
    assert all(hit.reason for hit in hits)


@pytest.mark.parametrize(
    "link",
    [
        "https://goofish.com@evil.example/", "http://goofish.com.evil.example",
        "//evil.example.com/x",
        "HTTPS://EVIL.EXAMPLE/", "ｅｖｉｌ．ｃｏｍ/x", "https://evilgoofish.com",
    ],
)  # fmt: skip
def test_only_the_platform_is_linked_to(link: str) -> None:
    assert HitKind.LINK in {hit.kind for hit in guard(f"看这里 {link} 谢谢", RULES)}


@pytest.mark.parametrize(
    "link", ["https://www.goofish.com/item?id=1", "m.goofish.com/x", "https://goofish.com:443/"]
)
def test_the_platform_itself_may_be_linked_to(link: str) -> None:
    assert not guard(f"看这里 {link} 谢谢", RULES)


def test_a_shop_adds_words_of_its_own_with_gaps() -> None:
    rules = GuardWords(forbidden=forbidden_words("\ufeff# 说明\n\n白*菜价 # 备注\n白*菜价\n*\n"))
    assert rules.forbidden == ("白*菜价",)
    assert [hit.words for hit in guard("这是白 给的菜价", rules)] == ["白给的菜价"]
    assert not guard("白给的东西都在菜市场，菜价", rules)


@pytest.mark.parametrize(
    "piece", ["1 3 8 ", "a.b.", "一三八", "微", "退", "abcd-1234-", "x@y", "，不"]
)
@pytest.mark.timeout(30)
def test_endless_texts_are_judged_and_do_not_hang(piece: str) -> None:
    """A search that tries all ways of reading it would take hours."""
    assert guard(piece * (20_000 // len(piece)), RULES)


@pytest.mark.parametrize(
    "text",
    [
        "我的微 信是abc",
        "微\n信 abc123",
        "丶微丶信丶abc",
        "微🌟信 abc",
        "1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣",
        "1  3  8  1  2  3  4  5  6  7  8",
        "138，1234，5678",
        "138/1234/5678",
        "壹叁捌壹贰叁肆伍陆柒捌",
        "+86 138 1234 5678",
        "vх: abc12345",
        "ᴡᴇᴄʜᴀᴛ号 abc",
        "w e c h a t 号 abc",
        "Q.Q 12345678",
        "扣 扣 12345678",
        "支 付 宝 转",
        "转 账 给我",
        "退 款给你",
        "example。com",
        "example . com",
        "hxxps://abc.def/x",
        "wei xin abc",
        "tg: abc123",
    ],
)
def test_nothing_put_between_the_signs_hides_what_they_say(text: str) -> None:
    """Blanks, dots, emoji, frames around digits, letters of other alphabets."""
    assert guard(text, GuardWords())


@pytest.mark.parametrize(
    "text",
    [
        "128 256 512 都有",
        "微 辣的",
        "下单后 1 2 3 分钟内发",
        "会员 月卡 年卡 都有货",
        "支持 A B C 三种",
    ],
)
def test_plain_words_with_blanks_in_them_stay_clean(text: str) -> None:
    assert not guard(text, GuardWords())
