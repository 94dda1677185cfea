"""Files with codes, from the seller's disk through the admin to the buyer: none lost or changed."""

from __future__ import annotations

import html
import io
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from hub.model import CardCounts, DeliveryState, NeedKind
from tests.e2e.shop import PATIENCE, Shop, open_shop
from tests.unit.web.web_stage import Page, Visitor
from tests.waiting import wait_until

CODES = ["卡号：一 密码：Ａ-1", "user name----pass word", '{"a": "######"}', "CODE-0004"]
PASSWORD = "a long password"
"""Of the owner whom the stage founds."""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


@pytest.fixture
async def owner(shop: Shop) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        visitor = Visitor(http, f"http://127.0.0.1:{shop.stage.hub.port}")
        await visitor.log_in("店主", PASSWORD)
        yield visitor


async def upload(owner: Visitor, path: str, file: bytes) -> Page:
    form = await owner.get(path)
    data = aiohttp.FormData({"csrf": form.csrf}, default_to_multipart=True)
    data.add_field("file", io.BytesIO(file), filename="codes.txt")
    async with owner.http.post(owner.url + path, data=data) as answer:
        return Page(answer.status, answer.headers.copy(), await answer.text())


LINES = [CODES[0], "", CODES[1] + "  ", "\u3000", CODES[2], CODES[1], CODES[3], ""]
"""Blank lines, blanks at the end, one code twice."""


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("\r\n".join(LINES).encode("gbk"), id="gbk"),
        pytest.param("\r\n".join(LINES).encode("utf-8-sig"), id="marked"),
        pytest.param("\n".join(LINES).encode("utf-16"), id="utf-16"),
        pytest.param("\r".join(LINES).encode(), id="old-mac"),
    ],
)
async def test_each_code_of_a_file_reaches_one_buyer_as_it_was_written(
    shop: Shop, owner: Visitor, file: bytes
) -> None:
    pool = await shop.pool()
    await shop.rule(pool)
    path = f"/stock/{pool.id}/restock"

    seen = await upload(owner, path, file)

    assert "入库 4 张？" in seen.text
    assert "1 行和前面的行重复：第 6 行" in seen.text
    codes = seen.text.split('<textarea name="codes" hidden>\n')[1].split("</textarea>")[0]
    done = await owner.post(f"{path}/add", csrf=seen.csrf, codes=html.unescape(codes), label="")
    assert done.leads_to == f"/stock/{pool.id}?done=stock-added"

    order = await shop.buy(quantity=4)
    await shop.wait_states(order, *[DeliveryState.CONFIRMED] * 4)
    assert sorted(shop.got()) == sorted(CODES)
    assert await shop.counts(pool) == CardCounts(handed_over=4)

    again = await upload(owner, path, file)
    assert "没有可以入库的卡密" in again.text
    assert "4 行店里已经有过（包括卖出和作废的）：第 1、3、5、7 行" in again.text


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(b"PK\x03\x04\x14\x00\x06\x00", id="spreadsheet"),
        pytest.param(b"\xef\xbb\xbfCODE\xc4\xe3\n", id="damaged"),
        pytest.param(b"\r\n \r\n", id="blank"),
        pytest.param(b"", id="empty"),
    ],
)
async def test_a_file_without_codes_adds_nothing_and_says_why(
    shop: Shop, owner: Visitor, file: bytes
) -> None:
    pool = await shop.pool()
    page = await upload(owner, f"/stock/{pool.id}/restock", file)
    assert page.status == 400
    assert 'class="error"' in page.text
    assert await shop.counts(pool) == CardCounts()


async def test_a_file_without_end_of_line_and_lines_that_are_no_codes(
    shop: Shop, owner: Visitor
) -> None:
    """One huge line is named, not cut; control characters are named, not sent."""
    pool = await shop.pool()
    await shop.rule(pool)
    file = b"x" * 3_000_000 + b"\nbad\x07\nCODE-1"
    seen = await upload(owner, f"/stock/{pool.id}/restock", file)
    assert "入库 1 张？" in seen.text
    assert "1 行太长，一张卡密最多 2000 字：第 1 行" in seen.text
    assert "1 行含有看不见的控制字符：第 2 行" in seen.text
    await owner.post(f"/stock/{pool.id}/restock/add", csrf=seen.csrf, codes="CODE-1")
    first = await shop.buy()
    await shop.wait_states(first, DeliveryState.CONFIRMED)
    await shop.buy()
    await shop.wait_need(NeedKind.OUT_OF_STOCK)

    async def told() -> bool:
        return any("没有可用的卡密" in line.text for line in shop.stage.notices())

    await wait_until(told, PATIENCE)
    assert shop.got() == ["CODE-1"]


async def test_many_long_codes_of_one_unit_arrive_whole_in_several_messages(shop: Shop) -> None:
    """And come again as they were when they are sent again."""
    codes = [f"{n}-" + "x" * 900 for n in range(5)]
    pool = await shop.pool(codes, template="卡密：\n{DELIVERY_CONTENT}\n请尽快使用")
    await shop.rule(pool, cards=5)
    order = await shop.buy()
    await shop.wait_states(order, DeliveryState.CONFIRMED)
    first = shop.got()
    assert len(first) == 3
    assert all(len(one) <= 2000 for one in first)
    assert "\n".join(first) == "\n".join(["卡密：", *codes, "请尽快使用"])

    await shop.stage.hub.desk.orders.resend(shop.stage.operator, order.id, code=order.id[-4:])

    await shop.stage.until(lambda: len(shop.got()) == 6, "the second time")
    assert shop.got() == first * 2
