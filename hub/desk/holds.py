"""Where the automation is stopped by people: a conversation, an item, an account, or the shop.

Orders and deliveries are not touched by any of it: these have a stop of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub import text
from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import (
    WHOLE_SHOP,
    Account,
    Conversation,
    ConversationId,
    Hold,
    HoldKind,
    Place,
    Role,
    Scope,
)
from hub.policy import conversations_called
from hub.store import Store, Tx, held_place, place_of

LONGEST_PAUSE = timedelta(days=365)
SHOP_WORDS = frozenset({"店铺", "全店", "整个店铺", "全部", "所有"})
NAMES_SHOWN = 5
LOOKED_AT = 1000
"""The latest conversations, among which a name is looked for."""
RESUMED = (HoldKind.PAUSE, HoldKind.TAKEOVER)
End = datetime | timedelta | None
"""None: until somebody resumes."""


@dataclass(frozen=True, slots=True)
class Held:
    hold: Hold
    place: Place


@dataclass(frozen=True, slots=True)
class Resumed:
    place: Place
    ended: int
    """How many holds ended."""
    above: tuple[Held, ...]
    """What still stops it: wider, or an emergency stop."""
    apart: tuple[Held, ...]
    """What lies within it and has a pause of its own."""


class Holds:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def all(self, operator: Operator) -> Sequence[Held]:
        """All that run: pauses before takeovers, the narrow before the wide."""
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: all_held(tx, operator, self._now()))

    async def pause(
        self, operator: Operator, scope: Scope, *, end: End = None, reason: str = ""
    ) -> Held:
        """Stop automatic answers there. What waits to go out is asked again before it leaves, so it
        stays here. Pausing again counts from now with the new end."""
        operator.require(Role.AGENT)
        now = self._now()
        until = _checked(end, now)

        def unit(tx: Tx) -> Held:
            place = _find(tx, operator, scope)
            hold = tx.holds.add(
                operator.shop,
                scope,
                kind=HoldKind.PAUSE,
                reason=reason or f"{operator.member.name} 手动暂停",
                member=operator.member.id,
                now=now,
                until=until,
            )
            operator.record(tx, "pause", _target(place), now)
            return Held(hold, place)

        return await self._store.write(unit)

    async def take_over(
        self, operator: Operator, conversation: ConversationId, *, end: End = None
    ) -> Held:
        """Lead a conversation without saying anything yet: for the minutes of its account, until
        resumed where these are 0, or as long as `end` says. A longer takeover that runs is not
        shortened unless `end` is given."""
        operator.require(Role.AGENT)
        now, scope = self._now(), Scope(conversation=conversation)
        wanted = _checked(end, now)

        def unit(tx: Tx) -> Held:
            place, until = _find(tx, operator, scope), wanted
            found = _conversation(tx, operator, conversation)
            account = tx.accounts.get(operator.shop, found.account)
            if end is None and account is not None and account.takeover_minutes:
                until = now + timedelta(minutes=account.takeover_minutes)
            hold = tx.holds.add(
                operator.shop,
                scope,
                kind=HoldKind.TAKEOVER,
                reason=f"{operator.member.name} 正在人工接待",
                member=operator.member.id,
                now=now,
                until=until,
                shorten=end is not None,
            )
            operator.record(tx, "take_over", _target(place), now)
            return Held(hold, place)

        return await self._store.write(unit)

    async def resume(self, operator: Operator, scope: Scope) -> Resumed:
        """End the holds of exactly this scope; wider and narrower ones stay, and are told, as does
        an emergency stop of the same place, which only `Emergency` ends.

        Raises Invalid where the buyer is blocked: their next message would hold it again.
        """
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> Resumed:
            place = _find(tx, operator, scope, gone=True)
            _refuse_if_blocked(tx, operator, scope)
            ended = tx.holds.end(operator.shop, scope, now, RESUMED)
            operator.record(tx, "resume", _target(place), now)
            others = all_held(tx, operator, now)
            return Resumed(
                place,
                ended,
                tuple(
                    one
                    for one in others
                    if one.hold.scope == scope or _within(tx, operator, scope, one.hold.scope)
                ),
                tuple(
                    one
                    for one in others
                    if one.hold.kind is not HoldKind.TAKEOVER
                    and _within(tx, operator, one.hold.scope, scope)
                ),
            )

        return await self._store.write(unit)

    async def meant(self, operator: Operator, words: str) -> Scope:
        """The shop, an account by its name, an item by its id or a part of its title, a buyer by
        name. A part of an account's or a buyer's name will do where nothing else is called so.

        Raises NotFound or Invalid with what to write instead: nothing is guessed.
        """
        operator.require(Role.VIEWER)
        wanted = words.strip().strip("「」").casefold()
        if wanted in SHOP_WORDS:
            return WHOLE_SHOP

        def unit(tx: Tx) -> Scope:
            accounts = tx.accounts.all(operator.shop)
            for account in accounts:
                if account.name.casefold() == wanted:
                    return Scope(account=account.id)
            item = _item(tx.items.titles(operator.shop), wanted, words)
            if item is not None:
                return Scope(item=item)
            parts = [one for one in accounts if wanted and wanted in one.name.casefold()]
            return _one_of(parts, _called(tx, operator, wanted), wanted, words)

        return await self._store.read(unit)

    async def item_of(self, operator: Operator, conversation: ConversationId) -> Scope:
        """Raises NotFound if it is not known to be about an item."""
        operator.require(Role.VIEWER)
        found = await self._store.read(lambda tx: _conversation(tx, operator, conversation))
        if found.item_id is None:
            raise NotFound("不知道这个会话在问哪个商品，请写上商品标题里的字或商品 ID")
        return Scope(item=found.item_id)

    async def account_of(self, operator: Operator, conversation: ConversationId) -> Scope:
        operator.require(Role.VIEWER)
        found = await self._store.read(lambda tx: _conversation(tx, operator, conversation))
        return Scope(account=found.account)


def all_held(tx: Tx, operator: Operator, now: datetime) -> tuple[Held, ...]:
    shop = operator.shop
    return tuple(Held(h, held_place(tx, h)) for h in tx.holds.all_active(shop, now))


def held_here(
    tx: Tx, operator: Operator, conversation: ConversationId, now: datetime
) -> tuple[Held, ...]:
    """All that stops a conversation, the weightiest first."""
    shop = operator.shop
    found = tx.holds.here(shop, conversation, now)
    return tuple(Held(hold, held_place(tx, hold)) for hold in found)


def _checked(end: End, now: datetime) -> datetime | None:
    if end is None:
        return None
    until = now + end if isinstance(end, timedelta) else end
    if until <= now and isinstance(end, datetime):
        raise Invalid(
            "没有改动：那个时间已经过去了，例如：/暂停 30分、/暂停 到明天9点",
            {"length": "写一个还没到的时间"},
        )
    if not now < until <= now + LONGEST_PAUSE:
        raise Invalid(
            "时长要在 1 分钟到 365 天之间，例如：/暂停 30分", {"length": "1 分钟到 365 天"}
        )
    return until


def _conversation(tx: Tx, operator: Operator, conversation: ConversationId) -> Conversation:
    found = tx.conversations.get(operator.shop, conversation)
    if found is None:
        raise NotFound("这个会话不存在，可能已经被删除")
    return found


def _find(tx: Tx, operator: Operator, scope: Scope, *, gone: bool = False) -> Place:
    """Raises NotFound, unless what is no more may be resumed (`gone`)."""
    place, shop = place_of(tx, operator.shop, scope), operator.shop
    if scope.conversation is not None:
        _conversation(tx, operator, scope.conversation)
    if scope.account is not None and tx.accounts.get(shop, scope.account) is None:
        raise NotFound("这个账号不存在，可能已经被删除")
    if scope.item is not None and not gone and scope.item not in tx.items.titles(shop):
        raise NotFound("没有这个商品，可能已经被删除")
    return place


def _within(tx: Tx, operator: Operator, inner: Scope, outer: Scope) -> bool:
    """Whether all that `inner` stops is stopped by `outer` as well, and `outer` is wider."""
    shop = operator.shop
    if inner in (outer, WHOLE_SHOP):
        return False
    if outer == WHOLE_SHOP:
        return True
    if inner.conversation is not None:
        found = tx.conversations.get(shop, inner.conversation)
        return outer.conversation is None and found is not None and outer.covers(found)
    if inner.item is not None and outer.account is not None:
        known = tx.items.get(shop, inner.item)
        return known is not None and known.account == outer.account
    return False


def _called(tx: Tx, operator: Operator, wanted: str) -> Sequence[Conversation]:
    recent = tx.conversations.recent(operator.shop, limit=LOOKED_AT)
    return conversations_called([one.conversation for one in recent], wanted)


def _one_of(
    accounts: Sequence[Account], called: Sequence[Conversation], wanted: str, words: str
) -> Scope:
    """The only account or buyer that is called so; a whole name goes before parts of others."""
    if called and wanted in (called[0].buyer_name.casefold(), called[0].ticket):
        accounts = ()
    if len(accounts) == 1 and not called:
        return Scope(account=accounts[0].id)
    if accounts:
        named = [f"账号「{one.name}」" for one in accounts]
        named += [f"买家「{one.buyer_name}」" for one in called]
        raise Invalid(f"不知道说的是哪个，请写全名：{'、'.join(named[:NAMES_SHOWN])}")
    if not called:
        raise NotFound(f"没有叫「{words.strip()}」的账号、商品或买家")
    if len({(one.account, one.buyer, one.item_id) for one in called}) > 1:
        raise Invalid(text.which_buyer(called[:NAMES_SHOWN], "没有改动"))
    return Scope(conversation=called[0].id)


def _item(titles: dict[str, str], wanted: str, words: str) -> str | None:
    exact = [id_ for id_, title in titles.items() if wanted in (id_, title.casefold())]
    found = exact or [id_ for id_, title in titles.items() if wanted in title.casefold()]
    if len(found) == 1:
        return found[0]
    if not found:
        return None
    shown = [f"「{text.shorten(titles[id_], 20)}」（{id_}）" for id_ in found[:NAMES_SHOWN]]
    more = f"等 {len(found)} 个" if len(found) > NAMES_SHOWN else ""
    raise Invalid(f"有几个商品都叫「{words.strip()}」，请写商品 ID：{'、'.join(shown)}{more}")


def _target(place: Place) -> str:
    """As the audit writes it."""
    scope = place.scope
    if scope.conversation is not None:
        return place.ticket
    if scope.item is not None:
        return f"item {scope.item}"
    return "shop" if scope.account is None else f"account {place.name}"


def _refuse_if_blocked(tx: Tx, operator: Operator, scope: Scope) -> None:
    if scope.conversation is None:
        return
    found = tx.conversations.get(operator.shop, scope.conversation)
    buyer = found.buyer if found is not None else None
    if found is not None and buyer is not None and tx.buyers.is_blocked(operator.shop, buyer):
        raise Invalid(
            f"没有恢复：{text.BLOCKED}，先取消拉黑：发 /拉黑 #{found.ticket} 取消，"
            "或在后台会话页的买家卡片里改"
        )
