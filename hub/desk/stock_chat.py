"""Stock in chat: `/库存`, `/补货`, `/作废`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from hub import text
from hub.commands import Action
from hub.desk.cards import Cards
from hub.desk.confirming import Confirmations
from hub.desk.operator import Operator
from hub.desk.restock import Restock, Restocking
from hub.desk.stock import PoolLine, Stock
from hub.errors import Invalid, NotConfirmed, NotFound, PeerError
from hub.model import ChatFile, ChatPeer, ChatPicture, OperatorMessage, Role

FetchFile = Callable[[ChatPeer, ChatFile], Awaitable[bytes]]
"""Raises PeerError with a reason for people."""
FETCH_SECONDS = 60.0
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
        self,
        operator: Operator,
        action: Action,
        argument: str,
        message: OperatorMessage,
        fetch_file: FetchFile | None = None,
    ) -> str:
        if action is Action.STOCK:
            return await self._show(operator, argument, message)
        if message.peer.scene != "private":
            raise Invalid(text.codes_only_in_private())
        if action is Action.RESTOCK:
            return await self._add(operator, argument, message, fetch_file)
        return await self._void(operator, argument, message)

    async def _void(self, operator: Operator, argument: str, message: OperatorMessage) -> str:
        if not argument.strip():
            raise Invalid("没有作废：写上完整的卡密，空一格再写原因，例如 /作废 ABCD-1234 充不上")

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

    async def _add(
        self,
        operator: Operator,
        argument: str,
        message: OperatorMessage,
        fetch_file: FetchFile | None,
    ) -> str:
        pictures = any(isinstance(part, ChatPicture) for part in message.parts)
        if message.attachments > len(message.files) or pictures:
            raise Invalid("没有入库：只收文字和 .txt 文件，图片里的卡密请先打成文字")
        lines = await self._stock.overview(operator)
        if files := message.files or message.quoted_files:
            return await self._add_file(operator, argument, message, files, fetch_file)
        head, _, below = argument.partition("\n")
        if below.strip():
            one, codes = named_pool(lines, head), below
        else:
            one, codes = _leading(lines, head)
        if not codes.strip():
            raise Invalid(
                f"没有入库：在「/补货 {one.pool.name}」下面一行写一张卡密，或者引用一个 .txt 文件"
            )
        return _restocked(await self._restock.add(operator, one.pool.id, codes, label="QQ"))

    async def _add_file(
        self,
        operator: Operator,
        argument: str,
        message: OperatorMessage,
        files: Sequence[ChatFile],
        fetch_file: FetchFile | None,
    ) -> str:
        """Looked at first: a file is not seen as a whole before it is added, as lines are."""
        operator.require(Role.AGENT)
        name, _, below = argument.strip().partition("\n")
        if below.strip() or len(files) > 1:
            raise Invalid("没有入库：一次一个文件，卡密不要同时写在下面")
        pool = named_pool(await self._stock.overview(operator), name).pool
        data = await _fetched(message.peer, files[0], fetch_file)
        seen = await self._restock.preview(operator, pool.id, data)
        if not seen.new:
            raise Invalid(text.nothing_to_restock(_left_out(seen)))
        wanted = f"{seen.new % 10_000:04d}"

        async def act(who: Operator, code: str) -> str:
            if code != wanted:
                question = text.restock_question(pool.name, seen.new, _left_out(seen))
                raise NotConfirmed(question, wanted)
            label = f"QQ {files[0].name}"
            return _restocked(await self._restock.add(who, pool.id, data, label=label))

        return await self._confirmations.run(operator, message, "", act)


async def _fetched(peer: ChatPeer, file: ChatFile, fetch: FetchFile | None) -> bytes:
    if fetch is None:
        raise Invalid("没有入库：这里收不了文件")
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return await fetch(peer, file)
    except TimeoutError:
        raise Invalid("没有入库：文件取得太慢，请重发一次") from None
    except PeerError as error:
        raise Invalid(f"没有入库：文件没有取到（{error.reason}），请重发一次") from error


def _restocked(done: Restocking) -> str:
    return text.restocked(
        done.pool.name,
        added=done.new,
        available=done.pool.counts.available,
        known=done.known,
        repeated=done.read.repeated,
        too_long=done.read.too_long,
        unreadable=done.read.unreadable,
    )


def _left_out(seen: Restocking) -> Sequence[str]:
    read = seen.read
    return text.left_out(seen.known, read.repeated, read.too_long, read.unreadable)


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
