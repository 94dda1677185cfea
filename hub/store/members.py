"""Members: people of a shop, by name and by QQ id."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from hub.errors import Conflict
from hub.model import Member, MemberId, Role, ShopId
from hub.store.codec import micros
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "m.id, m.shop_id, m.name, m.role, m.email, m.urgent_mail, m.password_hash IS NOT NULL, m.active"
)

_ADD = Statement(
    "INSERT INTO members"
    " (shop_id, name, role, email, urgent_mail, password_hash, active, created_at)"
    " VALUES (:shop, :name, :role, :email, :urgent_mail, :password_hash, TRUE, :now)"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_GET = Statement(f"SELECT {_COLUMNS} FROM members m WHERE m.shop_id = :shop AND m.id = :id")
_ALL = Statement(f"SELECT {_COLUMNS} FROM members m WHERE m.shop_id = :shop ORDER BY m.id")
_OWNERS = Statement(
    f"SELECT {_COLUMNS} FROM members m"
    " WHERE m.shop_id = :shop AND m.role = 'owner' AND m.active ORDER BY m.id"
)
_BY_NAME = Statement(f"SELECT {_COLUMNS} FROM members m WHERE m.name = :name")
_BY_QQ = Statement(
    f"SELECT {_COLUMNS} FROM member_qqs q"
    " JOIN members m ON m.shop_id = q.shop_id AND m.id = q.member_id"
    " WHERE q.qq = :qq AND m.active"
)
_NAME_TAKEN = Statement("SELECT 1 FROM members WHERE name = :name AND id <> :id")
_UPDATE = Statement(
    "UPDATE members SET name = :name, role = :role, email = :email,"
    " urgent_mail = :urgent_mail, active = :active"
    " WHERE shop_id = :shop AND id = :id"
)
_QQS = Statement(
    "SELECT member_id, qq FROM member_qqs WHERE shop_id = :shop ORDER BY member_id, qq"
)
_QQS_OF = Statement(
    "SELECT qq FROM member_qqs WHERE shop_id = :shop AND member_id = :id ORDER BY qq"
)
_OWNERS_QQ = Statement(
    "SELECT q.qq FROM members m JOIN member_qqs q ON q.shop_id = m.shop_id AND q.member_id = m.id"
    " WHERE m.shop_id = :shop AND m.role = 'owner' AND m.active ORDER BY m.id, q.qq"
)
_MAILED = Statement(
    "SELECT email FROM members WHERE shop_id = :shop AND active AND urgent_mail"
    " AND email IS NOT NULL ORDER BY id"
)
_ANSWERING = Statement(
    "SELECT count(DISTINCT m.id) FROM members m"
    " JOIN member_qqs q ON q.shop_id = m.shop_id AND q.member_id = m.id"
    " WHERE m.shop_id = :shop AND m.role <> 'viewer' AND m.active"
)
_ADD_QQ = Statement(
    "INSERT INTO member_qqs (qq, shop_id, member_id) VALUES (:qq, :shop, :id)"
    " ON CONFLICT DO NOTHING RETURNING qq"
)
_REMOVE_QQS = Statement("DELETE FROM member_qqs WHERE shop_id = :shop AND member_id = :id")
_PASSWORD_HASH = Statement("SELECT password_hash FROM members WHERE shop_id = :shop AND id = :id")
_SET_PASSWORD = Statement(
    "UPDATE members SET password_hash = :hash WHERE shop_id = :shop AND id = :id"
)
_ANY_WITH_PASSWORD = Statement("SELECT 1 FROM members WHERE password_hash IS NOT NULL LIMIT 1")
_OPERATORS_QQ = Statement(
    "SELECT q.qq FROM member_qqs q"
    " JOIN members m ON m.shop_id = q.shop_id AND m.id = q.member_id WHERE m.active"
)


class Members:
    """Names and QQ ids are unique across all shops: they are how somebody at a door is known."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        shop: ShopId,
        name: str,
        role: Role,
        *,
        qq: Iterable[str] = (),
        email: str | None = None,
        urgent_mail: bool = True,
        password_hash: str | None = None,
        now: datetime,
    ) -> Member:
        """Raises Conflict if the name or a QQ id is taken."""
        id_ = self._sql.value(
            _ADD,
            shop=shop,
            name=name,
            role=role,
            email=email,
            urgent_mail=urgent_mail,
            password_hash=password_hash,
            now=micros(now),
        )
        if id_ is None:
            raise Conflict(f"member name {name!r} is taken")
        self._add_qqs(shop, MemberId(id_), qq)
        self._sql.changed(shop, "member", id_)
        member = self.get(shop, MemberId(id_))
        assert member is not None  # noqa: S101 - inserted above
        return member

    def get(self, shop: ShopId, id_: MemberId) -> Member | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else self._member(row)

    def all(self, shop: ShopId) -> list[Member]:
        qqs: dict[int, list[str]] = {}
        for member, qq in self._sql.rows(_QQS, shop=shop):
            qqs.setdefault(member, []).append(qq)
        rows = self._sql.rows(_ALL, shop=shop)
        return [_to_member(row, tuple(qqs.get(row[0], ()))) for row in rows]

    def owners(self, shop: ShopId) -> list[Member]:
        """The active owners."""
        return [self._member(row) for row in self._sql.rows(_OWNERS, shop=shop)]

    def owners_qq(self, shop: ShopId) -> list[str]:
        """All QQ ids of the active owners."""
        return [qq for (qq,) in self._sql.rows(_OWNERS_QQ, shop=shop)]

    def mailed(self, shop: ShopId) -> list[str]:
        """Addresses of the active members who want urgent news by mail, each once."""
        found = (email for (email,) in self._sql.rows(_MAILED, shop=shop))
        return list({email.casefold(): email for email in found}.values())

    def by_qq(self, qq: str) -> Member | None:
        """The active member with this QQ id. System-wide: at the door the shop is not known."""
        row = self._sql.row(_BY_QQ, qq=qq)
        return None if row is None else self._member(row)

    def by_name(self, name: str) -> Member | None:
        """Active or not. System-wide: at login the shop is not known yet."""
        row = self._sql.row(_BY_NAME, name=name)
        return None if row is None else self._member(row)

    def password_hash(self, shop: ShopId, id_: MemberId) -> str | None:
        hash_: str | None = self._sql.value(_PASSWORD_HASH, shop=shop, id=id_)
        return hash_

    def set_password(self, shop: ShopId, id_: MemberId, password_hash: str) -> None:
        self._sql.run(_SET_PASSWORD, shop=shop, id=id_, hash=password_hash)
        self._sql.changed(shop, "member", id_)

    def update(
        self,
        shop: ShopId,
        id_: MemberId,
        *,
        name: str | None = None,
        role: Role | None = None,
        qq: Iterable[str] | None = None,
        email: str | None = None,
        urgent_mail: bool | None = None,
        active: bool | None = None,
    ) -> Member | None:
        """Change what is given; `qq` replaces all ids, an empty `email` removes the address.

        Returns the member as it is now, None if there is no such member. Raises Conflict if the
        name or a QQ id belongs to somebody else.
        """
        old = self.get(shop, id_)
        if old is None:
            return None
        if name is not None and self._sql.value(_NAME_TAKEN, name=name, id=id_):
            raise Conflict(f"member name {name!r} is taken")
        self._sql.run(
            _UPDATE,
            shop=shop,
            id=id_,
            name=old.name if name is None else name,
            role=old.role if role is None else role,
            email=old.email if email is None else (email or None),
            urgent_mail=old.urgent_mail if urgent_mail is None else urgent_mail,
            active=old.active if active is None else active,
        )
        if qq is not None:
            self._sql.run(_REMOVE_QQS, shop=shop, id=id_)
            self._add_qqs(shop, id_, qq)
        self._sql.changed(shop, "member", id_)
        return self.get(shop, id_)

    def any_with_password(self) -> bool:
        """Has the first-run setup been done? System-wide: it is asked before anybody logs in."""
        return self._sql.value(_ANY_WITH_PASSWORD) is not None

    def operators_qq(self) -> frozenset[str]:
        """QQ ids of all active members. System-wide: one bot serves every shop."""
        return frozenset(row[0] for row in self._sql.rows(_OPERATORS_QQ))

    def answering(self, shop: ShopId) -> int:
        """How many people can answer from QQ."""
        found: int = self._sql.value(_ANSWERING, shop=shop)
        return found

    def _add_qqs(self, shop: ShopId, id_: MemberId, qqs: Iterable[str]) -> None:
        for qq in dict.fromkeys(qqs):
            if self._sql.value(_ADD_QQ, shop=shop, id=id_, qq=qq) is None:
                raise Conflict(f"QQ {qq} belongs to another member")

    def _member(self, row: Row) -> Member:
        qqs = self._sql.rows(_QQS_OF, shop=row[1], id=row[0])
        return _to_member(row, tuple(qq for (qq,) in qqs))


def _to_member(row: Row, qqs: tuple[str, ...]) -> Member:
    id_, shop, name, role, email, urgent_mail, has_password, active = row
    return Member(
        id=MemberId(id_),
        shop=ShopId(shop),
        name=name,
        role=Role(role),
        qq=qqs,
        email=email,
        urgent_mail=bool(urgent_mail),
        has_password=bool(has_password),
        active=bool(active),
    )
