"""Who acts on orders in QQ while they are delivered: an owner and an agent.

Each does one thing at a time. They write what they like, but read what they are asked: who is
warned that a buyer may have seen a card looks at the conversation before giving it back, and says
that it arrived only if it is there.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from hub.model import Choice
from hub.sandbox.onebot import ChatLine
from hub.text import CHOICES
from tests.faults.town import OWNER_QQ, Town

AGENT_QQ = "10003"
ANSWER_SECONDS = 1.5
"""How long somebody waits for an answer; a hub that was killed gives none."""
WORDS = {
    Choice.DELIVER: "发货",
    Choice.RESEND: "补发",
    Choice.OUTSIDE: "发货完成",
    Choice.SHIP: "标记发货",
    Choice.RELEASE: "退回",
    Choice.REFUSE: "不发",
}
SENDS = frozenset({Choice.DELIVER, Choice.ASK_AGAIN, Choice.RESEND})
"""What may show a buyer something once more, or fetch a card once more."""
NEED = re.compile(r"待处理 (\d+)｜")
SECOND_WORD = re.compile(r"回复：(确认 \d{4})")
_CHOICES = {words: choice for choice, words in CHOICES.items()}
CHOICE = re.compile(rf"^(\d+) ({'|'.join(map(re.escape, _CHOICES))})$", re.MULTILINE)
GIVEN = ("✅",)
MOVED = (*GIVEN, "🔔", "↩")
"""How what is told of an order begins when it was delivered, waits for a person, or is over."""
REFUSED = "没有"
"""How the answer to what was not done begins."""
TRIES = 3
"""How often somebody writes the same who got no answer."""


@dataclass
class Act:
    """What somebody wrote about an order."""

    who: str
    order: str
    choice: Choice | None
    """None: a card of it was voided."""
    text: str
    life: int
    """Of the hub that was to hear it."""
    answers: list[str] = field(default_factory=list)
    confirmed: bool = False
    """The second word was said, too."""

    @property
    def in_vain(self) -> bool:
        """The hub said that it did not do it."""
        return bool(self.answers) and self.answers[-1].startswith(REFUSED)

    def __str__(self) -> str:
        said = "; ".join(one.replace("\n", " / ") for one in self.answers) or "no answer"
        confirmed = ", confirmed" if self.confirmed else ""
        return f"{self.who} in life {self.life}: {self.text}{confirmed} -> {said}"


Looks = Callable[[str], Awaitable[bool]]
"""Whether something of this order is on its buyer's phone, or (for `arrived`) all that is asked
for."""


@dataclass
class People:
    town: Town
    seen: Looks
    arrived: Looks
    acts: list[Act] = field(default_factory=list)
    voided: set[str] = field(default_factory=set)
    """Codes that somebody voided, or tried to."""
    written: int = 0
    """Commands, answers and second words, repeated ones not counted."""
    _busy: dict[str, asyncio.Lock] = field(
        default_factory=lambda: {OWNER_QQ: asyncio.Lock(), AGENT_QQ: asyncio.Lock()}
    )

    def about(self, order: str) -> list[Act]:
        return [one for one in self.acts if one.order == order]

    def chose(self, order: str, *choices: Choice) -> bool:
        """Whether one of these was done, or may have been."""
        return any(one.choice in choices for one in self.about(order) if not one.in_vain)

    def resends(self, order: str) -> int:
        """How often at most people had something sent once more: each command counts once, however
        often QQ repeated it, `/补发` only with its second word, and none that was refused."""
        return sum(
            one.choice in SENDS and (one.confirmed or one.choice is not Choice.RESEND)
            for one in self.about(order)
            if not one.in_vain
        )

    def asked_again(self, order: str) -> int:
        """How often at most people had a supplier asked."""
        asks = (Choice.DELIVER, Choice.ASK_AGAIN)
        return sum(one.choice in asks for one in self.about(order) if not one.in_vain)

    # --- what they do ---

    async def act(
        self, who: str, choice: Choice, dice: random.Random, *, rest: str = "", repeats: int = 0
    ) -> None:
        """Write a command about an order that the owner was told of, mostly one of which something
        became already, and the second word if it is asked for."""
        async with self._busy[who]:
            told = [(order, one) for one in self.town.notices() if (order := _order_of(one))]
            begins = GIVEN if choice is Choice.RESEND else MOVED
            orders = [order for order, one in told if one.text.startswith(begins)]
            if dice.random() < 0.2 or not orders:
                orders = [order for order, _ in told]
            if orders:
                order = dice.choice(orders)
                text = f"/{WORDS[choice]} {order} {rest}".strip()
                await self._do(Act(who, order, choice, text, self.town.life.number), repeats)

    async def void(self, who: str, order: str, code: str, *, repeats: int = 0) -> None:
        """`order`: the one that has the card; empty: none."""
        async with self._busy[who]:
            text = f"/作废 {code} 充值失败"
            self.voided.add(code)
            await self._do(Act(who, order, None, text, self.town.life.number), repeats)

    async def answer_need(self, who: str, dice: random.Random, *, repeats: int = 0) -> None:
        """Answer what the owner was told of last, or something older, with any of its choices."""
        async with self._busy[who]:
            found = [one for one in self.town.notices() if NEED.search(one.text)]
            orders = [order for one in found if (order := _order_of(one))]
            if not orders:
                return
            notice = found[-1 - min(int(dice.expovariate(0.7)), len(found) - 1)]
            order, offered = _order_of(notice), CHOICE.findall(notice.text)
            if not order or not offered:
                return
            number, words = dice.choice(offered)
            choice = _CHOICES[words]
            if choice is Choice.ARRIVED and not await self.arrived(order):
                return
            quoting = who == OWNER_QQ and dice.random() < 0.5
            need = NEED.search(notice.text)
            assert need is not None
            text = number if quoting else f"/处理 {need[1]} {number}"
            act = Act(who, order, choice, f"{text} ({words})", self.town.life.number)
            await self._do(act, repeats, text=text, quote=notice.id if quoting else None)

    async def stop(self, who: str, *, repeats: int = 0) -> None:
        async with self._busy[who]:
            await self._say(who, "/停发", repeats, None)

    async def go_on(self, *, repeats: int = 0) -> None:
        async with self._busy[OWNER_QQ]:
            await self._say(OWNER_QQ, "/开发", repeats, None)

    async def _do(
        self, act: Act, repeats: int, *, text: str = "", quote: str | None = None
    ) -> None:
        """Again when no answer comes: that is a new line, which may be done as well."""
        for _ in range(TRIES):
            self.acts.append(act)
            answer = await self._say(act.who, text or act.text, repeats, quote)
            if answer is not None:
                act.answers.append(answer)
                if await self._second_word(act, answer, repeats):
                    return
            act = replace(act, life=self.town.life.number, answers=[], confirmed=False)

    async def _second_word(self, act: Act, answer: str, repeats: int) -> bool:
        """False: it was said, and nothing came back."""
        asked = SECOND_WORD.search(answer)
        if asked is None or (act.choice is Choice.RELEASE and await self.seen(act.order)):
            return True
        act.confirmed = True
        last = await self._say(act.who, asked[1], repeats, None)
        act.answers.append(last or "no answer")
        return last is not None

    async def _say(self, who: str, text: str, repeats: int, quote: str | None) -> str | None:
        """Returns what the hub answered; None: nothing, or nothing yet."""
        qq, life = self.town.sandbox.qq, self.town.life
        with suppress(TimeoutError):
            await qq.wait_online(ANSWER_SECONDS)
        with_whom = life.number
        self.written += 1
        id = await qq.say_private(who, text, quote=quote)
        for _ in range(repeats):
            await qq.repeat(id)

        def answered() -> ChatLine | None:
            lines = qq.bot_lines("private", who)
            return next((one for one in lines if one.quoted == id), None)

        with suppress(TimeoutError):
            await qq.wait_until(
                lambda: answered() is not None or life.number != with_whom, ANSWER_SECONDS
            )
        line = answered()
        return None if line is None else line.text

    def figures(self) -> Counter[str]:
        """How often each was written."""
        return Counter("void" if one.choice is None else one.choice.value for one in self.acts)


def _order_of(notice: ChatLine) -> str:
    found = re.search(r"订单 (\d+)", notice.text)
    return "" if found is None else found[1]
