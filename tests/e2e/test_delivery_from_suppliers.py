"""Paid orders whose cards a supplier gives: one call a unit, and nothing but a card is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from loguru import logger
from PIL import Image

from hub.errors import Invalid, NotConfirmed
from hub.model import (
    CardCounts,
    CardState,
    Choice,
    DeliveryState,
    NeedKind,
    OrderNote,
    OrderUnit,
    Pool,
    PoolKind,
    SupplierCall,
    TaskKind,
)
from tests.e2e.shop import CARD_ITEM, KEYBOARD, OTHER_BUYER, POT, Shop, open_shop
from tests.unit.suppliers.fake_supplier import FakeSupplier, open_supplier, raw_server
from tests.waiting import wait_until

S = DeliveryState
SUCCESS = {"success_path": "$.code", "success_values": ("200",)}
IMAGE = 2


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


@pytest.fixture
async def supplier() -> AsyncIterator[FakeSupplier]:
    async with open_supplier() as fake:
        yield fake


async def supplied(
    shop: Shop, port: int, *items: str, path: str = "card", name: str = "接口", **call: Any
) -> Pool:
    """A pool that this supplier serves, with a rule for these items."""
    template = call.pop("template", "")
    rule = {key: call.pop(key) for key in ("delay_seconds", "most_units") if key in call}
    pool = await shop.pool(name=name, kind=PoolKind.API, template=template)
    values = {
        "url": f"http://127.0.0.1:{port}/{path}",
        "allow_private": True,
        "content_path": "$.data",
        "timeout_seconds": 10.0,
        **call,
    }
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await desk.suppliers.configure(operator, pool.id, SupplierCall(**values))
    await desk.delivery_rules.add(operator, pool=pool.id, items=items or (POT,), **rule)
    return pool


def counting(supplier: FakeSupplier) -> None:
    """CODE-1, CODE-2, … in the order of the calls."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"code": 200, "data": f"CODE-{len(supplier.heard)}"})

    supplier.answer = answer


class Gate:
    """A supplier that hears, and answers when it is let."""

    def __init__(self, supplier: FakeSupplier) -> None:
        self.opened = asyncio.Event()
        self.heard = asyncio.Event()
        supplier.answer = self._answer

    async def _answer(self, _: web.Request) -> web.Response:
        self.heard.set()
        await self.opened.wait()
        return web.json_response({"data": "CODE-1"})


async def no_supply_waits(shop: Shop) -> None:
    async def so() -> bool:
        backlog = await shop.stage.read(lambda tx: tx.outbox.backlog())
        return not backlog.get(TaskKind.SUPPLY)

    await wait_until(so)


async def answer_need(shop: Shop, number: int, choice: Choice, code: str = "") -> None:
    await shop.stage.hub.desk.needs.answer(shop.stage.operator, number, choice, code=code)


# --- A card ---------------------------------------------------------------------------------------


async def test_a_paid_order_gets_the_card_that_its_supplier_gives(
    shop: Shop, supplier: FakeSupplier
) -> None:
    supplier.says({"code": 200, "data": "CODE-1111"})
    pool = await supplied(
        shop,
        supplier.port,
        method="POST",
        path="card?order={order_id}",
        body=json.dumps(
            {
                "order": "{order_id}-{order_unit}",
                "item": "{item_id} {item_title}",
                "buyer": "{buyer_id}",
                "paid": "{order_amount}",
                "pieces": "{order_quantity}",
            }
        ),
        headers=(("Authorization", "Bearer secret"),),
        template="请查收 {DELIVERY_CONTENT}",
        **SUCCESS,
    )

    order = await shop.buy()

    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["请查收 CODE-1111"]
    assert shop.times_shipped(order) == 1
    ((method, path, headers, body),) = supplier.heard
    assert (method, path) == ("POST", f"/card?order={order.id}")
    known = await shop.known(order)
    assert known is not None
    assert json.loads(body) == {
        "order": f"{order.id}-1",
        "item": f"{POT} {known.item_title}",
        "buyer": known.buyer,
        "paid": str(known.paid_amount),
        "pieces": "1",
    }
    assert headers["Idempotency-Key"] == f"yuqiao-{order.id}-1"
    assert headers["Authorization"] == "Bearer secret"
    assert "Cookie" not in headers  # L14
    assert await shop.counts(pool) == CardCounts(handed_over=1)
    assert not any("CODE-1111" in line.text for line in shop.stage.notices())
    assert [one.step for one in await shop.story(order)][1:4] == ["owed", "asked", "reserved"]


