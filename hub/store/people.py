"""People: codes for binding, who answers where, what a shop has settled, what happened when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import Any

from hub.model import (
    AWAY_KEY,
    MOMENT_KEY,
    AccountId,
    AwayWords,
    BindingCode,
    Claim,
    ConversationId,
    Group,
    Hours,
    MemberId,
    MessageId,
    NoticeKind,
    PeoplePlan,
    Role,
    Route,
    Shift,
    ShopId,
    Spell,
    Tally,
)
from hub.store.codec import micros, moment
from hub.store.nouns import Listeners
from hub.store.sql import Sql, Statement
from hub.store.values import Values

PLAN = "people.plan"
MICROSECOND = timedelta(microseconds=1)
CLOCKS_APART = timedelta(hours=1)
"""Ours and the platform's, at most: no answer was given longer before the question than that."""

_PUT_CODE = Statement(
    "INSERT INTO binding_codes (member_id, shop_id, code, expires_at)"
    " VALUES (:member, :shop, :code, :expires_at)"
    " ON CONFLICT (member_id) DO UPDATE SET code = excluded.code, expires_at = excluded.expires_at"
)
_CODE_OF = Statement(
    "SELECT code, expires_at FROM binding_codes"
    " WHERE shop_id = :shop AND member_id = :member AND expires_at > :now"
)
_CODE_TAKEN = Statement("SELECT 1 FROM binding_codes WHERE code = :code")
_USE_CODE = Statement(
    "DELETE FROM binding_codes WHERE code = :code AND expires_at > :now"
    " RETURNING shop_id, member_id"
)
_FORGET_CODES = Statement("DELETE FROM binding_codes WHERE expires_at <= :now")
_DROP_CODE = Statement("DELETE FROM binding_codes WHERE shop_id = :shop AND member_id = :member")

_CLAIM = Statement(
    "INSERT INTO claims (conversation_id, shop_id, member_id, since, active_at, handed)"
    " VALUES (:conversation, :shop, :member, :since, :active_at, :handed)"
    " ON CONFLICT (conversation_id) DO UPDATE SET member_id = excluded.member_id,"
    " since = excluded.since, active_at = excluded.active_at, handed = excluded.handed"
)
_CLAIM_OF = Statement(
    "SELECT member_id, since, active_at, handed FROM claims"
    " WHERE shop_id = :shop AND conversation_id = :conversation"
)
_LISTENERS = Statement(
    "SELECT g.value, c.member_id, c.since, c.active_at, c.handed, m.id, q.qq"
    " FROM shops s"
    " LEFT JOIN settings g ON g.shop_id = s.id AND g.key = :plan"
    " LEFT JOIN claims c ON c.shop_id = s.id AND c.conversation_id = :conversation"
    " LEFT JOIN members m ON m.shop_id = s.id AND m.role = 'owner' AND m.active"
    " LEFT JOIN member_qqs q ON q.shop_id = m.shop_id AND q.member_id = m.id"
    " WHERE s.id = :shop ORDER BY m.id, q.qq"
)

_ANSWERED = Statement(
    "SELECT 1 FROM messages WHERE shop_id = :shop AND conversation_id = :conversation"
    " AND (origin = 'phone' AND sent_at >= (SELECT q.sent_at"
    " FROM messages q WHERE q.shop_id = :shop AND q.id = :message)"
    " OR id > :message AND (origin IN ('operator', 'ai')"
    " OR origin = 'rule' AND substr(key, 1, length(:aside)) <> :aside"
    " AND substr(key, 1, length(:away)) <> :away))"
    " AND sent_at >= (SELECT q.sent_at - :apart"
    " FROM messages q WHERE q.shop_id = :shop AND q.id = :message)"
    " AND state NOT IN ('draft', 'dropped', 'rejected', 'recalled') LIMIT 1"
)
_LAST_HEARD = Statement(
    "SELECT id FROM messages WHERE shop_id = :shop AND conversation_id = :conversation"
    " AND origin = 'buyer' ORDER BY sent_at DESC, id DESC LIMIT 1"
)
_LATELY = (
    " FROM conversations c JOIN messages g ON g.conversation_id = c.id"
    " AND g.sent_at >= :since AND g.sent_at < :before"
)
_IN_SHOP = " WHERE c.shop_id = :shop AND c.last_message_at >= :since"
_HEARD = Statement(
    f"SELECT count(*), count(DISTINCT g.conversation_id){_LATELY}{_IN_SHOP} AND g.origin = 'buyer'"
)
_ANSWERS = Statement(
    f"SELECT g.origin, m.name, count(*){_LATELY}"
    " LEFT JOIN members m ON m.shop_id = g.shop_id AND m.id = g.member_id"
    f"{_IN_SHOP} AND g.origin IN ('operator', 'phone', 'rule', 'ai')"
    " AND g.state NOT IN ('draft', 'dropped', 'rejected')"
    " GROUP BY g.origin, m.name ORDER BY count(*) DESC"
)
_UNSENT = Statement(
    f"SELECT count(*){_LATELY}{_IN_SHOP} AND g.origin IN ('rule', 'ai') AND g.state = 'rejected'"
)
_PAID = Statement(
    "SELECT count(*) FROM orders WHERE shop_id = :shop AND paid_at >= :since AND paid_at < :before"
)
_DELIVERED = Statement(
    "SELECT count(DISTINCT order_id) FROM deliveries WHERE shop_id = :shop"
    " AND state IN ('sent', 'confirmed', 'outside')"
    " AND changed_at >= :since AND changed_at < :before"
)


