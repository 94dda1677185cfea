"""Pure decisions: values and `now` in, values out."""

from hub.policy.backoff import backoff
from hub.policy.replies import Answer, Silence, decide_reply, still_wanted

__all__ = ["Answer", "Silence", "backoff", "decide_reply", "still_wanted"]
