"""Rules for notices: by the tag of a buyer, and to mailboxes besides the chat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from people_stage import BOSS, LI, Shop, open_shop

from hub.desk.people import People
from hub.errors import Invalid
from hub.model import (
    Group,
    NoticeKind,
    Order,
    OrderStatus,
    OrderUnit,
    PoolKind,
    Route,
    SendMail,
    Urgent,
    UrgentNews,
    mail_lane,
)
from hub.notices import tell_owners

MAILBOX = "li@example.com"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


async def mailed(shop: Shop) -> list[tuple[Urgent, str]]:
    def unit(tx: Any) -> Any:
        lanes = (
            mail_lane(MAILBOX),
            mail_lane(MAILBOX, unless_told=True),
            mail_lane(MAILBOX, ordinary=True),
        )
        return [task for lane in lanes for task in tx.outbox.waiting(shop.account.shop, lane)]

    works = [task.work for task in await shop.store.read(unit)]
    return [(p.kind, p.text) for one in works if isinstance(one, SendMail) for p in one.parts]


async def test_a_rule_for_a_tag_is_for_buyers_who_have_it(shop: Shop) -> None:
    await shop.desk.people.add_route(shop.as_boss, Route(tag="老客", members=(shop.li.id,)))
    await shop.buyer_says("在吗")
    assert await shop.told() == [(BOSS, "在吗")]
    await shop.write(BOSS, f"/标签 #{shop.lin.ticket} 老客")
    await shop.buyer_says("又来了")
    assert await shop.told() == [(LI, "又来了")]
    shop.wait(minutes=5)
    assert [peer for peer, _ in await shop.work()] == [LI]
    view = await shop.desk.people.view(shop.as_boss)
    assert [one.text for one in view.routes] == ["标签「老客」的所有通知：发给 小李"]


async def test_a_mailbox_gets_what_its_rule_says_and_the_chat_gets_it_as_well(shop: Shop) -> None:
    await shop.desk.members.change(shop.as_boss, shop.li.id, email=MAILBOX)
    people = People(shop.store, lambda: shop.now, ZoneInfo("Asia/Shanghai"), mails=True)
    await people.add_route(shop.as_boss, Route(mailed=(shop.li.id,)))
    await shop.buyer_says("在吗")
    assert await shop.told() == [(BOSS, "在吗")]
    assert await mailed(shop) == [(Urgent.MESSAGE, "在吗")]
    view = await people.view(shop.as_boss)
    assert [one.text for one in view.routes] == ["所有通知：发给 小李的邮箱"]


async def test_a_card_that_a_buyer_quotes_shows_in_no_group_and_in_no_mail(shop: Shop) -> None:
    await shop.desk.members.change(shop.as_boss, shop.li.id, email=MAILBOX)
    people = People(shop.store, lambda: shop.now, ZoneInfo("Asia/Shanghai"), mails=True)
    await people.add_group(shop.as_boss, Group("777001"))
    await people.add_route(
        shop.as_boss, Route(members=(shop.boss.id,), groups=("777001",), mailed=(shop.li.id,))
    )

    def unit(tx: Any) -> None:
        owned, account = shop.account.shop, shop.account.id
        pool = tx.pools.add(owned, name="月卡", kind=PoolKind.CODES, now=shop.now)
        tx.cards.add(owned, pool.id, ["KEY-7788"], batch=None, expires_at=None, now=shop.now)
        page = Order("4400112233445566001", OrderStatus.SHIPPED, "", buyer=shop.lin.buyer)
        tx.orders.save(owned, account, page, conversation=None, now=shop.now)
        piece = OrderUnit(account, page.id, 1)
        tx.cards.reserve(owned, pool.id, piece, 1, now=shop.now)
        tx.cards.hand_over(owned, piece, now=shop.now)

    await shop.store.write(unit)
    await shop.buyer_says("key-7788 用不了")
    hidden = "[发货内容] 用不了"
    assert await shop.told() == [(BOSS, "key-7788 用不了"), ("777001", hidden)]
    assert await mailed(shop) == [(Urgent.MESSAGE, hidden)]


async def test_what_is_urgent_is_not_mailed_twice_because_a_rule_mails_it(shop: Shop) -> None:
    await shop.desk.members.change(shop.as_boss, shop.li.id, email=MAILBOX)
    people = People(shop.store, lambda: shop.now, ZoneInfo("Asia/Shanghai"), mails=True)
    await people.add_route(shop.as_boss, Route((NoticeKind.NEED,), mailed=(shop.li.id,)))
    kind, now = NoticeKind.NEED, shop.now

    def unit(tx: Any) -> None:
        for step in (0, 2):
            news, key = UrgentNews(Urgent.NEED, step, f"有事 {step}"), f"need:{step}"
            tell_owners(tx, shop.lin, "有事 1 发货", key=key, now=now, kind=kind, urgent=news)

    await shop.store.write(unit)
    assert await mailed(shop) == [(Urgent.NEED, "有事 0"), (Urgent.NEED, "有事 2")]


@pytest.mark.parametrize("why", ["no server", "no address", "does not want mail"])
async def test_a_mailbox_that_cannot_be_reached_is_refused(shop: Shop, why: str) -> None:
    if why != "no address":
        await shop.desk.members.change(
            shop.as_boss, shop.li.id, email=MAILBOX, urgent_mail=why == "no server"
        )
    people = People(
        shop.store, lambda: shop.now, ZoneInfo("Asia/Shanghai"), mails=why != "no server"
    )
    with pytest.raises(Invalid):
        await people.add_route(shop.as_boss, Route(mailed=(shop.li.id,)))
