"""Who is told: notices to operators become outbox tasks here and nowhere else.

Whom a shop wants told of what is decided in `hub.policy.routing`; without a word of it, owners are
told in private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.model import (
    ORDINARY,
    URGENT,
    About,
    AccountId,
    AskedBy,
    ChatPeer,
    Claim,
    Conversation,
    ConversationId,
    DailyDigest,
    MailPart,
    Mark,
    MemberId,
    MessageId,
    NoticeKind,
    PeoplePlan,
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
    chat_lanes,
    in_group_only,
    mail_lane,
    only_bot,
    peer_at,
    receipt_lane,
)
from hub.policy import (
    CLAIM_LASTS,
    MAIL_LIFETIME,
    MailWhen,
    audience,
    is_worse,
    masked_texts,
    next_at,
    stock_level,
    when_mailed,
)
from hub.store import Tx
from hub.summaries import summarize_later
from hub.text import GOODS, focus_head, stock_fell

NOTICE_LIFETIME = timedelta(hours=24)
ANSWER_LIFETIME = timedelta(hours=1)
"""An answer that comes later than that confuses."""
FALLBACK_AFTER = timedelta(seconds=20)
"""How long a bot with a QQ number has to tell somebody before an official one does."""
_MAILED_AS: dict[NoticeKind, Urgent] = {
    NoticeKind.MESSAGE: Urgent.MESSAGE,
    NoticeKind.ORDER: Urgent.ORDER,
    NoticeKind.NEED: Urgent.NEED,
    NoticeKind.ACCOUNT: Urgent.ACCOUNT_NEWS,
    NoticeKind.STOCK: Urgent.STOCK_NEWS,
    NoticeKind.SYSTEM: Urgent.BACKUP,
    NoticeKind.RECEIPT: Urgent.RECEIPT,
}


def tell_owners(
    tx: Tx,
    conversation: Conversation,
    text: str,
    *,
    key: str,
    now: datetime,
    kind: NoticeKind = NoticeKind.ORDER,
    message: MessageId | None = None,
    pictures: bool = False,
    urgent: UrgentNews | None = None,
) -> bool:
    """Tell about a conversation, owners or whom the shop wants told; quoting the notice answers
    its buyer. False: told before, or there is nobody to tell.

    `pictures`: those of `message` are shown with it. `urgent`: it may be worth a mail.
    """
    shop = conversation.shop
    about = about_conversation(kind, conversation)
    notice = _Notice(
        text, key, conversation.id, message, pictures, urgent=kind in URGENT, news=urgent
    )
    told = _tell(tx, shop, about, notice, now)
    return mail_members(tx, shop, urgent, text, key, now) or told


def tell_owners_of_shop(
    tx: Tx,
    shop: ShopId,
    text: str,
    *,
    key: str,
    now: datetime,
    kind: NoticeKind = NoticeKind.ACCOUNT,
    account: AccountId | None = None,
    urgent: UrgentNews | None = None,
) -> bool:
    """Tell something that is about no conversation. False: told before, or there is nobody."""
    notice = _Notice(text, key, urgent=kind in URGENT, news=urgent)
    told = _tell(tx, shop, About(kind, account), notice, now)
    return mail_members(tx, shop, urgent, text, key, now) or told


def mail_members(
    tx: Tx, shop: ShopId, news: UrgentNews | None, text: str, key: str, now: datetime
) -> bool:
    """Mail it to those who want that, once per `key`; the notices in chat have keys that begin
    with it."""
    when = when_mailed(news) if news is not None else None
    if news is None or when is None:
        return False
    part = MailPart(news.kind, news.words or text, now)
    unless = f"{key}:" if when is MailWhen.UNLESS_TOLD else ""
    return _mail(tx, shop, tx.members.mailed(shop), part, key, now, unless=unless)


def _mail(
    tx: Tx,
    shop: ShopId,
    addresses: Iterable[str],
    part: MailPart,
    key: str,
    now: datetime,
    *,
    unless: str = "",
) -> bool:
    told = False
    for to in addresses:
        task = tx.outbox.enqueue(
            shop,
            SendMail(to, (part,), unless=unless),
            lane=mail_lane(to, unless_told=bool(unless), ordinary=part.kind in ORDINARY),
            key=f"mail:{key}:{to.casefold()}",
            due_at=now,
            expires_at=now + MAIL_LIFETIME,
        )
        told = told or task is not None
    return told


def tell_stock(tx: Tx, shop: ShopId, pool: PoolId, now: datetime) -> None:
    """Tell if a pool of codes has come to be low or empty, once per fall.

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
        said, kind = stock_fell(found, level), NoticeKind.STOCK
        urgent = UrgentNews(Urgent.STOCK) if level is StockLevel.EMPTY else None
        tell_owners_of_shop(tx, shop, said, key=key, now=now, kind=kind, urgent=urgent)


