"""Pictures from the buyer's phone to the operator's QQ and back, over real sockets."""

from __future__ import annotations

import base64
import io

import PIL.Image

from hub.model import Image, MessageState, Origin
from hub.sandbox.pictures import blank
from tests.e2e.stage import OWNER_QQ, Stage


def photo(width: int = 60, height: int = 40) -> bytes:
    packed = io.BytesIO()
    PIL.Image.new("RGB", (width, height), "teal").save(packed, "JPEG")
    return packed.getvalue()


def place(stage: Stage, data: bytes) -> str:
    """Where the sandbox keeps a picture; for the hub it is the platform's, and QQ's too."""
    pictures = stage.sandbox.pictures
    return pictures.url(pictures.add(data))


def shown(line: object) -> list[bytes]:
    """The pictures of a line in QQ."""
    files = [s["data"]["file"] for s in line.segments if s["type"] == "image"]  # type: ignore[attr-defined]
    return [base64.b64decode(file.removeprefix("base64://")) for file in files]


def pictures_sent(stage: Stage) -> list[bytes]:
    """What the buyer sees, uploaded by the hub."""
    kept = stage.sandbox.pictures.kept
    urls = [
        picture["url"]
        for message in stage.conversation().messages
        if message.own
        for picture in message.content.get("image", {}).get("pics", [])
    ]
    return [kept[url.rpartition("/")[2]].bytes for url in urls]


async def say_pictures(stage: Stage, *urls: str) -> None:
    await stage.sandbox.stage.say(stage.conversation(), [{"image": list(urls)}])


async def test_a_buyers_pictures_reach_qq_as_pictures(stage: Stage) -> None:
    await say_pictures(stage, place(stage, photo()), place(stage, photo(30, 30)))
    notice = await stage.wait_for_notice("[2 张图片]")
    assert "http" not in notice.text
    assert notice.text.splitlines()[-1].startswith("#")
    sizes = [PIL.Image.open(io.BytesIO(data)).size for data in shown(notice)]
    assert sizes == [(60, 40), (30, 30)]

    await stage.operator_writes("看到了", quote=notice)
    await stage.wait_for_answer("看到了")


async def test_a_picture_that_cannot_be_had_leaves_a_notice_without_its_address(
    stage: Stage,
) -> None:
    stage.sandbox.faults.add("*", "picture_missing")
    await say_pictures(stage, place(stage, photo()))
    notice = await stage.wait_for_notice("[图片]")
    assert shown(notice) == []
    assert "http" not in notice.text


async def test_the_hub_is_not_led_to_other_hosts_by_a_buyers_picture(stage: Stage) -> None:
    before = len(stage.sandbox.recorder.seen)
    await say_pictures(stage, "https://elsewhere.example/pixel.png", "http://169.254.169.254/x")
    notice = await stage.wait_for_notice("[2 张图片]")
    assert shown(notice) == []
    asked = [one.path for one in list(stage.sandbox.recorder.seen)[before:]]
    assert not any("pixel" in path for path in asked)


async def test_a_quoted_picture_reaches_the_buyer_after_the_text_that_came_before_it(
    stage: Stage,
) -> None:
    await stage.buyer_says("有实拍吗")
    notice = await stage.wait_for_notice("有实拍吗")

    await stage.sandbox.qq.say_private(
        OWNER_QQ, "有的，看图", quote=notice.id, image=place(stage, photo())
    )

    await stage.wait_for_notice("✓ 已送达")
    await stage.settled()
    assert stage.answers() == ["有的，看图", "[图片]"]
    (sent,) = pictures_sent(stage)
    assert PIL.Image.open(io.BytesIO(sent)).size == (60, 40)
    receipts = [line for line in stage.notices() if "✓ 已送达" in line.text]
    assert len(receipts) == 1


