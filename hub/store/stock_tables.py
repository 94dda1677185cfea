"""The part of the schema that holds stock."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from hub.store.columns import (
    id_,
    metadata,
    of_shop,
    partial,
    reference,
    shop,
    shop_of_parent,
    time,
    words,
)

pools = Table(
    "pools",
    metadata,
    id_(),
    shop(),
    words("name"),
    words("kind"),
    Column("enabled", Boolean, nullable=False),
    words("template"),
    words("note"),
    words("content"),
    words("supplier", nullable=True),
    Column("low_at", Integer, nullable=False),
    words("told"),
    Column("version", Integer, nullable=False),
    Column("available", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    Column("handed_over", Integer, nullable=False),
    Column("void", Integer, nullable=False),
    Column("disputed", Integer, nullable=False),
    time("created_at"),
    time("removed_at", nullable=True),
    UniqueConstraint("shop_id", "id"),
    partial("uq_pools_name", "shop_id", "name", where="removed_at IS NULL", unique=True),
    sqlite_autoincrement=True,
)
"""`supplier` is sealed. The numbers of cards by state are kept here, so that asking for them costs
the same however many there are. A removed pool stays for the sake of its sold cards."""

card_batches = Table(
    "card_batches",
    metadata,
    id_(),
    shop_of_parent(),
    reference("pool_id"),
    words("label"),
    Column("added", Integer, nullable=False),
    reference("member_id", nullable=True),
    words("door"),
    time("at"),
    of_shop("pool_id", "pools"),
    ForeignKeyConstraint(["shop_id", "member_id"], ["members.shop_id", "members.id"]),
    Index(None, "shop_id", "pool_id", "id"),
    sqlite_autoincrement=True,
)

cards = Table(
    "cards",
    metadata,
    id_(),
    shop_of_parent(),
    reference("pool_id"),
    words("code"),
    words("state"),
    Column("fetched", Boolean, nullable=False),
    reference("batch_id", nullable=True),
    words("note"),
    time("expires_at"),
    reference("account_id", nullable=True),
    words("order_id", nullable=True),
    Column("unit", Integer, nullable=True),
    time("created_at"),
    time("changed_at"),
    time("handed_over_at", nullable=True),
    of_shop("pool_id", "pools"),
    UniqueConstraint("shop_id", "id"),
    partial("uq_cards_code", "shop_id", "code", where="NOT fetched", unique=True),
    partial("ix_cards_fetched", "shop_id", "code", "id", where="fetched"),
    partial("ix_cards_next", "shop_id", "pool_id", "expires_at", "id", where="state = 'available'"),
    Index("ix_cards_state", "shop_id", "pool_id", "state", "id"),
    partial(
        "ix_cards_order", "shop_id", "order_id", "account_id", "unit", where="order_id IS NOT NULL"
    ),
    partial(
        "ix_cards_handed_over",
        "shop_id",
        "handed_over_at",
        "pool_id",
        where="handed_over_at IS NOT NULL",
    ),
    sqlite_autoincrement=True,
)
"""`expires_at` is the largest number there is for a card that never does: one index then gives the
next card, soonest end first. `account_id` is no foreign key: who got a card stays readable. What a
supplier gave (`fetched`) may repeat; a code of ours may not, in the whole shop."""

card_history = Table(
    "card_history",
    metadata,
    id_(),
    shop_of_parent(),
    reference("card_id"),
    words("step"),
    reference("member_id", nullable=True),
    words("door"),
    words("why"),
    reference("account_id", nullable=True),
    words("order_id", nullable=True),
    Column("unit", Integer, nullable=True),
    time("at"),
    of_shop("card_id", "cards"),
    ForeignKeyConstraint(["shop_id", "member_id"], ["members.shop_id", "members.id"]),
    Index(None, "shop_id", "card_id", "id"),
)

STOCK = (pools, card_batches, cards, card_history)
