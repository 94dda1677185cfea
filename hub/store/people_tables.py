"""The part of the schema that holds codes for binding QQ ids, and who answers where."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, UniqueConstraint

from hub.store.columns import Id, metadata, of_shop, reference, shop_of_parent, time, words

binding_codes = Table(
    "binding_codes",
    metadata,
    Column("member_id", Id, primary_key=True, autoincrement=False),
    shop_of_parent(),
    words("code"),
    time("expires_at"),
    of_shop("member_id", "members"),
    UniqueConstraint("code"),
)

claims = Table(
    "claims",
    metadata,
    Column("conversation_id", Id, primary_key=True, autoincrement=False),
    shop_of_parent(),
    reference("member_id"),
    time("since"),
    time("active_at"),
    Column("handed", Boolean, nullable=False),
    of_shop("conversation_id", "conversations"),
    of_shop("member_id", "members"),
    Index(None, "shop_id", "member_id"),
)
"""The last one of each conversation; it counts for a while after `active_at`."""

PEOPLE = (binding_codes, claims)
"""The part of the first step that holds people."""
