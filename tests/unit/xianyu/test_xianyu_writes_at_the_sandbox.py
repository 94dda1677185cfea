"""No write happens twice: each of them into each kind of trouble, over real sockets (L22)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from test_xianyu_at_the_sandbox import SELLER, client_of, sandbox

from hub.errors import Rejected, Uncertain
from hub.model import Done, PlatformUser
from hub.sandbox import Sandbox
from hub.sandbox.orders import Order
from hub.xianyu import Client

__all__ = ["sandbox"]


@dataclass(frozen=True)
class Write:
    api: str
    steps: tuple[str, ...]
    """What the buyer has done before."""
    make: Callable[[Client, Order], Awaitable[Done]]
    happened: str
    """The step in the order's story that tells how often the platform did it; polishing: none."""


WRITES = {
    "ship": Write(
        "mtop.taobao.idle.logistic.consign.dummy",
        ("pay",),
        lambda client, order: client.ship(order.id),
        "shipped",
    ),
    "free shipping": Write(
        "mtop.idle.groupon.activity.seller.freeshipping",
        ("pay",),
        lambda client, o: client.free_shipping(o.id, o.item, PlatformUser(o.buyer)),
        "bargain_done",
    ),
    "price": Write(
        "mtop.taobao.idle.trade.user.adjust.price",
        (),
        lambda client, order: client.change_price(order.id, 660),
        "price_changed",
    ),
    "close": Write(
        "mtop.taobao.idle.trade.close.by.seller",
        (),
        lambda client, order: client.close_order(order.id),
        "closed",
    ),
    "rate": Write(
        "mtop.taobao.idle.rate.create",
        ("pay", "ship", "receive"),
        lambda client, order: client.rate(order.id, "好买家"),
        "seller_rated",
    ),
    "polish": Write(
        "mtop.taobao.idle.item.polish",
        (),
        lambda client, order: client.polish(order.item),
        "",
    ),
}
EACH = pytest.mark.parametrize("write", [pytest.param(w, id=name) for name, w in WRITES.items()])


async def prepared(sandbox: Sandbox, write: Write) -> Order:
    conversation = next(iter(sandbox.world.conversations.values()))
    order = await sandbox.trade.place(conversation, bargain=write.happened == "bargain_done")
    for step in write.steps:
        await sandbox.trade.step(order, step)
    return order


def asked(sandbox: Sandbox, write: Write) -> int:
    """How often the call reached the platform with a good signature, or was cut before."""
    path = f"/h5/{write.api}/"
    return sum(one.path.startswith(path) for one in sandbox.recorder.seen)


@EACH
@pytest.mark.parametrize(("trouble", "times"), [("mtop_stored", 1), ("mtop_lost", 0)])
async def test_a_write_whose_answer_is_lost_is_uncertain_and_was_asked_for_once(
    sandbox: Sandbox, write: Write, trouble: str, times: int
) -> None:
    order = await prepared(sandbox, write)
    async with client_of(sandbox) as client:
        await client.login_user()  # signs, and leaves a connection that the write is sent on
        sandbox.faults.add(SELLER, trouble, subject=write.api)
        with pytest.raises(Uncertain):
            await write.make(client, order)
    assert asked(sandbox, write) == 1
    if write.happened:
        assert order.story.count(write.happened) == times


@EACH
async def test_a_write_that_was_not_done_says_so_and_was_asked_for_once(
    sandbox: Sandbox, write: Write
) -> None:
    order = await prepared(sandbox, write)
    async with client_of(sandbox) as client:
        await client.login_user()
        sandbox.faults.add(SELLER, "mtop_unsure", subject=write.api)
        with pytest.raises(Rejected):
            await write.make(client, order)
    assert asked(sandbox, write) == 1
    assert write.happened not in order.story
