"""Users become members, and seller logins become accounts that are switched off."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from hub.errors import Invalid
from hub.model import Account, PlatformUser, Role, is_mail_address
from hub.ops.importing import cells
from hub.ops.importing.plan import (
    Draft,
    NewAccount,
    NewMember,
    OldAccount,
    SameAccount,
    User,
    line_of,
)
from hub.ops.importing.report import Outcome, Part
from hub.store import OriginalRow
from hub.text import imports as words
from hub.xianyu import CookieJar

LONGEST_NAME = 30
MOST_TAKEOVER = 1440
DEFAULT_TAKEOVER = 10
ADMIN = "admin"
DEFAULT_PASSWORD = hashlib.sha256(b"admin123").hexdigest()
MEMBER, ACCOUNT = "member", "account"
_SELLER = re.compile(r"(?:^|[;\s])unb=([0-9]{4,20})(?:;|\s|$)")
_NUMBER = re.compile(r"[0-9]{6,20}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def plan_people(draft: Draft) -> None:
    draft.names["member"] = set(draft.known.members)
    owners = _owners(draft)
    rows: list[OriginalRow] = []
    draft.each(Part.MEMBERS, "users", rows.append)
    for row in rows:
        _read_user(draft, row)
    missing = draft.only - {user.name for user in draft.users.values()}
    if missing:
        raise Invalid(words.no_such_user(sorted(missing), [u.name for u in draft.users.values()]))
    for row in rows:
        try:
            _plan_member(draft, row, owners)
        except cells.UnreadableCell as error:
            draft.leave(
                Part.MEMBERS, words.row_named("users", row), words.unreadable_cell(str(error))
            )


def _owners(draft: Draft) -> set[str]:
    """Users who have accounts: sellers who must not see each other's buyers."""
    return {cells.raw_text(row, "user_id", "1") for row in draft.source.rows("cookies")}


def _read_user(draft: Draft, row: OriginalRow) -> None:
    name = cells.raw_text(row, "username").strip()
    wanted = not draft.only or name in draft.only
    draft.users[cells.raw_text(row, "id")] = User(name, wanted)


def _plan_member(draft: Draft, row: OriginalRow, owners: set[str]) -> None:
    key = cells.word(row, "id")
    name = cells.word(row, "username")
    if not draft.wants(key):
        draft.leave(Part.MEMBERS, name, words.NOT_WANTED)
        return
    if not name:
        draft.leave(Part.MEMBERS, words.row_named("users", row), words.NO_NAME)
        return
    if (MEMBER, key) not in draft.known.ledger and name in draft.known.members:
        draft.leave(Part.MEMBERS, name, words.MEMBER_THERE, outcome=Outcome.KNOWN)
        return
    notes: list[str] = []
    owner = cells.raw_text(row, "username") == ADMIN  # " admin" is somebody else
    active = cells.flag(row, "is_active", True)
    if not active:
        notes.append(words.MEMBER_WAS_OFF)
    elif not owner and len(owners) > 1:
        active = False
        notes.append(words.MEMBER_APART)
    hashed = cells.word(row, "password_hash").lower()
    if hashed == DEFAULT_PASSWORD:
        notes.append(words.OF_EVERYBODY)
        hashed = ""
    elif not _SHA256.fullmatch(hashed):
        notes.append(words.NO_LOGIN)
        hashed = ""
    email = cells.word(row, "email")
    alias = name
    if (MEMBER, key) not in draft.known.ledger:
        alias = draft.free_name("member", name, LONGEST_NAME)
    if alias != name:
        notes.append(words.renamed(alias))
    if hashed and (MEMBER, key) not in draft.known.ledger:
        draft.report.secrets[words.SECRET_PASSWORDS] += 1
        if active:
            notes.append(words.OWNER_LOGS_IN if owner else words.AGENT_LOGS_IN)
    draft.put(
        line_of(Part.MEMBERS, name, notes),
        MEMBER,
        key,
        NewMember(
            alias,
            Role.OWNER if owner else Role.AGENT,
            active,
            email if is_mail_address(email) else None,
            hashed or None,
        ),
    )


# --- Accounts -------------------------------------------------------------------------------------


def plan_accounts(draft: Draft, from_settings: list[OriginalRow]) -> None:
    """`from_settings`: rows as the table has them, from the original's settings file."""
    draft.names["account"] = {one.name for one in draft.known.accounts}
    enabled: dict[str, bool] = {}

    def note(row: OriginalRow) -> None:
        enabled[cells.word(row, "cookie_id")] = cells.flag(row, "enabled", True)

    draft.each(Part.ACCOUNTS, "cookie_status", note)
    seen: dict[PlatformUser, str] = {}
    draft.each(Part.ACCOUNTS, "cookies", lambda row: _plan_account(draft, row, seen, enabled))
    for row in from_settings:
        try:
            if cells.word(row, "id") not in draft.accounts:
                _plan_account(draft, row, seen, enabled)
        except cells.UnreadableCell as error:
            draft.leave(Part.ACCOUNTS, words.SETTINGS_FILE, words.unreadable_cell(str(error)))
    if any(step.kind == ACCOUNT for step in draft.steps):
        draft.report.ask(words.ENABLE_ACCOUNTS)
        draft.report.ask_first(words.STOP_THE_ORIGINAL)


