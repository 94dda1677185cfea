"""A shop with an account and a conversation, and a writer that can be held up for a while."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from hub.model import (
    Account,
    AccountId,
    ChatPeer,
    Conversation,
    ConversationId,
    MessageId,
    Origin,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    SendMessage,
    SendNotice,
    ShopId,
    Task,
    TaskId,
    Text,
)
from hub.store import Database, Store, Tx, copy_in, kept_shut

T = TypeVar("T")
Opener = Callable[[], AbstractAsyncContextManager[Store]]

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PEER = ChatPeer("", "private", "10002")
NOTICE = SendNotice(PEER, "买家：在吗", ConversationId(1))
SEND = SendMessage(AccountId(1), ConversationId(1), MessageId(1))
WAIT = 30.0
"""Seconds after which something that should have happened counts as never happening."""


def at(seconds: float = 0) -> datetime:
    return START + timedelta(seconds=seconds)


def pid(number: int) -> PlatformMessage:
    return PlatformMessage(f"{4300000000000 + number}.PNM")


def bring_back(copy: Path, database: Database) -> None:
    with kept_shut(database) as alone:
        copy_in(copy, database, alone)


@dataclass(slots=True)
class Stage:
    store: Store
    shop: ShopId
    account: Account
    conversation: Conversation
    _outgoing: int = field(default=0)

    async def do(self, unit: Callable[[Tx], T]) -> T:
        return await self.store.write(unit)

    # --- for use inside units ---

    def hear(self, tx: Tx, number: int, text: str = "在吗", seconds: float = 0) -> MessageId | None:
        """The buyer says something."""
        return tx.messages.add_in(
            self.shop,
            self.account.id,
            self.conversation.id,
            platform_id=pid(number),
            origin=Origin.BUYER,
            content=Text(text),
            sent_at=at(seconds),
            now=at(seconds),
        )

    def say(self, tx: Tx, text: str = "在的", seconds: float = 0) -> MessageId:
        """We are going to say something."""
        self._outgoing += 1
        message = tx.messages.add_out(
            self.shop,
            self.account.id,
            self.conversation.id,
            key=f"stage:{self._outgoing}",
            origin=Origin.OPERATOR,
            content=Text(text),
            now=at(seconds),
        )
        assert message is not None
        return message

    def echo(self, tx: Tx, number: int, text: str = "在的", seconds: float = 0) -> MessageId | None:
        """An own message arrives; what is not ours was written on the phone, as in `inbound`."""
        found = tx.messages.match_echo(
            self.shop,
            self.account.id,
            self.conversation.id,
            platform_id=pid(number),
            content=Text(text),
            now=at(seconds),
            sent_at=at(seconds),
        )
        if found is not None:
            return found
        tx.messages.add_in(
            self.shop,
            self.account.id,
            self.conversation.id,
            platform_id=pid(number),
            origin=Origin.PHONE,
            content=Text(text),
            sent_at=at(seconds),
            now=at(seconds),
        )
        return None

    def enqueue(self, tx: Tx, lane: str, key: str, due: float = 0) -> TaskId:
        task = tx.outbox.enqueue(self.shop, NOTICE, lane=lane, key=key, due_at=at(due))
        assert task is not None
        return task

    def claim(self, tx: Tx, holder: str = "one", now: float = 0, limit: int = 100) -> list[Task]:
        return tx.outbox.claim(holder, at(now), at(now + 60), limit)


def furnish(tx: Tx) -> tuple[ShopId, Account, Conversation]:
    shop = tx.shops.default()
    account = add_account(tx, shop, "1")
    conversation = tx.conversations.upsert(
        shop,
        account.id,
        PlatformConversation("60010020030"),
        buyer=PlatformUser("3100444455556"),
        buyer_name="买家小林",
        item_id="900100200300",
        item_title="键盘",
    )
    return shop, account, conversation


def add_account(tx: Tx, shop: ShopId, number: str) -> Account:
    return tx.accounts.add(
        shop,
        name=f"店{number}",
        user=PlatformUser(f"220011112222{number}"),
        device_id=f"device-{number}",
        cookies=f"unb={number}; cookie2=secret-{number}",
        takeover_minutes=10,
        now=at(),
    )


@asynccontextmanager
async def writer_held_up(store: Store) -> AsyncIterator[None]:
    """Units that are written inside wait, and are committed together afterwards."""
    started = asyncio.Event()
    go_on = threading.Event()
    loop = asyncio.get_running_loop()

    def occupy(_tx: Tx) -> None:
        loop.call_soon_threadsafe(started.set)
        assert go_on.wait(WAIT)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(store.write(occupy))
        async with asyncio.timeout(WAIT):
            await started.wait()
        try:
            yield
        finally:
            go_on.set()


async def yield_to_others() -> None:
    """Let tasks that were just created run up to their first wait."""
    for _ in range(3):
        await asyncio.sleep(0)
