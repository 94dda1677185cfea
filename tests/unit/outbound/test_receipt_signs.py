"""What became of an answer is shown on the operator's own message where the chat can."""

from __future__ import annotations

from datetime import timedelta

import pytest
from outbound_stage import FakeChat, FakeSession, Stage

from hub.errors import Rejected, Uncertain, Unreachable
from hub.inbound import Inbound
from hub.model import (
    AskedBy,
    ChatPeer,
    Delivered,
    Mark,
    MessageState,
    Origin,
    PlatformMessage,
    ReadReceipt,
    TaskKind,
    Text,
    asked_by_key,
    chat_key,
)
from hub.settings import ReplySettings
from hub.store import Tx
from hub.xianyu import Sent

SAID = Delivered("10001", ("5",))
GROUP = ChatPeer("10001", "group", "777001")
IN_GROUP = AskedBy(GROUP, "77")
RECEIPTS = (TaskKind.RECEIPT,)


def group_chat(**more: object) -> FakeChat:
    return FakeChat([SAID], reacts=True, **more)  # type: ignore[arg-type]


async def told(stage: Stage, chat: FakeChat, rounds: int = 1) -> None:
    await stage.work(stage.chats(chat).perform, *RECEIPTS, rounds=rounds)


async def test_an_accepted_answer_is_a_sign_and_no_line(stage: Stage) -> None:
    stage.session = FakeSession([Sent(PlatformMessage("1.PNM"), None)])
    await stage.queue(asked_by=IN_GROUP)
    await stage.send_all()
    chat = group_chat()
    await told(stage, chat)
    assert (chat.signs, chat.said) == ([("77", Mark.ACCEPTED)], [])
    assert await stage.open_tasks() == {}


@pytest.mark.parametrize("refusal", [Rejected("qq", "react"), Uncertain("qq", "react")])
async def test_a_sign_that_fails_becomes_words(stage: Stage, refusal: Exception) -> None:
    stage.session = FakeSession([Sent(PlatformMessage("1.PNM"), None)])
    await stage.queue(asked_by=IN_GROUP)
    await stage.send_all()
    chat = group_chat(refuses_signs=refusal)
    await told(stage, chat)
    assert [line[:5] for line in chat.said] == ["✓ 已送达"]


async def test_a_sign_waits_for_its_bot(stage: Stage) -> None:
    stage.session = FakeSession([Sent(PlatformMessage("1.PNM"), None)])
    await stage.queue(asked_by=IN_GROUP)
    await stage.send_all()
    chat = group_chat(refuses_signs=Unreachable("qq", "react"))
    await told(stage, chat)
    chat.refuses_signs = None
    stage.now += timedelta(seconds=61)
    await told(stage, chat)
    assert (chat.signs, chat.said) == ([("77", Mark.ACCEPTED)], [])


async def test_a_refusal_always_gets_words(stage: Stage) -> None:
    stage.session = FakeSession([Rejected("xianyu", "send", "含有违禁词")])
    await stage.queue(asked_by=IN_GROUP)
    await stage.send_all()
    chat = group_chat()
    await told(stage, chat)
    assert chat.signs == [("77", Mark.REFUSED)]
    assert "含有违禁词" in chat.said[0]


async def test_what_takes_longer_shows_once_that_it_is_on_its_way(stage: Stage) -> None:
    again = Unreachable("xianyu", "send")
    stage.session = FakeSession([again, again, Sent(PlatformMessage("1.PNM"), None)])
    await stage.queue(asked_by=IN_GROUP)
    chat = group_chat()
    await stage.send_all(rounds=3)
    await told(stage, chat, rounds=3)
    assert chat.signs == [("77", Mark.SENDING), ("77", Mark.ACCEPTED)]


async def test_in_a_chat_without_signs_nobody_is_told_of_passing_things(stage: Stage) -> None:
    again = Unreachable("xianyu", "send")
    stage.session = FakeSession([again, Sent(PlatformMessage("1.PNM"), None)])
    await stage.queue()
    await stage.send_all(rounds=2)
    chat = FakeChat([SAID])
    await told(stage, chat, rounds=2)
    assert len(chat.said) == 1


@pytest.mark.parametrize(("peer", "signs"), [(GROUP, [("9", Mark.READ)]), (None, [])])
async def test_that_the_buyer_has_read_it_is_a_sign_on_the_last_line_only(
    stage: Stage, peer: ChatPeer | None, signs: list[tuple[str, Mark]]
) -> None:
    where, ids = stage.conversation, [PlatformMessage(f"{n}.PNM") for n in (1, 2)]
    digest = "0123456789abcdef"

    def unit(tx: Tx) -> None:
        for number, platform_id in enumerate(ids):
            there = peer or ChatPeer("10001", "private", "10002")
            message = tx.messages.add_out(
                stage.shop,
                where.account,
                where.id,
                key=f"{chat_key(there, f'{8 + number}')}{digest}",
                origin=Origin.OPERATOR,
                content=Text("在的"),
                now=stage.now,
            )
            assert message is not None
            tx.messages.set_state(
                stage.shop, message, MessageState.ACCEPTED, platform_id=platform_id
            )

    await stage.store.write(unit)
    inbound = Inbound(
        stage.store, ReplySettings(), stage.clock, reacts=lambda there: there.scene == "group"
    )
    read = ReadReceipt(where.platform_id, tuple(ids), stage.now)
    await inbound.take_in(stage.account, [read])
    await inbound.take_in(stage.account, [read])
    chat = group_chat()
    await told(stage, chat)
    assert (chat.signs, chat.said) == (signs, [])


@pytest.mark.parametrize("bot", ["10001", "official:102001"])
def test_the_chat_message_behind_an_answer_is_known_from_its_key(bot: str) -> None:
    asked = AskedBy(ChatPeer(bot, "group", "777001"), "-12")
    key = f"{chat_key(asked.peer, asked.message_id)}0123456789abcdef"
    assert asked_by_key(key) == asked_by_key(f"{key}/3") == asked
    assert asked_by_key("rule:5") is None
    assert asked_by_key("draft:5:0") is None
