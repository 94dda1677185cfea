"""What happened while the line was down, or deaf, is found and handled once."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.app import Hub, open_hub
from hub.desk import Operator
from hub.model import Account, AccountState, Hold, Message, Origin, PlatformConversation
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.orders import State
from hub.sandbox.world import DEMO_SELLER, Conversation
from tests.e2e.stage import (
    GREETING,
    OTHER_BUYER,
    TOKEN,
    Stage,
    furnish,
    open_stage,
    settings_for,
)
from tests.waiting import wait_until

PATIENCE = 60.0
"""Seconds; several waits of the wire itself add up in some of these."""
THIRD = "60010020032"
PAID = "买家已付款，等待发货"
ORDINARY, PRO = "mtop.taobao.idle.trade.sold.get", "mtop.taobao.idle.trade.merchant.sold.get"
SOON = {"list_settle_seconds": 0.2}
"""Lists are asked for at once. Not after an outage: what the line brings by itself comes first."""
HISTORY = "/r/MessageManager/listUserMessages"


@dataclass
class Clock:
    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Town:
    """A sandbox and a database that outlive any hub."""

    sandbox: Sandbox
    folder: Path
    clock: Clock = field(default_factory=Clock)
    xianyu: dict[str, Any] = field(default_factory=dict)
    operator: Operator | None = None
    account: Account | None = None

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Stage]:
        """A hub from its start to its stop; the first one is furnished."""
        settings = settings_for(self.sandbox, self.folder, **self.xianyu)
        async with open_hub(settings, now=self.clock) as hub:
            if self.operator is None or self.account is None:
                self.operator, self.account = await furnish(hub, self.sandbox.cookies())
            stage = Stage(hub, self.sandbox, self.operator, self.account)
            await stage.wait_state(AccountState.ONLINE)
            self._dial(hub)
            await self.sandbox.qq.wait_online(PATIENCE)
            yield stage

    def _dial(self, hub: Hub) -> None:
        self.sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    options = SandboxOptions(list_quiet_seconds=0, onebot_reconnect_seconds=0.05)
    async with start_sandbox(options) as sandbox:
        yield Town(sandbox, tmp_path)


async def stored(stage: Stage, conversation: str) -> list[Message]:
    """What the hub has stored of one conversation, oldest first."""
    account, name = stage.account, PlatformConversation(conversation)

    def unit(tx: Any) -> list[Message]:
        found = tx.conversations.by_platform(account.shop, account.id, name)
        if found is None:
            return []
        messages: list[Message] = tx.messages.of_conversation(account.shop, found.id, limit=1000)
        return messages

    found: list[Message] = await stage.read(unit)
    return found


async def words_of_buyers(stage: Stage, conversation: str) -> list[str]:
    found = await stored(stage, conversation)
    return [one.content.text for one in found if one.origin is Origin.BUYER]  # type: ignore[union-attr]


async def compared(stage: Stage) -> None:
    """Wait until the platform's lists were compared once: the outage is reported or closed."""
    account = stage.account

    async def over() -> bool:
        def unit(tx: Any) -> bool:
            marker = f"orders known:{account.id}"
            known = tx.inputs.known(account.shop, [marker])
            return bool(known) and not tx.comparisons.outages(account.shop)

        return bool(await stage.read(unit))

    await wait_until(over, PATIENCE)


async def wait_notice(stage: Stage, part: str) -> str:
    line = await stage.sandbox.qq.wait_for_line(
        "private", "10002", lambda one: one.sender != "10002" and part in one.text, PATIENCE
    )
    return line.text


def told(stage: Stage, part: str) -> int:
    """How many notices have this as a line of theirs, or in it."""
    return sum(part in line.text for line in stage.notices())


def calls(sandbox: Sandbox, api: str) -> int:
    return sum(made.api == api for made in sandbox.mtop.calls)


async def until_called(stage: Stage, api: str, times: int) -> None:
    """Wait for so many more calls of a gateway API."""
    target = calls(stage.sandbox, api) + times
    await until(stage, lambda: calls(stage.sandbox, api) >= target, f"{times} calls of {api}")


async def until(stage: Stage, met: Callable[[], bool], what: str) -> None:
    assert await stage.sandbox.world.bell.until(met, PATIENCE), f"waited in vain for {what}"


