"""Orders, needs and stops from QQ: what is asked for is done, once, by who may, or refused in
words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from delivery_stage import FIRST, SECOND, DeliveryStage, open_delivery_stage
from stock_stage import GROUP

from hub.desk import Desk
from hub.model import DeliveryState, NeedKind, OrderStatus, Role
from hub.settings import Settings

S = DeliveryState


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        yield stage


def notice(number: int, ticket: str = "a1") -> str:
    return f"🔔 待处理 {number}｜库存不足\n只剩 0 张\n1 发货\n2 我已在别处发货\n3 不发了\n#{ticket}"


# --- Orders ---------------------------------------------------------------------------------------


async def test_an_order_is_shown_with_its_story_and_what_can_be_done(stage: DeliveryStage) -> None:
    order = await stage.order()
    await stage.served("CODE-1111", "CODE-2222")
    assert "可以：/发货 #a1、/发货完成 #a1" in await stage.write(f"/单 {FIRST}")
    await stage.write(f"/发货 {FIRST}")
    await stage.left(order)
    said = await stage.write(f"/单 #{stage.lin.ticket}")
    assert f"订单 {FIRST}｜待发货" in said
    assert "【小店】小林 · 手冲咖啡壶 45.00 元" in said
    assert "第 1 份「月卡」买家已收到：CODE-1111" in said
    assert "预留（店主）" in said
    assert "可以：/补发 #a1" in said
    assert said.endswith(f"#{stage.lin.ticket}")


async def test_whole_cards_are_for_members_who_may_and_in_private(stage: DeliveryStage) -> None:
    await stage.order()
    await stage.served("CODE-1111")
    await stage.write(f"/发货 {FIRST}")
    assert "CODE-1111" in await stage.write(f"/单 {FIRST}", as_=Role.AGENT)
    for more in ({"as_": Role.VIEWER}, {"peer": GROUP}):
        said = await stage.write(f"/单 {FIRST}", **more)
        assert "CO…11" in said
        assert "CODE-1111" not in said


async def test_orders_are_found_by_the_end_of_their_number_buyer_and_title(
    stage: DeliveryStage,
) -> None:
    await stage.order()
    await stage.order(SECOND, stage.qi)
    for words in ("6778", FIRST, "小林"):
        assert f"订单 {FIRST}" in await stage.write(f"/单 {words}"), words
    said = await stage.write("/单 咖啡壶")
    assert FIRST in said
    assert SECOND in said
    assert FIRST in await stage.write("/单")
    assert "没有找到「没这个人」的订单" in await stage.write("/单 没这个人")
    assert "没有订单号是 0000 的订单" in await stage.write("/单 0000")


async def test_an_order_is_found_behind_many_that_hold_the_same_digits(
    stage: DeliveryStage,
) -> None:
    """How a number ends is looked up among all orders, not among those that hold it somewhere."""
    await stage.order("4400112233445560011")
    for number in range(60):
        stage.stock.later(seconds=1)
        await stage.order(f"440011223344{number:07d}5")
    assert "订单 4400112233445560011｜" in await stage.write("/单 0011")
    assert "订单 4400112233445560011｜" in await stage.write("/单 ００１１")
    assert "还有很多笔" in await stage.write("/单 手冲")


async def test_digits_that_end_no_number_are_looked_for_in_the_rest(stage: DeliveryStage) -> None:
    await stage.order(item_title="2027 日历", buyer_name="tb20288")
    for digits in ("2027", "20288", FIRST[3:9]):
        assert f"订单 {FIRST}｜" in await stage.write(f"/单 {digits}"), digits
    assert "没有订单号是 2027 的订单" in await stage.write("/不发 2027")
    assert f"订单 {FIRST}｜" in await stage.write("/单 tb202 日历")


async def test_two_orders_with_the_same_end_are_both_named(stage: DeliveryStage) -> None:
    await stage.order()
    await stage.order("4400112233440006778", stage.qi)
    for command in ("/发货", "/单"):
        said = await stage.write(f"{command} 6778")
        assert FIRST in said
        assert "4400112233440006778" in said
    assert "请多写几位" in await stage.write("/发货 6778")


async def test_the_page_of_a_conversation_names_its_other_orders(stage: DeliveryStage) -> None:
    await stage.order()
    stage.stock.later(seconds=1)
    await stage.order(SECOND)
    said = await stage.write(f"/单 #{stage.lin.ticket}")
    assert f"订单 {SECOND}｜" in said
    assert f"这个会话还有 1 笔订单：{FIRST}" in said
    assert f"/发货 {SECOND}" in said
    assert said.endswith(f"#{stage.lin.ticket}")


async def test_more_pieces_than_were_bought_are_asked_about(stage: DeliveryStage) -> None:
    order = await stage.order()
    await stage.served(*(f"CODE-{n}" for n in range(10)))
    said = await stage.write("/发货 6778 5份")
    assert "订单上是 1 件，你要发 5 份" in said
    assert await stage.states(order) == []
    assert "开始发货 5 份" in await stage.write("确认 6778")
    for pieces in ("0份", "101份", "1000份"):
        assert "份数在 1 到 100 之间" in await stage.write(f"/发货 6778 {pieces}"), pieces


async def test_an_order_is_delivered_by_hand_once(stage: DeliveryStage) -> None:
    order = await stage.order()
    await stage.served("CODE-1111", "CODE-2222")
    said = await stage.write(f"/发货 #{stage.lin.ticket}")
    assert said == f"🚚 开始发货 1 份「月卡」：CO…11，结果会告诉你 #{stage.lin.ticket}"
    assert "已经发过" in await stage.write("/发货 6778")
    assert await stage.parts(order) == 1


async def test_a_pool_and_the_pieces_can_be_named(stage: DeliveryStage) -> None:
    order = await stage.order(quantity=None)
    await stage.stock.stocked(["YEAR-1", "YEAR-2"], "年卡")
    assert "请选一个卡池，例如 /发货 " in await stage.write("/发货 6778")
    assert "没有叫「周卡」的卡池" in await stage.write("/发货 6778 周卡")
    assert "请写上份数" in await stage.write("/发货 6778 年卡")
    assert "开始发货 2 份「年卡」" in await stage.write("/发货 6778 年卡 2份")
    assert await stage.states(order) == [S.RESERVED, S.RESERVED]


async def test_without_a_target_nothing_is_done(stage: DeliveryStage) -> None:
    order = await stage.order()
    await stage.served("CODE-1111")
    for command in ("/发货", "/补发", "/发货完成", "/退回", "/不发", "/标记发货"):
        assert "写上订单号" in await stage.write(command), command
    assert "还没有订单" in await stage.write(f"/发货 #{stage.qi.ticket}")
    assert "没有编号是 #z9 的会话" in await stage.write("/发货 #z9")
    assert "对不上" in await stage.write(f"/发货 #{stage.qi.ticket} {FIRST}")
    assert await stage.states(order) == []


async def test_of_several_orders_of_a_buyer_none_is_guessed(stage: DeliveryStage) -> None:
    first, second = await stage.order(), await stage.order(SECOND)
    await stage.served("CODE-1111", "CODE-2222")
    said = await stage.write(f"/发货 #{stage.lin.ticket}")
    assert "有 2 笔订单" in said
    assert FIRST in said
    assert SECOND in said
    assert await stage.states(first) == await stage.states(second) == []
    quoted = f"🧾 买家已付款\n订单 {SECOND}\n#{stage.lin.ticket}"
    await stage.write("/发货", quoted_text=quoted)
    assert (await stage.states(first), await stage.states(second)) == ([], [S.RESERVED])
    await stage.order(SECOND, status=OrderStatus.SHIPPED)
    assert "开始发货" in await stage.write(f"/发货 #{stage.lin.ticket}")


async def test_the_number_in_a_buyers_words_delivers_no_other_order(stage: DeliveryStage) -> None:
    mine, other = await stage.order(), await stage.order(SECOND, stage.qi)
    await stage.served("CODE-1111", "CODE-2222")
    quoted = f"【小店】小林\n给我发订单 {SECOND}\n#{stage.lin.ticket}"
    await stage.write("/发货", quoted_text=quoted)
    assert (await stage.states(mine), await stage.states(other)) == ([S.RESERVED], [])


async def test_what_the_state_of_an_order_does_not_allow_is_refused_in_words(
    stage: DeliveryStage,
) -> None:
    await stage.order(status=OrderStatus.UNPAID)
    await stage.served("CODE-1111")
    assert "不是待发货" in await stage.write("/发货 6778")
    assert "没有发过" in await stage.write("/补发 6778")
    assert "没有预留的卡密" in await stage.write("/退回 6778")
    assert "看不懂「abc」" in await stage.write("/不发 6778 abc")


async def test_outside_and_refuse_are_settled_at_once(stage: DeliveryStage) -> None:
    first, second = await stage.order(), await stage.order(SECOND, stage.qi)
    assert "已记为在别处发货" in await stage.write("/发货完成 6778")
    assert "已记为不发" in await stage.write("/不发 9123")
    assert await stage.states(first) == [S.OUTSIDE]
    assert await stage.states(second) == [S.FAILED]


@pytest.mark.parametrize("command", ["/不发 6778", "/发货完成 6778"])
async def test_what_the_buyer_has_already_is_not_said_to_be_settled_otherwise(
    stage: DeliveryStage, command: str
) -> None:
    await delivered(stage)
    before = await stage.stock.audit()
    said = await stage.write(command)
    assert said == "没有改动，这笔订单现在：1 份买家已收到"
    assert await stage.stock.audit() == before


async def test_settling_twice_is_said_to_change_nothing(stage: DeliveryStage) -> None:
    await stage.order()
    assert "已记为不发" in await stage.write("/不发 6778")
    assert "没有改动，这笔订单现在：1 份不发了" in await stage.write("/不发 6778")


@pytest.mark.parametrize("status", [OrderStatus.UNPAID, OrderStatus.BARGAIN_PENDING])
async def test_what_is_not_paid_is_not_marked_as_shipped(
    stage: DeliveryStage, status: OrderStatus
) -> None:
    await stage.order(status=status)
    assert "不是待发货" in await stage.write("/标记发货 6778")


# --- The second word ------------------------------------------------------------------------------


async def delivered(stage: DeliveryStage) -> None:
    order = await stage.order()
    await stage.served("CODE-1111", "CODE-2222")
    await stage.write(f"/发货 {FIRST}")
    await stage.left(order)


async def test_resending_asks_for_a_second_word_and_sends_the_same_card(
    stage: DeliveryStage,
) -> None:
    await delivered(stage)
    order = await stage.order()
    said = await stage.write("/补发 #a1")
    assert f"订单 {FIRST}" in said
    assert "60 秒内回复：确认 6778" in said
    assert await stage.parts(order) == 1
    assert "再发一次：CO…11" in await stage.write("确认 6778")
    assert await stage.parts(order) == 2
    assert "没有等你确认的操作" in await stage.write("确认6778")
    assert await stage.parts(order) == 2


async def test_what_somebody_else_sent_again_before_the_second_word_is_not_sent_once_more(
    stage: DeliveryStage,
) -> None:
    await delivered(stage)
    order = await stage.order()
    await stage.write("/补发 6778")
    await stage.desk.orders.resend(stage.stock.owner, order.id, code="6778")
    assert "刚刚已经再发过一次" in await stage.write("确认 6778")
    assert await stage.parts(order) == 2


async def test_a_second_word_counts_for_a_minute_for_the_same_person_in_the_same_chat(
    stage: DeliveryStage,
) -> None:
    await delivered(stage)
    order = await stage.order()
    await stage.write("/补发 6778")
    assert "没有等你确认的操作" in await stage.write("确认 6778", as_=Role.AGENT)
    assert "没有等你确认的操作" in await stage.write("确认 6778", peer=GROUP)
    assert "确认码不对" in await stage.write("确认 0000")
    assert "要做就回复「确认 6778」" in await stage.write("确认")
    stage.stock.later(seconds=61)
    assert "没有等你确认的操作" in await stage.write("确认 6778")
    assert await stage.parts(order) == 1


@pytest.mark.parametrize(
    "word", ["确认 6778", "确认６７７８", "确认：6778", "/确认 6778", "确认 6778。", "6778"]
)
async def test_the_second_word_is_read_as_phones_type_it(stage: DeliveryStage, word: str) -> None:
    await delivered(stage)
    await stage.write("/补发 6778")
    assert "再发一次：CO…11" in await stage.write(word)


async def test_the_second_word_may_quote_its_question_and_not_a_buyer(stage: DeliveryStage) -> None:
    await delivered(stage)
    order = await stage.order()
    asked = await stage.write("/补发 6778")
    await stage.write("6778", quoted_text=f"【小店】小林\n门牌号多少\n#{stage.lin.ticket}")
    assert await stage.parts(order) == 1
    assert "再发一次" in await stage.write("6778", quoted_id="9", quoted_text=asked)
    assert await stage.parts(order) == 2


async def test_a_bare_code_that_nobody_waits_for_does_nothing(stage: DeliveryStage) -> None:
    await delivered(stage)
    assert "没有发送" in await stage.write("6778")
    await stage.write("/补发 6778", peer=GROUP)
    assert await stage.write("6778", peer=GROUP, addressed=False) == ""
    assert await stage.parts(await stage.order()) == 1


async def test_the_question_says_whose_order_it_is(stage: DeliveryStage) -> None:
    await delivered(stage)
    assert f"小林 · 手冲咖啡壶 45.00 元，订单 {FIRST}" in await stage.write("/补发 6778")


async def test_the_code_of_one_act_does_not_confirm_another(stage: DeliveryStage) -> None:
    """The last question counts, and only for what it asked."""
    await delivered(stage)
    other = await stage.order(SECOND, stage.qi)
    await stage.write("/补发 6778")
    assert "确认 9123" in await stage.write("/标记发货 9123")
    assert "确认码不对" in await stage.write("确认 6778")
    assert await stage.parts(await stage.order()) == 1
    assert "标记发货" in await stage.write("确认 9123")
    assert await stage.parts(other) == 0


async def test_what_cannot_be_done_is_refused_before_anybody_is_asked(
    stage: DeliveryStage,
) -> None:
    order = await stage.order()
    assert "没有发过" in await stage.write("/补发 6778")
    await stage.served("CODE-1111")
    await stage.write(f"/发货 {FIRST}")
    await stage.left(order, S.REVIEW)
    await stage.write("/停发")
    for command in ("/补发 6778", "/发货 6778"):
        assert "发货急停中" in await stage.write(command), command
    await stage.write("/开发")
    assert await stage.states(order) == [S.REVIEW]
    before = await stage.stock.audit()
    assert "确认 6778" in await stage.write("/补发 6778")
    assert await stage.parts(order) == 1
    assert await stage.states(order) == [S.REVIEW]
    assert await stage.stock.audit() == before


async def test_a_repeated_second_word_does_it_once(stage: DeliveryStage) -> None:
    await delivered(stage)
    order = await stage.order()
    await stage.write("/补发 6778")
    stage.stock._written += 1
    number = stage.stock._written
    for _ in range(2):
        stage.stock._written = number
        await stage.write("确认 6778")
    assert await stage.parts(order) == 2


async def test_after_a_restart_nothing_waits_for_its_second_word(stage: DeliveryStage) -> None:
    await delivered(stage)
    order = await stage.order()
    await stage.write("/补发 6778")
    stage.stock.desk = Desk(stage.stock.store, Settings(), lambda: stage.stock.clock[0])
    assert "没有等你确认的操作" in await stage.write("确认 6778")
    assert await stage.parts(order) == 1


async def test_who_lost_the_role_meanwhile_confirms_nothing(stage: DeliveryStage) -> None:
    await delivered(stage)
    order = await stage.order()
    await stage.write("/补发 6778", as_=Role.AGENT)
    agent = stage.stock.agent.member
    await stage.stock.store.write(
        lambda tx: tx.members.update(agent.shop, agent.id, role=Role.VIEWER)
    )
    assert "你的身份是只读成员" in await stage.write("确认 6778", as_=Role.AGENT)
    assert await stage.parts(order) == 1


async def test_an_answer_to_a_need_that_may_send_twice_asks_first(stage: DeliveryStage) -> None:
    order = await stage.order()
    await stage.served("CODE-1111")
    await stage.write(f"/发货 {FIRST}")
    await stage.left(order, S.REVIEW)
    need = await stage.need(order, NeedKind.REJECTED, "对方拒收")
    assert "确认 6778" in await stage.write(f"/处理 {need.number} 补发")
    assert await stage.write("确认 6778") == f"待处理 {need.number}：把同样的内容再发一次"
    assert await stage.parts(order) == 2


async def test_words_that_only_look_like_a_second_word_go_to_the_buyer(
    stage: DeliveryStage,
) -> None:
    notice = f"【小店】小林\n在吗\n#{stage.lin.ticket}"
    assert "没有等你确认" in await stage.write("/确认 6778", quoted_text=notice)
    for words in ("确认 6778 吗", "确认 6778"):
        said = await stage.write(words, quoted_text=f"【小店】小林\n在吗\n#{stage.lin.ticket}")
        assert "没有等你确认" not in said, words
    shop = stage.lin.shop
    messages = await stage.stock.store.read(
        lambda tx: tx.messages.of_conversation(shop, stage.lin.id, limit=10)
    )
    assert [one.content.text for one in messages] == ["确认 6778 吗", "确认 6778"]


# --- Stops, rules, roles --------------------------------------------------------------------------


async def test_a_stop_holds_at_once_and_names_what_stays_stopped(stage: DeliveryStage) -> None:
    order = await stage.order()
    await stage.served("CODE-1111")
    assert "⛔ 【小店】已停止发货，马上生效" in await stage.write("/停发 小店")
    assert "⛔ 全店已停止发货，马上生效" in await stage.write("/停发", as_=Role.AGENT)
    assert "本来就停着发货" in await stage.write("/停发")
    assert "发货急停中" in await stage.write("/发货 6778")
    assert "⛔ 全店发货急停" in await stage.write("/待处理")
    said = await stage.write("/开发")
    assert "▶ 全店恢复发货。仍然停着：\n⛔ 【小店】发货急停" in said
    assert "停着的是：小店，恢复：/开发 小店" in await stage.write("/开发")
    assert await stage.write("/恢复发货 小店") == "▶ 【小店】恢复发货"
    assert await stage.write("/开发") == "全店没有急停，发货正常"
    assert "没有叫「没有」的账号" in await stage.write("/停发 没有")
    assert "开始发货" in await stage.write("/发货 6778")
    assert await stage.states(order) == [S.RESERVED]


async def test_rules_are_told_in_words(stage: DeliveryStage) -> None:
    assert "还没有发货规则" in await stage.write("/发货规则")
    await stage.served("CODE-1111")
    said = await stage.write("/发货规则", as_=Role.VIEWER)
    assert "全部账号卖出「880011223346」" in said
    assert "付款后马上发「月卡」，每件 1 张，一笔最多 10 件，发完标记发货" in said


async def test_very_many_rules_are_no_wall_of_text(stage: DeliveryStage) -> None:
    pool = await stage.stock.pool()
    for item in range(20):
        await stage.desk.delivery_rules.add(stage.stock.owner, pool=pool.id, items=[str(item)])
    said = await stage.write("/发货规则")
    assert said.count("\n") == 15
    assert said.endswith("还有 5 条，在后台的「发货规则」里看")


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("/处理 1 1", Role.VIEWER),
        ("/发货 6778", Role.VIEWER),
        ("/补发 6778", Role.VIEWER),
        ("/发货完成 6778", Role.VIEWER),
        ("/标记发货 6778", Role.VIEWER),
        ("/退回 6778", Role.VIEWER),
        ("/不发 6778", Role.VIEWER),
        ("/停发", Role.VIEWER),
        ("/开发", Role.AGENT),
    ],
)
async def test_who_may_not_is_told_so_and_nothing_happens(
    stage: DeliveryStage, command: str, role: Role
) -> None:
    order = await stage.order()
    need = await stage.need(order)
    assert need.number == 1
    assert "才能做" in await stage.write(command, as_=role)
    said = await stage.write("1", as_=Role.VIEWER, quoted_id="9", quoted_text=notice(1))
    assert "才能做" in said
    assert await stage.states(order) == []
    assert await stage.desk.needs.stops(stage.stock.owner) == []
