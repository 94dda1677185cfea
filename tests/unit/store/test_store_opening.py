"""Opening: only what is ours, by one process at a time, and nothing half-written."""

# ruff: noqa: ASYNC240 - the files are the subject, and small

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from hub.errors import InUse, NotOurs, SchemaTooNew, StoreError
from hub.model import PlatformUser, Role
from hub.store import Store, Tx, open_store, opening

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
WAIT = 30.0

HOLD_OPEN = """
import asyncio, sys
from pathlib import Path
from datetime import UTC, datetime
from hub.model import Role
from hub.store import open_store

async def main():
    async with open_store(Path(sys.argv[1])) as store:
        await store.write(lambda tx: tx.members.add(
            tx.shops.default(), "holder", Role.OWNER, now=datetime.now(UTC)))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "hub.db"


@contextmanager
def second_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the store open while inside."""
    root = Path(opening.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_OPEN, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


async def add_account(store: Store) -> None:
    def unit(tx: Tx) -> None:
        tx.accounts.add(
            tx.shops.default(),
            name="店",
            user=PlatformUser("1"),
            device_id="d",
            cookies="cookie2=very-secret",
            takeover_minutes=10,
            now=NOW,
        )

    await store.write(unit)


async def cookies(store: Store) -> str:
    def unit(tx: Tx) -> str:
        shop = tx.shops.default()
        (account,) = tx.accounts.all(shop)
        return tx.accounts.cookies(shop, account.id)

    return await store.read(unit)


async def refused(path: Path, error: type[StoreError], **given: str) -> str:
    """Opening fails with one line of this kind and changes no file that was there."""
    before = {file: file.read_bytes() for file in path.parent.glob("*") if file.is_file()}
    with pytest.raises(error) as caught:
        async with open_store(path, **given):  # type: ignore[arg-type]
            pass
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message or str(path.parent) in message or "key" in message
    after = {file: file.read_bytes() for file in path.parent.glob("*") if file.is_file()}
    assert {file: after.get(file) for file in before} == before
    assert {file.name for file in set(after) - set(before)} <= {"hub.db.lock"}
    return message


async def test_a_new_database_has_one_shop_and_private_files(path: Path) -> None:
    async with open_store(path) as store:
        await add_account(store)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert {"hub.db", "hub.db-wal", "hub.db.lock", "yuqiao.key"} <= set(modes)
    if sys.platform != "win32":
        assert set(modes.values()) == {0o600}


async def test_credentials_lie_sealed(path: Path) -> None:
    async with open_store(path) as store:
        await add_account(store)
        assert await cookies(store) == "cookie2=very-secret"
    for file in path.parent.iterdir():
        assert b"very-secret" not in file.read_bytes()


async def test_a_commit_is_on_the_disk_in_the_safest_mode(path: Path) -> None:
    engine = opening.write_engine(path)
    async with open_store(path):
        with engine.connect() as connection:
            found = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
    assert found == ["wal", 2, 1]


async def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"these are my tax papers, not a database" * 100)
    assert "not an SQLite database" in await refused(path, NotOurs)


async def test_a_damaged_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)
    await refused(path, NotOurs)


@pytest.mark.parametrize("wal", [False, True])
@pytest.mark.parametrize(
    "table", ["cookies (id TEXT, value TEXT)", "alembic_version (version_num TEXT)"]
)
async def test_a_database_of_another_program_is_left_alone(
    path: Path, table: str, wal: bool
) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if wal:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"CREATE TABLE {table}")
        if wal:  # as after a crash: the table is in the log only
            for file in ("hub.db", "hub.db-wal"):
                shutil.copy(path.with_name(file), path.with_name(f"{file}.copy"))
    if wal:
        for file in ("hub.db", "hub.db-wal"):
            path.with_name(f"{file}.copy").rename(path.with_name(file))
    message = await refused_main_file(path)
    assert "another program" in message


async def refused_main_file(path: Path) -> str:
    """Reading a log makes SQLite touch its index beside it; the database itself stays."""
    before = path.read_bytes()
    with pytest.raises(NotOurs) as caught:
        async with open_store(path):
            pass
    assert path.read_bytes() == before
    assert not (path.parent / "yuqiao.key").exists()
    return str(caught.value)


async def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    async with open_store(path) as store:
        await store.ping()


async def test_a_newer_schema_is_refused_with_both_versions(path: Path) -> None:
    async with open_store(path):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    message = await refused(path, SchemaTooNew)
    assert "0999" in message
    assert "newer version" in message


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        async with open_store(tmp_path / "file" / "hub.db"):
            pass


