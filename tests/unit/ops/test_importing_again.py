"""Doing it again changes nothing, a dry run writes nothing, and what was cut short is ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.delivery import was_left_alone
from hub.errors import Invalid
from hub.model import Cause, Order, OrderStatus, PlatformUser
from hub.ops import bring_over, in_words
from hub.store import Store, Tx, open_store
from tests import originals
from tests.unit.ops.import_stage import NOW, Stage, came, into, made, notes, shop_of, snapshot, told


async def test_a_second_run_changes_nothing_whatever_people_did_since(stage: Stage) -> None:
    await stage.run()

    def by_people(tx: Tx) -> None:
        rules = tx.rules.all(stage.shop)
        tx.rules.remove(stage.shop, rules[0].id)
        tx.rules.save(replace(rules[1], reply="改过了", enabled=False))
        pool = tx.pools.by_name(stage.shop, "网盘")
        assert pool is not None
        tx.pools.remove(stage.shop, pool.id, NOW)
        account = next(a for a in tx.accounts.all(stage.shop) if a.name == "other")
        tx.accounts.rename(stage.shop, account.id, "小李的店")

    await stage.store.write(by_people)
    before = stage.rows()

    report = await stage.run()

    assert came(report) == {}
    assert stage.rows() == before
    assert "没有新的东西" in in_words(report)


async def test_a_whole_copy_after_a_damaged_one_brings_nothing_twice(stage: Stage) -> None:
    """Its first user, by whom an installation is known, cannot be read in the damaged one; a user's
    backup does not name it either."""
    rows = originals.furnished()
    rows["users"] = []
    await stage.run(path=originals.write_original(stage.folder / "damaged.db", rows=rows))
    before = await stage.read(lambda tx: made(tx, stage.shop))

    report = await stage.run()

    assert came(report) == {"members": 2}
    after = await stage.read(lambda tx: made(tx, stage.shop))
    assert after == {**before, "members": after["members"]}
    assert came(await stage.run(path=stage.folder / "damaged.db")) == {}


async def test_cards_that_the_original_sold_after_the_import_are_named(stage: Stage) -> None:
    """Both would give the same card to different buyers."""
    await stage.run()
    pool = await stage.read(lambda tx: tx.pools.by_name(stage.shop, "月卡卡密"))

    def by_people(tx: Tx) -> None:
        by = Cause(None, "web")
        batch = tx.card_records.new_batch(stage.shop, pool.id, "自己补的", by=by, now=NOW)
        tx.cards.add(stage.shop, pool.id, ["OWN-1"], batch=batch, now=NOW)

    await stage.store.write(by_people)
    rows = originals.furnished()
    rows["cards"] = [{**rows["cards"][0], "data_content": originals.CODES[1]}]
    later = originals.write_original(stage.folder / "later.db", rows=rows)

    report = await stage.run(path=later)

    (told_of,) = [one for one in report.todo if "又卖出去" in one]
    assert told_of.startswith("「月卡卡密」有 1 张")
    assert originals.CODES[0] not in told_of
    available = await stage.read(lambda tx: tx.pools.get(stage.shop, pool.id).counts.available)
    assert available == 3


async def test_what_the_original_did_meanwhile_is_told_and_its_orders_stay_its_own(
    stage: Stage,
) -> None:
    """Back to the original for a day, and over here again: an order that was only heard of here may
    have been delivered there."""
    await stage.run()
    account = await stage.account("数码小店")
    order = Order("4400000000000000009", OrderStatus.PAID, "已付款", item_id=originals.ITEM)

    def left_alone(tx: Tx) -> bool:
        known = tx.orders.get(stage.shop, account.id, order.id)
        return known is not None and was_left_alone(tx, known)

    await stage.store.write(
        lambda tx: tx.orders.save(stage.shop, account.id, order, conversation=None, now=NOW)
    )
    rows = originals.furnished()
    stock = {**rows["cards"][0], "data_content": "\n".join([*originals.CODES, "NEW-1", "NEW-2"])}
    rows["cards"] = [stock]
    rows["orders"].append({**rows["orders"][0], "order_id": order.id})
    later = originals.write_original(stage.folder / "later.db", rows=rows)

    report = await stage.run(path=later)

    assert came(report) == {"orders": 1}
    assert await stage.read(left_alone)
    assert "有 2 张这里没有" in notes(report, "月卡卡密")
    assert came(await stage.run(path=later)) == {}


async def test_a_dry_run_says_the_same_and_writes_nothing(stage: Stage) -> None:
    before = stage.rows()
    dry = await stage.run(dry=True)
    assert stage.rows() == before
    assert not (stage.folder / "pictures").exists()

    real = await stage.run()

    assert dry.counts == real.counts
    assert sorted(told(dry)) == sorted(told(real))
    assert (dry.todo, dry.settings, dry.secrets) == (real.todo, real.settings, real.secrets)
    again = await stage.run(dry=True)
    assert came(again) == {}


async def test_a_dry_run_needs_no_database(stage: Stage) -> None:
    report = await bring_over(stage.source, into(None), dry=True)
    assert report.counts == (await stage.run(dry=True)).counts


async def test_cut_short_at_any_unit_of_work_the_next_run_ends_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every write fails once, one after the other; then everything is there, and once."""
    whole = Store.write
    async with open_store(tmp_path / "whole.db", now=lambda: NOW) as store:
        await bring_over(stage.source, into(store), dry=False)
        shop = await shop_of(store)
        expected = await store.read(lambda tx: made(tx, shop))
    cuts = 0

    async def cut(self: Store, unit: Any) -> Any:
        nonlocal cuts, left
        if left == 0:
            cuts += 1
            raise ConnectionAbortedError("the power is gone")
        left -= 1
        return await whole(self, unit)

    monkeypatch.setattr(Store, "write", cut)
    allowed = 0
    while True:
        left = allowed
        try:
            await stage.run()
            break
        except ConnectionAbortedError:
            allowed += 1
    monkeypatch.undo()

    assert cuts >= 5
    assert await stage.read(lambda tx: made(tx, stage.shop)) == expected


