"""Notices where a bot may only answer: kept, gathered, told once, and the urgent ones at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from outbound_stage import HOLDER, START, FakeChat, Stage

from hub.credits import Credits
from hub.errors import Unreachable
from hub.model import (
    Anchor,
    AnchorKind,
    AskedBy,
    Conversation,
    Delivered,
    Member,
    NoticeKind,
    ReplyUse,
    SendReceipt,
    TaskKind,
    chat_lane,
    peer_at,
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


def owner(tx: Tx, stage: Stage, *addresses: str) -> Member:
    (found,) = tx.members.owners(stage.shop)
    changed = tx.members.update(stage.shop, found.id, qq=addresses)
    assert changed is not None
    return changed


async def set_up(stage: Stage, *addresses: str, credits: int) -> None:
    """The owner is known by these addresses, and has so many credits."""
    uses = tuple(ReplyUse(f"{n}", stage.now, "id") for n in range(5 - credits))
    anchor = Anchor("m1", AnchorKind.PRIVATE, stage.now)

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
            stage.shop, receipt, lane=chat_lane(THERE), key="receipt", due_at=stage.now
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
            stage.shop, receipt, lane=chat_lane(THERE), key="receipt", due_at=stage.now
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
