"""Several nodes on one database: one holder each, by whose word nobody else acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.cluster import Cluster
from hub.desk.focusing import Focusing
from hub.desk.routing import Routing
from hub.errors import NotOurSeat, StoreError
from hub.inbound import Inbound
from hub.model import (
    ANY_BOT,
    KEEPER,
    Account,
    AccountId,
    AccountState,
    BuyerMessage,
    ChatPeer,
    ConversationId,
    DeliveryId,
    MessageId,
    NodeBot,
    NodeId,
    OperatorMessage,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    SendMessage,
    SendNotice,
    Supply,
    TaskKind,
    Text,
    account_seat,
    bot_seat,
)
from hub.settings import ReplySettings
from hub.store import Store, Tx, open_store
from hub.store.sql import Sql

LASTS = timedelta(seconds=15)
SETTLED = timedelta(minutes=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
        self.ahead = timedelta(0)
        """Of the database: how far the machines are."""

    def __call__(self) -> datetime:
        return self.now

    def of_the_machine(self) -> datetime:
        return self.now + self.ahead

    def elapsed(self) -> float:
        return self.now.timestamp()

    def turn(self, much: timedelta) -> None:
        self.now += much


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "hub.db", now=clock) as opened:
        opened.alone = False
        yield opened


async def add_accounts(store: Store, clock: Clock, number: int) -> list[Account]:
    def unit(tx: Tx) -> list[Account]:
        return [
            tx.accounts.add(
                tx.shops.default(),
                name=f"店{n}",
                user=PlatformUser(f"22000000000{n}"),
                device_id="device",
                cookies="unb=1",
                takeover_minutes=10,
                now=clock(),
            )
            for n in range(number)
        ]

    return await store.write(unit)


class Nodes:
    """Nodes as the test makes them; each knows which accounts it is connected for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.busy: set[tuple[str, AccountId]] = set()
        self.told: list[timedelta] = []
        """By how much a machine was said to be ahead of the database."""

    def add(self, name: str, *bots: NodeBot, home: str = "") -> Cluster:
        return Cluster(
            self.store,
            name,
            lasts=LASTS,
            bots=lambda: bots,
            quiet=lambda account: (name, account) not in self.busy,
            home=home,
            clock=self.clock.of_the_machine,
            apart=lambda _, ahead: self.told.append(ahead),
            elapsed=self.clock.elapsed,
        )

    async def turn(self, *nodes: Cluster) -> None:
        for node in nodes:
            await node.turn()


@pytest.fixture
def nodes(store: Store, clock: Clock) -> Nodes:
    return Nodes(store, clock)


def refuse(_: Tx, __: timedelta) -> None:
    raise StoreError("no notice can be written")


def accounts_of(node: Cluster, accounts: list[Account]) -> list[AccountId]:
    return [one.id for one in accounts if node.holds_account(one.id)]


