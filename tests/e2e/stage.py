"""A whole hub against a whole sandbox: real sockets, real database, real NoneBot, one process."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hub.app import Hub, open_hub
from hub.desk import Door, Operator
from hub.model import Account, AccountState, PlatformConversation, RuleKind, TaskKind
from hub.model import Message as StoredMessage
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.onebot import ChatLine
from hub.sandbox.world import DEMO_SELLER, Conversation, Message
from hub.settings import (
    AssistSettings,
    BackupSettings,
    DatabaseSettings,
    MailSettings,
    QQSettings,
    ReplySettings,
    Settings,
    WebSettings,
    XianyuSettings,
)
from hub.store import ConversationLine, Tx

TOKEN = f"a-token-of-{secrets.token_hex(8)}"
"""Of this process alone: a bridge that is left behind gets in nowhere else."""
OWNER_QQ = "10002"
GREETING = "在的，直接拍就可以"
BUYER = "3100444455556"
OTHER_BUYER = "3100444455557"
NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})
SECONDS = 45.0
"""Deadline of every wait; nothing takes nearly as long."""


def settings_for(
    sandbox: Sandbox,
    folder: Path,
    *,
    debounce_seconds: float = 0,
    mark_read: Any = "answered",
    ai_model: str = "",
    ai: Mapping[str, Any] = NOTHING_MORE,
    mail: MailSettings | None = None,
    login_codes: bool = True,
    qq: Mapping[str, Any] = NOTHING_MORE,
    backup: BackupSettings | None = None,
    **xianyu: Any,
) -> Settings:
    """`ai_model`: answers through the sandbox's model server; empty: there is no AI. `ai`, `qq`:
    further settings of those sections."""
    return Settings(
        mail=mail or MailSettings(),
        backup=backup or BackupSettings(),
        ai=AssistSettings(
            **{
                "base_url": sandbox.urls["ai_url"] if ai_model else "",
                "model": ai_model,
                "api_key": "sk-test",
                **ai,
            }
        ),
        web=WebSettings(host="127.0.0.1", port=0),
        database=DatabaseSettings(path=folder / "hub.db"),
        xianyu=XianyuSettings(
            **{
                "ws_url": sandbox.urls["ws_url"],
                "mtop_url": sandbox.urls["mtop_url"],
                "passport_url": sandbox.urls["passport_url"],
                "upload_url": sandbox.urls["upload_url"],
                "send_spacing_seconds": 0,
                "order_list_spacing_seconds": 0,
                "token_spacing_seconds": 0,
                "renewal_spacing_minutes": 0,
                "breaker_minutes": 0,
                "answer_seconds": 1.0,
                "reconnect_first_seconds": 0.05,
                "reconnect_most_seconds": 0.2,
                **xianyu,
            }
        ),
        replies=ReplySettings(debounce_seconds=debounce_seconds, mark_read=mark_read),
        qq=QQSettings(
            **{
                "access_token": TOKEN,
                "send_spacing_seconds": 0,
                "api_seconds": 1.0,
                "login_codes": login_codes,
                **qq,
            }
        ),
    )


@dataclass
class Stage:
    """What a journey needs at hand."""

    hub: Hub
    sandbox: Sandbox
    operator: Operator
    account: Account

    # --- the buyer's side ---

    def conversation(self, buyer: str = BUYER) -> Conversation:
        return self.sandbox.world.conversation_of(DEMO_SELLER, buyer)

    async def buyer_says(self, *texts: str, buyer: str = BUYER) -> list[str]:
        """All texts in one push."""
        return await self.sandbox.stage.say(self.conversation(buyer), [{"text": t} for t in texts])

    def answers(self, buyer: str = BUYER) -> list[str]:
        """What the buyer has been told, oldest first."""
        return [one.summary for one in self.conversation(buyer).messages if one.own]

    async def wait_for_answer(self, text: str, buyer: str = BUYER) -> Message:
        await self.until(lambda: text in self.answers(buyer), f"{text!r} in {self.answers(buyer)}")
        return next(m for m in self.conversation(buyer).messages if m.own and m.summary == text)

    # --- the operator's side ---

    def notices(self, qq: str = OWNER_QQ) -> list[ChatLine]:
        return self.sandbox.qq.bot_lines("private", qq)

    async def wait_for_notice(self, part: str, qq: str = OWNER_QQ) -> ChatLine:
        return await self.sandbox.qq.wait_for_line(
            "private", qq, lambda line: line.sender != qq and part in line.text, SECONDS
        )

    async def operator_writes(self, text: str, quote: ChatLine | None = None) -> str:
        return await self.sandbox.qq.say_private(
            OWNER_QQ, text, quote=quote.id if quote is not None else None
        )

    # --- both ---

    async def until(self, met: Callable[[], bool], what: str = "a condition") -> None:
        """Wait for something in the sandbox's world. Fails with `what` after the deadline."""
        assert await self.sandbox.world.bell.until(met, SECONDS), f"waited in vain for {what}"

    async def wait_state(self, state: AccountState) -> None:
        await wait_account(self.hub, self.account, lambda a: a.state is state)

    async def read(self, unit: Callable[[Tx], Any]) -> Any:
        return await self.hub.store.read(unit)

    async def recent(self) -> Sequence[ConversationLine]:
        """The inbox."""
        return await self.hub.desk.inbox.conversations(self.operator)

    async def messages(self, buyer: str = BUYER) -> Sequence[StoredMessage]:
        """What the hub has stored of this buyer's conversation, oldest first."""
        shop, account, thread = self.operator.shop, self.account.id, self.conversation(buyer).id
        return await self.read(
            lambda tx: tx.messages.of_conversation(
                shop,
                tx.conversations.by_platform(shop, account, PlatformConversation(thread)).id,
                limit=1000,
            )
        )

    async def settled(self) -> None:
        """Wait until the outbox is empty, but for reminders: these wait for people."""
        async with self.hub.store.changes():
            waits = {TaskKind.REMIND, TaskKind.PING, TaskKind.SUMMARY, TaskKind.DIGEST}
            waits.add(TaskKind.DRAFT)
            while set(await self.read(lambda tx: tx.outbox.backlog())) - waits:
                await self.hub.store.wait_for_tasks(0.05)


