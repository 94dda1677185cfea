"""What people do at a simulated QQ, whichever bridge the hub reaches it through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.sandbox.onebot_chats import ChatLine, Segment


class PeopleOfQq:
    """They write to the bot, alone or in groups, and see what it says."""

    self_id: str

    async def say_private(
        self,
        user_id: str,
        text: str,
        *,
        quote: str | None = None,
        image: str = "",
        file: dict[str, Any] | None = None,
    ) -> str:
        """A person writes to the bot; returns the message's name in that chat. Lost for the hub
        when it is not connected."""
        more: list[Segment] = [{"type": "file", "data": file}] if file else []
        return await self._say("private", user_id, user_id, text, quote, image, more, at_bot=False)

    async def say_group(
        self,
        group_id: str,
        user_id: str,
        text: str,
        *,
        quote: str | None = None,
        at_bot: bool = False,
        image: str = "",
    ) -> str:
        """A person writes in a group; returns the message's name in that chat."""
        return await self._say("group", group_id, user_id, text, quote, image, at_bot=at_bot)

    def chat(self, scene: str, peer: str) -> list[ChatLine]:
        """Everything said in that chat, oldest first."""
        raise NotImplementedError

    def bot_lines(self, scene: str, peer: str) -> list[ChatLine]:
        """What the hub said in that chat."""
        return [line for line in self.chat(scene, peer) if line.sender == self.self_id]

    async def _say(
        self,
        scene: str,
        peer: str,
        user_id: str,
        text: str,
        quote: str | None,
        image: str,
        more: Sequence[Segment] = (),
        *,
        at_bot: bool,
    ) -> str:
        raise NotImplementedError