async def test_an_own_picture_is_recognised_by_its_echo(stage: Stage) -> None:
    await stage.buyer_says("有图吗")
    notice = await stage.wait_for_notice("有图吗")
    await stage.sandbox.qq.say_private(OWNER_QQ, "", quote=notice.id, image=place(stage, photo()))
    await stage.wait_for_notice("✓ 已送达")
    await stage.settled()
    await stage.buyer_says("收到")
    await stage.wait_for_notice("收到")

    mine = [one for one in await stage.messages() if one.ours]
    assert [(one.origin, one.state) for one in mine] == [(Origin.OPERATOR, MessageState.ACCEPTED)]
    assert isinstance(mine[0].content, Image)
    assert not mine[0].content.pictures[0].kept


async def test_an_unanswered_picture_is_found_by_its_echo_and_not_sent_again(
    stage: Stage,
) -> None:
    await stage.buyer_says("有图吗")
    notice = await stage.wait_for_notice("有图吗")
    stage.sandbox.faults.add(stage.account.user, "send_stored")
    await stage.sandbox.qq.say_private(OWNER_QQ, "", quote=notice.id, image=place(stage, photo()))
    await stage.wait_for_notice("✓ 已送达")
    assert stage.answers() == ["[图片]"]


async def test_the_typed_ticket_sends_a_picture_too(stage: Stage) -> None:
    await stage.buyer_says("有图吗")
    ticket = (await stage.wait_for_notice("有图吗")).text.splitlines()[-1]
    await stage.sandbox.qq.say_private(OWNER_QQ, ticket, image=place(stage, photo()))
    await stage.wait_for_notice("✓ 已送达")
    assert stage.answers() == ["[图片]"]


async def test_what_is_no_picture_is_refused_with_one_sentence_and_nothing_goes_out(
    stage: Stage,
) -> None:
    await stage.buyer_says("有图吗")
    notice = await stage.wait_for_notice("有图吗")
    broken = "base64://" + base64.b64encode(b"GIF89a broken").decode()
    await stage.sandbox.qq.say_private(OWNER_QQ, "看图", quote=notice.id, image=broken)
    await stage.wait_for_notice("没有发送：这个文件不是能发送的图片")
    await stage.settled()
    assert stage.answers() == []


async def test_an_upload_that_the_platform_refuses_is_told_and_the_rest_still_goes(
    stage: Stage,
) -> None:
    await stage.buyer_says("有图吗")
    notice = await stage.wait_for_notice("有图吗")
    stage.sandbox.faults.add(stage.account.user, "upload_refused")
    await stage.sandbox.qq.say_private(
        OWNER_QQ, "看图", quote=notice.id, image=place(stage, photo())
    )
    told = await stage.wait_for_notice("图片没有上传成功")
    assert told.text.startswith("✗ 没有发出")
    await stage.settled()
    assert stage.answers() == ["看图"]


async def test_an_upload_without_an_answer_is_repeated(stage: Stage) -> None:
    await stage.buyer_says("有图吗")
    notice = await stage.wait_for_notice("有图吗")
    stage.sandbox.faults.add(stage.account.user, "upload_lost")
    await stage.sandbox.qq.say_private(OWNER_QQ, "", quote=notice.id, image=place(stage, photo()))
    await stage.wait_for_notice("✓ 已送达")
    assert stage.answers() == ["[图片]"]


async def test_a_large_picture_is_scaled_down(stage: Stage) -> None:
    await stage.buyer_says("有图吗")
    notice = await stage.wait_for_notice("有图吗")
    large = place(stage, blank(4000, 2000))
    await stage.sandbox.qq.say_private(OWNER_QQ, "", quote=notice.id, image=large)
    await stage.wait_for_notice("✓ 已送达")
    (sent,) = pictures_sent(stage)
    assert PIL.Image.open(io.BytesIO(sent)).size == (1920, 960)


async def test_no_cookie_of_the_platform_goes_along_when_qqs_pictures_are_fetched(
    stage: Stage,
) -> None:
    """(L14)"""
    await stage.buyer_says("有图吗")
    notice = await stage.wait_for_notice("有图吗")
    url = place(stage, photo())
    await stage.sandbox.qq.say_private(OWNER_QQ, "", quote=notice.id, image=url)
    await stage.wait_for_notice("✓ 已送达")
    (asked,) = [one for one in stage.sandbox.recorder.seen if one.path == url[url.index("/img") :]]
    assert "cookie" not in {name.lower() for name, _ in asked.headers}
