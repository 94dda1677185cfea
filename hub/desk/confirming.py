"""The second word for what cannot be undone: `确认 4821`, from the same person, within a minute."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub import text
from hub.commands import narrow
from hub.desk.operator import Operator
from hub.errors import Invalid, NotConfirmed
from hub.model import ASKED_STEM, OperatorMessage
from hub.store import Store, Tx

LASTS = timedelta(seconds=60)
SECONDS = int(LASTS.total_seconds())

Act = Callable[[Operator, str], Awaitable[str]]
"""Does it with the code that was given (empty at first); raises NotConfirmed to be asked again."""
_Asked = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Waiting:
    act: Act
    about: str
    code: str
    until: datetime


class Confirmations:
    """What waits for its second word, one per person and chat. Kept in memory on purpose: what was
    asked before a restart has expired after it, and says so. Only that it was asked is stored, so
    that the number alone, said after a restart, is never taken for words to a buyer."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._waiting: dict[_Asked, _Waiting] = {}

    async def run(self, operator: Operator, message: OperatorMessage, about: str, act: Act) -> str:
        """Do it, or ask for the second word. `about`: what it is done to, for people."""
        self._waiting.pop(_asked(message), None)
        return await self._try(operator, message, about, act, "")

    def waits(self, message: OperatorMessage) -> bool:
        """Whether something of this person waits here, in time or not."""
        return _asked(message) in self._waiting

    def asks_for(self, message: OperatorMessage) -> str | None:
        """The code that this person may still say here."""
        waiting = self._waiting.get(_asked(message))
        return waiting.code if waiting is not None and self._now() < waiting.until else None

    async def was_asked(self, operator: Operator, message: OperatorMessage, code: str) -> bool:
        """Whether this person was asked for this code here, in time or some hours ago."""
        key = _key(message, code)
        return bool(await self._store.read(lambda tx: tx.inputs.known(operator.shop, [key])))

    async def confirm(self, operator: Operator, message: OperatorMessage, code: str) -> str:
        """The second word was said. Raises Invalid if it is wrong or comes too late."""
        waiting = self._waiting.get(_asked(message))
        if waiting is None or waiting.until <= self._now():
            self._waiting.pop(_asked(message), None)
            bare = code if narrow(message.text).strip() == code else ""
            raise Invalid(text.confirm_late(SECONDS, bare))
        if code != waiting.code:
            raise Invalid(text.confirm_wrong(waiting.code))
        del self._waiting[_asked(message)]
        return await self._try(operator, message, waiting.about, waiting.act, code)

    async def _try(
        self, operator: Operator, message: OperatorMessage, about: str, act: Act, code: str
    ) -> str:
        try:
            return await act(operator, code)
        except NotConfirmed as asked:
            until = self._now() + LASTS
            self._waiting[_asked(message)] = _Waiting(act, about, asked.confirm, until)
            key, now = _key(message, asked.confirm), self._now()
            await self._store.write(lambda tx: _note(tx, operator, key, now))
            return text.confirm_question(asked.text, about, asked.confirm, SECONDS)


def _note(tx: Tx, operator: Operator, key: str, now: datetime) -> None:
    """That it was asked now, and not only some other time."""
    tx.inputs.forget(operator.shop, key, now)
    tx.inputs.first_time(operator.shop, key, now)


def _key(message: OperatorMessage, code: str) -> str:
    return f"{ASKED_STEM}{':'.join(_asked(message))}:{code}"


def _asked(message: OperatorMessage) -> _Asked:
    return (message.peer.scene, message.peer.peer, message.sender)
