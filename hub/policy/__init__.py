"""Pure decisions: values and `now` in, values out."""

from hub.policy.account_news import AccountNews, account_news, was_told
from hub.policy.backoff import backoff
from hub.policy.replies import Answer, Silence, decide_reply, still_wanted

__all__ = [
    "AccountNews",
    "Answer",
    "Silence",
    "account_news",
    "backoff",
    "decide_reply",
    "still_wanted",
    "was_told",
]
