"""Migrations: they end at the schema of the code, all or nothing, after a backup."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from hub.errors import StoreError
from hub.store.opening import MIGRATIONS, prepare
from hub.store.tables import metadata

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

NEXT_STEP = '''
"""A later version."""
from alembic import op
import sqlalchemy as sa
revision = "0002"
down_revision = "0001"
def upgrade():
    with op.batch_alter_table("conversations") as conversations:
        conversations.add_column(sa.Column("note", sa.Text))
        conversations.alter_column("item_title", new_column_name="title")
    {then}
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hub.db"


@pytest.fixture
def later_version(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "r0002_next.py").write_text(NEXT_STEP.format(then="pass"))
    return folder


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


def furnish(path: Path) -> None:
    with opened(path) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(
            "INSERT INTO accounts (id, shop_id, name, platform_user, device_id, cookies, enabled,"
            " state, state_reason, state_since, check_url, takeover_minutes, logins, starts,"
            " started_at, token_failures, created_at)"
            " VALUES (5, 1, '店', '22', 'd', 'sealed', 1, 'new', '', 0, '', 10, 1, 1, 0, 0, 0)"
        )
        connection.execute(
            "INSERT INTO conversations VALUES (7, 1, 5, '60', 'a1', NULL, '', '9', '键盘', 0)"
        )
        connection.execute(
            "INSERT INTO messages (shop_id, account_id, conversation_id, origin, content, state,"
            " reason, sent_at, created_at) VALUES (1, 5, 7, 'buyer', '{}', 'received', '', 0, 0)"
        )


def test_the_steps_end_at_the_tables_of_the_code(path: Path) -> None:
    prepare(path, key="", now=NOW)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_steps_end_at_the_same_sql_as_the_tables(path: Path, tmp_path: Path) -> None:
    """What the comparison above does not see: partial indexes, AUTOINCREMENT, cascades."""

    def described(file: Path) -> dict[str, str]:
        with opened(file) as connection:
            rows = connection.execute(
                "SELECT type || ' ' || name, sql FROM sqlite_master"
                " WHERE sql IS NOT NULL AND name NOT IN ('alembic_version', 'sqlite_sequence')"
            )
            return {name: " ".join(sorted(sql.replace(",", " , ").split())) for name, sql in rows}

    prepare(path, key="", now=NOW)
    engine = create_engine(f"sqlite:///{tmp_path / 'model.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert described(path) == described(tmp_path / "model.db")


def test_a_new_database_needs_no_backup(path: Path) -> None:
    prepare(path, key="", now=NOW)
    prepare(path, key="", now=NOW)
    assert list(path.parent.glob("*backup*")) == []


def test_an_older_database_is_copied_then_brought_up_to_date(
    path: Path, later_version: Path
) -> None:
    """Columns keep their meaning, and rows behind a rebuilt table stay."""
    prepare(path, key="", now=NOW)
    furnish(path)
    prepare(path, key="", now=NOW, migrations=later_version)
    with opened(path) as connection:
        assert connection.execute("SELECT title, note, ticket FROM conversations").fetchall() == [
            ("键盘", None, "a1")
        ]
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (1,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0002",)
    (copy,) = path.parent.glob("*backup*")
    assert copy.name == "hub.db.0001-20261101-120000.backup"
    assert copy.stat().st_mode & 0o077 == 0
    with opened(copy) as connection:
        assert connection.execute("SELECT item_title FROM conversations").fetchall() == [("键盘",)]


def test_a_step_that_fails_leaves_the_database_as_it_was(path: Path, later_version: Path) -> None:
    step = later_version / "versions" / "r0002_next.py"
    step.write_text(NEXT_STEP.format(then='op.execute("INSERT INTO nowhere VALUES (1)")'))
    prepare(path, key="", now=NOW)
    furnish(path)
    with pytest.raises(StoreError, match="cannot migrate"):
        prepare(path, key="", now=NOW, migrations=later_version)
    prepare(path, key="", now=NOW)
    with opened(path) as connection:
        assert connection.execute("SELECT item_title FROM conversations").fetchall() == [("键盘",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
