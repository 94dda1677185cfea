"""Stock from QQ to the store and back, over real sockets."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.app import open_hub
from hub.model import AccountId, CardCounts, Cause, OrderUnit, Pool, PoolKind
from hub.notices import tell_stock
from hub.settings import DatabaseSettings, Settings, WebSettings
from hub.store import Tx, open_store
from tests.e2e.stage import OWNER_QQ, Stage
from tests.waiting import wait_until


async def test_an_owner_restocks_from_qq_looks_and_hears_when_stock_runs_low(stage: Stage) -> None:
    pool = await stage.hub.desk.stock.create(
        stage.operator, name="月卡", kind=PoolKind.CODES, low_at=1
    )
    message = await stage.operator_writes("/补货 月卡\nCODE-1 a&b[CQ:face,id=1]\nCODE-2\nCODE-2")
    await stage.wait_for_notice("「月卡」入库 2 张，现在可用 2 张\n1 行和前面的行重复：第 3 行")
    await stage.sandbox.qq.repeat(message)
    await stage.operator_writes("/库存")
    await stage.wait_for_notice("🟢 月卡 剩 2")
    cards = await stage.hub.desk.cards.page(stage.operator, pool.id)
    assert [card.code for card in cards] == ["CODE-2", "CODE-1 a&b[CQ:face,id=1]"]

    def sell(tx: Tx) -> None:
        now = pool.created_at
        this = OrderUnit(AccountId(stage.account.id), "4400112233445566778", 1)
        assert tx.cards.reserve(pool.shop, pool.id, this, 1, now=now)
        tell_stock(tx, pool.shop, pool.id, now)

    await stage.hub.store.write(sell)
    await stage.wait_for_notice("🟡 卡池「月卡」只剩 1 张（提醒线 1）")
    await stage.operator_writes("/作废 CODE-2 充不上")
    asked = await stage.wait_for_notice("要作废「月卡」的 C…2，作废后不能恢复")
    await stage.operator_writes(asked.text.partition("秒内回复：")[2])
    await stage.wait_for_notice("已作废「月卡」的 C…2")
    await stage.wait_for_notice("🔴 卡池「月卡」已经没有可用的卡密了")
    assert sum("🟡" in line.text for line in stage.notices()) == 1


async def test_a_file_in_qq_is_counted_and_added_at_the_second_word(stage: Stage) -> None:
    pool = await stage.hub.desk.stock.create(stage.operator, name="月卡", kind=PoolKind.CODES)
    qq = stage.sandbox.qq
    codes = "卡号一\r\nCODE-2\r\nCODE-2\r\n".encode("gbk")
    qq.images["id-of-it"] = {"base64": base64.b64encode(codes).decode()}
    file = {"file": "六月.txt", "file_id": "id-of-it", "file_size": str(len(codes))}
    sent = await qq.say_private(OWNER_QQ, "", file=file)
    await stage.wait_for_notice("收到文件「六月.txt」，没有发给买家")
    await qq.say_private(OWNER_QQ, "/补货 月卡", quote=sent)
    await stage.wait_for_notice("要往「月卡」入库 2 张\n1 行和前面的行重复：第 3 行")
    await stage.operator_writes("确认 0002")
    await stage.wait_for_notice("「月卡」入库 2 张，现在可用 2 张")
    cards = await stage.hub.desk.cards.page(stage.operator, pool.id)
    assert [card.code for card in cards] == ["CODE-2", "卡号一"]


async def test_a_hub_voids_at_its_start_what_expired_while_it_was_off(tmp_path: Path) -> None:
    def stock(tx: Tx) -> Pool:
        shop, long_ago = tx.shops.default(), datetime(2020, 1, 1, tzinfo=UTC)
        pool = tx.pools.add(shop, name="月卡", kind=PoolKind.CODES, now=long_ago)
        by = Cause(None, "web")
        batch = tx.card_records.new_batch(shop, pool.id, "", by=by, now=long_ago)
        ends = long_ago + timedelta(days=1)
        tx.cards.add(shop, pool.id, ["A", "B"], batch=batch, expires_at=ends, now=long_ago)
        return pool

    settings = Settings(
        web=WebSettings(host="127.0.0.1", port=0),
        database=DatabaseSettings(path=tmp_path / "hub.db"),
    )
    async with open_store(settings.database.path) as store:
        pool = await store.write(stock)
    async with open_hub(settings) as hub:

        async def void() -> bool:
            found = await hub.store.read(lambda tx: tx.pools.get(pool.shop, pool.id))
            return found is not None and found.counts == CardCounts(void=2)

        await wait_until(void)
