"""Every address of rules, AI, canned answers, prices and pauses: who gets through it."""

from __future__ import annotations

import ast
from pathlib import Path

from aiohttp import web
from test_delivery_pages import ITEM, NUMBER, order
from web_stage import Page, Stage, Visitor, utc_now, visiting

import hub
from hub.answers import propose
from hub.desk import Operator
from hub.model import (
    AiProfile,
    AiProfileId,
    Conversation,
    MessageId,
    OrderStatus,
    Role,
    RuleKind,
)
from web.pages import (
    assist,
    audit,
    canned,
    conversations,
    holds,
    prices,
    rehearsal,
    rule_sheets,
    rules,
)

VIEWER, AGENT, OWNER = Role.VIEWER, Role.AGENT, Role.OWNER
PAGES = (assist, canned, conversations, holds, prices, rehearsal, rule_sheets, rules)
PROFILE = {"name": "甲", "base_url": "https://api.example.com", "model": "m"}
RULE = {"kind": "keyword", "keywords": "在吗", "reply": "在的", "match": "contains"}
PLACE = r"/{what:conversations|accounts}/{id:\d{1,15}}"
DOORS: dict[tuple[str, str], tuple[str, Role, dict[str, str]]] = {
    ("GET", "/ai"): ("/ai", VIEWER, {}),
    ("GET", "/ai/profiles/new"): ("/ai/profiles/new", OWNER, {}),
    ("POST", "/ai/profiles/new"): ("/ai/profiles/new", OWNER, PROFILE),
    ("GET", r"/ai/profiles/{id:\d{1,15}}"): ("/ai/profiles/1", OWNER, {}),
    ("POST", r"/ai/profiles/{id:\d{1,15}}"): ("/ai/profiles/1", OWNER, PROFILE),
    ("POST", r"/ai/profiles/{id:\d{1,15}}/switch"): ("/ai/profiles/1/switch", OWNER, {"on": "0"}),
    ("POST", r"/ai/profiles/{id:\d{1,15}}/test"): ("/ai/profiles/1/test", OWNER, {}),
    ("GET", r"/ai/profiles/{id:\d{1,15}}/remove"): ("/ai/profiles/1/remove", OWNER, {}),
    ("POST", r"/ai/profiles/{id:\d{1,15}}/remove"): ("/ai/profiles/1/remove", OWNER, {}),
    ("GET", "/ai/shop"): ("/ai/shop", VIEWER, {}),
    ("POST", "/ai/shop"): ("/ai/shop", OWNER, {"mode": "automatic"}),
    ("POST", "/ai/shop/replay"): ("/ai/shop/replay", OWNER, {"mode": "draft"}),
    ("POST", r"/ai/accounts/{account:\d{1,15}}/replay"): (
        "/ai/accounts/1/replay",
        OWNER,
        {"mode": "draft"},
    ),
    ("POST", r"/ai/items/{item:\d{6,24}}/replay"): (
        f"/ai/items/{ITEM}/replay",
        OWNER,
        {"mode": "draft"},
    ),
    ("GET", r"/ai/accounts/{account:\d{1,15}}"): ("/ai/accounts/1", VIEWER, {}),
    ("POST", r"/ai/accounts/{account:\d{1,15}}"): ("/ai/accounts/1", OWNER, {"mode": "off"}),
    ("GET", "/ai/items"): (f"/ai/items?item={ITEM}", VIEWER, {}),
    ("GET", r"/ai/items/{item:\d{6,24}}"): (f"/ai/items/{ITEM}", VIEWER, {}),
    ("POST", r"/ai/items/{item:\d{6,24}}"): (f"/ai/items/{ITEM}", OWNER, {"mode": "off"}),
    ("GET", "/canned"): ("/canned", VIEWER, {}),
    ("POST", "/canned"): ("/canned", AGENT, {"code": "dz", "text": "上海"}),
    ("GET", r"/canned/{id:\d{1,15}}"): ("/canned/1", AGENT, {}),
    ("GET", r"/canned/{id:\d{1,15}}/remove"): ("/canned/1/remove", AGENT, {}),
    ("POST", r"/canned/{id:\d{1,15}}/remove"): ("/canned/1/remove", AGENT, {}),
    ("GET", "/conversations"): ("/conversations", VIEWER, {}),
    ("GET", r"/conversations/{id:\d{1,15}}"): ("/conversations/1", VIEWER, {}),
    ("POST", r"/conversations/{id:\d{1,15}}/answer"): (
        "/conversations/1/answer",
        AGENT,
        {"text": "在的", "nonce": "abcdefgh"},
    ),
    ("POST", r"/conversations/{id:\d{1,15}}/buyer"): (
        "/conversations/1/buyer",
        AGENT,
        {"note": "老客", "tags": ""},
    ),
    ("GET", r"/pictures/{message:\d{1,15}}/{number:\d{1,3}}"): ("/pictures/9/0", VIEWER, {}),
    ("POST", r"/conversations/{id:\d{1,15}}/recall/{message:\d{1,15}}"): (
        "/conversations/1/recall/1",
        AGENT,
        {"nonce": "abcdefgh"},
    ),
    ("POST", r"/conversations/{id:\d{1,15}}/draft/{message:\d{1,15}}"): (
        "/conversations/1/draft/2",
        AGENT,
        {"act": "send", "text": "好"},
    ),
    ("POST", "/shop/pause"): ("/shop/pause", AGENT, {"length": "30"}),
    ("POST", "/shop/resume"): ("/shop/resume", AGENT, {}),
    ("POST", PLACE + "/pause"): ("/conversations/1/pause", AGENT, {"length": "30"}),
    ("POST", PLACE + "/resume"): ("/accounts/1/resume", AGENT, {}),
    ("POST", r"/{what:items}/{id:\d{1,30}}/pause"): (
        f"/items/{ITEM}/pause",
        AGENT,
        {"length": "30"},
    ),
    ("POST", r"/{what:items}/{id:\d{1,30}}/resume"): (f"/items/{ITEM}/resume", AGENT, {}),
    ("POST", r"/conversations/{id:\d{1,15}}/take-over"): ("/conversations/1/take-over", AGENT, {}),
    ("GET", r"/orders/{number:\d{1,30}}/price"): (f"/orders/{NUMBER}/price", AGENT, {}),
    ("POST", r"/orders/{number:\d{1,30}}/price"): (
        f"/orders/{NUMBER}/price",
        AGENT,
        {"price": "15", "nonce": "abcdefgh"},
    ),
    ("GET", "/forbidden-words"): ("/forbidden-words", VIEWER, {}),
    ("POST", "/forbidden-words"): ("/forbidden-words", OWNER, {"words": "假货"}),
    ("GET", r"/accounts/{id:\d{1,15}}/floors"): ("/accounts/1/floors", VIEWER, {}),
    ("POST", r"/accounts/{id:\d{1,15}}/floors"): (
        "/accounts/1/floors",
        OWNER,
        {"what": "shop", "item": "", "floor": "10%"},
    ),
    ("GET", "/rules/try"): ("/rules/try?text=x", VIEWER, {}),
    ("GET", "/rules/sheets"): ("/rules/sheets", VIEWER, {}),
    ("GET", "/rules/export"): ("/rules/export?format=csv", VIEWER, {}),
    ("POST", "/rules/sheets"): ("/rules/sheets", OWNER, {"how": "merge"}),
    ("POST", "/rules/sheets/bring"): ("/rules/sheets/bring", OWNER, {"how": "merge"}),
    ("GET", "/rules"): ("/rules", VIEWER, {}),
    ("GET", "/rules/new"): ("/rules/new", OWNER, {}),
    ("POST", "/rules/new"): ("/rules/new", OWNER, RULE),
    ("POST", "/rules/preview"): ("/rules/preview", OWNER, RULE),
    ("POST", "/rules/rehearse"): ("/rules/rehearse", OWNER, RULE),
    ("GET", r"/rules/{id:\d{1,15}}"): ("/rules/1", OWNER, {}),
    ("POST", r"/rules/{id:\d{1,15}}"): ("/rules/1", OWNER, RULE),
    ("POST", r"/rules/{id:\d{1,15}}/switch"): ("/rules/1/switch", OWNER, {"on": "0"}),
    ("GET", r"/rules/{id:\d{1,15}}/remove"): ("/rules/1/remove", OWNER, {}),
    ("POST", r"/rules/{id:\d{1,15}}/remove"): ("/rules/1/remove", OWNER, {}),
    ("GET", r"/rules/{id:\d{1,15}}/pictures/{name:[0-9a-f]{64}\.[a-z]{3}}"): (
        f"/rules/1/pictures/{'0' * 64}.png",
        VIEWER,
        {},
    ),
}
"""Method and route -> an address of it, the least role that gets through, and a form."""