async def test_two_pieces_are_two_calls_with_keys_of_their_own(
    shop: Shop, supplier: FakeSupplier
) -> None:
    counting(supplier)
    await supplied(shop, supplier.port, **SUCCESS)
    order = await shop.buy(quantity=2)
    await shop.wait_states(order, S.CONFIRMED, S.CONFIRMED)
    assert sorted(shop.got()) == ["CODE-1", "CODE-2"]
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in supplier.heard]
    assert sorted(keys) == [f"yuqiao-{order.id}-1", f"yuqiao-{order.id}-2"]
    assert shop.times_shipped(order) == 1


async def test_the_same_order_told_many_times_is_one_call(
    shop: Shop, supplier: FakeSupplier
) -> None:
    """L2: also while the supplier thinks."""
    gate = Gate(supplier)
    await supplied(shop, supplier.port)
    order = await shop.buy()
    async with asyncio.timeout(30):
        await gate.heard.wait()
    for event in ("paid", "paid_update", "paid", "summary"):
        await shop.stage.sandbox.trade.play(shop.thread(), event, order.id)
    await shop.stage.hub.desk.orders.read(shop.stage.operator, order.id)
    gate.opened.set()
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1"]
    assert len(supplier.heard) == 1


async def test_a_slow_supplier_holds_up_neither_other_orders_nor_answers(
    shop: Shop, supplier: FakeSupplier
) -> None:
    gate = Gate(supplier)
    await supplied(shop, supplier.port)
    async with open_supplier() as quick:
        quick.says({"data": "QUICK-1"})
        await supplied(shop, quick.port, CARD_ITEM, name="另一家", path="{spec_value}")
        codes = await shop.pool(["CODE-2222"])
        await shop.rule(codes, KEYBOARD)
        slow = await shop.buy(quantity=3)
        async with asyncio.timeout(30):
            await gate.heard.wait()

        other = await shop.buy(OTHER_BUYER, KEYBOARD)
        await shop.stage.sandbox.stage.say(shop.thread(), [{"text": "在吗"}])

        await shop.wait_states(other, S.CONFIRMED)
        await shop.stage.until(lambda: len(shop.got()) == 1, "the answer")
        assert await shop.states(slow) == [S.SUPPLYING] * 3
    gate.opened.set()
    await shop.wait_states(slow, *[S.CONFIRMED] * 3)


# --- No card --------------------------------------------------------------------------------------

SECRET = "dont-tell-buyers"
HTML = f"<html><body>{SECRET}</body></html>"


@pytest.mark.parametrize(
    ("answer", "status", "kind", "said"),
    [
        ({"code": 500, "msg": f"库存不足 {SECRET}"}, 200, NeedKind.UNSUPPLIED, "库存不足"),
        ({"code": 200, "data": {"code": SECRET}}, 200, NeedKind.UNSUPPLIED, "不是文字"),
        ({"code": 200, "data": [SECRET]}, 200, NeedKind.UNSUPPLIED, "不是文字"),
        (HTML, 200, NeedKind.UNSUPPLIED, "不是 JSON"),
        ({"code": 200, "msg": SECRET}, 200, NeedKind.UNSUPPLIED, "没有卡密"),
        ({"code": 200, "data": SECRET}, 403, NeedKind.UNSUPPLIED, "HTTP 403"),
        ({"code": 200, "data": SECRET}, 500, NeedKind.SUPPLY_UNCERTAIN, "HTTP 500"),
        ({"code": 500, "msg": "库存" * 5000}, 200, NeedKind.UNSUPPLIED, "库存"),
    ],
)
async def test_an_answer_that_is_no_card_goes_to_a_person_and_never_to_the_buyer(
    shop: Shop,
    supplier: FakeSupplier,
    answer: Any,
    status: int,
    kind: NeedKind,
    said: str,
) -> None:
    """L3, L4, L11, L12: not sent, not shipped, not asked again."""
    supplier.says(answer, status=status)
    pool = await supplied(shop, supplier.port, **SUCCESS)

    order = await shop.buy()

    need = await shop.wait_need(kind)
    assert said in need.detail
    assert len(need.detail) < 200
    assert await shop.states(order) == [S.PENDING]
    assert shop.got() == []
    assert order.story == ["unpaid", "paid"]
    assert len(supplier.heard) == 1
    assert await shop.counts(pool) == CardCounts()
    notice = await shop.stage.wait_for_notice("再向供货方取一次")
    assert order.id in notice.text


