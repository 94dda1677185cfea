"""The schema: every table, key and index, in one place.

Times are integers (microseconds since 1970, UTC), closed sets and JSON are text. Every owned table
carries `shop_id`; composite foreign keys make it impossible to tie rows of two shops together.
AUTOINCREMENT where others refer to an id: it is never given twice, so what outlives a row cannot
point to a stranger (L50).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from hub.store.assist_tables import ASSIST
from hub.store.bargain_tables import BARGAINS
from hub.store.canned_tables import CANNED
from hub.store.columns import Id as _Id
from hub.store.columns import Words as _Words
from hub.store.columns import id_ as _id
from hub.store.columns import metadata
from hub.store.columns import of_shop as _of_shop
from hub.store.columns import partial as _partial
from hub.store.columns import reference as _reference
from hub.store.columns import shop as _shop
from hub.store.columns import shop_of_parent as _shop_of_parent
from hub.store.columns import time as _time
from hub.store.columns import words as _text
from hub.store.conversation_tables import CONVERSATIONS
from hub.store.credit_tables import CREDITS
from hub.store.delivery_tables import DELIVERY
from hub.store.import_tables import IMPORTS
from hub.store.node_tables import NODES
from hub.store.people_tables import PEOPLE
from hub.store.stock_tables import STOCK
from hub.store.talk_tables import TALK

__all__ = [
    "ASSIST",
    "BARGAINS",
    "CANNED",
    "CONVERSATIONS",
    "CREDITS",
    "DELIVERY",
    "IMPORTS",
    "NODES",
    "PEOPLE",
    "STOCK",
    "TALK",
    "metadata",
]

installation = Table(
    "installation",
    metadata,
    Column("name", _Words, primary_key=True),
    _text("value"),
)
"""Facts about this database as a whole."""

shops = Table(
    "shops",
    metadata,
    _id(),
    _text("name"),
    Column("tickets", Integer, nullable=False),
    Column("rules_version", BigInteger, nullable=False),
    _time("created_at"),
    sqlite_autoincrement=True,
)
"""`tickets` counts the tickets that were given to conversations; `rules_version` is another random
number after each change of the shop's rules."""

members = Table(
    "members",
    metadata,
    _id(),
    _shop(),
    _text("name"),
    _text("role"),
    _text("email", nullable=True),
    Column("urgent_mail", Boolean, nullable=False),
    _text("password_hash", nullable=True),
    Column("active", Boolean, nullable=False),
    _time("created_at"),
    UniqueConstraint("name"),
    UniqueConstraint("shop_id", "id"),
    sqlite_autoincrement=True,
)

member_qqs = Table(
    "member_qqs",
    metadata,
    Column("qq", _Words, primary_key=True),
    _shop_of_parent(),
    _reference("member_id"),
    _of_shop("member_id", "members"),
    Index(None, "shop_id", "member_id"),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("token_hash", _Words, primary_key=True),
    _shop_of_parent(),
    _reference("member_id"),
    _text("csrf"),
    _time("created_at"),
    _time("expires_at"),
    _of_shop("member_id", "members"),
    Index(None, "shop_id", "member_id"),
    Index(None, "expires_at"),
)

throttle = Table(
    "throttle",
    metadata,
    _id(),
    _text("key"),
    _time("at"),
    Index(None, "key", "at"),
    Index(None, "at"),
)

accounts = Table(
    "accounts",
    metadata,
    _id(),
    _shop(),
    _text("name"),
    _text("platform_user"),
    _text("device_id"),
    _text("cookies"),
    _text("proxy", nullable=True),
    Column("enabled", Boolean, nullable=False),
    _text("state"),
    _text("state_reason"),
    _time("state_since"),
    _time("state_until", nullable=True),
    _text("check_url"),
    _time("offline_since", nullable=True),
    _time("told_since", nullable=True),
    Column("takeover_minutes", Integer, nullable=False),
    Column("logins", Integer, nullable=False),
    Column("starts", Integer, nullable=False),
    _time("started_at"),
    _text("token", nullable=True),
    _text("token_device_id", nullable=True),
    _time("token_expires_at", nullable=True),
    _time("token_fetched_at", nullable=True),
    _time("token_asked_at", nullable=True),
    Column("token_failures", Integer, nullable=False),
    _time("renewed_at", nullable=True),
    _time("created_at"),
    UniqueConstraint("platform_user"),
    UniqueConstraint("shop_id", "name"),
    UniqueConstraint("shop_id", "id"),
    sqlite_autoincrement=True,
)
"""`cookies`, `proxy` and `token` are sealed. One login is one account, whichever shop has it.
`token_asked_at` and `renewed_at` are the last attempts, whatever became of them."""

