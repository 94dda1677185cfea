"""Mails to members: gathered, sent, settled by verdict.

A mail whose acceptance is not known is sent again: news that come twice do less harm than news that
never come, and the same `Message-ID` shows that it is the same mail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from loguru import logger

from hub.errors import AuthExpired, PeerError, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    ORDINARY,
    Letter,
    MailTrouble,
    SendMail,
    ShopId,
    Task,
    TaskId,
    TaskState,
    mail_lane,
)
from hub.notices import tell_owners_of_shop
from hub.outbound.worker import Claim
from hub.policy import MOST_PARTS, backoff, mail_due
from hub.settings import MailSettings
from hub.store import Store, Tx
from hub.text import mail as text

PAUSE = timedelta(minutes=15)
"""How long a server that does not let us send is left alone."""
FIRST_AGAIN, MOST_AGAIN = 30.0, 900.0
FIRST_LATER, MOST_LATER = 300.0, 1800.0
"""After the server asked for patience: greylisting takes about five minutes."""
MOST_UNCERTAIN = 3
"""Times that a mail leaves without an answer."""
TELL_AFTER = timedelta(minutes=30)
"""How long mails may wait for a server out of reach before owners are told."""


class MailPort(Protocol):
    """What a mail server offers; see `hub.notify.MailServer`."""

    @property
    def configured(self) -> bool: ...

    async def send(self, letter: Letter) -> None: ...


@dataclass(frozen=True, slots=True)
class MailWords:
    """What mails are written with."""

    zone: ZoneInfo
    public_url: str


class Mails:
    """Performs `SendMail`. `count` hears what became of each attempt."""

    def __init__(
        self,
        store: Store,
        server: MailPort,
        settings: MailSettings,
        words: MailWords,
        *,
        now: Callable[[], datetime],
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._server = server
        self._settings = settings
        self._words = words
        self._now = now
        self._count = count
        self._began = now()
        self._last: dict[str, datetime] = {}
        """When each address was last written to, with what is urgent and with what is not."""
        self._tries: dict[TaskId, int] = {}
        """Of open tasks. A new process starts to count anew, that does no harm."""
        self._unanswered: dict[TaskId, int] = {}

    async def perform(self, claim: Claim) -> None:
        work = claim.task.work
        assert isinstance(work, SendMail)  # noqa: S101 - performers are registered by kind
        ready = await self._store.write(lambda tx: self._make_ready(tx, claim, work))
        if ready is None:
            return
        try:
            await self._server.send(self._letter(claim.task, ready))
        except Uncertain as error:
            self._note(claim, ready, error)
            await self._send_again(claim, error)
        except Rejected as error:
            self._note(claim, ready, error)
            await self._store.write(partial(self._refused, claim, ready, error))
        except PeerError as error:
            self._note(claim, ready, error)
            await self._store.write(partial(self._wait, claim, error))
        else:
            self._count("sent")
            to = text.masked_address(ready.to)
            logger.info("mail {} to {} handed over ({} news)", claim.task.id, to, len(ready.parts))
            await self._store.write(lambda tx: self._sent(tx, claim, ready))

    # --- Before ---------------------------------------------------------------------------------

    def _make_ready(self, tx: Tx, claim: Claim, work: SendMail) -> SendMail | None:
        """Look whether it is still wanted, take in what may go with it, mark it as on the wire.
        None: it does not leave now."""
        task, now = claim.task, self._now()
        if (why := self._why_not(tx, task, work, now)) is not None:
            tx.outbox.settle(task, claim.holder, TaskState.DROPPED, error=why, now=now)
            self._forget(task.id)
            return None
        if (due_at := self._due(tx, task, work)) > now:
            tx.outbox.release(task, claim.holder, due_at)
            return None
        if task.wire_at is None:  # else it may be known as it is
            work = self._join(tx, claim, work, now)
        return work if tx.outbox.mark_wire(task, claim.holder, now) else None

    def _why_not(self, tx: Tx, task: Task, work: SendMail, now: datetime) -> str | None:
        if not self._server.configured:
            return "no mail server is set"
        if task.expires_at is not None and now >= task.expires_at:
            return "expired"
        wanted = {one.casefold() for one in tx.members.mailed(task.shop)}
        if work.to.casefold() not in wanted:
            return "nobody wants mail there"
        if work.unless and tx.outbox.reached(task.shop, work.unless):
            return "told in chat"
        return None

    def _due(self, tx: Tx, task: Task, work: SendMail) -> datetime:
        settings = self._settings
        wait = (
            timedelta(minutes=settings.untold_minutes)
            if work.unless
            else timedelta(seconds=settings.gather_seconds)
        )
        last = self._last.get(_spaced(work))
        spacing = timedelta(minutes=settings.spacing_minutes)
        due_at = mail_due(task.created_at, last, wait=wait, spacing=spacing)
        trouble = tx.mail_troubles.get(task.shop)
        if trouble is not None and trouble.at >= self._began:  # settings may be others since
            due_at = max(due_at, trouble.until)
        return due_at

    def _join(self, tx: Tx, claim: Claim, work: SendMail, now: datetime) -> SendMail:
        """One mail for all that waits in its lane."""
        task, parts = claim.task, list(work.parts)
        for other in tx.outbox.waiting(task.shop, task.lane):
            more = other.work
            if other.id == task.id or not isinstance(more, SendMail):
                continue
            if len(parts) + len(more.parts) > MOST_PARTS:
                break
            if (why := self._why_not(tx, other, more, now)) is not None:
                tx.outbox.drop(task.shop, other.id, error=why, now=now)
                continue
            if more.unless and now < self._due(tx, other, more):
                continue  # it may still arrive in chat
            if tx.outbox.drop(task.shop, other.id, error=f"joined mail {task.id}", now=now):
                parts += more.parts
        if len(parts) == len(work.parts):
            return work
        joined = SendMail(work.to, tuple(parts))
        tx.outbox.rewrite(task, claim.holder, joined)
        return joined

    def _letter(self, task: Task, work: SendMail) -> Letter:
        now = self._now()
        same = f"{task.shop}:{task.id}:{task.key}:{task.created_at.isoformat()}"
        return Letter(
            id=hashlib.sha256(same.encode()).hexdigest()[:32],
            to=work.to,
            subject=text.mail_subject(work.parts),
            text=text.mail_body(work.parts, self._words.zone, now, self._words.public_url),
            at=now,
        )

    # --- Afterwards -----------------------------------------------------------------------------

    def _note(self, claim: Claim, work: SendMail, error: PeerError) -> None:
        self._count(type(error).__name__.lower())
        to = text.masked_address(work.to)
        logger.warning("mail {} to {}: {}", claim.task.id, to, error)

    def _sent(self, tx: Tx, claim: Claim, work: SendMail) -> None:
        now = self._now()
        self._last[_spaced(work)] = now
        self._forget(claim.task.id)
        tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now)
        tx.mail_troubles.clear(claim.task.shop)

    async def _send_again(self, claim: Claim, error: Uncertain) -> None:
        task, now = claim.task, self._now()
        times = self._unanswered[task.id] = self._unanswered.get(task.id, 0) + 1

        def unit(tx: Tx) -> None:
            if times < MOST_UNCERTAIN:
                due_at = now + _again(times, FIRST_AGAIN, MOST_AGAIN)
                tx.outbox.release(task, claim.holder, due_at, error=error.reason)
                return
            self._forget(task.id)
            tx.outbox.settle(task, claim.holder, TaskState.UNCERTAIN, error=error.reason, now=now)

        await self._store.write(unit)

    def _refused(self, claim: Claim, work: SendMail, error: Rejected, tx: Tx) -> None:
        """The letter or its address is not taken; the server itself works."""
        task, now = claim.task, self._now()
        self._forget(task.id)
        if not tx.outbox.settle(task, claim.holder, TaskState.FAILED, error=error.reason, now=now):
            return
        key = f"mail-refused:{work.to.casefold()}:{now.date()}"
        said = text.mail_refused_notice(work.to, error.reason)
        tell_owners_of_shop(tx, task.shop, said, key=key, now=now)

    def _wait(self, claim: Claim, error: PeerError, tx: Tx) -> None:
        """It certainly was not taken: again later."""
        task, now = claim.task, self._now()
        tries = self._tries[task.id] = self._tries.get(task.id, 0) + 1
        if isinstance(error, AuthExpired):
            due_at = now + PAUSE
            self._troubled(tx, task.shop, error.reason, due_at)
        elif isinstance(error, Throttled):
            due_at = now + _again(tries, FIRST_LATER, MOST_LATER)
        else:
            due_at = now + _again(tries, FIRST_AGAIN, MOST_AGAIN)
            if isinstance(error, Unreachable) and now - task.created_at >= TELL_AFTER:
                self._troubled(tx, task.shop, error.reason, now)
        # An earlier attempt may have left without an answer: then it stays as it is.
        clear = task.wire_at is None
        tx.outbox.release(task, claim.holder, due_at, error=error.reason, clear_wire=clear)

    def _troubled(self, tx: Tx, shop: ShopId, reason: str, until: datetime) -> None:
        """Owners are told in chat once, until a mail gets through again."""
        now, before = self._now(), tx.mail_troubles.get(shop)
        since = now if before is None else before.since
        tx.mail_troubles.set(shop, MailTrouble(reason, since, now, until))
        if before is None:
            said = text.mail_trouble_notice(reason)
            tell_owners_of_shop(tx, shop, said, key=f"mail-trouble:{now.isoformat()}", now=now)

    def _forget(self, task: TaskId) -> None:
        self._tries.pop(task, None)
        self._unanswered.pop(task, None)


def _spaced(work: SendMail) -> str:
    """What the spacing is between: mails to one address, and apart from them ordinary ones."""
    return mail_lane(work.to, ordinary=all(part.kind in ORDINARY for part in work.parts))


def _again(tries: int, first: float, most: float) -> timedelta:
    return timedelta(seconds=backoff(tries, first=first, most=most, jitter=0))
