"""Messages on their way from a connection to the desk: what nobody will answer is dropped early."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from loguru import logger

from bots.lanes import Lanes

T = TypeVar("T")

MOST_STRANGERS = 20
"""Private messages of people who are no operators that may wait; more are dropped."""


class Inbox(Generic[T]):
    """In order within a chat. A busy group costs no more than finding out who wrote."""

    def __init__(
        self, is_operator: Callable[[str], bool], work: Callable[[T], Awaitable[None]]
    ) -> None:
        """`work` may raise: one message must not end the work on all others."""
        self._is_operator = is_operator
        self._work = work
        self._lanes: Lanes[tuple[str, T]] = Lanes(self._do)

    async def run(self) -> None:
        """Work until cancelled; what still waits then is dropped."""
        await self._lanes.run()

    def offer(self, bot: str, scene: str, peer: str, sender: str, thing: T) -> bool:
        """False: it was dropped. Never waits, so that whoever reads a socket can go on reading."""
        if sender == bot:
            return False
        if self._is_operator(sender):
            lane = f"{bot}/{scene}/{peer}"
        elif scene == "private" and self._lanes.waiting("strangers") < MOST_STRANGERS:
            lane = "strangers"
        else:
            return False
        taken = self._lanes.offer(lane, (bot, thing))
        if not taken:
            logger.error("QQ bot {}: too many messages are waiting, one was dropped", bot)
        return taken

    async def _do(self, arrived: tuple[str, T]) -> None:
        bot, thing = arrived
        try:
            await self._work(thing)
        except Exception:  # whatever NoneBot or a plugin makes of it
            logger.exception("QQ bot {}: a message could not be handled", bot)
