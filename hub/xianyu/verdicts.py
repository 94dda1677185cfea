"""What the platform's refusals mean, as tables; nobody else looks at its codes and words.

HTTP answers carry `ret`, a list of `CODE::text`; answers on the message connection carry a numeric
`code` and, in the body, `code`, `reason` and friends. The same refusal appears in several spellings
and places, so tables are matched by "contains".
"""

from __future__ import annotations

from hub.errors import (
    AuthExpired,
    Malformed,
    PeerError,
    Rejected,
    Throttled,
    Uncertain,
    Unreachable,
    VerificationNeeded,
)
from hub.xianyu.shapes import EMPTY, Map, as_int, as_map, as_text, dump

PEER = "xianyu"
CONNECT_LIMIT = "connect limit"
"""Code of a Rejected registration: another client owns the slot."""

SESSION_DEAD = (
    "FAIL_SYS_SESSION_EXPIRED",
    "FAIL_BIZ_USER_NOT_LOGIN",
    "ILLEGAL_ACCESS_TOKEN",
    "Session过期",
    "会话过期",
)
VERIFICATION = (
    "FAIL_SYS_USER_VALIDATE",
    "RGV587_",
    "FAIL_BIZ_WUA_IS_MACHINE",
    "FAIL_SYS_ILLEGAL_ACCESS",
    "punish?x5secdata",
    "captcha",
)
VERIFICATION_WORDS = ("被挤爆", "挤爆了")
"""Said by risk control, and by plain throttling too: they count when no code says more."""
VERIFICATION_URL = ("punish", "captcha", "validate")
VERIFICATION_PAGE = ("_____tmd_____", "x5secdata")
STALE_SIGN = (
    "FAIL_SYS_TOKEN_EMPTY",
    "FAIL_SYS_TOKEN_EXOIRED",
    "FAIL_SYS_TOKEN_EXPIRED",
    "FAIL_SYS_TOKEN_ILLEGAL",
    "FAIL_SYS_ILLEGAL_REQUEST",
    "令牌过期",
    "令牌为空",
)
THROTTLED = ("FAIL_SYS_TRAFFIC_LIMIT", "FAIL_SYS_USER_LIMIT")
TOO_SOON = ("FAIL_BIZ_CANNOT_MODIFY_FEE",)
"""The order is still being written down over there; asked again a little later it works."""
TOO_SOON_SECONDS = 3.0
PERMISSION = "PERMISSION_EXCEPTION"
"""Code of a Rejected call to the seller centre by an account without a pro shop."""
MISSING_APIS = ("FAIL_SYS_API_NOT_FOUNDED", "FAIL_SYS_SERVICE_NOT_EXIST")
"""Codes of a Rejected call that the platform does not know (any more)."""
NO_PERMISSION = (PERMISSION, "无权限访问当前站点")
SYSTEM_TROUBLE = (
    "FAIL_SYS_TIMEOUT",
    "FAIL_SYS_ERROR",
    "FAIL_SYS_INTERNAL_ERROR",
    "FAIL_SYS_SERVLET_ASYNC",
)
TOO_EARLY = "400600001"
"""Body code of lists asked for too soon after registration, or too often."""
FORBIDDEN_CONTENT = "CSI_FORBID"

_TOKEN_REFUSED = (
    "invalid token",
    "token invalid",
    "token is not found",
    "token expired",
    "not auth",
    "device id or appkey is not equal",
)
_SLOT_TAKEN = ("connect limit", "session remove", "too many")
_REASON_KEYS = ("reason", "message", "msg", "moreInfo", "developerMessage", "error", "ret")
_TELLING = frozenset({"code", *_REASON_KEYS})
"""Body keys without which an answer of success is nothing else."""
_PASSPORT_WORDS = ("titleMsg", "retMsg", "msg", "message", "code")
_HEADER_REASON_KEYS = ("reason", "message", "msg", "error", "error-message")


class StaleSign(AuthExpired):
    """The signing token was missing or old; the same answer normally brought a fresh one."""


def judge_gateway(op: str, body: object, *, write: bool = False) -> PeerError | None:
    """The error that an HTTP answer stands for, or None for success.

    `write` says that the call has an effect: trouble inside the platform then leaves open whether
    it happened.
    """
    answer = as_map(body)
    ret = answer.get("ret")
    unread = Uncertain if write else Malformed
    lines = [line.strip() for line in ret if isinstance(line, str)] if isinstance(ret, list) else []
    if not lines:
        return unread(PEER, op, "answer without ret", raw=_sample(body))
    text = "\n".join(lines)
    code, _, reason = lines[0].partition("::")
    reason = reason.strip() or code
    url = as_text(as_map(answer.get("data")).get("url"))
    if "SUCCESS" in text:
        return None
    if holds(text, SESSION_DEAD):
        return AuthExpired(PEER, op, reason, raw=text)
    if holds(text, VERIFICATION) or holds(url, VERIFICATION_URL):
        return VerificationNeeded(PEER, op, lines[-1].rpartition("::")[2], raw=text, url=url)
    if holds(text, STALE_SIGN):
        return StaleSign(PEER, op, reason, raw=text)
    if holds(text, THROTTLED):
        return Throttled(PEER, op, reason, raw=text)
    if holds(text, VERIFICATION_WORDS):
        return VerificationNeeded(PEER, op, lines[-1].rpartition("::")[2], raw=text, url=url)
    if holds(text, TOO_SOON):
        return Throttled(PEER, op, reason, raw=text, after=TOO_SOON_SECONDS)
    if holds(text, SYSTEM_TROUBLE):
        kind = Uncertain if write else Unreachable
        return kind(PEER, op, reason, raw=text)
    code = PERMISSION if holds(text, NO_PERMISSION) else code.strip()
    return Rejected(PEER, op, reason, raw=text, code=code)


