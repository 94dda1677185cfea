"""Pictures on their way to the platform, into a conversation, and back."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import aiohttp
import pytest

from hub.sandbox.pictures import blank

from .client import CONVERSATION, SELLER, SEND, Rig, send_body

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b0801e0028001011100ffd9")
"""A JPEG as far as its size, 640 by 480."""


async def upload(rig: Rig, data: bytes, cookies: str | None = None) -> str:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(data), filename="a.jpg", content_type="image/jpeg")
    url = rig.sandbox.urls["upload_url"] + "/api/upload.api?floderId=0&appkey=xy_chat"
    cookies = rig.sandbox.cookies(SELLER) if cookies is None else cookies
    async with rig.http.post(url, data=form, headers={"Cookie": cookies}) as response:
        return await response.text()


def image_body(url: str, *, type: int = 1, width: int = 50) -> list[Any]:
    body = send_body("")
    picture = {"type": 0, "url": url, "width": width, "height": 60}
    content = {"contentType": 2, "image": {"pics": [picture]}}
    data = base64.b64encode(json.dumps(content).encode()).decode()
    body[0]["content"]["custom"] = {"type": type, "data": data}
    return body


@pytest.mark.parametrize(
    ("data", "size"), [(blank(50, 60), "50x60"), (JPEG, "640x480")], ids=["png", "jpeg"]
)
async def test_an_uploaded_picture_has_its_size_and_is_handed_out(
    rig: Rig, data: bytes, size: str
) -> None:
    told = json.loads(await upload(rig, data))["object"]
    assert (told["pix"], told["size"]) == (size, str(len(data)))
    async with rig.http.get(told["url"]) as response:
        assert await response.read() == data


async def test_without_a_login_an_upload_ends_at_a_page(rig: Rig) -> None:
    assert (await upload(rig, blank(1, 1), f"unb={SELLER}")).startswith("<html>")
    assert rig.sandbox.pictures.kept == {}


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", blank(9, 9, 5 * 1024 * 1024 + 1)], ids=["none", "gif", "large"]
)
async def test_what_is_no_small_picture_gets_no_address(rig: Rig, data: bytes) -> None:
    answer = json.loads(await upload(rig, data))
    assert answer["success"] is False
    assert "object" not in answer


async def test_an_upload_can_fail_in_every_known_way(rig: Rig) -> None:
    await rig.fault("upload_html")
    assert (await upload(rig, JPEG)).startswith("<html>")
    await rig.fault("upload_refused")
    assert json.loads(await upload(rig, JPEG))["success"] is False
    await rig.fault("upload_lost")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await upload(rig, JPEG)
    assert len(rig.sandbox.pictures.kept) == 1


async def test_pictures_for_downloading_are_made_and_can_be_missing_or_moved(rig: Rig) -> None:
    made = await rig.admin("POST", "/pictures", {"width": 3, "height": 4, "bytes": 9_000})
    assert made["bytes"] >= 9_000
    elsewhere = rig.sandbox.urls["elsewhere_url"]
    await rig.admin("POST", "/faults", {"kind": "picture_moved", "reason": elsewhere})
    await rig.admin("POST", "/faults", {"kind": "picture_missing"})
    got = []
    for _ in range(3):
        async with rig.http.get(made["url"], allow_redirects=False) as response:
            got.append((response.status, response.headers.get("Location")))
    assert got == [(302, elsewhere), (404, None), (200, None)]


async def test_a_sent_picture_is_seen_echoed_and_kept(rig: Rig) -> None:
    url = json.loads(await upload(rig, blank(50, 60)))["object"]["url"]
    async with rig.online() as wire:
        answer = await wire.ask(SEND, image_body(url, type=2))
        assert answer["body"]["messageId"]
        await wire.until(wire.texts)
        (echo,) = wire.payloads()
        assert json.loads(echo[1][6][3][5])["image"]["pics"][0]["url"] == url
    view = await rig.admin("GET", f"/conversations/{CONVERSATION}")
    assert [(one["kind"], one["pictures"]) for one in view["messages"]] == [("image", [url])]


@pytest.mark.parametrize(
    ("url", "width"), [("https://example.com/1.jpg", 50), ("https://img.alicdn.com/1.jpg", 0)]
)
async def test_a_foreign_picture_or_one_without_size_is_refused(
    rig: Rig, url: str, width: int
) -> None:
    async with rig.online() as wire:
        assert (await wire.ask(SEND, image_body(url, width=width)))["code"] == 400
    view = await rig.admin("GET", f"/conversations/{CONVERSATION}")
    assert view["messages"] == []


async def test_a_message_that_the_buyer_takes_back_is_gone_from_the_history(rig: Rig) -> None:
    (id,) = await rig.say("说错了")
    async with rig.online() as wire:
        await rig.admin("POST", "/recall", {"message": id})
        await wire.until(wire.pushes)
        (entry,) = wire.pushes()[0]["body"]["syncPushPackage"]["data"]
        assert entry["objectType"] == 40104
        assert wire.payloads()[0][1] == id
        cid = f"{CONVERSATION}@goofish"
        body = [cid, False, 9007199254740991, 20, False]
        history = (await wire.ask("/r/MessageManager/listUserMessages", body))["body"]
        assert "userMessageModels" not in history
        mine = (await wire.ask(SEND, send_body("卖家的")))["body"]["messageId"]
    await rig.admin("POST", "/recall", {"message": mine})
    view = await rig.admin("GET", f"/conversations/{CONVERSATION}")
    assert [one["kind"] for one in view["messages"]] == ["recalled", "recalled"]
    await rig.admin("POST", "/recall", {"message": "1.PNM"}, status=404)
