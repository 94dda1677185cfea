"""What one message holds: the platform's content JSON becomes one of our content types."""

from __future__ import annotations

import re
from html import unescape

from hub.model import (
    Card,
    Content,
    Image,
    Location,
    Picture,
    Text,
    Unsupported,
    Video,
    Voice,
)
from hub.xianyu.shapes import EMPTY, Map, as_int, as_map, as_text, load_json

TEXT, IMAGE, VOICE, VIDEO, TEXT_CARD, TIP, LOCATION = 1, 2, 3, 4, 6, 14, 30
INVITATION_CARD, TRADE_CARD, WORKBENCH_CARD = 25, 26, 28

WRITTEN_BY_PEOPLE = frozenset({TEXT, IMAGE, VOICE, VIDEO, LOCATION})

_MARKUP = re.compile(r"<[^<>]*>")


def plain(markup: str) -> str:
    """Text of a card or tip without its HTML."""
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    return unescape(_MARKUP.sub("", markup)).strip()


def inner_type(content: Map, outer: int | None) -> int:
    """The type inside the content is the true one: senders write the outer one differently."""
    inner = as_int(content.get("contentType"))
    return inner if inner is not None else (outer or 0)


def read_content(content: Map, content_type: int, summary: str) -> Content:
    """`summary` is the platform's one-line rendering, used when the content cannot be read."""
    if content_type == TEXT:
        text = as_map(content.get("text")).get("text")
        return Text(as_text(text) if isinstance(text, str) else summary)
    if content_type == IMAGE:
        pictures = _pictures(as_map(content.get("image")))
        return Image(pictures) if pictures else Unsupported(IMAGE, summary)
    if content_type == VOICE:
        audio = as_map(content.get("audio"))
        url = as_text(audio.get("url"))
        return Voice(url, _seconds(audio.get("duration"))) if url else Unsupported(VOICE, summary)
    if content_type == VIDEO:
        video = as_map(content.get("video"))
        url = as_text(video.get("url"))
        cover = as_text(video.get("snapshot"))
        return Video(url, cover) if url else Unsupported(VIDEO, summary)
    if content_type == LOCATION:
        place = as_map(content.get("locationCard"))
        if place:
            return Location(
                as_text(place.get("title")),
                as_text(place.get("content")),
                as_text(place.get("latitude")),
                as_text(place.get("longitude")),
            )
    return _read_card(content, content_type, summary)


def write_content(content: Text | Image) -> Map:
    """The content JSON of something we say."""
    if isinstance(content, Text):
        return {"contentType": TEXT, "text": {"text": content.text}}
    pics = [
        {"type": 0, "url": picture.url, "width": picture.width, "height": picture.height}
        for picture in content.pictures
    ]
    return {"contentType": IMAGE, "image": {"pics": pics}}


def card_body(content: Map) -> tuple[Map, bool]:
    """The `main` part of a card, and whether it replaces what the card said before."""
    changed = as_map(as_map(content.get("dynamicOperation")).get("changeContent"))
    card = as_map((changed or content).get("dxCard"))
    return as_map(as_map(card.get("item")).get("main")), bool(changed)


def _read_card(content: Map, content_type: int, summary: str) -> Content:
    main, _ = card_body(content)
    if main:
        face = as_map(main.get("exContent"))
        head = as_map(face.get("head"))
        title = as_text(face.get("title")) or as_text(head.get("title")) or summary
        text = (
            as_text(face.get("desc"))
            or as_text(face.get("subTitle"))
            or as_text(head.get("subtitle"))
            or as_text(as_map(face.get("item1")).get("subscription"))
        )
        return Card(plain(title), plain(text))
    if content_type == TIP:
        tip = plain(as_text(as_map(content.get("tip")).get("tip")))
        return Card(tip or summary)
    if content_type == TEXT_CARD:
        card = as_map(content.get("textCard"))
        title = plain(as_text(card.get("title")))
        text = plain(as_text(card.get("content")))
        return Card(title or summary, text)
    return Unsupported(content_type, summary)


def _pictures(image: Map) -> tuple[Picture, ...]:
    found = []
    pics = image.get("pics")
    for pic in pics if isinstance(pics, list) else (image,):
        shape = as_map(pic)
        url = as_text(shape.get("url")) or as_text(shape.get("picUrl"))
        if url:
            width, height = as_int(shape.get("width")), as_int(shape.get("height"))
            found.append(Picture(url, width or 0, height or 0))
    return tuple(found)


def _seconds(value: object) -> float | None:
    if isinstance(value, float) and value == value:
        return value
    number = as_int(value)
    return None if number is None or number < 0 else float(min(number, 10**9))


def parse_content(text: object) -> Map:
    """Content JSON, as text or parsed already; empty if it is neither."""
    return as_map(load_json(text)) if text else EMPTY
