"""Events of the official platform read with tolerance: only the fields that matter are needed.

The adapter's models are strict about fields that differ from bot to bot; one that is missing would
cost an operator's message. So an event is built anew from what is there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from nonebot.adapters.qq import C2CMessageCreateEvent, GroupAtMessageCreateEvent
from nonebot.adapters.qq.utils import unescape

from bots.port import scoped
from hub.model import AnchorKind, ChatPeer, ChatPicture, OperatorMessage

PRIVATE_MESSAGE = "C2C_MESSAGE_CREATE"
GROUP_MESSAGE = "GROUP_AT_MESSAGE_CREATE"
PRESS = "INTERACTION_CREATE"
QUOTING = 103
LEAST_QUOTED = 10
_INDEX, _QUOTED_INDEX = "msg_idx=", "ref_msg_idx="
_OWN_MENTION = re.compile(r"\A\s*(?:<@!?\w+>|<qqbot-at-user id=\"\w+\"\s*/>)")
_FACE = re.compile(r"<faceType=\d+,faceId=\"\d*\",ext=\"[^\"]*\">")

Event = C2CMessageCreateEvent | GroupAtMessageCreateEvent
Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Who wrote where, cheap to find out."""

    peer: ChatPeer
    sender: str
    """Of the person, as a private chat knows them; in a group it may be another than there."""
    in_group: str = ""
    """The address that is theirs in this group alone; empty in private."""
    anchor: str = ""
    kind: AnchorKind = AnchorKind.PRIVATE


def read_frame(data: str | bytes) -> Frame | None:
    """The object in a frame, or None for what is no JSON object."""
    try:
        frame = json.loads(data)
    except ValueError:
        return None
    return frame if isinstance(frame, dict) else None


def address_of(bot: str, frame: Frame) -> Address | None:
    """None for what nobody said to the bot."""
    data = frame.get("d")
    if not isinstance(data, dict):
        return None
    author = data.get("author")
    who = author if isinstance(author, dict) else {}
    match frame.get("t"):
        case "C2C_MESSAGE_CREATE":
            person, group, anchor = _own_id(who, "user_openid", "id"), "", _text(data, "id")
            kind = AnchorKind.PRIVATE
        case "GROUP_AT_MESSAGE_CREATE":
            person, group = _own_id(who, "member_openid", "id"), _own_id(data, "group_openid")
            anchor, kind = _text(data, "id"), AnchorKind.GROUP
            if not group:
                return None
        case "INTERACTION_CREATE":
            group = _own_id(data, "group_openid")
            person = _own_id(data, "group_member_openid" if group else "user_openid")
            anchor, kind = _text(frame, "id"), AnchorKind.INTERACTION
        case _:
            return None
    if not person or not anchor:
        return None
    sender = scoped(bot, person)
    if not group:
        return Address(ChatPeer(bot, "private", sender), sender, "", anchor, kind)
    there = ChatPeer(bot, "group", scoped(bot, group))
    return Address(there, sender, scoped(bot, f"{person}@{group}"), anchor, kind)


def message_event(frame: Frame, address: Address) -> Event:
    """Raises ValueError for a frame without a readable message."""
    data = frame["d"]
    person = address.sender.rpartition("/")[2]
    fields: Frame = {
        "event_id": frame.get("id"),
        "id": address.anchor,
        "content": str(data.get("content") or ""),
        "timestamp": str(data.get("timestamp") or ""),
        "message_type": data.get("message_type") if _is_quote(data) else 0,
        "attachments": _attachments(data),
        "message_scene": {"source": "", "ext": _ext(data)},
        "msg_elements": _quoted(data),
    }
    if address.peer.scene == "private":
        fields["author"] = {"id": person, "user_openid": person}
        return C2CMessageCreateEvent.model_validate(fields)
    group = address.peer.peer.rpartition("/")[2]
    fields |= {"group_id": group, "group_openid": group}
    fields["author"] = {
        "id": person,
        "member_openid": person,
        "bot": False,
        "member_role": "member",
    }
    return GroupAtMessageCreateEvent.model_validate(fields)


def address_in(bot: str, event: Event) -> Address:
    """Who wrote an event where."""
    if isinstance(event, C2CMessageCreateEvent):
        person = scoped(bot, event.author.user_openid)
        return Address(ChatPeer(bot, "private", person), person, "", event.id)
    member, group = event.author.member_openid, event.group_openid
    there = ChatPeer(bot, "group", scoped(bot, group))
    alone = scoped(bot, f"{member}@{group}")
    return Address(there, scoped(bot, member), alone, event.id, AnchorKind.GROUP)


