"""Answers in chat: canned ones, and the reasons of automatic ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub import text
from hub.answers import asked_by_answer, said_for
from hub.desk.canned import Canned
from hub.desk.operator import Operator
from hub.desk.rehearsal import Rehearsal
from hub.errors import Invalid, NotFound
from hub.model import ConversationId, Message, MessageId, OperatorMessage, Role, ShopId, Text
from hub.store import Decision, Store, Tx

LOOKED_AT = 100
"""Decisions among which those about a message are looked for."""
CLOSE = timedelta(minutes=1)
"""What a buyer says within it might be mistaken for one another."""
MOST_AROUND = 2
"""Lines on either side that are told apart from the one that is explained."""


class ReplyChat:
    def __init__(
        self,
        store: Store,
        canned: Canned,
        rehearsal: Rehearsal,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._store = store
        self._now = now
        self._zone = zone
        self._canned = canned
        self._rehearsal = rehearsal

    async def list_canned(self, operator: Operator) -> str:
        return text.canned_page(await self._canned.all(operator))

    async def canned(
        self, operator: Operator, target: ConversationId, code: str
    ) -> list[str | bytes]:
        return list(await self._canned.messages(operator, target, code))

    async def save(self, operator: Operator, argument: str, quoted: list[Message]) -> str:
        """`quoted`: the messages of the own answer that is quoted; empty if none is."""
        code, _, words = argument.strip().partition(" ")
        code, _, below = code.partition("\n")
        words = words.strip() or below.strip()
        if not words:
            said = [one.content.text for one in quoted if isinstance(one.content, Text)]
            words = "\n######\n".join(said)
        if not code or not words:
            raise Invalid("没有存：引用你自己的一句回复写 /存 短码，或者写 /存 短码 要说的话")
        return text.canned_saved(await self._canned.save(operator, code, words))

    async def why(
        self, operator: Operator, target: ConversationId | None, message: OperatorMessage
    ) -> str:
        """About the quoted message; else about what was decided last in the conversation."""
        operator.require(Role.VIEWER)
        if target is None:
            raise Invalid("引用买家的通知再写 /为什么，或者写上编号：/为什么 #a7")

        def unit(tx: Tx) -> str:
            conversation = tx.conversations.get(operator.shop, target)
            if conversation is None:
                raise NotFound("这个会话已经不在了")
            made = tx.decisions.of_conversation(operator.shop, target, LOOKED_AT)
            if not made:
                return text.why_nothing(conversation)
            quoted = _quoted(tx, operator, message)
            chosen = _about(made, quoted)
            asked, earlier = chosen[0].message, _earlier(made, chosen[0].message)
            heard = tx.messages.get(operator.shop, asked) if asked is not None else None
            return text.why_page(
                conversation,
                heard,
                [(one.outcome, one.reason, one.steps) for one in chosen],
                said_for(tx, conversation, chosen, earlier),
                self._zone,
                self._now(),
                around=_around(tx, operator.shop, made, heard) if heard is not None else [],
                fell_back=quoted not in (None, asked),
            )

        return await self._store.read(unit)

    async def try_out(self, operator: Operator, argument: str) -> str:
        """`[商品] 买家的话`: a first word that names an item means that one."""
        first, _, rest = argument.strip().partition(" ")
        if rest.strip() and await self._rehearsal.is_item(operator, first):
            return await self._tried(operator, rest, first)
        return await self._tried(operator, argument, "")

    async def _tried(self, operator: Operator, words: str, item: str) -> str:
        one = await self._rehearsal.try_out(operator, words, item=item)
        return text.trial_page(
            one.account.name, one.item_title, one.outcome, one.reason, one.steps, one.contents
        )


def _quoted(tx: Tx, operator: Operator, message: OperatorMessage) -> MessageId | None:
    """The buyer's line that the quoted notice tells of, or tells the answer to."""
    if message.quoted_id is None:
        return None
    peer = message.peer
    relay = tx.relays.find(peer.bot, peer.scene, peer.peer, message.quoted_id)
    if relay is None or relay.message is None or relay.shop != operator.shop:
        return None
    return asked_by_answer(tx, operator.shop, relay.message) or relay.message


def _about(made: Sequence[Decision], message: MessageId | None) -> list[Decision]:
    """All that was decided about this message, or about what was decided last; oldest first. Steps
    of orders are told apart by their time."""
    known = {one.message for one in made}
    if message is None or message not in known:
        message = made[0].message
    about = [one for one in reversed(made) if one.message == message]
    return about if message is not None else [one for one in about if one.at == made[0].at]


def _earlier(made: Sequence[Decision], message: MessageId | None) -> list[MessageId]:
    """Lines that were decided about before this one, newest first."""
    known = {one.message for one in made if one.message is not None}
    return sorted((one for one in known if message is not None and one < message), reverse=True)


def _around(tx: Tx, shop: ShopId, made: Sequence[Decision], heard: Message) -> list[Message]:
    """What the buyer said shortly before and after, and something was decided about as well."""
    known = sorted({one.message for one in made if one.message is not None})
    at = known.index(heard.id)
    near = [*known[max(0, at - MOST_AROUND) : at], *known[at + 1 : at + 1 + MOST_AROUND]]
    lines = (tx.messages.get(shop, one) for one in near)
    return [one for one in lines if one and abs(one.sent_at - heard.sent_at) <= CLOSE]
