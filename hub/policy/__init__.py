"""Pure decisions: values and `now` in, values out."""

from hub.policy.account_news import GATHER, AccountNews, account_news, was_told
from hub.policy.backoff import backoff
from hub.policy.clocks import believed
from hub.policy.codes import LONGEST_CODE, CodesRead, decode_codes, read_codes
from hub.policy.comparing import (
    FARTHEST,
    PUSHES_OF_A_BUSY_LINE,
    advanced,
    look_back,
    quiet_from,
    replay_from,
    started,
)
from hub.policy.deliveries import (
    HANDED_OVER,
    ON_THEIR_WAY,
    SETTLED,
    UNDRAWN,
    UNSEEN,
    acts_on,
    brake,
    choices_of,
    held_by,
    next_reminder,
    next_state,
)
from hub.policy.delivery_rules import longest_keyword, match_rule, same_spec
from hub.policy.recalls import why_not_recall
from hub.policy.renewal import due_after, next_renewal
from hub.policy.replies import (
    HUMAN_ANSWERED,
    Answer,
    Silence,
    Turn,
    decide_reply,
    fit_into_burst,
    quiet_until,
    still_wanted,
)
from hub.policy.steadiness import Brake, EndKind, LineEnd, brake_after
from hub.policy.stock import LOOKS_BACK, days_left, is_worse, stock_level
from hub.policy.supplier_calls import supplier_request
from hub.policy.templates import (
    CONTENT,
    FACTS,
    DeliveryFacts,
    DeliveryPart,
    compose,
    fill,
    unknown_placeholders,
)
from hub.policy.tokens import MOST_TOKEN_FAILURES, next_token_attempt, token_lasts, token_renewal

__all__ = [
    "CONTENT",
    "FACTS",
    "FARTHEST",
    "GATHER",
    "HANDED_OVER",
    "HUMAN_ANSWERED",
    "LONGEST_CODE",
    "LOOKS_BACK",
    "MOST_TOKEN_FAILURES",
    "ON_THEIR_WAY",
    "PUSHES_OF_A_BUSY_LINE",
    "SETTLED",
    "UNDRAWN",
    "UNSEEN",
    "AccountNews",
    "Answer",
    "Brake",
    "CodesRead",
    "DeliveryFacts",
    "DeliveryPart",
    "EndKind",
    "LineEnd",
    "Silence",
    "Turn",
    "account_news",
    "acts_on",
    "advanced",
    "backoff",
    "believed",
    "brake",
    "brake_after",
    "choices_of",
    "compose",
    "days_left",
    "decide_reply",
    "decode_codes",
    "due_after",
    "fill",
    "fit_into_burst",
    "held_by",
    "is_worse",
    "longest_keyword",
    "look_back",
    "match_rule",
    "next_reminder",
    "next_renewal",
    "next_state",
    "next_token_attempt",
    "quiet_from",
    "quiet_until",
    "read_codes",
    "replay_from",
    "same_spec",
    "started",
    "still_wanted",
    "stock_level",
    "supplier_request",
    "token_lasts",
    "token_renewal",
    "unknown_placeholders",
    "was_told",
    "why_not_recall",
]
