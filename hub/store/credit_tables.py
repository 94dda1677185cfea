"""The part of the schema that holds what a bot may still answer to."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table

from hub.store.columns import Words, metadata, time, words

reply_anchors = Table(
    "reply_anchors",
    metadata,
    Column("peer", Words, primary_key=True),
    Column("anchor", Words, primary_key=True),
    words("kind"),
    time("at"),
    words("uses"),
    Column("over", Boolean, nullable=False),
    Index(None, "at"),
)
"""Belongs to no shop: a chat knows none. `peer`: the address of the person or group; `uses`: a JSON
list of what was said, when, and the id that it got."""

CREDITS = (reply_anchors,)
"""The part of the first step that holds reply credits."""
