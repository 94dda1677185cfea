from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import flag, time, words


def create_credits() -> None:
    op.create_table(
        "reply_anchors",
        words("peer"),
        words("anchor"),
        words("kind"),
        time("at"),
        words("uses"),
        flag("over"),
        sa.PrimaryKeyConstraint("peer", "anchor", name="pk_reply_anchors"),
    )
    op.create_index("ix_reply_anchors_at", "reply_anchors", ["at"])
