"""What the tables are made of: their columns, keys and partial indexes."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite gives an id of its own accord only to a column of type INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
# Bytes decide the order, as in SQLite, whatever language a PostgreSQL database was made for.
Words = Text().with_variant(Text(collation="C"), "postgresql")


def id_() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def shop() -> Column[int]:
    return Column("shop_id", Id, ForeignKey("shops.id", ondelete="CASCADE"), nullable=False)


def shop_of_parent() -> Column[int]:
    """Where a key to a parent row includes the shop, a key to the shop itself would say nothing."""
    return Column("shop_id", Id, nullable=False)


def words(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Words, nullable=nullable)


def time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def reference(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Id, nullable=nullable)


def of_shop(column: str, table: str) -> ForeignKeyConstraint:
    """`column` points to a row of the same shop and goes with it."""
    return ForeignKeyConstraint(
        ["shop_id", column], [f"{table}.shop_id", f"{table}.id"], ondelete="CASCADE"
    )


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of those rows only that somebody looks for: the others cost nothing to write."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
