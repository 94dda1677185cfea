"""Knows which message of ours a platform id belongs to, in whatever order the news of it comes.

We learn the id of a message that we sent from the platform's answer, or from its echo, or from
both in either order. The answer names our message and is certain. An echo only shows an id and a
content: it is given to the oldest equal message on the wire for the time being, and an answer that
says otherwise corrects it. An id that is taken away again finds its next owner, in the end the
seller's phone, so no message of the seller is swallowed and none is shown twice.
"""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.model import (
    AccountId,
    ConversationId,
    MessageId,
    MessageState,
    Origin,
    PlatformMessage,
    ShopId,
)
from hub.store.codec import micros, micros_or_none
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "id, account_id, conversation_id, origin, content, state, reason, platform_id, wire_at,"
    " state_before_echo, echoed_at"
)

_GET = Statement(f"SELECT {_COLUMNS} FROM messages WHERE shop_id = :shop AND id = :id")
_HOLDER = Statement(
    f"SELECT {_COLUMNS} FROM messages"
    " WHERE shop_id = :shop AND account_id = :account AND platform_id = :platform_id"
)
_ON_THE_WIRE = (
    f"SELECT {_COLUMNS} FROM messages"
    " WHERE shop_id = :shop AND account_id = :account AND conversation_id = :conversation"
    " AND platform_id IS NULL"
    " AND state IN ('sending', 'uncertain', 'accepted')"
    " AND origin IN ('operator', 'rule', 'ai', 'delivery') AND content = :content"
)
_CANDIDATE = Statement(f"{_ON_THE_WIRE} ORDER BY wire_at, id LIMIT 1")
_CANDIDATE_AT = Statement(
    f"{_ON_THE_WIRE} AND created_at <= :latest AND wire_at >= :earliest"
    " ORDER BY wire_at, id LIMIT 1"
)
# What nearly always happens, in one statement: the message is on its way, nothing is known of an
# echo, and the id, if we are told one, is free.
_ON_ITS_WAY = (
    "WHERE shop_id = :shop AND id = :id AND platform_id IS NULL"
    " AND state IN ('queued', 'sending', 'uncertain')"
)
_SETTLE = Statement(
    "UPDATE messages SET state = :state, reason = :reason,"
    f" wire_at = coalesce(:sent_again, wire_at, :sent) {_ON_ITS_WAY} RETURNING conversation_id"
)
_SETTLE_NAMED = Statement(
    "UPDATE messages SET state = :state, reason = :reason, platform_id = :platform_id,"
    f" wire_at = coalesce(:sent_again, wire_at, :sent) {_ON_ITS_WAY} AND NOT EXISTS"
    " (SELECT 1 FROM messages h WHERE h.shop_id = :shop AND h.account_id = messages.account_id"
    " AND h.platform_id = :platform_id) RETURNING conversation_id"
)
_UPDATE = Statement(
    "UPDATE messages SET state = :state, reason = :reason, platform_id = :platform_id,"
    " wire_at = :wire_at, state_before_echo = :before_echo, echoed_at = :echoed_at"
    " WHERE shop_id = :shop AND id = :id"
)
_ADD_PHONE = Statement(
    "INSERT INTO messages (shop_id, account_id, conversation_id, platform_id, origin, content,"
    " state, reason, sent_at, created_at)"
    " VALUES (:shop, :account, :conversation, :platform_id, 'phone', :content, :state, '', :at,"
    " :now)"
)
_MOVE_RELAYS = Statement(
    "UPDATE relays SET message_id = :to"
    " WHERE shop_id = :shop AND conversation_id = :conversation AND message_id = :message"
)
_MOVE_DECISIONS = Statement(
    "UPDATE decisions SET message_id = :to"
    " WHERE shop_id = :shop AND conversation_id = :conversation AND message_id = :message"
)
_REMOVE = Statement("DELETE FROM messages WHERE shop_id = :shop AND id = :id")

_TOLERANCE = timedelta(minutes=10)
"""How far the platform's clock and ours, and the way there and back, may lie apart."""