async def test_fifty_megabytes_are_no_card(shop: Shop, supplier: FakeSupplier) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(50):
            await response.write(b" " * 1024 * 1024)
        return response

    supplier.answer = answer
    await supplied(shop, supplier.port)
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.UNSUPPLIED)
    assert "太大" in need.detail
    assert (shop.got(), await shop.states(order)) == ([], [S.PENDING])


async def test_a_redirect_into_the_own_network_is_not_followed(
    shop: Shop, supplier: FakeSupplier
) -> None:
    async with open_supplier() as inside:
        inside.says({"data": SECRET})

        async def answer(_: web.Request) -> web.Response:
            raise web.HTTPFound(f"http://127.0.0.1:{inside.port}/")

        supplier.answer = answer
        await supplied(shop, supplier.port)
        await shop.buy()
        need = await shop.wait_need(NeedKind.UNSUPPLIED)
        assert "别的地址" in need.detail
        assert inside.heard == []
        assert shop.got() == []


async def test_a_name_that_leads_into_the_own_network_is_not_asked(
    shop: Shop, supplier: FakeSupplier
) -> None:
    supplier.says({"data": SECRET})
    pool = await supplied(shop, supplier.port)
    call = SupplierCall(f"http://localhost:{supplier.port}/", content_path="$.data")
    await shop.stage.hub.desk.suppliers.configure(shop.stage.operator, pool.id, call)
    await shop.buy()
    need = await shop.wait_need(NeedKind.UNSUPPLIED)
    assert "内网" in need.detail
    assert supplier.heard == []


async def test_an_answer_after_the_deadline_is_not_asked_for_again(
    shop: Shop, supplier: FakeSupplier
) -> None:
    gate = Gate(supplier)
    await supplied(shop, supplier.port, timeout_seconds=1.0)
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.SUPPLY_UNCERTAIN)
    assert "限定时间" in need.detail
    gate.opened.set()
    await no_supply_waits(shop)
    assert len(supplier.heard) == 1
    assert (shop.got(), await shop.states(order)) == ([], [S.PENDING])


async def test_a_connection_cut_after_the_request_left_is_not_asked_again(shop: Shop) -> None:
    calls = 0

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await reader.readuntil(b"\r\n\r\n")
        calls += 1

    async with raw_server(cut) as port:
        await supplied(shop, port)
        order = await shop.buy()
        await shop.wait_need(NeedKind.SUPPLY_UNCERTAIN)
        await no_supply_waits(shop)
    assert calls == 1
    assert (shop.got(), await shop.states(order)) == ([], [S.PENDING])


