"""The part of the first step that holds AI."""

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


def create_assist() -> None:
    op.create_table(
        "ai_profiles",
        id_(),
        reference("shop_id"),
        reference("account_id", nullable=True),
        words("name"),
        words("base_url"),
        words("model"),
        words("api_key"),
        count("position"),
        sa.Column("timeout_seconds", sa.Float(), nullable=False),
        flag("sees_pictures"),
        flag("allow_private"),
        flag("enabled"),
        time("created_at"),
        goes_with_shop("ai_profiles"),
        goes_with("ai_profiles", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_ai_profiles"),
        sa.UniqueConstraint("shop_id", "name", name="uq_ai_profiles_shop_id_name"),
        sqlite_autoincrement=True,
    )
    _create_scopes()
    op.create_table(
        "ai_uses",
        id_(),
        reference("shop_id"),
        reference("account_id", nullable=True),
        reference("conversation_id", nullable=True),
        reference("profile_id", nullable=True),
        count("calls"),
        count("tokens_in"),
        count("tokens_out"),
        words("outcome"),
        time("at"),
        goes_with_shop("ai_uses"),
        goes_with("ai_uses", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_ai_uses"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ai_uses_shop_id_at", "ai_uses", ["shop_id", "at"])
    op.create_index(
        "ix_ai_uses_shop_id_conversation_id_at", "ai_uses", ["shop_id", "conversation_id", "at"]
    )


def _create_scopes() -> None:
    op.create_table(
        "ai_scopes",
        id_(),
        reference("shop_id"),
        reference("account_id", nullable=True),
        words("item_id", nullable=True),
        words("value"),
        time("changed_at"),
        goes_with_shop("ai_scopes"),
        goes_with("ai_scopes", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_ai_scopes"),
    )
    partial_index(
        "uq_ai_scopes_shop",
        "ai_scopes",
        ["shop_id"],
        unique=True,
        where="account_id IS NULL AND item_id IS NULL",
    )
    partial_index(
        "uq_ai_scopes_account",
        "ai_scopes",
        ["shop_id", "account_id"],
        unique=True,
        where="account_id IS NOT NULL",
    )
    partial_index(
        "uq_ai_scopes_item",
        "ai_scopes",
        ["shop_id", "item_id"],
        unique=True,
        where="item_id IS NOT NULL",
    )