async def cut_off(stage: Stage) -> None:
    """The line is cut, and the platform takes no other for the time being."""
    stage.sandbox.faults.add(DEMO_SELLER, "reg_limit", times=None)
    line = stage.sandbox.lines.of(DEMO_SELLER)[-1]
    line.abort()
    await stage.wait_state(AccountState.WAITING)


async def much_happens(sandbox: Sandbox, *, told: str = "story") -> None:
    """Five messages in three conversations, and one payment."""
    first = sandbox.world.conversation("60010020030")
    other = sandbox.world.conversation("60010020031")
    third = sandbox.world.conversation(THIRD)
    await sandbox.stage.say(first, [{"text": "离线第一句"}, {"text": "离线第二句"}])
    await sandbox.stage.say(other, [{"text": "在吗，离线"}])
    order = await sandbox.trade.place(third)
    await sandbox.stage.say(third, [{"text": "第三个会话"}, {"text": "付款啦"}])
    await sandbox.trade.step(order, "pay", told=told)


MUCH = ("离线第一句", "离线第二句", "在吗，离线", "第三个会话", "付款啦")


async def all_handled_once(stage: Stage) -> None:
    await stage.settled()
    for part in MUCH:
        lines = [line for line in stage.notices() if part in line.text.splitlines()]
        assert len(lines) == 1, part
    assert await words_of_buyers(stage, "60010020030") == ["离线第一句", "离线第二句"]
    assert await words_of_buyers(stage, "60010020031") == ["在吗，离线"]
    assert await words_of_buyers(stage, THIRD) == ["第三个会话", "付款啦"]
    assert told(stage, PAID) == 1
    assert told(stage, "离线 ") == 1, "one line about the outage"


# --- Outages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("payment", ["story", "nothing"])
@pytest.mark.parametrize("forgotten", [True, False], ids=["lists alone", "pushed again"])
async def test_what_happened_while_the_hub_was_stopped_is_handled_once(
    town: Town, forgotten: bool, payment: str
) -> None:
    async with town.hub() as stage:
        await compared(stage)
    await much_happens(town.sandbox, told=payment)
    if forgotten:
        town.sandbox.lines.forget(DEMO_SELLER)

    async with town.hub() as stage:
        back = await wait_notice(stage, "已恢复连接")

        assert "：5 条消息、1 笔付款已补处理" in back
        assert "回复时限" not in back
        await stage.wait_for_answer(GREETING, OTHER_BUYER)
        await all_handled_once(stage)
        assert stage.answers(OTHER_BUYER) == [GREETING]


async def test_a_hub_that_was_killed_before_it_compared_anything_misses_nothing(
    town: Town,
) -> None:
    """The account had been online for a moment only."""
    async with town.hub():
        pass
    await much_happens(town.sandbox, told="nothing")
    town.sandbox.lines.forget(DEMO_SELLER)

    async with town.hub() as stage:
        assert "：5 条消息、1 笔付款已补处理" in await wait_notice(stage, "已恢复连接")
        await all_handled_once(stage)


async def test_what_is_too_old_after_a_long_outage_is_stored_and_told_but_not_answered(
    town: Town,
) -> None:
    async with town.hub() as stage:
        await compared(stage)
    await much_happens(town.sandbox)
    town.clock.ahead = timedelta(minutes=14)

    async with town.hub() as stage:
        back = await wait_notice(stage, "已恢复连接")

        assert "离线 14 分钟：5 条消息、1 笔付款已补处理" in back
        assert "其中 5 条已过自动回复时限，没有自动回复，请看一下" in back
        await all_handled_once(stage)
        assert stage.answers(OTHER_BUYER) == []


async def test_three_days_are_caught_up(town: Town) -> None:
    async with town.hub() as stage:
        await compared(stage)
    await much_happens(town.sandbox)
    town.sandbox.lines.forget(DEMO_SELLER)
    town.clock.ahead = timedelta(days=3)

    async with town.hub() as stage:
        assert "离线 3 天：5 条消息" in await wait_notice(stage, "已恢复连接")
        await all_handled_once(stage)


