"""Reminders of buyers whom nobody answered, summaries after quiet, and the digest of the day."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub import text
from hub.attention import remind
from hub.model import (
    RESTING,
    AccountState,
    Conversation,
    DailyDigest,
    MemberId,
    Message,
    NoticeKind,
    PeoplePlan,
    Ping,
    ShopId,
    Standing,
    StockLevel,
    Summarize,
    Tally,
    TaskState,
    Urgent,
    UrgentNews,
)
from hub.notices import (
    about_conversation,
    claimed_by,
    mail_members,
    plan_digest,
    tagged,
    tell_members,
)
from hub.outbound.worker import Claim, InOneUnit
from hub.policy import audience, is_undisturbed, next_at, pinged, pings, quiet_ends
from hub.store import Tx
from hub.summaries import summary_due
from hub.text import mail
from hub.text import people as people_words

DAY = timedelta(days=1)


class Pings(InOneUnit):
    """Performs `Ping`: whoever is told of the buyer first, then the others, then owners."""

    def _unit(self, tx: Tx, claim: Claim) -> None:
        work, shop, now = claim.task.work, claim.task.shop, self._now()
        assert isinstance(work, Ping)  # noqa: S101 - performers are registered by kind
        conversation = tx.conversations.get(shop, work.conversation)
        message = tx.messages.get(shop, work.message)
        over = message is None or tx.attention.answered(shop, work.conversation, work.message)
        buyer = conversation.buyer if conversation is not None else None
        over = over or (buyer is not None and tx.buyers.is_blocked(shop, buyer))
        plan = tx.plans.get(shop) or PeoplePlan()
        quiet = quiet_ends(plan, now)
        if conversation is None or message is None or over:
            tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now)
        elif (
            quiet is not None
            and work.member is None
            and is_undisturbed(plan, tx.members.all(shop), now)
        ):
            tx.outbox.release(claim.task, claim.holder, quiet)
        elif tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now):
            self._tell(tx, claim, work, plan, conversation, message, now)

    def _tell(
        self,
        tx: Tx,
        claim: Claim,
        work: Ping,
        plan: PeoplePlan,
        conversation: Conversation,
        message: Message,
        now: datetime,
    ) -> None:
        shop = conversation.shop
        account = tx.accounts.get(shop, conversation.account)
        if account is None:
            return
        to = (work.member,) if work.member is not None else _whom(tx, work, plan, conversation, now)
        waited, asked = now - message.sent_at, work.member is not None
        said = people_words.ping(account, conversation, text.plain(message.content), waited, asked)
        tell_members(
            tx,
            shop,
            to,
            said,
            key=f"{claim.task.key}:told",
            now=now,
            conversation=conversation.id,
            message=message.id,
        )
        minutes = pings(plan, tx.members.answering(shop))
        if work.step + 1 < len(minutes):
            more = timedelta(minutes=minutes[work.step + 1] - minutes[work.step])
            remind(tx, conversation, message.id, now + more, now, step=work.step + 1)
        elif minutes and plan.mail_unanswered:
            words = mail.unanswered_mail(account, conversation, waited)
            news = UrgentNews(Urgent.UNANSWERED, words=words)
            mail_members(tx, shop, news, said, f"{claim.task.key}:mail", now)


def _whom(
    tx: Tx, work: Ping, plan: PeoplePlan, conversation: Conversation, now: datetime
) -> tuple[MemberId, ...]:
    members = tx.members.all(conversation.shop)
    holder = claimed_by(tx.attention.claim_of(conversation.shop, conversation.id), now)
    asked = about_conversation(NoticeKind.MESSAGE, conversation)
    about = tagged(tx, conversation.shop, asked, plan)
    told = audience(about, plan, members, now)
    return pinged(work.step, plan, members, told, now, claimed_by=holder)


class Summaries(InOneUnit):
    """Performs `Summarize`: what was held back from a member, once they want to hear again."""

    def _unit(self, tx: Tx, claim: Claim) -> None:
        work, shop, now = claim.task.work, claim.task.shop, self._now()
        assert isinstance(work, Summarize)  # noqa: S101 - performers are registered by kind
        plan = tx.plans.get(shop) or PeoplePlan()
        later = summary_due(plan, work.member, now)
        if later > now:
            tx.outbox.release(claim.task, claim.holder, later)
        elif tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now):
            tally = tx.attention.tally(shop, work.since, now)
            standing = _standing(tx, shop)
            if tally == Tally() and not standing:
                return
            said = people_words.summary(tally, standing, work.since, ZoneInfo(plan.zone), now)
            key = f"{claim.task.key}:told"
            tell_members(tx, shop, (work.member,), said, key=key, now=now)


class Digests(InOneUnit):
    """Performs `DailyDigest`, and has it performed again the next day while the shop wants it."""

    def _unit(self, tx: Tx, claim: Claim) -> None:
        work, shop, now = claim.task.work, claim.task.shop, self._now()
        assert isinstance(work, DailyDigest)  # noqa: S101 - performers are registered by kind
        if not tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now):
            return
        plan = tx.plans.get(shop) or PeoplePlan()
        at = plan.digest_at
        if at is None or f"{at:%H:%M}" != work.at:
            return  # another time was chosen
        plan_digest(tx, shop, plan, now)
        owners = [one.id for one in tx.members.owners(shop)]
        said = _digest(tx, shop, plan, at, now)
        tell_members(tx, shop, owners, said, key=claim.task.key, now=now)


def _standing(tx: Tx, shop: ShopId) -> Standing:
    """What is as it is whenever one looks."""
    pools = [one for one in tx.pools.all(shop) if one.enabled and one.told is not StockLevel.FINE]
    return Standing(len(tx.needs.all_open(shop)), tuple(one.name for one in pools))


def _digest(tx: Tx, shop: ShopId, plan: PeoplePlan, at: time, now: datetime) -> str:
    """Of the day up to the last time that it was so late: it may come with a delay."""
    zone, until = ZoneInfo(plan.zone), next_at(now, plan.zone, at.hour, at.minute) - DAY
    since = until - DAY
    tally = tx.attention.tally(shop, since, until)
    resting = (AccountState.WAITING, *RESTING)
    accounts = [one for one in tx.accounts.all(shop) if one.enabled]
    troubled = [one.name for one in accounts if one.state in resting]
    return people_words.digest(tally, _standing(tx, shop), troubled, (since, until), zone, now)
