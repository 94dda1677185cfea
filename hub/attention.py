"""Who answers a buyer: claimed by the first who does, handed over, and not forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.model import (
    HANDED_KEY,
    PING_KEY,
    Account,
    ChatPeer,
    Claim,
    Conversation,
    Member,
    MemberId,
    MessageId,
    NoticeKind,
    PeoplePlan,
    Ping,
    Role,
    SendNotice,
    ShopId,
    chat_lane,
    peer_at,
)
from hub.notices import NOTICE_LIFETIME, about_conversation, claimed_by, tagged, tell_members
from hub.policy import audience, pings
from hub.store import Tx
from hub.text import people as people_words

SUMMARY_MESSAGES = 6
"""Of what was said last, for whoever takes a conversation over."""


def heard(
    tx: Tx,
    conversation: Conversation,
    message: MessageId,
    now: datetime,
    plan: PeoplePlan | None = None,
) -> None:
    """A buyer said something: from now on it is watched whether anybody answers. What waits longer
    already keeps its own time. `plan`: what the shop has settled, if the caller knows."""
    plan = plan or tx.plans.get(conversation.shop) or PeoplePlan()
    minutes = pings(plan, tx.members.answering(conversation.shop))
    if not minutes:
        return
    for task in _waiting(tx, conversation):
        if not _answered(tx, conversation, task.work.message):
            return
        tx.outbox.cancel(conversation.shop, task.key, error="answered", now=now)
    remind(tx, conversation, message, now + timedelta(minutes=minutes[0]), now)


def remind(
    tx: Tx,
    conversation: Conversation,
    message: MessageId,
    due_at: datetime,
    now: datetime,
    *,
    step: int = 0,
) -> None:
    _plan(tx, conversation, Ping(conversation.id, message, step, due_at=due_at), now)


def put_off(
    tx: Tx,
    conversation: Conversation,
    message: MessageId,
    member: MemberId,
    until: datetime,
    now: datetime,
) -> None:
    """Remind this member then, and nobody before; what others asked for stays as it is."""
    asked = Ping(conversation.id, message, member=member, due_at=until)
    _plan_anew(tx, conversation, [asked, *_asked_by_others(tx, conversation, member)], now)


def stop_reminding(tx: Tx, conversation: Conversation, member: MemberId, now: datetime) -> bool:
    """This needs no answer; what others asked for stays as it is. False: nothing was planned."""
    planned = _waiting(tx, conversation)
    others = _asked_by_others(tx, conversation, member)
    if len(planned) == len(others):
        return False
    _plan_anew(tx, conversation, others, now)
    return True


def _plan_anew(tx: Tx, conversation: Conversation, wanted: Iterable[Ping], now: datetime) -> None:
    """These in the place of all that were planned: what is due first must come first."""
    for task in _waiting(tx, conversation):
        tx.outbox.cancel(conversation.shop, task.key, error="put off", now=now)
    for ping in sorted(wanted, key=lambda one: one.due_at or now):
        _plan(tx, conversation, ping, now)


def _plan(tx: Tx, conversation: Conversation, ping: Ping, now: datetime) -> None:
    due_at = ping.due_at or now
    who = f"{ping.message}:{ping.step}:{ping.member or 0}"
    tx.outbox.enqueue(
        conversation.shop,
        ping,
        lane=ping_lane(conversation),
        key=f"{PING_KEY}{who}:{due_at.isoformat()}:{now.isoformat()}",
        due_at=due_at,
        now=now,
    )


def _asked_by_others(tx: Tx, conversation: Conversation, member: MemberId) -> list[Ping]:
    planned = [task.work for task in _waiting(tx, conversation)]
    return [one for one in planned if one.member not in (None, member)]


def answered_by(
    tx: Tx, conversation: Conversation, member: Member, now: datetime, *, at: ChatPeer | None = None
) -> None:
    """A member answers: the first one claims the conversation, and the others are told once.

    `at`: where it was written; whoever is there has seen it.
    """
    if not member.id:
        return
    claim = tx.attention.claim_of(conversation.shop, conversation.id)
    holder = claimed_by(claim, now)
    if holder is None or (holder != member.id and _is_gone(tx, member.shop, holder)):
        tx.attention.claim(conversation.shop, Claim(conversation.id, member.id, now, now))
        _tell_others(tx, conversation, member, now, at)
    elif holder == member.id and claim is not None:
        again = replace(claim, active_at=now)
        tx.attention.claim(conversation.shop, again)


def hand_over(
    tx: Tx,
    account: Account,
    conversation: Conversation,
    giver: Member,
    taker: Member,
    now: datetime,
    *,
    note: str = "",
) -> None:
    """The other is told what was said last, and is the first to be reminded. `note`: what the
    giver says to it."""
    shop = conversation.shop
    tx.attention.claim(shop, Claim(conversation.id, taker.id, now, now, handed=True))
    said = tx.messages.of_conversation(shop, conversation.id, limit=SUMMARY_MESSAGES)
    words = people_words.handed_over(giver.name, account, conversation, said, note=note)
    last = tx.attention.last_heard(shop, conversation.id)
    key = f"{HANDED_KEY}{conversation.id}:{taker.id}:{now.isoformat()}"
    tell_members(
        tx,
        shop,
        (taker.id,),
        words,
        key=key,
        now=now,
        conversation=conversation.id,
        message=last,
    )
    wanted = _asked_by_others(tx, conversation, giver.id)
    minutes = pings(tx.plans.get(shop) or PeoplePlan(), tx.members.answering(shop))
    if minutes and last is not None and not _answered(tx, conversation, last):
        due_at = now + timedelta(minutes=minutes[0])
        wanted.append(Ping(conversation.id, last, due_at=due_at))
    _plan_anew(tx, conversation, wanted, now)


def ping_lane(conversation: Conversation) -> str:
    return f"ping:{conversation.id}"


def _answered(tx: Tx, conversation: Conversation, message: MessageId) -> bool:
    return tx.attention.answered(conversation.shop, conversation.id, message)


@dataclass(frozen=True, slots=True)
class _Planned:
    key: str
    work: Ping


def _waiting(tx: Tx, conversation: Conversation) -> list[_Planned]:
    tasks = tx.outbox.waiting(conversation.shop, ping_lane(conversation))
    return [_Planned(one.key, one.work) for one in tasks if isinstance(one.work, Ping)]


def _is_gone(tx: Tx, shop: ShopId, member: MemberId) -> bool:
    found = tx.members.get(shop, member)
    return found is None or not found.active


def _tell_others(
    tx: Tx, conversation: Conversation, member: Member, now: datetime, at: ChatPeer | None
) -> None:
    members = tx.members.all(conversation.shop)
    plan = tx.plans.get(conversation.shop) or PeoplePlan()
    asked = about_conversation(NoticeKind.MESSAGE, conversation)
    about = tagged(tx, conversation.shop, asked, plan)
    told = audience(about, plan, members, now)
    able = {one.id for one in members if one.role is not Role.VIEWER}
    others = [one for one in told.members if one != member.id and one in able]
    words = people_words.claimed(member.name, conversation)
    key = f"claim:{conversation.id}:{now.isoformat()}"
    tell_members(
        tx, conversation.shop, others, words, key=key, now=now, conversation=conversation.id
    )
    here = at.peer if at is not None and at.scene == "group" else ""
    for number in told.groups:
        if number != here:
            peer = peer_at("group", number)
            tx.outbox.enqueue(
                conversation.shop,
                SendNotice(peer, words, conversation.id),
                lane=chat_lane(peer),
                key=f"{key}:group:{number}",
                due_at=now,
                expires_at=now + NOTICE_LIFETIME,
            )
