"""What waits for a person, answered from QQ: by number, by word, by quoting its notice, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from delivery_stage import FIRST, SECOND, DeliveryStage, open_delivery_stage

from hub.album import Album
from hub.desk.order_words import CHOICE_WORDS
from hub.errors import Invalid
from hub.model import (
    ChatAbilities,
    ChatPeer,
    Choice,
    Delivered,
    DeliveryState,
    NeedKind,
    Role,
    TaskKind,
)
from hub.outbound import ChatSends, Claim
from hub.policy import choices_of
from hub.text.gathered import Waited, gathered

S = DeliveryState


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        yield stage


def notice(number: int, ticket: str = "a1") -> str:
    return f"🔔 待处理 {number}｜库存不足\n只剩 0 张\n1 发货\n2 我已在别处发货\n3 不发了\n#{ticket}"


async def said_to(stage: DeliveryStage) -> list[str]:
    """What was written to 小林."""
    messages = await stage.stock.store.read(
        lambda tx: tx.messages.of_conversation(stage.lin.shop, stage.lin.id, limit=10)
    )
    return [one.content.text for one in messages]


async def test_what_waits_is_listed_with_its_numbered_choices(stage: DeliveryStage) -> None:
    assert await stage.write("/待处理") == "没有待处理的事"
    need = await stage.need(await stage.order())
    said = await stage.write("/待处理", as_=Role.VIEWER)
    assert f"待处理 {need.number}｜库存不足：只剩 0 张 订单 {FIRST}" in said
    assert "1 发货　2 我已在别处发货　3 不发了" in said
    assert f"/处理 {need.number} 1" in said


@pytest.mark.parametrize("words", ["1", "发货"])
async def test_a_need_is_answered_by_number_or_word(stage: DeliveryStage, words: str) -> None:
    order = await stage.order()
    need = await stage.need(order)
    await stage.served("CODE-1111")
    assert await stage.write(f"/处理 {need.number} {words}") == f"待处理 {need.number}：发货"
    assert await stage.states(order) == [S.RESERVED]
    assert "已经处理过" in await stage.write(f"/处理 {need.number} {words}")


async def test_a_quoted_notice_takes_the_bare_number_of_a_choice(stage: DeliveryStage) -> None:
    order = await stage.order()
    need = await stage.need(order)
    said = await stage.write("3", quoted_id="9", quoted_text=notice(need.number))
    assert said == f"待处理 {need.number}：不发了"
    assert await stage.states(order) == [S.FAILED]


async def test_a_number_that_quotes_a_buyers_words_goes_to_the_buyer(stage: DeliveryStage) -> None:
    """Also when the buyer wrote what looks like a notice."""
    order = await stage.order()
    need = await stage.need(order)
    evil = f"【小店】小林\n🔔 待处理 {need.number}｜库存不足\n#{stage.lin.ticket}"
    await stage.write("3", quoted_id="9", quoted_text=evil)
    assert await stage.states(order) == []


async def test_a_number_whose_quote_is_blank_is_not_guessed(stage: DeliveryStage) -> None:
    need = await stage.need(await stage.order())
    peer = ChatPeer("10001", "private", "10002")
    await stage.stock.store.write(
        lambda tx: tx.relays.add(
            stage.lin.shop,
            bot=peer.bot,
            scene=peer.scene,
            peer=peer.peer,
            external_id="77",
            conversation=stage.lin.id,
            now=stage.stock.clock[0],
        )
    )
    said = await stage.write("1", quoted_id="77")
    assert said.startswith("没有执行")
    assert f"/处理 {need.number} 1" in said
    assert f"#{stage.lin.ticket} 1" in said


class Notices:
    """A chat in which notices arrive, numbered by their order."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def abilities(self, _: ChatPeer) -> ChatAbilities:
        return ChatAbilities(pushes=True)

    async def deliver(self, _: ChatPeer, said: str, **__: Any) -> Delivered:
        self.said.append(said)
        return Delivered("10001", (str(len(self.said)),))

    async def find_delivered(self, *_: Any) -> None:
        return None

    async def react(self, *_: Any) -> None:
        pass


async def test_a_number_whose_quote_is_blank_answers_the_need_that_the_notice_told_of(
    stage: DeliveryStage, tmp_path: Path
) -> None:
    """As it is after a restart of hub and bridge."""
    await stage.served("CODE-1111", "CODE-2222")
    orders = [await stage.order(), await stage.order(SECOND)]
    needs = [await stage.need(order) for order in orders]
    store, chat, now = stage.stock.store, Notices(), stage.stock.clock[0]
    album = Album(tmp_path / "pictures", lambda _: None, most_bytes=1)
    sends = ChatSends(store, chat, album, spacing=0, now=lambda: now)
    while tasks := await store.write(
        lambda tx: tx.outbox.claim("w", now, now + timedelta(minutes=1), 9, [TaskKind.NOTICE])
    ):
        for task in tasks:
            await sends.perform(Claim(task, "w"))
    first = next(n for n, said in enumerate(chat.said, 1) if f"待处理 {needs[0].number}｜" in said)

    said = await stage.write("1", quoted_id=str(first))

    assert said == f"待处理 {needs[0].number}：发货"
    assert await stage.states(orders[0]) == [S.RESERVED]
    assert await stage.states(orders[1]) == []


