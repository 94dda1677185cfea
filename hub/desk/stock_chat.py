"""Stock in chat: `/库存`, `/补货`, `/作废`."""

from __future__ import annotations

from collections.abc import Sequence

from hub import text
from hub.commands import Action
from hub.desk.cards import Cards
from hub.desk.confirming import Confirmations
from hub.desk.operator import Operator
from hub.desk.restock import Restock
from hub.desk.stock import PoolLine, Stock
from hub.errors import Invalid, NotFound
from hub.model import ChatPicture, OperatorMessage

_NAMED = 10
"""Pools in one sentence."""


class StockChat:
    def __init__(
        self, stock: Stock, cards: Cards, restock: Restock, confirmations: Confirmations
    ) -> None:
        self._stock = stock
        self._cards = cards
        self._restock = restock
        self._confirmations = confirmations

    async def run(
        self, operator: Operator, action: Action, argument: str, message: OperatorMessage
    ) -> str:
        if action is Action.STOCK:
            return await self._show(operator, argument, message)
        if message.peer.scene != "private":
            raise Invalid(text.codes_only_in_private())
        if action is Action.RESTOCK:
            return await self._add(operator, argument, message)
        return await self._void(operator, argument, message)

    async def _void(self, operator: Operator, argument: str, message: OperatorMessage) -> str:
        async def act(who: Operator, code: str) -> str:
            return text.voided(*await self._cards.void_by_code(who, argument, code=code))

        return await self._confirmations.run(operator, message, "", act)

    async def _show(self, operator: Operator, argument: str, message: OperatorMessage) -> str:
        lines = await self._stock.overview(operator)
        if not lines:
            return text.no_pools()
        if not argument:
            return text.pool_list(
                [
                    text.pool_line(one.pool, one.level, one.left, one.given, one.days)
                    for one in lines
                ]
            )
        one = named_pool(lines, argument)
        return text.pool_page(
            one.pool,
            one.level,
            one.left,
            one.given,
            one.days,
            one.sold,
            one.expired,
            note=message.peer.scene == "private",
        )

    async def _add(self, operator: Operator, argument: str, message: OperatorMessage) -> str:
        pictures = any(isinstance(part, ChatPicture) for part in message.parts)
        if message.attachments or pictures:
            raise Invalid("没有入库：文件和图片请在网页后台的「库存」里上传")
        lines = await self._stock.overview(operator)
        head, _, below = argument.partition("\n")
        if below.strip():
            one, codes = named_pool(lines, head), below
        else:
            one, codes = _leading(lines, head)
        if not codes.strip():
            raise Invalid(f"没有入库：在「/补货 {one.pool.name}」下面一行写一张卡密")
        done = await self._restock.add(operator, one.pool.id, codes, label="QQ")
        return text.restocked(
            one.pool.name,
            added=done.new,
            available=done.pool.counts.available,
            known=done.known,
            repeated=done.read.repeated,
            too_long=done.read.too_long,
            unreadable=done.read.unreadable,
        )


def named_pool(lines: Sequence[PoolLine], name: str) -> PoolLine:
    """The pool of this name, or the only one whose name holds these words."""
    if not lines:
        raise NotFound(text.no_pools())
    words = " ".join(name.split())
    exact = [one for one in lines if one.pool.name == words]
    found = exact or [one for one in lines if words and words in one.pool.name]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(f"不知道是哪个卡池，请写全名字：{_names(found)}")
    if not words:
        raise NotFound(f"请写上卡池名，现有：{_names(lines)}")
    raise NotFound(f"没有叫「{words}」的卡池，现有：{_names(lines)}")


def _leading(lines: Sequence[PoolLine], line: str) -> tuple[PoolLine, str]:
    """`月卡 ABCD-1`: the pool that the line begins with, and the rest of it."""
    words = " ".join(line.split())
    begun = [one for one in lines if f"{words} ".startswith(f"{one.pool.name} ")]
    if not begun:
        return named_pool(lines, line), ""
    one = max(begun, key=lambda one: len(one.pool.name))
    blanks = len(one.pool.name.split())
    return one, "".join(line.split(maxsplit=blanks)[blanks:])


def _names(lines: Sequence[PoolLine]) -> str:
    names = "、".join(one.pool.name for one in lines[:_NAMED])
    return names if len(lines) <= _NAMED else f"{names} 等 {len(lines)} 个"
