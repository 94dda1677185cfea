"""A pushed entry becomes events, whichever of the platform's shapes and encodings it has.

Entries are told apart by their shape; the object type is a hint that other sources get wrong. What
cannot be read becomes `Unknown` and costs nobody else anything.
"""

from __future__ import annotations

from datetime import datetime

from hub.model import (
    ConversationInfo,
    Event,
    Ignored,
    OrderContext,
    OrderSignal,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    ReadReceipt,
    Recalled,
    SignalSource,
    Typing,
    Unknown,
)
from hub.xianyu import signals
from hub.xianyu.chat import USER_WROTE, Chat, chat_event, item_in, other_side
from hub.xianyu.content import WRITTEN_BY_PEOPLE, parse_content
from hub.xianyu.ids import SUFFIX, bare
from hub.xianyu.shapes import (
    Map,
    as_int,
    as_map,
    as_moment,
    as_text,
    clean,
    dump,
    load_base64,
    load_json,
    load_msgpack,
    with_int_keys,
)

RAW_LIMIT = 64_000
"""Characters of an unreadable entry that are kept."""

READ = 2
_MESSAGE = ".PNM"
_SESSION_AROUSE, _BUSINESS_NOTICE = 8, 11
_NO_USE = {
    40001: "conversation shown or hidden",
    40002: "conversation muted",
    40003: "conversation pinned",
    40004: "unread marker",
    40007: "group extension",
    40010: "conversation tags",
    40101: "message deleted",
    40106: "conversation emptied",
    40108: "message extension of the user",
}
_RECALLED = 40104
_GROUP_EVENTS = range(40200, 40222)


def decode_entry(
    entry: object, *, user: PlatformUser, received_at: datetime | None = None
) -> tuple[Event, ...]:
    """Events of one entry of a push to `user`; never raises, never empty.

    `received_at` stands in for the time of a message that carries none.
    """
    try:
        payload = _unpack(entry)
        events = _payload_events(payload, as_map(entry), user, received_at)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        return (unknown(entry, str(error) or type(error).__name__),)
    except RecursionError:
        return (unknown(entry, "nested too deeply"),)
    return events


def unknown(raw: object, reason: str) -> Unknown:
    """`raw` as text that any database takes, cut to RAW_LIMIT."""
    if not isinstance(raw, str):
        try:
            raw = dump(raw)
        except (TypeError, ValueError, RecursionError):
            raw = repr(raw)
    return Unknown(clean(raw[:RAW_LIMIT]), clean(reason[:300]))


def _unpack(entry: object) -> Map:
    if not isinstance(entry, dict):
        raise ValueError("entry is no object")
    packed = entry.get("data")
    if isinstance(packed, dict):
        return as_map(with_int_keys(packed))
    if not isinstance(packed, str) or not packed:
        raise ValueError("entry without data")
    if packed[0] in "{[":
        payload = load_json(packed)
    else:
        blob = load_base64(packed)
        payload = load_json(blob.decode("utf-8", "replace")) if blob[:1] in b"{[" else None
        if payload is None:
            payload = load_msgpack(blob)
    if not isinstance(payload, dict):
        raise ValueError("payload is no map")
    return as_map(with_int_keys(payload)) if "1" in payload else payload


def _payload_events(
    payload: Map, entry: Map, user: PlatformUser, received_at: datetime | None
) -> tuple[Event, ...]:
    first = payload.get(1)
    if as_int(entry.get("objectType")) == _RECALLED and (taken_back := _recalled(first)):
        return (taken_back,)
    if isinstance(first, dict):
        return (chat_event(_chat(first, received_at), user),)
    if isinstance(first, list):
        return _listed(payload, first, received_at)
    if isinstance(first, str):
        if isinstance(payload.get(4), dict):
            return (_card_update(payload, first, user, received_at),)
        if first.endswith(_MESSAGE):
            return (_receipt(payload.get(4), (first,), payload, 6, received_at),)
        if first.endswith(SUFFIX):
            return (_conversation_event(payload, first, user, received_at),)
    elif "chatType" in payload or "operation" in payload:
        return (_json_channel(payload, user, received_at),)
    if isinstance(entry.get("bizType"), str) and not str(entry["bizType"]).isdecimal():
        return (Ignored(f"notice {clean(str(entry['bizType'])[:60])}"),)
    kind = as_int(entry.get("objectType"))
    if kind in _GROUP_EVENTS:
        return (Ignored("group event"),)
    if kind in _NO_USE:
        return (Ignored(_NO_USE[kind]),)
    raise ValueError("shape not known")


