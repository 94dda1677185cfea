"""What was brought over from another program, so that doing it again changes nothing."""

from __future__ import annotations

from datetime import datetime

from hub.model import ShopId
from hub.store.codec import micros
from hub.store.sql import Sql, Statement

_ALL = Statement(
    "SELECT kind, key, target FROM imported WHERE shop_id = :shop AND origin = :origin"
)
_OF_KIND = Statement(
    "SELECT origin, key, target FROM imported WHERE shop_id = :shop AND kind = :kind"
    " ORDER BY at, origin, key"
)
_NOTE = Statement(
    "INSERT INTO imported (shop_id, origin, kind, key, target, at)"
    " VALUES (:shop, :origin, :kind, :key, :target, :now) ON CONFLICT DO NOTHING"
)


class Imports:
    """`origin` names the installation that something came from, `kind` and `key` what it was there,
    `target` what became of it here; None: nothing of its own."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def all(self, shop: ShopId, origin: str) -> dict[tuple[str, str], int | None]:
        """Also what was removed here since."""
        rows = self._sql.rows(_ALL, shop=shop, origin=origin)
        return {(kind, key): target for kind, key, target in rows}

    def of_kind(self, shop: ShopId, kind: str) -> list[tuple[str, str, int | None]]:
        """From every installation: origin, key and target, the oldest first."""
        rows = self._sql.rows(_OF_KIND, shop=shop, kind=kind)
        return [(origin, key, target) for origin, key, target in rows]

    def note(
        self, shop: ShopId, origin: str, kind: str, key: str, target: int | None, now: datetime
    ) -> None:
        """In the unit of work that makes it."""
        self._sql.run(
            _NOTE, shop=shop, origin=origin, kind=kind, key=key, target=target, now=micros(now)
        )