class BindingCodes:
    """At most one is open per member."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(
        self,
        shop: ShopId,
        member: MemberId,
        codes: Sequence[str],
        expires_at: datetime,
        now: datetime,
    ) -> str | None:
        """The first of `codes` that is free becomes the member's, in the place of an older one.
        None: all of them are taken."""
        self._sql.run(_FORGET_CODES, now=micros(now))
        free = next((c for c in codes if self._sql.value(_CODE_TAKEN, code=c) is None), None)
        if free is not None:
            self._sql.run(
                _PUT_CODE, shop=shop, member=member, code=free, expires_at=micros(expires_at)
            )
            self._sql.changed(shop, "member", member)
        return free

    def of(self, shop: ShopId, member: MemberId, now: datetime) -> BindingCode | None:
        row = self._sql.row(_CODE_OF, shop=shop, member=member, now=micros(now))
        return None if row is None else BindingCode(row[0], moment(row[1]))

    def use(self, code: str, now: datetime) -> tuple[ShopId, MemberId] | None:
        """Whose it is; it is good for nothing after this. System-wide: the code tells the shop."""
        row = self._sql.row(_USE_CODE, code=code, now=micros(now))
        return None if row is None else (ShopId(row[0]), MemberId(row[1]))

    def drop(self, shop: ShopId, member: MemberId) -> None:
        self._sql.run(_DROP_CODE, shop=shop, member=member)


class Attention:
    """Who answers where, and what nobody has answered yet."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def claim_of(self, shop: ShopId, conversation: ConversationId) -> Claim | None:
        """The last one, however old."""
        row = self._sql.row(_CLAIM_OF, shop=shop, conversation=conversation)
        return None if row is None else _to_claim(conversation, *row)

    def listeners(self, shop: ShopId, conversation: ConversationId | None) -> Listeners:
        """In one statement, because it is read for every message: what decides who hears of it.
        Without a conversation nobody has claimed it."""
        rows = self._sql.rows(_LISTENERS, shop=shop, plan=PLAN, conversation=conversation)
        plan, *claim, _, _ = rows[0]
        owners: dict[int, list[str]] = {}
        for *_, member, qq in rows:
            if qq is not None:
                owners.setdefault(member, []).append(qq)
        return Listeners(
            plan=None if plan is None else _to_plan(json.loads(plan)),
            claim=None
            if conversation is None or claim[0] is None
            else _to_claim(conversation, *claim),
            owners_qq=tuple(map(tuple, owners.values())),
        )

    def claim(self, shop: ShopId, claim: Claim) -> None:
        self._sql.run(
            _CLAIM,
            shop=shop,
            conversation=claim.conversation,
            member=claim.member,
            since=micros(claim.since),
            active_at=micros(claim.active_at),
            handed=claim.handed,
        )
        self._sql.changed(shop, "conversation", claim.conversation)

    def answered(self, shop: ShopId, conversation: ConversationId, message: MessageId) -> bool:
        """Whether anybody or anything has answered since that message of the buyer.

        What is said about an order, or that nobody is there, answers nothing. What the seller wrote
        on the phone may have been heard of in another order than it was said in.
        """
        found = self._sql.value(
            _ANSWERED,
            shop=shop,
            conversation=conversation,
            message=message,
            aside=MOMENT_KEY,
            away=AWAY_KEY,
            apart=CLOCKS_APART // MICROSECOND,
        )
        return found is not None

    def last_heard(self, shop: ShopId, conversation: ConversationId) -> MessageId | None:
        found = self._sql.value(_LAST_HEARD, shop=shop, conversation=conversation)
        return None if found is None else MessageId(found)

    def tally(self, shop: ShopId, since: datetime, before: datetime) -> Tally:
        span = {"shop": shop, "since": micros(since), "before": micros(before)}
        heard = self._sql.row(_HEARD, **span) or (0, 0)
        answers: dict[str, int] = {}
        for origin, name, count in self._sql.rows(_ANSWERS, **span):
            who = name if origin == "operator" and name else origin
            answers[who] = answers.get(who, 0) + count
        return Tally(
            messages=heard[0],
            conversations=heard[1],
            paid=self._sql.value(_PAID, **span),
            delivered=self._sql.value(_DELIVERED, **span),
            answers=answers,
            unsent=self._sql.value(_UNSENT, **span),
        )


