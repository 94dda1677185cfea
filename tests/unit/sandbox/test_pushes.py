"""Acknowledgements, redelivery, and everything that can go wrong with a push."""

from __future__ import annotations

import pytest

from .client import BUYER, CONVERSATION, SELLER, Rig


async def test_a_buyer_message_arrives_in_the_old_string_dialect(rig: Rig) -> None:
    async with rig.online() as wire:
        (id,) = await rig.say("在吗" * 30)
        await wire.until(wire.texts)
        (payload,) = wire.payloads()
        assert payload[1][3] == id
        assert payload[1][2] == f"{CONVERSATION}@goofish"
        assert payload[1][7] == 2
        assert payload[1][10]["senderUserId"] == BUYER
        (push,) = wire.pushes()
        (one,) = push["body"]["syncPushPackage"]["data"]
        assert (one["bizType"], one["objectType"]) == (40, 40000)


async def test_one_push_can_hold_many_entries(rig: Rig) -> None:
    async with rig.online() as wire:
        body = {"conversation": CONVERSATION, "messages": [{"text": "{n}", "repeat": 32}]}
        await rig.admin("POST", "/say", body)
        await wire.until(wire.texts)
        assert wire.texts() == [str(number) for number in range(1, 33)]
        assert len(wire.pushes()) == 1


async def test_it_is_known_which_push_was_acknowledged_and_when(rig: Rig) -> None:
    async with rig.online() as wire:
        wire.acking = False
        (id,) = await rig.say("在吗")
        await wire.until(wire.texts)
        (push,) = await rig.admin("GET", f"/pushes?message={id}")
        assert push["acked_at"] is None
        await rig.admin("GET", f"/pushes/wait?message={id}&timeout=0", status=408)
        await wire.ack(wire.pushes()[0])
        answer = await rig.admin("GET", f"/pushes/wait?message={id}")
        assert answer["pushes"][0]["acked_at"] >= push["sent_at"]
        assert await rig.admin("GET", f"/pushes?message={id}&acked=false") == []


@pytest.mark.parametrize("how", ["abnormal", "normal", "kickout"])
async def test_what_was_never_acknowledged_comes_again_after_a_reconnect(
    rig: Rig, how: str
) -> None:
    async with rig.online() as wire:
        wire.acking = False
        (id,) = await rig.say("在吗")
        await wire.until(wire.texts)
        first = wire.payloads()
        await rig.admin("POST", "/connections/cut", {"user": SELLER, "how": how})
        await wire.until(wire.closed.is_set)
    async with rig.online() as wire:
        await wire.until(wire.texts)
        assert wire.payloads() == first
        answer = await rig.admin("GET", f"/pushes/wait?message={id}&acked=true")
        assert [one["attempt"] for one in answer["pushes"]] == [2]
    async with rig.online() as wire:
        await wire.ask("/!")
        assert wire.texts() == []


async def test_a_kicked_connection_hands_its_debts_to_its_heir(rig: Rig) -> None:
    async with rig.online() as old:
        old.acking = False
        await rig.say("在吗")
        await old.until(old.texts)
        async with rig.online() as new:
            await new.until(new.texts)


async def test_what_was_acknowledged_does_not_come_again(rig: Rig) -> None:
    async with rig.online() as wire:
        (id,) = await rig.say("在吗")
        await rig.admin("GET", f"/pushes/wait?message={id}")
        assert wire.texts() == ["在吗"]
    async with rig.online() as wire:
        await wire.ask("/!")
        assert wire.texts() == []


async def test_redelivery_can_be_switched_off(rig: Rig) -> None:
    async with rig.online() as wire:
        wire.acking = False
        await rig.say("在吗")
        await wire.until(wire.texts)
    await rig.manners(redeliver=False)
    async with rig.online() as wire:
        await wire.ask("/!")
        assert wire.texts() == []


async def test_owing_too_many_acknowledgements_ends_the_connection(rig: Rig) -> None:
    async with rig.online() as wire:
        wire.acking = False
        await rig.manners(unacked_limit=3)
        for text in ("一", "二", "三"):
            await rig.say(text)
        await wire.until(wire.closed.is_set)
        assert wire.ws.close_code == 1000


async def test_a_push_can_come_twice_with_the_same_message(rig: Rig) -> None:
    await rig.fault("push_duplicate")
    async with rig.online() as wire:
        await rig.say("在吗")
        await wire.until(lambda: len(wire.pushes()) == 2)
        one, two = wire.payloads()
        assert one == two
        assert wire.pushes()[0]["headers"]["mid"] != wire.pushes()[1]["headers"]["mid"]


async def test_pushes_can_overtake_each_other(rig: Rig) -> None:
    await rig.fault("push_reorder")
    async with rig.online() as wire:
        await rig.say("先说的")
        await rig.say("后说的")
        await wire.until(lambda: len(wire.texts()) == 2)
        assert wire.texts() == ["后说的", "先说的"]


