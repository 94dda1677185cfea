"""One message, pushed or read from a history, becomes the event it stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from hub.model import (
    BuyerMessage,
    Event,
    Ignored,
    OrderSignal,
    OwnMessage,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    SignalSource,
    SystemMessage,
)
from hub.xianyu import signals
from hub.xianyu.content import WRITTEN_BY_PEOPLE, inner_type, read_content
from hub.xianyu.ids import bare
from hub.xianyu.shapes import Map, as_map, as_text, load_json

USER_WROTE, PLATFORM_WROTE = 2, 1
PLATFORM_SENDERS = frozenset({"1400", "0", "-1"})
"""1400 is the platform's service robot; its messages claim to be written by a person."""
CONTENTLESS = frozenset({"发来一条消息", "发来一条新消息"})

_ITEM = re.compile(r"[?&]itemId=(\d+)")
_PEER = re.compile(r"[?&]peerUserId=(\d+)")


@dataclass(slots=True)
class Chat:
    """A message before anybody decided what it is. `kind` is the wire's own mark of who wrote it:
    2 a person, 1 the platform, None in histories, which do not say."""

    id: PlatformMessage
    conversation: PlatformConversation
    sender: str | None
    kind: int | None
    content_type: int | None
    content: Map
    summary: str
    meta: Map
    sent_at: datetime


def chat_event(chat: Chat, user: PlatformUser) -> Event:
    """Raises ValueError when nobody can be named as the sender of a person's message."""
    content_type = inner_type(chat.content, chat.content_type)
    if _by_platform(chat, content_type):
        return _platform_event(chat, content_type, user)
    if not content_type and chat.summary in CONTENTLESS:
        return Ignored("notice without content")
    content = read_content(chat.content, content_type, chat.summary)
    item_id = item_in(chat.meta)
    if chat.sender == user:
        return OwnMessage(
            chat.id,
            chat.conversation,
            item_id,
            content,
            chat.sent_at,
            as_text(chat.meta.get("_platform")),
        )
    if chat.sender is None:
        raise ValueError("message without a sender")
    return BuyerMessage(
        chat.id,
        chat.conversation,
        PlatformUser(chat.sender),
        as_text(chat.meta.get("reminderTitle"))
        or as_text(chat.meta.get("senderNick"))
        or as_text(chat.meta.get("senderUserName")),
        item_id,
        content,
        chat.sent_at,
        _quoted(chat.meta),
    )


def item_in(meta: Map) -> str | None:
    """The item a message is about. Only fields that hold nothing else are believed."""
    found = _ITEM.search(as_text(meta.get("reminderUrl")))
    return found[1] if found else bare(meta.get("itemId"))


def other_side(meta: Map, user: PlatformUser) -> PlatformUser | None:
    """Who triggered a platform message, if that is not the account itself."""
    sender = bare(meta.get("senderUserId"))
    if sender and sender != user and sender not in PLATFORM_SENDERS:
        return PlatformUser(sender)
    found = _PEER.search(as_text(meta.get("reminderUrl")))
    return PlatformUser(found[1]) if found and found[1] != user else None


def _by_platform(chat: Chat, content_type: int) -> bool:
    """The wire's mark decides. A forged card of a buyer carries the mark 2 like any text."""
    if chat.sender in PLATFORM_SENDERS or chat.kind == PLATFORM_WROTE:
        return True
    if chat.kind == USER_WROTE:
        return False
    marks = signals.Marks.read(chat.meta)
    if marks.by_user:
        return False
    return marks.by_platform or content_type not in WRITTEN_BY_PEOPLE


def _platform_event(chat: Chat, content_type: int, user: PlatformUser) -> Event:
    if content_type not in WRITTEN_BY_PEOPLE and chat.kind != USER_WROTE:
        marks = signals.Marks.read(chat.meta)
        shown = as_text(chat.meta.get("reminderContent")) or chat.summary
        finding = signals.find_in_card(chat.content, content_type, marks, shown)
        if finding is not None:
            return _order_signal(chat, content_type, finding, user)
    content = read_content(chat.content, content_type, chat.summary)
    return SystemMessage(chat.id, chat.conversation, content, chat.sent_at)


def _order_signal(
    chat: Chat, content_type: int, finding: signals.Finding, user: PlatformUser
) -> OrderSignal:
    workbench = signals.is_workbench(content_type, chat.meta)
    source = SignalSource.TIP if signals.is_tip(content_type) else SignalSource.CARD
    if workbench:
        source = SignalSource.WORKBENCH
    buyer = None if workbench else other_side(chat.meta, user)
    return OrderSignal(
        status=finding.status,
        source=source,
        conversation=chat.conversation,
        sent_at=chat.sent_at,
        id=chat.id,
        order_id=finding.order_id,
        item_id=item_in(chat.meta),
        buyer=user if finding.as_buyer else buyer,
        text=finding.text,
        as_buyer=finding.as_buyer,
    )


def _quoted(meta: Map) -> PlatformMessage | None:
    quoted = bare(meta.get("replyMessageId"))
    if quoted is None:
        extra = meta.get("extJson")
        if isinstance(extra, str) and "replyMessageId" in extra:
            quoted = bare(as_map(load_json(extra)).get("replyMessageId"))
    return PlatformMessage(quoted) if quoted else None
