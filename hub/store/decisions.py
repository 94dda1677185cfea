"""Decisions: why a message got the answer it got, or none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.model import ANSWER_KEY, ConversationId, MessageId, RuleId, ShopId
from hub.store.codec import micros, moment
from hub.store.nouns import Decision
from hub.store.sql import Sql, Statement

_ADD = Statement(
    "INSERT INTO decisions (shop_id, conversation_id, message_id, outcome, reason, steps, rule_id,"
    " at) VALUES (:shop, :conversation, :message, :outcome, :reason, :steps, :rule, :now)"
)
_OF_CONVERSATION = Statement(
    "SELECT message_id, outcome, reason, steps, rule_id, at FROM decisions"
    " WHERE shop_id = :shop AND conversation_id = :conversation ORDER BY id DESC LIMIT :limit"
)
_USED = Statement(
    "SELECT DISTINCT d.rule_id FROM decisions d WHERE d.shop_id = :shop"
    " AND d.conversation_id = :conversation AND d.outcome = 'answered' AND d.rule_id IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM decisions s WHERE s.shop_id = d.shop_id"
    " AND s.conversation_id = d.conversation_id AND s.message_id = d.message_id"
    " AND s.outcome = 'superseded' AND s.id > d.id)"
    " AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.shop_id = d.shop_id"
    " AND m.key = :answer || d.message_id AND m.state IN ('rejected', 'dropped'))"
)


class Decisions:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        shop: ShopId,
        *,
        conversation: ConversationId,
        message: MessageId | None,
        outcome: str,
        reason: str,
        steps: Sequence[str] = (),
        rule: RuleId | None = None,
        now: datetime,
    ) -> None:
        self._sql.run(
            _ADD,
            shop=shop,
            conversation=conversation,
            message=message,
            outcome=outcome,
            reason=reason,
            steps="\n".join(steps),
            rule=rule,
            now=micros(now),
        )

    def used(self, shop: ShopId, conversation: ConversationId) -> frozenset[RuleId]:
        """Rules that have answered in this conversation; an answer that was dropped or replaced
        before it went out is none."""
        rows = self._sql.rows(_USED, shop=shop, conversation=conversation, answer=ANSWER_KEY)
        return frozenset(RuleId(id_) for (id_,) in rows)

    def of_conversation(
        self, shop: ShopId, conversation: ConversationId, limit: int
    ) -> list[Decision]:
        """The newest first."""
        rows = self._sql.rows(_OF_CONVERSATION, shop=shop, conversation=conversation, limit=limit)
        return [
            Decision(
                message=None if message is None else MessageId(message),
                outcome=outcome,
                reason=reason,
                steps=tuple(steps.split("\n")) if steps else (),
                rule=None if rule is None else RuleId(rule),
                at=moment(at),
            )
            for message, outcome, reason, steps, rule, at in rows
        ]
