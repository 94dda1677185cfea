"""What users write and what the platform reports, as decoded payloads of the wire.

Trade cards and other texts of the platform are in `cards`. Key order follows the captured samples,
so that packing yields the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hub.sandbox.encode import Payload, compact, json_wire

Content = dict[str, Any]
"""Content JSON of a message, `{"contentType": …}`."""

PLACEHOLDERS = {2: "[图片]", 3: "[语音]", 4: "[视频]", 30: "[位置]"}

_PHONE = {
    "clientIp": "203.0.113.77",
    "port": "50123",
    "umid": "WV0000000000000000000000000000000",
    "umidToken": "INVENTEDumidTokenAAAAAAAAAAAAAAA",
    "utdid": "ZINVENTEDUTDIDAAAAAAAAAA",
}


@dataclass(frozen=True, slots=True)
class Thread:
    """Who talks to whom about what: ids that every payload of a conversation carries."""

    conversation: str
    seller: str
    buyer: str
    item: str
    buyer_name: str = ""
    seller_name: str = ""
    item_title: str = ""
    item_picture: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one message unique: server id, push-side hex id, time in ms."""

    id: str
    hex: str
    at: int


# --- Content ------------------------------------------------------------------------------------


def text(words: str, *, phone: bool = True) -> Content:
    """Text; phones add an empty `atUsers`, the web page does not."""
    content: Content = {"contentType": 1, "text": {"text": words}}
    return {"atUsers": [], **content} if phone else content


def image(url: str, width: int = 1080, height: int = 1440) -> Content:
    return images([(url, width, height)])


def images(pictures: Sequence[tuple[str, int, int]]) -> Content:
    """Several pictures in one message, each as address, width and height."""
    pics = [
        {"height": height, "type": 0, "url": url, "width": width} for url, width, height in pictures
    ]
    return {"atUsers": [], "contentType": 2, "image": {"pics": pics}}


def voice(url: str, duration: int) -> Content:
    return {"contentType": 3, "audio": {"url": url, "duration": duration}}


def video(url: str, snapshot: str, width: int = 1080, height: int = 1440) -> Content:
    return {
        "atUsers": [],
        "contentType": 4,
        "video": {
            "duration": 0,
            "height": height,
            "snapshot": snapshot,
            "url": url,
            "width": width,
        },
    }


def location(title: str, place: str, latitude: str, longitude: str) -> Content:
    page = (
        "https://market.m.taobao.com/app/idleFish-F2e/fish-base/pages/map-for-im/index.html"
        f"?role=consumer&latitude={latitude}&longitude={longitude}"
        f"&mainTitle={quote(title)}&subTitle={quote(place)}"
    )
    action = {
        "actionStyle": 0,
        "actionType": 0,
        "iosActionStyle": 0,
        "showGuideAlways": False,
        "url": page,
    }
    return {
        "contentType": 30,
        "locationCard": {
            "action": {"actionType": 4, "page": action},
            "content": place,
            "height": 0,
            "latitude": latitude,
            "longitude": longitude,
            "showSender": False,
            "title": title,
            "url": "https://img.alicdn.com/imgextra/preview.png",
            "width": 0,
        },
    }


def summary_of(content: Content) -> str:
    """What lists show for a message: the text, or a placeholder in brackets."""
    if content.get("contentType") == 1:
        return str(content.get("text", {}).get("text", ""))
    return PLACEHOLDERS.get(content.get("contentType", 0), "[卡片消息]")


# --- Messages of users --------------------------------------------------------------------------


