"""Automatic answers: what buyers are told without a person, and what still waits to be told."""

from hub.answers.replies import Replies, Reply
from hub.answers.waiting import WaitingAnswer, waiting_answer, withdraw_answer

__all__ = ["Replies", "Reply", "WaitingAnswer", "waiting_answer", "withdraw_answer"]
