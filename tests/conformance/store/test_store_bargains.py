"""Floors and bargains: the nearest floor counts, and nothing is shared between buyers or shops."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from store_stage import Stage, at

from hub.model import AccountId, Bargain, Floor, FloorKind, MessageId, PlatformUser, ShopId

OTHER = ShopId(99)
ITEM = "880011223346"


def floor(value: str, kind: FloorKind = FloorKind.ABSOLUTE) -> Floor:
    return Floor(kind, Decimal(value))


async def test_the_items_own_floor_counts_before_the_accounts_and_the_shops(stage: Stage) -> None:
    shop, account = stage.shop, stage.account.id

    async def counts() -> str | None:
        found = await stage.do(lambda tx: tx.floors.of_item(shop, account, ITEM))
        return None if found is None else str(found.floor.value)

    assert await counts() is None
    percent = floor("10", FloorKind.PERCENT)
    await stage.do(lambda tx: tx.floors.set(shop, None, None, percent, at()))
    assert await counts() == "10"
    await stage.do(lambda tx: tx.floors.set(shop, account, None, floor("5"), at()))
    assert await counts() == "5"
    await stage.do(lambda tx: tx.floors.set(shop, account, ITEM, floor("18.50"), at()))
    assert await counts() == "18.50"
    await stage.do(lambda tx: tx.floors.set(shop, account, ITEM, floor("0"), at()))
    assert await counts() == "0"
    assert await stage.do(lambda tx: tx.floors.clear(shop, account, ITEM))
    assert not await stage.do(lambda tx: tx.floors.clear(shop, account, ITEM))
    assert await counts() == "5"
    assert len(await stage.do(lambda tx: tx.floors.all(shop))) == 2


async def test_another_shop_sees_no_floor_and_no_bargain(stage: Stage) -> None:
    shop, account = stage.shop, stage.account.id
    await stage.do(lambda tx: tx.floors.set(shop, account, ITEM, floor("18"), at()))
    bargain = a_bargain(account)
    await stage.do(lambda tx: tx.bargains.save(shop, bargain))
    assert await stage.do(lambda tx: tx.floors.all(OTHER)) == []
    assert await stage.do(lambda tx: tx.floors.of_item(OTHER, account, ITEM)) is None
    assert not await stage.do(lambda tx: tx.floors.clear(OTHER, account, ITEM))
    found = await stage.do(lambda tx: tx.bargains.get(OTHER, account, bargain.buyer, ITEM))
    assert found is None


async def test_a_bargain_is_kept_per_buyer_and_item_and_read_as_it_was_written(
    stage: Stage,
) -> None:
    shop, account = stage.shop, stage.account.id
    first = a_bargain(account)
    second = replace(first, rounds=2, agreed=Decimal("18.50"), message=MessageId(7))
    other = replace(first, item="880011223345", rounds=9)
    for one in (first, other, second):
        await stage.do(lambda tx, one=one: tx.bargains.save(shop, one))
    for wanted in (second, other):
        found = await stage.do(
            lambda tx, one=wanted: tx.bargains.get(shop, account, one.buyer, one.item)
        )
        assert found == wanted


async def test_floors_and_bargains_go_with_their_account(stage: Stage) -> None:
    shop, account = stage.shop, stage.account.id
    await stage.do(lambda tx: tx.floors.set(shop, account, ITEM, floor("18"), at()))
    await stage.do(lambda tx: tx.floors.set(shop, None, None, floor("9"), at()))
    await stage.do(lambda tx: tx.bargains.save(shop, a_bargain(account)))
    await stage.do(lambda tx: tx.accounts.remove(shop, account))
    assert [one.item for one in await stage.do(lambda tx: tx.floors.all(shop))] == [None]


def a_bargain(account: AccountId) -> Bargain:
    return Bargain(
        account, PlatformUser("3100444455556"), ITEM, 1, at(), None, Decimal("19"), None, at(5)
    )
