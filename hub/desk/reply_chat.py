"""Answers in chat: canned ones, and the reasons of automatic ones."""

from __future__ import annotations

from hub import text
from hub.desk.canned import Canned
from hub.desk.operator import Operator
from hub.desk.rehearsal import Rehearsal
from hub.errors import Invalid, NotFound
from hub.model import ConversationId, Message, MessageId, OperatorMessage, Role, Text
from hub.store import Decision, Store, Tx

LOOKED_AT = 100
"""Decisions among which those about a message are looked for."""


class ReplyChat:
    def __init__(self, store: Store, canned: Canned, rehearsal: Rehearsal) -> None:
        self._store = store
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
        peer = message.peer

        def unit(tx: Tx) -> str:
            conversation = tx.conversations.get(operator.shop, target)
            if conversation is None:
                raise NotFound("这个会话已经不在了")
            made = tx.decisions.of_conversation(operator.shop, target, LOOKED_AT)
            if not made:
                return text.why_nothing(conversation)
            about: MessageId | None = None
            if message.quoted_id is not None:
                relay = tx.relays.find(peer.bot, peer.scene, peer.peer, message.quoted_id)
                about = relay.message if relay is not None else None
            chosen = _about(made, about)
            asked = (
                tx.messages.get(operator.shop, chosen[0].message)
                if chosen[0].message is not None
                else None
            )
            said = text.plain(asked.content) if asked is not None else ""
            told = [(one.outcome, one.reason, one.steps) for one in chosen]
            return text.why_page(conversation, said, told)

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


def _about(made: list[Decision], message: MessageId | None) -> list[Decision]:
    """All that was decided about this message, or about what was decided last; oldest first."""
    known = {one.message for one in made}
    wanted = message if message in known and message is not None else made[0].message
    return [one for one in reversed(made) if one.message == wanted]
