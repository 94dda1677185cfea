"""Files with codes in chat: counted and asked about before they are added, and never in a group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from stock_stage import GROUP, PRIVATE, QQ, StockStage, open_stock_stage

from hub.errors import Rejected
from hub.model import CardCounts, ChatFile, ChatPeer, ChatPicture, OperatorMessage, Pool, Role

FILE = ChatFile("六月.txt", "id", size=20)
LINES = "AAAA-1\nBBBB-2\nAAAA-1\nOLD-1\n"
HELD = LINES.encode()


@dataclass
class Shop:
    stage: StockStage
    pool: Pool
    holds: bytes | Exception = HELD
    fetched: int = 0

    async def fetch(self, peer: ChatPeer, file: ChatFile) -> bytes:
        self.fetched += 1
        if isinstance(self.holds, Exception):
            raise self.holds
        return self.holds

    async def write(self, what: str, **more: Any) -> str:
        self.stage._written += 1
        message = OperatorMessage(PRIVATE, QQ[Role.OWNER], f"{self.stage._written}", what)
        message = replace(message, **more)
        return await self.stage.desk.chat.receive(message, None, self.fetch) or ""

    async def counts(self) -> CardCounts:
        found = await self.stage.store.read(lambda tx: tx.pools.get(self.pool.shop, self.pool.id))
        assert found is not None
        return found.counts


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_stock_stage(tmp_path) as stage:
        yield Shop(stage, await stage.stocked(["OLD-1"]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
async def test_a_quoted_file_is_counted_then_added_at_the_second_word(
    shop: Shop, encoding: str
) -> None:
    shop.holds = f"卡号一\n{LINES}".encode(encoding)
    asked = await shop.write("/补货 月卡", quoted_id="7", quoted_files=(FILE,))
    assert asked == (
        "⚠ 要往「月卡」入库 3 张\n1 行店里已经有过（包括卖出和作废的）：第 5 行\n"
        "1 行和前面的行重复：第 4 行。\n确定的话，60 秒内回复：确认 0003"
    )
    assert (await shop.counts()).available == 1
    done = await shop.write("确认 0003")
    assert done.startswith("「月卡」入库 3 张，现在可用 4 张")
    assert shop.fetched == 1


async def test_a_file_that_comes_with_the_command_will_do(shop: Shop) -> None:
    assert "入库 2 张" in await shop.write("/补货 月", files=(FILE,), attachments=1)
    await shop.write("确认 0002")
    assert (await shop.counts()).available == 3


async def test_a_file_without_a_word_says_what_to_do_with_it(shop: Shop) -> None:
    said = await shop.write("", files=(FILE,), attachments=1)
    assert "引用这个文件写 /补货 卡池名" in said
    assert shop.fetched == 0


async def test_in_a_group_no_file_is_even_fetched(shop: Shop) -> None:
    said = await shop.write("/补货 月卡", peer=GROUP, quoted_files=(FILE,))
    assert said == "卡密不要发在群里，请私聊我再试。群里那条消息最好撤回"
    assert shop.fetched == 0


@pytest.mark.parametrize(
    ("holds", "what", "more", "why"),
    [
        (b"OLD-1", "/补货 月卡", {}, "没有入库：文件里没有新的卡密"),
        (b"", "/补货 月卡", {}, "没有看到卡密"),
        (b"PK\x03\x04\x00\x00", "/补货 月卡", {}, "不是文本文件"),
        (Rejected("qq", "file", "文件太大"), "/补货 月卡", {}, "没有取到（文件太大）"),
        (b"A", "/补货 谁", {}, "没有叫「谁」的卡池"),
        (b"A", "/补货 月卡\nAAAA", {}, "一次一个文件"),
        (b"A", "/补货 月卡", {"quoted_files": (FILE, FILE)}, "一次一个文件"),
        (b"A", "/补货 月卡", {"parts": (ChatPicture("http://x/a"),)}, "只收文字和 .txt 文件"),
        (b"A", "/补货 月卡", {"attachments": 1}, "只收文字和 .txt 文件"),
    ],
)
async def test_what_cannot_be_added_is_refused_with_its_reason(
    shop: Shop, holds: bytes | Exception, what: str, more: dict[str, Any], why: str
) -> None:
    shop.holds = holds
    assert why in await shop.write(what, **{"quoted_files": (FILE,), **more})
    assert (await shop.counts()).available == 1
