"""Brings parts of another database into this one: what people set up, never what happened.

Rules and canned answers become those of the other. Pools are only added and set back: a card that
is known here keeps its state, whatever the other says, so that none is ever given out again.
"""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hub.errors import StoreError
from hub.store.codec import micros
from hub.store.copies import contents
from hub.store.opening import head_revision, migrate
from hub.store.vault import Vault

_RULES = (
    "kind, match, keywords, items, reply, pictures, priority, hours, once, moment, enabled,"
    " created_at"
)
_DELIVERY_RULES = (
    "items, keywords, spec, fallback, cards, most_units, delay_seconds, steps, enabled, created_at"
)
_POOL = "template, note, content, low_at"
_CARD_STATES = ("available", "reserved", "handed_over", "void", "disputed")


@dataclass(slots=True)
class Merged:
    """What became of one part. `left`: what could not come, one short reason each."""

    group: str
    came: int = 0
    left: list[str] = field(default_factory=list)
    switched_off: bool = False
    """Pools came that nobody has looked at yet."""
    without_supplier: bool = False


@dataclass(frozen=True, slots=True)
class _Both:
    """This database as `main`, the other one as `other`."""

    sql: sqlite3.Connection
    shop: int
    theirs: int
    """The shop over there."""
    same: bool
    """Both are of one installation: numbers mean the same."""
    key: str
    other_key: str
    now: int

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return self.sql.execute(statement, values).fetchall()


def merge(
    path: Path, other: Path, groups: Sequence[str], *, key: str, other_key: str, now: datetime
) -> list[Merged]:
    """Bring these groups from `other`, all in one transaction. The caller holds the lock.

    `key`: of this database; `other_key`: of the other one, empty if nobody knows it. Raises
    StoreError if it cannot be done; then nothing was.
    """
    here, there = contents(path), contents(other)
    if here.schema != head_revision():
        raise StoreError(
            f"{path} is of another version than this program; start the hub once first"
        )
    if there.schema != here.schema:
        migrate(other)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as sql:
            sql.execute("PRAGMA foreign_keys = ON")
            sql.execute("ATTACH ? AS other", (str(other),))
            sql.execute("BEGIN IMMEDIATE")
            both = _Both(
                sql,
                sql.execute("SELECT min(id) FROM main.shops").fetchone()[0],
                sql.execute("SELECT min(id) FROM other.shops").fetchone()[0],
                here.key_check == there.key_check,
                key,
                other_key,
                micros(now),
            )
            _pair_accounts(both)
            done = [_GROUPS[group](both) for group in groups]
            sql.execute(
                "INSERT INTO main.audit (shop_id, door, action, target, detail, at)"
                " VALUES (?, 'cli', 'backup.restore', ?, '', ?)",
                (both.shop, " ".join(groups), both.now),
            )
            sql.execute("COMMIT")
            return done
    except sqlite3.Error as error:
        raise StoreError(f"the parts cannot be brought into {path}: {error}") from error


def _pair_accounts(both: _Both) -> None:
    both.sql.execute("CREATE TEMP TABLE account_pairs (theirs INTEGER PRIMARY KEY, ours INTEGER)")
    both.sql.execute(
        "INSERT INTO account_pairs SELECT o.id, m.id FROM other.accounts o JOIN main.accounts m"
        " ON m.platform_user = o.platform_user AND m.shop_id = ? WHERE o.shop_id = ?",
        (both.shop, both.theirs),
    )


def _rules(both: _Both) -> Merged:
    done = Merged("rules")
    both.sql.execute("DELETE FROM main.rules WHERE shop_id = ?", (both.shop,))
    done.came = both.sql.execute(
        f"INSERT INTO main.rules (id, shop_id, account_id, {_RULES})"
        f" SELECT CASE WHEN ? THEN o.id END, ?, a.ours, {_of('o', _RULES)} FROM other.rules o"
        " LEFT JOIN account_pairs a ON a.theirs = o.account_id"
        " WHERE o.shop_id = ? AND (o.account_id IS NULL OR a.ours IS NOT NULL) ORDER BY o.id",
        (both.same, both.shop, both.theirs),
    ).rowcount
    both.sql.execute(
        "UPDATE main.shops SET rules_version = ? WHERE id = ?", (secrets.randbits(62), both.shop)
    )
    done.left = _of_missing_accounts(both, "rules")
    return done


def _of_missing_accounts(both: _Both, table: str) -> list[str]:
    return [
        f"账号「{name}」现在没有"
        for (name,) in both.rows(
            f"SELECT c.name FROM other.{table} o JOIN other.accounts c ON c.id = o.account_id"
            " LEFT JOIN account_pairs a ON a.theirs = o.account_id"
            " WHERE o.shop_id = ? AND a.ours IS NULL",
            both.theirs,
        )
    ]


def _canned(both: _Both) -> Merged:
    both.sql.execute("DELETE FROM main.canned_answers WHERE shop_id = ?", (both.shop,))
    came = both.sql.execute(
        "INSERT INTO main.canned_answers (id, shop_id, code, text, changed_at)"
        " SELECT CASE WHEN ? THEN id END, ?, code, text, changed_at FROM other.canned_answers"
        " WHERE shop_id = ? ORDER BY id",
        (both.same, both.shop, both.theirs),
    ).rowcount
    return Merged("canned", came)


