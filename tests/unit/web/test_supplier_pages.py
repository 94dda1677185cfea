"""API pools in the admin: configured, tried over a real socket, secrets never shown again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from web_stage import Stage, Visitor, visiting

from hub.desk import Operator
from hub.errors import Forbidden
from hub.model import Pool, PoolKind, Role, SupplierCall

GOOD = {
    "url": "https://supplier.example/card?order={order_id}",
    "method": "GET",
    "body": "",
    "headers": "",
    "content_path": "$.data",
    "success_path": "",
    "success_values": "",
    "timeout": "10",
    "key_header": "Idempotency-Key",
}


@pytest.fixture
async def pool(stage: Stage, owner: Operator) -> Pool:
    return await stage.desk.stock.create(
        owner, name="供货", kind=PoolKind.API, template="{buyer_name}：{DELIVERY_CONTENT}"
    )


@pytest.fixture
async def supplier() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    heard: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append({**request.headers, "body": await request.text(), "path": request.path_qs})
        return web.json_response({"code": 200, "data": {"no": "FRESH-CARD-0001"}})

    app = web.Application()
    app.router.add_route("*", "/card", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/card", heard
    finally:
        await runner.cleanup()


async def test_headers_are_kept_when_left_empty_and_never_shown_again(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    path = f"/stock/{pool.id}/supplier"
    done = await boss.submit(path, **(GOOD | {"headers": "X-Token: SECRET-1\r\nX-More: SECRET-2"}))
    assert done.leads_to == f"{path}?done=supplier-changed"
    page = await boss.get(path)
    assert "X-Token、X-More" in page.text
    assert "SECRET" not in page.text
    await boss.submit(path, **(GOOD | {"timeout": "20"}))
    call = await stage.desk.suppliers.get(owner, pool.id)
    assert call is not None
    assert call.headers == (("X-Token", "SECRET-1"), ("X-More", "SECRET-2"))
    assert call.timeout_seconds == 20
    await boss.submit(path, **(GOOD | {"no_headers": "1"}))
    call = await stage.desk.suppliers.get(owner, pool.id)
    assert call is not None
    assert call.headers == ()
    for other in (f"/stock/{pool.id}", "/stock", "/audit"):
        assert "SECRET" not in (await boss.get(other)).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "supplier.example"}, "url"),
        ({"url": "ftp://supplier.example/"}, "url"),
        ({"url": "https://u:p@supplier.example/"}, "url"),
        ({"url": "https://{buyer_name}.example/"}, "url"),
        ({"url": "https://supplier.example/{oops}"}, "url"),
        ({"url": "https://supplier.example/a b"}, "url"),
        ({"url": "http://127.0.0.1/card"}, "url"),
        ({"url": "http://[::1]/card"}, "url"),
        ({"url": "http://①②⑦。0。0。1/card"}, "url"),
        ({"url": "http://[::127.0.0.1]/card"}, "url"),
        ({"url": "http://supplier.example\\@127.0.0.1/"}, "url"),
        ({"url": "http://supplier.example:{order_unit}/"}, "url"),
        ({"method": "PUT"}, "method"),
        ({"method": "POST", "body": "{no json"}, "body"),
        ({"method": "POST", "body": '{"a": "{oops}"}'}, "body"),
        ({"method": "POST", "body": '{"{order_id}": 1}'}, "body"),
        ({"method": "POST", "body": '{"a": "\\u007boops}"}'}, "body"),
        ({"method": "POST", "body": '{"a": NaN}'}, "body"),
        ({"method": "POST", "body": '{"a": "\\ud800"}'}, "body"),
        ({"method": "POST", "body": "[" * 60 + "]" * 60}, "body"),
        ({"method": "POST", "body": "[" * 4000 + "]" * 4000}, "body"),
        ({"headers": "SECRET without colon"}, "headers"),
        ({"headers": "Cookie: SECRET"}, "headers"),
        ({"headers": "Host: SECRET.example"}, "headers"),
        ({"headers": "X-Order: {order_id}"}, "headers"),
        ({"headers": "X-Odd: a\x1bb"}, "headers"),
        ({"content_path": "$[?(@.x)]"}, "content_path"),
        ({"content_path": ""}, "content_path"),
        ({"content_path": "$..code"}, "content_path"),
        ({"success_path": "$.a[0:1]", "success_values": "1"}, "success_path"),
        ({"success_path": "$.code"}, "success_values"),
        ({"success_values": "200"}, "success_values"),
        ({"timeout": "0"}, "timeout"),
        ({"timeout": "61"}, "timeout"),
        ({"key_header": "not a name"}, "key_header"),
    ],
)
async def test_what_cannot_work_is_refused_at_its_field(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool, fields: dict[str, str], field: str
) -> None:
    page = await boss.submit(f"/stock/{pool.id}/supplier", **(GOOD | fields))
    assert page.status == 400
    assert f'id="{field}-error"' in page.text
    assert "SECRET" not in page.text
    assert await stage.desk.suppliers.get(owner, pool.id) is None


async def test_a_try_shows_what_a_buyer_would_receive_with_the_card_masked(
    boss: Visitor, pool: Pool, supplier: tuple[str, list[dict[str, Any]]]
) -> None:
    url, heard = supplier
    path = f"/stock/{pool.id}/supplier"
    await boss.submit(
        path,
        **(
            GOOD
            | {
                "url": url,
                "method": "POST",
                "body": '{"order": "{order_id}"}',
                "headers": "X-Token: SECRET-1",
                "content_path": "$.data.no",
                "success_path": "$.code",
                "success_values": "200 ok",
                "allow_private": "1",
            }
        ),
    )
    page = await boss.submit(f"{path}/test", on=path)
    assert page.status == 200
    assert "小林：FR…01" in page.text
    assert "FRESH-CARD" not in page.text
    assert "SECRET" not in page.text
    (asked,) = heard
    assert json.loads(asked["body"]) == {"order": "4400112233445566778"}
    assert asked["X-Token"] == "SECRET-1"
    assert asked["Idempotency-Key"].startswith("yuqiao-test-")
    assert "Cookie" not in asked
    records = await boss.get("/audit")
    assert "试取供货接口" in records.text
    assert "FRESH-CARD" not in records.text


async def test_a_failed_try_says_why(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool, supplier: tuple[str, list[Any]]
) -> None:
    url, _ = supplier
    path = f"/stock/{pool.id}/supplier"
    untried = await boss.submit(f"{path}/test", on=path)
    assert untried.status == 400
    for fields, said in (
        ({"content_path": "$.data"}, "不是文字，不会当成卡密发出"),
        ({"content_path": "$.none"}, "$.none 的位置没有卡密"),
        ({"success_path": "$.code", "success_values": "0"}, "供货方说没有成功"),
        ({"url": f"{url}s"}, "HTTP 404"),
        ({"url": "http://127.0.0.1:9/"}, "连不上供货方"),
    ):
        await boss.submit(path, **(GOOD | {"url": url, "allow_private": "1"} | fields))
        page = await boss.submit(f"{path}/test", on=path)
        assert page.status == 200
        assert said in page.text


async def test_a_name_that_leads_into_the_own_network_is_refused_when_it_is_asked(
    boss: Visitor, pool: Pool, supplier: tuple[str, list[Any]]
) -> None:
    url, heard = supplier
    path = f"/stock/{pool.id}/supplier"
    await boss.submit(path, **(GOOD | {"url": url.replace("127.0.0.1", "localhost")}))
    page = await boss.submit(f"{path}/test", on=path)
    assert "地址在内网或本机" in page.text
    assert heard == []


async def test_only_owners_see_or_ask_a_supplier(stage: Stage, owner: Operator, pool: Pool) -> None:
    agent = Operator(await stage.member(owner, "小客", Role.AGENT), owner.door)
    call = SupplierCall("https://supplier.example/")
    for act in (
        lambda: stage.desk.suppliers.get(agent, pool.id),
        lambda: stage.desk.suppliers.configure(agent, pool.id, call),
        lambda: stage.desk.suppliers.test(agent, pool.id),
    ):
        with pytest.raises(Forbidden):
            await act()  # type: ignore[no-untyped-call]
    async with visiting(stage) as visitor:
        await visitor.log_in("小客")
        assert (await visitor.get(f"/stock/{pool.id}/supplier")).status == 403


async def test_other_pools_have_no_supplier(stage: Stage, owner: Operator, boss: Visitor) -> None:
    codes = await stage.desk.stock.create(owner, name="月卡", kind=PoolKind.CODES)
    assert (await boss.get(f"/stock/{codes.id}/supplier")).status == 400
