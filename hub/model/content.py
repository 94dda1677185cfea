"""What one message holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    text: str


KEPT = "kept:"
"""What stands before the name of a picture that lies with us and was not uploaded yet."""


@dataclass(frozen=True, slots=True)
class Picture:
    url: str
    width: int = 0
    height: int = 0

    @property
    def kept(self) -> bool:
        """It has to be uploaded before it can be sent."""
        return self.url.startswith(KEPT)


@dataclass(frozen=True, slots=True)
class Image:
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    url: str
    duration: float | None = None
    """Seconds, if known; the platform's unit is not proven."""


@dataclass(frozen=True, slots=True)
class Video:
    url: str
    cover_url: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    title: str
    address: str
    latitude: str = ""
    longitude: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A card or tip that the platform wrote into the conversation."""

    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A kind of message we cannot show; `summary` is the platform's own placeholder."""

    content_type: int
    summary: str


Content = Text | Image | Voice | Video | Location | Card | Unsupported
