"""The part of the first step that holds orders, deliveries and needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import (
    count,
    flag,
    goes_with,
    goes_with_shop,
    id_,
    id_type,
    partial_index,
    reference,
    time,
    words,
)


def create_orders() -> None:
    op.create_table(
        "orders",
        id_(),
        reference("shop_id"),
        reference("account_id"),
        words("order_id"),
        reference("conversation_id", nullable=True),
        words("status", nullable=True),
        words("raw_status"),
        words("item_id", nullable=True),
        words("item_title"),
        words("buyer", nullable=True),
        words("buyer_name"),
        words("spec"),
        sa.Column("quantity", sa.Integer(), nullable=True),
        words("paid_amount", nullable=True),
        flag("bargain"),
        time("created_at", nullable=True),
        time("paid_at", nullable=True),
        words("steps"),
        time("shipped_at", nullable=True),
        time("refund_at", nullable=True),
        time("seen_at"),
        time("read_at"),
        goes_with("orders", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint(
            "shop_id", "account_id", "order_id", name="uq_orders_shop_id_account_id_order_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_orders_shop_id_order_id", "orders", ["shop_id", "order_id"])
    op.create_index("ix_orders_shop_id_buyer", "orders", ["shop_id", "buyer"])
    op.create_index("ix_orders_shop_id_seen_at_id", "orders", ["shop_id", "seen_at", "id"])


def create_deliveries() -> None:
    op.create_table(
        "deliveries",
        id_(),
        reference("shop_id"),
        reference("account_id"),
        words("order_id"),
        count("unit"),
        words("state"),
        reference("rule_id", nullable=True),
        reference("pool_id", nullable=True),
        count("cards"),
        count("attempt"),
        time("created_at"),
        time("changed_at"),
        time("reserved_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["shop_id", "account_id", "order_id"],
            ["orders.shop_id", "orders.account_id", "orders.order_id"],
            name="fk_deliveries_shop_id_account_id_order_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint(
            "shop_id",
            "account_id",
            "order_id",
            "unit",
            name="uq_deliveries_shop_id_account_id_order_id_unit",
        ),
        sa.UniqueConstraint("shop_id", "id", name="uq_deliveries_shop_id_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_shop_id_reserved_at", "deliveries", ["shop_id", "reserved_at"])
    op.create_table(
        "delivery_parts",
        sa.Column("message_id", id_type(), autoincrement=False, nullable=False),
        reference("shop_id"),
        reference("delivery_id"),
        count("attempt"),
        goes_with("delivery_parts", "delivery_id", "deliveries"),
        sa.PrimaryKeyConstraint("message_id", name="pk_delivery_parts"),
    )
    op.create_index(
        "ix_delivery_parts_shop_id_delivery_id_attempt",
        "delivery_parts",
        ["shop_id", "delivery_id", "attempt"],
    )
    op.create_table(
        "delivery_events",
        id_(),
        reference("shop_id"),
        reference("account_id"),
        words("order_id"),
        sa.Column("unit", sa.Integer(), nullable=True),
        words("step"),
        words("detail"),
        reference("member_id", nullable=True),
        words("door"),
        time("at"),
        goes_with("delivery_events", "account_id", "accounts"),
        _by_member("delivery_events"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_events"),
    )
    op.create_index(
        "ix_delivery_events_shop_id_account_id_order_id_id",
        "delivery_events",
        ["shop_id", "account_id", "order_id", "id"],
    )
    partial_index(
        "ix_delivery_events_outcome",
        "delivery_events",
        ["shop_id", "id"],
        where="step IN ('accepted', 'rejected', 'uncertain')",
    )


def create_delivery_rules() -> None:
    op.create_table(
        "delivery_rules",
        id_(),
        reference("shop_id"),
        reference("account_id", nullable=True),
        reference("pool_id"),
        words("items"),
        words("keywords"),
        words("spec"),
        flag("fallback"),
        count("cards"),
        count("most_units"),
        count("delay_seconds"),
        words("steps"),
        flag("enabled"),
        time("created_at"),
        goes_with("delivery_rules", "account_id", "accounts"),
        goes_with("delivery_rules", "pool_id", "pools"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_rules"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_rules_shop_id", "delivery_rules", ["shop_id"])


def create_needs_and_stops() -> None:
    op.create_table(
        "needs",
        id_(),
        reference("shop_id"),
        count("number"),
        words("kind"),
        words("subject"),
        reference("account_id", nullable=True),
        words("order_id", nullable=True),
        reference("conversation_id", nullable=True),
        words("detail"),
        time("opened_at"),
        time("closed_at", nullable=True),
        words("resolution"),
        reference("member_id", nullable=True),
        goes_with_shop("needs"),
        goes_with("needs", "account_id", "accounts"),
        _by_member("needs"),
        sa.PrimaryKeyConstraint("id", name="pk_needs"),
        sa.UniqueConstraint("shop_id", "number", name="uq_needs_shop_id_number"),
        sqlite_autoincrement=True,
    )
    partial_index(
        "uq_needs_open",
        "needs",
        ["shop_id", "subject", "kind"],
        unique=True,
        where="closed_at IS NULL",
    )
    partial_index("ix_needs_open", "needs", ["shop_id", "number"], where="closed_at IS NULL")
    op.create_table(
        "stops",
        id_(),
        reference("shop_id"),
        reference("account_id", nullable=True),
        words("reason"),
        flag("by_brake"),
        reference("member_id", nullable=True),
        time("since"),
        time("ended_at", nullable=True),
        goes_with_shop("stops"),
        goes_with("stops", "account_id", "accounts"),
        _by_member("stops"),
        sa.PrimaryKeyConstraint("id", name="pk_stops"),
        sqlite_autoincrement=True,
    )
    partial_index(
        "uq_stops_account",
        "stops",
        ["shop_id", "account_id"],
        unique=True,
        where="ended_at IS NULL",
    )
    partial_index(
        "uq_stops_shop",
        "stops",
        ["shop_id"],
        unique=True,
        where="ended_at IS NULL AND account_id IS NULL",
    )


def _by_member(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["shop_id", "member_id"],
        ["members.shop_id", "members.id"],
        name=f"fk_{table}_shop_id_member_id",
    )
