"""After the database went back in time: what people have before their eyes means nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_stage import FIRST, DeliveryStage, open_delivery_stage

from hub.model import Conversation, DeliveryState, PlatformConversation, PlatformUser
from hub.ops import mind_rewind
from hub.store import Rewind, Tx, write_rewind

S = DeliveryState
LOST = timedelta(days=3)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        await _go_back(stage, tmp_path)
        yield stage


async def _go_back(stage: DeliveryStage, folder: Path) -> None:
    """The shop of the stage is what a backup knew."""
    now = stage.stock.clock[0]
    write_rewind(folder / "hub.db", Rewind(now - LOST, moved=True))
    await stage.stock.store.write(lambda tx: mind_rewind(tx, "", now, loses_nothing=False))


async def _new_buyer(stage: DeliveryStage) -> Conversation:
    def unit(tx: Tx) -> Conversation:
        return tx.conversations.upsert(
            stage.account.shop,
            stage.account.id,
            PlatformConversation("60010020039"),
            buyer=PlatformUser("3100444455559"),
            buyer_name="新来的",
            at=stage.stock.clock[0],
        )

    return await stage.stock.store.write(unit)


async def test_a_notice_of_the_lost_time_reaches_nobody_else(stage: DeliveryStage) -> None:
    """Its ticket was the next one, and so was the number of its need; neither is given again."""
    new = await _new_buyer(stage)
    order = await stage.order(conversation=new)
    await stage.served("CODE-1111")
    need = await stage.need(order)
    said = await stage.write("你的卡密 XYZ", quoted_id="9", quoted_text="【小店】老客：好\n#c1")
    assert "没有发送：这里不认得 #c1" in said
    for lost in ("🔔 待处理 1｜库存不足\n1 发货\n#c1", "🔔 待处理 1｜库存不足\n1 发货"):
        assert "没有" in await stage.write("1", quoted_id="8", quoted_text=lost)
    assert "没有编号是 1 的待处理" in await stage.write("/处理 1 1")
    assert await stage.states(order) == []
    messages = await stage.stock.store.read(
        lambda tx: tx.messages.of_conversation(new.shop, new.id, limit=9)
    )
    assert messages == []
    assert (len(new.ticket), len(str(need.number))) == (5, 4), "still short enough to type"
    assert "开始发货" not in await stage.write(f"/处理 {need.number} 1"), "it is stopped"
    assert FIRST in await stage.write(f"/单 #{new.ticket}")
