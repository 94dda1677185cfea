"""Pictures that operators may look at: those of the messages of their shop."""

from __future__ import annotations

from hub.album import Album, Shown
from hub.commands import may
from hub.desk.operator import Operator
from hub.errors import NotFound, PeerError
from hub.model import AccountId, Image, MessageId, Origin, Picture, Role
from hub.store import Store, Tx

GONE = "这张图片现在看不到"


class Pictures:
    def __init__(self, store: Store, album: Album) -> None:
        self._store = store
        self._album = album

    async def of_message(self, operator: Operator, message: MessageId, number: int) -> Shown:
        """The `number`-th picture of a message, counted from 0.

        Raises NotFound when there is none, or when it cannot be had now.
        """
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> tuple[AccountId, Picture] | None:
            found = tx.messages.get(operator.shop, message)
            if found is None or not isinstance(found.content, Image):
                return None
            if found.origin is Origin.DELIVERY and not may(operator.member.role, Role.AGENT):
                return None
            conversation = tx.conversations.get(operator.shop, found.conversation)
            pictures = found.content.pictures
            if conversation is None or not 0 <= number < len(pictures):
                return None
            return conversation.account, pictures[number]

        return await self._shown(await self._store.read(unit))

    async def of_item(self, operator: Operator, item: str) -> Shown:
        """The main picture of an item. Raises NotFound like `of_message`."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> tuple[AccountId, Picture] | None:
            known = tx.items.get(operator.shop, item)
            if known is None or not known.item.pictures:
                return None
            return known.account, known.item.pictures[0]

        return await self._shown(await self._store.read(unit))

    async def _shown(self, found: tuple[AccountId, Picture] | None) -> Shown:
        if found is None:
            raise NotFound(GONE)
        try:
            return await self._album.show(*found)
        except PeerError as error:
            raise NotFound(GONE) from error
