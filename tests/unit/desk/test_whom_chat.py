"""Whom a command means: by quote, ticket, order number or name, and never by guess."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from delivery_stage import FIRST, ITEM, SECOND, DeliveryStage, open_delivery_stage

from hub.desk import Desk
from hub.model import (
    AiLimits,
    AiMode,
    AiScope,
    Choice,
    Conversation,
    Item,
    MessageState,
    NeedKind,
    OrderStatus,
    Origin,
    PlatformConversation,
    PlatformUser,
    Role,
    Scope,
    TaskKind,
)
from hub.ops import Expiry
from hub.settings import LimitSettings, Settings

BARGAIN = "4400112233442220002"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        await stage.write("/存 地址 本店在上海")
        yield stage


def quoting(conversation: Conversation) -> dict[str, Any]:
    return {"quoted_text": f"【小店】{conversation.buyer_name}\n在吗\n#{conversation.ticket}"}


async def another(
    stage: DeliveryStage, name: str, number: int, account: Any = None
) -> Conversation:
    of = account or stage.account
    return await stage.stock.store.write(
        lambda tx: tx.conversations.upsert(
            of.shop,
            of.id,
            PlatformConversation(f"6001002009{number}"),
            buyer=PlatformUser(f"310044449999{number}"),
            buyer_name=name,
            at=stage.stock.clock[0],
        )
    )


async def item(stage: DeliveryStage) -> None:
    """What 小林 asks about."""

    def unit(tx: Any) -> None:
        tx.items.save(
            stage.account.shop,
            stage.account.id,
            Item(ITEM, "手冲咖啡壶", on_sale=True),
            stage.stock.clock[0],
        )
        tx.conversations.upsert(
            stage.account.shop, stage.account.id, stage.lin.platform_id, item_id=ITEM
        )

    await stage.stock.store.write(unit)


async def said_to(stage: DeliveryStage, conversation: Conversation) -> int:
    messages = await stage.stock.store.read(
        lambda tx: tx.messages.of_conversation(conversation.shop, conversation.id, limit=100)
    )
    return sum(
        m.origin is Origin.OPERATOR and m.state is not MessageState.DROPPED for m in messages
    )


# --- Buyers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["小林", "林", "a1", f"{FIRST}", "6778"])
async def test_a_buyer_is_named_by_name_ticket_or_order(stage: DeliveryStage, who: str) -> None:
    await stage.order()
    assert "已备注 小林" in await stage.write(f"/备注 {who} 老客")
    assert "你接管了「小林」" in await stage.write(f"/接管 {who} 1小时")
    assert "小林 最近" in await stage.write(f"/历史 {who} 20")
    assert "已经转给 小客" in await stage.write(f"/转 小客 {who}")
    assert f"#{stage.lin.ticket}" in await stage.write(f"/为什么 {stage.lin.ticket}")


async def test_a_name_that_two_have_is_asked_back_and_nothing_is_done(
    stage: DeliveryStage,
) -> None:
    other = await another(stage, "小林子", 1)
    said = await stage.write("/拉黑 林")
    assert said.startswith("没有执行：有几位买家都对得上，请写编号")
    assert f"#{other.ticket}" in said
    assert "已拉黑 小林" in await stage.write("/拉黑 小林")


async def test_two_conversations_of_one_buyer_are_no_question(stage: DeliveryStage) -> None:
    await stage.stock.store.write(
        lambda tx: tx.conversations.upsert(
            stage.account.shop,
            stage.account.id,
            PlatformConversation("60010020077"),
            buyer=stage.lin.buyer,
            buyer_name="小林",
            at=stage.stock.clock[0],
        )
    )
    assert "已备注 小林" in await stage.write("/备注 小林 老客")


async def test_what_is_sent_or_delivered_needs_the_whole_name(stage: DeliveryStage) -> None:
    await stage.order()
    said = await stage.write("/k 林 地址")
    assert said == f"没有发送：买家的名字要写全，或者写编号。说的是不是：\n#{stage.lin.ticket} 小林"
    assert await said_to(stage, stage.lin) == 0
    assert "已收下" in await stage.write("/k 小林 地址")
    assert await said_to(stage, stage.lin) == 1
    assert "买家的名字要写全" in await stage.write("/不发 林")
    assert "已记为不发" in await stage.write("/不发 小林")


async def test_a_quote_counts_before_every_name(stage: DeliveryStage) -> None:
    await stage.write("/备注 阿七 老客", **quoting(stage.lin))
    page = await stage.write("/备注", **quoting(stage.lin))
    assert "阿七 老客" in page


async def test_a_pause_finds_accounts_and_buyers_by_name_and_guesses_neither(
    stage: DeliveryStage,
) -> None:
    assert "已暂停「小林」的自动回复" in await stage.write("/暂停 小林 2小时")
    assert "已恢复「小林」的自动回复" in await stage.write("/恢复 小林")
    assert "已暂停账号「小店」" in await stage.write("/暂停 店")
    unsure = await stage.write("/暂停 小 2小时")
    assert unsure == "不知道说的是哪个，请写全名：账号「小店」、买家「小林」"


# --- Accounts and items ---------------------------------------------------------------------------


async def test_a_quoted_notice_means_its_account(stage: DeliveryStage) -> None:
    assert "【小店】已停止发货" in await stage.write("/停发", **quoting(stage.lin))
    assert "【小店】恢复发货" in await stage.write(f"/开发 #{stage.lin.ticket}")
    assert "已停用「小店」" in await stage.write("/停用", **quoting(stage.qi))
    unread = await stage.write("/停", quoted_id="404")
    assert "请写上账号名，或者写全店" in unread
    assert "【小店】已全部停下" in await stage.write("/停 小")


@pytest.mark.parametrize("stop", ["/停一下", "/停吧", "/停 一下吧"])
async def test_a_softened_command_is_no_name(stage: DeliveryStage, stop: str) -> None:
    assert "全店已全部停下" in await stage.write(stop)
    assert await stage.write("/开吧") == "▶ 全店的自动回复和发货都恢复了"
    assert "【小店】已全部停下" in await stage.write(stop, **quoting(stage.lin))
    assert "/暂停 30分" in await stage.write("/停 30分钟")
    assert "/暂停 30分" in await stage.write("/停一会儿")
    assert "没有叫「谁」的账号" in await stage.write("/停谁")
    assert "已暂停整个店铺" in await stage.write("/暂停一下")
    assert "▶ 已恢复整个店铺" in await stage.write("/恢复吧")


async def test_everything_stops_at_once_and_goes_on_at_once(stage: DeliveryStage) -> None:
    await stage.served("CODE-1111")
    order = await stage.order()
    await stage.write("/暂停 #b1")
    said = await stage.write("/停", as_=Role.AGENT)
    assert "不再自动回复，也不再自动发货" in said
    page = await stage.write("/状态", as_=Role.VIEWER)
    assert "⛔ 全店自动回复和发货都停着：小客按下了急停，恢复发 /开" in page
    assert "整个店铺" not in page
    check = await stage.write("/体检")
    assert "按下了急停。恢复发 /开\n" in check
    assert "整个店铺" not in check
    held = await stage.stock.store.read(
        lambda tx: tx.holds.active(stage.account.shop, stage.lin.id, stage.stock.clock[0])
    )
    assert held is not None
    assert "发货急停中" in await stage.write(f"/发货 {order.id}")
    assert "你的身份是客服" in await stage.write("/开", as_=Role.AGENT)

    said = await stage.write("/开")
    assert said.startswith("▶ 全店的自动回复和发货都恢复了")
    assert "还单独暂停着：「阿七」（/恢复 #" in said
    assert "🚚 开始发货" in await stage.write(f"/发货 {order.id}")
    assert ("emergency.halt", "shop") in await stage.stock.audit()


async def test_a_check_of_an_item_names_what_ends_each_stop_that_is_on(
    stage: DeliveryStage,
) -> None:
    await item(stage)
    assert "✅ 发货没有停" in await stage.write("/体检 咖啡壶")
    await stage.write("/停")
    assert "按下了急停。恢复发 /开\n" in await stage.write("/体检 咖啡壶")
    await stage.write("/停发 小店")
    check = await stage.write("/体检 咖啡壶")
    assert "恢复发 /开\n" in check
    assert "恢复发 /开发 小店\n" in check
    await stage.write("/开")
    check = await stage.write("/体检 咖啡壶")
    assert "恢复发 /开\n" not in check
    assert "恢复发 /开发 小店\n" in check


async def test_only_who_may_end_it_ends_the_answering_half_of_an_emergency_stop(
    stage: DeliveryStage,
) -> None:
    await stage.write("/停")
    for line in ("/恢复", "/恢复 全店"):
        said = await stage.write(line, as_=Role.AGENT)
        assert said.endswith("整个店铺全停着，整个店铺现在仍然不会自动回复。解除：/开")
    await stage.write("/停 小店", as_=Role.AGENT)
    assert "解除：/开 小店、/开" in await stage.write("/恢复 小店")
    await stage.write("/开")
    assert "解除：/开 小店" in await stage.write("/恢复 小店", as_=Role.AGENT)
    assert await stage.write("/开 小店") == "▶ 【小店】的自动回复和发货都恢复了"


async def test_an_emergency_leaves_a_pause_as_it_was(stage: DeliveryStage) -> None:
    await stage.write("/暂停 2小时")
    await stage.write("/停")
    assert "整个店铺" in await stage.write("/状态")

    said = await stage.write("/开")

    assert said.startswith("▶ 全店的急停解除了，自动回复还按之前的暂停停着")
    assert "还单独暂停着：整个店铺（/恢复 全店）" in said
    at = stage.stock.clock[0]
    held = await stage.stock.store.read(lambda tx: tx.holds.all_active(stage.account.shop, at))
    assert [one.until for one in held] == [at + timedelta(hours=2)]


async def test_what_one_account_stopped_is_named_when_the_shop_goes_on(
    stage: DeliveryStage,
) -> None:
    await stage.write("/停 小店")
    said = await stage.write("/开")
    assert said.startswith("全店没有单独停着")
    assert "恢复发 /开 小店" in said


@pytest.mark.parametrize(
    ("what", "quoted", "scope"),
    [
        ("/ai 关", False, Scope()),
        ("/ai关 小店", False, "account"),
        ("/ai 小店 关", False, "account"),
        ("/ai 关 咖啡", False, "item"),
        ("/ai off", True, "item"),
        ("/ai 关 账号", True, "account"),
        ("/ai 关 小林", False, "item"),
    ],
)
async def test_ai_is_turned_off_where_it_is_said(
    stage: DeliveryStage, what: str, quoted: bool, scope: Any
) -> None:
    await item(stage)
    said = await stage.write(what, as_=Role.AGENT, **(quoting(stage.lin) if quoted else {}))
    assert "改为关（不答）" in said
    found = await stage.stock.store.read(
        lambda tx: tx.ai_scopes.settings(stage.account.shop, stage.account.id, ITEM)
    )
    off = {
        "account": found.account.mode is AiMode.OFF,
        "item": found.item.mode is AiMode.OFF,
        Scope(): found.shop.mode is AiMode.OFF,
    }
    assert [place for place, is_off in off.items() if is_off] == [scope]


async def test_letting_ai_speak_by_itself_is_the_owners_to_say(stage: DeliveryStage) -> None:
    assert "要店主才能做" in await stage.write("/ai 自动", as_=Role.AGENT)
    assert "要店主才能做" in await stage.write("/ai 默认", as_=Role.AGENT)
    await stage.write("/ai 草稿 小店")
    said = await stage.write("/ai 自动")
    assert "整个店铺的 AI 改为自动" in said
    assert "账号「小店」没有跟着变：草稿" in said
    page = await stage.write("/ai", as_=Role.VIEWER)
    assert page.startswith("你的身份是只读成员")


async def test_where_drafts_go_out_undecided_only_the_owner_turns_drafts_on(
    stage: DeliveryStage,
) -> None:
    shop, now = stage.account.shop, stage.stock.clock[0]
    limits = AiLimits(draft_sends=True)
    await stage.stock.store.write(
        lambda tx: tx.ai_scopes.set_shop(shop, AiScope(mode=AiMode.OFF), limits, now)
    )
    assert "要店主才能做" in await stage.write("/ai 草稿", as_=Role.AGENT)
    found = await stage.stock.store.read(lambda tx: tx.ai_scopes.settings(shop))
    assert found.shop.mode is AiMode.OFF
    await stage.write("/ai 自动")
    assert "改为草稿" in await stage.write("/ai 草稿", as_=Role.AGENT)


# --- Bargains, limits, second words ---------------------------------------------------------------


async def test_a_bargain_is_completed_once_at_the_second_word(stage: DeliveryStage) -> None:
    order = await stage.order(BARGAIN, status=OrderStatus.BARGAIN_PENDING)
    need = await stage.need(order, NeedKind.BARGAIN, "闲鱼拒绝")
    asked = await stage.write("/免拼", **quoting(stage.lin))
    assert "确认 0002" in asked
    assert "正在免拼" in await stage.write("确认 0002")
    waiting = await stage.stock.store.read(lambda tx: tx.outbox.backlog())
    assert waiting[TaskKind.FREE_SHIPPING] == 1
    closed = await stage.desk.needs.get(stage.stock.owner, need.number)
    assert closed.need.resolution == "再免拼一次"
    assert Choice.FREE in closed.choices
    assert "正在免拼，等结果出来再说" in await stage.write("/免拼 0002")


async def test_an_agent_does_so_much_of_what_cannot_be_undone_and_no_more(
    stage: DeliveryStage,
) -> None:
    limits = LimitSettings(agent_risky_per_day=1)
    stage.stock.desk = Desk(
        stage.stock.store, Settings(limits=limits), lambda: stage.stock.clock[0]
    )
    await stage.served("CODE-1111", "CODE-2222", "CODE-3333", "CODE-4444", "CODE-5555")
    for number, of in ((FIRST, stage.lin), (SECOND, stage.qi), (BARGAIN, stage.qi)):
        await stage.order(number, of)
    assert "🚚" in await stage.write("/发货 9123", as_=Role.AGENT)
    assert "退回" in await stage.write("/退回 9123", as_=Role.AGENT)
    assert "确认 6778" in await stage.write("/发货 6778 3份", as_=Role.AGENT)
    assert "🚚" in await stage.write("确认 6778", as_=Role.AGENT)
    refused = await stage.write("/标记发货 0002", as_=Role.AGENT)
    assert refused.startswith("没有执行")
    assert "做了 1 次，客服最多 1 次，请店主来做" in refused
    assert "🚚" in await stage.write("/发货 9123", as_=Role.AGENT)
    assert "确认 0002" in await stage.write("/标记发货 0002")
    stage.stock.later(hours=25)
    assert "确认 0002" in await stage.write("/标记发货 0002", as_=Role.AGENT)


async def test_a_code_alone_after_a_restart_is_not_said_to_the_buyer(stage: DeliveryStage) -> None:
    await stage.order()
    await stage.write("/聊 小林")
    await stage.write("/标记发货 6778")
    stage.stock.desk = Desk(stage.stock.store, Settings(), lambda: stage.stock.clock[0])
    said = await stage.write("6778")
    assert "没有等你确认的操作" in said
    assert said.endswith("要对买家说，写 #编号 6778")
    assert not (await stage.write("确认 6778")).endswith("6778")
    assert await said_to(stage, stage.lin) == 0

    stage.stock.later(hours=25)  # by now it is a number like any other
    await Expiry(stage.stock.store, now=lambda: stage.stock.clock[0]).sweep()
    await stage.write("/聊 小林")
    await stage.write("6778")
    assert await said_to(stage, stage.lin) == 1


async def test_everything_risky_is_kept_with_person_door_and_message(stage: DeliveryStage) -> None:
    await stage.order()
    await stage.write("/标记发货 6778", as_=Role.AGENT)
    await stage.write("确认 6778", as_=Role.AGENT)
    [entry] = [
        one
        for one in await stage.desk.system.audit(stage.stock.owner)
        if one.action == "order.ship_anyway"
    ]
    number = stage.stock._written
    assert (entry.member, entry.door) == (stage.stock.agent.member.id, "qq")
    assert entry.detail == f"10001:{number}"
