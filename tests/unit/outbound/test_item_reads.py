"""Pages of items are read rarely, one at a time, and failures are not repeated madly."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest
from outbound_stage import Stage

from hub.errors import AuthExpired, PeerError, Rejected, Unreachable, VerificationNeeded
from hub.model import Item, ReadItem, TaskKind, item_lane
from hub.outbound import ItemReads
from hub.store import KnownItem, Tx
from hub.xianyu import Client

PAGE = Item("880011223344", "视频会员月卡", price=Decimal("12.80"))


@dataclass
class Platform:
    answers: list[Item | PeerError]
    asked: list[str] = field(default_factory=list)

    async def item(self, item_id: str) -> Item:
        self.asked.append(item_id)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, PeerError):
            raise answer
        return answer


def reads(stage: Stage, platform: Platform | None) -> ItemReads:
    return ItemReads(stage.store, lambda _: cast("Client | None", platform), now=stage.clock)


async def ask(stage: Stage, item: str = PAGE.id, *, lifetime: timedelta | None = None) -> None:
    await stage.store.write(
        lambda tx: tx.outbox.enqueue(
            stage.shop,
            ReadItem(stage.account.id, item),
            lane=item_lane(stage.account.id),
            key=f"item:{item}",
            due_at=stage.now,
            expires_at=stage.now + (lifetime or timedelta(hours=1)),
        )
    )


async def known(stage: Stage, item: str = PAGE.id) -> KnownItem | None:
    return await stage.store.read(lambda tx: tx.items.get(stage.shop, item))


async def test_a_page_is_kept_and_names_its_conversations(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        here = stage.conversation
        tx.conversations.upsert(here.shop, here.account, here.platform_id, item_id=PAGE.id)

    await stage.store.write(unit)
    await ask(stage)
    await stage.work(reads(stage, Platform([PAGE])).perform, TaskKind.ITEM)
    found = await known(stage)
    assert found is not None
    assert (found.item.price, found.read_at) == (Decimal("12.80"), stage.now)
    named = await stage.store.read(
        lambda tx: tx.conversations.get(stage.shop, stage.conversation.id)
    )
    assert named is not None
    assert named.item_title == PAGE.title


async def test_a_line_that_fails_is_tried_a_few_times(stage: Stage) -> None:
    platform = Platform([Unreachable("x", "item"), Unreachable("x", "item"), PAGE])
    await ask(stage)
    await stage.work(reads(stage, platform).perform, TaskKind.ITEM, rounds=3)
    assert await known(stage) is not None


@pytest.mark.parametrize(
    ("error", "times"), [(Unreachable("x", "item"), 3), (Rejected("x", "item", "没有这个商品"), 1)]
)
async def test_a_page_that_cannot_be_read_is_left_alone(
    stage: Stage, error: PeerError, times: int
) -> None:
    platform = Platform([error])
    await ask(stage)
    await stage.work(reads(stage, platform).perform, TaskKind.ITEM, rounds=8)
    assert len(platform.asked) == times
    assert not await stage.open_tasks()


@pytest.mark.parametrize("error", [VerificationNeeded("x", "item"), AuthExpired("x", "item")])
async def test_nothing_is_asked_for_an_hour_once_the_platform_wants_a_human(
    stage: Stage, error: PeerError
) -> None:
    platform = Platform([error, PAGE])
    performer = reads(stage, platform)
    for number in range(3):
        await ask(stage, str(number))
    await stage.work(performer.perform, TaskKind.ITEM, rounds=4)
    assert platform.asked == ["0"]

    stage.now += timedelta(hours=1)
    await ask(stage)
    await stage.work(performer.perform, TaskKind.ITEM)
    assert await known(stage) is not None


async def test_an_account_without_a_line_is_waited_for_but_not_for_ever(stage: Stage) -> None:
    performer = reads(stage, None)
    await ask(stage, lifetime=timedelta(minutes=5))
    await stage.work(performer.perform, TaskKind.ITEM, rounds=2)
    assert await stage.open_tasks() == {TaskKind.ITEM: 1}
    await stage.work(performer.perform, TaskKind.ITEM, rounds=5)
    assert not await stage.open_tasks()
