"""What is said without a person: decided, written and put in line, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub import text
from hub.answers.asking import WAITS as ASKED_WITHIN
from hub.answers.asking import ask_ai, drop_overtaken, waiting_question
from hub.answers.away import UNANSWERED, away_key, says_away, when_away
from hub.answers.circumstances import decide_late, is_first, spoken_of_without_number
from hub.answers.queueing import queue
from hub.answers.recording import SUPERSEDED, record, record_superseded
from hub.answers.waiting import (
    WaitingAnswer,
    answered_since,
    waiting_answer,
    withdraw_answer,
)
from hub.answers.wording import NOTHING_SAID, written
from hub.model import (
    AI_KEY,
    ANSWER_KEY,
    MOMENT_KEY,
    Account,
    AccountId,
    BuyerMessage,
    Content,
    Conversation,
    MessageId,
    Moment,
    Origin,
    PeoplePlan,
    Rule,
    RuleId,
    Text,
)
from hub.policy import (
    Answer,
    AskAi,
    Asked,
    Away,
    Bargained,
    Clock,
    Decided,
    Decision,
    Rulebook,
    Silence,
    Turn,
    decide_default,
    decide_moment,
    decide_reply,
    fit_into_burst,
    quiet_until,
)
from hub.settings import ReplySettings
from hub.store import Tx

LATE = timedelta(seconds=1)
"""A message that is older when it arrives may have been said while the account was offline."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a buyer's message."""

    outcome: str
    """What its notice says about that; empty: nothing."""
    answers: int = 0
    merged: int = 0
    """Whether it shares the answer of the lines before it."""
    away: bool = False
    """What is said is that nobody is there: somebody still has to answer."""
    plan: PeoplePlan | None = None
    """What the shop has settled about its people, if it was looked at."""

    @property
    def answered(self) -> bool:
        return self.answers + self.merged > 0 and not self.away


@dataclass(frozen=True, slots=True)
class OfferAnswer:
    """What becomes of something that a buyer says about the price."""

    words: str
    """What is said to that; empty: a person was asked."""
    reason: str


HearOffer = Callable[[Tx, Conversation, str, MessageId, datetime], OfferAnswer | None]
"""Judges what a buyer says about the price; None: it is not about that, or nobody set how far the
price may fall."""

WhyNoAi = Callable[[Tx, Account, Conversation, datetime], str | None]
"""Why AI does not answer in this conversation now, in words; None when it may."""