_UNDECIDED = (MessageState.QUEUED, MessageState.SENDING, MessageState.UNCERTAIN)
_WENT_OUT = (MessageState.SENDING, MessageState.UNCERTAIN, MessageState.ACCEPTED)


@dataclass(slots=True)
class _Own:
    """A message row as far as its identity is concerned."""

    id: int
    account: AccountId
    conversation: ConversationId
    origin: Origin
    content: str
    state: MessageState
    reason: str
    platform_id: PlatformMessage | None
    wire_at: int | None
    before_echo: MessageState | None
    """Set while the platform id is only what an echo made us believe."""
    echoed_at: int | None

    def forget_echo(self) -> None:
        """Become what this message would be if that echo had never been taken for its own."""
        if self.before_echo is not None:
            self.state = self.before_echo
        self.platform_id = None
        self.before_echo = None
        self.echoed_at = None


class Echoes:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def settle(
        self,
        shop: ShopId,
        id_: MessageId,
        state: MessageState,
        reason: str,
        platform_id: PlatformMessage | None,
        now: datetime,
    ) -> MessageState | None:
        conversation = self._sql.value(
            _SETTLE if platform_id is None else _SETTLE_NAMED,
            shop=shop,
            id=id_,
            state=state,
            reason=reason,
            platform_id=platform_id,
            sent_again=micros(now) if state is MessageState.SENDING else None,
            sent=micros(now) if state in _WENT_OUT else None,
        )
        if conversation is None:
            return self._weigh(shop, id_, state, reason, platform_id, now)
        self._sql.changed(shop, "conversation", conversation)
        return state

    def _weigh(
        self,
        shop: ShopId,
        id_: MessageId,
        state: MessageState,
        reason: str,
        platform_id: PlatformMessage | None,
        now: datetime,
    ) -> MessageState | None:
        """Bring what we are told together with what we know already."""
        own = self._one(_GET, shop=shop, id=id_)
        if own is None:
            return None
        lost = self._correct(own, state, platform_id)
        if platform_id is not None and platform_id != own.platform_id:
            self._take(shop, own, platform_id)
        if platform_id is not None and platform_id == own.platform_id:
            own.before_echo = None  # the answer confirms it
        elif own.before_echo is not None:
            own.before_echo = _standing(own.before_echo, state)
        stands = _standing(own.state, state)
        if stands is state:
            own.reason = reason
        own.state = stands
        if state is MessageState.SENDING or (state in _WENT_OUT and own.wire_at is None):
            own.wire_at = micros(now)
        self._save(shop, own)
        if lost is not None:
            self._find_owner(shop, own, *lost, now)
        return stands

    def match(
        self,
        shop: ShopId,
        account: AccountId,
        conversation: ConversationId,
        platform_id: PlatformMessage,
        content: str,
        now: datetime,
        sent_at: datetime | None,
    ) -> MessageId | None:
        holder = self._one(_HOLDER, shop=shop, account=account, platform_id=platform_id)
        if holder is not None:
            return MessageId(holder.id)
        own = self._candidate(shop, account, conversation, content, micros_or_none(sent_at))
        if own is None:
            return None
        self._give(shop, own, platform_id, micros(now))
        return MessageId(own.id)

    def _correct(
        self, own: _Own, state: MessageState, platform_id: PlatformMessage | None
    ) -> tuple[PlatformMessage, int, bool] | None:
        """Take back an echo that the answer proves to be another's: its id, time, and if read."""
        if own.before_echo is None or own.platform_id is None or own.echoed_at is None:
            return None
        refused = state in (MessageState.REJECTED, MessageState.DROPPED)
        named_otherwise = platform_id is not None and platform_id != own.platform_id
        if not refused and not named_otherwise:
            return None
        lost = (own.platform_id, own.echoed_at, own.state is MessageState.READ)
        own.forget_echo()
        return lost

    def _take(self, shop: ShopId, own: _Own, platform_id: PlatformMessage) -> None:
        """Make the id ours, unless a message has it that cannot give it away."""
        holder = self._one(_HOLDER, shop=shop, account=own.account, platform_id=platform_id)
        if holder is not None:
            if holder.origin in (Origin.PHONE, Origin.TOGGLE):
                # The echo was stored first, before we knew that it was ours.
                for statement in (_MOVE_RELAYS, _MOVE_DECISIONS):
                    self._sql.run(
                        statement,
                        shop=shop,
                        conversation=holder.conversation,
                        message=holder.id,
                        to=own.id,
                    )
                self._sql.run(_REMOVE, shop=shop, id=holder.id)
            elif holder.before_echo is not None:
                read = holder.state is MessageState.READ
                holder.forget_echo()
                self._save(shop, holder)
                holder.state = MessageState.READ if read else holder.state
            else:
                return
            if holder.state is MessageState.READ:
                own.state = MessageState.READ
        own.platform_id = platform_id

    def _find_owner(
        self,
        shop: ShopId,
        was: _Own,
        platform_id: PlatformMessage,
        echoed_at: int,
        read: bool,
        now: datetime,
    ) -> None:
        """An echo was not that of `was`: an equal message's, or one written on the phone."""
        own = self._candidate(shop, was.account, was.conversation, was.content, echoed_at)
        if own is not None:
            self._give(shop, own, platform_id, echoed_at, read=read)
            return
        self._sql.run(
            _ADD_PHONE,
            shop=shop,
            account=was.account,
            conversation=was.conversation,
            platform_id=platform_id,
            content=was.content,
            state=MessageState.READ if read else MessageState.RECEIVED,
            at=echoed_at,
            now=micros(now),
        )

    def _candidate(
        self,
        shop: ShopId,
        account: AccountId,
        conversation: ConversationId,
        content: str,
        sent_at: int | None,
    ) -> _Own | None:
        if sent_at is None:
            return self._one(
                _CANDIDATE,
                shop=shop,
                account=account,
                conversation=conversation,
                content=content,
            )
        tolerance = _TOLERANCE // timedelta(microseconds=1)
        return self._one(
            _CANDIDATE_AT,
            shop=shop,
            account=account,
            conversation=conversation,
            content=content,
            latest=sent_at + tolerance,
            earliest=sent_at - tolerance,
        )

    def _give(
        self,
        shop: ShopId,
        own: _Own,
        platform_id: PlatformMessage,
        echoed_at: int,
        *,
        read: bool = False,
    ) -> None:
        own.before_echo = own.state
        own.echoed_at = echoed_at
        own.platform_id = platform_id
        own.state = MessageState.READ if read else MessageState.ACCEPTED
        own.reason = ""
        self._save(shop, own)

    def _save(self, shop: ShopId, own: _Own) -> None:
        self._sql.run(
            _UPDATE,
            shop=shop,
            id=own.id,
            state=own.state,
            reason=own.reason,
            platform_id=own.platform_id,
            wire_at=own.wire_at,
            before_echo=own.before_echo,
            echoed_at=own.echoed_at,
        )
        self._sql.changed(shop, "conversation", own.conversation)

    def _one(self, statement: Statement, **values: object) -> _Own | None:
        row = self._sql.row(statement, **values)
        return None if row is None else _to_own(row)


def _standing(known: MessageState, said: MessageState) -> MessageState:
    """What holds when we know one thing and are told another."""
    if known in (MessageState.READ, MessageState.RECALLED):
        return known
    if known is MessageState.ACCEPTED and said in _UNDECIDED:
        return known
    return said


def _to_own(row: Row) -> _Own:
    before_echo = row[9]
    return _Own(
        id=row[0],
        account=row[1],
        conversation=row[2],
        origin=Origin(row[3]),
        content=row[4],
        state=MessageState(row[5]),
        reason=row[6],
        platform_id=row[7],
        wire_at=row[8],
        before_echo=None if before_echo is None else MessageState(before_echo),
        echoed_at=row[10],
    )
