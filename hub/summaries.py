"""What was held back from somebody while they wanted quiet: summed up once, when that is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hub.model import Member, MemberId, PeoplePlan, ShopId, Summarize
from hub.policy import held_since, held_until, is_quiet, is_silenced
from hub.store import Tx

LOOK_AGAIN = timedelta(days=1)
"""Silence without an end is looked at so often."""


def summarize_later(
    tx: Tx, shop: ShopId, member: MemberId, plan: PeoplePlan, now: datetime
) -> None:
    """Something is held back from this member: there will be one summary, whatever else comes."""
    if not tx.outbox.waiting(shop, _lane(member)):
        _put(tx, shop, Summarize(member, held_since(plan, member, now)), plan, now)


def move_summaries(
    tx: Tx, shop: ShopId, members: list[Member], plan: PeoplePlan, now: datetime
) -> None:
    """These may hear again at another time than was settled before."""
    for member in members:
        for work in _take(tx, shop, member.id, now):
            _put(tx, shop, work, plan, now)


def begin_anew(tx: Tx, shop: ShopId, member: MemberId, plan: PeoplePlan, now: datetime) -> None:
    """The member knows what was held back until now."""
    taken = _take(tx, shop, member, now)
    if taken and (is_quiet(plan, now) or is_silenced(plan, member, now)):
        _put(tx, shop, replace(taken[0], since=now), plan, now)


def summary_due(plan: PeoplePlan, member: MemberId, now: datetime) -> datetime:
    """When to sum up, or to look again; `now` when nothing is held back."""
    until = held_until(plan, member, now)
    if until is None:
        return now + LOOK_AGAIN if is_silenced(plan, member, now) else now
    return until


def _take(tx: Tx, shop: ShopId, member: MemberId, now: datetime) -> list[Summarize]:
    found = []
    for task in tx.outbox.waiting(shop, _lane(member)):
        if isinstance(task.work, Summarize) and tx.outbox.cancel(
            shop, task.key, error="moved", now=now
        ):
            found.append(task.work)
    return found


def _put(tx: Tx, shop: ShopId, work: Summarize, plan: PeoplePlan, now: datetime) -> None:
    lane, due_at = _lane(work.member), summary_due(plan, work.member, now)
    key = ":".join((lane, *(at.isoformat() for at in (work.since, due_at, now))))
    tx.outbox.enqueue(shop, work, lane=lane, key=key, due_at=due_at, now=now)


def _lane(member: MemberId) -> str:
    return f"summary:{member}"