async def test_a_folder_at_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "hub.db").mkdir()
    with pytest.raises(StoreError, match=r"hub\.db"):
        async with open_store(tmp_path / "hub.db"):
            pass


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="sealed"):
        async with open_store(folder / "hub.db"):
            pass


# --- One process ----------------------------------------------------------------------------------


async def test_a_second_process_is_refused_and_told_who_holds_the_file(path: Path) -> None:
    with second_process(path) as holder:
        with pytest.raises(InUse) as caught:
            async with open_store(path):
                pass
        assert str(path) in str(caught.value)
        assert f"pid {holder.pid}" in str(caught.value)


async def test_a_killed_process_leaves_the_file_free_and_its_commits_in_it(path: Path) -> None:
    with second_process(path) as holder:
        holder.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        holder.wait(WAIT)
    async with open_store(path) as store:
        members = await store.read(lambda tx: tx.members.all(tx.shops.default()))
    assert [member.name for member in members] == ["holder"]


async def test_the_same_process_cannot_open_it_twice_either(path: Path) -> None:
    async with open_store(path):
        with pytest.raises(InUse, match=f"pid {os.getpid()}"):
            async with open_store(path):
                pass


async def test_a_guest_works_beside_the_process_that_holds_the_file(path: Path) -> None:
    with second_process(path):
        async with open_store(path, guest=True) as guest:
            await add_account(guest)
            assert await cookies(guest) == "cookie2=very-secret"
            members = await guest.read(lambda tx: tx.members.all(tx.shops.default()))
            assert [member.name for member in members] == ["holder"]


async def test_a_guest_that_comes_first_opens_like_anybody(path: Path) -> None:
    async with open_store(path, guest=True) as guest:
        await add_account(guest)
        with pytest.raises(InUse):
            async with open_store(path):
                pass


async def test_a_guest_never_migrates(path: Path) -> None:
    async with open_store(path):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM installation")
        with pytest.raises(StoreError, match="another version"):
            async with open_store(path, guest=True):
                pass


async def test_opening_that_is_cancelled_frees_the_file(path: Path) -> None:
    async def enter() -> None:
        async with open_store(path):
            raise AssertionError("was to be cancelled")

    task = asyncio.create_task(enter())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with open_store(path) as store:
        await store.ping()


# --- The key --------------------------------------------------------------------------------------


async def test_a_missing_key_file_is_not_replaced_by_a_new_one(path: Path) -> None:
    async with open_store(path) as store:
        await add_account(store)
    key = path.parent / "yuqiao.key"
    saved = key.read_bytes()
    key.unlink()
    assert "yuqiao.key" in await refused(path, StoreError)
    key.write_bytes(saved)
    async with open_store(path) as store:
        assert await cookies(store) == "cookie2=very-secret"


async def test_another_key_is_noticed_when_opening(path: Path) -> None:
    async with open_store(path):
        pass
    await refused(path, StoreError, key=Fernet.generate_key().decode())


async def test_a_key_that_is_none_is_refused_before_anything_is_made(path: Path) -> None:
    assert "44 characters" in await refused(path, StoreError, key="password")
    assert not path.exists()


async def test_a_given_key_needs_no_key_file(path: Path) -> None:
    key = Fernet.generate_key().decode()
    async with open_store(path, key=key) as store:
        await add_account(store)
    assert not (path.parent / "yuqiao.key").exists()
    async with open_store(path, key=key) as store:
        assert await cookies(store) == "cookie2=very-secret"
        assert store.unseal(store.seal("x")) == "x"


async def test_a_sealed_text_that_was_altered_is_refused(path: Path) -> None:
    async with open_store(path) as store:
        sealed = store.seal("cookie2=very-secret")
        assert "very-secret" not in sealed
        with pytest.raises(StoreError) as caught:
            store.unseal(sealed[:-6] + "AAAA==")
        assert "very-secret" not in str(caught.value)


async def test_an_existing_key_file_is_never_overwritten(path: Path) -> None:
    key = Fernet.generate_key()
    path.parent.mkdir()
    (path.parent / "yuqiao.key").write_bytes(key)
    async with open_store(path) as store:
        sealed = store.seal("x")
    assert Fernet(key).decrypt(sealed.encode()) == b"x"


async def test_members_of_a_reopened_store_are_there(path: Path) -> None:
    async with open_store(path) as store:
        await store.write(
            lambda tx: tx.members.add(tx.shops.default(), "老板", Role.OWNER, now=NOW)
        )
    async with open_store(path) as store:
        found = await store.read(lambda tx: tx.members.by_name("老板"))
    assert found is not None
