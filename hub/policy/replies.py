"""Which automatic answer a buyer's message gets, and whether it may still go out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.model import Content, Hold, HoldKind, Image, Moment, Rule, RuleId, RuleKind, Scope, Text
from hub.policy.rulebook import ANY_ITEM, Rulebook, TooSlow, Words

HUMAN_ANSWERED = "人工已经先回复了"
"""Why an automatic answer was not sent."""


PLATFORM_TEXTS = frozenset(
    {
        "发来一条消息",
        "发来一条新消息",
        "[我已拍下，待付款]",
        "[我已付款，等待你发货]",
        "[已付款，待发货]",
        "[你已发货]",
        "[买家确认收货，交易成功]",
        "[你已确认收货，交易成功]",
        "[你关闭了订单，钱款已原路退返]",
        "快给ta一个评价吧~",
        "快给ta一个评价吧～",
        "卖家人不错？送Ta闲鱼小红花",
    }
)
"""What the platform writes about orders. Its own messages are told by their kind; these are the few
that come, or are typed, as if a buyer had said them. Nobody waits for an answer to them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a buyer said, and where."""

    content: Content
    sent_at: datetime
    item: str | None = None
    first: bool = False
    """The first words of a buyer in this conversation, with no order yet."""
    used: frozenset[RuleId] = frozenset()
    """Rules that have answered in this conversation before."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The same instant for the machine and for people."""

    now: datetime
    local: datetime
    """In the shop's time zone: the hours of rules are meant so."""


@dataclass(frozen=True, slots=True)
class Answer:
    rule: Rule
    reason: str
    steps: tuple[str, ...] = ()
    """What was looked at before, in order."""


@dataclass(frozen=True, slots=True)
class AskAi:
    """No rule answers; AI may."""

    reason: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """No automatic answer, and why; `outcome` is one word for lists and metrics."""

    outcome: str
    reason: str
    steps: tuple[str, ...] = ()
    rule: Rule | None = None
    """The rule that matched and says nothing on purpose."""


Decided = Answer | AskAi | Silence


@dataclass(frozen=True, slots=True)
class Bargained:
    """An answer to what a buyer says about the price, worked out and not written by anybody."""

    words: str
    reason: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Away:
    """Nothing answers, and nobody is there: the buyer is told so."""

    words: str
    """A template, as in rules."""
    since: datetime
    """Since when nobody has been there."""
    reason: str
    steps: tuple[str, ...] = ()


Decision = Decided | Bargained | Away


def decide_reply(
    asked: Asked,
    book: Rulebook,
    hold: Hold | None,
    *,
    enabled: bool,
    at: Clock,
    expire: timedelta,
    no_ai: str | None,
) -> Decided:
    """Decide by the first reason that applies.

    Off, held, or too old; a text of the platform; a rule for the item; a keyword of the item; a
    keyword for all; the greeting of a new buyer; AI; the item's default; the default for all;
    nothing. `no_ai`: why AI does not answer here; None when it may.
    """
    stopped = _why_nothing(asked.sent_at, hold, enabled=enabled, at=at, expire=expire)
    if stopped is not None:
        return stopped
    if isinstance(asked.content, Text) and asked.content.text.strip() in PLATFORM_TEXTS:
        return Silence("platform_text", "这是闲鱼自己写的提示，不用回答")
    steps = ["没有暂停，也没有人在接待"]
    found = _by_rules(asked, book, at, steps)
    if found is not None:
        return found
    if no_ai is None and isinstance(asked.content, Text | Image):
        return AskAi("没有命中规则，交给 AI 回答", tuple(steps))
    steps.append(f"AI：{no_ai or '只看得懂文字和图片'}")
    return decide_default(asked, book, at, steps)


def decide_default(
    asked: Asked, book: Rulebook, at: Clock, steps: Sequence[str] = ()
) -> Answer | Silence:
    """What is said when nothing else answers: also when AI was asked and had no answer."""
    told = list(steps)
    for item, what in _scopes(asked.item, "这个商品的默认回复", "默认回复"):
        rule = _first(book.defaults.get(item, ()), asked, at, told, what)
        if rule is not None:
            return _said(rule, f"没有命中关键词，使用{what}", told)
    return Silence("no_rule", "没有命中任何规则", tuple(told))


def decide_moment(
    moment: Moment,
    asked: Asked,
    book: Rulebook,
    hold: Hold | None,
    *,
    enabled: bool,
    at: Clock,
    expire: timedelta,
) -> Answer | Silence | None:
    """What is said because an order has come to this point. None: no rule speaks of that.

    `asked.sent_at` is when it came there.
    """
    rules = book.moments[moment]
    steps: list[str] = []
    for item, _ in _scopes(asked.item, "", ""):
        rule = _first(rules.get(item, ()), asked, at, steps, MOMENT_NAMES[moment])
        if rule is not None:
            stopped = _why_nothing(asked.sent_at, hold, enabled=enabled, at=at, expire=expire)
            return stopped or _said(rule, f"订单到了这一步：{MOMENT_NAMES[moment]}", steps)
    return None


MOMENT_NAMES: dict[Moment, str] = {
    Moment.FIRST_WORDS: "买家第一次来问",
    Moment.UNPAID: "已拍下，还没付款",
    Moment.PAID: "已付款",
    Moment.SHIPPED: "已发货",
    Moment.RECEIVED: "已确认收货",
    Moment.RATED: "已评价",
}


