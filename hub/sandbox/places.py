"""How the doors name a conversation: by its id, or by the people and the item."""

from __future__ import annotations

from hub.sandbox.doors import Body, need
from hub.sandbox.world import Conversation, World

KEYS = ("conversation", "seller", "buyer", "item")


def conversation_in(world: World, body: Body) -> Conversation:
    """The conversation that a body names; made if need be.

    Raises KeyError for somebody unknown, ValueError when nothing is named.
    """
    if "conversation" in body:
        return world.conversation(str(body["conversation"]))
    return world.conversation_of(
        str(need(body, "seller")), str(need(body, "buyer")), str(body.get("item", ""))
    )
