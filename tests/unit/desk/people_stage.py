"""A shop of two people and one buyer, with a clock to turn and a bot to write to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from hub.attention import heard
from hub.desk import Desk, Door, Operator
from hub.model import (
    Account,
    ChatPeer,
    Conversation,
    Member,
    NoticeKind,
    OperatorMessage,
    Origin,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Role,
    SendNotice,
    TaskKind,
    TaskState,
    Text,
)
from hub.notices import tell_owners
from hub.outbound import Claim, Digests, Pings, Summaries
from hub.settings import Settings
from hub.store import Store, open_store

START = datetime(2026, 11, 4, 4, 0, tzinfo=UTC)
"""Twelve o'clock in the shop."""
BOSS, LI, STRANGER = "10002", "20001", "55555"


@dataclass
class Shop:
    store: Store
    desk: Desk
    clock: list[datetime]
    boss: Member
    li: Member
    account: Account
    lin: Conversation
    ids: Any = field(default_factory=lambda: count(1))

    @property
    def now(self) -> datetime:
        return self.clock[0]

    def wait(self, **span: float) -> None:
        self.clock[0] += timedelta(**span)

    async def write(
        self, sender: str, words: str, *, group: str = "", addressed: bool = True, quoted: str = ""
    ) -> str | None:
        peer = ChatPeer("10001", "group" if group else "private", group or sender)
        message = OperatorMessage(
            peer, sender, str(next(self.ids)), words, quoted_text=quoted, addressed=addressed
        )
        return await self.desk.chat.receive(message)

    async def buyer_says(self, words: str) -> None:
        platform_id, now = PlatformMessage(f"m{next(self.ids)}"), self.now

        def unit(tx: Any) -> None:
            tx.conversations.upsert(
                self.account.shop, self.account.id, self.lin.platform_id, at=now
            )
            message = tx.messages.add_in(
                self.account.shop,
                self.account.id,
                self.lin.id,
                platform_id=platform_id,
                origin=Origin.BUYER,
                content=Text(words),
                sent_at=now,
                newest=None,
                now=now,
            )
            kind = NoticeKind.MESSAGE
            tell_owners(tx, self.lin, words, key=f"n:{message}", now=now, kind=kind)
            heard(tx, self.lin, message, now)

        await self.store.write(unit)

    async def told(self) -> list[tuple[str, str]]:
        """What was told since the last look: to whom, and what."""

        def unit(tx: Any) -> list[tuple[str, str]]:
            found = []
            while tasks := tx.outbox.claim(
                "w", self.now, self.now + timedelta(minutes=1), 50, [TaskKind.NOTICE]
            ):
                for task in sorted(tasks, key=lambda one: one.id):
                    assert isinstance(task.work, SendNotice)
                    found.append((task.id, task.work.peer.peer, task.work.text))
                    tx.outbox.settle(task, "w", TaskState.DONE, now=self.now)
            return [(peer, words) for _, peer, words in sorted(found)]

        return await self.store.write(unit)

    async def work(self) -> list[tuple[str, str]]:
        """Let everything that is due happen; what was told by it."""
        by_kind = {
            TaskKind.PING: Pings(self.store, now=lambda: self.now),
            TaskKind.SUMMARY: Summaries(self.store, now=lambda: self.now),
            TaskKind.DIGEST: Digests(self.store, now=lambda: self.now),
        }
        tasks = await self.store.write(
            lambda tx: tx.outbox.claim(
                "w", self.now, self.now + timedelta(minutes=1), 50, list(by_kind)
            )
        )
        for task in tasks:
            await by_kind[task.kind].perform(Claim(task, "w"))
        return await self.told()

    @property
    def as_boss(self) -> Operator:
        return Operator(self.boss, Door.WEB)

    async def code(self, member: Member) -> str:
        return (await self.desk.binding.make_code(self.as_boss, member.id)).code


@asynccontextmanager
async def open_shop(folder: Path) -> AsyncIterator[Shop]:
    clock = [START]

    def unit(tx: Any) -> Any:
        shop = tx.shops.default()
        boss = tx.members.add(shop, "老板", Role.OWNER, qq=[BOSS], now=START)
        li = tx.members.add(shop, "小李", Role.AGENT, qq=[LI], now=START)
        account = tx.accounts.add(
            shop,
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=1",
            takeover_minutes=10,
            now=START,
        )
        lin = tx.conversations.upsert(
            shop,
            account.id,
            PlatformConversation("60010020031"),
            buyer=PlatformUser("3100444455551"),
            buyer_name="小林",
            at=START,
        )
        return boss, li, account, lin

    async with open_store(folder / "hub.db", now=lambda: clock[0]) as store:
        found = await store.write(unit)
        yield Shop(store, Desk(store, Settings(), lambda: clock[0]), clock, *found)