@pytest.mark.parametrize(
    ("status", "kind"), [(500, NeedKind.SUPPLY_UNCERTAIN), (200, NeedKind.UNSUPPLIED)]
)
async def test_no_key_and_no_card_is_in_the_log_the_records_or_the_notices(
    shop: Shop, supplier: FakeSupplier, status: int, kind: NeedKind
) -> None:
    """Address, headers, body and answer hold them; only the supplier sees them."""
    said: list[str] = []
    sink = logger.add(lambda line: said.append(str(line)), level="TRACE")
    try:
        supplier.says({"data": {"card": f"{SECRET}-1"}, "trace": f"{SECRET}-2"}, status=status)
        await supplied(
            shop,
            supplier.port,
            path=f"card?key={SECRET}-3",
            method="POST",
            headers=(("X-Token", f"{SECRET}-4"),),
            body=json.dumps({"key": f"{SECRET}-5"}),
        )
        await shop.buy()
        need = await shop.wait_need(kind)
        await no_supply_waits(shop)
        await shop.stage.wait_for_notice("再向供货方取一次")
    finally:
        logger.remove(sink)
    ((_, path, headers, body),) = supplier.heard
    assert SECRET in path
    assert SECRET in headers["X-Token"]
    assert SECRET in body
    said += [need.detail, *(line.text for line in shop.stage.notices())]
    said += [str(one) for one in await shop.stage.hub.desk.system.audit(shop.stage.operator)]
    assert any("supplier of delivery" in line for line in said)
    assert not [line for line in said if SECRET in line]


# --- Once more ------------------------------------------------------------------------------------


async def test_a_supplier_that_was_not_reached_is_tried_again(
    shop: Shop, supplier: FakeSupplier
) -> None:
    """L13: nothing left, so nothing can come twice."""
    supplier.says({"data": "CODE-1111"})
    pool = await supplied(shop, 9)  # nobody listens there
    order = await shop.buy()

    async def tried() -> bool:
        tasks = await shop.stage.read(lambda tx: tx.outbox.backlog())
        return bool(tasks.get(TaskKind.SUPPLY)) and await shop.states(order) == [S.SUPPLYING]

    await wait_until(tried)
    call = SupplierCall(f"http://127.0.0.1:{supplier.port}/", allow_private=True)
    await shop.stage.hub.desk.suppliers.configure(shop.stage.operator, pool.id, call)
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    assert await shop.needs() == []


async def test_a_call_that_is_declared_repeatable_is_repeated_with_the_same_key(
    shop: Shop, supplier: FakeSupplier
) -> None:
    """L13."""

    async def answer(_: web.Request) -> web.Response:
        first = len(supplier.heard) == 1
        return web.json_response({"data": "CODE-1111"}, status=502 if first else 200)

    supplier.answer = answer
    await supplied(shop, supplier.port, repeatable=True)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in supplier.heard}
    assert (len(supplier.heard), keys) == (2, {f"yuqiao-{order.id}-1"})


async def test_a_busy_supplier_is_asked_again_after_the_time_that_it_wants(
    shop: Shop, supplier: FakeSupplier
) -> None:
    async def answer(_: web.Request) -> web.Response:
        if len(supplier.heard) == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.json_response({"data": "CODE-1111"})

    supplier.answer = answer
    await supplied(shop, supplier.port)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    assert (shop.got(), len(supplier.heard)) == (["CODE-1111"], 2)


async def test_a_supplier_that_wants_too_much_patience_is_left_to_a_person(
    shop: Shop, supplier: FakeSupplier
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "3600"})

    supplier.answer = answer
    await supplied(shop, supplier.port)
    await shop.buy()
    need = await shop.wait_need(NeedKind.UNSUPPLIED)
    assert "太频繁" in need.detail


async def test_a_person_has_a_refused_card_asked_for_again(
    shop: Shop, supplier: FakeSupplier
) -> None:
    supplier.says({"code": 500, "msg": "库存不足"})
    await supplied(shop, supplier.port, **SUCCESS)
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.UNSUPPLIED)
    supplier.says({"code": 200, "data": "CODE-1111"})

    await answer_need(shop, need.number, Choice.ASK_AGAIN)

    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    assert await shop.needs() == []
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in supplier.heard}
    assert keys == {f"yuqiao-{order.id}-1"}


