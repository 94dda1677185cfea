"""Reply rules in the admin: every kind, every field, pictures, finding one among many."""

from __future__ import annotations

from datetime import time

import pytest
from web_stage import Stage, Visitor, jpeg, utc_now, visiting

from hub.desk import Operator
from hub.model import Hours, ListedItem, Match, Moment, Role, Rule, RuleKind
from hub.store import Tx

ITEM, OTHER = "900100200300", "900100200301"


async def only(stage: Stage, owner: Operator) -> Rule:
    (rule,) = await stage.desk.rules.all(owner)
    return rule


async def with_items(stage: Stage, owner: Operator) -> None:
    account = await stage.account(owner)
    names = {ITEM: "会员月卡", OTHER: "咖啡壶"}
    items = [ListedItem(id_, name, None, None, True, None) for id_, name in names.items()]
    await stage.account_items(account, items)


async def test_an_item_rule_is_made_of_ticked_items_and_pasted_links(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await with_items(stage, owner)
    form = await boss.get("/rules/new?kind=item")
    assert "咖啡壶" in form.text
    page = await boss.post(
        "/rules/new",
        csrf=form.csrf,
        kind="item",
        item=ITEM,
        items="https://www.goofish.com/item?id=900100200399",
        reply="已经预订了",
    )
    assert page.leads_to == "/rules?done=rule-added"
    rule = await only(stage, owner)
    assert (rule.kind, rule.items) == (RuleKind.ITEM, (ITEM, "900100200399"))
    assert "会员月卡 等 2 个商品" in (await boss.get("/rules")).text
    again = (await boss.get(f"/rules/{rule.id}")).text
    assert f'value="{ITEM}" checked' in again
    assert "900100200399</textarea>" in again


async def test_every_field_is_kept_shown_again_and_changed(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    await boss.submit(
        "/rules/new?kind=keyword",
        kind="keyword",
        keywords="(能|可以).{0,4}便宜\n少[一点]{1,2}",
        match="pattern",
        reply="最低价啦",
        account=str(account.id),
        priority="7",
        **{"from": "22:00", "until": "08:00"},
        once="1",
    )
    rule = await only(stage, owner)
    assert rule.keywords == ("(能|可以).{0,4}便宜", "少[一点]{1,2}")
    assert (rule.match, rule.priority, rule.once) == (Match.PATTERN, 7, True)
    assert (rule.account, rule.hours) == (account.id, Hours(time(22), time(8)))
    listed = (await boss.get("/rules")).text
    for told in ("正则", "22:00–08:00", "只说一次", "优先级 7"):
        assert told in listed
    form = await boss.get(f"/rules/{rule.id}")
    assert (form.value("from"), form.value("until")) == ("22:00", "08:00")
    await boss.submit(
        f"/rules/{rule.id}", keywords="便宜", match="exact", reply="不能", priority=""
    )
    changed = await only(stage, owner)
    assert (changed.keywords, changed.match) == (("便宜",), Match.EXACT)
    assert (changed.hours, changed.once, changed.priority, changed.account) == (
        None,
        False,
        0,
        None,
    )


@pytest.mark.parametrize("moment", list(Moment))
async def test_a_moment_is_chosen(
    stage: Stage, owner: Operator, boss: Visitor, moment: Moment
) -> None:
    await boss.submit("/rules/new?kind=moment", kind="moment", moment=moment, reply="谢谢")
    assert (await only(stage, owner)).moment is moment


async def test_a_rule_that_says_nothing_is_told_apart_from_an_empty_one(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    page = await boss.submit("/rules/new", kind="keyword", keywords="加微信", reply="")
    assert page.status == 400
    assert 'id="reply-error"' in page.text
    await boss.submit("/rules/new", kind="keyword", keywords="加微信", reply="", silent="1")
    rule = await only(stage, owner)
    assert rule.silent
    assert "不回复，留给人来答" in (await boss.get("/rules")).text
    assert 'name="silent" value="1" checked' in (await boss.get(f"/rules/{rule.id}")).text
    await boss.submit(f"/rules/{rule.id}", keywords="加微信", reply="平台里说就好")
    assert not (await only(stage, owner)).silent


async def test_pictures_are_uploaded_with_the_rule_shown_and_taken_away(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    form = await boss.get("/rules/new?kind=default")
    page = await boss.post_files(
        "/rules/new", [jpeg(), jpeg((50, 60))], csrf=form.csrf, kind="default", reply=""
    )
    assert page.leads_to == "/rules?done=rule-added", page.text
    rule = await only(stage, owner)
    assert [(one.width, one.height) for one in rule.pictures] == [(40, 30), (50, 60)]
    edit = await boss.get(f"/rules/{rule.id}")
    for one in rule.pictures:
        assert f"/rules/{rule.id}/pictures/{one.name}" in edit.text
        async with boss.http.get(f"{boss.url}/rules/{rule.id}/pictures/{one.name}") as answer:
            assert (answer.status, answer.content_type) == (200, "image/jpeg")
    first, second = rule.pictures
    await boss.post(f"/rules/{rule.id}", csrf=edit.csrf, reply="", without=first.name)
    assert (await only(stage, owner)).pictures == (second,)
    assert (await boss.get(f"/rules/{rule.id}/pictures/{first.name}")).status == 404
    last = await boss.post(f"/rules/{rule.id}", csrf=edit.csrf, reply="", without=second.name)
    assert (last.status, 'id="reply-error"' in last.text) == (400, True)


async def test_a_picture_of_several_megabytes_is_taken(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    heavy = jpeg() + b"\x00" * 3_000_000
    form = await boss.get("/rules/new?kind=default")
    await boss.post_files("/rules/new", [heavy], csrf=form.csrf, kind="default", reply="看图")
    assert (await only(stage, owner)).pictures


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "keyword", "keywords": "", "reply": "在的"}, "keywords"),
        ({"kind": "keyword", "keywords": "(", "match": "pattern", "reply": "在的"}, "keywords"),
        ({"kind": "keyword", "keywords": "长" * 61, "reply": "在的"}, "keywords"),
        ({"kind": "keyword", "keywords": "在", "match": "magic", "reply": "在的"}, "match"),
        ({"kind": "keyword", "keywords": "在", "reply": "{buyer_nmae}"}, "reply"),
        ({"kind": "keyword", "keywords": "在", "reply": "长" * 2001}, "reply"),
        ({"kind": "keyword", "keywords": "在", "reply": "\n######\n".join("123456")}, "reply"),
        ({"kind": "keyword", "keywords": "在", "reply": "在的", "account": "99"}, "account"),
        ({"kind": "keyword", "keywords": "在", "reply": "在的", "items": "月卡"}, "items"),
        ({"kind": "keyword", "keywords": "在", "reply": "在的", "priority": "101"}, "priority"),
        ({"kind": "keyword", "keywords": "在", "reply": "在的", "priority": "高"}, "priority"),
        ({"kind": "keyword", "keywords": "在", "reply": "在的", "from": "22:00"}, "hours"),
        (
            {"kind": "default", "reply": "在的", "from": "10:00", "until": "10:00"},
            "hours",
        ),
        ({"kind": "default", "reply": "在的", "from": "25:00", "until": "10:00"}, "hours"),
        ({"kind": "item", "reply": "在的"}, "items"),
        ({"kind": "moment", "reply": "在的"}, "moment"),
        ({"kind": "moment", "moment": "never", "reply": "在的"}, "moment"),
    ],
)
async def test_each_wrong_field_is_blamed_and_what_was_written_stays(
    stage: Stage, owner: Operator, boss: Visitor, fields: dict[str, str], field: str
) -> None:
    page = await boss.submit("/rules/new?kind=" + fields["kind"], **fields)
    assert page.status == 400
    assert f'id="{field}-error"' in page.text
    assert fields["reply"] in page.text
    assert not await stage.desk.rules.all(owner)


async def test_what_is_no_picture_is_blamed_beside_its_field(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    form = await boss.get("/rules/new?kind=default")
    page = await boss.post_files(
        "/rules/new", [b"GIF89a nothing"], csrf=form.csrf, kind="default", reply="看图"
    )
    assert (page.status, 'id="pictures-error"' in page.text) == (400, True)
    assert not await stage.desk.rules.all(owner)


async def test_the_preview_shows_the_messages_and_what_is_wrong(boss: Visitor) -> None:
    csrf = (await boss.get("/rules/new")).csrf
    path = "/rules/preview?part=1"
    shown = await boss.post(path, csrf=csrf, reply="{buyer_name} 你好\n######\n<b>包邮</b>")
    assert shown.text.count("bubble-line") == 2
    assert "小林 你好" in shown.text
    assert "&lt;b&gt;包邮" in shown.text
    assert "{nobody}" in (await boss.post(path, csrf=csrf, reply="{nobody}")).text
    assert "什么也不说" in (await boss.post(path, csrf=csrf, reply="在", silent="1")).text
    assert "bubble" not in (await boss.post(path, csrf=csrf, reply=" ")).text


async def test_many_rules_are_found_by_word_item_kind_and_state_and_paged(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await with_items(stage, owner)

    def unit(tx: Tx) -> None:
        for number in range(205):
            rule = Rule(
                id=(0),  # type: ignore[arg-type]
                shop=owner.shop,
                account=None,
                kind=RuleKind.KEYWORD,
                keywords=(f"词{number:03d}",),
                reply=f"答{number:03d}",
                enabled=number != 7,
                items=(OTHER,) if number == 9 else (),
            )
            tx.rules.add(rule, utc_now())

    await stage.store.write(unit)
    first = (await boss.get("/rules")).text
    assert "答099" in first
    assert "答100" not in first
    assert "第 1 页，共 3 页，205 条" in first
    assert "答204" in (await boss.get("/rules?page=3")).text
    assert "答204" in (await boss.get("/rules?page=999999")).text
    assert "答000" in (await boss.get("/rules?page=nonsense")).text
    assert shown(await boss.get("/rules?find=词123")) == ["答123"]
    assert shown(await boss.get("/rules?find=答045")) == ["答045"]
    assert shown(await boss.get("/rules?find=咖啡")) == ["答009"]
    assert shown(await boss.get("/rules?state=off")) == ["答007"]
    assert shown(await boss.get("/rules?kind=item")) == []
    assert "没有符合的" in (await boss.get("/rules?find=没有这个")).text


def shown(page: object) -> list[str]:
    lines = str(getattr(page, "text", "")).split('<p class="reply-text">')[1:]
    return [line.split("</p>")[0] for line in lines]


async def test_switching_leads_back_to_the_list_that_was_looked_at(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    rule = await stage.desk.rules.add(owner, kind=RuleKind.DEFAULT, reply="稍等")
    csrf = (await boss.get("/rules")).csrf
    page = await boss.post(
        f"/rules/{rule.id}/switch", csrf=csrf, on="0", find="稍", kind="default", page="1"
    )
    assert page.leads_to.startswith("/rules?find=%E7%A8%8D&kind=default&page=1&done=")
    assert not (await only(stage, owner)).enabled


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_others_than_owners_look_and_change_nothing(
    stage: Stage, owner: Operator, boss: Visitor, role: Role
) -> None:
    rule = await stage.desk.rules.add(owner, kind=RuleKind.DEFAULT, reply="稍等")
    await stage.member(owner, "小周", role)
    async with visiting(stage) as other:
        await other.log_in("小周")
        page = await other.get("/rules")
        assert "稍等" in page.text
        assert "/rules/new" not in page.text
        for path in ("/rules/new", f"/rules/{rule.id}", f"/rules/{rule.id}/remove"):
            assert (await other.get(path)).status == 403
        csrf = page.csrf
        for path in (
            "/rules/new",
            "/rules/preview",
            "/rules/rehearse",
            f"/rules/{rule.id}",
            f"/rules/{rule.id}/switch",
            f"/rules/{rule.id}/remove",
        ):
            fields = {"kind": "default", "reply": "改了", "on": "0"}
            assert (await other.post(path, csrf=csrf, **fields)).status == 403, path
    assert await only(stage, owner) == rule
