"""Every address of orders, needs, rules and stock: who gets through it, and who does not."""

from __future__ import annotations

from aiohttp import web
from test_delivery_pages import ITEM, NUMBER, RULE, need, order
from web_stage import Page, Stage, Visitor, visiting

from hub.desk import Operator
from hub.model import Account, Choice, PoolKind, Role
from web.pages import cards, delivery_rules, emergency, needs, orders, restock, stock, suppliers

VIEWER, AGENT, OWNER = Role.VIEWER, Role.AGENT, Role.OWNER
PAGES = (cards, delivery_rules, emergency, needs, orders, restock, stock, suppliers)
DOORS: dict[tuple[str, str], tuple[str, Role, dict[str, str]]] = {
    ("GET", r"/orders"): ("/orders", VIEWER, {}),
    ("GET", r"/orders/{number:\d{1,30}}"): (f"/orders/{NUMBER}", VIEWER, {}),
    ("GET", r"/orders/{number:\d{1,30}}/{act:[a-z]+}"): (f"/orders/{NUMBER}/outside", AGENT, {}),
    ("POST", r"/orders/{number:\d{1,30}}/{act:[a-z]+}"): (f"/orders/{NUMBER}/outside", AGENT, {}),
    ("GET", "/needs"): ("/needs", VIEWER, {}),
    ("GET", "/needs/badge"): ("/needs/badge", VIEWER, {}),
    ("POST", r"/needs/{number:\d{1,9}}"): ("/needs/1", AGENT, {"choice": Choice.REFUSE}),
    ("POST", "/delivery/stop"): ("/delivery/stop", AGENT, {"account": "", "reason": ""}),
    ("POST", "/delivery/resume"): ("/delivery/resume", OWNER, {"account": ""}),
    ("POST", "/emergency/halt"): ("/emergency/halt", AGENT, {"account": ""}),
    ("POST", "/emergency/go"): ("/emergency/go", OWNER, {"account": ""}),
    ("GET", "/stock"): ("/stock", VIEWER, {}),
    ("POST", "/stock/find"): ("/stock/find", VIEWER, {"find": "x"}),
    ("GET", "/stock/new"): ("/stock/new", OWNER, {}),
    ("POST", "/stock/new"): (
        "/stock/new",
        OWNER,
        {"name": "新", "kind": PoolKind.CODES, "low_at": "0"},
    ),
    ("POST", "/stock/preview"): ("/stock/preview", OWNER, {"kind": PoolKind.CODES}),
    ("GET", r"/stock/{id:\d{1,15}}"): ("/stock/1", VIEWER, {}),
    ("GET", r"/stock/{id:\d{1,15}}/edit"): ("/stock/1/edit", OWNER, {}),
    ("POST", r"/stock/{id:\d{1,15}}/edit"): (
        "/stock/1/edit",
        OWNER,
        {"name": "月卡", "low_at": "0", "version": "1"},
    ),
    ("POST", r"/stock/{id:\d{1,15}}/switch"): ("/stock/1/switch", OWNER, {"on": "1"}),
    ("GET", r"/stock/{id:\d{1,15}}/remove"): ("/stock/3/remove", OWNER, {}),
    ("POST", r"/stock/{id:\d{1,15}}/remove"): ("/stock/3/remove", OWNER, {}),
    ("POST", r"/stock/{id:\d{1,15}}/pictures"): ("/stock/2/pictures", OWNER, {}),
    ("POST", r"/stock/{id:\d{1,15}}/pictures/remove"): (
        "/stock/2/pictures/remove",
        OWNER,
        {"name": "x"},
    ),
    ("GET", r"/stock/{id:\d{1,15}}/pictures/{name:[0-9a-f]{64}\.[a-z]{3}}"): (
        f"/stock/2/pictures/{'0' * 64}.png",
        AGENT,
        {},
    ),
    ("GET", r"/stock/{id:\d{1,15}}/restock"): ("/stock/1/restock", AGENT, {}),
    ("POST", r"/stock/{id:\d{1,15}}/restock"): ("/stock/1/restock", AGENT, {"codes": "N-1"}),
    ("POST", r"/stock/{id:\d{1,15}}/restock/add"): (
        "/stock/1/restock/add",
        AGENT,
        {"codes": "N-1"},
    ),
    ("GET", r"/stock/{id:\d{1,15}}/supplier"): ("/stock/4/supplier", OWNER, {}),
    ("POST", r"/stock/{id:\d{1,15}}/supplier"): ("/stock/4/supplier", OWNER, {"url": "x"}),
    ("POST", r"/stock/{id:\d{1,15}}/supplier/test"): ("/stock/4/supplier/test", OWNER, {}),
    ("GET", r"/cards/{id:\d{1,15}}"): ("/cards/1", VIEWER, {}),
    ("POST", r"/cards/{id:\d{1,15}}/note"): ("/cards/1/note", AGENT, {"note": "x"}),
    ("GET", r"/cards/{id:\d{1,15}}/void"): ("/cards/1/void", OWNER, {}),
    ("POST", r"/cards/{id:\d{1,15}}/void"): ("/cards/1/void", OWNER, {"reason": "坏的"}),
    ("GET", "/delivery-rules"): ("/delivery-rules", VIEWER, {}),
    ("GET", "/delivery-rules/new"): ("/delivery-rules/new", OWNER, {}),
    ("POST", "/delivery-rules/new"): ("/delivery-rules/new", OWNER, {**RULE, "pool": "1"}),
    ("GET", "/delivery-rules/guards"): ("/delivery-rules/guards", OWNER, {}),
    ("POST", "/delivery-rules/guards"): (
        "/delivery-rules/guards",
        OWNER,
        {"brake_per_minute": "1", "brake_failures": "1"},
    ),
    ("GET", r"/delivery-rules/{id:\d{1,15}}"): ("/delivery-rules/1", OWNER, {}),
    ("POST", r"/delivery-rules/{id:\d{1,15}}"): ("/delivery-rules/1", OWNER, {**RULE, "pool": "1"}),
    ("POST", r"/delivery-rules/{id:\d{1,15}}/switch"): (
        "/delivery-rules/1/switch",
        OWNER,
        {"on": "1"},
    ),
    ("GET", r"/delivery-rules/{id:\d{1,15}}/remove"): ("/delivery-rules/1/remove", OWNER, {}),
    ("POST", r"/delivery-rules/{id:\d{1,15}}/remove"): ("/delivery-rules/1/remove", OWNER, {}),
}
"""Method and route -> an address of it, the least role that gets through, and a form."""