def digest(stage: DeliveryStage, *needs: int) -> str:
    """What waited in the conversation with 小林 as one notice, which ends with its ticket."""
    ticket = f"#{stage.lin.ticket}"
    waited = [Waited(f"【小店】小林\n在吗\n{ticket}", stage.lin.id)]
    waited += [Waited(notice(one, stage.lin.ticket), stage.lin.id, one) for one in needs]
    return gathered(waited)


async def test_a_number_under_a_digest_answers_the_one_need_in_it(stage: DeliveryStage) -> None:
    order = await stage.order()
    need = await stage.need(order)
    quoted = digest(stage, need.number)
    assert "没有执行" in await stage.write("不发了", quoted_id="9", quoted_text=quoted)
    said = await stage.write("3", quoted_id="9", quoted_text=quoted)
    assert said == f"待处理 {need.number}：不发了"
    assert await stage.states(order) == [S.FAILED]
    assert await said_to(stage) == []
    await stage.write("在的，您说", quoted_id="9", quoted_text=quoted)
    assert await said_to(stage) == ["在的，您说"]


@pytest.mark.parametrize("words", ["1", "２。", "发货"])
async def test_an_answer_under_a_digest_with_several_needs_is_nobodys(
    stage: DeliveryStage, words: str
) -> None:
    first, second = await stage.order(), await stage.order(SECOND)
    needs = [await stage.need(one) for one in (first, second)]
    quoted = digest(stage, *(one.number for one in needs))
    said = await stage.write(words, quoted_id="9", quoted_text=quoted)
    assert said.startswith("没有执行")
    assert f"/处理 {needs[0].number}" in said
    assert await said_to(stage) == []
    assert await stage.states(first) == await stage.states(second) == []


@pytest.mark.parametrize("words", ["３", "3。", "3、", " 3 ", "3)"])
async def test_the_number_of_a_choice_is_read_as_phones_type_it(
    stage: DeliveryStage, words: str
) -> None:
    order = await stage.order()
    need = await stage.need(order)
    said = await stage.write(words, quoted_id="9", quoted_text=notice(need.number))
    assert said == f"待处理 {need.number}：不发了"
    assert await stage.states(order) == [S.FAILED]


@pytest.mark.parametrize("words", ["/处理 {}，3", "/处理 ＃{}　３", "/处理{} 3", "/处理 {}号 不发"])
async def test_a_need_is_named_as_phones_type_it(stage: DeliveryStage, words: str) -> None:
    order = await stage.order()
    need = await stage.need(order)
    assert "不发了" in await stage.write(words.format(need.number))
    assert await stage.states(order) == [S.FAILED]


@pytest.mark.parametrize("words", ["-1 1", "0 1", "12345678901 1", "1234567890123456789 1", "一 1"])
async def test_a_number_that_names_no_need_answers_none(stage: DeliveryStage, words: str) -> None:
    order = await stage.order()
    await stage.need(order)
    said = await stage.write(f"/处理 {words}")
    assert "没有编号是 0 的待处理" in said or "编号在 /待处理 里" in said
    assert await stage.states(order) == []


async def test_a_quoted_notice_takes_a_pool_with_the_number(stage: DeliveryStage) -> None:
    order = await stage.order()
    need = await stage.need(order, NeedKind.NO_RULE, "")
    await stage.stock.stocked(["YEAR-1", "YEAR-2"], "年卡")
    said = await stage.write("1 年卡", quoted_id="9", quoted_text=notice(need.number))
    assert "开始发货 1 份「年卡」" in said
    assert await stage.states(order) == [S.RESERVED]


@pytest.mark.parametrize("words", ["不发了", "发货", "我已在别处发货", "1 季卡", "2、在的"])
async def test_an_answer_in_words_under_a_notice_is_neither_done_nor_said_to_the_buyer(
    stage: DeliveryStage, words: str
) -> None:
    order = await stage.order()
    need = await stage.need(order)
    said = await stage.write(words, quoted_text=notice(need.number, stage.lin.ticket))
    assert f"写 /处理 {need.number} {words}" in said
    assert f"写 #{stage.lin.ticket} {words}" in said
    assert await stage.states(order) == []
    assert await said_to(stage) == []


async def test_free_words_under_a_notice_go_to_the_buyer_of_that_order(
    stage: DeliveryStage,
) -> None:
    need = await stage.need(await stage.order())
    for words in ("稍等，马上给你补货", "12 点前发，抱歉", "1份就够了吗"):
        await stage.write(words, quoted_text=notice(need.number, stage.lin.ticket))
    assert await said_to(stage) == ["稍等，马上给你补货", "12 点前发，抱歉", "1份就够了吗"]


