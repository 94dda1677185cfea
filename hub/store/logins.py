"""Logins to the admin: open web sessions, and how often somebody tried."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.model import MemberId, ShopId
from hub.store.codec import micros, moment
from hub.store.nouns import WebSession
from hub.store.sql import Sql, Statement

_ADD = Statement(
    "INSERT INTO web_sessions (token_hash, shop_id, member_id, csrf, created_at, expires_at)"
    " VALUES (:token_hash, :shop, :member, :csrf, :now, :expires_at)"
)
_FIND = Statement(
    "SELECT s.shop_id, s.member_id, s.csrf, s.expires_at FROM web_sessions s"
    " JOIN members m ON m.shop_id = s.shop_id AND m.id = s.member_id"
    " WHERE s.token_hash = :token_hash AND s.expires_at > :now AND m.active"
)
_REMOVE = Statement("DELETE FROM web_sessions WHERE token_hash = :token_hash")
_REMOVE_OF = Statement("DELETE FROM web_sessions WHERE shop_id = :shop AND member_id = :member")
_REMOVE_OLD = Statement("DELETE FROM web_sessions WHERE expires_at <= :now")

_ATTEMPTS = Statement("SELECT count(*) FROM throttle WHERE key = :key AND at >= :since")
_ATTEMPT = Statement("INSERT INTO throttle (key, at) VALUES (:key, :now)")
_FORGET = Statement("DELETE FROM throttle WHERE key = :key")
_FORGET_OLD = Statement("DELETE FROM throttle WHERE at < :before")

_LONGEST_WINDOW = timedelta(days=1)


class WebSessions:
    """Only a hash of the browser's token is stored, so a stolen database opens no session."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        shop: ShopId,
        member: MemberId,
        *,
        token_hash: str,
        csrf: str,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        self._sql.run(_REMOVE_OLD, now=micros(now))
        self._sql.run(
            _ADD,
            token_hash=token_hash,
            shop=shop,
            member=member,
            csrf=csrf,
            now=micros(now),
            expires_at=micros(expires_at),
        )

    def find(self, token_hash: str, now: datetime) -> WebSession | None:
        """The unexpired session of an active member. System-wide: the token tells the shop."""
        row = self._sql.row(_FIND, token_hash=token_hash, now=micros(now))
        if row is None:
            return None
        shop, member, csrf, expires_at = row
        return WebSession(ShopId(shop), MemberId(member), csrf, moment(expires_at))

    def remove(self, token_hash: str) -> None:
        """System-wide: whoever holds the token may end its session."""
        self._sql.run(_REMOVE, token_hash=token_hash)

    def remove_of(self, shop: ShopId, member: MemberId) -> None:
        """Log a member out everywhere, for instance after a password change."""
        self._sql.run(_REMOVE_OF, shop=shop, member=member)


class Throttle:
    """Attempts by key (a name, an address). Belongs to no shop: strangers are counted too."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def count(self, key: str, since: datetime) -> int:
        """Attempts at or after `since`, which may lie back one day at most."""
        found: int = self._sql.value(_ATTEMPTS, key=key, since=micros(since))
        return found

    def add(self, key: str, now: datetime) -> None:
        self._sql.run(_FORGET_OLD, before=micros(now - _LONGEST_WINDOW))
        self._sql.run(_ATTEMPT, key=key, now=micros(now))

    def clear(self, key: str) -> None:
        self._sql.run(_FORGET, key=key)
