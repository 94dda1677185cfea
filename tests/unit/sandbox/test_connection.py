"""Registration, heartbeats and the ways in which a connection ends."""

from __future__ import annotations

import json

import pytest

from .client import CONVERSATION, SELLER, Rig


async def test_registration_says_who_we_are_and_answers_with_the_mid(rig: Rig) -> None:
    token = await rig.browser.token("DID-1")
    async with rig.dial() as wire:
        answer = await wire.register(token, "DID-1")
    assert answer["code"] == 200
    assert answer["headers"]["reg-uid"] == f"{SELLER}@goofish"
    assert answer["headers"]["sid"] == answer["headers"]["reg-sid"]
    assert "lwp" not in answer


@pytest.mark.parametrize(
    ("token", "did", "reason"),
    [
        ("oauth_k1:nobody", "DID-1", "token is not found"),
        ("", "DID-2", "device id or appkey is not equal"),
    ],
)
async def test_a_foreign_token_or_device_is_refused_with_401(
    rig: Rig, token: str, did: str, reason: str
) -> None:
    mine = await rig.browser.token("DID-1")
    async with rig.dial() as wire:
        answer = await wire.register(token or mine, did)
    assert answer["code"] == 401
    assert answer["body"]["reason"] == reason


async def test_a_token_works_percent_encoded_and_decoded(rig: Rig) -> None:
    token = await rig.browser.token("DID-1")
    async with rig.dial() as wire:
        assert (await wire.register(token.replace("=", "%3D"), "DID-1"))["code"] == 200


async def test_expired_im_tokens_are_refused(rig: Rig) -> None:
    token = await rig.browser.token("DID-1")
    await rig.admin("POST", "/tokens/expire", {"kind": "im", "user": SELLER})
    async with rig.dial() as wire:
        assert (await wire.register(token, "DID-1"))["code"] == 401


async def test_registration_can_be_refused_for_any_reason_or_for_the_connect_limit(
    rig: Rig,
) -> None:
    token = await rig.browser.token("DID-1")
    await rig.fault("reg_refused", reason="not auth")
    await rig.fault("reg_limit")
    async with rig.dial() as wire:
        assert (await wire.register(token, "DID-1"))["body"]["reason"] == "not auth"
        answer = await wire.register(token, "DID-1")
        assert (answer["code"], answer["body"]["reason"]) == (400, "connect limit")
        assert (await wire.register(token, "DID-1"))["code"] == 200


async def test_a_silent_registration_stays_silent(rig: Rig) -> None:
    token = await rig.browser.token("DID-1")
    await rig.fault("reg_silent")
    async with rig.dial() as wire:
        silent = await wire.post(
            "/reg", token=token, did="DID-1", **{"app-key": "444e9908a51d1cb236a27862abc769c9"}
        )
        assert (await wire.register(token, "DID-1"))["code"] == 200
        assert wire.answers(silent) == []


async def test_the_first_push_after_registration_is_vulcan_on_the_json_channel(rig: Rig) -> None:
    async with rig.online() as wire:
        (push,) = await wire.until(lambda: wire.pushes("/s/vulcan"))
        package = push["body"]["syncPushPackage"]
        assert {one["bizType"] for one in package["data"]} == {370}
        assert 2 <= len(package["data"]) <= 14
        assert push["body"]["syncExtensionModel"]["reconnectType"] == 1
        assert wire.frames.index(push) == 1


async def test_a_heartbeat_is_answered_without_body_even_before_registration(rig: Rig) -> None:
    async with rig.dial() as wire:
        answer = await wire.ask("/!")
        assert answer["code"] == 200
        assert "body" not in answer


async def test_requests_before_registration_are_not_authorised(rig: Rig) -> None:
    async with rig.dial() as wire:
        answer = await wire.ask("/r/SyncStatus/getState", [{"topic": "sync"}])
        assert answer["code"] == 401


async def test_the_same_device_registering_again_kicks_the_older_connection(rig: Rig) -> None:
    async with rig.online() as old:
        token = await rig.browser.token("DID-1")
        async with rig.dial() as new:
            assert (await new.register(token, "DID-1"))["code"] == 200
            await old.until(old.closed.is_set)
            assert old.pushes("/push/kickout")
            assert old.ws.close_code == 1000
            assert (await new.ask("/!"))["code"] == 200


