"""Binding a QQ id to a member by a code that is shown on the web and written to the bot."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from loguru import logger

from hub.desk.operator import Door, Operator
from hub.errors import Conflict, Forbidden, Invalid, NotFound, TooOften
from hub.model import BindingCode, Member, MemberId, Role, peer_at
from hub.notices import forget_chat, tell_members
from hub.store import Store, Tx
from hub.text import gathered as qq_words
from hub.text import people as people_words

CODE_LASTS = timedelta(minutes=10)
CODE_LENGTH = 6
WINDOW = timedelta(minutes=15)
TRIES = 5
"""Wrong codes of one QQ id within the window."""
TRIES_OF_ALL = 60
"""Of all QQ ids together: with a million codes nobody gets anywhere with that."""
CODES = 10
"""That one member may have made within the window."""
MOST_QQS = 10
ALL = "bind:all"


class Binding:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def member(self, operator: Operator, member: MemberId) -> Member:
        """Whose QQ ids this operator may see and change: their own, and everybody's for owners."""
        found = await self._store.read(lambda tx: _theirs(tx, operator, member))
        return found

    async def code(self, operator: Operator, member: MemberId) -> BindingCode | None:
        """The code that is open; None when there is none."""
        now = self._now()

        def unit(tx: Tx) -> BindingCode | None:
            _theirs(tx, operator, member)
            return tx.binding_codes.of(operator.shop, member, now)

        return await self._store.read(unit)

    async def make_code(self, operator: Operator, member: MemberId) -> BindingCode:
        """A new one, good for ten minutes and one use; an older one is good for nothing then."""
        now = self._now()
        candidates = [_random() for _ in range(20)]

        def unit(tx: Tx) -> BindingCode:
            found = _theirs(tx, operator, member)
            key = f"bind:code:{member}"
            if tx.throttle.count(key, now - WINDOW) >= CODES:
                raise TooOften("取绑定码太频繁了，请 15 分钟后再取")
            if not found.active:
                raise Invalid("这位成员已停用，先启用再绑定")
            tx.throttle.add(key, now)
            expires_at = now + CODE_LASTS
            code = tx.binding_codes.put(operator.shop, member, candidates, expires_at, now)
            if code is None:
                raise TooOften("现在绑定的人太多，请稍后再取")
            operator.record(tx, "member.code", found.name, now)
            return BindingCode(code, expires_at)

        return await self._store.write(unit)

    async def bind(self, qq: str, written: str, reference: str) -> str | None:
        """What to answer somebody who wrote a code and is nobody yet; None: nothing at all."""
        now, code = self._now(), written.strip()

        def unit(tx: Tx) -> str | None:
            own = f"bind:qq:{qq}"
            tries = tx.throttle.count(own, now - WINDOW)
            if tries >= TRIES:
                return None
            if tx.throttle.count(ALL, now - WINDOW) >= TRIES_OF_ALL:
                tx.throttle.add(own, now)
                logger.warning("too many wrong codes for binding QQ ids; none is taken for a while")
                return people_words.bind_too_often()
            meant = tx.binding_codes.use(code, now)
            member = tx.members.get(*meant) if meant is not None else None
            if member is None or not member.active:
                tx.throttle.add(own, now)
                tx.throttle.add(ALL, now)
                return (
                    people_words.bind_too_often()
                    if tries + 1 >= TRIES
                    else people_words.bind_wrong()
                )
            self._add(tx, member, qq, reference, now)
            tx.throttle.clear(own)
            return people_words.bound(member.name)

        try:
            return await self._store.write(unit)
        except Invalid as refusal:
            return refusal.text

    def _add(self, tx: Tx, member: Member, qq: str, reference: str, now: datetime) -> None:
        if len(member.qq) >= MOST_QQS:
            raise Invalid(f"没有绑定：一个成员最多 {MOST_QQS} 个 QQ，先移除不用的")
        owners = [one.id for one in tx.members.owners(member.shop)]
        key = f"bound:{member.id}:{qq}:{now.isoformat()}"
        tell_members(
            tx,
            member.shop,
            owners,
            people_words.bound_told(member.name, qq_words.address_name(qq)),
            key=key,
            now=now,
        )  # before it is theirs: the earlier ids hear of it
        try:
            tx.members.update(member.shop, member.id, qq=(*member.qq, qq))
        except Conflict:
            raise Invalid("没有绑定：这个 QQ 属于一位已停用的成员，请店主先移除") from None
        Operator(member, Door.QQ, reference).record(tx, "member.bind", f"{member.name} {qq}", now)

    async def unbind(self, operator: Operator, member: MemberId, qq: str) -> Member:
        """Take a QQ id away: one's own, or for owners anybody's. From now on the bot knows it no
        more."""
        now = self._now()

        def unit(tx: Tx) -> Member:
            found = _theirs(tx, operator, member)
            if qq not in found.qq:
                raise NotFound(f"QQ {qq_words.address_name(qq)} 没有绑定在「{found.name}」名下")
            left = tuple(one for one in found.qq if one != qq)
            changed = tx.members.update(operator.shop, member, qq=left)
            forget_chat(tx, operator.shop, peer_at("private", qq), now)
            operator.record(tx, "member.unbind", f"{found.name} {qq}", now)
            return changed or found

        return await self._store.write(unit)


def _random() -> str:
    return f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}d}"


def _theirs(tx: Tx, operator: Operator, member: MemberId) -> Member:
    if operator.member.id != member and operator.member.role is not Role.OWNER:
        raise Forbidden("只能看和改自己的 QQ，别人的要店主来")
    found = tx.members.get(operator.shop, member)
    if found is None:
        raise NotFound("这个成员不存在")
    return found
