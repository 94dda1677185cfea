"""The card of the buyer on the thread page: shown to all, changed by those who may answer."""

from __future__ import annotations

import pytest
from web_stage import Stage, Visitor, visiting

from hub.desk import Operator
from hub.model import Conversation, Role


@pytest.fixture
async def conversation(stage: Stage, owner: Operator) -> Conversation:
    return await stage.conversation(await stage.account(owner))


async def test_a_card_is_kept_and_shown(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    path = f"/conversations/{conversation.id}"
    form = await boss.get(path)
    page = await boss.post(
        f"{path}/buyer", csrf=form.csrf, note="上次少发一张", tags="老客，爱砍价", blocked="1"
    )
    assert page.status in (200, 303)

    shown = (await boss.get(path)).text
    assert '<span class="chip">老客</span>' in shown
    assert '<span class="chip">爱砍价</span>' in shown
    assert "上次少发一张" in shown
    assert "已拉黑" in shown
    card = await stage.store.read(lambda tx: tx.buyers.get(conversation.shop, conversation.buyer))
    assert card.blocked

    form = await boss.get(path)
    await boss.post(f"{path}/buyer", csrf=form.csrf, note="", tags="")
    card = await stage.store.read(lambda tx: tx.buyers.get(conversation.shop, conversation.buyer))
    assert card.blank


async def test_a_card_that_is_too_long_is_refused_and_what_was_written_stays(
    boss: Visitor, conversation: Conversation
) -> None:
    path = f"/conversations/{conversation.id}"
    form = await boss.get(path)
    page = await boss.post(f"{path}/buyer", csrf=form.csrf, note="字" * 201, tags="老客")
    assert page.status == 400
    assert "备注最多 200 字" in page.text
    assert "字" * 201 in page.text


async def test_what_is_written_about_buyers_is_no_markup(
    boss: Visitor, conversation: Conversation
) -> None:
    path = f"/conversations/{conversation.id}"
    form = await boss.get(path)
    await boss.post(f"{path}/buyer", csrf=form.csrf, note="<b>x</b>", tags="<i>")
    shown = (await boss.get(path)).text
    assert "<b>x</b>" not in shown
    assert "&lt;b&gt;x&lt;/b&gt;" in shown


async def test_a_viewer_sees_the_card_and_changes_nothing(
    stage: Stage, owner: Operator, conversation: Conversation
) -> None:
    await stage.desk.buyers.change(owner, conversation.id, note="老客")
    path = f"/conversations/{conversation.id}"
    await stage.member(owner, "看客", Role.VIEWER)
    async with visiting(stage) as viewer:
        await viewer.log_in("看客")
        page = await viewer.get(path)
        assert "老客" in page.text
        assert f"{path}/buyer" not in page.text
        done = await viewer.post(f"{path}/buyer", csrf=page.csrf, note="", tags="")
        assert done.status == 403
    card = await stage.store.read(lambda tx: tx.buyers.get(conversation.shop, conversation.buyer))
    assert card.note == "老客"
