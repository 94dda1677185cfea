"""Answers by AI: asked between two units of work, then sent, proposed to a person, or left out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from loguru import logger

from hub import text
from hub.album import Album
from hub.answers import Replies, drop_drafts, propose, waiting_question
from hub.assist import Assist
from hub.bargains import check_automatic, guard_words
from hub.errands import mark_read
from hub.errors import NotFound, PeerError
from hub.model import (
    DRAFT_KEY,
    Account,
    AccountId,
    AiAnswer,
    AiFailure,
    AiMode,
    AnswerByAi,
    Conversation,
    EndDraft,
    Intent,
    MessageState,
    NeedKind,
    NoticeKind,
    Picture,
    QuestionPicture,
    TaskState,
    draft_lane,
)
from hub.notices import tell_owners
from hub.outbound.worker import Claim
from hub.policy import (
    HUMAN_ANSWERED,
    SuggestionVerdict,
    draft_lasts,
    judge_suggestion,
    still_wanted,
)
from hub.settings import AssistSettings, BargainSettings
from hub.store import Store, Tx
from hub.suggesting import ANSWERED, Prepared, conclude, prepare
from hub.xianyu import Client

ITEM_SECONDS = 8.0
"""How long a question waits for the page of its item."""
OVERTAKEN = "买家接着又说了话，和后面的话一起回答"
TOO_LATE = "等得太久，不再自动回答"
TAKEN_BACK = "买家把问题撤回了"
PARTLY_TAKEN_BACK = "买家撤回了其中一句"
OTHER_ITEM = "这个会话换了商品，AI 说的是之前那件"
ASKED_FOR = "你要的另一份"
OFFER_WAITS = "买家的还价在等人决定"
WAITS_FOR_PERSON = "AI 的草稿在等人看"
ANSWERED_SINCE = "AI 和后面的话一起回答了"


@dataclass(frozen=True, slots=True)
class _Asked:
    prepared: Prepared
    account: Account


class AiAnswers:
    """Performs `AnswerByAi`. A crash in between asks again: that costs a call and says nothing."""

    def __init__(
        self,
        store: Store,
        assist: Assist,
        replies: Replies,
        album: Album,
        client_of: Callable[[AccountId], Client | None],
        settings: AssistSettings,
        *,
        bargain: BargainSettings,
        more_words: str,
        zone: ZoneInfo,
        now: Callable[[], datetime],
        count: Callable[[str, AiAnswer | AiFailure], None] = lambda *_: None,
    ) -> None:
        """`more_words`: the text of the installation's file of forbidden words. `count` hears what
        became of each question that was asked."""
        self._count = count
        self._store = store
        self._assist = assist
        self._replies = replies
        self._album = album
        self._client_of = client_of
        self._settings = settings
        self._bargain = bargain
        self._more_words = more_words
        self._zone = zone
        self._now = now

    async def perform(self, claim: Claim) -> None:
        work = claim.task.work
        assert isinstance(work, AnswerByAi)  # noqa: S101 - performers are registered by kind
        await self._know_item(claim, work)
        asked = await self._store.write(lambda tx: self._prepare(tx, claim, work))
        if asked is None:
            return
        prepared = await self._with_picture(asked.prepared)
        outcome = await self._assist.suggest(prepared.question, prepared.profiles)
        became = await self._store.write(lambda tx: self._conclude(tx, claim, work, asked, outcome))
        self._count(became, outcome)

    async def _know_item(self, claim: Claim, work: AnswerByAi) -> None:
        """The first question about an item comes before anybody has read its page (L39). A page
        that cannot be had leaves the model with the title."""
        shop = claim.task.shop

        def unread(tx: Tx) -> str | None:
            conversation = tx.conversations.get(shop, work.conversation)
            if conversation is None or conversation.item_id is None:
                return None
            known = tx.items.get(shop, conversation.item_id)
            return conversation.item_id if known is None or known.read_at is None else None

        wanted, client = await self._store.read(unread), self._client_of(work.account)
        if wanted is None or client is None:
            return
        try:
            async with asyncio.timeout(ITEM_SECONDS):
                item = await client.item(wanted)
        except (PeerError, TimeoutError) as error:
            logger.info("item {} not read before asking: {}", wanted, error)
            return
        now = self._now()
        await self._store.write(lambda tx: tx.items.save(shop, work.account, item, now))

    def _prepare(self, tx: Tx, claim: Claim, work: AnswerByAi) -> _Asked | None:
        """None: nobody is asked, and the task is settled."""
        now, shop = self._now(), claim.task.shop
        conversation = tx.conversations.get(shop, work.conversation)
        account = tx.accounts.get(shop, work.account)
        if conversation is None or account is None:
            tx.outbox.settle(claim.task, claim.holder, TaskState.DROPPED, now=now)
            return None
        needless = self._why_needless(tx, claim, work, conversation, now)
        if needless is not None:
            if self._settle(tx, claim, work, conversation, "no_ai", needless, now):
                self._tell_asker(tx, claim, work, account, conversation, needless, now)
            return None
        prepared = prepare(
            tx,
            self._settings,
            conversation,
            now,
            self._zone,
            asked=work.message,
            unlike=_words_of(tx, claim, work),
        )
        if not isinstance(prepared, str):
            return _Asked(prepared, account)
        if self._settle(tx, claim, work, conversation, "no_ai", prepared, now):
            self._tell_asker(tx, claim, work, account, conversation, prepared, now)
            if prepared != ANSWERED:
                self._fall_back(tx, account, conversation, work, prepared, now)
        return None

    async def _with_picture(self, prepared: Prepared) -> Prepared:
        """A picture that cannot be had is named in words only."""
        if prepared.picture_url is None:
            return prepared
        picture = Picture(prepared.picture_url)
        try:
            shown = await self._album.show(prepared.conversation.account, picture)
        except (PeerError, NotFound) as error:
            logger.info("picture of {} not had: {}", prepared.conversation.id, error)
            return prepared
        return prepared.with_picture(QuestionPicture(shown.data, shown.media_type))

    def _conclude(
        self,
        tx: Tx,
        claim: Claim,
        work: AnswerByAi,
        asked: _Asked,
        outcome: AiAnswer | AiFailure,
    ) -> str:
        """What became of it, decided by how things stand now and not when it was asked (L27).
        Returns that in one word, as decisions and metrics have it."""
        conclude(tx, asked.prepared, outcome)
        now, shop = self._now(), claim.task.shop
        conversation = tx.conversations.get(shop, work.conversation)
        account = tx.accounts.get(shop, work.account)
        if conversation is None or account is None:
            tx.outbox.settle(claim.task, claim.holder, TaskState.DROPPED, now=now)
            return "ai_dropped"
        needless = self._why_needless(tx, claim, work, conversation, now)
        words = asked.prepared.question.words
        if needless is None and _taken_back(tx, asked.prepared) == len(words):
            needless = TAKEN_BACK
        if needless is not None:
            if self._settle(tx, claim, work, conversation, "ai_dropped", needless, now):
                self._tell_asker(tx, claim, work, account, conversation, needless, now)
            return "ai_dropped"
        if isinstance(outcome, AiAnswer):
            asked = replace(asked, account=account)
            return self._take(tx, claim, work, asked, conversation, outcome, now)
        if self._settle(tx, claim, work, conversation, "ai_failed", outcome.reason, now):
            self._failed(tx, claim, work, account, conversation, outcome, now)
        return "ai_failed"

    def _failed(
        self,
        tx: Tx,
        claim: Claim,
        work: AnswerByAi,
        account: Account,
        conversation: Conversation,
        failure: AiFailure,
        now: datetime,
    ) -> None:
        """A trouble is told once in an hour; whoever wanted another draft hears of it in any
        case."""
        if work.unlike is not None:
            self._tell_asker(tx, claim, work, account, conversation, failure.reason, now)
            return
        self._fall_back(tx, account, conversation, work, failure.reason, now)
        notice = text.ai_failed_notice(account, conversation, failure.reason)
        key = f"ai-failed:{account.id}:{failure.kind}:{now:%Y-%m-%dT%H}"
        tell_owners(tx, conversation, notice, key=key, now=now, kind=NoticeKind.MESSAGE)

    def _take(
        self,
        tx: Tx,
        claim: Claim,
        work: AnswerByAi,
        asked: _Asked,
        conversation: Conversation,
        answer: AiAnswer,
        now: datetime,
    ) -> str:
        verdict = self._judge(tx, work, asked.prepared, conversation, answer, now)
        outcome = {
            AiMode.OFF: "ai_silent",
            AiMode.DRAFT: "draft",
            AiMode.AUTOMATIC: "ai_answered",
        }[verdict.mode]
        if not self._settle(tx, claim, work, conversation, outcome, verdict.reason, now):
            return outcome
        if verdict.mode is AiMode.AUTOMATIC:
            drop_drafts(tx, conversation, ANSWERED_SINCE, now)
            self._replies.say_by_ai(tx, conversation, work.message, answer.text, now)
            notice = text.ai_answered_notice(asked.account, conversation, answer.text)
            key = f"ai-said:{claim.task.id}"
            kind, asked_for = NoticeKind.MESSAGE, work.message
            tell_owners(tx, conversation, notice, key=key, now=now, kind=kind, message=asked_for)
            self._show_read(tx, conversation, now)
        elif verdict.mode is AiMode.DRAFT:
            self._propose(tx, work, asked, conversation, answer, verdict, now)
        else:
            if answer.intent is not Intent.NONE:
                self._fall_back(tx, asked.account, conversation, work, verdict.reason, now)
            if verdict.tell or work.unlike is not None:
                notice = text.ai_failed_notice(asked.account, conversation, verdict.reason)
                key = f"ai-silent:{claim.task.id}"
                tell_owners(tx, conversation, notice, key=key, now=now, kind=NoticeKind.MESSAGE)
        return outcome

    def _judge(
        self,
        tx: Tx,
        work: AnswerByAi,
        prepared: Prepared,
        conversation: Conversation,
        answer: AiAnswer,
        now: datetime,
    ) -> SuggestionVerdict:
        """By the settings of now: whoever turned AI down while it thought did so for a reason."""
        settings = tx.ai_scopes.settings(
            conversation.shop, conversation.account, conversation.item_id
        )
        verdict = judge_suggestion(settings, answer)
        if work.unlike is not None and answer.text and verdict.mode is not AiMode.DRAFT:
            verdict = SuggestionVerdict(AiMode.DRAFT, ASKED_FOR)
        if verdict.mode is AiMode.OFF:
            return verdict
        hits = check_automatic(
            tx,
            conversation,
            answer.text,
            guard_words(tx, conversation.shop, self._more_words),
            self._bargain,
            now,
            is_card=lambda code: tx.cards.by_code(conversation.shop, code) is not None,
        )
        if hits:
            why = "；".join(hit.reason for hit in hits)
            return SuggestionVerdict(AiMode.DRAFT, why, tell=True)
        against = _what_changed(tx, prepared, conversation)
        if against is None:
            return verdict
        why = f"{verdict.reason}；{against}" if verdict.tell else against
        return SuggestionVerdict(AiMode.DRAFT, why, tell=True)

    def _propose(
        self,
        tx: Tx,
        work: AnswerByAi,
        asked: _Asked,
        conversation: Conversation,
        answer: AiAnswer,
        verdict: SuggestionVerdict,
        now: datetime,
    ) -> None:
        account, shop = asked.account, conversation.shop
        key = f"{DRAFT_KEY}{work.message}:{work.unlike or 0}"
        draft = propose(tx, conversation, key, answer.text, verdict.reason, now)
        if draft is None:
            return
        words = "\n".join(said.text for said in asked.prepared.question.words)
        limits = tx.ai_scopes.settings(shop).limits
        lasts = draft_lasts(limits)
        notice = text.draft_notice(
            account,
            conversation,
            words,
            answer.text,
            verdict.reason,
            minutes=limits.draft_minutes,
        )
        kind, key = NoticeKind.MESSAGE, f"draft:{draft}"
        tell_owners(tx, conversation, notice, key=key, now=now, kind=kind, message=draft)
        if lasts is not None:
            harmless, item = not verdict.tell and work.unlike is None, conversation.item_id
            end = EndDraft(conversation.id, draft, harmless, item)
            lane, due_at = draft_lane(draft), now + lasts
            tx.outbox.enqueue(shop, end, lane=lane, key=lane, due_at=due_at, now=now)
        if work.unlike is None:  # else somebody is there
            self._replies.on_draft(tx, account, conversation, work.message, WAITS_FOR_PERSON, now)

    # --- Shared -------------------------------------------------------------------------------

    def _why_needless(
        self, tx: Tx, claim: Claim, work: AnswerByAi, conversation: Conversation, now: datetime
    ) -> str | None:
        shop, task = claim.task.shop, claim.task
        newest = waiting_question(tx, conversation)
        if newest is not None and newest.id != task.id:
            return OVERTAKEN
        asked = tx.messages.get(shop, work.message)
        if asked is None or (task.expires_at is not None and now >= task.expires_at):
            return TOO_LATE
        answered = tx.messages.human_answer_since(shop, conversation.id, asked.sent_at)
        # What a person asked for is wanted whoever leads the conversation.
        hold = None if work.unlike is not None else tx.holds.active(shop, conversation.id, now)
        return still_wanted(hold, human_answered=answered)

    def _tell_asker(
        self,
        tx: Tx,
        claim: Claim,
        work: AnswerByAi,
        account: Account,
        conversation: Conversation,
        why: str,
        now: datetime,
    ) -> None:
        """Whoever wanted another draft hears that there is none; nobody waits for the others."""
        if work.unlike is not None and why not in (OVERTAKEN, HUMAN_ANSWERED):
            notice = text.ai_failed_notice(account, conversation, why)
            key = f"ai-silent:{claim.task.id}"
            tell_owners(tx, conversation, notice, key=key, now=now, kind=NoticeKind.MESSAGE)

    def _fall_back(
        self,
        tx: Tx,
        account: Account,
        conversation: Conversation,
        work: AnswerByAi,
        why: str,
        now: datetime,
    ) -> None:
        """The buyer gets what the default says, unless a person was asking."""
        if work.unlike is None and self._replies.on_no_ai_answer(
            tx, account, conversation, work.message, why, now
        ):
            self._show_read(tx, conversation, now)

    def _show_read(self, tx: Tx, conversation: Conversation, now: datetime) -> None:
        if self._replies.shows_read:
            mark_read(tx, conversation, now)

    def _settle(
        self,
        tx: Tx,
        claim: Claim,
        work: AnswerByAi,
        conversation: Conversation,
        outcome: str,
        reason: str,
        now: datetime,
    ) -> bool:
        """False: another worker was faster, and nothing of ours may be written."""
        if not tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, error=reason, now=now):
            return False
        logger.info("ai in conversation {}: {}", conversation.id, outcome)
        tx.decisions.add(
            conversation.shop,
            conversation=conversation.id,
            message=work.message,
            outcome=outcome,
            reason=reason,
            now=now,
        )
        return True


def _words_of(tx: Tx, claim: Claim, work: AnswerByAi) -> str | None:
    """Of the draft that a person did not like; None: it is asked for the first time."""
    if work.unlike is None:
        return None
    draft = tx.messages.get(claim.task.shop, work.unlike)
    return text.plain(draft.content) if draft is not None else ""


def _what_changed(tx: Tx, prepared: Prepared, conversation: Conversation) -> str | None:
    """What has happened since the question that no answer to it may leave out of account."""
    if conversation.item_id != prepared.conversation.item_id:
        return OTHER_ITEM
    if _taken_back(tx, prepared):
        return PARTLY_TAKEN_BACK
    offers = (
        need.kind is NeedKind.OFFER and need.conversation == conversation.id
        for need in tx.needs.all_open(conversation.shop)
    )
    return OFFER_WAITS if any(offers) else None


def _taken_back(tx: Tx, prepared: Prepared) -> int:
    """How many of the words that AI was asked about the buyer has taken back by now."""
    shop, words = prepared.conversation.shop, prepared.question.words
    found = (tx.messages.get(shop, one.id) for one in words)
    return sum(one is not None and one.state is MessageState.RECALLED for one in found)
