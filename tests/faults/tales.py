"""The story of an order as everybody tells it, for who has to find out why a promise was broken."""

from __future__ import annotations

from hub.model import StoryLine
from hub.sandbox.orders import Order
from tests.faults.lines import Goods
from tests.faults.market import WARES, Market
from tests.faults.supplier import key_of


def tale(market: Market, number: int, order: Order, goods: Goods) -> str:
    """The platform, the hub, the people, the supplier."""
    ware = next(name for name, one in WARES.items() if one is market.wares[order.id])
    thread = market.town.world.conversation(order.conversation)
    lines = [
        f"--- order {number}: {order.id}, {order.quantity} of {ware} for {order.buyer} ---",
        f"the platform: {', '.join(order.story)}",
        "the hub:",
        *(f"  {_told(one)}" for one in goods.stories[order.id]),
        f"open needs: {[one.kind.value for one in goods.needs[order.id]]}",
        "people:",
        *(f"  {act}" for act in market.people.about(order.id)),
        "the buyer's phone:",
        *(f"  {one.summary!r}" for one in thread.messages if one.uuid),
    ]
    for unit in range(1, order.quantity + 1):
        for told in market.supplier.story.get(key_of(order.id, unit), ()):
            lines.append(f"the supplier for unit {unit}: {told}")
    return "\n".join(lines)


def _told(line: StoryLine) -> str:
    which = "" if line.unit is None else f" of unit {line.unit}"
    who = "" if line.member is None else f" by member {line.member}"
    return f"{line.at:%H:%M:%S.%f} {line.step.value}{which}{who} {line.detail}".rstrip()
