"""What AI proposes, on the pages: where it waits, what can be done with it, and how often."""

from __future__ import annotations

import pytest
from test_reply_doors import draft
from web_stage import Page, Stage, Visitor, utc_now, visiting

from hub.answers import propose
from hub.desk import Operator
from hub.model import Conversation, Message, MessageId, MessageState, Role, TaskKind, Text

EVIL = "</textarea><svg onload=alert(1)>\"'"


@pytest.fixture
async def talk(stage: Stage, owner: Operator) -> Conversation:
    talk = await stage.conversation(await stage.account(owner))
    await stage.says(talk, "这个多少钱")
    return talk


async def decide(visitor: Visitor, talk: Conversation, what: MessageId, **form: str) -> Page:
    page = await visitor.get(f"/conversations/{talk.id}")
    return await visitor.post(f"/conversations/{talk.id}/draft/{what}", csrf=page.csrf, **form)


async def message(stage: Stage, talk: Conversation, id_: MessageId) -> Message:
    found = await stage.store.read(lambda tx: tx.messages.get(talk.shop, id_))
    assert found is not None
    return found


async def sends(stage: Stage) -> int:
    return (await stage.store.read(lambda tx: tx.outbox.backlog())).get(TaskKind.SEND, 0)


async def test_a_waiting_draft_is_announced_wherever_people_look(
    stage: Stage, talk: Conversation, boss: Visitor
) -> None:
    assert "AI 草稿等你决定" not in (await boss.get("/")).text
    waits = await draft(stage, talk)
    await stage.says(await stage.conversation(await other(stage, talk), buyer="别人"), "你好")
    assert "1 份 AI 草稿等你决定" in (await boss.get("/?part=1")).text
    listed = (await boss.get("/conversations")).text
    assert listed.count("草稿待定") == 1
    assert "AI 草稿：</span>页面上的价就是" in listed
    narrowed = (await boss.get("/conversations?drafts=1")).text
    assert "草稿待定" in narrowed
    assert "别人" not in narrowed
    await decide(boss, talk, waits, act="drop")
    assert "没有等你决定的 AI 草稿" in (await boss.get("/conversations?drafts=1&part=1")).text
    assert "没有发出：</span>" in (await boss.get("/conversations")).text
    assert "AI 草稿等你决定" not in (await boss.get("/")).text


async def other(stage: Stage, talk: Conversation):  # type: ignore[no-untyped-def]
    return await stage.store.read(lambda tx: tx.accounts.get(talk.shop, talk.account))


async def test_a_draft_goes_out_once_however_often_it_is_sent(
    stage: Stage, talk: Conversation, boss: Visitor
) -> None:
    waits = await draft(stage, talk)
    page = await boss.get(f"/conversations/{talk.id}")
    assert "设置里选的是草稿" in page.text
    sent = await decide(boss, talk, waits, act="send", text="12.8 元\r\n直接拍")
    assert sent.leads_to == f"/conversations/{talk.id}?done=draft-queued"
    again = await decide(boss, talk, waits, act="send", text="12.8 元\r\n直接拍")
    assert again.status == 400
    assert "这份草稿已经发送过了" in again.text
    said = await message(stage, talk, waits)
    assert (said.content, said.state) == (Text("12.8 元\n直接拍"), MessageState.QUEUED)
    assert await sends(stage) == 1


@pytest.mark.parametrize("act", ["", "sned", "1"])
async def test_a_form_that_does_not_say_what_to_do_sends_nothing(
    stage: Stage, talk: Conversation, boss: Visitor, act: str
) -> None:
    waits = await draft(stage, talk)
    refused = await decide(boss, talk, waits, act=act, text="好")
    assert refused.status == 400
    assert (await message(stage, talk, waits)).state is MessageState.DRAFT
    assert await sends(stage) == 0


async def test_words_for_a_draft_that_is_gone_are_kept_in_the_reply_box(
    stage: Stage, talk: Conversation, boss: Visitor
) -> None:
    old = await draft(stage, talk)
    await draft(stage, talk, "新的草稿", 2)
    refused = await decide(boss, talk, old, act="send", text="我自己写的一大段")
    assert refused.status == 400
    assert "有了新的草稿。你写的话在下面，要发就点发送" in refused.text
    assert "我自己写的一大段</textarea>" in refused.text
    assert await sends(stage) == 0
    untouched = await decide(boss, talk, old, act="send", text="页面上的价就是")
    assert "你写的话在下面" not in untouched.text


async def test_what_was_not_sent_is_folded_away_and_says_why(
    stage: Stage, talk: Conversation, boss: Visitor
) -> None:
    await draft(stage, talk)
    await draft(stage, talk, "新的草稿", 2)
    page = (await boss.get(f"/conversations/{talk.id}")).text
    assert "<summary>AI 的话没有发出：有了新的草稿</summary>" in page
    assert page.count('<form class="draft"') == 1


async def test_who_only_looks_sees_the_draft_and_no_buttons(
    stage: Stage, owner: Operator, talk: Conversation
) -> None:
    await draft(stage, talk)
    await stage.member(owner, "阿看", Role.VIEWER)
    async with visiting(stage) as viewer:
        await viewer.log_in("阿看")
        page = (await viewer.get(f"/conversations/{talk.id}")).text
        assert "页面上的价就是" in page
        assert "/draft/" not in page


async def test_nothing_that_ai_or_a_rule_says_is_markup(
    stage: Stage, owner: Operator, talk: Conversation, boss: Visitor
) -> None:
    await stage.desk.canned.save(owner, "x<b>", EVIL)
    asked = await stage.says(talk, EVIL, 7)
    await stage.store.write(
        lambda tx: tx.decisions.add(
            talk.shop,
            conversation=talk.id,
            message=asked,
            outcome="draft",
            reason=EVIL,
            steps=(EVIL,),
            now=utc_now(),
        )
    )
    await stage.store.write(lambda tx: propose(tx, talk, "ai:1", EVIL, EVIL, utc_now()))
    before = f"/conversations/{talk.id}"
    for path in (before, f"{before}?part=1", "/conversations", "/canned", "/canned/1"):
        page = (await boss.get(path)).text
        assert "<svg onload" not in page, path
        assert "x<b>" not in page, path
    await stage.store.write(lambda tx: propose(tx, talk, "ai:2", "别的", EVIL, utc_now()))
    assert "<svg onload" not in (await boss.get(before)).text


async def test_all_that_was_decided_about_a_message_stands_below_it_with_a_way_to_try_again(
    stage: Stage, talk: Conversation, boss: Visitor
) -> None:
    asked = await stage.says(talk, "便宜点 & 包邮?", 5)
    for outcome, reason, steps in (
        ("asks_ai", "没有命中规则", ("没有暂停",)),
        ("draft", "设置里选的是草稿", ()),
    ):
        await stage.store.write(
            lambda tx, o=outcome, r=reason, s=steps: tx.decisions.add(
                talk.shop,
                conversation=talk.id,
                message=asked,
                outcome=o,
                reason=r,
                steps=s,
                now=utc_now(),
            )
        )
    page = (await boss.get(f"/conversations/{talk.id}")).text
    assert "AI 写了草稿，等人看：设置里选的是草稿</summary>" in page
    assert "<li>没有暂停</li>" in page
    assert "<li>交给 AI：没有命中规则</li>" in page
    assert "/rules/try?text=%E4%BE%BF%E5%AE%9C%E7%82%B9+%26+%E5%8C%85%E9%82%AE%3F" in page
