"""Milky: messages are numbered within their chat, so the chat is part of an id."""

from __future__ import annotations

from typing import Any

from nonebot.adapters import Bot, Event
from nonebot.adapters.milky.event import MessageEvent
from nonebot.adapters.milky.exception import ActionFailed
from nonebot.adapters.milky.message import Message, MessageSegment

from nonebot_plugin_yuqiao.voices import Refused
from nonebot_plugin_yuqiao.words import Words, joined, number, whole

CARRIED = ("text", "image", "reply", "mention", "face")
SCENES = {"friend": "private", "group": "group"}
MOST_HISTORY = 30


class Milky:
    adapter = "Milky"
    reacts = ("group",)

    def read(self, bot: Bot, event: Event) -> Words | None:
        if not isinstance(event, MessageEvent) or event.get_user_id() == bot.self_id:
            return None
        scene, peer = SCENES.get(event.data.message_scene), str(event.data.peer_id)
        if scene is None:
            return None
        message = event.original_message
        called = any(
            s.type == "mention" and str(s.data.get("user_id")) == bot.self_id for s in message
        )
        return {
            "bot": bot.self_id,
            "scene": scene,
            "peer": peer,
            "sender": event.get_user_id(),
            "message_id": named(scene, peer, event.data.message_seq),
            "text": _text(message).strip(),
            "quoted_id": _quoted(scene, peer, message),
            "quoted_text": _text(event.reply.message) if event.reply else "",
            "parts": joined([_part(s) for s in message if s.type in ("text", "image")]),
            "attachments": sum(s.type not in CARRIED for s in message),
            "addressed": scene == "private" or called or bool(event.to_me),
        }

    async def say(
        self, bot: Bot, scene: str, peer: str, text: str, quote: str, pictures: list[bytes]
    ) -> list[str]:
        seq = seq_of(quote, scene, peer)
        said = Message(
            [
                *([MessageSegment.reply(seq)] if seq else ()),
                MessageSegment.text(text),
                *(MessageSegment.image(raw=data) for data in pictures),
            ]
        )
        group = scene == "group"
        where = {"group_id" if group else "user_id": int(peer)}
        action = "send_group_message" if group else "send_private_message"
        told = await bot.call_api(action, **where, message=said)
        return [named(scene, peer, told.message_seq)] if told.message_seq else []

    async def history(self, bot: Bot, scene: str, peer: str, most: int) -> list[Words]:
        limit = min(most, MOST_HISTORY)
        messages, _ = await bot.call_api(
            "get_history_messages",
            message_scene="group" if scene == "group" else "friend",
            peer_id=int(peer),
            limit=limit,
        )
        if len(messages) >= limit and limit < most:
            raise Refused("QQ 的聊天记录不够长")
        return [
            {
                "id": named(scene, peer, one.message_seq),
                "sender": number(one.sender_id),
                "at": one.time,
                "text": _text(one.message),
            }
            for one in messages
        ]

    async def picture(self, bot: Bot, file: str) -> dict[str, Any]:
        return {"url": str(await bot.call_api("get_resource_temp_url", resource_id=file))}

    async def react(self, bot: Bot, scene: str, peer: str, message_id: str, face: str) -> None:
        seq = seq_of(message_id, scene, peer)
        if seq is None or scene != "group":
            raise Refused("只有群里的消息可以加表情")
        await bot.call_api(
            "send_group_message_reaction", group_id=int(peer), message_seq=seq, reaction=face
        )

    def reason(self, error: Exception) -> str:
        return str(error.info.get("message") or "") if isinstance(error, ActionFailed) else ""


VOICE = Milky()


def named(scene: str, peer: str, seq: int) -> str:
    return f"{scene[0]}{peer}-{seq}"


def seq_of(written: str, scene: str, peer: str) -> int | None:
    start = f"{scene[0]}{peer}-"
    digits = written.removeprefix(start)
    fits = written.startswith(start) and digits.isascii() and digits.isdigit()
    return int(digits) if fits else None


def _quoted(scene: str, peer: str, message: Message) -> str | None:
    for segment in message:
        if segment.type == "reply":
            return named(scene, peer, int(segment.data["message_seq"]))
    return None


def _part(segment: MessageSegment) -> Any:
    if segment.type == "text":
        return whole(str(segment.data.get("text", "")))
    url, file = segment.data.get("temp_url") or "", segment.data.get("resource_id") or ""
    return {"url": whole(str(url)), "file": whole(str(file))}


def _text(message: Message) -> str:
    return whole("".join(str(s.data.get("text", "")) for s in message if s.type == "text"))
