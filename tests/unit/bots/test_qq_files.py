"""Files that people send to the bot: named in their messages, had from where the bridge says."""

from __future__ import annotations

import base64

import pytest
from qq_stage import OPERATOR, Door

from hub.errors import Rejected
from hub.model import ChatFile, ChatPeer

CODES = b"AAAA-1\nBBBB-2\n"
PACKED = base64.b64encode(CODES).decode()
FROM = ChatPeer("10001", "private", OPERATOR)
NAPCAT = {"file": "codes.txt", "file_id": "id-of-it", "file_size": "14"}


async def test_a_file_is_named_in_its_message_and_in_the_quote_of_it(door: Door):
    async with door.bridge() as bridge:
        sent = await bridge.say_private(OPERATOR, "", file=NAPCAT)
        await bridge.say_private(OPERATOR, "/补货 月卡", quote=sent)
        alone, quoting = await door.desk.wait_for(2)
    file = ChatFile("codes.txt", "id-of-it", "", 14)
    assert (alone.files, alone.attachments, alone.quoted_files) == ((file,), 1, ())
    assert (quoting.files, quoting.attachments, quoting.quoted_files) == ((), 0, (file,))


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (ChatFile("codes.txt", url=f"base64://{PACKED}"), {}),
        (ChatFile("codes.txt", "id"), {"base64": PACKED}),
        (ChatFile("codes.txt", "id", "file:///data/codes.txt"), {"base64": PACKED}),
        (ChatFile("codes.txt", "id", "http://169.254.169.254/codes.txt"), {"base64": PACKED}),
    ],
)
async def test_it_is_had_from_the_message_or_from_the_bridge(
    door: Door, file: ChatFile, told: dict[str, str]
):
    async with door.bridge() as bridge:
        bridge.images["id"] = told
        assert await door.qq.fetch_file(FROM, file) == CODES


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (ChatFile("codes.txt"), "没有给出文件的地址"),
        (ChatFile("codes.txt", "lost"), "没有给出文件的地址"),
        (ChatFile("codes.txt", "", "http://10.0.0.1/codes.txt"), "文件的地址不是公开的"),
        (ChatFile("codes.txt", "id", size=6_000_000), "文件太大，最多 5 MB"),
    ],
)
async def test_what_cannot_be_had_is_refused_in_words(door: Door, file: ChatFile, why: str):
    async with door.bridge():
        with pytest.raises(Rejected) as refused:
            await door.qq.fetch_file(FROM, file)
    assert why in refused.value.reason
