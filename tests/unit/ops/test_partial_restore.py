"""Parts of a backup come back alone, and never a card that may have been given out since."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from backup_stage import NOW, PASSPHRASE, Machine, operator

from hub.errors import Invalid
from hub.model import AccountId, CardState, OrderUnit, PoolKind, RuleKind
from hub.store import Tx
from hub.text import backups as words


async def cards(machine: Machine) -> dict[str, str]:
    return {row[3]: row[4] for row in machine.tables()["cards"]}


async def test_rules_and_canned_answers_become_those_of_the_backup_and_nothing_else_changes(
    shop: Machine, made: Path
) -> None:
    before = shop.tables()
    async with shop.store() as store:
        desk, who = operator(store, shop.settings, await store.read(lambda tx: tx.shops.default()))
        for rule in await desk.rules.all(who):
            await desk.rules.remove(who, rule.id)
        await desk.rules.add(who, kind=RuleKind.KEYWORD, keywords=["新的"], reply="新")
        await desk.canned.save(who, "地址", "搬家了")
        version = await store.read(lambda tx: tx.rules.version(who.shop))
    later = shop.tables()
    done = shop.restore(made, "rules", "canned")
    now = shop.tables()
    assert (now["rules"], now["canned_answers"]) == (before["rules"], before["canned_answers"])
    changed = {name for name in now if now[name] != later[name]}
    assert changed <= {"rules", "canned_answers", "shops", "audit", "sqlite_sequence"}
    assert now["shops"][0][3] != version
    assert "回复规则 2 条" in done.parts
    assert max(now["audit"])[4:6] == ("backup.restore", "rules canned")
    assert done.kept is not None
    assert (done.kept / "shop.db").is_file()


async def test_a_card_that_was_sold_since_stays_sold(shop: Machine, made: Path) -> None:
    async with shop.store() as store:
        desk, who = operator(store, shop.settings, await store.read(lambda tx: tx.shops.default()))
        (line,) = await desk.stock.overview(who)
        pool = line.pool

        def sell(tx: Tx) -> None:
            unit = OrderUnit(AccountId(1), "4400112233445566778", 1)
            tx.cards.reserve(pool.shop, pool.id, unit, 1, now=NOW)
            tx.cards.hand_over(pool.shop, unit, now=NOW)

        await store.write(sell)
        await desk.stock.change(who, pool.id, name="改了名", low_at=5)
    shop.restore(made, "pools")
    assert await cards(shop) == {
        "CODE-1": CardState.HANDED_OVER,
        "CODE-2": CardState.AVAILABLE,
        "CODE-3": CardState.AVAILABLE,
    }
    async with shop.store() as store:
        (pool,) = await store.read(lambda tx: tx.pools.all(tx.shops.default()))
    assert (pool.name, pool.low_at, pool.enabled) == ("月卡", 0, True)
    assert (pool.counts.available, pool.counts.handed_over) == (2, 1)


async def test_pools_that_come_to_another_shop_wait_for_a_person(
    tmp_path: Path, made: Path
) -> None:
    """Nobody knows there what was sold after the backup."""
    other = Machine(tmp_path / "other")
    async with other.store() as store:
        desk, who = operator(store, other.settings, await store.read(lambda tx: tx.shops.default()))
        taken = await desk.stock.create(who, name="季卡", kind=PoolKind.CODES)
        await desk.restock.add(who, taken.id, "CODE-3")
    done = other.restore(made, "pools", "delivery-rules", "rules")
    assert words.POOLS_OFF in done.warnings
    assert "回复规则 1 条，没有恢复 1 条：账号「小店」现在没有" in done.parts
    async with other.store() as store:
        pools = await store.read(lambda tx: tx.pools.all(tx.shops.default()))
        rules = await store.read(lambda tx: tx.delivery_rules.all(tx.shops.default()))
    by_name: dict[str, Any] = {one.name: one for one in pools}
    assert (by_name["月卡"].enabled, by_name["月卡"].counts.available) == (False, 2)
    assert (by_name["季卡"].enabled, by_name["季卡"].counts.available) == (True, 1)
    assert [one.pool for one in rules] == [by_name["月卡"].id]


def test_parts_of_a_database_need_one_to_go_into(tmp_path: Path, made: Path) -> None:
    fresh = Machine(tmp_path / "fresh")
    for only, said in (
        (("rules",), "不能只恢复一部分"),
        (("database", "rules"), words.WHOLE_AND_PART),
        (("nonsense",), "没有叫「nonsense」的部分"),
    ):
        with pytest.raises(Invalid) as refused:
            fresh.restore(made, *only)
        assert said in refused.value.text
    assert fresh.files() == {}


def test_configuration_and_pictures_come_back_alone(shop: Machine, made: Path) -> None:
    before = shop.files()
    shop.config.write_text("web:\n  port: 9\n", "utf-8")
    (shop.folder / "config" / "words.txt").unlink()
    shutil.rmtree(shop.database.parent / "pictures" / "stock")
    shop.restore(made, "config", "pictures", passphrase=PASSPHRASE)
    after = shop.files()
    assert after == before
