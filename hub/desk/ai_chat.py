"""`/ai`: how far AI may go, for the shop, an account or an item."""

from __future__ import annotations

from hub.commands import leading_ticket
from hub.desk.ai_modes import AiModes
from hub.desk.assist import AiDesk
from hub.desk.hold_chat import ACCOUNT_WORDS, ITEM_WORDS
from hub.desk.holds import Holds
from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import WHOLE_SHOP, AiMode, ConversationId, Scope
from hub.text import ai_modes as words

MODES: dict[str, AiMode | None] = {
    **dict.fromkeys(("关", "关闭", "关掉", "停", "off"), AiMode.OFF),
    **dict.fromkeys(("草稿", "draft"), AiMode.DRAFT),
    **dict.fromkeys(("自动", "开", "auto", "on"), AiMode.AUTOMATIC),
    **dict.fromkeys(("默认", "跟随", "default"), None),
}


class AiChat:
    def __init__(self, modes: AiModes, holds: Holds, ai: AiDesk) -> None:
        self._modes = modes
        self._holds = holds
        self._ai = ai

    async def run(self, operator: Operator, argument: str, target: ConversationId | None) -> str:
        """`target`: the conversation that was quoted or whose ticket was written."""
        typed = leading_ticket(argument)
        said = (typed[1] if typed is not None else argument).split()
        at = next((n for n, word in enumerate(said) if word.lower() in MODES), None)
        if at is not None and at not in (0, len(said) - 1):
            raise Invalid(f"看不懂「{argument.strip()}」，{words.EXAMPLES}")
        what = " ".join(word for n, word in enumerate(said) if n != at)
        scope = await self._meant(operator, target, what)
        if at is None:
            return await self._page(operator, scope)
        mode = MODES[said[at].lower()]
        done = await self._modes.set(operator, scope, mode)
        return words.changed(done.place, done.own, done.mode, done.apart)

    async def _page(self, operator: Operator, scope: Scope) -> str:
        found = await self._modes.standing(operator, scope)
        overview = await self._ai.overview(operator)
        trouble = "" if overview.profiles else words.no_profile()
        if not overview.enabled:
            trouble = words.not_enabled()
        return words.page(found.place, found.mode, found.apart, trouble)

    async def _meant(self, operator: Operator, target: ConversationId | None, what: str) -> Scope:
        if target is None and not what:
            return WHOLE_SHOP
        if target is None:
            try:
                scope = await self._holds.meant(operator, what)
            except NotFound as unknown:
                raise NotFound(f"没有改动：{unknown.text}。{words.EXAMPLES}") from None
            if scope.conversation is not None:
                return await self._holds.item_of(operator, scope.conversation)
            return scope
        if what in ACCOUNT_WORDS:
            return await self._holds.account_of(operator, target)
        if what and what not in ITEM_WORDS:
            raise Invalid(
                f"看不懂「{what}」：已经引用或写了会话，后面只能写关、草稿、自动，"
                f"或者「商品」「账号」。{words.EXAMPLES}"
            )
        return await self._holds.item_of(operator, target)
