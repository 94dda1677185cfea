"""Who is told what: kinds of notices, and what a shop has settled about its people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

from hub.model.ids import AccountId, ConversationId, MemberId, PlatformUser
from hub.model.replies import Hours
from hub.model.shop import Role


class NoticeKind(StrEnum):
    MESSAGE = "message"
    """What a buyer said, and drafts of what to say."""
    ORDER = "order"
    NEED = "need"
    """Something waits for a person."""
    ACCOUNT = "account"
    """An account is in trouble, or is out of it."""
    STOCK = "stock"
    SYSTEM = "system"
    """The hub itself: backups that failed, a restore."""
    RECEIPT = "receipt"
    """What became of an automatic answer that went wrong, or of a word from the phone."""


URGENT = frozenset({NoticeKind.NEED, NoticeKind.ACCOUNT})
"""These break through quiet hours."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where notices go that fit it. Empty parts of a condition fit everything."""

    kinds: tuple[NoticeKind, ...] = ()
    account: AccountId | None = None
    item: str | None = None
    tag: str | None = None
    """Of the buyer."""
    roles: tuple[Role, ...] = ()
    members: tuple[MemberId, ...] = ()
    groups: tuple[str, ...] = ()
    mailed: tuple[MemberId, ...] = ()
    """Who gets it by mail besides; in chat somebody is told all the same."""


@dataclass(frozen=True, slots=True)
class Group:
    """A QQ group in which the bot listens."""

    number: str
    name: str = ""
    addressed: bool = True
    """Commands count there only when the bot was @-ed or quoted."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours in which somebody is on duty, on some days of the week."""

    member: MemberId
    hours: Hours
    weekdays: tuple[int, ...] = ()
    """Monday is 0; empty: every day. Hours over midnight belong to the day on which they begin."""


@dataclass(frozen=True, slots=True)
class Spell:
    """Something that holds for one member until then; None: until somebody says otherwise."""

    member: MemberId
    end: datetime | None
    since: datetime


@dataclass(frozen=True, slots=True)
class AwayWords:
    """What buyers are told in quiet hours when nothing else answers them."""

    text: str
    """A template, as in rules."""
    account: AccountId | None = None
    """None: of every account that has no words of its own."""


@dataclass(frozen=True, slots=True)
class PeoplePlan:
    """What a shop has settled about its people. As it is made here, owners are told everything in
    private."""

    zone: str = "Asia/Shanghai"
    """Its hours are meant in it."""
    routes: tuple[Route, ...] = ()
    """The first that fits decides; where none fits, owners are told in private."""
    groups: tuple[Group, ...] = ()
    """None: the bot listens to members in every group it is in."""
    shifts: tuple[Shift, ...] = ()
    stints: tuple[Spell, ...] = ()
    """On duty out of turn."""
    silenced: tuple[Spell, ...] = ()
    """Who wants no messages of buyers for now."""
    quiet: Hours | None = None
    away: tuple[AwayWords, ...] = ()
    unanswered: tuple[int, ...] | None = None
    """After so many minutes somebody is reminded of a buyer whom nobody answered. None: as
    `PINGS`, in shops of several people; empty: never."""
    mail_unanswered: bool = True
    """The last of these reminders goes by mail as well."""
    claimed_only: bool = False
    """Who answered first is the only one who is told what that buyer says next."""
    digest_at: time | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a notice is about, as far as routing goes."""

    kind: NoticeKind
    account: AccountId | None = None
    item: str | None = None
    buyer: PlatformUser | None = None
    tags: tuple[str, ...] = ()
    """Of the buyer; known where a rule asks for one."""


@dataclass(frozen=True, slots=True)
class Audience:
    members: tuple[MemberId, ...] = ()
    groups: tuple[str, ...] = ()
    held: tuple[MemberId, ...] = ()
    """Would be told, but for their silence or the shop's quiet hours."""
    mailed: tuple[MemberId, ...] = ()


@dataclass(frozen=True, slots=True)
class BindingCode:
    """An open code for binding a QQ id."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """Who answers in a conversation."""

    conversation: ConversationId
    member: MemberId
    since: datetime
    active_at: datetime
    handed: bool = False
    """Somebody gave it to them: they are told what the buyer says, whatever the rules say."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What happened in a span of time."""

    messages: int = 0
    conversations: int = 0
    paid: int = 0
    delivered: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    """By origin of the answer; those of people by the name of the member."""
    unsent: int = 0
    """Automatic answers that the platform did not take."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What has to be known whenever somebody looks up from something else."""

    needs: int = 0
    """What waits for a person."""
    short_of: tuple[str, ...] = ()
    """Pools that are low or empty."""

    def __bool__(self) -> bool:
        return self != Standing()
