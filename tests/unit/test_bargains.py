"""Bargaining in a conversation: rounds end, prices are remembered, nothing crosses over (L43)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hub.bargains import check_automatic, guard_words, hear_offer, read_words, terms_of
from hub.model import (
    Conversation,
    Floor,
    FloorKind,
    Item,
    MessageId,
    NeedKind,
    PlatformConversation,
    PlatformUser,
    Variant,
)
from hub.policy import Author, BargainMove, HitKind
from hub.settings import BargainSettings
from hub.store import Store, Tx, open_store

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CUP, KEYS = "880011223346", "880011223345"
SETTINGS = BargainSettings()


@dataclass
class Talk:
    store: Store
    now: datetime = NOW
    number: int = 0

    async def with_(self, buyer: str = "31001", item: str = CUP) -> Conversation:
        def unit(tx: Tx) -> Conversation:
            shop = tx.shops.default()
            (account,) = tx.accounts.all(shop)
            return tx.conversations.upsert(
                shop,
                account.id,
                PlatformConversation(f"6{buyer}{item}"),
                buyer=PlatformUser(buyer),
                buyer_name="小林",
                item_id=item,
                at=NOW,
            )

        return await self.store.write(unit)

    async def says(
        self, of: Conversation, text: str, *, again: bool = False
    ) -> tuple[BargainMove, Decimal | None] | None:
        self.number += not again
        message, now = MessageId(self.number), self.now
        heard = await self.store.write(lambda tx: hear_offer(tx, of, text, message, SETTINGS, now))
        return None if heard is None else (heard.verdict.move, heard.verdict.price)

    async def checked(
        self, of: Conversation, text: str, author: Author = Author.MODEL
    ) -> list[HitKind]:
        hits = await self.store.read(
            lambda tx: check_automatic(
                tx, of, text, guard_words(tx, of.shop), SETTINGS, self.now, author=author
            )
        )
        return [hit.kind for hit in hits]

    async def needs(self, of: Conversation) -> list[NeedKind]:
        found = await self.store.read(lambda tx: tx.needs.all_open(of.shop))
        return [one.kind for one in found]


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    def shop(tx: Tx) -> None:
        shop = tx.shops.default()
        account = tx.accounts.add(
            shop,
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=1",
            takeover_minutes=10,
            now=NOW,
        )
        for id_ in (CUP, KEYS):
            item = Item(id_, "手冲咖啡壶", price=Decimal(100), highest_price=Decimal(100))
            tx.items.save(shop, account.id, item, NOW)
        tx.floors.set(shop, None, None, Floor(FloorKind.PERCENT, Decimal(30)), NOW)

    async with open_store(tmp_path / "hub.db") as store:
        await store.write(shop)
        yield Talk(store)


async def test_each_buyer_and_item_has_rounds_of_its_own_that_are_forgotten(talk: Talk) -> None:
    lin, keys, qi = await talk.with_(), await talk.with_(item=KEYS), await talk.with_("31002")
    named = [await talk.says(lin, "便宜点") for _ in range(4)]
    assert [one and one[1] for one in named] == [
        Decimal(90),
        Decimal(80),
        Decimal(70),
        Decimal(100),
    ]
    for other in (keys, qi):
        assert await talk.says(other, "便宜点") == (BargainMove.COUNTER, Decimal(90))
    talk.now += timedelta(hours=24)
    assert await talk.says(lin, "便宜点") == (BargainMove.COUNTER, Decimal(90))


async def test_a_message_that_is_heard_again_is_no_further_round(talk: Talk) -> None:
    lin = await talk.with_()
    await talk.says(lin, "便宜点")
    for _ in range(5):
        await talk.says(lin, "便宜点", again=True)
    assert await talk.says(lin, "便宜点") == (BargainMove.COUNTER, Decimal(80))


async def test_an_accepted_price_holds_for_this_buyer_only(talk: Talk) -> None:
    lin, qi = await talk.with_(), await talk.with_("31002")
    assert await talk.says(lin, "75行吗") == (BargainMove.ACCEPT, Decimal(75))
    assert await talk.says(lin, "70行吗") == (BargainMove.REFUSE, Decimal(75))
    assert await talk.says(qi, "72行吗") == (BargainMove.ACCEPT, Decimal(72))
    assert await talk.needs(lin) == []


async def test_many_low_offers_of_a_buyer_are_one_matter_for_a_person(talk: Talk) -> None:
    lin = await talk.with_()
    for text in ("50卖吗", "55呢", "60"):
        found = await talk.says(lin, text)
        assert found is not None
        assert found[0] is BargainMove.ASK_PERSON
    assert await talk.needs(lin) == [NeedKind.OFFER]
    (need,) = await talk.store.read(lambda tx: tx.needs.all_open(lin.shop))
    assert "买家出 60 元" in need.detail
    old = await talk.store.read(lambda tx: tx.needs.by_number(lin.shop, 1))
    assert old is not None
    assert old.resolution == "买家又出了新的价"
    # What came later and was refused, or named no price, is not what a person agrees to.
    for text in ("30吧", "便宜点"):
        await talk.says(lin, text)
    assert lin.buyer is not None
    bargain = await talk.store.read(
        lambda tx: tx.bargains.get(lin.shop, lin.account, lin.buyer, CUP)  # type: ignore[arg-type]
    )
    assert bargain is not None
    assert bargain.offered == Decimal(60)


async def test_an_offer_that_is_high_enough_settles_what_waited_for_a_person(talk: Talk) -> None:
    lin = await talk.with_()
    await talk.says(lin, "50卖吗")
    await talk.says(lin, "50卖吗", again=True)
    assert len(await talk.needs(lin)) == 1
    await talk.says(lin, "那80")
    assert await talk.needs(lin) == []


async def test_asking_for_free_postage_is_no_round(talk: Talk) -> None:
    lin = await talk.with_()
    for _ in range(4):
        assert await talk.says(lin, "包邮吗") == (BargainMove.REFUSE, Decimal(100))
    assert await talk.says(lin, "便宜点") == (BargainMove.COUNTER, Decimal(90))


async def test_other_talk_changes_nothing(talk: Talk) -> None:
    lin = await talk.with_()
    for text in ("在吗", "256G的有吗", "", "多少钱"):
        assert await talk.says(lin, text) is None
    assert await talk.says(lin, "便宜点") == (BargainMove.COUNTER, Decimal(90))


async def test_a_model_is_held_to_the_floor_and_an_owner_is_not(talk: Talk) -> None:
    lin = await talk.with_()
    assert await talk.checked(lin, "70给您") == []
    assert await talk.checked(lin, "69给您，加微信") == [HitKind.CONTACT, HitKind.PRICE]
    assert await talk.checked(lin, "69给您，加微信", Author.OWNER) == []


async def test_an_item_with_several_prices_is_left_to_a_person(talk: Talk) -> None:
    lin = await talk.with_()
    prices = (Decimal(20), Decimal(45))
    variants = tuple(Variant(str(n), (("套餐", str(n)),), p, 1) for n, p in enumerate(prices))
    item = Item(CUP, "会员", price=prices[0], highest_price=prices[1], variants=variants)
    await talk.store.write(lambda tx: tx.items.save(lin.shop, lin.account, item, NOW))
    terms = await talk.store.read(lambda tx: terms_of(tx, lin.shop, lin.account, CUP))
    assert (terms.listed, terms.prices) == (None, prices)
    assert await talk.says(lin, "15卖吗") == (BargainMove.ASK_PERSON, None)
    assert await talk.checked(lin, "月卡 20 元，季卡 45 元") == []
    assert await talk.checked(lin, "月卡 19 元") == [HitKind.PRICE]


async def test_an_item_that_nobody_has_read_is_promised_nothing(talk: Talk) -> None:
    lin = await talk.with_(item="404")
    assert await talk.says(lin, "便宜点") == (BargainMove.ASK_PERSON, None)
    assert await talk.checked(lin, "18给您") == [HitKind.PRICE]
    assert await talk.checked(lin, "在的，拍下自动发货") == []


def test_words_of_the_installation_need_not_be_there_but_have_to_be_text(tmp_path: Path) -> None:
    file = tmp_path / "forbidden.txt"
    assert read_words(file) == ""
    file.write_text("甲乙\n", "utf-8")
    assert read_words(file) == "甲乙\n"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnicodeDecodeError):
        read_words(file)
