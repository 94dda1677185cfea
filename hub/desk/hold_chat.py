"""`/暂停`, `/恢复` and `/接管`: what is meant, and until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from hub import text
from hub.commands import Action, leading_ticket
from hub.desk.holds import Holds
from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import WHOLE_SHOP, ConversationId, Scope
from hub.policy import Until, split_until

ITEM_WORDS = frozenset({"商品", "这个商品"})
ACCOUNT_WORDS = frozenset({"账号", "这个账号"})
EXAMPLES = "例如：/暂停 30分、/暂停 #a7 2小时、/暂停 小店 到18:00、/暂停 到明天9点、/暂停 一直"


class HoldChat:
    def __init__(self, holds: Holds, now: Callable[[], datetime], zone: ZoneInfo) -> None:
        """`zone`: the times that people write are meant in it."""
        self._holds = holds
        self._now = now
        self._zone = zone

    async def run(
        self, operator: Operator, action: Action, argument: str, target: ConversationId | None
    ) -> str:
        """`target`: the conversation that was quoted or whose ticket was written."""
        typed = leading_ticket(argument)
        rest = typed[1] if typed is not None else argument
        now = self._now()
        if action is Action.RESUME:
            return await self._resume(operator, target, rest)
        what, until = split_until(rest, now.astimezone(self._zone))
        if what.startswith(("#", "＃")):
            raise Invalid(f"看不懂「{what}」：编号在通知的最后一行，要写在最前面，{EXAMPLES}")
        end = None if until is None else until.at
        if action is Action.TAKE_OVER:
            return await self._take_over(operator, target, what, until, now)
        scope = await self._meant(operator, target, what)
        held = await self._holds.pause(operator, scope, end=end)
        return text.paused(held.hold, held.place, self._zone, now)

    async def _take_over(
        self,
        operator: Operator,
        target: ConversationId | None,
        what: str,
        until: Until | None,
        now: datetime,
    ) -> str:
        if what:
            raise Invalid(f"看不懂「{what}」，例如：引用一条通知写 /接管，或者 /接管 #a7 1小时")
        if target is None:
            raise Invalid("没有接管：引用那位买家的通知写 /接管，或者写上编号，例如：/接管 #a7")
        if until is not None and until.at is None:
            raise Invalid("没有接管：要一直停着请用 /暂停，例如：/暂停 #a7")
        held = await self._holds.take_over(operator, target, end=until.at if until else None)
        return text.taken_over(held.hold, held.place, self._zone, now)

    async def _resume(self, operator: Operator, target: ConversationId | None, what: str) -> str:
        if what.startswith(("#", "＃")):
            raise Invalid(f"看不懂「{what}」，例如：/恢复，或者 /恢复 #a7")
        done = await self._holds.resume(operator, await self._meant(operator, target, what))
        above, apart = ([one.place for one in held] for held in (done.above, done.apart))
        return text.resumed(done.place, done.ended, above, apart)

    async def _meant(self, operator: Operator, target: ConversationId | None, what: str) -> Scope:
        """The quoted conversation, its item or its account; or what a name says; or the shop."""
        if target is None and not what:
            return WHOLE_SHOP
        if target is None:
            try:
                return await self._holds.meant(operator, what)
            except NotFound as unknown:
                raise Invalid(f"{unknown.text}，也看不懂这样的时长。{EXAMPLES}") from None
        if what in ITEM_WORDS:
            return await self._holds.item_of(operator, target)
        if what in ACCOUNT_WORDS:
            return await self._holds.account_of(operator, target)
        if what:
            raise Invalid(
                f"看不懂「{what}」：已经引用或写了会话，后面只能写时长，或者「商品」「账号」。"
                f"{EXAMPLES}"
            )
        return Scope(conversation=target)
