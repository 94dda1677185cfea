"""Reply credits: never more than the platform allows, never its last word for nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model import Anchor, AnchorKind, ReplyUse
from hub.policy import (
    ANCHOR_LASTS,
    MOST_REPLIES,
    ReplyStep,
    anchor_ends,
    choose_reply,
    credits_left,
    plan_reply,
)

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def anchor(
    id_: str = "m1", *, used: int = 0, at: datetime = NOON, kind: AnchorKind = AnchorKind.PRIVATE
) -> Anchor:
    return Anchor(id_, kind, at, tuple(ReplyUse(f"said {n}", NOON, "id") for n in range(used)))


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [(AnchorKind.PRIVATE, 60), (AnchorKind.GROUP, 5), (AnchorKind.INTERACTION, 30)],
)
def test_an_anchor_ends_a_little_before_the_platform_says(kind: AnchorKind, minutes: int) -> None:
    ends = anchor_ends(anchor(kind=kind))
    assert NOON + timedelta(minutes=minutes - 1) < ends < NOON + timedelta(minutes=minutes)


def test_an_answer_goes_to_what_it_answers() -> None:
    old, new = anchor("m1"), anchor("m2", at=NOON + timedelta(minutes=3))
    reply = choose_reply([old, new], NOON + timedelta(minutes=4), said="x", prefer="m2")
    assert reply is not None
    assert (reply.anchor.id, reply.number) == ("m2", 1)


def test_what_answers_nothing_uses_the_anchor_that_ends_first() -> None:
    old, new = anchor("m1", used=2), anchor("m2", at=NOON + timedelta(minutes=3))
    reply = choose_reply([new, old], NOON + timedelta(minutes=4), said="x")
    assert reply is not None
    assert (reply.anchor.id, reply.number) == ("m1", 3)


def test_a_spent_or_refused_anchor_gives_way_to_the_next() -> None:
    spent, refused, good = anchor("m1", used=5), replace(anchor("m2"), over=True), anchor("m3")
    reply = choose_reply([spent, refused, good], NOON, said="x", prefer="m1")
    assert reply is not None
    assert reply.anchor.id == "m3"
    assert choose_reply([spent, refused], NOON, said="x") is None


def test_what_left_without_an_answer_keeps_its_number_even_at_the_very_end() -> None:
    uses = (ReplyUse("a", NOON, "id"), ReplyUse("b", NOON), ReplyUse("c", NOON, "id"))
    open_one = Anchor("m1", AnchorKind.PRIVATE, NOON, uses)
    late = anchor_ends(open_one) + timedelta(seconds=1)
    again = choose_reply([open_one], late, said="b")
    assert again is not None
    assert again.number == 2
    assert choose_reply([open_one], late, said="d") is None


def test_the_last_credit_is_kept_for_all_that_may_come() -> None:
    one = anchor(used=4)
    kept = plan_reply([one], NOON, waiting=1, pressing=False)
    assert kept.step is ReplyStep.KEEP
    assert kept.until is not None
    assert plan_reply([one], kept.until, waiting=3, pressing=False).step is ReplyStep.GATHER
    assert plan_reply([one], NOON, waiting=1, pressing=True).step is ReplyStep.SAY
    assert plan_reply([anchor(used=3)], NOON, waiting=1, pressing=False).low


def test_without_credit_nothing_is_said_however_it_presses() -> None:
    assert plan_reply([anchor(used=5)], NOON, waiting=9, pressing=True).step is ReplyStep.WAIT
    assert plan_reply([], NOON, waiting=1, pressing=True).step is ReplyStep.WAIT


def test_what_has_gathered_goes_as_one() -> None:
    assert plan_reply([anchor()], NOON, waiting=2, pressing=False).step is ReplyStep.GATHER


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["hears", "pressed", "notice", "urgent", "answer", "lost", "refused"]),
        st.integers(0, 900),
    ),
    max_size=60,
)


@given(EVENTS, st.sampled_from([AnchorKind.PRIVATE, AnchorKind.GROUP]))
def test_whatever_happens_the_platforms_limits_are_kept(
    events: list[tuple[str, int]], kind: AnchorKind
) -> None:
    """Every send is within its anchor's time, at most five per anchor, and no number twice but for
    the same words; a notice that does not press never takes the only credit before its last call.
    """
    anchors: list[Anchor] = []
    sent: dict[tuple[str, int], str] = {}
    now, told = NOON, 0
    for what, seconds in events:
        now += timedelta(seconds=seconds)
        told += 1
        if what in ("hears", "pressed"):
            kind_now = AnchorKind.INTERACTION if what == "pressed" else kind
            anchors.append(Anchor(f"m{told}", kind_now, now))
            continue
        before = credits_left(anchors, now)
        if what in ("notice", "urgent"):
            plan = plan_reply(anchors, now, waiting=1, pressing=what == "urgent")
            assert (plan.step is ReplyStep.WAIT) == (before == 0)
            if plan.step is ReplyStep.KEEP:
                assert before == 1
                assert plan.until is not None
                assert plan.until > now
                continue
        said = "the same words" if what == "lost" else f"words {told}"
        reply = choose_reply(anchors, now, said=said)
        if reply is None:
            assert before == 0
            continue
        place = (reply.anchor.id, reply.number)
        assert sent.setdefault(place, said) == said
        assert reply.number <= MOST_REPLIES
        assert now < reply.anchor.at + ANCHOR_LASTS[reply.anchor.kind]
        index = anchors.index(reply.anchor)
        if reply.number > len(reply.anchor.uses):
            arrived = None if what == "lost" else f"id {told}"
            anchors[index] = reply.anchor.used(ReplyUse(said, now, arrived))
        if what == "refused":
            anchors[index] = replace(anchors[index], over=True)
