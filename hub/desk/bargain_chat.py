"""Floors in chat: `/底价`."""

from __future__ import annotations

from hub import text
from hub.commands import leading_ticket
from hub.desk.accounts import Accounts
from hub.desk.bargains import FLOOR_HINT, Bargains, is_floor
from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import ConversationId
from hub.store import Store, Tx

SHOWN = 20
WHOLE_SHOP = ("全店", "店铺")


class BargainChat:
    def __init__(self, store: Store, bargains: Bargains, accounts: Accounts) -> None:
        self._store = store
        self._bargains = bargains
        self._accounts = accounts

    async def floor(
        self, operator: Operator, argument: str, conversation: ConversationId | None
    ) -> str:
        """`[商品|全店|账号] 底价`; nothing: what is set."""
        typed = leading_ticket(argument)
        words = (typed[1] if typed is not None else argument).split()
        if not words:
            return await self._list(operator)
        what, floor = " ".join(words[:-1]), words[-1]
        if what in WHOLE_SHOP:
            return await self._bargains.set_floor(operator, floor)
        if not what and conversation is None and not is_floor(floor):
            return await self._shown(operator, floor)
        if not what:
            item = await self._item_of(operator, conversation)
            return await self._bargains.set_floor(operator, floor, item=item)
        named = [one for one in await self._accounts.all(operator) if one.name == what]
        if named:
            return await self._bargains.set_floor(operator, floor, account=named[0].id)
        return await self._bargains.set_floor(
            operator, floor, item=await self._find(operator, what)
        )

    async def _shown(self, operator: Operator, words: str) -> str:
        """What counts for an item that is named without a floor."""
        told = await self._bargains.floor_of(operator, await self._find(operator, words))
        return f"{told}\n要改：/底价 {words} 18。{FLOOR_HINT}"

    async def _list(self, operator: Operator) -> str:
        found = await self._bargains.floors(operator)
        lines = [f"{name}：{text.floor_words(one.floor)}" for one, name in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"还有 {len(found) - SHOWN} 件，在后台「商品 → 底价」里看")
        if not lines:
            lines.append("还没有设底价，所有商品都不降价")
        return "\n".join([*lines, "设一个：/底价 商品 18、/底价 全店 10%"])

    async def _item_of(self, operator: Operator, conversation: ConversationId | None) -> str:
        found = (
            await self._store.read(lambda tx: tx.conversations.get(operator.shop, conversation))
            if conversation is not None
            else None
        )
        if found is None or found.item_id is None:
            raise Invalid(f"没有改动：写上商品和底价，例如 /底价 月卡 18。{FLOOR_HINT}")
        return found.item_id

    async def _find(self, operator: Operator, words: str) -> str:
        """By number, or by words of its title. Never guessed."""

        def unit(tx: Tx) -> list[tuple[str, str]]:
            if words.isascii() and words.isdigit() and tx.items.get(operator.shop, words):
                return [(words, "")]
            called = tx.items.called(operator.shop, words)
            return [(one.item.id, one.item.title) for one in called]

        found = await self._store.read(unit)
        if not found:
            raise NotFound(
                f"没有改动：没有标题里有「{words[:20]}」的商品；刚发布的先用 /商品 看一遍"
            )
        if len(found) > 1:
            lines = "\n".join(f"{id_} {title[:20]}" for id_, title in found[:5])
            raise Invalid(f"没有改动：有 {len(found)} 件商品符合，请写商品编号\n{lines}")
        return found[0][0]
