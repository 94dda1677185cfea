"""`QQ` with an official bot, the simulated platform, and a store that keeps the credits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nonebot
from qq_stage import FAST, TOKEN, Recorder, eventually

from bots import QQ
from bots.official.adapter import Adapter
from hub.credits import Credits
from hub.model import ChatPeer
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.official import OfficialSim
from hub.sandbox.official_gateway import INTERACTIONS, MESSAGES
from hub.settings import OfficialSettings, QQSettings
from hub.store import open_store

OPENID = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
GROUP = "G0A1B2C3D4E5F607"
BOT = "official:102001234"
PERSON = f"{BOT}/{OPENID}"
THERE = ChatPeer(BOT, "private", PERSON)
IN_GROUP = ChatPeer(BOT, "group", f"{BOT}/{GROUP}")
SECONDS = 30.0


@dataclass
class OfficialDoor:
    """The hub's QQ side, and the platform at its other end."""

    qq: QQ
    sim: OfficialSim
    desk: Recorder
    credits: Credits
    troubles: list[tuple[str, str]] = field(default_factory=list)
    """What the owner is to mend."""
    late: asyncio.Queue[tuple[ChatPeer, str, str]] = field(default_factory=asyncio.Queue)
    """Answers that are kept for later."""

    @property
    def adapter(self) -> Adapter:
        return nonebot.get_adapter(Adapter)

    async def wait_late(self, seconds: float) -> tuple[ChatPeer, str, str]:
        async with asyncio.timeout(seconds):
            return await self.late.get()

    async def heard(self, text: str = "你好", **how: Any) -> None:
        """Somebody writes, and the desk has heard it."""
        before = len(self.desk.heard)
        await self.sim.say(OPENID, text, **how)
        await self.desk.wait_for(before + 1, SECONDS)


def official_settings(sandbox: Sandbox, **more: Any) -> OfficialSettings:
    url = sandbox.urls["official_url"]
    return OfficialSettings(
        **{
            "app_id": sandbox.official.app_id,
            "secret": sandbox.official.secret,
            "api_url": f"{url}/official",
            "auth_url": f"{url}/official/app/getAppAccessToken",
            **more,
        }
    )


@asynccontextmanager
async def open_official(
    folder: Path,
    *,
    operators: Callable[[str], bool] = {PERSON}.__contains__,
    online: bool = True,
    heartbeat_ms: int = 41_250,
    grants: int = MESSAGES | INTERACTIONS,
    **settings: Any,
) -> AsyncIterator[OfficialDoor]:
    async with start_sandbox(SandboxOptions(furnished=False)) as sandbox:
        sim = sandbox.official
        sim.gateway.heartbeat_ms = heartbeat_ms
        sim.gateway.grants = grants
        async with open_store(folder / "hub.db") as store:
            # The hub's clock goes with the platform's.
            credits = Credits(store, now=lambda: datetime.now(UTC) + sim.chats.ahead)
            desk = Recorder()

            async def later(peer: ChatPeer, said: str, key: str) -> None:
                door.late.put_nowait((peer, said, key))

            async def trouble(bot: str, said: str) -> None:
                door.troubles.append((bot, said))

            qq = QQ(
                QQSettings(api_seconds=2.0, official=official_settings(sandbox, **settings)),
                access_token=TOKEN,
                receive=desk.receive,
                is_operator=operators,
                timing=FAST,
                credits=credits,
                later=later,
                trouble=trouble,
            )
            door = OfficialDoor(qq, sim, desk, credits)
            running = asyncio.create_task(qq.run())
            try:
                await eventually(lambda: qq.healthy)
                if online:
                    await sim.wait_online(SECONDS)
                    async with asyncio.timeout(SECONDS):
                        await qq.wait_connected()
                yield door
            finally:
                running.cancel()
                await asyncio.wait({running})


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
