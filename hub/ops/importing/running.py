"""One import from beginning to end: read, think out, and, unless it is a dry run, make it so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

from hub.model import (
    AccountId,
    BatchId,
    CardId,
    CardState,
    MemberId,
    PoolId,
    PoolKind,
    RuleId,
    ShopId,
    StockCard,
)
from hub.ops.importing import cells, replies
from hub.ops.importing.assistance import plan_ai
from hub.ops.importing.backup_file import BackupFile
from hub.ops.importing.config import accounts_of, plan_settings, read_config
from hub.ops.importing.deliveries import plan_delivery_rules
from hub.ops.importing.history import ORDER, PastRow, Place, read_past
from hub.ops.importing.leftovers import plan_leftovers
from hub.ops.importing.people import ACCOUNT, plan_accounts, plan_people, seller_of
from hub.ops.importing.pictures import Fetch, FoundPictures, KeptPictures
from hub.ops.importing.plan import Draft, Known, NewRule, OldCard, Source, key_of, read_known
from hub.ops.importing.report import Line, Outcome, Part, Report
from hub.ops.importing.stock import plan_items, plan_pools
from hub.ops.importing.writing import Progress, Writing
from hub.policy import CodesRead, read_codes
from hub.store import Store, Tx, open_original
from hub.text import imports as words

ROOM = "imports"
"""A folder beside our database where copies are read. What a killed run left in it goes."""
ROWS_AT_ONCE = 200
CODES_AT_ONCE = 1000
MOST_BATCHES = 1000
NO_ORIGIN = "-"
FIRST_USER = "1"
"""The id of `admin`, whom the original made first."""


@dataclass(frozen=True, slots=True)
class ImportFrom:
    """Where everything lies."""

    path: Path
    """Its database, or the backup of one of its users."""
    config: str = ""
    """Its settings file."""
    keywords: str = ""
    """Its file with keywords for every account."""
    uploads: Path | None = None
    """Its folder with pictures."""
    room: Path | None = None
    """Where the copy is made that is read; None: where the system puts such files."""
    only: frozenset[str] = frozenset()
    """Users whose things are brought over; empty: everybody's."""

    def at(self, path: Path) -> ImportFrom:
        """The same, after the database was moved."""
        return replace(self, path=path)


@dataclass(frozen=True, slots=True)
class ImportInto:
    """Where it goes. `store` None: there is no database yet, which only a dry run can bear."""

    store: Store | None
    door: str
    now: Callable[[], datetime]
    hash_password: Callable[[str], str]
    """Takes what the original kept of a password, gives what may be kept."""
    fetch: Fetch | None = None
    """None: pictures at the platform are left to a person."""
    member: MemberId | None = None
    """Who wanted it, where that is known."""


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


async def bring_over(
    source: ImportFrom, into: ImportInto, *, dry: bool, progress: Progress = _silent
) -> Report:
    """Bring over what has a place here. A dry run writes nothing and says what would come.

    Cut short, it is finished by doing it again; done again, it changes nothing. Raises Invalid with
    one sentence for a file that is no database of the original.
    """
    config = read_config(source.config)
    with _opened(source) as original:
        running = _Import(source, into, original, dry=dry, progress=progress)
        return await running.run(config)


@contextmanager
def _opened(source: ImportFrom) -> Iterator[Source]:
    if source.path.suffix.lower() == ".json":
        yield BackupFile(source.path)
    else:
        with open_original(source.path, source.room) as original:
            yield original


