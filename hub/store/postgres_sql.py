"""What PostgreSQL's driver does otherwise than SQLite's."""

from __future__ import annotations

from typing import Any, cast

from psycopg import ClientCursor, Connection
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumperUnknown

from hub.store.sql import Sql, Statement

_OPEN = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR)
_NUL = "\x00"


class PostgresSql(Sql):
    """Runs statements on a connection of psycopg."""

    __slots__ = ()

    def insert(self, statement: Statement, **values: Any) -> int | None:
        return cast("int | None", self.value(statement.returning_id(), **values))

    def control(self, *statements: str) -> None:
        """One way there and back, however many they are."""
        super().control("; ".join(statements))

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status in _OPEN

    @property
    def spoiled(self) -> bool:
        status = self._connection.info.transaction_status
        return bool(status == TransactionStatus.INERROR)

    @property
    def lost(self) -> bool:
        return bool(self._connection.closed)


class _Words(StrDumperUnknown):
    """A text cannot hold NUL in PostgreSQL; what a buyer writes must not stop at that."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace(_NUL, "\ufffd") if _NUL in obj else obj)


def connect(conninfo: str) -> Connection[Any]:
    """A connection whose values are put into the text of a statement by the driver, so that the
    server need not guess what type a bare parameter has. Transactions are spelled out."""
    connection: Connection[Any] = Connection.connect(
        conninfo, autocommit=True, cursor_factory=ClientCursor
    )
    connection.adapters.register_dumper(str, _Words)
    return connection