def _why_nothing(
    sent_at: datetime, hold: Hold | None, *, enabled: bool, at: Clock, expire: timedelta
) -> Silence | None:
    if not enabled:
        return Silence("off", "自动回复已在设置里关闭")
    if hold is not None:
        return Silence("held", _hold_reason(hold))
    if at.now - sent_at > expire:
        minutes = int((at.now - sent_at).total_seconds() // 60)
        return Silence("expired", f"消息是 {minutes} 分钟前发的，超过了自动回复的时限")
    return None


def _by_rules(asked: Asked, book: Rulebook, at: Clock, steps: list[str]) -> Answer | Silence | None:
    if asked.item is not None:
        rule = _first(book.items.get(asked.item, ()), asked, at, steps, "商品回复")
        if rule is not None:
            return _said(rule, "这个商品有固定的回复", steps)
    for item, what in _scopes(asked.item, "这个商品的关键词", "关键词"):
        hit = _by_words(book.keywords.get(item), asked, at, steps, what)
        if hit is not None:
            return hit
    if asked.first:
        greetings = book.moments[Moment.FIRST_WORDS]
        for item, _ in _scopes(asked.item, "", ""):
            rule = _first(greetings.get(item, ()), asked, at, steps, "第一次来问的回复")
            if rule is not None:
                return _said(rule, "买家第一次来问", steps)
    return None


def _by_words(
    words: Words | None, asked: Asked, at: Clock, steps: list[str], what: str
) -> Answer | Silence | None:
    if words is None:
        return None
    if not isinstance(asked.content, Text):
        steps.append(f"{what}：只看文字")
        return None
    for hit in words.hits(asked.content.text):
        if isinstance(hit, TooSlow):
            steps.append(f"规则 {hit.rule.id} 的正则太慢，没有看完，跳过")
        elif (why := _why_not(hit.rule, asked, at)) is not None:
            steps.append(f"{what}「{hit.word}」（规则 {hit.rule.id}）：{why}")
        else:
            return _said(hit.rule, f"命中{what}「{hit.word}」", steps)
    steps.append(f"{what}：{len(words)} 条规则都没有命中")
    return None


def _first(
    rules: Iterable[Rule], asked: Asked, at: Clock, steps: list[str], what: str
) -> Rule | None:
    for rule in rules:
        why = _why_not(rule, asked, at)
        if why is None:
            return rule
        steps.append(f"{what}（规则 {rule.id}）：{why}")
    return None


def _why_not(rule: Rule, asked: Asked, at: Clock) -> str | None:
    if rule.hours is not None and not rule.hours.has(at.local):
        return f"只在 {rule.hours.start:%H:%M} 到 {rule.hours.end:%H:%M} 用"
    if rule.once and rule.id in asked.used:
        return "这个会话里已经说过，只说一次"
    return None


def _said(rule: Rule, reason: str, steps: Sequence[str]) -> Answer | Silence:
    if rule.silent:
        return Silence("silent", f"{reason}，这条规则设为不回复", tuple(steps), rule)
    return Answer(rule, reason, tuple(steps))


def _scopes(item: str | None, of_item: str, of_all: str) -> tuple[tuple[str, str], ...]:
    """The item's own rules before those for all."""
    every = (ANY_ITEM, of_all)
    return (every,) if item is None else ((item, of_item), every)


class Turn(StrEnum):
    """What one more line of the buyer does to the automatic answer of the conversation."""

    NOTHING = "nothing"
    START = "start"
    """None waits, so this line's answer begins to."""
    REPLACE = "replace"
    """This line's answer goes out in place of the one that waits."""
    JOIN = "join"
    """The one that waits answers this line too, and waits on."""


MOST_WAITS = 5
"""A buyer who never stops typing is answered after so many times the usual wait."""


def fit_into_burst(decision: Decision, *, waits: bool) -> Turn:
    """`waits`: whether an automatic answer to earlier lines has not left yet.

    The last line that hits a keyword wins; what answers anything never takes the place of anything.
    """
    if isinstance(decision, AskAi | Away):
        return Turn.JOIN if waits else Turn.START
    if isinstance(decision, Bargained):
        return Turn.REPLACE if waits else Turn.START
    if isinstance(decision, Answer):
        if not waits:
            return Turn.START
        return Turn.REPLACE if decision.rule.kind is RuleKind.KEYWORD else Turn.JOIN
    return Turn.JOIN if waits and decision.outcome == "no_rule" else Turn.NOTHING


def quiet_until(began: datetime, now: datetime, wait: timedelta) -> datetime:
    """When an answer may leave: `began` is when its first line came, `now` when the last did."""
    return max(now, min(now + wait, began + MOST_WAITS * wait))


def _hold_reason(hold: Hold) -> str:
    if hold.kind is HoldKind.TAKEOVER:
        return "人工正在接待这个会话"
    return f"{_where(hold.scope)}的自动回复已暂停：{hold.reason}"


def _where(scope: Scope) -> str:
    if scope.conversation is not None:
        return "这个会话"
    if scope.item is not None:
        return "这个商品"
    return "整个店铺" if scope.account is None else "这个账号"


def still_wanted(hold: Hold | None, *, human_answered: bool) -> str | None:
    """Asked right before an automatic answer leaves: None to send, else who made it needless."""
    if human_answered:
        return HUMAN_ANSWERED
    if hold is not None:
        return _hold_reason(hold)
    return None
