"""Statistics, what is new, and backups as the admin shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from web_stage import Stage, Visitor, utc_now, visiting

from hub.desk import Operator
from hub.model import (
    AccountId,
    BackupTrouble,
    Counted,
    DeliveryState,
    MessageState,
    Order,
    OrderStatus,
    Origin,
    Role,
    Text,
)
from hub.policy import figures, figures_since
from hub.store import Tx, statistics
from hub.text import changelog

ROOT = Path(__file__).parents[3]
SHANGHAI, NEPAL = ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Kathmandu")


@pytest.mark.parametrize("zone", [SHANGHAI, NEPAL], ids=["whole hours", "quarters"])
def test_numbers_fall_into_the_days_of_the_shops_zone(zone: ZoneInfo) -> None:
    now = datetime(2026, 11, 26, 12, 0, tzinfo=zone)
    midnight = datetime(2026, 11, 26, 0, 0, tzinfo=zone).astimezone(UTC)
    before, after = midnight - timedelta(minutes=15), midnight
    counted = Counted(
        [(before, Origin.BUYER, 2), (after, Origin.BUYER, 3), (after, Origin.RULE, 1)],
        [(after, DeliveryState.CONFIRMED, 4), (before, DeliveryState.REVIEW, 1)],
        [(after, Decimal("1.50")), (after, None)],
    )
    found = figures([counted, counted], 7, zone, now)
    today, yesterday = found.days[:2]
    assert len(found.days) == 7
    assert (yesterday.received, today.received, today.said(Origin.RULE)) == (4, 6, 2)
    assert (today.orders, today.amount) == (4, Decimal("3.00"))
    assert (today.delivered, today.open, yesterday.open) == (8, 0, 2)
    assert found.total.received == 10
    assert figures_since(7, zone, now) == datetime(2026, 11, 20, tzinfo=zone)


@pytest.mark.parametrize("since", range(12))
def test_the_first_row_since_is_found_by_halving(since: int) -> None:
    """Ids with gaps; rows were written at their number."""
    ids = [2, 3, 5, 9]

    def written(id_: int) -> int | None:
        return next((one for one in ids if one >= id_), None)

    found = statistics._first_since(ids[-1] + 1, written, since)
    assert [one for one in ids if one >= found] == [one for one in ids if one >= since]


async def test_the_page_counts_what_happened_and_only_in_this_shop(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    talk = await stage.conversation(account)
    await stage.says(talk, "在吗")
    now = utc_now()

    def unit(tx: Tx) -> None:
        for state in (MessageState.ACCEPTED, MessageState.REJECTED):
            said = tx.messages.add_out(
                talk.shop,
                account.id,
                talk.id,
                key=state,
                origin=Origin.RULE,
                content=Text("在"),
                now=now,
            )
            assert said is not None
            tx.messages.set_state(talk.shop, said, state, now=now)
        paid = Order(
            "4400112233445566778", OrderStatus.PAID, "", paid_amount=Decimal("45.00"), paid_at=now
        )
        tx.orders.save(account.shop, account.id, paid, conversation=None, now=now)

    await stage.store.write(unit)
    page = await boss.get("/statistics?days=7")
    today = re.search(r"合计</th>(.*?)</tr>", page.text, re.S)
    assert today is not None
    figures = re.findall(r"<td data-label=\"(.*?)\">(.*?)</td>", today[1])
    assert [value for _, value in figures] == ["1", "1", "0", "0", "1", "45.00", "0", "0"]
    assert figures[0][0] == "买家消息"
    assert "没有动静的 6 天没有列出" in page.text
    other = await stage.store.read(
        lambda tx: tx.statistics.counted(talk.shop, AccountId(99), now - timedelta(days=1))
    )
    assert other == Counted([], [], [])
    assert (await boss.get("/statistics?days=x&account=9999999999999")).status == 200


async def test_what_is_new_is_shown_and_both_languages_have_the_same_versions(
    boss: Visitor,
) -> None:
    page = await boss.get("/changelog")
    assert page.status == 200
    releases = changelog()
    assert all(one.changes for one in releases)
    assert releases[0].changes[0] in page.text
    english = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert [one.version for one in releases] == english


async def test_backups_are_for_owners_and_trouble_stands_on_the_overview(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await stage.member(owner, "小客", Role.AGENT)
    async with visiting(stage) as agent:
        await agent.log_in("小客")
        assert (await agent.get("/backups")).status == 403
        assert (await agent.submit("/backups", on="/holds")).status == 403
        assert (await agent.submit("/backups/take", on="/holds", name="x.zip")).status == 403
    for _ in range(2):
        assert (await boss.submit("/backups")).leads_to == "/backups?done=backup-made"
    page = await boss.get("/backups")
    assert page.text.count('aria-label="下载 ') == 2
    assert "密钥文件要另外保存" in page.text
    taken = await boss.submit("/backups/take", on="/backups", name=page.value("name"))
    assert taken.headers["Content-Disposition"].startswith('attachment; filename="yuqiao-')
    assert taken.headers["Content-Type"] == "application/zip"
    assert "下载备份" in (await boss.get("/audit")).text
    trouble = BackupTrouble("磁盘满了", utc_now())
    await stage.store.write(lambda tx: tx.backup_troubles.set(owner.shop, trouble))
    assert "磁盘满了" in (await boss.get("/")).text
