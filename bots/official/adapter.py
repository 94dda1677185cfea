"""The official QQ bot over a line of the hub's own; events and the bot class are adapter-qq's.

Its stock adapter gives up for good when the platform cannot be reached at the start, starts an
unordered and unbounded task per event, and drops events that lack a field nobody needs. Those are
the parts that are ours here. Events come through the gateway, which needs no address of ours that
could be reached from outside; the webhook is not offered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

from loguru import logger
from nonebot.adapters import Adapter as BaseAdapter
from nonebot.adapters import Bot as BaseBot
from nonebot.adapters.qq import Adapter as StockAdapter
from nonebot.adapters.qq import Bot as StockBot
from nonebot.adapters.qq.config import BotInfo
from nonebot.adapters.qq.exception import ApiNotAvailable
from nonebot.adapters.qq.models import User
from nonebot.drivers import URL

from bots.driver import Driver
from bots.lanes import Lanes
from bots.matcher import Matcher
from bots.official.frames import (
    PRESS,
    Address,
    Frame,
    address_of,
    message_event,
    press_message,
)
from bots.official.gateway import Gateway
from bots.official.platform import Platform
from bots.port import Ear
from bots.refusals import Refusals
from hub.credits import Credits
from hub.errors import PeerError
from hub.model import OperatorMessage
from hub.settings import OfficialSettings
from hub.text import no_button_events

MOST_STRANGERS = 20
"""Messages of people who are no operators that may wait; more are dropped."""
NAME = "鱼桥"


class Bot(StockBot):
    """Shares the access token with everything else that speaks for this bot."""

    def __init__(self, adapter: Adapter, settings: OfficialSettings) -> None:
        info = BotInfo(id=settings.app_id, secret=settings.secret)
        # It asks of its adapter only where the platform is, and for requests.
        super().__init__(cast(StockAdapter, adapter), settings.bot, info)
        self._token_of = adapter.platform.token

    async def get_access_token(self) -> str:
        return await self._token_of()


class Adapter(BaseAdapter):
    """One official bot."""

    def __init__(
        self,
        driver: Driver,
        *,
        settings: OfficialSettings,
        ear: Ear,
        matcher: Matcher,
        credits: Credits,
        **kwargs: Any,
    ) -> None:
        super().__init__(driver, **kwargs)
        self.refusals = Refusals()
        self.settings = settings
        self.platform = Platform(
            settings, driver.request, seconds=float(self.config.api_timeout or 15)
        )
        self._dialling = driver.dialling
        self._ear = ear
        self._matcher = matcher
        self._credits = credits
        self._bot = Bot(self, settings)
        self._bot.self_info = User(id=settings.app_id, username=NAME, avatar=None)
        self.gateway = Gateway(
            settings.bot,
            self.platform,
            driver.websocket,
            driver.timing,
            presses=settings.buttons,
            take=self._take,
            changed=self._changed,
            without_presses=self._without_presses,
            refusals=self.refusals,
        )
        self._lanes: Lanes[tuple[Address, Frame, tuple[str, int]]] = Lanes(self._handle)
        self._unfinished: set[tuple[str, int]] = set()
        """Sessions and numbers of the events that were taken and are not handled yet."""
        driver.on_startup(self._start)

    @classmethod
    def get_name(cls) -> str:
        return "QQ"

    def get_auth_base(self) -> URL:
        return URL(self.settings.auth_url)

    def get_api_base(self) -> URL:
        return URL(self.settings.api_base)

    async def _start(self) -> None:
        self.driver.task_group.start_soon(self._lanes.run)
        self.driver.task_group.start_soon(self._dialling, self._keep_dialling)

    async def _keep_dialling(self) -> None:
        """From where the line broke off, perhaps another hub's."""
        self._unfinished.clear()
        self.gateway.go_on_from(await self._credits.line(self.settings.bot))
        await self.gateway.run()

    async def _keep_place(self) -> None:
        """Before the oldest event of this session that is not handled yet, so that all that was
        cut short comes again; the desk knows what it had heard."""
        place = self.gateway.place
        open_ones = (seq - 1 for session, seq in self._unfinished if session == place.session)
        place = replace(place, seq=min((place.seq, *open_ones)))
        if not place.session:
            return
        try:
            await self._credits.keep_line(self.settings.bot, place)
        except Exception:  # a line whose place is not kept is still a line
            logger.exception("official bot: its place in the line could not be kept")

    def _without_presses(self, code: int) -> None:
        self.driver.task_group.start_soon(self._tell_trouble, no_button_events(code))

    async def _tell_trouble(self, words: str) -> None:
        try:
            await self._ear.trouble(self.settings.bot, words)
        except Exception:  # whoever cannot be told must not cost the line
            logger.exception("official bot: its owner could not be told")

    def _changed(self) -> None:
        if self.gateway.online:
            # At once: nobody may write for long, and a session that is not kept brings nothing.
            self.driver.task_group.start_soon(self._keep_place)
            self.bot_connect(self._bot)
            self._ear.arrived(self._bot.self_id)
        else:
            self.bot_disconnect(self._bot)
            self._ear.left(self._bot.self_id)

    # --- In -------------------------------------------------------------------------------------

    def sender_of(self, address: Address) -> str:
        """Which of their addresses somebody is known by: as in private if that is a member's, else
        the one that they have in this group alone."""
        if address.in_group and not self._ear.is_operator(address.sender):
            return address.in_group
        return address.sender

    def _take(self, frame: Frame) -> None:
        address = address_of(self._bot.self_id, frame)
        if address is None:
            return
        if self._ear.is_operator(self.sender_of(address)):
            lane = f"{address.peer.scene}/{address.peer.peer}"
        elif self._lanes.waiting("strangers") < MOST_STRANGERS:
            lane = "strangers"
        else:
            return
        place = (self.gateway.place.session, frame.get("s") or 0)
        if not self._lanes.offer(lane, (address, frame, place)):
            logger.error("official bot: too many messages are waiting, one was dropped")
            return
        if isinstance(frame.get("s"), int):
            self._unfinished.add(place)

    async def _handle(self, arrived: tuple[Address, Frame, tuple[str, int]]) -> None:
        address, frame, place = arrived
        try:
            await self._hear(address, frame)
        except ValueError as error:
            logger.warning("official bot: unreadable message: {}", type(error).__name__)
        except Exception:  # one message must not end the work on all others
            logger.exception("official bot: a message could not be handled")
        self._unfinished.discard(place)  # not if it was cut short
        await self._keep_place()

    async def _hear(self, address: Address, frame: Frame) -> None:
        await self._credits.hear(address.peer, address.anchor, address.kind)
        message = await self._read(address, frame)
        if message is not None:
            await self._ear.hear(message)
        await self._credits.wake(address.peer)

    async def _read(self, address: Address, frame: Frame) -> OperatorMessage | None:
        sender = self.sender_of(address)
        if frame.get("t") == PRESS:
            await self._acknowledge(str(frame["d"].get("id") or ""))
            return press_message(frame, address, sender)
        event = message_event(frame, address)
        await self._bot.handle_event(event)
        return self._matcher.take(event)

    async def _acknowledge(self, press: str) -> None:
        try:
            await self.platform.acknowledge(press)
        except PeerError as error:
            logger.info("official bot: a button was not acknowledged: {}", error)

    # --- Actions --------------------------------------------------------------------------------

    async def _call_api(self, bot: BaseBot, api: str, **data: Any) -> Any:
        """For whoever speaks through NoneBot; the port has its own ways."""
        handler: Callable[..., Awaitable[Any]] | None = getattr(Bot, api, None)
        if handler is None:
            raise ApiNotAvailable
        return await handler(bot, **data)
