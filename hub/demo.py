"""Hub and sandbox in one go, furnished, so that everything can be tried without any account."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from hub.app import Hub, open_hub
from hub.desk import Door, Operator
from hub.model import PoolKind, Role, RuleKind
from hub.sandbox import Sandbox, SandboxOptions, blank, start_sandbox
from hub.settings import (
    AssistSettings,
    BackupSettings,
    DatabaseSettings,
    LogSettings,
    QQSettings,
    ReplySettings,
    Settings,
    WebSettings,
    XianyuSettings,
)

OWNER = "店主"
ACCOUNT = "演示店"
GREETING = "在的，亲～这款有现货，直接拍下就可以，付款后马上发货。"
POOL = "月卡"
CARDS = 20
MODEL = "sandbox-mini"
"""It thinks nothing, and costs nothing."""
LOOPBACK = "127.0.0.1"

COLOURS = ((46, 125, 122), (196, 107, 72), (94, 84, 142))
"""Of the pictures of items."""


@dataclass(frozen=True, slots=True)
class Demo:
    hub: Hub
    sandbox: Sandbox
    password: str
    admin_url: str
    playground_url: str


@asynccontextmanager
async def open_demo(
    *, port: int, host: str = LOOPBACK, log_level: str = "WARNING", model: str = MODEL
) -> AsyncIterator[Demo]:
    """A furnished shop on a database that is thrown away afterwards.

    `port` is the hub's; when another program has it, a free one is taken instead. `model` drafts
    answers; empty: nobody does.
    """
    port = _free_port(host, port)
    token, password = secrets.token_urlsafe(16), _pronounceable()
    options = SandboxOptions(
        onebot_url=f"ws://{LOOPBACK}:{port}/onebot/v11/ws",
        onebot_token=token,
        onebot_reconnect_seconds=0.5,
        hub_url=f"http://{LOOPBACK}:{port}",
        list_quiet_seconds=0,
    )
    with tempfile.TemporaryDirectory(prefix="yuqiao-demo-") as folder:
        async with start_sandbox(options) as sandbox:
            settings = Settings(
                web=WebSettings(host=host, port=port),
                database=DatabaseSettings(path=Path(folder) / "demo.db"),
                xianyu=XianyuSettings(
                    ws_url=sandbox.urls["ws_url"],
                    mtop_url=sandbox.urls["mtop_url"],
                    passport_url=sandbox.urls["passport_url"],
                    upload_url=sandbox.urls["upload_url"],
                    send_spacing_seconds=0.2,
                    token_spacing_seconds=0,
                ),
                replies=ReplySettings(debounce_seconds=0),
                ai=AssistSettings(base_url=sandbox.urls["ai_url"] if model else "", model=model),
                qq=QQSettings(access_token=token, send_spacing_seconds=0.05),
                log=LogSettings.model_validate({"level": log_level}),
                backup=BackupSettings(enabled=False),  # nothing of it outlives the demo
            )
            _show_items(sandbox)
            async with open_hub(settings) as hub:
                await _furnish(hub, sandbox, options, password)
                yield Demo(
                    hub,
                    sandbox,
                    password,
                    f"http://{LOOPBACK}:{port}",
                    sandbox.urls["playground_url"],
                )


async def run_demo(*, port: int) -> None:
    """Print the addresses and stay until Ctrl+C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_demo(port=port) as demo:
        print(
            "\n鱼桥演示已启动（数据是临时的，停止后清空）\n\n"
            f"  试用页面  {demo.playground_url}\n"
            "            左边是买家的手机，右边是你的 QQ：用买家身份发「在吗」试试；\n"
            "            问「这个多少钱」，QQ 里会有一份 AI 草稿，引用它回「好」就发出去；\n"
            "            再点「拍下」「付款」，卡密就自动发到买家手机上\n"
            f"  管理后台  {demo.admin_url}\n"
            f"            名字 {OWNER}　密码 {demo.password}\n\n"
            "按 Ctrl+C 停止\n",
            flush=True,
        )
        await stop.wait()


def _show_items(sandbox: Sandbox) -> None:
    """Their pictures come from here too: a demo asks nobody outside."""
    for item, colour in zip(sandbox.world.items.values(), cycle(COLOURS), strict=False):
        picture = sandbox.pictures.add(blank(480, 480, colour=colour))
        item.picture = sandbox.pictures.url(picture)


async def _furnish(hub: Hub, sandbox: Sandbox, options: SandboxOptions, password: str) -> None:
    desk = hub.desk
    founded = await desk.members.found_shop(name=OWNER, password=password, qq=[options.operator_id])
    operator = Operator(founded.login.operator.member, Door.CLI)
    assert operator.member.role is Role.OWNER  # noqa: S101
    await desk.rules.add(
        operator, kind=RuleKind.KEYWORD, keywords=["在吗", "在嘛", "有人吗"], reply=GREETING
    )
    pool = await desk.stock.create(
        operator,
        name=POOL,
        kind=PoolKind.CODES,
        template="{buyer_name}你好，这是你的卡密，收到请确认收货：\n{DELIVERY_CONTENT}",
        low_at=5,
    )
    codes = "\n".join(
        f"DEMO-{number:04d}-{secrets.token_hex(3).upper()}" for number in range(CARDS)
    )
    await desk.restock.add(operator, pool.id, codes)
    seller = next(iter(sandbox.world.sellers.values()))
    goods = [item for item in sandbox.world.items.values() if item.skus]
    await desk.delivery_rules.add(
        operator, pool=pool.id, items=[item.id for item in goods], fallback=True
    )
    await desk.accounts.add(operator, ACCOUNT, sandbox.cookies(seller.user))


def _free_port(host: str, wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted


def _pronounceable() -> str:
    """Random, and easy to type on a phone."""
    parts = (
        "".join(secrets.choice("bdfhjkmnprstwxyz") + secrets.choice("aeiou") for _ in range(2))
        for _ in range(3)
    )
    return "-".join(parts)
