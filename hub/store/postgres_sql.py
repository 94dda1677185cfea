"""What PostgreSQL's driver does otherwise than SQLite's.

A hub spends its time on journeys to the server, so statements take the shortest way there is: one
text, values included, straight to the client library, which waits for the answer without holding
up the other threads. A cursor of psycopg costs three times as much of our processor, and takes the
interpreter's lock half a dozen times on the way.

The server keeps each statement under a name (`PREPARE`): reading and planning one takes it several
times as long as carrying it out. What type a value has, it sees from where the value stands, so
where a place does not tell (`:account IS NULL`), the statement has to say it with a cast.
"""

from __future__ import annotations

from typing import Any, cast

from psycopg import ClientCursor, Connection
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import Escaping, ExecStatus, TransactionStatus
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import Connection as Pooled

from hub.store.sql import Row, Sql, Statement, Values, refused

_OPEN = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR)
_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY)
_NUL = "\x00"


class PostgresSql(Sql):
    """Runs statements on a connection of psycopg."""

    __slots__ = ("_ahead", "_escaping", "_loading", "_prepared")

    def __init__(self, connection: Pooled) -> None:
        super().__init__(connection)
        self._escaping = Escaping(self._connection.pgconn)
        self._loading = Transformer.from_context(self._connection)
        self._prepared: dict[Statement, str] = connection.info.setdefault("prepared", {})
        """How to call what the server knows by a name; it does as long as the connection lasts."""
        self._ahead = ""
        """Goes ahead of the next statement, on the same journey."""

    def insert(self, statement: Statement, **values: Any) -> int | None:
        return cast("int | None", self.value(statement.returning_id(), **values))

    def run(self, statement: Statement, **values: Any) -> int:
        return self._send(self._spelled(statement, values)).command_tuples or 0

    def _rows(self, statement: Statement, values: Values) -> list[Row]:
        result = self._send(self._spelled(statement, values))
        self._loading.set_pgresult(result)
        return self._loading.load_rows(0, result.ntuples, tuple)

    def control(self, *statements: str) -> None:
        """One way there and back, however many they are."""
        self._send("; ".join(statements))

    def control_ahead(self, *statements: str) -> None:
        """No way of their own."""
        self._ahead += "".join(f"{statement}; " for statement in statements)

    def prepared(self, statement: Statement) -> str:
        """How to call it, with a placeholder for each value. Raises StoreError.

        What was prepared in a transaction is not lost when that is rolled back.
        """
        call = self._prepared.get(statement)
        if call is None:
            compiled = statement.known.get(self._name) or statement.compiled(self._dialect)
            name, places = f"s{len(self._prepared)}", _Places()
            self._send(f"PREPARE {name} AS {compiled.sql % places}")
            given = ", ".join(f"%({one})s" for one in places)
            call = f"EXECUTE {name}" + (f"({given})" if given else "")
            self._prepared[statement] = call
        return call

    def _spelled(self, statement: Statement, values: Values) -> str:
        spelled = {name: self._literal(value) for name, value in values.items()}
        return self.prepared(statement) % spelled

    def _literal(self, value: Any) -> str:
        """The few types that nearly all values have go by the shortest way, too."""
        if value is None:
            return "NULL"
        if isinstance(value, str):
            return self._escaping.escape_literal(_storable(value).encode()).decode()
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, int):
            return f"{value:d}" if value >= 0 else f"({value:d})"
        return self._loading.as_literal(value).decode()

    def _send(self, text: str) -> Any:
        """The result of the last statement in it. Raises StoreError."""
        sent = f"{self._ahead}{text}".encode()
        self._ahead = ""
        try:
            result = self._connection.pgconn.exec_(sent)
            if result.status not in _DONE:
                raise error_from_result(result)
        except self._error as error:
            raise refused(error) from error
        return result

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


class _Places(dict[str, str]):
    """Where the values of a statement stand in it, by their names."""

    def __missing__(self, name: str) -> str:
        place = self[name] = f"${len(self) + 1}"
        return place


def _storable(text: str) -> str:
    """A text cannot hold NUL in PostgreSQL; what a buyer writes must not stop at that."""
    return text.replace(_NUL, "\ufffd") if _NUL in text else text


class _Words(StrDumperUnknown):
    def dump(self, obj: str) -> Any:
        return super().dump(_storable(obj))


def connect(conninfo: str) -> Connection[Any]:
    """A connection whose values are put into the text of a statement by the driver, so that the
    server need not guess what type a bare parameter has. Transactions are spelled out."""
    connection: Connection[Any] = Connection.connect(
        conninfo, autocommit=True, cursor_factory=ClientCursor
    )
    connection.adapters.register_dumper(str, _Words)
    return connection
