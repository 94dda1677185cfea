"""What a command answers, in each situation that it can be written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from delivery_stage import FIRST, SECOND

__all__ = ["FIRST", "SECOND", "Case"]

UNPAID = "4400112233441110001"
BARGAIN = "4400112233442220002"
"""Waits for the buyer's friends."""
REVIEWED = "4400112233443330003"
"""Its card left, and nobody knows whether it arrived."""
Said = tuple[str, str]
"""What is written, and what the answer holds."""
NOT_HERE = "needs a phone or the platform: a journey over sockets"


@dataclass(frozen=True, slots=True)
class Case:
    happy: Said | str
    """A sentence instead of an example says where it is proved."""
    missing: Said | None = None
    """None: it needs no argument."""
    unknown: Said | None = None
    """None: it names nothing."""
    wrong: Sequence[Said] = ()
    """The last answer is a refusal; those before lead to it. Empty: it can be used at any time."""


ORDER = "写上订单号（末尾几位也行）或 #编号"
NO_ORDER = "没有订单号是 0000 的订单"
NO_TALK = "没有编号是 #z9 的会话"
NO_ACCOUNT = "没有叫「谁」的账号，现在有「小店」"
NO_MEMBER = "没有叫「谁」的成员，现有："
NO_POOL = "没有叫「谁」的卡池，现有：月卡"
