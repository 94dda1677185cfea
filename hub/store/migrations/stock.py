"""The part of the first step that holds stock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import (
    count,
    flag,
    goes_with,
    goes_with_shop,
    id_,
    partial_index,
    reference,
    time,
    words,
)


def create_pools() -> None:
    op.create_table(
        "pools",
        id_(),
        reference("shop_id"),
        words("name"),
        words("kind"),
        flag("enabled"),
        words("template"),
        words("note"),
        words("content"),
        words("supplier", nullable=True),
        count("low_at"),
        words("told"),
        count("version"),
        count("available"),
        count("reserved"),
        count("handed_over"),
        count("void"),
        count("disputed"),
        time("created_at"),
        time("removed_at", nullable=True),
        goes_with_shop("pools"),
        sa.PrimaryKeyConstraint("id", name="pk_pools"),
        sa.UniqueConstraint("shop_id", "id", name="uq_pools_shop_id_id"),
        sqlite_autoincrement=True,
    )
    partial_index(
        "uq_pools_name", "pools", ["shop_id", "name"], unique=True, where="removed_at IS NULL"
    )
    op.create_table(
        "card_batches",
        id_(),
        reference("shop_id"),
        reference("pool_id"),
        words("label"),
        count("added"),
        reference("member_id", nullable=True),
        words("door"),
        time("at"),
        goes_with("card_batches", "pool_id", "pools"),
        sa.ForeignKeyConstraint(
            ["shop_id", "member_id"],
            ["members.shop_id", "members.id"],
            name="fk_card_batches_shop_id_member_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_card_batches"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_card_batches_shop_id_pool_id_id", "card_batches", ["shop_id", "pool_id", "id"]
    )


def create_cards() -> None:
    op.create_table(
        "cards",
        id_(),
        reference("shop_id"),
        reference("pool_id"),
        words("code"),
        words("state"),
        flag("fetched"),
        reference("batch_id", nullable=True),
        words("note"),
        time("expires_at"),
        reference("account_id", nullable=True),
        words("order_id", nullable=True),
        sa.Column("unit", sa.Integer(), nullable=True),
        time("created_at"),
        time("changed_at"),
        time("handed_over_at", nullable=True),
        goes_with("cards", "pool_id", "pools"),
        sa.PrimaryKeyConstraint("id", name="pk_cards"),
        sa.UniqueConstraint("shop_id", "id", name="uq_cards_shop_id_id"),
        sqlite_autoincrement=True,
    )
    _card_indexes()
    op.create_table(
        "card_history",
        id_(),
        reference("shop_id"),
        reference("card_id"),
        words("step"),
        reference("member_id", nullable=True),
        words("door"),
        words("why"),
        reference("account_id", nullable=True),
        words("order_id", nullable=True),
        sa.Column("unit", sa.Integer(), nullable=True),
        time("at"),
        goes_with("card_history", "card_id", "cards"),
        sa.ForeignKeyConstraint(
            ["shop_id", "member_id"],
            ["members.shop_id", "members.id"],
            name="fk_card_history_shop_id_member_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_card_history"),
    )
    op.create_index(
        "ix_card_history_shop_id_card_id_id", "card_history", ["shop_id", "card_id", "id"]
    )


def _card_indexes() -> None:
    partial_index("uq_cards_code", "cards", ["shop_id", "code"], unique=True, where="NOT fetched")
    partial_index("ix_cards_fetched", "cards", ["shop_id", "code", "id"], where="fetched")
    partial_index(
        "ix_cards_next",
        "cards",
        ["shop_id", "pool_id", "expires_at", "id"],
        where="state = 'available'",
    )
    op.create_index("ix_cards_state", "cards", ["shop_id", "pool_id", "state", "id"])
    partial_index(
        "ix_cards_order",
        "cards",
        ["shop_id", "order_id", "account_id", "unit"],
        where="order_id IS NOT NULL",
    )
    partial_index(
        "ix_cards_handed_over",
        "cards",
        ["shop_id", "handed_over_at", "pool_id"],
        where="handed_over_at IS NOT NULL",
    )
