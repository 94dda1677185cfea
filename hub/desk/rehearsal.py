"""What if: what would be answered, and what a changed rule would have answered, without a word to
anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub import text
from hub.answers import OfferAnswer, written
from hub.bargains import try_offer
from hub.desk.operator import Operator
from hub.desk.rules import RuleFields, drawn_up, new_rule
from hub.errors import Invalid, NotFound
from hub.model import (
    Account,
    AccountId,
    Content,
    Conversation,
    ConversationId,
    MessageId,
    PlatformConversation,
    PlatformUser,
    Role,
    Rule,
    RuleId,
    RuleKind,
    Text,
)
from hub.policy import (
    Answer,
    AskAi,
    Asked,
    Clock,
    Decided,
    Rulebook,
    Silence,
    decide_reply,
    mode_for,
)
from hub.settings import AssistSettings, BargainSettings
from hub.store import Store, Tx
from hub.suggesting import why_no_ai

LONGEST_WORDS = 500
MOST_REPLAYED = 2000
_ITEM_ID = re.compile(r"[0-9]{8,20}")
SAMPLE_BUYER = "买家小林"
NOT_ASKED = "回放时不问"
FOREVER = timedelta(days=36500)


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of some words."""

    account: Account
    item_title: str
    outcome: str
    """answered, asks_ai, or why there is silence, in one word."""
    reason: str
    steps: tuple[str, ...]
    rule: Rule | None
    contents: tuple[Content, ...]
    """What the buyer would see, in order."""


@dataclass(frozen=True, slots=True)
class Difference:
    message: MessageId
    conversation: ConversationId
    words: str
    at: datetime
    before: str
    """What was said, or why nothing was; as the present rules see it."""
    after: str


@dataclass(frozen=True, slots=True)
class Replayed:
    looked_at: int
    differences: tuple[Difference, ...]


