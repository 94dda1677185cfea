"""What nobody knows for certain about the platform: every answer can be played."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from .client import BUYER, CONVERSATION, IM_APP_KEY, SELLER, SEND, Rig, Wire, send_body
from .test_pictures import image_body

GET_STATE = "/r/SyncStatus/getState"
ACK_DIFF = "/r/SyncStatus/ackDiff"
HISTORY = "/r/MessageManager/listUserMessages"
CREATE = "/r/SingleChatConversation/create"
DETAIL = "mtop.idle.web.trade.order.detail"
ALICDN = "https://img.alicdn.com/imgextra/i1/0000/1.jpg"


async def history(wire: Wire) -> list[dict[str, Any]]:
    body = [f"{CONVERSATION}@goofish", False, 9007199254740991, 20, False]
    return list((await wire.ask(HISTORY, body))["body"]["userMessageModels"])


# --- sync state ---


async def test_pushes_may_wait_for_ack_diff(rig: Rig) -> None:
    await rig.manners(sync_duty="ack")
    async with rig.online() as wire:
        await rig.say("等着")
        await wire.ask("/!")
        assert wire.texts() == []
        await wire.ask(ACK_DIFF, [{"pts": 10**17}])
        await wire.until(wire.texts)
        await rig.say("直接到")
        await wire.until(lambda: len(wire.texts()) == 2)
        assert wire.texts() == ["等着", "直接到"]


async def test_pushes_may_wait_for_get_state_and_its_answer(rig: Rig) -> None:
    await rig.manners(sync_duty="state")
    async with rig.online() as wire:
        await wire.ask(ACK_DIFF, [{"pts": 10**17}])
        await rig.say("等着")
        await wire.ask("/!")
        assert wire.texts() == []
        state = (await wire.ask(GET_STATE, [{"topic": "sync"}]))["body"]
        await wire.ask(ACK_DIFF, [state])
        await wire.until(wire.texts)
        assert wire.texts() == ["等着"]


async def test_what_was_never_acknowledged_survives_the_sync_duty(rig: Rig) -> None:
    async with rig.online() as wire:
        wire.acking = False
        await rig.say("没收到")
        await wire.until(wire.texts)
    await rig.manners(sync_duty="ack")
    async with rig.online() as wire:
        await wire.ask(ACK_DIFF, [{"pts": 10**17}])
        await wire.until(wire.texts)
        assert wire.texts() == ["没收到"]


async def test_the_answer_to_ack_diff_may_have_no_body_some_or_everything(rig: Rig) -> None:
    await rig.say("之前的")
    async with rig.online() as wire:
        assert "body" not in await wire.ask(ACK_DIFF, [{"pts": 10**17}])
        await rig.manners(ack_diff_answer="extended")
        body = (await wire.ask(ACK_DIFF, [{"pts": 10**17}]))["body"]
        assert set(body) == {"syncExtensionModel", "syncExtraType"}
        await rig.manners(ack_diff_answer="package")
        body = (await wire.ask(ACK_DIFF, [{"pts": 0}]))["body"]
        assert len(body["syncPushPackage"]["data"]) == 1
        await wire.ask("/!")
        assert wire.texts() == []


# --- sending ---


@pytest.mark.parametrize(("accepted", "refused"), [(1, 2), (2, 1)])
async def test_either_custom_type_may_be_the_one_for_pictures(
    rig: Rig, accepted: int, refused: int
) -> None:
    await rig.manners(image_type=accepted)
    async with rig.online() as wire:
        assert (await wire.ask(SEND, image_body(ALICDN, type=refused)))["code"] == 400
        assert (await wire.ask(SEND, image_body(ALICDN, type=accepted)))["code"] == 200
        (model,) = await history(wire)
        assert model["message"]["content"]["custom"]["type"] == 2
        await rig.manners(history_type=1)
        (model,) = await history(wire)
        assert model["message"]["content"]["custom"]["type"] == 1


async def test_the_answer_to_a_send_names_the_message_in_various_places(rig: Rig) -> None:
    async with rig.online() as wire:
        found = []
        for form in ("body", "nested", "nested_twice", "bare"):
            await rig.manners(send_answer=form)
            found.append((await wire.ask(SEND, send_body(form))).get("body"))
        await rig.manners(send_answer="none")
        silent = await wire.send("none")
        await wire.until(lambda: len(wire.texts()) == 5)
        ids = [p[1][3] for p in wire.payloads()]
        assert found[0]["messageId"] == ids[0]
        assert found[1]["1"]["messageId"] == ids[1]
        assert found[2]["1"]["1"] == ids[2]
        assert found[3] is None
        await wire.ask("/!")
        assert wire.answers(silent) == []


async def test_success_may_be_0_and_a_block_may_hide(rig: Rig) -> None:
    await rig.manners(ok_code=0, forbid_in="more_info", forbid_code=0)
    async with rig.online() as wire:
        accepted = await wire.ask(SEND, send_body("好的"))
        assert (accepted.get("code"), accepted["body"]["messageId"][-4:]) == (None, ".PNM")
        await rig.fault("send_blocked")
        blocked = await wire.ask(SEND, send_body("不行"))
        assert blocked["body"]["moreInfo"].startswith("CSI_FORBID")
        assert blocked["body"]["code"] != "CSI_FORBID"
        assert "code" not in blocked


@pytest.mark.parametrize("form", ["single", "list", "user", "cid"])
async def test_a_created_conversation_is_named_somewhere_in_the_answer(rig: Rig, form: str) -> None:
    await rig.manners(create_answer=form)
    pair = {"pairFirst": f"{BUYER}@goofish", "pairSecond": f"{SELLER}@goofish", "bizType": "1"}
    async with rig.online() as wire:
        wish = {**pair, "extension": {"itemId": "880011223344", "orderId": "1", "source": "x"}}
        body = (await wire.ask(CREATE, [wish]))["body"]
    assert f'"cid": "{CONVERSATION}@goofish"' in json.dumps(body)


# --- tokens and cookies ---


async def test_a_token_may_live_shorter_than_promised(rig: Rig) -> None:
    await rig.manners(announced_token_seconds=86_400, im_token_seconds=-1)
    data = json.dumps({"appKey": IM_APP_KEY, "deviceId": "D"})
    api = "mtop.taobao.idlemessage.pc.login.token"
    told = (await rig.browser.call(api, data))["data"]
    assert told["accessTokenExpiredTime"] == "86400000"
    async with rig.dial() as wire:
        answer = await wire.register(told["accessToken"], "D")
        assert (answer["code"], answer["body"]["reason"]) == (401, "token invalid")


async def test_a_line_may_outlive_its_token_become_a_zombie_or_be_kicked(rig: Rig) -> None:
    async with rig.online() as wire:
        (line,) = rig.sandbox.lines.of(SELLER)
        line.token_expires_at = 0
        await rig.say("还行")
        await wire.until(wire.texts)
        await rig.manners(expired_line="zombie")
        await rig.say("听不见")
        assert (await wire.ask("/!"))["code"] == 200
        assert wire.texts() == ["还行"]
        await rig.manners(expired_line="kick")
        await wire.post("/!")
        await wire.until(wire.closed.is_set)
        assert wire.pushes("/push/kickout")


async def test_a_cookie_may_be_needed_on_the_web_socket(rig: Rig) -> None:
    await rig.manners(ws_cookie="needed")
    token = await rig.browser.token("DID-1")
    async with rig.dial() as wire:
        assert (await wire.register(token, "DID-1"))["code"] == 401
    headers = {"Cookie": rig.sandbox.cookies(SELLER)}
    async with rig.http.ws_connect(rig.sandbox.urls["ws_url"], headers=headers) as ws:
        frame = {"app-key": IM_APP_KEY, "token": token, "did": "DID-1", "mid": "1 0"}
        await ws.send_str(json.dumps({"lwp": "/reg", "headers": frame}))
        assert (await ws.receive_json())["code"] == 200


# --- pushes ---


async def test_every_entry_may_have_the_same_object_type(rig: Rig) -> None:
    await rig.manners(object_types=False)
    async with rig.online() as wire:
        await rig.order()
        await wire.until(wire.pushes)
        entries = wire.pushes()[0]["body"]["syncPushPackage"]["data"]
        assert [one["objectType"] for one in entries] == [40, 40, 40]


async def test_messages_may_be_nested_deeper_with_the_time_as_text(rig: Rig) -> None:
    await rig.manners(nested_messages=True)
    async with rig.online() as wire:
        (id,) = await rig.say("在吗")
        await wire.until(wire.pushes)
        inner = wire.payloads()[0][1][1]
        assert (inner[3], inner[4]) == (id, f"{SELLER}@goofish")
        assert inner[5].isdigit()


@pytest.mark.parametrize("form", ["text", "custom"])
async def test_messages_may_come_over_the_json_channel(rig: Rig, form: str) -> None:
    await rig.manners(json_messages=form)
    async with rig.online() as wire:
        await rig.say("在吗")
        await wire.until(wire.pushes)
        (entry,) = wire.pushes()[0]["body"]["syncPushPackage"]["data"]
        assert entry["bizType"] == 370
        operation = json.loads(base64.b64decode(entry["data"]))["operation"]
        content = operation["content"]
        if form == "custom":
            content = json.loads(base64.b64decode(content["custom"]["data"]))
        assert content["text"]["text"] == "在吗"
        assert operation["reminder"]["senderUserId"] == BUYER


async def test_the_read_status_of_histories_may_mean_nothing(rig: Rig) -> None:
    await rig.say("在吗")
    async with rig.online() as wire:
        assert [one["readStatus"] for one in await history(wire)] == [1]
        await rig.manners(read_status=False)
        assert [one["readStatus"] for one in await history(wire)] == [2]


@pytest.mark.parametrize("form", ["message", "conversation"])
async def test_the_red_point_is_cleared_in_either_form(rig: Rig, form: str) -> None:
    (first,) = await rig.say("一")
    await rig.say("二")
    cid = f"{CONVERSATION}@goofish"
    argument: Any = {"cid": cid, "messageId": first} if form == "message" else cid
    async with rig.online() as wire:
        cleared = await wire.ask("/r/Conversation/clearRedPoint", [[argument]])
        assert cleared["code"] == 200
        unread = [one["readStatus"] for one in await history(wire)].count(1)
    assert unread == (1 if form == "message" else 0)


# --- orders ---


async def test_an_order_tells_its_choice_numbers_and_steps_in_various_forms(rig: Rig) -> None:
    item = {"skus": [{"specs": {"套餐": "月卡", "颜色": "红"}, "price": "1"}]}
    await rig.admin("PATCH", "/items/880011223344", item)
    order = await rig.order()

    async def read() -> tuple[dict[str, Any], dict[str, Any], Any]:
        detail = await rig.browser.data(DETAIL, tid=order["id"])
        parts = {one["render"]: one["data"] for one in detail["components"]}
        nodes = parts["orderStatusVO"]["orderStatusNodeList"]
        return detail, parts["orderInfoVO"]["itemInfo"], nodes[0]["completed"]

    detail, info, done = await read()
    assert (detail["status"], info["skuInfo"], done) == (1, "套餐:月卡;颜色:红", True)
    await rig.manners(
        spec_form="names", spec_joint=",", order_numbers="to_ship", completed_words=True
    )
    detail, info, done = await read()
    assert (info["specName"], info["specValue"], done) == ("套餐,颜色", "月卡,红", "true")
    assert "status" not in detail
    await rig.step(order, "pay")
    assert (await read())[0]["status"] == 2


@pytest.mark.parametrize(
    ("manner", "state", "texts"),
    [
        ("both", "paid", ["[卡片消息]"]),
        ("state", "paid", []),
        ("later", "bargain", []),
    ],
)
async def test_free_shipping_may_show_at_once_in_part_or_later(
    rig: Rig, manner: str, state: str, texts: list[str]
) -> None:
    await rig.manners(bargain=manner)
    order = await rig.step(await rig.order(bargain=True), "pay")
    wish = {"bizOrderId": order["id"], "itemId": 880011223344, "buyerId": int(BUYER)}
    api = "mtop.idle.groupon.activity.seller.freeshipping"
    async with rig.online() as wire:
        assert await rig.browser.ret(api, **wish) == "SUCCESS"
        assert (await rig.admin("GET", f"/orders/{order['id']}"))["state"] == state
        await wire.ask("/!")
        assert wire.texts() == texts
        if manner == "later":
            await rig.step(order, "bargain")
            await wire.until(lambda: wire.texts() == ["[卡片消息]"])


async def test_the_session_list_may_have_been_withdrawn(rig: Rig) -> None:
    await rig.say("在吗")
    api = "mtop.taobao.idlemessage.pc.session.sync"
    (session,) = (await rig.browser.data(api, fetchNum=50))["sessions"]
    assert str(session["session"]["sessionId"]) == CONVERSATION
    assert session["message"]["summary"]["unread"] == 1
    await rig.manners(session_sync=False)
    assert await rig.browser.ret(api) == "FAIL_SYS_API_NOT_FOUNDED"


async def test_a_manner_takes_only_what_it_can_mean(rig: Rig) -> None:
    for wrong in ({"bargain": "perhaps"}, {"spec_joint": 1}, {"qr_seconds": "1"}, {"x": 1}):
        await rig.admin("PATCH", "/manners", {"echo_first": True, **wrong}, status=400)
    assert (await rig.admin("GET", "/manners"))["echo_first"] is False
