"""Pure decisions: values and `now` in, values out."""

from hub.policy.account_news import AccountNews, account_news, was_told
from hub.policy.backoff import backoff
from hub.policy.renewal import due_after, next_renewal
from hub.policy.replies import Answer, Silence, decide_reply, still_wanted
from hub.policy.steadiness import Brake, EndKind, LineEnd, brake_after
from hub.policy.tokens import (
    MOST_TOKEN_FAILURES,
    next_token_attempt,
    token_lasts,
    token_renewal,
)

__all__ = [
    "MOST_TOKEN_FAILURES",
    "AccountNews",
    "Answer",
    "Brake",
    "EndKind",
    "LineEnd",
    "Silence",
    "account_news",
    "backoff",
    "brake_after",
    "decide_reply",
    "due_after",
    "next_renewal",
    "next_token_attempt",
    "still_wanted",
    "token_lasts",
    "token_renewal",
    "was_told",
]
