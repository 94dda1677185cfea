"""Talking with one buyer, what is kept about buyers, and what was said: each line reaches the buyer
it was meant for, or nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import text
from hub.buyers import know_buyer
from hub.desk import Desk, Door, Operator
from hub.model import (
    Account,
    AskedBy,
    ChatPeer,
    ChatPicture,
    Conversation,
    Guards,
    MessageState,
    OperatorMessage,
    Origin,
    PlatformConversation,
    PlatformUser,
    Role,
    SendReceipt,
    TaskKind,
    TaskState,
    Text,
)
from hub.notices import tell_asker
from hub.settings import Settings
from hub.store import Store, Tx, open_store
from tests.waiting import wait_until

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PRIVATE = ChatPeer("10001", "private", "10002")
GROUP = ChatPeer("10001", "group", "777001")


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Stage:
    store: Store
    desk: Desk
    clock: Clock
    account: Account
    lin: Conversation
    qi: Conversation
    _written: int = field(default=0)

    async def write(self, what: str, **more: Any) -> str | None:
        self._written += 1
        message = OperatorMessage(PRIVATE, "10002", f"{self._written}", what)
        return await self.desk.chat.receive(replace(message, **more))

    async def said_to(self, conversation: Conversation) -> list[str]:
        messages = await self.store.read(
            lambda tx: tx.messages.of_conversation(conversation.shop, conversation.id, limit=100)
        )
        return [
            text.plain(m.content)
            for m in messages
            if m.origin is Origin.OPERATOR and m.state is not MessageState.DROPPED
        ]

    async def read(self, unit: Any) -> Any:
        return await self.store.read(unit)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    def unit(tx: Tx) -> Any:
        shop = tx.shops.default()
        tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=NOW)
        tx.members.add(shop, "阿看", Role.VIEWER, qq=["10003"], now=NOW)
        account = tx.accounts.add(
            shop,
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=1",
            takeover_minutes=10,
            now=NOW,
        )
        buyers = [
            tx.conversations.upsert(
                shop,
                account.id,
                PlatformConversation(f"6001002003{number}"),
                buyer=PlatformUser(f"310044445555{number}"),
                buyer_name=name,
                at=NOW,
            )
            for number, name in enumerate(("小林", "阿七"))
        ]
        return account, *buyers

    clock = Clock()
    async with open_store(tmp_path / "hub.db", now=clock) as store:
        account, lin, qi = await store.write(unit)
        yield Stage(store, Desk(store, Settings(), clock), clock, account, lin, qi)


def notice(conversation: Conversation) -> str:
    return f"【小店】{conversation.buyer_name}\n在吗\n#{conversation.ticket}"


# --- Focus --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["/聊 #{}", "/聊 {}", "/聊{}", "/聊 小林", "/chat 林"])
async def test_in_focus_plain_lines_reach_that_buyer_until_one_leaves(
    stage: Stage, how: str
) -> None:
    begun = await stage.write(how.format(stage.lin.ticket))
    assert begun is not None
    assert begun.startswith("💬 正在聊 小林")

    await stage.write("在的")
    await stage.write("好")
    left = await stage.write("/退出")
    lost = await stage.write("还在吗")

    assert await stage.said_to(stage.lin) == ["在的", "好"]
    assert await stage.said_to(stage.qi) == []
    assert left is not None
    assert "已退出和 小林 的聊天" in left
    assert lost is not None
    assert "没有发送" in lost


async def test_a_quote_of_another_conversation_goes_there_and_says_so(stage: Stage) -> None:
    await stage.write(f"/聊 #{stage.lin.ticket}")

    answer = await stage.write("阿七你好", quoted_text=notice(stage.qi))
    typed = await stage.write(f"#{stage.qi.ticket} 再见")
    await stage.write("小林你好")

    assert await stage.said_to(stage.qi) == ["阿七你好", "再见"]
    assert await stage.said_to(stage.lin) == ["小林你好"]
    for told in (answer, typed):
        assert told is not None
        assert "没有发给正在聊的 小林" in told
        assert told.endswith(f"阿七 #{stage.qi.ticket}")


@pytest.mark.parametrize("lost", [{"quoted_id": ""}, {"quoted_text": "一张图片"}])
async def test_a_quote_that_cannot_be_read_never_falls_to_the_one_in_focus(
    stage: Stage, lost: dict[str, str]
) -> None:
    await stage.write(f"/聊 #{stage.lin.ticket}")

    answer = await stage.write("这是说给阿七的", **lost)

    assert answer is not None
    assert "没有发送" in answer
    assert await stage.said_to(stage.lin) == []


async def test_a_quote_that_cannot_be_read_pauses_nothing(stage: Stage) -> None:
    """Without a quote the command means the whole shop."""
    answer = await stage.write("/暂停", quoted_id="")
    assert answer is not None
    assert "认不出你引用的" in answer
    assert await stage.read(lambda tx: tx.holds.all_active(stage.lin.shop, NOW)) == []


@pytest.mark.parametrize("lost", [{}, {"quoted_id": ""}])
async def test_a_number_alone_is_told_how_to_say_what_it_is_about(
    stage: Stage, lost: dict[str, str]
) -> None:
    answer = await stage.write("1", **lost)
    assert answer is not None
    assert "/处理 编号 1" in answer
    assert await stage.said_to(stage.lin) == await stage.said_to(stage.qi) == []


async def propose(stage: Stage, conversation: Conversation, words: str) -> None:
    def unit(tx: Tx) -> None:
        tx.messages.add_out(
            conversation.shop,
            conversation.account,
            conversation.id,
            key=words,
            origin=Origin.AI,
            content=Text(words),
            draft_for="要人看过才发",
            now=NOW,
        )

    await stage.store.write(unit)


async def ai_said_to(stage: Stage, conversation: Conversation) -> list[tuple[str, MessageState]]:
    messages = await stage.read(
        lambda tx: tx.messages.of_conversation(conversation.shop, conversation.id, limit=100)
    )
    return [(text.plain(m.content), m.state) for m in messages if m.origin is Origin.AI]


@pytest.mark.parametrize(
    ("word", "said", "state"),
    [
        ("好", "十块", MessageState.QUEUED),
        ("改 九块", "九块", MessageState.QUEUED),
        ("不要", "十块", MessageState.DROPPED),
    ],
)
async def test_a_draft_is_decided_by_the_ticket_where_quotes_get_lost(
    stage: Stage, word: str, said: str, state: MessageState
) -> None:
    await propose(stage, stage.lin, "十块")
    elsewhere = await stage.write(f"#{stage.qi.ticket} {word}")
    assert await ai_said_to(stage, stage.lin) == [("十块", MessageState.DRAFT)]
    if word == "好":  # an answer like any other; the rest would be no answer to anything
        assert await stage.said_to(stage.qi) == [word]
    else:
        assert elsewhere is not None
        assert f"没有发送：#{stage.qi.ticket} 没有等你决定的草稿" in elsewhere
        assert await stage.said_to(stage.qi) == []
        await stage.write(f"/聊 #{stage.qi.ticket}")
        await stage.write(word)
        assert await stage.said_to(stage.qi) == [word]
        await stage.write("/退出")

    await stage.write(f"#{stage.lin.ticket} {word}", quoted_id="")

    assert await ai_said_to(stage, stage.lin) == [(said, state)]
    assert await stage.said_to(stage.lin) == []


@pytest.mark.parametrize("word", ["好", "换", "不要"])
async def test_a_word_about_a_draft_that_two_bots_hear_is_not_told_to_the_buyer(
    stage: Stage, word: str
) -> None:
    await propose(stage, stage.lin, "十块")
    for bot in ("10001", "10009"):
        line = f"#{stage.lin.ticket} {word}"
        await stage.write(line, peer=replace(GROUP, bot=bot), addressed=False)

    assert await stage.said_to(stage.lin) == []


async def test_a_word_about_a_draft_loses_nothing_that_came_along(stage: Stage) -> None:
    await propose(stage, stage.lin, "十块")
    parts = ("改 看图", ChatPicture("", "1"))

    answer = await stage.write(f"#{stage.lin.ticket} 改 看图", parts=parts)

    assert answer is not None
    assert "没有执行：决定草稿只能写字" in answer
    assert await ai_said_to(stage, stage.lin) == [("十块", MessageState.DRAFT)]
    assert await stage.said_to(stage.lin) == []


@pytest.mark.parametrize("first", ["好", "不要"])
async def test_a_second_word_about_a_draft_is_not_told_to_the_buyer(
    stage: Stage, first: str
) -> None:
    await propose(stage, stage.lin, "十块")
    await stage.write(f"#{stage.lin.ticket} {first}")

    answer = await stage.write(f"#{stage.lin.ticket} 好")

    assert answer is not None
    assert "这份草稿已经" in answer
    assert await stage.said_to(stage.lin) == []


async def test_focus_ends_after_ten_idle_minutes_and_lines_begin_them_anew(stage: Stage) -> None:
    await stage.write(f"/聊 #{stage.lin.ticket}")
    stage.clock.now += timedelta(minutes=9)
    await stage.write("还在")
    stage.clock.now += timedelta(minutes=9)
    await stage.write("也还在")
    stage.clock.now += timedelta(minutes=10)

    answer = await stage.write("太晚了")

    assert answer is not None
    assert "没有发送" in answer
    assert await stage.said_to(stage.lin) == ["还在", "也还在"]


async def test_the_end_is_told_once_and_survives_a_restart(stage: Stage) -> None:
    """The program was away for the ten minutes: the next one ends it with a word."""
    await stage.write(f"/聊 #{stage.lin.ticket}")
    stage.clock.now += timedelta(minutes=11)

    async def over() -> bool:
        return not await stage.read(lambda tx: tx.focuses.all())

    for _ in range(2):
        desk = Desk(stage.store, Settings(), stage.clock)
        task = asyncio.create_task(desk.focusing.keep_ending())
        await wait_until(over, 30)
        task.cancel()

    assert await stage.read(lambda tx: tx.outbox.backlog()) == {TaskKind.NOTICE: 1}


async def test_focus_is_for_private_chats_and_for_those_who_may_answer(stage: Stage) -> None:
    in_group = await stage.write(f"/聊 #{stage.lin.ticket}", peer=GROUP)
    by_viewer = await stage.write(f"/聊 #{stage.lin.ticket}", sender="10003")

    assert in_group is not None
    assert "只在私聊里用" in in_group
    assert by_viewer is not None
    assert "身份" in by_viewer
    assert await stage.read(lambda tx: tx.focuses.all()) == []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("/聊", "要和哪位买家聊"),
        ("/聊 没有这个人", "没有编号或买家名"),
        ("/聊 #z9", "没有编号是 #z9"),
        ("/聊 1", "有几位买家都对得上"),
        ("/退出", "现在没有专心"),
    ],
)
async def test_what_names_no_buyer_begins_nothing(stage: Stage, what: str, said: str) -> None:
    answer = await stage.write(what)

    assert answer is not None
    assert said in answer
    assert await stage.read(lambda tx: tx.focuses.all()) == []


async def test_receipts_of_lines_in_focus_say_above_whom_one_talks_with(stage: Stage) -> None:
    await stage.write(f"/聊 #{stage.lin.ticket}")

    def unit(tx: Tx) -> list[str]:
        for number, one in enumerate((stage.lin, stage.qi)):
            asked = AskedBy(replace(PRIVATE, bot="10001"), str(number))
            tell_asker(tx, one, asked, text.receipt_accepted(one), key=f"k{number}", now=NOW)
        told = []
        for _ in range(2):
            (task,) = tx.outbox.claim("test", NOW, NOW, 1, [TaskKind.RECEIPT])
            assert isinstance(task.work, SendReceipt)
            told.append(task.work.text)
            tx.outbox.settle(task, "test", TaskState.DONE, now=NOW)
        return told

    assert await stage.store.write(unit) == [
        f"💬 正在聊 小林\n✓ 已送达 小林 #{stage.lin.ticket}",
        f"✓ 已送达 阿七 #{stage.qi.ticket}",
    ]


async def test_pausing_without_a_name_still_means_the_whole_shop(stage: Stage) -> None:
    await stage.write(f"/聊 #{stage.lin.ticket}")

    answer = await stage.write("/暂停")

    assert answer is not None
    assert "整个店铺" in answer


# --- Taking back by one word --------------------------------------------------------------------


async def test_the_word_without_a_slash_takes_back_what_is_quoted(stage: Stage) -> None:
    await stage.write(f"#{stage.lin.ticket} 打错了", message_id="77")

    answer = await stage.write("撤", quoted_id="77")

    assert answer is not None
    assert "已经取消" in answer
    assert await stage.said_to(stage.lin) == []


async def test_the_word_about_a_notice_is_neither_sent_nor_done(stage: Stage) -> None:
    await stage.write(f"#{stage.lin.ticket} 在的")

    answer = await stage.write("撤", quoted_text=notice(stage.lin))

    assert answer is not None
    assert f"#{stage.lin.ticket} 撤" in answer
    assert await stage.said_to(stage.lin) == ["在的"]


async def test_in_focus_the_word_takes_back_the_last_line(stage: Stage) -> None:
    await stage.write(f"/聊 #{stage.lin.ticket}")
    await stage.write("一")
    await stage.write("二")

    await stage.write("撤")

    assert await stage.said_to(stage.lin) == ["一"]


# --- Buyers -------------------------------------------------------------------------------------


async def test_notes_and_tags_count_in_all_conversations_of_the_buyer(stage: Stage) -> None:
    ticket = stage.lin.ticket
    await stage.write(f"/备注 #{ticket} 上次少发一张，补过")
    await stage.write(f"/标签 #{ticket} 老客 爱砍价")
    await stage.write(f"/标签 #{ticket} 企业 -爱砍价")

    page = await stage.write("/备注", quoted_text=notice(stage.lin))

    assert page is not None
    assert "上次少发一张，补过" in page
    assert "老客、企业" in page
    card = await stage.read(lambda tx: tx.buyers.get(stage.lin.shop, stage.lin.buyer))
    assert text.buyer_line(card) == "📌 [老客] [企业] 上次少发一张，补过"


async def test_a_blocked_buyer_is_silenced_and_undoing_it_lets_answers_go_on(
    stage: Stage,
) -> None:
    shop, lin = stage.lin.shop, stage.lin
    said = await stage.write(f"/拉黑 #{lin.ticket}")
    assert said is not None
    assert said.startswith("⛔ 已拉黑 小林")
    assert (await stage.read(lambda tx: tx.guards.get(shop))).blocked_buyers == (lin.buyer,)
    hold = await stage.read(lambda tx: tx.holds.active(shop, lin.id, NOW))
    assert hold is not None
    assert await stage.read(lambda tx: tx.holds.active(shop, stage.qi.id, NOW)) is None

    await stage.write(f"/拉黑 #{lin.ticket} 取消")

    assert (await stage.read(lambda tx: tx.guards.get(shop))).blocked_buyers == ()
    assert await stage.read(lambda tx: tx.holds.active(shop, lin.id, NOW)) is None


async def test_a_pause_of_a_person_outlives_the_block(stage: Stage) -> None:
    ticket = stage.lin.ticket
    await stage.write(f"/暂停 #{ticket}")
    await stage.write(f"/拉黑 #{ticket}")
    await stage.write(f"/清除 #{ticket} 拉黑")

    hold = await stage.read(lambda tx: tx.holds.active(stage.lin.shop, stage.lin.id, NOW))
    assert hold is not None


async def test_the_list_of_the_guards_page_silences_as_well(stage: Stage) -> None:
    from_page = Guards(blocked_buyers=(str(stage.lin.buyer),))
    member = await stage.read(lambda tx: tx.members.by_qq("10002"))
    operator = Operator(member, Door.WEB)
    await stage.desk.delivery_rules.set_guards(operator, from_page)
    active = await stage.read(lambda tx: tx.holds.active(stage.lin.shop, stage.lin.id, NOW))
    assert active is not None
    await stage.desk.delivery_rules.set_guards(operator, Guards())
    assert await stage.read(lambda tx: tx.holds.active(stage.lin.shop, stage.lin.id, NOW)) is None


async def test_clearing_takes_everything_away_and_says_what(stage: Stage) -> None:
    ticket = stage.lin.ticket
    await stage.write(f"/备注 #{ticket} 老客")
    await stage.write(f"/拉黑 #{ticket}")

    assert await stage.write(f"/清除 #{ticket}") == f"已清除 小林 的备注、拉黑 #{ticket}"
    card = await stage.read(lambda tx: tx.buyers.get(stage.lin.shop, stage.lin.buyer))
    assert card.blank
    assert "没有备注、标签" in (await stage.write(f"/清除 #{ticket}") or "")


@pytest.mark.parametrize(
    "what",
    ["/备注 老客", "/标签", "/拉黑", "/清除", "/备注 #z9 x", "/拉黑 #a1 吧", "/清除 #a1 全部"],
)
async def test_what_names_no_buyer_or_is_not_understood_changes_nothing(
    stage: Stage, what: str
) -> None:
    answer = await stage.write(what)

    assert answer is not None
    assert any(word in answer for word in ("没有", "看不懂"))
    assert (await stage.read(lambda tx: tx.buyers.get(stage.lin.shop, stage.lin.buyer))).blank


@pytest.mark.parametrize("words", ["字" * 201, "\n".join(["字" * 150] * 2)])
async def test_a_note_has_a_longest_length(stage: Stage, words: str) -> None:
    answer = await stage.write(f"/备注 #{stage.lin.ticket} {words}")
    assert answer is not None
    assert "最多 200 字" in answer


async def test_a_blocked_buyer_is_let_speak_by_nothing_but_the_list(stage: Stage) -> None:
    await stage.write(f"/拉黑 #{stage.lin.ticket}")

    answer = await stage.write(f"/恢复 #{stage.lin.ticket}")

    assert answer is not None
    assert "先取消拉黑" in answer
    hold = await stage.read(lambda tx: tx.holds.active(stage.lin.shop, stage.lin.id, NOW))
    assert hold is not None


async def test_a_blocked_buyer_is_silenced_in_a_conversation_that_is_new(stage: Stage) -> None:
    await stage.write(f"/拉黑 #{stage.lin.ticket}")

    def unit(tx: Tx) -> Conversation:
        new = tx.conversations.upsert(
            stage.lin.shop,
            stage.account.id,
            PlatformConversation("60010020039"),
            buyer=stage.lin.buyer,
            buyer_name="小林",
            at=NOW,
        )
        know_buyer(tx, new, NOW)
        return new

    new = await stage.store.write(unit)
    assert await stage.read(lambda tx: tx.holds.active(new.shop, new.id, NOW)) is not None


# --- History ------------------------------------------------------------------------------------


async def test_the_history_hides_goods_in_groups_and_from_viewers(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        lin = stage.lin
        tx.messages.add_out(
            lin.shop,
            lin.account,
            lin.id,
            key="d1",
            origin=Origin.DELIVERY,
            content=Text("卡密 ABCD-1234"),
            now=NOW,
        )

    await stage.store.write(unit)
    await stage.write(f"#{stage.lin.ticket} 发你了")
    typed = f"/历史 #{stage.lin.ticket} 5"

    own = await stage.write(typed)
    in_group = await stage.write(typed, peer=GROUP)
    by_viewer = await stage.write(typed, sender="10003")

    assert own is not None
    assert "ABCD-1234" in own
    assert "我们：发你了" in own
    assert own.endswith(f"#{stage.lin.ticket}")
    for page in (in_group, by_viewer):
        assert page is not None
        assert "ABCD-1234" not in page
        assert text.GOODS in page


@pytest.mark.parametrize("what", ["/历史", "/历史 #a1 0", "/历史 #a1 31", "/历史 #a1 很多"])
async def test_a_history_of_nobody_or_of_no_length_is_explained(stage: Stage, what: str) -> None:
    answer = await stage.write(what)
    assert answer is not None
    assert "例如" in answer or "/历史 #a7" in answer
