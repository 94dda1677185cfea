"""What people settled and then settled otherwise: nothing is said twice, lost, or to the wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from people_stage import BOSS, LI, Shop, open_shop

from hub.model import (
    ChatPeer,
    Group,
    Hours,
    NoticeKind,
    Origin,
    PlatformMessage,
    PoolKind,
    Role,
    Route,
    SendMail,
    SendNotice,
    StockLevel,
    Text,
    chat_lane,
    mail_lane,
)
from hub.notices import tell_stock

ZU = "20009"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


async def habits(shop: Shop, **changed: Any) -> None:
    usual: dict[str, Any] = {
        "quiet": None,
        "unanswered": None,
        "claimed_only": False,
        "digest_at": None,
    }
    await shop.desk.people.set_habits(shop.as_boss, **usual | changed)


def summaries(told: list[tuple[str, str]]) -> list[str]:
    return [words for peer, words in told if peer == BOSS and "没有打扰你" in words]


# --- Silence and quiet hours ----------------------------------------------------------------------


@pytest.mark.parametrize(("then", "hours"), [("/静音 3小时", 3), ("/静音 1小时", 1)])
async def test_a_silence_that_was_changed_is_summed_up_once_at_its_end_and_from_its_beginning(
    shop: Shop, then: str, hours: int
) -> None:
    await shop.write(BOSS, "/静音 2小时")
    await shop.buyer_says("在吗")
    shop.wait(minutes=1)
    await shop.write(BOSS, then)
    await shop.buyer_says("人呢")
    shop.wait(hours=hours)
    (only,) = summaries(await shop.work())
    assert "从 12:00 到现在" in only
    assert "2 条买家消息" in only
    shop.wait(hours=3)
    assert summaries(await shop.work()) == []


async def test_a_silence_without_end_is_summed_up_when_it_is_over(shop: Shop) -> None:
    await shop.write(BOSS, "/静音 2小时")
    await shop.buyer_says("在吗")
    shop.wait(minutes=1)
    await shop.write(BOSS, "/静音 一直")
    await shop.buyer_says("人呢")
    shop.wait(hours=4)
    assert summaries(await shop.work()) == []
    assert "2 条买家消息" in (await shop.write(BOSS, "/静音 关") or "")


async def test_who_ends_their_silence_at_night_still_gets_the_summary_of_the_night(
    shop: Shop,
) -> None:
    await habits(shop, quiet=Hours(time(11), time(20)), unanswered=())
    await shop.write(BOSS, "/静音 2小时")
    await shop.buyer_says("在吗")
    shop.wait(minutes=1)
    assert "1 条买家消息" in (await shop.write(BOSS, "/静音 关") or "")
    await shop.buyer_says("人呢")
    shop.wait(hours=8)
    (only,) = summaries(await shop.work())
    assert "从 12:01 到现在" in only
    assert "1 条买家消息" in only


async def test_quiet_hours_that_were_moved_are_summed_up_once_at_their_new_end(shop: Shop) -> None:
    await habits(shop, quiet=Hours(time(11), time(20)), unanswered=())
    await shop.buyer_says("在吗")
    await habits(shop, quiet=Hours(time(11), time(13)), unanswered=())
    await shop.buyer_says("人呢")
    shop.wait(hours=1)
    (only,) = summaries(await shop.work())
    assert "2 条买家消息" in only
    shop.wait(hours=8)
    assert summaries(await shop.work()) == []


async def test_quiet_hours_that_were_switched_off_are_summed_up_at_once(shop: Shop) -> None:
    await habits(shop, quiet=Hours(time(11), time(20)), unanswered=())
    await shop.buyer_says("在吗")
    shop.wait(minutes=1)
    await habits(shop, unanswered=())
    assert len(summaries(await shop.work())) == 1


async def test_a_summary_names_what_fell_short_in_the_night(shop: Shop) -> None:
    await habits(shop, quiet=Hours(time(11), time(20)), unanswered=())

    def unit(tx: Any) -> None:
        pool = tx.pools.add(
            shop.account.shop, name="月卡", kind=PoolKind.CODES, low_at=3, now=shop.now
        )
        tx.pools.set_told(shop.account.shop, pool.id, StockLevel.FINE)
        tell_stock(tx, shop.account.shop, pool.id, shop.now)

    await shop.store.write(unit)
    assert await shop.told() == []
    shop.wait(hours=8)
    (only,) = summaries(await shop.work())
    assert "库存不足：月卡" in only


# --- People and groups that are gone --------------------------------------------------------------


async def waiting(shop: Shop, scene: Any, number: str) -> list[str]:
    peer = ChatPeer("", scene, number)

    def unit(tx: Any) -> list[str]:
        lanes = (chat_lane(peer), chat_lane(peer, pictures=True))
        tasks = [task for lane in lanes for task in tx.outbox.waiting(shop.account.shop, lane)]
        return [task.work.text for task in tasks if isinstance(task.work, SendNotice)]

    return await shop.store.read(unit)


@pytest.mark.parametrize("how", ["unbound", "switched off", "another number"])
async def test_who_is_let_go_gets_nothing_of_what_still_waits_for_them(
    shop: Shop, how: str
) -> None:
    await shop.desk.people.add_route(shop.as_boss, Route(members=(shop.li.id,)))
    await shop.buyer_says("我的手机号是 138")
    assert await waiting(shop, "private", LI) == ["我的手机号是 138"]
    if how == "unbound":
        await shop.desk.binding.unbind(shop.as_boss, shop.li.id, LI)
    elif how == "switched off":
        await shop.desk.members.change(shop.as_boss, shop.li.id, active=False)
    else:
        await shop.desk.members.change(shop.as_boss, shop.li.id, qq=[ZU])
    assert await waiting(shop, "private", LI) == []


async def test_a_group_off_the_list_gets_nothing_of_what_still_waits_for_it(shop: Shop) -> None:
    await shop.desk.people.add_group(shop.as_boss, Group("777001"))
    await shop.desk.people.add_route(shop.as_boss, Route(groups=("777001",)))
    await shop.buyer_says("我的手机号是 138")
    view = await shop.desk.people.view(shop.as_boss)
    await shop.desk.people.remove_route(shop.as_boss, view.routes[0].id)
    assert await waiting(shop, "group", "777001") == ["我的手机号是 138"]
    await shop.desk.people.remove_group(shop.as_boss, "777001")
    assert await waiting(shop, "group", "777001") == []


async def test_the_claim_of_somebody_who_was_let_go_binds_nobody(shop: Shop) -> None:
    await shop.desk.people.add_route(
        shop.as_boss, Route((NoticeKind.MESSAGE,), roles=(Role.OWNER, Role.AGENT))
    )
    zu = await shop.desk.members.add(shop.as_boss, name="小祖", role=Role.AGENT, qq=[ZU])
    await shop.write(LI, f"#{shop.lin.ticket} 在的")
    await shop.desk.members.change(shop.as_boss, shop.li.id, active=False)
    await shop.told()
    shop.wait(minutes=1)
    await shop.write(ZU, f"#{shop.lin.ticket} 我来")
    claim = await shop.store.read(lambda tx: tx.attention.claim_of(shop.account.shop, shop.lin.id))
    assert claim is not None
    assert claim.member == zu.id
    assert await shop.told() == [(BOSS, f"小祖 正在回复 小林 #{shop.lin.ticket}")]


async def test_who_hands_over_to_somebody_silent_is_told_so(shop: Shop) -> None:
    await shop.buyer_says("在吗")
    await shop.write(LI, "/静音 2小时")
    said = await shop.write(BOSS, f"/转 小李 #{shop.lin.ticket}")
    assert "小李 正在静音" in (said or "")


# --- Reminders ------------------------------------------------------------------------------------


async def test_what_the_rules_say_about_an_order_answers_no_question(shop: Shop) -> None:
    await shop.buyer_says("什么时候发")
    await shop.told()

    def spoke(tx: Any) -> None:
        tx.messages.add_out(
            shop.account.shop,
            shop.account.id,
            shop.lin.id,
            key="moment:1:2:paid",
            origin=Origin.RULE,
            content=Text("已收到付款"),
            now=shop.now,
        )

    await shop.store.write(spoke)
    shop.wait(minutes=5)
    assert ["等了 5 分钟" in words for _, words in await shop.work()] == [True]


async def test_an_answer_from_the_phone_that_is_heard_of_late_is_one(shop: Shop) -> None:
    """After an outage one's own words are read before those that they answer."""

    def spoke(tx: Any) -> None:
        tx.messages.add_in(
            shop.account.shop,
            shop.account.id,
            shop.lin.id,
            platform_id=PlatformMessage("own"),
            origin=Origin.PHONE,
            content=Text("在的"),
            sent_at=shop.now + timedelta(seconds=5),
            newest=None,
            now=shop.now,
        )

    await shop.store.write(spoke)
    await shop.buyer_says("在吗")
    await shop.told()
    shop.wait(minutes=5)
    assert await shop.work() == []


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_last_reminder_goes_by_mail_as_well(shop: Shop, wanted: bool) -> None:
    await shop.desk.members.change(shop.as_boss, shop.boss.id, email="boss@example.com")
    await habits(shop, unanswered=(5, 15), mail_unanswered=wanted)
    await shop.buyer_says("卡密不能用 ABCD-1234")
    mails = []
    for minutes in (5, 10):
        assert mails == []
        shop.wait(minutes=minutes)
        await shop.work()
        mails = await shop.store.read(
            lambda tx: tx.outbox.waiting(shop.account.shop, mail_lane("boss@example.com"))
        )
    said = [task.work.parts[0].text for task in mails if isinstance(task.work, SendMail)]
    ticket = shop.lin.ticket
    assert said == [f"【小店】小林 #{ticket} 等了 15 分钟，提醒都发过了，还没人回复"][:wanted]


