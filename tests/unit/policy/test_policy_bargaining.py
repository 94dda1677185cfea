"""Floors hold whatever is offered or written (L42); rounds and agreements are per buyer (L43)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model import AccountId, Bargain, Floor, FloorKind, PlatformUser
from hub.policy import (
    Ask,
    BargainMove,
    HitKind,
    ItemTerms,
    Offer,
    check_promises,
    decide_offer,
    floor_price,
    in_window,
    parse_floor,
    parse_price,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
D = Decimal
A, P, M = FloorKind.ABSOLUTE, FloorKind.PERCENT, FloorKind.AMOUNT
MOVE = BargainMove


FLOOR = Floor(A, D(18))


def terms(listed: str | None = "20", floor: Floor | None = FLOOR, **more: object) -> ItemTerms:
    return ItemTerms(None if listed is None else D(listed), floor, **more)  # type: ignore[arg-type]


def said(rounds: int = 1, *, agreed: str | None = None, countered: str | None = None) -> Bargain:
    return Bargain(
        AccountId(1), PlatformUser("b"), "i", rounds, NOW, None,
        None if countered is None else D(countered), None if agreed is None else D(agreed), NOW,
    )  # fmt: skip


def price(amount: str, **more: object) -> Offer:
    return Offer(Ask.PRICE, D(amount), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listed", "floor", "least"),
    [
        ("20", Floor(A, D(18)), "18"),
        ("20", Floor(A, D(25)), "20"),
        ("20", Floor(P, D(10)), "18"),
        ("19.99", Floor(P, D(15)), "17.00"),
        ("20", Floor(M, D(3)), "17"),
        ("20", Floor(M, D(30)), "0.01"),
        ("20", Floor(P, D(0)), "20"),
        ("20", Floor(M, D(0)), "20"),
        ("20", Floor(A, D(0)), "20"),
        ("20", None, "20"),
        (None, None, None),
        (None, Floor(P, D(10)), None),
        (None, Floor(A, D(18)), "18"),
    ],
)
def test_a_floor_means_the_same_in_its_three_kinds_and_zero_means_no_discount(
    listed: str | None, floor: Floor | None, least: str | None
) -> None:
    found = floor_price(None if listed is None else D(listed), floor)
    assert found == (None if least is None else D(least))


@pytest.mark.parametrize(
    ("offer", "of", "bargain", "move", "named"),
    [
        (price("18"), terms(), None, MOVE.ACCEPT, "18"),
        (price("25"), terms(), None, MOVE.ACCEPT, "20"),
        (price("17.99"), terms(), None, MOVE.ASK_PERSON, "20"),
        (price("18"), terms(floor=None), None, MOVE.REFUSE, "20"),
        (price("20"), terms(floor=None), None, MOVE.ACCEPT, "20"),
        (price("18"), terms(floor=Floor(P, D(0))), None, MOVE.REFUSE, "20"),
        (price("18"), terms(listed=None), None, MOVE.ASK_PERSON, None),
        (price("18", free_postage=True), terms(), None, MOVE.ASK_PERSON, "20"),
        (price("18", free_postage=True), terms(free_postage=True), None, MOVE.ACCEPT, "18"),
        (price("15"), terms(), said(3), MOVE.REFUSE, "20"),
        (price("19"), terms(), said(3), MOVE.ACCEPT, "19"),
        (price("17"), terms(), said(1, agreed="16"), MOVE.ACCEPT, "16"),
        (price("15"), terms(), said(1, agreed="16"), MOVE.REFUSE, "16"),
        (Offer(Ask.LESS), terms(), said(1, agreed="16"), MOVE.REFUSE, "16"),
        (Offer(Ask.LESS), terms("100", Floor(A, D(70))), None, MOVE.COUNTER, "90"),
        (
            Offer(Ask.LESS),
            terms("100", Floor(A, D(70))),
            said(2, countered="80"),
            MOVE.COUNTER,
            "70",
        ),
        (
            Offer(Ask.LESS),
            terms("100", Floor(A, D(70))),
            said(1, countered="75"),
            MOVE.COUNTER,
            "75",
        ),
        (Offer(Ask.LESS), terms(), said(3), MOVE.REFUSE, "20"),
        (
            Offer(Ask.LESS),
            terms("100", Floor(A, D(70))),
            said(1, countered="60"),
            MOVE.COUNTER,
            "70",
        ),
        (Offer(Ask.LESS), terms(floor=None), None, MOVE.REFUSE, "20"),
        (Offer(Ask.POSTAGE, free_postage=True), terms(), None, MOVE.REFUSE, "20"),
        (Offer(Ask.POSTAGE, free_postage=True), terms(free_postage=True), None, MOVE.ACCEPT, "20"),
    ],
)
def test_each_offer_gets_its_answer_with_a_reason(
    offer: Offer, of: ItemTerms, bargain: Bargain | None, move: BargainMove, named: str | None
) -> None:
    found = decide_offer(offer, of, bargain, most_rounds=3)
    assert (found.move, found.price) == (move, None if named is None else D(named))
    assert found.reason


money = st.decimals("0.01", "5000", places=2)


@given(
    listed=money,
    floor=st.builds(Floor, st.sampled_from(FloorKind), money),
    amount=st.none() | money,
    countered=st.none() | money,
    rounds=st.integers(0, 9),
    most=st.integers(1, 9),
)
def test_nothing_below_the_floor_is_ever_accepted_or_named(
    listed: Decimal,
    floor: Floor,
    amount: Decimal | None,
    countered: Decimal | None,
    rounds: int,
    most: int,
) -> None:
    """Also when the floor was raised after a lower price had been named."""
    of = ItemTerms(listed, floor)
    offer = Offer(Ask.LESS) if amount is None else Offer(Ask.PRICE, amount)
    before = replace(said(rounds), countered=countered) if rounds else None
    found = decide_offer(offer, of, before, most_rounds=most)
    least = of.least
    assert least is not None
    assert least <= listed
    if found.move in (MOVE.ACCEPT, MOVE.COUNTER):
        assert found.price is not None
        assert least <= found.price <= listed


def test_rounds_are_forgotten_after_their_window() -> None:
    window = timedelta(hours=24)
    assert in_window(said(), window, NOW + timedelta(hours=23)) is not None
    assert in_window(said(), window, NOW + window) is None
    assert in_window(None, window, NOW) is None


@pytest.mark.parametrize(
    ("text", "of", "bargain", "broken"),
    [
        ("最低18给你", terms(), None, False),
        ("最低17给你", terms(), None, True),
        ("最低17给你", terms(), said(agreed="17"), False),
        ("最低16给你", terms(), said(agreed="17"), True),
        ("包邮", terms(), None, True),
        ("包邮", terms(free_postage=True), None, False),
        ("再便宜点", terms(), None, True),
        ("不能再便宜了", terms(), None, False),
        ("月卡 20 元，季卡 45 元", terms(None, None, prices=(D(20), D(45))), None, False),
        ("月卡 19 元", terms(None, None, prices=(D(20), D(45))), None, True),
        ("18 元给你", terms(None, None), None, True),
        ("在的，拍下自动发货", terms(None, None), None, False),
        ("九折给你", terms(), None, False),
        ("八折给你", terms(), None, True),
        ("两个34给你", terms(), None, True),
    ],
)
def test_a_text_may_promise_what_the_floor_or_an_agreement_allows(
    text: str, of: ItemTerms, bargain: Bargain | None, broken: bool
) -> None:
    hits = check_promises(text, of, bargain)
    assert bool(hits) == broken
    assert all(hit.kind is HitKind.PRICE and hit.reason for hit in hits)


@pytest.mark.parametrize(
    ("words", "floor"),
    [
        ("18", Floor(A, D(18))), ("18元", Floor(A, D(18))), ("¥18.5", Floor(A, D("18.5"))),
        ("１８", Floor(A, D(18))), ("10%", Floor(P, D(10))), ("10％", Floor(P, D(10))),
        ("9折", Floor(P, D(10))), ("85折", Floor(P, D(15))), ("减5", Floor(M, D(5))),
        ("降 5 元", Floor(M, D(5))), ("-5", Floor(M, D(5))), ("0", Floor(M, D(0))),
        ("不降价", Floor(M, D(0))), ("0%", Floor(P, D(0))),
        ("", None), ("便宜点", None), ("100%", None), ("18.555", None), ("9999999", None),
        ("10% 5", None), ("NaN", None), ("0折", None), ("1e3", None), ("--5", None),
    ],
)  # fmt: skip
def test_a_floor_is_read_as_it_is_written(words: str, floor: Floor | None) -> None:
    assert parse_floor(words) == floor


@pytest.mark.parametrize(
    ("words", "price"),
    [
        ("15", "15.00"), ("15.5元", "15.50"), ("¥ 15", "15.00"), ("０.01", "0.01"),
        ("0", None), ("-1", None), ("", None), ("1.234", None), ("十五", None), ("9999999", None),
    ],
)  # fmt: skip
def test_a_price_is_yuan_with_two_places_at_most(words: str, price: str | None) -> None:
    assert parse_price(words) == (None if price is None else D(price))


def test_what_was_agreed_never_costs_more_than_what_the_page_says_by_now() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    agreed = Bargain(
        account=AccountId(1),
        buyer=PlatformUser("3"),
        item="9",
        rounds=1,
        since=now,
        offered=None,
        countered=None,
        agreed=Decimal(90),
        changed_at=now,
    )
    terms = ItemTerms(Decimal(80), Floor(FloorKind.PERCENT, Decimal(10)), (Decimal(80),))
    verdict = decide_offer(Offer(Ask.PRICE, Decimal(80)), terms, agreed, most_rounds=3)
    assert (verdict.move, verdict.price) == (BargainMove.ACCEPT, Decimal(80))
