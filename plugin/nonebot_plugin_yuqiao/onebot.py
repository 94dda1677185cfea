"""OneBot v11."""

from __future__ import annotations

from typing import Any

from nonebot.adapters import Bot, Event
from nonebot.adapters.onebot.v11 import (
    ActionFailed,
    GroupMessageEvent,
    Message,
    MessageEvent,
    MessageSegment,
)

from nonebot_plugin_yuqiao.voices import Refused
from nonebot_plugin_yuqiao.words import Words, joined, number, whole

NO_ID = ("", "0", "None")
CARRIED = ("text", "image", "reply", "at", "face")
UNKNOWN_ACTION = (404, 1404)


class OneBot:
    adapter = "OneBot V11"
    reacts = ("group",)

    def read(self, bot: Bot, event: Event) -> Words | None:
        if not isinstance(event, MessageEvent) or str(event.user_id) == bot.self_id:
            return None
        message = event.original_message
        group = str(event.group_id) if isinstance(event, GroupMessageEvent) else ""
        called = any(s.type == "at" and str(s.data.get("qq")) == bot.self_id for s in message)
        return {
            "bot": bot.self_id,
            "scene": "group" if group else "private",
            "peer": group or str(event.user_id),
            "sender": str(event.user_id),
            "message_id": str(event.message_id),
            "text": whole(message.extract_plain_text()).strip(),
            "quoted_id": _quoted(message),
            "quoted_text": whole(event.reply.message.extract_plain_text()) if event.reply else "",
            "parts": joined([_part(s) for s in message if s.type in ("text", "image")]),
            "attachments": sum(s.type not in CARRIED for s in message),
            "addressed": not group or called or event.to_me,
        }

    async def say(
        self, bot: Bot, scene: str, peer: str, text: str, quote: str, pictures: list[bytes]
    ) -> list[str]:
        said = Message(
            [
                *([MessageSegment.reply(int(quote))] if is_id(quote) else ()),
                MessageSegment.text(text),
                *map(MessageSegment.image, pictures),
            ]
        )
        group = scene == "group"
        where = {"group_id" if group else "user_id": int(peer)}
        action = "send_group_msg" if group else "send_private_msg"
        told = await bot.call_api(action, **where, message=said)
        message_id = str(told.get("message_id", "")) if isinstance(told, dict) else ""
        return [] if message_id in NO_ID else [message_id]

    async def history(self, bot: Bot, scene: str, peer: str, most: int) -> list[Words]:
        group = scene == "group"
        action = "get_group_msg_history" if group else "get_friend_msg_history"
        where = {"group_id" if group else "user_id": int(peer), "count": most}
        told = await bot.call_api(action, **where)
        messages = told.get("messages") if isinstance(told, dict) else None
        if not isinstance(messages, list):
            raise Refused("QQ 的聊天记录读不出来")
        return [
            {
                "id": str(one.get("message_id")),
                "sender": number(one.get("user_id")) or number(_sender(one)),
                "at": int(number(one.get("time")) or 0),
                "text": _text(one.get("message", one.get("raw_message"))),
            }
            for one in messages
            if isinstance(one, dict) and (number(one.get("user_id")) or number(_sender(one)))
        ]

    async def picture(self, bot: Bot, file: str) -> dict[str, Any]:
        told = await bot.call_api("get_image", file=file)
        if not isinstance(told, dict):
            return {}
        packed = told.get("base64")
        if isinstance(packed, str) and packed:
            return {"data": packed.removeprefix("base64://")}
        return {"url": str(told.get("url") or "")}

    async def react(self, bot: Bot, scene: str, peer: str, message_id: str, face: str) -> None:
        """NapCat and LLOneBot have one name for it, Lagrange another."""
        if not is_id(message_id):
            raise Refused("这条消息不是从 OneBot 来的")
        message = int(message_id)
        try:
            told = await bot.call_api(
                "set_msg_emoji_like", message_id=message, emoji_id=face, set=True
            )
            # NapCat passes on what QQ itself said, and calls that a success.
            if isinstance(told, dict) and told.get("result") not in (None, 0):
                raise Refused(str(told.get("errMsg") or "QQ 没有接受这个表情回应"))
        except ActionFailed as error:
            if error.info.get("retcode") not in UNKNOWN_ACTION:
                raise
            group = int(peer)
            await bot.call_api(
                "set_group_reaction", group_id=group, message_id=message, code=face, is_add=True
            )

    def reason(self, error: Exception) -> str:
        info = error.info if isinstance(error, ActionFailed) else {}
        code, said = info.get("retcode"), str(info.get("wording") or info.get("message") or "")
        return said.strip() or (f"QQ 端没有说明原因（代码 {code}）" if code else "")


VOICE = OneBot()


def is_id(text: str) -> bool:
    return text.removeprefix("-").isdigit() and text.isascii()


def _quoted(message: Message) -> str | None:
    for segment in message:
        if segment.type == "reply":
            quoted = str(segment.data.get("id", "")).strip()
            return "" if quoted in NO_ID else quoted  # something is quoted, whatever it is
    return None


def _part(segment: MessageSegment) -> Any:
    if segment.type == "text":
        return whole(str(segment.data.get("text", "")))
    url, file = segment.data.get("url") or "", segment.data.get("file") or ""
    return {"url": whole(str(url)), "file": whole(str(file))}


def _sender(message: dict[str, Any]) -> object:
    sender = message.get("sender")
    return sender.get("user_id") if isinstance(sender, dict) else None


def _text(message: Any) -> str:
    """Of an array or a CQ string; empty if it cannot be read."""
    if isinstance(message, str):
        return whole(Message(message).extract_plain_text())
    segments = message if isinstance(message, list) else []
    return whole(
        "".join(
            str(one["data"].get("text", ""))
            for one in segments
            if isinstance(one, dict) and one.get("type") == "text" and isinstance(one["data"], dict)
        )
    )
