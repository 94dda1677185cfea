"""Puts a question together from what is stored: words, never goods, in the order of arrival."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from hub.model import (
    AiSettings,
    Content,
    Image,
    Item,
    ItemFacts,
    Message,
    MessageId,
    MessageState,
    Origin,
    Question,
    QuestionPicture,
    Said,
    Speaker,
    Variant,
    Video,
    Voice,
)
from hub.policy import masked_texts
from hub.text import DELIVERED, PICTURE, plain, price, yuan

SHORTEST_SECRET = 4
"""A shorter line of a delivery is no secret, and hiding it would hide half of what is said."""
_NEVER_SAID = (
    MessageState.DRAFT,
    MessageState.DROPPED,
    MessageState.REJECTED,
    MessageState.RECALLED,
)


def question_of(
    messages: Iterable[Message],
    *,
    settings: AiSettings,
    item: Item | None = None,
    title: str = "",
    codes: Iterable[str] = (),
    order: str = "",
    unlike: str = "",
    asked: MessageId | None = None,
    asides: Collection[MessageId] = (),
    picture: QuestionPicture | None = None,
) -> Question | None:
    """None: the buyer's last words were answered, or there are none.

    `messages` may come in any order; they are read in that in which they were said, and those of
    the same moment by id (L41). `title` is the item's as the
    conversation names it, for when its page is not known. `codes` are cards that this buyer got or
    is about to get: people quote them, so they are hidden wherever they stand, as is every line of
    the deliveries among the messages.

    `asked`: the line that is to be answered; else the buyer's last. Goods, `asides` (what was said
    about an order), and what was said before that line was heard are no answers to it, wherever
    clocks have put them.
    """
    ordered = sorted(messages, key=_as_said)
    secrets = [*codes, *_delivered_lines(ordered)]
    spoken = [one for one in ordered if _was_said(one)]
    said = [_said(one, secrets) for one in spoken]
    first = _first_unanswered(spoken, asked, asides)
    words = tuple(one for one in said[first:] if one.speaker is Speaker.BUYER)
    if not words:
        return None
    history = said[: said.index(words[0])]
    kept = settings.limits.history
    shop, account, here = settings.shop, settings.account, settings.item
    return Question(
        words=words,
        history=tuple(history[-kept:]) if kept else (),
        item=facts_of(item, title),
        order=order,
        knowledge=(shop.knowledge, account.knowledge, here.knowledge),
        guidance=(shop.prompt, account.prompt, here.prompt),
        unlike=masked_texts(unlike, secrets, DELIVERED),
        picture=picture,
    )


def _first_unanswered(
    spoken: Sequence[Message], asked: MessageId | None, asides: Collection[MessageId]
) -> int:
    """Where the buyer's unanswered words begin, among what was said in its order."""
    heard = [n for n, one in enumerate(spoken) if one.origin is Origin.BUYER]
    at = next((n for n in heard if spoken[n].id == asked), heard[-1] if heard else 0)
    first = len(spoken)
    while first > 0:
        one = spoken[first - 1]
        beside = first - 1 > at and (
            one.origin is Origin.DELIVERY
            or one.id in asides
            or (one.automatic and one.id < spoken[at].id)
        )
        if one.ours and not beside:
            break
        first -= 1
    return first


def facts_of(item: Item | None, title: str = "") -> ItemFacts:
    """What the item's page says (L39)."""
    if item is None:
        return ItemFacts(title=title)
    return ItemFacts(
        title=item.title or title,
        price=price(item),
        description=item.description,
        specs=tuple(_variant(one) for one in item.variants),
        stock=_stock(item),
    )


def last_picture(messages: Sequence[Message]) -> str | None:
    """Address of the last picture among the buyer's unanswered messages."""
    found = None
    for one in sorted(messages, key=_as_said):
        if one.ours and _was_said(one):
            found = None
        elif one.origin is Origin.BUYER and isinstance(one.content, Image) and one.content.pictures:
            found = one.content.pictures[-1].url
    return found


def _was_said(message: Message) -> bool:
    """Whether it is part of the talk. The seller's word to us stands in it and answers nobody."""
    return message.state not in _NEVER_SAID and message.origin is not Origin.TOGGLE


def _as_said(message: Message) -> tuple[datetime, int]:
    return message.sent_at, message.id


def _said(message: Message, secrets: Sequence[str]) -> Said:
    if message.origin is Origin.BUYER:
        speaker = Speaker.BUYER
    else:
        speaker = Speaker.PLATFORM if message.origin is Origin.PLATFORM else Speaker.SELLER
    if message.origin is Origin.DELIVERY:
        return Said(message.id, speaker, DELIVERED)
    return Said(message.id, speaker, masked_texts(_in_words(message.content), secrets, DELIVERED))


def _in_words(content: Content) -> str:
    """Without addresses: they say nothing to a model, and open what is nobody's business."""
    match content:
        case Image():
            return PICTURE
        case Voice():
            return "[语音]"
        case Video():
            return "[视频]"
        case _:
            return plain(content)


def _delivered_lines(messages: Iterable[Message]) -> list[str]:
    return [
        line.strip()
        for one in messages
        if one.origin is Origin.DELIVERY
        for line in plain(one.content).splitlines()
        if len(line.strip()) >= SHORTEST_SECRET
    ]


def _variant(variant: Variant) -> str:
    name = "，".join(f"{name}：{value}" for name, value in variant.spec)
    cost = "" if variant.price is None else f"，¥{yuan(variant.price)}"
    return f"{name}{cost}，{_left(variant.quantity)}".removesuffix("，")


def _stock(item: Item) -> str:
    if item.on_sale is False:
        return "已下架"
    return _left(item.quantity)


def _left(quantity: int | None) -> str:
    """In words: how many there are is the seller's business."""
    if quantity is None:
        return ""
    return "有货" if quantity > 0 else "卖完了"
