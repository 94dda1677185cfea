"""A hub in a process of its own that can be killed, behind a wire that can be cut."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from hub.app import utc_now
from hub.desk import Desk, Door, Operator
from hub.model import Account, Message, MessageState, Origin, RuleKind
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.onebot import ChatLine
from hub.sandbox.world import DEMO_SELLER, Conversation
from hub.settings import load_settings
from hub.store import open_store
from tests.faults.lives import free_port
from tests.programs import Program
from tests.waiting import wait_until

TOKEN = f"a-token-of-{secrets.token_hex(8)}"
"""Of this process alone: a bridge that is left behind gets in nowhere else."""
LINK_TOKEN = "a-token-of-plugins"
OWNER_QQ = "10002"
GREETING = "在的，直接拍就可以"
KEYWORD = "在吗"
SECONDS = 45.0


class Wire:
    """A TCP relay to the platform that can stop carrying what the hub says."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def hold(self) -> None:
        """From now on nothing of the hub's reaches the platform; the other way stays open."""
        self._flowing.clear()

    def drop(self) -> None:
        """Cut all connections and throw away what was held."""
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._flowing.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Wire]:
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.drop()
            await server.wait_closed()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_platform = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, to_platform}
        try:
            async with asyncio.TaskGroup() as tasks:
                up = tasks.create_task(self._carry(reader, to_platform, self._flowing))
                down = tasks.create_task(self._carry(there, writer, None))
                await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
                up.cancel()
                down.cancel()
        finally:
            self._writers -= {writer, to_platform}
            writer.transport.abort()
            to_platform.transport.abort()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gate: asyncio.Event | None,
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if gate is not None:
                    await gate.wait()
                writer.write(data)
                await writer.drain()


START_SECONDS = 90.0
"""For a whole process on a machine that has much else to do."""