@dataclass(frozen=True, slots=True)
class _Notice:
    """What is told, before it is known to whom."""

    text: str
    key: str
    conversation: ConversationId | None = None
    message: MessageId | None = None
    pictures: bool = False
    urgent: bool = False
    news: UrgentNews | None = None
    """What a mail says of it."""


def _tell(tx: Tx, shop: ShopId, about: About, notice: _Notice, now: datetime) -> bool:
    """Once per key to everybody whom the shop has tell of such things. True also when all of them
    want quiet: they get a summary."""
    claimable = about.kind is NoticeKind.MESSAGE
    found = tx.attention.listeners(shop, notice.conversation if claimable else None)
    plan, claim = found.plan, found.claim
    handed = claim is not None and claim.handed
    if plan is None and not handed:
        return _tell_people(tx, shop, found.owners_qq, notice, now)
    members = tx.members.all(shop)
    settled = plan or PeoplePlan()
    holder = claimed_by(claim, now) if handed or settled.claimed_only else None
    about = tagged(tx, shop, about, settled)
    told = audience(about, settled, members, now, claimed_by=holder)
    ids = [one.qq for one in members if one.id in told.members]
    any_told = _tell_people(tx, shop, ids, notice, now)
    if told.groups or told.mailed:
        notice = replace(notice, text=_without_cards(tx, shop, about, notice.text))
    for number in told.groups:
        peer = peer_at("group", number)
        any_told |= _enqueue(tx, shop, peer, notice, f"{notice.key}:group:{number}", now)
    addresses = [one.email for one in members if one.id in told.mailed and one.email]
    news = notice.news or UrgentNews(_MAILED_AS[about.kind])
    part = MailPart(news.kind, news.words or notice.text, now)
    any_told |= _mail(tx, shop, addresses, part, notice.key, now)
    for member in told.held:
        summarize_later(tx, shop, member, settled, now)
    return any_told or bool(told.held)


def _without_cards(tx: Tx, shop: ShopId, about: About, text: str) -> str:
    """Buyers quote what they were given, and not everybody may see that."""
    if about.account is None or about.buyer is None:
        return text
    return masked_texts(text, tx.cards.codes_of_buyer(shop, about.account, about.buyer), GOODS)


def about_conversation(kind: NoticeKind, conversation: Conversation) -> About:
    return About(kind, conversation.account, conversation.item_id, conversation.buyer)


def tagged(tx: Tx, shop: ShopId, about: About, plan: PeoplePlan) -> About:
    """With the tags of the buyer, if a rule asks for one."""
    if about.buyer is None or not any(route.tag for route in plan.routes):
        return about
    return replace(about, tags=tx.buyers.get(shop, about.buyer).tags)


def tell_members(
    tx: Tx,
    shop: ShopId,
    members: Collection[MemberId],
    text: str,
    *,
    key: str,
    now: datetime,
    conversation: ConversationId | None = None,
    message: MessageId | None = None,
) -> bool:
    """Tell exactly these, in private, whatever the rules say. False: told before, or nobody."""
    found = tx.members.all(shop)
    ids = [one.qq for one in found if one.active and one.id in members]
    return _tell_people(tx, shop, ids, _Notice(text, key, conversation, message), now)


