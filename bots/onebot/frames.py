"""OneBot frames read with tolerance: what implementations add, leave out or spell differently.

NoneBot's event models are strict in fields that we do not need; one of them spelled otherwise
would cost an operator's message. So an event is built from the few fields that matter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nonebot.adapters.onebot.v11 import (
    GroupMessageEvent,
    Message,
    MessageEvent,
    MessageSegment,
    PrivateMessageEvent,
)
from nonebot.compat import type_validate_python

from bots.finding import PastMessage
from bots.words import joined, moment, whole
from hub.model import ChatFile, ChatPeer, ChatPicture, OperatorMessage

NO_ID = ("", "0", "None")
"""Lagrange writes 0 as the id of a quote that it cannot name."""
LONGEST_NUMBER = 20
CARRIED = ("text", "image", "reply", "at", "face")
"""Segments that are read; of the others only the number is told."""


def read_frame(data: str | bytes) -> dict[str, Any] | None:
    """The object in a frame, or None for what is no JSON object."""
    try:
        frame = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None


@dataclass(frozen=True, slots=True)
class Address:
    """Who wrote where, cheap to find out for each frame of a busy group."""

    scene: str
    peer: str
    sender: str


def address_of(frame: dict[str, Any]) -> Address | None:
    sender, group = _number(frame.get("user_id")), _number(frame.get("group_id"))
    scene = frame.get("message_type")
    if sender and scene == "private":
        return Address("private", sender, sender)
    if sender and group and scene == "group":
        return Address("group", group, sender)
    return None


def message_event(frame: dict[str, Any], address: Address, bot: str) -> MessageEvent:
    """Raises ValueError for a frame without a readable message."""
    fields = {
        "time": int(frame.get("time") or 0),
        "self_id": int(bot),
        "post_type": "message",
        "message_type": address.scene,
        "sub_type": str(frame.get("sub_type") or "normal"),
        "message_id": int(frame.get("message_id") or 0),
        "user_id": int(address.sender),
        "message": frame.get("message", frame.get("raw_message")),
        "raw_message": str(frame.get("raw_message") or ""),
        "font": 0,
        "sender": {"user_id": int(address.sender)},
    }
    if address.scene == "group":
        return GroupMessageEvent.model_validate({**fields, "group_id": int(address.peer)})
    return PrivateMessageEvent.model_validate(fields)


def operator_message(event: MessageEvent, *, of_ours: bool) -> OperatorMessage:
    """What somebody wrote. `of_ours`: the quoted message is known to be the bot's own.

    The quoted id comes from the message as it arrived, never from `event.reply`, which is empty
    whenever `get_msg` failed. Text is plain, without CQ escapes.
    """
    bot = str(event.self_id)
    message = event.original_message
    group = event.group_id if isinstance(event, GroupMessageEvent) else None
    peer = ChatPeer(bot, "private" if group is None else "group", str(group or event.user_id))
    called = any(s.type == "at" and str(s.data.get("qq")) == bot for s in message)
    return OperatorMessage(
        peer=peer,
        sender=str(event.user_id),
        message_id=str(event.message_id),
        text=whole(message.extract_plain_text()).strip(),
        quoted_id=quoted_id(message),
        quoted_text=event.reply.message.extract_plain_text() if event.reply else "",
        addressed=group is None or called or event.to_me or of_ours,
        parts=joined([_part(s) for s in message if s.type in ("text", "image")]),
        attachments=sum(s.type not in CARRIED for s in message),
        files=message_files(message),
        quoted_files=message_files(event.reply.message) if event.reply else (),
        said_at=moment(event.time),
    )


def message_files(message: Message) -> tuple[ChatFile, ...]:
    """NapCat names a file in `file` and says its size as text; others leave things out."""
    return tuple(
        ChatFile(
            name=whole(str(s.data.get("name") or s.data.get("file") or "")),
            id=str(s.data.get("file_id") or s.data.get("id") or ""),
            url=whole(str(s.data.get("url") or "")),
            size=int(_number(s.data.get("file_size") or s.data.get("size")) or 0),
        )
        for s in message
        if s.type == "file"
    )


def _part(segment: MessageSegment) -> str | ChatPicture:
    if segment.type == "text":
        return whole(str(segment.data.get("text", "")))
    place, name = segment.data.get("url") or "", segment.data.get("file") or ""
    return ChatPicture(whole(str(place)), whole(str(name)))


def quoted_id(message: Message) -> str | None:
    """As `OperatorMessage.quoted_id`."""
    for segment in message:
        if segment.type == "reply":
            quoted = str(segment.data.get("id", "")).strip()
            return "" if quoted in NO_ID else quoted
    return None


def message_text(message: Any) -> str:
    """Plain text of a message in array or CQ string format; empty if it cannot be read."""
    try:
        return type_validate_python(Message, message).extract_plain_text()
    except ValueError:
        return ""


def history_messages(told: object) -> list[PastMessage] | None:
    """What a history action answered; None if that is no history at all."""
    messages = told.get("messages") if isinstance(told, dict) else None
    if not isinstance(messages, list):
        return None
    return [
        PastMessage(
            message_id=str(m.get("message_id", "")),
            sender=_number(m.get("user_id")) or _sender(m),
            at=int(_number(m.get("time")) or 0),
            text=message_text(m.get("message", m.get("raw_message"))),
        )
        for m in messages
        if isinstance(m, dict)
    ]


def quoted_message(message_id: str, found: dict[str, Any], sender: str = "") -> dict[str, Any]:
    """An answer to `get_msg` with every field that NoneBot insists on."""
    user = _number(sender) or _sender(found)
    return {
        "time": int(found.get("time") or 0),
        "message_type": str(found.get("message_type") or "private"),
        "message_id": int(message_id),
        "real_id": int(message_id),
        "sender": {"user_id": int(user) if user else None},
        "message": found.get("message", found.get("raw_message", "")),
    }


def _sender(message: dict[str, Any]) -> str:
    sender = message.get("sender")
    return _number(sender.get("user_id")) if isinstance(sender, dict) else ""


def _number(value: object) -> str:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    fits = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    return text if fits else ""
