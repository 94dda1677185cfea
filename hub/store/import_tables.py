"""The part of the schema that remembers what was brought over from another program."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from hub.store.columns import Id, Words, metadata, reference, time

imported = Table(
    "imported",
    metadata,
    Column("shop_id", Id, ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True),
    Column("origin", Words, primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    reference("target", nullable=True),
    time("at"),
)
"""`target` is no foreign key: what somebody removed afterwards must not come again."""

IMPORTS = (imported,)