async def test_two_who_put_it_off_are_reminded_each_at_their_own_time(shop: Shop) -> None:
    await shop.buyer_says("在吗")
    await shop.told()
    await shop.write(LI, f"/稍后 2小时 #{shop.lin.ticket}")
    shop.wait(seconds=1)
    await shop.write(BOSS, f"/稍后 20m #{shop.lin.ticket}")
    shop.wait(minutes=20)
    ((first, words),) = await shop.work()
    assert (first, "你要的提醒" in words) == (BOSS, True)
    shop.wait(minutes=100)
    told = [peer for peer, words in await shop.work() if "你要的提醒" in words]
    assert told == [LI]


async def test_who_puts_it_off_again_is_reminded_at_the_new_time_only(shop: Shop) -> None:
    await shop.buyer_says("在吗")
    await shop.told()
    for words in ("/稍后 20m", "/稍后 2小时", "/稍后 20m"):
        await shop.write(LI, f"{words} #{shop.lin.ticket}")
        shop.wait(seconds=1)
    shop.wait(minutes=20)
    assert [peer for peer, words in await shop.work() if "你要的提醒" in words] == [LI]
    shop.wait(minutes=100)
    assert not [peer for peer, words in await shop.work() if "你要的提醒" in words]


async def test_nobody_is_reminded_of_a_buyer_who_was_blocked(shop: Shop) -> None:
    await shop.buyer_says("在吗")
    await shop.told()
    await shop.write(BOSS, f"/拉黑 #{shop.lin.ticket}")
    shop.wait(minutes=5)
    assert await shop.work() == []