class _Import:
    def __init__(
        self,
        source: ImportFrom,
        into: ImportInto,
        original: Source,
        *,
        dry: bool,
        progress: Progress,
    ) -> None:
        self._from = source
        self._into = into
        self._original = original
        self._dry = dry
        self._progress = progress
        self._report = Report(str(source.path.name), dry, original.version, original.damage)
        self._origin = NO_ORIGIN

    async def run(self, config: dict[str, object]) -> Report:
        origin, sellers = await asyncio.to_thread(_origin_and_sellers, self._original)
        self._origin = origin
        if self._into.store is not None:
            self._origin = await self._into.store.read(partial(_same_origin, origin, sellers))
        draft = await self._planned(config)
        if self._dry or self._into.store is None:
            self._report_plan(draft)
            await self._look_at_codes(draft)
            await self._past(draft, None)
            return self._report
        writing = Writing(
            self._into.store,
            draft,
            self._origin,
            self._into.door,
            self._into.now,
            self._into.hash_password,
            KeptPictures(self._into.store, self._into.fetch),
        )
        await writing.put_all(self._progress)
        await self._add_codes(draft, writing, self._into.store)
        await self._past(draft, writing)
        if self._report.changed:
            await self._into.store.write(partial(self._record, draft.known.shop))
        return self._report

    def _record(self, shop: ShopId, tx: Tx) -> None:
        tx.audit.add(
            shop,
            member=self._into.member,
            door=self._into.door,
            action="import",
            target=self._report.source,
            detail=str(self._report.changed),
            now=self._into.now(),
        )

    async def _planned(self, config: dict[str, object]) -> Draft:
        store, known = self._into.store, Known(ShopId(1))
        if store is not None:
            known = await store.read(lambda tx: read_known(tx, tx.shops.default(), self._origin))
        pictures = FoundPictures(self._from.uploads)
        draft = Draft(self._original, known, self._report, pictures, self._from.only)
        await asyncio.to_thread(_plan, draft, config, self._from.keywords)
        return draft

    def _report_plan(self, draft: Draft) -> None:
        for step in draft.steps:
            self._report.add(step.line)

    # --- Codes ------------------------------------------------------------------------------------

    async def _look_at_codes(self, draft: Draft) -> None:
        """What adding would do."""
        seen: set[int] = set()
        codes = self._codes(draft)
        while (found := await asyncio.to_thread(next, codes, None)) is not None:
            card, read = found
            if ("codes", card.key) in draft.known.ledger:
                await self._compare_codes(draft, card, read)
                continue
            new = 0
            for start in range(0, len(read.codes), CODES_AT_ONCE):
                portion = read.codes[start : start + CODES_AT_ONCE]
                known = await self._known_codes(draft.known.shop, portion)
                fresh = {hash(code) for code in portion if code not in known} - seen
                seen |= fresh
                new += len(fresh)
                done = min(start + CODES_AT_ONCE, len(read.codes))
                self._progress(card.name, done, len(read.codes))
            self._tell_codes(card, read, new)

    async def _compare_codes(self, draft: Draft, card: OldCard, read: CodesRead) -> None:
        """They came before. What the original has sold since then it may have sold twice, and what
        it has got since then may have been taken out here: a person knows."""
        store, target = self._into.store, draft.known.ledger["codes", card.key]
        if store is None or target is None:
            return
        known = 0
        for start in range(0, len(read.codes), CODES_AT_ONCE):
            portion = read.codes[start : start + CODES_AT_ONCE]
            known += len(await self._known_codes(draft.known.shop, portion))
        self._report.tally(Part.CARDS, Outcome.KNOWN, known)
        if new := len(read.codes) - known:
            self._report.tally(Part.CARDS, Outcome.LEFT, new)
            said = (words.codes_since(new),)
            self._report.say(Line(Part.CARDS, card.name, Outcome.LEFT, said))
        there, shop, pool = set(read.codes), draft.known.shop, PoolId(target)
        gone: list[str] = []
        before: CardId | None = None
        brought = await store.read(partial(_brought_over, shop, pool))
        while page := await store.read(partial(_available, shop, pool, before)):
            before = page[-1].id
            gone += [c.masked for c in page if c.batch in brought and c.code not in there]
        if gone:
            self._report.ask(words.sold_meanwhile(card.name, len(gone), gone[:5]))

    async def _known_codes(self, shop: ShopId, codes: Sequence[str]) -> set[str]:
        if self._into.store is None:
            return set()
        return await self._into.store.read(lambda tx: tx.card_records.known(shop, codes))

    async def _add_codes(self, draft: Draft, writing: Writing, store: Store) -> None:
        codes = self._codes(draft)
        while (found := await asyncio.to_thread(next, codes, None)) is not None:
            card, read = found
            pool = writing.pool(card.key)
            if ("codes", card.key) in draft.known.ledger:
                await self._compare_codes(draft, card, read)
                continue
            if pool is None or await store.read(partial(_is_gone, draft.known.shop, pool)):
                self._report.tally(Part.CARDS, Outcome.LEFT, len(read.codes))
                self._report.say(Line(Part.CARDS, card.name, Outcome.LEFT, (words.NO_CARD,)))
                continue
            new, batch = 0, None
            for start in range(0, len(read.codes), CODES_AT_ONCE):
                portion = read.codes[start : start + CODES_AT_ONCE]
                batch, refused = await store.write(
                    partial(_add_codes, writing, pool, portion, batch)
                )
                new += len(portion) - len(refused)
                self._progress(card.name, start + len(portion), len(read.codes))
            await store.write(partial(_note_codes, writing, card.key, pool))
            self._tell_codes(card, read, new)

    def _codes(self, draft: Draft) -> Iterator[tuple[OldCard, CodesRead]]:
        """Of one card at a time: there may be many."""
        for row in self._original.rows("cards"):
            card = draft.cards.get(cells.raw_text(row, "id").strip())
            if card is not None and card.kind is PoolKind.CODES:
                yield card, read_codes(cells.raw_text(row, "data_content"))

    def _tell_codes(self, card: OldCard, read: CodesRead, new: int) -> None:
        known = len(read.codes) - new
        self._report.tally(Part.CARDS, Outcome.CAME, new)
        self._report.tally(Part.CARDS, Outcome.KNOWN, known)
        self._report.tally(Part.CARDS, Outcome.LEFT, read.left_out)
        notes = words.codes(
            new,
            known=known,
            repeated=read.repeated,
            too_long=read.too_long,
            unreadable=read.unreadable,
        )
        outcome = Outcome.ADAPTED if known or read.left_out else Outcome.CAME
        self._report.say(Line(Part.CARDS, card.name, outcome, notes))

    # --- History ----------------------------------------------------------------------------------

    async def _past(self, draft: Draft, writing: Writing | None) -> None:
        """`writing` None: only look what would come."""
        rules = _default_rules(draft, writing)
        for part, table in ORDER:
            total = await asyncio.to_thread(self._original.count, table)
            found = _rows_of(draft, part, table, self._origin, rules)
            done = 0
            while portion := await asyncio.to_thread(_next_rows, found):
                new = await self._put_past([one for one in portion if one], draft, writing)
                self._report.tally(part, Outcome.CAME, new)
                self._report.tally(part, Outcome.KNOWN, sum(map(bool, portion)) - new)
                done += len(portion)
                self._progress(words.PARTS[part], done, max(total, done))

    async def _put_past(
        self, rows: Sequence[tuple[str, PastRow]], draft: Draft, writing: Writing | None
    ) -> int:
        """How many of them are new."""
        store, shop = self._into.store, draft.known.shop
        if writing is not None and store is not None:
            now = self._into.now()

            def unit(tx: Tx) -> int:
                placed = [(writing.account(key), row) for key, row in rows]
                return sum(
                    row.write(tx, shop, account, now)
                    for account, row in placed
                    if account is not None
                )

            return await store.write(unit)
        if store is None:
            return len(rows)

        def look(tx: Tx) -> int:
            return sum(row.is_new(tx, Place(shop, draft.accounts[key].here)) for key, row in rows)

        return await store.read(look)


