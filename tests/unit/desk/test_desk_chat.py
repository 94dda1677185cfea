"""What is written in QQ reaches the buyer it was meant for, or nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import text
from hub.album import Album
from hub.desk import Desk, Door, Operator
from hub.model import (
    Account,
    AccountState,
    ChatPeer,
    ChatPicture,
    Conversation,
    Member,
    OperatorMessage,
    Origin,
    PlatformConversation,
    PlatformUser,
    Role,
    TaskKind,
)
from hub.sandbox.pictures import blank
from hub.settings import Settings
from hub.store import Store, open_store

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PRIVATE = ChatPeer("10001", "private", "10002")
GROUP = ChatPeer("10001", "group", "777001")


@dataclass
class Stage:
    store: Store
    desk: Desk
    owner: Member
    account: Account
    lin: Conversation
    qi: Conversation
    _written: int = field(default=0)

    async def write(self, what: str, **more: Any) -> str | None:
        """The owner writes to the bot, in private unless `peer` says otherwise."""
        self._written += 1
        message = OperatorMessage(PRIVATE, "10002", f"{self._written}", what)
        return await self.desk.chat.receive(replace(message, **more))

    async def queued(self, conversation: Conversation) -> list[str]:
        """What is on its way to that buyer."""
        shop = self.owner.shop
        messages = await self.store.read(
            lambda tx: tx.messages.of_conversation(shop, conversation.id, limit=100)
        )
        return [text.plain(m.content) for m in messages if m.origin is Origin.OPERATOR]

    async def relay(self, conversation: Conversation, external_id: str, peer: ChatPeer) -> None:
        await self.store.write(
            lambda tx: tx.relays.add(
                self.owner.shop,
                bot=peer.bot,
                scene=peer.scene,
                peer=peer.peer,
                external_id=external_id,
                conversation=conversation.id,
                now=NOW,
            )
        )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    def unit(tx: Any) -> Any:
        shop = tx.shops.default()
        owner = tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=NOW)
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
        return owner, account, *buyers

    async with open_store(tmp_path / "hub.db", now=lambda: NOW) as store:
        owner, account, lin, qi = await store.write(unit)
        desk = Desk(store, Settings(), lambda: NOW)
        yield Stage(store, desk, owner, account, lin, qi)


def notice(conversation: Conversation, said: str = "在吗") -> str:
    return f"【小店】{conversation.buyer_name}\n{said}\n#{conversation.ticket}"


async def test_the_ticket_that_a_quoted_notice_ends_with_finds_the_buyer(stage: Stage) -> None:
    await stage.write("在的", quoted_text=notice(stage.lin))

    assert await stage.queued(stage.lin) == ["在的"]
    assert await stage.queued(stage.qi) == []


async def test_a_ticket_that_a_buyer_wrote_routes_nothing_to_another(stage: Stage) -> None:
    """The first part of a long notice ends where the buyer's own words were cut."""
    part = f"【小店】小林\n看 #{stage.qi.ticket} 的"

    answer = await stage.write("在的", quoted_text=part)

    assert answer is not None
    assert "没有发送" in answer
    assert await stage.queued(stage.qi) == []
    await stage.relay(stage.lin, "5", PRIVATE)
    await stage.write("在的", quoted_id="5", quoted_text=part)
    assert await stage.queued(stage.lin) == ["在的"]


async def test_a_page_that_names_many_buyers_is_no_way_to_one(stage: Stage) -> None:
    await stage.write(f"/暂停 #{stage.lin.ticket}")
    await stage.write(f"/暂停 #{stage.qi.ticket}")
    page = await stage.write("/状态")
    assert page is not None
    assert f"#{stage.qi.ticket}" in page

    answer = await stage.write("在的", quoted_text=page)

    assert answer is not None
    assert "没有发送" in answer
    assert await stage.queued(stage.lin) == await stage.queued(stage.qi) == []


async def test_what_is_answered_about_one_buyer_can_be_quoted_to_answer_him(
    stage: Stage,
) -> None:
    for command in ("/暂停", "/恢复", "/恢复"):
        page = await stage.write(f"{command} #{stage.lin.ticket}")
        assert page is not None
        await stage.write(f"看到{command}", quoted_text=page)

    assert await stage.queued(stage.lin) == ["看到/暂停", "看到/恢复", "看到/恢复"]