def operator_message(event: Event, address: Address, sender: str) -> OperatorMessage:
    """What somebody wrote; `sender`: which of their addresses they are known by."""
    text = _whole(_words(event.content)).strip()
    quoted_text = _quoted_text(event)
    pictures = [
        ChatPicture(_whole(one.url), _whole(one.filename or ""))
        for one in event.attachments or ()
        if one.url and one.content_type.startswith("image")
    ]
    text = _without(text, quoted_text)
    parts: tuple[str | ChatPicture, ...] = (text, *pictures) if pictures else ()
    return OperatorMessage(
        peer=address.peer,
        sender=sender,
        message_id=message_id_of(address.anchor),
        text=text,
        quoted_id=quoted_index(event.message_scene.ext if event.message_scene else ()),
        quoted_text=_whole(quoted_text),
        addressed=True,
        parts=parts,
        attachments=len(event.attachments or ()) - len(pictures),
    )


def press_message(frame: Frame, address: Address, sender: str) -> OperatorMessage | None:
    """A button that stands for words was pressed; None if it stands for none."""
    data = frame["d"].get("data")
    resolved = data.get("resolved") if isinstance(data, dict) else None
    words = resolved.get("button_data") if isinstance(resolved, dict) else None
    if not isinstance(words, str) or not words.strip():
        return None
    return OperatorMessage(address.peer, sender, message_id_of(address.anchor), words.strip())


def message_id_of(anchor: str) -> str:
    """What the hub calls a message or a press: colons part its keys."""
    return anchor.replace(":", "|")


def anchor_of(message_id: str) -> str:
    return message_id.replace("|", ":")


def quoted_index(ext: Any) -> str | None:
    for one in ext:
        if isinstance(one, str) and one.startswith(_QUOTED_INDEX):
            return one.removeprefix(_QUOTED_INDEX) or None
    return None


def _quoted_text(event: Event) -> str:
    """Of the element that is quoted; of the first, where the platform does not say which."""
    if event.reply is not None:
        return event.reply.content
    if event.message_type == QUOTING and event.msg_elements:
        return event.msg_elements[0].content
    return ""


def _without(text: str, quoted: str) -> str:
    """Some bots are told the quoted text and the new one in a row. All notices are longer than
    what people happen to begin their words with."""
    quoted = quoted.strip()
    if len(quoted) >= LEAST_QUOTED and text.startswith(quoted) and text != quoted:
        return text.removeprefix(quoted).lstrip()
    return text


def _is_quote(data: Frame) -> bool:
    return data.get("message_type") == QUOTING


def _ext(data: Frame) -> list[str]:
    scene = data.get("message_scene")
    ext = scene.get("ext") if isinstance(scene, dict) else None
    return [one for one in ext if isinstance(one, str)] if isinstance(ext, list) else []


def _quoted(data: Frame) -> list[Frame] | None:
    """What is quoted; whichever element it is, where the platform leaves out its index."""
    elements = data.get("msg_elements")
    if not isinstance(elements, list):
        return None
    index = quoted_index(_ext(data))
    found = [
        {"content": str(one.get("content") or ""), "msg_idx": str(one.get("msg_idx") or index)}
        for one in elements
        if isinstance(one, dict)
    ]
    return found or None


def _attachments(data: Frame) -> list[Frame]:
    found = data.get("attachments")
    return [
        {
            "content_type": str(one.get("content_type") or "file"),
            "filename": str(one.get("filename") or ""),
            "url": str(one["url"]),
        }
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict) and one.get("url")
    ]


def _text(values: Frame, *names: str) -> str:
    """The first of these that is a text, whichever signs it holds."""
    found = (values.get(name) for name in names)
    return next((one for one in found if isinstance(one, str) and one), "")


def _own_id(values: Frame, *names: str) -> str:
    """Of a person or a group: a part of addresses and of paths, so the signs that part these may
    not be in it."""
    found = (_text(values, name) for name in names)
    return next((one for one in found if one and not set("/@") & set(one)), "")


def _words(content: str) -> str:
    """What was typed: without the mention of the bot at the beginning and without QQ's faces, which
    come as marks; all else stays as it is, whatever it looks like."""
    return unescape(_FACE.sub("", _OWN_MENTION.sub("", content, count=1)))


def _whole(text: str) -> str:
    """Without half characters, which nobody can store or say."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
