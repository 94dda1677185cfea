"""Which bot a chat is reached by, what can be done there, and marks below messages."""

from __future__ import annotations

import pytest
from qq_stage import GROUP, IN_GROUP, OPERATOR, PRIVATE, Door

from bots.port import reaches, scoped, unscoped
from hub.errors import Rejected, Unreachable
from hub.model import ChatAbilities, ChatPeer, Mark, only_bot
from hub.sandbox.onebot import Dialect, OneBotSim

OFFICIAL = "official:102001"
LAGRANGE = Dialect(reaction_action="set_group_reaction", unknown_retcode=404)


@pytest.mark.parametrize(
    ("bot", "address", "reached"),
    [
        ("10001", "10002", True),
        (OFFICIAL, "10002", False),
        ("10001", scoped(OFFICIAL, "0A1B2C"), False),
        (OFFICIAL, scoped(OFFICIAL, "0A1B2C"), True),
        ("official:102002", scoped(OFFICIAL, "0A1B2C"), False),
    ],
)
def test_an_address_of_one_bot_is_used_with_no_other(bot: str, address: str, reached: bool):
    assert reaches(bot, address) is reached


def test_an_address_names_its_bot_and_gives_back_its_id():
    address = scoped(OFFICIAL, "0A1B2C")
    assert (only_bot(address), unscoped(address)) == (OFFICIAL, "0A1B2C")
    assert (only_bot("10002"), unscoped("10002")) == ("", "10002")


async def test_what_only_an_absent_bot_may_be_told_is_told_to_nobody_else(door: Door):
    async with door.bridge() as bridge:
        with pytest.raises(Unreachable):
            await door.qq.deliver(ChatPeer("", "private", scoped(OFFICIAL, "10002")), "密")
        assert not [action for action, _ in bridge.calls if action.startswith("send")]


async def test_abilities_are_those_of_the_chat_and_next_to_none_without_a_bot(door: Door):
    assert door.qq.abilities(PRIVATE) == ChatAbilities()
    async with door.bridge():
        assert door.qq.abilities(PRIVATE).quotes
        assert not door.qq.abilities(PRIVATE).reacts
        assert door.qq.abilities(IN_GROUP).reacts


async def react(door: Door, bridge: OneBotSim) -> str:
    said = await bridge.say_group(GROUP, OPERATOR, "#a7 在的")
    await door.qq.react(ChatPeer("10001", "group", GROUP), said, Mark.ACCEPTED)
    return said


@pytest.mark.parametrize("dialect", [Dialect(), LAGRANGE])
async def test_a_mark_is_put_in_the_words_of_either_implementation(door: Door, dialect: Dialect):
    async with door.bridge(dialect) as bridge:
        first = await react(door, bridge)
        second = await react(door, bridge)
        assert list(bridge.reactions) == [(first, "124", True), (second, "124", True)]
        asked = [action for action, _ in bridge.calls if "group_reaction" in action]
        assert asked == (["set_group_reaction"] * 2 if dialect is LAGRANGE else [])


async def test_a_bridge_without_marks_is_asked_once_and_says_so_from_then_on(door: Door):
    async with door.bridge(Dialect(reaction_action="none")) as bridge:
        with pytest.raises(Rejected):
            await react(door, bridge)
        assert not door.qq.abilities(ChatPeer("10001", "group", GROUP)).reacts
        asked = len(bridge.calls)
        with pytest.raises(Rejected):
            await react(door, bridge)
        assert len(bridge.calls) == asked


async def test_a_message_that_a_restarted_bridge_forgot_gets_no_mark_but_others_do(door: Door):
    async with door.bridge() as bridge:
        said = await bridge.say_group(GROUP, OPERATOR, "#a7 在的")
        bridge.forget()
        with pytest.raises(Rejected):
            await door.qq.react(ChatPeer("10001", "group", GROUP), said, Mark.READ)
        await react(door, bridge)
        assert len(bridge.reactions) == 1