class Plans:
    """What each shop has settled about its people: one value, in clear; see `listeners`."""

    __slots__ = ("_values",)

    def __init__(self, values: Values) -> None:
        self._values = values

    def get(self, shop: ShopId) -> PeoplePlan | None:
        """None: nothing was ever settled."""
        text = self._values.get(shop, PLAN)
        return None if text is None else _to_plan(json.loads(text))

    def set(self, shop: ShopId, plan: PeoplePlan) -> None:
        self._values.set(shop, PLAN, json.dumps(asdict(plan), ensure_ascii=False, default=_plain))


def _to_claim(
    conversation: ConversationId, member: int, since: int, active_at: int, handed: int
) -> Claim:
    times = moment(since), moment(active_at)
    return Claim(conversation, MemberId(member), *times, bool(handed))


def _plain(value: object) -> str:
    if isinstance(value, datetime | time):
        return value.isoformat()
    raise TypeError(f"cannot be stored: {value!r}")


def _to_plan(fields: dict[str, Any]) -> PeoplePlan:
    quiet, minutes, digest_at = fields["quiet"], fields["unanswered"], fields["digest_at"]
    return PeoplePlan(
        zone=fields["zone"],
        routes=tuple(map(_to_route, fields["routes"])),
        groups=tuple(Group(**one) for one in fields["groups"]),
        shifts=tuple(
            Shift(MemberId(one["member"]), _to_hours(one["hours"]), tuple(one["weekdays"]))
            for one in fields["shifts"]
        ),
        stints=tuple(map(_to_until, fields["stints"])),
        silenced=tuple(map(_to_until, fields["silenced"])),
        quiet=None if quiet is None else _to_hours(quiet),
        away=tuple(map(_to_away, fields["away"])),
        unanswered=None if minutes is None else tuple(minutes),
        mail_unanswered=fields["mail_unanswered"],
        claimed_only=fields["claimed_only"],
        digest_at=None if digest_at is None else time.fromisoformat(digest_at),
    )


def _to_route(fields: dict[str, Any]) -> Route:
    account = fields["account"]
    return Route(
        kinds=tuple(map(NoticeKind, fields["kinds"])),
        account=None if account is None else AccountId(account),
        item=fields["item"],
        tag=fields["tag"],
        roles=tuple(map(Role, fields["roles"])),
        members=tuple(map(MemberId, fields["members"])),
        groups=tuple(fields["groups"]),
        mailed=tuple(map(MemberId, fields["mailed"])),
    )


def _to_away(fields: dict[str, Any]) -> AwayWords:
    account = fields["account"]
    return AwayWords(fields["text"], None if account is None else AccountId(account))


def _to_hours(fields: dict[str, str]) -> Hours:
    return Hours(time.fromisoformat(fields["start"]), time.fromisoformat(fields["end"]))


def _to_until(fields: dict[str, Any]) -> Spell:
    end = fields["end"]
    return Spell(
        MemberId(fields["member"]),
        None if end is None else datetime.fromisoformat(end),
        datetime.fromisoformat(fields["since"]),
    )