async def test_an_uncertain_card_is_asked_for_again_only_after_a_second_word(
    shop: Shop, supplier: FakeSupplier
) -> None:
    supplier.says({}, status=500)
    await supplied(shop, supplier.port)
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.SUPPLY_UNCERTAIN)
    supplier.says({"data": "CODE-1111"})
    with pytest.raises(NotConfirmed, match="多扣一次费") as asked:
        await answer_need(shop, need.number, Choice.ASK_AGAIN)
    assert len(supplier.heard) == 1

    await answer_need(shop, need.number, Choice.ASK_AGAIN, asked.value.confirm)

    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]


@pytest.mark.parametrize(
    ("choice", "state"), [(Choice.OUTSIDE, S.OUTSIDE), (Choice.REFUSE, S.FAILED)]
)
async def test_a_person_settles_what_a_supplier_did_not_give(
    shop: Shop, supplier: FakeSupplier, choice: Choice, state: DeliveryState
) -> None:
    supplier.says({}, status=500)
    await supplied(shop, supplier.port)
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.SUPPLY_UNCERTAIN)
    await answer_need(shop, need.number, choice)
    assert await shop.states(order) == [state]
    assert await shop.needs() == []
    assert (shop.got(), len(supplier.heard)) == ([], 1)


async def test_a_person_delivers_from_another_pool_what_a_supplier_did_not_give(
    shop: Shop, supplier: FakeSupplier
) -> None:
    supplier.says({}, status=500)
    await supplied(shop, supplier.port)
    codes = await shop.pool(["CODE-2222"])
    order = await shop.buy()
    await shop.wait_need(NeedKind.SUPPLY_UNCERTAIN)
    desk = shop.stage.hub.desk
    await desk.orders.deliver(shop.stage.operator, order.id, pool=codes.id)
    await shop.wait_states(order, S.CONFIRMED)
    assert (shop.got(), len(supplier.heard)) == (["CODE-2222"], 1)


# --- All or nothing, delays, refunds, stops -------------------------------------------------------


async def test_pieces_go_out_together_once_the_last_one_is_there(
    shop: Shop, supplier: FakeSupplier
) -> None:
    """L10: what was fetched waits for the rest and is asked for once."""

    heard_again, opened = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.query["unit"] == "2" and len(supplier.heard) <= 2:
            return web.json_response({"code": 500, "msg": "库存不足"})
        if len(supplier.heard) == 3:
            heard_again.set()
            await opened.wait()
        return web.json_response({"code": 200, "data": f"CODE-{request.query['unit']}"})

    supplier.answer = answer
    pool = await supplied(shop, supplier.port, path="card?unit={order_unit}", **SUCCESS)
    order = await shop.buy(quantity=2)
    need = await shop.wait_need(NeedKind.UNSUPPLIED)
    await shop.wait_states(order, S.RESERVED, S.PENDING)
    assert shop.got() == []
    assert await shop.counts(pool) == CardCounts(reserved=1)

    await answer_need(shop, need.number, Choice.ASK_AGAIN)

    async with asyncio.timeout(30):
        await heard_again.wait()
    assert await shop.states(order) == [S.RESERVED, S.SUPPLYING]
    assert [one.attempt for one in await shop.ledger(order)] == [0, 0]
    opened.set()
    await shop.wait_states(order, S.CONFIRMED, S.CONFIRMED)
    assert sorted(shop.got()) == ["CODE-1", "CODE-2"]
    assert len(supplier.heard) == 3


async def test_a_delay_counts_from_the_payment_and_not_from_the_suppliers_answer(
    shop: Shop, supplier: FakeSupplier
) -> None:
    """L16: the card is there at once, and leaves when its time has come."""
    supplier.says({"data": "CODE-1111"})
    await supplied(shop, supplier.port, delay_seconds=3)
    order = await shop.buy()
    await shop.wait_states(order, S.RESERVED)
    assert shop.got() == []
    await shop.wait_states(order, S.CONFIRMED)
    (unit,) = await shop.ledger(order)
    (card,) = [one for one in shop.thread().messages if one.own]
    assert shop.got() == ["CODE-1111"]
    assert card.stamp.at / 1000 - unit.created_at.timestamp() >= 2.9


