"""Who answers a conversation: handing it to somebody else, and being reminded of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.attention import hand_over, put_off, stop_reminding
from hub.commands import may
from hub.desk.operator import Operator
from hub.desk.people import member_named
from hub.errors import Invalid, NotFound
from hub.model import Conversation, ConversationId, Member, PeoplePlan, Role
from hub.policy import is_silenced
from hub.store import Store, Tx

LONGEST_NOTE = 200
"""Characters of what is said to whoever takes over."""
LONGEST_LATER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class HandedOver:
    taker: Member
    conversation: Conversation
    silenced: bool
    """The other wants no messages of buyers now."""


class Handing:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def hand_over(
        self, operator: Operator, conversation: ConversationId, words: str
    ) -> HandedOver:
        """From now on it is the other's: they get what was said last, and the reminders.

        `words`: the other's name, and behind it what else they should know.
        """
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> HandedOver:
            found = _find(tx, operator, conversation)
            account = tx.accounts.get(operator.shop, found.account)
            taker, note = _named(tx, operator, words)
            if taker.id == operator.member.id:
                raise Invalid("没有转：不用转给自己，直接回复就是你的")
            if not may(taker.role, Role.AGENT):
                raise Invalid(f"没有转：{taker.name} 是只读成员，不能回复买家")
            if not taker.qq:
                raise Invalid(f"没有转：{taker.name} 还没有绑定 QQ，收不到")
            if account is None:
                raise NotFound("这个会话的账号已经不在了")
            hand_over(tx, account, found, operator.member, taker, now, note=note)
            operator.record(tx, "handing.over", f"{found.ticket} {taker.name}", now)
            plan = tx.plans.get(operator.shop) or PeoplePlan()
            return HandedOver(taker, found, is_silenced(plan, taker.id, now))

        return await self._store.write(unit)

    async def later(
        self, operator: Operator, conversation: ConversationId, until: datetime
    ) -> Conversation | None:
        """Remind this member then, unless somebody has answered. None: somebody has already."""
        operator.require(Role.AGENT)
        now = self._now()
        if not now < until <= now + LONGEST_LATER:
            raise Invalid("没有设提醒：时间要在 7 天以内，例如 /稍后 20m")

        def unit(tx: Tx) -> Conversation | None:
            found = _find(tx, operator, conversation)
            last = tx.attention.last_heard(operator.shop, conversation)
            if last is None or tx.attention.answered(operator.shop, conversation, last):
                return None
            put_off(tx, found, last, operator.member.id, until, now)
            operator.record(tx, "handing.later", found.ticket, now)
            return found

        return await self._store.write(unit)

    async def needs_nothing(self, operator: Operator, conversation: ConversationId) -> bool:
        """Nobody is reminded of it any more, until the buyer says something else. False: nobody
        would have been."""
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> bool:
            found = _find(tx, operator, conversation)
            stopped = stop_reminding(tx, found, operator.member.id, now)
            if stopped:
                operator.record(tx, "handing.needs_nothing", found.ticket, now)
            return stopped

        return await self._store.write(unit)

    async def ticket(self, operator: Operator, conversation: ConversationId) -> Conversation:
        return await self._store.read(lambda tx: _find(tx, operator, conversation))


def _named(tx: Tx, operator: Operator, words: str) -> tuple[Member, str]:
    """Names may hold blanks: the longest that the words begin with is meant."""
    said = " ".join(words.split())
    names = [one.name for one in tx.members.all(operator.shop) if one.active]
    fits = [one for one in names if f"{said} ".startswith(f"{' '.join(one.split())} ")]
    name = max(fits, key=len) if fits else said.partition(" ")[0]
    note = said[len(" ".join(name.split())) :].strip()
    if len(note) > LONGEST_NOTE:
        raise Invalid(f"没有转：给同事的话最多 {LONGEST_NOTE} 字")
    return member_named(tx, operator, name), note


def _find(tx: Tx, operator: Operator, conversation: ConversationId) -> Conversation:
    found = tx.conversations.get(operator.shop, conversation)
    if found is None:
        raise NotFound("这个会话不存在，可能已经被删除")
    return found
