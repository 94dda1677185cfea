"""People at the bot: who is let in, who is told, who answers, who is reminded."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from people_stage import BOSS, LI, STRANGER, Shop, open_shop

from hub.desk import Door, Operator
from hub.desk.binding import TRIES
from hub.errors import Forbidden, Invalid
from hub.model import Group, NoticeKind, Role, Route


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


# --- Binding --------------------------------------------------------------------------------------


async def test_a_code_binds_once_and_the_owners_hear_of_it(shop: Shop) -> None:
    code = await shop.code(shop.li)
    assert re.fullmatch(r"\d{6}", code)

    said = await shop.write(STRANGER, f"/绑定 {code}")
    assert said is not None
    assert "你是「小李」" in said
    assert await shop.told() == [
        (BOSS, f"「小李」绑定了 QQ {STRANGER}。不认识的话，请到后台「成员」里移除。")
    ]
    assert "现在没有人值班" in (await shop.write(STRANGER, "/值班") or "")
    assert "绑定码不对" in (await shop.write("55556", f"/绑定 {code}") or "")
    assert "不用再绑定" in (await shop.write(STRANGER, f"/绑定 {code}") or "")


async def test_an_id_that_one_bot_made_up_is_bound_like_a_number_and_stays_when_others_change(
    shop: Shop,
) -> None:
    theirs = "official:102001/0A1B2C"
    code = await shop.code(shop.li)
    assert "你是「小李」" in (await shop.write(theirs, f"/绑定 {code}") or "")
    owner = Operator(shop.boss, Door.WEB)
    await shop.desk.members.change(owner, shop.li.id, qq=(LI, theirs, "20002"))
    assert "现在没有人值班" in (await shop.write(theirs, "/值班") or "")
    assert await shop.store.read(lambda tx: tx.members.by_qq("official:102002/0A1B2C")) is None


async def test_a_code_is_good_for_ten_minutes_and_a_new_one_ends_the_old(shop: Shop) -> None:
    old = await shop.code(shop.li)
    code = await shop.code(shop.li)
    assert "绑定码不对" in (await shop.write(STRANGER, f"/绑定 {old}") or "") or old == code
    shop.wait(minutes=10)
    assert "绑定码不对" in (await shop.write(STRANGER, f"/绑定 {code}") or "")


async def test_guesses_are_counted_and_then_nothing_is_said_even_to_the_right_code(
    shop: Shop,
) -> None:
    code = await shop.code(shop.li)
    wrong = "000000" if code != "000000" else "111111"
    answers = [await shop.write(STRANGER, f"/绑定 {wrong}") for _ in range(TRIES + 2)]
    assert [one is not None for one in answers] == [True] * TRIES + [False] * 2
    assert await shop.write(STRANGER, f"/绑定 {code}") is None
    shop.wait(minutes=16)
    later = await shop.code(shop.li)
    assert "你是「小李」" in (await shop.write(STRANGER, f"/绑定 {later}") or "")


async def test_guesses_from_many_ids_are_counted_together(shop: Shop) -> None:
    code = await shop.code(shop.li)
    wrong = "000000" if code != "000000" else "111111"
    for number in range(60):
        await shop.write(f"7{number:05d}", f"/绑定 {wrong}")
    assert "15 分钟后再试" in (await shop.write(STRANGER, f"/绑定 {code}") or "")


@pytest.mark.parametrize(
    "words", ["/绑定", "/绑定 你好", "/绑定 48392", "/绑定 '; DROP TABLE members"]
)
async def test_what_is_no_code_binds_nobody(shop: Shop, words: str) -> None:
    await shop.code(shop.li)
    said = await shop.write(STRANGER, words)
    assert said is not None
    assert "\n" not in said
    assert await shop.store.read(lambda tx: tx.members.by_qq(STRANGER)) is None


async def test_strangers_in_groups_hear_nothing_even_with_a_code(shop: Shop) -> None:
    code = await shop.code(shop.li)
    assert await shop.write(STRANGER, f"/绑定 {code}", group="777001") is None


async def test_nobody_but_owners_makes_codes_for_others(shop: Shop) -> None:
    as_li = Operator(shop.li, Door.WEB)
    await shop.desk.binding.make_code(as_li, shop.li.id)
    with pytest.raises(Forbidden):
        await shop.desk.binding.make_code(as_li, shop.boss.id)
    with pytest.raises(Forbidden):
        await shop.desk.binding.unbind(as_li, shop.boss.id, BOSS)


async def test_unbinding_asks_first_and_then_the_bot_knows_the_id_no_more(shop: Shop) -> None:
    assert "确认 0001" in (await shop.write(LI, "/解绑") or "")
    assert "已经和「小李」解绑" in (await shop.write(LI, "确认 0001") or "")
    assert await shop.store.read(lambda tx: tx.members.by_qq(LI)) is None


async def test_an_address_without_digits_is_unbound_by_four_that_stand_for_it(shop: Shop) -> None:
    theirs = "official:102001/0A1B2CDEF"
    await shop.write(theirs, f"/绑定 {await shop.code(shop.li)}")
    asked = await shop.write(theirs, "/解绑") or ""
    word = re.search(r"确认 \d{4}", asked)
    assert word is not None
    assert "CDEF" in asked
    assert "已经和「小李」解绑" in (await shop.write(theirs, word[0]) or "")
    assert await shop.store.read(lambda tx: tx.members.by_qq(theirs)) is None


async def test_a_stranger_at_an_official_bot_is_told_of_codes_and_not_of_numbers(
    shop: Shop,
) -> None:
    assert "QQ 号" in (await shop.write(STRANGER, "在吗") or "")
    assert "/绑定 483920" in (await shop.write("official:102001/0A1B", "在吗") or "")


# --- Groups ---------------------------------------------------------------------------------------


async def test_only_groups_on_the_list_are_heard_and_there_only_what_is_meant(shop: Shop) -> None:
    assert await shop.write(BOSS, "/值班", group="777001", addressed=False)
    await shop.desk.people.add_group(shop.as_boss, Group("777001", "客服群"))
    assert await shop.write(BOSS, "/值班", group="777002") is None
    assert await shop.write(BOSS, "/值班", group="777001", addressed=False) is None
    assert await shop.write(BOSS, "/值班", group="777001")


async def test_where_a_group_knows_people_by_other_ids_they_are_bound_and_heard_there(
    shop: Shop,
) -> None:
    group, theirs = "official:102001/G1", "official:102001/0A1B@G1"
    assert await shop.write(theirs, "在吗", group=group) is None
    code = await shop.code(shop.li)
    assert "你是「小李」" in (await shop.write(theirs, f"/绑定 {code}", group=group) or "")
    assert await shop.write(theirs, "/值班", group=group)
    assert {to for to, _ in await shop.told()} == {BOSS}

    await shop.desk.people.add_group(shop.as_boss, Group("777001"))
    assert group in (await shop.write(theirs, "/值班", group=group) or "")
    assert await shop.write(theirs, "/值班", group=group) is None
    await shop.desk.people.add_group(shop.as_boss, Group(group))
    assert "值班" in (await shop.write(theirs, "/值班", group=group) or "")


async def test_a_rule_sends_messages_of_buyers_to_a_group(shop: Shop) -> None:
    with pytest.raises(Invalid):
        await shop.desk.people.add_route(shop.as_boss, Route(groups=("777001",)))
    await shop.desk.people.add_group(shop.as_boss, Group("777001"))
    await shop.desk.people.add_route(
        shop.as_boss, Route((NoticeKind.MESSAGE,), members=(shop.li.id,), groups=("777001",))
    )
    await shop.buyer_says("在吗")
    assert await shop.told() == [(LI, "在吗"), ("777001", "在吗")]


# --- Silence, quiet hours, duty -------------------------------------------------------------------


async def test_silence_ends_with_a_summary_of_what_was_missed(shop: Shop) -> None:
    assert "买家消息先不发给你，到 14:00" in (await shop.write(BOSS, "/静音 2小时") or "")
    await shop.buyer_says("在吗")
    await shop.buyer_says("人呢")
    assert await shop.told() == []
    shop.wait(hours=2)
    told = await shop.work()
    summaries = [words for peer, words in told if peer == BOSS and "没有打扰你" in words]
    assert len(summaries) == 1
    assert "2 条买家消息（1 个会话）" in summaries[0]


async def test_silence_can_be_ended_early_and_is_summed_up_once(shop: Shop) -> None:
    await shop.write(BOSS, "/静音 2小时")
    await shop.buyer_says("在吗")
    shop.wait(minutes=1)
    assert "1 条买家消息" in (await shop.write(BOSS, "/静音 关") or "")
    assert "没有静音" in (await shop.write(BOSS, "/静音 关") or "")
    shop.wait(hours=2)
    assert not [words for _, words in await shop.work() if "没有打扰你" in words]


async def test_a_number_alone_counts_minutes(shop: Shop) -> None:
    assert "到 12:30" in (await shop.write(BOSS, "/静音 30") or "")
    await shop.buyer_says("在吗")
    assert "好，12:45 还没人回复" in (await shop.write(BOSS, f"/稍后 45 #{shop.lin.ticket}") or "")


@pytest.mark.parametrize("words", ["/静音 随便", "/静音 到昨天9点"])
async def test_silence_refuses_times_that_are_none(shop: Shop, words: str) -> None:
    assert "静音" in (await shop.write(BOSS, words) or "")
    await shop.buyer_says("在吗")
    assert await shop.told() == [(BOSS, "在吗")]


async def test_duty_takes_the_messages_until_its_end(shop: Shop) -> None:
    assert "小李 开始值班，到 22:00" in (await shop.write(LI, "/值班 我 到22:00") or "")
    await shop.buyer_says("在吗")
    assert await shop.told() == [(LI, "在吗")]
    assert "现在值班：小李" in (await shop.write(BOSS, "/值班") or "")
    assert "要店主来" in (await shop.write(LI, "/值班 老板 1小时") or "")
    assert "小李 下班了" in (await shop.write(LI, "/值班 结束") or "")
    await shop.buyer_says("还在吗")
    assert await shop.told() == [(BOSS, "还在吗")]


async def test_who_is_sent_on_duty_by_somebody_else_hears_of_it(shop: Shop) -> None:
    await shop.write(BOSS, "/值班 小李 2小时")
    assert await shop.told() == [
        (LI, "老板 安排你值班，到 14:00。买家消息发给值班的人；下班发 /值班 结束")
    ]
    shop.wait(minutes=1)
    await shop.write(BOSS, "/值班 小李 结束")
    assert await shop.told() == [(LI, "老板 让你下班了，买家消息按规则发。")]
    assert "看不懂「我 到昨天」" in (await shop.write(LI, "/值班 我 到昨天") or "")


# --- Who answers ----------------------------------------------------------------------------------


async def everybody_is_told(shop: Shop) -> None:
    route = Route((NoticeKind.MESSAGE,), roles=(Role.OWNER, Role.AGENT))
    await shop.desk.people.add_route(shop.as_boss, route)


async def test_the_first_who_answers_claims_it_and_the_others_are_told_once(shop: Shop) -> None:
    await everybody_is_told(shop)
    await shop.buyer_says("在吗")
    await shop.told()
    await shop.write(LI, f"#{shop.lin.ticket} 在的")
    assert await shop.told() == [(BOSS, f"小李 正在回复 小林 #{shop.lin.ticket}")]
    await shop.write(LI, f"#{shop.lin.ticket} 还要吗")
    await shop.write(BOSS, f"#{shop.lin.ticket} 我也在")
    assert await shop.told() == []


async def test_an_answer_alone_brings_nobody_more_notices_than_the_rules_say(shop: Shop) -> None:
    await shop.buyer_says("在吗")
    await shop.write(LI, f"#{shop.lin.ticket} 在的")
    await shop.told()
    await shop.buyer_says("多少钱")
    assert await shop.told() == [(BOSS, "多少钱")]


async def test_handing_over_brings_the_last_words_and_the_next_messages(shop: Shop) -> None:
    await shop.buyer_says("能便宜吗")
    await shop.told()
    assert "已经转给 小李" in (await shop.write(BOSS, f"/转 小李 #{shop.lin.ticket}") or "")
    ((peer, words),) = await shop.told()
    assert peer == LI
    assert "老板 把这位买家转给你" in words
    assert "小林：能便宜吗" in words
    assert words.endswith(f"#{shop.lin.ticket}")
    await shop.buyer_says("在吗")
    assert await shop.told() == [(BOSS, "在吗"), (LI, "在吗")]


async def test_what_the_buyer_has_not_got_is_not_handed_over_as_said(shop: Shop) -> None:
    await shop.buyer_says("能便宜吗")
    await shop.write(BOSS, f"#{shop.lin.ticket} 不能")
    await shop.told()
    await shop.write(BOSS, f"/转 小李 #{shop.lin.ticket}")
    ((_, words),) = await shop.told()
    assert "我们：不能（待发）" in words


@pytest.mark.parametrize("words", ["/转 小李 #{} 他要发票", "/转 小李 他要发票 #{}", "/转 李 #{}"])
async def test_a_word_to_whoever_takes_over_comes_with_it(shop: Shop, words: str) -> None:
    await shop.buyer_says("能便宜吗")
    await shop.told()
    assert "已经转给 小李" in (await shop.write(BOSS, words.format(shop.lin.ticket)) or "")
    ((_, said),) = await shop.told()
    note = "：他要发票" if "发票" in words else ""
    assert said.splitlines()[0] == f"老板 把这位买家转给你{note}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("/转 小李", "没有转"),
        ("/转", "没有转"),
        ("/转 小张 #{}", "没有叫「小张」的成员"),
        ("/转 老板 #{}", "不用转给自己"),
        ("/转 小李 #z99", "没有编号是 #z99"),
        ("/稍后 随便 #{}", "看不懂"),
        ("/稍后 30天 #{}", "7 天以内"),
        ("/稍后 20m", "没有设提醒"),
    ],
)
async def test_what_cannot_be_handed_over_or_put_off_is_refused_with_a_reason(
    shop: Shop, words: str, said: str
) -> None:
    await shop.buyer_says("在吗")
    assert said in (await shop.write(BOSS, words.format(shop.lin.ticket)) or "")


async def test_a_buyer_whom_nobody_answers_is_brought_up_until_somebody_does(shop: Shop) -> None:
    await shop.desk.people.add_route(shop.as_boss, Route(members=(shop.li.id,)))
    await shop.buyer_says("在吗")
    await shop.told()
    shop.wait(minutes=4)
    assert await shop.work() == []
    shop.wait(minutes=1)
    ((first, words),) = await shop.work()
    assert first == LI
    assert "等了 5 分钟，还没人回复" in words
    assert "在吗" in words
    shop.wait(minutes=10)
    ((second, _),) = await shop.work()
    assert second == BOSS
    await shop.write(BOSS, f"#{shop.lin.ticket} 在的")
    await shop.told()
    shop.wait(minutes=30)
    assert await shop.work() == []


async def test_an_answer_stops_the_reminders_and_the_next_question_starts_them_anew(
    shop: Shop,
) -> None:
    await shop.buyer_says("在吗")
    await shop.write(BOSS, f"#{shop.lin.ticket} 在的")
    shop.wait(minutes=3)
    await shop.buyer_says("多少钱")
    await shop.told()
    shop.wait(minutes=3)
    assert await shop.work() == []
    shop.wait(minutes=2)
    ((_, words),) = await shop.work()
    assert "多少钱" in words


async def test_whoever_puts_it_off_is_reminded_then_unless_somebody_answered(shop: Shop) -> None:
    await shop.buyer_says("在吗")
    await shop.told()
    said = await shop.write(LI, f"/稍后 20m #{shop.lin.ticket}")
    assert said == f"好，12:20 还没人回复的话提醒你 #{shop.lin.ticket}"
    shop.wait(minutes=19)
    assert await shop.work() == []
    shop.wait(minutes=1)
    ((peer, words),) = await shop.work()
    assert peer == LI
    assert "你要的提醒" in words
    await shop.write(LI, f"#{shop.lin.ticket} 在的")
    assert "已经回复过了" in (await shop.write(LI, f"/稍后 #{shop.lin.ticket}") or "")


# --- The digest -----------------------------------------------------------------------------------


async def test_the_digest_comes_every_day_at_its_time_and_to_owners_only(shop: Shop) -> None:
    async def at(clock: Any) -> None:
        await shop.desk.people.set_habits(
            shop.as_boss, quiet=None, unanswered=(), claimed_only=False, digest_at=clock
        )

    await at(datetime(2026, 1, 1, 22, 0).time())
    await shop.buyer_says("在吗")
    await shop.write(LI, f"#{shop.lin.ticket} 在的")
    await shop.told()
    shop.wait(hours=10)
    ((peer, words),) = await shop.work()
    assert peer == BOSS
    assert "1 条买家消息（1 个会话）" in words
    assert "回复：小李 1" in words
    shop.wait(hours=24)
    assert len(await shop.work()) == 1
    await at(None)
    shop.wait(hours=24)
    assert await shop.work() == []
