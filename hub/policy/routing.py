"""Who is told of what, and when not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.model import (
    URGENT,
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
    in_group_only,
)

PINGS = (5, 15, 30)
"""Minutes after which somebody is reminded of a buyer whom nobody answered."""
CLAIM_LASTS = timedelta(minutes=30)
"""After the last answer of whoever claimed the conversation."""


def audience(
    about: About,
    plan: PeoplePlan,
    members: Sequence[Member],
    now: datetime,
    *,
    claimed_by: MemberId | None = None,
) -> Audience:
    """`members`: all of the shop. `claimed_by`: who answers in that conversation.

    Somebody is always told or held: where a rule reaches nobody, it is the owners.
    """
    reachable = [one for one in members if _can_be_told(one)]
    ids = {one.id for one in reachable}
    route = next((one for one in plan.routes if fits(one, about)), None)
    wanted = _meant(route, reachable) if route is not None else ()
    groups = route.groups if route is not None else ()
    owners = tuple(one.id for one in reachable if one.role is Role.OWNER)
    if not wanted and not groups:
        wanted = owners
    duty = on_duty(plan, reachable, now)
    if about.kind is NoticeKind.MESSAGE:
        heard = tuple(one for one in duty if not is_silenced(plan, one, now))
        wanted = heard or wanted
        if claimed_by in ids and claimed_by is not None:
            alone = plan.claimed_only and not is_silenced(plan, claimed_by, now)
            wanted = (claimed_by,) if alone else _with(wanted, claimed_by)
    mailed = tuple(one.id for one in members if is_mailable(one) and one.id in _mailed(route))
    if about.kind not in URGENT and is_undisturbed(plan, members, now):
        return Audience(held=wanted or owners, mailed=mailed)
    if about.kind is not NoticeKind.MESSAGE:
        return Audience(wanted, groups, mailed=mailed)
    held = tuple(one for one in wanted if is_silenced(plan, one, now))
    return Audience(tuple(one for one in wanted if one not in held), groups, held, mailed)


def is_undisturbed(plan: PeoplePlan, members: Iterable[Member], now: datetime) -> bool:
    """Whether the shop wants quiet now, and nobody who can be reached is on duty."""
    return is_quiet(plan, now) and not on_duty(plan, members, now)


def away_words(plan: PeoplePlan, account: AccountId) -> str:
    """What buyers of this account are told when nobody is there; empty: nothing."""
    said = {one.account: one.text for one in plan.away}
    return said.get(account, said.get(None, ""))


def fits(route: Route, about: About) -> bool:
    return (
        (not route.kinds or about.kind in route.kinds)
        and route.account in (None, about.account)
        and route.item in (None, about.item)
        and (route.tag is None or route.tag in about.tags)
    )


def is_mailable(member: Member) -> bool:
    """Whether they can be told by mail, and want that."""
    return member.active and bool(member.email) and member.urgent_mail


def on_duty(plan: PeoplePlan, members: Iterable[Member], now: datetime) -> tuple[MemberId, ...]:
    """Whoever took it over out of turn; else by the roster. Who cannot be reached is on no duty."""
    able = {one.id for one in members if one.active and one.qq}
    local = now.astimezone(ZoneInfo(plan.zone))
    stints = [one.member for one in plan.stints if _runs(one.end, now)]
    shifts = [one.member for one in plan.shifts if _works(one, local)]
    out_of_turn = [one for one in stints if one in able]
    return tuple(dict.fromkeys(out_of_turn or [one for one in shifts if one in able]))


def is_silenced(plan: PeoplePlan, member: MemberId, now: datetime) -> bool:
    return any(one.member == member and _runs(one.end, now) for one in plan.silenced)


def is_quiet(plan: PeoplePlan, now: datetime) -> bool:
    return plan.quiet is not None and plan.quiet.has(now.astimezone(ZoneInfo(plan.zone)))


def held_since(plan: PeoplePlan, member: MemberId, now: datetime) -> datetime:
    """Since when what is held back now has been held back."""
    begins = [one.since for one in plan.silenced if one.member == member and _runs(one.end, now)]
    if is_quiet(plan, now):
        begins.append(quiet_began(plan, now))
    return min(begins, default=now)


def quiet_began(plan: PeoplePlan, now: datetime) -> datetime:
    """When the quiet hours that run now began; `now` when none do."""
    if plan.quiet is None or not is_quiet(plan, now):
        return now
    start = plan.quiet.start
    return next_at(now, plan.zone, start.hour, start.minute) - timedelta(days=1)


def held_until(plan: PeoplePlan, member: MemberId, now: datetime) -> datetime | None:
    """When this member hears again what is held back now; None: nobody knows, or not held."""
    ends = [one.end for one in plan.silenced if one.member == member and _runs(one.end, now)]
    if None in ends:
        return None
    known = [one for one in ends if one is not None]
    if is_quiet(plan, now) and plan.quiet is not None:
        known.append(_end_of(plan.quiet, now, ZoneInfo(plan.zone)))
    return max(known) if known else None


def quiet_ends(plan: PeoplePlan, now: datetime) -> datetime | None:
    """The end of the quiet hours; None when it is not quiet."""
    if plan.quiet is None or not is_quiet(plan, now):
        return None
    return _end_of(plan.quiet, now, ZoneInfo(plan.zone))


def pings(plan: PeoplePlan, answering: int) -> tuple[int, ...]:
    """The minutes of reminders; `answering`: how many people could. Where one person is everybody,
    nobody has to be reminded."""
    if plan.unanswered is not None:
        return plan.unanswered
    return PINGS if answering > 1 else ()


def pinged(
    step: int,
    plan: PeoplePlan,
    members: Sequence[Member],
    told: Audience,
    now: datetime,
    *,
    claimed_by: MemberId | None,
) -> tuple[MemberId, ...]:
    """Whom to remind: who claimed it or is told of it, then the others who may answer, then
    owners."""
    able = [one for one in members if _can_be_told(one) and one.role is not Role.VIEWER]
    able = [one for one in able if not is_silenced(plan, one.id, now)]
    owners = tuple(one.id for one in able if one.role is Role.OWNER)
    first = tuple(one.id for one in able if one.id == claimed_by) or tuple(
        one.id for one in able if one.id in told.members
    )
    rest = tuple(one.id for one in able if one.id not in first)
    if step == 0:
        return first or owners
    if step == 1:
        return rest or first
    return owners or first


def next_at(now: datetime, zone_name: str, hour: int, minute: int) -> datetime:
    """The next time it is that late in the zone."""
    local = now.astimezone(ZoneInfo(zone_name))
    at = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if at <= local:
        at += timedelta(days=1)
    return at.astimezone(UTC)


def _can_be_told(member: Member) -> bool:
    return member.active and not all(in_group_only(one) for one in member.qq)


def _meant(route: Route, reachable: Iterable[Member]) -> tuple[MemberId, ...]:
    return tuple(one.id for one in reachable if one.id in route.members or one.role in route.roles)


def _mailed(route: Route | None) -> tuple[MemberId, ...]:
    return route.mailed if route is not None else ()


def _with(some: tuple[MemberId, ...], one: MemberId) -> tuple[MemberId, ...]:
    return some if one in some else (*some, one)


def _works(shift: Shift, local: datetime) -> bool:
    if not shift.hours.has(local):
        return False
    over_midnight = shift.hours.start > shift.hours.end and local.time() < shift.hours.end
    began = local - timedelta(days=1) if over_midnight else local
    return not shift.weekdays or began.weekday() in shift.weekdays


def _end_of(hours: Hours, now: datetime, zone: ZoneInfo) -> datetime:
    return next_at(now, zone.key, hours.end.hour, hours.end.minute)


def _runs(end: datetime | None, now: datetime) -> bool:
    return end is None or end > now