async def test_what_happened_while_the_line_was_cut_is_handled_once(town: Town) -> None:
    async with town.hub() as stage:
        await compared(stage)
        await cut_off(stage)
        await much_happens(town.sandbox)
        town.clock.ahead = timedelta(minutes=2)
        town.sandbox.faults.clear()

        back = await wait_notice(stage, "已恢复连接")
        assert "离线 2 分钟：5 条消息、1 笔付款已补处理" in back
        await stage.wait_for_answer(GREETING, OTHER_BUYER)
        await all_handled_once(stage)


async def test_a_routine_reconnect_that_missed_nothing_is_silent(town: Town) -> None:
    async with town.hub() as stage:
        await compared(stage)
        before = stage.sandbox.lines.of(DEMO_SELLER)[-1]
        await before.close(1000)
        await until(
            stage,
            lambda: any(one.id != before.id for one in stage.sandbox.lines.of(DEMO_SELLER)),
            "another line",
        )
        await stage.wait_state(AccountState.ONLINE)
        await until_called(stage, ORDINARY, 1)
        await compared(stage)
        await stage.settled()
        assert stage.notices() == []


async def test_a_new_account_starts_with_what_comes_after_it(town: Town) -> None:
    """Old chats are not answered; old orders are said in one line and left to people."""
    town.xianyu |= {"compare_minutes": 0.02}
    old = town.sandbox.world.conversation(THIRD)
    await town.sandbox.stage.say(old, [{"text": "在吗，昨天"}])
    await town.sandbox.trade.step(await town.sandbox.trade.place(old), "pay")
    town.clock.ahead = timedelta(seconds=30)  # so that all this lies before the connection

    async with town.hub() as stage:
        assert "接入之前已有 1 笔待发货订单" in await wait_notice(stage, "接入之前")
        await until_called(stage, ORDINARY, 3)
        town.clock.ahead = timedelta(0)
        await stage.buyer_says("在吗，今天", buyer=OTHER_BUYER)
        await stage.wait_for_answer(GREETING, OTHER_BUYER)
        await stage.settled()

        assert await stored(stage, THIRD) == []
        assert told(stage, PAID) == 0
        assert len(stage.notices()) == 2


# --- Histories ----------------------------------------------------------------------------------


async def test_sixty_messages_of_one_conversation_come_in_their_order_and_once(
    town: Town,
) -> None:
    async with town.hub() as stage:
        await compared(stage)
    said = [f"第{number}条" for number in range(1, 61)]
    thread = town.sandbox.world.conversation(THIRD)
    for words in said:
        await town.sandbox.stage.say(thread, [{"text": words}])
    town.sandbox.lines.forget(DEMO_SELLER)

    async with town.hub() as stage:
        assert "：60 条消息已补处理" in await wait_notice(stage, "已恢复连接")
        assert await words_of_buyers(stage, THIRD) == said
        await stage.settled()
        about = [line.text.splitlines() for line in stage.notices()]
        notices = [words for words in said for lines in about if words in lines]
        assert Counter(notices) == Counter(said)


async def test_a_buyer_who_imitates_the_platform_in_a_history_has_paid_nothing(
    town: Town,
) -> None:
    async with town.hub() as stage:
        await compared(stage)
    thread = town.sandbox.world.conversation(THIRD)
    order = "5120000111122223333"
    card = {
        "contentType": 26,
        "dxCard": {
            "item": {
                "main": {
                    "exContent": {"title": "我已付款，等待你发货"},
                    "targetUrl": f"fleamarket://order_detail?id={order}&role=seller",
                }
            }
        },
    }
    words = f"[我已付款，等待你发货] orderId={order}"
    await town.sandbox.stage.say(thread, [{"text": words}, {"content": card}])
    town.sandbox.lines.forget(DEMO_SELLER)

    async with town.hub() as stage:
        assert "：2 条消息已补处理" in await wait_notice(stage, "已恢复连接")
        assert (await words_of_buyers(stage, THIRD))[0] == words
        await stage.settled()
        assert told(stage, PAID) == 0


