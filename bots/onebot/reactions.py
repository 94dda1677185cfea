"""Marks below messages. OneBot v11 has none; the implementations added their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nonebot.adapters.onebot.v11 import ActionFailed

from bots.marks import FACES
from bots.onebot.line import Frame
from hub.model import ChatPeer, Mark

Ask = Callable[[str, str, Frame], Awaitable[Any]]
UNKNOWN_ACTION = (404, 1404)


class Reactions:
    """NapCat and LLOneBot know `set_msg_emoji_like`, Lagrange `set_group_reaction`; both in groups.

    Which of them a bot's bridge has is found out by the first reaction. A bridge that has neither
    is not asked again for as long as this process lives.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._ways: dict[str, tuple[str, ...]] = {}

    def may_work(self, peer: ChatPeer) -> bool:
        """QQ shows reactions in groups only."""
        return peer.scene == "group" and bool(self._ways_of(peer.bot))

    async def put(self, peer: ChatPeer, message_id: str, mark: Mark) -> None:
        """Raises ActionFailed, also where there is no way, NotSent, NoAnswer."""
        failed: ActionFailed | None = None
        for way in self._ways_of(peer.bot):
            try:
                await self._try(way, peer, message_id, FACES[mark])
            except ActionFailed as error:
                if error.info.get("retcode") not in UNKNOWN_ACTION:
                    raise
                failed = error
                self._ways[peer.bot] = tuple(w for w in self._ways_of(peer.bot) if w != way)
            else:
                self._ways[peer.bot] = (way,)
                return
        raise failed or _refused("这个 QQ 实现不支持表情回应")

    def _ways_of(self, bot: str) -> tuple[str, ...]:
        return self._ways.get(bot, ("set_msg_emoji_like", "set_group_reaction"))

    async def _try(self, way: str, peer: ChatPeer, message_id: str, face: str) -> None:
        if way == "set_group_reaction":
            group, message = int(peer.peer), int(message_id)
            params = {"group_id": group, "message_id": message, "code": face, "is_add": True}
            await self._ask(peer.bot, way, params)
            return
        params = {"message_id": int(message_id), "emoji_id": face, "set": True}
        told = await self._ask(peer.bot, way, params)
        # NapCat passes on what QQ itself said, and calls that a success.
        if isinstance(told, dict) and told.get("result") not in (None, 0):
            raise _refused(str(told.get("errMsg") or "QQ 没有接受这个表情回应"))


def _refused(wording: str) -> ActionFailed:
    return ActionFailed(status="failed", retcode=0, wording=wording)  # type: ignore[no-untyped-call]
