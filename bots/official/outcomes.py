"""What the official platform's answers mean: its codes as a few outcomes, and as the hub's errors.

The codes are those that bots really get; the platform's own pages lag behind. A failure may come
with status 400, or with 200 and a code in the body.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from bots.port import PEER
from hub.errors import AuthExpired, PeerError, Rejected, Throttled, Uncertain

LONGEST_REASON = 100


class Outcome(Enum):
    SAID = auto()
    """It is there, or it is being looked at by the platform's own people."""
    SAID_BEFORE = auto()
    """The same answer to the same message: it arrived the first time."""
    ANCHOR_OVER = auto()
    """What it would answer takes no more answers."""
    NO_PUSH = auto()
    """It answers nothing, and this bot may not speak unasked."""
    NO_BUTTONS = auto()
    LINK = auto()
    """It holds what the platform takes for an address that is not on its list."""
    TOO_FAST = auto()
    TOKEN = auto()
    """The access token is not taken."""
    REFUSED = auto()
    UNKNOWN = auto()
    """The platform broke; whether it was said is not known."""


_CODES = {
    304023: Outcome.SAID,
    304024: Outcome.SAID,
    40054005: Outcome.SAID_BEFORE,
    304027: Outcome.ANCHOR_OVER,
    304103: Outcome.ANCHOR_OVER,
    40034005: Outcome.ANCHOR_OVER,
    40034024: Outcome.ANCHOR_OVER,
    40034031: Outcome.ANCHOR_OVER,
    40034128: Outcome.ANCHOR_OVER,
    40034102: Outcome.NO_PUSH,
    40034105: Outcome.NO_PUSH,
    304036: Outcome.NO_BUTTONS,
    40034124: Outcome.NO_BUTTONS,
    40034127: Outcome.NO_BUTTONS,
    304003: Outcome.LINK,
    40034028: Outcome.LINK,
    22009: Outcome.TOO_FAST,
    11243: Outcome.TOKEN,
    11244: Outcome.TOKEN,
}
_REASONS = {
    304003: "内容里有没在开放平台登记的网址",
    40034028: "内容里有没在开放平台登记的网址",
    40034004: "QQ 没有收下图片",
    40034006: "QQ 认为内容违规",
    40054004: "对方还没有添加这个机器人",
    40054007: "内容太长",
    40054013: "对方关掉了这个机器人的消息",
    40054016: "机器人已下线",
    40054018: "内容太长",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What the platform answered to a request."""

    status: int
    body: dict[str, object]

    @property
    def code(self) -> int:
        for name in ("err_code", "code"):
            value = self.body.get(name)
            if isinstance(value, int) and value:
                return value
        return 0

    @property
    def words(self) -> str:
        return str(self.body.get("message") or "").partition("\n")[0][:LONGEST_REASON]

    @property
    def outcome(self) -> Outcome:
        if self.code in _CODES:
            return _CODES[self.code]
        if self.status == 401:
            return Outcome.TOKEN
        if self.status == 429:
            return Outcome.TOO_FAST
        if self.status >= 500:
            return Outcome.UNKNOWN
        good = 200 <= self.status < 300 and not self.code
        return Outcome.SAID if good else Outcome.REFUSED

    def error(self, op: str) -> PeerError:
        """Of an outcome that is no success."""
        raw = f"{self.status} {self.code} {self.words}"
        match self.outcome:
            case Outcome.TOO_FAST:
                return Throttled(PEER, op, "QQ 嫌官方机器人发得太快", raw=raw)
            case Outcome.TOKEN:
                return AuthExpired(PEER, op, "QQ 不认官方机器人的令牌", raw=raw)
            case Outcome.UNKNOWN:
                return Uncertain(PEER, op, "QQ 开放平台出错了", raw=raw)
            case _:
                said = _REASONS.get(self.code) or self.words or "QQ 没有说明原因"
                code = str(self.code or self.status)
                return Rejected(PEER, op, f"{said}（代码 {code}）", raw=raw, code=code)
