"""Restores that follow each other: each can be taken back, and none forgets what was sent."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest
from backup_stage import NOW, PASSPHRASE, Machine, operator

from hub.errors import Invalid, Unavailable
from hub.model import (
    AccountId,
    CardState,
    Cause,
    ChatPeer,
    ConversationId,
    NeedKind,
    OrderUnit,
    PlatformConversation,
    SendNotice,
)
from hub.ops import Restored, Wish, mind_rewind, restore, undo
from hub.settings import load_settings
from hub.store import Rewind, Store, Timeline, Tx, leave_unused, read_rewind, swap
from hub.text import backups as words

UNIT = OrderUnit(AccountId(1), "4400112233445566778", 1)
LATER = NOW + timedelta(hours=8)


def back(shop: Machine, folder: Path | None = None, *, do: bool = True) -> Restored:
    return undo(shop.settings, folder, now=LATER, do=do)


def moved(shop: Machine) -> bool:
    """Whether the database says that things may have been sent that it does not know."""
    rewind = read_rewind(shop.database)
    return rewind is not None and rewind.moved


def mind(tx: Tx, timeline: Timeline | None) -> None:
    mind_rewind(tx, timeline, NOW, complete=lambda _: False)


async def start(shop: Machine) -> list[str]:
    """What the hub does first; returns why deliveries stand still."""
    async with shop.store(first=mind) as store:
        stops = await store.read(lambda tx: tx.stops.all(tx.shops.default()))
    return [one.reason for one in stops]


async def test_a_file_that_was_left_for_a_server_stops_deliveries_when_a_hub_comes_back_to_it(
    shop: Machine,
) -> None:
    """What waited in it was sent from the server meanwhile."""
    leave_unused(shop.database, NOW, server=True)
    leave_unused(shop.database, LATER, server=True)
    left = read_rewind(shop.database)
    assert left == Rewind(NOW, moved=True, left=True), "it is of the time when it was left"

    assert await start(shop) == [words.LEFT]
    assert await start(shop) == [words.LEFT], "once is enough"
    assert read_rewind(shop.database) is None


def test_what_is_no_file_of_ours_is_not_marked_as_left(tmp_path: Path) -> None:
    leave_unused(tmp_path / "missing.db", NOW, server=True)
    other = tmp_path / "other.db"
    other.write_bytes(b"something else")
    leave_unused(other, NOW, server=True)
    assert other.read_bytes() == b"something else"
    assert [one.name for one in tmp_path.iterdir()] == ["other.db"]


async def sell(store: Store) -> None:
    def unit(tx: Tx) -> None:
        shop = tx.shops.default()
        pool = tx.pools.all(shop)[0]
        tx.cards.reserve(shop, pool.id, UNIT, 1, now=NOW)
        tx.cards.hand_over(shop, UNIT, now=NOW)

    await store.write(unit)


async def live_on(shop: Machine) -> None:
    """After the backup one card is sold, one restocked and sold, one restocked, a rule goes."""
    async with shop.store() as store:
        desk, who = operator(store, shop.settings, await store.read(lambda tx: tx.shops.default()))
        await sell(store)
        pool = (await desk.stock.overview(who))[0].pool
        await desk.restock.add(who, pool.id, "LATER-1\nLATER-2")
        by_hand = Cause(None, "cli")

        def void(tx: Tx) -> None:
            card = tx.cards.by_code(who.shop, "LATER-1")
            assert card is not None
            tx.cards.void(who.shop, card.id, by=by_hand, now=NOW)

        await store.write(void)
        for rule in await desk.rules.all(who):
            await desk.rules.remove(who, rule.id)


def announce(tx: Tx) -> None:
    """What leaves, and changes no row that is carried over."""
    notice = SendNotice(ChatPeer("10001", "private", "10002"), "在吗", ConversationId(1))
    tx.outbox.enqueue(tx.shops.default(), notice, lane="a", key="a", due_at=NOW)


async def cards(shop: Machine) -> dict[str, str]:
    return {row[3]: row[4] for row in shop.tables()["cards"]}


async def test_what_was_given_out_after_the_backup_is_not_free_after_the_restore(
    shop: Machine, made: Path
) -> None:
    await live_on(shop)
    done = shop.restore(made)
    assert words.carried(2) in done.warnings
    assert await cards(shop) == {
        "CODE-1": CardState.HANDED_OVER,
        "CODE-2": CardState.AVAILABLE,
        "CODE-3": CardState.AVAILABLE,
        "LATER-1": CardState.VOID,
    }
    assert await start(shop) == [words.RESTORED]
    async with shop.store() as store:
        pool = (await store.read(lambda tx: tx.pools.all(tx.shops.default())))[0]
        counts = pool.counts
        assert (counts.available, counts.handed_over, counts.void) == (2, 1, 1)
        # The order comes up again: it gets the card that it had.
        drawn = await store.write(lambda tx: tx.cards.reserve(pool.shop, pool.id, UNIT, 1, now=NOW))
    assert drawn is not None
    assert [(one.code, one.state) for one in drawn] == [("CODE-1", CardState.HANDED_OVER)]


async def test_numbers_that_were_given_after_the_backup_are_not_given_after_the_restore(
    shop: Machine, made: Path
) -> None:
    """However often and however soon the same backup is brought back."""

    def talk(tx: Tx) -> tuple[list[str], list[int]]:
        one, account = tx.shops.default(), AccountId(1)
        tickets = [
            tx.conversations.upsert(one, account, PlatformConversation(f"60{number}")).ticket
            for number in range(2500)
        ]
        needs = [
            tx.needs.open(one, NeedKind.HELD, subject=f"{number}", detail="", now=NOW)
            for number in range(150)
        ]
        return tickets, [need.number for need in needs if need is not None]

    given: list[tuple[list[str], list[int]]] = []
    for _ in range(3):
        async with shop.store(first=mind) as store:
            await sell(store)
            given.append(await store.write(talk))
        shop.restore(made)
    tickets, numbers = zip(*given, strict=True)
    assert len(set(chain(*tickets))) == 3 * 2500
    assert len(set(chain(*numbers))) == 3 * 150


async def test_a_task_that_was_begun_after_the_backup_counts_as_sent(
    shop: Machine, tmp_path: Path
) -> None:
    """It was on the wire when the machine died: nothing else tells."""
    with closing(sqlite3.connect(shop.database)) as sql, sql:
        sql.execute(
            "INSERT INTO outbox (shop_id, kind, lane, seat, key, work, state, head, due_at,"
            " attempt, error, created_at)"
            " VALUES (1, 'notice', 'x', '', 'x', '{}', 'ready', TRUE, 0, 0, '', 0)"
        )
    made = shop.backups.make(NOW).path
    shop.restore(made)
    assert not moved(shop)
    with closing(sqlite3.connect(shop.database)) as sql, sql:
        sql.execute("UPDATE outbox SET state = 'running', attempt = 1, wire_at = 1")
    for _ in range(2):  # the second finds what the first brought, and no hub has minded that yet
        shop.restore(made)
        assert moved(shop)


async def test_a_second_restore_before_the_first_start_forgets_nothing(
    shop: Machine, made: Path
) -> None:
    """The second finds nothing changed since the backup, and yet things were sent after it."""
    await live_on(shop)
    first = shop.restore(made)
    second = shop.restore(made)
    assert first.kept != second.kept  # in the same second
    assert await start(shop) == [words.RESTORED]
    assert read_rewind(shop.database) is None


async def test_a_backup_of_a_restore_that_no_hub_had_minded_is_of_the_first_backups_time(
    shop: Machine, made: Path
) -> None:
    """What was sent between the two is as unknown as before."""
    await live_on(shop)
    shop.restore(made)
    again = shop.backups.make(LATER).path
    assert await start(shop) == [words.RESTORED]
    shop.restore(again)
    rewind = read_rewind(shop.database)
    assert rewind is not None
    assert (rewind.at, rewind.moved) == (NOW, True)


async def test_what_no_hub_had_minded_is_of_its_backups_time_when_it_is_taken_back(
    shop: Machine, made: Path
) -> None:
    await live_on(shop)
    shop.restore(made)
    shop.restore(shop.backups.make(LATER).path)
    assert await start(shop) == [words.RESTORED]
    back(shop)
    rewind = read_rewind(shop.database)
    assert rewind is not None
    assert (rewind.at, rewind.moved) == (NOW, True)


async def test_what_a_restore_lost_stays_lost_when_an_older_one_is_taken_back(
    shop: Machine, made: Path
) -> None:
    """Two equal databases: neither knows what was sent before the second restore."""
    older = shop.restore(made).kept
    assert await start(shop) == []
    async with shop.store() as store:
        await store.write(announce)
    shop.restore(made)
    assert moved(shop)
    back(shop, older)
    assert moved(shop)


async def test_a_restore_is_taken_back_and_that_as_well(shop: Machine, made: Path) -> None:
    await live_on(shop)
    shop.config.write_text("web:\n  port: 9\n", "utf-8")
    before, files = shop.tables(), shop.files()
    shop.restore(made, passphrase=PASSPHRASE)
    restored = shop.tables()
    assert restored != before
    looked = back(shop, do=False)
    assert (looked.kept, shop.tables() == restored) == (None, True)

    done = back(shop)
    assert done.kept is not None
    assert shop.tables() == before
    assert not moved(shop)  # no hub ran meanwhile: nothing was sent that it does not know
    changed = {name for name, data in shop.files().items() if files.get(name) != data}
    assert changed <= {"data/shop.db"}
    assert await start(shop) == []

    back(shop)
    assert shop.tables() == restored
    assert "not-for-everybody" in shop.config.read_text("utf-8")
    assert await start(shop) == [words.RESTORED]


async def test_what_the_restored_shop_sold_is_not_free_when_the_restore_is_taken_back(
    shop: Machine, made: Path
) -> None:
    async with shop.store() as store:
        desk, who = operator(store, shop.settings, await store.read(lambda tx: tx.shops.default()))
        await desk.canned.save(who, "地址", "搬家了")
    shop.restore(made)
    async with shop.store(first=mind) as store:
        await sell(store)
    back(shop)
    assert [row[3] for row in shop.tables()["canned_answers"]] == ["搬家了"]
    assert (await cards(shop))["CODE-1"] == CardState.HANDED_OVER
    assert await start(shop) == [words.RESTORED]


async def test_parts_that_came_alone_go_again(shop: Machine, made: Path) -> None:
    await live_on(shop)
    before = shop.tables()
    done = shop.restore(made, "rules", "pools", "config")
    assert shop.tables()["rules"] != before["rules"]
    assert done.kept is not None
    back(shop, done.kept)
    after = shop.tables()
    assert after == before
    assert await start(shop) == []


async def test_a_crash_while_a_restore_is_taken_back_leaves_the_one_or_the_other(
    shop: Machine, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live_on(shop)
    old = shop.tables()
    shop.restore(made)
    new = shop.tables()
    seen, number, crashed = set(), 0, True
    real = swap._move
    while crashed:
        number += 1
        here = Machine(tmp_path / f"crash{number}")
        shutil.copytree(shop.folder, here.folder)
        left = [number]

        def dying(source: Path, target: Path) -> None:
            left[0] -= 1  # noqa: B023 - used within the round
            if left[0] == 0:  # noqa: B023
                raise KeyboardInterrupt
            real(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(swap, "_move", dying)
            try:
                back(here)
                crashed = False
            except KeyboardInterrupt:
                pass
        async with here.store():
            pass
        found = here.tables()
        assert found in (old, new), number
        seen.add(found == old)
    assert True in seen
    assert number > 3


async def test_taking_back_is_refused_where_it_cannot_be(
    shop: Machine, made: Path, tmp_path: Path
) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(Invalid) as refused:
            back(shop, folder)
        assert "没有可以换回去的" in refused.value.text
    done = shop.restore(made, "rules")
    assert done.kept is not None
    moved = tmp_path / "elsewhere"
    shutil.copytree(done.kept, moved)
    with pytest.raises(Invalid) as refused:
        back(shop, moved)
    assert "不能换回去" in refused.value.text
    async with shop.store():
        with pytest.raises(Unavailable) as refused_too:
            back(shop)
    assert "先停下它" in refused_too.value.text


async def test_a_link_to_the_folder_or_to_the_file_is_the_same_shop(
    shop: Machine, made: Path, tmp_path: Path
) -> None:
    folder, file = tmp_path / "linked", tmp_path / "other" / "shop.db"
    folder.symlink_to(shop.database.parent)
    file.parent.mkdir()
    file.symlink_to(shop.database)
    async with shop.store():
        for path in (folder / "shop.db", file):
            settings = load_settings(None, {"DB_PATH": str(path)})
            with pytest.raises(Unavailable) as refused:
                restore(settings, shop.config, Wish(made), now=LATER)
            assert "先停下它" in refused.value.text
