"""The part of the first step that holds floors and bargains."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import (
    count,
    goes_with,
    goes_with_shop,
    id_,
    reference,
    time,
    words,
)


def create_bargains() -> None:
    op.create_table(
        "floors",
        id_(),
        reference("shop_id"),
        words("scope"),
        reference("account_id", nullable=True),
        words("item_id", nullable=True),
        words("kind"),
        words("value"),
        time("changed_at"),
        goes_with_shop("floors"),
        goes_with("floors", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_floors"),
        sa.UniqueConstraint("shop_id", "scope", name="uq_floors_shop_id_scope"),
    )
    op.create_table(
        "bargains",
        id_(),
        reference("shop_id"),
        reference("account_id"),
        words("buyer"),
        words("item_id"),
        count("rounds"),
        time("since"),
        words("offered", nullable=True),
        words("countered", nullable=True),
        words("agreed", nullable=True),
        reference("message_id", nullable=True),
        time("changed_at"),
        goes_with("bargains", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_bargains"),
        sa.UniqueConstraint(
            "shop_id",
            "account_id",
            "buyer",
            "item_id",
            name="uq_bargains_shop_id_account_id_buyer_item_id",
        ),
    )
    op.create_index("ix_bargains_shop_id_changed_at", "bargains", ["shop_id", "changed_at"])
