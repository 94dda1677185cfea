"""Pictures of our own messages on their way to the platform, before the message itself leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from loguru import logger

from hub.album import Album
from hub.errors import (
    AuthExpired,
    NotFound,
    PeerError,
    Rejected,
    Throttled,
    VerificationNeeded,
)
from hub.model import AccountId, Image, Message, Picture, Task, TaskId
from hub.policy import backoff
from hub.store import Store
from hub.xianyu import Client

UPLOAD_SECONDS = 25.0
"""Of one picture; shorter than the lease of its task."""
MOST_TRIES = 5
NOT_CONNECTED_AGAIN = timedelta(seconds=30)


def waits_for_upload(message: Message) -> bool:
    content = message.content
    return isinstance(content, Image) and any(picture.kept for picture in content.pictures)


class Uploads:
    """Uploads the kept pictures of a message and writes their new addresses into it.

    Uploading twice does no harm, so a crash in between costs nothing.
    """

    def __init__(
        self, store: Store, album: Album, client_of: Callable[[AccountId], Client | None]
    ) -> None:
        self._store = store
        self._album = album
        self._client_of = client_of
        self._tries: dict[TaskId, int] = {}
        """Of open tasks; a new process counts anew, that does no harm."""

    async def upload(
        self, task: Task, account: AccountId, message: Message
    ) -> timedelta | str | None:
        """None: done. A time: try again after it. A sentence: it will never work, and why."""
        assert isinstance(message.content, Image)  # noqa: S101 - `waits_for_upload` was asked
        client = self._client_of(account)
        if client is None:
            return NOT_CONNECTED_AGAIN
        try:
            pictures = tuple(
                [await self._one(client, picture) for picture in message.content.pictures]
            )
        except (NotFound, PeerError) as error:
            return self._failed(task, message, error)
        self._tries.pop(task.id, None)
        await self._store.write(
            lambda tx: tx.messages.replace_content(task.shop, message.id, Image(pictures))
        )
        return None

    async def _one(self, client: Client, picture: Picture) -> Picture:
        """Raises NotFound, PeerError."""
        if not picture.kept:
            return picture
        shown = await self._album.show_kept(picture)
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                sent = await client.upload(shown.data)
        except TimeoutError as error:
            raise Throttled("xianyu", "upload", "上传图片太慢") from error
        await self._album.adopt(picture, sent)
        return sent

    def _failed(self, task: Task, message: Message, error: NotFound | PeerError) -> timedelta | str:
        logger.warning("pictures of message {} not uploaded: {}", message.id, error)
        tries = self._tries[task.id] = self._tries.get(task.id, 0) + 1
        match error:
            case NotFound():
                final = error.text
            case Rejected():
                final = f"图片没有上传成功，闲鱼说：{error.reason or '没有给出原因'}"
            case AuthExpired() | VerificationNeeded():
                final = "图片没有上传成功，闲鱼不认可现在的登录，请更新登录后再发"
            case _ if tries >= MOST_TRIES:
                final = "图片一直上传不上去，请稍后再发"
            case _:
                after = error.after if isinstance(error, Throttled) else None
                wait = after or backoff(tries, first=2, most=30, jitter=0)
                return timedelta(seconds=wait)
        self._tries.pop(task.id, None)
        return final
