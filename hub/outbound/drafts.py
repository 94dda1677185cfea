"""Drafts whose time is over: dropped with a word, or sent where the owner wants that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from loguru import logger

from hub import text
from hub.answers import drop_draft, send_alone, waits_for_answer
from hub.bargains import check_automatic, guard_words
from hub.model import (
    AccountId,
    Conversation,
    EndDraft,
    Message,
    MessageState,
    NeedKind,
    NoticeKind,
    Origin,
    TaskState,
)
from hub.notices import tell_owners
from hub.outbound.ai_answers import OFFER_WAITS, OTHER_ITEM, TAKEN_BACK
from hub.outbound.worker import Claim, InOneUnit
from hub.policy import draft_lasts, mode_for, still_wanted, why_not_alone
from hub.settings import BargainSettings
from hub.store import Store, Tx
from hub.text import drafts as words

OFFLINE_AGAIN = timedelta(seconds=30)
SPOKE_SINCE = "买家后来又说了话"
LOOKED_BACK = 30
"""Messages among which the buyer's are looked for."""


class DraftEnds(InOneUnit):
    """Performs `EndDraft`. A draft that somebody decided about meanwhile is left alone."""

    def __init__(
        self,
        store: Store,
        settings: BargainSettings,
        *,
        more_words: str,
        now: Callable[[], datetime],
        connected: Callable[[AccountId], bool],
    ) -> None:
        """`more_words`: the text of the installation's file of forbidden words. `connected`:
        whether an account could say something now. In a draft that waits for its account people
        and buyers still have their say; in a message that waits for it they would not."""
        super().__init__(store, now=now)
        self._settings = settings
        self._more_words = more_words
        self._connected = connected

    def _unit(self, tx: Tx, claim: Claim) -> None:
        work, shop, now = claim.task.work, claim.task.shop, self._now()
        assert isinstance(work, EndDraft)  # noqa: S101 - performers are registered by kind
        draft = tx.messages.get(shop, work.draft)
        conversation = tx.conversations.get(shop, work.conversation)
        lasts = draft_lasts(tx.ai_scopes.settings(shop).limits)
        waits = draft is not None and draft.state is MessageState.DRAFT
        if draft is None or conversation is None or not waits or lasts is None:
            tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now)
        elif now < draft.sent_at + lasts:  # the owner wants them to wait longer by now
            tx.outbox.release(claim.task, claim.holder, draft.sent_at + lasts)
        else:
            self._end(tx, claim, work, conversation, draft, lasts, now)

    def _end(
        self,
        tx: Tx,
        claim: Claim,
        work: EndDraft,
        conversation: Conversation,
        draft: Message,
        lasts: timedelta,
        now: datetime,
    ) -> None:
        account = tx.accounts.get(conversation.shop, conversation.account)
        late = now - draft.sent_at - lasts
        why = self._why_not(tx, work, conversation, draft, late, now)
        if account is not None and why is None and not self._connected(account.id):
            tx.outbox.release(claim.task, claim.holder, now + OFFLINE_AGAIN)
            return
        settled = tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now)
        if account is None or not settled:
            return
        said, minutes = text.plain(draft.content), round(lasts.total_seconds() / 60)
        if why is None:
            send_alone(tx, conversation, draft, now)
            told = words.sent_alone(account, conversation, said, minutes)
        else:
            drop_draft(tx, conversation, draft, f"{minutes} 分钟没人决定", now)
            waits = waits_for_answer(tx, conversation)
            told = words.dropped(account, conversation, said, minutes, why, waits=waits)
        logger.info("draft {} ended: {}", draft.id, "sent" if why is None else "dropped")
        key, kind = f"draft-over:{draft.id}", NoticeKind.MESSAGE
        tell_owners(tx, conversation, told, key=key, now=now, kind=kind)

    def _why_not(
        self,
        tx: Tx,
        work: EndDraft,
        conversation: Conversation,
        draft: Message,
        late: timedelta,
        now: datetime,
    ) -> str | None:
        shop = conversation.shop
        settings = tx.ai_scopes.settings(shop, conversation.account, conversation.item_id)
        hits = check_automatic(
            tx,
            conversation,
            text.plain(draft.content),
            guard_words(tx, shop, self._more_words),
            self._settings,
            now,
            is_card=lambda code: tx.cards.by_code(shop, code) is not None,
        )
        answered = tx.messages.human_answer_since(shop, conversation.id, draft.sent_at)
        hold = tx.holds.active(shop, conversation.id, now)
        return why_not_alone(
            settings.limits,
            harmless=work.harmless,
            mode=mode_for(settings),
            late=late,
            unwanted=still_wanted(hold, human_answered=answered)
            or _overtaken(tx, work, conversation, draft),
            hits=[hit.reason for hit in hits],
        )


def _overtaken(tx: Tx, work: EndDraft, conversation: Conversation, draft: Message) -> str | None:
    """What has happened since that makes it an answer to something else. By number and not by
    time: what reached the hub after the draft was not thought of, whenever it was said."""
    shop = conversation.shop
    latest = tx.messages.of_conversation(shop, conversation.id, limit=LOOKED_BACK)
    heard = [one for one in latest if one.origin is Origin.BUYER]
    if any(one.id > draft.id for one in heard):
        return SPOKE_SINCE
    if heard and max(heard, key=lambda one: one.id).state is MessageState.RECALLED:
        return TAKEN_BACK
    if conversation.item_id != work.item:
        return OTHER_ITEM
    if any(
        need.kind is NeedKind.OFFER and need.conversation == conversation.id
        for need in tx.needs.all_open(shop)
    ):
        return OFFER_WAITS
    return None
