"""Items: a cache that keeps prices exact and lists whole."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from store_stage import Stage, at

from hub.model import Item, ListedItem, Picture, ShopId, Variant
from hub.store import Tx

PAGE = Item(
    "880011223344",
    "视频会员月卡",
    description="自动发货",
    price=Decimal("12.80"),
    highest_price=Decimal("34.80"),
    quantity=3,
    on_sale=True,
    pictures=(Picture("https://img.alicdn.com/a.jpg"),),
    variants=(
        Variant("1", (("套餐", "月卡"),), Decimal("12.80"), 99),
        Variant("2", (("套餐", "季卡"), ("颜色", "红")), None, None),
    ),
)


def line(id_: str, title: str = "咖啡壶", price: str | None = "45.00") -> ListedItem:
    amount = None if price is None else Decimal(price)
    return ListedItem(id_, title, amount, amount, True, None)


async def test_an_items_page_comes_back_as_it_was(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.items.save(stage.shop, stage.account.id, PAGE, at(1))
        known = tx.items.get(stage.shop, PAGE.id)
        assert known is not None
        assert known.item == PAGE
        assert (known.account, known.read_at) == (stage.account.id, at(1))
        changed = replace(PAGE, price=None, highest_price=None, variants=(), on_sale=None)
        tx.items.save(stage.shop, stage.account.id, changed, at(2))
        known = tx.items.get(stage.shop, PAGE.id)
        assert known is not None
        assert (known.item, known.read_at) == (changed, at(2))
        assert tx.items.get(ShopId(stage.shop + 1), PAGE.id) is None

    await stage.do(unit)


async def test_a_list_replaces_the_list_before_it(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        here = (stage.shop, stage.account.id)
        tx.items.save_list(*here, [line("1"), line("2"), line("3")], at(1))
        tx.items.save_list(*here, [line("3"), line("1", "改名", None)], at(2))
        listed = tx.items.listed(*here)
        assert [(one.item.id, one.item.title) for one in listed] == [("3", "咖啡壶"), ("1", "改名")]
        assert listed[1].item.price is None
        gone = tx.items.get(stage.shop, "2")
        assert gone is not None
        assert gone.item.on_sale is False

    await stage.do(unit)


async def test_the_cents_of_variants_are_not_replaced_by_the_words_of_a_list(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        here = (stage.shop, stage.account.id)
        tx.items.save(*here, PAGE, at(1))
        tx.items.save_list(*here, [line(PAGE.id, "新标题", "9.90")], at(2))
        known = tx.items.get(stage.shop, PAGE.id)
        assert known is not None
        assert (known.item.title, known.item.price) == ("新标题", Decimal("12.80"))
        assert known.item.pictures == PAGE.pictures
        assert known.read_at == at(1)

    await stage.do(unit)


async def test_conversations_learn_the_name_of_their_item(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        here = (stage.shop, stage.account.id, stage.conversation.platform_id)
        tx.conversations.upsert(*here, item_id=PAGE.id, at=at(9))
        tx.conversations.name_item(stage.shop, PAGE.id, PAGE.title)
        found = tx.conversations.get(stage.shop, stage.conversation.id)
        assert found is not None
        assert found.item_title == PAGE.title

    await stage.do(unit)