async def test_a_card_that_comes_after_the_refund_is_kept_and_goes_to_nobody(
    shop: Shop, supplier: FakeSupplier
) -> None:
    gate = Gate(supplier)
    pool = await supplied(shop, supplier.port)
    order = await shop.buy()
    async with asyncio.timeout(30):
        await gate.heard.wait()
    await shop.step(order, "refund")
    await shop.wait_states(order, S.RELEASED)
    gate.opened.set()
    await no_supply_waits(shop)
    assert shop.got() == []
    assert await shop.counts(pool) == CardCounts(reserved=1)
    assert OrderNote.KEPT in [one.step for one in await shop.story(order)]

    await shop.step(order, "withdraw")
    need = await shop.wait_need(NeedKind.REFUND_OFF)
    await answer_need(shop, need.number, Choice.DELIVER)

    await shop.wait_states(order, S.CONFIRMED)
    assert (shop.got(), len(supplier.heard)) == (["CODE-1"], 1)


async def test_nobody_decides_about_a_unit_while_its_supplier_is_asked(
    shop: Shop, supplier: FakeSupplier
) -> None:
    """Its card would come to nobody, or a second one be drawn beside it."""
    gate = Gate(supplier)
    await supplied(shop, supplier.port)
    codes = await shop.pool(["CODE-2222"])
    order = await shop.buy()
    async with asyncio.timeout(30):
        await gate.heard.wait()
    orders, operator = shop.stage.hub.desk.orders, shop.stage.operator
    for act in (
        orders.outside(operator, order.id),
        orders.refuse(operator, order.id),
        orders.release(operator, order.id),
        orders.deliver(operator, order.id),
        orders.deliver(operator, order.id, pool=codes.id),
    ):
        with pytest.raises(Invalid, match="正在向供货方取卡"):
            await act
    gate.opened.set()
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1"]
    assert await shop.counts(codes) == CardCounts(available=1)


async def test_a_supplier_that_cannot_be_reached_is_given_up_by_a_person(shop: Shop) -> None:
    await supplied(shop, 9)
    order = await shop.buy()
    await shop.wait_states(order, S.SUPPLYING)
    operator, desk = shop.stage.operator, shop.stage.hub.desk

    async def settled() -> bool:
        try:
            await desk.orders.outside(operator, order.id)
        except Invalid:  # it is being tried at this moment
            return False
        return True

    await wait_until(settled)
    assert await shop.states(order) == [S.OUTSIDE]
    await no_supply_waits(shop)
    assert await shop.needs() == []


async def test_an_emergency_stop_holds_calls_and_they_are_made_after_it(
    shop: Shop, supplier: FakeSupplier
) -> None:
    supplier.says({"data": "CODE-1111"})
    pool = await supplied(shop, 9)
    order = await shop.buy()
    await shop.wait_states(order, S.SUPPLYING)
    operator, desk = shop.stage.operator, shop.stage.hub.desk
    await desk.needs.stop(operator, None, "查货")
    await shop.wait_need(NeedKind.STOPPED)
    assert await shop.states(order) == [S.PENDING]
    call = SupplierCall(f"http://127.0.0.1:{supplier.port}/", allow_private=True)
    await desk.suppliers.configure(operator, pool.id, call)
    assert supplier.heard == []

    await desk.needs.resume(operator, None)

    await shop.wait_states(order, S.CONFIRMED)
    assert (shop.got(), len(supplier.heard)) == (["CODE-1111"], 1)
    assert await shop.needs() == []


async def test_a_pool_without_a_supplier_asks_a_person(shop: Shop) -> None:
    pool = await shop.pool(name="接口", kind=PoolKind.API)
    await shop.rule(pool)
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.OUT_OF_STOCK)
    assert "还没有填供货接口" in need.detail
    assert await shop.states(order) == [S.PENDING]


