"""Who has which conversation in the sandbox."""

from __future__ import annotations

from hub.sandbox.world import DEMO_CONVERSATION, DEMO_SELLER, World, furnish

BUYER = "3100444455556"
OTHER = "880011223346"


def test_two_people_meet_where_they_first_did_until_they_speak_elsewhere() -> None:
    world = World()
    furnish(world)
    other = world.conversation_of(DEMO_SELLER, BUYER, OTHER)
    other.created_at += 5
    assert world.conversation_of(DEMO_SELLER, BUYER).thread.conversation == DEMO_CONVERSATION
