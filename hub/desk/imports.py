"""Bringing over what a shop had in xianyu-auto-reply: uploaded, looked at, then done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Protocol

from hub.desk.operator import Operator
from hub.errors import NotFound, Unavailable
from hub.model import ImportJob, MemberId, Role, SentFile
from hub.store import Store
from hub.text import imports as words


class OriginalKeeper(Protocol):
    """Whoever keeps what is uploaded and brings it over."""

    @property
    def largest(self) -> int: ...

    def current(self) -> ImportJob | None: ...

    def written(self, id_: str) -> str: ...

    async def receive(self, files: AsyncIterator[SentFile]) -> ImportJob: ...

    def start(self, id_: str, member: MemberId | None) -> ImportJob: ...

    async def drop(self, id_: str) -> ImportJob: ...


class ImportDesk:
    """For owners: logins and cards of the whole shop are in what they bring."""

    def __init__(
        self, store: Store, keeper: OriginalKeeper | None, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._now = now

    def largest(self, operator: Operator) -> int:
        """Bytes that may be uploaded at once."""
        return self._there(operator).largest

    def current(self, operator: Operator) -> ImportJob | None:
        """The original that was uploaded last, until it is thrown away."""
        return self._there(operator).current()

    def get(self, operator: Operator, id_: str) -> ImportJob:
        """Raises NotFound."""
        job = self._there(operator).current()
        if job is None or job.id != id_:
            raise NotFound(words.GONE)
        return job

    def written(self, operator: Operator, id_: str) -> str:
        """The report as text. Raises NotFound."""
        return self._there(operator).written(id_)

    async def receive(self, operator: Operator, files: AsyncIterator[SentFile]) -> ImportJob:
        """Keep the files; what would come over is found out meanwhile, and nothing is written.

        Raises OnHold while another one is at work, Invalid, Unavailable.
        """
        job = await self._there(operator).receive(files)
        await self._record(operator, "import.upload", job)
        return job

    async def start(self, operator: Operator, id_: str) -> ImportJob:
        """Bring over exactly what was looked at; done twice it changes nothing.

        Raises NotFound, and OnHold where there is nothing to be done any more.
        """
        keeper = self._there(operator)
        news = not self.get(operator, id_).busy
        job = keeper.start(id_, operator.member.id or None)
        if news:
            await self._record(operator, "import.start", job)
        return job

    async def drop(self, operator: Operator, id_: str) -> None:
        """Remove the files. Raises NotFound, OnHold while they are at work."""
        job = await self._there(operator).drop(id_)
        await self._record(operator, "import.drop", job)

    async def _record(self, operator: Operator, action: str, job: ImportJob) -> None:
        now = self._now()
        await self._store.write(lambda tx: operator.record(tx, action, job.name, now))

    def _there(self, operator: Operator) -> OriginalKeeper:
        operator.require(Role.OWNER)
        if self._keeper is None:
            raise Unavailable(words.NOT_HERE)
        return self._keeper
