"""What the simulated QQ remembers: who said what where, and how a bridge tells of it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Segment = dict[str, Any]

UNKNOWN, BAD_REQUEST, FAILURE = 1404, 1400, 1200
"""NapCat's numbers for what goes wrong."""
MOST_LINES = 20_000
"""Lines kept per chat; older ones are forgotten."""


class Failed(Exception):
    """An action that the bridge refuses, with NapCat's retcode; `exactly`: no other may be told."""

    def __init__(self, retcode: int, text: str, *, exactly: bool = False) -> None:
        super().__init__(text)
        self.retcode = retcode
        self.text = text
        self.exactly = exactly


@dataclass(frozen=True, slots=True)
class Dialect:
    """In what the implementations differ; the defaults are NapCat's, except for its bugs."""

    message_format: Literal["array", "string"] = "array"
    drop_private_reply: bool = False
    """NapCat: quoting the bot in a private chat arrives without any reply segment."""
    reply_id_zero: bool = False
    """Lagrange: quoting the bot in a private chat arrives with the id 0."""
    negative_ids: bool = False
    """Lagrange: ids are signed 32-bit and often negative."""
    integer_reply_id: bool = False
    """Some write the id in a reply segment as a number."""
    report_self_message: bool = False
    heartbeat_seconds: float = 30.0
    """Lagrange: 5."""
    always_online: bool = False
    """Lagrange's heartbeat says so whatever became of the account."""
    missing_actions: frozenset[str] = frozenset()
    unknown_retcode: int = 1404
    """Lagrange: 404."""
    bad_request_retcode: int = 1400
    """Lagrange: 200."""
    failure_retcode: int = 1200
    """Lagrange: 200."""
    gives_reasons: bool = True
    """Lagrange answers with the number alone."""
    answers_unreadable: bool = True
    """Lagrange is silent about a request that is no JSON."""
    reaction_action: str = "set_msg_emoji_like"
    """Lagrange: `set_group_reaction`."""
    unknown_quote_fails: bool = False
    """Lagrange refuses a message that quotes an unknown id; NapCat leaves out the quote."""
    remembers_ids: bool = False
    """Lagrange keeps them on the disk; NapCat can look up none from before its restart."""
    token_refused_by_http: bool = False
    """Where the hub dials, Lagrange answers a wrong token with 403; NapCat accepts the connection,
    says 1403 there and closes it."""

    def refusal(self, failed: Failed) -> dict[str, Any]:
        """How it says that an action was not done."""
        own = {
            UNKNOWN: self.unknown_retcode,
            BAD_REQUEST: self.bad_request_retcode,
            FAILURE: self.failure_retcode,
        }
        retcode = failed.retcode if failed.exactly else own.get(failed.retcode, failed.retcode)
        answer = {"status": "failed", "retcode": retcode, "data": None}
        return answer | self.words(failed.text)

    def words(self, text: str = "") -> dict[str, Any]:
        """What NapCat writes into each answer, empty where all is well."""
        return {"message": text, "wording": text} if self.gives_reasons else {}