def _delivery_rules(both: _Both) -> Merged:
    done = Merged("delivery-rules")
    pools = (
        "m.id = p.id"
        if both.same
        else "m.name = p.name AND m.shop_id = :shop AND m.removed_at IS NULL AND m.kind = p.kind"
    )
    where = {"same": both.same, "shop": both.shop, "theirs": both.theirs}
    both.sql.execute("DELETE FROM main.delivery_rules WHERE shop_id = :shop", where)
    found = (
        " FROM other.delivery_rules o JOIN other.pools p ON p.id = o.pool_id"
        f" LEFT JOIN main.pools m ON {pools} AND m.removed_at IS NULL"
        " LEFT JOIN account_pairs a ON a.theirs = o.account_id WHERE o.shop_id = :theirs"
    )
    done.came = both.sql.execute(
        f"INSERT INTO main.delivery_rules (id, shop_id, account_id, pool_id, {_DELIVERY_RULES})"
        f" SELECT CASE WHEN :same THEN o.id END, :shop, a.ours, m.id, {_of('o', _DELIVERY_RULES)}"
        f"{found} AND m.id IS NOT NULL AND (o.account_id IS NULL OR a.ours IS NOT NULL)"
        " ORDER BY o.id",
        where,
    ).rowcount
    done.left = _of_missing_accounts(both, "delivery_rules") + [
        f"卡池「{name}」现在没有"
        for (name,) in both.sql.execute(f"SELECT p.name{found} AND m.id IS NULL", where).fetchall()
    ]
    return done


def _pools(both: _Both) -> Merged:
    done = Merged("pools")
    both.sql.execute("CREATE TEMP TABLE pool_pairs (theirs INTEGER PRIMARY KEY, ours INTEGER)")
    for theirs, name, kind, sealed in both.rows(
        "SELECT id, name, kind, supplier FROM other.pools"
        " WHERE shop_id = ? AND removed_at IS NULL ORDER BY id",
        both.theirs,
    ):
        ours = _bring_pool(both, theirs, name, kind, done)
        if ours is None:
            done.left.append(f"「{name}」这个名字现在是别的卡池")
            continue
        done.came += 1
        both.sql.execute("INSERT INTO pool_pairs VALUES (?, ?)", (theirs, ours))
        if sealed is not None:
            supplier = _sealed_again(both, str(sealed))
            done.without_supplier |= supplier is None
            both.sql.execute(
                "UPDATE main.pools SET supplier = coalesce(?, supplier) WHERE id = ?",
                (supplier, ours),
            )
    _bring_cards(both)
    return done


def _bring_pool(
    both: _Both, theirs: object, name: object, kind: object, done: Merged
) -> object | None:
    """The number of the pool here; None if its name stands for another one."""
    named = both.rows(
        "SELECT id, kind FROM main.pools WHERE shop_id = ? AND name = ? AND removed_at IS NULL",
        both.shop,
        name,
    )
    known = both.rows(
        "SELECT id, kind, removed_at IS NOT NULL FROM main.pools WHERE id = ? AND shop_id = ?",
        theirs if both.same else (named[0][0] if named else None),
        both.shop,
    )
    if known and known[0][1] == kind and not (named and named[0][0] != known[0][0]):
        ours, _, removed = known[0]
        done.switched_off |= bool(removed)
        both.sql.execute(
            f"UPDATE main.pools SET (name, {_POOL}) = (SELECT name, {_POOL} FROM other.pools"
            " WHERE id = ?), enabled = enabled AND removed_at IS NULL, removed_at = NULL,"
            " version = version + 1 WHERE id = ?",
            (theirs, ours),
        )
        return ours
    if named or known:
        return None
    done.switched_off = True
    added: int = both.sql.execute(
        f"INSERT INTO main.pools (shop_id, name, kind, enabled, {_POOL}, told, version, available,"
        " reserved, handed_over, void, disputed, created_at)"
        f" SELECT ?, name, kind, FALSE, {_POOL}, 'empty', 1, 0, 0, 0, 0, 0, created_at"
        " FROM other.pools WHERE id = ? RETURNING id",
        (both.shop, theirs),
    ).fetchone()[0]
    return added


def _sealed_again(both: _Both, sealed: str) -> str | None:
    """With the key of this database; None if nobody has the other one."""
    if both.same:
        return sealed
    try:
        return Vault(both.key).seal(Vault(both.other_key).unseal(sealed))
    except StoreError:
        return None


def _bring_cards(both: _Both) -> None:
    """Those of which nothing is known here. What was reserved over there may have been seen."""
    both.sql.execute(
        "INSERT INTO main.cards (shop_id, pool_id, code, state, fetched, note, expires_at,"
        " account_id, order_id, unit, created_at, changed_at, handed_over_at)"
        " SELECT ?, p.ours, o.code, CASE o.state WHEN 'reserved' THEN 'void' ELSE o.state END,"
        " FALSE, o.note, o.expires_at, a.ours, o.order_id, o.unit, o.created_at, o.changed_at,"
        " o.handed_over_at FROM other.cards o JOIN pool_pairs p ON p.theirs = o.pool_id"
        " LEFT JOIN account_pairs a ON a.theirs = o.account_id"
        " WHERE o.shop_id = ? AND NOT o.fetched AND NOT EXISTS (SELECT 1 FROM main.cards c"
        " WHERE c.shop_id = ? AND c.code = o.code AND NOT c.fetched) ORDER BY o.id",
        (both.shop, both.theirs, both.shop),
    )
    counts = ", ".join(
        f"{state} = (SELECT count(*) FROM main.cards c WHERE c.shop_id = pools.shop_id"
        f" AND c.pool_id = pools.id AND c.state = '{state}')"
        for state in _CARD_STATES
    )
    both.sql.execute(f"UPDATE main.pools SET {counts} WHERE id IN (SELECT ours FROM pool_pairs)")


def _of(table: str, columns: str) -> str:
    return ", ".join(f"{table}.{one.strip()}" for one in columns.split(","))


_GROUPS: dict[str, Callable[[_Both], Merged]] = {
    "rules": _rules,
    "canned": _canned,
    "pools": _pools,
    "delivery-rules": _delivery_rules,
}