async def test_free_words_under_a_notice_without_a_buyer_are_said_to_nobody(
    stage: DeliveryStage,
) -> None:
    need = await stage.need(await stage.order(), NeedKind.NO_RULE, "")
    blind = notice(need.number).rpartition("\n")[0]
    said = await stage.write("稍等", quoted_id="9", quoted_text=blind)
    assert said.startswith(f"没有发送：待处理 {need.number} 没有对应的会话")
    assert await said_to(stage) == []


async def test_who_quotes_the_list_of_needs_answers_none_of_them(stage: DeliveryStage) -> None:
    first, second = await stage.order(), await stage.order(SECOND, stage.qi)
    await stage.need(first)
    await stage.need(second)
    listed = await stage.write("/待处理")
    assert "小林 · 手冲咖啡壶 45.00 元" in listed
    said = await stage.write("3", quoted_id="9", quoted_text=listed)
    assert said.startswith("没有执行")
    assert await said_to(stage) == []
    assert await stage.states(first) == await stage.states(second) == []


async def test_a_number_under_the_page_of_an_order_that_waits_is_not_guessed(
    stage: DeliveryStage,
) -> None:
    order = await stage.order()
    need = await stage.need(order)
    page = await stage.write(f"/单 {FIRST}")
    said = await stage.write("1", quoted_id="9", quoted_text=page)
    assert f"/处理 {need.number} 1" in said
    assert await said_to(stage) == []
    assert await stage.states(order) == []


@pytest.mark.parametrize(
    ("command", "state"),
    [("/发货", S.RESERVED), ("/不发", S.FAILED), ("/发货完成", S.OUTSIDE), ("/单", None)],
)
async def test_a_command_that_quotes_a_notice_acts_on_the_order_of_that_notice(
    stage: DeliveryStage, command: str, state: DeliveryState | None
) -> None:
    """Also where the buyer has other orders that wait, and where the notice names no buyer."""
    mine, other = await stage.order(), await stage.order(SECOND)
    await stage.served("CODE-1111", "CODE-2222")
    need = await stage.need(mine)
    for text in (notice(need.number, stage.lin.ticket), notice(need.number).rpartition("\n")[0]):
        said = await stage.write(command, quoted_id="9", quoted_text=text)
        assert "没有执行" not in said
        if state is None:
            assert f"订单 {FIRST}｜" in said
    assert await stage.states(mine) == ([] if state is None else [state])
    assert await stage.states(other) == []


async def test_a_notice_and_a_number_that_contradict_each_other_are_refused(
    stage: DeliveryStage,
) -> None:
    mine, other = await stage.order(), await stage.order(SECOND)
    need = await stage.need(mine)
    said = await stage.write(f"/不发 {SECOND}", quoted_text=notice(need.number, stage.lin.ticket))
    assert "不是同一笔" in said
    wrong = notice(need.number).rpartition("\n")[0]
    assert "不是同一个会话" in await stage.write(f"/不发 #{stage.qi.ticket}", quoted_text=wrong)
    assert await stage.states(mine) == await stage.states(other) == []


async def test_of_two_people_who_answer_at_once_the_first_counts(stage: DeliveryStage) -> None:
    order = await stage.order()
    need = await stage.need(order)
    await stage.served("CODE-1111")
    needs = stage.desk.needs
    done = await asyncio.gather(
        needs.answer(stage.stock.owner, need.number, Choice.DELIVER),
        needs.answer(stage.stock.agent, need.number, Choice.REFUSE),
        return_exceptions=True,
    )
    refused = [one for one in done if isinstance(one, Invalid)]
    assert len(refused) == 1
    assert "已经处理过" in refused[0].text
    first_refused = isinstance(done[0], Invalid)
    assert await stage.states(order) == [S.FAILED if first_refused else S.RESERVED]


async def test_choices_that_are_not_offered_are_refused_with_those_that_are(
    stage: DeliveryStage,
) -> None:
    need = await stage.need(await stage.order())
    for words in ("9", "0", "补发", "随便"):
        said = await stage.write(f"/处理 {need.number} {words}")
        assert "可以选\n1 发货" in said, words
    assert "没有编号是 99 的待处理" in await stage.write("/处理 99 1")
    assert "例如 /处理 37 1" in await stage.write("/处理")
    assert "1 发货" in await stage.write(f"/处理 {need.number}")


async def test_every_choice_that_a_need_can_offer_has_a_word_of_its_own() -> None:
    offered = {choice for kind in NeedKind for choice in choices_of(kind)}
    assert offered <= set(CHOICE_WORDS.values())


async def test_a_need_without_a_rule_is_answered_with_a_pool(stage: DeliveryStage) -> None:
    order = await stage.order()
    need = await stage.need(order, NeedKind.NO_RULE, "")
    await stage.stock.stocked(["YEAR-1"], "年卡")
    assert f"请选一个卡池，例如 /处理 {need.number} 1 月卡" in await stage.write(
        f"/处理 {need.number} 1"
    )
    assert "看不懂「年卡」" in await stage.write(f"/处理 {need.number} 3 年卡")
    assert "开始发货 1 份「年卡」" in await stage.write(f"/处理 {need.number} 1 年卡")
    assert await stage.states(order) == [S.RESERVED]
    assert await stage.write("/待处理") == "没有待处理的事"
