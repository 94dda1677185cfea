"""The part of the schema that holds how far prices may fall and what was said about them."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, UniqueConstraint

from hub.store.columns import id_, metadata, of_shop, reference, shop, shop_of_parent, time, words

floors = Table(
    "floors",
    metadata,
    id_(),
    shop(),
    words("scope"),
    reference("account_id", nullable=True),
    words("item_id", nullable=True),
    words("kind"),
    words("value"),
    time("changed_at"),
    of_shop("account_id", "accounts"),
    UniqueConstraint("shop_id", "scope"),
)
"""`scope` says in one word what the row is for, so that there is one of each."""

bargains = Table(
    "bargains",
    metadata,
    id_(),
    shop_of_parent(),
    reference("account_id"),
    words("buyer"),
    words("item_id"),
    Column("rounds", Integer, nullable=False),
    time("since"),
    words("offered", nullable=True),
    words("countered", nullable=True),
    words("agreed", nullable=True),
    reference("message_id", nullable=True),
    time("changed_at"),
    of_shop("account_id", "accounts"),
    UniqueConstraint("shop_id", "account_id", "buyer", "item_id"),
    Index(None, "shop_id", "changed_at"),
)
"""`message_id` is no foreign key: it only tells whether that message was counted."""

BARGAINS = (floors, bargains)
