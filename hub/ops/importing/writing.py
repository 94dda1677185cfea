"""Makes what an import has thought out, in small units of work that can be done again.

Each thing is remembered in the unit that makes it, so a run that was cut short is finished by the
next one. Nothing here starts, sends or tells anything: accounts are made switched off, rules of
delivery too, and stock is put in without a word to anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby, islice
from pathlib import Path

from hub.errors import Conflict
from hub.model import (
    AccountId,
    AiScope,
    BatchId,
    Cause,
    PoolId,
    RuleId,
    ShopId,
    StoredPicture,
)
from hub.ops.importing import people, replies, stock
from hub.ops.importing.pictures import KeptPictures
from hub.ops.importing.plan import (
    Draft,
    NewAccount,
    NewAi,
    NewDeliveryRule,
    NewMember,
    NewPool,
    NewRule,
    SameAccount,
    Step,
)
from hub.ops.importing.report import Outcome
from hub.policy import stock_level
from hub.store import Store, Tx
from hub.text import imports as words
from hub.xianyu import new_device_id

AT_ONCE = 50
"""Steps in one unit of work, so that buyers' messages do not wait."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A step whose slow parts are done: the password is hashed, the picture is on the disk."""

    step: Step
    password: str | None = None
    pictures: tuple[StoredPicture, ...] = ()


