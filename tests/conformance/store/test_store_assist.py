"""AI in the store: keys sealed, settings by place, budgets that hold while answers come."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from cards_stage import add_pool, restock
from store_stage import Stage, at

from hub.errors import Conflict
from hub.model import (
    AiLimits,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    AiSettings,
    AiTrouble,
    AiTry,
    AiUse,
    Hours,
    Intent,
    Order,
    OrderStatus,
    OrderUnit,
    PlatformUser,
    ShopId,
)
from hub.store import Tx
from hub.store.assist import KEPT
from hub.store.sql import Statement

OTHER = ShopId(99)


def profile(stage: Stage, name: str = "甲", **more: object) -> AiProfile:
    fields = {
        "id": AiProfileId(0),
        "shop": stage.shop,
        "name": name,
        "base_url": "https://api.example.com/v1",
        "model": "m",
        "api_key": "sk-secret",
    }
    return AiProfile(**{**fields, **more})  # type: ignore[arg-type]


def one_try(calls: int = 1, tokens: int = 10, trouble: AiTrouble | None = None) -> AiTry:
    return AiTry(AiProfileId(1), "甲", calls, tokens, tokens, 0.1, trouble)


async def test_a_profile_comes_back_as_it_was_written(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        second = tx.ai_profiles.add(profile(stage, "乙", position=2), at())
        first = tx.ai_profiles.add(
            profile(
                stage,
                account=stage.account.id,
                position=1,
                timeout_seconds=12.5,
                sees_pictures=True,
                allow_private=True,
                enabled=False,
            ),
            at(),
        )
        assert tx.ai_profiles.all(stage.shop) == [first, second]
        assert tx.ai_profiles.any_enabled(stage.shop)
        assert not tx.ai_profiles.any_enabled(OTHER)
        assert tx.ai_profiles.get(stage.shop, first.id) == first
        assert tx.ai_profiles.get(OTHER, first.id) is None
        changed = replace(first, name="丙", api_key="sk-new", enabled=True)
        assert tx.ai_profiles.save(changed)
        assert tx.ai_profiles.get(stage.shop, first.id) == changed
        assert not tx.ai_profiles.save(replace(changed, shop=OTHER))
        assert not tx.ai_profiles.remove(OTHER, first.id)
        assert tx.ai_profiles.remove(stage.shop, first.id)
        assert tx.ai_profiles.all(stage.shop) == [second]

    await stage.do(unit)


async def test_two_profiles_of_a_shop_have_two_names(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.ai_profiles.add(profile(stage), at())
        second = tx.ai_profiles.add(profile(stage, "乙"), at())
        with pytest.raises(Conflict):
            tx.ai_profiles.add(profile(stage), at())
        with pytest.raises(Conflict):
            tx.ai_profiles.save(replace(second, name="甲"))

    await stage.do(unit)


async def test_a_key_lies_sealed(stage: Stage) -> None:
    await stage.do(lambda tx: tx.ai_profiles.add(profile(stage), at()))
    look = Statement("SELECT api_key FROM ai_profiles WHERE shop_id = :shop")
    sealed = await stage.store.read(lambda tx: tx.ai_profiles._sql.value(look, shop=stage.shop))
    assert sealed
    assert "secret" not in sealed


async def test_settings_are_those_of_the_place_that_was_asked_for(stage: Stage) -> None:
    shop = AiScope(
        AiMode.AUTOMATIC, ((Intent.CHAT, AiMode.DRAFT),), (Hours(time(1), time(2, 30)),), "店", "礼"
    )
    limits = AiLimits(1, 2, 3, 4, 5, 6)
    account, item = AiScope(AiMode.OFF), AiScope(hours=(), knowledge="货")

    def unit(tx: Tx) -> None:
        assert tx.ai_scopes.settings(stage.shop) == AiSettings()
        tx.ai_scopes.set_shop(stage.shop, shop, limits, at())
        tx.ai_scopes.set_account(stage.shop, stage.account.id, account, at())
        tx.ai_scopes.set_item(stage.shop, "900100200300", item, at())
        found = tx.ai_scopes.settings(stage.shop, stage.account.id, "900100200300")
        assert found == AiSettings(shop, account, item, limits)
        assert tx.ai_scopes.settings(stage.shop) == AiSettings(shop, limits=limits)
        assert tx.ai_scopes.settings(stage.shop, None, "900") == AiSettings(shop, limits=limits)
        assert tx.ai_scopes.settings(OTHER, stage.account.id, "900100200300") == AiSettings()
        assert tx.ai_scopes.accounts(stage.shop) == {stage.account.id: account}
        assert tx.ai_scopes.items(stage.shop) == {"900100200300": item}
        tx.ai_scopes.set_item(stage.shop, "900100200300", AiScope(), at())
        assert tx.ai_scopes.items(stage.shop) == {}
        tx.ai_scopes.set_shop(stage.shop, AiScope(), limits, at())
        assert tx.ai_scopes.settings(stage.shop) == AiSettings(limits=limits)

    await stage.do(unit)


async def test_a_call_counts_before_it_is_made_and_exactly_afterwards(stage: Stage) -> None:
    talk = stage.conversation.id

    def unit(tx: Tx) -> None:
        use = tx.ai_uses.begin(stage.shop, stage.account.id, talk, at())
        assert tx.ai_uses.of_shop(stage.shop, at(-1)) == AiUse(1, 0)
        assert tx.ai_uses.of_conversation(stage.shop, talk, at(-1)) == AiUse(1, 0)
        for _ in range(2):  # after a crash it is concluded again
            tx.ai_uses.end(
                stage.shop,
                use,
                [one_try(2, 10, AiTrouble.TIMEOUT), one_try(1, 5)],
                account=stage.account.id,
                conversation=talk,
            )
        assert tx.ai_uses.of_shop(stage.shop, at(-1)) == AiUse(3, 30)
        assert tx.ai_uses.of_conversation(stage.shop, talk, at(-1)) == AiUse(3, 30)
        assert tx.ai_uses.by_outcome(stage.shop, at(-1)) == [
            (1, "answered", AiUse(1, 10)),
            (1, "timeout", AiUse(2, 20)),
        ]
        assert tx.ai_uses.of_shop(stage.shop, at(1)) == AiUse()
        assert tx.ai_uses.of_shop(OTHER, at(-1)) == AiUse()

    await stage.do(unit)


async def test_a_call_that_never_ended_stays_counted_and_old_ones_are_forgotten(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        tx.ai_uses.begin(stage.shop, stage.account.id, None, at())
        later = at() + KEPT
        tx.ai_uses.begin(stage.shop, None, None, later)
        assert tx.ai_uses.of_shop(stage.shop, at(-1)) == AiUse(2, 0)
        tx.ai_uses.begin(stage.shop, None, None, later + timedelta(seconds=1))
        assert tx.ai_uses.of_shop(stage.shop, at(-1)) == AiUse(2, 0)

    await stage.do(unit)


async def test_the_codes_of_a_buyer_are_those_of_his_orders(stage: Stage) -> None:
    buyer, stranger = PlatformUser("3100444455556"), PlatformUser("3100444455557")

    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A-1", "A-2", "A-3"])
        for number, who in (("4400112233445566001", buyer), ("4400112233445566002", stranger)):
            page = Order(number, OrderStatus.PAID, "待发货", buyer=who)
            tx.orders.save(stage.shop, stage.account.id, page, conversation=None, now=at())
            piece = OrderUnit(stage.account.id, number, 1)
            assert tx.cards.reserve(stage.shop, pool.id, piece, 1, now=at())
        ours = (stage.shop, stage.account.id, buyer)
        assert tx.cards.codes_of_buyer(*ours) == ["A-1"]
        assert tx.cards.codes_of_buyer(stage.shop, stage.account.id, stranger) == ["A-2"]
        assert tx.cards.codes_of_buyer(OTHER, stage.account.id, buyer) == []

    await stage.do(unit)
