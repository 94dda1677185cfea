"""Whom a notice goes to, and when nobody is disturbed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from hub.model import (
    About,
    AccountId,
    Audience,
    Hours,
    Member,
    MemberId,
    NoticeKind,
    PeoplePlan,
    Role,
    Route,
    Shift,
    ShopId,
    Spell,
)
from hub.policy import audience, held_since, held_until, on_duty, pinged, pings

SHOP = ShopId(1)
BOSS = Member(MemberId(1), SHOP, "老板", Role.OWNER, ("10002",))
LI = Member(MemberId(2), SHOP, "小李", Role.AGENT, ("20001", "20002"))
WANG = Member(MemberId(3), SHOP, "小王", Role.AGENT, ("30001",))
MUTE = Member(MemberId(4), SHOP, "没绑定", Role.OWNER)
GONE = Member(MemberId(5), SHOP, "走了", Role.OWNER, ("50001",), active=False)
LOOKS = Member(MemberId(6), SHOP, "阿看", Role.VIEWER, ("60001",))
ALL = (BOSS, LI, WANG, MUTE, GONE, LOOKS)
NOON = datetime(2026, 11, 4, 4, 0, tzinfo=UTC)
"""A Wednesday, twelve o'clock in the shop."""
MESSAGE = About(NoticeKind.MESSAGE, AccountId(7), "88")
NEED = About(NoticeKind.NEED, AccountId(7))
NIGHT = Hours(time(23), time(8))
MIDNIGHT = datetime(2026, 11, 4, 16, 0, tzinfo=UTC)


def to(*members: Member, groups: tuple[str, ...] = ()) -> Audience:
    return Audience(tuple(one.id for one in members), groups)


@pytest.mark.parametrize("kind", NoticeKind)
def test_without_a_word_owners_are_told_everything_in_private(kind: NoticeKind) -> None:
    assert audience(About(kind), PeoplePlan(), ALL, NOON) == to(BOSS)


@pytest.mark.parametrize(
    ("route", "about", "meant"),
    [
        (Route(members=(LI.id,)), MESSAGE, to(LI)),
        (Route(roles=(Role.AGENT,)), MESSAGE, to(LI, WANG)),
        (Route(groups=("777001",)), MESSAGE, to(groups=("777001",))),
        (Route((NoticeKind.ORDER,), members=(LI.id,)), MESSAGE, to(BOSS)),
        (Route(account=AccountId(7), members=(LI.id,)), MESSAGE, to(LI)),
        (Route(account=AccountId(8), members=(LI.id,)), MESSAGE, to(BOSS)),
        (Route(item="88", members=(LI.id,)), MESSAGE, to(LI)),
        (Route(item="88", members=(LI.id,)), NEED, to(BOSS)),
    ],
)
def test_the_rule_that_fits_decides(route: Route, about: About, meant: Audience) -> None:
    assert audience(about, PeoplePlan(routes=(route,)), ALL, NOON) == meant


def test_the_first_rule_that_fits_decides() -> None:
    plan = PeoplePlan(routes=(Route(members=(LI.id,)), Route(members=(WANG.id,))))
    assert audience(MESSAGE, plan, ALL, NOON) == to(LI)


@pytest.mark.parametrize("nobody", [MUTE, GONE])
def test_a_rule_that_reaches_nobody_leaves_it_to_owners(nobody: Member) -> None:
    plan = PeoplePlan(routes=(Route(members=(nobody.id,)),))
    assert audience(NEED, plan, ALL, NOON) == to(BOSS)


def test_messages_go_to_whoever_is_on_duty_and_other_things_as_before() -> None:
    plan = PeoplePlan(shifts=(Shift(LI.id, Hours(time(9), time(18)), (2,)),))
    assert audience(MESSAGE, plan, ALL, NOON) == to(LI)
    assert audience(NEED, plan, ALL, NOON) == to(BOSS)
    assert audience(MESSAGE, plan, ALL, NOON + timedelta(days=1)) == to(BOSS)


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    plan = PeoplePlan(shifts=(Shift(LI.id, Hours(time(22), time(2)), (2,)),))
    late = datetime(2026, 11, 4, 15, 0, tzinfo=UTC)
    assert [on_duty(plan, ALL, late + timedelta(hours=n)) for n in (-2, 0, 2, 3, 24)] == [
        (), (LI.id,), (LI.id,), (), ()
    ]  # fmt: skip


def test_whoever_takes_over_out_of_turn_comes_before_the_roster_until_the_end() -> None:
    shift, end = Shift(LI.id, Hours(time(0), time(0))), NOON + timedelta(hours=1)
    plan = PeoplePlan(shifts=(shift,), stints=(Spell(WANG.id, end, NOON),))
    assert on_duty(plan, ALL, NOON) == (WANG.id,)
    assert on_duty(plan, ALL, end) == (LI.id,)