async def draft(
    stage: Stage, of: Conversation, words: str = "页面上的价就是", n: int = 1
) -> MessageId:
    made = await stage.store.write(
        lambda tx: propose(tx, of, f"ai:{of.id}:{n}", words, "设置里选的是草稿", utc_now())
    )
    assert made is not None
    return made


async def furnish(stage: Stage, owner: Operator) -> None:
    account = await stage.account(owner)
    talk = await stage.conversation(account)
    assert (await stage.says(talk, "在吗"), await draft(stage, talk)) == (1, 2)
    await order(stage, account, status=OrderStatus.UNPAID)
    desk = stage.desk
    await desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["旧"], reply="旧的")
    await desk.canned.save(owner, "dz", "上海")
    await desk.ai.add(
        owner, AiProfile(AiProfileId(0), owner.shop, "甲", "https://api.example.com", "m")
    )


async def knock(visitor: Visitor, door: tuple[str, str], csrf: str) -> Page:
    address, _, form = DOORS[door]
    if door[0] == "GET":
        return await visitor.get(address)
    return await visitor.post(address, **({"csrf": csrf} if csrf else {}), **form)


async def facts(stage: Stage, owner: Operator) -> object:
    """What nobody who is turned away may change."""
    desk = stage.desk
    overview = await desk.system.overview(owner)
    return (
        await desk.rules.all(owner),
        await desk.canned.all(owner),
        await desk.ai.overview(owner),
        await desk.bargains.floors(owner),
        await desk.bargains.forbidden(owner),
        overview.holds,
        overview.drafts,
        overview.waiting,
        await desk.system.audit(owner),
    )


