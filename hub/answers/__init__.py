"""Automatic answers: what buyers are told without a person, and what still waits to be told."""

from hub.answers.asking import ask_ai, waiting_question
from hub.answers.away import waits_for_answer
from hub.answers.drafts import (
    drop_answered_drafts,
    drop_draft,
    drop_drafts,
    propose,
    send_alone,
    send_draft,
)
from hub.answers.explaining import asked_by_answer, said_for
from hub.answers.replies import OfferAnswer, Replies, Reply
from hub.answers.waiting import WaitingAnswer, waiting_answer, withdraw_answer
from hub.answers.wording import written

__all__ = [
    "OfferAnswer",
    "Replies",
    "Reply",
    "WaitingAnswer",
    "ask_ai",
    "asked_by_answer",
    "drop_answered_drafts",
    "drop_draft",
    "drop_drafts",
    "propose",
    "said_for",
    "send_alone",
    "send_draft",
    "waiting_answer",
    "waiting_question",
    "waits_for_answer",
    "withdraw_answer",
    "written",
]