async def test_what_the_seller_wrote_on_the_phone_meanwhile_is_a_person_leading(
    town: Town,
) -> None:
    """It silences the automation by its own time, for questions before it too (L25)."""
    async with town.hub() as stage:
        await stage.buyer_says("在吗", buyer=OTHER_BUYER)
        await stage.wait_for_answer(GREETING, OTHER_BUYER)
        await compared(stage)
    asked = town.sandbox.world.conversation(THIRD)
    await town.sandbox.stage.say(asked, [{"text": "在吗，谁接待我"}])
    await town.sandbox.stage.phone(asked, "我在手机上回你")
    town.sandbox.lines.forget(DEMO_SELLER)

    async with town.hub() as stage:
        await wait_notice(stage, "谁接待我")
        await compared(stage)
        await stage.settled()

        origins = [(one.origin, one.state) for one in await stored(stage, THIRD)]
        assert [origin for origin, _ in origins] == [Origin.BUYER, Origin.PHONE]
        assert [one.summary for one in asked.messages if one.own] == ["我在手机上回你"]
        holds: list[Hold] = await stage.read(
            lambda tx: tx.holds.all_active(stage.account.shop, town.clock())
        )
        assert len(holds) == 1
        assert holds[0].until is not None
        assert holds[0].until <= town.clock() + timedelta(minutes=10)
        ours = [m for m in await stored(stage, "60010020031") if m.ours]
        assert [m.origin for m in ours] == [Origin.RULE], "our own echo is no other message"


async def test_an_old_word_from_the_phone_silences_nobody_but_answers_its_question(
    town: Town,
) -> None:
    async with town.hub() as stage:
        await compared(stage)
        await stage.hub.desk.accounts.configure(
            stage.operator, stage.account.id, name="小店", takeover_minutes=1
        )
    asked = town.sandbox.world.conversation(THIRD)
    await town.sandbox.stage.say(asked, [{"text": "在吗，早上"}])
    await town.sandbox.stage.phone(asked, "我在手机上回过了")
    town.clock.ahead = timedelta(minutes=3)

    async with town.hub() as stage:
        await wait_notice(stage, "在吗，早上")
        await compared(stage)
        await stage.settled()
        assert [one.summary for one in asked.messages if one.own] == ["我在手机上回过了"]

        town.clock.ahead = timedelta(0)
        await town.sandbox.stage.say(asked, [{"text": "在吗，现在"}])
        await until(
            stage, lambda: any(one.summary == GREETING for one in asked.messages), "an answer"
        )


# --- Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("list_throttle", {"times": 6}),
        ("cut_on_request", {"subject": HISTORY, "times": 2}),
        ("answer_drop", {"subject": HISTORY, "after": 1}),
    ],
)
async def test_lists_that_are_refused_are_asked_for_later_and_nothing_is_skipped(
    town: Town, kind: str, more: dict[str, Any]
) -> None:
    town.xianyu |= {"compare_minutes": 0.05}
    async with town.hub() as stage:
        await compared(stage)
    await much_happens(town.sandbox)
    town.sandbox.lines.forget(DEMO_SELLER)
    town.sandbox.faults.add(DEMO_SELLER, kind, **more)

    async with town.hub() as stage:
        back = await wait_notice(stage, "已恢复连接")
        assert "5 条消息、1 笔付款已补处理" in back
        await all_handled_once(stage)
        assert town.sandbox.faults.listed() == {}


async def test_messages_are_compared_although_the_orders_cannot_be_read(town: Town) -> None:
    async with town.hub() as stage:
        await compared(stage)
    await much_happens(town.sandbox)
    town.sandbox.lines.forget(DEMO_SELLER)
    town.sandbox.faults.add(DEMO_SELLER, "mtop_throttle", times=None, subject=ORDINARY)

    async with town.hub() as stage:
        for part in MUCH:
            await wait_notice(stage, part)
        await stage.wait_for_answer(GREETING, OTHER_BUYER)


async def test_a_verification_asked_for_by_the_order_list_ends_the_asking(town: Town) -> None:
    async with town.hub() as stage:
        await compared(stage)
    town.sandbox.faults.add(DEMO_SELLER, "mtop_risk", times=None, subject=ORDINARY)

    async with town.hub() as stage:
        await stage.wait_state(AccountState.VERIFICATION_NEEDED)
        asked = len(town.sandbox.mtop.calls)
        await wait_notice(stage, "🔴【小店】")
        assert len(town.sandbox.mtop.calls) == asked