class Rehearsal:
    def __init__(
        self,
        store: Store,
        ai: AssistSettings,
        bargain: BargainSettings,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._store = store
        self._ai = ai
        self._bargain = bargain
        self._now = now
        self._zone = zone

    async def try_out(
        self, operator: Operator, words: str, *, account: AccountId | None = None, item: str = ""
    ) -> Trial:
        """What a buyer who asks this now would be told: pauses are left out of account.

        `item`: its number or a part of its title that no other has; empty: about no item. Without
        an `account` the item's, else the first.
        """
        operator.require(Role.VIEWER)
        said = words.strip()
        if not said or len(said) > LONGEST_WORDS:
            raise Invalid(
                f"写上买家的话，最多 {LONGEST_WORDS} 字，例如：能便宜吗", {"text": "写买家的话"}
            )
        now = self._now()

        def unit(tx: Tx) -> Trial:
            found, number, title = _place(tx, operator, account, item)
            book = Rulebook(tx.rules.enabled(operator.shop, found.id))
            talk = _talk(found, number, title)
            asked = Asked(Text(said), now, number, first=True)
            decided = self._decide(asked, book, None)
            offer = try_offer(tx, talk, said, self._bargain)
            if offer is not None and isinstance(decided, AskAi):
                return _bargained(found, title, decided, offer)
            if isinstance(decided, AskAi):
                no_ai = why_no_ai(tx, self._ai, talk, now, self._zone)
                decided = self._decide(asked, book, no_ai)
            asks = isinstance(decided, AskAi)
            mode = mode_for(tx.ai_scopes.settings(operator.shop, found.id, number))
            contents: list[Content] = []
            if isinstance(decided, Answer):
                rule = decided.rule
                contents = written(tx, found, talk, rule.reply, Text(said), rule.pictures)
            return Trial(
                account=found,
                item_title=title,
                outcome=_outcome(decided),
                reason=decided.reason + (text.ai_would(mode) if asks else ""),
                steps=_looked_at(decided),
                rule=None if isinstance(decided, AskAi) else decided.rule,
                contents=tuple(contents),
            )

        return await self._store.read(unit)

    async def is_item(self, operator: Operator, word: str) -> bool:
        """Whether this is the number of an item, or stands in the title of one."""
        operator.require(Role.VIEWER)
        if _ITEM_ID.fullmatch(word):
            return True
        return bool(await self._store.read(lambda tx: tx.items.called(operator.shop, word)))

    async def replay(
        self,
        operator: Operator,
        *,
        rule: RuleId | None = None,
        kind: RuleKind | None = None,
        fields: RuleFields | None = None,
        last: int = 200,
    ) -> Replayed:
        """What would have been different among the last messages of buyers.

        A changed rule: `rule` and `fields`; a new one: `kind` and `fields`; one taken away: `rule`
        alone. Raises Invalid for fields that could not be saved.
        """
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> Replayed:
            present = tx.rules.all(operator.shop)
            wanted = _changed(operator, present, rule, kind, fields)
            limit = max(1, min(last, MOST_REPLAYED))
            heard = tx.transcripts.by_buyers(operator.shop, None, limit=limit)
            books: dict[AccountId, tuple[Rulebook, Rulebook]] = {}
            found = []
            for message in heard:
                talk = tx.conversations.get(operator.shop, message.conversation)
                if talk is None:
                    continue
                if talk.account not in books:
                    books[talk.account] = (
                        Rulebook(_applying(present, talk.account)),
                        Rulebook(_applying(wanted, talk.account)),
                    )
                asked = Asked(message.content, message.sent_at, talk.item_id)
                before, after = (
                    self._decide(asked, book, NOT_ASKED) for book in books[talk.account]
                )
                if _said(before) != _said(after):
                    words = message.content.text if isinstance(message.content, Text) else ""
                    found.append(
                        Difference(
                            message.id, talk.id, words, message.sent_at, _said(before), _said(after)
                        )
                    )
            return Replayed(len(heard), tuple(reversed(found)))

        return await self._store.read(unit)

    def _decide(self, asked: Asked, book: Rulebook, no_ai: str | None) -> Decided:
        """As if the words had just come, with nobody leading and nothing paused."""
        at = Clock(asked.sent_at, asked.sent_at.astimezone(self._zone))
        return decide_reply(asked, book, None, enabled=True, at=at, expire=FOREVER, no_ai=no_ai)


def _looked_at(decided: Decided) -> tuple[str, ...]:
    """Without the pauses, which a trial leaves out of account."""
    return decided.steps[1:]


def _bargained(account: Account, title: str, decided: AskAi, offer: OfferAnswer) -> Trial:
    return Trial(
        account=account,
        item_title=title,
        outcome="bargained" if offer.words else "asks_person",
        reason=offer.reason,
        steps=_looked_at(decided),
        rule=None,
        contents=(Text(offer.words),) if offer.words else (),
    )


def _place(
    tx: Tx, operator: Operator, account: AccountId | None, item: str
) -> tuple[Account, str | None, str]:
    """Account, number and title of the item."""
    accounts = tx.accounts.all(operator.shop)
    if not accounts:
        raise NotFound("还没有账号，先添加一个")
    number, title, owner = None, "", account
    if wanted := item.strip():
        number, title, of_item = item_called(tx, operator, wanted)
        owner = account or of_item
    found = next((one for one in accounts if owner is None or one.id == owner), None)
    if found is None:
        raise NotFound("没有这个账号")
    return found, number, title


def item_called(tx: Tx, operator: Operator, wanted: str) -> tuple[str, str, AccountId | None]:
    """Number, title and account of the item that a number or a part of a title means.

    Raises NotFound; a number that nobody knows is taken as it is."""
    known = tx.items.get(operator.shop, wanted)
    if known is not None:
        return known.item.id, known.item.title, known.account
    if _ITEM_ID.fullmatch(wanted):
        return wanted, "", None
    named = tx.items.called(operator.shop, wanted)
    if not named:
        raise NotFound(f"没有标题里有「{wanted}」的商品，/商品 看在售的")
    if len(named) > 1:
        titles = "、".join(f"「{one.item.title}」" for one in named[:5])
        raise NotFound(f"有 {len(named)} 个商品的标题里有「{wanted}」，写长一点：{titles}")
    return named[0].item.id, named[0].item.title, named[0].account


def _talk(account: Account, item: str | None, title: str) -> Conversation:
    """One that nobody has had."""
    return Conversation(
        id=ConversationId(0),
        shop=account.shop,
        account=account.id,
        platform_id=PlatformConversation("0"),
        ticket="",
        buyer=PlatformUser("0"),
        buyer_name=SAMPLE_BUYER,
        item_id=item,
        item_title=title,
        last_message_at=None,
    )


def _changed(
    operator: Operator,
    present: Sequence[Rule],
    rule: RuleId | None,
    kind: RuleKind | None,
    fields: RuleFields | None,
) -> list[Rule]:
    if rule is None:
        assert kind is not None  # noqa: S101 - a new rule has one
        return [*present, drawn_up(new_rule(operator, kind), fields or {})]
    found = next((one for one in present if one.id == rule), None)
    if found is None:
        raise NotFound("这条规则不存在，可能已经被删除")
    others = [one for one in present if one.id != rule]
    return others if fields is None else [*others, drawn_up(found, fields)]


def _applying(rules: Iterable[Rule], account: AccountId) -> list[Rule]:
    """In their order of precedence; a new rule comes last among its equals."""
    ours = [one for one in rules if one.enabled and one.account in (None, account)]
    return sorted(ours, key=lambda one: (-one.priority, one.account is None, one.id == 0, one.id))


def _said(decided: Decided) -> str:
    match decided:
        case Answer():
            return decided.rule.reply or "[图片]"
        case AskAi():
            return "交给 AI"
        case Silence():
            return f"不回复：{decided.reason}"


def _outcome(decided: Decided) -> str:
    match decided:
        case Answer():
            return "answered"
        case AskAi():
            return "asks_ai"
        case Silence():
            return decided.outcome
