"""What must hold after every fault.

`unsettled` says what is still to come, `broken` what must not have happened. A message of a buyer
is on the buyer's phone and in the database; an answer of ours is in the database, on the wire with
a `uuid` of its own, and on the buyer's phone with the same one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from hub.model import (
    Account,
    AccountState,
    Message,
    MessageState,
    Origin,
    PlatformMessage,
    ShopId,
    TaskKind,
)
from hub.sandbox.world import Conversation
from hub.sandbox.world import Message as Heard
from hub.store import Decision, Tx
from hub.text import plain
from tests.faults.town import Town

ARRIVED = (MessageState.ACCEPTED, MessageState.READ)
ON_THE_WAY = (MessageState.QUEUED, MessageState.SENDING)
REFUSED_SENDS = ("bad", "blocked", "failed", "throttled")
ERRANDS = (TaskKind.ITEM, TaskKind.READ, TaskKind.REMIND, TaskKind.PING)
"""Done when it suits; nobody waits for them."""
FINAL_WORDS = ("✓ 已送达", "✗ 没有发出", "？ 不确定是否送达")


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as the hub has stored it."""

    message: Message
    uuid: str
    conversation: str
    """The platform's name of it."""


@dataclass(frozen=True, slots=True)
class Books:
    """All of it as it was at one moment."""

    accounts: list[Account]
    backlog: dict[TaskKind, int]
    kept: list[Kept]
    decisions: list[Decision]


def _books(tx: Tx, shop: ShopId) -> Books:
    kept = []
    decisions = []
    for line in tx.conversations.recent(shop, limit=1000):
        id = line.conversation.id
        for message in tx.messages.of_conversation(shop, id, limit=1000):
            sent = tx.conversations.of_message(shop, message.id)
            uuid = "" if sent is None else sent[2]
            kept.append(Kept(message, uuid, line.conversation.platform_id))
        decisions += tx.decisions.of_conversation(shop, id, 1000)
    return Books(tx.accounts.all(shop), tx.outbox.backlog(shop), kept, decisions)


# --- what is still to come ---


async def unsettled(town: Town) -> list[str]:
    """What the hub still has to do; empty at last, or something was lost."""
    books: Books = await town.read(_books)
    left = [f"{a.name} is {a.state}" for a in books.accounts if not _well(a.state)]
    left += [
        f"{n} tasks of kind {kind}" for kind, n in books.backlog.items() if kind not in ERRANDS
    ]
    kept = books.kept
    known = {one.message.platform_id for one in kept}
    for conversation in town.conversations():
        for heard in conversation.messages:
            if PlatformMessage(heard.stamp.id) not in known and not heard.uuid:
                left.append(f"{heard.summary!r} is not stored")
    left += [
        f"order {order} is not told" for order in town.orders if not _told_of_order(town, order)
    ]
    contents = {plain(one.message.content) for one in kept if one.message.origin is Origin.OPERATOR}
    left += [
        f"the operator's {one.text!r} is not stored"
        for one in town.written
        if one.life == town.life.number and one.text not in contents
    ]
    return left


def _well(state: AccountState) -> bool:
    return state in (AccountState.ONLINE, AccountState.DISABLED)


async def settle(town: Town) -> None:
    """Wait until nothing is left to do; meanwhile the owner mends his accounts as told."""

    async def look() -> list[str]:
        await town.mend_accounts()
        return await unsettled(town)

    await town.nothing_left(look, "everything to be settled")


# --- what must not have happened ---


async def broken(town: Town) -> list[str]:
    """Promises that were not kept, when everything is settled."""
    books: Books = await town.read(_books)
    kept = books.kept
    return [
        *town.witness.broken,
        *_stored_once(town, kept),
        *_sent_once(town, kept),
        *_questions_decided(books),
        *_buyers_told_of(town),
        *_operator_told(town, kept),
    ]


def _stored_once(town: Town, kept: list[Kept]) -> list[str]:
    """What people said is stored once, as theirs, in its conversation; and nothing else is."""
    found = []
    said = Counter(
        (c.id, PlatformMessage(m.stamp.id), _origin(m)) for c, m in _heard(town) if not m.uuid
    )
    ours = (Origin.OPERATOR, Origin.RULE, Origin.DELIVERY)
    rows = Counter(
        (k.conversation, k.message.platform_id, k.message.origin)
        for k in kept
        if k.message.origin not in ours and k.message.platform_id is not None
    )
    for what in said.keys() | rows.keys():
        if said[what] != rows[what]:
            found.append(f"{what} was said {said[what]} times and stored {rows[what]} times")
    return found


def _origin(heard: Heard) -> Origin:
    if heard.system:
        return Origin.PLATFORM
    return Origin.PHONE if heard.own else Origin.BUYER


