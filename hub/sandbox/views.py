"""How a conversation looks: to the buyer's phone, in the platform's lists and histories."""

from __future__ import annotations

from typing import Any

from hub.sandbox.encode import json_wire
from hub.sandbox.manners import Manners
from hub.sandbox.payloads import Thread, session_extension
from hub.sandbox.world import Conversation, Message


def seen_by_buyer(conversation: Conversation) -> list[dict[str, Any]]:
    """The conversation as the buyer's phone shows it, oldest first."""
    return [_seen(conversation.thread, one) for one in conversation.messages]


def _seen(thread: Thread, message: Message) -> dict[str, Any]:
    content = message.content
    kind = {1: "text", 2: "image", 3: "voice", 4: "video", 30: "location"}.get(
        content.get("contentType", 0), "card"
    )
    sender = "seller" if message.sender == thread.seller else "buyer"
    return {
        "id": message.stamp.id,
        "from": "platform" if message.system else sender,
        "kind": "recalled" if message.recalled else kind,
        "text": "" if message.recalled else message.summary,
        "pictures": [pic.get("url", "") for pic in content.get("image", {}).get("pics", [])],
        "at": message.stamp.at,
        "read": message.read,
        "quoted": message.meta.get("replyMessageId", ""),
        "uuid": message.uuid,
    }


def history_model(message: Message, manners: Manners) -> dict[str, Any]:
    """One `userMessageModel` as lists and histories carry it."""
    content = message.content
    return {
        "readStatus": 2 if message.read or not manners.read_status else 1,
        "msgStatus": 1,
        "userExtension": {"needPush": "false" if message.own else "true"},
        "recallFeature": {
            "showRecallStatusSetting": 1,
            "extension": {},
            "code": "",
            "operatorType": 0,
            "operatorUid": "",
        },
        "message": {
            "messageId": message.stamp.id,
            "createAt": message.stamp.at,
            "cid": f"{message.conversation}@goofish",
            "content": {
                "contentType": 101,
                "custom": {
                    "type": manners.history_type or content.get("contentType", 1),
                    "title": "",
                    "summary": message.summary,
                    "degrade": "",
                    "data": json_wire(content),
                },
            },
            "extension": message.meta,
            "sender": {"uid": f"{message.sender}@goofish", "tag": 0},
            "receivers": [],
            "receiverCount": 2,
        },
    }


def pair_model(conversation: Conversation) -> dict[str, Any]:
    """`singleChatConversation`: who talks to whom about what."""
    thread = conversation.thread
    return {
        "cid": f"{thread.conversation}@goofish",
        "pairFirst": f"{thread.seller}@goofish",
        "pairSecond": f"{thread.buyer}@goofish",
        "bizType": "1",
        "createAt": conversation.created_at,
        "msgReadStatusSetting": 1,
        "extension": session_extension(thread),
    }


def conversation_model(conversation: Conversation, manners: Manners) -> dict[str, Any]:
    """`singleChatUserConversation`: one line of the conversation list."""
    unread = sum(
        not one.read and one.sender == conversation.thread.buyer for one in conversation.messages
    )
    extension = {"redReminder": conversation.red_reminder, "redReminderStyle": "1"}
    return {
        "visible": 1,
        "modifyTime": conversation.modified_at,
        "redPoint": unread,
        "joinTime": conversation.created_at,
        "topRank": 0,
        "muteNotification": 0,
        "user_extension": extension if conversation.red_reminder else {},
        "lastMessage": history_model(conversation.messages[-1], manners),
        "singleChatConversation": pair_model(conversation),
    }
