"""A day at the market: what a seed makes of some seconds full of orders, misfortune and kills.

A seed gives the same day each time; what the machine makes of its timing differs.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hub.model import CardState, Choice
from hub.sandbox.world import DEMO_SELLER
from tests.faults.market import BUYERS, FREE_API, ORDER_API, SHIP_API, WARES, Market
from tests.faults.people import AGENT_QQ, WORDS
from tests.faults.supplier import MOODS
from tests.faults.town import OWNER_QQ

ORDERS = 20
"""Of one day."""
ORDERS_IN_SHORT = 60
"""Unless `--deliveries` says otherwise."""
LENGTH_SECONDS = 6.0
"""How long buyers buy and things break."""
KILLS = 10
"""While that goes on."""
LATE_KILLS = 2
EVENING_SECONDS = 2.0
"""How long people are still at work afterwards, and the hub is killed now and then."""
PEOPLE_SECONDS = LENGTH_SECONDS + EVENING_SECONDS
TOLD = ("story", "story", "update", "summary", "reminder", "nothing")
"""How a payment is announced; `nothing`: only the list of orders shows it."""
REPEATS = ("paid", "paid_update", "ship_reminder", "summary")
SEND_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("send_stored", {}),
    ("send_stored", {"times": 2}),
    ("send_lost", {}),
    ("send_lost", {}),
    ("send_blocked", {}),
    ("send_failed", {}),
    ("send_throttled", {}),
    ("send_no_body", {}),
    ("echo_missing", {"times": 2}),
    ("answer_drop", {"subject": "/r/MessageSend/sendByReceiverScope"}),
    ("cut_on_answer", {}),
)
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cut_on_request", {}),
    ("answer_delay", {"seconds": 1.3}),
    ("push_lost", {}),
    ("push_duplicate", {"times": 3}),
    ("push_delay", {"seconds": 0.4}),
    ("push_reorder", {}),
    ("push_gap", {}),
    ("cut_after_push", {}),
    ("half_open", {}),
    ("mtop_delay", {"seconds": 0.5, "subject": ORDER_API}),
    ("mtop_lost", {"subject": ORDER_API}),
    ("mtop_http500", {"subject": ORDER_API}),
    ("mtop_throttle", {"subject": ORDER_API}),
    ("mtop_stored", {"subject": SHIP_API}),
    ("mtop_lost", {"subject": SHIP_API}),
    ("mtop_unsure", {"subject": SHIP_API}),
    ("mtop_http500", {"subject": SHIP_API}),
    ("mtop_stored", {"subject": FREE_API}),
    ("mtop_lost", {"subject": FREE_API}),
)
MOMENTS = ("send", "send", "supply", "read", "ship", "push", "free", "whenever", "whenever")
"""When the hub is killed: as a message leaves, as a supplier is asked, as an order is read or
marked, as a push goes out, or at whatever moment."""
COMMANDS = 12
ANSWERS = 6
ACTS = (
    *[Choice.DELIVER] * 3,
    *[Choice.RESEND] * 5,
    Choice.REFUSE,
    Choice.RELEASE,
    Choice.OUTSIDE,
    Choice.SHIP,
)
MORNING_SECONDS = 4.0
MORNING_COMMANDS = 8
MORNING_KILLS = 4
MORNING_ACTS = (*[Choice.RESEND] * 5, Choice.DELIVER, Choice.RELEASE, Choice.OUTSIDE)
GIVEN = CardState.HANDED_OVER
VOIDED = (CardState.RESERVED, CardState.RESERVED, CardState.HANDED_OVER, CardState.AVAILABLE)

Act = Callable[[Market], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Event:
    at: float
    """Seconds after the beginning."""
    what: str
    """For people."""
    act: Act

    def __str__(self) -> str:
        return f"{self.at:6.3f}  {self.what}"


@dataclass(frozen=True, slots=True)
class Day:
    seed: int
    bargain: str
    """How the platform ends a bargain."""
    events: tuple[Event, ...]
    morning: tuple[Event, ...]
    """Of the next day, when everything had come to rest."""

    def __str__(self) -> str:
        head = f"seed {self.seed}: bargains end as {self.bargain!r}"
        return "\n".join(
            [head, *map(str, self.events), "the next morning", *map(str, self.morning)]
        )


def make_day(seed: int) -> Day:
    die = random.Random(seed)
    bargain = die.choice(("both", "state", "later"))
    events = [
        *(one for number in range(ORDERS) for one in _purchase(die, number, bargain)),
        *_misfortunes(die),
        *_kills(die),
        *_commands(die),
    ]
    return Day(seed, bargain, _in_order(events), _in_order(_morning(die)))


def _in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=lambda one: one.at))


def _morning(die: random.Random) -> list[Event]:
    """People come back to what was delivered or waits for them; the hub is killed under them."""
    events = [
        *(
            _written(die, die.choice(MORNING_ACTS), 0, MORNING_SECONDS)
            for _ in range(MORNING_COMMANDS)
        ),
        *(_answered(die, 0, MORNING_SECONDS) for _ in range(4)),
        *(_broken(die, *fault, MORNING_SECONDS) for fault in die.sample(SEND_FAULTS, 2)),
        *(_killed(die, die.uniform(0.5, MORNING_SECONDS)) for _ in range(MORNING_KILLS)),
    ]
    at, nth = die.uniform(0, MORNING_SECONDS), die.randrange(20)
    events.append(Event(at, f"card {nth} that was handed over is voided", _void(GIVEN, nth)))
    for number in die.sample(range(ORDERS), 3):
        at = die.uniform(0, MORNING_SECONDS)
        events.append(Event(at, f"{number}: a refund is asked for", _step(number, "refund")))
    return events


# --- people ---


def _purchase(die: random.Random, number: int, bargains: str) -> list[Event]:
    at = die.uniform(0, LENGTH_SECONDS - 2)
    buyer, name = die.choice(BUYERS), die.choices(list(WARES), (5, 4, 4, 2, 4, 4, 2, 2))[0]
    quantity, bargain = die.choices((1, 2, 3), (4, 3, 2))[0], die.random() < 0.15
    words = f"{quantity} of {name}{', a bargain' if bargain else ''}"
    events = [
        Event(
            at, f"{number}: {buyer} orders {words}", _place(number, buyer, name, quantity, bargain)
        )
    ]
    if die.random() < 0.1:
        forged = Event(at + 0.3, f"{number}: the buyer types that it is paid", _forge(number))
        return [*events, forged]
    told = die.choice(TOLD)
    paid = at + die.uniform(0.05, 0.8)
    events.append(Event(paid, f"{number}: paid, told by {told}", _step(number, "pay", told)))
    if bargain and bargains == "later":
        events.append(
            Event(
                paid + die.uniform(0.5, 3), f"{number}: the bargain ends", _step(number, "bargain")
            )
        )
    for _ in range(die.choice((0, 0, 1, 1, 2, 4))):
        event = die.choice(REPEATS)
        after = paid + die.uniform(0, 2.5)
        events.append(Event(after, f"{number}: told again by {event}", _repeat(number, event)))
    return events + _refund(die, number, paid)


def _refund(die: random.Random, number: int, paid: float) -> list[Event]:
    if die.random() > 0.15:
        return []
    at = paid + die.choice((die.uniform(0, 0.3), die.uniform(0.3, 2.5)))
    events = [Event(at, f"{number}: a refund is asked for", _step(number, "refund"))]
    end = die.choice(("", "withdraw", "repay", "refuse"))
    if end:
        after = at + die.uniform(0.2, 2)
        events.append(Event(after, f"{number}: the refund ends: {end}", _step(number, end)))
    return events


def _place(number: int, buyer: str, name: str, quantity: int, bargain: bool) -> Act:
    def act(market: Market) -> Awaitable[object]:
        return market.place(number, buyer, WARES[name], quantity=quantity, bargain=bargain)

    return act


def _step(number: int, name: str, told: str = "story") -> Act:
    return lambda market: market.step(number, name, told)


def _repeat(number: int, event: str) -> Act:
    return lambda market: market.repeat(number, event)


def _forge(number: int) -> Act:
    return lambda market: market.forge(number)


# --- those who sell ---


def _commands(die: random.Random) -> list[Event]:
    """What the owner and the agent do: about orders, about cards, about what they are asked, and a
    stop of everything that ends."""
    events = []
    for _ in range(COMMANDS):
        events.append(_written(die, die.choice(ACTS), 2, PEOPLE_SECONDS))
    for _ in range(ANSWERS):
        events.append(_answered(die, 1.5, PEOPLE_SECONDS))
    for state in die.sample(VOIDED, 2):
        at, nth = die.uniform(1, LENGTH_SECONDS), die.randrange(20)
        events.append(Event(at, f"card {nth} that is {state} is voided", _void(state, nth)))
    if die.random() < 0.6:
        at, who = die.uniform(0.5, LENGTH_SECONDS - 1), _somebody(die)
        events.append(Event(at, f"{who} stops all deliveries", _stop(who)))
        until = at + die.uniform(0.2, 2)
        events.append(Event(until, "the owner lets them go on", _go_on()))
    return events


def _written(die: random.Random, choice: Choice, since: float, until: float) -> Event:
    who, seed, repeats = _somebody(die), die.getrandbits(32), _repeats(die)
    rest = "pot" if choice is Choice.DELIVER and die.random() < 0.25 else ""
    what = f"{who} writes /{WORDS[choice]} {rest} (dice {seed}), repeated {repeats} times"
    return Event(die.uniform(since, until), what, _command(who, seed, choice, rest, repeats))


def _answered(die: random.Random, since: float, until: float) -> Event:
    who, seed, repeats = _somebody(die), die.getrandbits(32), _repeats(die)
    what = f"{who} answers a need (dice {seed}), repeated {repeats} times"
    return Event(die.uniform(since, until), what, _answer(who, seed, repeats))


def _somebody(die: random.Random) -> str:
    return die.choice((OWNER_QQ, AGENT_QQ))


def _repeats(die: random.Random) -> int:
    """How often QQ delivers the same line again."""
    return die.choice((0, 0, 0, 1, 2))


def _command(who: str, seed: int, choice: Choice, rest: str, repeats: int) -> Act:
    return lambda market: market.people.act(
        who, choice, random.Random(seed), rest=rest, repeats=repeats
    )


def _answer(who: str, seed: int, repeats: int) -> Act:
    return lambda market: market.people.answer_need(who, random.Random(seed), repeats=repeats)


def _void(state: CardState, nth: int) -> Act:
    async def act(market: Market) -> None:
        code, order = await market.some_card(state, nth)
        if code:
            await market.people.void(OWNER_QQ, order, code)

    return act


def _stop(who: str) -> Act:
    return lambda market: market.people.stop(who)


def _go_on() -> Act:
    return lambda market: market.people.go_on()


# --- trouble ---


def _misfortunes(die: random.Random) -> list[Event]:
    events = []
    for fault in [*die.sample(SEND_FAULTS, 5), *die.sample(FAULTS, 6)]:
        events.append(_broken(die, *fault, LENGTH_SECONDS - 1))
    for mood in die.sample(MOODS, 4):
        at, times = die.uniform(0, LENGTH_SECONDS - 1), die.choice((1, 1, 2))
        events.append(Event(at, f"the supplier is {mood}, {times} times", _mood(mood, times)))
    if die.random() < 0.7:
        at, how = die.uniform(0, LENGTH_SECONDS), die.choice(("abnormal", "normal"))
        seconds, tokens = round(die.uniform(0, 0.6), 2), die.random() < 0.5
        events.append(Event(at, f"the platform restarts: {how}", _restart(how, seconds, tokens)))
    return events


def _broken(die: random.Random, kind: str, more: dict[str, Any], until: float) -> Event:
    values = {"times": 1, "after": die.choice((0, 0, 1, 3)), **more}
    return Event(die.uniform(0, until), f"fault {kind} {values}", _fault(kind, values))


def _fault(kind: str, values: dict[str, Any]) -> Act:
    async def act(market: Market) -> None:
        market.town.sandbox.faults.add(DEMO_SELLER, kind, **values)

    return act


def _mood(mood: str, times: int) -> Act:
    async def act(market: Market) -> None:
        market.supplier.misbehave(mood, times)

    return act


def _restart(how: str, seconds: float, tokens: bool) -> Act:
    return lambda market: market.town.admin(
        "restart", {"how": how, "seconds": seconds, "tokens": tokens}
    )


def _kills(die: random.Random) -> list[Event]:
    events = []
    for number in range(KILLS + LATE_KILLS):
        if number < KILLS:
            at = (number + die.random()) * LENGTH_SECONDS / KILLS
        else:
            at = LENGTH_SECONDS + (number - KILLS + die.random()) * EVENING_SECONDS / LATE_KILLS
        events.append(_killed(die, at))
    return events


def _killed(die: random.Random, at: float) -> Event:
    moment, seconds = die.choice(MOMENTS), round(die.uniform(0.05, 1.0), 2)
    pause = die.choice((0.0, 0.0, 0.0, 0.4))
    what = f"the hub is killed ({moment}, at most {seconds} s), and started after {pause} s"
    return Event(at, what, _kill(moment, seconds, pause))


def _kill(moment: str, seconds: float, pause: float) -> Act:
    return lambda market: market.kill(moment, seconds, pause)