# --- Shapes -------------------------------------------------------------------------------------


def _chat(message: Map, received_at: datetime | None) -> Chat:
    inner = message.get(1)
    if isinstance(inner, dict) and 3 not in message and 3 in inner:
        message = inner  # one published sample nests the message one level deeper
        inner = message.get(1)
    meta = as_map(message.get(10))
    custom = as_map(as_map(message.get(6)).get(3))
    content = parse_content(custom.get(5))
    if not content and custom.get(1):
        content = parse_content(load_base64(as_text(custom.get(1))).decode("utf-8", "replace"))
    sender = bare(meta.get("senderUserId"))
    if sender is None:
        while isinstance(inner, dict):
            inner = inner.get(1)
        sender = bare(inner)
    return Chat(
        id=PlatformMessage(_named(message.get(3), "message id")),
        conversation=_conversation(message.get(2)),
        sender=sender,
        kind=as_int(message.get(7)),
        content_type=as_int(custom.get(4)),
        content=content,
        summary=as_text(custom.get(2)) or as_text(meta.get("reminderContent")),
        meta=meta,
        sent_at=_moment(message.get(5), received_at),
    )


def _listed(payload: Map, first: list[object], received_at: datetime | None) -> tuple[Event, ...]:
    """A list holds either people who type or messages that were read."""
    if first and all(isinstance(member, dict) for member in first):
        return tuple(
            Typing(_conversation(as_map(member).get(1)), as_map(member).get(3) in (1, "1"))
            for member in first
        )
    ids = tuple(member for member in first if isinstance(member, str))
    if not ids or len(ids) != len(first):
        raise ValueError("list of neither typists nor messages")
    return (_receipt(payload.get(3), ids, payload, 5, received_at),)


def _recalled(first: object) -> Recalled | None:
    """Only the object type tells that a message was taken back: its shape is that of any change."""
    named = first if isinstance(first, list) else [first]
    ids = [one for one in named if isinstance(one, str) and one.endswith(_MESSAGE)]
    if not ids or len(ids) != len(named):
        return None
    return Recalled(tuple(PlatformMessage(one) for one in ids))


def _receipt(
    conversation: object,
    ids: tuple[str, ...],
    payload: Map,
    time_key: int,
    received_at: datetime | None,
) -> Event:
    if as_int(payload.get(2)) != READ:
        return Ignored("receipt of arrival")
    return ReadReceipt(
        _conversation(conversation),
        tuple(PlatformMessage(_named(one, "message id")) for one in ids),
        _moment(payload.get(time_key), received_at),
    )


def _card_update(
    payload: Map, first: str, user: PlatformUser, received_at: datetime | None
) -> Event:
    changes = as_map(payload.get(4))
    finding = signals.find_in_update(changes, signals.Marks.read(changes))
    if finding is None:
        return Ignored("message extension changed")
    return OrderSignal(
        status=finding.status,
        source=SignalSource.CARD_UPDATE,
        conversation=_conversation(payload.get(2)),
        sent_at=_moment(payload.get(5), received_at),
        id=PlatformMessage(_named(first, "message id")),
        order_id=finding.order_id,
        item_id=item_in(changes),
        buyer=user if finding.as_buyer else other_side(changes, user),
        text=finding.text,
        as_buyer=finding.as_buyer,
    )