async def test_colleagues_who_quote_each_other_in_a_group_tell_the_buyer_nothing(
    stage: Stage,
) -> None:
    talk = {"peer": GROUP, "addressed": False, "quoted_id": "99"}
    asked = f"这个怎么回 #{stage.lin.ticket}"

    assert await stage.write("可以再便宜点给他", quoted_text=asked, **talk) is None

    assert await stage.queued(stage.lin) == []


async def test_a_quoted_notice_of_ours_needs_no_at_in_a_group(stage: Stage) -> None:
    await stage.relay(stage.lin, "99", GROUP)

    await stage.write("在的", peer=GROUP, addressed=False, quoted_id="99")

    assert await stage.queued(stage.lin) == ["在的"]


async def test_two_bots_in_one_group_send_an_answer_once(stage: Stage) -> None:
    other = replace(GROUP, bot="10009")
    for _ in range(2):
        for peer in (GROUP, other):
            await stage.write(f"#{stage.lin.ticket} 在的", peer=peer, addressed=False)

    assert await stage.queued(stage.lin) == ["在的", "在的"]


async def test_two_bots_in_one_group_do_a_command_once(stage: Stage) -> None:
    """The one may lag behind: what counts is when QQ says that it was written."""
    other = replace(GROUP, bot="10009")
    await stage.write("/存 地址 在杭州发货")
    line = {"what": f"/k #{stage.lin.ticket} 地址", "addressed": False}
    later = NOW + timedelta(seconds=20)

    for peer, said_at in ((GROUP, NOW), (GROUP, later), (other, NOW), (other, later)):
        await stage.write(**line, peer=peer, said_at=said_at)
    answers = [await stage.write("/状态", peer=peer, said_at=NOW) for peer in (other, GROUP)]

    assert await stage.queued(stage.lin) == ["在杭州发货", "在杭州发货"]
    assert answers[0] is not None
    assert answers[1] is None


async def test_commands_of_other_bots_in_a_group_are_none_of_our_business(stage: Stage) -> None:
    assert await stage.write("/攻略 魔塔", peer=GROUP, addressed=False) is None
    assert await stage.write("/攻略 魔塔", peer=GROUP) is not None
    assert await stage.write("/攻略 魔塔") is not None


async def test_contradicting_hints_reach_nobody(stage: Stage) -> None:
    await stage.relay(stage.lin, "5", PRIVATE)

    answer = await stage.write(f"#{stage.qi.ticket} 在的", quoted_id="5")

    assert answer is not None
    assert "不是同一个会话" in answer
    assert await stage.queued(stage.lin) == await stage.queued(stage.qi) == []


async def test_the_same_event_twice_is_one_answer_and_one_takeover(stage: Stage) -> None:
    for _ in range(3):
        await stage.write(f"#{stage.lin.ticket} 在的", message_id="5")

    assert await stage.queued(stage.lin) == ["在的"]
    assert await stage.store.read(lambda tx: tx.outbox.backlog()) == {TaskKind.SEND: 1}


async def test_a_viewer_is_told_that_he_may_not_answer(stage: Stage) -> None:
    answer = await stage.write(f"#{stage.lin.ticket} 在的", sender="10003")

    assert answer is not None
    assert "身份" in answer
    assert await stage.queued(stage.lin) == []


async def test_texts_and_pictures_of_one_message_go_out_in_their_order(
    stage: Stage, tmp_path: Path
) -> None:
    album = Album(tmp_path / "pictures", lambda _: None, most_bytes=1_000_000)
    desk = Desk(stage.store, Settings(), lambda: NOW, album)

    async def fetch(_: ChatPeer, picture: ChatPicture) -> bytes:
        return blank(4, int(picture.file))

    parts = (
        "正面：\n全新",
        ChatPicture("", "3"),
        ChatPicture("", "4"),
        "背面有划痕",
        ChatPicture("", "5"),
    )
    message = OperatorMessage(
        PRIVATE,
        "10002",
        "900",
        "正面：\n全新背面有划痕",
        quoted_text=f"【小店】小林\n在吗\n#{stage.lin.ticket}",
        parts=parts,
    )
    await desk.chat.receive(message, fetch)
    said = ["正面：\n全新", "[图片]", "[图片]", "背面有划痕", "[图片]"]
    assert await stage.queued(stage.lin) == said
    await desk.chat.receive(message, fetch)
    assert await stage.queued(stage.lin) == said


@pytest.mark.parametrize("what", ["#a999 在的", "#a1", "在的"])
async def test_what_cannot_be_sent_is_answered_with_a_sentence(stage: Stage, what: str) -> None:
    answer = await stage.write(what)

    assert answer is not None
    assert "没有发送" in answer