def judge_effect(op: str, data: Map, *, must_tell: bool = False) -> PeerError | None:
    """The error that the inside of a write's successful answer stands for, or None.

    Some answers of success carry a failure inside. `must_tell`: the answer has to say that the
    effect happened; one that does not leaves it open.
    """
    told = data.get("success")
    if told in (False, "false"):
        reason = find_reason(data)
        return Rejected(PEER, op, reason, raw=_sample(data), code=as_text(data.get("code")))
    if must_tell and told not in (True, "true"):
        return Uncertain(PEER, op, "answer does not tell whether it happened", raw=_sample(data))
    return None


def judge_passport(op: str, answer: Map) -> PeerError | None:
    """The error that an answer of the passport stands for, whatever it was asked; None otherwise.

    It says in its own words what the gateway says in codes.
    """
    if "ret" in answer:
        return judge_gateway(op, answer)
    content = as_map(answer.get("content"))
    spoken = " ".join(as_text(content.get(key)) for key in _PASSPORT_WORDS)
    if holds(spoken, (*VERIFICATION, *VERIFICATION_WORDS)):
        url = as_text(content.get("url")) or as_text(as_map(content.get("data")).get("url"))
        return VerificationNeeded(PEER, op, spoken.strip(), raw=spoken, url=url)
    if not (content or as_map(answer.get("data")) or "hasError" in answer):
        return Malformed(PEER, op, "answer without content", raw=_sample(answer))
    return None


def judge_page(
    op: str, status: int, text: str, location: str = "", *, write: bool = False
) -> PeerError:
    """The error that an HTTP answer which is no JSON stands for; `location` if it redirects."""
    raw = f"HTTP {status}"
    if holds(location, VERIFICATION_URL) or holds(
        text, (*VERIFICATION, *VERIFICATION_WORDS, *VERIFICATION_PAGE)
    ):
        return VerificationNeeded(PEER, op, "verification page", raw=raw, url=location)
    if status == 429:
        return Throttled(PEER, op, raw)
    if status >= 500:
        kind = Uncertain if write else Unreachable
        return kind(PEER, op, raw)
    unread = Uncertain if write else Malformed
    return unread(PEER, op, f"{raw} and no JSON")


def judge_registration(code: int | None, headers: Map, body: object) -> PeerError | None:
    """The error that the answer to a registration stands for, or None for success.

    Trouble inside the platform is Unreachable here: registering twice does no harm.
    """
    if code in (0, 200):
        return None
    op = "register"
    reason = find_reason(body) or next(
        (as_text(headers.get(key)) for key in _HEADER_REASON_KEYS if headers.get(key)), ""
    )
    spoken = (reason + " " + _sample(body)).lower()
    raw = f"code {code}: {reason}"
    if holds(spoken, _SLOT_TAKEN):
        return Rejected(PEER, op, reason, raw=raw, code=CONNECT_LIMIT)
    if code == 429 or TOO_EARLY in spoken:
        return Throttled(PEER, op, reason, raw=raw)
    if code in (401, 403) or holds(spoken, _TOKEN_REFUSED):
        return AuthExpired(PEER, op, reason, raw=raw)
    if code is None:
        return Malformed(PEER, op, "answer without a code", raw=_sample(body))
    if code >= 500:
        return Unreachable(PEER, op, reason, raw=raw)
    return Rejected(PEER, op, reason, raw=raw, code=str(code))


def judge_answer(op: str, code: int | None, body: object) -> PeerError | None:
    """The error that any later answer on the connection stands for, or None for success.

    Content security answers 200 and hides its refusal in the body, so a reason alone is a refusal.
    """
    if code in (0, 200) and isinstance(body, dict) and _TELLING.isdisjoint(body):
        return None
    inner = _bodies(body)
    spoken = " ".join(as_text(part.get(key)) for part in inner for key in ("code", *_REASON_KEYS))
    reason = find_reason(body)
    inner_code = next((as_text(part.get("code")) for part in inner if part.get("code")), "")
    if not inner_code:
        numbers = (as_int(part.get("code")) for part in inner)
        inner_code = next((str(number) for number in numbers if number is not None), "")
    raw = f"code {code}/{inner_code}: {reason}"
    if inner_code == TOO_EARLY or code == 429:
        return Throttled(PEER, op, reason, raw=raw)
    if FORBIDDEN_CONTENT in spoken:
        return Rejected(PEER, op, reason, raw=raw, code=FORBIDDEN_CONTENT)
    if code == 401:
        return AuthExpired(PEER, op, reason or "not logged in", raw=raw)
    if code not in (None, 0, 200):
        return Rejected(PEER, op, reason or f"code {code}", raw=raw, code=inner_code or str(code))
    if reason:
        return Rejected(PEER, op, reason, raw=raw, code=inner_code)
    return None


def find_reason(body: object) -> str:
    """What the platform says about a refusal, for people; empty if it says nothing."""
    for part in _bodies(body):
        for key in _REASON_KEYS:
            text = as_text(part.get(key))
            if text and text != "null":
                return text.rpartition("||")[2]
    return ""


def _bodies(body: object) -> list[Map]:
    if isinstance(body, list):
        return [as_map(part) for part in body[:1]]
    return [as_map(body)] if body else [EMPTY]


def holds(text: str, fragments: tuple[str, ...]) -> bool:
    """Whether a refusal speaks of any of these."""
    return any(fragment in text for fragment in fragments)


def _sample(body: object) -> str:
    try:
        return dump(body)[:300]
    except (TypeError, ValueError, RecursionError):
        return repr(body)[:300]
