"""Which order a line from a chat means: by number, quote or conversation, and never by guess."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hub import text
from hub.commands import need_of_notice
from hub.desk.needs import Needs
from hub.desk.operator import Operator
from hub.desk.order_words import (
    no_such_number,
    order_number,
    several_end_with,
    waits_for_goods,
    without_ticket,
)
from hub.desk.orders import Orders
from hub.errors import Invalid, NotFound
from hub.model import Choice, ConversationId, KnownOrder, OperatorMessage, OrderStatus

_FIRST = (Choice.DELIVER, Choice.OUTSIDE, Choice.SHIP, Choice.REFUSE)
"""Acts on an order that waits for its goods."""
_NUMBER = re.compile(r"(?<!\d)\d{15,24}(?!\d)")


class MeantOrders:
    def __init__(self, orders: Orders, needs: Needs) -> None:
        self._orders = orders
        self._needs = needs

    async def one(
        self,
        operator: Operator,
        argument: str,
        message: OperatorMessage,
        conversation: ConversationId | None,
        choice: Choice | None,
    ) -> tuple[KnownOrder, str]:
        """The order that an act is meant for, and what is written behind it. Never guessed: several
        that fit are refused with their numbers. Without a choice: the unpaid ones fit."""
        rest = without_ticket(argument)
        found = await self.all(operator, rest, message, conversation)
        if order_number(rest, has_conversation=conversation is not None):
            return found[0], rest.partition(" ")[2].strip()
        if choice is None:
            fitting = [one for one in found if one.status is OrderStatus.UNPAID] or found[:1]
        else:
            goods = choice in _FIRST
            fitting = [one for one in found if not goods or waits_for_goods(one)] or found
        if len(fitting) > 1:
            lines = "\n".join(text.order_in_list(one) for one in fitting[:5])
            raise Invalid(f"没有执行：这个会话有 {len(fitting)} 笔订单，请写订单号\n{lines}")
        return fitting[0], rest

    async def all(
        self,
        operator: Operator,
        rest: str,
        message: OperatorMessage,
        conversation: ConversationId | None,
    ) -> Sequence[KnownOrder]:
        """Never empty. One for a number or the notice of a need; otherwise those of the
        conversation, newest first."""
        quoted = await self.quoted(operator, message)
        number = order_number(rest, has_conversation=conversation is not None)
        if number:
            order = await self._numbered(operator, number)
            if conversation is not None and order.conversation not in (None, conversation):
                raise Invalid("没有执行：订单号和引用的会话对不上，请只留一个")
            if quoted is not None and quoted.id != order.id:
                raise Invalid("没有执行：写的订单号和引用的待处理不是同一笔，请只留一个")
            return [order]
        if quoted is not None:
            if conversation is not None and quoted.conversation not in (None, conversation):
                raise Invalid("没有执行：引用的待处理和写的编号不是同一个会话，请只留一个")
            return [quoted]
        if conversation is None:
            if message.quoted_id is not None or message.quoted_text:
                raise Invalid("没有执行：认不出你引用的是哪笔订单，请写订单号或 #编号")
            raise Invalid("没有执行：写上订单号（末尾几位也行）或 #编号，或者引用一条通知")
        found = await self._orders.of_conversation(operator, conversation)
        if not found:
            raise NotFound("这个会话还没有订单；刚付款的订单要等几秒才会出现")
        told = _NUMBER.findall(message.quoted_text)
        return [one for one in found if one.id in told] or found

    async def quoted(self, operator: Operator, message: OperatorMessage) -> KnownOrder | None:
        """The order that the quoted notice of a need is about."""
        number = need_of_notice(message.quoted_text)
        if number is None:
            return None
        line = await self._needs.get(operator, number)
        return line.order

    async def _numbered(self, operator: Operator, digits: str) -> KnownOrder:
        """By the whole number or by how it ends."""
        found = await self._orders.ending(operator, digits)
        if not found:
            raise no_such_number(digits)
        if len(found) > 1:
            raise several_end_with(digits, found)
        return found[0]