def test_the_list_of_doors_is_complete() -> None:
    routes = {
        (one.method, one.path)
        for page in PAGES
        for one in page.ROUTES
        if isinstance(one, web.RouteDef)
    }
    assert routes == DOORS.keys()


async def test_nobody_below_the_role_of_a_door_gets_through(stage: Stage, owner: Operator) -> None:
    await furnish(stage, owner)
    for name, role in (("阿看", VIEWER), ("小客", AGENT)):
        await stage.member(owner, name, role)
        async with visiting(stage) as visitor:
            await visitor.log_in(name)
            csrf = (await visitor.get("/")).csrf
            before = await facts(stage, owner)
            for door, (_, least, _) in DOORS.items():
                if least is OWNER or (least is AGENT and role is VIEWER):
                    page = await knock(visitor, door, csrf)
                    assert page.status == 403, (role, door)
                    assert "才能做" in page.text, (role, door)
            assert await facts(stage, owner) == before


async def test_who_only_looks_gets_through_what_only_shows(stage: Stage, owner: Operator) -> None:
    await furnish(stage, owner)
    await stage.member(owner, "阿看", VIEWER)
    async with visiting(stage) as visitor:
        await visitor.log_in("阿看")
        for door, (_, least, _) in DOORS.items():
            if least is VIEWER:
                assert (await knock(visitor, door, "")).status in (200, 303, 404), door


async def test_no_form_counts_without_the_token_of_the_session(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await furnish(stage, owner)
    before = await facts(stage, owner)
    for door in DOORS:
        if door[0] == "POST":
            page = await knock(boss, door, "")
            assert page.status == 403, door
            assert "这个页面已经过期" in page.text, door
    assert await facts(stage, owner) == before


def test_every_act_that_is_recorded_has_a_name_for_people() -> None:
    desk = Path(hub.__file__).parent / "desk"
    recorded = set()
    for file in desk.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "record"
                and not isinstance(node.args[1], ast.JoinedStr)
            ):
                words = [one for one in ast.walk(node.args[1]) if isinstance(one, ast.Constant)]
                recorded |= {one.value for one in words}
    assert {"draft.send", "canned.save", "floor.set", "rule.import"} <= recorded
    assert recorded <= audit.ACTIONS.keys()