async def test_a_stranger_is_answered_once_a_day(stage: Stage) -> None:
    assert await stage.write("在吗", sender="55555") == text.stranger()
    assert await stage.write("在吗", sender="55555") is None
    assert await stage.write("在吗", sender="55555", peer=GROUP) is None


async def test_a_pause_can_have_an_end(stage: Stage) -> None:
    await stage.write(f"/暂停 #{stage.lin.ticket} 30分")

    hold = await stage.store.read(lambda tx: tx.holds.active(stage.owner.shop, stage.lin.id, NOW))
    assert hold is not None
    assert hold.until == NOW + timedelta(minutes=30)


async def test_resuming_the_shop_tells_which_pauses_stay(stage: Stage) -> None:
    await stage.write(f"/暂停 #{stage.lin.ticket}")
    await stage.write("/暂停")

    answer = await stage.write("/恢复")

    assert answer is not None
    assert answer.startswith("▶ 已恢复整个店铺的自动回复")
    assert "1 个会话单独暂停着" in answer
    await stage.write(f"/恢复 #{stage.lin.ticket}")
    assert "单独" not in (await stage.write("/恢复") or "")


@pytest.mark.parametrize("what", ["/暂停 很久", "/暂停 #a1 0分", "/暂停 #zz", "/恢复 明天"])
async def test_a_command_that_is_not_understood_stops_nothing(stage: Stage, what: str) -> None:
    answer = await stage.write(what)

    assert answer is not None
    assert "例如" in answer
    assert await stage.store.read(lambda tx: tx.holds.all_active(stage.owner.shop, NOW)) == []


@pytest.mark.parametrize(
    "words", ["/重连", "/重连 小店", "/重连「小店」", "/重连小", "/重新连接 小店"]
)
async def test_an_account_that_rests_is_reconnected_by_a_word(stage: Stage, words: str) -> None:
    shop, account = stage.account.shop, stage.account.id
    await stage.store.write(
        lambda tx: tx.accounts.set_state(shop, account, AccountState.HELD, "别的程序", NOW)
    )

    answer = await stage.write(words)

    assert answer is not None
    assert answer.startswith("正在重新连接「小店」")
    found = await stage.store.read(lambda tx: tx.accounts.get(shop, account))
    assert found is not None
    assert found.state is AccountState.CONNECTING
    assert await stage.write(words) != answer


async def test_reconnecting_guesses_no_account(stage: Stage) -> None:
    await stage.desk.accounts.add(
        Operator(stage.owner, Door.CLI), "二店", "unb=2200111122224; cookie2=1"
    )

    assert await stage.write("/重连 三店") == "没有叫「三店」的账号，现在有「小店」、「二店」"
    assert await stage.write("/重连 店") == "要写清楚是哪个账号：「小店」、「二店」"
    assert await stage.write("/重连") == "要写清楚是哪个账号：「小店」、「二店」"


async def test_a_viewer_reconnects_nothing(stage: Stage) -> None:
    answer = await stage.write("/重连", sender="10003")

    assert answer is not None
    assert "店主" in answer


async def test_too_many_pictures_are_refused_before_one_is_fetched(stage: Stage) -> None:
    fetched: list[ChatPicture] = []

    async def fetch(_: ChatPeer, picture: ChatPicture) -> bytes:
        fetched.append(picture)
        return b""

    pictures = tuple(ChatPicture("https://gchat.qpic.cn/a", f"{n}.jpg") for n in range(10))
    message = OperatorMessage(
        PRIVATE, "10002", "1", f"#{stage.lin.ticket}", parts=(f"#{stage.lin.ticket}", *pictures)
    )
    assert await stage.desk.chat.receive(message, fetch) == "没有发送：一次最多发 9 张图片"
    assert fetched == []


async def test_pictures_that_do_not_come_end_in_a_sentence(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written after them waits until then."""
    monkeypatch.setattr("hub.desk.answer_chat.FETCH_SECONDS", 0.01)

    async def fetch(_: ChatPeer, picture: ChatPicture) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError(picture)

    slow = ChatPicture("https://gchat.qpic.cn/a", "a.jpg")
    typed = f"#{stage.lin.ticket}"
    message = OperatorMessage(PRIVATE, "10002", "1", typed, parts=(typed, slow))
    answer = await stage.desk.chat.receive(message, fetch)
    assert answer == "没有发送：图片取得太慢，请重发一次"
    assert await stage.queued(stage.lin) == []
