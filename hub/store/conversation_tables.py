"""The part of the schema that holds conversations: what is said in them, what was decided about it,
what stops it, and which chat messages are about it."""

from __future__ import annotations

from sqlalchemy import (
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

conversations = Table(
    "conversations",
    metadata,
    id_(),
    shop_of_parent(),
    reference("account_id"),
    words("platform_id"),
    words("ticket"),
    words("buyer", nullable=True),
    words("buyer_name"),
    words("item_id", nullable=True),
    words("item_title"),
    time("last_message_at", nullable=True),
    of_shop("account_id", "accounts"),
    UniqueConstraint("account_id", "platform_id"),
    UniqueConstraint("shop_id", "ticket"),
    UniqueConstraint("shop_id", "id"),
    UniqueConstraint("shop_id", "account_id", "id"),
    Index(None, "shop_id", "last_message_at"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    id_(),
    shop_of_parent(),
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
    ForeignKeyConstraint(
        ["shop_id", "account_id", "conversation_id"],
        ["conversations.shop_id", "conversations.account_id", "conversations.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(["shop_id", "member_id"], ["members.shop_id", "members.id"]),
    partial(
        "uq_messages_platform_id",
        "account_id",
        "platform_id",
        where="platform_id IS NOT NULL",
        unique=True,
    ),
    partial("uq_messages_key", "shop_id", "key", where="key IS NOT NULL", unique=True),
    Index(None, "conversation_id", "sent_at", "id"),
    partial(
        "ix_messages_human",
        "conversation_id",
        "sent_at",
        where="origin IN ('operator', 'phone') OR origin = 'ai' AND member_id IS NOT NULL",
    ),
    partial("ix_messages_unnamed", "conversation_id", where="platform_id IS NULL"),
    partial("ix_messages_drafts", "conversation_id", where="state = 'draft'"),
    sqlite_autoincrement=True,
)
"""`wire_at`: when a message of ours last went out. `state_before_echo`, `echoed_at`: its state
before an echo gave it a platform id, and when; kept until the platform's answer confirms the id."""

decisions = Table(
    "decisions",
    metadata,
    id_(),
    shop_of_parent(),
    reference("conversation_id"),
    reference("message_id", nullable=True),
    words("outcome"),
    words("reason"),
    words("steps"),
    reference("rule_id", nullable=True),
    time("at"),
    of_shop("conversation_id", "conversations"),
    Index(None, "conversation_id", "id"),
)
"""`message_id` and `rule_id` are no foreign keys: messages go with their conversation only, and the
number of a rule stays readable after the rule is gone."""

holds = Table(
    "holds",
    metadata,
    id_(),
    shop(),
    words("kind"),
    words("scope"),
    reference("conversation_id", nullable=True),
    reference("account_id", nullable=True),
    words("reason"),
    reference("member_id", nullable=True),
    time("since"),
    time("until", nullable=True),
    time("ended_at", nullable=True),
    of_shop("conversation_id", "conversations"),
    of_shop("account_id", "accounts"),
    ForeignKeyConstraint(["shop_id", "member_id"], ["members.shop_id", "members.id"]),
    partial(
        "uq_holds_scope",
        "shop_id",
        "scope",
        "kind",
        where="ended_at IS NULL",
        unique=True,
    ),
    sqlite_autoincrement=True,
)
"""At most one row per scope and kind has no end written down, however many ran out before it.
`scope` is `shop`, `account:<id>`, `item:<platform's id>` or `conversation:<id>`; the references let
a hold go with what it is about."""

relays = Table(
    "relays",
    metadata,
    id_(),
    shop_of_parent(),
    words("bot"),
    words("scene"),
    words("peer"),
    words("external_id"),
    Column("part", Integer, nullable=False),
    reference("conversation_id"),
    reference("message_id", nullable=True),
    reference("need", nullable=True),
    time("at"),
    of_shop("conversation_id", "conversations"),
    Index(None, "bot", "scene", "peer", "external_id", "id"),
    Index(None, "conversation_id"),
)

CONVERSATIONS = (conversations, messages, decisions, holds, relays)
