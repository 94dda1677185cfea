"""Milky over the hub's own client; models, messages and the bot class are adapter-milky's.

Its stock adapter reads its servers from the environment, starts an unordered and unbounded task per
event, drops an event over one field that is missing, and says nothing about a wrong token but a
traceback every three seconds. Those are the parts that are ours here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from random import uniform
from typing import Any

import aiohttp
from loguru import logger
from nonebot.adapters import Adapter as BaseAdapter
from nonebot.adapters import Bot as BaseBot
from nonebot.adapters.milky.bot import Bot
from nonebot.adapters.milky.config import ClientInfo
from nonebot.adapters.milky.event import MessageEvent
from nonebot.adapters.milky.exception import (
    ActionFailed,
    ApiNotAvailable,
    InvalidAccessToken,
    NetworkError,
    UnsupportedApi,
)
from nonebot.adapters.milky.utils import (
    API,
    clean_params,
    handle_api_result,
    raise_api_response,
)
from nonebot.drivers import URL, Request, WebSocket
from nonebot.exception import WebSocketClosed
from nonebot.utils import DataclassEncoder

from bots.driver import Driver
from bots.inbox import Inbox
from bots.matcher import Matcher
from bots.memory import Memory, Said
from bots.milky.frames import (
    Address,
    address_of,
    message_event,
    message_id,
    quoted_message,
    segments_text,
)
from bots.milky.outcomes import LONGEST_REASON, NOT_LOGGED_IN, NoAnswer, NotSent
from bots.port import Ear
from bots.refusals import ELSEWHERE, Refusals

Frame = dict[str, Any]


class Server(ClientInfo):
    """Where a bot is reached; unlike the adapter's own, an address may have a path."""

    base: str

    def get_url(self, route: str) -> str:
        return str(URL(self.base) / "api" / route)

    def ws_url(self) -> URL:
        events = URL(self.base) / "event"
        return events.with_scheme("wss" if events.scheme == "https" else "ws")


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the adapter needs from the hub."""

    access_token: str
    urls: tuple[str, ...]
    ear: Ear
    matcher: Matcher
    memory: Memory


@dataclass(frozen=True, slots=True)
class _Arrived:
    bot: Bot
    address: Address
    message: Frame


class Adapter(BaseAdapter):
    """One event connection per server, for as long as QQ is logged in there."""

    def __init__(self, driver: Driver, *, wiring: Wiring, **kwargs: Any) -> None:
        super().__init__(driver, **kwargs)
        self.timing = driver.timing
        self._dialling = driver.dialling
        self.refusals = Refusals()
        self._wiring = wiring
        self._connected: dict[str, tuple[Bot, WebSocket]] = {}
        self._inbox: Inbox[_Arrived] = Inbox(wiring.ear.is_operator, self._handle)
        if wiring.urls:
            driver.on_startup(self._start)

    @classmethod
    def get_name(cls) -> str:
        return "Milky"

    def connected(self) -> tuple[str, ...]:
        """Ids of the bots that can be used now, longest connected first."""
        return tuple(self._connected)

    def host_of(self, bot: str) -> str:
        """Where that bot's server is; empty when it is not connected."""
        return str(getattr(self._connected[bot][1], "host", "")) if bot in self._connected else ""

    async def _start(self) -> None:
        group = self.driver.task_group
        group.start_soon(self._inbox.run)
        for url in self._wiring.urls:
            server = Server(base=url, access_token=self._wiring.access_token or None)
            group.start_soon(self._dialling, partial(self._keep_dialling, server))

    # --- Connections ----------------------------------------------------------------------------

    async def _keep_dialling(self, server: Server) -> None:
        """For ever. What stands in the way is shown on the status page, in the words of people."""
        pause = self.timing.redial_first
        while True:
            reason = ""
            try:
                async with self._open(server) as (bot, socket):
                    if bot.self_id in self._connected:
                        self.refusals.note(bot.self_id, "已经有一个连接，Milky 连接不再重复建立")
                    elif bot.self_id in self.driver.bots:
                        self.refusals.note(bot.self_id, ELSEWHERE)
                    else:
                        pause = self.timing.redial_first
                        await self._converse(bot, socket)
            except InvalidAccessToken:
                reason = "不认可 access token"
            except ActionFailed as error:
                off = error.info.get("retcode") == NOT_LOGGED_IN
                said = str(error.info.get("message"))[:LONGEST_REASON]
                reason = "没有登录 QQ" if off else f"不说自己登录的是谁：{said}"
            except UnsupportedApi:
                reason = "不是 Milky 的地址"
            except aiohttp.WSServerHandshakeError as error:
                denied = error.status in (401, 403)
                reason = "不认可 access token" if denied else f"不是 Milky 的地址（{error.status}）"
            except (aiohttp.ClientError, NetworkError, OSError, TimeoutError):
                reason = "连不上"
            except (WebSocketClosed, ValueError) as error:
                reason = "连接断了"
                logger.info("Milky at {} hung up: {!r}", _place(server), error)
            except Exception:  # one odd server must not cost all other bots their connections
                reason = "说的话看不懂"
                logger.exception("Milky at {} cannot be understood", _place(server))
            if reason:
                self.refusals.note("", f"Milky {_place(server)} {reason}")
            await asyncio.sleep(pause * uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause = min(pause * 2, self.timing.redial_most)

    @asynccontextmanager
    async def _open(self, server: Server) -> AsyncIterator[tuple[Bot, WebSocket]]:
        """The event connection first: what is said while we ask who they are is not lost."""
        request = Request("GET", server.ws_url(), headers=_headers(server))
        async with self.websocket(request) as socket:
            told = await self.call_http(server, "get_login_info", {}, seconds=self.timing.dial)
            number = str(told.get("uin", "")) if isinstance(told, dict) else ""
            if not (number.isascii() and number.isdigit() and int(number)):
                raise ActionFailed(message="没有 uin")  # type: ignore[no-untyped-call]
            yield Bot(self, number, server), socket  # type: ignore[arg-type] # of this adapter

    async def _converse(self, bot: Bot, socket: WebSocket) -> None:
        """One connection from its first to its last frame."""
        self._connected[bot.self_id] = (bot, socket)
        self.bot_connect(bot)
        self.refusals.came(bot.self_id)
        logger.info("QQ bot {} connected through Milky", bot.self_id)
        self._wiring.ear.arrived(bot.self_id)
        try:
            while True:
                frame = _read(await socket.receive())
                if frame.get("event_type") == "message_receive":
                    self._take(bot, frame.get("data"))
                elif frame.get("event_type") == "bot_offline":
                    logger.warning("QQ account {} is offline", bot.self_id)
                    return
        except WebSocketClosed:
            return
        finally:
            del self._connected[bot.self_id]
            self.bot_disconnect(bot)
            logger.info("QQ bot {} disconnected", bot.self_id)
            self._wiring.ear.left(bot.self_id)

    def _take(self, bot: Bot, message: Any) -> None:
        address = address_of(message)
        if address is None:
            return
        if address.sender == bot.self_id:  # some report what the bot said
            self.note_said(bot.self_id, address, segments_text(message.get("segments")))
            return
        arrived = _Arrived(bot, address, message)
        self._inbox.offer(bot.self_id, address.scene, address.peer, address.sender, arrived)

    def note_said(self, bot: str, address: Address, text: str) -> None:
        """Remember what the bot said."""
        named = message_id(address.scene, address.peer, address.seq)
        said = Said(bot, address.scene, address.peer, named, text, datetime.now(UTC))
        self._wiring.memory.note(said)

    async def _handle(self, arrived: _Arrived) -> None:
        bot = arrived.bot
        try:
            event: MessageEvent = message_event(arrived.message, arrived.address, bot.self_id)
        except (ValueError, TypeError) as error:
            logger.warning("QQ bot {}: unreadable message: {}", bot.self_id, type(error).__name__)
            return
        await bot.handle_event(event)
        message = self._wiring.matcher.take(event)
        if message is not None:
            await self._wiring.ear.hear(message)

    # --- Calls ----------------------------------------------------------------------------------

    async def _call_api(self, bot: BaseBot, api: str, **data: Any) -> Any:
        """Raises NotSent, NoAnswer, ActionFailed and the adapter's other errors."""
        if api == "get_message":
            return await self._look_up(bot, **data)
        found = getattr(type(bot), api, None)
        if not isinstance(found, API):
            raise ApiNotAvailable(api)
        return await found(bot, **data)

    async def _look_up(
        self, bot: BaseBot, *, message_scene: str, peer_id: int, message_seq: int
    ) -> Any:
        """From our own memory first, and never for longer than a person waits."""
        scene = "group" if message_scene == "group" else "private"
        address = Address(scene, str(peer_id), "0", int(message_seq))
        said = self._wiring.memory.by_id(bot.self_id, message_id(scene, str(peer_id), message_seq))
        if said is not None:
            words = [{"type": "text", "data": {"text": said.text}}]
            ours = Address(scene, str(peer_id), bot.self_id, int(message_seq))
            return quoted_message({"segments": words}, ours)
        params = {"message_scene": message_scene, "peer_id": peer_id, "message_seq": message_seq}
        told = await self.ask(bot.self_id, "get_message", params, seconds=self.timing.lookup)
        message = told.get("message") if isinstance(told, dict) else None
        return quoted_message(message, address_of(message) or address)

    async def ask(
        self, bot_id: str, action: str, params: Frame, *, seconds: float | None = None
    ) -> Any:
        """Any call of a bot; returns its data. Raises as `call_http`."""
        if bot_id not in self._connected:
            raise NotSent(f"bot {bot_id} is not connected")
        bot, _ = self._connected[bot_id]
        return await self.call_http(bot.info, action, params, seconds=seconds)

    async def call_http(
        self,
        info: ClientInfo,
        action: str,
        params: Frame | None = None,
        *,
        seconds: float | None = None,
    ) -> Any:
        """One call. Raises NotSent, NoAnswer, ActionFailed, InvalidAccessToken, UnsupportedApi."""
        patience = float(self.config.api_timeout or 15) if seconds is None else seconds
        body = json.dumps(clean_params(params or {}), cls=DataclassEncoder)
        headers = {**_headers(info), "Content-Type": "application/json"}
        request = Request(
            "POST", info.get_url(action), content=body, headers=headers, timeout=patience
        )
        try:
            response = await self.request(request)
        except aiohttp.ClientConnectorError as error:
            raise NotSent(f"{action}: cannot connect") from error
        except TimeoutError:
            raise NoAnswer(f"{action}: no answer within {patience:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(f"{action}: the connection broke: {type(error).__name__}") from error
        status = response.status_code
        if status == HTTPStatus.FORBIDDEN:
            raise InvalidAccessToken(f"{action}: HTTP {status}")
        if 400 <= status < 500 and status not in (401, 404):
            raise ActionFailed(retcode=status, message=f"HTTP {status}")  # type: ignore[no-untyped-call]
        raise_api_response(status, f"{action}: HTTP {status}")
        answer = _read(response.content)
        if not answer:
            raise NoAnswer(f"{action}: no JSON in the answer")
        return handle_api_result(answer)


def _headers(info: ClientInfo) -> dict[str, str]:
    return {"Authorization": f"Bearer {info.access_token}"} if info.access_token else {}


def _read(data: Any) -> Frame:
    """The object in a frame or an answer; empty for what is no JSON object."""
    try:
        frame = json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _place(server: Server) -> str:
    """Host and port: the rest of an address may hold a secret."""
    parts = URL(server.base)
    return f"{parts.host}:{parts.port}"
