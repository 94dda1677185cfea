"""Bargaining in a conversation: what an offer is answered, and what a text may promise.

For whoever decides about automatic answers. Everything happens in the caller's unit of work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from hub import text
from hub.answers import OfferAnswer
from hub.delivery import open_need
from hub.model import (
    AccountId,
    Bargain,
    Conversation,
    MessageId,
    Need,
    NeedKind,
    PlatformUser,
    ShopId,
)
from hub.policy import (
    Ask,
    Author,
    BargainMove,
    BargainVerdict,
    GuardWords,
    Hit,
    ItemTerms,
    Offer,
    check_promises,
    decide_offer,
    forbidden_words,
    guard,
    in_window,
    names_free_postage,
    read_offer,
)
from hub.settings import BargainSettings
from hub.store import Tx
from hub.text import FORBIDDEN_WORDS

SHOP_WORDS = "guard.forbidden"
"""Where the words are kept that a shop has added."""


@dataclass(frozen=True, slots=True)
class HeardOffer:
    """An offer, what is to be answered, and the need if a person was asked."""

    offer: Offer
    verdict: BargainVerdict
    need: Need | None


def answer_offer(
    tx: Tx,
    conversation: Conversation,
    said: str,
    message: MessageId,
    settings: BargainSettings,
    now: datetime,
) -> OfferAnswer | None:
    """What is said to a buyer about the price, without a person and without a model (L42).

    None: it is about no lower price, or nobody has set how far the price of this item may fall;
    then it is a question like any other.
    """
    if conversation.buyer is None or conversation.item_id is None:
        return None
    terms = terms_of(tx, conversation.shop, conversation.account, conversation.item_id)
    if terms.floor is None:
        return None
    heard = hear_offer(tx, conversation, said, message, settings, now)
    if heard is None:
        return None
    return OfferAnswer(_answer_in_words(heard.offer, heard.verdict), heard.verdict.reason)


def try_offer(
    tx: Tx, conversation: Conversation, said: str, settings: BargainSettings
) -> OfferAnswer | None:
    """What `answer_offer` would say to the first offer of somebody; nothing is remembered."""
    if conversation.item_id is None:
        return None
    terms = terms_of(tx, conversation.shop, conversation.account, conversation.item_id)
    offer = read_offer(said, terms.listed) if terms.floor is not None else None
    if offer is None:
        return None
    verdict = decide_offer(offer, terms, None, most_rounds=settings.rounds)
    return OfferAnswer(_answer_in_words(offer, verdict), verdict.reason)


def _answer_in_words(offer: Offer, verdict: BargainVerdict) -> str:
    """Empty: a person is asked."""
    about_postage = offer.ask is Ask.POSTAGE
    match verdict.move:
        case BargainMove.ACCEPT if about_postage:
            return text.postage_free_to_buyer()
        case BargainMove.REFUSE if about_postage:
            return text.postage_extra_to_buyer()
        case BargainMove.ACCEPT if verdict.price is not None:
            return text.agreed_to_buyer(verdict.price)
        case BargainMove.COUNTER if verdict.price is not None:
            return text.countered_to_buyer(verdict.price)
        case BargainMove.ASK_PERSON:
            return ""
        case _:
            return text.declined_to_buyer()


def hear_offer(
    tx: Tx,
    conversation: Conversation,
    said: str,
    message: MessageId,
    settings: BargainSettings,
    now: datetime,
) -> HeardOffer | None:
    """Judge what a buyer says about the price, count the round, and ask a person where the code may
    not decide. None: it is about no lower price. The same message again counts and asks nothing."""
    if conversation.buyer is None or conversation.item_id is None:
        return None
    terms = terms_of(tx, conversation.shop, conversation.account, conversation.item_id)
    offer = read_offer(said, terms.listed)
    if offer is None:
        return None
    bargain = standing(tx, conversation, settings, now)
    repeated = bargain is not None and bargain.message == message
    if bargain is not None and repeated:
        bargain = replace(bargain, rounds=bargain.rounds - 1)
    verdict = decide_offer(offer, terms, bargain, most_rounds=settings.rounds)
    if offer.ask is Ask.POSTAGE:
        return HeardOffer(offer, verdict, None)
    remember(tx, conversation, bargain, offer, verdict, message, now)
    need = None
    if not repeated and verdict.move in (BargainMove.ASK_PERSON, BargainMove.ACCEPT):
        _supersede(tx, conversation, text.offer_superseded(), now)
    if verdict.move is BargainMove.ASK_PERSON:
        need = open_need(
            tx,
            conversation.shop,
            NeedKind.OFFER,
            account=conversation.account,
            subject=f"offer:{conversation.id}",
            conversation=conversation.id,
            detail=text.offer_detail(
                conversation.buyer_name, conversation.item_title, said, verdict.reason
            ),
            now=now,
        )
    return HeardOffer(offer, verdict, need)


def check_automatic(
    tx: Tx,
    conversation: Conversation,
    said: str,
    words: GuardWords,
    settings: BargainSettings,
    now: datetime,
    *,
    author: Author = Author.MODEL,
    is_card: Callable[[str], bool] = lambda _: False,
) -> Sequence[Hit]:
    """Why a text may not go out by itself: it becomes a draft, and a person is told. Empty: it may.

    What the owner wrote into a rule is the owner's word: its prices and promises are not judged.
    """
    hits = list(guard(said, words, author=author, is_card=is_card))
    if author is Author.MODEL:
        item = conversation.item_id
        terms = (
            terms_of(tx, conversation.shop, conversation.account, item)
            if item is not None
            else ItemTerms(None, None)
        )
        hits += check_promises(said, terms, standing(tx, conversation, settings, now))
    return hits


def terms_of(tx: Tx, shop: ShopId, account: AccountId, item_id: str) -> ItemTerms:
    """An item with several prices has no listed one: nobody can tell which choice is meant."""
    known = tx.items.get(shop, item_id)
    stored = tx.floors.of_item(shop, account, item_id)
    floor = stored.floor if stored is not None else None
    if known is None:
        return ItemTerms(None, floor)
    item = known.item
    found = (item.price, item.highest_price, *(one.price for one in item.variants))
    prices = tuple(dict.fromkeys(price for price in found if price is not None))
    listed = prices[0] if len(prices) == 1 else None
    free_postage = names_free_postage(f"{item.title}\n{item.description}")
    return ItemTerms(listed, floor, prices, free_postage, item.title)


def standing(
    tx: Tx, conversation: Conversation, settings: BargainSettings, now: datetime
) -> Bargain | None:
    """What was said before with this buyer about this item and still counts."""
    if conversation.buyer is None or conversation.item_id is None:
        return None
    found = tx.bargains.get(
        conversation.shop, conversation.account, conversation.buyer, conversation.item_id
    )
    return in_window(found, timedelta(hours=settings.window_hours), now)


def remember(
    tx: Tx,
    conversation: Conversation,
    before: Bargain | None,
    offer: Offer,
    verdict: BargainVerdict,
    message: MessageId,
    now: datetime,
) -> None:
    """One round more, and the price if one was promised."""
    begun = before or _begin(conversation, now)
    accepted = verdict.move is BargainMove.ACCEPT and offer.amount is not None
    countered = verdict.move is BargainMove.COUNTER
    asked = verdict.move is BargainMove.ASK_PERSON
    tx.bargains.save(
        conversation.shop,
        replace(
            begun,
            rounds=begun.rounds + 1,
            offered=offer.amount if asked else begun.offered,
            countered=verdict.price if countered else begun.countered,
            agreed=verdict.price if accepted else begun.agreed,
            message=message,
            changed_at=now,
        ),
    )


def agree(
    tx: Tx,
    conversation: Conversation,
    settings: BargainSettings,
    now: datetime,
    *,
    agreed: Decimal | None = None,
    countered: Decimal | None = None,
) -> None:
    """A person promised (`agreed`) or named (`countered`) a price; it may be said from now on."""
    begun = standing(tx, conversation, settings, now) or _begin(conversation, now)
    price = agreed if agreed is not None else countered
    tx.bargains.save(
        conversation.shop,
        replace(begun, agreed=price, countered=countered or begun.countered, changed_at=now),
    )


def guard_words(tx: Tx, shop: ShopId, extra: str = "") -> GuardWords:
    """The words that come with the program, those of the installation (`extra`, a file's text) and
    those that the shop has added."""
    own = tx.values.get(shop, SHOP_WORDS) or ""
    words = dict.fromkeys(
        word for file in (FORBIDDEN_WORDS, extra, own) for word in forbidden_words(file)
    )
    return GuardWords(forbidden=tuple(words))


def read_words(path: Path) -> str:
    """The installation's own file; empty when there is none.

    Raises OSError or UnicodeDecodeError when it is there and cannot be read."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _supersede(tx: Tx, conversation: Conversation, resolution: str, now: datetime) -> None:
    """What a person would agree to is always what the buyer offered last."""
    for need in tx.needs.all_open(conversation.shop):
        if need.kind is NeedKind.OFFER and need.conversation == conversation.id:
            tx.needs.close(conversation.shop, need.id, resolution=resolution, now=now)


def _begin(conversation: Conversation, now: datetime) -> Bargain:
    assert conversation.item_id is not None  # noqa: S101 - bargaining is about an item
    return Bargain(
        account=conversation.account,
        buyer=conversation.buyer or PlatformUser(""),
        item=conversation.item_id,
        rounds=0,
        since=now,
        offered=None,
        countered=None,
        agreed=None,
        changed_at=now,
    )
