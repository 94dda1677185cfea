"""A shop whose buyers are answered by rules, by a model that says what it is told to, or by people;
everything as in production but the model and the platform."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from hub.album import Album
from hub.answers import Replies
from hub.assist import Assist
from hub.bargains import answer_offer
from hub.desk import Desk, Door, Operator
from hub.inbound import Inbound
from hub.model import (
    Account,
    AiAnswer,
    AiFailure,
    AiLimits,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    AiTry,
    BuyerMessage,
    Conversation,
    Event,
    Intent,
    Item,
    Member,
    Message,
    MessageState,
    Origin,
    OwnMessage,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Question,
    Role,
    RuleKind,
    SendNotice,
    TaskKind,
    TaskState,
    Text,
)
from hub.outbound import AiAnswers, BuyerSends, Claim, Uploads
from hub.pacing import Pacer
from hub.settings import AssistSettings, BargainSettings, ReplySettings, Settings
from hub.store import Store, Tx, open_store
from hub.suggesting import why_no_ai
from hub.text import plain
from hub.xianyu import Sent, Session

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
THREAD = PlatformConversation("60010020030")
BUYER = PlatformUser("3100444455556")
ITEM, OTHER_ITEM = "880011223344", "880011223355"
WAIT = timedelta(seconds=3)
AI = AssistSettings(base_url="http://127.0.0.1:9/v1", model="m", api_key="sk-of-the-file")


@dataclass
class FakeModel:
    """Says `answers` one after the other, the last one for ever; `meanwhile` happens first."""

    answers: list[AiAnswer | AiFailure]
    meanwhile: Callable[[], Awaitable[object]] | None = None
    asked: list[Question] = field(default_factory=list)

    async def suggest(
        self, question: Question, profiles: Sequence[AiProfile]
    ) -> AiAnswer | AiFailure:
        self.asked.append(question)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def suggestion(
    words: str = "可以用一个月",
    *,
    intent: Intent = Intent.QUESTION,
    confidence: float = 0.9,
) -> AiAnswer:
    once = AiTry(AiProfileId(0), "设置文件", 1, 10, 5, 0.1)
    return AiAnswer(words, intent, confidence, "zh", once.profile, once.name, 10, 5, 0.1, (once,))


@dataclass
class FakeSession:
    said: list[str] = field(default_factory=list)

    async def send(self, conversation: object, to: object, content: Any, *, uuid: str) -> Sent:
        self.said.append(plain(content))
        return Sent(PlatformMessage(f"99{len(self.said):011}.PNM"), None)


@dataclass
class Shop:
    store: Store
    owner: Member
    account: Account
    folder: Path
    mark_read: Literal["answered", "always", "never"] = "answered"
    now: datetime = START
    model: FakeModel = field(default_factory=lambda: FakeModel([suggestion()]))
    session: FakeSession = field(default_factory=FakeSession)
    desk: Desk = field(init=False)
    inbound: Inbound = field(init=False)
    ai: AiAnswers = field(init=False)
    sends: BuyerSends = field(init=False)
    _heard: int = 0
    _replies: Replies = field(init=False)
    _album: Album = field(init=False)

    def __post_init__(self) -> None:
        bargain = BargainSettings()
        settings = ReplySettings(debounce_seconds=WAIT.total_seconds(), mark_read=self.mark_read)
        replies = Replies(
            settings,
            ZONE,
            why_no_ai=lambda tx, _, talk, at: why_no_ai(tx, AI, talk, at, ZONE),
            hear_offer=lambda tx, talk, said, message, at: answer_offer(
                tx, talk, said, message, bargain, at
            ),
        )
        self.inbound = Inbound(self.store, settings, self.clock, replies)
        album = Album(self.folder / "pictures", lambda _: None, most_bytes=1_000_000)
        self._replies, self._album = replies, album
        self.ai = self.ai_that_counts(lambda *_: None)
        self.sends = BuyerSends(
            self.store,
            lambda _: cast(Session, self.session),
            Uploads(self.store, album, lambda _: None),
            pacer=Pacer(0),
            look_for=timedelta(seconds=30),
            now=self.clock,
        )
        self.desk = Desk(self.store, Settings(), self.clock)

    def ai_that_counts(self, count: Callable[[str, AiAnswer | AiFailure], None]) -> AiAnswers:
        return AiAnswers(
            self.store,
            cast(Assist, self.model),
            self._replies,
            self._album,
            lambda _: None,
            AI,
            bargain=BargainSettings(),
            more_words="",
            zone=ZONE,
            now=self.clock,
            count=count,
        )

    def clock(self) -> datetime:
        return self.now

    @property
    def operator(self) -> Operator:
        return Operator(self.owner, Door.WEB)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # --- what happens -------------------------------------------------------------------------

    async def take_in(self, *events: Event) -> None:
        await self.inbound.take_in(self.account, events)

    async def hears(self, words: str, *, item: str = ITEM, sent_at: datetime | None = None) -> None:
        self._heard += 1
        id_ = PlatformMessage(f"43{self._heard:011}.PNM")
        at = sent_at or self.now
        await self.take_in(BuyerMessage(id_, THREAD, BUYER, "小林", item, Text(words), at))

    async def phone(self, words: str, *, sent_at: datetime | None = None) -> None:
        self._heard += 1
        id_ = PlatformMessage(f"43{self._heard:011}.PNM")
        await self.take_in(OwnMessage(id_, THREAD, None, Text(words), sent_at or self.now))

    async def thinks(self) -> None:
        """The questions that are due are asked and concluded."""
        await self.work(self.ai.perform, TaskKind.ANSWER)

    async def sends_all(self) -> None:
        while await self.work(self.sends.perform, TaskKind.SEND):
            pass

    async def settles(self) -> None:
        """Long enough for all that waits."""
        for _ in range(3):
            self.passes(WAIT.total_seconds())
            await self.thinks()
            await self.sends_all()

    async def work(self, perform: Callable[[Claim], Awaitable[None]], kind: TaskKind) -> int:
        until = self.now + timedelta(minutes=1)
        tasks = await self.store.write(
            lambda tx: tx.outbox.claim("worker", self.now, until, 10, [kind])
        )
        for task in tasks:
            await perform(Claim(task, "worker"))
        return len(tasks)

    async def mode(self, mode: AiMode, *, calls: int = 500) -> None:
        def unit(tx: Tx) -> None:
            limits = AiLimits(calls_per_day=calls)
            tx.ai_scopes.set_shop(self.owner.shop, AiScope(mode=mode), limits, self.now)

        await self.store.write(unit)

    async def keyword(self, word: str, reply: str) -> None:
        await self.desk.rules.add(
            self.operator, kind=RuleKind.KEYWORD, keywords=[word], reply=reply
        )

    async def default(self, reply: str, *, once: bool = False) -> None:
        await self.desk.rules.add(self.operator, kind=RuleKind.DEFAULT, reply=reply, once=once)

    async def says(self, words: str) -> None:
        """A person answers."""
        talk = await self.talk()
        await self.desk.inbox.answer(self.operator, talk.id, words, key=f"{words}:{self.now}")

    # --- what came of it ----------------------------------------------------------------------

    async def talk(self) -> Conversation:
        found = await self.store.read(
            lambda tx: tx.conversations.by_platform(self.owner.shop, self.account.id, THREAD)
        )
        assert found is not None
        return found

    async def messages(self) -> list[Message]:
        talk = await self.talk()
        return await self.store.read(
            lambda tx: tx.messages.of_conversation(self.owner.shop, talk.id, limit=100)
        )

    async def drafts(self) -> list[Message]:
        return [one for one in await self.messages() if one.state is MessageState.DRAFT]

    async def draft(self) -> Message:
        [draft] = await self.drafts()
        return draft

    async def by_ai(self) -> list[Message]:
        return [one for one in await self.messages() if one.origin is Origin.AI]

    async def decided(self) -> list[tuple[str, str]]:
        """Outcome and reason, the newest last."""
        talk = await self.talk()
        made = await self.store.read(
            lambda tx: tx.decisions.of_conversation(self.owner.shop, talk.id, 100)
        )
        return [(one.outcome, one.reason) for one in reversed(made)]

    async def waiting(self) -> dict[TaskKind, int]:
        return await self.store.read(lambda tx: tx.outbox.backlog())

    def everything(self) -> list[str]:
        """All that the database holds."""
        with sqlite3.connect(self.folder / "hub.db") as connection:
            return list(connection.iterdump())

    async def notices(self) -> list[str]:
        """What operators were told since the last time."""
        found = []
        while tasks := await self.store.write(
            lambda tx: tx.outbox.claim("chat", self.now, self.now, 100, [TaskKind.NOTICE])
        ):
            for task in tasks:
                assert isinstance(task.work, SendNotice)
                found.append(task.work.text)
                await self.store.write(
                    lambda tx, task=task: tx.outbox.settle(  # type: ignore[misc]
                        task, "chat", TaskState.DONE, now=self.now
                    )
                )
        return found


@asynccontextmanager
async def open_shop(
    folder: Path,
    *,
    takeover_minutes: int = 10,
    mark_read: Literal["answered", "always", "never"] = "answered",
) -> AsyncIterator[Shop]:
    def unit(tx: Tx) -> tuple[Member, Account]:
        shop = tx.shops.default()
        owner = tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=START)
        account = tx.accounts.add(
            shop,
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=1",
            takeover_minutes=takeover_minutes,
            now=START,
        )
        for id_, title in ((ITEM, "视频会员月卡"), (OTHER_ITEM, "键盘")):
            tx.items.save(shop, account.id, Item(id_, title, on_sale=True), START)
        return owner, account

    async with open_store(folder / "hub.db", now=lambda: START) as store:
        owner, account = await store.write(unit)
        shop = Shop(store, owner, account, folder, mark_read)
        await shop.mode(AiMode.AUTOMATIC)
        yield shop
