from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import goes_with, goes_with_shop, reference, time, words


def create_talk() -> None:
    op.create_table(
        "buyers",
        reference("shop_id"),
        words("buyer"),
        words("note"),
        words("tags"),
        time("changed_at"),
        goes_with_shop("buyers"),
        sa.PrimaryKeyConstraint("shop_id", "buyer", name="pk_buyers"),
    )
    op.create_table(
        "focuses",
        words("bot"),
        words("qq"),
        reference("shop_id"),
        reference("conversation_id"),
        time("used_at"),
        goes_with("focuses", "conversation_id", "conversations"),
        sa.PrimaryKeyConstraint("bot", "qq", name="pk_focuses"),
    )
    op.create_index("ix_focuses_shop_id_conversation_id", "focuses", ["shop_id", "conversation_id"])
