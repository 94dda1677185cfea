"""Pictures to buyers are uploaded before they are sent; notices show them if they can be had."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime

import PIL.Image
import pytest
from outbound_stage import (
    ASKED_BY,
    HOLDER,
    OWNER,
    START,
    FakeChat,
    FakeClient,
    FakeSession,
    Stage,
    add_conversation,
)

from hub.errors import AuthExpired, PeerError, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    Delivered,
    Image,
    MessageId,
    MessageState,
    Origin,
    Picture,
    PlatformMessage,
    SendMessage,
    SendNotice,
    TaskKind,
    chat_lane,
    send_lane,
)
from hub.outbound import Claim
from hub.outbound.chats import SLOW_FOR
from hub.pacing import Pacer
from hub.store import Tx

SENT = Picture("https://img.alicdn.com/sent.jpg", 40, 30)
BUYERS = "https://img.alicdn.com/buyers.jpg"
DELIVERED = Delivered("10001", ("77",))


def jpeg(size: tuple[int, int] = (40, 30)) -> bytes:
    packed = io.BytesIO()
    PIL.Image.new("RGB", size, "teal").save(packed, "JPEG")
    return packed.getvalue()


async def queue_picture(stage: Stage, expires_at: datetime | None = None) -> MessageId:
    kept, here = await stage.album.keep(jpeg()), stage.conversation

    def unit(tx: Tx) -> MessageId:
        message = tx.messages.add_out(
            stage.shop,
            here.account,
            here.id,
            key="picture",
            origin=Origin.OPERATOR,
            content=Image((kept,)),
            now=stage.now,
        )
        assert message is not None
        tx.outbox.enqueue(
            stage.shop,
            SendMessage(here.account, here.id, message, ASKED_BY, pictures=True),
            lane=send_lane(here.account, here.id),
            key=f"send:{message}",
            due_at=stage.now,
            expires_at=expires_at,
        )
        return message

    return await stage.store.write(unit)


async def test_a_picture_is_uploaded_and_then_sent_under_its_new_address(stage: Stage) -> None:
    stage.session, stage.client = FakeSession(), FakeClient(uploads=[SENT])
    message = await queue_picture(stage)
    await stage.send_all(rounds=2)
    assert stage.session.said == [SENT.url]
    assert (await stage.message(message)).content == Image((SENT,))
    assert (await stage.message(message)).state is MessageState.ACCEPTED


async def test_a_crash_between_upload_and_send_loses_nothing(stage: Stage) -> None:
    stage.session, stage.client = FakeSession(), FakeClient(uploads=[SENT])
    message = await queue_picture(stage)
    (task,) = await stage.claim(TaskKind.SEND)
    assert await stage.uploads.upload(task, stage.account.id, await stage.message(message)) is None

    await stage.send_all(rounds=2)  # the lease of the dead worker runs out

    assert len(stage.client.uploaded) == 1
    assert stage.session.said == [SENT.url]


async def test_a_picture_without_an_answer_is_not_sent_again(stage: Stage) -> None:
    stage.session = FakeSession(sends=[Uncertain("xianyu", "send")])
    stage.client = FakeClient(uploads=[SENT])
    message = await queue_picture(stage)
    await stage.send_all(rounds=4)
    assert stage.session.said == [SENT.url]
    assert (await stage.message(message)).state is MessageState.UNCERTAIN


async def test_an_upload_that_fails_for_a_moment_is_tried_again(stage: Stage) -> None:
    stage.session = FakeSession()
    stage.client = FakeClient(uploads=[Unreachable("x", "upload"), Throttled("x", "upload"), SENT])
    message = await queue_picture(stage)
    await stage.send_all(rounds=4)
    assert (await stage.message(message)).state is MessageState.ACCEPTED


async def test_an_upload_takes_no_turn_and_the_send_after_it_takes_its_own(stage: Stage) -> None:
    """However long an upload takes, what the account says keeps its distance."""
    stage.session, stage.client = FakeSession(), FakeClient(uploads=[SENT])
    stage.sends = stage.sends_at(Pacer(1000, patience=0))
    message = await queue_picture(stage)
    (task,) = await stage.claim(TaskKind.SEND)
    await stage.sends.perform(Claim(task, HOLDER))
    assert len(stage.client.uploaded) == 1
    assert stage.session.said == []

    other = await stage.store.write(lambda tx: add_conversation(tx, stage.account, "60010020031"))
    await stage.queue("先说的", conversation=other)
    first, second = await stage.claim(TaskKind.SEND)  # due at once, with all its time
    assert first.id == task.id
    await stage.sends.perform(Claim(second, HOLDER))
    await stage.sends.perform(Claim(first, HOLDER))
    assert stage.session.said == ["先说的"]
    assert (await stage.message(message)).state is MessageState.QUEUED


async def test_an_answer_that_nobody_wants_any_more_is_not_uploaded(stage: Stage) -> None:
    stage.session, stage.client = FakeSession(), FakeClient(uploads=[SENT])
    message = await queue_picture(stage, expires_at=START)
    await stage.send_all()
    assert stage.client.uploaded == []
    assert (await stage.message(message)).state is MessageState.DROPPED


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Rejected("x", "upload", "文件过大"), "文件过大"),
        (AuthExpired("x", "upload"), "请更新登录"),
        (Unreachable("x", "upload"), "一直上传不上去"),
    ],
)
async def test_an_upload_that_never_works_ends_and_is_told(
    stage: Stage, error: PeerError, told: str
) -> None:
    stage.session, stage.client = FakeSession(), FakeClient(uploads=[error])
    message = await queue_picture(stage)
    await stage.send_all(rounds=6)
    (receipt,) = await stage.told()
    assert told in receipt
    assert stage.session.said == []
    assert (await stage.message(message)).state is MessageState.REJECTED


async def test_a_picture_waits_for_an_account_without_a_line(stage: Stage) -> None:
    stage.session, stage.client = FakeSession(), None
    message = await queue_picture(stage)
    await stage.send_all(rounds=8)
    assert (await stage.message(message)).state is MessageState.QUEUED
    stage.client = FakeClient(uploads=[SENT])
    await stage.send_all(rounds=3)
    assert (await stage.message(message)).state is MessageState.ACCEPTED


class SlowClient(FakeClient):
    slow = True

    async def download(self, url: str, *, most_bytes: int) -> bytes:
        if self.slow:
            await asyncio.Event().wait()
        return jpeg()


async def tell_of_picture(stage: Stage, number: int = 1) -> None:
    here = stage.conversation

    def unit(tx: Tx) -> None:
        message = tx.messages.add_in(
            stage.shop,
            here.account,
            here.id,
            platform_id=PlatformMessage(f"{number}.PNM"),
            origin=Origin.BUYER,
            content=Image((Picture(f"{BUYERS}?{number}"), Picture(f"{BUYERS}?{number}b"))),
            sent_at=START,
            now=START,
        )
        tx.outbox.enqueue(
            stage.shop,
            SendNotice(OWNER, "[2 张图片] #a1", here.id, message, pictures=True),
            lane=chat_lane(OWNER, pictures=True),
            key=f"notice {number}",
            due_at=START,
        )

    await stage.store.write(unit)


async def test_a_notice_shows_the_pictures_it_can_have(stage: Stage) -> None:
    chat = FakeChat([DELIVERED])
    stage.client = FakeClient(downloads=[jpeg(), Rejected("xianyu", "download", "HTTP 404")])
    await tell_of_picture(stage)
    await stage.work(stage.chats(chat).perform, TaskKind.NOTICE)
    assert chat.said == ["[2 张图片] #a1"]
    assert len(chat.shown[0]) == 1


async def test_a_notice_without_its_pictures_goes_out_all_the_same(stage: Stage) -> None:
    chat = FakeChat([DELIVERED])
    await tell_of_picture(stage)
    await stage.work(stage.chats(chat).perform, TaskKind.NOTICE)
    assert chat.shown == [[]]


async def test_a_notice_waits_only_so_long_for_its_pictures(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.outbound.chats.PICTURE_SECONDS", 0.0)
    chat = FakeChat([DELIVERED])
    stage.client = FakeClient(downloads=[jpeg()])
    await tell_of_picture(stage)
    await stage.work(stage.chats(chat).perform, TaskKind.NOTICE)
    assert chat.shown == [[]]


async def test_after_slow_pictures_the_next_notices_of_the_account_hardly_wait(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They all stand in one line."""
    monkeypatch.setattr("hub.outbound.chats.PICTURE_SECONDS", 0.01)
    monkeypatch.setattr("hub.outbound.chats.SLOW_PICTURE_SECONDS", 0.01)
    chat, client = FakeChat([DELIVERED]), SlowClient()
    stage.client, chats = client, stage.chats(chat)
    await tell_of_picture(stage, 1)
    await stage.work(chats.perform, TaskKind.NOTICE)
    monkeypatch.setattr("hub.outbound.chats.PICTURE_SECONDS", 10_000.0)
    await tell_of_picture(stage, 2)
    async with asyncio.timeout(60):
        await stage.work(chats.perform, TaskKind.NOTICE)
    assert chat.shown == [[], []]

    client.slow = False
    stage.now += SLOW_FOR
    await tell_of_picture(stage, 3)
    monkeypatch.setattr("hub.outbound.chats.SLOW_PICTURE_SECONDS", 0.0)
    await stage.work(chats.perform, TaskKind.NOTICE)
    assert len(chat.shown[-1]) == 2


async def test_a_text_never_waits_behind_a_picture(stage: Stage) -> None:
    """While the notice with the picture is in hand, the next text may go."""
    await tell_of_picture(stage)
    await stage.tell("后来的文字")
    claimed = await stage.claim(TaskKind.NOTICE)
    assert len(claimed) == 2


async def test_the_quote_of_a_notice_with_pictures_finds_its_conversation(stage: Stage) -> None:
    await tell_of_picture(stage)
    await stage.work(stage.chats(FakeChat([DELIVERED])).perform, TaskKind.NOTICE)
    relay = await stage.store.read(
        lambda tx: tx.relays.find("10001", OWNER.scene, OWNER.peer, "77")
    )
    assert relay is not None
    assert relay.conversation == stage.conversation.id
