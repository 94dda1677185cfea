"""Drafts in chat: a word about one, quoting its notice or behind the ticket of its conversation."""

from __future__ import annotations

from hub import text
from hub.commands import DraftWord, draft_word, leading_ticket
from hub.desk.chat_words import is_plain
from hub.desk.drafts import Drafts
from hub.desk.operator import Operator
from hub.errors import Invalid
from hub.model import (
    AccountState,
    AskedBy,
    ConversationId,
    MessageId,
    MessageState,
    OperatorMessage,
    Origin,
)
from hub.store import Store, Tx
from hub.text import drafts as words_of_drafts

LOOKED_AT = 30
"""Messages among which a draft is looked for that was decided about."""


class DraftChat:
    def __init__(self, store: Store, drafts: Drafts) -> None:
        self._store = store
        self._drafts = drafts

    async def meant(
        self, operator: Operator, message: OperatorMessage, target: ConversationId | None
    ) -> MessageId | None:
        """The draft whose notice is quoted, whatever became of it; None: another thing is quoted.

        `target`: the conversation that the quote or the ticket means. A notice that another bot
        posted is known by its words only, and a quote that got lost by nothing but the ticket;
        then the draft that waits in the conversation is meant, or the one that somebody has just
        decided about: the second person's word for it is not for the buyer.
        """

        def unit(tx: Tx) -> MessageId | None:
            peer = message.peer
            if message.quoted_id is not None:
                relay = tx.relays.find(peer.bot, peer.scene, peer.peer, message.quoted_id)
                if relay is not None and relay.shop == operator.shop:
                    about = (
                        tx.messages.get(operator.shop, relay.message)
                        if relay.message is not None
                        else None
                    )
                    proposed = about is not None and about.origin is Origin.AI
                    return relay.message if proposed else None
            by_ticket = not message.quoted_text and leading_ticket(message.text) is not None
            if target is None or not (by_ticket or text.is_draft_notice(message.quoted_text)):
                return None
            drafts = tx.drafts.of_conversation(operator.shop, target)
            return drafts[-1].id if drafts else _decided(tx, operator, target)

        return await self._store.read(unit)

    async def run(
        self,
        operator: Operator,
        draft: MessageId,
        word: DraftWord,
        words: str,
        message: OperatorMessage,
    ) -> str | None:
        """Does what is said; that it was sent is told by the receipt. Raises Invalid as well for a
        word that something else came along with: it would be lost."""
        if not is_plain(message):
            raise Invalid(words_of_drafts.WORD_ONLY)
        match word:
            case DraftWord.SEND | DraftWord.CHANGE:
                asked_by = AskedBy(message.peer, message.message_id)
                new = words if word is DraftWord.CHANGE else None
                if new == "":
                    raise Invalid("没有发送：把新的话写在「改」后面，例如：改 在的，今天就发")
                done = await self._drafts.approve(operator, draft, new, asked_by=asked_by)
                if done.account.state is AccountState.ONLINE:
                    return None
                return text.queued_offline(done.conversation, done.account)
            case DraftWord.ANOTHER:
                return text.draft_again((await self._drafts.another(operator, draft)).conversation)
            case DraftWord.DROP:
                return text.draft_dropped((await self._drafts.drop(operator, draft)).conversation)

    def refuse_without_draft(self, word: DraftWord, message: OperatorMessage) -> None:
        """Behind a ticket, where no draft waits. Raises Invalid for what hardly anybody says to a
        buyer; `好` and its kin are answers like any other."""
        typed = leading_ticket(message.text)
        if typed is not None and word is not DraftWord.SEND:
            raise Invalid(words_of_drafts.none_waits(*typed))


def _decided(tx: Tx, operator: Operator, target: ConversationId) -> MessageId | None:
    """The last draft, if neither the buyer nor a person has said anything since."""
    latest = tx.messages.of_conversation(operator.shop, target, limit=LOOKED_AT)
    for one in sorted(latest, key=lambda said: said.id, reverse=True):
        if one.origin in (Origin.BUYER, Origin.OPERATOR, Origin.PHONE):
            return None
        ended = one.member is not None or one.state is MessageState.DROPPED
        if one.origin is Origin.AI and ended:
            return one.id
    return None


def said_of_draft(message: OperatorMessage) -> tuple[DraftWord, str] | None:
    """As `draft_word`, where there is something that it can be about."""
    typed = leading_ticket(message.text)
    if typed is not None:
        return draft_word(typed[1])
    return draft_word(message.text) if message.quoted_id or message.quoted_text else None
