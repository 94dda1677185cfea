"""Canned answers, trials, and what a changed rule would change, on their pages."""

from __future__ import annotations

from web_stage import Stage, Visitor

from hub.desk import Operator
from hub.model import RuleKind

RULE = {"kind": "keyword", "keywords": "包邮", "reply": "全国包邮", "match": "contains"}


async def test_a_canned_answer_is_written_changed_and_removed_after_a_second_look(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    assert "还没有常用语" in (await boss.get("/canned")).text
    await boss.submit("/canned", code="DZ", text="上海\r\n######\r\n不面交")
    page = (await boss.get("/canned")).text
    assert ">dz</span>" in page
    assert page.count('class="reply-text"') == 2
    edit = await boss.get("/canned/1")
    assert "修改「dz」" in edit.text
    await boss.submit("/canned", on="/canned/1", editing="1", code="dz", text="北京")
    (kept,) = await stage.desk.canned.all(owner)
    assert (kept.code, kept.text) == ("dz", "北京")
    refused = await boss.submit("/canned", on="/canned/1", editing="1", code="dz", text="{city}")
    assert refused.status == 400
    assert "修改「dz」" in refused.text
    assert "{city}" in refused.text
    assert "北京" in (await boss.get("/canned/1/remove")).text
    assert await stage.desk.canned.all(owner)
    await boss.submit("/canned/1/remove")
    assert not await stage.desk.canned.all(owner)
    assert (await boss.get("/canned/1")).status == 404


async def test_a_trial_says_what_would_be_said_and_leaves_pauses_out(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await stage.account(owner)
    rule = await stage.desk.rules.add(
        owner, kind=RuleKind.KEYWORD, keywords=["包邮"], reply="全国<b>包邮"
    )
    assert 'href="/rules/try"' in (await boss.get("/rules")).text
    page = (await boss.get("/rules/try?text=包邮吗")).text
    assert "全国&lt;b&gt;包邮" in page
    assert f'href="/rules/{rule.id}"' in page
    assert "没有人在接待" not in page
    refused = await boss.get("/rules/try?text=")
    assert refused.status == 400
    assert "写上买家的话" in refused.text
    assert (await boss.get("/rules/try?text=x&account=99")).status == 400


async def test_a_changed_rule_shows_what_would_be_different_before_it_is_saved(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    nothing = await boss.submit("/rules/rehearse?part=1", on="/rules/new", **RULE)
    assert "还没有买家说过话" in nothing.text
    talk = await stage.conversation(await stage.account(owner))
    await stage.says(talk, "包邮<b>吗", 1)
    await stage.says(talk, "在吗", 2)
    old = await stage.desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["在吗"], reply="在")
    part = await boss.submit("/rules/rehearse?part=1", on="/rules/new", **RULE)
    assert "<html" not in part.text
    assert "买家最近说的 2 句里，有 1 句会不一样" in part.text
    assert "包邮&lt;b&gt;吗" in part.text
    assert "改了以后：全国包邮" in part.text
    same = RULE | {"rule": str(old.id), "keywords": "在吗", "reply": "在"}
    whole = await boss.submit("/rules/rehearse", on=f"/rules/{old.id}", **same)
    assert "没有一句会不一样" in whole.text
    assert "修改关键词" in whole.text
    assert await stage.desk.rules.all(owner) == [old]


async def test_a_rule_that_is_off_shows_what_it_would_change_once_it_is_on(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    talk = await stage.conversation(await stage.account(owner))
    await stage.says(talk, "在吗")
    rule = await stage.desk.rules.add(
        owner, kind=RuleKind.KEYWORD, keywords=["在吗"], reply="在", enabled=False
    )
    form = RULE | {"rule": str(rule.id), "keywords": "在吗", "reply": "在"}
    page = await boss.submit("/rules/rehearse?part=1", on=f"/rules/{rule.id}", **form)
    assert "有 1 句会不一样" in page.text


async def test_a_rule_that_could_not_be_saved_is_not_tried(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    wrong = RULE | {"reply": "{city}"}
    part = await boss.submit("/rules/rehearse?part=1", on="/rules/new", **wrong)
    assert "不认识" in part.text
    whole = await boss.submit("/rules/rehearse", on="/rules/new", **wrong)
    assert whole.status == 400
    assert "包邮" in whole.text
    pictures = RULE | {"reply": "", "pictured": "1"}
    assert (
        "比不出来"
        in (await boss.submit("/rules/rehearse?part=1", on="/rules/new", **pictures)).text
    )
