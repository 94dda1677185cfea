"""Paid order -> reserve -> messages -> settlement: the use case that all sides share.

Functions over a unit of work: no I/O, nothing awaited.
"""

from hub.delivery.ledger import on_message_settled
from hub.delivery.needs import UNDELIVERED, close_needs, open_need, tell_need
from hub.delivery.orders import (
    on_bargain_refused,
    on_freed,
    on_order_read,
    on_ship_done,
    on_ship_refused,
    on_shipped,
)
from hub.delivery.people import (
    arrived,
    deliver,
    free_now,
    give_back,
    outside,
    refuse,
    resend,
    resume,
    ship_now,
    stopped_orders,
)
from hub.delivery.reading import (
    is_doubted,
    is_lost,
    look_again,
    look_up,
    on_signal,
    on_unread,
    read_again,
    read_order,
    speaks_of_another,
    was_left_alone,
)
from hub.delivery.sending import (
    halt_before_mark,
    on_message_left,
    on_message_waits,
    start,
    why_not,
)
from hub.delivery.supplying import Asking, NotAsked, asking, on_supplied, on_unsupplied

__all__ = [
    "UNDELIVERED",
    "Asking",
    "NotAsked",
    "arrived",
    "asking",
    "close_needs",
    "deliver",
    "free_now",
    "give_back",
    "halt_before_mark",
    "is_doubted",
    "is_lost",
    "look_again",
    "look_up",
    "on_bargain_refused",
    "on_freed",
    "on_message_left",
    "on_message_settled",
    "on_message_waits",
    "on_order_read",
    "on_ship_done",
    "on_ship_refused",
    "on_shipped",
    "on_signal",
    "on_supplied",
    "on_unread",
    "on_unsupplied",
    "open_need",
    "outside",
    "read_again",
    "read_order",
    "refuse",
    "resend",
    "resume",
    "ship_now",
    "speaks_of_another",
    "start",
    "stopped_orders",
    "tell_need",
    "was_left_alone",
    "why_not",
]