def _add_codes(
    writing: Writing, pool: PoolId, codes: Sequence[str], batch: BatchId | None, tx: Tx
) -> tuple[BatchId, list[str]]:
    return writing.add_codes(tx, pool, codes, batch)


def _note_codes(writing: Writing, card: str, pool: PoolId, tx: Tx) -> None:
    writing.note_codes(tx, card, pool)


def _brought_over(shop: ShopId, pool: PoolId, tx: Tx) -> set[BatchId]:
    found = tx.card_records.batches(shop, pool, MOST_BATCHES)
    return {one.id for one in found if one.label == words.BATCH}


def _available(shop: ShopId, pool: PoolId, before: CardId | None, tx: Tx) -> list[StockCard]:
    return tx.card_records.page(
        shop, pool, state=CardState.AVAILABLE, before=before, limit=CODES_AT_ONCE
    )


def _is_gone(shop: ShopId, pool: PoolId, tx: Tx) -> bool:
    return tx.pools.get(shop, pool) is None


def _next_rows(
    rows: Iterator[tuple[str, PastRow] | None],
) -> list[tuple[str, PastRow] | None]:
    return list(islice(rows, ROWS_AT_ONCE))


def _default_rules(draft: Draft, writing: Writing | None) -> dict[str, RuleId | None]:
    """Of accounts that have, or would have, a default reply."""
    if writing is not None:
        made = {key: writing.default_rule(key) for key in draft.accounts}
        return {key: rule for key, rule in made.items() if rule is not None}
    planned: dict[str, RuleId | None] = {
        step.key: None
        for step in draft.steps
        if step.kind == replies.DEFAULT and isinstance(step.act, NewRule)
    }
    for (kind, key), target in draft.known.ledger.items():
        if kind == replies.DEFAULT:
            planned[key] = None if target is None else RuleId(target)
    return planned


