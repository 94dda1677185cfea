"""Urgent news by mail: gathered, sent once, kept through every trouble, told of in chat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from loguru import logger
from outbound_stage import OWNER, Stage, open_stage

from hub.delivery import open_need
from hub.errors import AuthExpired, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    CardId,
    Cause,
    Letter,
    NeedKind,
    PoolKind,
    Role,
    TaskKind,
    TaskState,
    Urgent,
    UrgentNews,
)
from hub.notices import tell_owners_of_shop, tell_stock
from hub.outbound import Mails, MailWords, Reminders
from hub.settings import MailSettings
from hub.store import Tx

BOSS = "boss@example.org"
MINUTE = timedelta(minutes=1)
REFUSED = AuthExpired("mail", "send", "不认用户名或密码")
AWAY = Unreachable("mail", "send", "连不上邮件服务器")
UNSURE = Uncertain("mail", "send", "不确定有没有寄到")


@dataclass
class FakeServer:
    """Does with each letter what `answers` says; the last one happens for ever."""

    answers: list[Exception | None] = field(default_factory=lambda: [None])
    letters: list[Letter] = field(default_factory=list)
    tried: int = 0
    configured: bool = True

    async def send(self, letter: Letter) -> None:
        self.tried += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None or isinstance(answer, Uncertain | RuntimeError):
            self.letters.append(letter)
        if answer is not None:
            raise answer


@dataclass
class Post:
    stage: Stage
    server: FakeServer
    counted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mails = self.fresh()

    def fresh(self) -> Mails:
        """As after a restart."""
        return Mails(
            self.stage.store,
            self.server,
            MailSettings(host="mail.example.com", sender="shop@example.com"),
            MailWords(ZoneInfo("Asia/Shanghai"), "https://hub.example"),
            now=self.stage.clock,
            count=self.counted.append,
        )

    async def after(self, *waits: timedelta) -> None:
        for wait in waits or (timedelta(0),):
            self.stage.now += wait
            await self.stage.work(self.mails.perform, TaskKind.MAIL)

    async def news(self, what: str, kind: Urgent = Urgent.ACCOUNT, step: int = 0) -> None:
        stage = self.stage
        await stage.store.write(
            lambda tx: tell_owners_of_shop(
                tx, stage.shop, what, key=what, now=stage.now, urgent=UrgentNews(kind, step)
            )
        )

    async def need(self) -> Any:
        stage = self.stage
        return await stage.store.write(
            lambda tx: open_need(
                tx,
                stage.shop,
                NeedKind.NO_RULE,
                account=stage.account.id,
                order="4400112233445566778",
                conversation=stage.conversation.id,
                detail="键盘",
                now=stage.now,
            )
        )

    async def waiting(self) -> int:
        return (await self.stage.open_tasks()).get(TaskKind.MAIL, 0)

    async def member(self, **values: Any) -> None:
        stage = self.stage

        def unit(tx: Tx) -> None:
            (owner,) = tx.members.owners(stage.shop)
            tx.members.update(stage.shop, owner.id, **values)

        await stage.store.write(unit)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with open_stage(tmp_path) as stage:
        post = Post(stage, FakeServer())
        await post.member(email=BOSS)
        yield post


async def test_an_urgent_notice_goes_to_chat_and_by_mail(post: Post) -> None:
    await post.news("🔴【小店】登录失效")
    await post.after(timedelta(0))
    assert post.server.letters == []
    await post.after(MINUTE)
    (letter,) = post.server.letters
    assert (letter.to, letter.subject) == (BOSS, "【鱼桥】账号要你处理")
    assert "🔴【小店】登录失效\n处理：https://hub.example/accounts" in letter.text
    assert await post.stage.told() == ["🔴【小店】登录失效"]
    assert await post.waiting() == 0
    assert post.counted == ["sent"]


async def test_what_is_not_urgent_is_never_mailed(post: Post) -> None:
    stage = post.stage
    await stage.store.write(
        lambda tx: tell_owners_of_shop(tx, stage.shop, "连上了", key="k", now=stage.now)
    )
    assert await post.waiting() == 0


async def test_several_urgent_things_become_one_mail(post: Post) -> None:
    for number in range(5):
        await post.news(f"事情 {number}")
        await post.after(timedelta(seconds=5))
    await post.after(MINUTE)
    (letter,) = post.server.letters
    assert letter.subject == "【鱼桥】5 件急事：账号要你处理"
    assert all(f"事情 {number}" in letter.text for number in range(5))
    await post.news("又一件")
    await post.after(MINUTE, 8 * MINUTE)
    assert len(post.server.letters) == 1
    await post.after(MINUTE)
    assert len(post.server.letters) == 2


async def test_a_flood_comes_in_mails_that_can_be_read(post: Post) -> None:
    for number in range(45):
        await post.news(f"事情 {number}。")
    await post.after(MINUTE, 10 * MINUTE, 10 * MINUTE, 10 * MINUTE)
    assert [one.text.count("事情") for one in post.server.letters] == [20, 20, 5]


async def test_who_does_not_want_mail_or_left_gets_none(post: Post) -> None:
    await post.news("一")
    await post.member(urgent_mail=False)
    await post.after(MINUTE)
    await post.news("二")
    assert await post.waiting() == 0
    assert post.server.tried == 0


async def test_two_members_with_one_mailbox_get_one_mail(post: Post) -> None:
    stage = post.stage
    await stage.store.write(
        lambda tx: tx.members.add(stage.shop, "小李", Role.AGENT, email=BOSS.upper(), now=stage.now)
    )
    await post.news("一")
    assert await post.waiting() == 1


async def test_without_a_server_nothing_waits_for_one(post: Post) -> None:
    post.server.configured = False
    await post.news("一")
    await post.after(timedelta(0))
    assert (await post.waiting(), post.server.tried) == (0, 0)


# --- What waits for a person ----------------------------------------------------------------------


async def test_a_need_is_mailed_when_its_second_reminder_finds_it_open(post: Post) -> None:
    reminders = Reminders(post.stage.store, now=post.stage.clock)
    await post.need()
    await post.stage.told()  # it arrived in chat
    await post.after(6 * MINUTE)
    assert await post.waiting() == 0
    post.stage.now += 4 * MINUTE
    await post.stage.work(reminders.perform, TaskKind.REMIND)
    await post.after(2 * MINUTE)
    assert post.server.letters == []
    post.stage.now += 18 * MINUTE
    await post.stage.work(reminders.perform, TaskKind.REMIND)
    await post.after(timedelta(0), MINUTE)
    (letter,) = post.server.letters
    assert letter.subject == "【鱼桥】有事在等你处理"
    assert "待处理 1｜没有发货规则\n键盘" in letter.text
    assert "处理：https://hub.example/needs" in letter.text
    assert "引用" not in letter.text


async def test_a_need_that_does_not_arrive_in_chat_is_mailed_once(post: Post) -> None:
    await post.need()
    await post.after(timedelta(0), 4 * MINUTE)
    assert post.server.tried == 0
    await post.after(MINUTE, 10 * MINUTE)
    assert len(post.server.letters) == 1


async def test_the_brake_is_mailed_at_once(post: Post) -> None:
    stage = post.stage
    await stage.store.write(
        lambda tx: open_need(tx, stage.shop, NeedKind.BRAKE, detail="太快", now=stage.now)
    )
    await post.after(MINUTE)
    (letter,) = post.server.letters
    assert letter.subject == "【鱼桥】发货异常，全店已自动急停"


async def test_an_empty_pool_is_mailed_and_no_card_is_in_it(post: Post) -> None:
    stage = post.stage
    by = Cause(None, "test")

    def unit(tx: Tx) -> CardId:
        pool = tx.pools.add(stage.shop, name="月卡", kind=PoolKind.CODES, low_at=1, now=stage.now)
        batch = tx.card_records.new_batch(stage.shop, pool.id, "", by=by, now=stage.now)
        tx.cards.add(stage.shop, pool.id, ["SECRET-CARD-1"], batch=batch, now=stage.now)
        tell_stock(tx, stage.shop, pool.id, stage.now)
        card = tx.cards.by_code(stage.shop, "SECRET-CARD-1")
        assert card is not None
        return card.id

    def use(tx: Tx) -> None:
        (pool,) = tx.pools.all(stage.shop)
        tx.cards.void(stage.shop, card, by=by, now=stage.now)
        tell_stock(tx, stage.shop, pool.id, stage.now)

    card = await stage.store.write(unit)
    assert await post.waiting() == 0  # low is for the chat alone
    await stage.store.write(use)
    await post.after(MINUTE)
    (letter,) = post.server.letters
    assert "卡池「月卡」已经没有可用的卡密了" in letter.text
    assert "SECRET" not in letter.subject + letter.text


# --- Trouble --------------------------------------------------------------------------------------


async def test_a_wrong_login_pauses_all_mail_and_is_told_in_chat_once(post: Post) -> None:
    post.server.answers = [REFUSED]
    await post.news("一")
    await post.after(MINUTE)
    assert any("邮件通知寄不出去：不认用户名或密码" in one for one in await post.stage.told())
    await post.news("二", Urgent.STOCK)
    await post.after(2 * MINUTE, 5 * MINUTE, 5 * MINUTE)
    assert post.server.tried == 1
    await post.after(4 * MINUTE)
    assert post.server.tried == 2
    assert not any("寄不出去" in one for one in await post.stage.told())

    post.server.answers = [None]
    await post.after(15 * MINUTE)
    assert [one.subject for one in post.server.letters] == [
        "【鱼桥】2 件急事：账号要你处理、卡密发完了"
    ]
    assert await post.stage.store.read(lambda tx: tx.mail_troubles.get(post.stage.shop)) is None


async def test_a_server_that_locks_out_is_not_asked_for_each_member(post: Post) -> None:
    stage = post.stage
    await stage.store.write(
        lambda tx: tx.members.add(
            stage.shop, "小李", Role.AGENT, email="li@example.org", now=stage.now
        )
    )
    post.server.answers = [REFUSED, None]
    await post.news("一")
    await post.after(MINUTE, 5 * MINUTE)
    assert post.server.tried == 1
    await post.after(10 * MINUTE)
    assert sorted(one.to for one in post.server.letters) == [BOSS, "li@example.org"]


async def test_a_restart_with_other_settings_does_not_wait_for_the_end_of_the_pause(
    post: Post,
) -> None:
    post.server.answers = [REFUSED, None]
    await post.news("一")
    await post.after(MINUTE)
    post.stage.now += MINUTE
    post.mails = post.fresh()
    await post.stage.store.write(lambda tx: tx.outbox.hasten("mail:", post.stage.now))
    await post.after(timedelta(0))
    assert len(post.server.letters) == 1


async def test_a_refused_mailbox_is_given_up_and_told(post: Post) -> None:
    post.server.answers = [Rejected("mail", "send", "对方的邮箱不收"), None]
    await post.news("一")
    await post.after(MINUTE)
    assert await post.waiting() == 0
    (_, told) = await post.stage.told()
    assert "给 b***@example.org 的邮件没有寄到：对方的邮箱不收" in told
    await post.news("二")
    await post.after(MINUTE)
    assert "一" not in post.server.letters[0].text


async def test_greylisting_is_waited_for(post: Post) -> None:
    post.server.answers = [Throttled("mail", "send", "过一会儿"), None]
    await post.news("一")
    await post.after(MINUTE, 4 * MINUTE)
    assert post.server.tried == 1
    await post.after(MINUTE)
    assert len(post.server.letters) == 1


async def test_a_server_out_of_reach_is_tried_again_told_of_after_a_while_and_given_up(
    post: Post,
) -> None:
    post.server.answers = [AWAY]
    await post.news("一")
    await post.after(*[2 * MINUTE] * 14)
    assert post.server.tried > 3
    assert not any("寄不出去" in one for one in await post.stage.told())
    await post.after(*[15 * MINUTE] * 4)
    assert sum("寄不出去" in one for one in await post.stage.told()) == 1
    await post.after(timedelta(hours=24))
    assert (await post.waiting(), post.server.letters) == (0, [])


async def test_a_mail_without_an_answer_is_sent_again_as_the_same_mail(post: Post) -> None:
    """Rather twice than never; but not for ever."""
    post.server.answers = [UNSURE, AWAY, None]
    await post.news("一")
    await post.after(MINUTE)
    await post.news("二")
    await post.after(MINUTE, MINUTE)
    first, second = post.server.letters
    assert first.id == second.id
    assert "二" not in second.text

    post.server.answers = [UNSURE]
    await post.after(*[10 * MINUTE] * 6)
    assert len(post.server.letters) == 5
    assert await post.waiting() == 0


async def test_a_mail_on_the_wire_when_the_hub_died_is_the_same_mail_afterwards(
    post: Post,
) -> None:
    await post.news("一")
    post.server.answers = [RuntimeError("died after the letter left"), None]
    with pytest.raises(RuntimeError):
        await post.after(MINUTE)
    post.mails = post.fresh()
    await post.after(2 * MINUTE)
    first, second = post.server.letters
    assert first.id == second.id


async def test_logs_name_nobodys_mailbox(post: Post) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="DEBUG")
    try:
        post.server.answers = [AWAY, None]
        await post.news("一")
        await post.after(MINUTE, MINUTE)
    finally:
        logger.remove(sink)
    assert len(lines) == 2
    assert BOSS not in "".join(lines)


async def test_mail_alone_counts_as_told(post: Post) -> None:
    stage = post.stage
    await post.member(qq=[])
    for expected in (True, False):
        told = await stage.store.write(
            lambda tx: tell_owners_of_shop(
                tx,
                stage.shop,
                "一",
                key="k",
                now=stage.now,
                urgent=UrgentNews(Urgent.ACCOUNT),
            )
        )
        assert told is expected
    assert OWNER.peer not in str(await stage.told())


async def test_what_joined_another_mail_is_settled_with_it(post: Post) -> None:
    await post.news("一")
    await post.news("二")
    await post.after(MINUTE)
    states = await post.stage.store.read(
        lambda tx: [
            tx.outbox.state(one)
            for one in range(1, 20)
            if (task := tx.outbox.get(one)) and task.kind is TaskKind.MAIL  # type: ignore[arg-type]
        ]
    )
    assert states == [TaskState.DONE, TaskState.DROPPED]


async def test_nothing_urgent_waits_behind_what_is_ordinary(post: Post) -> None:
    await post.news("在吗", Urgent.MESSAGE)
    await post.after(MINUTE)
    assert len(post.server.letters) == 1
    await post.news("还在吗", Urgent.MESSAGE)
    await post.news("登录失效")
    await post.after(MINUTE)
    urgent = post.server.letters[1:]
    assert ["登录失效" in one.text for one in urgent] == [True]
    assert "还在吗" not in urgent[0].text
