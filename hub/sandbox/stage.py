"""What people do of their own accord: speak, read, type, take back, use another device."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from hub.sandbox import payloads
from hub.sandbox.encode import NEW_MESSAGE, RECALLED, TYPING, Entry, entry
from hub.sandbox.im import Im
from hub.sandbox.payloads import Content
from hub.sandbox.trade import Trade
from hub.sandbox.world import Conversation, Message, World, now_ms

TYPING_SECONDS = 6.0

Line = Mapping[str, Any]
"""One thing to say, as the admin door takes it: `{"text": …}`, `{"image": …}`, `{"raw": …}` …"""


class Stage:
    """Buyers and the seller's own phone. All of it is hand-driven."""

    def __init__(self, world: World, im: Im, trade: Trade) -> None:
        self._world = world
        self._im = im
        self._trade = trade

    async def say(self, conversation: Conversation, lines: Sequence[Line]) -> list[str]:
        """The buyer says these in one push; returns the message ids, empty for raw payloads.

        Raises ValueError for a line that says nothing.
        """
        entries: list[Entry] = []
        ids: list[str] = []
        for line in _repeated(lines):
            if "raw" in line:
                kind = int(line.get("object_type", NEW_MESSAGE))
                entries.append(entry(with_integer_keys(line["raw"]), kind))
                ids.append("")
                continue
            id, made = self._speak(conversation, line)
            entries.append(made)
            ids.append(id)
        conversation.typing_until = 0.0
        await self._im.lines.push(conversation.thread.seller, entries, about=ids)
        return ids

    def _speak(self, conversation: Conversation, line: Line) -> tuple[str, Entry]:
        stamp = self._world.stamp(conversation)
        content = content_of(line)
        quoted = str(line.get("quote", ""))
        platform = str(line.get("platform", "ios"))
        payload = payloads.user_message(
            conversation.thread,
            stamp,
            content,
            platform=platform,
            app_version="7.28.20" if platform == "android" else "",
            quoted=quoted,
        )
        message = Message(
            conversation.id,
            stamp,
            conversation.thread.buyer,
            content,
            payloads.summary_of(content),
            payload[1][10],
        )
        self._world.keep(conversation, message)
        return stamp.id, self._im.chat_entry(conversation, payload)

    async def read(
        self, conversation: Conversation, ids: Sequence[str] = (), *, batch: bool = False
    ) -> list[str]:
        """The buyer looks at the conversation: everything, or these messages, counts as read."""
        wanted = list(ids) or [
            one.stamp.id for one in conversation.messages if one.own and not one.read
        ]
        await self._im.buyer_reads(conversation, wanted, batch=batch)
        return wanted

    async def type(self, conversation: Conversation, *, active: bool = True) -> None:
        conversation.typing_until = time.monotonic() + TYPING_SECONDS if active else 0.0
        seller = conversation.thread.seller
        made = entry(payloads.typing(conversation.id, seller, active=active), TYPING)
        await self._im.lines.push(seller, [made], lwp="/s/para")

    async def phone(self, conversation: Conversation, words: str, *, platform: str = "ios") -> str:
        """The seller writes from another device; the hub sees it as an echo."""
        content = payloads.text(words, phone=platform != "web")
        message, echo = self._im.own_message(conversation, content, platform=platform)
        await self._im.lines.push(conversation.thread.seller, [echo], about=[message.stamp.id])
        return message.stamp.id

    async def push_raw(
        self, user: str, raws: Sequence[Any], *, object_type: int, lwp: str = "/s/sync"
    ) -> None:
        """Push payloads as given; map keys of digits become integers."""
        made = [entry(with_integer_keys(raw), object_type) for raw in raws]
        await self._im.lines.push(user, made, lwp=lwp)

    async def recall(self, id: str) -> None:
        """A person takes a message back: the buyer, or the seller on another device.

        Raises KeyError for what nobody wrote.
        """
        found = self._world.find_message(id)
        if found is None or found[1].system:
            raise KeyError(f"no message {id!r} of a person")
        conversation, message = found
        message.recalled = True
        self._world.bell.ring()
        made = entry(payloads.recalled(conversation.id, id, now_ms()), RECALLED)
        await self._im.lines.push(conversation.thread.seller, [made])

    async def order(self, conversation: Conversation, event: str, order: str = "") -> str:
        """Force one event of an order's story; returns the order id.

        Raises ValueError for an event that nobody can tell.
        """
        return await self._trade.play(conversation, event, order)


def content_of(line: Line) -> Content:
    """Content JSON of one line. Raises ValueError when it has none of the known keys."""
    if "text" in line:
        return payloads.text(str(line["text"]), phone=line.get("platform", "ios") != "web")
    if "image" in line:
        urls = line["image"] if isinstance(line["image"], list) else [line["image"]]
        return payloads.images([(str(url), 1080, 1440) for url in urls])
    if "voice" in line:
        return payloads.voice(str(line["voice"]), int(line.get("duration", 8)))
    if "video" in line:
        return payloads.video(str(line["video"]), str(line.get("snapshot", "")))
    if "location" in line:
        place = line["location"]
        return payloads.location(
            str(place["title"]),
            str(place.get("address", "")),
            str(place.get("latitude", "31.230400")),
            str(place.get("longitude", "121.473700")),
        )
    if "content" in line and isinstance(line["content"], dict):
        return dict(line["content"])
    raise ValueError("say text, image, voice, video, location, content or raw")


def with_integer_keys(value: Any) -> Any:
    """JSON cannot have integer keys; on the wire every key of digits is one."""
    if isinstance(value, dict):
        return {
            int(key) if key.isdigit() else key: with_integer_keys(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [with_integer_keys(inner) for inner in value]
    return value


def _repeated(lines: Sequence[Line]) -> list[Line]:
    """`{"text": "第{n}条", "repeat": 3}` stands for three lines, `{n}` counts from 1."""
    spread: list[Line] = []
    for line in lines:
        times = int(line.get("repeat", 1))
        for number in range(1, times + 1):
            if times > 1 and "text" in line:
                spread.append({**line, "text": str(line["text"]).replace("{n}", str(number))})
            else:
                spread.append(line)
    return spread
