"""Everything the first version needs, and the shop that exists from the start."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.assist import create_assist
from hub.store.migrations.bargains import create_bargains
from hub.store.migrations.canned import create_canned_answers
from hub.store.migrations.conversations import (
    create_conversations,
    create_decisions,
    create_holds_and_relays,
    create_messages,
)
from hub.store.migrations.credits import create_credits
from hub.store.migrations.delivery import (
    create_deliveries,
    create_delivery_rules,
    create_needs_and_stops,
    create_orders,
)
from hub.store.migrations.imports import create_imports
from hub.store.migrations.nodes import create_nodes
from hub.store.migrations.people import create_people
from hub.store.migrations.pieces import count as _count
from hub.store.migrations.pieces import flag as _flag
from hub.store.migrations.pieces import goes_with as _goes_with
from hub.store.migrations.pieces import goes_with_shop as _goes_with_shop
from hub.store.migrations.pieces import id_ as _id
from hub.store.migrations.pieces import id_type as _id_type
from hub.store.migrations.pieces import partial_index as _partial_index
from hub.store.migrations.pieces import reference as _reference
from hub.store.migrations.pieces import time as _time
from hub.store.migrations.pieces import words as _text
from hub.store.migrations.stock import create_cards, create_pools
from hub.store.migrations.talk import create_talk

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    _installation_and_shops()
    _people()
    _logins_and_inputs()
    _accounts()
    create_conversations()
    create_messages()
    _items()
    create_decisions()
    create_holds_and_relays()
    _outbox()
    create_pools()
    create_cards()
    create_orders()
    create_deliveries()
    create_delivery_rules()
    create_needs_and_stops()
    create_assist()
    create_canned_answers()
    create_bargains()
    create_talk()
    create_people()
    create_imports()
    create_credits()
    create_nodes()
    shops = sa.table("shops", *map(sa.column, ("name", "tickets", "rules_version", "created_at")))
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    op.execute(shops.insert().values(name="我的店铺", tickets=0, rules_version=0, created_at=now))


def _installation_and_shops() -> None:
    op.create_table(
        "installation",
        _text("name"),
        _text("value"),
        sa.PrimaryKeyConstraint("name", name="pk_installation"),
    )
    op.create_table(
        "shops",
        _id(),
        _text("name"),
        _count("tickets"),
        _time("rules_version"),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_shops"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "settings",
        _reference("shop_id"),
        _text("key"),
        _text("value"),
        _flag("sealed"),
        _goes_with_shop("settings"),
        sa.PrimaryKeyConstraint("shop_id", "key", name="pk_settings"),
    )


def _people() -> None:
    op.create_table(
        "members",
        _id(),
        _reference("shop_id"),
        _text("name"),
        _text("role"),
        _text("email", nullable=True),
        _flag("urgent_mail"),
        _text("password_hash", nullable=True),
        _flag("active"),
        _time("created_at"),
        _goes_with_shop("members"),
        sa.PrimaryKeyConstraint("id", name="pk_members"),
        sa.UniqueConstraint("name", name="uq_members_name"),
        sa.UniqueConstraint("shop_id", "id", name="uq_members_shop_id_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "member_qqs",
        _text("qq"),
        _reference("shop_id"),
        _reference("member_id"),
        _goes_with("member_qqs", "member_id", "members"),
        sa.PrimaryKeyConstraint("qq", name="pk_member_qqs"),
    )
    op.create_index("ix_member_qqs_shop_id_member_id", "member_qqs", ["shop_id", "member_id"])


def _logins_and_inputs() -> None:
    op.create_table(
        "web_sessions",
        _text("token_hash"),
        _reference("shop_id"),
        _reference("member_id"),
        _text("csrf"),
        _time("created_at"),
        _time("expires_at"),
        _goes_with("web_sessions", "member_id", "members"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_web_sessions"),
    )
    op.create_index("ix_web_sessions_expires_at", "web_sessions", ["expires_at"])
    op.create_index("ix_web_sessions_shop_id_member_id", "web_sessions", ["shop_id", "member_id"])
    op.create_table(
        "throttle",
        _id(),
        _text("key"),
        _time("at"),
        sa.PrimaryKeyConstraint("id", name="pk_throttle"),
    )
    op.create_index("ix_throttle_at", "throttle", ["at"])
    op.create_index("ix_throttle_key_at", "throttle", ["key", "at"])
    op.create_table(
        "inputs",
        _reference("shop_id"),
        _text("key"),
        _time("at"),
        _goes_with_shop("inputs"),
        sa.PrimaryKeyConstraint("shop_id", "key", name="pk_inputs"),
    )
    op.create_table(
        "strangers",
        _text("key"),
        _time("answered_at"),
        sa.PrimaryKeyConstraint("key", name="pk_strangers"),
    )
    op.create_index("ix_strangers_answered_at", "strangers", ["answered_at"])


def _accounts() -> None:
    op.create_table(
        "accounts",
        _id(),
        _reference("shop_id"),
        _text("name"),
        _text("platform_user"),
        _text("device_id"),
        _text("cookies"),
        _text("proxy", nullable=True),
        _flag("enabled"),
        _text("state"),
        _text("state_reason"),
        _time("state_since"),
        _time("state_until", nullable=True),
        _text("check_url"),
        _time("offline_since", nullable=True),
        _time("told_since", nullable=True),
        _count("takeover_minutes"),
        _count("logins"),
        _count("starts"),
        _time("started_at"),
        _text("token", nullable=True),
        _text("token_device_id", nullable=True),
        _time("token_expires_at", nullable=True),
        _time("token_fetched_at", nullable=True),
        _time("token_asked_at", nullable=True),
        _count("token_failures"),
        _time("renewed_at", nullable=True),
        _time("created_at"),
        _goes_with_shop("accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("platform_user", name="uq_accounts_platform_user"),
        sa.UniqueConstraint("shop_id", "id", name="uq_accounts_shop_id_id"),
        sa.UniqueConstraint("shop_id", "name", name="uq_accounts_shop_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "comparisons",
        sa.Column("account_id", _id_type(), autoincrement=False, nullable=False),
        _reference("shop_id"),
        _time("since"),
        _time("compared_until"),
        _time("outage_since", nullable=True),
        _time("outage_until", nullable=True),
        _time("outage_caught_up_at", nullable=True),
        _flag("outage_told"),
        _count("outage_messages"),
        _count("outage_expired"),
        _count("outage_orders"),
        _goes_with("comparisons", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("account_id", name="pk_comparisons"),
    )
    op.create_table(
        "rules",
        _id(),
        _reference("shop_id"),
        _reference("account_id", nullable=True),
        _text("kind"),
        _text("match"),
        _text("keywords"),
        _text("items"),
        _text("reply"),
        _text("pictures"),
        sa.Column("priority", sa.Integer(), nullable=False),
        _text("hours"),
        _flag("once"),
        _text("moment", nullable=True),
        _flag("enabled"),
        _time("created_at"),
        _goes_with("rules", "account_id", "accounts"),
        _goes_with_shop("rules"),
        sa.PrimaryKeyConstraint("id", name="pk_rules"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rules_shop_id_account_id", "rules", ["shop_id", "account_id"])
    op.create_table(
        "quarantine",
        _id(),
        _reference("shop_id"),
        _reference("account_id"),
        _text("raw"),
        _text("reason"),
        _time("at"),
        _goes_with("quarantine", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_shop_id_account_id", "quarantine", ["shop_id", "account_id"])
    op.create_index("ix_quarantine_shop_id_id", "quarantine", ["shop_id", "id"])


def _items() -> None:
    op.create_table(
        "items",
        _id(),
        _reference("shop_id"),
        _reference("account_id"),
        _text("platform_id"),
        _text("title"),
        _text("description"),
        _text("price", nullable=True),
        _text("highest_price", nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("on_sale", sa.Boolean(), nullable=True),
        _text("picture"),
        _text("variants"),
        _time("read_at", nullable=True),
        _time("listed_at", nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        _goes_with("items", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
        sa.UniqueConstraint("shop_id", "platform_id", name="uq_items_shop_id_platform_id"),
    )
    op.create_index("ix_items_shop_id_account_id", "items", ["shop_id", "account_id"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        _id(),
        _reference("shop_id"),
        _text("kind"),
        _text("lane"),
        _text("seat"),
        _text("key"),
        _text("work"),
        _text("state"),
        _flag("head"),
        _time("due_at"),
        _time("expires_at", nullable=True),
        _text("holder", nullable=True),
        _count("attempt"),
        _time("wire_at", nullable=True),
        _text("error"),
        _time("created_at"),
        _time("settled_at", nullable=True),
        _goes_with_shop("outbox"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("shop_id", "key", name="uq_outbox_shop_id_key"),
        sqlite_autoincrement=True,
    )
    _partial_index("ix_outbox_claim", "outbox", ["due_at", "id", "kind"], where="head")
    _partial_index(
        "ix_outbox_waiting",
        "outbox",
        ["shop_id", "lane", "id"],
        where="state = 'ready' AND NOT head",
    )
    _partial_index("uq_outbox_head", "outbox", ["shop_id", "lane"], unique=True, where="head")
    op.create_table(
        "audit",
        _id(),
        _reference("shop_id"),
        _reference("member_id", nullable=True),
        _text("door"),
        _text("action"),
        _text("target"),
        _text("detail"),
        _time("at"),
        sa.ForeignKeyConstraint(
            ["shop_id", "member_id"],
            ["members.shop_id", "members.id"],
            name="fk_audit_shop_id_member_id",
        ),
        _goes_with_shop("audit"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_shop_id_id", "audit", ["shop_id", "id"])
