"""Backups: whole, checked, and silent about secrets; a restore brings all of it or nothing."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import sys
import zipfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from backup_stage import COOKIES, NOW, PASSPHRASE, PICTURE, Machine, tables

from hub.errors import Invalid, Refusal, StoreError, Unavailable
from hub.ops import verify
from hub.ops.sealing import blanked
from hub.settings import Settings
from hub.store import Tx, open_store, swap
from hub.text import backups as words


@pytest.fixture
def fresh(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "there")


def archive(shop: Machine, passphrase: str = PASSPHRASE) -> Path:
    return shop.backups.make(NOW, passphrase=passphrase).path


async def cookies(machine: Machine) -> str:
    async with machine.store() as store:
        return str(
            await store.read(
                lambda tx: tx.accounts.cookies(
                    tx.shops.default(), tx.accounts.all(tx.shops.default())[0].id
                )
            )
        )


async def test_a_restore_on_a_fresh_machine_gives_the_same_tables_and_files(
    shop: Machine, fresh: Machine
) -> None:
    before = shop.tables()
    made = archive(shop)
    done = fresh.restore(made, passphrase=PASSPHRASE)
    assert fresh.tables() == before
    assert all(before[name] for name in ("accounts", "rules", "cards", "delivery_rules", "audit"))
    assert (done.kept, len(done.parts)) == (None, 4)
    here, there = shop.files(), fresh.files()
    gone = {"data/pictures/seen/" + PICTURE}
    assert set(here) - set(there) == gone
    assert set(there) <= set(here)
    changed = {name for name in set(here) & set(there) if here[name] != there[name]}
    assert changed <= {"data/shop.db"}  # the copy keeps no log beside it
    assert await cookies(fresh) == COOKIES
    if sys.platform != "win32":
        assert {fresh.database.stat().st_mode & 0o777, made.stat().st_mode & 0o777} == {0o600}


async def test_a_backup_is_consistent_while_others_write(shop: Machine, fresh: Machine) -> None:
    """Every unit of work adds two rows; a copy holds both of them or neither."""

    def unit(tx: Tx) -> None:
        for name in ("a", "b"):
            tx.audit.add(tx.shops.default(), member=None, door="cli", action=name, now=NOW)

    async with shop.store() as store:
        making = asyncio.create_task(asyncio.to_thread(archive, shop))
        await store.write(unit)
        while not making.done():
            await store.write(unit)
        made = await making
    fresh.restore(made, passphrase=PASSPHRASE)
    actions = [row[4] for row in fresh.tables()["audit"]]
    assert actions.count("a") == actions.count("b")


@pytest.mark.parametrize("passphrase", [PASSPHRASE, ""], ids=["sealed", "without key"])
def test_no_secret_lies_open_in_a_backup(shop: Machine, passphrase: str) -> None:
    key = (shop.database.parent / "yuqiao.key").read_text().strip()
    with zipfile.ZipFile(archive(shop, passphrase)) as opened:
        inside = {name: opened.read(name) for name in opened.namelist()}
    blob = b"\n".join(inside.values())
    for secret in (key, "very-secret", "not-for-everybody", PASSPHRASE):
        assert secret.encode() not in blob
    config = inside["config/hub.yml"].decode()
    assert 'password: ""\n' in config
    assert "# 公司的" in config
    assert ("sealed.json" in inside) is bool(passphrase)
    assert not any(name.startswith("pictures/seen") for name in inside)


def test_every_secret_setting_is_blanked_and_nothing_else() -> None:
    """Those that the program itself never prints are secret, and tokens are."""
    lines, secret = [], 0
    for section, model in Settings():
        lines.append(f"{section}:")
        for name, field in type(model).model_fields.items():
            hidden = not field.repr or ("token" in name and field.annotation is str)
            secret += hidden
            value = "db://me:SECRET@host/x" if (section, name) == ("database", "url") else "SECRET"
            lines.append(f"  {name}: {value if hidden else 'open'}-{name}  # stays")
    lines += ["qq:", "  onebot_ws_urls:", "  - ws://a.example/?access_token=SECRET", "  - ws://b"]
    shown = blanked("\n".join(lines))
    assert "SECRET" not in shown
    assert shown.count('""') == secret + 1
    assert shown.count("# stays") == shown.count("open-") + secret
    assert "- ws://b" in shown
    assert blanked("a: [") == ""


async def test_without_its_key_a_backup_comes_back_only_to_whoever_kept_it(
    shop: Machine, fresh: Machine
) -> None:
    made = archive(shop, "")
    with pytest.raises(Invalid) as refused:
        fresh.restore(made)
    assert refused.value.text == words.NEED_KEY
    assert not fresh.database.exists()
    key = (shop.database.parent / "yuqiao.key").read_text()
    done = fresh.restore(made, key=key)
    assert await cookies(fresh) == COOKIES
    assert words.CONFIG_BLANK in done.warnings


def test_a_wrong_passphrase_changes_nothing(shop: Machine, fresh: Machine) -> None:
    made = archive(shop)
    for wish, said in (({"passphrase": "no"}, words.WRONG_PASSPHRASE), ({}, words.NEED_PASSPHRASE)):
        with pytest.raises(Invalid) as refused:
            fresh.restore(made, **wish)
        assert refused.value.text == said
        assert fresh.files() == {}


def test_a_passphrase_that_the_settings_have_since_keeps_nobody_from_his_own_backup(
    shop: Machine, fresh: Machine
) -> None:
    made = archive(shop)
    shop.config.write_text(shop.config.read_text("utf-8") + "backup:\n  passphrase: new\n", "utf-8")
    done = shop.restore(made)  # the key is still here
    assert words.OTHER_PASSPHRASE in done.warnings
    fresh.config.parent.mkdir(parents=True)
    fresh.config.write_text(
        f"database:\n  path: {fresh.database}\nbackup:\n  passphrase: new\n", "utf-8"
    )
    with pytest.raises(Invalid) as refused:
        fresh.restore(made)
    assert refused.value.text == words.NEED_PASSPHRASE


def rewritten(made: Path, name: str, change: Any) -> Path:
    """The archive with one of its files changed; the manifest keeps what it said."""
    other = made.with_name("changed.zip")
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(other, "w") as new:
        for one in old.namelist():
            data = old.read(one)
            new.writestr(one, change(data) if one == name else data)
    return other


def manifest(**fields: Any) -> Any:
    return lambda data: json.dumps({**json.loads(data), **fields}).encode()


def files(made: Path, **more: Any) -> Any:
    with zipfile.ZipFile(made) as opened:
        known = json.loads(opened.read("manifest.json"))["files"]
    return {**known, **more}


def test_what_is_foreign_newer_or_damaged_is_refused_in_one_sentence(
    shop: Machine, fresh: Machine
) -> None:
    made = archive(shop)
    fact = {"size": 3, "sha256": "0" * 64}
    cases = {
        "不是鱼桥的备份": [
            made.with_name("letter.zip"),
            rewritten(made, "manifest.json", manifest(format="x")).rename(made.with_name("o.zip")),
        ],
        "请先升级": [
            rewritten(made, "manifest.json", manifest(version=2)).rename(made.with_name("p.zip")),
            rewritten(made, "manifest.json", manifest(schema="r9999")).rename(
                made.with_name("q.zip")
            ),
        ],
        "已损坏": [
            rewritten(made, "database.db", lambda data: data[:-1] + b"x").rename(
                made.with_name("r.zip")
            ),
            rewritten(made, "manifest.json", manifest(rows={"shops": 5})).rename(
                made.with_name("s.zip")
            ),
            rewritten(
                made, "manifest.json", manifest(files=files(made, **{"config/../../x": fact}))
            ).rename(made.with_name("t.zip")),
            rewritten(
                made, "manifest.json", manifest(files=files(made, **{"config/gone": fact}))
            ).rename(made.with_name("u.zip")),
            made.with_name("half.zip"),
        ],
    }
    made.with_name("letter.zip").write_text("dear friend")
    made.with_name("half.zip").write_bytes(made.read_bytes()[: made.stat().st_size // 2])
    for said, paths in cases.items():
        for path in paths:
            for act in (lambda: verify(path), lambda: fresh.restore(path, passphrase=PASSPHRASE)):  # noqa: B023 - called at once
                with pytest.raises(Invalid) as refused:
                    act()
                assert said in refused.value.text, path
                assert "\n" not in refused.value.text
                assert "什么都没有动" in refused.value.text
    assert fresh.files() == {}
    verify(made)


async def test_a_running_hub_keeps_a_restore_away(shop: Machine) -> None:
    made = archive(shop)
    async with shop.store():
        with pytest.raises(Unavailable) as refused:
            shop.restore(made, passphrase=PASSPHRASE)
    assert "先停下它再恢复" in refused.value.text


async def test_what_is_replaced_is_kept_whole(shop: Machine) -> None:
    made = archive(shop)
    async with shop.store() as store:
        await store.write(
            lambda tx: tx.audit.add(
                tx.shops.default(), member=None, door="cli", action="later", now=NOW
            )
        )
    later = shop.tables()
    shop.config.write_text("web:\n  port: 9\n", "utf-8")
    done = shop.restore(made, passphrase=PASSPHRASE)
    assert done.kept is not None
    assert tables(done.kept / "shop.db") == later
    assert "9" in next((done.kept / "config").iterdir()).read_text("utf-8")
    assert "later" not in [row[4] for row in shop.tables()["audit"]]


def test_only_looking_changes_nothing(shop: Machine) -> None:
    made, before = archive(shop), shop.files()
    done = shop.restore(made, passphrase=PASSPHRASE, do=False)
    assert words.PARTS["database"] in done.parts
    assert shop.files() == before


STEPS = 9
"""Renamings and writings of a restore that replaces everything; the test finds more by itself."""


async def test_a_crash_anywhere_in_a_restore_leaves_the_old_or_the_new(
    shop: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = archive(shop)
    shop.config.write_text("web:\n  port: 9\n", "utf-8")
    async with shop.store() as store:
        await store.write(
            lambda tx: tx.audit.add(
                tx.shops.default(), member=None, door="cli", action="later", now=NOW
            )
        )
    old = shop.tables()
    seen, crashed = set(), True
    moves = [swap._move, swap._persist]
    number = 0
    while crashed:
        number += 1
        here = Machine(tmp_path / f"crash{number}")
        shutil.copytree(shop.folder, here.folder)
        left = [number]

        def dying(real: Any) -> Any:
            def step(*paths: Path) -> None:
                left[0] -= 1  # noqa: B023 - used within the round
                if left[0] == 0:  # noqa: B023
                    raise KeyboardInterrupt
                real(*paths)

            return step

        with monkeypatch.context() as patched:
            for real in moves:
                patched.setattr(swap, real.__name__, dying(real))
            try:
                here.restore(made, passphrase=PASSPHRASE)
                crashed = False
            except KeyboardInterrupt:
                pass
        async with open_store(here.database, now=lambda: NOW):
            pass
        new = {**old, "audit": [row for row in old["audit"] if row[4] != "later"]}
        found = here.tables()
        found["sqlite_sequence"] = old["sqlite_sequence"]
        assert found in (old, new), number
        is_new = found == new
        seen.add(is_new)
        assert ("not-for-everybody" in here.config.read_text("utf-8")) is is_new, number
        assert not list(here.database.parent.glob(".restoring-*"))
        assert not (here.database.parent / "exchange.json").exists()
    assert seen == {True, False}
    assert number > STEPS


async def test_nobody_comes_in_while_an_exchange_is_under_way(shop: Machine) -> None:
    async with shop.store():
        (shop.database.parent / "exchange.json").write_text("[]")
        with pytest.raises(StoreError, match="being restored"):
            async with open_store(shop.database, guest=True):
                pass


def test_a_backup_that_fails_leaves_the_older_ones_and_no_half(
    shop: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.backups.make(NOW - timedelta(days=40), daily=True)
    with closing(sqlite3.connect(shop.database)) as sql:
        sql.execute("PRAGMA writable_schema = ON")
        sql.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'audit'")
        sql.commit()
    with pytest.raises(Refusal):
        shop.backups.make(NOW, daily=True)
    assert [one.path for one in shop.backups.all()] == [first.path]
    assert list(first.path.parent.iterdir()) == [first.path]


def test_daily_backups_go_when_their_time_is_over_and_others_stay(shop: Machine) -> None:
    by_hand = shop.backups.make(NOW - timedelta(days=300))
    of_day = shop.backups.make(NOW - timedelta(days=60), daily=True).path
    for day in range(3, 60, 3):
        at = NOW - timedelta(days=day)
        data = rewritten(of_day, "manifest.json", manifest(made_at=at.isoformat()))
        data.rename(of_day.with_name(f"yuqiao-daily-{at:%Y%m%d-%H%M%S}.zip"))
    shop.backups.make(NOW, daily=True)
    daily = [one for one in shop.backups.all() if one.daily]
    assert len(daily) == 7 + 4
    assert daily[0].at == NOW
    assert by_hand.path.exists()
