"""What the steps of a migration are made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def id_() -> sa.Column[int]:
    return sa.Column("id", id_type(), autoincrement=True, nullable=False)


def id_type() -> sa.BigInteger:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def words_type() -> sa.Text:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def reference(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, id_type(), nullable=nullable)


def words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, words_type(), nullable=nullable)


def time(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def goes_with_shop(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["shop_id"], ["shops.id"], name=f"fk_{table}_shop_id", ondelete="CASCADE"
    )


def goes_with(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["shop_id", column],
        [f"{target}.shop_id", f"{target}.id"],
        name=f"fk_{table}_shop_id_{column}",
        ondelete="CASCADE",
    )


def partial_index(
    name: str, table: str, columns: list[str], *, where: str, unique: bool = False
) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )
