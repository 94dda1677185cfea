"""What the seller does in the platform's own app: an answer there, or a word for us."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from loguru import logger

from hub import text
from hub.answers import drop_answered_drafts
from hub.model import (
    Account,
    Conversation,
    Hold,
    HoldKind,
    MessageId,
    NoticeKind,
    Origin,
    OwnMessage,
    Scope,
)
from hub.notices import tell_owners
from hub.policy import HUMAN_ANSWERED, Toggle, is_toggle, toggle
from hub.store import Tx, held_place

BY_PHONE = "店主在手机上暂停"
LED_BY_PHONE = "店主正在手机上接待"


def seller_wrote(
    tx: Tx,
    account: Account,
    conversation: Conversation,
    event: OwnMessage,
    words: Collection[str],
    now: datetime,
) -> bool:
    """Store what was typed on the phone and do what it means. False: it was known.

    One of `words` alone toggles the automation of the conversation, once per message of the
    platform; it is no answer to the buyer. Anything else takes the conversation over. Call it only
    with what is no echo of our own words (L25).
    """
    toggles = is_toggle(event.content, words)
    message = tx.messages.add_in(
        account.shop,
        account.id,
        conversation.id,
        platform_id=event.id,
        origin=Origin.TOGGLE if toggles else Origin.PHONE,
        content=event.content,
        sent_at=event.sent_at,
        newest=conversation.last_message_at,
        now=now,
    )
    if message is None:
        return False
    if toggles:
        _toggle(tx, account, conversation, message, event.sent_at, now)
        return True
    drop_answered_drafts(tx, conversation, event.sent_at, HUMAN_ANSWERED, now)
    set_by_now = tx.accounts.get(account.shop, account.id) or account
    if set_by_now.takeover_minutes:
        _take_over(tx, set_by_now, conversation, event.sent_at, now)
    return True


def _take_over(
    tx: Tx, account: Account, conversation: Conversation, said_at: datetime, now: datetime
) -> None:
    """From when it was said: what is found late has less of it left, or nothing."""
    until = said_at + timedelta(minutes=account.takeover_minutes)
    if until > now:
        tx.holds.add(
            account.shop,
            Scope(conversation=conversation.id),
            kind=HoldKind.TAKEOVER,
            reason=LED_BY_PHONE,
            now=now,
            until=until,
            shorten=False,
        )


def _toggle(
    tx: Tx,
    account: Account,
    conversation: Conversation,
    message: MessageId,
    said_at: datetime,
    now: datetime,
) -> None:
    shop, scope = account.shop, Scope(conversation=conversation.id)
    done = toggle(tx.holds.of_scope(shop, scope, now), said_at, now)
    if done is Toggle.PAUSE:
        tx.holds.add(shop, scope, kind=HoldKind.PAUSE, reason=BY_PHONE, now=now)
    elif done is Toggle.RESUME:
        tx.holds.end(shop, scope, now)
    if done is not Toggle.LATE:
        tx.audit.add(
            shop, member=None, door="phone", action=done, target=conversation.ticket, now=now
        )
    logger.info("word from the phone in conversation {}: {}", conversation.id, done)
    still: list[Hold] = tx.holds.here(shop, conversation.id, now)
    wider = [held_place(tx, hold) for hold in still if hold.scope != scope]
    told = {
        Toggle.PAUSE: text.paused_by_phone,
        Toggle.RESUME: text.resumed_by_phone,
        Toggle.LATE: text.late_from_phone,
    }[done](account, conversation, wider)
    key, kind = f"toggle:{message}", NoticeKind.RECEIPT
    tell_owners(tx, conversation, told, key=key, now=now, kind=kind, message=message)