async def wait_account(hub: Hub, account: Account, met: Callable[[Account], bool]) -> None:
    async with asyncio.timeout(SECONDS), hub.store.changes() as changes:
        while True:
            found = await hub.store.read(lambda tx: tx.accounts.get(account.shop, account.id))
            if found is not None and met(found):
                return
            await anext(changes)


async def furnish(
    hub: Hub, cookies: str, qq: str = OWNER_QQ, *, proxy: str = ""
) -> tuple[Operator, Account]:
    founded = await hub.desk.members.found_shop(
        name="店主", password="a long password", qq=[qq] if qq else []
    )
    operator = Operator(founded.login.operator.member, Door.CLI)
    await hub.desk.rules.add(operator, kind=RuleKind.KEYWORD, keywords=["在吗"], reply=GREETING)
    account = await hub.desk.accounts.add(operator, "小店", cookies, proxy=proxy)
    return operator, account


@asynccontextmanager
async def open_stage(
    folder: Path, *, qq_online: bool = True, **settings: Any
) -> AsyncIterator[Stage]:
    """A furnished shop, account online, the bot connected to the hub."""
    options = SandboxOptions(list_quiet_seconds=0, onebot_reconnect_seconds=0.05)
    async with (
        start_sandbox(options) as sandbox,
        open_hub(settings_for(sandbox, folder, **settings)) as hub,
    ):
        operator, account = await furnish(hub, sandbox.cookies())
        stage = Stage(hub, sandbox, operator, account)
        await stage.wait_state(AccountState.ONLINE)
        if qq_online:
            sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
            await sandbox.qq.wait_online(SECONDS)
        yield stage
