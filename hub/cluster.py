"""Several hubs on one database: which of them holds what, and what follows from that here.

A node says every few seconds that it lives; its seats are its own as long as it does. All times of
that are the database's, so clocks of machines do not matter. What this node believes to hold it
believes until its word could have run out, counted from before it was given, by a clock that also
runs while the machine sleeps: so it stops earlier than anybody else begins. And whoever writes what
only the holder may write asks the database in the same transaction (`fence`).

On a database that lets nobody else in, one node holds everything and nothing of this happens.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from hub.errors import NotOurSeat, StoreError
from hub.model import (
    KEEPER,
    AccountId,
    AccountState,
    ChatPeer,
    Lease,
    Node,
    NodeBot,
    NodeId,
    NodeView,
    account_at,
    account_seat,
    bot_reaches,
)
from hub.policy import RESTLESS_FOR, restless_nodes, seat_nodes
from hub.store import Store, Tx, utc_now

LASTS = timedelta(seconds=15)
AGAIN_SECONDS = 1.0
"""After a word that did not reach the database."""
SETTLE_SECONDS = 5.0
LEAVE_SECONDS = 3.0
"""For giving everything back; without that the others wait until the word has run out."""
TURNS = 3
"""Words within the time that one lasts."""
SETTLED = 4
"""A node is settled once it lived for so many times as long as its word lasts."""
MOST_APART = timedelta(seconds=2)
"""Between the clocks of this machine and of the database: by the first it is decided when tasks are
due, expire, and have been in hand too long."""
TOGETHER = timedelta(0)

Bots = Callable[[], Sequence[NodeBot]]


def elapsed() -> float:
    """Seconds that also pass while the process is stopped and, where the system can tell, while the
    machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def ahead_of(there: datetime, before: datetime, after: datetime) -> timedelta:
    """How far a clock is ahead of another, which was read between two looks at the first; negative:
    behind. Zero if it may be right."""
    return min(max(there, before), after) - there


@dataclass(frozen=True, slots=True)
class _Turn:
    at: datetime
    """By the database's clock."""
    held: Mapping[str, Lease]
    leaving: frozenset[str]
    others: tuple[Node, ...]
    ahead: timedelta


@dataclass(slots=True)
class Word:
    """The last word that this node gave and that was committed, as it remembers."""

    node: NodeId | None = None
    at: datetime | None = None

    def is_kept(self, tx: Tx) -> bool:
        """Whether the database knows of it, and so of everything before. False if none was given:
        then nobody can tell."""
        at = self.at
        return at is not None and any(
            one.id == self.node and one.seen_at >= at for one in tx.nodes.all()
        )


