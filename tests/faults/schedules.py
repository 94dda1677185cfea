"""Random misfortune: what a seed makes of a few seconds in the life of some shops.

A seed gives the same schedule today and tomorrow; what the machine makes of its timing differs.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from hub.sandbox.world import Conversation
from tests.faults.town import KEYWORD, Town

LENGTH_SECONDS = 2.0
"""How long things happen; healing comes after it."""

WIRE_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("push_lost", {}),
    ("push_delay", {"seconds": 0.4}),
    ("push_duplicate", {}),
    ("push_reorder", {}),
    ("push_gap", {}),
    ("push_malformed", {}),
    ("push_garbage", {}),
    ("cut_on_push", {}),
    ("cut_after_push", {}),
    ("answer_drop", {}),
    ("answer_delay", {"seconds": 0.4}),
    ("answer_delay", {"seconds": 1.3}),
    ("cut_on_request", {}),
    ("cut_on_answer", {}),
    ("half_open", {}),
    ("list_throttle", {}),
    ("send_no_body", {}),
    ("send_stored", {}),
    ("send_lost", {}),
    ("send_blocked", {}),
    ("send_failed", {}),
    ("send_throttled", {}),
    ("echo_missing", {}),
)
"""They bite while a line stands."""
LOGIN_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("reg_refused", {}),
    ("reg_limit", {}),
    ("reg_silent", {}),
    ("mtop_risk", {}),
    ("mtop_throttle", {}),
    ("mtop_session_expired", {}),
    ("mtop_token_expired", {}),
    ("mtop_garbage", {}),
    ("mtop_http500", {}),
    ("mtop_delay", {"seconds": 0.4}),
    ("mtop_stored", {}),
    ("mtop_lost", {}),
)
"""They bite when a line is made, or when orders are looked for."""
MANNERS: tuple[tuple[str, Any], ...] = (
    ("sync_duty", "ack"),
    ("sync_duty", "state"),
    ("ack_diff_answer", "extended"),
    ("ack_diff_answer", "package"),
    ("send_answer", "nested"),
    ("send_answer", "nested_twice"),
    ("send_answer", "bare"),
    ("send_answer", "none"),
    ("ok_code", 0),
    ("echo_first", True),
    ("redeliver", False),
    ("object_types", False),
    ("read_status", False),
    ("nested_messages", True),
    ("json_messages", "text"),
    ("json_messages", "custom"),
    ("create_answer", "user"),
    ("expired_line", "kick"),
)
"""Answers to what nobody knows about the platform; they last as long as the schedule."""
CUTS = ("abnormal", "normal", "kickout", "remove", "zombie", "half_open", "garbage")


@dataclass(frozen=True, slots=True)
class Step:
    at: float
    """Seconds after the beginning."""
    what: str
    """For people."""
    act: Callable[[Town], Awaitable[object]]

    def __str__(self) -> str:
        return f"{self.at:6.3f}  {self.what}"


@dataclass(frozen=True, slots=True)
class Schedule:
    seed: int
    accounts: int
    debounce_seconds: float
    manners: dict[str, Any]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}: {self.accounts} accounts, answers after {self.debounce_seconds} s, "
            f"manners {self.manners}"
        )
        return "\n".join([head, *map(str, self.steps)])


def make_schedule(seed: int) -> Schedule:
    die = random.Random(seed)
    accounts = die.choice((1, 1, 2, 3))
    debounce = die.choice((0.0, 0.0, 0.3))
    manners = dict(die.sample(MANNERS, die.choice((0, 0, 1, 2))))
    steps = [
        *_talk(die, seed, accounts),
        *_trouble(die, accounts),
        *_ends(die),
    ]
    return Schedule(seed, accounts, debounce, manners, tuple(sorted(steps, key=lambda one: one.at)))


# --- people ---


def _talk(die: random.Random, seed: int, accounts: int) -> list[Step]:
    steps = []
    for number in range(die.randint(6, 14)):
        place, name = die.randrange(100), f"{seed}.{number}"
        match die.choices(("say", "answer", "phone", "pay", "read"), (10, 6, 1, 1, 1))[0]:
            case "say":
                count = die.choice((1, 1, 1, 2, 4))
                asks = [die.random() < 0.4 for _ in range(count)]
                texts = [f"{KEYWORD if a else '你好'} {name}.{i}" for i, a in enumerate(asks)]
                what, act = f"a buyer says {texts}", _say(place, accounts, texts)
            case "answer":
                what, act = f"the operator answers {name}", _answer(place, f"稍等 {name}")
            case "phone":
                text = f"我在手机上 {name}"
                what, act = f"the seller writes {text!r} on the phone", _phone(place, text)
            case "pay":
                what, act = "a buyer orders and pays", _pay(place)
            case _:
                what, act = "a buyer reads", _read(place)
        steps.append(Step(die.uniform(0, LENGTH_SECONDS), what, act))
    return steps


def _place(town: Town, number: int) -> Conversation:
    places = sorted(town.conversations(), key=lambda one: one.id)
    return places[number % len(places)]


Act = Callable[[Town], Awaitable[object]]


def _say(place: int, accounts: int, texts: list[str]) -> Act:
    return lambda town: town.say(_place(town, place), *texts)


def _phone(place: int, text: str) -> Act:
    return lambda town: town.sandbox.stage.phone(_place(town, place), text)


def _pay(place: int) -> Act:
    return lambda town: town.pay(_place(town, place))


def _read(place: int) -> Act:
    return lambda town: town.sandbox.stage.read(_place(town, place))


def _answer(place: int, text: str) -> Act:
    async def act(town: Town) -> None:
        """Quotes a notice that he has, if his bot is there."""
        if not town.sandbox.qq.online:
            return
        said = [
            (conversation, notice)
            for conversation in town.conversations()
            for message in conversation.messages
            if not message.own and (notice := town.notice_of(message.summary)) is not None
        ]
        if said:
            conversation, notice = said[place % len(said)]
            await town.answer(conversation, notice, text)

    return act


# --- trouble ---


def _trouble(die: random.Random, accounts: int) -> list[Step]:
    steps = []
    for _ in range(die.randint(1, 5)):
        seller = die.randrange(accounts)
        what, act = _misfortune(die, seller)
        steps.append(Step(die.uniform(0, LENGTH_SECONDS), what, act))
    return steps


def _misfortune(die: random.Random, seller: int) -> tuple[str, Act]:
    match die.choices(("wire", "login", "cut", "restart", "tokens"), (10, 3, 4, 1, 1))[0]:
        case "wire":
            kind, more = die.choice(WIRE_FAULTS)
            return _fault(seller, kind, _often(die) | more, cut=False)
        case "login":
            kind, more = die.choice(LOGIN_FAULTS)
            return _fault(seller, kind, _often(die) | more, cut=die.random() < 0.7)
        case "cut":
            return _cut(seller, die.choice(CUTS))
        case "restart":
            how, seconds = die.choice(("abnormal", "normal")), round(die.uniform(0, 0.6), 2)
            return _restart(how, seconds, tokens=die.random() < 0.5)
        case _:
            return _expire(seller, die.choice(("mtop", "im")))


def _often(die: random.Random) -> dict[str, Any]:
    return {"times": die.choice((1, 1, 1, 2, 3)), "after": die.choice((0, 0, 0, 1, 2))}


def _fault(seller: int, kind: str, more: dict[str, Any], *, cut: bool) -> tuple[str, Act]:
    async def act(town: Town) -> None:
        user = town.sellers[seller]
        town.sandbox.faults.add(user, kind, **more)
        if cut:
            await town.admin("tokens/expire", {"kind": "im", "user": user})
            await town.admin("connections/cut", {"user": user})

    words = ", ".join(f"{name}={value}" for name, value in more.items())
    return f"shop {seller}: fault {kind} ({words}){' and a cut' if cut else ''}", act


def _cut(seller: int, how: str) -> tuple[str, Act]:
    def act(town: Town) -> Awaitable[object]:
        return town.admin("connections/cut", {"user": town.sellers[seller], "how": how})

    return f"shop {seller}: the line ends: {how}", act


def _restart(how: str, seconds: float, *, tokens: bool) -> tuple[str, Act]:
    def act(town: Town) -> Awaitable[object]:
        return town.admin("restart", {"how": how, "seconds": seconds, "tokens": tokens})

    return f"the platform restarts: {how}, {seconds} s, tokens={tokens}", act


def _expire(seller: int, kind: str) -> tuple[str, Act]:
    def act(town: Town) -> Awaitable[object]:
        return town.admin("tokens/expire", {"kind": kind, "user": town.sellers[seller]})

    return f"shop {seller}: {kind} tokens expire", act


# --- the hub itself ---


def _ends(die: random.Random) -> list[Step]:
    """Kills and stops, each followed by a start."""
    steps = []
    for _ in range(die.choice((0, 0, 1, 1, 2))):
        kill, pause = die.random() < 0.7, round(die.choice((0.0, 0.0, 0.3)), 2)
        what = f"the hub is {'killed' if kill else 'stopped'} and started after {pause} s"
        steps.append(Step(die.uniform(0, LENGTH_SECONDS), what, _end(kill, pause)))
    return steps


def _end(kill: bool, pause: float) -> Act:
    return lambda town: town.restart_hub(kill=kill, pause=pause)
