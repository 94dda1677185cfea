"""The page that says who is told what, and the one that binds QQ ids."""

from __future__ import annotations

import re
from datetime import time

import pytest
from web_stage import Stage, Visitor, visiting

from hub.desk import Operator
from hub.model import AwayWords, Group, Hours, NoticeKind, PeoplePlan, Role, Route, Shift

PAGE = "/notices"


async def plan(stage: Stage, owner: Operator) -> PeoplePlan:
    return (await stage.desk.people.view(owner)).plan


async def test_a_fresh_shop_says_in_one_sentence_where_notices_go(boss: Visitor) -> None:
    text = (await boss.get(PAGE)).text
    assert "还没有规则：所有通知都私聊发给全部店主。" in text
    assert "现在没有人值班。" in text


async def test_a_rule_is_added_read_as_a_sentence_and_removed(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    li = await stage.member(owner, "小李", Role.AGENT)
    done = await boss.submit(
        f"{PAGE}/routes", on=PAGE, kind="message", account=str(account.id), to=f"member:{li.id}"
    )
    assert done.leads_to == f"{PAGE}?done=notices-changed"
    route = Route((NoticeKind.MESSAGE,), account.id, members=(li.id,))
    assert (await plan(stage, owner)).routes == (route,)
    page = await boss.get(PAGE)
    assert "账号「数码小店」的买家消息：发给 小李" in page.text

    await boss.submit(f"{PAGE}/routes/change", on=PAGE, act="remove", id=page.value("id"))
    assert (await plan(stage, owner)).routes == ()


async def test_a_rule_can_be_moved_up(stage: Stage, owner: Operator, boss: Visitor) -> None:
    first, second = Route(roles=(Role.AGENT,)), Route(roles=(Role.OWNER,))
    for route in (first, second):
        await stage.desk.people.add_route(owner, route)
    id_ = (await stage.desk.people.view(owner)).routes[1].id
    await boss.submit(f"{PAGE}/routes/change", on=PAGE, act="raise", id=id_)
    assert (await plan(stage, owner)).routes == (second, first)


@pytest.mark.parametrize(
    ("address", "fields", "said"),
    [
        ("routes", {"kind": "message"}, "选上发给谁"),
        ("routes", {"to": "member:999"}, "有成员不存在"),
        ("routes", {"to": "member:x"}, "请从给出的选项里选"),
        ("routes", {"to": "group:777001"}, "先把群加进名单"),
        ("routes", {"to": "role:owner", "item": "abc"}, "商品编号是一串数字"),
        ("routes", {"to": "role:owner", "account": "999"}, "这个账号不存在"),
        ("groups", {"number": "abc"}, "群号是 5 到 12 位数字"),
        ("shifts", {"member": "999", "hours": "9:00-18:00"}, "这个成员不存在"),
        ("shifts", {"member": "1", "hours": "上午"}, "时间写成"),
        ("shifts", {"member": "1", "hours": "9:00-18:00"}, "还没有绑定 QQ"),
        ("habits", {"waits": "default", "quiet": "半夜"}, "时间写成"),
        ("habits", {"waits": "default", "quiet": "8:00-8:00"}, "不能一样"),
        ("habits", {"waits": "own", "unanswered": "很快"}, "写分钟数"),
        ("habits", {"waits": "own", "unanswered": "0"}, "每个 1 到 1440"),
        ("habits", {"waits": "default", "digest_at": "25:00"}, "写成 22:00 的样子"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_reason_and_changes_nothing(
    stage: Stage, owner: Operator, boss: Visitor, address: str, fields: dict[str, str], said: str
) -> None:
    page = await boss.submit(f"{PAGE}/{address}", on=PAGE, **fields)
    assert page.status == 400
    assert said in page.text
    assert await plan(stage, owner) == PeoplePlan()


async def test_groups_shifts_and_habits_are_kept(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    li = await stage.desk.members.add(owner, name="小李", role=Role.AGENT, qq=["20001"])
    await boss.submit(f"{PAGE}/groups", on=PAGE, number="777001", name="客服群", addressed="1")
    await boss.submit(f"{PAGE}/shifts", on=PAGE, member=str(li.id), hours="9:00-18:00", day="0")
    await boss.submit(
        f"{PAGE}/habits",
        on=PAGE,
        quiet="23:00-8:00",
        waits="own",
        unanswered="3、10",
        claimed_only="1",
        mail_unanswered="1",
        digest_at="22:00",
    )
    assert await plan(stage, owner) == PeoplePlan(
        groups=(Group("777001", "客服群"),),
        shifts=(Shift(li.id, Hours(time(9), time(18)), (0,)),),
        quiet=Hours(time(23), time(8)),
        unanswered=(3, 10),
        claimed_only=True,
        digest_at=time(22),
    )
    text = (await boss.get(PAGE)).text
    assert "客服群（777001）：命令要 @机器人 或引用它的消息" in text
    assert "小李：周一 9:00-18:00" in text


async def test_a_form_that_was_refused_comes_back_as_it_was_filled_in(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    li = await stage.member(owner, "小李", Role.AGENT)
    page = await boss.submit(
        f"{PAGE}/routes",
        on=PAGE,
        kind="order",
        account=str(account.id),
        item="不是编号",
        tag="老客",
        to=f"member:{li.id}",
    )
    assert page.status == 400
    for kept in (
        r'value="order"\s+checked',
        rf'value="member:{li.id}"\s+checked',
        rf'<option value="{account.id}"\s+selected',
        r'name="tag"[^>]*value="老客"',
    ):
        assert re.search(kept, page.text), kept
    assert not re.search(r'value="message"\s+checked', page.text)


async def test_what_buyers_are_told_at_night_is_set_and_taken_away(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    words = "夜里不在\n明早回复你"
    await boss.submit(f"{PAGE}/away", on=PAGE, away=words, away_account=str(account.id))
    assert (await plan(stage, owner)).away == (AwayWords(words, account.id),)
    assert "数码小店：夜里不在" in (await boss.get(PAGE)).text
    page = await boss.submit(f"{PAGE}/away", on=PAGE, away="{price_of_gold}", away_account="")
    assert page.status == 400
    await boss.submit(f"{PAGE}/away", on=PAGE, away="", away_account=str(account.id))
    assert (await plan(stage, owner)).away == ()


async def test_a_member_gets_a_code_of_their_own_and_removes_their_own_id(
    stage: Stage, owner: Operator
) -> None:
    li = await stage.member(owner, "小李", Role.VIEWER)
    page = f"/members/{li.id}/qq"
    async with visiting(stage) as visitor:
        await visitor.log_in("小李")
        done = await visitor.submit(f"{page}/code", on=page)
        assert done.leads_to == page
        match = re.search(r'value="/绑定 (\d{6})"', (await visitor.get(page)).text)
        assert match is not None
        said = await stage.desk.binding.bind("20001", match[1], "")
        assert said is not None
        assert "你是「小李」" in said
        assert "20001" in (await visitor.get(page)).text
        await visitor.submit(f"{page}/unbind", on=page, qq="20001")
        assert "还没有绑定" in (await visitor.get(page)).text
        other = await visitor.get(f"/members/{owner.member.id}/qq")
        assert other.status == 403
        assert (await visitor.submit(f"{PAGE}/routes", on=page, to="role:viewer")).status == 403
