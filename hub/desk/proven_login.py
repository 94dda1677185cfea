"""Which account a proven login becomes: a new one, or the one that this seller already is."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from hub.commands import may
from hub.desk.accounts import LONGEST_NAME, find_account
from hub.desk.operator import Operator
from hub.errors import Conflict, Forbidden, Invalid
from hub.model import Account, PlatformUser, Role
from hub.store import Tx
from hub.text import login_qr as words
from hub.xianyu import CookieJar, new_device_id


@dataclass(frozen=True, slots=True)
class ProvenLogin:
    jar: CookieJar
    name: str
    """For a new account: what the owner wished, else what the seller is called."""
    takeover_minutes: int
    proxy: str | None = None
    """The way out that a new account keeps."""


def keep_login(
    tx: Tx, operator: Operator, wanted: Account | None, proven: ProvenLogin, now: datetime
) -> tuple[Account, str]:
    """Store the login: as `wanted`'s, or as a new account's, with the sentence that tells it.

    A seller who is known keeps the account and all its settings. Raises Invalid when the login is
    not that of `wanted`, Forbidden when the operator may not do it any more, NotFound when the
    account is gone.
    """
    _require_owner(tx, operator)
    user = proven.jar.user
    known = tx.accounts.by_user(operator.shop, user)
    if wanted is not None:
        found = find_account(tx, operator, wanted.id)
        if found.user != user:
            known_as = known.name if known is not None else ""
            raise Invalid(words.other_seller(found.name, found.user, user, known_as))
        _renew(tx, operator, found, proven.jar, now)
        return find_account(tx, operator, found.id), words.renewed(found.name, found.enabled)
    if known is not None:
        _renew(tx, operator, known, proven.jar, now)
        said = words.known_already(known.name, known.enabled)
        if proven.proxy is not None:
            said += words.OWN_PROXY
        return find_account(tx, operator, known.id), said
    account = _add(tx, operator, proven, now)
    return account, words.added(account.name)


def _renew(tx: Tx, operator: Operator, account: Account, jar: CookieJar, now: datetime) -> None:
    tx.accounts.new_login(operator.shop, account.id, cookies=jar.header(), now=now)
    operator.record(tx, "account.log_in", account.name, now)


def _add(tx: Tx, operator: Operator, proven: ProvenLogin, now: datetime) -> Account:
    user = proven.jar.user
    try:
        account = tx.accounts.add(
            operator.shop,
            name=_free_name(proven.name, user, {a.name for a in tx.accounts.all(operator.shop)}),
            user=user,
            device_id=new_device_id(user),
            cookies=proven.jar.header(),
            proxy=proven.proxy,
            takeover_minutes=proven.takeover_minutes,
            now=now,
        )
    except Conflict:
        raise Invalid(words.IN_ANOTHER_SHOP) from None
    operator.record(tx, "account.add", account.name, now)
    return account


def _require_owner(tx: Tx, operator: Operator) -> None:
    """Minutes have passed since somebody asked for the code.

    Whoever acts on the command line is no stored member.
    """
    if not operator.member.id:
        return
    member = tx.members.get(operator.shop, operator.member.id)
    if member is None or not member.active or not may(member.role, Role.OWNER):
        raise Forbidden(words.NO_OWNER)


def _free_name(wanted: str, user: PlatformUser, taken: Set[str]) -> str:
    """The wanted name or one that is like it: a login never fails for its name."""
    name = wanted.strip()[:LONGEST_NAME] or f"闲鱼{user[-4:]}"
    for end in ("", user[-4:], user):
        longer = name[: LONGEST_NAME - len(end)] + end
        if longer not in taken:
            return longer
    return user
