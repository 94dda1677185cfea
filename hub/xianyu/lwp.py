"""The message protocol without a socket: text in, values out, values in, text out.

A connection is told what came (`receive`) and asked for what to send (`request`, `acknowledge`).
It knows which answers are owed. It reads no clock, no socket and logs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from hub.xianyu.shapes import Map, as_int, as_map, dump

HEARTBEAT = "/!"
REGISTER = "/reg"
SEND = "/r/MessageSend/sendByReceiverScope"
READ = "/r/MessageStatus/read"
RECALL = "/r/MessageManager/recallMessage"
CREATE = "/r/SingleChatConversation/create"
HISTORY = "/r/MessageManager/listUserMessages"
CONVERSATIONS = "/r/Conversation/listNewestPagination"
GET_STATE = "/r/SyncStatus/getState"
ACK_DIFF = "/r/SyncStatus/ackDiff"

KICKOUTS = ("/push/kickout", "/push/kickoutV2")
REMOVALS = ("/s/session/remove",)

_ECHOED = ("app-key", "mid", "ua", "sid", "dt")
"""Headers of a push that its acknowledgement repeats."""
_GAPS = (1, 2)
"""`syncExtraType` values that say the server lost track of what we have."""

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the platform answered to one of our requests."""

    code: int | None
    headers: Map
    body: object


@dataclass(frozen=True, slots=True)
class Answer(Generic[W]):
    """A reply and whoever waits for it."""

    waiter: W
    reply: Reply


@dataclass(frozen=True, slots=True)
class Pushed:
    """The server tells something: entries not yet decoded, and what its acknowledgement repeats."""

    lwp: str
    entries: tuple[object, ...]
    echo: Mapping[str, object]
    gap: bool
    """The server asks us to compare sync states."""


@dataclass(frozen=True, slots=True)
class KickedOut:
    """Another registration took this one's place, or the token died."""


@dataclass(frozen=True, slots=True)
class Removed:
    """The platform took the connection away because there are too many."""


@dataclass(frozen=True, slots=True)
class Stray:
    """An answer nobody waits for (any more)."""

    mid: str


@dataclass(frozen=True, slots=True)
class Garbled:
    """Text that is no frame."""

    text: str
    reason: str


Incoming = Answer[W] | Pushed | KickedOut | Removed | Stray | Garbled


class Connection(Generic[W]):
    """One connection's memory. `clock` gives milliseconds since 1970 for request ids."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._count = 0
        self._owed: dict[str, W] = {}

    def request(
        self,
        waiter: W,
        lwp: str,
        body: list[object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[str, str]:
        """The request's id and text. The waiter is registered before anybody sees the text."""
        mid = f"{self._count % 1000}{self._clock()} 0"
        while mid in self._owed:
            self._count += 1
            mid = f"{self._count % 1000}{self._clock()} 0"
        self._count += 1
        frame: dict[str, object] = {"lwp": lwp, "headers": {**(headers or {}), "mid": mid}}
        if body is not None:
            frame["body"] = body
        self._owed[_key(mid)] = waiter
        return mid, dump(frame)

    def forget(self, mid: str) -> None:
        """Nobody waits for this answer any more."""
        self._owed.pop(_key(mid), None)

    def abandon(self) -> list[W]:
        """The line is gone: everybody who will get no answer now."""
        waiters = list(self._owed.values())
        self._owed.clear()
        return waiters

    def receive(self, text: str) -> Incoming[W]:
        """What one text frame means. Never raises."""
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError) as error:
            return Garbled(text, f"no JSON: {error}")
        if not isinstance(frame, dict):
            return Garbled(text, "no JSON object")
        headers = as_map(frame.get("headers"))
        lwp = frame.get("lwp")
        mid = headers.get("mid")
        if isinstance(mid, str) and ("code" in frame or not lwp):
            key = _key(mid)
            if key in self._owed:
                reply = Reply(as_int(frame.get("code")), headers, frame.get("body"))
                return Answer(self._owed.pop(key), reply)
        if not isinstance(lwp, str) or not lwp:
            return Stray(mid) if isinstance(mid, str) else Garbled(text, "neither answer nor push")
        if lwp in KICKOUTS:
            return KickedOut()
        if lwp in REMOVALS:
            return Removed()
        echo = {name: headers[name] for name in _ECHOED if name in headers}
        return pushed(lwp, echo, frame.get("body"))


def acknowledge(echo: Mapping[str, object]) -> str:
    """The text that tells the server a push is safe with us."""
    return dump({"code": 200, "headers": echo})


def _key(mid: str) -> str:
    """The part before the blank is what both sides agree on."""
    return mid.partition(" ")[0]


def pushed(lwp: str, echo: Mapping[str, object], body: object) -> Pushed:
    """A push from its body. Some servers put one into the answer to a sync request as well."""
    whole = as_map(body)
    entries = as_map(whole.get("syncPushPackage")).get("data")
    gap = as_int(as_map(whole.get("syncExtraType")).get("type")) in _GAPS
    return Pushed(lwp, tuple(entries) if isinstance(entries, list) else (), echo, gap)
