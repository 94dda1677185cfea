"""What was given out after a backup was made stays given out in the database that comes back."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from hub.errors import StoreError
from hub.store.codec import micros

_STATES = ("available", "reserved", "handed_over", "void", "disputed")
_WHOSE = "state, account_id, order_id, unit, handed_over_at, changed_at"
_SAME = "p.shop_id = c.shop_id AND p.code = c.code AND NOT p.fetched AND NOT c.fetched"
_SAME_POOL = (
    "EXISTS (SELECT 1 FROM main.pools o JOIN present.pools n ON n.id = o.id"
    " AND n.created_at = o.created_at WHERE o.id = p.pool_id AND o.shop_id = p.shop_id)"
)
_CHANGED = (
    "SELECT c.id, p.id FROM main.cards c JOIN present.cards p"
    f" ON {_SAME} AND p.state <> 'available' WHERE c.state = 'available' OR c.state = 'reserved'"
    " AND (c.order_id, c.account_id, c.unit) IS NOT (p.order_id, p.account_id, p.unit)"
)
_UNKNOWN = (
    f"SELECT p.id FROM present.cards p WHERE p.state <> 'available' AND {_SAME_POOL}"
    f" AND NOT EXISTS (SELECT 1 FROM main.cards c WHERE {_SAME} OR p.fetched AND c.fetched"
    " AND c.shop_id = p.shop_id AND c.code = p.code"
    " AND (c.order_id, c.account_id, c.unit) IS (p.order_id, p.account_id, p.unit)) ORDER BY p.id"
)
_COUNTED = (
    "UPDATE main.shops AS ours SET tickets = coalesce((SELECT max(ours.tickets, p.tickets)"
    " FROM present.shops p WHERE p.id = ours.id), tickets)"
)
_NUMBERED = (
    "INSERT INTO main.needs"
    " (shop_id, number, kind, subject, detail, opened_at, closed_at, resolution)"
    " SELECT p.shop_id, max(p.number), 'brake', 'shop', '', :now, :now, :why FROM present.needs p"
    " JOIN main.shops s ON s.id = p.shop_id GROUP BY p.shop_id HAVING max(p.number) >"
    " (SELECT coalesce(max(n.number), 0) FROM main.needs n WHERE n.shop_id = p.shop_id)"
)
_COLUMNS = "shop_id, pool_id, code, fetched, note, expires_at, created_at"


def carry_given_out(restored: Path, present: Path, *, why: str, unused: str, now: datetime) -> int:
    """Give each card that `present` no longer holds free the state that it has there, with the
    order that it went to: asked for that order again, the store answers with these cards. Tickets
    and numbers of needs that people may have before their eyes are not given again either.

    Both are of one installation and of the same schema, and nobody works on them. `why` goes into
    the history of the cards, `unused` is said of the numbers. Returns how many
    cards it was. Raises StoreError with nothing changed.
    """
    try:
        with closing(sqlite3.connect(restored, isolation_level=None)) as sql:
            sql.execute("ATTACH ? AS present", (str(present),))
            sql.execute("BEGIN IMMEDIATE")
            pairs = sql.execute(_CHANGED).fetchall()
            for ours, theirs in pairs:
                sql.execute(
                    f"UPDATE main.cards SET ({_WHOSE}) ="
                    f" (SELECT {_WHOSE} FROM present.cards WHERE id = ?) WHERE id = ?",
                    (theirs, ours),
                )
            for (theirs,) in sql.execute(_UNKNOWN).fetchall():
                added = sql.execute(
                    f"INSERT INTO main.cards ({_COLUMNS}, {_WHOSE})"
                    f" SELECT {_COLUMNS}, {_WHOSE} FROM present.cards WHERE id = ? RETURNING id",
                    (theirs,),
                ).fetchone()
                pairs.append((added[0], theirs))
            sql.executemany(
                "INSERT INTO main.card_history (shop_id, card_id, step, door, why, account_id,"
                " order_id, unit, at) SELECT shop_id, id, state, 'hub', ?, account_id, order_id,"
                " unit, ? FROM main.cards WHERE id = ?",
                [(why, micros(now), ours) for ours, _ in pairs],
            )
            _count_again(sql)
            sql.execute(_COUNTED)
            sql.execute(_NUMBERED, {"now": micros(now), "why": unused})
            sql.execute("COMMIT")
            return len(pairs)
    except sqlite3.Error as error:
        raise StoreError(f"cards cannot be compared with {present.name}: {error}") from error


def _count_again(sql: sqlite3.Connection) -> None:
    counts = ", ".join(
        f"{state} = (SELECT count(*) FROM main.cards c WHERE c.shop_id = pools.shop_id"
        f" AND c.pool_id = pools.id AND c.state = '{state}')"
        for state in _STATES
    )
    sql.execute(f"UPDATE main.pools SET {counts}")
