"""What waits for a person, and where deliveries are stopped or held."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.model import (
    AccountId,
    ConversationId,
    Guards,
    MemberId,
    Need,
    NeedId,
    NeedKind,
    ShopId,
    Stop,
)
from hub.store.codec import micros, moment, moment_or_none
from hub.store.sql import Row, Sql, Statement
from hub.store.values import Values

_COLUMNS = (
    "id, shop_id, number, kind, account_id, order_id, conversation_id, detail, opened_at,"
    " closed_at, resolution"
)
_OPEN = Statement(
    "INSERT INTO needs (shop_id, number, kind, subject, account_id, order_id, conversation_id,"
    " detail, opened_at, resolution) VALUES (:shop,"
    " (SELECT coalesce(max(n.number), 0) + 1 FROM needs n WHERE n.shop_id = :shop),"
    " :kind, :subject, :account, :order, :conversation, :detail, :now, '')"
    " ON CONFLICT (shop_id, subject, kind) WHERE closed_at IS NULL DO NOTHING RETURNING id"
)
_SKIP = Statement(
    "INSERT INTO needs (shop_id, number, kind, subject, detail, opened_at, closed_at, resolution)"
    " SELECT :shop, coalesce(max(n.number), 0) + :count, :kind, :subject, '', :now, :now,"
    " :resolution FROM needs n WHERE n.shop_id = :shop"
)
_GET = Statement(f"SELECT {_COLUMNS} FROM needs WHERE shop_id = :shop AND id = :id")
_BY_NUMBER = Statement(f"SELECT {_COLUMNS} FROM needs WHERE shop_id = :shop AND number = :number")
_ALL_OPEN = Statement(
    f"SELECT {_COLUMNS} FROM needs WHERE shop_id = :shop AND closed_at IS NULL ORDER BY number"
)
_COUNT_OPEN = Statement("SELECT count(*) FROM needs WHERE shop_id = :shop AND closed_at IS NULL")
_TALLY = Statement(
    "SELECT kind, count(*), min(opened_at) FROM needs WHERE closed_at IS NULL GROUP BY kind"
)
_OF_SUBJECT = Statement(
    f"SELECT {_COLUMNS} FROM needs WHERE shop_id = :shop AND subject = :subject"
    " AND closed_at IS NULL ORDER BY number"
)
_CLOSE = Statement(
    "UPDATE needs SET closed_at = :now, resolution = :resolution, member_id = :member"
    " WHERE shop_id = :shop AND id = :id AND closed_at IS NULL"
)
_STOPS = Statement(
    "SELECT shop_id, account_id, reason, since, by_brake FROM stops"
    " WHERE shop_id = :shop AND ended_at IS NULL ORDER BY account_id IS NOT NULL, id"
)
_COUNT_STOPS = Statement("SELECT count(*) FROM stops WHERE ended_at IS NULL")
_STOP = Statement(
    "INSERT INTO stops (shop_id, account_id, reason, by_brake, member_id, since)"
    " VALUES (:shop, :account, :reason, :by_brake, :member, :now) ON CONFLICT DO NOTHING"
)
_RESUME = {
    of_account: Statement(
        "UPDATE stops SET ended_at = :now WHERE shop_id = :shop AND ended_at IS NULL AND"
        f" account_id {'= :account' if of_account else 'IS NULL'}"
    )
    for of_account in (True, False)
}
GUARDS = "delivery.guards"


def subject_of(account: AccountId | None, order: str | None) -> str:
    """What a need is about; at most one of a kind is open about it."""
    if account is None:
        return "shop"
    return f"account:{account}" if order is None else f"order:{account}:{order}"


class Needs:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def open(
        self,
        shop: ShopId,
        kind: NeedKind,
        *,
        account: AccountId | None = None,
        order: str | None = None,
        subject: str = "",
        conversation: ConversationId | None = None,
        detail: str,
        now: datetime,
    ) -> Need | None:
        """None: the same need is open already. `subject`: what it is about, if not the order,
        account or shop."""
        id_ = self._sql.value(
            _OPEN,
            shop=shop,
            kind=kind,
            subject=subject or subject_of(account, order),
            account=account,
            order=order,
            conversation=conversation,
            detail=detail,
            now=micros(now),
        )
        if id_ is None:
            return None
        self._sql.changed(shop, "need", id_)
        return self.get(shop, NeedId(id_))

    def skip(self, shop: ShopId, count: int, *, resolution: str, now: datetime) -> None:
        """So many numbers are given to nobody: the last of them is that of a need which was over
        before it began. For a database that went back in time and does not know which were."""
        self._sql.run(
            _SKIP,
            shop=shop,
            count=count,
            kind=NeedKind.BRAKE,
            subject=subject_of(None, None),
            now=micros(now),
            resolution=resolution,
        )

    def get(self, shop: ShopId, id_: NeedId) -> Need | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_need(row)

    def by_number(self, shop: ShopId, number: int) -> Need | None:
        row = self._sql.row(_BY_NUMBER, shop=shop, number=number)
        return None if row is None else _to_need(row)

    def all_open(self, shop: ShopId) -> list[Need]:
        """The oldest first."""
        return [_to_need(row) for row in self._sql.rows(_ALL_OPEN, shop=shop)]

    def count_open(self, shop: ShopId) -> int:
        found: int = self._sql.value(_COUNT_OPEN, shop=shop)
        return found

    def tally(self) -> dict[NeedKind, tuple[int, datetime]]:
        """How many of each kind are open, and since when the oldest is. System-wide: figures about
        the program."""
        rows = self._sql.rows(_TALLY)
        return {NeedKind(kind): (count, moment(oldest)) for kind, count, oldest in rows}

    def open_about(self, shop: ShopId, account: AccountId | None, order: str | None) -> list[Need]:
        rows = self._sql.rows(_OF_SUBJECT, shop=shop, subject=subject_of(account, order))
        return [_to_need(row) for row in rows]

    def close(
        self,
        shop: ShopId,
        id_: NeedId,
        *,
        resolution: str,
        member: MemberId | None = None,
        now: datetime,
    ) -> bool:
        """False: it was closed before."""
        closed = self._sql.run(
            _CLOSE, shop=shop, id=id_, resolution=resolution, member=member, now=micros(now)
        )
        if closed:
            self._sql.changed(shop, "need", id_)
        return closed > 0


class Stops:
    """Emergency stops; at most one is on per account and one for the whole shop."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def all(self, shop: ShopId) -> list[Stop]:
        """Those that are on, the shop's own first."""
        return [
            Stop(
                ShopId(owner),
                None if account is None else AccountId(account),
                reason,
                moment(since),
                bool(by_brake),
            )
            for owner, account, reason, since, by_brake in self._sql.rows(_STOPS, shop=shop)
        ]

    def active(self, shop: ShopId, account: AccountId) -> Stop | None:
        """What stops the deliveries of this account."""
        return next((one for one in self.all(shop) if one.account in (None, account)), None)

    def count(self) -> int:
        """How many are on. System-wide: a figure about the program."""
        found: int = self._sql.value(_COUNT_STOPS)
        return found

    def stop(
        self,
        shop: ShopId,
        account: AccountId | None,
        *,
        reason: str,
        by_brake: bool = False,
        member: MemberId | None = None,
        now: datetime,
    ) -> bool:
        """False: it is on already."""
        stopped = self._sql.run(
            _STOP,
            shop=shop,
            account=account,
            reason=reason,
            by_brake=by_brake,
            member=member,
            now=micros(now),
        )
        return self._changed(shop, account, stopped)

    def resume(self, shop: ShopId, account: AccountId | None, now: datetime) -> bool:
        """End exactly this stop (None: the shop's own). False: it was not on."""
        statement = _RESUME[account is not None]
        ended = self._sql.run(statement, shop=shop, account=account, now=micros(now))
        return self._changed(shop, account, ended)

    def _changed(self, shop: ShopId, account: AccountId | None, touched: int) -> bool:
        if touched:
            self._sql.changed(shop, "stop", account or 0)
        return touched > 0


