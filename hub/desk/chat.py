"""What an operator types in chat, turned into use cases; answers are sentences."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from loguru import logger

from hub import text
from hub.commands import (
    Action,
    Call,
    UnknownCommand,
    closing_ticket,
    confirmation,
    is_order_page,
    leading_ticket,
    narrow,
    needs_of_notice,
    parse_command,
    unsoftened,
)
from hub.desk.ai_chat import AiChat
from hub.desk.answer_chat import AnswerChat, FetchPicture
from hub.desk.bargain_chat import BargainChat
from hub.desk.buyer_chat import BuyerChat
from hub.desk.chat_words import (
    digit_of,
    is_bare_confirmation,
    is_plain,
    key_of,
    without_ticket,
)
from hub.desk.check_chat import CheckChat
from hub.desk.confirming import Confirmations
from hub.desk.delivery_chat import WITHOUT_ORDER, DeliveryChat
from hub.desk.draft_chat import DraftChat, said_of_draft
from hub.desk.emergency_chat import EmergencyChat
from hub.desk.focus_chat import FocusChat
from hub.desk.help_chat import help_about
from hub.desk.history_chat import HistoryChat
from hub.desk.hold_chat import HoldChat
from hub.desk.login_chat import LoginChat
from hub.desk.operator import Door, Operator
from hub.desk.order_words import order_number
from hub.desk.people_chat import ABOUT_BUYER, PEOPLE, PeopleChat
from hub.desk.reply_chat import ReplyChat
from hub.desk.routing import Routing, hintless
from hub.desk.shop_chat import ABOUT_THE_SHOP, ShopChat
from hub.desk.stock_chat import FetchFile, StockChat
from hub.errors import Invalid, NotFound, Refusal
from hub.model import ConversationId, MessageId, OperatorMessage, Role
from hub.store import Store, persistently
from hub.text import gathered


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What understands the words behind a command, by what they are about."""

    answers: AnswerChat
    shop: ShopChat
    logins: LoginChat
    focus: FocusChat
    history: HistoryChat
    buyers: BuyerChat
    checks: CheckChat
    stock: StockChat
    bargains: BargainChat
    delivery: DeliveryChat
    drafts: DraftChat
    replies: ReplyChat
    holds: HoldChat
    ai: AiChat
    emergency: EmergencyChat
    people: PeopleChat


ABOUT_ACCOUNT = frozenset(
    {
        Action.RECONNECT,
        Action.LOG_IN,
        Action.SWITCH_ON,
        Action.SWITCH_OFF,
        Action.STOP,
        Action.GO_ON,
        Action.HALT,
        Action.GO,
    }
)
"""A quoted notice means the account that it came through."""
SOFTENED = ABOUT_ACCOUNT | {Action.PAUSE, Action.RESUME, Action.TAKE_OVER}
"""People say `/停一下` and `/开吧`."""


