from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import goes_with_shop, id_, reference, time, words


def create_canned_answers() -> None:
    op.create_table(
        "canned_answers",
        id_(),
        reference("shop_id"),
        words("code"),
        words("text"),
        time("changed_at"),
        goes_with_shop("canned_answers"),
        sa.PrimaryKeyConstraint("id", name="pk_canned_answers"),
        sa.UniqueConstraint("shop_id", "code", name="uq_canned_answers_shop_id_code"),
        sqlite_autoincrement=True,
    )