def _sent_once(town: Town, kept: list[Kept]) -> list[str]:
    """Each answer reaches its buyer at most once, and exactly as we believe it did. Echoes and
    histories show words and no `uuid`: which of several that say the same is there, they leave
    open, so these are counted."""
    found = []
    by_uuid = {one.uuid: one for one in kept if one.uuid}
    arrived = Counter(m.uuid for _, m in _heard(town) if m.uuid)
    tried = Counter(one.uuid for one in town.sandbox.im.sends if one.outcome not in REFUSED_SENDS)
    for conversation, heard in _heard(town):
        if not heard.uuid:
            continue
        one = by_uuid.get(heard.uuid)
        if one is None:
            found.append(f"{heard.summary!r} was sent and is not stored")
        elif one.conversation != conversation.id:
            found.append(f"{heard.summary!r} reached another buyer")
    for uuid, one in by_uuid.items():
        what = f"answer {one.message.content} ({one.message.state})"
        if tried[uuid] > 1:
            found.append(f"{what} was sent {tried[uuid]} times")
        if arrived[uuid] > 1:
            found.append(f"{what} arrived {arrived[uuid]} times")
    alike: dict[tuple[str, str], list[Kept]] = defaultdict(list)
    for one in by_uuid.values():
        alike[one.conversation, repr(one.message.content)].append(one)
    for (_, content), group in alike.items():
        states = [one.message.state for one in group]
        there = sum(arrived[one.uuid] for one in group)
        if there != sum(state in ARRIVED for state in states):
            found.append(f"answer {content} ({', '.join(states)}) arrived {there} times")
    return found


def _questions_decided(books: Books) -> list[str]:
    """What each buyer's message deserves was decided once, and each answer that was decided is
    there, whatever then became of it. One that a later line of the same burst superseded is not."""
    from_buyers = [k.message for k in books.kept if k.message.origin is Origin.BUYER]
    decided = Counter(one.message for one in books.decisions if one.outcome != "superseded")
    found = [
        f"{plain(one.content)!r} was decided {decided[one.id]} times"
        for one in from_buyers
        if decided[one.id] != 1
    ]
    due = sum(one.rule is not None for one in books.decisions)
    due -= sum(one.outcome == "superseded" for one in books.decisions)
    answers = sum(k.message.origin is Origin.RULE for k in books.kept)
    if answers != due:
        found.append(f"{due} answers were decided, there are {answers}")
    return found


def _buyers_told_of(town: Town) -> list[str]:
    """The owner read each buyer's message once, and of each payment once."""
    lines = Counter(line for notice in town.notices() for line in notice.text.splitlines())
    found = [
        f"the owner was told {lines[heard.summary]} times of {heard.summary!r}"
        for _, heard in _heard(town)
        if _origin(heard) is Origin.BUYER and lines[heard.summary] != 1
    ]
    for order in town.orders:
        times = _told_of_order(town, order)
        if times != 1:
            found.append(f"the owner was told {times} times of the payment of order {order}")
    return found


def _told_of_order(town: Town, order: str) -> int:
    return sum(f"订单 {order}" in n.text and "已付款" in n.text for n in town.notices())


def _operator_told(town: Town, kept: list[Kept]) -> list[str]:
    """What the operator wrote is stored once, and its end was told to the operator once. What was
    written in a life that ended may be lost with it: then nothing was told either."""
    found = []
    for one in town.written:
        rows = [k for k in kept if plain(k.message.content) == one.text]
        ends = [r.text for r in town.receipts(one) if r.text.startswith(FINAL_WORDS)]
        what = f"the operator's {one.text!r}"
        if not rows and one.life != town.life.number:
            if ends:
                found.append(f"{what} is lost, but he was told {ends}")
        elif len(rows) != 1:
            found.append(f"{what} is stored {len(rows)} times")
        elif rows[0].conversation != one.conversation:
            found.append(f"{what} is for another buyer")
        elif len(ends) != 1 or not ends[0].startswith(final_words(rows[0].message.state)):
            found.append(f"{what} is {rows[0].message.state}, he was told {ends}")
    return found


def final_words(state: MessageState) -> str:
    """How the receipt of a message in this state begins."""
    match state:
        case MessageState.ACCEPTED | MessageState.READ:
            return "✓ 已送达"
        case MessageState.UNCERTAIN:
            return "？ 不确定是否送达"
        case _:
            return "✗ 没有发出"


def _heard(town: Town) -> list[tuple[Conversation, Heard]]:
    return [(c, one) for c in town.conversations() for one in c.messages]


async def keep(town: Town) -> None:
    """Wait until everything is settled, then look at every promise."""
    await settle(town)
    found = await broken(town)
    assert not found, "broken promises:\n" + "\n".join(found)
