"""Who holds what: one holder each, fair shares, and nothing moves without need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.model import (
    ANY_BOT,
    DIALS,
    KEEPER,
    AccountId,
    Fall,
    Node,
    NodeBot,
    NodeId,
    account_seat,
    bot_seat,
)
from hub.policy import Seating, restless_nodes, seat_nodes

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LASTS = timedelta(seconds=15)
SETTLED = timedelta(minutes=1)
OFFICIAL = "official:102001"


def node(name: str, *bots: str, lives: bool = True, age: timedelta = timedelta(hours=1)) -> Node:
    expires_at = NOW + LASTS if lives else NOW
    seen = tuple(NodeBot(bot) for bot in bots)
    return Node(NodeId(name), name, NOW - age, expires_at - LASTS, expires_at, seen)


def seat(
    nodes: list[Node], holders: dict[str, NodeId | None], enabled: int = 0, disabled: int = 0
) -> Seating:
    accounts = {AccountId(n): n <= enabled for n in range(1, enabled + disabled + 1)}
    return seat_nodes(nodes, holders, accounts, now=NOW, settled=SETTLED)


def held(*names: str) -> dict[str, NodeId | None]:
    """What the first, the second, ... account is held by, and the rest by `a`."""
    seats: dict[str, NodeId | None] = dict.fromkeys((KEEPER, DIALS, ANY_BOT), NodeId("a"))
    return seats | {account_seat(AccountId(n)): NodeId(name) for n, name in enumerate(names, 1)}


def test_the_first_node_holds_everything() -> None:
    found = seat([node("a")], {}, enabled=2, disabled=1)

    seats = {KEEPER, DIALS, ANY_BOT, *(account_seat(AccountId(n)) for n in (1, 2, 3))}
    assert found.given == dict.fromkeys(seats, "a")
    assert not found.moves
    assert not found.freed


def test_what_a_dead_node_held_is_shared_by_those_that_live() -> None:
    nodes = [node("a", lives=False), node("b"), node("c")]

    found = seat(nodes, held("a", "a", "b", "a"), enabled=4)

    assert found.given[KEEPER] == found.given[DIALS] == "b"
    assert [found.given[account_seat(AccountId(n))] for n in (1, 2, 4)] == ["c", "b", "c"]
    assert account_seat(AccountId(3)) not in found.given


def test_a_node_that_is_new_gets_accounts_only_once_it_has_proven_itself() -> None:
    before = held("a", "a", "a", "a")

    young = seat([node("a"), node("b", age=timedelta(seconds=5))], before, enabled=4)
    proven = seat([node("a"), node("b", age=SETTLED)], before, enabled=4)

    assert young == Seating()
    assert proven == Seating(moves={"account:4": NodeId("b"), "account:3": NodeId("b")})


def test_a_node_that_fell_twice_within_an_hour_gets_no_accounts_of_others() -> None:
    def fell(*minutes: int) -> frozenset[str]:
        return restless_nodes([Fall("b", NOW - timedelta(minutes=one)) for one in minutes], NOW)

    before = held("a", "a")
    accounts = {AccountId(1): True, AccountId(2): True}
    seats = [
        seat_nodes(
            [node("a"), node("b")],
            before,
            accounts,
            now=NOW,
            settled=SETTLED,
            restless=fell(*minutes),
        )
        for minutes in ((), (1,), (1, 59), (1, 60), (1, -10))
    ]

    moved = Seating(moves={"account:2": NodeId("b")})
    assert seats == [moved, moved, Seating(), moved, moved], "what is to come is another clock's"


def test_a_difference_of_one_moves_nothing() -> None:
    assert seat([node("a"), node("b")], held("a", "a", "b"), enabled=3) == Seating()


def test_accounts_that_are_off_have_a_holder_and_weigh_nothing() -> None:
    found = seat([node("a"), node("b")], held("a", "b", "a", "a", "a"), enabled=2, disabled=4)

    assert found == Seating(given={"account:6": NodeId("a")})


def test_bots_speak_from_where_they_are() -> None:
    nodes = [node("a"), node("b", "10001"), node("c", OFFICIAL)]

    found = seat(nodes, held())

    assert found.given == {ANY_BOT: "b", bot_seat("10001"): "b", bot_seat(OFFICIAL): "c"}


def test_a_bot_at_two_nodes_stays_where_it_spoke_from() -> None:
    nodes = [node("a", "10001"), node("b", "10001")]

    found = seat(nodes, {**held(), ANY_BOT: NodeId("b"), bot_seat("10001"): NodeId("b")})

    assert found == Seating()


def test_where_a_bot_was_somebody_still_gives_up_what_waits_for_it() -> None:
    gone = {**held(), bot_seat("10001"): NodeId("b"), ANY_BOT: NodeId("b")}

    left = seat([node("a"), node("b")], gone)
    died = seat([node("a"), node("b", lives=False)], gone)

    assert left == Seating()
    assert died == Seating(given={ANY_BOT: NodeId("a")}, freed=frozenset({bot_seat("10001")}))


def test_the_seat_of_an_account_that_was_removed_goes() -> None:
    found = seat([node("a")], held("a", "a"), enabled=1)

    assert found == Seating(freed=frozenset({account_seat(AccountId(2))}))


NAMES = "abcd"


@given(
    st.lists(st.sampled_from(NAMES), max_size=12),
    st.lists(st.tuples(st.booleans(), st.integers(0, 120)), min_size=4, max_size=4),
)
def test_shares_even_out_in_one_round_and_then_rest(
    holders: list[str], lives: list[tuple[bool, int]]
) -> None:
    nodes = [
        node(name, lives=living, age=timedelta(seconds=age))
        for name, (living, age) in zip(NAMES, lives, strict=True)
    ]
    alive = {one.id for one in nodes if one.expires_at > NOW}
    before = held(*holders)

    first = seat(nodes, before, enabled=len(holders))
    after = {**before, **dict.fromkeys(first.freed), **first.given, **first.moves}
    again = seat(nodes, after, enabled=len(holders))

    assert again == Seating()
    if alive:
        assert {after[account_seat(AccountId(n))] for n in range(1, len(holders) + 1)} <= alive
        shares = {one: sum(node == one for node in after.values()) for one in alive}
        counts = {
            one: sum(after[account_seat(AccountId(n))] == one for n in range(1, len(holders) + 1))
            for one in shares
        }
        calm = [one.id for one in nodes if one.id in alive and NOW - one.started_at >= SETTLED]
        assert all(max(counts.values()) - counts[one] < 2 for one in calm)
    for moved in first.moves:
        assert before[moved] in alive or moved in first.given
