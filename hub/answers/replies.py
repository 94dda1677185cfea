"""What is said without a person: decided, written and put in line, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub import text
from hub.answers.asking import WAITS as ASKED_WITHIN
from hub.answers.asking import ask_ai, drop_overtaken, waiting_question
from hub.answers.circumstances import decide_late, is_first, spoken_of_without_number
from hub.answers.recording import SUPERSEDED, record, record_superseded
from hub.answers.waiting import (
    WaitingAnswer,
    answered_since,
    waiting_answer,
    withdraw_answer,
)
from hub.answers.wording import NOTHING_SAID, written
from hub.model import (
    ANSWER_KEY,
    MOMENT_KEY,
    Account,
    AccountId,
    BuyerMessage,
    Content,
    Conversation,
    Image,
    MessageId,
    Moment,
    Origin,
    Rule,
    RuleId,
    SendMessage,
    Text,
    part_key,
    send_lane,
)
from hub.policy import (
    Answer,
    AskAi,
    Asked,
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

    @property
    def answered(self) -> bool:
        return self.answers + self.merged > 0


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
        contents = self._said(tx, account, conversation, decision, event)
        if isinstance(decision, Answer) and not contents:
            decision = _says_nothing(decision)
        waits = waiting_answer(tx, conversation, now) if self._wait else None
        turn = fit_into_burst(decision, waits=waits is not None)
        reply = Reply(_outcome_of_silence(decision))
        if turn is Turn.START:
            self._enqueue(tx, conversation, message, contents, now + self._wait, now)
            reply = Reply(text.answer_planned(_spoken(contents)), answers=1)
        elif waits is not None and turn is Turn.REPLACE:
            self._replace(tx, conversation, waits, message, contents, now)
            reply = Reply(text.answer_replaced(_spoken(contents)), merged=1)
        elif waits is not None and turn is Turn.JOIN:
            due_at = quiet_until(waits.task.created_at, now, self._wait)
            self._postpone(tx, conversation, waits, due_at, waits.task.expires_at)
            reason = f"{decision.reason}；和前面的话一起回复"
            decision = Silence("joined", reason, decision.steps)
            reply = Reply(text.answer_joined(text.plain(waits.message.content)), merged=1)
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
            self._write(tx, conversation, key, contents, now, now)
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
            return False
        contents = self._compose(tx, account, conversation, decision.rule, said)
        if not contents:
            return False
        record(tx, conversation, message, decision, now)
        self._enqueue(tx, conversation, message, contents, now, now)
        return True

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
        decision: Answer | Bargained | Silence,
        event: BuyerMessage,
    ) -> list[Content]:
        if isinstance(decision, Silence):
            return []
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
    ) -> None:
        self._write(
            tx, conversation, f"{ANSWER_KEY}{asked}", contents, due_at, now, may_change=True
        )

    def say_by_ai(
        self, tx: Tx, conversation: Conversation, asked: MessageId, words: str, now: datetime
    ) -> None:
        """What AI answers to this line, without a person."""
        origin = Origin.AI
        self._write(tx, conversation, f"ai:{asked}", [Text(words)], now, now, origin=origin)

    def _write(
        self,
        tx: Tx,
        conversation: Conversation,
        key: str,
        contents: Sequence[Content],
        due_at: datetime,
        now: datetime,
        *,
        origin: Origin = Origin.RULE,
        may_change: bool = False,
    ) -> None:
        for number, content in enumerate(contents):
            message = tx.messages.add_out(
                conversation.shop,
                conversation.account,
                conversation.id,
                key=part_key(key, number),
                origin=origin,
                content=content,
                now=now,
            )
            if message is None:
                return
            tx.outbox.enqueue(
                conversation.shop,
                SendMessage(
                    conversation.account,
                    conversation.id,
                    message,
                    more=number + 1 < len(contents),
                    pictures=isinstance(content, Image),
                    may_change=may_change,
                ),
                lane=send_lane(conversation.account, conversation.id),
                key=f"send:{message}",
                due_at=due_at,
                expires_at=due_at + self._lifetime,
                now=now,
            )

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
        if len(contents) == 1 and not waits.rest and isinstance(contents[0], Text):
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


def _says_nothing(decision: Answer) -> Silence:
    """All that its template speaks of is unknown here."""
    reason = f"{decision.reason}，但填好以后没有内容可说"
    return Silence("says_nothing", reason, decision.steps)


def _outcome_of_silence(decision: Decision) -> str:
    told = isinstance(decision, Silence) and decision.outcome in ("held", "expired")
    return f"⏸ {decision.reason}" if told else ""
