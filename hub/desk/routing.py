"""Which conversation an operator's message is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub import text
from hub.commands import closing_ticket, leading_ticket, narrow, needs_of_notice
from hub.desk.chat_words import without_command, without_ticket
from hub.desk.focusing import Focusing
from hub.desk.operator import Operator
from hub.errors import Invalid
from hub.model import (
    HEARD_STEM,
    Conversation,
    ConversationId,
    Member,
    Message,
    OperatorMessage,
    ShopId,
    chat_key,
)
from hub.policy import conversations_called
from hub.store import Store, Tx

HEARD_TWICE_WITHIN = timedelta(seconds=10)
HEARD_FOR = timedelta(minutes=10)
"""How long a second bot may lag behind, if QQ says when a line was written."""
LOOKED_AT = 1000
"""The latest conversations, among which a name is looked for."""
MOST_NAMED = 5
FEW_DIGITS = 4
"""Of an order's number; fewer may count something."""


@dataclass(slots=True)
class _Heard:
    """A line in a group, and the bot that acts upon it."""

    said: tuple[str, str, str]
    bot: str
    at: datetime
    here: datetime
    """By our own clock."""


class Routing:
    """By quoted id, ticket in the quoted text, typed ticket, and where the caller allows it the
    conversation in focus. Nobody guesses."""

    def __init__(self, store: Store, focusing: Focusing, now: Callable[[], datetime]) -> None:
        self._store = store
        self._focusing = focusing
        self._now = now
        self._heard: list[_Heard] = []

    async def resolve(
        self, member: Member, message: OperatorMessage, *, undone: str = "没有发送"
    ) -> ConversationId | None:
        """Which conversation is meant: quoted id, ticket in the quoted text, typed ticket.

        Hints that contradict each other are refused: a wrong route tells one buyer what was meant
        for another. `undone`: what a refusal begins with.
        """
        typed = leading_ticket(without_command(message.text))
        tickets = {typed[0]} if typed is not None else set()
        # In a group people also quote each other, and talk about a buyer without talking to him.
        quoted = closing_ticket(message.quoted_text) if message.addressed else None
        if quoted is not None:
            tickets.add(quoted)

        def unit(tx: Tx) -> set[ConversationId] | str:
            found: set[ConversationId] = set()
            if message.quoted_id is not None:
                peer = message.peer
                relay = tx.relays.find(peer.bot, peer.scene, peer.peer, message.quoted_id)
                if relay is not None and relay.shop == member.shop:
                    found.add(relay.conversation)
            for ticket in tickets:
                conversation = tx.conversations.by_ticket(member.shop, ticket)
                if conversation is None:
                    told = text.lost_ticket if ticket == quoted else text.no_such_ticket
                    return f"{undone}：{told(ticket)}"
                found.add(conversation.id)
            return found

        found = await self._store.read(unit)
        if isinstance(found, str):
            raise Invalid(found)
        if len(found) > 1:
            raise Invalid(f"{undone}：你引用的通知和写的编号不是同一个会话，请只留一个")
        return next(iter(found), None)

    async def meant(
        self, operator: Operator, message: OperatorMessage, *, undone: str = "没有发送"
    ) -> ConversationId | None:
        """As `resolve`; for a line that gives no hint at all, the conversation in focus."""
        target = await self.resolve(operator.member, message, undone=undone)
        if target is not None or not hintless(message):
            return target
        focus = await self._focusing.of(operator, message.peer)
        return focus.conversation.id if focus is not None else None

    async def whom(
        self,
        operator: Operator,
        message: OperatorMessage,
        argument: str,
        *,
        undone: str = "没有执行",
        whole: bool = False,
    ) -> tuple[ConversationId | None, str]:
        """As `meant`, and where nobody is, whom the first words name; with what is written behind.

        `whole`: only a buyer's whole name counts, because what follows cannot be taken back.
        """
        target = await self.meant(operator, message, undone=undone)
        rest = without_ticket(argument)
        if target is not None or not hintless(message):
            return target, rest
        return await self.named(operator, rest, undone=undone, whole=whole) or (None, rest)

    async def named(
        self, operator: Operator, words: str, *, undone: str, whole: bool = False
    ) -> tuple[ConversationId, str] | None:
        """The conversation that the first words name, by the number of an order (its end does) or
        by a buyer, and what is behind them. Raises Invalid for a name that several have."""
        line = words.strip()
        first, _, rest = line.partition(" ")
        if not line or "\n" in first:
            return None
        digits = narrow(first)
        if digits.isascii() and digits.isdigit():
            found = await self._of_order(operator, digits) if len(digits) >= FEW_DIGITS else None
            return None if found is None else (found, rest.strip())
        recent = await self._store.read(
            lambda tx: tx.conversations.recent(operator.shop, limit=LOOKED_AT)
        )
        known = [one.conversation for one in recent]
        for name, behind in ((line, ""), (first, rest.strip())):
            called = conversations_called(known, name)
            if whole and called and not _is_called(called[0], name):
                if behind or name == first:
                    raise Invalid(text.whole_name(called[:MOST_NAMED], undone))
                continue
            if len({(one.account, one.buyer) for one in called}) > 1:
                raise Invalid(text.which_buyer(called[:MOST_NAMED], undone))
            if called:
                return called[0].id, behind
        return None

    async def _of_order(self, operator: Operator, digits: str) -> ConversationId | None:
        def unit(tx: Tx) -> ConversationId | None:
            shop = operator.shop
            found = tx.orders.by_number(shop, digits) or tx.orders.ending(shop, digits)
            return found[0].conversation if len(found) == 1 else None

        return await self._store.read(unit)

    async def account_named(
        self, operator: Operator, message: OperatorMessage, argument: str
    ) -> str:
        """What names an account: the words that are written, or the account of what is quoted."""
        words = without_ticket(argument).strip()
        if words:
            return words
        target = await self.resolve(operator.member, message, undone="没有执行")
        if target is None:
            if not hintless(message):
                raise Invalid("没有执行：认不出你引用的是哪个账号的通知，请写上账号名，或者写全店")
            return ""

        def unit(tx: Tx) -> str:
            found = tx.conversations.get(operator.shop, target)
            account = tx.accounts.get(operator.shop, found.account) if found else None
            return account.name if account is not None else ""

        return await self._store.read(unit)

    async def quoted_answer(self, operator: Operator, message: OperatorMessage) -> list[Message]:
        """All parts of the answer that the quote means; empty when it means a conversation."""
        quoted, peer = message.quoted_id, message.peer
        if quoted is None:
            return []

        def unit(tx: Tx) -> list[Message]:
            if own := tx.messages.with_key(operator.shop, chat_key(peer, quoted)):
                return own
            relay = tx.relays.find(peer.bot, peer.scene, peer.peer, quoted)
            if relay is None or relay.shop != operator.shop or relay.message is None:
                return []
            about = tx.messages.get(operator.shop, relay.message)
            ours = about is not None and about.ours
            return tx.messages.parts(operator.shop, relay.message) if ours else []

        return await self._store.read(unit)

    async def quoted_needs(self, operator: Operator, message: OperatorMessage) -> tuple[int, ...]:
        """The numbers of the needs that the quoted notice tells of: as the quoted text says, or
        where that did not come along, as is known of the notice with this id."""
        quoted, peer = message.quoted_id, message.peer
        if message.quoted_text or not quoted:
            return needs_of_notice(message.quoted_text)
        relay = await self._store.read(
            lambda tx: tx.relays.find(peer.bot, peer.scene, peer.peer, quoted)
        )
        if relay is None or relay.shop != operator.shop or relay.need is None:
            return ()
        return (relay.need,)

    async def heard_by_another_bot(self, shop: ShopId, message: OperatorMessage) -> bool:
        """Two bots in one group hear every line twice, under ids that have nothing in common: the
        first of them that gets here acts upon it, here or at another node. A line that the same bot
        hears again is said again."""
        if message.peer.scene == "private":
            return False
        now = self._now()
        self._heard = [one for one in self._heard if now - one.here < HEARD_FOR]
        said, at = (message.peer.peer, message.sender, message.text), message.said_at or now
        for one in self._heard:
            if one.said == said and abs(at - one.at) < HEARD_TWICE_WITHIN:
                return one.bot != message.peer.bot
        heard = _Heard(said, message.peer.bot, at, now)
        self._heard.append(heard)
        if self._store.alone or not await self._heard_elsewhere(shop, heard):
            return False
        heard.bot = ""
        return True

    async def _heard_elsewhere(self, shop: ShopId, heard: _Heard) -> bool:
        """Whether another node heard it about then; from now on this one has."""
        mark = hashlib.sha256("\n".join(heard.said).encode()).hexdigest()[:16]
        moment = int(heard.at.timestamp() / HEARD_TWICE_WITHIN.total_seconds())

        def unit(tx: Tx) -> bool:
            about = [f"{HEARD_STEM}{mark}:{moment + one}" for one in (-1, 0, 1)]
            known = tx.inputs.known(shop, about)
            return bool(known) or not tx.inputs.first_time(shop, about[1], heard.here)

        return await self._store.write(unit)


def _is_called(conversation: Conversation, name: str) -> bool:
    """By a whole name or a whole ticket."""
    wanted = name.strip().casefold()
    return wanted in (conversation.buyer_name.casefold(), conversation.ticket)


def hintless(message: OperatorMessage) -> bool:
    """Nothing quoted, not even something unknown: the one who quotes means somebody."""
    return message.quoted_id is None and not message.quoted_text
