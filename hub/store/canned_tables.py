"""The part of the schema that holds what people say again and again."""

from __future__ import annotations

from sqlalchemy import Table, UniqueConstraint

from hub.store.columns import id_, metadata, shop, time, words

canned_answers = Table(
    "canned_answers",
    metadata,
    id_(),
    shop(),
    words("code"),
    words("text"),
    time("changed_at"),
    UniqueConstraint("shop_id", "code"),
    sqlite_autoincrement=True,
)

CANNED = (canned_answers,)
"""The part of the first step that holds canned answers."""