async def furnish(stage: Stage, owner: Operator) -> Account:
    account = await stage.account(owner)
    await order(stage, account)
    await need(stage, account)
    desk = stage.desk
    first = await desk.stock.create(owner, name="月卡", kind=PoolKind.CODES)
    await desk.restock.add(owner, first.id, "CODE-1111")
    for name, kind in (("图", PoolKind.IMAGE), ("空", PoolKind.CODES), ("接口", PoolKind.API)):
        await desk.stock.create(owner, name=name, kind=kind)
    await desk.delivery_rules.add(owner, pool=first.id, items=[ITEM + "0"])
    return account


async def knock(visitor: Visitor, door: tuple[str, str], csrf: str) -> Page:
    address, _, form = DOORS[door]
    if door[0] == "GET":
        return await visitor.get(address)
    return await visitor.post(address, **({"csrf": csrf} if csrf else {}), **form)


async def facts(stage: Stage, owner: Operator) -> object:
    """What nobody who is turned away may change."""
    desk = stage.desk
    return (
        await desk.stock.overview(owner),
        await desk.delivery_rules.all(owner),
        await desk.delivery_rules.guards(owner),
        [line.need for line in await desk.needs.open(owner)],
        await desk.needs.stops(owner),
        (await desk.orders.get(owner, NUMBER)).units,
        (await desk.system.audit(owner)),
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


async def test_whoever_has_the_role_gets_through(stage: Stage, owner: Operator) -> None:
    await furnish(stage, owner)
    for name, role in (("阿看", VIEWER), ("小客", AGENT)):
        await stage.member(owner, name, role)
    for name, role in (("阿看", VIEWER), ("小客", AGENT), (owner.member.name, OWNER)):
        async with visiting(stage) as visitor:
            await visitor.log_in(name)
            csrf = (await visitor.get("/")).csrf
            for door, (_, least, _) in DOORS.items():
                if least is role:
                    page = await knock(visitor, door, csrf)
                    assert page.status not in (401, 403), (role, door)
                    assert page.status < 500, (role, door)


async def test_without_a_login_or_the_token_of_the_session_no_form_counts(
    stage: Stage, owner: Operator, visitor: Visitor, boss: Visitor
) -> None:
    await furnish(stage, owner)
    before = await facts(stage, owner)
    for door in DOORS:
        assert (await knock(visitor, door, "x" * 32)).leads_to.startswith("/login"), door
        if door[0] == "POST":
            for csrf in ("", "x" * 32):
                assert (await knock(boss, door, csrf)).status == 403, door
    assert await facts(stage, owner) == before
