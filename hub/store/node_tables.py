"""The part of the schema that several hubs on one database need."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from hub.store.columns import Words, metadata, time, words

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    words("name"),
    time("started_at"),
    time("seen_at"),
    time("expires_at"),
    words("bots"),
    words("home"),
)
"""A row for each life of a hub. Times are of the database's own clock. `bots`: a JSON list of what
is connected there. `home`: a lock that it has for all its life; empty: none."""

node_falls = Table(
    "node_falls",
    metadata,
    Column("name", Words, primary_key=True),
    Column("at", BigInteger, primary_key=True),
)
"""When nodes were missed, by their name; what is old goes."""

leases = Table(
    "leases",
    metadata,
    Column("seat", Text, primary_key=True),
    words("node", nullable=True),
    Column("fence", BigInteger, nullable=False),
    Index(None, "node"),
)
"""Who holds what, as long as that node lives; a node that is not there holds nothing. Rows stay, so
that `fence` only grows."""

NODES = (nodes, node_falls, leases)
"""The part of the first step that holds nodes."""
