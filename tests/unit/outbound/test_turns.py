"""Notices where a bot may only answer: kept, gathered, told once, and the urgent ones at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from outbound_stage import HOLDER, START, FakeChat, Stage

from hub.commands import needs_of_notice
from hub.credits import Credits
from hub.errors import Rejected, Throttled, Unreachable
from hub.model import (
    Anchor,
    AnchorKind,
    AskedBy,
    ChatPeer,
    Conversation,
    Delivered,
    Member,
    NoticeKind,
    ReplyUse,
    SendReceipt,
    TaskKind,
    peer_at,
    receipt_lane,
)
from hub.notices import FALLBACK_AFTER, tell_owners, tell_owners_of_shop
from hub.outbound.worker import Claim
from hub.store import Tx
from hub.text.gathered import LOW

CHATS = (TaskKind.NOTICE, TaskKind.RECEIPT)
BOT = "official:102001"
ADDRESS = f"{BOT}/0A1B"
THERE = peer_at("private", ADDRESS)
SAID = Delivered(BOT, ("REFIDX_1",))
URGENT = NoticeKind.NEED


class SpendingChat(FakeChat):
    """Takes a credit for each text, as the real one does."""

    def __init__(self, stage: Stage, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.credits = Credits(stage.store, now=stage.clock)

    async def deliver(self, peer: ChatPeer, text: str, **more: Any) -> Delivered:
        if await self.credits.take(peer, text) is None:
            raise Unreachable("qq", "send", "no credit")
        return await super().deliver(peer, text, **more)


def owner(tx: Tx, stage: Stage, *addresses: str) -> Member:
    (found,) = tx.members.owners(stage.shop)
    changed = tx.members.update(stage.shop, found.id, qq=addresses)
    assert changed is not None
    return changed


async def set_up(stage: Stage, *addresses: str, credits: int) -> None:
    """The owner is known by these addresses, and has so many credits."""
    uses = tuple(ReplyUse(f"{n}", stage.now, "id") for n in range(5 - credits))
    anchor = Anchor(f"m {stage.now}", AnchorKind.PRIVATE, stage.now)

    def unit(tx: Tx) -> None:
        owner(tx, stage, *addresses)
        tx.reply_anchors.hear(ADDRESS, anchor, forget=stage.now - timedelta(days=1))
        tx.reply_anchors.put(ADDRESS, Anchor(anchor.id, anchor.kind, anchor.at, uses))

    await stage.store.write(unit)


async def tell(
    stage: Stage,
    *texts: str,
    kind: NoticeKind = NoticeKind.MESSAGE,
    conversation: Conversation | None = None,
) -> None:
    where = conversation or stage.conversation

    def unit(tx: Tx) -> None:
        for text in texts:
            said = f"【小店】小林\n{text}\n#{where.ticket}"
            tell_owners(tx, where, said, key=f"notice:{text}", now=stage.now, kind=kind)

    await stage.store.write(unit)


async def work(stage: Stage, chat: FakeChat, rounds: int = 6) -> Sequence[str]:
    await stage.work(stage.chats(chat).perform, *CHATS, rounds=rounds)
    return chat.said


async def test_notices_flow_until_one_credit_is_left_and_the_last_one_says_so(
    stage: Stage,
) -> None:
    await set_up(stage, ADDRESS, credits=2)
    await tell(stage, "一")
    chat = FakeChat([SAID], pushes=False)
    (said,) = await work(stage, chat)
    assert LOW in said
    assert said.endswith(f"#{stage.conversation.ticket}")


async def test_the_last_credit_waits_and_then_carries_everything(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=1)
    chat = FakeChat([SAID], pushes=False)
    await tell(stage, "一", "二")
    assert await work(stage, chat) == []
    stage.now = START + timedelta(minutes=59)
    (said,) = await work(stage, chat, rounds=1)
    assert said.splitlines()[1:] == ["一", "二", f"#{stage.conversation.ticket}"]
    assert await stage.open_tasks() == {}


async def test_what_presses_takes_the_last_credit_and_all_that_waits_with_it(
    stage: Stage,
) -> None:
    await set_up(stage, ADDRESS, credits=1)
    chat = FakeChat([SAID], pushes=False)
    await tell(stage, "一")
    assert await work(stage, chat) == []
    await tell(stage, "待处理", kind=NoticeKind.NEED)
    (said,) = await work(stage, chat, rounds=1)
    assert "一" in said
    assert "待处理" in said


async def test_an_urgent_notice_that_comes_first_waits_for_nothing(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=1)
    await tell(stage, "待处理", kind=NoticeKind.NEED)
    assert len(await work(stage, FakeChat([SAID], pushes=False))) == 1


async def test_without_credit_nothing_leaves_until_somebody_writes(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=0)
    chat = FakeChat([SAID], pushes=False)
    await tell(stage, "一", kind=NoticeKind.NEED)
    await tell(stage, "二")
    await stage.store.write(
        lambda tx: tell_owners_of_shop(tx, stage.shop, "登录失效", key="x", now=stage.now)
    )
    assert await work(stage, chat) == []
    credits = Credits(stage.store, now=stage.clock)
    await credits.hear(THERE, "m2", AnchorKind.PRIVATE)
    await credits.wake(THERE)
    (said,) = await work(stage, chat)
    assert "1 个会话有新消息，另有 1 条通知" in said
    assert not said.splitlines()[-1].startswith("#")


async def test_a_receipt_waits_for_no_plan(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=1)
    receipt = SendReceipt(AskedBy(THERE, "m1"), "✓ 已送达", stage.conversation.id)
    await stage.store.write(
        lambda tx: tx.outbox.enqueue(
            stage.shop, receipt, lane=receipt_lane(THERE), key="receipt", due_at=stage.now
        )
    )
    assert await work(stage, FakeChat([SAID], pushes=False)) == ["✓ 已送达"]


@pytest.mark.parametrize("credits", [0, 5])
async def test_an_official_bot_tells_only_what_did_not_arrive_in_qq(
    stage: Stage, credits: int
) -> None:
    await set_up(stage, "10002", ADDRESS, credits=credits)
    chat = FakeChat([Delivered("10001", ("5",))], pushes=False)
    await tell(stage, "一")
    assert len(await work(stage, chat)) == 1
    stage.now += FALLBACK_AFTER
    assert len(await work(stage, chat)) == 1
    assert await stage.open_tasks() == {}


async def test_what_may_still_arrive_elsewhere_holds_no_receipt_up(stage: Stage) -> None:
    await set_up(stage, "10002", ADDRESS, credits=5)
    await tell(stage, "一")
    receipt = SendReceipt(AskedBy(THERE, "m1"), "✓ 已送达", stage.conversation.id)
    await stage.store.write(
        lambda tx: tx.outbox.enqueue(
            stage.shop, receipt, lane=receipt_lane(THERE), key="receipt", due_at=stage.now
        )
    )
    chat = FakeChat([SAID], pushes=False)
    assert "✓ 已送达" in await work(stage, chat, rounds=1)


async def test_a_bot_that_may_push_needs_no_plan(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=0)
    await tell(stage, "一", "二")
    chat = FakeChat([SAID], pushes=True)
    assert len(await work(stage, chat)) == 2


async def test_the_id_that_a_group_knows_somebody_by_is_told_nothing_in_private(
    stage: Stage,
) -> None:
    await set_up(stage, f"{BOT}/0A1B@G1", credits=5)
    await tell(stage, "一")
    assert await work(stage, FakeChat([SAID], pushes=False)) == []
    assert await stage.open_tasks() == {}


async def test_what_was_gathered_and_did_not_leave_is_told_whole_later(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=5)
    await tell(stage, "一", "二")
    away = Unreachable("qq", "send", "away")
    chat = FakeChat([away, SAID], pushes=False)
    assert await work(stage, chat, rounds=1) == []
    stage.now += timedelta(minutes=5)
    await tell(stage, "三", "四", "五", "六", "七")
    first, second = await work(stage, chat, rounds=2)
    assert first.splitlines()[1:3] == ["一", "二"]
    assert "攒了 5 条消息" in second


async def test_a_head_that_is_taken_away_meanwhile_takes_nothing_with_it(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=5)
    await tell(stage, "一", "二", "三")
    (head,) = await stage.claim(*CHATS)
    await stage.store.write(lambda tx: tx.outbox.cancel(stage.shop, head.key, now=stage.now))
    chat = FakeChat([SAID], pushes=False)
    await stage.chats(chat).perform(Claim(head, HOLDER))
    assert chat.said == []
    (said,) = await work(stage, chat, rounds=1)
    assert said.splitlines()[1:3] == ["二", "三"]


# --- What may go wrong with many at once --------------------------------------------------------


async def test_a_digest_lives_as_long_as_the_newest_of_what_joined(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=5)
    await tell(stage, "一")
    stage.now += timedelta(hours=23)
    await set_up(stage, ADDRESS, credits=5)
    await tell(stage, "二")
    chat = FakeChat([Unreachable("qq", "send", "away"), SAID], pushes=False)
    assert await work(stage, chat, rounds=1) == []
    stage.now += timedelta(hours=2)
    await set_up(stage, ADDRESS, credits=5)
    (said,) = await work(stage, chat, rounds=1)
    assert said.splitlines()[1:3] == ["一", "二"]


async def receipt_waits(stage: Stage, text: str = "✓ 已送达") -> None:
    receipt = SendReceipt(AskedBy(THERE, "m1"), text, stage.conversation.id)
    await stage.store.write(
        lambda tx: tx.outbox.enqueue(
            stage.shop, receipt, lane=receipt_lane(THERE), key=text, due_at=stage.now
        )
    )


async def test_the_last_credit_goes_to_the_answer_that_somebody_waits_for(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=1)
    await tell(stage, "一", "二")
    await tell(stage, "待处理", kind=NoticeKind.NEED)
    await receipt_waits(stage)
    chat = SpendingChat(stage, [SAID], pushes=False)
    assert await work(stage, chat, rounds=1) == ["✓ 已送达"]


async def test_an_urgent_notice_waits_for_no_other_that_qq_refuses(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=5)
    await tell(stage, "一", "二")
    chat = FakeChat([Throttled("qq", "send", "太快"), SAID], pushes=False)
    assert await work(stage, chat, rounds=1) == []
    await tell(stage, "待处理", kind=NoticeKind.NEED)
    (said,) = await work(stage, chat, rounds=1)
    assert "待处理" in said
    assert "一" not in said


async def test_a_digest_that_qq_throttles_is_tried_until_it_expires(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=5)
    await tell(stage, "一", "二")
    slow = Throttled("qq", "send", "太快")
    chat = FakeChat([*[slow] * 7, SAID], pushes=False)
    sends = stage.chats(chat)
    for _ in range(8):
        await set_up(stage, ADDRESS, credits=5)
        await stage.work(sends.perform, *CHATS)
        stage.now += timedelta(minutes=20)
    (said,) = chat.said
    assert said.splitlines()[1:3] == ["一", "二"]
    assert await stage.open_tasks() == {}


async def test_of_a_digest_that_qq_refuses_at_least_is_said_that_there_is_something(
    stage: Stage,
) -> None:
    await set_up(stage, ADDRESS, credits=5)
    await tell(stage, "一", "二")
    no = Rejected("qq", "send", "内容违规")
    chat = FakeChat([no, no, SAID], pushes=False)
    sends = stage.chats(chat)
    for _ in range(3):
        await stage.work(sends.perform, *CHATS)
        stage.now += timedelta(minutes=5)
    (said,) = chat.said
    assert "后台" in said
    assert "一" not in said
    assert said.endswith(f"#{stage.conversation.ticket}")


async def test_a_digest_takes_nothing_that_may_still_arrive_elsewhere(stage: Stage) -> None:
    await set_up(stage, "10002", ADDRESS, credits=5)
    await tell(stage, "一")
    stage.now += FALLBACK_AFTER / 2
    await tell(stage, "二")
    stage.now += FALLBACK_AFTER / 2
    chat = FakeChat([Unreachable("qq", "send", "away"), SAID], pushes=False)
    (first,) = await work(stage, chat, rounds=1)
    assert "一" in first
    assert "二" not in first


async def test_a_notice_of_several_parts_counts_all_of_them(stage: Stage) -> None:
    await set_up(stage, ADDRESS, credits=2)
    await tell(stage, "长" * 4_000)
    chat = FakeChat([SAID], pushes=False)
    assert await work(stage, chat, rounds=1) == []
    stage.now += timedelta(minutes=2)
    await set_up(stage, ADDRESS, credits=2)
    await Credits(stage.store, now=stage.clock).wake(THERE)
    assert len(await work(stage, chat, rounds=1)) == 1


async def test_a_digest_names_what_waits_for_a_decision_where_nobody_else_can_write(
    stage: Stage,
) -> None:
    await set_up(stage, ADDRESS, credits=5)

    def unit(tx: Tx) -> None:
        said = (
            f"🔔 待处理 37｜没有规则\n【小店】小林\n1 发货\n2 不发了\n#{stage.conversation.ticket}"
        )
        tell_owners(tx, stage.conversation, said, key="need:37", now=stage.now, kind=URGENT)

    await stage.store.write(unit)
    await tell(stage, "🔔 待处理 5｜没有规则")
    chat = FakeChat([Unreachable("qq", "send", "away"), SAID], pushes=False)
    assert await work(stage, chat, rounds=1) == []
    assert not await mailed_no_more(stage)
    stage.now += timedelta(minutes=1)
    (said,) = await work(stage, chat, rounds=1)
    assert needs_of_notice(said) == (37,)
    assert "1 发货" in said
    assert await mailed_no_more(stage)


async def mailed_no_more(stage: Stage) -> bool:
    """Whether the mail about the need stays away, because somebody was told."""
    return await stage.store.read(lambda tx: tx.outbox.reached(stage.shop, "need:37:"))