async def test_what_a_supplier_gave_is_sent_again_as_the_same_card(
    shop: Shop, supplier: FakeSupplier
) -> None:
    counting(supplier)
    pool = await supplied(shop, supplier.port, **SUCCESS)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    await shop.stage.hub.desk.orders.resend(shop.stage.operator, order.id, code=order.id[-4:])
    await shop.stage.until(lambda: len(shop.got()) == 2, "the second message")
    assert shop.got() == ["CODE-1", "CODE-1"]
    assert len(supplier.heard) == 1
    account = shop.stage.account
    unit = OrderUnit(account.id, order.id, 1)
    (card,) = await shop.stage.read(lambda tx: tx.cards.of_unit(pool.shop, unit))
    assert card.state is CardState.HANDED_OVER


# --- Pictures and several messages ----------------------------------------------------------------


def drawn(color: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (20, 10), color).save(out, "PNG")
    return out.getvalue()


async def test_words_and_pictures_leave_in_the_order_of_the_template(shop: Shop) -> None:
    """L15: each a message of its own, no mark inside a text; sent counts after the last."""
    pool = await shop.pool(
        name="图", kind=PoolKind.IMAGE, template="您好\n######\n看图{DELIVERY_CONTENT}用完请确认"
    )
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    for color in ("red", "blue"):
        await desk.stock.add_picture(operator, pool.id, drawn(color))
    await shop.rule(pool)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    own = [one for one in shop.thread().messages if one.own]
    assert [one.content["contentType"] == IMAGE for one in own] == [False, False, True, True, False]
    assert [own[0].summary, own[1].summary, own[4].summary] == ["您好", "看图", "用完请确认"]
    assert not any("__" in one.summary for one in own)
    assert shop.times_shipped(order) == 1


async def test_an_image_pool_without_pictures_sends_no_bare_words(shop: Shop) -> None:
    pool = await shop.pool(name="图", kind=PoolKind.IMAGE, template="看图")
    await shop.rule(pool)
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.OUT_OF_STOCK)
    assert "还没有图片" in need.detail
    assert (shop.got(), await shop.states(order)) == ([], [S.PENDING])


async def test_a_picture_that_cannot_be_uploaded_stops_the_rest_and_asks(
    shop: Shop, tmp_path: Path
) -> None:
    pool = await shop.pool(name="图", kind=PoolKind.IMAGE, template="看图{DELIVERY_CONTENT}完")
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await desk.stock.add_picture(operator, pool.id, drawn("red"))
    await shop.rule(pool, delay_seconds=2)
    order = await shop.buy()
    await shop.wait_states(order, S.RESERVED)
    (picture,) = (await desk.stock.pool(operator, pool.id)).pool.pictures
    (tmp_path / "pictures" / "stock" / picture.name).unlink()
    await shop.wait_need(NeedKind.REJECTED)
    await shop.wait_states(order, S.REVIEW)
    assert shop.got() == ["看图"]
    assert shop.times_shipped(order) == 0


async def void(shop: Shop, code: str) -> None:
    """With the second word that it asks for."""
    cards, operator = shop.stage.hub.desk.cards, shop.stage.operator
    with pytest.raises(NotConfirmed) as asked:
        await cards.void_by_code(operator, f"{code} 坏了")
    await cards.void_by_code(operator, f"{code} 坏了", code=asked.value.confirm)


async def test_a_card_voided_before_it_left_is_replaced(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111", "CODE-2222"], template="请查收\n{DELIVERY_CONTENT}")
    await shop.rule(pool, delay_seconds=2)
    order = await shop.buy()
    await shop.wait_states(order, S.RESERVED)
    await void(shop, "CODE-1111")
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["请查收\nCODE-2222"]
    assert await shop.counts(pool) == CardCounts(handed_over=1, void=1)


async def test_a_voided_card_without_a_replacement_leaves_no_empty_message(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"], template="请查收\n{DELIVERY_CONTENT}")
    await shop.rule(pool, delay_seconds=2)
    order = await shop.buy()
    await shop.wait_states(order, S.RESERVED)
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await void(shop, "CODE-1111")
    need = await shop.wait_need(NeedKind.OUT_OF_STOCK)
    assert shop.got() == []
    await desk.restock.add(operator, pool.id, "CODE-3333")
    await answer_need(shop, need.number, Choice.DELIVER)
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["请查收\nCODE-3333"]