class StoredGuards:
    __slots__ = ("_values",)

    def __init__(self, values: Values) -> None:
        self._values = values

    def get(self, shop: ShopId) -> Guards:
        text = self._values.get(shop, GUARDS)
        return Guards() if text is None else _to_guards(json.loads(text))

    def set(self, shop: ShopId, guards: Guards) -> None:
        text = json.dumps(asdict(guards), ensure_ascii=False, default=str)
        self._values.set(shop, GUARDS, text)


def _to_guards(fields: dict[str, Any]) -> Guards:
    for name in ("most_amount", "most_amount_new_buyer"):
        if fields.get(name) is not None:
            fields[name] = Decimal(fields[name])
    fields["blocked_buyers"] = tuple(fields["blocked_buyers"])
    return Guards(**fields)


def _to_need(row: Row) -> Need:
    id_, shop, number, kind, account, order, conversation, detail, opened_at = row[:9]
    closed_at, resolution = row[9:]
    return Need(
        id=NeedId(id_),
        shop=ShopId(shop),
        number=number,
        kind=NeedKind(kind),
        account=None if account is None else AccountId(account),
        order=order,
        conversation=None if conversation is None else ConversationId(conversation),
        detail=detail,
        opened_at=moment(opened_at),
        closed_at=moment_or_none(closed_at),
        resolution=resolution,
    )
