"""Which node holds what: fairly shared, and moved as rarely as that allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.model import (
    ANY_BOT,
    DIALS,
    KEEPER,
    AccountId,
    Fall,
    Node,
    NodeId,
    account_at,
    account_seat,
    bot_at,
    bot_seat,
    may_be_any_bot,
)

RESTLESS_FALLS = 2
RESTLESS_FOR = timedelta(hours=1)


def restless_nodes(falls: Iterable[Fall], now: datetime) -> frozenset[str]:
    """Names of nodes that fell over twice within the last hour. One that dies every two minutes
    would else be given accounts of others each time, and each move is a new connection."""
    counts = Counter(one.name for one in falls if now - RESTLESS_FOR < one.at <= now)
    return frozenset(name for name, count in counts.items() if count >= RESTLESS_FALLS)


@dataclass(frozen=True, slots=True)
class Seating:
    """What is to be changed about who holds what."""

    given: Mapping[str, NodeId] = field(default_factory=dict)
    """Seats that nobody alive holds, and those of bots: they are given at once."""
    freed: frozenset[str] = frozenset()
    """Seats that are no more, or that nobody can fill."""
    moves: Mapping[str, NodeId] = field(default_factory=dict)
    """Seats of accounts that should go to another node once their holder has hung up."""


def seat_nodes(
    nodes: Sequence[Node],
    holders: Mapping[str, NodeId | None],
    accounts: Mapping[AccountId, bool],
    *,
    now: datetime,
    settled: timedelta,
    restless: Container[str] = (),
) -> Seating:
    """`accounts`: all there are, and whether each is enabled. `settled`: how long a node has lived
    before accounts are taken from others for it; one that falls over at once costs nobody a line.
    `restless`: names of nodes for which none are taken (`restless_nodes`).

    All nodes come to the same result, whoever asks.
    """
    living = sorted(
        (one for one in nodes if one.expires_at > now), key=lambda one: (one.started_at, one.id)
    )
    if not living:
        return Seating()
    alive = {one.id for one in living}
    held = {seat: node for seat, node in holders.items() if node is not None and node in alive}
    given = {seat: living[0].id for seat in (KEEPER, DIALS) if seat not in held}
    given |= _bots(living, held)
    shared = _accounts(living, held, accounts)
    calm = [
        one.id for one in living if now - one.started_at >= settled and one.name not in restless
    ]
    freed = frozenset(
        seat
        for seat, node in holders.items()
        if node is not None and _is_over(seat, node in alive, accounts, given)
    )
    moves = _evened({**held, **shared}, [one.id for one in living], calm, accounts)
    return Seating(given | shared, freed, moves)


def _bots(living: Sequence[Node], held: Mapping[str, NodeId]) -> dict[str, NodeId]:
    """A bot speaks from a node that it is connected to; so does any of those with numbers."""
    where: dict[str, list[NodeId]] = {ANY_BOT: []}
    for node in living:
        for bot in node.bots:
            where.setdefault(bot_seat(bot.id), []).append(node.id)
        if any(may_be_any_bot(bot.id) for bot in node.bots):
            where[ANY_BOT].append(node.id)
    # Where no bot is, somebody has to give up what waited for too long.
    if not where[ANY_BOT] and ANY_BOT not in held:
        where[ANY_BOT].append(living[0].id)
    return {seat: able[0] for seat, able in where.items() if able and held.get(seat) not in able}


def _accounts(
    living: Sequence[Node], held: Mapping[str, NodeId], accounts: Mapping[AccountId, bool]
) -> dict[str, NodeId]:
    """Seats of accounts that nobody holds go to whoever has the fewest that are enabled."""
    counts = _counts(held, [one.id for one in living], accounts)
    given: dict[str, NodeId] = {}
    for account in sorted(accounts, key=lambda one: (not accounts[one], one)):
        seat = account_seat(account)
        if seat not in held:
            given[seat] = min(counts, key=lambda one: counts[one])
            counts[given[seat]] += accounts[account]
    return given


def _evened(
    held: Mapping[str, NodeId],
    living: Sequence[NodeId],
    calm: Iterable[NodeId],
    accounts: Mapping[AccountId, bool],
) -> dict[str, NodeId]:
    """Moves, the fewest, after which no settled node has two accounts less than any other."""
    counts = _counts(held, living, accounts)
    moves: dict[str, NodeId] = {}
    mine = {
        node: sorted(
            one for one, on in accounts.items() if on and held.get(account_seat(one)) == node
        )
        for node in counts
    }
    calm = list(calm)
    while calm:
        least = min(calm, key=lambda one: counts[one])
        most = max(counts, key=lambda one: counts[one])
        if counts[most] - counts[least] < 2:
            break
        moves[account_seat(mine[most].pop())] = least
        counts[most] -= 1
        counts[least] += 1
    return moves


def _counts(
    held: Mapping[str, NodeId], living: Sequence[NodeId], accounts: Mapping[AccountId, bool]
) -> dict[NodeId, int]:
    counts = dict.fromkeys(living, 0)
    for account, enabled in accounts.items():
        node = held.get(account_seat(account))
        if enabled and node is not None:
            counts[node] += 1
    return counts


def _is_over(
    seat: str, alive: bool, accounts: Mapping[AccountId, bool], given: Mapping[str, NodeId]
) -> bool:
    """Of a bot that went with its node, or an account that was removed."""
    if bot_at(seat) is not None:
        return not alive and seat not in given
    account = account_at(seat)
    return account is not None and account not in accounts