comparisons = Table(
    "comparisons",
    metadata,
    Column("account_id", _Id, primary_key=True, autoincrement=False),
    _shop_of_parent(),
    _time("since"),
    _time("compared_until"),
    _time("outage_since", nullable=True),
    _time("outage_until", nullable=True),
    _time("outage_caught_up_at", nullable=True),
    Column("outage_told", Boolean, nullable=False),
    Column("outage_messages", Integer, nullable=False),
    Column("outage_expired", Integer, nullable=False),
    Column("outage_orders", Integer, nullable=False),
    _of_shop("account_id", "accounts"),
)
"""How far an account was compared with the platform's lists, by the platform's clock, from its
first connection (`since`) on; and the outage that is over and not reported yet, with what was
caught up of it."""

items = Table(
    "items",
    metadata,
    _id(),
    _shop_of_parent(),
    _reference("account_id"),
    _text("platform_id"),
    _text("title"),
    _text("description"),
    _text("price", nullable=True),
    _text("highest_price", nullable=True),
    Column("quantity", Integer, nullable=True),
    Column("on_sale", Boolean, nullable=True),
    _text("picture"),
    _text("variants"),
    _time("read_at", nullable=True),
    _time("listed_at", nullable=True),
    Column("position", Integer, nullable=True),
    _of_shop("account_id", "accounts"),
    UniqueConstraint("shop_id", "platform_id"),
    Index(None, "shop_id", "account_id"),
)
"""A cache. Prices are decimals of yuan as text. `read_at`: when its page was read; `listed_at`, and
`position`: when and where it was in its account's list of items on sale."""

rules = Table(
    "rules",
    metadata,
    _id(),
    _shop(),
    _reference("account_id", nullable=True),
    _text("kind"),
    _text("match"),
    _text("keywords"),
    _text("items"),
    _text("reply"),
    _text("pictures"),
    Column("priority", Integer, nullable=False),
    _text("hours"),
    Column("once", Boolean, nullable=False),
    _text("moment", nullable=True),
    Column("enabled", Boolean, nullable=False),
    _time("created_at"),
    _of_shop("account_id", "accounts"),
    Index(None, "shop_id", "account_id"),
    sqlite_autoincrement=True,
)
"""`keywords`, `items` and `pictures` are lists; `hours` is `09:00-22:30`, or empty for any time."""

outbox = Table(
    "outbox",
    metadata,
    _id(),
    _shop(),
    _text("kind"),
    _text("lane"),
    _text("seat"),
    _text("key"),
    _text("work"),
    _text("state"),
    Column("head", Boolean, nullable=False),
    _time("due_at"),
    _time("expires_at", nullable=True),
    _text("holder", nullable=True),
    Column("attempt", Integer, nullable=False),
    _time("wire_at", nullable=True),
    _text("error"),
    _time("created_at"),
    _time("settled_at", nullable=True),
    UniqueConstraint("shop_id", "key"),
    _partial("uq_outbox_head", "shop_id", "lane", where="head", unique=True),
    _partial("ix_outbox_claim", "due_at", "id", "kind", where="head"),
    _partial("ix_outbox_waiting", "shop_id", "lane", "id", where="state = 'ready' AND NOT head"),
    sqlite_autoincrement=True,
)
"""`head` marks the oldest open task of a lane, the only one that may be claimed. `due_at` is when
it may be claimed next: its due time while ready, the end of its lease while running. `seat` names
the lease whose holder alone may do it; empty: anybody may."""

inputs = Table(
    "inputs",
    metadata,
    Column("shop_id", _Id, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True),
    Column("key", _Words, primary_key=True),
    _time("at"),
)

strangers = Table(
    "strangers",
    metadata,
    Column("key", _Words, primary_key=True),
    _time("answered_at"),
    Index(None, "answered_at"),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _shop(),
    _reference("member_id", nullable=True),
    _text("door"),
    _text("action"),
    _text("target"),
    _text("detail"),
    _time("at"),
    ForeignKeyConstraint(["shop_id", "member_id"], ["members.shop_id", "members.id"]),
    Index(None, "shop_id", "id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    _shop_of_parent(),
    _reference("account_id"),
    _text("raw"),
    _text("reason"),
    _time("at"),
    _of_shop("account_id", "accounts"),
    Index(None, "shop_id", "id"),
    Index(None, "shop_id", "account_id"),
)

settings = Table(
    "settings",
    metadata,
    Column("shop_id", _Id, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True),
    Column("key", _Words, primary_key=True),
    _text("value"),
    Column("sealed", Boolean, nullable=False),
)
"""Small values of a shop, some of them sealed."""
