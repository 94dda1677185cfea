"""An empty shop beside a database of the original, and everything that may have come over."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.desk import hash_brought_over
from hub.model import Account, ShopId
from hub.ops import ImportFrom, ImportInto, Report, bring_over
from hub.ops.importing import Outcome
from hub.store import Store, Tx
from tests import originals

CAME = (Outcome.CAME, Outcome.ADAPTED)
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


async def fetched(address: str) -> bytes:
    assert address == originals.PICTURE_ADDRESS
    return originals.picture("blue")


def into(store: Store | None) -> ImportInto:
    return ImportInto(store, "cli", lambda: NOW, hash_brought_over, fetched)


@dataclass
class Stage:
    store: Store
    folder: Path
    source: ImportFrom
    shop: ShopId

    async def run(self, *, dry: bool = False, **changed: Any) -> Report:
        return await bring_over(replace(self.source, **changed), into(self.store), dry=dry)

    async def read(self, unit: Any) -> Any:
        return await self.store.read(unit)

    async def account(self, name: str) -> Account:
        accounts: list[Account] = await self.read(lambda tx: tx.accounts.all(self.shop))
        return next(one for one in accounts if one.name == name)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is in the shop's database, by table."""
        return everything_in(self.folder / "hub.db")


def everything_in(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - ours
            for (name,) in names.fetchall()
            if not name.startswith("sqlite_")
        }


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below, with what is in it and when it was changed."""
    return {
        str(file.relative_to(folder)): (file.read_bytes(), file.stat().st_mtime_ns)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def told(report: Report) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for part, lines in report.lines.items():
        for line in lines:
            yield f"{part}: {line.name}", line.outcome.value, line.notes


def notes(report: Report, name: str) -> str:
    """What is said about everything of this name."""
    return " ".join(
        note for which, _, said in told(report) if which.endswith(name) for note in said
    )


async def shop_of(store: Store) -> ShopId:
    return await store.read(lambda tx: tx.shops.default())


def made(tx: Tx, shop: ShopId) -> dict[str, Any]:
    """What a shop has, by what it means rather than by numbers."""
    accounts = {one.id: one.name for one in tx.accounts.all(shop)}
    pools = {one.id: one for one in tx.pools.all(shop)}
    return {
        "members": sorted((m.name, m.role, m.active, m.email) for m in tx.members.all(shop)),
        "accounts": sorted((a.name, a.user, a.enabled) for a in tx.accounts.all(shop)),
        "cookies": sorted(tx.accounts.cookies(shop, id_) for id_ in accounts),
        "rules": [replace(rule, id=0, account=None, pictures=()) for rule in tx.rules.all(shop)],
        "pictures": [[p.name for p in rule.pictures] for rule in tx.rules.all(shop)],
        "pools": sorted((p.name, p.kind, p.enabled, p.text, p.counts) for p in pools.values()),
        "codes": sorted(
            (p.name, card.code)
            for p in pools.values()
            for card in tx.card_records.page(shop, p.id, limit=100_000)
        ),
        "delivery": [
            (
                accounts.get(r.account or 0),
                pools[r.pool].name,
                replace(r, id=0, account=None, pool=0),
            )
            for r in tx.delivery_rules.all(shop)
        ],
        "profiles": sorted((p.name, p.model, p.api_key) for p in tx.ai_profiles.all(shop)),
        "scopes": sorted(
            (accounts[id_], repr(one)) for id_, one in tx.ai_scopes.accounts(shop).items()
        ),
        "floors": [(f.item, f.floor) for f in tx.floors.all(shop)],
        "titles": sorted(tx.items.titles(shop).items()),
        "orders": sorted((o.id, o.status, o.raw_status) for o in tx.orders.recent(shop, 1000)),
        "said": [
            (m.origin, m.state, m.content, m.sent_at)
            for line in tx.conversations.recent(shop, limit=1000, now=NOW)
            for m in tx.messages.of_conversation(shop, line.conversation.id, limit=1000)
        ],
    }


def came(report: Report) -> dict[str, int]:
    return {part.value: number for part in report.counts if (number := report.number(part, *CAME))}
