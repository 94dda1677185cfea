"""Orders, needs and stops in chat: `/单`, `/发货`, `/待处理`, `/处理`, `/停发` and their kin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub import text
from hub.commands import (
    Action,
    may,
    need_and_words,
    need_of_notice,
    numbered_choice,
)
from hub.desk.accounts import Accounts
from hub.desk.bargains import Bargains
from hub.desk.cards import Cards
from hub.desk.confirming import Confirmations
from hub.desk.delivery_rules import DeliveryRules
from hub.desk.meant_orders import MeantOrders
from hub.desk.needs import NeedLine, Needs
from hub.desk.operator import Operator
from hub.desk.order_words import (
    begins_with_answer,
    by_word,
    chosen,
    looks_chosen,
    need_named,
    no_such_number,
    order_number,
    pieces_of,
    without_ticket,
)
from hub.desk.orders import MOST_SHOWN, Orders, OrderView
from hub.desk.stock import Stock
from hub.desk.stock_chat import named_pool
from hub.errors import Invalid, NotFound
from hub.model import (
    Account,
    AskedBy,
    Choice,
    ConversationId,
    KnownOrder,
    Need,
    OperatorMessage,
    Role,
    Stop,
)

ACTS: dict[Action, Choice] = {
    Action.DELIVER: Choice.DELIVER,
    Action.RESEND: Choice.RESEND,
    Action.OUTSIDE: Choice.OUTSIDE,
    Action.SHIP: Choice.SHIP,
    Action.FREE: Choice.FREE,
    Action.RELEASE: Choice.RELEASE,
    Action.REFUSE: Choice.REFUSE,
}
"""Commands that do something to one order."""
WITHOUT_ORDER = frozenset(
    {Action.NEEDS, Action.SETTLE, Action.STOP, Action.GO_ON, Action.DELIVERY_RULES}
)
"""Commands of this surface that name no conversation."""


@dataclass(frozen=True, slots=True)
class DeliveryDesk:
    """The use cases that these commands call."""

    orders: Orders
    needs: Needs
    rules: DeliveryRules
    cards: Cards
    stock: Stock
    accounts: Accounts
    bargains: Bargains


class DeliveryChat:
    def __init__(
        self,
        desk: DeliveryDesk,
        confirmations: Confirmations,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._desk = desk
        self._meant = MeantOrders(desk.orders, desk.needs)
        self._confirmations = confirmations
        self._now = now
        self._zone = zone

    async def run(
        self,
        operator: Operator,
        action: Action,
        argument: str,
        message: OperatorMessage,
        conversation: ConversationId | None,
    ) -> str:
        """`conversation`: the one that is quoted or named by its ticket."""
        if action in ACTS:
            order, rest = await self._meant.one(
                operator, argument, message, conversation, ACTS[action]
            )
            return await self._do(operator, ACTS[action], order, rest, message)
        match action:
            case Action.PRICE:
                return await self._change_price(operator, argument, message, conversation)
            case Action.ORDER:
                return await self._show(operator, argument, message, conversation)
            case Action.NEEDS:
                return await self._list_needs(operator)
            case Action.SETTLE:
                return await self._settle(operator, argument, message)
            case Action.STOP:
                return await self._stop(operator, argument)
            case Action.GO_ON:
                return await self._go_on(operator, argument, message)
            case _:
                return await self._list_rules(operator)

    # --- needs ---

    async def _list_needs(self, operator: Operator) -> str:
        lines = await self._desk.needs.open(operator)
        stops = await self._stops(operator)
        return text.needs_page([(line.need, line.order, line.choices) for line in lines], stops)

    async def _settle(self, operator: Operator, argument: str, message: OperatorMessage) -> str:
        quoted = need_of_notice(message.quoted_text)
        number, words = need_and_words(argument)
        if quoted is not None and (not words or not begins_with_answer(words)):
            number, words = quoted, argument.strip()
        if number is None:
            raise Invalid("没有执行：写上编号和做法，例如 /处理 37 1；编号在 /待处理 里")
        if not words:
            line = await self._desk.needs.get(operator, number)
            return text.need_page(line.need, line.order, line.choices)
        return await self.choose(operator, number, words, message)

    async def choose(
        self, operator: Operator, number: int, words: str, message: OperatorMessage
    ) -> str:
        """Answer a need with what is written: the number of a choice, or a word for it."""
        line = await self._desk.needs.get(operator, number)
        choice, rest = chosen(line, words)
        if rest and choice is not Choice.COUNTER:
            return await self._deliver_from(operator, line, choice, rest, message)

        async def act(who: Operator, code: str) -> str:
            try:
                return await self._desk.needs.answer(who, number, choice, code=code, price=rest)
            except NotFound as refusal:
                if choice is not Choice.DELIVER:
                    raise
                raise NotFound(text.which_pool(refusal.text, number)) from refusal

        return await self._confirmations.run(operator, message, need_named(line), act)

    async def is_answer(
        self, operator: Operator, number: int, message: OperatorMessage, has_buyer: bool
    ) -> bool:
        """Whether what is written under the notice of a need chooses an answer to it. False: it is
        meant for the buyer. Raises Invalid, with both ways of saying it, for what may be either."""
        words = message.text.strip()
        line = await self._desk.needs.get(operator, number)
        given = numbered_choice(words)
        if given is not None and (not given[1] or await self._is_pool(operator, line, *given)):
            return True
        if by_word(line, words) is not None or looks_chosen(line, words):
            ticket = await self._ticket_of(operator, line)
            raise Invalid(text.either_way(line.need, words, ticket))
        if not has_buyer:
            raise Invalid(text.need_without_buyer(line.need))
        return False

    async def _is_pool(self, operator: Operator, line: NeedLine, number: int, rest: str) -> bool:
        """`1 月卡` where the first answer is to deliver, `2 18` where the second names a price."""
        choice = line.choices[number - 1] if 0 < number <= len(line.choices) else None
        if choice is not Choice.DELIVER:
            return choice is Choice.COUNTER
        name, _ = pieces_of(rest)
        lines = await self._desk.stock.overview(operator)
        return bool(name) and any(name in one.pool.name for one in lines)

    async def _ticket_of(self, operator: Operator, line: NeedLine) -> str:
        if line.order is None:
            return ""
        view = await self._desk.orders.get(operator, line.order.id)
        return view.conversation.ticket if view.conversation is not None else ""

    async def _deliver_from(
        self,
        operator: Operator,
        line: NeedLine,
        choice: Choice,
        rest: str,
        message: OperatorMessage,
    ) -> str:
        """`/处理 37 1 月卡`: from this pool."""
        need = line.need
        if need.closed_at is not None:
            raise Invalid(f"待处理 {need.number} 已经处理过：{need.resolution}")
        if choice is not Choice.DELIVER or line.order is None:
            raise Invalid(f"没有执行：看不懂「{rest}」，例如 /处理 {need.number} 1")
        return await self._do(operator, choice, line.order, rest, message, need)

    async def refuse_if_ambiguous(
        self, operator: Operator, number: str, conversation: ConversationId
    ) -> None:
        """A bare number that quotes a notice whose text did not come along. Raises Invalid when it
        may have been meant for a need of this conversation."""
        for line in await self._desk.needs.open(operator):
            where = line.order.conversation if line.order is not None else None
            if conversation in (line.need.conversation, where) and line.order is not None:
                ticket = await self._ticket_of(operator, line)
                raise Invalid(text.quote_is_blank(line.need, number, ticket))

    # --- orders ---

    async def _show(
        self,
        operator: Operator,
        argument: str,
        message: OperatorMessage,
        conversation: ConversationId | None,
    ) -> str:
        rest = without_ticket(argument)
        number = order_number(rest, has_conversation=conversation is not None)
        quoted = await self._meant.quoted(operator, message)
        if conversation is not None or (quoted is not None and not rest):
            found = await self._meant.all(operator, rest, message, conversation)
            return await self._page(operator, found[0], message, found[1:])
        if number and (ending := await self._desk.orders.ending(operator, number)):
            if len(ending) == 1:
                return await self._page(operator, ending[0], message)
            return text.order_list([(one, ()) for one in ending], rest)
        lines = await self._desk.orders.page(operator, number or rest)
        if len(lines) == 1:
            return await self._page(operator, lines[0].order, message)
        if number and not lines:
            raise no_such_number(number)
        states = [(line.order, [one.state for one in line.units]) for line in lines]
        return text.order_list(states, rest, more=len(lines) >= MOST_SHOWN)

    async def _page(
        self,
        operator: Operator,
        order: KnownOrder,
        message: OperatorMessage,
        others: Sequence[KnownOrder] = (),
    ) -> str:
        view = await self._desk.orders.get(operator, order.id)
        whole: dict[int, list[str]] = {}
        if message.peer.scene == "private" and may(operator.member.role, Role.AGENT):
            for card in await self._desk.cards.look_up(operator, order.id):
                if card.unit is not None and card.unit.account == view.account.id:
                    whole.setdefault(card.unit.unit, []).append(card.code)
        return text.order_page(
            view.order,
            view.account,
            view.conversation,
            [
                (line.delivery, line.pool, whole.get(line.delivery.unit.unit, line.cards))
                for line in view.units
            ],
            view.needs,
            text.story_lines(view.story, view.names, self._clock),
            view.acts,
            others,
        )

    async def _do(
        self,
        operator: Operator,
        choice: Choice,
        order: KnownOrder,
        rest: str,
        message: OperatorMessage,
        need: Need | None = None,
    ) -> str:
        """`need`: the one that is answered by it."""
        operator.require(Role.AGENT)
        orders, pool, pieces = self._desk.orders, None, None
        if choice is Choice.DELIVER:
            rest, pieces = pieces_of(rest)
            if rest:
                pool = named_pool(await self._desk.stock.overview(operator), rest).pool.id
        elif rest:
            raise Invalid(f"没有执行：看不懂「{rest}」，这里只写订单号或 #编号")

        written = await self._written(operator, order) if choice is Choice.RESEND else None

        async def act(who: Operator, code: str) -> str:
            view: OrderView
            match choice:
                case Choice.DELIVER:
                    try:
                        view = await orders.deliver(
                            who, order.id, pool=pool, units=pieces, code=code, need=need
                        )
                    except NotFound as refusal:
                        if pool is not None:
                            raise
                        raise NotFound(text.which_pool_for(refusal.text, order.id)) from refusal
                case Choice.RESEND:
                    view = await orders.resend(who, order.id, code=code, written=written)
                case Choice.SHIP:
                    view = await orders.ship(who, order.id, code=code)
                case Choice.FREE:
                    view = await orders.free(who, order.id, code=code)
                case Choice.RELEASE:
                    view = await orders.release(who, order.id, code=code)
                case Choice.OUTSIDE:
                    view = await orders.outside(who, order.id)
                case _:
                    view = await orders.refuse(who, order.id)
            units = [(line.delivery, line.pool, line.cards) for line in view.units]
            return text.order_done(choice, view.order, view.conversation, units)

        return await self._confirmations.run(operator, message, text.order_named(order), act)

    async def _written(self, operator: Operator, order: KnownOrder) -> int:
        """How often its messages have been written: what somebody else sends again before the
        second word is not sent once more."""
        view = await self._desk.orders.get(operator, order.id)
        return sum(line.delivery.attempt for line in view.units)

    async def _change_price(
        self,
        operator: Operator,
        argument: str,
        message: OperatorMessage,
        conversation: ConversationId | None,
    ) -> str:
        """`/改价 4556 15`. What the platform says is told by a receipt."""
        operator.require(Role.AGENT)
        order, price = await self._meant.one(operator, argument, message, conversation, None)
        if not price:
            raise Invalid(f"没有改价：写上买家一共要付的钱，例如 /改价 {order.id[-6:]} 15")
        key = f"{message.peer.bot}:{message.peer.scene}:{message.peer.peer}:{message.message_id}"
        asked_by = AskedBy(message.peer, message.message_id)

        async def act(who: Operator, code: str) -> str:
            known, amount = await self._desk.bargains.change_price(
                who, order.id, price, key=key, code=code, asked_by=asked_by
            )
            return text.price_asked(known, amount)

        return await self._confirmations.run(operator, message, text.order_named(order), act)

    # --- stops and rules ---

    async def _stop(self, operator: Operator, name: str) -> str:
        account = await self._account(operator, name)
        news = await self._desk.needs.stop(operator, account.id if account is not None else None)
        back = f"/开发 {account.name}" if account is not None else "/开发"
        return text.stopped(account, news=news, back=back)

    async def _go_on(self, operator: Operator, name: str, message: OperatorMessage) -> str:
        account = await self._account(operator, name)
        id_ = account.id if account is not None else None
        before = await self._stops(operator)
        if id_ not in [stop.account for stop, _ in before]:
            return text.nothing_stopped(account, before, "开发")

        async def act(who: Operator, code: str) -> str:
            orders = await self._desk.needs.resume(who, id_, code=code)
            return text.going_on(account, orders, await self._stops(who))

        return await self._confirmations.run(operator, message, "", act)

    async def _account(self, operator: Operator, name: str) -> Account | None:
        if not name.strip() or name.strip() in ("全店", "全部"):
            return None
        return await self._desk.accounts.find(operator, name)

    async def _stops(self, operator: Operator) -> Sequence[tuple[Stop, Account | None]]:
        accounts = {one.id: one for one in await self._desk.accounts.all(operator)}
        return [
            (stop, accounts.get(stop.account) if stop.account is not None else None)
            for stop in await self._desk.needs.stops(operator)
        ]

    async def _list_rules(self, operator: Operator) -> str:
        return text.rules_page(await self._desk.rules.told(operator))

    def _clock(self, at: datetime) -> str:
        return text.clock(at, self._zone, self._now())
