"""Conversations: read them, answer them, take back what was said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub import text
from hub.album import MEGABYTE, MOST_BYTES, Album
from hub.answers import drop_drafts, waiting_answer, withdraw_answer
from hub.attention import answered_by
from hub.commands import may
from hub.desk.holds import Held, held_here
from hub.desk.operator import Operator
from hub.errands import mark_read, unread_key
from hub.errors import Invalid, NotFound
from hub.model import (
    Account,
    AccountId,
    AskedBy,
    Conversation,
    ConversationId,
    Hold,
    HoldKind,
    Image,
    Item,
    Message,
    MessageId,
    MessageState,
    Origin,
    Picture,
    RecallMessage,
    Role,
    Scope,
    SendMessage,
    Text,
    part_key,
    recall_lane,
    send_lane,
)
from hub.policy import HUMAN_ANSWERED, why_not_recall
from hub.store import ConversationLine, Decision, Store, Tx
from hub.xianyu import RECALL_WITHIN

MOST_PICTURES = 9
"""In one answer; QQ itself sends no more at once."""
LONGEST_ANSWER = 2000
"""Characters; the platform documents no limit, people complain beyond this one."""
ANSWER_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ConversationView:
    conversation: Conversation
    account: Account
    messages: tuple[Message, ...]
    """Oldest first."""
    held: tuple[Held, ...]
    """What stops the automation here, the weightiest first."""
    decisions: dict[MessageId, Decision]
    quoted: dict[MessageId, Message]
    """What messages of this page answer, by the answering message."""
    recallable: frozenset[MessageId]
    """What can still be taken back."""
    item: Item | None
    """What the conversation is about, as far as it is known."""

    @property
    def hold(self) -> Hold | None:
        """What weighs most of what stops the automation here."""
        return self.held[0].hold if self.held else None


@dataclass(frozen=True, slots=True)
class Answered:
    message: MessageId
    conversation: Conversation
    account: Account


@dataclass(frozen=True, slots=True)
class Recalling:
    """`cancelled`: all of it was still waiting to go out, so nobody ever sees it."""

    conversation: Conversation
    cancelled: bool


class Inbox:
    def __init__(
        self, store: Store, album: Album, now: Callable[[], datetime], *, marks_read: bool = True
    ) -> None:
        """`marks_read`: buyers see that an operator has read what they wrote."""
        self._store = store
        self._marks_read = marks_read
        self._album = album
        self._now = now

    async def conversations(
        self,
        operator: Operator,
        *,
        account: AccountId | None = None,
        before: datetime | None = None,
        drafted: bool = False,
        limit: int = 50,
    ) -> Sequence[ConversationLine]:
        """Latest first; `before` is the last seen `last_message_at`, for the next page. `drafted`:
        only those in which a proposal waits for a person."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> list[ConversationLine]:
            waiting = tx.drafts.conversations(operator.shop)
            lines = tx.conversations.recent(
                operator.shop, account=account, before=before, drafted=drafted, limit=limit
            )
            return [
                replace(
                    one,
                    last=None if one.last is None else _seen_by(operator, one.last),
                    drafted=one.conversation.id in waiting,
                )
                for one in lines
            ]

        return await self._store.read(unit)

    async def conversation(
        self,
        operator: Operator,
        conversation: ConversationId,
        *,
        before: MessageId | None = None,
        limit: int = 50,
    ) -> ConversationView:
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> ConversationView:
            shop = operator.shop
            found, account = _find(tx, operator, conversation)
            decisions = tx.decisions.of_conversation(shop, conversation, 2 * limit)
            said = tx.messages.of_conversation(shop, conversation, limit=limit, before=before)
            messages = [_seen_by(operator, one) for one in said]
            item = tx.items.get(shop, found.item_id) if found.item_id is not None else None
            return ConversationView(
                found,
                account,
                tuple(messages),
                held_here(tx, operator, conversation, now),
                _by_message(list(reversed(decisions))),
                _quoted(tx, operator, found, messages),
                frozenset(
                    one.id for one in messages if why_not_recall(one, now, RECALL_WITHIN) is None
                ),
                item.item if item is not None else None,
            )

        return await self._store.read(unit)

    async def by_ticket(self, operator: Operator, ticket: str) -> Conversation:
        operator.require(Role.VIEWER)
        found = await self._store.read(lambda tx: tx.conversations.by_ticket(operator.shop, ticket))
        if found is None:
            raise NotFound(text.no_such_ticket(ticket))
        return found

    async def answer(
        self,
        operator: Operator,
        conversation: ConversationId,
        said: str | Sequence[str | bytes],
        *,
        key: str,
        asked_by: AskedBy | None = None,
        also: Callable[[Tx], None] | None = None,
    ) -> Answered | None:
        """Queue an answer to the buyer and take the conversation over for its account's minutes.

        `said`: texts and picture files in the order in which the buyer is to see them; each becomes
        a message of its own, as on the phone. `key` names the act of writing: the same key again
        does nothing and returns None, so a repeated chat event or form post is harmless. Line
        breaks are kept as written (L38).

        `also` happens in the same unit of work; what it raises stops the answer.
        """
        operator.require(Role.AGENT)
        contents = await self._contents([said] if isinstance(said, str) else said)
        now = self._now()

        def unit(tx: Tx) -> Answered | None:
            shop = operator.shop
            found, account = _find(tx, operator, conversation)
            if found.buyer is None:
                raise Invalid("没有发送：这个会话里没有买家可以回复")
            needless = waiting_answer(tx, found, now)
            messages = [
                tx.messages.add_out(
                    shop,
                    found.account,
                    found.id,
                    key=part_key(key, number),
                    origin=Origin.OPERATOR,
                    content=content,
                    member=operator.member.id,
                    now=now,
                )
                for number, content in enumerate(contents)
            ]
            first, last = messages[0], messages[-1]
            if first is None:
                return None
            if also is not None:
                also(tx)
            if needless is not None:
                withdraw_answer(tx, found, needless, HUMAN_ANSWERED, now)
            drop_drafts(tx, found, HUMAN_ANSWERED, now)
            if account.takeover_minutes:
                tx.holds.add(
                    shop,
                    Scope(conversation=found.id),
                    kind=HoldKind.TAKEOVER,
                    reason=f"{operator.member.name} 正在人工接待",
                    member=operator.member.id,
                    now=now,
                    until=now + timedelta(minutes=account.takeover_minutes),
                    shorten=False,
                )
            for message, content in zip(messages, contents, strict=True):
                if message is not None:
                    tx.outbox.enqueue(
                        shop,
                        SendMessage(
                            found.account,
                            found.id,
                            message,
                            asked_by,
                            more=message != last,
                            pictures=isinstance(content, Image),
                        ),
                        lane=send_lane(found.account, found.id),
                        key=f"send:{message}",
                        due_at=now,
                        expires_at=now + ANSWER_LIFETIME,
                    )
            if self._marks_read:
                mark_read(tx, found, now)
            at = asked_by.peer if asked_by is not None else None
            answered_by(tx, found, operator.member, now, at=at)
            operator.record(tx, "answer", found.ticket, now)
            return Answered(first, found, account)

        return await self._store.write(unit)

    async def opened(self, operator: Operator, conversation: ConversationId) -> None:
        """Somebody who could answer looks at it: let the buyer see that. Viewers go unnoticed."""
        if not self._marks_read or not may(operator.member.role, Role.AGENT):
            return
        now = self._now()

        def news(tx: Tx) -> Conversation | None:
            found, _ = _find(tx, operator, conversation)
            return found if unread_key(tx, found) is not None else None

        found = await self._store.read(news)
        if found is not None:
            await self._store.write(lambda tx: mark_read(tx, found, now))

    async def recall(
        self,
        operator: Operator,
        conversation: ConversationId,
        messages: Sequence[MessageId],
        *,
        key: str,
        asked_by: AskedBy | None = None,
    ) -> Recalling:
        """Take back what was said to a buyer; what did not go out yet is cancelled.

        `key` names the act: the same key again takes nothing back twice. Raises Invalid with the
        reason when a message cannot be taken back any more; then none of them is.
        """
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> Recalling:
            shop = operator.shop
            found, _ = _find(tx, operator, conversation)
            cancelled = True
            for id_ in messages:
                message = tx.messages.get(shop, id_)
                if message is None or message.conversation != conversation:
                    raise NotFound("这条消息不存在，可能已经被删除")
                if why := why_not_recall(message, now, RECALL_WITHIN):
                    raise Invalid(f"没有撤回：{why}")
                if message.state is not MessageState.QUEUED:
                    cancelled = False
                    self._enqueue_recall(tx, found, message, key, asked_by, now)
                elif tx.outbox.cancel(shop, f"send:{id_}", error="cancelled", now=now):
                    reason = f"{operator.member.name} 取消了"
                    tx.messages.set_state(shop, id_, MessageState.DROPPED, reason=reason, now=now)
                else:
                    raise Invalid("没有撤回：这条消息正在发送，等它送达了再撤回")
            operator.record(tx, "recall", found.ticket, now)
            return Recalling(found, cancelled)

        return await self._store.write(unit)

    def _enqueue_recall(
        self,
        tx: Tx,
        conversation: Conversation,
        message: Message,
        key: str,
        asked_by: AskedBy | None,
        now: datetime,
    ) -> None:
        tx.outbox.enqueue(
            conversation.shop,
            RecallMessage(conversation.account, conversation.id, message.id, asked_by),
            lane=recall_lane(conversation.account, message.id),
            key=f"recall:{message.id}:{key}",
            due_at=now,
            expires_at=(message.wire_at or message.sent_at) + RECALL_WITHIN,
        )

    async def _contents(self, said: Sequence[str | bytes]) -> list[Text | Image]:
        """What is to be sent. Raises Invalid for what cannot be; then nothing is sent at all."""
        texts = [_checked_text(part) for part in said if isinstance(part, str)]
        pictures = [part for part in said if isinstance(part, bytes)]
        if not pictures and not any(texts):
            raise Invalid("没有发送：内容是空的", {"text": "写点什么再发送"})
        if len(pictures) > MOST_PICTURES:
            raise Invalid(
                f"没有发送：一次最多发 {MOST_PICTURES} 张图片",
                {"pictures": f"最多 {MOST_PICTURES} 张"},
            )
        contents: list[Text | Image] = []
        for part in said:
            if isinstance(part, bytes):
                contents.append(Image((await self._kept(part),)))
            elif body := _checked_text(part):
                contents.append(Text(body))
        return contents

    async def _kept(self, data: bytes) -> Picture:
        if len(data) > MOST_BYTES:
            most = MOST_BYTES // MEGABYTE
            raise Invalid(
                f"没有发送：图片太大，一张最多 {most} MB", {"pictures": f"一张最多 {most} MB"}
            )
        try:
            return await self._album.keep(data)
        except Invalid as error:
            raise Invalid(f"没有发送：{error.text}", {"pictures": error.text}) from None


