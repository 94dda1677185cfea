"""What waits for a person: opened once, told again and again, closed by whoever resolves it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from hub import text
from hub.model import (
    AccountId,
    ConversationId,
    MemberId,
    Need,
    NeedKind,
    NoticeKind,
    Remind,
    ShopId,
    Urgent,
    UrgentNews,
)
from hub.notices import tell_owners, tell_owners_of_shop
from hub.policy import choices_of, next_reminder, reminder_step
from hub.store import Tx

UNDELIVERED = frozenset(
    {
        NeedKind.NO_RULE,
        NeedKind.OUT_OF_STOCK,
        NeedKind.UNKNOWN_SPEC,
        NeedKind.TOO_MANY,
        NeedKind.UNCLEAR,
        NeedKind.UNREADABLE,
        NeedKind.HELD,
        NeedKind.STOPPED,
        NeedKind.UNSUPPLIED,
        NeedKind.SUPPLY_UNCERTAIN,
        NeedKind.BARGAIN,
        NeedKind.REFUND_OFF,
    }
)
"""Needs that are over once the goods are on their way, or owed no longer."""


def open_need(
    tx: Tx,
    shop: ShopId,
    kind: NeedKind,
    *,
    account: AccountId | None = None,
    order: str | None = None,
    subject: str = "",
    conversation: ConversationId | None = None,
    detail: str,
    now: datetime,
) -> Need | None:
    """Open it, tell owners, and remind them until it is closed. None: it is open already."""
    need = tx.needs.open(
        shop,
        kind,
        account=account,
        order=order,
        subject=subject,
        conversation=conversation,
        detail=detail,
        now=now,
    )
    if need is not None:
        tell_need(tx, need, now)
        lane = f"need:{need.id}"
        due_at = next_reminder(now, now)
        tx.outbox.enqueue(shop, Remind(need.id), lane=lane, key=lane, due_at=due_at, now=now)
    return need


def tell_need(tx: Tx, need: Need, now: datetime, *, again: bool = False) -> None:
    shop = need.shop
    account = tx.accounts.get(shop, need.account) if need.account is not None else None
    order = (
        tx.orders.get(shop, need.account, need.order)
        if need.account is not None and need.order is not None
        else None
    )
    where = need.conversation or (order.conversation if order is not None else None)
    conversation = tx.conversations.get(shop, where) if where is not None else None
    choices = choices_of(need.kind)
    said = text.need_notice(need, account, order, conversation, choices, again=again)
    key = f"need:{need.id}:{now.isoformat()}"
    urgent = UrgentNews(
        Urgent.BRAKE if need.kind is NeedKind.BRAKE else Urgent.NEED,
        reminder_step(need.opened_at, now) if again else 0,
        text.need_mail(need, account, order),
    )
    if conversation is not None:
        tell_owners(tx, conversation, said, key=key, now=now, kind=NoticeKind.NEED, urgent=urgent)
    else:
        tell_owners_of_shop(
            tx,
            shop,
            said,
            key=key,
            now=now,
            kind=NoticeKind.NEED,
            account=need.account,
            urgent=urgent,
        )


def close_needs(
    tx: Tx,
    shop: ShopId,
    account: AccountId,
    order: str,
    *,
    kinds: Collection[NeedKind] | None = None,
    resolution: str,
    member: MemberId | None = None,
    now: datetime,
) -> int:
    """Close what is open about an order, of these kinds or all; returns how many."""
    return sum(
        tx.needs.close(shop, need.id, resolution=resolution, member=member, now=now)
        for need in tx.needs.open_about(shop, account, order)
        if kinds is None or need.kind in kinds
    )
