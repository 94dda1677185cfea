from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import time, words


def create_nodes() -> None:
    op.create_table(
        "nodes",
        words("id"),
        words("name"),
        time("started_at"),
        time("seen_at"),
        time("expires_at"),
        words("bots"),
        words("home"),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
    )
    op.create_table(
        "node_falls",
        words("name"),
        time("at"),
        sa.PrimaryKeyConstraint("name", "at", name="pk_node_falls"),
    )
    op.create_table(
        "leases",
        words("seat"),
        words("node", nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seat", name="pk_leases"),
    )
    op.create_index("ix_leases_node", "leases", ["node"])
