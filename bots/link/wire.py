"""What plugins send, checked: whoever has the token may still have an odd version."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from bots.pictures import MOST_BYTES
from hub.model import ChatPeer, ChatPicture, OperatorMessage

VERSION = 1
MOST_BOTS = 50
LONGEST_TEXT = 50_000

Number = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,19}$")]
"""A QQ number; official bots do not come this way."""
Name = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(max_length=LONGEST_TEXT)]
Place = Annotated[str, Field(max_length=MOST_BYTES * 4 // 3 + 100)]
"""Where a picture lies; some implementations write the whole of it there, in base64."""
Scene = Literal["private", "group"]


class _Frame(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class LinkedBot(_Frame):
    id: Number
    longest_text: int = Field(3_000, ge=100, le=10_000)
    quotes: bool = False
    pictures: bool = False
    reacts: frozenset[Scene] = frozenset()
    history: bool = False


class Said(_Frame):
    """The answer to `say`; place, text and time are for a hub that does not know the number."""

    type: Literal["said"]
    id: Name
    bot: Number
    scene: Scene
    peer: Number
    text: Words
    message_ids: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    at: Annotated[int, Field(ge=0, le=4_102_444_800)]
    """Unix seconds."""


class Hello(_Frame):
    type: Literal["hello"]
    version: int
    plugin: Annotated[str, Field(max_length=40)] = ""
    """Version of the plugin, for the log."""
    instance: Name
    """Of this life of the plugin."""
    bots: Annotated[tuple[LinkedBot, ...], Field(max_length=MOST_BOTS)] = ()
    said: Annotated[tuple[Said, ...], Field(max_length=200)] = ()
    """Lately: the hub may have missed that it was."""


class Bots(_Frame):
    """Which are connected now."""

    type: Literal["bots"]
    bots: Annotated[tuple[LinkedBot, ...], Field(max_length=MOST_BOTS)]


class Picture(_Frame):
    url: Place = ""
    file: Place = ""


class OperatorWords(_Frame):
    type: Literal["operator"]
    id: Name
    bot: Number
    scene: Scene
    peer: Number
    sender: Number
    message_id: Name
    text: Words = ""
    quoted_id: Annotated[str, Field(max_length=200)] | None = None
    """As `OperatorMessage.quoted_id`."""
    quoted_text: Words = ""
    parts: Annotated[tuple[Words | Picture, ...], Field(max_length=100)] = ()
    attachments: Annotated[int, Field(ge=0, le=100)] = 0
    addressed: bool = False

    @model_validator(mode="after")
    def _writes_in_a_chat_of_their_own(self) -> OperatorWords:
        if self.scene == "private" and self.peer != self.sender:
            raise ValueError("a private chat is with its sender")
        return self

    def message(self) -> OperatorMessage:
        return OperatorMessage(
            peer=ChatPeer(self.bot, self.scene, self.peer),
            sender=self.sender,
            message_id=self.message_id,
            text=self.text.strip(),
            quoted_id=self.quoted_id,
            quoted_text=self.quoted_text,
            parts=tuple(
                ChatPicture(one.url, one.file) if isinstance(one, Picture) else one
                for one in self.parts
            ),
            attachments=self.attachments,
            addressed=self.addressed or self.scene == "private",
        )


class Answer(_Frame):
    """To any other question."""

    type: Literal["answer"]
    id: Name
    data: dict[str, Any] = Field(default_factory=dict)


class Failed(_Frame):
    type: Literal["failed"]
    id: Name
    kind: Literal["unreachable", "rejected", "uncertain"]
    reason: Annotated[str, Field(max_length=500)] = ""
    code: Annotated[str, Field(max_length=40)] = ""


Reply = Said | Answer | Failed
Incoming = Hello | Bots | OperatorWords | Said | Answer | Failed

_READ: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="type")])


class Past(_Frame):
    id: Name
    sender: Number
    at: int
    text: Words


class History(_Frame):
    """Of `history`."""

    messages: Annotated[tuple[Past, ...], Field(max_length=200)]


def read(data: str | bytes) -> Incoming:
    """Raises ValueError for what is no frame of a plugin."""
    return _READ.validate_json(data)


class _Named(_Frame):
    type: Literal["operator"]
    id: Name


def number_of_words(data: str | bytes) -> str:
    """The id in a frame with words that `read` does not accept; empty for anything else."""
    try:
        return _Named.model_validate_json(data).id
    except ValueError:
        return ""
