"""After the database went back in time: what people have before their eyes means nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from delivery_stage import FIRST, SECOND, DeliveryStage, open_delivery_stage

from hub.delivery.ledger import pull_brake
from hub.model import (
    AccountState,
    AnswerByAi,
    Conversation,
    DeliveryState,
    NeedKind,
    PlatformConversation,
    PlatformUser,
    TaskKind,
)
from hub.ops import mind_rewind
from hub.store import Rewind, Tx, write_rewind
from hub.text import backups as words

S = DeliveryState
KIND = TaskKind.ANSWER
LOST = timedelta(days=3)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        await _go_back(stage, tmp_path)
        await _comes(stage, AccountState.ONLINE)
        yield stage


async def _go_back(stage: DeliveryStage, folder: Path) -> None:
    """The shop of the stage is what a backup knew."""
    now = stage.stock.clock[0]
    write_rewind(folder / "hub.db", Rewind(now - LOST, moved=True))
    await stage.stock.store.write(lambda tx: mind_rewind(tx, None, now, complete=lambda _: False))


async def _comes(stage: DeliveryStage, state: AccountState) -> None:
    account, now = stage.account, stage.stock.clock[0]
    await stage.stock.store.write(
        lambda tx: tx.accounts.set_state(account.shop, account.id, state, "", now)
    )


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


async def _held(stage: DeliveryStage) -> None:
    """Two paid orders that were read since: one of them was served in the lost time."""
    await stage.served("CODE-1111", "CODE-2222")
    for number, of in ((FIRST, stage.lin), (SECOND, stage.qi)):
        order = await stage.order(number, of)
        await stage.need(order, NeedKind.STOPPED, words.RESTORED)


async def test_the_owner_is_told_what_is_unknown_and_what_to_do_in_which_order(
    stage: DeliveryStage,
) -> None:
    (said,) = [one for one in await stage.stock.told() if "数据库" in one]
    assert "是 3 天前的样子" in said
    steps = [said.index(step) for step in ("/待处理", "/发货完成 订单号", "/开发")]
    assert steps == sorted(steps)
    assert "现在 0 笔" in said
    assert len(said) < 250


@pytest.mark.parametrize("command", ["/开发", "/开"])
async def test_deliveries_go_on_only_after_the_held_orders_were_shown(
    stage: DeliveryStage, command: str
) -> None:
    await stage.write("/停发")
    assert "订单可能还没读全" in await stage.write(command)
    stage.stock.later(hours=1)
    empty = await stage.write(command)
    assert "没有扣下的订单" in empty
    assert "没读全" not in empty
    await _held(stage)
    code = empty.rpartition("确认 ")[2]
    said = await stage.write(f"确认 {code}")
    assert said.startswith("⚠ 名单刚变了，请再看一遍。"), "others than were shown"
    assert "扣着 2 笔" in said
    assert FIRST in said
    assert SECOND in said
    assert "/发货完成" in said
    assert await stage.states(await stage.order()) == []

    await stage.write("/发货完成 6778")
    left = await stage.write(command)
    assert "扣着 1 笔" in left
    assert FIRST not in left
    done = await stage.write(f"确认 {left.rpartition('确认 ')[2]}")
    assert "恢复" in done
    assert "1 笔订单接着发" in done
    assert await stage.states(await stage.order()) == [S.OUTSIDE]
    assert "发货停着" not in await stage.write("/状态")


async def test_a_stop_from_before_neither_hides_this_one_nor_is_asked_about(
    stage: DeliveryStage, tmp_path: Path
) -> None:
    asked = await stage.write("/开发")
    await stage.write(f"确认 {asked.rpartition('确认 ')[2]}")
    await stage.write("/停发")
    assert await stage.write("/开发") == "▶ 全店恢复发货"
    await stage.write("/停发")
    await _go_back(stage, tmp_path)
    assert "数据库从备份恢复" in await stage.write("/开发")


async def _confirm(stage: DeliveryStage, asked: str) -> str:
    return await stage.write(f"确认 {asked.rpartition('确认 ')[2]}")


@pytest.mark.parametrize("command", ["/开发", "/开"])
async def test_an_account_with_a_stop_from_the_backup_goes_on_only_after_its_orders_were_shown(
    stage: DeliveryStage, tmp_path: Path, command: str
) -> None:
    await stage.write("/停发 小店")
    await _go_back(stage, tmp_path)
    await _held(stage)
    asked = await stage.write(f"{command} 小店")
    assert "扣着 2 笔" in asked
    assert FIRST in asked
    assert "▶ 【小店】" in await _confirm(stage, asked)
    assert await stage.states(await stage.order()) == [], "the shop is asked about as well"
    assert "扣着 2 笔" in await stage.write(command)


@pytest.mark.parametrize("command", ["/开发", "/开"])
async def test_an_account_that_somebody_stopped_since_is_asked_about_when_it_goes_on(
    stage: DeliveryStage, command: str
) -> None:
    await _held(stage)
    await stage.write("/停发 小店")
    asked = await stage.write(command)
    assert "【小店】单独停着" in asked
    assert FIRST not in asked, "it does not go out with the shop"
    await _confirm(stage, asked)
    assert await stage.states(await stage.order()) == []
    asked = await stage.write(f"{command} 小店")
    assert "扣着 2 笔" in asked
    assert "2 笔订单接着发" in await _confirm(stage, asked)


@pytest.mark.parametrize(
    ("command", "off"), [("/开发", AccountState.LOGGED_OUT), ("/开", AccountState.DISABLED)]
)
async def test_an_account_that_is_not_connected_when_the_shop_goes_on_is_asked_about_afterwards(
    stage: DeliveryStage, command: str, off: AccountState
) -> None:
    await _comes(stage, off)
    stage.stock.later(hours=1)
    asked = await stage.write(command)
    assert "【小店】没连上，先不恢复" in asked
    assert "/开发 账号名" in asked
    await _comes(stage, AccountState.ONLINE)
    assert "名单刚变了" in await _confirm(stage, asked), "it would go on, and nothing was read"
    await _comes(stage, off)
    asked = await stage.write(command)
    done = await _confirm(stage, asked)
    assert "▶ 全店" in done
    assert "还没连上，连上几分钟后再核对" in done
    assert f"{command} 小店" in done
    assert "【小店】没连上，订单读不到" in await stage.write(f"{command} 小店")

    await _comes(stage, AccountState.ONLINE)
    await _held(stage)
    asked = await stage.write(f"{command} 小店")
    assert "刚连上不久" in asked
    assert "扣着 2 笔" in asked
    assert "2 笔订单接着发" in await _confirm(stage, asked)
    assert "发货停着" not in await stage.write("/状态")


async def test_what_is_paid_since_does_not_change_what_was_asked(stage: DeliveryStage) -> None:
    await stage.served("CODE-1111", "CODE-2222")
    stopped = stage.stock.clock[0]
    old = await stage.order(FIRST, stage.lin, paid_at=stopped - timedelta(days=1))
    await stage.need(old, NeedKind.STOPPED)
    asked = await stage.write("/开发")
    new = await stage.order(SECOND, stage.qi, paid_at=stopped + timedelta(minutes=1))
    await stage.need(new, NeedKind.STOPPED)
    told = await stage.write("/开发")
    assert told.rpartition("确认 ")[2] == asked.rpartition("确认 ")[2]
    assert "扣着 1 笔" in told
    assert "另有 1 笔是停下以后才付款的，也会发货" in told
    assert SECOND not in told
    assert "2 笔订单接着发" in await _confirm(stage, asked)


async def test_the_need_of_a_brake_from_before_is_over_with_its_stop(
    stage: DeliveryStage, tmp_path: Path
) -> None:
    shop, now = stage.account.shop, stage.stock.clock[0]

    def braked(tx: Tx) -> None:
        tx.stops.resume(shop, None, now)
        pull_brake(tx, shop, "一分钟里发了 60 份", now)

    await stage.stock.store.write(braked)
    assert "全店已自动急停" in await stage.write("/待处理")
    await _go_back(stage, tmp_path)
    assert "全店已自动急停" not in await stage.write("/待处理")
    assert "数据库从备份恢复" in await stage.write("/开发")


async def test_ai_is_asked_only_when_what_was_answered_meanwhile_may_be_known(
    stage: DeliveryStage, tmp_path: Path
) -> None:
    store, now = stage.stock.store, stage.stock.clock[0]
    await stage.asks(stage.lin, "还在吗")

    def wait(tx: Tx) -> None:
        (said,) = tx.messages.of_conversation(stage.lin.shop, stage.lin.id, limit=1)
        work = AnswerByAi(stage.account.id, stage.lin.id, said.id)
        assert tx.outbox.enqueue(stage.lin.shop, work, lane="a", key="a", due_at=now)

    async def asked(at: datetime) -> int:
        lease = at + timedelta(minutes=1)
        return len(await store.write(lambda tx: tx.outbox.claim("w", at, lease, 9, [KIND])))

    await store.write(wait)
    await _go_back(stage, tmp_path)
    assert await asked(now + timedelta(minutes=1)) == 0
    assert await asked(now + timedelta(minutes=5)) == 1