def forget_chat(tx: Tx, shop: ShopId, peer: ChatPeer, now: datetime) -> None:
    """Whoever is there is not to be told any more, also nothing of what waits to be told there."""
    pictures, receipts = chat_lane(peer, pictures=True), receipt_lane(peer)
    for lane in dict.fromkeys((*chat_lanes(peer), pictures, receipts)):
        for task in tx.outbox.waiting(shop, lane):
            tx.outbox.cancel(shop, task.key, error="not to be told any more", now=now)


def plan_digest(tx: Tx, shop: ShopId, plan: PeoplePlan, now: datetime) -> None:
    """Have the digest of the day made at the time that the shop wants it, once a day."""
    if plan.digest_at is None:
        return
    due_at = next_at(now, plan.zone, plan.digest_at.hour, plan.digest_at.minute)
    at, key = f"{plan.digest_at:%H:%M}", f"digest:{due_at.isoformat()}"
    tx.outbox.enqueue(shop, DailyDigest(at), lane=f"digest:{at}", key=key, due_at=due_at, now=now)


def claimed_by(claim: Claim | None, now: datetime) -> MemberId | None:
    """Who answers there; None when that was long ago."""
    if claim is None or now - claim.active_at >= CLAIM_LASTS:
        return None
    return claim.member


def _tell_people(
    tx: Tx, shop: ShopId, people: Iterable[Sequence[str]], notice: _Notice, now: datetime
) -> bool:
    """To each address of each of them. Where somebody has QQ numbers, official bots are there for
    the case that no other gets through."""
    told = False
    for addresses in people:
        numbers = [one for one in addresses if not only_bot(one)]
        elsewhere = tuple(f"{notice.key}:{one}" for one in numbers)
        for address in addresses:
            if in_group_only(address):
                continue
            peer, key = peer_at("private", address), f"{notice.key}:{address}"
            if address in numbers or not elsewhere:
                told |= _enqueue(tx, shop, peer, notice, key, now)
            else:
                later = now + FALLBACK_AFTER
                told |= _enqueue(tx, shop, peer, notice, key, later, unless=elsewhere)
    return told


def _enqueue(
    tx: Tx,
    shop: ShopId,
    peer: ChatPeer,
    notice: _Notice,
    key: str,
    due_at: datetime,
    *,
    unless: tuple[str, ...] = (),
) -> bool:
    task = tx.outbox.enqueue(
        shop,
        SendNotice(
            peer,
            notice.text,
            notice.conversation,
            notice.message,
            notice.pictures,
            notice.urgent,
            unless,
        ),
        # Who may only answer says everything in turn: pictures in a lane of their own would take
        # credits that nobody planned.
        lane=chat_lane(
            peer,
            pictures=notice.pictures and not peer.bot,
            fallback=bool(unless),
            urgent=notice.urgent and bool(peer.bot),
        ),
        key=key,
        due_at=due_at,
        expires_at=due_at + NOTICE_LIFETIME,
    )
    return task is not None


def tell_chat(tx: Tx, shop: ShopId, peer: ChatPeer, text: str, *, key: str, now: datetime) -> None:
    """Say something in one chat that nobody there asked for just now."""
    _enqueue(tx, shop, peer, _Notice(text, key), key, now)


def answer_later(
    tx: Tx, shop: ShopId, peer: ChatPeer, text: str, *, key: str, now: datetime
) -> None:
    """What somebody was to be answered just now, said as soon as it can be."""
    tx.outbox.enqueue(
        shop,
        SendNotice(peer, text, None),
        lane=receipt_lane(peer),
        key=key,
        due_at=now,
        expires_at=now + ANSWER_LIFETIME,
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
    mark: Mark | None = None,
) -> None:
    """`message`: the one it tells of; quoting the receipt then means that one. `mark`: the same as
    a sign, for chats that have them. Whoever talks with this buyer alone reads that above it."""
    peer = asked_by.peer
    focus = tx.focuses.get(peer.bot, peer.peer) if peer.scene == "private" else None
    if focus is not None and focus.conversation == conversation.id and text:
        text, mark = f"{focus_head(conversation)}\n{text}", None
    tx.outbox.enqueue(
        conversation.shop,
        SendReceipt(asked_by, text, conversation.id, message, mark),
        lane=receipt_lane(peer),
        key=key,
        due_at=now,
        expires_at=now + NOTICE_LIFETIME,
    )