def user_message(
    thread: Thread,
    stamp: Stamp,
    content: Content,
    *,
    by_seller: bool = False,
    platform: str = "ios",
    app_version: str = "",
    quoted: str = "",
) -> Payload:
    """A message that a person wrote; by the seller it is the echo of another device or our own."""
    sender = thread.seller if by_seller else thread.buyer
    words = summary_of(content)
    phone = platform in ("ios", "android")
    ext: dict[str, str] = {"quickReply": "1"}
    if phone:
        ext["utdid"] = _PHONE["utdid"]
    ext["messageId"] = stamp.hex
    if phone:
        ext["umidToken"] = _PHONE["umidToken"]
    ext["tag"] = "u"
    meta: dict[str, str] = {
        "_platform": platform,
        "bizTag": compact({"sourceId": "S:1", "messageId": stamp.hex}),
        "detailNotice": words,
        "reminderContent": words,
        "reminderNotice": "发来一条新消息",
        "reminderTitle": thread.seller_name if by_seller else thread.buyer_name,
        "reminderUrl": chat_url(thread, stamp, peer=sender),
        "senderUserId": sender,
        "senderUserType": "0",
        "sessionType": "1",
    }
    if phone:
        meta |= _PHONE
    if app_version:
        meta["_appVersion"] = app_version
    if quoted:
        ext["replyMessageId"] = quoted
        meta["replyMessageId"] = quoted
    meta["extJson"] = compact(ext)
    return envelope(
        thread.conversation, stamp, sender, content, words, meta, system=False, push=not by_seller
    )


def envelope(
    conversation: str,
    stamp: Stamp,
    sender: str,
    content: Content,
    words: str,
    meta: Mapping[str, str],
    *,
    system: bool,
    push: bool,
    nine: int = 0,
) -> Payload:
    """The chat shape; `system` is what tells the platform's own writing from a person's."""
    message: Payload = {1: {1: f"{sender}@goofish"}} if sender else {}
    message |= {
        2: f"{conversation}@goofish",
        3: stamp.id,
        4: 0,
        5: stamp.at,
        6: {1: 101, 3: {1: "", 2: words, 3: "", 4: content["contentType"], 5: compact(content)}},
        7: 1 if system else 2,
        8: 1,
        9: nine,
        10: dict(sorted(meta.items())),
        12: 1,
    }
    return {1: message, 3: {"needPush": "true" if push else "false"}}


def content_in(custom: Payload) -> Content:
    """The content JSON that a chat-shaped payload carries."""
    content: Content = json.loads(custom[5])
    return content


def nested(payload: Payload, receiver: str) -> Payload:
    """The shape of one published sample: a level deeper, receiver in `4`, time as text."""
    message = payload[1]
    inner = {**message, 4: f"{receiver}@goofish", 5: str(message[5])}
    return {1: {1: inner}, 3: payload[3]}


def on_json_channel(payload: Payload, *, wrapped: bool) -> dict[str, Any]:
    """A chat message as newer builds may deliver it: JSON with `chatType`."""
    message = payload[1]
    content = content_in(message[6][3])
    if wrapped:
        custom = {
            "type": content["contentType"],
            "summary": message[6][3][2],
            "data": json_wire(content),
        }
        content = {"contentType": 101, "custom": custom}
    meta = message[10]
    conversation = message[2].removesuffix("@goofish")
    return {
        "chatType": 1,
        "incrementType": 1,
        "sessionId": conversation,
        "operation": {
            "messageId": message[3],
            "createAt": message[5],
            "content": content,
            "reminder": {
                key: meta[key]
                for key in ("reminderTitle", "reminderContent", "reminderUrl", "senderUserId")
            },
            "senderInfo": {"senderUserId": meta["senderUserId"]},
            "sessionInfo": {"sessionId": conversation, "sessionType": 1, "type": 1},
        },
    }


def chat_url(thread: Thread, stamp: Stamp, *, peer: str, nick: str = "") -> str:
    """`reminderUrl`; in the echo of an own message `peer` is the own id, as captured."""
    masked = f"&peerUserNick={nick}" if nick else ""
    return (
        f"fleamarket://message_chat?itemId={thread.item}&peerUserId={peer}{masked}"
        f"&sid={thread.conversation}&messageId={stamp.hex}&adv=no"
    )


# --- Reports ------------------------------------------------------------------------------------


def read_receipt(conversation: str, message: str, at: int) -> Payload:
    """The other side has read one message (objectType 40103)."""
    return {1: message, 2: 2, 3: 0, 4: f"{conversation}@goofish", 5: 1, 6: at}


def read_receipts(conversation: str, messages: Sequence[str], at: int) -> Payload:
    """The other side has read several messages (objectType 40102)."""
    return {1: list(messages), 2: 2, 3: f"{conversation}@goofish", 4: 1, 5: at}


