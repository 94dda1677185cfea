"""Who is told what: rules for notices, groups, the roster, quiet hours, silence and duty."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from hub.commands import may
from hub.desk.buyers import LONGEST_TAG
from hub.desk.operator import Operator
from hub.errors import Forbidden, Invalid, NotFound
from hub.model import (
    Account,
    AccountId,
    AwayWords,
    Group,
    Hours,
    Member,
    MemberId,
    PeoplePlan,
    Role,
    Route,
    Shift,
    Spell,
    Tally,
    peer_at,
)
from hub.notices import forget_chat, plan_digest, tell_members
from hub.policy import checked_reply, is_mailable, is_silenced, on_duty
from hub.store import Store, Tx
from hub.summaries import begin_anew, move_summaries
from hub.text import people as people_words

MOST_ROUTES = 50
MOST_GROUPS = 50
MOST_SHIFTS = 100
MOST_PINGS = 5
LONGEST_WAIT = 24 * 60
"""Minutes until a reminder."""
_GROUP = re.compile(r"[1-9]\d{4,11}|official:\d{1,20}/[0-9A-Za-z_-]{1,64}")
_ITEM = re.compile(r"\d{1,30}")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule, shift or group as people read it; `id` names it until it is changed."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class PeopleView:
    plan: PeoplePlan
    routes: tuple[Line, ...]
    shifts: tuple[Line, ...]
    groups: tuple[Line, ...]
    away: tuple[Line, ...]
    on_duty: tuple[str, ...]
    silenced: tuple[str, ...]
    members: tuple[Member, ...]
    mailable: tuple[Member, ...]
    """Who can be told by mail."""
    accounts: tuple[Account, ...]


Settled = TypeVar("Settled", Route, Shift)
Change = Callable[[Tx, PeoplePlan], PeoplePlan]


class People:
    def __init__(
        self, store: Store, now: Callable[[], datetime], zone: ZoneInfo, *, mails: bool = False
    ) -> None:
        """`mails`: there is a mail server."""
        self._mails = mails
        self._store = store
        self._now = now
        self._zone = zone

    async def view(self, operator: Operator) -> PeopleView:
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> PeopleView:
            plan = self._plan(tx, operator)
            members, accounts = tx.members.all(operator.shop), tx.accounts.all(operator.shop)
            names = {one.id: one.name for one in members}
            shops = {one.id: one.name for one in accounts}
            groups = {one.number: one.name for one in plan.groups}
            return PeopleView(
                plan,
                tuple(
                    Line(id_of(one), people_words.route_line(one, shops, names, groups))
                    for one in plan.routes
                ),
                tuple(Line(id_of(one), people_words.shift_line(one, names)) for one in plan.shifts),
                tuple(Line(one.number, people_words.group_line(one)) for one in plan.groups),
                tuple(
                    Line(str(one.account or ""), people_words.away_line(one, shops))
                    for one in plan.away
                ),
                tuple(names[one] for one in on_duty(plan, members, now)),
                tuple(one.name for one in members if is_silenced(plan, one.id, now)),
                tuple(one for one in members if one.active),
                tuple(one for one in members if self._mails and is_mailable(one)),
                tuple(accounts),
            )

        return await self._store.read(unit)

    async def duty_page(self, operator: Operator) -> str:
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> str:
            plan = self._plan(tx, operator)
            members = tx.members.all(operator.shop)
            names = {one.id: one.name for one in members}
            return people_words.duty_page(plan, on_duty(plan, members, now), names, self._zone, now)

        return await self._store.read(unit)

    async def listens(self, member: Member, group: str) -> Group | None:
        """Whether the bot listens to this member in a group, and how. Raises Forbidden where it
        does not; None: nothing was settled about groups."""
        plan = await self._store.read(lambda tx: tx.plans.get(member.shop))
        if plan is None or not plan.groups:
            return None
        found = next((one for one in plan.groups if one.number == group), None)
        if found is None:
            raise Forbidden("这个群不在名单里")
        return found

    # --- Rules ----------------------------------------------------------------------------------

    async def add_route(self, operator: Operator, route: Route) -> None:
        """At the end: rules before it come first."""

        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            if route.mailed and not self._mails:
                raise Invalid("还没有设置邮件服务器，先看「邮件」页", {"to": "先设置邮件服务器"})
            _check_route(tx, operator, plan, route)
            return replace(plan, routes=(*plan.routes, route))

        await self._change(operator, "people.route", change)

    async def remove_route(self, operator: Operator, id_: str) -> None:
        def change(_: Tx, plan: PeoplePlan) -> PeoplePlan:
            return replace(plan, routes=_without(plan.routes, id_, "这条规则已经不在了"))

        await self._change(operator, "people.route_removed", change)

    async def raise_route(self, operator: Operator, id_: str) -> None:
        """Move a rule before the one above it."""

        def change(_: Tx, plan: PeoplePlan) -> PeoplePlan:
            routes = list(plan.routes)
            at = next((n for n, one in enumerate(routes) if id_of(one) == id_), None)
            if at is None:
                raise NotFound("这条规则已经不在了")
            if at:
                routes[at - 1], routes[at] = routes[at], routes[at - 1]
            return replace(plan, routes=tuple(routes))

        await self._change(operator, "people.route_raised", change)

    async def add_group(self, operator: Operator, group: Group) -> None:
        """New, or settled anew."""
        number, name = group.number.strip(), group.name.strip()[:20]
        if not _GROUP.fullmatch(number):
            raise Invalid("群号是 5 到 12 位数字", {"number": "5 到 12 位数字"})

        def change(_: Tx, plan: PeoplePlan) -> PeoplePlan:
            others = tuple(one for one in plan.groups if one.number != number)
            if len(others) >= MOST_GROUPS:
                raise Invalid(f"最多 {MOST_GROUPS} 个群", {"number": f"最多 {MOST_GROUPS} 个"})
            return replace(plan, groups=(*others, Group(number, name, group.addressed)))

        await self._change(operator, "people.group", change, target=lambda: number)

    async def remove_group(self, operator: Operator, number: str) -> None:
        now = self._now()

        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            if any(number in one.groups for one in plan.routes):
                raise Invalid("还有规则发到这个群，先删掉那条规则")
            left = tuple(one for one in plan.groups if one.number != number)
            if len(left) == len(plan.groups):
                raise NotFound("这个群已经不在名单里了")
            forget_chat(tx, operator.shop, peer_at("group", number), now)
            return replace(plan, groups=left)

        await self._change(operator, "people.group_removed", change, target=lambda: number)

    async def add_shift(self, operator: Operator, shift: Shift) -> None:
        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            _answering(tx, operator, shift.member)
            if shift in plan.shifts:
                raise Invalid("这个班次已经有了", {"hours": "已经有了"})
            if len(plan.shifts) >= MOST_SHIFTS:
                raise Invalid(f"最多 {MOST_SHIFTS} 个班次")
            return replace(plan, shifts=(*plan.shifts, shift))

        await self._change(operator, "people.shift", change)

    async def remove_shift(self, operator: Operator, id_: str) -> None:
        def change(_: Tx, plan: PeoplePlan) -> PeoplePlan:
            return replace(plan, shifts=_without(plan.shifts, id_, "这个班次已经不在了"))

        await self._change(operator, "people.shift_removed", change)

    async def set_away(self, operator: Operator, account: AccountId | None, words: str) -> None:
        """What buyers are told in quiet hours, of one account or of all that have no words of
        their own; without words they are told nothing."""
        said = checked_reply(words, field="away", what="自动答复") if words.strip() else ""

        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            if account is not None and tx.accounts.get(operator.shop, account) is None:
                raise Invalid("这个账号不存在", {"away_account": "选一个账号"})
            others = tuple(one for one in plan.away if one.account != account)
            return replace(plan, away=(*others, AwayWords(said, account)) if said else others)

        await self._change(operator, "people.away", change)

    async def set_habits(
        self,
        operator: Operator,
        *,
        quiet: Hours | None,
        unanswered: tuple[int, ...] | None,
        claimed_only: bool,
        digest_at: time | None,
        mail_unanswered: bool = True,
    ) -> None:
        minutes = None if unanswered is None else tuple(sorted(set(unanswered)))
        if minutes and not _sensible(minutes):
            sentence = f"最多 {MOST_PINGS} 个分钟数，每个 1 到 {LONGEST_WAIT}"
            raise Invalid(sentence, {"unanswered": sentence})
        if quiet is not None and quiet.start == quiet.end:
            sentence = "安静时段的开始和结束不能一样"
            raise Invalid(sentence, {"quiet": sentence})
        now = self._now()

        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            changed = replace(
                plan,
                quiet=quiet,
                unanswered=minutes,
                mail_unanswered=mail_unanswered,
                claimed_only=claimed_only,
                digest_at=digest_at,
            )
            plan_digest(tx, operator.shop, changed, now)
            move_summaries(tx, operator.shop, tx.members.all(operator.shop), changed, now)
            return changed

        await self._change(operator, "people.habits", change)

    # --- One's own ------------------------------------------------------------------------------

    async def silence(self, operator: Operator, until: datetime | None) -> None:
        """No messages of buyers for this member until then; None: until they say otherwise."""
        member, now = operator.member.id, self._now()
        if until is not None and until <= now:
            raise Invalid("没有静音：这个时间已经过了")

        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            others = tuple(one for one in plan.silenced if one.member != member)
            since = min((one.since for one in _silence_of(plan, member, now)), default=now)
            changed = replace(plan, silenced=(*others, Spell(member, until, since)))
            move_summaries(tx, operator.shop, [operator.member], changed, now)
            return changed

        await self._change(operator, "people.silence", change, Role.VIEWER)

    async def speak_up(self, operator: Operator) -> Tally | None:
        """End the silence; what was held back. None: there was none."""
        member, now = operator.member.id, self._now()
        found: list[Tally] = []

        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            found.clear()
            left = tuple(one for one in plan.silenced if one.member != member)
            changed = replace(plan, silenced=left)
            for one in _silence_of(plan, member, now):
                found.append(tx.attention.tally(operator.shop, one.since, now))
                begin_anew(tx, operator.shop, member, changed, now)
            return changed

        await self._change(operator, "people.silence_over", change, Role.VIEWER)
        return found[0] if found else None

    async def take_duty(self, operator: Operator, name: str, until: datetime | None) -> Member:
        """On duty out of turn. `name`: empty or 我 for oneself; others are sent by owners."""
        now = self._now()
        if until is not None and until <= now:
            raise Invalid("没有接班：这个时间已经过了")
        found: list[Member] = []

        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            member = self._meant(tx, operator, name)
            _answering(tx, operator, member.id)
            found[:] = [member]
            others = tuple(one for one in plan.stints if one.member != member.id)
            said = people_words.sent_on_duty(operator.member.name, until, self._zone, now)
            self._tell(tx, operator, member, said, now)
            return replace(plan, stints=(*others, Spell(member.id, until, now)))

        await self._change(operator, "people.duty", change, Role.AGENT, lambda: found[0].name)
        return found[0]

    async def end_duty(self, operator: Operator, name: str) -> Member:
        now = self._now()
        found: list[Member] = []

        def change(tx: Tx, plan: PeoplePlan) -> PeoplePlan:
            member = self._meant(tx, operator, name)
            left = tuple(one for one in plan.stints if one.member != member.id)
            if len(left) == len(plan.stints):
                raise Invalid(
                    f"{member.name} 没有临时接班；让别人下班写 /值班 成员 结束，"
                    "排好的班次在后台「通知」里改"
                )
            found[:] = [member]
            self._tell(tx, operator, member, people_words.sent_off_duty(operator.member.name), now)
            return replace(plan, stints=left)

        await self._change(operator, "people.duty_over", change, Role.AGENT, lambda: found[0].name)
        return found[0]

    def _tell(self, tx: Tx, operator: Operator, member: Member, said: str, now: datetime) -> None:
        """Whoever is sent somewhere by somebody else has to know."""
        if member.id != operator.member.id:
            key = f"duty:{member.id}:{now.isoformat()}"
            tell_members(tx, operator.shop, (member.id,), said, key=key, now=now)

    def _meant(self, tx: Tx, operator: Operator, name: str) -> Member:
        if name in ("", "我", operator.member.name):
            return operator.member
        if not may(operator.member.role, Role.OWNER):
            raise Forbidden("只能给自己接班，安排别人要店主来")
        return member_named(tx, operator, name)

    def _plan(self, tx: Tx, operator: Operator) -> PeoplePlan:
        return replace(tx.plans.get(operator.shop) or PeoplePlan(), zone=self._zone.key)

    async def _change(
        self,
        operator: Operator,
        action: str,
        change: Change,
        role: Role = Role.OWNER,
        target: Callable[[], str] | None = None,
    ) -> None:
        """`target`: what was changed, for the audit; asked after the change."""
        operator.require(role)
        now = self._now()

        def unit(tx: Tx) -> None:
            plan = change(tx, self._plan(tx, operator))
            stints, silenced = _running(plan.stints, now), _running(plan.silenced, now)
            tx.plans.set(operator.shop, replace(plan, stints=stints, silenced=silenced))
            operator.record(tx, action, target() if target is not None else "", now)

        await self._store.write(unit)


def _sensible(minutes: tuple[int, ...]) -> bool:
    return len(minutes) <= MOST_PINGS and minutes[0] >= 1 and minutes[-1] <= LONGEST_WAIT


def id_of(one: Route | Shift) -> str:
    """Names what it says: an address that was read before it changed leads to nothing."""
    return hashlib.sha256(repr(one).encode()).hexdigest()[:12]


def member_named(tx: Tx, operator: Operator, name: str) -> Member:
    """The active member of this name, or the only one whose name begins with it or else holds it.
    Raises NotFound."""
    members = [one for one in tx.members.all(operator.shop) if one.active]
    exact = [one for one in members if one.name == name]
    begins = [one for one in members if name and one.name.startswith(name)]
    found = exact or begins or [one for one in members if name and name in one.name]
    if len(found) == 1:
        return found[0]
    names = "、".join(one.name for one in (found or members))
    if found:
        raise NotFound(f"不知道是哪一位，请写全名：{names}")
    raise NotFound(f"没有叫「{name}」的成员，现有：{names}")


def _answering(tx: Tx, operator: Operator, member: MemberId) -> Member:
    """Somebody who can answer from QQ. Raises Invalid."""
    found = tx.members.get(operator.shop, member)
    if found is None or not found.active:
        raise Invalid("这个成员不存在或已停用", {"member": "选一位成员"})
    if not may(found.role, Role.AGENT):
        raise Invalid(f"{found.name} 是只读成员，不能回复买家", {"member": "选客服或店主"})
    if not found.qq:
        raise Invalid(f"{found.name} 还没有绑定 QQ", {"member": "先绑定 QQ"})
    return found


def _check_route(tx: Tx, operator: Operator, plan: PeoplePlan, route: Route) -> None:
    if route in plan.routes:
        raise Invalid("这条规则已经有了")
    if len(plan.routes) >= MOST_ROUTES:
        raise Invalid(f"规则最多 {MOST_ROUTES} 条，先删掉不用的")
    if not (route.roles or route.members or route.groups or route.mailed):
        raise Invalid("选上发给谁", {"to": "至少选一个"})
    if route.item is not None and not _ITEM.fullmatch(route.item):
        sentence = "商品编号是一串数字，在商品链接里 id= 的后面"
        raise Invalid(sentence, {"item": sentence})
    if route.account is not None and tx.accounts.get(operator.shop, route.account) is None:
        raise Invalid("这个账号不存在", {"account": "选一个账号"})
    if route.tag is not None and len(route.tag) > LONGEST_TAG:
        raise Invalid(f"标签最多 {LONGEST_TAG} 字", {"tag": f"最多 {LONGEST_TAG} 字"})
    members = tx.members.all(operator.shop)
    if not {one.id for one in members}.issuperset(route.members):
        raise Invalid("有成员不存在", {"to": "重新选"})
    if not {one.id for one in members if is_mailable(one)}.issuperset(route.mailed):
        raise Invalid("有成员没有填邮箱，或者不要邮件通知", {"to": "先在「成员」里填邮箱"})
    if not {one.number for one in plan.groups}.issuperset(route.groups):
        raise Invalid("先把群加进名单", {"to": "先把群加进名单"})


def _without(some: Sequence[Settled], id_: str, gone: str) -> tuple[Settled, ...]:
    left = tuple(one for one in some if id_of(one) != id_)
    if len(left) == len(some):
        raise NotFound(gone)
    return left


def _silence_of(plan: PeoplePlan, member: MemberId, now: datetime) -> tuple[Spell, ...]:
    return tuple(one for one in _running(plan.silenced, now) if one.member == member)


def _running(spells: tuple[Spell, ...], now: datetime) -> tuple[Spell, ...]:
    return tuple(one for one in spells if one.end is None or one.end > now)
