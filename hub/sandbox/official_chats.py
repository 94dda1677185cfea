"""What the simulated official platform remembers: who said what, and what may be answered to it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.sandbox.world import Bell

LASTS = {
    "private": timedelta(minutes=60),
    "group": timedelta(minutes=5),
    "interaction": timedelta(minutes=30),
}
MOST_ANSWERS = 5
LONGEST_TEXT = 4_000
_ADDRESS = re.compile(
    r"https?://|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|cn|net|org)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class OfficialLine:
    """One thing that was said; `index` is how a quote names it, `answers` what it was said to."""

    id: str
    index: str
    by_bot: bool
    sender: str
    text: str
    at: datetime
    picture: bytes = b""
    buttons: tuple[str, ...] = ()
    answers: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class OfficialRules:
    """How the platform behaves; may be replaced at any time."""

    pushes: bool = False
    """The bot may speak unasked."""
    buttons: bool = False
    """The bot may show buttons."""
    tells_quotes: bool = True
    """Events name what they quote by its index, and sends are answered with theirs."""
    tells_quoted_text: bool = True
    full_authors: bool = True
    """Authors in groups come with their role."""


@dataclass(slots=True)
class _Anchor:
    peer: tuple[str, str]
    kind: str
    at: datetime
    numbers: set[int] = field(default_factory=set)


class Refused(Exception):
    """The platform's no, with its code and words."""

    def __init__(self, code: int, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.code, self.words, self.status = code, words, status


class OfficialChats:
    """Chats by scene and openid. `ahead` lets time pass for whatever ends by itself."""

    def __init__(self, bell: Bell) -> None:
        self.rules = OfficialRules()
        self.ahead = timedelta(0)
        self.media: dict[str, bytes] = {}
        """Uploaded files by the word that names them."""
        self._bell = bell
        self._lines: dict[tuple[str, str], list[OfficialLine]] = {}
        self._anchors: dict[str, _Anchor] = {}

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def lines(self, scene: str, peer: str) -> list[OfficialLine]:
        return list(self._lines.get((scene, peer), ()))

    def hear(
        self,
        scene: str,
        peer: str,
        sender: str,
        text: str,
        picture: bytes = b"",
        *,
        id_: str = "",
    ) -> OfficialLine:
        """Somebody says something to the bot; that may be answered from now on."""
        line = self._add(
            scene, peer, by_bot=False, sender=sender, text=text, picture=picture, id_=id_
        )
        self._anchors[line.id] = _Anchor((scene, peer), scene, line.at)
        return line

    def press(self, scene: str, peer: str) -> str:
        """A button is pressed; returns the id of the event, which may be answered too."""
        event = f"INTERACTION_CREATE:{secrets.token_hex(12)}"
        self._anchors[event] = _Anchor((scene, peer), "interaction", self.now())
        return event

    def say(self, scene: str, peer: str, body: Mapping[str, Any]) -> OfficialLine:
        """The bot says something. Raises Refused."""
        text = str(body.get("content") or "")
        picture = self._picture(body)
        if not text.strip() and not picture:
            raise Refused(40034011, "消息内容为空")
        if len(text) > LONGEST_TEXT:
            raise Refused(40054007, "消息长度超限")
        if _ADDRESS.search(text):
            raise Refused(40034028, "请求参数不允许包含url")
        buttons = _buttons(body)
        if buttons and not self.rules.buttons:
            raise Refused(40034127, "无自定义keyboard权限")
        answers, number = str(body.get("msg_id") or body.get("event_id") or ""), 0
        if answers:
            number = int(body.get("msg_seq") or 1)
            self._answer(answers, number, scene, peer)
        elif not self.rules.pushes:
            code = 40034105 if scene == "group" else 40034102
            raise Refused(code, "主动消息失败, 无权限")
        return self._add(
            scene,
            peer,
            by_bot=True,
            sender="",
            text=text,
            picture=picture,
            buttons=buttons,
            answers=answers,
            number=number,
        )

    def find(self, index: str) -> OfficialLine | None:
        return next((o for lines in self._lines.values() for o in lines if o.index == index), None)

    def _answer(self, id_: str, number: int, scene: str, peer: str) -> None:
        anchor = self._anchors.get(id_)
        if anchor is None or anchor.peer != (scene, peer):
            raise Refused(40034024, "请求参数msg_id无效或越权")
        if number in anchor.numbers:
            raise Refused(40054005, "消息被去重，请检查请求msgseq")
        if self.now() >= anchor.at + LASTS[anchor.kind]:
            raise Refused(40034005, "回复消息msg_id已过期")
        if len(anchor.numbers) >= MOST_ANSWERS:
            raise Refused(40034128, "被动回复时间或次数超限")
        anchor.numbers.add(number)

    def _picture(self, body: Mapping[str, Any]) -> bytes:
        media = body.get("media")
        if not isinstance(media, dict):
            return b""
        if (
            body.get("msg_type") != 7
            or (found := self.media.get(str(media.get("file_info")))) is None
        ):
            raise Refused(40034004, "富媒体信息转存失败")
        return found

    def _add(self, scene: str, peer: str, *, id_: str = "", **values: Any) -> OfficialLine:
        made = id_ or f"ROBOT1.0_{secrets.token_urlsafe(24)}!!"
        line = OfficialLine(made, f"REFIDX_{secrets.token_hex(8)}", at=self.now(), **values)
        self._lines.setdefault((scene, peer), []).append(line)
        self._bell.ring()
        return line

    def change_rules(self, **values: Any) -> OfficialRules:
        """Raises TypeError for a rule that there is not."""
        self.rules = replace(self.rules, **values)
        return self.rules


def _buttons(body: Mapping[str, Any]) -> tuple[str, ...]:
    keyboard = body.get("keyboard") or {}
    rows = (keyboard.get("content") or {}).get("rows") or []
    return tuple(one["action"]["data"] for row in rows for one in row["buttons"])
