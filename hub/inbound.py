"""What the platform pushes becomes rows, decisions and tasks: one transaction per push.

The push is acknowledged by its caller only after `take_in` has returned, that is after the commit.
A push that comes twice finds its messages known and causes nothing (L22, L23).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from loguru import logger

from hub import text
from hub.answers import Replies
from hub.attention import heard
from hub.buyers import know_buyer
from hub.delivery import on_message_settled, on_signal
from hub.errands import mark_read, read_item
from hub.model import (
    NOTICE_KEY,
    Account,
    AccountId,
    BuyerMessage,
    Card,
    ChatPeer,
    Content,
    Conversation,
    ConversationInfo,
    Event,
    Ignored,
    Image,
    Item,
    Mark,
    MessageId,
    MessageState,
    Moment,
    NoticeKind,
    OrderContext,
    OrderSignal,
    OrderStatus,
    Origin,
    OwnMessage,
    PlatformMessage,
    PlatformUser,
    ReadReceipt,
    Recalled,
    SignalSource,
    SystemMessage,
    TakenIn,
    Typing,
    Unknown,
    asked_by_key,
    chat_key,
    order_key,
)
from hub.notices import tell_asker, tell_owners
from hub.phone import seller_wrote
from hub.policy import wants_answer
from hub.settings import ReplySettings
from hub.store import Store, Tx

TOLD_STATUSES: dict[OrderStatus, str] = {
    OrderStatus.UNPAID: "买家已拍下，还没付款",
    OrderStatus.BARGAIN_PENDING: "买家已小刀，等待刀成",
    OrderStatus.PAID: "买家已付款，等待发货",
    OrderStatus.REFUND_REQUESTED: "买家申请退款",
    OrderStatus.COMPLETED: "交易成功",
}
"""Order changes that operators are told about; the rest is stored only."""

MOMENTS: dict[OrderStatus, Moment] = {
    OrderStatus.UNPAID: Moment.UNPAID,
    OrderStatus.PAID: Moment.PAID,
    OrderStatus.SHIPPED: Moment.SHIPPED,
    OrderStatus.COMPLETED: Moment.RECEIVED,
    OrderStatus.RATED: Moment.RATED,
}
"""Order changes that rules may speak of."""
UTC_ZONE = ZoneInfo("UTC")

ITEM_OLD = timedelta(days=1)
"""Prices change, but not while somebody asks for them."""


class Inbound:
    def __init__(
        self,
        store: Store,
        settings: ReplySettings,
        now: Callable[[], datetime],
        replies: Replies | None = None,
        reacts: Callable[[ChatPeer], bool] = lambda _: False,
        fence: Callable[[Tx, AccountId], None] = lambda *_: None,
    ) -> None:
        """Without `replies`: rules answer, their hours in UTC, and nothing else does. `reacts`:
        whether a chat has signs. `fence`: raises a StoreError when the account is another node's,
        whose line hears the same."""
        self._fence = fence
        self._reacts = reacts
        self._store = store
        self._settings = settings
        self._replies = replies or Replies(settings, UTC_ZONE)
        self._now = now

    async def take_in(self, account: Account, events: Sequence[Event]) -> TakenIn:
        """Store, decide and enqueue; returns after the commit. Raises StoreError."""
        return await self._store.write(lambda tx: self._unit(tx, account, events))

    def _unit(self, tx: Tx, account: Account, events: Sequence[Event]) -> TakenIn:
        self._fence(tx, account.id)
        counts = TakenIn()
        now = self._now()
        for event in _own_first(events):
            match event:
                case BuyerMessage():
                    self._buyer_message(tx, account, event, counts, now)
                case OwnMessage():
                    self._own_message(tx, account, event, counts, now)
                case OrderSignal():
                    self._order_signal(tx, account, event, counts, now)
                case SystemMessage():
                    self._system_message(tx, account, event, counts, now)
                case ReadReceipt():
                    self._read_by_buyer(tx, account, event, now)
                case Recalled():
                    tx.messages.mark_recalled(account.shop, account.id, event.messages)
                case OrderContext() | ConversationInfo():
                    tx.conversations.upsert(
                        account.shop,
                        account.id,
                        event.conversation,
                        buyer=_other(account, event.buyer),
                        item_id=event.item_id,
                        item_title=event.item_title,
                    )
                case Unknown():
                    counts.unreadable += 1
                    tx.quarantine.add(
                        account.shop,
                        account=account.id,
                        raw=event.raw,
                        reason=event.reason,
                        now=now,
                    )
                case Typing() | Ignored():
                    pass
                case _:
                    assert_never(event)
        return counts

    def _read_by_buyer(self, tx: Tx, account: Account, event: ReadReceipt, now: datetime) -> None:
        """Whoever wrote the last of it sees that, as a sign and never in words."""
        read = tx.messages.mark_read(account.shop, account.id, event.messages, now)
        if not read:
            return
        newest = max(read)
        asked_by = asked_by_key(tx.messages.key(account.shop, newest))
        if asked_by is None or not self._reacts(asked_by.peer):
            return
        conversation = tx.conversations.by_platform(account.shop, account.id, event.conversation)
        if conversation is not None:
            key = f"read:{chat_key(asked_by.peer, asked_by.message_id)}"
            tell_asker(tx, conversation, asked_by, "", key=key, now=now, mark=Mark.READ)

    def _buyer_message(
        self, tx: Tx, account: Account, event: BuyerMessage, counts: TakenIn, now: datetime
    ) -> None:
        conversation = tx.conversations.upsert(
            account.shop,
            account.id,
            event.conversation,
            buyer=event.buyer,
            buyer_name=event.buyer_name,
            item_id=event.item_id,
            at=event.sent_at,
        )
        message = tx.messages.add_in(
            account.shop,
            account.id,
            conversation.id,
            platform_id=event.id,
            origin=Origin.BUYER,
            content=event.content,
            sent_at=event.sent_at,
            newest=conversation.last_message_at,
            quoted=event.quoted,
            now=now,
        )
        if message is None:
            counts.repeated += 1
            return
        counts.messages += 1
        counts.from_buyers += 1
        logger.bind(conversation=conversation.id).debug("buyer's message {} is new", message)
        card = know_buyer(tx, conversation, now)
        reply = self._replies.on_buyer_message(tx, account, conversation, message, event, now)
        counts.answers += reply.answers
        counts.merged += reply.merged
        if reply.answered and self._replies.shows_read:
            mark_read(tx, conversation, now)
        quoted = (
            tx.messages.by_platform(account.shop, account.id, event.quoted)
            if event.quoted is not None
            else None
        )
        notice = text.buyer_notice(
            account,
            conversation,
            event.content,
            reply.outcome,
            quoted=quoted,
            item=self._item(tx, conversation, now),
            known=text.buyer_line(card) if card is not None else "",
        )
        tell_owners(
            tx,
            conversation,
            notice,
            key=f"{NOTICE_KEY}{message}",
            now=now,
            kind=NoticeKind.MESSAGE,
            message=message,
            pictures=isinstance(event.content, Image),
        )
        blocked = card is not None and card.blocked
        if not reply.answered and not blocked and wants_answer(event.content):
            heard(tx, conversation, message, now, reply.plan)

    def _item(self, tx: Tx, conversation: Conversation, now: datetime) -> Item | None:
        """What is known of the conversation's item by now. Its page is asked for when that is old;
        nobody waits for the answer, and a page that cannot be read is left alone until tomorrow."""
        item_id = conversation.item_id
        if item_id is None:
            return None
        known = tx.items.get(conversation.shop, item_id)
        if known is None or known.read_at is None or now - known.read_at >= ITEM_OLD:
            read_item(tx, conversation, item_id, now)
        return known.item if known is not None else None

    def _own_message(
        self, tx: Tx, account: Account, event: OwnMessage, counts: TakenIn, now: datetime
    ) -> None:
        """Our own echo consumes the ledger (L25); what is not in it was typed on the phone."""
        if tx.messages.knows(account.shop, account.id, event.id):
            return
        conversation = tx.conversations.upsert(
            account.shop, account.id, event.conversation, item_id=event.item_id, at=event.sent_at
        )
        matched = tx.messages.match_echo(
            account.shop,
            account.id,
            conversation.id,
            platform_id=event.id,
            content=event.content,
            now=now,
            sent_at=event.sent_at,
        )
        if matched is not None:
            on_message_settled(tx, account.shop, matched, MessageState.ACCEPTED, "", now)
            return
        words = self._settings.toggle_words
        if seller_wrote(tx, account, conversation, event, words, now):
            counts.messages += 1
        else:
            counts.repeated += 1

    def _order_signal(
        self, tx: Tx, account: Account, event: OrderSignal, counts: TakenIn, now: datetime
    ) -> None:
        conversation = tx.conversations.upsert(
            account.shop,
            account.id,
            event.conversation,
            buyer=_other(account, event.buyer),
            item_id=event.item_id,
            at=event.sent_at if event.id is not None else None,
        )
        message: MessageId | None = None
        if event.id is not None:
            card = Card(event.text)
            message = self._add_platform(
                tx, account, conversation, event.id, card, event.sent_at, counts, now
            )
        on_signal(tx, account, conversation, event, now)
        self._speak_of(tx, account, conversation, event, now)
        told = TOLD_STATUSES.get(event.status)
        about = event.order_id or event.id
        if told is None or event.as_buyer or about is None:
            return
        key = order_key(account.id, about, event.status)
        news = tx.inputs.first_time(account.shop, key, now)
        if not news and event.source is SignalSource.CATCH_UP:
            return
        if news and event.status is OrderStatus.PAID:
            self._count_paid(tx, account, event, counts)
        item = self._item(tx, conversation, now)
        notice = text.order_notice(account, conversation, told, event.order_id, item=item)
        tell_owners(tx, conversation, notice, key=key, now=now, message=message)

    def _speak_of(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        event: OrderSignal,
        now: datetime,
    ) -> None:
        """Let rules speak. Lists do not say when an order came where it is, so they are silent."""
        moment, about = MOMENTS.get(event.status), event.order_id or event.id
        if moment is None or about is None or event.as_buyer:
            return
        if event.source is not SignalSource.CATCH_UP:
            since = event.sent_at
            named = event.order_id is not None
            know_buyer(tx, conversation, now)
            self._replies.on_moment(
                tx, account, conversation, moment, about=about, named=named, since=since, now=now
            )

    def _count_paid(self, tx: Tx, account: Account, event: OrderSignal, counts: TakenIn) -> None:
        """Lists do not say when an order was paid, but what only they knew came late."""
        counts.orders += 1
        paid_at = None if event.source is SignalSource.CATCH_UP else event.sent_at
        tx.comparisons.count_late(account.shop, account.id, paid_at, orders=1)

    def _system_message(
        self, tx: Tx, account: Account, event: SystemMessage, counts: TakenIn, now: datetime
    ) -> None:
        conversation = tx.conversations.upsert(account.shop, account.id, event.conversation)
        self._add_platform(
            tx, account, conversation, event.id, event.content, event.sent_at, counts, now
        )

    def _add_platform(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        platform_id: PlatformMessage,
        content: Content,
        sent_at: datetime,
        counts: TakenIn,
        now: datetime,
    ) -> MessageId | None:
        message = tx.messages.add_in(
            account.shop,
            account.id,
            conversation.id,
            platform_id=platform_id,
            origin=Origin.PLATFORM,
            content=content,
            sent_at=sent_at,
            newest=conversation.last_message_at,
            now=now,
        )
        if message is None:
            counts.repeated += 1
        else:
            counts.messages += 1
        return message


def _own_first(events: Sequence[Event]) -> Sequence[Event]:
    """What the seller answered on the phone counts for the questions before it as well."""
    if len(events) < 2:
        return events
    return sorted(events, key=lambda event: not isinstance(event, OwnMessage))


def _other(account: Account, user: PlatformUser | None) -> PlatformUser | None:
    """Orders name the account itself as the buyer of what it buys; answers go to the other side."""
    return None if user == account.user else user