async def test_what_needs_no_answer_can_be_said_so(shop: Shop) -> None:
    await shop.buyer_says("我再看看")
    await shop.told()
    ticket = shop.lin.ticket
    said = await shop.write(LI, f"/稍后 不用 #{ticket}")
    assert said == f"好，#{ticket} 不再提醒；买家再说话会重新开始"
    assert "本来就没有" in (await shop.write(LI, f"/稍后 不用 #{ticket}") or "")
    shop.wait(minutes=5)
    assert await shop.work() == []
    await shop.buyer_says("还是买吧")
    await shop.told()
    shop.wait(minutes=5)
    assert len(await shop.work()) == 1


# --- The digest -----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [time(22), time(0), time(9)])
async def test_every_message_of_a_buyer_is_in_one_digest(shop: Shop, at: time) -> None:
    await habits(shop, unanswered=(), digest_at=at)
    counted = 0
    for hour in range(48):
        if hour < 24:
            await shop.buyer_says("在吗")
        shop.wait(hours=1)
        for _, words in await shop.work():
            found = re.search(r"日报.*：(\d+) 条买家消息", words)
            counted += int(found[1]) if found else 0
    assert counted == 24


async def test_a_digest_that_comes_late_tells_of_the_day_it_was_meant_for(shop: Shop) -> None:
    await habits(shop, unanswered=(), digest_at=time(22))
    await shop.buyer_says("在吗")
    await shop.told()
    shop.wait(hours=13)
    await shop.buyer_says("还在吗")
    await shop.told()
    ((_, words),) = await shop.work()
    assert "1 条买家消息" in words
    assert "（11-03 22:00 到 11-04 22:00）" in words
