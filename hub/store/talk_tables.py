"""The part of the schema that holds what people keep about buyers, and whom they talk with."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table

from hub.store.columns import Id, Words, metadata, of_shop, reference, shop_of_parent, time, words

buyers = Table(
    "buyers",
    metadata,
    Column("shop_id", Id, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True),
    Column("buyer", Words, primary_key=True),
    words("note"),
    words("tags"),
    time("changed_at"),
)
"""`tags`: a JSON list."""

focuses = Table(
    "focuses",
    metadata,
    Column("bot", Words, primary_key=True),
    Column("qq", Words, primary_key=True),
    shop_of_parent(),
    reference("conversation_id"),
    time("used_at"),
    of_shop("conversation_id", "conversations"),
    Index(None, "shop_id", "conversation_id"),
)

TALK = (buyers, focuses)
"""The part of the first step that holds what belongs to talking with buyers."""
