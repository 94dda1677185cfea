"""A shop with something of everything, on the disk, and a second machine to bring it to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.desk import Desk, Door, Operator
from hub.model import Member, MemberId, PlatformUser, PoolKind, Role, RuleKind
from hub.ops import Backups, Restored, Wish, restore
from hub.settings import Settings, load_settings
from hub.store import Database, Store, Tx, copy_out, open_store

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
PASSPHRASE = "a horse and a staple"
COOKIES = "cookie2=very-secret"
CONFIG = """\
# 我的店
database:
  path: {database}
mail:
  host: mail.invalid   # 公司的
  user: shop@example.org
  password: "not-for-everybody"
ai:
  prompts: {prompts}
bargain:
  forbidden_words: {words}
"""
PICTURE = "a" * 64 + ".png"


@dataclass(frozen=True)
class Machine:
    """One installation: `data`, `config`, `backups` below its folder."""

    folder: Path
    url: str = ""
    """Of a PostgreSQL database; empty: a file."""

    @property
    def config(self) -> Path:
        return self.folder / "config" / "hub.yml"

    @property
    def settings(self) -> Settings:
        values = {
            "DB_PATH": str(self.database),
            **({"YUQIAO_DATABASE__URL": self.url} if self.url else {}),
            "YUQIAO_BACKUP__FOLDER": str(self.folder / "backups"),
            "YUQIAO_AI__PROMPTS": str(self.folder / "config" / "prompts"),
            "YUQIAO_BARGAIN__FORBIDDEN_WORDS": str(self.folder / "config" / "words.txt"),
        }
        if self.config.is_file():
            return load_settings(self.config, values)
        return load_settings(None, values)

    @property
    def database(self) -> Path:
        return self.folder / "data" / "shop.db"

    @property
    def backups(self) -> Backups:
        return Backups(self.settings, self.config)

    def restore(self, archive: Path, *only: str, do: bool = True, **wish: Any) -> Restored:
        wanted = Wish(archive, only, **wish)
        return restore(self.settings, self.config, wanted, now=NOW + timedelta(hours=5), do=do)

    def store(self, **how: Any) -> Any:
        return open_store(Database.chosen(self.settings.database), now=lambda: NOW, **how)

    def tables(self) -> dict[str, list[Any]]:
        if not self.url:
            return tables(self.database)
        copy = self.folder / "copy.db"
        copy.unlink(missing_ok=True)
        copy_out(Database.chosen(self.settings.database), copy)
        return tables(copy)

    def files(self) -> dict[str, bytes]:
        """Everything but backups and what is kept of old files."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and not path.name.endswith((".lock", "-wal", "-shm"))
            and not str(path.relative_to(self.folder)).startswith(("backups", "data/before"))
        }


def tables(database: Path) -> dict[str, list[Any]]:
    """All rows but the word of a restore to the hub that is started after it."""
    with closing(sqlite3.connect(database)) as sql:
        names = [n for (n,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: sql.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(names)}  # noqa: S608
    found["installation"] = [row for row in found["installation"] if row[0] != "rewind"]
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def operator(store: Store, settings: Settings, shop: Any) -> tuple[Desk, Operator]:
    member = Member(MemberId(0), shop, "command line", Role.OWNER)
    return Desk(store, settings, lambda: NOW), Operator(member, Door.CLI)


async def furnish(machine: Machine, *, codes: str = "CODE-1\nCODE-2\nCODE-3") -> None:
    """An account with its login, rules, a pool with cards and a rule that sells them, files."""
    place = machine.folder / "config"
    (place / "prompts").mkdir(parents=True)
    (place / "prompts" / "notes.md").write_text("又短又和气", "utf-8")
    (place / "words.txt").write_text("加微信\n", "utf-8")
    machine.config.write_text(
        CONFIG.format(
            database=machine.database, prompts=place / "prompts", words=place / "words.txt"
        ),
        "utf-8",
    )
    async with machine.store() as store:

        def account(tx: Tx) -> Any:
            return tx.accounts.add(
                tx.shops.default(),
                name="小店",
                user=PlatformUser("2200001"),
                device_id="d",
                cookies=COOKIES,
                takeover_minutes=10,
                now=NOW,
            )

        added = await store.write(account)
        desk, who = operator(store, machine.settings, added.shop)
        await desk.rules.add(who, kind=RuleKind.KEYWORD, keywords=["在吗"], reply="在的")
        await desk.rules.add(
            who, kind=RuleKind.KEYWORD, keywords=["地址"], reply="上海", account=added.id
        )
        await desk.canned.save(who, "地址", "本店在上海")
        pool = await desk.stock.create(who, name="月卡", kind=PoolKind.CODES)
        await desk.restock.add(who, pool.id, codes)
        await desk.delivery_rules.add(who, pool=pool.id, items=["880011223346"])
    for folder in ("stock", "kept", "seen"):
        (machine.database.parent / "pictures" / folder).mkdir(parents=True)
        (machine.database.parent / "pictures" / folder / PICTURE).write_bytes(folder.encode())
