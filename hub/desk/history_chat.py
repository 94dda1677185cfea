"""`/历史`: what was said in a conversation, short."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from hub import text
from hub.commands import may, narrow
from hub.desk.chat_words import without_ticket
from hub.desk.inbox import Inbox
from hub.desk.operator import Operator
from hub.errors import Invalid
from hub.model import ConversationId, OperatorMessage, Role
from hub.store import Store, Tx

USUAL = 10
MOST = 30
_COUNT = re.compile(r"(\d{1,4})\s*条?")


class HistoryChat:
    def __init__(
        self, store: Store, inbox: Inbox, now: Callable[[], datetime], zone: ZoneInfo
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._now = now
        self._zone = zone

    async def run(
        self,
        operator: Operator,
        argument: str,
        message: OperatorMessage,
        target: ConversationId | None,
    ) -> str:
        count = _count(without_ticket(argument))
        if target is None:
            raise Invalid("要看哪个会话：引用一条通知写 /历史，或者写上编号：/历史 #a7 20")
        view = await self._inbox.conversation(operator, target, limit=count)
        hide = message.peer.scene != "private" or not may(operator.member.role, Role.AGENT)
        secrets = await self._codes(operator, target) if hide else []
        return text.history_page(
            view.conversation, view.messages, self._zone, self._now(), hide=hide, secrets=secrets
        )

    async def _codes(self, operator: Operator, target: ConversationId) -> list[str]:
        """Cards that the buyer was given; people quote them, too."""

        def unit(tx: Tx) -> list[str]:
            found = tx.conversations.get(operator.shop, target)
            if found is None or found.buyer is None:
                return []
            return tx.cards.codes_of_buyer(operator.shop, found.account, found.buyer)

        return await self._store.read(unit)


def _count(written: str) -> int:
    if not written:
        return USUAL
    match = _COUNT.fullmatch(narrow(written).strip())
    if match is None or not 1 <= int(match[1]) <= MOST:
        raise Invalid(f"看不懂「{written}」：条数写 1 到 {MOST}，例如：/历史 #a7 20")
    return int(match[1])
