"""What an import is going to make here, in order: values only, nothing is written yet."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from hub.model import (
    Account,
    AccountId,
    AiProfile,
    AiScope,
    DeliveryRule,
    Floor,
    PlatformUser,
    PoolKind,
    Role,
    Rule,
    ShopId,
    StoredPicture,
    SupplierCall,
)
from hub.ops.importing.cells import UnreadableCell
from hub.ops.importing.report import Line, Outcome, Part, Report
from hub.store import OriginalRow, Tx
from hub.text import imports as words


class Source(Protocol):
    """A database of the original, or a backup that one of its users made."""

    @property
    def version(self) -> str: ...

    @property
    def damage(self) -> tuple[str, ...]: ...

    @property
    def unread(self) -> Counter[str]: ...

    @property
    def tables(self) -> frozenset[str]: ...

    def count(self, table: str) -> int: ...

    def rows(self, table: str) -> Iterator[OriginalRow]: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What the shop has before anything is brought over."""

    shop: ShopId
    ledger: dict[tuple[str, str], int | None] = field(default_factory=dict)
    accounts: tuple[Account, ...] = ()
    members: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    delivery_rules: tuple[DeliveryRule, ...] = ()
    ai_accounts: frozenset[AccountId] = frozenset()
    """Accounts that say something of their own about AI."""


def read_known(tx: Tx, shop: ShopId, origin: str) -> Known:
    return Known(
        shop,
        ledger=tx.imports.all(shop, origin),
        accounts=tuple(tx.accounts.all(shop)),
        members=frozenset(one.name for one in tx.members.all(shop)),
        pools=frozenset(one.name for one in tx.pools.all(shop)),
        profiles=frozenset(one.name for one in tx.ai_profiles.all(shop)),
        delivery_rules=tuple(tx.delivery_rules.all(shop)),
        ai_accounts=frozenset(tx.ai_scopes.accounts(shop)),
    )


# --- What is made ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewMember:
    name: str
    role: Role
    active: bool
    email: str | None
    hashed: str | None = field(repr=False)
    """What the original kept of the password; None: none is brought over."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    name: str
    user: PlatformUser
    cookies: str = field(repr=False)
    takeover_minutes: int


@dataclass(frozen=True, slots=True)
class SameAccount:
    """The seller is here already, with another or the same login."""

    account: AccountId


@dataclass(frozen=True, slots=True)
class NewRule:
    account: str | None
    """As the original names it; None: for every account."""
    rule: Rule
    picture: Path | str | None = None
    """A file, or an address at the platform."""


@dataclass(frozen=True, slots=True)
class NewPool:
    name: str
    kind: PoolKind
    template: str
    text: str = field(repr=False)
    enabled: bool
    supplier: SupplierCall | None = None
    picture: Path | str | None = None
    """A file, or an address at the platform."""


@dataclass(frozen=True, slots=True)
class NewDeliveryRule:
    account: str | None
    card: str
    rule: DeliveryRule
    """`account` and `pool` are put in when they are there."""


@dataclass(frozen=True, slots=True)
class NewAi:
    account: str
    profile: AiProfile | None
    scope: AiScope
    floor: Floor | None
    item_floors: tuple[tuple[str, Floor], ...] = ()


Act = NewMember | NewAccount | SameAccount | NewRule | NewPool | NewDeliveryRule | NewAi


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be made, and by what it is remembered."""

    line: Line
    kind: str
    key: str
    act: Act


def key_of(*parts: str) -> str:
    """Short, and the same for the same parts."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


# --- What is known while it is thought out --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class User:
    name: str
    wanted: bool
    """Whether what is theirs is brought over."""


@dataclass(frozen=True, slots=True)
class OldAccount:
    """An account of the original that has a counterpart here, or will have one."""

    key: str
    """Its id in the original."""
    name: str
    """As it is called here."""
    owner: str
    confirms: bool
    """Whether the original marked its orders as shipped."""
    running: bool = False
    """It is enabled here, so nothing new may begin to speak for it."""
    here: AccountId | None = None
    """None: it is still to be made."""
    gone: bool = False
    """It came once, and somebody has removed it here."""


@dataclass(frozen=True, slots=True)
class OldCard:
    key: str
    name: str
    owner: str
    kind: PoolKind
    spec: tuple[tuple[str, str], ...]
    delay_seconds: int


@dataclass(frozen=True, slots=True)
class OldItem:
    id: str
    account: str
    title: str
    detail: str
    price: Decimal | None
    many: bool
    """Every piece of an order was delivered, not only one."""


Picture = Callable[[str], Path | None]
"""The file behind a path that the original wrote down; None: it is not there. Raises Invalid where
it is no picture."""


@dataclass(slots=True)
class Draft:
    """Everything an import is going to do, while it is being put together."""

    source: Source
    known: Known
    report: Report
    picture: Picture
    only: frozenset[str] = frozenset()
    """Users whose things are brought over; empty: everybody's."""
    steps: list[Step] = field(default_factory=list)
    planned: set[tuple[str, str]] = field(default_factory=set)
    """Of the steps, by what they are remembered."""
    users: dict[str, User] = field(default_factory=dict)
    accounts: dict[str, OldAccount] = field(default_factory=dict)
    cards: dict[str, OldCard] = field(default_factory=dict)
    items: list[OldItem] = field(default_factory=list)
    names: dict[str, set[str]] = field(default_factory=dict)
    """Taken ones, by what they name."""

    def put(self, line: Line, kind: str, key: str, act: Act) -> None:
        """To be made, unless it came before."""
        if (kind, key) in self.known.ledger:
            self.leave(line.part, line.name, outcome=Outcome.KNOWN)
        elif (kind, key) in self.planned:
            self.leave(line.part, line.name, words.TWICE)
        else:
            self.planned.add((kind, key))
            self.steps.append(Step(line, kind, key, act))

    def leave(self, part: Part, name: str, *notes: str, outcome: Outcome = Outcome.LEFT) -> None:
        self.report.add(Line(part, name, outcome, notes))

    def each(self, part: Part, table: str, take: Callable[[OriginalRow], None]) -> None:
        """Every row of a table; one that cannot be read costs itself only."""
        before = self.source.unread[table]
        for row in self.source.rows(table):
            try:
                take(row)
            except UnreadableCell as error:
                self.leave(part, words.row_named(table, row), words.unreadable_cell(str(error)))
        lost = self.source.unread[table] - before
        if lost:
            self.leave(part, words.table_named(table), words.rows_lost(lost))

    def wants(self, owner: str) -> bool:
        user = self.users.get(owner)
        return user.wanted if user is not None else not self.only

    def account_for(self, part: Part, name: str, key: str) -> OldAccount | None:
        """None: it is told already why a row of this account does not come."""
        account = self.accounts.get(key)
        if account is None:
            self.leave(part, name, words.no_account(key))
        elif account.gone:
            self.leave(part, name, words.ACCOUNT_GONE)
        else:
            return account
        return None

    def free_name(self, what: str, wanted: str, longest: int) -> str:
        """`wanted`, or with a number where that is taken."""
        taken = self.names.setdefault(what, set())
        name, count = wanted[:longest], 1
        while name in taken:
            count += 1
            ending = f" {count}"
            name = wanted[: longest - len(ending)] + ending
        taken.add(name)
        return name


def line_of(part: Part, name: str, notes: list[str]) -> Line:
    """A line for something that comes: adapted if there is something to say about it."""
    return Line(part, name, Outcome.ADAPTED if notes else Outcome.CAME, tuple(notes))


FOR_CHECKING = StoredPicture("", "", 0, 0)
"""Stands for a picture while the rest of a rule is checked."""
