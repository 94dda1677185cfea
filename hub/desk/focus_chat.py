"""`/聊` and `/退出`, in words."""

from __future__ import annotations

from hub import text
from hub.desk.focusing import Focusing
from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import ConversationId, OperatorMessage

MOST_NAMED = 5


class FocusChat:
    def __init__(self, focusing: Focusing) -> None:
        self._focusing = focusing

    async def begin(
        self,
        operator: Operator,
        words: str,
        message: OperatorMessage,
        target: ConversationId | None,
    ) -> str:
        """`target`: what was quoted or whose ticket was written; else `words` name the buyer."""
        if target is None and not words:
            return await self._now_with(operator, message)
        if target is not None and words:
            raise Invalid(f"看不懂「{words}」：/聊 后面只写编号或买家名，要说的话下一句再写")
        meant = target if target is not None else await self._called(operator, words)
        focused = await self._focusing.begin(operator, message.peer, meant)
        return text.focus_begun(focused.conversation)

    async def leave(self, operator: Operator, message: OperatorMessage) -> str:
        left = await self._focusing.leave(operator, message.peer)
        return text.focus_left(left) if left is not None else text.focus_none()

    async def _now_with(self, operator: Operator, message: OperatorMessage) -> str:
        focused = await self._focusing.of(operator, message.peer)
        if focused is None:
            raise Invalid(text.focus_whom())
        return text.focus_now(focused.conversation)

    async def _called(self, operator: Operator, words: str) -> ConversationId:
        found = await self._focusing.called(operator, words)
        if not found:
            raise NotFound(f"没有开始：没有编号或买家名是「{words}」的会话，例如：/聊 #a7")
        if len(found) > 1:
            raise Invalid(text.which_buyer(found[:MOST_NAMED]))
        return found[0].id
