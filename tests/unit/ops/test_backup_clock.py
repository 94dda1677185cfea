"""One backup a day by itself; a failed one is told once a day and tried again every hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from backup_stage import NOW

from hub import notices
from hub.errors import Unavailable
from hub.model import NoticeKind, Role, SendMail, SendNotice, TaskKind
from hub.ops import BackupClock, Backups
from hub.policy import backup_due, outlived
from hub.settings import BackupSettings, Settings
from hub.store import Store, Tx, open_store
from hub.text import backups as words

ZONE = ZoneInfo("Asia/Shanghai")
AT = time(4, 30)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("last", "failed_at", "started", "due"),
    [
        (None, None, local(26, 3), local(26, 4, 30)),
        (None, None, local(26, 5), local(27, 4, 30)),
        (local(26, 4, 30), None, local(20, 0), local(27, 4, 30)),
        (local(24, 4, 30), None, local(26, 5), local(26, 5, 10)),
        (local(25, 4, 30), local(26, 4, 30), local(20, 0), local(26, 5, 30)),
        (local(26, 6), local(26, 4, 30), local(20, 0), local(27, 4, 30)),
        (None, local(26, 4, 30), local(20, 0), local(26, 5, 30)),
    ],
    ids=["first", "first tomorrow", "daily", "missed", "retry", "mended", "never any"],
)
def test_when_the_next_one_is_due(
    last: datetime | None, failed_at: datetime | None, started: datetime, due: datetime
) -> None:
    assert backup_due(last, failed_at, AT, ZONE, started) == due


def test_the_newest_of_each_day_and_of_some_weeks_before_stay() -> None:
    days = {
        f"{hour}h {n} days ago": NOW - timedelta(days=n, hours=hour)
        for n in range(90)
        for hour in (0, 1)
    }
    gone = set(outlived(days, days=7, weeks=4, zone=ZONE))
    kept = sorted(days[one] for one in set(days) - gone)
    assert len(kept) == 11
    assert kept[-7:] == [NOW - timedelta(days=n) for n in range(6, -1, -1)]
    assert len({at.astimezone(ZONE).isocalendar()[:2] for at in kept[:4]}) == 4
    assert outlived({"only": NOW - timedelta(days=900)}, days=1, weeks=0, zone=ZONE) == []


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "hub.db", now=lambda: NOW) as store:
        await store.write(
            lambda tx: tx.members.add(
                tx.shops.default(), "店主", Role.OWNER, qq=["10002"], email="a@example.org", now=NOW
            )
        )
        yield store


def clock(store: Store, tmp_path: Path, counted: list[str], **more: Any) -> BackupClock:
    settings = Settings(
        database={"path": tmp_path / "hub.db"},  # type: ignore[arg-type]
        backup=BackupSettings(folder=str(tmp_path / "backups"), **more),
    )
    backups = Backups(settings, tmp_path / "hub.yml")
    now = [NOW]
    return BackupClock(
        store, backups, settings.backup, ZONE, now=lambda: now[0], count=counted.append
    )


async def told(store: Store) -> list[str]:
    def unit(tx: Tx) -> list[str]:
        tasks = tx.outbox.claim("test", NOW, NOW + timedelta(minutes=1), 100)
        texts = []
        for task in tasks:
            work = task.work
            if isinstance(work, SendNotice):
                texts.append(work.text)
            elif isinstance(work, SendMail):
                texts += [f"mail: {part.text}" for part in work.parts]
        return texts

    return await store.write(unit)


async def test_a_failure_is_told_in_qq_and_by_mail_once_a_day_and_shown_until_one_works(
    store: Store, tmp_path: Path
) -> None:
    counted: list[str] = []
    this = clock(store, tmp_path, counted)
    (tmp_path / "backups").write_text("no folder")
    assert not await this.make_daily()
    assert not await this.make_daily()
    said = await told(store)
    assert len(said) == 2
    assert all("今天的自动备份没有做成：写不进" in one for one in said)
    shop = await store.read(lambda tx: tx.shops.default())
    trouble = await store.read(lambda tx: tx.backup_troubles.get(shop))
    assert trouble is not None
    assert trouble.since == NOW
    (tmp_path / "backups").unlink()
    assert await this.make_daily()
    assert await store.read(lambda tx: tx.backup_troubles.get(shop)) is None
    assert counted == ["failed", "failed", "done"]
    assert this.last is not None


def test_every_kind_of_notice_can_go_by_mail() -> None:
    assert set(notices._MAILED_AS) == set(NoticeKind)


async def test_two_at_a_time_are_one_too_many(store: Store, tmp_path: Path) -> None:
    this = clock(store, tmp_path, [])
    first = asyncio.create_task(this.make())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await this.make()
    assert refused.value.text == words.BUSY
    await first
    assert len(await this.all()) == 1


async def test_it_can_be_switched_off(store: Store, tmp_path: Path) -> None:
    await clock(store, tmp_path, [], enabled=False).run()
    assert TaskKind.NOTICE not in await store.read(lambda tx: tx.outbox.backlog())
    assert not (tmp_path / "backups").exists()
