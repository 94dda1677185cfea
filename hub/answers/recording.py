"""Decisions written down: why a line got the answer that it got, or none."""

from __future__ import annotations

from datetime import datetime

from hub.model import Conversation, MessageId
from hub.policy import Answer, AskAi, Away, Bargained, Decision, Silence
from hub.store import Tx

EARLIER = 50
"""Decisions among which the one of the answer that waits is looked for."""
OUTCOMES: dict[type[Answer | AskAi | Away | Bargained], str] = {
    Answer: "answered",
    AskAi: "asks_ai",
    Away: "away",
    Bargained: "bargained",
}
SUPERSEDED = "买家接着又说了话，只回复后面那句"


def record(
    tx: Tx, conversation: Conversation, message: MessageId | None, decision: Decision, now: datetime
) -> None:
    """`message` None: it was no message that was decided about, but a step of an order."""
    rule = None if isinstance(decision, AskAi | Away | Bargained) else decision.rule
    outcome = decision.outcome if isinstance(decision, Silence) else OUTCOMES[type(decision)]
    tx.decisions.add(
        conversation.shop,
        conversation=conversation.id,
        message=message,
        outcome=outcome,
        reason=decision.reason,
        steps=decision.steps,
        rule=rule.id if rule is not None else None,
        now=now,
    )


def record_superseded(tx: Tx, conversation: Conversation, now: datetime) -> None:
    """Why the line that was to be answered gets no answer of its own."""
    earlier = tx.decisions.of_conversation(conversation.shop, conversation.id, EARLIER)
    said = (OUTCOMES[Answer], OUTCOMES[Bargained], OUTCOMES[Away])
    answered = next((one for one in earlier if one.message and one.outcome in said), None)
    if answered is not None:
        tx.decisions.add(
            conversation.shop,
            conversation=conversation.id,
            message=answered.message,
            outcome="superseded",
            reason=SUPERSEDED,
            now=now,
        )
