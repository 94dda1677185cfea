"""Every query of owned rows demands the shop (L7, L60); what does not is named here, with why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hub.store.tables import metadata
from tests.statements import statements

ROOT = Path(__file__).parents[3]
OWNED = {table.name for table in metadata.tables.values() if "shop_id" in table.columns}

SYSTEM_WIDE = {
    "accounts._ENABLED": "the supervisor and health look after all shops",
    "accounts._EVERY": "nodes share the accounts of all shops",
    "accounts._USER_TAKEN": "a seller's login works once on a server, whoever has it",
    "deliveries._TALLY": "metrics",
    "focuses._ALL": "time ends those of all shops",
    "focuses._END": "as `focuses._GET`",
    "focuses._GET": "a chat names its shop only by its focus; the desk compares",
    "logins._FIND": "a browser shows a secret and no shop",
    "logins._REMOVE": "the same secret, to log out",
    "logins._REMOVE_OLD": "time ends sessions of all shops",
    "members._ANY_WITH_PASSWORD": "first run comes before there is anybody",
    "members._BY_NAME": "at the login page the shop is not known",
    "members._BY_QQ": "at the chat's door the shop is not known",
    "members._NAME_TAKEN": "names are unique because they find the shop",
    "members._OPERATORS_QQ": "one bot serves every shop",
    "needs._COUNT_STOPS": "metrics",
    "needs._TALLY": "metrics",
    "outbox._BACKLOG": "metrics",
    "outbox._GET": "by the id that the worker has just claimed",
    "outbox._HASTEN": "a lane is an account's or a chat's, and both are in one shop",
    "outbox._NEXT_DUE": "one worker serves every shop",
    "outbox._NEXT_DUE_SHARED": "as `outbox._NEXT_DUE`",
    "outbox._OLDEST": "metrics",
    "outbox._RELIEVE": "after a crash all tasks are freed",
    "outbox._RELIEVE_DEAD": "after a crash of a node its tasks are freed",
    "outbox._STATE": "by the id that the worker has just claimed",
    "people._CODE_TAKEN": "codes are unique because they find the shop",
    "people._FORGET_CODES": "whoever's they are, they are good for nothing any more",
    "people._USE_CODE": "at the chat's door the shop is not known",
    "statistics._LAST": "ids of all shops are one row of numbers",
    "statistics._NEXT": "as `statistics._LAST`: when the next row was written, and nothing of it",
    "rewinds._LAST_SEEN": "when a hub was last at work on this database",
    "relays._FIND": "a chat message names its shop only by its relay; the desk compares",
}
"""Statement -> why it is asked without a shop."""


def texts() -> Iterator[tuple[str, str]]:
    for name, statement in statements():
        yield name, statement.text


def touches_owned(text: str) -> bool:
    named = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)", text, re.IGNORECASE)
    return bool(OWNED & set(named))


def test_the_reader_of_statements_finds_them() -> None:
    """So that the next test cannot pass by seeing nothing."""
    found = dict(texts())
    assert len(found) > 80
    assert {"conversations._RECENT", "messages._ADD_IN", "outbox._ENQUEUE"} <= found.keys()
    assert sum(touches_owned(text) for text in found.values()) > 70


def test_every_statement_on_owned_rows_demands_the_shop() -> None:
    asked = {name for name, text in texts() if touches_owned(text) and ":shop" not in text}
    assert asked == SYSTEM_WIDE.keys()


def test_every_table_belongs_to_a_shop_or_to_the_whole_server() -> None:
    of_nobody = {
        "installation",
        "leases",
        "node_falls",
        "nodes",
        "reply_anchors",
        "shops",
        "strangers",
        "throttle",
    }
    assert metadata.tables.keys() - OWNED == of_nobody


def test_nobody_but_the_store_writes_sql() -> None:
    sql = re.compile(
        r"[\"'(\s](?:SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|PRAGMA)\s"
    )
    found = [
        str(path.relative_to(ROOT))
        for top in ("hub", "bots", "web")
        for path in sorted((ROOT / top).rglob("*.py"))
        if (ROOT / "hub" / "store") not in path.parents and sql.search(path.read_text("utf-8"))
    ]
    assert found == []