def recalled(conversation: str, message: str, at: int) -> Payload:
    """A message was taken back (objectType 40104). Nobody has captured one: shape assumed."""
    return {1: message, 2: f"{conversation}@goofish", 3: 1, 4: {"recall": "1"}, 5: at}


def red_point(conversation: str, message: str, at: int) -> Payload:
    """The unread mark moved up to this message; carries no text (objectType 40004)."""
    return {1: f"{conversation}@goofish", 2: 1, 3: message, 4: at}


def typing(conversation: str, addressee: str, *, active: bool) -> Payload:
    """Somebody types to `addressee`; travels in `/s/para` (objectType 40006)."""
    one = {1: f"{conversation}@goofish", 2: 1, 3: int(active), 4: f"{addressee}@goofish"}
    return {1: [one]}


def light_status(conversation: str, words: str, at: int) -> Payload:
    """The order status that the conversation list shows in red (objectType 40005)."""
    return {
        1: f"{conversation}@goofish",
        2: 1,
        3: {"redReminder": words, "redReminderStyle": "1"},
        4: at,
    }


def order_context(thread: Thread, order: str, at: int, *, category: str = "虚拟卡券") -> Payload:
    """Links conversation, order, item and buyer (objectType 40005)."""
    extension = {
        **session_extension(thread),
        "itemFeatures": compact({"idle_cat_leaf": "126860375"}),
        "orderId": order,
        f"squadId_{thread.buyer}": "126860375",
        f"squadName_{thread.buyer}": category,
    }
    return {
        1: f"{thread.conversation}@goofish",
        2: 1,
        3: dict(sorted(extension.items())),
        4: at,
    }


def session_extension(thread: Thread) -> dict[str, str]:
    """What the platform notes beside a conversation: item and both people."""
    return {
        "itemId": thread.item,
        "itemTitle": thread.item_title,
        "itemMainPic": thread.item_picture,
        "itemSellerId": thread.seller,
        "extUserId": thread.buyer,
        "extUserType": "0",
        "ownerUserId": thread.seller,
        "ownerUserType": "0",
        f"squadId_{thread.seller}": thread.item,
        f"squadName_{thread.seller}": thread.item_title,
    }


def session_arouse(thread: Thread, at: int, *, keyboard: bool) -> dict[str, Any]:
    """Quick-reply suggestions on the JSON channel; two of these per conversation after `/reg`."""
    suggestion = {
        "chatScrip": "价格还能更低吗",
        "chatScripStrategy": "shading_opening",
        "argInfo": {
            "args": {
                "topic_title": "shading_opening",
                "session_id": int(thread.conversation),
                "content": "价格还能更低吗",
            },
            "arg1": "ChatTopic",
        },
    }
    arouse: dict[str, Any] = {
        "residentFunctions": [],
        "arouseTimeStamp": at,
        "arouseChatScriptInfo": [suggestion] if keyboard else [],
    }
    if keyboard:
        arouse["chatGuidance"] = {
            "txt": "小闲鱼猜你想问",
            "icon": "https://g.alicdn.com/eva-assets/x.json",
        }
    return {
        "chatType": 1,
        "incrementType": 1,
        "operation": {
            "content": {
                "contentType": 8,
                "sessionArouse": {
                    "memberFlags": 0,
                    "needKeyBoard": keyboard,
                    "sessionArouseInfo": arouse,
                },
            },
            "receiverIds": [thread.seller],
            "sessionInfo": {
                "createTime": at - 10_000,
                "extensions": {
                    **session_extension(thread),
                    "itemFeatures": compact({"idle_cat_leaf": "126860375"}),
                },
                "groupOwnerId": thread.seller,
                "sessionId": thread.conversation,
                "sessionType": 1,
                "type": 1,
            },
        },
        "sessionId": thread.conversation,
    }


def business_notice(seller: str, id: str, code: str, words: str) -> dict[str, Any]:
    """A notice about the shop's own business on the JSON channel, such as a failed listing."""
    failed = {"errorCode": code, "errorMessage": words}
    return {
        "chatType": 1,
        "content": {
            "contentType": 11,
            "customData": {"data": {"id": id, "failInfo": failed}},
        },
        "receiverIds": [seller],
    }