def _conversation_event(
    payload: Map, first: str, user: PlatformUser, received_at: datetime | None
) -> Event:
    conversation = _conversation(first)
    extension = payload.get(3)
    if not isinstance(extension, dict):
        return Ignored("unread marker")
    reminder = as_text(extension.get("redReminder"))
    if reminder in signals.REMINDERS:
        return OrderSignal(
            status=signals.REMINDERS[reminder],
            source=SignalSource.LIGHT_STATUS,
            conversation=conversation,
            sent_at=_moment(payload.get(4), received_at),
            text=reminder,
        )
    order_id = bare(extension.get("orderId"))
    if order_id:
        return OrderContext(
            conversation,
            order_id,
            bare(extension.get("itemId")),
            as_text(extension.get("itemTitle")),
            other_member(extension, user),
            _moment(payload.get(4), received_at),
        )
    if extension.get("itemId"):
        return conversation_info(conversation, extension, user)
    return Ignored("conversation extension")


def _json_channel(payload: Map, user: PlatformUser, received_at: datetime | None) -> Event:
    operation = as_map(payload.get("operation"))
    content = as_map(operation.get("content")) or as_map(payload.get("content"))
    kind = as_int(content.get("contentType"))
    session = as_map(operation.get("sessionInfo"))
    if kind == _SESSION_AROUSE:
        extension = as_map(session.get("extensions"))
        name = bare(payload.get("sessionId")) or bare(session.get("sessionId"))
        if name and extension.get("itemId"):
            return conversation_info(PlatformConversation(name), extension, user)
        return Ignored("suggestions for a conversation")
    if kind == _BUSINESS_NOTICE:
        return Ignored("business notice")
    if kind is None:
        return Ignored("session information")
    if operation.get("messageId"):
        return chat_event(_json_chat(payload, operation, content, received_at), user)
    raise ValueError(f"content type {kind} on the JSON channel")


def _json_chat(payload: Map, operation: Map, content: Map, received_at: datetime | None) -> Chat:
    """What people write, and nothing else: this channel has no mark of the platform, so a card in
    it proves nothing; the history tells what it was."""
    custom = as_map(content.get("custom"))
    if custom:
        packed = load_base64(as_text(custom.get("data")))
        content = parse_content(packed.decode("utf-8", "replace"))
    kind = as_int(content.get("contentType"))
    if kind not in WRITTEN_BY_PEOPLE:
        raise ValueError(f"content type {kind} on the JSON channel")
    meta = as_map(operation.get("reminder"))
    session = bare(payload.get("sessionId"))
    session = session or bare(as_map(operation.get("sessionInfo")).get("sessionId"))
    sender = bare(meta.get("senderUserId"))
    return Chat(
        id=PlatformMessage(_named(operation.get("messageId"), "message id")),
        conversation=_conversation(session),
        sender=sender or bare(as_map(operation.get("senderInfo")).get("senderUserId")),
        kind=USER_WROTE,
        content_type=kind,
        content=content,
        summary=as_text(custom.get("summary")) or as_text(meta.get("reminderContent")),
        meta=meta,
        sent_at=_moment(operation.get("createAt"), received_at),
    )


def conversation_info(
    conversation: PlatformConversation, extension: Map, user: PlatformUser
) -> ConversationInfo:
    return ConversationInfo(
        conversation,
        other_member(extension, user),
        bare(extension.get("itemId")),
        as_text(extension.get("itemTitle")),
    )


def other_member(extension: Map, user: PlatformUser) -> PlatformUser | None:
    """The other person of a conversation; `ext` and `owner` are the two members."""
    for key in ("extUserId", "ownerUserId"):
        member = bare(extension.get(key))
        if member and member != user:
            return PlatformUser(member)
    return None


def _conversation(value: object) -> PlatformConversation:
    return PlatformConversation(_named(value, "conversation id"))


def _named(value: object, what: str) -> str:
    plain = bare(value)
    if not plain:
        raise ValueError(f"no {what}")
    return plain


def _moment(value: object, received_at: datetime | None) -> datetime:
    moment = as_moment(value) or received_at
    if moment is None:
        raise ValueError("no time")
    return moment