def _plan_account(
    draft: Draft, row: OriginalRow, seen: dict[PlatformUser, str], enabled: dict[str, bool]
) -> None:
    key = cells.word(row, "id")
    if not key:
        draft.leave(Part.ACCOUNTS, words.row_named("cookies", row), words.NO_NAME)
        return
    owner = cells.word(row, "user_id") or "1"
    if not draft.wants(owner):
        draft.leave(Part.ACCOUNTS, key, words.NOT_WANTED)
        return
    jar, mended = _login(cells.text(row, "value"), key)
    if jar is None:
        draft.leave(Part.ACCOUNTS, key, words.NO_SELLER)
        draft.report.ask(words.LOG_IN_FIRST)
        return
    old = OldAccount(key, key, owner, confirms=cells.flag(row, "auto_confirm", True))
    if jar.user in seen:
        _same_seller(draft, old, seen[jar.user])
        return
    seen[jar.user] = key
    there = next((one for one in draft.known.accounts if one.user == jar.user), None)
    if (ACCOUNT, key) in draft.known.ledger:
        _came_before(draft, old, there)
        return
    if there is not None:
        _is_there(draft, old, there)
        return
    remark = " ".join(cells.word(row, "remark").split())
    name = draft.free_name("account", remark or key, LONGEST_NAME)
    minutes = cells.number(row, "pause_duration")
    takeover = DEFAULT_TAKEOVER if minutes is None else min(max(int(minutes), 0), MOST_TAKEOVER)
    notes = [] if name == key else [words.renamed(name)]
    notes += _reset_by_the_original(row)
    if mended:
        notes.append(words.LOGIN_OVER)
    if not enabled.get(key, True):
        notes.append(words.ACCOUNT_WAS_OFF)
    draft.accounts[key] = replace(old, name=name)
    draft.report.secrets[words.SECRET_COOKIES] += 1
    draft.put(
        line_of(Part.ACCOUNTS, key, notes),
        ACCOUNT,
        key,
        NewAccount(name, jar.user, jar.header(), takeover),
    )


def seller_of(written: str, key: str) -> str:
    """Empty: nobody can say."""
    found = _SELLER.search(written)
    return found[1] if found else key if _NUMBER.fullmatch(key) else ""


def _login(written: str, key: str) -> tuple[CookieJar | None, bool]:
    """The cookies; True: they are no login any more. Who the seller is may also be read from the
    id, which is their number where the original made the account from a QR code."""
    try:
        return CookieJar.parse(written), False
    except Invalid:
        user = seller_of(written, key)
    if not user:
        return None, False
    # A login that ran out: the platform says so when it is asked, and a person logs in again.
    return CookieJar.parse(f"unb={user}; cookie2=0"), True


def _reset_by_the_original(row: OriginalRow) -> list[str]:
    """Every new cookie reset remark, confirming and pause to what they are at first (L46)."""
    minutes = cells.number(row, "pause_duration")
    as_at_first = (
        not cells.word(row, "remark")
        and cells.flag(row, "auto_confirm", True)
        and (minutes is None or minutes == DEFAULT_TAKEOVER)
    )
    return [words.CHECK_THREE] if as_at_first else []


def _same_seller(draft: Draft, old: OldAccount, first: str) -> None:
    """Two rows with one login: what hangs on the second goes to the account of the first."""
    other = draft.accounts.get(first)
    if other is None or other.owner != old.owner:
        draft.leave(Part.ACCOUNTS, old.key, words.same_seller_elsewhere(first))
        return
    draft.accounts[old.key] = other
    draft.leave(Part.ACCOUNTS, old.key, words.same_seller(first), outcome=Outcome.KNOWN)


def _came_before(draft: Draft, old: OldAccount, there: Account | None) -> None:
    target = draft.known.ledger[ACCOUNT, old.key]
    found = next((one for one in draft.known.accounts if one.id == target), there)
    if found is None:
        draft.accounts[old.key] = replace(old, gone=True)
        draft.leave(Part.ACCOUNTS, old.key, words.ACCOUNT_GONE, outcome=Outcome.KNOWN)
        return
    draft.accounts[old.key] = replace(old, name=found.name, running=found.enabled, here=found.id)
    draft.leave(Part.ACCOUNTS, old.key, outcome=Outcome.KNOWN)


def _is_there(draft: Draft, old: OldAccount, there: Account) -> None:
    draft.accounts[old.key] = replace(old, name=there.name, running=there.enabled, here=there.id)
    notes = [words.account_there(there.name)]
    if there.enabled:
        notes.append(words.ACCOUNT_RUNS)
    draft.put(line_of(Part.ACCOUNTS, old.key, notes), ACCOUNT, old.key, SameAccount(there.id))