LAGRANGE = Dialect(
    reply_id_zero=True,
    negative_ids=True,
    heartbeat_seconds=5.0,
    always_online=True,
    unknown_retcode=404,
    bad_request_retcode=200,
    failure_retcode=200,
    gives_reasons=False,
    answers_unreadable=False,
    reaction_action="set_group_reaction",
    unknown_quote_fails=True,
    remembers_ids=True,
    token_refused_by_http=True,
)
NAPCAT = Dialect()
DIALECTS = {"napcat": NAPCAT, "lagrange": LAGRANGE}


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One thing that was said in a chat; `quoted` is the id of the line it answers."""

    id: str
    sender: str
    text: str
    segments: tuple[Segment, ...]
    quoted: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    scene: str
    peer: str
    line: ChatLine


class Chats:
    """Chats by scene and peer. History stays; looking up an id works until `forget`."""

    def __init__(self, self_id: str, dialect: Dialect) -> None:
        self.self_id = self_id
        self.dialect = dialect
        self._chats: dict[tuple[str, str], deque[ChatLine]] = {}
        self._places: dict[str, Place] = {}
        self._resolvable: set[str] = set()
        self._salt = secrets.token_hex(8)
        """Ids differ from run to run, as those of the real QQ do."""
        self._counter = 0

    def lines(self, scene: str, peer: str) -> list[ChatLine]:
        return list(self._chats.get((scene, peer), ()))

    def add(
        self, scene: str, peer: str, sender: str, segments: Sequence[Segment], quoted: str | None
    ) -> ChatLine:
        text = "".join(s["data"].get("text", "") for s in segments if s["type"] == "text")
        at = datetime.now(UTC)
        line = ChatLine(self._next_id(), sender, text.strip(), tuple(segments), quoted, at)
        lines = self._chats.setdefault((scene, peer), deque())
        if len(lines) >= MOST_LINES:
            self._drop(lines.popleft())
        lines.append(line)
        self._places[line.id] = Place(scene, peer, line)
        self._resolvable.add(line.id)
        return line

    def place(self, message_id: str) -> Place | None:
        return self._places.get(message_id)

    def knows(self, message_id: str) -> bool:
        """Whether the bridge can look the id up, quote it or take it back."""
        return message_id in self._resolvable

    def forget(self) -> None:
        if not self.dialect.remembers_ids:
            self._resolvable.clear()

    def look_up(self, message_id: str) -> dict[str, Any]:
        place = self._known(message_id)
        return self.event("message", place.scene, place.peer, place.line)

    def recall(self, message_id: str) -> None:
        place = self._known(message_id)
        self._chats[place.scene, place.peer].remove(place.line)
        self._drop(place.line)

    def history(self, scene: str, peer: str, count: int, anchor: str) -> list[dict[str, Any]]:
        """The `count` newest messages up to the one named `anchor` (`0`: the last), in order."""
        lines = self.lines(scene, peer)
        if anchor != "0":
            ids = [line.id for line in lines]
            if anchor not in ids:
                raise Failed(FAILURE, "消息不存在")
            lines = lines[: ids.index(anchor) + 1]
        return [self.event("message", scene, peer, line) for line in lines[-count:]]

    def quote_segments(self, scene: str, quote: str) -> list[Segment]:
        """How a person's quote reaches the hub."""
        place = self._places.get(quote)
        of_bot = place is not None and place.line.sender == self.self_id
        if scene == "private" and of_bot:
            if self.dialect.drop_private_reply:
                return []
            if self.dialect.reply_id_zero:
                return [{"type": "reply", "data": {"id": "0"}}]
        told = int(quote) if self.dialect.integer_reply_id else quote
        return [{"type": "reply", "data": {"id": told}}]

    def event(self, post_type: str, scene: str, peer: str, line: ChatLine) -> dict[str, Any]:
        plain = to_cq(line.segments)
        as_array = self.dialect.message_format == "array"
        event: dict[str, Any] = {
            "time": int(line.at.timestamp()),
            "self_id": int(self.self_id),
            "post_type": post_type,
            "message_type": scene,
            "sub_type": "normal" if scene == "group" else "friend",
            "message_id": int(line.id),
            "message_seq": int(line.id),
            "real_id": int(line.id),
            "user_id": int(line.sender),
            "message": list(line.segments) if as_array else plain,
            "message_format": self.dialect.message_format,
            "raw_message": plain,
            "font": 14,
            "sender": {"user_id": int(line.sender), "nickname": line.sender, "card": ""},
        }
        if scene == "group":
            event |= {"group_id": int(peer), "anonymous": None}
        elif post_type == "message_sent":
            event["target_id"] = int(peer)
        return event

    def _known(self, message_id: str) -> Place:
        if message_id not in self._resolvable:
            raise Failed(FAILURE, "消息不存在")
        return self._places[message_id]

    def _drop(self, line: ChatLine) -> None:
        self._places.pop(line.id, None)
        self._resolvable.discard(line.id)

    def _next_id(self) -> str:
        while True:
            self._counter += 1
            digest = hashlib.sha256(f"{self._salt}/{self._counter}".encode()).digest()
            number = max(1, int.from_bytes(digest[:4], "big") & 0x7FFFFFFF)
            message_id = str(-number if self.dialect.negative_ids else number)
            if message_id not in self._places:
                return message_id


def to_cq(segments: Sequence[Segment]) -> str:
    """Segments in the string format of OneBot v11."""
    parts = []
    for segment in segments:
        if segment["type"] == "text":
            parts.append(_escape(segment["data"]["text"]))
        else:
            values = (
                f",{key}={_escape(str(value)).replace(',', '&#44;')}"
                for key, value in segment["data"].items()
            )
            parts.append(f"[CQ:{segment['type']}{''.join(values)}]")
    return "".join(parts)


def read_message(message: Any) -> list[Segment]:
    """Segments of a message that was given as an array, one segment, or a string."""
    if isinstance(message, dict):
        return [message]
    if isinstance(message, list):
        return [{"type": s["type"], "data": dict(s.get("data") or {})} for s in message]
    segments: list[Segment] = []
    for part in re.split(r"(\[CQ:[^\]]+\])", str(message or "")):
        if part.startswith("[CQ:"):
            kind, *values = part[4:-1].split(",")
            pairs = (value.partition("=") for value in values)
            segments.append({"type": kind, "data": {k: _unescape(v) for k, _, v in pairs}})
        elif part:
            segments.append({"type": "text", "data": {"text": _unescape(part)}})
    return segments


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("[", "&#91;").replace("]", "&#93;")


def _unescape(text: str) -> str:
    plain = text.replace("&#44;", ",").replace("&#91;", "[").replace("&#93;", "]")
    return plain.replace("&amp;", "&")


def written(frame: dict[str, Any]) -> str:
    """As JavaScript writes it: letters as they are, half characters escaped."""
    text = json.dumps(frame, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(frame)
    return text