class Cluster:
    """This node among those that share its database."""

    def __init__(
        self,
        store: Store,
        name: str = "",
        *,
        lasts: timedelta = LASTS,
        bots: Bots = tuple,
        quiet: Callable[[AccountId], bool] = lambda _: True,
        home: str = "",
        clock: Callable[[], datetime] = utc_now,
        word: Word | None = None,
        apart: Callable[[Tx, timedelta], None] = lambda _, __: None,
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        """`lasts`: how long a node counts as alive after its last word. `bots`: those that are
        connected here. `quiet`: nothing of that account is connected from here. `home`: see `Node`.
        `word` is kept up to date.
        `apart` tells people by how much the clock of this machine is ahead of the database's."""
        self.id = NodeId(f"{name}/{secrets.token_hex(4)}")
        self.name = name
        self._store = store
        self._lasts = lasts
        self._word = word or Word()
        self._bots = bots
        self._quiet = quiet
        self._home = home
        self._clock = clock
        self._apart = apart
        self._told_apart = False
        self.ahead = TOGETHER
        """How far this machine's clock was ahead of the database's at the last turn."""
        self._elapsed = elapsed
        self._held: Mapping[str, Lease] = {}
        self._until = 0.0
        self._leaving: frozenset[str] = frozenset()
        """Seats that are to go to others as soon as nothing of them is connected here."""
        self._others: tuple[Node, ...] = ()
        self.revision = 0
        """Another number whenever this node holds something else."""
        self._begun = self._done = 0
        """Numbers of the last turn that began, and of the last that went well."""
        self._woken = asyncio.Event()
        self._turned = asyncio.Event()

    # --- What is asked of it --------------------------------------------------------------------

    @property
    def shared(self) -> bool:
        """Whether there may be other nodes."""
        return not self._store.alone

    @property
    def lives(self) -> bool:
        """Whether no other node can take this one for dead yet."""
        return not self.shared or self._elapsed() < self._until

    def holds(self, seat: str) -> bool:
        """Whether this node may act for it now."""
        if not self.shared:
            return True
        return seat in self._held and seat not in self._leaving and self.lives

    def holds_account(self, account: AccountId) -> bool:
        return self.holds(account_seat(account))

    def fence_of(self, account: AccountId) -> int:
        """Another number after each time that the account was elsewhere."""
        lease = self._held.get(account_seat(account))
        return 0 if lease is None else lease.fence

    @property
    def keeps(self) -> bool:
        """Whether this node does what only one does."""
        return self.holds(KEEPER)

    def fence(self, tx: Tx, account: AccountId) -> None:
        """Raises NotOurSeat unless the account is this node's, by what is committed."""
        if self.shared and not tx.nodes.holds(account_seat(account), self.id):
            raise NotOurSeat(f"account {account} is another node's by now")

    def reacts_elsewhere(self, peer: ChatPeer) -> bool:
        """Whether a bot of another node can put signs there."""
        bots = (bot for node in self._others for bot in node.bots if bot_reaches(bot.id, peer))
        return any(peer.scene in bot.reacts for bot in bots)

    def held_by_others(self, tx: Tx) -> frozenset[str]:
        """Seats of nodes that may live, or that nobody has missed yet."""
        if not self.shared:
            return frozenset()
        known = {node.id for node in tx.nodes.all()} - {self.id}
        return frozenset(seat for seat, one in tx.nodes.leases().items() if one.node in known)

    @property
    def living(self) -> int:
        """How many nodes there are, as of the last turn."""
        return 1 + len(self._others)

    def bots_elsewhere(self) -> tuple[str, ...]:
        """Those that are connected to other nodes, as far as these have said so."""
        return tuple(bot.id for node in self._others for bot in node.bots)

    async def who_holds(self, account: AccountId) -> str | None:
        """Name of the other node that has it; None: this one, or nobody."""
        others = (one for one in await self.view() if not one.here)
        return next((one.node.name for one in others if account in one.accounts), None)

    async def view(self) -> Sequence[NodeView]:
        """The nodes that live, and what each holds; empty where there can be only one."""
        return await self._store.read(self.view_in) if self.shared else ()

    def view_in(self, tx: Tx) -> Sequence[NodeView]:
        """As `view`, within a unit."""
        if not self.shared:
            return ()
        now, leases = tx.nodes.now(), tx.nodes.leases()
        held: dict[NodeId | None, list[AccountId]] = {}
        for seat, lease in leases.items():
            if (account := account_at(seat)) is not None:
                held.setdefault(lease.node, []).append(account)
        keeper = leases[KEEPER].node if KEEPER in leases else None
        return tuple(
            NodeView(
                node, tuple(sorted(held.get(node.id, ()))), node.id == keeper, node.id == self.id
            )
            for node in tx.nodes.all()
            if node.expires_at > now
        )

    # --- Its life -------------------------------------------------------------------------------

    def look(self) -> None:
        """Something changed here: tell the others soon, and see what follows."""
        self._woken.set()

    @asynccontextmanager
    async def taking_part(self) -> AsyncIterator[None]:
        """Before anything is done that only a holder may do, and until nothing is any more."""
        if not self.shared:
            yield
            return
        await self.turn()
        await self._store.write(lambda tx: tx.outbox.relieve_dead(tx.nodes.now()))
        try:
            yield
        finally:
            await self._leave()

    async def run(self) -> None:
        """Keep the word, until cancelled."""
        if not self.shared:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear(), name="news of nodes")
            while True:
                wait = self._lasts.total_seconds() / TURNS
                try:
                    await self.turn()
                except StoreError as error:
                    logger.error("node {}: the others cannot be told: {}", self.name, error)
                    wait = AGAIN_SECONDS
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
                self._woken.clear()

    async def _leave(self) -> None:
        """Nothing is connected here any more: what it holds is the others' at once."""
        self._held, self._until = {}, 0.0

        def unit(tx: Tx) -> None:
            tx.nodes.remove(self.id)
            _seat(tx, tx.nodes.now(), SETTLED * self._lasts)
            for seat, lease in tx.nodes.leases().items():
                if lease.node == self.id:
                    tx.nodes.free(seat)
            # The workers have ended: what one of them could not finish waits for nobody.
            tx.outbox.relieve_dead(tx.nodes.now())

        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._store.write(unit)
        except (StoreError, TimeoutError) as error:
            logger.warning("node {} could not give back what it held: {!r}", self.name, error)

    async def while_held(self, seat: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Have something done while this node holds the seat, begun anew each time it does."""
        if not self.shared:
            await work()
            return
        while True:
            while not self.holds(seat):
                await self.wait_turn()
            async with asyncio.TaskGroup() as tasks:
                doing = tasks.create_task(work(), name=seat)
                while self.holds(seat) and not doing.done():
                    await self.wait_turn()
                doing.cancel()

    async def settle(self) -> None:
        """Tell the others what is connected here now, and return when it is settled who speaks; or
        when that takes long."""
        if not self.shared:
            return
        before = self._begun
        self.look()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while self._done <= before:
                    await self.wait_turn()

    async def wait_turn(self) -> None:
        """Until this node may hold something else. Never for long: a word runs out by itself."""
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS):
                await self._turned.wait()

    # --- Turns ----------------------------------------------------------------------------------

    async def _hear(self) -> None:
        async with self._store.changes() as changes:
            async for change in changes:
                if change.noun in ("node", "account"):
                    self._woken.set()

    async def turn(self) -> None:
        """Say that this node lives, see to it that everything has a holder, and learn what is its
        own."""
        self._begun += 1
        number = self._begun
        asked, bots, quiet = self._elapsed(), tuple(self._bots()), self._quiet_seats()
        turn = await self._store.write(lambda tx: self._unit(tx, bots, quiet))
        won, lost = turn.held.keys() - self._held.keys(), self._held.keys() - turn.held.keys()
        if won or lost or turn.leaving != self._leaving:
            self.revision += 1
            logger.info("node {}: now holds {}, no more {}", self.id, sorted(won), sorted(lost))
        self._held, self._leaving, self._others = turn.held, turn.leaving, turn.others
        if abs(turn.ahead) > MOST_APART >= abs(self.ahead):
            logger.warning("node {}: the clock is {} ahead of the database's", self.id, turn.ahead)
        self.ahead = turn.ahead
        self._until = asked + self._lasts.total_seconds()
        self._word.node, self._word.at = self.id, turn.at
        self._done = number
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()
        await self._tell_apart(turn.ahead)

    async def _tell_apart(self, ahead: timedelta) -> None:
        """In a unit of its own: a node that cannot tell people lives all the same."""
        if abs(ahead) <= MOST_APART:
            self._told_apart = False
        elif not self._told_apart:
            try:
                await self._store.write(lambda tx: self._apart(tx, ahead))
            except StoreError as error:
                logger.error("node {}: nobody is told of the clocks: {}", self.name, error)
            else:
                self._told_apart = True

    def _quiet_seats(self) -> frozenset[str]:
        """Those that are to go and are connected to nothing by now."""
        accounts = ((seat, account_at(seat)) for seat in self._leaving)
        return frozenset(seat for seat, one in accounts if one is None or self._quiet(one))

    def _unit(self, tx: Tx, bots: Sequence[NodeBot], quiet: frozenset[str]) -> _Turn:
        before, now, after = self._clock(), tx.nodes.now(), self._clock()
        ahead = ahead_of(now, before, after)
        nodes = tx.nodes.all()
        if any(one.seen_at > now for one in nodes):
            logger.warning("node {}: the database's clock was set back", self.id)
            tx.nodes.set_back(now)
        known = next((one for one in nodes if one.id == self.id), None)
        tx.nodes.announce(self.id, self.name, now, self._lasts, bots, self._home)
        if known is None or known.bots != bots:
            tx.nodes.changed()
        self._bury(tx, now, known)
        moves = _seat(tx, now, SETTLED * self._lasts)
        mine = {seat: one for seat, one in tx.nodes.leases().items() if one.node == self.id}
        leaving = {seat: node for seat, node in moves.items() if seat in mine}
        for seat in quiet & leaving.keys():
            tx.nodes.give(seat, leaving.pop(seat))
            del mine[seat]
        others = (one for one in tx.nodes.all() if one.id != self.id)
        return _Turn(now, mine, frozenset(leaving), tuple(others), ahead)

    def _bury(self, tx: Tx, now: datetime, before: Node | None) -> None:
        """Who did not keep its word is gone, and whose home is ours; what it had in hand is
        anybody's. `before`: this node as it was known until this turn."""
        dead = [one for one in tx.nodes.all() if one.expires_at <= now or self._follows(one)]
        for node in dead:
            logger.warning("node {} is gone, last seen at {}", node.id, node.seen_at)
            _disconnect(tx, node)
            tx.nodes.remove(node.id)
            if self._follows(node) or self._spoke_since(before, node, now):
                tx.nodes.note_fall(node.name, now, kept=RESTLESS_FOR)
        if dead:
            tx.outbox.relieve_dead(now)

    def _spoke_since(self, before: Node | None, node: Node, now: datetime) -> bool:
        """Whether this node kept its own word while the other was silent. Else it was the database
        that could not be reached, by anybody."""
        if before is None or before.expires_at <= now:
            return False
        return before.seen_at - node.seen_at >= self._lasts / 2

    def _follows(self, node: Node) -> bool:
        return bool(self._home) and node.home == self._home and node.id != self.id


def _disconnect(tx: Tx, node: Node) -> None:
    """The accounts of a dead node are online no more."""
    held = {seat for seat, lease in tx.nodes.leases().items() if lease.node == node.id}
    for account in tx.accounts.enabled():
        if account.state is AccountState.ONLINE and account_seat(account.id) in held:
            state = AccountState.CONNECTING
            tx.accounts.set_state(account.shop, account.id, state, "", node.seen_at)


def _seat(tx: Tx, now: datetime, settled: timedelta) -> Mapping[str, NodeId]:
    """Give what can be given at once; returns what its holder has to hand over."""
    holders = {seat: lease.node for seat, lease in tx.nodes.leases().items()}
    accounts = tx.accounts.every()
    restless = restless_nodes(tx.nodes.falls(), now)
    seating = seat_nodes(
        tx.nodes.all(), holders, accounts, now=now, settled=settled, restless=restless
    )
    for seat in sorted(seating.freed):
        tx.nodes.free(seat)
    for seat, node in sorted(seating.given.items()):
        tx.nodes.give(seat, node)
    return seating.moves
