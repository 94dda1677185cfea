from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.migrations.pieces import flag, goes_with, id_type, reference, time, words


def create_people() -> None:
    op.create_table(
        "binding_codes",
        sa.Column("member_id", id_type(), autoincrement=False, nullable=False),
        reference("shop_id"),
        words("code"),
        time("expires_at"),
        goes_with("binding_codes", "member_id", "members"),
        sa.PrimaryKeyConstraint("member_id", name="pk_binding_codes"),
        sa.UniqueConstraint("code", name="uq_binding_codes_code"),
    )
    op.create_table(
        "claims",
        sa.Column("conversation_id", id_type(), autoincrement=False, nullable=False),
        reference("shop_id"),
        reference("member_id"),
        time("since"),
        time("active_at"),
        flag("handed"),
        goes_with("claims", "conversation_id", "conversations"),
        goes_with("claims", "member_id", "members"),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_claims"),
    )
    op.create_index("ix_claims_shop_id_member_id", "claims", ["shop_id", "member_id"])
