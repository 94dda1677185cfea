"""Members: who belongs to the shop, their QQ ids, passwords and web sessions."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.desk.mail import checked_address
from hub.desk.operator import Door, Operator
from hub.errors import Conflict, Forbidden, Invalid, NotFound, TooOften
from hub.model import Member, MemberId, Role, only_bot, peer_at
from hub.notices import forget_chat
from hub.store import Store, Tx

SHORTEST_PASSWORD = 8
LONGEST_NAME = 30
LOGIN_WINDOW = timedelta(minutes=15)
LOGIN_TRIES = 5
"""Wrong passwords of one name within the window."""
LOGIN_TRIES_FROM = 20
"""Of all names from one address: a shop's people share one, behind a proxy everybody does."""
BROUGHT_OVER = "sha256:"
"""Before the hash of a password that came from another program."""
DECOY = (
    "$argon2id$v=19$m=65536,t=3,p=4$t/1MyWAZAuFpv+CsfeGTGQ"
    "$1tNiXckDtYxEqXZTQX8RjHnie0/x9FXtjvVt8Fbtaiw"
)
"""Of a password that nobody knows, made as ours are: verified against when the name is unknown, so
that both cases take the same time."""
_QQ = re.compile(r"[1-9]\d{4,11}")


@dataclass(frozen=True, slots=True)
class Login:
    """A web session as its door needs it. The token itself is kept by the browser only."""

    operator: Operator
    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLogin:
    token: str
    login: Login


class Members:
    def __init__(self, store: Store, now: Callable[[], datetime], session: timedelta) -> None:
        self._store = store
        self._now = now
        self._session = session
        self._hasher = PasswordHasher()

    async def all(self, operator: Operator) -> Sequence[Member]:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.members.all(operator.shop))

    async def add(
        self,
        operator: Operator,
        *,
        name: str,
        role: Role,
        qq: Iterable[str] = (),
        email: str | None = None,
        urgent_mail: bool = True,
        password: str | None = None,
    ) -> Member:
        operator.require(Role.OWNER)
        alias, ids = _checked_name(name), _checked_qq(qq)
        address = checked_address(email or "")
        hashed = await self._hash(password) if password else None
        now = self._now()

        def unit(tx: Tx) -> Member:
            try:
                member = tx.members.add(
                    operator.shop,
                    alias,
                    role,
                    qq=ids,
                    email=address or None,
                    urgent_mail=urgent_mail,
                    password_hash=hashed,
                    now=now,
                )
            except Conflict:
                raise _taken(tx, alias, ids) from None
            operator.record(tx, "member.add", member.name, now)
            return member

        return await self._store.write(unit)

    async def change(
        self,
        operator: Operator,
        member: MemberId,
        *,
        role: Role | None = None,
        qq: Iterable[str] | None = None,
        email: str | None = None,
        urgent_mail: bool | None = None,
        password: str | None = None,
        active: bool | None = None,
    ) -> Member:
        """Change what is given; an empty `email` removes the address. A new password or switching
        off ends the member's web sessions."""
        operator.require(Role.OWNER)
        ids = _checked_qq(qq) if qq is not None else None
        address = checked_address(email) if email is not None else None
        hashed = await self._hash(password) if password else None
        now = self._now()

        def unit(tx: Tx) -> Member:
            found = tx.members.get(operator.shop, member)
            if found is None:
                raise NotFound("这个成员不存在")
            demoted = (role is not None and role is not Role.OWNER) or active is False
            if demoted and [m.id for m in tx.members.owners(operator.shop)] == [member]:
                raise Invalid("店铺至少要有一位能登录的店主，先把另一位成员设为店主")
            try:
                tx.members.update(
                    operator.shop,
                    member,
                    role=role,
                    qq=ids,
                    email=address,
                    urgent_mail=urgent_mail,
                    active=active,
                )
            except Conflict:
                raise _taken(tx, found.name, ids or (), but=member) from None
            kept = () if active is False else found.qq if ids is None else ids
            for number in set(found.qq).difference(kept):
                forget_chat(tx, operator.shop, peer_at("private", number), now)
            if hashed is not None:
                tx.members.set_password(operator.shop, member, hashed)
                tx.throttle.clear(_name_key(found.name))  # guesses at the old one count no more
            if hashed is not None or active is False:
                tx.web_sessions.remove_of(operator.shop, member)
            operator.record(tx, "member.change", found.name, now)
            changed = tx.members.get(operator.shop, member)
            assert changed is not None  # noqa: S101 - found above, in the same transaction
            return changed

        return await self._store.write(unit)

    # --- First run and web sessions ---------------------------------------------------------

    async def first_run(self) -> bool:
        """True until somebody has a password: the admin then shows its first-run page only."""
        return not await self._store.read(lambda tx: tx.members.any_with_password())

    async def found_shop(self, *, name: str, password: str, qq: Iterable[str] = ()) -> NewLogin:
        """First run: make the owner, or give the owner made on the command line a password."""
        alias, ids = _checked_name(name), _checked_qq(qq)
        hashed = await self._hash(password)
        now = self._now()

        def unit(tx: Tx) -> Member:
            if tx.members.any_with_password():
                raise Forbidden("店主已经设置过密码，请直接登录")
            shop = tx.shops.default()
            found = next((m for m in tx.members.all(shop) if m.name == alias), None)
            if found is None:
                try:
                    found = tx.members.add(
                        shop, alias, Role.OWNER, qq=ids, password_hash=hashed, now=now
                    )
                except Conflict:
                    raise _taken(tx, alias, ids) from None
            else:
                tx.members.update(shop, found.id, role=Role.OWNER, qq=ids or None)
                tx.members.set_password(shop, found.id, hashed)
            Operator(found, Door.WEB).record(tx, "member.found_shop", found.name, now)
            return found

        return await self._open_session(await self._store.write(unit))

    async def log_in(self, *, name: str, password: str, client: str) -> NewLogin:
        """Check a password and open a web session. `client` is the peer's address.

        Raises Forbidden for a wrong name or password (not saying which), TooOften after repeated
        failures of the name or of the address within 15 minutes (L63).
        """
        now = self._now()
        keys = {_name_key(name): LOGIN_TRIES, f"login:from:{client}": LOGIN_TRIES_FROM}
        since = now - LOGIN_WINDOW

        def look(tx: Tx) -> tuple[bool, Member | None, str | None]:
            often = any(tx.throttle.count(key, since) >= most for key, most in keys.items())
            member = tx.members.by_name(name.strip())
            hashed = tx.members.password_hash(member.shop, member.id) if member else None
            return often, member, hashed

        often, member, hashed = await self._store.read(look)
        if often:
            raise TooOften("密码错了太多次，请 15 分钟后再试")
        matches = await asyncio.to_thread(self._verify, hashed or DECOY, password)
        if matches and member is not None and hashed is not None:
            await self._keep_anew(member, hashed, password)
        if member is None or hashed is None or not matches or not member.active:
            await self._store.write(lambda tx: _count_failure(tx, keys, now))
            raise Forbidden("名字或密码不对")
        await self._store.write(lambda tx: _forget_failures(tx, keys))
        return await self._open_session(member)

    async def _open_session(self, member: Member) -> NewLogin:
        now = self._now()
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        expires_at = now + self._session
        await self._store.write(
            lambda tx: tx.web_sessions.add(
                member.shop,
                member.id,
                token_hash=_digest(token),
                csrf=csrf,
                now=now,
                expires_at=expires_at,
            )
        )
        return NewLogin(token, Login(Operator(member, Door.WEB), csrf, expires_at))

    async def session(self, token: str) -> Login | None:
        now = self._now()

        def unit(tx: Tx) -> Login | None:
            session = tx.web_sessions.find(_digest(token), now)
            member = tx.members.get(session.shop, session.member) if session else None
            if session is None or member is None or not member.active:
                return None
            return Login(Operator(member, Door.WEB), session.csrf, session.expires_at)

        return await self._store.read(unit)

    async def log_out(self, token: str) -> None:
        await self._store.write(lambda tx: tx.web_sessions.remove(_digest(token)))

    async def _keep_anew(self, member: Member, hashed: str, password: str) -> None:
        """A password that was brought over lies here as ours do from its first use on."""
        if hashed.startswith(BROUGHT_OVER):
            new = await asyncio.to_thread(self._hasher.hash, password)

            def unit(tx: Tx) -> None:
                if tx.members.password_hash(member.shop, member.id) == hashed:
                    tx.members.set_password(member.shop, member.id, new)

            await self._store.write(unit)

    async def _hash(self, password: str) -> str:
        if len(password) < SHORTEST_PASSWORD:
            raise Invalid(
                f"密码至少 {SHORTEST_PASSWORD} 位",
                {"password": f"至少 {SHORTEST_PASSWORD} 位"},
            )
        return await asyncio.to_thread(self._hasher.hash, password)

    def _verify(self, hashed: str, password: str) -> bool:
        if hashed.startswith(BROUGHT_OVER):
            hashed, password = hashed.removeprefix(BROUGHT_OVER), _sha256(password)
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def _count_failure(tx: Tx, keys: Iterable[str], now: datetime) -> None:
    for key in keys:
        tx.throttle.add(key, now)


