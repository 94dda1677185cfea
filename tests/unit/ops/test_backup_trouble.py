"""Backups under bad luck: odd files, wrong clocks, full disks; the hub and the old ones live on."""

from __future__ import annotations

import asyncio
import random
import shutil
import zipfile
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from backup_stage import NOW, PASSPHRASE, Machine

from hub.errors import Invalid, Unavailable
from hub.model import StoredBackup
from hub.ops import BackupClock, verify
from hub.settings import BackupSettings
from hub.store import open_store
from hub.text import backups as words

FUTURE = NOW + timedelta(days=1500)


def test_what_others_left_in_the_folder_is_no_backup_and_stops_nobody(shop: Machine) -> None:
    made = shop.backups.make(NOW, daily=True)
    (made.path.parent / "yuqiao-20260101-000000.zip").mkdir()
    (made.path.parent / "yuqiao-20260101-000001.zip").symlink_to("gone")
    rotten = made.path.parent / "yuqiao-daily-20260101-000002.zip"
    rotten.write_text("rotten")
    found = shop.backups.all()
    assert {(one.name, one.good) for one in found} == {(made.name, True), (rotten.name, False)}


@pytest.mark.parametrize(
    "name", ["a:b.md", "back\\slash.md", "Icon\r", b"\xff.md".decode("utf-8", "surrogateescape")]
)
def test_a_file_with_an_odd_name_is_left_out_and_the_backup_made(shop: Machine, name: str) -> None:
    try:
        (shop.folder / "config" / "prompts" / name).write_text("odd")
    except OSError:
        pytest.skip("no file can be called that here")
    assert "config/prompts/notes.md" in verify(shop.backups.make(NOW).path).files


@pytest.mark.parametrize("now", [datetime(1970, 1, 1, 0, 5, tzinfo=UTC), FUTURE])
def test_a_clock_that_was_never_set_is_no_reason_for_no_backup(
    shop: Machine, now: datetime
) -> None:
    assert verify(shop.backups.make(now).path).made_at == now


def test_backups_of_a_clock_that_ran_ahead_cost_none_of_the_others(shop: Machine) -> None:
    for day in range(12):
        shop.backups.make(FUTURE + timedelta(weeks=day), daily=True)
    ahead = {one.path for one in shop.backups.all()}
    good = shop.backups.make(NOW, daily=True)
    assert good.path.is_file()
    rotten = good.path.with_name("yuqiao-daily-20261127-043000.zip")
    rotten.write_text("rotten")
    again = shop.backups.make(NOW + timedelta(minutes=1), daily=True)
    left = {one.path for one in shop.backups.all()}
    assert left == {*(ahead & left), again.path, rotten}  # the first of the day has outlived


def test_a_disk_without_room_is_seen_before_it_is_full(
    shop: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 50, 50_001_000))
    with pytest.raises(Unavailable) as refused:
        shop.backups.make(NOW)
    assert "放不下" in refused.value.text
    assert list((shop.folder / "backups").iterdir()) == []


def test_no_backup_is_made_of_a_restore_that_was_cut_short(shop: Machine) -> None:
    """The log beside the database may be that of another one."""
    (shop.database.parent / "exchange.json").write_text("[]")
    with pytest.raises(Unavailable) as refused:
        shop.backups.make(NOW)
    assert refused.value.text == words.CUT_SHORT


def test_whatever_was_done_to_an_archive_it_is_refused_in_one_sentence(shop: Machine) -> None:
    made = shop.backups.make(NOW, passphrase=PASSPHRASE).path
    whole, dice = made.read_bytes(), random.Random(7)
    broken = made.with_name("broken.zip")
    said = []
    for _ in range(80):
        data = bytearray(whole)
        # The directory at the end is where a zip says how it is to be read.
        for _ in range(dice.choice((1, 4))):
            data[dice.randrange(len(data) - 1200, len(data))] = dice.randrange(256)
        broken.write_bytes(data)
        try:
            verify(broken)
        except Invalid as error:
            said.append(error.text)
    assert len(said) > 20
    assert not any("\n" in one for one in said)


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_packings_that_we_never_use_are_refused(shop: Machine, packing: int) -> None:
    made = shop.backups.make(NOW).path
    other = made.with_name("other.zip")
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(other, "w", packing) as new:
        for one in old.namelist():
            new.writestr(one, old.read(one))
    with pytest.raises(Invalid):
        verify(other)


class Clocked:
    """A clock of backups whose time is set by the test; each backup is one number."""

    def __init__(self, now: datetime, known: list[datetime]) -> None:
        self.now = now
        self.known = known

    def all(self) -> list[StoredBackup]:
        return [
            StoredBackup(Path(str(n)), at, 1, True, True, False) for n, at in enumerate(self.known)
        ]

    def make(self, now: datetime, *, daily: bool) -> StoredBackup:
        self.known.append(now)
        return StoredBackup(Path("new"), now, 1, daily, good=True, sealed=False)


@pytest.mark.parametrize("known", [[FUTURE], [FUTURE, NOW - timedelta(days=2)], []])
async def test_a_clock_that_was_set_back_causes_one_backup_a_day_no_more_no_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: list[datetime]
) -> None:
    backups = Clocked(FUTURE, list(known))
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        backups.now = NOW + timedelta(minutes=5) * len(slept)  # set back after the start
        if len(slept) > 12 * 24 * 2:
            raise asyncio.CancelledError

    monkeypatch.setattr(
        "hub.ops.backup_clock.asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
    )
    async with open_store(tmp_path / "hub.db") as store:
        clock = BackupClock(
            store,
            backups,  # type: ignore[arg-type]
            BackupSettings(),
            ZoneInfo("Asia/Shanghai"),
            now=lambda: backups.now,
        )
        with pytest.raises(asyncio.CancelledError):
            await clock.run()
    assert len(backups.known) - len(known) in (2, 3)