def test_silence_holds_back_messages_and_nothing_urgent() -> None:
    plan = PeoplePlan(silenced=(Spell(BOSS.id, NOON + timedelta(hours=1), NOON),))
    assert audience(MESSAGE, plan, ALL, NOON) == Audience(held=(BOSS.id,))
    assert audience(NEED, plan, ALL, NOON) == to(BOSS)
    assert audience(MESSAGE, plan, ALL, NOON + timedelta(hours=1)) == to(BOSS)


def test_who_cannot_be_reached_is_on_no_duty_and_keeps_nobody_else_from_it() -> None:
    day = Hours(time(9), time(18))
    plan = PeoplePlan(
        shifts=(Shift(LI.id, day),), stints=(Spell(GONE.id, None, NOON), Spell(MUTE.id, None, NOON))
    )
    assert on_duty(plan, ALL, NOON) == (LI.id,)
    assert audience(MESSAGE, plan, ALL, NOON) == to(LI)
    night = replace(plan, shifts=(), quiet=Hours(time(11), time(13)))
    assert audience(MESSAGE, night, ALL, NOON) == Audience(held=(BOSS.id,))


def test_quiet_hours_hold_back_all_but_the_urgent_kinds_unless_somebody_is_on_duty() -> None:
    plan = PeoplePlan(quiet=NIGHT)
    for kind in NoticeKind:
        told = audience(About(kind), plan, ALL, MIDNIGHT)
        urgent = kind in (NoticeKind.NEED, NoticeKind.ACCOUNT)
        assert told == (to(BOSS) if urgent else Audience(held=(BOSS.id,)))
    on = replace(plan, stints=(Spell(LI.id, None, NOON),))
    assert audience(MESSAGE, on, ALL, MIDNIGHT) == to(LI)


def test_what_a_quiet_group_misses_is_summed_up_for_the_owners() -> None:
    plan = PeoplePlan(quiet=NIGHT, routes=(Route(groups=("777001",)),))
    assert audience(MESSAGE, plan, ALL, MIDNIGHT) == Audience(held=(BOSS.id,))


def test_what_is_held_back_ends_with_the_longer_of_silence_and_quiet_hours() -> None:
    morning = datetime(2026, 11, 5, 0, 0, tzinfo=UTC)
    plan = PeoplePlan(quiet=NIGHT)
    assert held_until(plan, BOSS.id, MIDNIGHT) == morning
    assert held_since(plan, BOSS.id, MIDNIGHT) == datetime(2026, 11, 4, 15, 0, tzinfo=UTC)
    longer = replace(plan, silenced=(Spell(BOSS.id, morning + timedelta(hours=2), NOON),))
    assert held_until(longer, BOSS.id, MIDNIGHT) == morning + timedelta(hours=2)
    endless = replace(plan, silenced=(Spell(BOSS.id, None, NOON),))
    assert held_until(endless, BOSS.id, MIDNIGHT) is None
    assert held_until(plan, BOSS.id, NOON) is None


def test_who_claimed_a_conversation_is_told_too_or_alone_if_the_shop_wants_that() -> None:
    plan = PeoplePlan()
    assert audience(MESSAGE, plan, ALL, NOON, claimed_by=LI.id) == to(BOSS, LI)
    alone = PeoplePlan(claimed_only=True)
    assert audience(MESSAGE, alone, ALL, NOON, claimed_by=LI.id) == to(LI)
    assert audience(NEED, alone, ALL, NOON, claimed_by=LI.id) == to(BOSS)
    silent = replace(alone, silenced=(Spell(LI.id, None, NOON),))
    assert audience(MESSAGE, silent, ALL, NOON, claimed_by=LI.id).members == (BOSS.id,)


def test_reminders_go_to_who_was_told_then_to_the_others_then_to_owners() -> None:
    plan = PeoplePlan(routes=(Route(members=(LI.id,)),))
    told = audience(MESSAGE, plan, ALL, NOON)

    def whom(step: int, claimed_by: MemberId | None = None) -> tuple[MemberId, ...]:
        return pinged(step, plan, ALL, told, NOON, claimed_by=claimed_by)

    assert [whom(step) for step in range(4)] == [
        (LI.id,), (BOSS.id, WANG.id), (BOSS.id,), (BOSS.id,)
    ]  # fmt: skip
    assert whom(0, WANG.id) == (WANG.id,)
    assert LOOKS.id not in whom(1)


def test_where_one_person_is_everybody_nobody_is_reminded_unless_the_shop_says_so() -> None:
    assert pings(PeoplePlan(), 1) == ()
    assert pings(PeoplePlan(), 2) == (5, 15, 30)
    assert pings(PeoplePlan(unanswered=(1,)), 1) == (1,)
    assert pings(PeoplePlan(unanswered=()), 9) == ()
