"""Messages: what was said, by whom, and how far ours got."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from hub.model import (
    MOMENT_KEY,
    AccountId,
    Content,
    ConversationId,
    MemberId,
    Message,
    MessageId,
    MessageState,
    Origin,
    PlatformMessage,
    ShopId,
)
from hub.store.codec import (
    content_from_text,
    content_to_text,
    micros,
    moment,
    moment_or_none,
    words_to_text,
)
from hub.store.echoes import Echoes
from hub.store.sql import Row, Sql, Statement

COLUMNS = (
    "m.id, m.conversation_id, m.origin, m.content, m.state, m.sent_at, m.platform_id, m.member_id,"
    " m.reason, m.quoted, m.wire_at"
)
"""What `to_message` reads, of a table called `m`."""

_ADD_IN = Statement(
    "INSERT INTO messages (shop_id, account_id, conversation_id, platform_id, origin, content,"
    " state, reason, quoted, sent_at, created_at)"
    " VALUES (:shop, :account, :conversation, :platform_id, :origin, :content, 'received', '',"
    " :quoted, :sent_at, :now) ON CONFLICT (account_id, platform_id)"
    " WHERE platform_id IS NOT NULL DO NOTHING"
)
_ADD_OUT = Statement(
    "INSERT INTO messages (shop_id, account_id, conversation_id, key, uuid, origin, content,"
    " state, reason, member_id, sent_at, created_at)"
    " VALUES (:shop, :account, :conversation, :key, :uuid, :origin, :content, :state, :reason,"
    " :member, :now, :now) ON CONFLICT (shop_id, key)"
    " WHERE key IS NOT NULL DO NOTHING"
)
TOUCH = Statement(
    "UPDATE conversations SET last_message_at = :at WHERE shop_id = :shop AND id = :conversation"
    " AND (last_message_at IS NULL OR last_message_at < :at)"
)
"""The conversation was last spoken in at `at`, unless it is known to have been later."""
_GET = Statement(f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop AND m.id = :id")
_REWORD = Statement(
    "UPDATE messages SET content = :content, sent_at = :now WHERE shop_id = :shop AND id = :id"
    " AND state = 'queued' RETURNING conversation_id"
)
_REPLACE_CONTENT = Statement(
    "UPDATE messages SET content = :content WHERE shop_id = :shop AND id = :id"
    " AND state = 'queued' RETURNING conversation_id"
)
_MARK_READ = Statement(
    "UPDATE messages SET state = 'read' WHERE shop_id = :shop AND account_id = :account"
    " AND platform_id = :platform_id AND origin NOT IN ('buyer', 'platform')"
    " AND state NOT IN ('read', 'recalled') RETURNING id, conversation_id"
)
_MARK_RECALLED = Statement(
    "UPDATE messages SET state = 'recalled', reason = '' WHERE shop_id = :shop"
    " AND account_id = :account AND platform_id = :platform_id AND state <> 'recalled'"
    " RETURNING id, conversation_id"
)
_SET_REASON = Statement(
    "UPDATE messages SET reason = :reason WHERE shop_id = :shop AND id = :id"
    " RETURNING conversation_id"
)
_BY_PLATFORM = Statement(
    f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop AND m.account_id = :account"
    " AND m.platform_id = :platform_id"
)
_KEY = Statement("SELECT key FROM messages WHERE shop_id = :shop AND id = :id")
_BY_KEY = Statement(
    f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop AND m.key >= :first"
    " AND m.key < :beyond ORDER BY m.id"
)
_HEARD = Statement(
    "SELECT platform_id FROM messages WHERE shop_id = :shop AND conversation_id = :conversation"
    " AND origin = 'buyer' AND state <> 'recalled' AND platform_id IS NOT NULL"
    " ORDER BY sent_at DESC, id DESC LIMIT :limit"
)
_HEARD_BETWEEN = Statement(
    "SELECT sent_at FROM messages WHERE shop_id = :shop AND conversation_id = :conversation"
    " AND origin = 'buyer' AND sent_at > :after AND sent_at <= :until ORDER BY sent_at"
)
_APPROVED = "origin = 'ai' AND member_id IS NOT NULL"
"""A draft that a person has sent: as good as their own words."""
_NEWEST_ANSWER = Statement(
    f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop"
    f" AND m.conversation_id = :conversation AND (m.origin = 'operator' OR {_APPROVED})"
    " AND m.state NOT IN ('rejected', 'dropped', 'recalled')"
    " ORDER BY m.sent_at DESC, m.id DESC LIMIT 1"
)
_LATEST = Statement(
    f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop"
    " AND m.conversation_id = :conversation ORDER BY m.sent_at DESC, m.id DESC LIMIT :limit"
)
_BEFORE = Statement(
    f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop"
    " AND m.conversation_id = :conversation AND (m.sent_at, m.id) <"
    " (SELECT x.sent_at, x.id FROM messages x WHERE x.shop_id = :shop AND x.id = :before)"
    " ORDER BY m.sent_at DESC, m.id DESC LIMIT :limit"
)
_ABOUT_ORDERS = Statement(
    "SELECT id FROM (SELECT id, origin, key FROM messages WHERE shop_id = :shop"
    " AND conversation_id = :conversation ORDER BY sent_at DESC, id DESC LIMIT 60) AS lately"
    " WHERE origin = 'rule' AND substr(key, 1, length(:prefix)) = :prefix"
)
_HUMAN_ANSWER = Statement(
    "SELECT 1 FROM messages WHERE shop_id = :shop AND conversation_id = :conversation"
    f" AND sent_at >= :since AND (origin IN ('operator', 'phone') OR {_APPROVED})"
    " AND state NOT IN ('rejected', 'dropped') LIMIT 1"
)
_KNOWS = Statement(
    "SELECT 1 FROM messages WHERE shop_id = :shop AND account_id = :account"
    " AND platform_id = :platform_id"
)
# Readers pay for each statement with two changes of thread, so all ids go in one.
_KNOWN = Statement(
    "SELECT platform_id FROM messages WHERE shop_id = :shop AND account_id = :account"
    " AND platform_id IN (SELECT value FROM json_each(:platform_ids))"
)


class Messages:
    __slots__ = ("_clock", "_echoes", "_sql", "_written")

    def __init__(self, sql: Sql, clock: Callable[[], datetime]) -> None:
        self._sql = sql
        self._echoes = Echoes(sql)
        self._clock = clock
        self._written = 0
        """By this unit of work."""

    def add_in(
        self,
        shop: ShopId,
        account: AccountId,
        conversation: ConversationId,
        *,
        platform_id: PlatformMessage,
        origin: Origin,
        content: Content,
        sent_at: datetime,
        newest: datetime | None = None,
        quoted: PlatformMessage | None = None,
        now: datetime,
    ) -> MessageId | None:
        """Something the platform told us of; None if this account knows the id already (L23).

        `newest`: the conversation's `last_message_at`, if the caller has just seen it.
        """
        id_ = self._sql.insert(
            _ADD_IN,
            shop=shop,
            account=account,
            conversation=conversation,
            platform_id=platform_id,
            origin=origin,
            content=content_to_text(content),
            quoted=quoted,
            sent_at=micros(sent_at),
            now=micros(now),
        )
        return self._added(shop, conversation, id_, sent_at, newest)

    def add_out(
        self,
        shop: ShopId,
        account: AccountId,
        conversation: ConversationId,
        *,
        key: str,
        uuid: str = "",
        origin: Origin,
        content: Content,
        member: MemberId | None = None,
        draft_for: str | None = None,
        now: datetime,
    ) -> MessageId | None:
        """Something we are going to say, queued; None if the shop has used `key` already.

        `draft_for`: it is only proposed, and why a person has to look at it.

        `uuid` stays the same however often it is sent; empty: one is made, in the form of the
        platform's own client (minus, milliseconds, up to four digits).
        """
        id_ = self._sql.insert(
            _ADD_OUT,
            shop=shop,
            account=account,
            conversation=conversation,
            key=key,
            uuid=uuid or self._new_uuid(now),
            origin=origin,
            content=content_to_text(content),
            state=MessageState.QUEUED if draft_for is None else MessageState.DRAFT,
            reason=draft_for or "",
            member=member,
            now=micros(now),
        )
        return self._added(shop, conversation, id_, now)

    def _new_uuid(self, now: datetime) -> str:
        """No two alike: the digits are ten times the microseconds, and count up from there, because
        all that is written in one unit of work has the same moment."""
        moment = micros(now)
        digits = (moment % 1000 * 10 + self._written) % 10_000
        self._written += 1
        return f"-{moment // 1000}{digits:04}"

    def get(self, shop: ShopId, id_: MessageId) -> Message | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else to_message(row)

    def reword(self, shop: ShopId, id_: MessageId, content: Content, now: datetime) -> bool:
        """What a message of ours will say, as if it were queued only now. False: too late."""
        conversation = self._sql.value(
            _REWORD, shop=shop, id=id_, content=content_to_text(content), now=micros(now)
        )
        return self._added(shop, ConversationId(conversation or 0), conversation, now) is not None

    def replace_content(self, shop: ShopId, id_: MessageId, content: Content) -> None:
        """Say the same in other words before it goes out: uploaded pictures have new addresses."""
        conversation = self._sql.value(
            _REPLACE_CONTENT, shop=shop, id=id_, content=content_to_text(content)
        )
        if conversation is not None:
            self._sql.changed(shop, "conversation", conversation)

    def set_state(
        self,
        shop: ShopId,
        id_: MessageId,
        state: MessageState,
        *,
        reason: str = "",
        platform_id: PlatformMessage | None = None,
        now: datetime | None = None,
    ) -> MessageState | None:
        """What became of a message of ours, and the platform's id for it if we were told.

        Returns the state that stands, which may know better than `state`: READ never goes back,
        and ACCEPTED goes back to neither SENDING nor UNCERTAIN. None: no such message.
        """
        at = self._clock() if now is None else now
        return self._echoes.settle(shop, id_, state, reason, platform_id, at)

    def match_echo(
        self,
        shop: ShopId,
        account: AccountId,
        conversation: ConversationId,
        *,
        platform_id: PlatformMessage,
        content: Content,
        now: datetime,
        sent_at: datetime | None = None,
    ) -> MessageId | None:
        """Which message is this echo of? None: the seller wrote it on another device.

        A row that has this platform id; else the oldest message of ours with equal content that
        went out and has no id yet: it takes the id and is accepted. `sent_at`, the platform's time
        of the echo, keeps a message that was left uncertain last week from swallowing what the
        seller types today.
        """
        return self._echoes.match(
            shop, account, conversation, platform_id, content_to_text(content), now, sent_at
        )

    def mark_read(
        self,
        shop: ShopId,
        account: AccountId,
        platform_ids: Iterable[PlatformMessage],
        now: datetime,
    ) -> list[MessageId]:
        """The buyer has read these; returns those of ours for which that is news."""
        read = []
        for platform_id in platform_ids:
            row = self._sql.row(_MARK_READ, shop=shop, account=account, platform_id=platform_id)
            if row is not None:
                read.append(MessageId(row[0]))
                self._sql.changed(shop, "conversation", row[1])
        return read

    def key(self, shop: ShopId, id_: MessageId) -> str:
        """What caused a message of ours; empty: none of ours."""
        return self._sql.value(_KEY, shop=shop, id=id_) or ""

    def mark_recalled(
        self, shop: ShopId, account: AccountId, platform_ids: Iterable[PlatformMessage]
    ) -> list[MessageId]:
        """These were taken back, by either side; returns those for which that is news."""
        recalled = []
        for platform_id in platform_ids:
            row = self._sql.row(_MARK_RECALLED, shop=shop, account=account, platform_id=platform_id)
            if row is not None:
                recalled.append(MessageId(row[0]))
                self._sql.changed(shop, "conversation", row[1])
        return recalled

    def set_reason(self, shop: ShopId, id_: MessageId, reason: str) -> None:
        """What people should know about it; its state stays."""
        conversation = self._sql.value(_SET_REASON, shop=shop, id=id_, reason=reason)
        if conversation is not None:
            self._sql.changed(shop, "conversation", conversation)

    def by_platform(
        self, shop: ShopId, account: AccountId, platform_id: PlatformMessage
    ) -> Message | None:
        row = self._sql.row(_BY_PLATFORM, shop=shop, account=account, platform_id=platform_id)
        return None if row is None else to_message(row)

    def with_key(self, shop: ShopId, prefix: str) -> list[Message]:
        """Messages of ours whose key begins so, in the order they were queued in."""
        beyond = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        rows = self._sql.rows(_BY_KEY, shop=shop, first=prefix, beyond=beyond)
        return [to_message(row) for row in rows]

    def parts(self, shop: ShopId, id_: MessageId) -> list[Message]:
        """All messages of the answer that this one is part of; their keys go on after a slash."""
        key = self._sql.value(_KEY, shop=shop, id=id_)
        own = self.get(shop, id_)
        if own is None or key is None:
            return [] if own is None else [own]
        return self.answer(shop, key.rpartition("/")[0] or key)

    def answer(self, shop: ShopId, key: str) -> list[Message]:
        """All messages of the answer whose first has this key; empty: there is none."""
        # The slash comes right before the digits: nothing of another answer lies in between.
        rows = self._sql.rows(_BY_KEY, shop=shop, first=key, beyond=f"{key}0")
        return [to_message(row) for row in rows]

    def about_orders(self, shop: ShopId, conversation: ConversationId) -> set[MessageId]:
        """What rules said here lately because an order came to some point: it answers nothing that
        the buyer said."""
        rows = self._sql.rows(
            _ABOUT_ORDERS, shop=shop, conversation=conversation, prefix=MOMENT_KEY
        )
        return {MessageId(id_) for (id_,) in rows}

    def heard(
        self, shop: ShopId, conversation: ConversationId, *, limit: int
    ) -> list[PlatformMessage]:
        """Ids of what the buyer said last, oldest first."""
        rows = self._sql.rows(_HEARD, shop=shop, conversation=conversation, limit=limit)
        return [PlatformMessage(row[0]) for row in reversed(rows)]

    def heard_between(
        self, shop: ShopId, conversation: ConversationId, after: datetime, until: datetime
    ) -> list[datetime]:
        """When the buyer said something within this time, its beginning left out."""
        rows = self._sql.rows(
            _HEARD_BETWEEN,
            shop=shop,
            conversation=conversation,
            after=micros(after),
            until=micros(until),
        )
        return [moment(at) for (at,) in rows]

    def newest_answer(self, shop: ShopId, conversation: ConversationId) -> Message | None:
        """What an operator said last, unless it never went out or was taken back."""
        row = self._sql.row(_NEWEST_ANSWER, shop=shop, conversation=conversation)
        return None if row is None else to_message(row)

    def of_conversation(
        self,
        shop: ShopId,
        conversation: ConversationId,
        *,
        limit: int,
        before: MessageId | None = None,
    ) -> list[Message]:
        """The newest `limit` messages, or those just before a known one, oldest first.

        In the order in which they were said; what was said at the same time, in order of arrival
        (L41). Catching up stores old messages after new ones.
        """
        if before is None:
            rows = self._sql.rows(_LATEST, shop=shop, conversation=conversation, limit=limit)
        else:
            rows = self._sql.rows(
                _BEFORE, shop=shop, conversation=conversation, limit=limit, before=before
            )
        return [to_message(row) for row in reversed(rows)]

    def human_answer_since(
        self, shop: ShopId, conversation: ConversationId, since: datetime
    ) -> bool:
        """Has a person of the shop written here at or after `since`, from wherever? Sending what AI
        proposed counts, from the moment in which they said so."""
        found = self._sql.value(
            _HUMAN_ANSWER, shop=shop, conversation=conversation, since=micros(since)
        )
        return found is not None

    def known(
        self, shop: ShopId, account: AccountId, platform_ids: Iterable[PlatformMessage]
    ) -> set[PlatformMessage]:
        """Those of the ids that the account has a message of."""
        ids = words_to_text(tuple(platform_ids))
        rows = self._sql.rows(_KNOWN, shop=shop, account=account, platform_ids=ids)
        return {PlatformMessage(id_) for (id_,) in rows}

    def knows(self, shop: ShopId, account: AccountId, platform_id: PlatformMessage) -> bool:
        """Whether the account has a message with this id."""
        found = self._sql.value(_KNOWS, shop=shop, account=account, platform_id=platform_id)
        return found is not None

    def _added(
        self,
        shop: ShopId,
        conversation: ConversationId,
        id_: int | None,
        at: datetime,
        newest: datetime | None = None,
    ) -> MessageId | None:
        if id_ is None:
            return None
        if newest is None or newest < at:
            self._sql.run(TOUCH, shop=shop, conversation=conversation, at=micros(at))
        self._sql.changed(shop, "conversation", conversation)
        return MessageId(id_)


def to_message(row: Row) -> Message:
    id_, conversation, origin, content, state, sent_at, platform_id, member, reason = row[:9]
    quoted, wire_at = row[9:]
    return Message(
        id=MessageId(id_),
        conversation=ConversationId(conversation),
        origin=Origin(origin),
        content=content_from_text(content),
        state=MessageState(state),
        sent_at=moment(sent_at),
        platform_id=None if platform_id is None else PlatformMessage(platform_id),
        member=None if member is None else MemberId(member),
        reason=reason,
        quoted=None if quoted is None else PlatformMessage(quoted),
        wire_at=moment_or_none(wire_at),
    )
