"""Histories and conversation lists: the shapes they come in and the pages they become."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.model import (
    Event,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
)
from hub.xianyu.chat import Chat, chat_event
from hub.xianyu.content import parse_content
from hub.xianyu.decode import other_member, unknown
from hub.xianyu.ids import bare
from hub.xianyu.shapes import (
    Map,
    as_int,
    as_map,
    as_moment,
    as_text,
    load_base64,
    load_json,
)

FIRST_PAGE = 9007199254740991
"""Cursor of the newest page; the greatest number a browser counts exactly."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    events: tuple[Event, ...]
    """Newest first."""
    next_cursor: int | None
    """None: this was the oldest page."""
    said_at: tuple[datetime | None, ...] = ()
    """When each of the events was said, also of those that cannot be read."""


@dataclass(frozen=True, slots=True)
class ListedConversation:
    id: PlatformConversation
    buyer: PlatformUser | None
    """The other person; None in conversations with the platform itself."""
    item_id: str | None
    item_title: str
    modified_at: datetime | None
    last_message: Event | None
    unread: int


@dataclass(frozen=True, slots=True)
class ConversationPage:
    conversations: tuple[ListedConversation, ...]
    """Most recently changed first."""
    next_cursor: int | None


def read_history(body: object, *, user: PlatformUser, cursor: int) -> HistoryPage:
    """A conversation without messages answers without the list."""
    page = as_map(body)
    listed = page.get("userMessageModels")
    models = listed if isinstance(listed, list) else []
    events = tuple(decode_model(model, user=user) for model in models)
    said_at = tuple(
        as_moment(as_map(as_map(model).get("message")).get("createAt")) for model in models
    )
    return HistoryPage(events, _next(page, cursor) if events else None, said_at)


def read_conversations(body: object, *, user: PlatformUser, cursor: int) -> ConversationPage:
    page = as_map(body)
    rows = page.get("userConvs")
    found = [_listed(as_map(row), user) for row in (rows if isinstance(rows, list) else ())]
    conversations = tuple(row for row in found if row is not None)
    return ConversationPage(conversations, _next(page, cursor) if found else None)


def decode_model(model: object, *, user: PlatformUser) -> Event:
    """One message of a history. Never raises; Unknown for what cannot be read.

    Histories do not carry the mark that tells people from the platform, so a message that the
    server stamped as sent by a person is one, whatever it looks like.
    """
    try:
        return chat_event(_chat(as_map(as_map(model).get("message"))), user)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        return unknown(model, str(error) or type(error).__name__)


def _chat(message: Map) -> Chat:
    name, conversation = bare(message.get("messageId")), bare(message.get("cid"))
    sent_at = as_moment(message.get("createAt"))
    if not name or not conversation or sent_at is None:
        raise ValueError("message without id, conversation or time")
    custom = as_map(as_map(message.get("content")).get("custom"))
    packed = custom.get("data")
    text = load_base64(packed).decode("utf-8", "replace") if isinstance(packed, str) else packed
    meta = as_map(load_json(message.get("extension")))
    return Chat(
        id=PlatformMessage(name),
        conversation=PlatformConversation(conversation),
        sender=bare(meta.get("senderUserId")) or bare(as_map(message.get("sender")).get("uid")),
        kind=None,
        content_type=as_int(custom.get("type")),
        content=parse_content(text),
        summary=as_text(custom.get("summary")) or as_text(meta.get("reminderContent")),
        meta=meta,
        sent_at=sent_at,
    )


def _listed(row: Map, user: PlatformUser) -> ListedConversation | None:
    held = as_map(row.get("singleChatUserConversation"))
    single = as_map(held.get("singleChatConversation"))
    name = bare(single.get("cid"))
    if name is None:
        return None
    extension = as_map(load_json(single.get("extension")))
    last = as_map(held.get("lastMessage"))
    return ListedConversation(
        id=PlatformConversation(name),
        buyer=_partner(single, extension, user),
        item_id=bare(extension.get("itemId")),
        item_title=as_text(extension.get("itemTitle")),
        modified_at=as_moment(held.get("modifyTime")),
        last_message=decode_model(last, user=user) if last.get("message") else None,
        unread=max(0, as_int(held.get("redPoint")) or 0),
    )


def _partner(single: Map, extension: Map, user: PlatformUser) -> PlatformUser | None:
    for key in ("pairFirst", "pairSecond"):
        member = bare(single.get(key))
        if member and member != user:
            return (
                None if member in ("0", "1400") or member.startswith("-") else PlatformUser(member)
            )
    return other_member(extension, user)


def _next(page: Map, cursor: int) -> int | None:
    following = as_int(page.get("nextCursor"))
    if not as_int(page.get("hasMore")) and page.get("hasMore") is not True:
        return None
    return following if following and following != cursor else None
