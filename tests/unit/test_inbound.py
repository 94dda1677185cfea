"""A push becomes rows, decisions and tasks in one transaction, however it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.inbound import Inbound
from hub.model import (
    Account,
    BuyerMessage,
    Conversation,
    Event,
    Hold,
    HoldKind,
    Message,
    MessageId,
    MessageState,
    OrderContext,
    OrderSignal,
    OrderStatus,
    Origin,
    OwnMessage,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Role,
    RuleKind,
    SendMessage,
    SignalSource,
    TaskKind,
    Text,
)
from hub.settings import ReplySettings
from hub.store import Store, open_store

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
THREAD = PlatformConversation("60010020030")
BUYER = PlatformUser("3100444455556")


@dataclass
class Stage:
    store: Store
    account: Account
    inbound: Inbound
    now: datetime = NOW

    async def take_in(self, *events: Event) -> None:
        await self.inbound.take_in(self.account, events)

    async def conversation(self) -> Conversation:
        found = await self.store.read(
            lambda tx: tx.conversations.by_platform(self.account.shop, self.account.id, THREAD)
        )
        assert found is not None
        return found

    async def messages(self) -> list[Message]:
        thread = await self.conversation()
        return await self.store.read(
            lambda tx: tx.messages.of_conversation(self.account.shop, thread.id, limit=100)
        )

    async def notices(self) -> list[str]:
        tasks = await self.store.write(
            lambda tx: tx.outbox.claim("test", self.now, self.now, 100, [TaskKind.NOTICE])
        )
        return [task.work.text for task in tasks if not isinstance(task.work, SendMessage)]

    async def hold(self) -> Hold | None:
        thread = await self.conversation()
        return await self.store.read(
            lambda tx: tx.holds.active(self.account.shop, thread.id, self.now)
        )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    def unit(tx: Any) -> Any:
        shop = tx.shops.default()
        tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=NOW)
        tx.rules.add(
            shop, account=None, kind=RuleKind.KEYWORD, keywords=["在吗"], reply="在的", now=NOW
        )
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
        stage = Stage(
            store, account, Inbound(store, ReplySettings(debounce_seconds=0), lambda: stage.now)
        )
        yield stage


def said(text: str = "在吗", number: int = 1, at: datetime = NOW) -> BuyerMessage:
    id = PlatformMessage(f"{4300000000000 + number}.PNM")
    return BuyerMessage(id, THREAD, BUYER, "小林", None, Text(text), at)


def own(text: str, number: int = 50, at: datetime = NOW) -> OwnMessage:
    id = PlatformMessage(f"{4300000000000 + number}.PNM")
    return OwnMessage(id, THREAD, None, Text(text), at)


def order(status: OrderStatus = OrderStatus.PAID, **more: Any) -> OrderSignal:
    values = {"id": PlatformMessage("4300000000009.PNM"), "order_id": "3", "buyer": BUYER, **more}
    return OrderSignal(status, SignalSource.CARD, THREAD, NOW, **values)


async def test_a_message_is_stored_answered_and_told_once_however_often_it_comes(
    stage: Stage,
) -> None:
    await stage.take_in(said(), said())
    await stage.take_in(said())

    assert [m.origin for m in await stage.messages()] == [Origin.BUYER, Origin.RULE]
    assert len(await stage.notices()) == 1


async def test_what_an_account_buys_itself_is_answered_to_the_other_side(stage: Stage) -> None:
    """Such an order names the account as its buyer."""
    me = stage.account.user
    await stage.take_in(said("你好"))
    await stage.take_in(
        order(buyer=me, as_buyer=True),
        OrderContext(THREAD, "3", "9", "键帽", me, NOW),
    )

    assert (await stage.conversation()).buyer == BUYER
    assert len(await stage.notices()) == 1


async def test_a_paid_order_is_told_even_if_the_card_does_not_name_it(stage: Stage) -> None:
    await stage.take_in(order(order_id=None))
    await stage.take_in(order(order_id=None))

    (notice,) = await stage.notices()
    assert "买家已付款" in notice


async def test_a_status_without_any_id_is_told_by_nobody(stage: Stage) -> None:
    """Its card tells."""
    await stage.take_in(order(order_id=None, id=None))

    assert await stage.notices() == []


async def test_what_the_seller_types_today_is_his_even_if_a_lost_message_said_the_same(
    stage: Stage,
) -> None:
    await stage.take_in(said("你好"))
    lost = await _lose(stage, "在的")
    stage.now = NOW + timedelta(days=7)

    await stage.take_in(own("在的", at=stage.now))

    states = {m.id: m.state for m in await stage.messages()}
    assert states[lost] is MessageState.UNCERTAIN
    hold = await stage.hold()
    assert hold is not None
    assert hold.kind is HoldKind.TAKEOVER


async def test_an_old_word_from_the_phone_does_not_shorten_a_takeover(stage: Stage) -> None:
    """Catching up tells old messages after new ones."""
    await stage.take_in(own("我来了"))
    await stage.take_in(own("早些时候说的", number=49, at=NOW - timedelta(minutes=5)))

    hold = await stage.hold()
    assert hold is not None
    assert hold.until == NOW + timedelta(minutes=10)


async def test_minutes_of_takeover_can_be_none(stage: Stage) -> None:
    shop, id = stage.account.shop, stage.account.id
    await stage.store.write(lambda tx: tx.accounts.set_takeover_minutes(shop, id, 0))
    account = await stage.store.read(lambda tx: tx.accounts.get(shop, id))
    assert account is not None

    await stage.inbound.take_in(account, [own("我来了")])

    assert await stage.hold() is None


async def _lose(stage: Stage, words: str) -> MessageId:
    """Something of ours went out and nobody ever heard of it again."""
    thread, shop = await stage.conversation(), stage.account.shop

    def unit(tx: Any) -> MessageId:
        message: MessageId = tx.messages.add_out(
            shop,
            stage.account.id,
            thread.id,
            key="lost",
            origin=Origin.OPERATOR,
            content=Text(words),
            now=NOW,
        )
        for state in (MessageState.SENDING, MessageState.UNCERTAIN):
            tx.messages.set_state(shop, message, state, now=NOW)
        return message

    return await stage.store.write(unit)