async def test_a_push_can_be_lost_and_still_stand_in_the_history(rig: Rig) -> None:
    await rig.fault("push_lost")
    async with rig.online() as wire:
        await rig.say("丢了")
        await rig.say("到了")
        await wire.until(wire.texts)
        assert wire.texts() == ["到了"]
    view = await rig.admin("GET", f"/conversations/{CONVERSATION}")
    assert [one["text"] for one in view["messages"]] == ["丢了", "到了"]


async def test_a_push_can_be_late(rig: Rig) -> None:
    await rig.fault("push_delay", seconds=0.05)
    async with rig.online() as wire:
        await rig.say("晚到")
        await rig.say("早到")
        await wire.until(lambda: len(wire.texts()) == 2)
        assert wire.texts() == ["早到", "晚到"]


async def test_a_malformed_entry_sits_between_good_ones(rig: Rig) -> None:
    await rig.fault("push_malformed")
    async with rig.online() as wire:
        body = {"conversation": CONVERSATION, "messages": [{"text": "{n}", "repeat": 4}]}
        await rig.admin("POST", "/say", body)
        await wire.until(wire.pushes)
        payloads = wire.payloads()
        assert [p is None for p in payloads] == [False, False, True, False, False]


async def test_a_garbage_frame_can_precede_a_push(rig: Rig) -> None:
    await rig.fault("push_garbage")
    async with rig.online() as wire:
        await rig.say("在吗")
        await wire.until(wire.texts)
        assert len(wire.garbage) == 1


async def test_typing_travels_apart_and_is_not_replayed(rig: Rig) -> None:
    async with rig.online() as wire:
        await rig.admin("POST", "/typing", {"conversation": CONVERSATION})
        await wire.until(lambda: wire.pushes("/s/para"))
        (payload,) = wire.payloads("/s/para")
        assert payload[1][0] == {
            1: f"{CONVERSATION}@goofish",
            2: 1,
            3: 1,
            4: f"{SELLER}@goofish",
        }
        await wire.ask("/r/SyncStatus/ackDiff", [{"pts": 0}])
        await wire.ask("/!")
        assert wire.pushes() == []


async def test_the_sellers_own_phone_is_seen_as_an_echo(rig: Rig) -> None:
    async with rig.online() as wire:
        body = {"conversation": CONVERSATION, "text": "我来回", "platform": "android"}
        await rig.admin("POST", "/phone", body)
        await wire.until(wire.texts)
        (payload,) = wire.payloads()
        assert payload[1][10]["senderUserId"] == SELLER
        assert payload[1][10]["_platform"] == "android"
        assert payload[3] == {"needPush": "false"}


async def test_a_typed_system_text_differs_from_the_card_in_who_wrote_it(rig: Rig) -> None:
    """The words are the same, only `1.7` and the content type tell them apart."""
    async with rig.online() as wire:
        await rig.say("[我已付款，等待你发货]")
        await rig.admin("POST", "/order", {"conversation": CONVERSATION, "event": "paid"})
        await wire.until(lambda: len(wire.texts()) == 2)
        typed, card = wire.payloads()[:2]
        assert typed[1][6][3][2] == card[1][6][3][2]
        assert (typed[1][7], typed[1][6][3][4]) == (2, 1)
        assert (card[1][7], card[1][6][3][4]) == (1, 26)


async def test_an_order_story_names_one_order_of_19_digits(rig: Rig) -> None:
    async with rig.online() as wire:
        body = {"conversation": CONVERSATION, "event": "unpaid"}
        order = (await rig.admin("POST", "/order", body))["order"]
        assert len(order) == 19
        await wire.until(wire.pushes)
        context, card, status = wire.payloads()
        assert context[3]["orderId"] == order
        assert f"{CONVERSATION}:{order}:1_not_pay_seller" in card[1][10]["extJson"]
        assert status[3]["redReminder"] == "等待买家付款"
        for event in ("paid_update", "shipped", "completed", "rate_invited", "rated"):
            again = await rig.admin("POST", "/order", {**body, "event": event})
            assert again["order"] == order


async def test_raw_payloads_go_out_as_given(rig: Rig) -> None:
    async with rig.online() as wire:
        payload = {"1": "4300000000001.PNM", "2": 2, "3": 0, "4": "x@goofish", "5": 1, "6": 1}
        body = {"user": SELLER, "payloads": [payload], "object_type": 40103}
        await rig.admin("POST", "/push", body)
        await wire.until(wire.pushes)
        assert wire.payloads() == [{1: "4300000000001.PNM", 2: 2, 3: 0, 4: "x@goofish", 5: 1, 6: 1}]
