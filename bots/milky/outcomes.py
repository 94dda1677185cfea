"""What a call to Milky came to: the adapter's and our own failures as the hub's errors."""

from __future__ import annotations

import re

from nonebot.adapters.milky.exception import (
    ActionFailed,
    InvalidAccessToken,
    NetworkError,
    UnsupportedApi,
)

from bots.port import PEER
from hub.errors import PeerError, Rejected, Uncertain, Unreachable

LONGEST_REASON = 100
NOT_LOGGED_IN = -403
_TIMED_OUT = re.compile(r"timeout|timed out|超时", re.IGNORECASE)


class NotSent(NetworkError):
    """Nothing left this machine."""


class NoAnswer(NetworkError):
    """The request left, or may have; whether it was carried out is not known."""


def as_peer_error(error: Exception, op: str) -> PeerError:
    match error:
        case NotSent():
            return Unreachable(PEER, op, "QQ 机器人没有连接", raw=str(error.msg))
        case InvalidAccessToken():
            return Rejected(PEER, op, "QQ 端不认可访问令牌", code="401")
        case UnsupportedApi():
            return Rejected(PEER, op, "QQ 端不支持这个操作", code="404")
        case ActionFailed():
            return _as_failure(error, op)
        case NetworkError():
            return Uncertain(PEER, op, "QQ 端没有回应", raw=str(error.msg))
        case _:
            raise TypeError(f"no outcome of a QQ action: {error!r}") from error


def _as_failure(failed: ActionFailed, op: str) -> PeerError:
    code = failed.info.get("retcode")
    said = str(failed.info.get("message") or "").strip()
    if code == NOT_LOGGED_IN:
        return Unreachable(PEER, op, "机器人没有登录 QQ", raw=said)
    if op.startswith("send") and _TIMED_OUT.search(said):
        return Uncertain(PEER, op, "QQ 端发送超时", raw=said)
    reason = said.partition("\n")[0][:LONGEST_REASON] or "QQ 端没有说明原因"
    told = f"（代码 {code}）" if code is not None else ""
    return Rejected(PEER, op, reason + told, raw=said, code=str(code or ""))
