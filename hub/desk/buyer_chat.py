"""`/备注`, `/标签`, `/拉黑` and `/清除`: about the buyer of a conversation."""

from __future__ import annotations

from hub import text
from hub.commands import Action
from hub.desk.buyers import Buyers, split_tags
from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import ConversationId

EXAMPLES = {
    Action.NOTE: "没有备注：引用买家的通知写 /备注 老客，或者写上编号：/备注 #a7 老客",
    Action.TAG: "没有加标签：引用买家的通知写 /标签 老客，或者写上编号：/标签 #a7 老客",
    Action.BLOCK: "没有拉黑：引用买家的通知写 /拉黑，或者写上编号：/拉黑 #a7",
    Action.CLEAR: "没有清除：引用买家的通知写 /清除，或者写上编号：/清除 #a7 备注",
}
UNDO = frozenset({"取消", "解除", "恢复"})
PARTS = {"备注": "note", "标签": "tags", "拉黑": "blocked"}


class BuyerChat:
    def __init__(self, buyers: Buyers) -> None:
        self._buyers = buyers

    async def run(
        self, operator: Operator, action: Action, words: str, target: ConversationId | None
    ) -> str:
        """`words`: what stands behind the command, without the ticket."""
        if target is None and action is Action.BLOCK and words and words not in UNDO:
            raise NotFound(
                f"没有拉黑：没有编号、订单号或买家名是「{words}」的会话，例如：/拉黑 #a7"
            )
        if target is None:
            raise Invalid(EXAMPLES[action])
        match action:
            case Action.NOTE:
                return await self._note(operator, target, words)
            case Action.TAG:
                return await self._tag(operator, target, words)
            case Action.BLOCK:
                return await self._block(operator, target, words)
            case _:
                return await self._clear(operator, target, words)

    async def _note(self, operator: Operator, target: ConversationId, words: str) -> str:
        if not words:
            return await self._page(operator, target)
        known = await self._buyers.change(operator, target, note=words)
        return text.note_saved(known.conversation, known.card.note)

    async def _tag(self, operator: Operator, target: ConversationId, words: str) -> str:
        """Adds tags; one with a minus in front is taken off."""
        if not words:
            return await self._page(operator, target)
        said = split_tags(words)
        gone = {tag[1:] for tag in said if tag[0] in "-－"}
        known = await self._buyers.of_conversation(operator, target)
        old = known.card.tags if known is not None else ()
        tags = [tag for tag in (*old, *(t for t in said if t[0] not in "-－")) if tag not in gone]
        changed = await self._buyers.change(operator, target, tags=tags)
        return text.tags_saved(changed.conversation, changed.card.tags)

    async def _block(self, operator: Operator, target: ConversationId, words: str) -> str:
        if words and words not in UNDO:
            raise Invalid(f"看不懂「{words}」，例如：/拉黑 #a7，取消写 /拉黑 #a7 取消")
        known = await self._buyers.change(operator, target, blocked=not words)
        said = text.blocked if known.card.blocked else text.unblocked
        return said(known.conversation)

    async def _clear(self, operator: Operator, target: ConversationId, words: str) -> str:
        meant = split_tags(words) or list(PARTS)
        if unknown := [word for word in meant if word not in PARTS]:
            raise Invalid(f"看不懂「{unknown[0]}」，可以写：备注、标签、拉黑；不写就全部清除")
        known = await self._buyers.of_conversation(operator, target)
        had = [word for word in meant if known is not None and getattr(known.card, PARTS[word])]
        done = await self._buyers.change(
            operator,
            target,
            note="" if "备注" in meant else None,
            tags=() if "标签" in meant else None,
            blocked=False if "拉黑" in meant else None,
        )
        return text.cleared(done.conversation, had)

    async def _page(self, operator: Operator, target: ConversationId) -> str:
        known = await self._buyers.of_conversation(operator, target)
        if known is None:
            raise Invalid("这个会话里没有买家")
        return text.buyer_page(known.card, known.conversation)
