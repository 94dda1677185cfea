"""What our own messages and conversations look like on their way out."""

from __future__ import annotations

from base64 import b64encode

from hub.model import Image, PlatformConversation, PlatformMessage, PlatformUser, Text
from hub.xianyu.content import write_content
from hub.xianyu.ids import bare, full
from hub.xianyu.shapes import dump

_CONTEXT = {"appVersion": "1.0", "platform": "web"}
_DEPTH = 6


def message_body(
    conversation: PlatformConversation,
    to: PlatformUser,
    sender: PlatformUser,
    content: Text | Image,
    uuid: str,
    quoted: PlatformMessage | None = None,
) -> list[object]:
    """A message and who gets it.

    The sender is among the receivers so that the message shows on the seller's other devices.
    """
    packed = write_content(content)
    data = b64encode(dump(packed).encode()).decode()
    answered = {"replyMessageId": quoted} if quoted else {}
    return [
        {
            "uuid": uuid,
            "cid": full(conversation),
            "conversationType": 1,
            "content": {
                "contentType": 101,
                "custom": {"type": packed["contentType"], "data": data},
            },
            "redPointPolicy": 0,
            "extension": {"extJson": dump(answered), **answered},
            "ctx": _CONTEXT,
            "mtags": {},
            "msgReadStatusSetting": 1,
        },
        {"actualReceivers": [full(to), full(sender)]},
    ]


def conversation_body(user: PlatformUser, buyer: PlatformUser, item_id: str) -> list[object]:
    return [
        {
            "pairFirst": full(buyer),
            "pairSecond": full(user),
            "bizType": "1",
            "extension": {"itemId": item_id},
            "ctx": _CONTEXT,
        }
    ]


def find_conversation(body: object, depth: int = _DEPTH) -> PlatformConversation | None:
    """The first conversation id in an answer; where it stands differs."""
    if isinstance(body, dict):
        name = bare(body.get("cid"))
        if name:
            return PlatformConversation(name)
        body = list(body.values())
    if isinstance(body, list) and depth:
        found = (find_conversation(inner, depth - 1) for inner in body)
        return next((name for name in found if name), None)
    return None
