"""What an operator types in chat, turned into use cases; answers are sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub import text
from hub.commands import (
    COMMANDS,
    Action,
    Call,
    UnknownCommand,
    closing_ticket,
    confirmation,
    draft_word,
    find_command,
    is_order_page,
    leading_ticket,
    may,
    narrow,
    need_of_notice,
    parse_command,
)
from hub.desk.accounts import Accounts
from hub.desk.bargain_chat import BargainChat
from hub.desk.chat_words import (
    digit_of,
    is_plain,
    key_of,
    key_stem,
    without_command,
    without_ticket,
)
from hub.desk.confirming import Confirmations
from hub.desk.delivery_chat import WITHOUT_ORDER, DeliveryChat
from hub.desk.draft_chat import DraftChat
from hub.desk.hold_chat import HoldChat
from hub.desk.inbox import MOST_PICTURES, Inbox
from hub.desk.items import Items
from hub.desk.operator import Door, Operator
from hub.desk.people_chat import ABOUT_BUYER, PEOPLE, PeopleChat
from hub.desk.reply_chat import ReplyChat
from hub.desk.stock_chat import StockChat
from hub.desk.system import System
from hub.errors import Invalid, PeerError, Refusal
from hub.model import (
    AccountState,
    AskedBy,
    ChatPeer,
    ChatPicture,
    ConversationId,
    Member,
    Message,
    MessageId,
    OperatorMessage,
    Role,
    TaskKind,
)
from hub.store import Store, Tx

FetchPicture = Callable[[ChatPeer, ChatPicture], Awaitable[bytes]]
"""Raises PeerError with a reason for people."""
FETCH_SECONDS = 60.0
"""Of all pictures of a message; what is written after it waits meanwhile."""
ITEMS_SHOWN = 15
"""Of one account; more would be a wall of text in a chat."""
HEARD_TWICE_WITHIN = timedelta(seconds=10)


class Chat:
    """One surface for every chat door. Remembers nothing but who is an operator, and for seconds
    what was just said in groups."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        accounts: Accounts,
        items: Items,
        system: System,
        stock: StockChat,
        bargains: BargainChat,
        delivery: DeliveryChat,
        drafts: DraftChat,
        replies: ReplyChat,
        holds: HoldChat,
        people: PeopleChat,
        confirmations: Confirmations,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._accounts = accounts
        self._items = items
        self._system = system
        self._stock = stock
        self._bargains = bargains
        self._delivery = delivery
        self._drafts = drafts
        self._replies = replies
        self._holds = holds
        self._people = people
        self._confirmations = confirmations
        self._now = now
        self._zone = zone
        self._operators: frozenset[str] = frozenset()
        self._heard: dict[tuple[str, str, str], tuple[str, datetime]] = {}

    def is_operator(self, qq: str) -> bool:
        """Cheap enough for every line of a busy group; may lag a new binding by an instant."""
        return qq in self._operators

    async def follow_members(self) -> None:
        """Keep `is_operator` true to the store, until cancelled."""
        async with self._store.changes() as changes:
            self._operators = await self._store.read(lambda tx: tx.members.operators_qq())
            async for change in changes:
                if change.noun == "member":
                    self._operators = await self._store.read(lambda tx: tx.members.operators_qq())

    async def receive(
        self, message: OperatorMessage, fetch: FetchPicture | None = None
    ) -> str | None:
        """Do what the message asks; returns the sentence to answer with, None for silence.

        `fetch` gets the file of a picture of this message from the chat's side.
        """
        member = await self._store.read(lambda tx: tx.members.by_qq(message.sender))
        if member is None:
            return await self._people.meet_stranger(message)
        if not await self._people.listens(member, message):
            return None
        operator = Operator(member, Door.QQ, f"{message.peer.bot}:{message.message_id}")
        try:
            command = None if confirmation(message.text) else parse_command(message.text)
            match command:
                case Call():
                    if not await self._first_time(operator, message):
                        return None
                    return await self._run(operator, command, message)
                case UnknownCommand(name, suggestion):
                    if not message.addressed:  # another bot's
                        return None
                    return text.unknown_command(name, suggestion.usage if suggestion else None)
                case None:
                    return await self._hear(operator, message, fetch)
        except Refusal as refusal:
            return refusal.text

    async def _first_time(self, operator: Operator, message: OperatorMessage) -> bool:
        """False for an event that the chat side delivered before."""
        key, now = key_of(message), self._now()
        return await self._store.write(lambda tx: tx.inputs.first_time(operator.shop, key, now))

    async def _hear(
        self, operator: Operator, message: OperatorMessage, fetch: FetchPicture | None
    ) -> str | None:
        """No command: the second word for one, the number of a choice, or words for a buyer."""
        code, digit = self._code(message), digit_of(message)
        slash = message.text.lstrip().startswith(("/", "／"))
        to_buyer = closing_ticket(message.quoted_text) is not None and not slash
        if code is not None and (
            self._confirmations.waits(message) or (message.addressed and not to_buyer)
        ):
            if not await self._first_time(operator, message):
                return None
            return await self._confirmations.confirm(operator, message, code)
        number = need_of_notice(message.quoted_text) if is_plain(message) else None
        if number is not None and (digit or message.addressed):
            return await self._hear_of_need(operator, number, message, fetch)
        said = draft_word(message.text) if message.quoted_id or message.quoted_text else None
        if said is not None and (draft := await self._draft_meant(operator, message)) is not None:
            if not await self._first_time(operator, message):
                return None
            return await self._drafts.run(operator, draft, *said, message)
        if digit and (not message.quoted_text or is_order_page(message.quoted_text)):
            target = await self._resolve(operator.member, message)
            if target is not None:
                await self._delivery.refuse_if_ambiguous(operator, digit, target)
        return await self._answer(operator, message, fetch)

    async def _draft_meant(self, operator: Operator, message: OperatorMessage) -> MessageId | None:
        target = await self._resolve(operator.member, message)
        return await self._drafts.meant(operator, message, target)

    def _code(self, message: OperatorMessage) -> str | None:
        """The second word: `确认 4821`, or `4821` alone from somebody who was just asked for it."""
        bare = narrow(message.text).strip()
        quoted = message.quoted_text
        of_others = closing_ticket(quoted) is not None or need_of_notice(quoted) is not None
        alone = len(bare) == 4 and bare.isascii() and bare.isdigit() and not of_others
        if alone and message.addressed and self._confirmations.waits(message):
            return bare
        return confirmation(message.text)

    async def _hear_of_need(
        self,
        operator: Operator,
        number: int,
        message: OperatorMessage,
        fetch: FetchPicture | None,
    ) -> str | None:
        """Something that quotes the notice of a need: an answer to it, or words for its buyer."""
        operator.require(Role.AGENT)
        target = await self._resolve(operator.member, message)
        if not await self._delivery.is_answer(operator, number, message, target is not None):
            return await self._answer(operator, message, fetch)
        if not await self._first_time(operator, message):
            return None
        return await self._delivery.choose(operator, number, message.text.strip(), message)

    async def _answer(
        self, operator: Operator, message: OperatorMessage, fetch: FetchPicture | None
    ) -> str | None:
        typed = leading_ticket(message.text)
        if not message.addressed and typed is None and message.quoted_id is None:
            return None
        target = await self._resolve(operator.member, message)
        if target is None:
            if message.peer.scene != "private" and not message.addressed and typed is None:
                return None
            return text.no_target(quoted=message.quoted_id is not None)
        if message.attachments:
            raise Invalid("没有发送：只能发文字和图片，别的请在闲鱼里发")
        if self._heard_by_another_bot(message):
            return None
        said = await self._said(operator, message, fetch)
        return await self._say(operator, target, said, message)

    async def _say(
        self,
        operator: Operator,
        target: ConversationId,
        said: list[str | bytes],
        message: OperatorMessage,
    ) -> str | None:
        answered = await self._inbox.answer(
            operator,
            target,
            said,
            key=key_of(message),
            asked_by=AskedBy(message.peer, message.message_id),
        )
        if answered is None or answered.account.state is AccountState.ONLINE:
            return None
        return text.queued_offline(answered.conversation, answered.account)

    async def _said(
        self, operator: Operator, message: OperatorMessage, fetch: FetchPicture | None
    ) -> list[str | bytes]:
        """What the buyer is to see, without the ticket. Pictures are had before anything is sent:
        half an answer helps nobody."""
        operator.require(Role.AGENT)
        if sum(isinstance(part, ChatPicture) for part in message.parts) > MOST_PICTURES:
            raise Invalid(f"没有发送：一次最多发 {MOST_PICTURES} 张图片")
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                return await self._fetched(message, fetch)
        except TimeoutError:
            raise Invalid("没有发送：图片取得太慢，请重发一次") from None

    async def _fetched(
        self, message: OperatorMessage, fetch: FetchPicture | None
    ) -> list[str | bytes]:
        parts: list[str | bytes] = []
        for part in message.parts or (message.text,):
            if isinstance(part, str):
                typed = None if any(isinstance(one, str) for one in parts) else leading_ticket(part)
                parts.append(part if typed is None else typed[1])
            elif fetch is None:
                raise Invalid("没有发送：这里收不了图片")
            else:
                try:
                    parts.append(await fetch(message.peer, part))
                except PeerError as error:
                    raise Invalid(
                        f"没有发送：图片没有取到（{error.reason}），请重发一次"
                    ) from error
        return parts

    def _heard_by_another_bot(self, message: OperatorMessage) -> bool:
        """Two bots in one group hear every line twice, under ids that have nothing in common."""
        if message.peer.scene == "private":
            return False
        now = self._now()
        self._heard = {
            said: (bot, at)
            for said, (bot, at) in self._heard.items()
            if now - at < HEARD_TWICE_WITHIN
        }
        said = (message.peer.peer, message.sender, message.text)
        bot, _ = self._heard.setdefault(said, (message.peer.bot, now))
        return bot != message.peer.bot

    async def _resolve(
        self, member: Member, message: OperatorMessage, *, undone: str = "没有发送"
    ) -> ConversationId | None:
        """Which conversation is meant: quoted id, ticket in the quoted text, typed ticket.

        Hints that contradict each other are refused: a wrong route tells one buyer what was meant
        for another. `undone`: what a refusal begins with.
        """
        typed = leading_ticket(without_command(message.text))
        tickets = {typed[0]} if typed is not None else set()
        # In a group people also quote each other, and talk about a buyer without talking to him.
        quoted = closing_ticket(message.quoted_text) if message.addressed else None
        if quoted is not None:
            tickets.add(quoted)

        def unit(tx: Tx) -> set[ConversationId] | str:
            found: set[ConversationId] = set()
            if message.quoted_id is not None:
                peer = message.peer
                relay = tx.relays.find(peer.bot, peer.scene, peer.peer, message.quoted_id)
                if relay is not None and relay.shop == member.shop:
                    found.add(relay.conversation)
            for ticket in tickets:
                conversation = tx.conversations.by_ticket(member.shop, ticket)
                if conversation is None:
                    return f"{undone}：没有编号是 #{ticket} 的会话"
                found.add(conversation.id)
            return found

        found = await self._store.read(unit)
        if isinstance(found, str):
            raise Invalid(found)
        if len(found) > 1:
            raise Invalid(f"{undone}：你引用的通知和写的编号不是同一个会话，请只留一个")
        return next(iter(found), None)

    async def _run(self, operator: Operator, call: Call, message: OperatorMessage) -> str | None:
        operator.require(call.command.role)
        match call.command.action:
            case Action.HELP:
                return self._help(operator, call.argument)
            case Action.STATUS:
                return await self._status(operator)
            case Action.ACCOUNTS:
                return await self._account_list(operator)
            case Action.RECONNECT:
                return await self._reconnect(operator, call.argument)
            case Action.ITEMS:
                return await self._item_lists(operator, call.argument)
            case Action.RECALL:
                return await self._recall(operator, call.argument, message)
            case Action.STOCK | Action.RESTOCK | Action.VOID as action:
                return await self._stock.run(operator, action, call.argument, message)
            case Action.FLOOR:
                target = await self._resolve(operator.member, message)
                return await self._bargains.floor(operator, call.argument, target)
            case Action.CANNED:
                return await self._say_canned(operator, call.argument, message)
            case Action.SAVE_CANNED:
                quoted = await self._quoted_answer(operator, message)
                return await self._replies.save(operator, call.argument, quoted)
            case Action.TRY:
                return await self._replies.try_out(operator, call.argument)
            case Action.WHY if not without_ticket(call.argument):
                target = await self._resolve(operator.member, message)
                return await self._replies.why(operator, target, message)
            case Action.WHY:
                show = Action.ORDER
                return await self._delivery.run(operator, show, call.argument, message, None)
            case Action.PAUSE | Action.RESUME | Action.TAKE_OVER as action:
                target = await self._resolve(operator.member, message)
                if target is None and message.quoted_id is not None:
                    return text.no_target(quoted=True)
                return await self._holds.run(operator, action, call.argument, target)
            case action if action in PEOPLE:
                about_buyer = action in ABOUT_BUYER
                target = await self._resolve(operator.member, message) if about_buyer else None
                return await self._people.run(operator, action, call.argument, target, message)
            case action:
                about_one = action not in WITHOUT_ORDER
                target = (
                    await self._resolve(operator.member, message, undone="没有执行")
                    if about_one
                    else None
                )
                return await self._delivery.run(operator, action, call.argument, message, target)

    async def _item_lists(self, operator: Operator, argument: str) -> str:
        """`[账号] [词]`: a first word that names an account means that one."""
        accounts = await self._accounts.all(operator)
        first, _, rest = argument.partition(" ")
        named = [account for account in accounts if account.name == first]
        word = (rest if named else argument).strip()
        lists = []
        for account in named or [account for account in accounts if account.enabled]:
            try:
                found = await self._items.fresh(operator, account.id)
            except Refusal as refusal:
                lists.append(f"【{account.name}】{refusal.text}")
                continue
            items = [item for item in found.items if word.lower() in item.title.lower()]
            if items:
                shown = items[:ITEMS_SHOWN]
                lists.append(text.item_list(account.name, shown, len(items) - len(shown)))
        return "\n".join(lists) or text.no_items(word)

    async def _say_canned(
        self, operator: Operator, argument: str, message: OperatorMessage
    ) -> str | None:
        code = without_ticket(argument)
        if not code.strip():
            return await self._replies.list_canned(operator)
        target = await self._resolve(operator.member, message)
        if target is None:
            return text.no_target(quoted=message.quoted_id is not None)
        said = await self._replies.canned(operator, target, code)
        return await self._say(operator, target, said, message)

    async def _recall(
        self, operator: Operator, argument: str, message: OperatorMessage
    ) -> str | None:
        """What was quoted: an own line, its receipt, or a notice; for that one and for a ticket the
        last answer of its conversation counts. Success is told by the receipt."""
        if rest := without_ticket(argument):
            raise Invalid(f"看不懂「{rest}」，例如：引用一条消息写 /撤回，或者 /撤回 #a7")
        meant = await self._quoted_answer(operator, message)
        if not meant:
            target = await self._resolve(operator.member, message)
            if target is None:
                raise Invalid("没有撤回：引用要撤回的那句、它的回执或者买家的通知，再写 /撤回")
            meant = await self._store.read(lambda tx: _last_answer(tx, operator, target))
        recalled = await self._inbox.recall(
            operator,
            meant[0].conversation,
            [one.id for one in meant],
            key=key_of(message),
            asked_by=AskedBy(message.peer, message.message_id),
        )
        return text.recall_cancelled(recalled.conversation) if recalled.cancelled else None

    async def _quoted_answer(self, operator: Operator, message: OperatorMessage) -> list[Message]:
        """All parts of the answer that the quote means; empty when it means a conversation."""
        quoted, peer = message.quoted_id, message.peer
        if quoted is None:
            return []

        def unit(tx: Tx) -> list[Message]:
            if own := tx.messages.with_key(operator.shop, key_stem(peer, quoted)):
                return own
            relay = tx.relays.find(peer.bot, peer.scene, peer.peer, quoted)
            if relay is None or relay.shop != operator.shop or relay.message is None:
                return []
            about = tx.messages.get(operator.shop, relay.message)
            ours = about is not None and about.ours
            return tx.messages.parts(operator.shop, relay.message) if ours else []

        return await self._store.read(unit)

    def _help(self, operator: Operator, argument: str) -> str:
        if argument:
            command = find_command(argument)
            if command is not None:
                return text.command_help(
                    command.usage, command.summary, command.details, command.aliases
                )
        role = operator.member.role
        return text.help_page([(c.usage, c.summary) for c in COMMANDS if may(role, c.role)])

    async def _status(self, operator: Operator) -> str:
        overview = await self._system.overview(operator)
        now = self._now()
        holds = [text.held_line(one.hold, one.place, self._zone, now) for one in overview.holds]
        waiting = overview.waiting.get(TaskKind.SEND, 0)
        return text.status_page(overview.accounts, holds, waiting, self._zone, now)

    async def _account_list(self, operator: Operator) -> str:
        accounts = await self._accounts.all(operator)
        now = self._now()
        if not accounts:
            return "还没有账号，请在网页后台添加"
        return "\n".join(text.account_line(account, self._zone, now) for account in accounts)

    async def _reconnect(self, operator: Operator, name: str) -> str:
        account = await self._accounts.find(operator, name)
        if not await self._accounts.reconnect(operator, account.id):
            return text.no_need_to_reconnect(account)
        return text.reconnecting(account)


def _last_answer(tx: Tx, operator: Operator, conversation: ConversationId) -> list[Message]:
    """Raises Invalid when there is none."""
    newest = tx.messages.newest_answer(operator.shop, conversation)
    if newest is None:
        raise Invalid("没有撤回：这个会话里没有可以撤回的回复")
    return tx.messages.parts(operator.shop, newest.id)