def _by_message(decisions: Sequence[Decision]) -> dict[MessageId, Decision]:
    """The last decision about each message; what was decided about it before is among its steps.
    `decisions`: oldest first."""
    found: dict[MessageId, Decision] = {}
    for one in decisions:
        about = one.message
        if about is None:
            continue
        earlier = found.get(about)
        if earlier is not None:
            step = f"{text.outcome(earlier.outcome)}：{earlier.reason}"
            found[about] = replace(one, steps=(*earlier.steps, step, *one.steps))
        else:
            found[about] = one
    return found


def _seen_by(operator: Operator, message: Message) -> Message:
    """Whoever only looks sees that goods were sent, not which."""
    if message.origin is Origin.DELIVERY and not may(operator.member.role, Role.AGENT):
        return replace(message, content=Text(text.GOODS))
    return message


def _quoted(
    tx: Tx, operator: Operator, conversation: Conversation, messages: Sequence[Message]
) -> dict[MessageId, Message]:
    found = {}
    for message in messages:
        if message.quoted is not None:
            quoted = tx.messages.by_platform(
                conversation.shop, conversation.account, message.quoted
            )
            if quoted is not None:
                found[message.id] = _seen_by(operator, quoted)
    return found


def _checked_text(text: str) -> str:
    """As it is sent; empty when there is nothing but blanks. Raises Invalid when it is too long."""
    body = text.strip("\r\n").replace("\r\n", "\n")
    if len(body) > LONGEST_ANSWER:
        raise Invalid(
            f"没有发送：太长了（{len(body)} 字），一条最多 {LONGEST_ANSWER} 字，请分几条发",
            {"text": f"最多 {LONGEST_ANSWER} 字"},
        )
    return body if body.strip() else ""


def _find(tx: Tx, operator: Operator, conversation: ConversationId) -> tuple[Conversation, Account]:
    found = tx.conversations.get(operator.shop, conversation)
    account = tx.accounts.get(operator.shop, found.account) if found is not None else None
    if found is None or account is None:
        raise NotFound("这个会话不存在，可能已经被删除")
    return found, account
