"""What AI proposes to say: a person sends it, changes it, wants another one, or drops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.answers import ask_ai, drop_drafts, send_draft
from hub.attention import answered_by
from hub.desk.operator import Operator
from hub.errands import mark_read
from hub.errors import Invalid, NotFound
from hub.model import (
    Account,
    AskedBy,
    Conversation,
    Message,
    MessageId,
    MessageState,
    Origin,
    Role,
    Text,
)
from hub.store import Store, Tx

LONGEST = 2000
LIFETIME = timedelta(hours=24)
UNWANTED = "不要了"
NOT_LIKED = "已经让 AI 换一份"


@dataclass(frozen=True, slots=True)
class Drafted:
    conversation: Conversation
    account: Account


class Drafts:
    def __init__(
        self, store: Store, now: Callable[[], datetime], *, marks_read: bool = True
    ) -> None:
        self._store = store
        self._now = now
        self._marks_read = marks_read

    async def approve(
        self,
        operator: Operator,
        draft: MessageId,
        text: str | None = None,
        *,
        asked_by: AskedBy | None = None,
    ) -> Drafted:
        """Send it, in other words if `text` is given."""
        operator.require(Role.AGENT)
        words = None if text is None else text.replace("\r\n", "\n").strip()
        if words is not None and not words:
            raise Invalid("没有发送：写上要发给买家的话", {"text": "写要发的话"})
        if words is not None and len(words) > LONGEST:
            raise Invalid(f"没有发送：一条回复最多 {LONGEST} 字", {"text": f"最多 {LONGEST} 字"})
        now = self._now()

        def unit(tx: Tx) -> Drafted:
            message, conversation, account = _open(tx, operator, draft)
            assert isinstance(message.content, Text)  # noqa: S101 - nothing else is proposed
            said = message.content.text if words is None else words
            member, expires_at = operator.member.id, now + LIFETIME
            send_draft(
                tx, conversation, message, said, member, asked_by, now=now, expires_at=expires_at
            )
            if self._marks_read:
                mark_read(tx, conversation, now)
            at = asked_by.peer if asked_by is not None else None
            answered_by(tx, conversation, operator.member, now, at=at)
            operator.record(tx, "draft.send", conversation.ticket, now)
            return Drafted(conversation, account)

        return await self._store.write(unit)

    async def another(self, operator: Operator, draft: MessageId) -> Drafted:
        """Have AI write another one; this one is dropped."""
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> Drafted:
            message, conversation, account = _open(tx, operator, draft)
            drop_drafts(tx, conversation, NOT_LIKED, now)
            ask_ai(tx, conversation, message.id, now, now, unlike=message.id)
            operator.record(tx, "draft.another", conversation.ticket, now)
            return Drafted(conversation, account)

        return await self._store.write(unit)

    async def drop(self, operator: Operator, draft: MessageId) -> Drafted:
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> Drafted:
            _, conversation, account = _open(tx, operator, draft)
            drop_drafts(tx, conversation, UNWANTED, now)
            operator.record(tx, "draft.drop", conversation.ticket, now)
            return Drafted(conversation, account)

        return await self._store.write(unit)


def _open(tx: Tx, operator: Operator, draft: MessageId) -> tuple[Message, Conversation, Account]:
    """Raises Invalid for a draft that somebody decided about before."""
    message = tx.messages.get(operator.shop, draft)
    if message is None or message.origin is not Origin.AI:
        raise NotFound("没有这份草稿")
    if message.state is MessageState.DROPPED:
        raise Invalid(f"这份草稿已经作废：{message.reason}")
    if message.state is not MessageState.DRAFT:
        raise Invalid("这份草稿已经发送过了")
    conversation = tx.conversations.get(operator.shop, message.conversation)
    account = (
        tx.accounts.get(operator.shop, conversation.account) if conversation is not None else None
    )
    if conversation is None or account is None:
        raise NotFound("这个会话已经不在了")
    return message, conversation, account
