"""Everything that can go wrong, with the verdict that tells the one loop in `outbound` what to do.

HubError
├── SettingsError                    at start-up; names the key; exit 78
├── StoreError                       SchemaTooNew, NotOurs, InUse, NotOurSeat, Conflict
├── PeerError                        anything the outside did; the verdict is a class attribute
│   ├── Unreachable                  nothing left this machine       RETRY
│   │   └── ProxyUnreachable         the account's proxy is in the way
│   ├── Throttled                    told to wait                    LATER
│   ├── Uncertain                    sent, no answer                 RECONCILE
│   ├── AuthExpired                  token, cookie, kicked out       PAUSE
│   ├── VerificationNeeded           captcha, punish page            PAUSE, a human only
│   ├── Rejected                     understood and refused          FAIL
│   └── Malformed                    not known                       QUARANTINE
└── Refusal                          our own "no" to a person
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar


class Verdict(StrEnum):
    RETRY = "retry"
    LATER = "later"
    RECONCILE = "reconcile"
    PAUSE = "pause"
    FAIL = "fail"
    QUARANTINE = "quarantine"


class HubError(Exception):
    """Root of all errors that this program raises on purpose."""


class SettingsError(HubError):
    """A setting is missing, unknown or wrong. The text names the key and says what to mend."""


class StoreError(HubError):
    """The database cannot be used as it is."""


class SchemaTooNew(StoreError):
    """The database was written by a newer version of this program."""


class NotOurs(StoreError):
    """The file is no database of this program."""


class InUse(StoreError):
    """Another process works on the same database file."""


class NotOurSeat(StoreError):
    """Another node holds it by now; nothing of ours was written."""


class Conflict(StoreError):
    """A unique key is already taken."""


class PeerError(HubError):
    """Something outside did not do what we asked.

    `peer` names who (`xianyu`, `qq`), `op` what was asked, `reason` their words if there were any,
    `raw` a bounded sample of the answer for the log; none of them ever holds a secret.
    """

    verdict: ClassVar[Verdict]

    def __init__(self, peer: str, op: str, reason: str = "", *, raw: str = "") -> None:
        # In brackets, because an `op` may end in a word after which logs hide what follows.
        super().__init__(f"{peer} ({op}): {reason}" if reason else f"{peer} ({op})")
        self.peer = peer
        self.op = op
        self.reason = reason
        self.raw = raw[:500]


class Unreachable(PeerError):
    """Nothing left this machine, so trying again is safe."""

    verdict = Verdict.RETRY


class ProxyUnreachable(Unreachable):
    """The account's proxy did not let us out; the peer was never spoken to."""


class Throttled(PeerError):
    """Told to wait; `after` seconds if they said how long."""

    verdict = Verdict.LATER

    def __init__(
        self, peer: str, op: str, reason: str = "", *, raw: str = "", after: float | None = None
    ) -> None:
        super().__init__(peer, op, reason, raw=raw)
        self.after = after


class Uncertain(PeerError):
    """It left this machine and no answer came: it may or may not have happened."""

    verdict = Verdict.RECONCILE


class AuthExpired(PeerError):
    """The login or token is no longer accepted."""

    verdict = Verdict.PAUSE


class VerificationNeeded(PeerError):
    """The platform wants a human to prove something at `url`. We never try to pass it ourselves."""

    verdict = Verdict.PAUSE

    def __init__(
        self, peer: str, op: str, reason: str = "", *, raw: str = "", url: str = ""
    ) -> None:
        super().__init__(peer, op, reason, raw=raw)
        self.url = url


class Rejected(PeerError):
    """Understood and refused; `reason` is for people, `code` the peer's own."""

    verdict = Verdict.FAIL

    def __init__(
        self, peer: str, op: str, reason: str = "", *, raw: str = "", code: str = ""
    ) -> None:
        super().__init__(peer, op, reason, raw=raw)
        self.code = code


class Malformed(PeerError):
    """An answer we cannot read; the sample is kept."""

    verdict = Verdict.QUARANTINE


class Refusal(HubError):
    """Our own "no" to a person: `text` is one Chinese sentence that says what to do."""

    code: ClassVar[str] = "refused"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotFound(Refusal):
    code = "not_found"


class Forbidden(Refusal):
    code = "forbidden"


class Invalid(Refusal):
    """Input that cannot be used; `fields` maps a form field to what is wrong with it."""

    code = "invalid"

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.fields = dict(fields or {})


class Unavailable(Refusal):
    """Cannot be done at the moment, through nobody's fault."""

    code = "unavailable"


class OutOfStock(Refusal):
    code = "out_of_stock"


class AlreadyDelivered(Refusal):
    code = "already_delivered"


class NotConfirmed(Refusal):
    """It needs a second word: the same again with `confirm` as its code. The text says what for;
    each door adds how."""

    code = "not_confirmed"

    def __init__(self, text: str, confirm: str) -> None:
        super().__init__(text)
        self.confirm = confirm


class OnHold(Refusal):
    """Stopped by somebody; resume first."""

    code = "on_hold"


class TooOften(Refusal):
    code = "too_often"
