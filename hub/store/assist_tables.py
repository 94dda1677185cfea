"""The part of the schema that holds AI: whom to ask, how far it may go, what was spent."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
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
    time,
    words,
)

ai_profiles = Table(
    "ai_profiles",
    metadata,
    id_(),
    shop(),
    reference("account_id", nullable=True),
    words("name"),
    words("base_url"),
    words("model"),
    words("api_key"),
    Column("position", Integer, nullable=False),
    Column("timeout_seconds", Float, nullable=False),
    Column("sees_pictures", Boolean, nullable=False),
    Column("allow_private", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    time("created_at"),
    of_shop("account_id", "accounts"),
    UniqueConstraint("shop_id", "name"),
    sqlite_autoincrement=True,
)
"""`api_key` is sealed."""

ai_scopes = Table(
    "ai_scopes",
    metadata,
    id_(),
    shop(),
    reference("account_id", nullable=True),
    words("item_id", nullable=True),
    words("value"),
    time("changed_at"),
    of_shop("account_id", "accounts"),
    partial(
        "uq_ai_scopes_shop",
        "shop_id",
        where="account_id IS NULL AND item_id IS NULL",
        unique=True,
    ),
    partial(
        "uq_ai_scopes_account",
        "shop_id",
        "account_id",
        where="account_id IS NOT NULL",
        unique=True,
    ),
    partial("uq_ai_scopes_item", "shop_id", "item_id", where="item_id IS NOT NULL", unique=True),
)
"""What the shop (neither id), an account or an item says. An item is named as the platform does."""

ai_uses = Table(
    "ai_uses",
    metadata,
    id_(),
    shop(),
    reference("account_id", nullable=True),
    reference("conversation_id", nullable=True),
    reference("profile_id", nullable=True),
    Column("calls", Integer, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    words("outcome"),
    time("at"),
    of_shop("account_id", "accounts"),
    Index(None, "shop_id", "at"),
    Index(None, "shop_id", "conversation_id", "at"),
    sqlite_autoincrement=True,
)
"""A row is there before a model is asked, so that a budget holds while answers are on their way and
after a crash. `profile_id` is no foreign key: what was spent stays known."""

ASSIST = (ai_profiles, ai_scopes, ai_uses)