def _forget_failures(tx: Tx, keys: Iterable[str]) -> None:
    for key in keys:
        tx.throttle.clear(key)


def _name_key(name: str) -> str:
    return f"login:name:{name.strip().casefold()}"


def _digest(token: str) -> str:
    return _sha256(token)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hash_brought_over(hashed: str) -> str:
    """What may be kept of a password of which another program kept a plain SHA-256, in hex: that is
    hashed once more, with salt and slowly (L63). Call it in a thread."""
    return BROUGHT_OVER + PasswordHasher().hash(hashed)


def _checked_name(name: str) -> str:
    alias = name.strip()
    if not alias or len(alias) > LONGEST_NAME:
        raise Invalid(f"名字要有 1 到 {LONGEST_NAME} 个字", {"name": f"1 到 {LONGEST_NAME} 个字"})
    return alias


def _checked_qq(ids: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in ids if part.strip()))
    for one in found:
        if not _QQ.fullmatch(one) and not only_bot(one):  # those come by binding, and stay
            raise Invalid(f"「{one}」不像 QQ 号，QQ 号是 5 到 12 位数字", {"qq": "5 到 12 位数字"})
    return found


def _taken(tx: Tx, name: str, ids: Iterable[str], but: MemberId | None = None) -> Invalid:
    for one in ids:
        other = tx.members.by_qq(one)
        if other is not None and other.id != but:
            return Invalid(f"QQ {one} 已经属于成员「{other.name}」", {"qq": "已被别的成员使用"})
    return Invalid(f"已经有成员叫「{name}」，换个名字", {"name": "名字已被使用"})
