"""Comparing with lists that refuse, end too early, or know more than the line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from hub.errors import Rejected, Unreachable
from hub.inbound import Inbound
from hub.model import (
    Account,
    BuyerMessage,
    ChatPeer,
    Event,
    Order,
    OrderPage,
    OrderSignal,
    OrderStatus,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Role,
    SendNotice,
    SignalSource,
    TakenIn,
    Text,
    chat_lane,
)
from hub.settings import ReplySettings
from hub.store import Store, Tx, open_store
from hub.supervisor import catch_up
from hub.supervisor.catch_up import CatchUp, Deaf
from hub.supervisor.lists import MOST_LIST_PAGES, PAGE
from hub.xianyu import Client, ConversationPage, HistoryPage, ListedConversation, Session
from tests.waiting import wait_until

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
BUYER = PlatformUser("3100444455556")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def said(number: int, seconds: float, thread: str = "600") -> BuyerMessage:
    name = PlatformMessage(f"{4300000000000 + number}.PNM")
    words = Text(f"第{number}句")
    return BuyerMessage(name, PlatformConversation(thread), BUYER, "小林", None, words, at(seconds))


@dataclass
class Platform:
    """What the platform shows: conversations with their messages, and what it refuses."""

    threads: dict[str, list[BuyerMessage]] = field(default_factory=dict)
    refuses: dict[str, Exception] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    endless: bool = False
    histories: int = 0
    lists: int = 0
    before_list: Callable[[], None] = lambda: None

    async def conversations(
        self, *, cursor: int | None = None, limit: int = PAGE
    ) -> ConversationPage:
        self.lists += 1
        if self.lists == 1:
            self.before_list()
        rows = [
            ListedConversation(
                PlatformConversation(name), BUYER, None, "键盘", messages[-1].sent_at, None, 0
            )
            for name, messages in self.threads.items()
        ]
        rows.sort(key=lambda row: row.modified_at or NOW, reverse=True)
        return ConversationPage(tuple(rows), self.lists if self.endless else None)

    async def history(
        self, conversation: PlatformConversation, *, cursor: int | None = None, limit: int = PAGE
    ) -> HistoryPage:
        self.histories += 1
        if error := self.refuses.get(conversation):
            raise error
        events = tuple(reversed(self.threads[conversation]))
        return HistoryPage(events, None, tuple(one.sent_at for one in events))

    async def unshipped_orders(self, page: int = 1, *, pro: bool = False) -> OrderPage:
        if error := self.refuses.get("orders"):
            raise error
        return OrderPage(() if pro else tuple(self.orders), False)

    async def order(self, order_id: str) -> Order:
        if error := self.refuses.get(order_id):
            raise error
        raise Unreachable("xianyu", "order", "no network")

    async def create_conversation(self, buyer: PlatformUser, item_id: str) -> PlatformConversation:
        if error := self.refuses.get(buyer):
            raise error
        return PlatformConversation("700")


@dataclass
class Desk:
    store: Store
    account: Account
    platform: Platform
    inbound: Inbound
    compare: CatchUp
    told: list[str]

    async def take_in(self, events: Sequence[Event]) -> TakenIn:
        return await self.inbound.take_in(self.account, events)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[asyncio.Task[Any]]:
        session, client = cast(Session, self.platform), cast(Client, self.platform)
        await self.compare.came_back(None)
        task = asyncio.create_task(self.compare.follow(session, client))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def lists(self, more: int) -> None:
        """Wait until the list was asked for so many more times."""
        target = self.platform.lists + more

        async def enough() -> bool:
            return self.platform.lists >= target

        await wait_until(enough)

    async def until(self) -> datetime | None:
        account = self.account
        return await self.store.read(lambda tx: tx.comparisons.until(account.shop, account.id))

    async def reached(self, moment: datetime) -> bool:
        return await self.until() == moment

    async def notices(self) -> list[str]:
        lane = chat_lane(ChatPeer("", "private", "10002"))
        shop = self.account.shop
        tasks = await self.store.read(lambda tx: tx.outbox.waiting(shop, lane))
        return [task.work.text for task in tasks if isinstance(task.work, SendNotice)]

    async def known(self, *messages: BuyerMessage) -> bool:
        account, ids = self.account, [one.id for one in messages]
        found = await self.store.read(lambda tx: tx.messages.known(account.shop, account.id, ids))
        return len(found) == len(ids)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    def unit(tx: Tx) -> Account:
        shop = tx.shops.default()
        tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=NOW)
        return tx.accounts.add(
            shop,
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=1",
            takeover_minutes=10,
            now=NOW,
        )

    async with open_store(tmp_path / "hub.db", now=lambda: NOW) as store:
        account = await store.write(unit)
        inbound = Inbound(store, ReplySettings(), lambda: NOW)
        told: list[str] = []

        async def tell(said: str, _key: str) -> None:
            told.append(said)

        async def take_in(events: Sequence[Event]) -> TakenIn:
            return await made.take_in(events)

        compare = CatchUp(
            account,
            store,
            every=timedelta(seconds=0.05),
            take_in=take_in,
            tell=tell,
            now=lambda: NOW,
        )
        made = Desk(store, account, Platform(), inbound, compare, told)
        yield made


async def test_one_refused_history_costs_no_other_but_holds_the_moment_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "REFUSALS", 10_000)
    first, second = said(1, 1, "600"), said(2, 200, "601")
    desk.platform.threads = {"600": [first], "601": [second]}
    desk.platform.refuses["600"] = Rejected("xianyu", "history", "系统繁忙")
    async with desk.following():
        await wait_until(lambda: desk.known(second))
        await desk.lists(2)
        before = await desk.until()
        desk.platform.refuses.clear()
        await wait_until(lambda: desk.known(first))
        await wait_until(lambda: desk.reached(second.sent_at))
    assert before is not None
    assert before < second.sent_at
    assert desk.told == []


async def test_a_comparison_that_broke_off_begins_where_the_last_one_ended(desk: Desk) -> None:
    first, second = said(1, 1, "600"), said(2, 200, "601")
    desk.platform.threads = {"600": [first], "601": [second]}
    desk.platform.refuses["601"] = Unreachable("xianyu", "history", "cut")
    async with desk.following():
        await wait_until(lambda: desk.known(first))
        await desk.lists(2)
        before = await desk.until()
        desk.platform.refuses.clear()
        await wait_until(lambda: desk.known(second))
        await wait_until(lambda: desk.reached(second.sent_at))
    assert before is not None
    assert before < second.sent_at


async def test_a_history_that_stays_closed_is_told_and_holds_up_nothing_for_ever(
    desk: Desk,
) -> None:
    closed, other = said(1, 1, "600"), said(2, 200, "601")
    desk.platform.threads = {"600": [closed], "601": [other]}
    desk.platform.refuses["600"] = Rejected("xianyu", "history", "会话不存在")
    async with desk.following():
        await wait_until(lambda: desk.reached(other.sent_at))
        assert await desk.known(other)
        await desk.lists(2)
    assert set(desk.told) == {
        "🟡【小店】闲鱼一直不让读取「键盘」这个会话的聊天记录，可能漏了消息，请在闲鱼里看一下"
    }


NO = Rejected("xianyu", "orders", "接口已下线", code="FAIL_SYS_API_NOT_FOUNDED")
STRANGER = PlatformUser("3100444455557")


@pytest.mark.parametrize(
    ("refused", "order", "told"),
    [
        ("orders", None, "🟡【小店】闲鱼一直不让读取待发货订单，"),
        ("5001", Order("5001", None, ""), "🔴【小店】有一笔待发货订单读不懂，"),
        (
            STRANGER,
            Order("5002", OrderStatus.PAID, "", item_id="9001", buyer=STRANGER, paid_at=at(10)),
            "🔴【小店】有一笔待发货订单读不懂",
        ),
    ],
    ids=["the list", "the page of an order", "the conversation"],
)
async def test_orders_that_stay_closed_are_told_and_hold_up_nothing_for_ever(
    desk: Desk, refused: str, order: Order | None, told: str
) -> None:
    """Else the report of an outage would wait for them for ever."""
    account = desk.account
    async with desk.following():
        await desk.lists(2)  # its orders from before are known by now
    if order is not None:
        desk.platform.orders = [order]
    desk.platform.refuses[refused] = NO

    def unit(tx: Tx) -> None:
        tx.comparisons.open_outage(account.shop, account.id, NOW, NOW, told=True)

    await desk.store.write(unit)

    async def caught_up() -> bool:
        [outage] = await desk.store.read(lambda tx: tx.comparisons.outages(account.shop))
        return outage.caught_up_at is not None

    async with desk.following():
        await wait_until(caught_up)
        await desk.lists(3)
    said = {*desk.told, *await desk.notices()}
    assert len(said) == 1
    assert said.pop().startswith(told)


async def test_a_list_that_never_ends_is_said_to_be_too_long(desk: Desk) -> None:
    desk.platform.endless = True
    desk.platform.threads = {str(n): [said(n, 150 + n, str(n))] for n in range(600, 620)}
    async with desk.following():
        await desk.lists(MOST_LIST_PAGES + 1)
    assert any("只核对了最近的 20 个" in words for words in desk.told)


async def test_a_line_whose_list_is_faster_is_not_deaf(desk: Desk) -> None:
    """What the push brings while the comparison waits for it was on its way."""
    desk.compare._grace = 0.5
    async with desk.following() as task:
        await desk.lists(2)
        message = said(1, 150)
        desk.platform.threads = {"600": [message]}
        seen = desk.platform.histories

        async def read() -> bool:
            return desk.platform.histories > seen

        await wait_until(read)
        await desk.take_in([message])
        await desk.lists(2)
        assert not task.done()
    assert desk.told == []


async def test_a_line_that_does_not_bring_what_buyers_said_is_deaf(desk: Desk) -> None:
    async with desk.following() as task:
        await desk.lists(2)
        desk.platform.threads = {"600": [said(1, 150), said(2, 151)]}
        async with asyncio.timeout(30):
            assert await task == Deaf(2)
    assert desk.told == ["🟡【小店】连接看似正常却漏了 2 条消息，已补处理并重新连接"]


async def test_an_unchanged_conversation_is_not_read_again(desk: Desk) -> None:
    desk.platform.threads = {"600": [said(1, 1)]}
    async with desk.following():
        await desk.lists(5)
    assert desk.platform.histories == 1


async def test_a_busy_line_that_falls_silent_is_compared_early(desk: Desk) -> None:
    """The regular comparison is days away."""
    desk.compare._every = 1e6
    spoke = asyncio.get_running_loop().time() - 62

    def busy() -> None:
        desk.compare._heard.extend(spoke - 12 + second for second in range(12))

    desk.platform.before_list = busy
    async with desk.following():
        await desk.lists(2)
        assert desk.compare._suspicious_at() is None, "one silence is looked into once"


async def test_a_payment_without_its_order_is_looked_up_soon(desk: Desk) -> None:
    desk.compare._every = 1e6
    desk.compare._grace = 0
    async with desk.following():
        await desk.lists(1)
        signal = OrderSignal(
            OrderStatus.PAID, SignalSource.LIGHT_STATUS, said(1, 1).conversation, NOW
        )
        desk.compare.heard([signal])
        await desk.lists(1)
