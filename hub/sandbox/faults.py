"""What goes wrong on purpose: a list of faults per account, taken one by one where they bite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

KINDS: dict[str, str] = {
    "mtop_risk": "answer with FAIL_SYS_USER_VALIDATE / RGV587 and a punish address",
    "mtop_throttle": "answer with FAIL_SYS_TRAFFIC_LIMIT",
    "mtop_session_expired": "answer with FAIL_SYS_SESSION_EXPIRED",
    "mtop_token_expired": "answer with FAIL_SYS_TOKEN_EXOIRED and a new token pair",
    "mtop_ret": "answer with `reason` as the only ret code",
    "mtop_garbage": "answer with an HTML page",
    "mtop_http500": "answer with HTTP 500",
    "mtop_delay": "answer `seconds` late",
    "mtop_stored": "do the call, then cut the connection without an answer",
    "mtop_lost": "do nothing and cut the connection without an answer",
    "mtop_unsure": "answer SUCCESS with `data.success` false and do nothing",
    "passport_html": "answer a passport call with an HTML page",
    "passport_refused": "answer a passport call with `content.success` false",
    "passport_delay": "answer a passport call `seconds` late",
    "qr_error": "answer a QR query with `hasError`",
    "qr_status": "answer a QR query with `reason` as its state",
    "upload_html": "answer an upload with an HTML page",
    "upload_refused": "refuse an upload with a JSON answer that names no address",
    "upload_delay": "answer an upload `seconds` late",
    "upload_lost": "take the picture and cut the connection without an answer",
    "picture_missing": "answer a request for a picture with 404",
    "picture_moved": "send a request for a picture on to `reason`",
    "reg_refused": "refuse /reg with code 401 and `reason`",
    "reg_limit": "refuse /reg because of the connect limit",
    "reg_silent": "do not answer /reg",
    "answer_drop": "do the request, never answer it (`subject`: only this lwp)",
    "answer_delay": "answer `seconds` late (`subject`: only this lwp)",
    "cut_on_request": "cut the connection when a request arrives, before it is done",
    "cut_on_answer": "do the request, cut the connection instead of answering",
    "cut_on_push": "cut the connection instead of sending a push",
    "cut_after_push": "send a push, then hang up before its acknowledgement",
    "half_open": "from this request on be silent: the connection stays open, nothing is answered",
    "list_throttle": "answer conversation and history lists with 400600001",
    "send_no_body": "accept the send, answer without a body",
    "send_stored": "accept and show the send to the buyer; neither answer nor echo",
    "send_lost": "take the send and lose it: not stored, no answer",
    "send_blocked": "refuse the send with CSI_FORBID",
    "send_failed": "refuse the send with code 400",
    "send_throttled": "refuse the send with 400600001",
    "echo_missing": "accept the send, push no echo",
    "push_lost": "store the message, push nothing",
    "push_delay": "push `seconds` late",
    "push_duplicate": "push the same frame's entries twice",
    "push_reorder": "hold the push back until the next one has gone out",
    "push_gap": "announce a gap (syncExtraType `reason`, 1 unless told) instead of pushing",
    "push_malformed": "put an unreadable entry into the middle of the push",
    "push_garbage": "send a frame that is no JSON before the push",
    "ai_slow": "the model answers `seconds` late (`subject`: only this model)",
    "ai_throttle": "the model answers 429 with a Retry-After of `seconds`",
    "ai_error": "the model refuses; `reason` is status, code and words: `402 balance no money`",
    "ai_http500": "the model answers with HTTP 500 and an HTML page",
    "ai_garbage": "the model's server answers with an HTML page",
    "ai_says": "the model writes `reason` instead of what it would",
    "ai_empty": "the model writes nothing",
    "ai_endless": "the model never stops writing",
    "ai_refusal": "the model refuses to answer",
    "ai_cut": "the connection to the model is cut without an answer",
}
"""Every fault and what it does."""

EVERYBODY = "*"


@dataclass(slots=True)
class Fault:
    kind: str
    times: int | None = 1
    """How often it bites; None: until it is cleared."""
    seconds: float = 0.0
    reason: str = ""
    subject: str = ""
    """Only this mtop API, passport path, lwp or model; empty: all of them."""
    after: int = 0
    """Let so many chances pass before it bites."""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Fault:
        """Raises ValueError that names the unknown kind or field."""
        known = {field.name for field in fields(cls)}
        wrong = set(values) - known
        if wrong:
            raise ValueError(f"unknown field {sorted(wrong)[0]!r}; known: {sorted(known)}")
        fault = cls(**values)
        if fault.kind not in KINDS:
            raise ValueError(f"unknown fault {fault.kind!r}; known: {sorted(KINDS)}")
        return fault


class Faults:
    """All faults that are still to come, in the order in which they were added."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Fault]] = {}

    def add(self, user: str, kind: str, **values: Any) -> None:
        self._waiting.setdefault(user, []).append(Fault.parse({"kind": kind, **values}))

    def take(self, user: str, kind: str, subject: str = "") -> Fault | None:
        """The next fault of this kind for the account, used up once; None if there is none."""
        if not self._waiting:
            return None
        for owner in (user, EVERYBODY):
            for fault in self._waiting.get(owner, ()):
                if fault.kind != kind or fault.subject not in ("", subject):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                self._use(owner, fault)
                return fault
        return None

    def _use(self, owner: str, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            self._waiting[owner].remove(fault)
            if not self._waiting[owner]:
                del self._waiting[owner]

    def clear(self, user: str | None = None, kind: str | None = None) -> None:
        """Forget the faults of one account or all, of one kind or all."""
        for owner in [user] if user is not None else list(self._waiting):
            left = [f for f in self._waiting.get(owner, ()) if kind is not None and f.kind != kind]
            self._waiting.pop(owner, None)
            if left:
                self._waiting[owner] = left

    def listed(self) -> dict[str, list[dict[str, Any]]]:
        return {owner: [asdict(fault) for fault in some] for owner, some in self._waiting.items()}
