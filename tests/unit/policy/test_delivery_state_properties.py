"""Any sequence of steps through the life of a delivery, chosen by Hypothesis."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.model import DeliveryState, DeliveryStep
from hub.policy import HANDED_OVER, next_state

S, D = DeliveryState, DeliveryStep
ANEW = {D.RESERVED, D.ASKED}
"""Cards are drawn, or a supplier is asked for them."""
BY_PEOPLE = {D.RESENT, D.OUTSIDE, D.RELEASED, D.REFUSED}
STEPS = st.lists(st.sampled_from(D), max_size=30)
EVERY_TIME = settings(derandomize=True, database=None, deadline=None, max_examples=400)


def walk(steps: list[DeliveryStep]) -> list[tuple[DeliveryState, DeliveryStep, DeliveryState]]:
    """The steps that could be taken, each with where it led from and to."""
    state, way = S.PENDING, []
    for step in steps:
        after = next_state(state, step)
        if after is not None:
            way.append((state, step, after))
            state = after
    return way


@EVERY_TIME
@given(STEPS)
def test_what_the_buyer_has_is_never_taken_back_nor_owed_again(steps: list[DeliveryStep]) -> None:
    """L2, L3."""
    for before, _, after in walk(steps):
        assert before not in HANDED_OVER or after in HANDED_OVER
        assert before is not S.CONFIRMED or after is S.CONFIRMED


@EVERY_TIME
@given(STEPS)
def test_nothing_counts_as_sent_that_was_not_accepted(steps: list[DeliveryStep]) -> None:
    """L3, L4."""
    accepted = False
    for _, step, after in walk(steps):
        accepted = accepted or step is D.ACCEPTED
        assert after not in HANDED_OVER or accepted


@EVERY_TIME
@given(STEPS)
def test_what_may_have_left_is_given_back_by_people_only(steps: list[DeliveryStep]) -> None:
    """L3: between leaving and going back, or being written again, stands a person's look."""
    for before, step, after in walk(steps):
        assert before is not S.SENDING or after not in (S.RELEASED, S.RESERVED, S.OUTSIDE)
        assert before is not S.REVIEW or after in (S.REVIEW, S.SENT) or step in BY_PEOPLE


@EVERY_TIME
@given(STEPS)
def test_only_drawing_cards_or_a_person_brings_an_ended_delivery_back(
    steps: list[DeliveryStep],
) -> None:
    for before, step, after in walk(steps):
        if before in (S.FAILED, S.RELEASED, S.OUTSIDE) and after is not before:
            assert step in BY_PEOPLE | ANEW
        if before is S.OUTSIDE:
            assert after in (S.OUTSIDE, S.RELEASED)