async def test_the_source_is_never_changed_nor_what_lies_beside_it(
    stage: Stage, tmp_path: Path
) -> None:
    """The rows of a program that was killed are in the log, and are read from there."""
    folder = tmp_path / "killed"
    folder.mkdir()
    path = originals.left_by_a_killed_program(folder / "xianyu_data.db")
    before = snapshot(folder)
    assert len(before) == 2

    report = await stage.run(path=path)

    assert came(report)["accounts"] == 2
    assert snapshot(folder) == before


async def test_rules_for_an_account_that_runs_here_do_not_begin_to_speak(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.accounts.add(
            stage.shop,
            name="我的店",
            user=PlatformUser(originals.SELLER),
            device_id="d",
            cookies="unb=1; cookie2=newer",
            takeover_minutes=5,
            now=NOW,
        )

    await stage.store.write(unit)

    report = await stage.run()

    account = await stage.account("我的店")
    assert (account.enabled, account.takeover_minutes) == (True, 5)
    cookies = await stage.read(lambda tx: tx.accounts.cookies(stage.shop, account.id))
    assert cookies == "unb=1; cookie2=newer"
    rules = await stage.read(lambda tx: tx.rules.all(stage.shop))
    assert len(rules) > 5
    assert not [rule for rule in rules if rule.enabled]
    assert "正在运行" in notes(report, "shop1 · 在吗")


async def test_only_one_users_things_come_when_asked_for(stage: Stage) -> None:
    report = await stage.run(only=frozenset({"xiaoli"}))
    have = await stage.read(lambda tx: made(tx, stage.shop))
    assert [name for name, *_ in have["members"]] == ["xiaoli"]
    assert [name for name, *_ in have["accounts"]] == ["other"]
    assert [name for name, *_ in have["pools"]] == ["小李的卡"]
    assert "没有选" in notes(report, "shop1")
    with pytest.raises(Invalid, match="没有用户「nobody」"):
        await stage.run(only=frozenset({"nobody"}))