async def test_an_account_goes_to_a_new_node_only_once_its_line_has_hung_up(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    first, second = accounts = await add_accounts(store, clock, 2)
    old, new = nodes.add("a"), nodes.add("b")
    await nodes.turn(old, new)
    assert accounts_of(old, accounts) == [first.id, second.id]
    for _ in range(8):
        clock.turn(SETTLED / 8)
        await nodes.turn(old, new)
        assert not accounts_of(new, accounts)

    nodes.busy.add(("a", second.id))
    clock.turn(timedelta(seconds=1))
    await nodes.turn(old, new, old, new)
    assert accounts_of(old, accounts) == [first.id], "the line is told to hang up"
    assert not accounts_of(new, accounts), "and until it has, nobody begins another"

    nodes.busy.clear()
    await nodes.turn(old, new)
    assert accounts_of(new, accounts) == [second.id]
    assert new.fence_of(second.id) == 2
    await nodes.turn(old, new, old)
    assert accounts_of(old, accounts) == [first.id]


async def test_a_node_that_falls_silent_is_replaced_and_writes_nothing_more(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    (account,) = accounts = await add_accounts(store, clock, 1)
    stopped, other = nodes.add("a"), nodes.add("b")
    await nodes.turn(stopped, other)
    shop, seen = account.shop, clock()

    def begin(tx: Tx) -> None:
        tx.accounts.set_state(shop, account.id, AccountState.ONLINE, "", seen)
        work = SendMessage(account.id, ConversationId(1), MessageId(1))
        tx.outbox.enqueue(shop, work, lane="x", key="x", due_at=seen)
        tx.outbox.claim(stopped.id, seen, seen + timedelta(minutes=1), 1)

    await store.write(begin)

    clock.turn(LASTS - timedelta(seconds=1))
    assert stopped.holds_account(account.id)
    await nodes.turn(other)
    assert not other.holds_account(account.id)
    clock.turn(timedelta(seconds=1))
    assert not stopped.holds_account(account.id), "no database has to tell it"
    await nodes.turn(other)

    assert accounts_of(other, accounts) == [account.id]
    assert other.keeps
    found = await store.read(lambda tx: tx.accounts.get(shop, account.id))
    assert found is not None
    assert (found.state, found.offline_since) == (AccountState.CONNECTING, seen)
    due_at = await store.read(lambda tx: tx.outbox.next_due())
    assert due_at == clock(), "what it had in hand is anybody's"
    said = BuyerMessage(
        id=PlatformMessage("1.PNM"),
        conversation=PlatformConversation("600"),
        buyer=PlatformUser("310"),
        buyer_name="小林",
        item_id=None,
        content=Text("在吗"),
        sent_at=clock(),
    )
    with pytest.raises(NotOurSeat):
        await Inbound(store, ReplySettings(), clock, fence=stopped.fence).take_in(account, [said])
    assert not await store.read(lambda tx: tx.conversations.recent(shop, limit=1))
    await nodes.turn(stopped, other, stopped)
    assert accounts_of(stopped, accounts) == []
    assert accounts_of(other, accounts) == [account.id]


async def test_a_clock_that_is_set_back_keeps_no_dead_node_alive(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    """By the times in its row it would live for an hour. Its own time runs on."""
    accounts = await add_accounts(store, clock, 1)
    dead, other = nodes.add("a"), nodes.add("b")
    spent = timedelta(0)
    for node in (dead, other):
        node._elapsed = lambda: spent.total_seconds()
    await nodes.turn(dead, other)

    clock.turn(-timedelta(hours=1))
    await nodes.turn(other)
    seen = {one.node.started_at for one in await other.view()}
    assert seen == {clock()}, "else nobody is settled for an hour"
    assert accounts_of(dead, accounts), "it may live yet"
    assert not accounts_of(other, accounts)
    clock.turn(LASTS)
    spent += LASTS
    await nodes.turn(other)

    assert not accounts_of(dead, accounts)
    assert accounts_of(other, accounts) == [accounts[0].id]


async def test_whoever_has_the_home_of_a_killed_node_need_not_wait_for_its_word_to_run_out(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    accounts = await add_accounts(store, clock, 1)
    killed, stranger = nodes.add("a", home="1:2"), nodes.add("b", home="1:3")
    await nodes.turn(killed, stranger)
    assert accounts_of(killed, accounts)
    assert not accounts_of(stranger, accounts)

    again = nodes.add("a", home="1:2")
    await nodes.turn(again)

    assert accounts_of(again, accounts) == [accounts[0].id]
    assert {one.node.id for one in await again.view()} == {again.id, stranger.id}
    assert [one.name for one in await store.read(lambda tx: tx.nodes.falls())] == ["a"]


async def test_a_node_that_falls_again_and_again_is_given_nothing_of_others(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    accounts = await add_accounts(store, clock, 2)
    steady = nodes.add("a")
    await nodes.turn(steady)
    had = []
    for _ in range(4):
        shaky = nodes.add("b")
        for _ in range(11):
            await nodes.turn(shaky, steady)
            clock.turn(SETTLED / 8)
        had.append(len(accounts_of(shaky, accounts)))
        for _ in range(3):
            await nodes.turn(steady)
            clock.turn(LASTS / 2)

    assert had == [1, 1, 0, 0], "it dies every minute and a half"


async def test_an_outage_of_the_database_is_no_fall_of_those_who_lived_through_it(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    """Whoever turns first afterwards finds all others silent, and was silent itself."""
    first, other = nodes.add("a"), nodes.add("b")
    for later, outage in ((8, 15), (2, 15), (2, 13)):
        await nodes.turn(first, other)
        clock.turn(timedelta(seconds=later))
        await nodes.turn(first)
        clock.turn(timedelta(seconds=outage))
        await nodes.turn(first)
        assert {one.node.id for one in await first.view()} == {first.id}
    assert await store.read(lambda tx: tx.nodes.falls()) == []


async def test_clocks_that_differ_are_told_of_once(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    node = nodes.add("a")
    clock.ahead = timedelta(seconds=2)
    await nodes.turn(node)
    assert (nodes.told, node.ahead) == ([], clock.ahead)

    clock.ahead = -timedelta(seconds=3)
    await nodes.turn(node, node)
    assert (nodes.told, node.ahead) == ([clock.ahead], clock.ahead)

    clock.ahead = timedelta(0)
    await nodes.turn(node)
    clock.ahead = timedelta(seconds=3)
    await nodes.turn(node)
    assert nodes.told == [-timedelta(seconds=3), clock.ahead], "and again once they did agree"


async def test_a_node_that_can_tell_nobody_of_the_clocks_says_all_the_same_that_it_lives(
    store: Store, clock: Clock, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = nodes.add("a")
    clock.ahead = timedelta(seconds=3)
    with monkeypatch.context() as broken:
        broken.setattr(node, "_apart", refuse)
        await nodes.turn(node)
        assert {one.node.id for one in await node.view()} == {node.id}
        assert node.keeps
    assert nodes.told == []

    await nodes.turn(node, node)
    assert nodes.told == [clock.ahead], "as soon as somebody can be told"


async def test_a_node_that_stops_in_order_leaves_everything_to_the_others_at_once(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    accounts = await add_accounts(store, clock, 2)
    old, new = nodes.add("a", NodeBot("10001")), nodes.add("b")
    async with old.taking_part():
        await nodes.turn(new)
        assert accounts_of(old, accounts) == [one.id for one in accounts]

    await nodes.turn(new)
    assert accounts_of(new, accounts) == [one.id for one in accounts]
    assert new.keeps
    leases = await store.read(lambda tx: tx.nodes.leases())
    assert leases[bot_seat("10001")].node is None


async def test_the_last_node_leaves_nothing_held(store: Store, clock: Clock, nodes: Nodes) -> None:
    await add_accounts(store, clock, 1)
    async with nodes.add("a").taking_part():
        pass

    leases = await store.read(lambda tx: tx.nodes.leases())
    assert leases
    assert {one.node for one in leases.values()} == {None}


async def test_signs_are_put_by_the_bot_of_another_node(nodes: Nodes) -> None:
    here, there = nodes.add("a"), nodes.add("b", NodeBot("10001", ("group",)))
    await nodes.turn(there, here)

    assert here.reacts_elsewhere(ChatPeer("", "group", "70001"))
    assert here.reacts_elsewhere(ChatPeer("10001", "group", "70001"))
    assert not here.reacts_elsewhere(ChatPeer("", "private", "20002"))
    assert not here.reacts_elsewhere(ChatPeer("10002", "group", "70001"))


async def test_people_see_who_lives_and_who_holds_what(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    accounts = await add_accounts(store, clock, 2)
    old, new = nodes.add("a"), nodes.add("b")
    await nodes.turn(old, new)
    clock.turn(LASTS)
    await nodes.turn(new)

    (seen,) = await new.view()

    assert (seen.node.name, seen.keeper, seen.here) == ("b", True, True)
    assert list(seen.accounts) == [one.id for one in accounts]


async def test_alone_on_a_database_a_node_holds_everything_and_says_nothing(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    store.alone = True
    node = nodes.add("a")
    async with node.taking_part():
        assert node.holds(KEEPER)
        assert node.holds_account(AccountId(7))
        assert not await node.view()
        await store.write(lambda tx: node.fence(tx, AccountId(7)))
    assert not await store.read(lambda tx: tx.nodes.leases())


async def test_tasks_are_done_where_their_seat_is(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sql, "shared", True)
    now, later = clock(), clock() + timedelta(minutes=1)
    account = AccountId(1)

    def enqueue(tx: Tx) -> None:
        shop = tx.shops.default()
        notice = SendNotice(ChatPeer("", "private", "20002"), "你好", None)
        send = SendMessage(account, ConversationId(1), MessageId(1))
        tx.outbox.enqueue(shop, send, lane="send", key="send", due_at=now)
        tx.outbox.enqueue(shop, notice, lane="qq", key="qq", due_at=now)
        tx.nodes.give(account_seat(account), NodeId("a"))
        tx.nodes.give(ANY_BOT, NodeId("b"))

    await store.write(enqueue)

    def claim(tx: Tx, who: str) -> list[TaskKind]:
        return [one.kind for one in tx.outbox.claim(who, now, later, 9)]

    assert await store.read(lambda tx: tx.outbox.next_due("c")) is None
    assert await store.write(lambda tx: claim(tx, "c")) == []
    (send,) = await store.write(lambda tx: tx.outbox.claim("a", now, later, 9))
    assert send.kind is TaskKind.SEND
    assert await store.write(lambda tx: claim(tx, "b")) == [TaskKind.NOTICE]

    await store.write(lambda tx: tx.nodes.give(account_seat(account), NodeId("b")))
    assert not await store.write(lambda tx: tx.outbox.mark_wire(send, "a", now))


async def test_what_a_living_node_has_in_hand_is_its_own_whatever_the_clock_of_another_says(
    store: Store, clock: Clock, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, ahead = nodes.add("a"), nodes.add("b")
    await nodes.turn(here, ahead)
    monkeypatch.setattr(Sql, "shared", True)
    now, far = clock(), clock() + timedelta(minutes=5)

    def take(tx: Tx, who: Cluster, at: datetime) -> int:
        return len(tx.outbox.claim(who.id, at, at + timedelta(minutes=1), 9))

    def begin(tx: Tx) -> None:
        work = Supply(DeliveryId(1))
        tx.outbox.enqueue(tx.shops.default(), work, lane="x", key="x", due_at=now)
        assert take(tx, here, now) == 1

    await store.write(begin)

    assert await store.write(lambda tx: take(tx, ahead, far)) == 0
    assert await store.read(lambda tx: tx.outbox.next_due(ahead.id)) is None
    await store.write(lambda tx: tx.nodes.remove(here.id))
    assert await store.write(lambda tx: take(tx, ahead, far)) == 1


async def test_what_a_node_could_not_finish_before_it_stopped_waits_for_nobody(
    store: Store, clock: Clock, nodes: Nodes
) -> None:
    stopping = nodes.add("a")

    def begin(tx: Tx) -> None:
        notice = SendNotice(ChatPeer("", "private", "20002"), "你好", None)
        tx.outbox.enqueue(tx.shops.default(), notice, lane="x", key="x", due_at=clock())
        tx.outbox.claim(stopping.id, clock(), clock() + timedelta(minutes=1), 1)

    async with stopping.taking_part():
        await store.write(begin)
    assert await store.read(lambda tx: tx.outbox.next_due()) == clock()


async def test_a_line_that_two_bots_hear_at_two_nodes_is_one_line(
    store: Store, clock: Clock
) -> None:
    shop = await store.read(lambda tx: tx.shops.default())
    here, there = (Routing(store, Focusing(store, clock, minutes=1), clock) for _ in range(2))

    def line(bot: str, text: str) -> OperatorMessage:
        return OperatorMessage(ChatPeer(bot, "group", "70001"), "20002", "1", text)

    assert not await here.heard_by_another_bot(shop, line("10001", "#a7 在的"))
    assert await there.heard_by_another_bot(shop, line("10002", "#a7 在的"))
    assert not await here.heard_by_another_bot(shop, line("10001", "#a7 在的"))
    assert not await there.heard_by_another_bot(shop, line("10002", "#a7 有货"))
    clock.turn(timedelta(minutes=1))
    assert not await there.heard_by_another_bot(shop, line("10002", "#a7 在的"))
