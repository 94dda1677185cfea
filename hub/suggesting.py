"""What is known before a model is asked, and what is written down afterwards.

The question itself is asked between two units of work: `prepare` in the first gathers values and
counts the call, `conclude` in the second puts the true cost in its place. What is done with the
answer is up to whoever asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from hub import text
from hub.assist import last_picture, question_of
from hub.model import (
    AiAnswer,
    AiFailure,
    AiProfile,
    AiProfileId,
    AiSettings,
    AiTrouble,
    AiUseId,
    Conversation,
    Message,
    MessageId,
    Question,
    QuestionPicture,
    ShopId,
)
from hub.policy import day_began, profiles_for, why_not_ask
from hub.settings import AssistSettings
from hub.store import Tx

READ = 60
"""Messages that are looked at; what a model is shown of them is a setting of the shop."""
FROM_SETTINGS = AiProfileId(0)
ANSWERED = "买家的话已经有人回答过了"
"""Why nobody has to be asked any more, and nothing else has to be said either."""
NO_PROFILE = text.ai_trouble(AiTrouble.NO_PROFILE)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question that was counted and may be asked now."""

    question: Question
    profiles: tuple[AiProfile, ...]
    settings: AiSettings
    conversation: Conversation
    use: AiUseId
    picture_url: str | None
    """Of the buyer's last picture, if one of the profiles can see it."""

    def with_picture(self, picture: QuestionPicture | None) -> Prepared:
        return replace(self, question=replace(self.question, picture=picture))


def why_no_ai(
    tx: Tx,
    ai: AssistSettings,
    conversation: Conversation,
    now: datetime,
    zone: ZoneInfo,
    *,
    wanted: bool = False,
) -> str | None:
    """Why no model is asked in this conversation now, for the operator; None: one may be. Asked for
    every message that no rule answers, so what costs least is looked at first. `wanted`: by a
    person, so that neither hours nor modes count."""
    shop = conversation.shop
    if not (_has_first(tx, ai, shop) or tx.ai_profiles.any_enabled(shop)):
        return NO_PROFILE
    since = day_began(now, zone)
    return why_not_ask(
        tx.ai_scopes.settings(shop, conversation.account, conversation.item_id),
        enabled=ai.enabled,
        now=now,
        zone=zone,
        today=tx.ai_uses.of_shop(shop, since),
        conversation=tx.ai_uses.of_conversation(shop, conversation.id, since),
        wanted=wanted,
    )


def prepare(
    tx: Tx,
    ai: AssistSettings,
    conversation: Conversation,
    now: datetime,
    zone: ZoneInfo,
    *,
    asked: MessageId | None = None,
    unlike: str | None = None,
) -> Prepared | str:
    """Everything that a model may know about the buyer's unanswered words; or, in one sentence for
    the operator, why nobody is asked. Counts the call, so conclude it whatever happens.

    `asked`: the line that is to be answered. `unlike`: what was proposed before, and a person wants
    something else.
    """
    shop = conversation.shop
    reason = why_no_ai(tx, ai, conversation, now, zone, wanted=unlike is not None)
    if reason is not None:
        return reason
    profiles = profiles_for(known_profiles(tx, ai, shop), conversation.account)
    if not profiles:
        return NO_PROFILE
    settings = tx.ai_scopes.settings(shop, conversation.account, conversation.item_id)
    messages = tx.messages.of_conversation(shop, conversation.id, limit=READ)
    question = _question(tx, conversation, messages, settings, asked=asked, unlike=unlike or "")
    if question is None:
        return ANSWERED
    return Prepared(
        question=question,
        profiles=tuple(profiles),
        settings=settings,
        conversation=conversation,
        use=tx.ai_uses.begin(shop, conversation.account, conversation.id, now),
        picture_url=last_picture(messages) if any(p.sees_pictures for p in profiles) else None,
    )


def question_before(
    tx: Tx, conversation: Conversation, message: MessageId, settings: AiSettings
) -> Question | None:
    """What AI was asked, or could have been, when it wrote this message; with the facts of now.
    None: nothing of the buyer's was open then."""
    shop = conversation.shop
    earlier = tx.messages.of_conversation(shop, conversation.id, limit=READ, before=message)
    return _question(tx, conversation, earlier, settings)


def _question(
    tx: Tx,
    conversation: Conversation,
    messages: Sequence[Message],
    settings: AiSettings,
    *,
    asked: MessageId | None = None,
    unlike: str = "",
) -> Question | None:
    shop, item = conversation.shop, conversation.item_id
    known = None if item is None else tx.items.get(shop, item)
    return question_of(
        messages,
        settings=settings,
        item=None if known is None else known.item,
        title=conversation.item_title,
        codes=_codes(tx, conversation),
        order=_order(tx, conversation),
        unlike=unlike,
        asked=asked,
        asides=tx.messages.about_orders(shop, conversation.id),
    )


def conclude(tx: Tx, prepared: Prepared, outcome: AiAnswer | AiFailure) -> None:
    """Write down what was spent. A second time, as after a crash, it does nothing."""
    conversation = prepared.conversation
    tx.ai_uses.end(
        conversation.shop,
        prepared.use,
        outcome.tries,
        account=conversation.account,
        conversation=conversation.id,
    )


def known_profiles(tx: Tx, ai: AssistSettings, shop: ShopId) -> list[AiProfile]:
    """The one from the settings file, for the first shop, and the stored ones."""
    first = profile_of_settings(ai, shop) if _has_first(tx, ai, shop) else None
    return [*([] if first is None else [first]), *tx.ai_profiles.all(shop)]


def _has_first(tx: Tx, ai: AssistSettings, shop: ShopId) -> bool:
    return bool(ai.base_url) and shop == tx.shops.default()


def profile_of_settings(ai: AssistSettings, shop: ShopId) -> AiProfile | None:
    """Whoever writes the settings file owns the machine, so the own network is allowed."""
    if not ai.base_url:
        return None
    return AiProfile(
        id=FROM_SETTINGS,
        shop=shop,
        name="设置文件",
        base_url=ai.base_url,
        model=ai.model,
        api_key=ai.api_key,
        timeout_seconds=ai.timeout_seconds,
        allow_private=True,
    )


def _codes(tx: Tx, conversation: Conversation) -> list[str]:
    if conversation.buyer is None:
        return []
    return tx.cards.codes_of_buyer(conversation.shop, conversation.account, conversation.buyer)


def _order(tx: Tx, conversation: Conversation) -> str:
    """The buyer's newest order of this conversation, in words, without its number."""
    if conversation.buyer is None:
        return ""
    for order in tx.orders.of_buyer(conversation.shop, conversation.buyer, limit=10):
        if order.account == conversation.account and order.conversation == conversation.id:
            return f"{text.bought(order)}，{text.order_status(order)}"
    return ""
