"""Words for buyers, written in chat: answers, canned ones, and taking them back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from hub import text
from hub.commands import leading_ticket
from hub.desk.chat_words import is_plain, key_of, lone_digit, without_ticket
from hub.desk.focusing import Focused, Focusing
from hub.desk.inbox import MOST_PICTURES, Inbox
from hub.desk.operator import Operator
from hub.desk.reply_chat import ReplyChat
from hub.desk.routing import Routing, hintless
from hub.errors import Invalid, PeerError
from hub.model import (
    AccountState,
    AskedBy,
    ChatPeer,
    ChatPicture,
    Conversation,
    ConversationId,
    Message,
    OperatorMessage,
    Role,
)
from hub.store import Store, Tx

FetchPicture = Callable[[ChatPeer, ChatPicture], Awaitable[bytes]]
"""Raises PeerError with a reason for people."""
FETCH_SECONDS = 60.0
"""Of all pictures of a message; what is written after it waits meanwhile."""
RECALL_WORDS = frozenset({"撤", "撤回"})


class AnswerChat:
    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        replies: ReplyChat,
        routing: Routing,
        focusing: Focusing,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._replies = replies
        self._routing = routing
        self._focusing = focusing

    async def answer(
        self, operator: Operator, message: OperatorMessage, fetch: FetchPicture | None
    ) -> str | None:
        typed = leading_ticket(message.text)
        if not message.addressed and typed is None and message.quoted_id is None:
            return None
        target = await self._routing.resolve(operator.member, message)
        focused = await self._focusing.of(operator, message.peer)
        in_focus = focused is not None and target is None and hintless(message)
        if focused is not None and in_focus:
            target = focused.conversation.id
        if target is None:
            if message.files and message.peer.scene == "private":
                return text.file_is_for_stock(message.files[0].name)
            if message.peer.scene != "private" and not message.addressed and typed is None:
                return None
            if number := lone_digit(message):
                return text.number_about_nothing(number)
            return text.no_target(quoted=message.quoted_id is not None)
        if message.files:
            raise Invalid(text.file_is_for_stock(message.files[0].name))
        if message.attachments:
            raise Invalid("没有发送：只能发文字和图片，别的请在闲鱼里发")
        if await self._routing.heard_by_another_bot(operator.shop, message):
            return None
        said = await self._said(operator, message, fetch)
        told = await self.say(operator, target, said, message)
        if focused is None:
            return told
        if in_focus:
            await self._focusing.used(focused)
            return _headed(focused, told)
        return await self._beside_focus(operator, focused, target, told)

    async def _beside_focus(
        self, operator: Operator, focused: Focused, target: ConversationId, told: str | None
    ) -> str | None:
        """Somebody else was quoted or named: that counts, and is said."""
        if target == focused.conversation.id:
            await self._focusing.used(focused)
            return told
        meant = await self._find(operator, target)
        return told if meant is None else text.sent_beside_focus(meant, focused.conversation)

    async def say(
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

    async def say_canned(
        self, operator: Operator, argument: str, message: OperatorMessage
    ) -> str | None:
        if not without_ticket(argument).strip():
            return await self._replies.list_canned(operator)
        target, code = await self._routing.whom(
            operator, message, argument, undone="没有发送", whole=True
        )
        if target is None:
            return text.no_target_for_canned(code.strip())
        said = await self._replies.canned(operator, target, code)
        return await self.say(operator, target, said, message)

    def is_recall(self, message: OperatorMessage) -> bool:
        """`撤` alone, without a slash."""
        return message.text.strip() in RECALL_WORDS and is_plain(message) and message.addressed

    async def recall_by_word(self, operator: Operator, message: OperatorMessage) -> str | None:
        """`撤` that quotes an own answer, or is said in focus. About anything else it may be meant
        for the buyer, so nothing is done."""
        if await self._routing.quoted_answer(operator, message):
            return await self.recall(operator, "", message)
        target = await self._routing.meant(operator, message, undone="没有撤回")
        if target is None:
            return text.no_target(quoted=message.quoted_id is not None)
        if hintless(message):
            return await self.recall(operator, "", message)
        meant = await self._find(operator, target)
        raise Invalid(text.recall_or_words(meant.ticket if meant is not None else "a7"))

    async def recall(
        self, operator: Operator, argument: str, message: OperatorMessage
    ) -> str | None:
        """What was quoted: an own line, its receipt, or a notice; for that one, for a ticket and
        in focus the last answer of the conversation counts. Success is told by the receipt."""
        meant = await self._routing.quoted_answer(operator, message)
        target, rest = (
            (None, without_ticket(argument))
            if meant
            else await self._routing.whom(
                operator, message, argument, undone="没有撤回", whole=True
            )
        )
        if rest:
            raise Invalid(f"看不懂「{rest}」，例如：引用一条消息写 /撤回，或者 /撤回 #a7")
        if not meant:
            if target is None:
                raise Invalid("没有撤回：引用要撤回的那句、它的回执或者买家的通知，再写 /撤回")
            meant = await self._store.read(lambda tx: _last_answer(tx, operator, target))
        if await self._routing.heard_by_another_bot(operator.shop, message):
            return None
        recalled = await self._inbox.recall(
            operator,
            meant[0].conversation,
            [one.id for one in meant],
            key=key_of(message),
            asked_by=AskedBy(message.peer, message.message_id),
        )
        return text.recall_cancelled(recalled.conversation) if recalled.cancelled else None

    async def _find(self, operator: Operator, target: ConversationId) -> Conversation | None:
        return await self._store.read(lambda tx: tx.conversations.get(operator.shop, target))

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


def _headed(focused: Focused, told: str | None) -> str | None:
    return None if told is None else f"{text.focus_head(focused.conversation)}\n{told}"


def _last_answer(tx: Tx, operator: Operator, conversation: ConversationId) -> list[Message]:
    """Raises Invalid when there is none."""
    newest = tx.messages.newest_answer(operator.shop, conversation)
    if newest is None:
        raise Invalid("没有撤回：这个会话里没有可以撤回的回复")
    return tx.messages.parts(operator.shop, newest.id)
