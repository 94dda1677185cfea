"""A shop in a real store, a clock to turn, a session and a chat that do as they are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from hub.album import Album
from hub.model import (
    Account,
    AskedBy,
    ChatAbilities,
    ChatPeer,
    Conversation,
    Delivered,
    Event,
    Image,
    Mark,
    Message,
    MessageId,
    Origin,
    Picture,
    PlatformConversation,
    PlatformUser,
    Role,
    SendMessage,
    SendNotice,
    ShopId,
    Task,
    TaskKind,
    TaskState,
    Text,
    chat_lane,
    send_lane,
)
from hub.outbound import BuyerSends, ChatSends, Claim, Uploads
from hub.outbound.chats import NOTHING
from hub.pacing import Pacer
from hub.store import Store, open_store
from hub.xianyu import Client, HistoryPage, Sent, Session

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
OWNER = ChatPeer("", "private", "10002")
ASKED_BY = AskedBy(ChatPeer("10001", "private", "10002"), "77")
LOOK_FOR = timedelta(seconds=30)
HOLDER = "worker"


@dataclass
class FakeSession:
    """Says to `sends` and `pages` what is to happen; the last one happens for ever."""

    sends: list[Sent | Exception] = field(default_factory=lambda: [Sent(None, None)])
    pages: list[Sequence[Event] | Exception] = field(default_factory=lambda: [()])
    said: list[str] = field(default_factory=list)

    async def send(
        self, conversation: object, to: object, content: Text | Image, *, uuid: str
    ) -> Sent:
        self.said.append(content.text if isinstance(content, Text) else content.pictures[0].url)
        return _next(self.sends)

    async def history(self, conversation: object, *, limit: int) -> HistoryPage:
        return HistoryPage(tuple(_next(self.pages)), None)


@dataclass
class FakeClient:
    """Gives uploads and downloads what `uploads` and `downloads` say; the last one for ever."""

    uploads: list[Picture | Exception] = field(default_factory=list)
    downloads: list[bytes | Exception] = field(default_factory=list)
    uploaded: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def upload(self, data: bytes) -> Picture:
        self.uploaded.append(data)
        return _next(self.uploads)

    async def download(self, url: str, *, most_bytes: int) -> bytes:
        self.asked.append(url)
        return _next(self.downloads)


@dataclass
class FakeChat:
    """A bot that does with each text what `answers` says; the last one happens for ever."""

    answers: list[Delivered | Exception]
    found: list[Delivered | Exception | None] = field(default_factory=lambda: [None])
    said: list[str] = field(default_factory=list)
    sought: list[str] = field(default_factory=list)
    shown: list[Sequence[bytes]] = field(default_factory=list)
    reacts: bool = False
    pushes: bool = True
    refuses_signs: Exception | None = None
    signs: list[tuple[str, Mark]] = field(default_factory=list)
    went_on: list[dict[str, str]] = field(default_factory=list)
    """For each text, by bot: the earlier message that it quotes."""

    def abilities(self, peer: ChatPeer) -> ChatAbilities:
        return ChatAbilities(reacts=self.reacts, pushes=self.pushes)

    async def react(self, peer: ChatPeer, message_id: str, mark: Mark) -> None:
        if self.refuses_signs is not None:
            raise self.refuses_signs
        self.signs.append((message_id, mark))

    async def deliver(
        self,
        peer: ChatPeer,
        text: str,
        *,
        quote: str | None = None,
        goes_on: Mapping[str, str] = NOTHING,
        pictures: Sequence[bytes] = (),
    ) -> Delivered:
        delivered = _next(self.answers)
        self.went_on.append(dict(goes_on))
        self.said.append(text)
        self.shown.append(pictures)
        return delivered

    async def find_delivered(self, peer: ChatPeer, text: str, since: datetime) -> Delivered | None:
        self.sought.append(text)
        return _next(self.found)


def _next(outcomes: list[Any]) -> Any:
    outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@dataclass
class Stage:
    store: Store
    shop: ShopId
    account: Account
    conversation: Conversation
    folder: Path
    now: datetime = START
    session: FakeSession | None = None
    client: FakeClient | None = None
    album: Album = field(init=False)
    uploads: Uploads = field(init=False)
    sends: BuyerSends = field(init=False)

    def __post_init__(self) -> None:
        self.album = Album(
            self.folder, lambda _: cast("Client | None", self.client), most_bytes=10_000_000
        )
        self.uploads = Uploads(self.store, self.album, lambda _: cast("Client | None", self.client))
        self.sends = self.sends_at(Pacer(0))

    def sends_at(self, pacer: Pacer) -> BuyerSends:
        return BuyerSends(
            self.store,
            lambda _: cast("Session | None", self.session),
            self.uploads,
            pacer=pacer,
            look_for=LOOK_FOR,
            now=self.clock,
            reacts=lambda peer: peer.scene == "group",
        )

    def clock(self) -> datetime:
        return self.now

    def chats(self, chat: FakeChat) -> ChatSends:
        return ChatSends(
            self.store,
            chat,
            self.album,
            spacing=0,
            now=self.clock,
            silent_after=timedelta(minutes=10),
        )

    async def queue(
        self,
        text: str = "在的",
        *,
        origin: Origin = Origin.OPERATOR,
        asked_by: AskedBy | None = ASKED_BY,
        lifetime: timedelta | None = timedelta(hours=24),
        conversation: Conversation | None = None,
    ) -> MessageId:
        """A message to the buyer, as the desk or a rule queues it."""
        where, now = conversation or self.conversation, self.now

        def unit(tx: Any) -> MessageId:
            message = tx.messages.add_out(
                self.shop,
                where.account,
                where.id,
                key=f"{text}:{now}",
                origin=origin,
                content=Text(text),
                now=now,
            )
            work = SendMessage(where.account, where.id, message, asked_by)
            tx.outbox.enqueue(
                self.shop,
                work,
                lane=send_lane(where.account, where.id),
                key=f"send:{message}",
                due_at=now,
                expires_at=None if lifetime is None else now + lifetime,
            )
            return cast(MessageId, message)

        return await self.store.write(unit)

    async def tell(
        self,
        text: str,
        *,
        lifetime: timedelta = timedelta(hours=24),
        about: Conversation | None = None,
        kind: str = "notice",
    ) -> None:
        """A notice to the owner."""
        notice = SendNotice(OWNER, text, (about or self.conversation).id)
        await self.store.write(
            lambda tx: tx.outbox.enqueue(
                self.shop,
                notice,
                lane=chat_lane(OWNER),
                key=f"{kind}:{text}",
                due_at=self.now,
                expires_at=self.now + lifetime,
            )
        )

    async def tell_need(self, text: str) -> None:
        """Something that waits for a person."""
        notice = SendNotice(OWNER, text, self.conversation.id)
        await self.store.write(
            lambda tx: tx.outbox.enqueue(
                self.shop, notice, lane=chat_lane(OWNER), key=f"need:{text}", due_at=self.now
            )
        )

    async def claim(self, *kinds: TaskKind) -> list[Task]:
        until = self.now + timedelta(seconds=60)
        return await self.store.write(
            lambda tx: tx.outbox.claim(HOLDER, self.now, until, 10, kinds)
        )

    async def work(
        self, perform: Callable[[Claim], Awaitable[None]], *kinds: TaskKind, rounds: int = 1
    ) -> None:
        """Perform what is due, then let the next be due, `rounds` times."""
        for number in range(rounds):
            if number:
                self.now += timedelta(seconds=61)
            for task in await self.claim(*kinds):
                await perform(Claim(task, HOLDER))

    async def send_all(self, rounds: int = 1) -> None:
        await self.work(self.sends.perform, TaskKind.SEND, rounds=rounds)

    async def message(self, id: MessageId) -> Message:
        found = await self.store.read(lambda tx: tx.messages.get(self.shop, id))
        assert found is not None
        return found

    async def told(self) -> list[str]:
        """Takes what operators are to be told out of the outbox."""
        said = []
        while tasks := await self.claim(TaskKind.NOTICE, TaskKind.RECEIPT):
            for task in tasks:
                said.append(cast(Any, task.work).text)
                await self.store.write(
                    lambda tx, task=task: tx.outbox.settle(  # type: ignore[misc]
                        task, HOLDER, TaskState.DONE, now=self.now
                    )
                )
        return said

    async def open_tasks(self) -> dict[TaskKind, int]:
        return await self.store.read(lambda tx: tx.outbox.backlog())


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    async with open_store(folder / "hub.db", now=lambda: START) as store:

        def unit(tx: Any) -> Any:
            shop = tx.shops.default()
            tx.members.add(shop, "店主", Role.OWNER, qq=[OWNER.peer], now=START)
            account = add_account(tx, shop, "小店", "2200111122223")
            return shop, account, add_conversation(tx, account, "60010020030")

        shop, account, conversation = await store.write(unit)
        yield Stage(store, shop, account, conversation, folder / "pictures")


def add_account(tx: Any, shop: ShopId, name: str, user: str) -> Account:
    account = tx.accounts.add(
        shop,
        name=name,
        user=PlatformUser(user),
        device_id="device",
        cookies="unb=1",
        takeover_minutes=10,
        now=START,
    )
    return cast(Account, account)


def add_conversation(tx: Any, account: Account, number: str) -> Conversation:
    conversation = tx.conversations.upsert(
        account.shop,
        account.id,
        PlatformConversation(number),
        buyer=PlatformUser("3100444455556"),
        buyer_name="小林",
        at=START,
    )
    return cast(Conversation, conversation)