class Replies:
    def __init__(
        self,
        settings: ReplySettings,
        timezone: ZoneInfo,
        *,
        why_no_ai: WhyNoAi = lambda *_: "没有打开",
        hear_offer: HearOffer = lambda *_: None,
    ) -> None:
        """`timezone`: the hours of rules are meant in it."""
        self._why_no_ai = why_no_ai
        self._hear_offer = hear_offer
        self._settings = settings
        self._timezone = timezone
        self._wait = timedelta(seconds=settings.debounce_seconds)
        self._lifetime = timedelta(minutes=settings.expire_minutes)
        self._books: dict[AccountId, tuple[tuple[Rule, ...], Rulebook]] = {}

    @property
    def shows_read(self) -> bool:
        """Whether a buyer who is answered by itself sees that he was read."""
        return self._settings.mark_read == "always"

    def on_buyer_message(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        message: MessageId,
        event: BuyerMessage,
        now: datetime,
    ) -> Reply:
        """Decide about a new message, and put the answer in line if there is one."""
        book = self._book(tx, account)
        decision = self._decide(tx, account, conversation, message, event, book, now)
        if isinstance(decision, AskAi):
            return self._ask(tx, conversation, message, decision, now)
        waits = waiting_answer(tx, conversation, now) if self._wait else None
        plan = None
        if isinstance(decision, Silence) and decision.outcome in UNANSWERED and waits is None:
            plan = tx.plans.get(account.shop) or PeoplePlan()
            decision = when_away(tx, account, conversation, decision, plan, now)
        contents = self._said(tx, account, conversation, decision, event)
        if isinstance(decision, Answer | Away) and not contents:
            decision = _says_nothing(decision)
        turn = fit_into_burst(decision, waits=waits is not None)
        reply = Reply(_outcome_of_silence(decision), plan=plan)
        if turn is Turn.START:
            key = away_key(conversation, decision, message) if isinstance(decision, Away) else ""
            self._enqueue(tx, conversation, message, contents, now + self._wait, now, key=key)
            told = text.answer_planned(_spoken(contents))
            reply = Reply(told, answers=1, away=bool(key), plan=plan)
        elif waits is not None and turn is Turn.REPLACE:
            self._replace(tx, conversation, waits, message, contents, now)
            reply = Reply(text.answer_replaced(_spoken(contents)), merged=1)
        elif waits is not None and turn is Turn.JOIN:
            due_at = quiet_until(waits.task.created_at, now, self._wait)
            self._postpone(tx, conversation, waits, due_at, waits.task.expires_at)
            reason = f"{decision.reason}；和前面的话一起回复"
            decision = Silence("joined", reason, decision.steps)
            away = says_away(tx, conversation, waits.message)
            told = text.answer_joined(text.plain(waits.message.content))
            reply = Reply(told, merged=1, away=away)
        record(tx, conversation, message, decision, now)
        return reply

    def on_moment(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        moment: Moment,
        *,
        about: str,
        named: bool = True,
        since: datetime,
        now: datetime,
    ) -> None:
        """An order has come to a point that rules may speak of: once per order (`about`).

        Not `named`: its signal has no number of an order; then it is taken for the same as one that
        comes with a number at about the same time.
        """
        book = self._book(tx, account)
        if not book.moments[moment] or conversation.buyer is None:
            return
        key = f"{MOMENT_KEY}{account.id}:{about}:{moment}"
        if not tx.inputs.first_time(account.shop, key, now) or spoken_of_without_number(
            tx, conversation, moment, since, now, named=named
        ):
            return
        used = self._used(tx, conversation, book)
        decision = decide_moment(
            moment,
            Asked(Text(""), since, conversation.item_id, used=used),
            book,
            tx.holds.active(account.shop, conversation.id, now),
            enabled=self._settings.enabled,
            at=self._clock(now),
            expire=self._lifetime,
        )
        if decision is None:
            return
        if isinstance(decision, Answer):
            contents = self._compose(tx, account, conversation, decision.rule)
            queue(tx, conversation, key, contents, now, now, self._lifetime)
            if not contents:
                decision = _says_nothing(decision)
        record(tx, conversation, None, decision, now)

    def _decide(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        message: MessageId,
        event: BuyerMessage,
        book: Rulebook,
        now: datetime,
    ) -> Decision:
        """Prices and AI are looked into only when no rule answers: most messages need nothing of
        that."""
        asked = self._asked(tx, conversation, event, book)
        hold = tx.holds.active(account.shop, conversation.id, now)

        def decide(no_ai: str | None) -> Decided:
            return decide_reply(
                asked,
                book,
                hold,
                enabled=self._settings.enabled,
                at=self._clock(now),
                expire=self._lifetime,
                no_ai=no_ai,
            )

        decision = decide(None)
        if now - event.sent_at > LATE:
            decision = decide_late(tx, conversation, event, decision)
        if not isinstance(decision, AskAi):
            return decision
        if isinstance(event.content, Text):
            heard = self._hear_offer(tx, conversation, event.content.text, message, now)
            if heard is not None and heard.words:
                return Bargained(heard.words, heard.reason, decision.steps)
            if heard is not None:
                return Silence("asks_person", heard.reason, decision.steps)
        why_not = self._why_no_ai(tx, account, conversation, now)
        return decision if why_not is None else decide(why_not)

    def _ask(
        self,
        tx: Tx,
        conversation: Conversation,
        message: MessageId,
        decision: AskAi,
        now: datetime,
    ) -> Reply:
        """One question for all that the buyer says in one go; what comes while a model thinks is
        asked together with it again."""
        waits = waiting_question(tx, conversation)
        if waits is not None and not drop_overtaken(tx, conversation, waits, now):
            due_at = quiet_until(waits.created_at, now, self._wait)
            if tx.outbox.postpone(conversation.shop, waits.id, due_at, due_at + ASKED_WITHIN):
                joined = Silence("joined", f"{decision.reason}；和前面的话一起", decision.steps)
                record(tx, conversation, message, joined, now)
                return Reply(text.ai_joined())
        ask_ai(tx, conversation, message, now + self._wait, now)
        record(tx, conversation, message, decision, now)
        return Reply(text.ai_asked())

    def on_no_ai_answer(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        message: MessageId,
        why: str,
        now: datetime,
    ) -> bool:
        """AI had no answer to this line: what the default says, if there is one and nobody has said
        anything since. Returns whether the buyer gets that. `why`: what became of AI."""
        if answered_since(tx, conversation, message):
            return False
        book = self._book(tx, account)
        heard = tx.messages.get(conversation.shop, message)
        said = heard.content if heard is not None else NOTHING_SAID
        asked = Asked(said, now, conversation.item_id, used=self._used(tx, conversation, book))
        decision = decide_default(asked, book, self._clock(now), [f"AI：{why}"])
        if isinstance(decision, Silence):
            self._say_away(tx, account, conversation, message, decision, now)
            return False
        contents = self._compose(tx, account, conversation, decision.rule, said)
        if not contents:
            return False
        record(tx, conversation, message, decision, now)
        self._enqueue(tx, conversation, message, contents, now, now)
        return True

    def on_draft(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        message: MessageId,
        reason: str,
        now: datetime,
    ) -> None:
        """What would answer this line waits for a person, who may not be there."""
        self._say_away(tx, account, conversation, message, Silence("asks_person", reason), now)

    def _say_away(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        message: MessageId,
        decision: Silence,
        now: datetime,
    ) -> None:
        plan = tx.plans.get(account.shop) or PeoplePlan()
        away = when_away(tx, account, conversation, decision, plan, now)
        if not isinstance(away, Away):
            return
        contents = written(tx, account, conversation, away.words)
        if contents:
            record(tx, conversation, message, away, now)
            key = away_key(conversation, away, message)
            self._enqueue(tx, conversation, message, contents, now, now, key=key)

    # --- What a decision looks at -------------------------------------------------------------

    def _book(self, tx: Tx, account: Account) -> Rulebook:
        """Sorted out anew only after a change of rules."""
        rules = tx.rules.enabled(account.shop, account.id)
        known = self._books.get(account.id)
        if known is None or known[0] is not rules:
            known = self._books[account.id] = rules, Rulebook(rules)
        return known[1]

    def _clock(self, now: datetime) -> Clock:
        return Clock(now, now.astimezone(self._timezone))

    def _asked(
        self, tx: Tx, conversation: Conversation, event: BuyerMessage, book: Rulebook
    ) -> Asked:
        return Asked(
            event.content,
            event.sent_at,
            conversation.item_id,
            first=bool(book.moments[Moment.FIRST_WORDS]) and is_first(tx, conversation),
            used=self._used(tx, conversation, book),
        )

    def _used(self, tx: Tx, conversation: Conversation, book: Rulebook) -> frozenset[RuleId]:
        if not book.asks_once:
            return frozenset()
        return tx.decisions.used(conversation.shop, conversation.id)

    # --- What is said -------------------------------------------------------------------------

    def _compose(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        rule: Rule,
        said: Content = NOTHING_SAID,
    ) -> list[Content]:
        return written(tx, account, conversation, rule.reply, said, rule.pictures)

    def _said(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        decision: Answer | Away | Bargained | Silence,
        event: BuyerMessage,
    ) -> list[Content]:
        if isinstance(decision, Silence):
            return []
        if isinstance(decision, Away):
            return written(tx, account, conversation, decision.words, event.content)
        if isinstance(decision, Bargained):
            return [Text(decision.words)]
        return self._compose(tx, account, conversation, decision.rule, event.content)

    def _enqueue(
        self,
        tx: Tx,
        conversation: Conversation,
        asked: MessageId,
        contents: Sequence[Content],
        due_at: datetime,
        now: datetime,
        *,
        key: str = "",
    ) -> None:
        key = key or f"{ANSWER_KEY}{asked}"
        queue(tx, conversation, key, contents, due_at, now, self._lifetime, may_change=True)

    def say_by_ai(
        self, tx: Tx, conversation: Conversation, asked: MessageId, words: str, now: datetime
    ) -> None:
        """What AI answers to this line, without a person."""
        key, said = f"{AI_KEY}{asked}", [Text(words)]
        queue(tx, conversation, key, said, now, now, self._lifetime, origin=Origin.AI)

    def _replace(
        self,
        tx: Tx,
        conversation: Conversation,
        waits: WaitingAnswer,
        asked: MessageId,
        contents: Sequence[Content],
        now: datetime,
    ) -> None:
        """The answer to the new line in place of the one that waits."""
        record_superseded(tx, conversation, now)
        due_at = quiet_until(waits.task.created_at, now, self._wait)
        alike = len(contents) == 1 and not waits.rest and isinstance(contents[0], Text)
        if alike and not says_away(tx, conversation, waits.message):
            tx.messages.reword(conversation.shop, waits.message.id, contents[0], now)
            self._postpone(tx, conversation, waits, due_at, due_at + self._lifetime)
        else:
            withdraw_answer(tx, conversation, waits, SUPERSEDED, now)
            self._enqueue(tx, conversation, asked, contents, due_at, now)

    def _postpone(
        self,
        tx: Tx,
        conversation: Conversation,
        waits: WaitingAnswer,
        due_at: datetime,
        expires_at: datetime | None,
    ) -> None:
        for task in (waits.task, *waits.rest):
            tx.outbox.postpone(conversation.shop, task.id, due_at, expires_at)


def _spoken(contents: Sequence[Content]) -> str:
    return "\n".join(text.plain(content) for content in contents)


def _says_nothing(decision: Answer | Away) -> Silence:
    """All that its template speaks of is unknown here."""
    reason = f"{decision.reason}，但填好以后没有内容可说"
    return Silence("says_nothing", reason, decision.steps)


def _outcome_of_silence(decision: Decision) -> str:
    told = isinstance(decision, Silence) and decision.outcome in ("held", "expired")
    return f"⏸ {decision.reason}" if told else ""
