"""Pictures that are handed out again and again, by pools and by rules: kept once, by what they hold
(L55)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from hub.errors import Invalid, NotFound
from hub.model import StoredPicture
from hub.store import Store
from hub.xianyu import fit_picture

LARGEST_PICTURE = 8 * 1024 * 1024
MOST_PICTURES = 9


async def keep_picture(store: Store, data: bytes) -> StoredPicture:
    """Pack a picture anew and put it on the disk; PNG stays PNG.

    Raises Invalid that blames the field `pictures`.
    """
    if len(data) > LARGEST_PICTURE:
        raise Invalid("图片太大，一张最多 8 MB", {"pictures": "一张最多 8 MB"})
    try:
        fitted = await asyncio.to_thread(fit_picture, data)
    except Invalid as refusal:
        raise Invalid(refusal.text, {"pictures": refusal.text}) from None
    name = await asyncio.to_thread(store.pictures.keep, fitted.data, fitted.suffix)
    return StoredPicture(name, fitted.media_type, fitted.width, fitted.height)


async def read_picture(
    store: Store, pictures: Iterable[StoredPicture], name: str
) -> tuple[bytes, str]:
    """One of `pictures` and its media type. Raises NotFound."""
    picture = next((one for one in pictures if one.name == name), None)
    if picture is not None:
        data = await asyncio.to_thread(store.pictures.read, picture.name)
        if data is not None:
            return data, picture.media_type
    raise NotFound("这张图片已经不在了")
