"""Statements that run for every message find their rows through indexes, however many there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects.sqlite import dialect

from hub.model import TaskKind
from hub.store import (
    accounts,
    assist,
    card_records,
    cards,
    comparisons,
    conversations,
    decisions,
    deliveries,
    delivery_rules,
    drafts,
    echoes,
    holds,
    members,
    messages,
    needs,
    once,
    orders,
    outbox,
    people,
    pools,
    relays,
    rules,
)
from hub.store.opening import prepare
from hub.store.sql import Statement

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

HOT: dict[str, Statement] = {
    "accounts get": accounts._GET,
    "comparisons until": comparisons._UNTIL,
    "comparisons count": comparisons._COUNT_SAID,
    "conversations find": conversations._BY_PLATFORM,
    "conversations of a message": conversations._OF_MESSAGE,
    "conversations by ticket": conversations._BY_TICKET,
    "conversations name a buyer": conversations._NAME_BUYER,
    "conversations update": conversations._UPDATE,
    "inbox": conversations._RECENT[False, False, False],
    "inbox, next page": conversations._RECENT[False, True, False],
    "inbox of an account": conversations._RECENT[True, False, False],
    "inbox of drafts": conversations._RECENT[False, False, True],
    "conversations with drafts": drafts._EVERYWHERE,
    "messages add in": messages._ADD_IN,
    "messages add out": messages._ADD_OUT,
    "messages touch": messages.TOUCH,
    "messages latest": messages._LATEST,
    "messages before": messages._BEFORE,
    "messages human answer": messages._HUMAN_ANSWER,
    "messages known": messages._KNOWN,
    "messages knows": messages._KNOWS,
    "messages mark read": messages._MARK_READ,
    "echo holder": echoes._HOLDER,
    "echo candidate": echoes._CANDIDATE,
    "echo candidate in time": echoes._CANDIDATE_AT,
    "merge relays": echoes._MOVE_RELAYS,
    "merge decisions": echoes._MOVE_DECISIONS,
    "holds active": holds._ACTIVE,
    "holds open": holds._OPEN,
    "holds running": holds._RUNNING_IN_SCOPE,
    "inputs known": once._KNOWN,
    "rules enabled": rules._ENABLED,
    "decisions": decisions._OF_CONVERSATION,
    "outbox enqueue": outbox._ENQUEUE,
    "outbox claim": outbox.claim_statement(frozenset()),
    "outbox claim of a kind": outbox.claim_statement(frozenset({TaskKind.SEND})),
    "outbox mark": outbox._MARK_WIRE,
    "outbox settle": outbox._SETTLE,
    "outbox promote": outbox._PROMOTE,
    "outbox waiting in a lane": outbox._OF_LANE,
    "outbox postpone": outbox._POSTPONE,
    "outbox next due": outbox._NEXT_DUE,
    "outbox backlog": outbox._BACKLOG,
    "outbox hasten heads": outbox._HASTEN[0],
    "outbox hasten the rest": outbox._HASTEN[1],
    "owners' QQ ids": members._OWNERS_QQ,
    "listeners": people._LISTENERS,
    "answered": people._ANSWERED,
    "relays find": relays._FIND,
    "messages by platform id": messages._BY_PLATFORM,
    "messages by key": messages._BY_KEY,
    "messages recalled": messages._MARK_RECALLED,
    "outbox cancel": outbox._CANCEL,
    "pools get": pools._GET,
    "pools shift": pools._SHIFT,
    "cards by code": cards._BY_CODE,
    "cards fetched": cards._FETCHED,
    "cards of unit": cards._OF_UNIT,
    "cards next": cards._NEXT,
    "cards expired": cards._EXPIRED,
    "cards reserve": cards._RESERVE,
    "cards hand over": cards._HAND_OVER,
    "cards page": card_records._PAGE,
    "cards of order": card_records._OF_ORDER,
    "cards known": card_records._KNOWN,
    "cards history": card_records._HISTORY,
    "cards expired count": card_records._EXPIRED_COUNT,
    "cards sold since": card_records._SOLD_SINCE,
    "orders name a buyer": orders._NAME_BUYER,
    "orders save": orders._SAVE,
    "orders get": orders._GET,
    "orders by number": orders._BY_NUMBER,
    "orders of buyer": orders._OF_BUYER,
    "orders recent": orders._RECENT,
    "orders refund": orders._SET_REFUND,
    "orders story": orders._STORY,
    "orders outcomes": orders._OUTCOMES,
    "deliveries owe": deliveries._ADD,
    "deliveries of order": deliveries._OF_ORDER,
    "deliveries of message": deliveries._OF_MESSAGE,
    "deliveries parts": deliveries._PARTS,
    "deliveries reserved since": deliveries._RESERVED_SINCE,
    "deliveries of buyer": deliveries._OF_BUYER,
    "delivery rules": delivery_rules._ALL,
    "ai scopes": assist._SCOPES,
    "ai spent by the shop": assist._SUM_SHOP,
    "ai spent by a conversation": assist._SUM_CONVERSATION,
    "ai forget": assist._FORGET,
    "ai profiles": assist._ALL,
    "ai any profile": assist._ANY,
    "cards of buyer": cards._CODES_OF_BUYER,
    "needs open": needs._OPEN,
    "needs all open": needs._ALL_OPEN,
    "needs of subject": needs._OF_SUBJECT,
    "stops": needs._STOPS,
}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "hub.db"
    prepare(path, key="", now=NOW)
    with closing(sqlite3.connect(path)) as opened:
        yield opened


def plan(connection: sqlite3.Connection, statement: Statement) -> list[str]:
    compiled = statement.compiled(dialect(paramstyle="qmark"))
    values = [1] * compiled.sql.count("?")
    rows = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", values)
    return [row[3] for row in rows]


@pytest.mark.parametrize("name", HOT)
def test_no_statement_of_the_hot_paths_reads_a_whole_table(
    connection: sqlite3.Connection, name: str
) -> None:
    steps = plan(connection, HOT[name])
    scans = [step for step in steps if step.startswith("SCAN") and "USING" not in step]
    small = ("waiting", "CONSTANT", "json_each")
    assert [step for step in scans if not any(name in step for name in small)] == []


@pytest.mark.parametrize("name", ["outbox claim", "outbox claim of a kind"])
def test_a_claim_walks_the_due_heads_in_order_and_sorts_nothing(
    connection: sqlite3.Connection, name: str
) -> None:
    steps = " | ".join(plan(connection, HOT[name]))
    assert "ix_outbox_claim (due_at<?)" in steps
    assert "TEMP B-TREE" not in steps


def test_an_answer_of_a_person_is_found_without_reading_the_conversation(
    connection: sqlite3.Connection,
) -> None:
    (step,) = plan(connection, HOT["messages human answer"])
    assert "ix_messages_human (conversation_id=? AND sent_at>?)" in step


@pytest.mark.parametrize(
    "name",
    [
        "messages latest",
        "inbox",
        "cards page",
        "orders recent",
        "needs all open",
        "orders outcomes",
    ],
)
def test_pages_are_read_in_the_order_of_their_index(
    connection: sqlite3.Connection, name: str
) -> None:
    assert "TEMP B-TREE" not in " | ".join(plan(connection, HOT[name]))


def test_the_next_card_is_the_first_entry_of_its_index(connection: sqlite3.Connection) -> None:
    """What a reservation costs does not depend on how many cards there are, or were."""
    steps = plan(connection, cards._NEXT)
    assert len(steps) == 1
    assert "ix_cards_next (shop_id=? AND pool_id=? AND expires_at>?)" in steps[0]


def test_ten_thousand_ready_tasks_in_one_lane_leave_one_head(
    connection: sqlite3.Connection,
) -> None:
    """What a claim looks at is a partial index, and it holds one entry per lane."""
    connection.executemany(
        "INSERT INTO outbox (shop_id, kind, lane, seat, key, work, state, head, due_at, attempt,"
        " error, created_at)"
        " VALUES (1, 'notice', 'qq:private:1', 'qq', ?, '{}', 'ready', ?, 0, 0, '', 0)",
        [(f"key {n}", n == 0) for n in range(10_000)],
    )
    heads = connection.execute("SELECT count(*) FROM outbox WHERE head").fetchone()
    assert heads == (1,)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE outbox SET head = TRUE WHERE key = 'key 7'")
    connection.rollback()
