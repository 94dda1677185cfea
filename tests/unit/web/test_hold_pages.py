"""The buttons that stop and resume automatic answers, on each page that has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from web_stage import Stage, Visitor, utc_now, visiting

from hub.desk import Held, Operator
from hub.model import WHOLE_SHOP, Account, Conversation, HoldKind, ListedItem, Role, Scope

ITEM = "900000000001"
SCOPES: dict[str, Callable[[Conversation], tuple[Scope, str, str]]] = {
    "conversation": lambda one: (
        Scope(conversation=one.id), f"/conversations/{one.id}", f"/conversations/{one.id}"
    ),
    "item": lambda one: (Scope(item=ITEM), f"/items/{ITEM}", f"/accounts/{one.account}/items"),
    "account": lambda one: (
        Scope(account=one.account), f"/accounts/{one.account}", f"/accounts/{one.account}"
    ),
    "shop": lambda _: (WHOLE_SHOP, "/shop", "/"),
}  # fmt: skip


@pytest.fixture
async def account(stage: Stage, owner: Operator) -> Account:
    return await stage.account(owner)


@pytest.fixture
async def conversation(stage: Stage, account: Account) -> Conversation:
    item = ListedItem(ITEM, "二手机械键盘 87 键", None, None, True, None)
    await stage.store.write(
        lambda tx: tx.items.save_list(account.shop, account.id, [item], utc_now())
    )
    return await stage.conversation(account)


async def held(stage: Stage, owner: Operator) -> list[Held]:
    return list(await stage.desk.holds.all(owner))


@pytest.mark.parametrize(
    ("length", "lasts"),
    [("30", timedelta(minutes=30)), ("480", timedelta(hours=8)), ("", None)],
)
@pytest.mark.parametrize("name", SCOPES)
async def test_each_scope_is_paused_and_resumed_on_its_page(
    stage: Stage,
    owner: Operator,
    boss: Visitor,
    conversation: Conversation,
    name: str,
    length: str,
    lasts: timedelta | None,
) -> None:
    scope, address, page = SCOPES[name](conversation)
    assert f'action="{address}/pause"' in (await boss.get(page)).text

    done = await boss.submit(f"{address}/pause", on=page, length=length, back=page)

    assert (done.status, done.leads_to) == (303, f"{page}?done=paused")
    (one,) = await held(stage, owner)
    assert (one.hold.kind, one.hold.scope) == (HoldKind.PAUSE, scope)
    until: datetime | None = one.hold.until
    assert until is None if lasts is None else until == one.hold.since + lasts
    for shown in {page, "/"}:
        assert f'action="{address}/resume"' in (await boss.get(shown)).text, shown
    done = await boss.submit(f"{address}/resume", on=page, back=page)
    assert done.leads_to == f"{page}?done=resumed"
    assert await held(stage, owner) == []


async def test_the_conversation_shows_all_that_stops_it_and_a_partial_resume_says_so(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    page = f"/conversations/{conversation.id}"
    for name in SCOPES:
        scope, *_ = SCOPES[name](conversation)
        await stage.desk.holds.pause(owner, scope)

    text = (await boss.get(page)).text
    for part in (
        "<b>自动回复已暂停</b>",
        "<b>这个商品的自动回复已暂停</b>",
        "<b>账号「数码小店」的自动回复已暂停</b>",
        "<b>整个店铺的自动回复已暂停</b>",
    ):
        assert part in text

    done = await boss.submit(f"{page}/resume", on=page, back=page)
    assert done.leads_to == f"{page}?done=resumed-partly"
    assert "还有别的暂停没有解除" in (await boss.get(done.leads_to)).text
    assert len(await held(stage, owner)) == 3


async def test_everything_stops_by_a_button_and_goes_on_by_the_owners(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    await stage.member(owner, "小李", Role.AGENT)
    async with visiting(stage) as agent:
        await agent.log_in("小李")
        done = await agent.submit("/emergency/halt", on="/", account="", back="/")
        assert done.leads_to == "/?done=halted"
        told = (await agent.get("/")).text
        talk = (await agent.get(f"/conversations/{conversation.id}")).text
        await agent.submit("/shop/resume", on="/", back="/")
    assert "全店已全部停下：不自动回复，也不自动发货" in told
    assert "小李按下了急停 · " in told
    assert "已停止发货" not in told  # said once
    assert "/emergency/" not in told
    assert "整个店铺全停着，不自动回复" in talk
    (one,) = await stage.desk.emergency.standing(owner)
    assert (one.account, one.delivers) == (None, False)

    assert "确定，全部恢复" in (await boss.get("/")).text
    done = await boss.submit("/emergency/go", on="/", account="", back="/")
    assert done.leads_to == "/?done=going"
    assert await stage.desk.emergency.standing(owner) == []
    assert await stage.desk.needs.stops(owner) == []
    audit = [entry.action for entry in await stage.desk.system.audit(owner)]
    assert audit[0] == "emergency.go"
    assert "emergency.halt" in audit


async def test_a_conversation_is_taken_over_by_a_button(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    page = f"/conversations/{conversation.id}"

    done = await boss.submit(f"{page}/take-over", on=page)

    assert done.leads_to == f"{page}?done=taken-over"
    (one,) = await held(stage, owner)
    assert one.hold.kind is HoldKind.TAKEOVER
    assert one.hold.until == one.hold.since + timedelta(minutes=10)
    assert "人工接待中" in (await boss.get(page)).text
    audit = await stage.desk.system.audit(owner)
    assert audit[0].action == "take_over"


@pytest.mark.parametrize("name", SCOPES)
async def test_a_viewer_sees_what_is_paused_and_has_no_buttons(
    stage: Stage, owner: Operator, conversation: Conversation, name: str
) -> None:
    scope, address, page = SCOPES[name](conversation)
    await stage.desk.holds.pause(owner, scope)
    await stage.member(owner, "阿看", Role.VIEWER)
    async with visiting(stage) as viewer:
        await viewer.log_in("阿看")
        shown = await viewer.get(page)
        assert "已暂停" in shown.text
        assert f'action="{address}/' not in shown.text
        tried = await viewer.submit(f"{address}/resume", on=page, back=page)
        assert tried.status == 403
    assert len(await held(stage, owner)) == 1


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/items/1/pause", {"length": "30"}),
        ("/accounts/99/pause", {"length": "30"}),
        ("/conversations/99/resume", {}),
        ("/conversations/99/take-over", {}),
        ("/shop/pause", {"length": "31"}),
    ],
)
async def test_what_is_not_there_or_not_offered_stops_nothing(
    stage: Stage, owner: Operator, boss: Visitor, path: str, more: dict[str, Any]
) -> None:
    page = await boss.submit(path, on="/members", **more)
    assert page.status in (400, 404)
    assert await held(stage, owner) == []


async def test_going_back_never_leaves_the_admin(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    done = await boss.submit("/shop/pause", on="/", length="30", back="https://evil.example/")
    assert done.leads_to == "/?done=paused"


async def test_the_audit_names_what_was_paused(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    for name in SCOPES:
        scope, *_ = SCOPES[name](conversation)
        await stage.desk.holds.pause(owner, scope)
    text = (await boss.get("/audit")).text
    for part in (f"#{conversation.ticket}", f"商品 {ITEM}", "账号 数码小店", "整个店铺"):
        assert part in text
