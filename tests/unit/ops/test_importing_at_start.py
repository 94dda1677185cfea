"""A database of the original where ours should be: set aside whole, brought over, never lost."""

# ruff: noqa: ASYNC240 - small files, and they are the subject

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hub.app import Hub, open_hub
from hub.errors import NotOurs
from hub.ops import ImportInto, bring_over_set_aside
from hub.ops.importing import Part
from hub.settings import DatabaseSettings, QQSettings, Settings, WebSettings
from hub.store import aside, open_store, set_aside
from tests import originals
from tests.unit.ops.import_stage import CAME, NOW, into, made, shop_of, snapshot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    originals.write_pictures(tmp_path / "static" / "uploads" / "images")
    (tmp_path / "global_config.yml").write_text("MESSAGE_EXPIRE_TIME: 600000\n", encoding="utf-8")
    return folder / "xianyu_data.db"


@asynccontextmanager
async def hub_at(path: Path) -> AsyncIterator[Hub]:
    settings = Settings(
        web=WebSettings(host="127.0.0.1", port=0),
        database=DatabaseSettings(path=path),
        qq=QQSettings(enabled=False),
    )
    async with open_hub(settings) as hub:
        yield hub


async def test_the_hub_starts_with_what_the_original_had_and_connects_nothing(path: Path) -> None:
    originals.left_by_a_killed_program(path)
    log = path.with_name("xianyu_data.db-wal").read_bytes()
    file = path.read_bytes()

    async with hub_at(path) as hub:
        shop = await shop_of(hub.store)
        first = await hub.store.read(lambda tx: made(tx, shop))
        assert not await hub.desk.members.first_run()

    assert [enabled for _, _, enabled in first["accounts"]] == [False, False]
    assert len(first["codes"]) == 3
    assert sum(map(bool, first["pictures"])) == 1
    moved = path.with_name("xianyu_data.db.original")
    assert moved.read_bytes() == file
    assert moved.with_name(f"{moved.name}-wal").read_bytes() == log
    report = moved.with_name(f"{moved.name}.report.txt").read_text(encoding="utf-8")
    assert "expire_minutes: 10" in report
    assert [one for one in originals.SECRETS if one in report] == []

    before = snapshot(path.parent)
    async with hub_at(path) as hub:
        assert await hub.store.read(lambda tx: made(tx, shop)) == first
    kept = {name: held for name, held in before.items() if ".original" in name}
    assert {name: snapshot(path.parent)[name] for name in kept} == kept


async def test_cut_short_after_moving_it_the_next_start_brings_it_over(path: Path) -> None:
    originals.write_original(path)
    assert set_aside(path) == path.with_name("xianyu_data.db.original")
    assert not path.exists()
    assert set_aside(path) is None
    async with open_store(path, now=lambda: NOW) as store:
        (report,) = await bring_over_set_aside(store, path, into(store))
        assert report.number(Part.ACCOUNTS, *CAME) == 2
        assert await bring_over_set_aside(store, path, into(store)) == []


async def test_cut_short_while_moving_it_nothing_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals.left_by_a_killed_program(path)
    held = {one: path.with_name(f"xianyu_data.db{one}").read_bytes() for one in ("", "-wal")}
    link, links = os.link, 0

    def fails_the_second_time(source: Path, target: Path) -> None:
        nonlocal links
        links += 1
        if links > 1:
            raise KeyboardInterrupt
        link(source, target)

    monkeypatch.setattr(aside.os, "link", fails_the_second_time)
    with pytest.raises(KeyboardInterrupt):
        set_aside(path)
    monkeypatch.undo()
    assert {one: path.with_name(f"xianyu_data.db{one}").read_bytes() for one in held} == held

    moved = set_aside(path)

    assert moved == path.with_name("xianyu_data.db.original")
    assert {one: path.with_name(f"{moved.name}{one}").read_bytes() for one in held} == held
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "xianyu_data.db.lock",
        "xianyu_data.db.original",
        "xianyu_data.db.original-wal",
    ]


async def test_without_hard_links_it_is_copied(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    originals.write_original(path)
    file = path.read_bytes()

    def refused(_source: Path, _target: Path) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(aside.os, "link", refused)
    moved = set_aside(path)
    assert moved is not None
    assert moved.read_bytes() == file
    assert not path.exists()


async def test_a_second_one_takes_no_other_ones_name(path: Path) -> None:
    for number in ("", ".2"):
        originals.write_original(path)
        assert set_aside(path) == path.with_name(f"xianyu_data.db.original{number}")


async def test_what_cannot_be_brought_over_does_not_keep_the_hub_from_starting(
    path: Path,
) -> None:
    path.with_name("xianyu_data.db.original").write_bytes(b"SQLite format 3\x00 and nothing more")
    async with open_store(path, now=lambda: NOW) as store:
        assert await bring_over_set_aside(store, path, into(store)) == []


async def test_a_fault_of_ours_does_not_keep_the_hub_from_starting(path: Path) -> None:
    originals.write_original(path)
    set_aside(path)

    def broken(_hashed: str) -> str:
        raise ZeroDivisionError

    async with open_store(path, now=lambda: NOW) as store:
        stumbling = replace(into(store), hash_password=broken)
        assert await bring_over_set_aside(store, path, stumbling) == []
        (report,) = await bring_over_set_aside(store, path, into(store))
        assert report.number(Part.ACCOUNTS, *CAME) == 2


async def test_behind_a_link_nothing_is_touched(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "real.db"
    elsewhere.parent.mkdir()
    originals.left_by_a_killed_program(elsewhere)
    elsewhere.chmod(0o644)
    path.symlink_to(elsewhere)
    before = snapshot(elsewhere.parent)

    moved = set_aside(path)
    async with open_store(path, now=lambda: NOW) as store:
        (report,) = await bring_over_set_aside(store, path, into(store))

    assert moved is not None and moved.is_symlink()  # noqa: PT018
    assert report.number(Part.ACCOUNTS, *CAME) == 2
    after = snapshot(elsewhere.parent)
    after.pop("real.db.lock", None)  # two hubs may come by different links
    assert after == before
    assert elsewhere.stat().st_mode & 0o777 == 0o644


async def test_a_database_of_another_program_is_left_where_it_is(path: Path) -> None:
    originals.write_original(path, "1.9")
    before = snapshot(path.parent)
    assert set_aside(path) is None
    with pytest.raises(NotOurs, match="yuqiao import"):
        async with open_store(path):
            pass
    assert {name: snapshot(path.parent)[name] for name in before} == before


async def test_our_own_database_is_never_taken_for_one(path: Path) -> None:
    async with open_store(path, now=lambda: NOW) as store:
        given: ImportInto = into(store)
        assert await bring_over_set_aside(store, path, given) == []
    assert set_aside(path) is None
    assert path.exists()
