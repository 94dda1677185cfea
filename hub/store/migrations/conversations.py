"""The part of the first step that holds conversations: what is said in them, what was decided about
it, what stops it, and which chat messages are about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import (
    count,
    goes_with,
    goes_with_shop,
    id_,
    partial_index,
    reference,
    time,
    words,
)


def create_conversations() -> None:
    op.create_table(
        "conversations",
        id_(),
        reference("shop_id"),
        reference("account_id"),
        words("platform_id"),
        words("ticket"),
        words("buyer", nullable=True),
        words("buyer_name"),
        words("item_id", nullable=True),
        words("item_title"),
        time("last_message_at", nullable=True),
        goes_with("conversations", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint(
            "account_id", "platform_id", name="uq_conversations_account_id_platform_id"
        ),
        sa.UniqueConstraint(
            "shop_id", "account_id", "id", name="uq_conversations_shop_id_account_id_id"
        ),
        sa.UniqueConstraint("shop_id", "id", name="uq_conversations_shop_id_id"),
        sa.UniqueConstraint("shop_id", "ticket", name="uq_conversations_shop_id_ticket"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_conversations_shop_id_last_message_at", "conversations", ["shop_id", "last_message_at"]
    )


def create_messages() -> None:
    op.create_table(
        "messages",
        id_(),
        reference("shop_id"),
        reference("account_id"),
        reference("conversation_id"),
        words("platform_id", nullable=True),
        words("key", nullable=True),
        words("uuid", nullable=True),
        words("origin"),
        words("content"),
        words("state"),
        words("reason"),
        reference("member_id", nullable=True),
        words("quoted", nullable=True),
        time("sent_at"),
        time("wire_at", nullable=True),
        words("state_before_echo", nullable=True),
        time("echoed_at", nullable=True),
        time("created_at"),
        sa.ForeignKeyConstraint(
            ["shop_id", "account_id", "conversation_id"],
            ["conversations.shop_id", "conversations.account_id", "conversations.id"],
            name="fk_messages_shop_id_account_id_conversation_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "member_id"],
            ["members.shop_id", "members.id"],
            name="fk_messages_shop_id_member_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_messages_conversation_id_sent_at_id", "messages", ["conversation_id", "sent_at", "id"]
    )
    partial_index(
        "ix_messages_human",
        "messages",
        ["conversation_id", "sent_at"],
        where="origin IN ('operator', 'phone') OR origin = 'ai' AND member_id IS NOT NULL",
    )
    partial_index(
        "ix_messages_unnamed", "messages", ["conversation_id"], where="platform_id IS NULL"
    )
    partial_index("ix_messages_drafts", "messages", ["conversation_id"], where="state = 'draft'")
    partial_index(
        "uq_messages_key", "messages", ["shop_id", "key"], unique=True, where="key IS NOT NULL"
    )
    partial_index(
        "uq_messages_platform_id",
        "messages",
        ["account_id", "platform_id"],
        unique=True,
        where="platform_id IS NOT NULL",
    )


def create_decisions() -> None:
    op.create_table(
        "decisions",
        id_(),
        reference("shop_id"),
        reference("conversation_id"),
        reference("message_id", nullable=True),
        words("outcome"),
        words("reason"),
        words("steps"),
        reference("rule_id", nullable=True),
        time("at"),
        goes_with("decisions", "conversation_id", "conversations"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_conversation_id_id", "decisions", ["conversation_id", "id"])


def create_holds_and_relays() -> None:
    op.create_table(
        "holds",
        id_(),
        reference("shop_id"),
        words("kind"),
        words("scope"),
        reference("conversation_id", nullable=True),
        reference("account_id", nullable=True),
        words("reason"),
        reference("member_id", nullable=True),
        time("since"),
        time("until", nullable=True),
        time("ended_at", nullable=True),
        goes_with("holds", "conversation_id", "conversations"),
        goes_with("holds", "account_id", "accounts"),
        sa.ForeignKeyConstraint(
            ["shop_id", "member_id"],
            ["members.shop_id", "members.id"],
            name="fk_holds_shop_id_member_id",
        ),
        goes_with_shop("holds"),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sqlite_autoincrement=True,
    )
    partial_index(
        "uq_holds_scope",
        "holds",
        ["shop_id", "scope", "kind"],
        unique=True,
        where="ended_at IS NULL",
    )
    op.create_table(
        "relays",
        id_(),
        reference("shop_id"),
        words("bot"),
        words("scene"),
        words("peer"),
        words("external_id"),
        count("part"),
        reference("conversation_id"),
        reference("message_id", nullable=True),
        reference("need", nullable=True),
        time("at"),
        goes_with("relays", "conversation_id", "conversations"),
        sa.PrimaryKeyConstraint("id", name="pk_relays"),
    )
    op.create_index(
        "ix_relays_bot_scene_peer_external_id_id",
        "relays",
        ["bot", "scene", "peer", "external_id", "id"],
    )
    op.create_index("ix_relays_conversation_id", "relays", ["conversation_id"])
