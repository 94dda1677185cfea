"""From the buyer's phone to the operator's QQ and back."""

from __future__ import annotations

from hub.model import MessageState, Origin
from tests.e2e.stage import BUYER, GREETING, OTHER_BUYER, Stage


async def test_a_buyers_message_reaches_qq_and_the_quoted_answer_reaches_the_buyer(
    stage: Stage,
) -> None:
    await stage.buyer_says("键帽还有备用的吗？")
    notice = await stage.wait_for_notice("键帽还有备用的吗？")
    assert "【小店】买家小林" in notice.text
    assert notice.text.splitlines()[-1].startswith("#")

    await stage.operator_writes("有的，送一套\n包邮", quote=notice)

    await stage.wait_for_answer("有的，送一套\n包邮")
    await stage.wait_for_notice("✓ 已送达")
    assert stage.answers() == ["有的，送一套\n包邮"]


async def test_a_keyword_is_answered_at_once_and_the_notice_says_so(stage: Stage) -> None:
    await stage.buyer_says("老板在吗")

    await stage.wait_for_answer(GREETING)
    notice = await stage.wait_for_notice("老板在吗")
    assert f"↪ 自动回复：{GREETING}" in notice.text


async def test_the_typed_ticket_answers_without_any_quote(stage: Stage) -> None:
    await stage.buyer_says("便宜点？")
    notice = await stage.wait_for_notice("便宜点？")
    ticket = notice.text.splitlines()[-1]

    await stage.operator_writes(f"{ticket} 已经最低了")

    await stage.wait_for_answer("已经最低了")


async def test_answers_reach_the_buyer_that_was_quoted_and_nobody_else(stage: Stage) -> None:
    await stage.buyer_says("我是小林")
    await stage.buyer_says("我是阿七", buyer=OTHER_BUYER)
    to_first = await stage.wait_for_notice("我是小林")
    to_second = await stage.wait_for_notice("我是阿七")

    await stage.operator_writes("答阿七", quote=to_second)
    await stage.operator_writes("答小林", quote=to_first)

    await stage.wait_for_answer("答小林", BUYER)
    await stage.wait_for_answer("答阿七", OTHER_BUYER)
    assert stage.answers(BUYER) == ["答小林"]
    assert stage.answers(OTHER_BUYER) == ["答阿七"]


async def test_pausing_by_quote_silences_that_conversation_only(stage: Stage) -> None:
    await stage.buyer_says("第一句")
    notice = await stage.wait_for_notice("第一句")

    await stage.operator_writes("/暂停", quote=notice)
    await stage.wait_for_notice("⏸ 已暂停")
    await stage.buyer_says("在吗")
    await stage.buyer_says("在吗", buyer=OTHER_BUYER)

    await stage.wait_for_answer(GREETING, OTHER_BUYER)
    await stage.settled()
    assert stage.answers(BUYER) == []

    await stage.operator_writes("/恢复", quote=notice)
    await stage.wait_for_notice("▶ 已恢复")
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING, BUYER)


async def test_pausing_without_quote_silences_the_shop_until_resumed(stage: Stage) -> None:
    await stage.operator_writes("/暂停")
    await stage.wait_for_notice("已暂停整个店铺的自动回复")
    await stage.buyer_says("在吗")
    await stage.wait_for_notice("⏸ 整个店铺的自动回复已暂停")
    await stage.settled()
    assert stage.answers() == []

    await stage.operator_writes("/恢复")
    await stage.wait_for_notice("▶ 已恢复")
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)


async def test_a_human_answer_takes_the_conversation_over(stage: Stage) -> None:
    """Our own echo must not count as the human."""
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)
    notice = await stage.wait_for_notice("自动回复")
    await stage.operator_writes("我来了", quote=notice)
    await stage.wait_for_answer("我来了")

    await stage.buyer_says("在吗 还在吗")

    await stage.wait_for_notice("⏸ 人工正在接待这个会话")
    await stage.settled()
    assert stage.answers() == [GREETING, "我来了"]


async def test_an_own_echo_is_no_takeover(stage: Stage) -> None:
    """The platform echoes what we send ourselves."""
    for _ in range(3):
        before = len(stage.answers())
        await stage.buyer_says("在吗")
        await stage.until(lambda: len(stage.answers()) > before)  # noqa: B023
        await stage.settled()
    assert stage.answers() == [GREETING] * 3


async def test_what_the_seller_types_on_the_phone_is_recognised_as_human(stage: Stage) -> None:
    await stage.buyer_says("第一句")
    await stage.wait_for_notice("第一句")
    await stage.sandbox.stage.phone(stage.conversation(), "我自己来说")

    await stage.buyer_says("在吗")

    await stage.wait_for_notice("⏸ 人工正在接待这个会话")
    assert stage.answers() == ["我自己来说"]


async def test_the_buyer_reading_is_seen(stage: Stage) -> None:
    await stage.buyer_says("在吗")
    answer = await stage.wait_for_answer(GREETING)
    await stage.settled()
    await stage.sandbox.stage.read(stage.conversation(), [answer.stamp.id])

    async with stage.hub.store.changes() as changes:
        while True:
            lines = await stage.read(
                lambda tx: tx.conversations.recent(stage.operator.shop, limit=5)
            )
            last = next(line.last for line in lines if line.last is not None)
            if last.state is MessageState.READ:
                break
            await anext(changes)
    assert last.origin is Origin.RULE


async def test_a_refused_answer_is_reported_with_the_platforms_reason(stage: Stage) -> None:
    await stage.buyer_says("加个联系方式？")
    notice = await stage.wait_for_notice("加个联系方式？")
    stage.sandbox.faults.add(stage.account.user, "send_blocked")

    await stage.operator_writes("加我微信", quote=notice)

    receipt = await stage.wait_for_notice("✗ 没有发出：闲鱼拒绝了这条消息")
    assert "内容" in receipt.text
    assert stage.answers() == []


async def test_commands_answer_in_words(stage: Stage) -> None:
    await stage.operator_writes("/帮助")
    assert "/暂停" in (await stage.wait_for_notice("/帮助 命令名")).text
    await stage.operator_writes("/状态")
    assert "账号 1/1 在线" in (await stage.wait_for_notice("账号 1/1")).text
    await stage.operator_writes("/账号")
    assert "🟢 小店 在线" in (await stage.wait_for_notice("🟢")).text
    await stage.operator_writes("/zhanting")
    await stage.wait_for_notice("没有 /zhanting 这个命令")
