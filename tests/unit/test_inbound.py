"""A push becomes rows, decisions and tasks in one transaction, however it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
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
    Image,
    Message,
    MessageId,
    MessageState,
    OrderContext,
    OrderSignal,
    OrderStatus,
    Origin,
    OwnMessage,
    Picture,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Recalled,
    Role,
    Rule,
    RuleId,
    RuleKind,
    SendMessage,
    SendNotice,
    SignalSource,
    TaskKind,
    TaskState,
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
        tx.rules.add(Rule(RuleId(0), shop, None, RuleKind.KEYWORD, ("在吗",), "在的"), NOW)
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


PHOTO = Image((Picture("https://img.alicdn.com/a.jpg", 40, 30),))


async def test_a_picture_from_the_sellers_phone_is_a_human_who_takes_over(stage: Stage) -> None:
    await stage.take_in(said("你好"))
    await stage.take_in(replace(own(""), content=PHOTO))
    hold = await stage.hold()
    assert hold is not None
    assert hold.kind is HoldKind.TAKEOVER
    assert [one.origin for one in await stage.messages()] == [Origin.BUYER, Origin.PHONE]


async def test_the_echo_of_our_own_picture_is_ours(stage: Stage) -> None:
    await stage.take_in(said("你好"))
    thread = await stage.conversation()

    def unit(tx: Any) -> MessageId:
        message = tx.messages.add_out(
            thread.shop,
            thread.account,
            thread.id,
            key="k",
            origin=Origin.OPERATOR,
            content=PHOTO,
            now=NOW,
        )
        tx.messages.set_state(thread.shop, message, MessageState.SENDING, now=NOW)
        return message  # type: ignore[no-any-return]

    await stage.store.write(unit)
    await stage.take_in(replace(own(""), content=PHOTO))
    assert await stage.hold() is None
    *_, mine = await stage.messages()
    assert (mine.origin, mine.state) == (Origin.OPERATOR, MessageState.ACCEPTED)


async def test_the_notice_of_a_picture_asks_for_the_picture_and_names_no_address(
    stage: Stage,
) -> None:
    await stage.take_in(replace(said(), content=PHOTO))
    (task,) = await stage.store.write(
        lambda tx: tx.outbox.claim("test", NOW, NOW, 100, [TaskKind.NOTICE])
    )
    assert isinstance(task.work, SendNotice)
    assert task.work.pictures
    assert "http" not in task.work.text
    assert "[图片]" in task.work.text


async def test_a_quoting_message_tells_what_it_quotes(stage: Stage) -> None:
    await stage.take_in(said("多少钱", 1), said("包邮吗", 2))
    quoted = PlatformMessage("4300000000001.PNM")
    await stage.take_in(replace(said("这个呢", 3), quoted=quoted))
    unknown = PlatformMessage("4200000000001.PNM")
    await stage.take_in(replace(said("那个呢", 4), quoted=unknown))
    notices = [one.work.text for one in await _all_notices(stage)]
    assert "「引用自己的：多少钱」\n这个呢" in notices[2]
    assert "引用" not in notices[3]


async def test_a_quote_of_our_answer_says_so(stage: Stage) -> None:
    await stage.take_in(said("在吗"), own("我在手机上", 50))
    await stage.take_in(replace(said("什么意思", 3), quoted=PlatformMessage("4300000000050.PNM")))
    assert "「引用我们的：我在手机上」" in [one.work.text for one in await _all_notices(stage)][-1]


async def _all_notices(stage: Stage) -> list[Any]:
    """Every notice in the order of the outbox; one lane gives one at a time."""
    found: list[Any] = []
    while tasks := await stage.store.write(
        lambda tx: tx.outbox.claim("test", stage.now, stage.now, 100, [TaskKind.NOTICE])
    ):
        for task in tasks:
            found.append(task)
            await stage.store.write(
                lambda tx, task=task: tx.outbox.settle(  # type: ignore[misc]
                    task, "test", TaskState.DONE, now=stage.now
                )
            )
    return found


async def test_what_was_taken_back_elsewhere_is_marked(stage: Stage) -> None:
    await stage.take_in(said("说错了", 1))
    await stage.take_in(Recalled((PlatformMessage("4300000000001.PNM"),)))
    assert next(one.state for one in await stage.messages()) is MessageState.RECALLED


@pytest.mark.parametrize("blocked", [False, True])
async def test_people_are_reminded_of_whom_nobody_answered_unless_they_blocked_him(
    stage: Stage, blocked: bool
) -> None:
    def unit(tx: Any) -> None:
        shop = stage.account.shop
        tx.members.add(shop, "小李", Role.AGENT, qq=["20001"], now=NOW)
        if blocked:
            tx.guards.set(shop, replace(tx.guards.get(shop), blocked_buyers=(BUYER,)))

    await stage.store.write(unit)
    await stage.take_in(said("这个能用几天"))

    waiting = await stage.store.read(lambda tx: tx.outbox.backlog())
    assert (TaskKind.PING in waiting) is not blocked
