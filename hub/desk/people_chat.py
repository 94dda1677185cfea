"""`/绑定`, `/静音`, `/值班`, `/转` and `/稍后`, and where the bot listens at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub import text
from hub.commands import Action, Call, closing_ticket, leading_ticket, narrow, parse_command
from hub.desk.binding import Binding
from hub.desk.chat_words import without_ticket
from hub.desk.confirming import Confirmations
from hub.desk.handing import Handing
from hub.desk.inbox import Inbox
from hub.desk.operator import Operator
from hub.desk.people import People
from hub.errors import Forbidden, Invalid, NotConfirmed
from hub.model import ConversationId, Member, OperatorMessage, in_group_only, only_bot
from hub.policy import Until, parse_until, split_until
from hub.store import Store
from hub.text import gathered as qq_words
from hub.text import people as people_words

PEOPLE = frozenset(
    {Action.BIND, Action.UNBIND, Action.SILENCE, Action.DUTY, Action.HAND_OVER, Action.LATER}
)
ABOUT_BUYER = frozenset({Action.HAND_OVER, Action.LATER})
STRANGER_EVERY = timedelta(days=1)
SILENT_FOR = timedelta(hours=1)
"""When nobody says for how long."""
LATER = timedelta(minutes=20)
LONGEST_BARE = 4
"""Digits of a number of minutes."""
OFF = frozenset({"关", "关闭", "取消", "结束", "不用", "off"})
ENDS = frozenset({"结束", "下班", "关", "取消"})


class PeopleChat:
    def __init__(
        self,
        store: Store,
        binding: Binding,
        people: People,
        handing: Handing,
        inbox: Inbox,
        confirmations: Confirmations,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._store = store
        self._binding = binding
        self._people = people
        self._handing = handing
        self._inbox = inbox
        self._confirmations = confirmations
        self._now = now
        self._zone = zone

    async def meet_stranger(self, message: OperatorMessage) -> str | None:
        """Somebody who is no member: a code binds them, anything else gets one sentence a day."""
        alone = message.peer.scene == "private"
        # A group may know somebody by an id of its own, which can be bound only there.
        if not alone and not in_group_only(message.sender):
            return None
        call = parse_command(narrow(message.text))
        if isinstance(call, Call) and call.command.action is Action.BIND and call.argument:
            reference = f"{message.peer.bot}:{message.message_id}"
            return await self._binding.bind(message.sender, call.argument, reference)
        if not alone or not await self._first_today(message.sender):
            return None
        return qq_words.stranger() if only_bot(message.sender) else text.stranger()

    async def _first_today(self, address: str) -> bool:
        now = self._now()
        return await self._store.write(
            lambda tx: tx.strangers.may_answer(f"qq:{address}", now, STRANGER_EVERY)
        )

    async def unlisted(self, message: OperatorMessage) -> str | None:
        """What to say where the bot does not listen: the address of a group that people cannot find
        out themselves, once a day."""
        address = message.peer.peer
        if message.peer.scene == "private" or not only_bot(address):
            return None
        return qq_words.group_unlisted(address) if await self._first_today(address) else None

    async def listens(self, member: Member, message: OperatorMessage) -> bool:
        """Groups that are not on the shop's list hear nothing; where others talk, a command counts
        only when the bot was meant."""
        if message.peer.scene == "private":
            return True
        try:
            group = await self._people.listens(member, message.peer.peer)
        except Forbidden:
            return False
        command = parse_command(message.text) is not None
        meant = message.addressed or message.quoted_id is not None
        return group is None or not group.addressed or not command or meant

    async def run(
        self,
        operator: Operator,
        action: Action,
        argument: str,
        target: ConversationId | None,
        message: OperatorMessage,
    ) -> str:
        match action:
            case Action.BIND:
                return people_words.bound_already(operator.member.name)
            case Action.UNBIND:
                return await self._unbind(operator, message)
            case Action.SILENCE:
                return await self._silence(operator, argument)
            case Action.DUTY:
                return await self._duty(operator, argument)
            case Action.HAND_OVER:
                return await self._hand_over(operator, argument, target)
            case _:
                return await self._later(operator, argument, target)

    async def _unbind(self, operator: Operator, message: OperatorMessage) -> str:
        qq, wanted = message.sender, _four_digits(message.sender)
        name = qq_words.address_name(qq)

        async def act(who: Operator, code: str) -> str:
            if code != wanted:
                raise NotConfirmed(people_words.unbind_question(name), wanted)
            changed = await self._binding.unbind(who, who.member.id, qq)
            return people_words.unbound(changed.name, name)

        return await self._confirmations.run(operator, message, f"QQ {name}", act)

    async def _silence(self, operator: Operator, argument: str) -> str:
        now, said = self._now(), argument.strip()
        if said in OFF:
            tally = await self._people.speak_up(operator)
            return (
                people_words.not_silenced() if tally is None else people_words.silence_over(tally)
            )
        end: datetime | None = now + SILENT_FOR
        if said:
            until = self._until(said, now)
            if until is None:
                raise Invalid(f"看不懂「{said}」，例如：/静音 2小时、/静音 到8:00、/静音 关")
            end = until.at
        await self._people.silence(operator, end)
        return people_words.silenced(end, self._zone, now)

    async def _duty(self, operator: Operator, argument: str) -> str:
        now, said = self._now(), argument.strip()
        if not said:
            return await self._people.duty_page(operator)
        name, until = split_until(said, now.astimezone(self._zone))
        words = name.split()
        if words and words[-1] in ENDS:
            ended = await self._people.end_duty(operator, " ".join(words[:-1]))
            return people_words.duty_ended(ended.name)
        if until is None and len(words) > 1:
            raise Invalid(f"看不懂「{said}」，例如：/值班 我 到22:00、/值班 小李 2小时")
        end = None if until is None else until.at
        member = await self._people.take_duty(operator, name, end)
        return people_words.duty_taken(member.name, end, self._zone, now)

    async def _hand_over(
        self, operator: Operator, argument: str, target: ConversationId | None
    ) -> str:
        target, words = await self._target(operator, argument, target)
        name, *more = words.split(maxsplit=1)[:2] or [""]
        if more and (typed := leading_ticket(more[0])) is not None:
            target = await self._same(operator, typed[0], target)
            words = f"{name} {typed[1]}"
        if target is None or not name:
            raise Invalid("没有转：引用那位买家的通知写 /转 小李，或者 /转 小李 #a7")
        done = await self._handing.hand_over(operator, target, words)
        return people_words.hand_over_done(
            done.taker.name, done.conversation, silenced=done.silenced
        )

    async def _later(self, operator: Operator, argument: str, target: ConversationId | None) -> str:
        now = self._now()
        target, said = await self._target(operator, argument, target)
        if target is None:
            raise Invalid("没有设提醒：引用那位买家的通知写 /稍后 20m，或者 /稍后 20m #a7")
        if said in OFF:
            stopped = await self._handing.needs_nothing(operator, target)
            ticket = (await self._handing.ticket(operator, target)).ticket
            return people_words.needs_nothing(ticket, stopped=stopped)
        at: datetime | None = now + LATER
        if said:
            until = self._until(said, now)
            at = until.at if until is not None else None
        if at is None:
            raise Invalid(f"看不懂「{said}」，例如：/稍后 20m、/稍后 到18:00")
        found = await self._handing.later(operator, target, at)
        if found is None:
            return people_words.answered_already(await self._handing.ticket(operator, target))
        return people_words.later(at, self._zone, now, found)

    def _until(self, said: str, now: datetime) -> Until | None:
        """A number alone counts minutes."""
        bare = narrow(said)
        minutes = bare.isascii() and bare.isdigit() and len(bare) <= LONGEST_BARE
        return parse_until(f"{bare}分钟" if minutes else said, now.astimezone(self._zone))

    async def _target(
        self, operator: Operator, argument: str, target: ConversationId | None
    ) -> tuple[ConversationId | None, str]:
        """The conversation, and what else was written; its ticket may stand at either end."""
        rest = without_ticket(argument).strip()
        ticket = closing_ticket(rest)
        if ticket is None:
            return target, rest
        found = await self._same(operator, ticket, target)
        return found, rest[: max(rest.rfind("#"), rest.rfind("＃"))].strip()

    async def _same(
        self, operator: Operator, ticket: str, target: ConversationId | None
    ) -> ConversationId:
        """The conversation of a ticket, which nothing else may contradict."""
        found = await self._inbox.by_ticket(operator, ticket)
        if target is not None and target != found.id:
            raise Invalid("没有执行：引用的通知和写的编号不是同一个会话，请只留一个")
        return found.id


def _four_digits(address: str) -> str:
    """The end of a QQ number; of an address without digits, four that stand for it."""
    if address.isascii() and address.isdigit():
        return address[-4:]
    return f"{int(hashlib.sha256(address.encode()).hexdigest(), 16) % 10_000:04d}"
