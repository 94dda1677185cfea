"""What the platform pushes becomes rows, decisions and tasks: one transaction per push.

The push is acknowledged by its caller only after `take_in` has returned, that is after the commit.
A push that comes twice finds its messages known and causes nothing (L22, L23).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from hub import text
from hub.model import (
    Account,
    BuyerMessage,
    Card,
    Content,
    Conversation,
    ConversationInfo,
    Event,
    HoldKind,
    Ignored,
    MessageId,
    OrderContext,
    OrderSignal,
    OrderStatus,
    Origin,
    OwnMessage,
    PlatformMessage,
    PlatformUser,
    ReadReceipt,
    SendMessage,
    SignalSource,
    SystemMessage,
    TakenIn,
    Text,
    Typing,
    Unknown,
    send_lane,
)
from hub.notices import tell_owners
from hub.policy import Answer, Silence, decide_reply
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


class Inbound:
    def __init__(self, store: Store, settings: ReplySettings, now: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._now = now

    async def take_in(self, account: Account, events: Sequence[Event]) -> TakenIn:
        """Store, decide and enqueue; returns after the commit."""
        return await self._store.write(lambda tx: self._unit(tx, account, events))

    def _unit(self, tx: Tx, account: Account, events: Sequence[Event]) -> TakenIn:
        counts = TakenIn()
        now = self._now()
        for event in events:
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
                    tx.messages.mark_read(account.shop, account.id, event.messages, now)
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
            quoted=event.quoted,
            now=now,
        )
        if message is None:
            counts.repeated += 1
            return
        counts.messages += 1
        decision = decide_reply(
            event.content,
            event.sent_at,
            tx.rules.enabled(account.shop, account.id),
            tx.holds.active(account.shop, conversation.id, now),
            enabled=self._settings.enabled,
            now=now,
            expire=timedelta(minutes=self._settings.expire_minutes),
        )
        if isinstance(decision, Answer):
            counts.answers += 1
            self._enqueue_answer(tx, conversation, message, decision, now)
        self._record(tx, conversation, message, decision, now)
        notice = text.buyer_notice(account, conversation, event.content, _outcome(decision))
        tell_owners(tx, conversation, notice, key=f"notice:{message}", now=now, message=message)

    def _enqueue_answer(
        self, tx: Tx, conversation: Conversation, asked: MessageId, answer: Answer, now: datetime
    ) -> None:
        message = tx.messages.add_out(
            conversation.shop,
            conversation.account,
            conversation.id,
            key=f"rule:{asked}",
            origin=Origin.RULE,
            content=Text(answer.text),
            now=now,
        )
        if message is None:
            return
        tx.outbox.enqueue(
            conversation.shop,
            SendMessage(conversation.account, conversation.id, message),
            lane=send_lane(conversation.account, conversation.id),
            key=f"send:{message}",
            due_at=now,
            expires_at=now + timedelta(minutes=self._settings.expire_minutes),
        )

    def _record(
        self,
        tx: Tx,
        conversation: Conversation,
        message: MessageId,
        decision: Answer | Silence,
        now: datetime,
    ) -> None:
        tx.decisions.add(
            conversation.shop,
            conversation=conversation.id,
            message=message,
            outcome="answered" if isinstance(decision, Answer) else decision.outcome,
            reason=decision.reason,
            rule=decision.rule.id if isinstance(decision, Answer) else None,
            now=now,
        )

    def _own_message(
        self, tx: Tx, account: Account, event: OwnMessage, counts: TakenIn, now: datetime
    ) -> None:
        """Our own echo consumes the ledger (L25); what is not in it was typed on the phone."""
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
            return
        message = tx.messages.add_in(
            account.shop,
            account.id,
            conversation.id,
            platform_id=event.id,
            origin=Origin.PHONE,
            content=event.content,
            sent_at=event.sent_at,
            now=now,
        )
        if message is None:
            counts.repeated += 1
            return
        counts.messages += 1
        until = event.sent_at + timedelta(minutes=account.takeover_minutes)
        if until > now and not _led_until(tx, conversation, until, now):
            tx.holds.add(
                account.shop,
                kind=HoldKind.TAKEOVER,
                conversation=conversation.id,
                reason="店主正在手机上接待",
                now=now,
                until=until,
            )

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
        told = TOLD_STATUSES.get(event.status)
        about = event.order_id or event.id
        if told is None or event.as_buyer or about is None:
            return
        notice = text.order_notice(account, conversation, told, event.order_id)
        key = f"order:{account.id}:{about}:{event.status}"
        news = tell_owners(tx, conversation, notice, key=key, now=now, message=message)
        if news and event.source is SignalSource.CATCH_UP:
            counts.orders += 1

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
            now=now,
        )
        if message is None:
            counts.repeated += 1
        else:
            counts.messages += 1
        return message


def _other(account: Account, user: PlatformUser | None) -> PlatformUser | None:
    """Orders name the account itself as the buyer of what it buys; answers go to the other side."""
    return None if user == account.user else user


def _led_until(tx: Tx, conversation: Conversation, until: datetime, now: datetime) -> bool:
    """Whether somebody leads the conversation for at least that long already."""
    return any(
        hold.conversation == conversation.id
        and hold.kind is HoldKind.TAKEOVER
        and hold.until is not None
        and hold.until >= until
        for hold in tx.holds.all_active(conversation.shop, now)
    )


def _outcome(decision: Answer | Silence) -> str:
    if isinstance(decision, Answer):
        return f"↪ 自动回复：{text.shorten(decision.text)}"
    return f"⏸ {decision.reason}" if decision.outcome in ("held", "expired") else ""
