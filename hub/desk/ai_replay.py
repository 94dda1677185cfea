"""What if AI were told something else: the last questions asked again, and nobody told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from hub import text
from hub.assist import Assist
from hub.desk.assist import AiPlace, check_scope
from hub.desk.operator import Operator
from hub.errors import Invalid
from hub.model import (
    AiFailure,
    AiProfile,
    AiScope,
    AiSettings,
    AiUseId,
    ConversationId,
    Message,
    Question,
    Role,
)
from hub.policy import day_began, judge_suggestion, profiles_for
from hub.settings import AssistSettings
from hub.store import Store, Tx
from hub.suggesting import known_profiles, question_before

MOST_QUESTIONS = 10
"""Each is a call that costs money."""
AT_ONCE = 3
LOOKED_AT = 200
"""Answers of AI among which those of the place are looked for."""


@dataclass(frozen=True, slots=True)
class AskedAgain:
    conversation: ConversationId
    words: str
    """What the buyer had said."""
    at: datetime
    before: str
    """What AI said or proposed then."""
    after: str
    """What it says now; empty: it gave no answer, or none is needed."""
    verdict: str
    """What would become of that, or why there is none."""

    @property
    def differs(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class _Case:
    message: Message
    question: Question
    settings: AiSettings
    profiles: tuple[AiProfile, ...]
    use: AiUseId


class AiReplays:
    def __init__(
        self,
        store: Store,
        assist: Assist,
        settings: AssistSettings,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._store = store
        self._assist = assist
        self._settings = settings
        self._now = now
        self._zone = zone

    async def ask_again(
        self, operator: Operator, place: AiPlace, scope: AiScope, *, most: int = MOST_QUESTIONS
    ) -> list[AskedAgain]:
        """The newest questions of a place that AI has answered, as if `scope` had been said there
        then; the newest first. Nothing is kept but what it cost.

        Raises Invalid for a scope that could not be saved, when there is nobody to ask, or when the
        shop's budget of today does not suffice.
        """
        operator.require(Role.OWNER)
        check_scope(scope)
        cases = await self._store.write(lambda tx: self._cases(tx, operator, place, scope, most))
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(case: _Case) -> AskedAgain:
            async with turns:
                return await self._ask(operator, case)

        return list(await asyncio.gather(*(ask(case) for case in cases)))

    def _cases(
        self, tx: Tx, operator: Operator, place: AiPlace, scope: AiScope, most: int
    ) -> list[_Case]:
        shop, now = operator.shop, self._now()
        found: list[_Case] = []
        left = self._left(tx, operator, now)
        for message in tx.transcripts.by_ai(shop, limit=LOOKED_AT):
            if len(found) == most:
                break
            conversation = tx.conversations.get(shop, message.conversation)
            if conversation is None or place.account not in (None, conversation.account):
                continue
            if place.item not in (None, conversation.item_id):
                continue
            settings = _with(
                tx.ai_scopes.settings(shop, conversation.account, conversation.item_id),
                place,
                scope,
            )
            question = question_before(tx, conversation, message.id, settings)
            if question is None:
                continue
            if left is not None and len(found) >= left:
                raise Invalid("全店今天问 AI 的次数不够回放了，明天再试，或者先把每天的次数调高")
            profiles = profiles_for(known_profiles(tx, self._settings, shop), conversation.account)
            if not profiles:
                raise Invalid("还没有可以问的 AI，先添加一个")
            use = tx.ai_uses.begin(shop, conversation.account, None, now)
            found.append(_Case(message, question, settings, tuple(profiles), use))
        operator.record(tx, "ai.replay", str(len(found)), now)
        return found

    def _left(self, tx: Tx, operator: Operator, now: datetime) -> int | None:
        """Calls that the shop may still make today; None: as many as it likes."""
        limit = tx.ai_scopes.settings(operator.shop).limits.calls_per_day
        if not limit:
            return None
        spent = tx.ai_uses.of_shop(operator.shop, day_began(now, self._zone)).calls
        return max(0, limit - spent)

    async def _ask(self, operator: Operator, case: _Case) -> AskedAgain:
        outcome = await self._assist.suggest(case.question, case.profiles)
        await self._store.write(
            lambda tx: tx.ai_uses.end(
                operator.shop, case.use, outcome.tries, account=None, conversation=None
            )
        )
        if isinstance(outcome, AiFailure):
            after, verdict = "", f"没有回答：{outcome.reason}"
        else:
            judged = judge_suggestion(case.settings, outcome)
            after, verdict = outcome.text, f"{text.AI_MODES[judged.mode]}：{judged.reason}"
        return AskedAgain(
            case.message.conversation,
            "\n".join(said.text for said in case.question.words),
            case.message.sent_at,
            text.plain(case.message.content),
            after,
            verdict,
        )


def _with(settings: AiSettings, place: AiPlace, scope: AiScope) -> AiSettings:
    """What would hold if the place said this."""
    if place.item is not None:
        return replace(settings, item=scope)
    if place.account is not None:
        return replace(settings, account=scope)
    return replace(settings, shop=scope)