# --- Orders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["story", "update", "summary", "nothing"])
async def test_a_payment_is_told_once_whoever_brings_it(tmp_path: Path, way: str) -> None:
    """The push says which order, or that some order was paid, or nothing at all."""
    async with open_stage(tmp_path, compare_minutes=0.02, **SOON) as stage:
        await compared(stage)
        order = await stage.sandbox.trade.place(stage.conversation())
        await stage.sandbox.trade.step(order, "pay", told=way)
        assert order.id in await wait_notice(stage, PAID)
        await until_called(stage, ORDINARY, 3)
        await stage.settled()
        assert told(stage, PAID) == 1


async def test_a_payment_without_its_order_is_looked_up_at_once(tmp_path: Path) -> None:
    """Long before the next regular comparison."""
    async with open_stage(tmp_path, **SOON) as stage:
        await compared(stage)
        order = await stage.sandbox.trade.place(stage.conversation())
        await stage.sandbox.trade.step(order, "pay", told="summary")
        assert order.id in await wait_notice(stage, PAID)


async def test_the_list_of_pro_shops_is_asked_for_only_where_it_is_allowed(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, compare_minutes=0.02, **SOON) as stage:
        await until_called(stage, ORDINARY, 3)
        assert calls(stage.sandbox, PRO) == 1, "a refusal is remembered"


async def test_a_pro_shop_finds_its_orders_in_the_list_of_pro_shops(tmp_path: Path) -> None:
    async with open_stage(tmp_path, compare_minutes=0.02, **SOON) as stage:
        stage.sandbox.world.sellers[DEMO_SELLER].pro = True
        stage.sandbox.faults.add(
            DEMO_SELLER, "mtop_ret", times=None, subject=ORDINARY, reason="PERMISSION_EXCEPTION::无"
        )
        await compared(stage)
        order = await stage.sandbox.trade.place(stage.conversation())
        await stage.sandbox.trade.step(order, "pay", told="nothing")
        assert order.id in await wait_notice(stage, PAID)
        await until_called(stage, PRO, 3)
        assert told(stage, PAID) == 1


async def test_an_order_of_a_buyer_who_never_spoke_opens_one_conversation(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, compare_minutes=0.02, **SOON) as stage:
        await compared(stage)
        world = stage.sandbox.world
        buyer = world.add_buyer("买家小周")
        thread: Conversation = world.conversation_of(DEMO_SELLER, buyer.user, "880011223346")
        order = await stage.sandbox.trade.place(thread)
        stage.sandbox.orders.note(order, "paid")
        assert order.state is State.PAID
        assert "手冲咖啡壶" in await wait_notice(stage, PAID) or order.id
        await until_called(stage, ORDINARY, 3)
        assert told(stage, PAID) == 1


# --- Deaf lines ---------------------------------------------------------------------------------


async def test_a_line_that_hears_nothing_is_found_out_and_replaced_once(tmp_path: Path) -> None:
    async with open_stage(tmp_path, compare_minutes=0.02) as stage:
        first = stage.sandbox.lines.of(DEMO_SELLER)[-1]
        await compared(stage)
        stage.sandbox.faults.add(DEMO_SELLER, "push_lost")
        await stage.buyer_says("没人听见的一句")

        await wait_notice(stage, "没人听见的一句")
        await wait_notice(stage, "连接看似正常却漏了 1 条消息")
        await until(
            stage,
            lambda: any(one.id != first.id for one in stage.sandbox.lines.of(DEMO_SELLER)),
            "another line",
        )
        second = stage.sandbox.lines.of(DEMO_SELLER)[-1]
        await stage.wait_state(AccountState.ONLINE)
        await until_called(stage, ORDINARY, 2)

        stage.sandbox.faults.add(DEMO_SELLER, "push_lost")
        await stage.buyer_says("又没人听见")
        await wait_notice(stage, "又没人听见")
        await until_called(stage, ORDINARY, 2)

        await stage.settled()
        assert stage.sandbox.lines.of(DEMO_SELLER) == [second], "not replaced again and again"
        assert told(stage, "连接看似正常") == 1


async def test_a_dead_login_is_told_once_with_what_to_do(stage: Stage) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "reg_refused", times=None, reason="token is not found")
    stage.sandbox.faults.add(DEMO_SELLER, "mtop_session_expired", times=None)
    stage.sandbox.lines.of(DEMO_SELLER)[-1].abort()

    notice = await stage.wait_for_notice("🔴【小店】")

    assert "在后台「账号」页" in notice.text
    await stage.settled()
    assert len([line for line in stage.notices() if "🔴" in line.text]) == 1
