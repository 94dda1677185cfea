"""The life of a delivery as a table, and what holds one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from hub.model import (
    Choice,
    DeliveryState,
    DeliveryStep,
    Guards,
    KnownOrder,
    NeedKind,
    Order,
    OrderStatus,
)

_S, _D = DeliveryState, DeliveryStep
_HAS_IT = {
    _D.LEFT: None,
    _D.ACCEPTED: None,
    _D.REJECTED: None,
    _D.UNCERTAIN: None,
    _D.STOPPED: None,
    _D.RESENT: None,
}
"""Steps of a repeated message: the buyer has the goods already, whatever becomes of it."""

_NEXT: dict[DeliveryState, dict[DeliveryStep, DeliveryState | None]] = {
    _S.PENDING: {
        _D.ASKED: _S.SUPPLYING,
        _D.RESERVED: _S.RESERVED,
        _D.OUTSIDE: _S.OUTSIDE,
        _D.RELEASED: _S.RELEASED,
        _D.REFUSED: _S.FAILED,
    },
    _S.SUPPLYING: {
        _D.RESERVED: _S.RESERVED,
        _D.UNSUPPLIED: _S.PENDING,
        _D.OUTSIDE: _S.OUTSIDE,
        _D.RELEASED: _S.RELEASED,
        _D.REFUSED: _S.FAILED,
    },
    _S.RESERVED: {
        _D.LEFT: _S.SENDING,
        _D.ACCEPTED: _S.SENT,
        _D.REJECTED: _S.REVIEW,
        _D.UNCERTAIN: _S.REVIEW,
        _D.STOPPED: _S.REVIEW,
        _D.OUTSIDE: _S.OUTSIDE,
        _D.RELEASED: _S.RELEASED,
    },
    _S.SENDING: {
        _D.LEFT: None,
        _D.ACCEPTED: _S.SENT,
        _D.REJECTED: _S.REVIEW,
        _D.UNCERTAIN: _S.REVIEW,
        _D.STOPPED: _S.REVIEW,
    },
    _S.SENT: {**_HAS_IT, _D.SHIPPED: _S.CONFIRMED},
    _S.CONFIRMED: {**_HAS_IT, _D.SHIPPED: None},
    _S.REVIEW: {
        _D.LEFT: None,
        _D.REJECTED: None,
        _D.UNCERTAIN: None,
        _D.STOPPED: None,
        _D.ACCEPTED: _S.SENT,
        _D.RESENT: _S.RESERVED,
        _D.OUTSIDE: _S.OUTSIDE,
        _D.RELEASED: _S.RELEASED,
        _D.REFUSED: _S.FAILED,
    },
    _S.FAILED: {
        _D.ASKED: _S.SUPPLYING,
        _D.RESERVED: _S.RESERVED,
        _D.OUTSIDE: _S.OUTSIDE,
        _D.RELEASED: _S.RELEASED,
    },
    _S.OUTSIDE: {_D.RELEASED: _S.RELEASED},
    _S.RELEASED: {
        _D.ASKED: _S.SUPPLYING,
        _D.RESERVED: _S.RESERVED,
        _D.OUTSIDE: _S.OUTSIDE,
        _D.REFUSED: _S.FAILED,
    },
}

HANDED_OVER = frozenset({_S.SENT, _S.CONFIRMED})
"""The buyer has the goods, from us."""
SETTLED = frozenset({_S.CONFIRMED, _S.OUTSIDE, _S.FAILED})
"""Nothing is owed any more."""
UNDRAWN = frozenset({_S.PENDING, _S.SUPPLYING})
"""Owed, and the cards are not there yet."""
UNSEEN = frozenset({_S.PENDING, _S.SUPPLYING, _S.RESERVED})
"""The buyer surely saw nothing of it, as long as nothing has left."""
ON_THEIR_WAY = frozenset({_S.RESERVED, _S.SENDING})


UNSERVED = frozenset({*UNSEEN, _S.SENDING, _S.REVIEW})
"""The buyer waits for it."""


def next_state(state: DeliveryState, step: DeliveryStep) -> DeliveryState | None:
    """The state after the step, perhaps the same; None: it cannot be taken from here."""
    steps = _NEXT[state]
    return (steps[step] or state) if step in steps else None


# --- Guards -------------------------------------------------------------------------------------


def held_by(guards: Guards, order: Order, *, delivered_before: int, unfinished: int) -> str | None:
    """Why a block rule holds this order; None: none does.

    `delivered_before`: other orders of this buyer that were delivered. `unfinished`: those that
    were, or are on their way, and are not completed. An amount that the page does not show is
    above every limit.
    """
    amount = order.paid_amount
    if amount is not None and amount <= 0:
        return f"实付金额是 {amount} 元"
    if order.buyer is not None and order.buyer in guards.blocked_buyers:
        return "买家在黑名单里"
    if guards.hold_second_order and unfinished:
        return "买家还有没确认收货的订单"
    if _above(amount, guards.most_amount):
        return f"金额超过 {guards.most_amount} 元"
    if not delivered_before and _above(amount, guards.most_amount_new_buyer):
        return f"新买家，金额超过 {guards.most_amount_new_buyer} 元"
    return None


def _above(amount: Decimal | None, limit: Decimal | None) -> bool:
    return limit is not None and (amount is None or amount > limit)


def brake(guards: Guards, *, in_a_minute: int, failures: int) -> str | None:
    """Why the whole shop has to stop delivering; None: nothing unusual.

    `failures`: the newest deliveries in a row that were refused or uncertain.
    """
    if guards.brake_per_minute and in_a_minute >= guards.brake_per_minute:
        return f"一分钟内已经发了 {in_a_minute} 份"
    if guards.brake_failures and failures >= guards.brake_failures:
        return f"连续 {failures} 份没有发成功"
    return None


# --- What waits for a person ----------------------------------------------------------------------

REMINDERS = (timedelta(minutes=10), timedelta(minutes=30), timedelta(hours=2))
"""After the first telling; then every eight hours."""
REMINDED_EVERY = timedelta(hours=8)

_C, _N = Choice, NeedKind
_NOTHING_LEFT = (_C.DELIVER, _C.OUTSIDE, _C.REFUSE)
_CHOICES: dict[NeedKind, tuple[Choice, ...]] = {
    _N.NO_RULE: _NOTHING_LEFT,
    _N.OUT_OF_STOCK: _NOTHING_LEFT,
    _N.UNKNOWN_SPEC: _NOTHING_LEFT,
    _N.TOO_MANY: _NOTHING_LEFT,
    _N.UNCLEAR: (_C.READ, _C.OUTSIDE, _C.REFUSE),
    _N.UNREADABLE: (_C.READ, _C.OUTSIDE, _C.REFUSE),
    _N.HELD: _NOTHING_LEFT,
    _N.STOPPED: (_C.DELIVER, _C.OUTSIDE, _C.RELEASE, _C.REFUSE),
    _N.OFFLINE: (_C.OUTSIDE, _C.RELEASE, _C.DONE),
    _N.UNSUPPLIED: (_C.ASK_AGAIN, _C.OUTSIDE, _C.REFUSE),
    _N.SUPPLY_UNCERTAIN: (_C.ASK_AGAIN, _C.OUTSIDE, _C.REFUSE),
    _N.REJECTED: (_C.RESEND, _C.OUTSIDE, _C.RELEASE, _C.REFUSE),
    _N.UNCERTAIN: (_C.ARRIVED, _C.RESEND, _C.OUTSIDE, _C.RELEASE, _C.REFUSE),
    _N.SHIP_FAILED: (_C.SHIP, _C.DONE),
    _N.BARGAIN: (_C.FREE, _C.READ, _C.DONE),
    _N.REFUND: (_C.DONE,),
    _N.REFUND_OFF: _NOTHING_LEFT,
    _N.OFFER: (_C.AGREE, _C.COUNTER, _C.DECLINE),
    _N.BRAKE: (_C.RESUME, _C.DONE),
}


def choices_of(kind: NeedKind) -> Sequence[Choice]:
    """How a person can answer, in the order in which the answers are numbered."""
    return _CHOICES[kind]


_UNDECIDED = (OrderStatus.BARGAIN_PENDING, None)


def acts_on(order: KnownOrder, states: Sequence[DeliveryState]) -> Sequence[Choice]:
    """What a person can do about an order, in the order in which it is offered; `states`: of its
    units. The desk has the last word."""
    over, some = order.refund_at is not None, bool(states)
    sending = _S.SENDING in states
    waits = order.status is OrderStatus.PAID or order.shipped_at is not None
    undecided = not some and not over and (waits or order.status in _UNDECIDED)
    can = {
        _C.DELIVER: waits
        and not over
        and _S.OUTSIDE not in states
        and (not some or bool({_S.PENDING, _S.FAILED, _S.RELEASED} & set(states))),
        _C.ARRIVED: _S.REVIEW in states,
        _C.RESEND: not over and bool({_S.REVIEW, *HANDED_OVER} & set(states)),
        _C.OUTSIDE: not sending
        and (undecided or any(next_state(one, _D.OUTSIDE) is not None for one in states)),
        _C.SHIP: order.status is OrderStatus.PAID and order.shipped_at is None and not over,
        _C.FREE: order.status is OrderStatus.BARGAIN_PENDING and not over,
        _C.RELEASE: not sending and bool({_S.RESERVED, _S.REVIEW} & set(states)),
        _C.REFUSE: not sending
        and (undecided or bool({_S.PENDING, _S.RESERVED, _S.REVIEW} & set(states))),
        _C.READ: order.conversation is not None,
    }
    return tuple(choice for choice, possible in can.items() if possible)


def reminder_step(opened_at: datetime, now: datetime) -> int:
    """Which reminder is told at `now`: 1 for the first, with all after the last planned one alike;
    0: it was just opened."""
    return sum(now - opened_at >= wait for wait in REMINDERS)


def next_reminder(opened_at: datetime, now: datetime) -> datetime:
    """When to tell of it again; it was told of at `now`."""
    for wait in REMINDERS:
        if opened_at + wait > now:
            return opened_at + wait
    return now + REMINDED_EVERY