class Writing:
    def __init__(
        self,
        store: Store,
        draft: Draft,
        origin: str,
        door: str,
        now: Callable[[], datetime],
        hash_password: Callable[[str], str],
        pictures: KeptPictures,
    ) -> None:
        self._store = store
        self._draft = draft
        self._origin = origin
        self._door = door
        self._now = now
        self._hash_password = hash_password
        self._pictures = pictures
        self._made: dict[tuple[str, str], int] = {
            which: target for which, target in draft.known.ledger.items() if target is not None
        }

    @property
    def shop(self) -> ShopId:
        return self._draft.known.shop

    def account(self, key: str) -> AccountId | None:
        """The account here that one of the original became."""
        old = self._draft.accounts.get(key)
        if old is None or old.gone:
            return None
        if old.here is not None:
            return old.here
        made = self._made.get((people.ACCOUNT, old.key))
        return None if made is None else AccountId(made)

    def pool(self, card: str) -> PoolId | None:
        made = self._made.get((stock.POOL, card))
        return None if made is None else PoolId(made)

    def default_rule(self, account: str) -> RuleId | None:
        made = self._made.get((replies.DEFAULT, account))
        return None if made is None else RuleId(made)

    async def put_all(self, progress: Progress) -> None:
        """All steps in their order; what cannot be made is told and costs itself only."""
        done, total = 0, len(self._draft.steps)
        for _, alike in groupby(self._draft.steps, key=lambda step: step.kind):
            while portion := list(islice(alike, AT_ONCE)):
                ready = [await self._ready(step) for step in portion]
                made = await self._store.write(partial(self._put, ready))
                for one, target in zip(ready, made, strict=True):
                    self._settle(one.step, target)
                done += len(portion)
                progress(words.PLAN, done, total)

    def _settle(self, step: Step, made: int | str | None) -> None:
        if isinstance(made, str):
            self._draft.leave(step.line.part, step.line.name, made)
            return
        self._draft.report.add(step.line)
        if made is not None:
            self._made[step.kind, step.key] = made

    async def _ready(self, step: Step) -> _Ready:
        match step.act:
            case NewMember(hashed=str(hashed)):
                kept = await asyncio.to_thread(self._hash_password, hashed)
                return _Ready(step, password=kept)
            case (
                NewRule(picture=(Path() | str()) as picture)
                | NewPool(picture=(Path() | str()) as picture)
            ):
                kept_picture = await self._pictures.keep(picture)
                if isinstance(kept_picture, StoredPicture):
                    return _Ready(step, pictures=(kept_picture,))
                return self._without_picture(step, kept_picture)
            case _:
                return _Ready(step)

    def _without_picture(self, step: Step, why: str) -> _Ready:
        """It comes switched off, and a person brings the picture."""
        self._draft.report.ask(words.ADD_PICTURES)
        notes = tuple(note for note in step.line.notes if note != words.PICTURE_FETCHED)
        address = step.act.picture if isinstance(step.act, NewRule | NewPool) else None
        said = words.picture_not_fetched(str(address), why)
        line = replace(step.line, outcome=Outcome.ADAPTED, notes=(*notes, said))
        act = step.act
        if isinstance(act, NewRule):
            act = replace(act, rule=replace(act.rule, enabled=False))
        elif isinstance(act, NewPool):
            act = replace(act, enabled=False)
        return _Ready(replace(step, line=line, act=act))

    def _put(self, ready: Sequence[_Ready], tx: Tx) -> list[int | str | None]:
        """What became of each: its id, nothing of its own (None), or why it was left."""
        now = self._now()
        found: list[int | str | None] = []
        for one in ready:
            made = self._make(tx, one, now)
            if not isinstance(made, str):
                step = one.step
                tx.imports.note(self.shop, self._origin, step.kind, step.key, made, now)
            found.append(made)
        return found

    def _make(self, tx: Tx, ready: _Ready, now: datetime) -> int | str | None:
        try:
            match ready.step.act:
                case NewMember() as member:
                    return self._member(tx, member, ready.password, now)
                case NewAccount() as account:
                    return self._account(tx, account, now)
                case SameAccount(account=id_):
                    return id_
                case NewRule() as rule:
                    return self._rule(tx, rule, ready.pictures, now)
                case NewPool() as pool:
                    return self._pool(tx, pool, ready.pictures, now)
                case NewDeliveryRule() as delivery:
                    return self._delivery_rule(tx, delivery, now)
                case NewAi() as ai:
                    return self._ai(tx, ai, now)
        except Conflict:
            return words.TAKEN_MEANWHILE

    def _member(self, tx: Tx, new: NewMember, password: str | None, now: datetime) -> int:
        """Mail goes to nobody because of an import."""
        member = tx.members.add(
            self.shop,
            new.name,
            new.role,
            email=new.email,
            urgent_mail=False,
            password_hash=password,
            now=now,
        )
        if not new.active:
            tx.members.update(self.shop, member.id, active=False)
        return member.id

    def _account(self, tx: Tx, new: NewAccount, now: datetime) -> int:
        account = tx.accounts.add(
            self.shop,
            name=new.name,
            user=new.user,
            device_id=new_device_id(new.user),
            cookies=new.cookies,
            takeover_minutes=new.takeover_minutes,
            now=now,
        )
        tx.accounts.set_enabled(self.shop, account.id, False, now)
        return account.id

    def _rule(
        self, tx: Tx, new: NewRule, pictures: tuple[StoredPicture, ...], now: datetime
    ) -> int | str:
        account = self.account(new.account) if new.account is not None else None
        if new.account is not None and account is None:
            return words.no_account(new.account)
        rule = replace(new.rule, account=account, pictures=pictures)
        return tx.rules.add(rule, now).id

    def _pool(
        self, tx: Tx, new: NewPool, pictures: tuple[StoredPicture, ...], now: datetime
    ) -> int:
        pool = tx.pools.add(
            self.shop,
            name=new.name,
            kind=new.kind,
            template=new.template,
            text=new.text,
            pictures=pictures,
            supplier=new.supplier,
            now=now,
        )
        if not new.enabled:
            tx.pools.update(self.shop, pool.id, enabled=False)
        return pool.id

    def _delivery_rule(self, tx: Tx, new: NewDeliveryRule, now: datetime) -> int | str:
        account = self.account(new.account) if new.account is not None else None
        pool = self.pool(new.card)
        if pool is None or tx.pools.get(self.shop, pool) is None:
            return words.NO_CARD
        if new.account is not None and account is None:
            return words.no_account(new.account)
        return tx.delivery_rules.add(replace(new.rule, account=account, pool=pool), now).id

    def _ai(self, tx: Tx, new: NewAi, now: datetime) -> int | str | None:
        account = self.account(new.account)
        if account is None:
            return words.no_account(new.account)
        made = None
        if new.profile is not None:
            made = tx.ai_profiles.add(replace(new.profile, account=account), now).id
        if account not in self._draft.known.ai_accounts and new.scope != AiScope():
            tx.ai_scopes.set_account(self.shop, account, new.scope, now)
        there = {(one.account, one.item) for one in tx.floors.all(self.shop)}
        if new.floor is not None and (account, None) not in there:
            tx.floors.set(self.shop, account, None, new.floor, now)
        for item, floor in new.item_floors:
            if not any(of_item == item for _, of_item in there):
                tx.floors.set(self.shop, account, item, floor, now)
        return made

    # --- Codes ------------------------------------------------------------------------------------

    def add_codes(
        self, tx: Tx, pool: PoolId, codes: Sequence[str], batch: BatchId | None
    ) -> tuple[BatchId, list[str]]:
        """One portion; returns the batch and the codes that the shop knew already."""
        now = self._now()
        if batch is None:
            by = Cause(None, self._door)
            batch = tx.card_records.new_batch(self.shop, pool, words.BATCH, by=by, now=now)
        refused = tx.cards.add(self.shop, pool, codes, batch=batch, now=now)
        return batch, refused

    def note_codes(self, tx: Tx, card: str, pool: PoolId) -> None:
        """All codes of a card are there. Owners are told of what falls from now on."""
        found = tx.pools.get(self.shop, pool)
        if found is not None:
            level = stock_level(found.counts.available, found.low_at)
            tx.pools.set_told(self.shop, pool, level)
        tx.imports.note(self.shop, self._origin, "codes", card, pool, self._now())