@dataclass
class Rig:
    """The sandbox, the wire, the folder, and a hub process that comes and goes."""

    sandbox: Sandbox
    wire: Wire
    folder: Path
    port: int
    debounce_seconds: float = 0
    program: Program | None = None
    log: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        http, ws = f"http://127.0.0.1:{self.wire.port}", f"ws://127.0.0.1:{self.wire.port}"
        settings = {
            "WEB__HOST": "127.0.0.1",
            "WEB__PORT": str(self.port),
            "DATABASE__PATH": str(self.folder / "hub.db"),
            "QQ__ACCESS_TOKEN": TOKEN,
            "QQ__LINK_TOKEN": LINK_TOKEN,
            "QQ__SEND_SPACING_SECONDS": "0",
            "XIANYU__WS_URL": ws,
            "XIANYU__MTOP_URL": http,
            "XIANYU__PASSPORT_URL": http,
            "XIANYU__UPLOAD_URL": http,
            "REPLIES__DEBOUNCE_SECONDS": str(self.debounce_seconds),
            "XIANYU__SEND_SPACING_SECONDS": "0",
            "XIANYU__ORDER_LIST_SPACING_SECONDS": "0",
            "XIANYU__TOKEN_SPACING_SECONDS": "0",
            "XIANYU__RENEWAL_SPACING_MINUTES": "0",
            "XIANYU__BREAKER_MINUTES": "0",
            "XIANYU__ANSWER_SECONDS": "1",
            "XIANYU__UNCERTAIN_SECONDS": "4",
            "XIANYU__RECONNECT_FIRST_SECONDS": "0.05",
            "XIANYU__RECONNECT_MOST_SECONDS": "0.2",
            "LOG__LEVEL": "INFO",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("YUQIAO_")}
        return {**kept, **{f"YUQIAO_{name}": value for name, value in settings.items()}}

    # --- the hub's life ---

    async def start(self) -> None:
        """Start a hub and wait until its account is online."""
        log = self.folder / "hub.log"
        self.program = Program("serve", env=self.environment, out=log, err=log)
        await wait_until(self._is_ready, START_SECONDS)

    async def _is_ready(self) -> bool:
        assert self.program is not None
        assert self.program.alive, f"the hub has ended by itself: {self.program.tail()}"
        with suppress(aiohttp.ClientError):
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"http://127.0.0.1:{self.port}/health") as response,
            ):
                return response.status == 200
        return False

    async def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is finished."""
        assert self.program is not None
        self.program.signal(signal.SIGKILL)
        await self.program.over()
        self.program = None

    async def stop(self) -> int | None:
        """SIGTERM; returns the exit code."""
        assert self.program is not None
        self.program.signal(signal.SIGTERM)
        code, self.program = await self.program.over(), None
        return code

    # --- people ---

    def conversation(self, buyer: str) -> Conversation:
        return self.sandbox.world.conversation_of(DEMO_SELLER, buyer)

    async def buyer_says(self, buyer: str, text: str) -> None:
        await self.sandbox.stage.say(self.conversation(buyer), [{"text": text}])

    def answers(self, buyer: str) -> list[str]:
        return [one.summary for one in self.conversation(buyer).messages if one.own]

    def notices(self) -> list[ChatLine]:
        return self.sandbox.qq.bot_lines("private", OWNER_QQ)

    async def wait_for_notice(self, part: str) -> ChatLine:
        return await self.sandbox.qq.wait_for_line(
            "private", OWNER_QQ, lambda line: line.sender != OWNER_QQ and part in line.text, SECONDS
        )

    async def until(self, met: Callable[[], bool], what: str) -> None:
        assert await self.sandbox.world.bell.until(met, SECONDS), f"waited in vain for {what}"

    # --- the truth ---

    async def stored(self, *, guest: bool = False) -> list[Message]:
        """Every message the hub has stored; `guest` while a hub runs on the same file."""
        async with open_store(self.folder / "hub.db", now=utc_now, guest=guest) as store:
            shop = await store.read(lambda tx: tx.shops.default())
            lines = await store.read(lambda tx: tx.conversations.recent(shop, limit=1000))
            found: list[Message] = []
            for line in lines:
                id_ = line.conversation.id
                found += await store.read(
                    lambda tx, id_=id_: tx.messages.of_conversation(shop, id_, limit=1000)
                )
            return found

    async def check_invariants(self) -> None:
        """What must hold after every fault, with the hub stopped."""
        stored = await self.stored()
        said = {
            one.stamp.id
            for conversation in self.sandbox.world.conversations.values()
            for one in conversation.messages
            if not one.own and not one.system
        }
        from_buyers = [m.platform_id for m in stored if m.origin is Origin.BUYER]
        assert sorted(from_buyers) == sorted(said), "each buyer message is stored exactly once"
        for conversation in self.sandbox.world.conversations.values():
            uuids = [one.uuid for one in conversation.messages if one.own and one.uuid]
            assert len(uuids) == len(set(uuids)), "no message of ours reached the buyer twice"
        unfinished = {MessageState.QUEUED, MessageState.SENDING}
        left = [m for m in stored if m.ours and m.state in unfinished]
        assert not left, f"no task is lost: {left}"


async def furnish(folder: Path, cookies: str, environment: dict[str, str]) -> Account:
    """What an owner has set up before the hub starts."""
    settings = load_settings(env=environment)
    async with open_store(settings.database.path, now=utc_now) as store:
        desk = Desk(store, settings, utc_now)
        founded = await desk.members.found_shop(
            name="店主", password="a long password", qq=[OWNER_QQ]
        )
        operator = Operator(founded.login.operator.member, Door.CLI)
        await desk.rules.add(operator, kind=RuleKind.KEYWORD, keywords=[KEYWORD], reply=GREETING)
        return await desk.accounts.add(operator, "小店", cookies)


@asynccontextmanager
async def open_rig(folder: Path, *, dial: bool = True) -> AsyncIterator[Rig]:
    """A sandbox with QQ dialling the hub's port, a wire, and a furnished database; no hub yet.

    `dial` False: QQ is nobody's before a test connects it.
    """
    port = free_port()
    options = SandboxOptions(
        list_quiet_seconds=0,
        onebot_url=f"ws://127.0.0.1:{port}/onebot/v11/ws" if dial else "",
        onebot_token=TOKEN,
        onebot_reconnect_seconds=0.05,
    )
    async with start_sandbox(options) as sandbox:
        platform = int(sandbox.origin.rpartition(":")[2])
        async with Wire(platform).open() as wire:
            rig = Rig(sandbox, wire, folder, port)
            await furnish(folder, sandbox.cookies(), rig.environment)
            try:
                yield rig
            finally:
                if rig.program is not None:
                    await rig.kill()
