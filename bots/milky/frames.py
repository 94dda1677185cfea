"""Milky's messages read with tolerance: an event is built from the few fields that matter.

The adapter's models insist on everything the protocol promises, from a friend's category to a
member's title. Implementations are younger than the protocol and leave things out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nonebot.adapters.milky.event import FriendMessageEvent, GroupMessageEvent, MessageEvent
from nonebot.adapters.milky.message import Message, MessageSegment
from nonebot.adapters.milky.model.message import IncomingMessage

from bots.finding import PastMessage
from bots.words import joined, moment, whole
from hub.model import ChatFile, ChatPeer, ChatPicture, OperatorMessage

SCENES = {"friend": "private", "group": "group"}
"""Temporary chats are missing: nothing can be said there."""
NEEDED = {
    "text": ("text",),
    "image": (),
    "reply": ("message_seq",),
    "mention": ("user_id",),
    "face": (),
    "file": ("file_id",),
}
"""Segments that are read, and what they must have; of the others only the number is told."""
LONGEST_NUMBER = 20
UNREAD = "xml"
OF_QUOTE = ("message_seq", "segments")
"""The adapter would read the rest as well, and insists on all of it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Who wrote where, and the number of the message there."""

    scene: str
    peer: str
    sender: str
    seq: int


def address_of(message: Any) -> Address | None:
    """Of the data of a `message_receive`."""
    if not isinstance(message, dict):
        return None
    scene = SCENES.get(str(message.get("message_scene")))
    peer, sender = _number(message.get("peer_id")), _number(message.get("sender_id"))
    seq = _number(message.get("message_seq"))
    if scene is None or not (peer and sender and seq):
        return None
    return Address(scene, str(peer), str(sender), seq)


def message_id(scene: str, peer: str, seq: int) -> str:
    """Milky numbers the messages of each chat, so the chat is part of the name."""
    return f"{scene[0]}{peer}-{seq}"


def seq_of(written: str, scene: str, peer: str) -> int | None:
    """The number of a message in that chat; None for ids of other chats and other protocols."""
    start = f"{scene[0]}{peer}-"
    digits = written.removeprefix(start)
    fits = written.startswith(start) and digits.isascii() and digits.isdigit()
    return int(digits) if fits else None


def message_event(message: dict[str, Any], address: Address, bot: str) -> MessageEvent:
    """Raises ValueError for what has no readable message."""
    kind = GroupMessageEvent if address.scene == "group" else FriendMessageEvent
    data = incoming(message, address)
    return kind.model_validate({"time": data["time"], "self_id": int(bot), "data": data})


def incoming(message: dict[str, Any], address: Address) -> dict[str, Any]:
    return {
        "message_scene": "group" if address.scene == "group" else "friend",
        "peer_id": int(address.peer),
        "message_seq": address.seq,
        "sender_id": int(address.sender),
        "time": _number(message.get("time")),
        "segments": _read_segments(message.get("segments")),
    }


def quoted_message(message: Any, address: Address) -> IncomingMessage:
    """An answer to `get_message`; of anything else a message without words."""
    given = message if isinstance(message, dict) else {}
    return IncomingMessage.model_validate(incoming(given, address))


def operator_message(event: MessageEvent, address: Address, *, of_ours: bool) -> OperatorMessage:
    """What somebody wrote. `of_ours`: the quoted message is known to be the bot's own."""
    bot = str(event.self_id)
    message = event.original_message
    called = any(s.type == "mention" and str(s.data.get("user_id")) == bot for s in message)
    private = address.scene == "private"
    return OperatorMessage(
        peer=ChatPeer(bot, address.scene, address.peer),
        sender=address.sender,
        message_id=message_id(address.scene, address.peer, address.seq),
        text=message_text(message).strip(),
        quoted_id=quoted_id(message, address),
        quoted_text=_quoted_text(event),
        addressed=private or called or bool(event.to_me) or of_ours,
        parts=joined([_part(s) for s in message if s.type in ("text", "image")]),
        attachments=sum(s.type in (UNREAD, "file") for s in message),
        files=_files(message),
        quoted_files=_files(event.reply.message) if event.reply is not None else (),
        said_at=moment(event.time),
    )


def _files(message: Message) -> tuple[ChatFile, ...]:
    return tuple(
        ChatFile(
            name=whole(str(s.data.get("file_name") or "")),
            id=str(s.data["file_id"]),
            size=_number(s.data.get("file_size")),
            hash=str(s.data.get("file_hash") or ""),
        )
        for s in message
        if s.type == "file"
    )


def quoted_id(message: Message, address: Address) -> str | None:
    for segment in message:
        if segment.type == "reply":
            seq = _number(segment.data.get("message_seq"))
            return message_id(address.scene, address.peer, seq) if seq else None
    return None


def _quoted_text(event: MessageEvent) -> str:
    """As it was looked up, or as some implementations send it along."""
    if event.reply is not None:
        return message_text(event.reply.message)
    for kind, data in _segments(event.data.segments):
        if kind == "reply":
            return segments_text(data.get("segments"))
    return ""


def segments_text(segments: Any) -> str:
    """Plain text of segments as they come over the wire; empty if there is none."""
    return "".join(
        whole(str(data.get("text", ""))) for kind, data in _segments(segments) if kind == "text"
    )


def message_text(message: Message) -> str:
    return "".join(whole(str(s.data.get("text", ""))) for s in message if s.type == "text")


def history_messages(told: object) -> list[PastMessage] | None:
    """What `get_history_messages` answered; None if that is no history at all."""
    messages = told.get("messages") if isinstance(told, dict) else None
    if not isinstance(messages, list):
        return None
    found = []
    for one in messages:
        address = address_of(one)
        if address is not None:
            named = message_id(address.scene, address.peer, address.seq)
            text = segments_text(one.get("segments"))
            found.append(PastMessage(named, address.sender, _number(one.get("time")), text))
    return found


def _part(segment: MessageSegment) -> str | ChatPicture:
    if segment.type == "text":
        return whole(str(segment.data.get("text", "")))
    place, name = segment.data.get("temp_url"), segment.data.get("resource_id")
    return ChatPicture(whole(str(place or "")), whole(str(name or "")))


def _read_segments(segments: Any) -> list[dict[str, Any]]:
    """What the adapter can make something of, with one that stands for each of the others."""
    found: list[dict[str, Any]] = []
    for kind, data in _segments(segments):
        if kind not in NEEDED:
            found.append({"type": UNREAD, "data": {}})
        elif all(data.get(name) is not None for name in NEEDED[kind]):
            kept = {k: v for k, v in data.items() if kind != "reply" or k in OF_QUOTE}
            found.append({"type": kind, "data": kept})
    return found


def _segments(segments: Any) -> list[tuple[str, dict[str, Any]]]:
    return [
        (str(one.get("type")), one["data"])
        for one in (segments if isinstance(segments, list) else ())
        if isinstance(one, dict) and isinstance(one.get("data"), dict)
    ]


def _number(value: object) -> int:
    """0 for what is no number of the protocol."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    fits = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    return int(text) if fits else 0
