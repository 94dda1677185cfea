"""What a QQ action came to: NoneBot's and the bridges' failures as the hub's own errors."""

from __future__ import annotations

import re

from nonebot.adapters.onebot.v11 import ActionFailed

from bots.onebot.line import NoAnswer, NotSent
from bots.port import PEER
from hub.errors import PeerError, Rejected, Uncertain, Unreachable

LONGEST_REASON = 100
REASONS = {
    "400": "QQ 端看不懂这个请求",
    "1400": "QQ 端看不懂这个请求",
    "401": "QQ 端不认可访问令牌",
    "403": "QQ 端不认可访问令牌",
    "1401": "QQ 端不认可访问令牌",
    "1403": "QQ 端不认可访问令牌",
    "404": "QQ 端不支持这个操作",
    "1404": "QQ 端不支持这个操作",
}
"""By retcode; NapCat counts from 1400 over a websocket, Lagrange uses the HTTP numbers."""
_INNER_REASON = re.compile(r'"errMsg"\s*:\s*"([^"]+)"')
_TIMED_OUT = re.compile(r"timeout|超时", re.IGNORECASE)


def as_peer_error(error: Exception, op: str) -> PeerError:
    """Translate an exception of `Adapter.say` or of a call.

    NapCat reports 1200 with `Timeout: NTEvent ... sendMsg` when QQ's core gave no sign in time.
    Users see such messages arrive all the same, so that one is uncertain and no refusal.
    """
    if isinstance(error, NotSent):
        return Unreachable(PEER, op, "QQ 机器人没有连接", raw=str(error.msg))
    if isinstance(error, NoAnswer):
        return Uncertain(PEER, op, "QQ 端没有回应", raw=str(error.msg))
    if isinstance(error, ActionFailed):
        return _as_failure(error, op)
    raise TypeError(f"no outcome of a QQ action: {error!r}") from error


def _as_failure(failed: ActionFailed, op: str) -> PeerError:
    code = str(failed.info.get("retcode") or "")
    said = str(failed.info.get("wording") or failed.info.get("message") or "").strip()
    if op.startswith("send") and _TIMED_OUT.search(said):
        return Uncertain(PEER, op, "QQ 端发送超时", raw=said)
    inner = _INNER_REASON.search(said)
    first_line = said.partition("\n")[0][:LONGEST_REASON]
    reason = REASONS.get(code) or (inner.group(1) if inner else first_line) or "QQ 端没有说明原因"
    return Rejected(PEER, op, reason + (f"（代码 {code}）" if code else ""), raw=said, code=code)
