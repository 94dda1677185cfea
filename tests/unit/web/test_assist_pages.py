"""AI in the admin: profiles with a real try, keys never shown again, settings by place."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import time

import pytest
from web_stage import Stage, Visitor, utc_now, visiting

from hub.desk import AiPlace, Operator
from hub.errors import Forbidden, Invalid, NotFound
from hub.model import (
    AccountId,
    AiLimits,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    Hours,
    Intent,
    Item,
    Role,
)
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox

KEY = "sk-SECRET-OF-THE-TEST"
GOOD = {
    "name": "沙盒",
    "base_url": "https://api.example.com/v1",
    "model": "sandbox-mini",
    "api_key": KEY,
    "account": "",
    "position": "1",
    "timeout": "30",
}
SHOP = {
    "mode": "automatic",
    "hours": "9:00-12:00，22:00-2:00",
    "knowledge": "付款后自动发货",
    "prompt": "称呼买家亲",
    "confidence": "80",
    "calls_per_day": "100",
    "calls_per_conversation": "5",
    "tokens_per_day": "0",
    "tokens_per_conversation": "0",
    "history": "6",
    "draft_minutes": "20",
    "draft_sends": "1",
    **{f"intent_{intent.value}": "" for intent in Intent if intent is not Intent.NONE},
}
PLACE = {name: "" for name in SHOP if name.startswith("intent_")} | {
    "mode": "",
    "hours": "",
    "knowledge": "",
    "prompt": "",
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with start_sandbox(SandboxOptions(furnished=False)) as sandbox:
        yield sandbox


async def stored(stage: Stage, owner: Operator) -> list[AiProfile]:
    return await stage.store.read(lambda tx: tx.ai_profiles.all(owner.shop))


async def test_a_profile_is_added_changed_switched_and_removed(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    done = await boss.submit("/ai/profiles/new", **GOOD)
    (profile,) = await stored(stage, owner)
    assert done.leads_to == f"/ai/profiles/{profile.id}?done=ai-profile-added"
    assert (profile.api_key, profile.timeout_seconds, profile.enabled) == (KEY, 30.0, True)
    path = f"/ai/profiles/{profile.id}"

    await boss.submit(path, **(GOOD | {"api_key": "", "model": "other", "sees_pictures": "1"}))
    (changed,) = await stored(stage, owner)
    assert (changed.model, changed.sees_pictures, changed.api_key) == ("other", True, KEY)
    page = await boss.get("/ai")
    await boss.post(f"{path}/switch", csrf=page.csrf, on="0")
    assert [one.enabled for one in await stored(stage, owner)] == [False]
    await boss.submit(path, **(GOOD | {"api_key": ""}))
    assert [one.enabled for one in await stored(stage, owner)] == [False], "saving switches nothing"
    await boss.submit(path, **(GOOD | {"api_key": "", "no_key": "1"}))
    assert [one.api_key for one in await stored(stage, owner)] == [""]

    assert "删除「沙盒」" in (await boss.get(f"{path}/remove")).text
    gone = await boss.submit(f"{path}/remove")
    assert gone.leads_to == "/ai?done=ai-profile-removed"
    assert await stored(stage, owner) == []
    assert (await boss.get(path)).status == 404


async def test_a_key_is_never_shown_again(stage: Stage, owner: Operator, boss: Visitor) -> None:
    await boss.submit("/ai/profiles/new", **GOOD)
    (profile,) = await stored(stage, owner)
    wrong = await boss.submit("/ai/profiles/new", **(GOOD | {"name": "乙", "base_url": "x"}))
    assert wrong.status == 400
    assert KEY not in wrong.text
    for path in ("/ai", f"/ai/profiles/{profile.id}", "/audit"):
        assert KEY not in (await boss.get(path)).text
    assert KEY not in repr(await stage.desk.ai.overview(owner))
    assert KEY not in repr(await stage.desk.ai.profile(owner, profile.id))


async def test_a_key_goes_to_no_other_server_than_it_was_given_for(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await boss.submit("/ai/profiles/new", **GOOD)
    (profile,) = await stored(stage, owner)
    path = f"/ai/profiles/{profile.id}"
    elsewhere = GOOD | {"api_key": "", "base_url": "https://other.example.com/v1"}
    page = await boss.submit(path, **elsewhere)
    assert page.status == 400
    assert "请重新填密钥" in page.text
    assert await stored(stage, owner) == [profile]
    same_server = GOOD | {"api_key": "", "base_url": "https://API.example.com/v2"}
    await boss.submit(path, **same_server)
    assert [(one.base_url, one.api_key) for one in await stored(stage, owner)] == [
        ("https://API.example.com/v2", KEY)
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "长" * 41}, "name"),
        ({"base_url": "api.example.com"}, "base_url"),
        ({"base_url": "ftp://api.example.com/v1"}, "base_url"),
        ({"base_url": "https://me:pw@api.example.com/v1"}, "base_url"),
        ({"base_url": "https://api.example.com/v1?key=1"}, "base_url"),
        ({"base_url": "https://api.example.com/v1/chat/completions"}, "base_url"),
        ({"base_url": "http://127.0.0.1:11434/v1"}, "base_url"),
        ({"base_url": "http://169.254.169.254/v1", "allow_private": "1"}, "base_url"),
        ({"base_url": "http://["}, "base_url"),
        ({"model": ""}, "model"),
        ({"api_key": "两个 汉字"}, "api_key"),
        ({"api_key": "a b"}, "api_key"),
        ({"timeout": "0"}, "timeout"),
        ({"timeout": "121"}, "timeout"),
        ({"timeout": "x"}, "timeout"),
        ({"position": "-1"}, "position"),
        ({"account": "999"}, "account"),
    ],
)
async def test_a_wrong_profile_is_refused_at_its_field(
    stage: Stage, owner: Operator, boss: Visitor, fields: dict[str, str], field: str
) -> None:
    page = await boss.submit("/ai/profiles/new", **(GOOD | fields))
    assert page.status == 400
    assert f'id="{field}-error"' in page.text
    assert await stored(stage, owner) == []


async def test_two_profiles_do_not_share_a_name(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await boss.submit("/ai/profiles/new", **GOOD)
    again = await boss.submit("/ai/profiles/new", **GOOD)
    assert "已经有一个 AI 叫这个名字" in again.text
    assert len(await stored(stage, owner)) == 1


async def test_a_try_asks_the_model_really_and_tells_what_would_become_of_it(
    stage: Stage, owner: Operator, boss: Visitor, sandbox: Sandbox
) -> None:
    local = GOOD | {"base_url": sandbox.urls["ai_url"], "allow_private": "1"}
    await boss.submit("/ai/profiles/new", **local)
    (profile,) = await stored(stage, owner)
    path = f"/ai/profiles/{profile.id}"
    page = await boss.submit(f"{path}/test", on=path, words="多少钱", item="")
    assert page.status == 200
    assert "¥9.90" in page.text
    assert "会先给人看：设置里选的是草稿" in page.text
    (call,) = sandbox.ai.calls
    assert call["headers"]["Authorization"] == f"Bearer {KEY}"

    sandbox.faults.add("*", "ai_error", reason="404 none The model does not exist", times=None)
    failed = await boss.submit(f"{path}/test", on=path, words="多少钱", item="")
    assert "没有答出来" in failed.text
    assert "The model does not exist" in failed.text
    overview = await stage.desk.ai.overview(owner)
    assert (overview.today.calls, overview.answered, overview.failed) == (2, 1, 1)


async def test_a_try_about_an_item_knows_what_is_written_there(
    stage: Stage, owner: Operator, boss: Visitor, sandbox: Sandbox
) -> None:
    account = await stage.account(owner)
    item = Item(id="900100200300", title="月卡", description="三分钟到账，支持续费。")
    await stage.store.write(lambda tx: tx.items.save(owner.shop, account.id, item, utc_now()))
    await stage.desk.ai.set_scope(
        owner, AiPlace(item=item.id), AiScope(AiMode.AUTOMATIC, knowledge="只限本人使用")
    )
    local = GOOD | {"base_url": sandbox.urls["ai_url"], "allow_private": "1"}
    await boss.submit("/ai/profiles/new", **local)
    (profile,) = await stored(stage, owner)
    path = f"/ai/profiles/{profile.id}"
    page = await boss.submit(f"{path}/test", on=path, words="多久到账", item=item.id)
    assert "三分钟到账" in page.text
    assert "会直接发出：AI 有 90% 的把握" in page.text
    (call,) = sandbox.ai.calls
    assert "只限本人使用" in call["messages"][0]["content"]
    unknown = await boss.submit(f"{path}/test", on=path, words="x", item="900100200399")
    assert unknown.status == 400
    assert "还没有读过这个商品" in unknown.text


async def test_the_shops_settings_are_kept_as_written(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    done = await boss.submit("/ai/shop", **(SHOP | {"intent_price": "draft"}))
    assert done.leads_to == "/ai/shop?done=ai-changed"
    found = await stage.store.read(lambda tx: tx.ai_scopes.settings(owner.shop))
    assert found.shop == AiScope(
        AiMode.AUTOMATIC,
        ((Intent.PRICE, AiMode.DRAFT),),
        (Hours(time(9), time(12)), Hours(time(22), time(2))),
        "付款后自动发货",
        "称呼买家亲",
    )
    assert found.limits == AiLimits(100, 0, 5, 0, 80, 6, 20, True)
    page = await boss.get("/ai/shop")
    assert page.value("hours") == "9:00-12:00、22:00-2:00"
    assert "称呼买家亲" in page.text


async def test_an_account_and_an_item_say_what_differs_and_nothing_else(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    await boss.submit("/ai/shop", **SHOP)
    await boss.submit(f"/ai/accounts/{account.id}", **(PLACE | {"mode": "off"}))
    await boss.submit("/ai/items/900100200300", **(PLACE | {"hours": "0:00-24:00"}))
    found = await stage.store.read(
        lambda tx: tx.ai_scopes.settings(owner.shop, account.id, "900100200300")
    )
    assert found.account == AiScope(AiMode.OFF)
    assert found.item == AiScope(hours=(Hours(time(), time()),))
    overview = await boss.get("/ai")
    assert "0:00-24:00" in overview.text
    await boss.submit("/ai/items/900100200300", **PLACE)
    assert "900100200300" not in (await boss.get("/ai")).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"hours": "早上到晚上"}, "hours"),
        ({"hours": "9-22"}, "hours"),
        ({"hours": "25:00-26:00"}, "hours"),
        ({"hours": "9:60-10:00"}, "hours"),
        ({"hours": "9:00-24:01"}, "hours"),
        ({"hours": ",".join(["9:00-10:00"] * 11)}, "hours"),
        ({"mode": "always"}, "mode"),
        ({"intent_price": "x"}, "intent_price"),
        ({"knowledge": "长" * 8001}, "knowledge"),
        ({"prompt": "长" * 2001}, "prompt"),
        ({"confidence": "101"}, "confidence"),
        ({"calls_per_day": "-1"}, "calls_per_day"),
        ({"history": "51"}, "history"),
    ],
)
async def test_wrong_settings_are_refused_at_their_field(
    stage: Stage, owner: Operator, boss: Visitor, fields: dict[str, str], field: str
) -> None:
    page = await boss.submit("/ai/shop", **(SHOP | fields))
    assert page.status == 400
    if field not in ("mode", "intent_price"):
        assert f'id="{field}-error"' in page.text
    found = await stage.store.read(lambda tx: tx.ai_scopes.settings(owner.shop))
    assert found.shop == AiScope()


async def test_a_place_that_is_none_is_told(boss: Visitor, owner: Operator) -> None:
    assert (await boss.get("/ai/accounts/99")).status == 404
    assert (await boss.get("/ai/items?item=900100200300")).leads_to == "/ai/items/900100200300"
    odd = await boss.get("/ai/items?item=abc")
    assert odd.status == 400
    assert "商品编号是一串数字" in odd.text


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_others_than_owners_look_and_change_nothing(
    stage: Stage, owner: Operator, boss: Visitor, role: Role
) -> None:
    await boss.submit("/ai/profiles/new", **GOOD)
    (profile,) = await stored(stage, owner)
    member = await stage.member(owner, "别人", role)
    async with visiting(stage) as visitor:
        await visitor.log_in(member.name)
        page = await visitor.get("/ai")
        assert page.status == 200
        assert KEY not in page.text
        assert "添加 AI" not in page.text
        shown = await visitor.get("/ai/shop")
        assert shown.status == 200
        assert ">保存<" not in shown.text
        assert (await visitor.get(f"/ai/profiles/{profile.id}")).status == 403
        assert (await visitor.post("/ai/shop", csrf=shown.csrf, **SHOP)).status == 403
        path = f"/ai/profiles/{profile.id}"
        for act in ("", "/switch", "/remove", "/test"):
            fields = GOOD | {"on": "0", "words": "x", "item": ""}
            assert (await visitor.post(path + act, csrf=shown.csrf, **fields)).status == 403
    them = dataclasses.replace(owner, member=member)
    with pytest.raises(Forbidden):
        await stage.desk.ai.set_scope(them, AiPlace(item="900100200300"), AiScope())
    assert await stored(stage, owner) == [profile]


async def test_what_was_done_is_in_the_audit(stage: Stage, owner: Operator, boss: Visitor) -> None:
    await boss.submit("/ai/profiles/new", **GOOD)
    await boss.submit("/ai/shop", **SHOP)
    page = await boss.get("/audit")
    for words in ("添加 AI", "修改 AI 设置", "沙盒", "全店"):
        assert words in page.text


async def test_names_are_text_on_every_page(stage: Stage, owner: Operator, boss: Visitor) -> None:
    evil = "\"'><svg onload=alert(1)>"
    await boss.submit("/ai/profiles/new", **(GOOD | {"name": evil, "model": evil}))
    (profile,) = await stored(stage, owner)
    await boss.submit("/ai/shop", **(SHOP | {"knowledge": evil}))
    its = f"/ai/profiles/{profile.id}"
    for path in ("/ai", its, f"{its}/remove", "/ai/shop"):
        page = await boss.get(path)
        assert "<svg onload" not in page.text, path
        assert "svg onload" in page.text, path


async def test_another_shops_account_is_nobody_here(stage: Stage, owner: Operator) -> None:
    with pytest.raises(NotFound):
        await stage.desk.ai.set_scope(owner, AiPlace(account=AccountId(77)), AiScope())
    with pytest.raises(NotFound):
        await stage.desk.ai.test(owner, AiProfileId(77))
    with pytest.raises(Invalid):
        await stage.desk.ai.set_scope(owner, AiPlace(item="x"), AiScope())