async def test_another_device_may_listen_beside_the_first(rig: Rig) -> None:
    async with rig.online("DID-1") as one, rig.online("DID-2") as two:
        await rig.say("两边都到")
        await one.until(one.texts)
        await two.until(two.texts)
        await rig.manners(lines_per_account=2)
        token = await rig.browser.token("DID-3")
        async with rig.dial() as three:
            assert (await three.register(token, "DID-3"))["body"]["reason"] == "connect limit"


async def test_a_newer_token_turns_the_older_connection_into_a_zombie(rig: Rig) -> None:
    async with rig.online() as wire:
        await rig.browser.token("DID-2")
        await rig.say("还活着")
        await wire.until(wire.texts)
        await rig.browser.token("DID-1")
        await rig.say("听不见")
        assert (await wire.ask("/!"))["code"] == 200
        assert wire.texts() == ["还活着"]
        (line,) = await rig.admin("GET", "/connections")
        assert line["zombie"] is True


@pytest.mark.parametrize(
    ("how", "code", "order"),
    [
        ("abnormal", 1006, None),
        ("normal", 1000, None),
        ("kickout", 1000, "/push/kickout"),
        ("remove", 1000, "/s/session/remove"),
    ],
)
async def test_a_connection_can_be_ended_in_every_known_way(
    rig: Rig, how: str, code: int, order: str | None
) -> None:
    async with rig.online() as wire:
        await rig.admin("POST", "/connections/cut", {"user": SELLER, "how": how})
        await wire.until(wire.closed.is_set)
        assert wire.ws.close_code == code
        assert order is None or wire.pushes(order)
    await rig.admin("GET", f"/connections/wait?user={SELLER}&count=0")


async def test_a_garbage_frame_leaves_the_connection_alive(rig: Rig) -> None:
    async with rig.online() as wire:
        body = {"user": SELLER, "how": "garbage", "text": "}{"}
        await rig.admin("POST", "/connections/cut", body)
        await wire.until(lambda: wire.garbage)
        assert wire.garbage == ["}{"]
        assert (await wire.ask("/!"))["code"] == 200


async def test_a_frame_that_is_no_json_ends_the_connection(rig: Rig) -> None:
    async with rig.online() as wire:
        await wire.ws.send_str("not json")
        await wire.until(wire.closed.is_set)


async def test_unknown_services_and_bad_arguments_are_refused_not_fatal(rig: Rig) -> None:
    async with rig.online() as wire:
        assert (await wire.ask("/r/Nobody/knows", []))["code"] == 404
        assert (await wire.ask("/r/MessageManager/listUserMessages", ["x"]))["code"] == 400
        assert (await wire.ask("/!"))["code"] == 200


async def test_state_fed_back_into_ack_diff_replays_nothing(rig: Rig) -> None:
    await rig.say("之前的")
    async with rig.online() as wire:
        state = (await wire.ask("/r/SyncStatus/getState", [{"topic": "sync"}]))["body"]
        assert set(state) == {
            "channel",
            "highPts",
            "pipeline",
            "pts",
            "seq",
            "timestamp",
            "tooLong2Tag",
            "topic",
        }
        assert (await wire.ask("/r/SyncStatus/ackDiff", [state]))["code"] == 200
        await wire.ask("/!")
        assert wire.texts() == []


async def test_an_old_pts_replays_everything_newer(rig: Rig) -> None:
    """What arrived while nobody listened is only lost to those who do not ask."""
    body = {"conversation": CONVERSATION, "messages": [{"text": "第{n}条", "repeat": 40}]}
    await rig.admin("POST", "/say", body)
    async with rig.online() as wire:
        await wire.ask("/r/SyncStatus/ackDiff", [{"pts": 0}])
        await wire.until(lambda: len(wire.texts()) == 40)
        assert wire.texts()[::39] == ["第1条", "第40条"]
        assert len(wire.pushes()) == 2


async def test_a_binary_or_foreign_answer_is_ignored(rig: Rig) -> None:
    async with rig.online() as wire:
        await wire.ws.send_str(json.dumps({"code": 200, "headers": {"mid": "nobody 0"}}))
        assert (await wire.ask("/!"))["code"] == 200
