"""The life of a delivery: which steps exist, and what holds one back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from hub.model import (
    DeliveryState,
    DeliveryStep,
    Guards,
    NeedKind,
    Order,
    OrderStatus,
    PlatformUser,
)
from hub.policy import (
    HANDED_OVER,
    UNSEEN,
    brake,
    choices_of,
    held_by,
    next_reminder,
    next_state,
)

S, D = DeliveryState, DeliveryStep
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PEOPLE = {D.RESENT, D.OUTSIDE, D.RELEASED, D.REFUSED, D.RESERVED, D.ASKED}
"""Steps that a person can ask for; a signal alone takes `RESERVED` or `ASKED` from PENDING only."""
LONGEST = 6


def lives(state: DeliveryState, length: int) -> Iterator[tuple[tuple[DeliveryStep, ...], S]]:
    """Every sequence of possible steps up to this length, and where it ends."""
    yield (), state
    if length:
        for step in DeliveryStep:
            after = next_state(state, step)
            if after is not None:
                for steps, end in lives(after, length - 1):
                    yield (step, *steps), end


@pytest.fixture(scope="module")
def all_lives() -> list[tuple[tuple[DeliveryStep, ...], DeliveryState]]:
    return list(lives(S.PENDING, LONGEST))


Lives = list[tuple[tuple[DeliveryStep, ...], DeliveryState]]


def test_every_state_can_be_reached(all_lives: Lives) -> None:
    assert {end for _, end in all_lives} == set(S)


def test_nothing_leaves_before_cards_are_drawn(all_lives: Lives) -> None:
    for steps, _ in all_lives:
        moved = [step for step in steps if step in (D.LEFT, D.ACCEPTED, D.RESENT)]
        if moved:
            assert D.RESERVED in steps[: steps.index(moved[0])]


def test_sent_means_accepted_and_confirmed_means_sent_and_shipped(all_lives: Lives) -> None:
    for steps, end in all_lives:
        if end in HANDED_OVER:
            assert D.ACCEPTED in steps
        if end is S.CONFIRMED:
            assert D.SHIPPED in steps[steps.index(D.ACCEPTED) :]


def test_what_the_buyer_has_never_becomes_available_reserved_or_failed_again() -> None:
    """Once accepted, no later step takes it back: neither a person's nor a late answer (L2)."""
    for state in HANDED_OVER:
        reached = {end for _, end in lives(state, LONGEST)}
        assert reached <= HANDED_OVER


def test_a_failed_send_leaves_review_only_by_a_person_or_a_late_proof() -> None:
    """L3: it does not go round by itself, nor count as sent."""
    for step in set(D) - PEOPLE - {D.ACCEPTED}:
        assert next_state(S.REVIEW, step) in (S.REVIEW, None)
    assert next_state(S.REVIEW, D.ACCEPTED) is S.SENT


def test_cards_are_drawn_again_only_where_the_buyer_saw_none() -> None:
    again = {state for state in S if next_state(state, D.RESERVED) is S.RESERVED}
    assert again == {S.PENDING, S.SUPPLYING, S.RELEASED, S.FAILED}


def test_a_supplier_is_asked_only_where_no_card_is_there_and_once_at_a_time() -> None:
    asked = {state for state in S if next_state(state, D.ASKED) is not None}
    assert asked == {S.PENDING, S.RELEASED, S.FAILED}
    assert next_state(S.SUPPLYING, D.UNSUPPLIED) is S.PENDING


def test_a_delivery_that_is_on_the_wire_can_be_neither_released_nor_marked_as_outside() -> None:
    for step in (D.RELEASED, D.OUTSIDE, D.REFUSED, D.RESENT):
        assert next_state(S.SENDING, step) is None


def test_the_same_news_twice_changes_nothing_the_second_time() -> None:
    """Every answer and signal may come twice (L2)."""
    for state, step in product(S, set(D) - PEOPLE):
        after = next_state(state, step)
        if after is not None:
            assert next_state(after, step) in (after, None)


def test_states_in_which_nothing_was_seen_are_those_before_anything_left() -> None:
    assert {S.PENDING, S.SUPPLYING, S.RESERVED} == UNSEEN


# --- Guards ---------------------------------------------------------------------------------------


def order(amount: str | None = "12.50", buyer: str = "31") -> Order:
    paid = None if amount is None else Decimal(amount)
    return Order("44", OrderStatus.PAID, "", buyer=PlatformUser(buyer), paid_amount=paid)


def held(guards: Guards, one: Order, *, before: int = 1, unfinished: int = 0) -> str:
    return held_by(guards, one, delivered_before=before, unfinished=unfinished) or ""


def test_without_block_rules_a_paid_order_is_not_held() -> None:
    assert held(Guards(), order(), before=0) == ""
    assert held(Guards(), order(None)) == ""


def test_an_order_that_cost_nothing_is_held() -> None:
    assert "0.00" in held(Guards(), order("0.00"))
    assert "-1" in held(Guards(), order("-1"))


def test_buyers_on_the_black_list_are_held() -> None:
    assert "黑名单" in held(Guards(blocked_buyers=("31",)), order())
    assert held(Guards(blocked_buyers=("32",)), order()) == ""


def test_a_second_order_is_held_while_the_first_is_not_completed() -> None:
    guards = Guards(hold_second_order=True)
    assert "没确认收货" in held(guards, order(), unfinished=1)
    assert held(guards, order()) == ""
    assert held(Guards(), order(), unfinished=1) == ""


def test_amounts_above_a_limit_are_held_and_an_unknown_amount_is_above_every_limit() -> None:
    guards = Guards(most_amount=Decimal("12.50"))
    assert held(guards, order("12.50")) == ""
    assert "12.50" in held(guards, order("12.51"))
    assert "12.50" in held(guards, order(None))


def test_the_limit_for_new_buyers_is_for_new_buyers() -> None:
    guards = Guards(most_amount_new_buyer=Decimal(10))
    assert "新买家" in held(guards, order(), before=0)
    assert held(guards, order(), before=1) == ""


def test_the_brake_stops_a_rush_and_a_row_of_failures() -> None:
    guards = Guards(brake_per_minute=3, brake_failures=2)
    assert brake(guards, in_a_minute=2, failures=1) is None
    assert "3 份" in (brake(guards, in_a_minute=3, failures=0) or "")
    assert "连续 2 份" in (brake(guards, in_a_minute=0, failures=2) or "")
    off = Guards(brake_per_minute=0, brake_failures=0)
    assert brake(off, in_a_minute=999, failures=999) is None


# --- What waits for a person ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", NeedKind)
def test_every_need_can_be_answered_and_each_answer_stands_once(kind: NeedKind) -> None:
    choices = choices_of(kind)
    assert choices
    assert len(choices) == len(set(choices))


def test_people_are_reminded_soon_at_first_and_then_every_eight_hours() -> None:
    told, times = NOW, []
    for _ in range(5):
        told = next_reminder(NOW, told)
        times.append(told - NOW)
    minutes = [time // timedelta(minutes=1) for time in times]
    assert minutes == [10, 30, 120, 600, 1080]