def _rows_of(
    draft: Draft, part: Part, table: str, origin: str, rules: dict[str, RuleId | None]
) -> Iterator[tuple[str, PastRow] | None]:
    """None for a row that is told already."""
    before = draft.source.unread[table]
    for row in draft.source.rows(table):
        try:
            yield read_past(draft, part, row, origin, rules)
        except cells.UnreadableCell as error:
            draft.leave(part, words.row_named(table, row), words.unreadable_cell(str(error)))
            yield None
    if lost := draft.source.unread[table] - before:
        draft.leave(part, words.table_named(table), words.rows_lost(lost))


def _plan(draft: Draft, config: dict[str, object], keyword_file: str) -> None:
    plan_people(draft)
    plan_accounts(draft, accounts_of(config))
    replies.plan_replies(draft, keyword_file)
    plan_pools(draft)
    plan_items(draft)
    plan_delivery_rules(draft)
    plan_ai(draft)
    plan_leftovers(draft)
    plan_settings(draft, config)
    if draft.source.damage:
        draft.report.ask(words.DAMAGED)


def _origin_and_sellers(source: Source) -> tuple[str, set[tuple[str, str]]]:
    """A name of the installation, the same in every copy of its database: by its first user. Where
    that one cannot be read there is none; then its accounts tell. Each with its seller's number."""
    sellers = set()
    for row in source.rows("cookies"):
        seller = seller_of(cells.raw_text(row, "value"), cells.raw_text(row, "id").strip())
        sellers.add((cells.raw_text(row, "id").strip(), seller))
    first = next(source.rows("users"), None)
    if first is None or cells.raw_text(first, "id") != FIRST_USER:
        return NO_ORIGIN, sellers
    return key_of(FIRST_USER, cells.raw_text(first, "created_at"))[:16], sellers


def _same_origin(origin: str, sellers: set[tuple[str, str]], tx: Tx) -> str:
    """The name under which things of this installation came before: from a damaged copy, or from a
    backup of one of its users, it may have been another."""
    shop = tx.shops.default()
    users = {account.id: account.user for account in tx.accounts.all(shop)}
    alike = [
        name
        for name, key, target in tx.imports.of_kind(shop, ACCOUNT)
        if target is not None and (key, users.get(AccountId(target))) in sellers
    ]
    if origin in alike or not alike:
        return origin
    if origin == NO_ORIGIN:
        return alike[0]
    return NO_ORIGIN if NO_ORIGIN in alike else origin
