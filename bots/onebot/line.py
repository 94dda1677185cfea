"""One OneBot connection: requests go out, and each answer finds the request it belongs to."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import Any

from aiohttp import ClientError
from nonebot.adapters.onebot.v11 import Bot, NetworkError
from nonebot.drivers import WebSocket
from nonebot.utils import DataclassEncoder

Frame = dict[str, Any]
MOST_OVERDUE = 200


class NotSent(NetworkError):
    """Nothing left this machine."""


class NoAnswer(NetworkError):
    """The request left, or may have; whether it was carried out is not known."""


class Line:
    """The waiter of a request is registered before the request is sent, and belongs to this line.

    So an answer cannot come too early, a second answer to the same request is harmless, and when
    the line ends nobody waits for the rest of their time.
    """

    def __init__(self, bot: Bot, socket: WebSocket) -> None:
        self.bot = bot
        self.socket = socket
        self.account_online = True
        """What the bridge says about QQ itself; False after the account was thrown out."""
        self._ended = False
        self._on_end: Callable[[], object] = _nothing
        self._numbers = count(1)
        self._waiters: dict[str, asyncio.Future[Frame]] = {}
        self._overdue: OrderedDict[str, Callable[[Frame], None]] = OrderedDict()

    async def call(
        self,
        action: str,
        params: Frame,
        *,
        seconds: float,
        late: Callable[[Frame], None] | None = None,
    ) -> Frame:
        """Ask, and wait for the answer frame.

        `late` gets an answer that comes after all, once this has raised. Raises NotSent, NoAnswer.
        """
        if self._ended or self.socket.closed:
            raise NotSent(f"{action}: the connection is gone")
        echo = str(next(self._numbers))
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[echo] = waiter
        request = {"action": action, "params": params, "echo": echo}
        try:
            async with asyncio.timeout(seconds):
                await self.socket.send(json.dumps(request, cls=DataclassEncoder))
                answer: Frame = await waiter
                return answer
        except TimeoutError:
            if late is not None:
                self._overdue[echo] = late
                if len(self._overdue) > MOST_OVERDUE:
                    self._overdue.popitem(last=False)
            raise NoAnswer(f"{action}: no answer within {seconds:g} s") from None
        except (ClientError, ConnectionError, RuntimeError) as error:
            raise NoAnswer(f"{action}: the connection broke while sending") from error
        finally:
            del self._waiters[echo]

    def answer(self, frame: Frame) -> None:
        """Hand over a frame that answers something; unknown and repeated answers are ignored."""
        echo = str(frame.get("echo"))
        waiter = self._waiters.get(echo)
        if waiter is None:
            late = self._overdue.pop(echo, None)
            if late is not None:
                late(frame)
        elif not waiter.done():
            waiter.set_result(frame)

    def when_ended(self, call: Callable[[], object]) -> None:
        """What makes the reader of this line stop."""
        self._on_end = call

    def end(self) -> None:
        """No more requests; whoever waits gets NoAnswer now."""
        self._ended = True
        for waiter in self._waiters.values():
            if not waiter.done():
                waiter.set_exception(NoAnswer("the connection ended before the answer"))
        self._on_end()


def _nothing() -> None:
    return None
