"""The part of the first step that remembers what was brought over from another program."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import goes_with_shop, reference, time, words


def create_imports() -> None:
    op.create_table(
        "imported",
        reference("shop_id"),
        words("origin"),
        words("kind"),
        words("key"),
        reference("target", nullable=True),
        time("at"),
        goes_with_shop("imported"),
        sa.PrimaryKeyConstraint("shop_id", "origin", "kind", "key", name="pk_imported"),
    )