class Chat:
    """One surface for every chat door: finds out who is meant, and hands on. Remembers nothing but
    who is an operator."""

    def __init__(
        self,
        store: Store,
        routing: Routing,
        surfaces: Surfaces,
        confirmations: Confirmations,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._routing = routing
        self._to = surfaces
        self._confirmations = confirmations
        self._now = now
        self._operators: frozenset[str] = frozenset()

    def is_operator(self, qq: str) -> bool:
        """Cheap enough for every line of a busy group; may lag a new binding by an instant."""
        return qq in self._operators

    def operators(self) -> frozenset[str]:
        """All whom `is_operator` knows."""
        return self._operators

    async def follow_members(self) -> None:
        """Keep `is_operator` true to the store, until cancelled."""
        async with self._store.changes() as changes:
            await persistently("who may speak", self.learn_operators)
            async for change in changes:
                if change.noun == "member":
                    await persistently("who may speak", self.learn_operators)

    async def learn_operators(self) -> None:
        """Before any door opens: whoever is not known yet is not heard in groups."""
        self._operators = await self._store.read(lambda tx: tx.members.operators_qq())

    async def receive(
        self,
        message: OperatorMessage,
        fetch: FetchPicture | None = None,
        fetch_file: FetchFile | None = None,
    ) -> str | None:
        """Do what the message asks; returns the sentence to answer with, None for silence.

        `fetch` gets the file of a picture of this message from the chat's side, `fetch_file` one of
        its files.
        """
        with logger.contextualize(request=secrets.token_hex(3).upper()):
            return await self._receive(message, fetch, fetch_file)

    async def _receive(
        self,
        message: OperatorMessage,
        fetch: FetchPicture | None,
        fetch_file: FetchFile | None,
    ) -> str | None:
        member = await self._store.read(lambda tx: tx.members.by_qq(message.sender))
        if member is None:
            return await self._to.people.meet_stranger(message)
        if not await self._to.people.listens(member, message):
            return await self._to.people.unlisted(message)
        operator = Operator(member, Door.QQ, f"{message.peer.bot}:{message.message_id}")
        try:
            command = None if confirmation(message.text) else parse_command(message.text)
            match command:
                case Call():
                    if not await self._first_time(operator, message):
                        return None
                    return await self._run(operator, command, message, fetch_file)
                case UnknownCommand(name, suggestion):
                    if not message.addressed:  # another bot's
                        return None
                    return text.unknown_command(name, suggestion.usage if suggestion else None)
                case None:
                    return await self._hear(operator, message, fetch)
        except Refusal as refusal:
            return refusal.text

    async def _first_time(self, operator: Operator, message: OperatorMessage) -> bool:
        """False for what was heard before: an event that the chat side delivers again, a line that
        another bot of the group heard as well."""
        if await self._routing.heard_by_another_bot(operator.shop, message):
            return False
        key, now = key_of(message), self._now()
        return await self._store.write(lambda tx: tx.inputs.first_time(operator.shop, key, now))

    async def _hear(
        self, operator: Operator, message: OperatorMessage, fetch: FetchPicture | None
    ) -> str | None:
        """No command: the second word for one, the number of a choice, or words for a buyer."""
        code, digit = await self._code(operator, message), digit_of(message)
        slash = message.text.lstrip().startswith(("/", "／"))
        to_buyer = closing_ticket(message.quoted_text) is not None and not slash
        if code is not None and (
            self._confirmations.waits(message) or (message.addressed and not to_buyer)
        ):
            if not await self._first_time(operator, message):
                return None
            return await self._confirmations.confirm(operator, message, code)
        if is_bare_confirmation(message) and (asked := self._confirmations.asks_for(message)):
            raise Invalid(text.confirm_wrong(asked))
        needs = await self._routing.quoted_needs(operator, message) if is_plain(message) else ()
        if needs and (digit or message.addressed):
            digest = gathered.is_gathered(message.quoted_text)
            number = await self._need_answered(operator, needs, message, digest=digest)
            if number is not None:
                if not await self._first_time(operator, message):
                    return None
                return await self._to.delivery.choose(
                    operator, number, message.text.strip(), message
                )
            if not digest:
                return await self._to.answers.answer(operator, message, fetch)
        said = said_of_draft(message)
        by_ticket = said is not None and leading_ticket(message.text) is not None
        if by_ticket and await self._routing.heard_by_another_bot(operator.shop, message):
            return None  # the draft may be decided about by now, and this would be told the buyer
        if said is not None and (draft := await self._draft_meant(operator, message)) is not None:
            if not await self._first_time(operator, message):
                return None
            return await self._to.drafts.run(operator, draft, *said, message)
        if said is not None and by_ticket:
            self._to.drafts.refuse_without_draft(said[0], message)
        if digit and (not message.quoted_text or is_order_page(message.quoted_text)):
            target = await self._routing.resolve(operator.member, message)
            if target is not None:
                await self._to.delivery.refuse_if_ambiguous(operator, digit, target)
        if self._to.answers.is_recall(message):
            return await self._to.answers.recall_by_word(operator, message)
        return await self._to.answers.answer(operator, message, fetch)

    async def _draft_meant(self, operator: Operator, message: OperatorMessage) -> MessageId | None:
        target = await self._routing.resolve(operator.member, message)
        return await self._to.drafts.meant(operator, message, target)

    async def _code(self, operator: Operator, message: OperatorMessage) -> str | None:
        """The second word: `确认 4821`, or `4821` alone from somebody who was just asked for it."""
        bare = narrow(message.text).strip()
        quoted = message.quoted_text
        of_others = closing_ticket(quoted) is not None or bool(needs_of_notice(quoted))
        alone = len(bare) == 4 and bare.isascii() and bare.isdigit() and not of_others
        if alone and message.addressed:
            waits = self._confirmations.waits(message)
            if waits or await self._confirmations.was_asked(operator, message, bare):
                return bare
        return confirmation(message.text)

    async def _need_answered(
        self,
        operator: Operator,
        needs: Sequence[int],
        message: OperatorMessage,
        *,
        digest: bool,
    ) -> int | None:
        """Something that quotes the notice of a need, or a digest with some: an answer to it, or
        words for its buyer (None). Raises Invalid for an answer that may be to either of several.
        """
        operator.require(Role.AGENT)
        target = await self._routing.resolve(operator.member, message)
        has_buyer = digest or target is not None
        for number in needs:
            if await self._to.delivery.is_answer(operator, number, message, has_buyer):
                if len(needs) > 1:
                    raise Invalid(text.which_need(needs, message.text.strip()))
                return number
        return None

    async def _run(
        self,
        operator: Operator,
        call: Call,
        message: OperatorMessage,
        fetch_file: FetchFile | None,
    ) -> str | None:
        operator.require(call.command.role)
        if call.command.action in SOFTENED:
            call = replace(call, argument=unsoftened(call.argument))
        match call.command.action:
            case Action.HELP:
                return help_about(operator.member.role, call.argument)
            case action if action in ABOUT_ACCOUNT:
                return await self._about_account(operator, action, call.argument, message)
            case action if action in ABOUT_THE_SHOP:
                return await self._to.shop.run(operator, action, call.argument)
            case Action.RECALL:
                return await self._to.answers.recall(operator, call.argument, message)
            case Action.FOCUS | Action.LEAVE | Action.HISTORY | Action.CHECK_UP as action:
                return await self._talk(operator, action, call.argument, message)
            case Action.NOTE | Action.TAG | Action.BLOCK | Action.CLEAR as action:
                target, words = await self._routing.whom(operator, message, call.argument)
                return await self._to.buyers.run(operator, action, words, target)
            case Action.STOCK | Action.RESTOCK | Action.VOID as action:
                return await self._to.stock.run(
                    operator, action, call.argument, message, fetch_file
                )
            case Action.FLOOR:
                target = await self._routing.resolve(operator.member, message, undone="没有执行")
                return await self._to.bargains.floor(operator, call.argument, target)
            case Action.CANNED:
                return await self._to.answers.say_canned(operator, call.argument, message)
            case Action.SAVE_CANNED:
                quoted = await self._routing.quoted_answer(operator, message)
                return await self._to.replies.save(operator, call.argument, quoted)
            case Action.TRY:
                return await self._to.replies.try_out(operator, call.argument)
            case Action.WHY:
                return await self._why(operator, call.argument, message)
            case Action.TAKE_OVER as action:
                target, words = await self._routing.whom(operator, message, call.argument)
                if target is None and message.quoted_id is not None:
                    return text.no_target(quoted=True, undone="没有接管")
                return await self._to.holds.run(operator, action, words, target)
            case Action.PAUSE | Action.RESUME | Action.AI as action:
                # Without a hint these mean the whole shop, whoever is in focus.
                target = await self._routing.resolve(operator.member, message, undone="没有执行")
                if target is None and message.quoted_id is not None:
                    return text.no_target(quoted=True, undone="没有执行")
                if action is Action.AI:
                    return await self._to.ai.run(operator, call.argument, target)
                return await self._to.holds.run(operator, action, call.argument, target)
            case action if action in PEOPLE:
                return await self._among_people(operator, action, call.argument, message)
            case action:
                return await self._about_order(operator, action, call.argument, message)

    async def _about_account(
        self, operator: Operator, action: Action, argument: str, message: OperatorMessage
    ) -> str | None:
        name = await self._routing.account_named(operator, message, argument)
        match action:
            case Action.LOG_IN:
                return await self._to.logins.begin(operator, name, message)
            case Action.HALT | Action.GO:
                return await self._to.emergency.run(operator, action, name, message)
            case Action.STOP | Action.GO_ON:
                return await self._to.delivery.run(operator, action, name, message, None)
            case _:
                return await self._to.shop.run(operator, action, name)

    async def _about_order(
        self, operator: Operator, action: Action, argument: str, message: OperatorMessage
    ) -> str:
        if action in WITHOUT_ORDER:
            return await self._to.delivery.run(operator, action, argument, message, None)
        target = await self._routing.resolve(operator.member, message, undone="没有执行")
        by_number = order_number(without_ticket(argument), has_conversation=False)
        if target is None and action is not Action.ORDER and not by_number and hintless(message):
            named = await self._routing.named(operator, argument, undone="没有执行", whole=True)
            if named is not None:
                target, argument = named
        return await self._to.delivery.run(operator, action, argument, message, target)

    async def _why(self, operator: Operator, argument: str, message: OperatorMessage) -> str | None:
        """About an answer, or about an order where its number is written."""
        if order_number(without_ticket(argument), has_conversation=False):
            show = Action.ORDER
            return await self._to.delivery.run(operator, show, argument, message, None)
        target, rest = await self._routing.whom(operator, message, argument)
        if rest:
            raise NotFound(
                f"没有编号、买家名或订单号是「{rest}」的会话。"
                "引用买家的通知写 /为什么，或者 /为什么 #a7"
            )
        return await self._to.replies.why(operator, target, message)

    async def _talk(
        self, operator: Operator, action: Action, argument: str, message: OperatorMessage
    ) -> str:
        words = without_ticket(argument)
        match action:
            case Action.LEAVE:
                return await self._to.focus.leave(operator, message)
            case Action.FOCUS:
                target = await self._routing.resolve(operator.member, message, undone="没有开始")
                if target is None and message.quoted_id is not None and not words:
                    return text.no_target(quoted=True)
                return await self._to.focus.begin(operator, words, message, target)
            case Action.HISTORY:
                target, words = await self._routing.whom(
                    operator, message, argument, undone="没有找到"
                )
                return await self._to.history.run(operator, words, message, target)
            case _:
                target = await self._routing.resolve(operator.member, message, undone="没有体检")
                return await self._to.checks.run(operator, words, target)

    async def _among_people(
        self, operator: Operator, action: Action, argument: str, message: OperatorMessage
    ) -> str:
        target = None
        if action in ABOUT_BUYER:
            # A ticket at the end names somebody, whoever is in focus.
            target = (
                await self._routing.meant(operator, message, undone="没有执行")
                if closing_ticket(argument) is None
                else await self._routing.resolve(operator.member, message, undone="没有执行")
            )
            if target is None and hintless(message) and closing_ticket(argument) is None:
                target, argument = await self._named_behind(operator, action, argument)
        return await self._to.people.run(operator, action, argument, target, message)

    async def _named_behind(
        self, operator: Operator, action: Action, argument: str
    ) -> tuple[ConversationId | None, str]:
        """`/转 小李 阿七`: the buyer stands behind the colleague; `/稍后 阿七 20m`: in front."""
        member, _, words = argument.strip().partition(" ")
        if action is not Action.HAND_OVER:
            member, words = "", argument
        named = await self._routing.named(operator, words, undone="没有执行")
        if named is None:
            return None, argument
        return named[0], f"{member} {named[1]}".strip()
