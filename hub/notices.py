"""Who is told: notices to operators become outbox tasks here and nowhere else."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.model import (
    AskedBy,
    ChatPeer,
    Conversation,
    ConversationId,
    MailPart,
    MessageId,
    PoolId,
    PoolKind,
    SendMail,
    SendNotice,
    SendReceipt,
    ShopId,
    StockLevel,
    Urgent,
    UrgentNews,
    chat_lane,
    mail_lane,
)
from hub.policy import MAIL_LIFETIME, MailWhen, is_worse, stock_level, when_mailed
from hub.store import Tx
from hub.text import focus_head, stock_fell

NOTICE_LIFETIME = timedelta(hours=24)


def tell_owners(
    tx: Tx,
    conversation: Conversation,
    text: str,
    *,
    key: str,
    now: datetime,
    message: MessageId | None = None,
    pictures: bool = False,
    urgent: UrgentNews | None = None,
) -> bool:
    """Tell about a conversation; quoting the notice answers its buyer. False: told before, or
    there is nobody to tell.

    `pictures`: those of `message` are shown with it. `urgent`: it may be worth a mail.
    """
    shop = conversation.shop
    told = _tell(tx, shop, text, key, now, conversation.id, message, pictures)
    return _mail(tx, shop, urgent, text, key, now) or told


def tell_owners_of_shop(
    tx: Tx,
    shop: ShopId,
    text: str,
    *,
    key: str,
    now: datetime,
    urgent: UrgentNews | None = None,
) -> bool:
    """Tell something that is about no conversation. False: told before, or there is nobody."""
    told = _tell(tx, shop, text, key, now, None, None)
    return _mail(tx, shop, urgent, text, key, now) or told


def _mail(
    tx: Tx, shop: ShopId, news: UrgentNews | None, text: str, key: str, now: datetime
) -> bool:
    """Mail it to those who want that, once per `key`; the notices in chat have keys that begin
    with it."""
    when = when_mailed(news) if news is not None else None
    if news is None or when is None:
        return False
    unless_told = when is MailWhen.UNLESS_TOLD
    told = False
    for to in tx.members.mailed(shop):
        part = MailPart(news.kind, news.words or text, now)
        task = tx.outbox.enqueue(
            shop,
            SendMail(to, (part,), unless=f"{key}:" if unless_told else ""),
            lane=mail_lane(to, unless_told=unless_told),
            key=f"mail:{key}:{to.casefold()}",
            due_at=now,
            expires_at=now + MAIL_LIFETIME,
        )
        told = told or task is not None
    return told


def tell_stock(tx: Tx, shop: ShopId, pool: PoolId, now: datetime) -> None:
    """Tell owners if a pool of codes has come to be low or empty, once per fall.

    Call it in the unit of work that changed the number of available cards or the threshold: then no
    crash can part the fall from its telling.
    """
    found = tx.pools.get(shop, pool)
    if found is None or found.kind is not PoolKind.CODES or not found.enabled:
        return
    level = stock_level(found.counts.available, found.low_at)
    if level is found.told:
        return
    tx.pools.set_told(shop, pool, level)
    if is_worse(level, found.told):
        key = f"stock:{pool}:{level}:{now.isoformat()}"
        urgent = UrgentNews(Urgent.STOCK) if level is StockLevel.EMPTY else None
        tell_owners_of_shop(tx, shop, stock_fell(found, level), key=key, now=now, urgent=urgent)


def _tell(
    tx: Tx,
    shop: ShopId,
    text: str,
    key: str,
    now: datetime,
    conversation: ConversationId | None,
    message: MessageId | None,
    pictures: bool = False,
) -> bool:
    """Once per `key` to each QQ id of each owner: the default routing of a shop."""
    told = False
    for qq in tx.members.owners_qq(shop):
        peer = ChatPeer("", "private", qq)
        task = tx.outbox.enqueue(
            shop,
            SendNotice(peer, text, conversation, message, pictures),
            lane=chat_lane(peer, pictures=pictures),
            key=f"{key}:{qq}",
            due_at=now,
            expires_at=now + NOTICE_LIFETIME,
        )
        told = told or task is not None
    return told


def tell_chat(tx: Tx, shop: ShopId, peer: ChatPeer, text: str, *, key: str, now: datetime) -> None:
    """Say something in one chat that nobody there asked for just now."""
    tx.outbox.enqueue(
        shop,
        SendNotice(peer, text, None),
        lane=chat_lane(peer),
        key=key,
        due_at=now,
        expires_at=now + NOTICE_LIFETIME,
    )


def tell_asker(
    tx: Tx,
    conversation: Conversation,
    asked_by: AskedBy,
    text: str,
    *,
    key: str,
    now: datetime,
    message: MessageId | None = None,
) -> None:
    """`message`: the one it tells of; quoting the receipt then means that one. Whoever talks with
    this buyer alone reads that above it."""
    peer = asked_by.peer
    focus = tx.focuses.get(peer.bot, peer.peer) if peer.scene == "private" else None
    if focus is not None and focus.conversation == conversation.id:
        text = f"{focus_head(conversation)}\n{text}"
    tx.outbox.enqueue(
        conversation.shop,
        SendReceipt(asked_by, text, conversation.id, message),
        lane=chat_lane(asked_by.peer),
        key=key,
        due_at=now,
        expires_at=now + NOTICE_LIFETIME,
    )
