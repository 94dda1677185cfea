"""Accounts: seller logins with their sealed credentials, each in a column of its own (L46)."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from hub.errors import Conflict
from hub.model import Account, AccountId, AccountState, PlatformUser, ShopId
from hub.store.codec import micros, micros_or_none, moment, moment_or_none
from hub.store.nouns import StoredToken, TokenTries
from hub.store.sql import Row, Sql, Statement
from hub.store.vault import Vault

_COLUMNS = (
    "id, shop_id, name, platform_user, device_id, enabled, state, state_reason, state_since,"
    " takeover_minutes, logins, offline_since, state_until, check_url, starts, started_at,"
    " told_since"
)

_ADD = Statement(
    "INSERT INTO accounts (shop_id, name, platform_user, device_id, cookies, proxy, enabled, state,"
    " state_reason, state_since, check_url, takeover_minutes, logins, starts, started_at,"
    " token_failures, created_at)"
    " VALUES (:shop, :name, :user, :device_id, :cookies, :proxy, TRUE, 'new', '', :now, '',"
    " :takeover_minutes, 1, 1, :now, 0, :now) ON CONFLICT DO NOTHING RETURNING id"
)
_USER_TAKEN = Statement("SELECT 1 FROM accounts WHERE platform_user = :user")
_NAME_TAKEN = Statement(
    "SELECT 1 FROM accounts WHERE shop_id = :shop AND name = :name AND id <> :id"
)
_GET = Statement(f"SELECT {_COLUMNS} FROM accounts WHERE shop_id = :shop AND id = :id")
_ALL = Statement(f"SELECT {_COLUMNS} FROM accounts WHERE shop_id = :shop ORDER BY id")
_ENABLED = Statement(f"SELECT {_COLUMNS} FROM accounts WHERE enabled ORDER BY id")
_EVERY = Statement("SELECT id, enabled FROM accounts")
_BY_USER = Statement(
    f"SELECT {_COLUMNS} FROM accounts WHERE shop_id = :shop AND platform_user = :user"
)
_COOKIES = Statement("SELECT cookies FROM accounts WHERE shop_id = :shop AND id = :id")
_SET_COOKIES = Statement(
    "UPDATE accounts SET cookies = :cookies WHERE shop_id = :shop AND id = :id"
)
_PROXY = Statement("SELECT proxy FROM accounts WHERE shop_id = :shop AND id = :id")
_SET_PROXY = Statement("UPDATE accounts SET proxy = :proxy WHERE shop_id = :shop AND id = :id")
_NEW_LOGIN = Statement(
    "UPDATE accounts SET cookies = :cookies, token = NULL, token_device_id = NULL,"
    " token_expires_at = NULL, token_fetched_at = NULL, token_asked_at = NULL, token_failures = 0,"
    " renewed_at = NULL, logins = logins + 1, starts = starts + 1, started_at = :now"
    " WHERE shop_id = :shop AND id = :id"
)
_CLEAR_STATE = "state_reason = '', state_since = :now, state_until = NULL, check_url = ''"
_LOGIN_MENDED = Statement(
    f"UPDATE accounts SET state = 'new', {_CLEAR_STATE} WHERE shop_id = :shop AND id = :id"
    " AND state IN ('waiting', 'renewing', 'logged_out', 'verification_needed', 'held')"
)
_RECONNECT = Statement(
    f"UPDATE accounts SET state = 'connecting', {_CLEAR_STATE}, token_failures = 0,"
    " starts = starts + 1, started_at = :now WHERE shop_id = :shop AND id = :id AND enabled"
    " AND state IN ('waiting', 'logged_out', 'verification_needed', 'held')"
)
_REDIAL = Statement(
    f"UPDATE accounts SET state = 'connecting', {_CLEAR_STATE}, starts = starts + 1,"
    " started_at = :now WHERE shop_id = :shop AND id = :id AND state = 'waiting'"
)
_START = Statement(
    "UPDATE accounts SET starts = starts + 1, started_at = :now WHERE shop_id = :shop"
    " AND id = :id AND state IN ('new', 'connecting', 'online', 'renewing')"
)
_ENABLE = Statement(
    f"UPDATE accounts SET enabled = TRUE, state = 'new', {_CLEAR_STATE}, token_failures = 0,"
    " starts = starts + 1, started_at = :now WHERE shop_id = :shop AND id = :id AND NOT enabled"
)
_DISABLE = Statement(
    f"UPDATE accounts SET enabled = FALSE, state = 'disabled', {_CLEAR_STATE},"
    " offline_since = NULL, told_since = NULL WHERE shop_id = :shop AND id = :id AND enabled"
)
_SET_STATE = Statement(
    "UPDATE accounts SET state = :state, state_reason = :reason, state_until = :until,"
    " check_url = :url,"
    " offline_since = CASE WHEN :state = 'online' THEN NULL WHEN state = 'online' THEN :now"
    " ELSE offline_since END,"
    " told_since = CASE WHEN :state = 'online' THEN NULL ELSE told_since END,"
    " state_since = CASE WHEN state = :state THEN state_since ELSE :now END"
    " WHERE shop_id = :shop AND id = :id AND (state <> :state OR state_reason <> :reason"
    " OR check_url <> :url OR COALESCE(state_until, 0) <> :until_or_0)"
)
_SET_TOLD = Statement(
    "UPDATE accounts SET told_since = :since"
    " WHERE shop_id = :shop AND id = :id AND told_since IS NULL"
)
_RENAME = Statement("UPDATE accounts SET name = :name WHERE shop_id = :shop AND id = :id")
_SET_TAKEOVER = Statement(
    "UPDATE accounts SET takeover_minutes = :minutes WHERE shop_id = :shop AND id = :id"
)
_TOKEN = Statement(
    "SELECT token, token_device_id, token_expires_at, token_fetched_at FROM accounts"
    " WHERE shop_id = :shop AND id = :id AND token IS NOT NULL"
)
_SET_TOKEN = Statement(
    "UPDATE accounts SET token = :token, token_device_id = :device_id,"
    " token_expires_at = :expires_at, token_fetched_at = :fetched_at"
    " WHERE shop_id = :shop AND id = :id"
)
_TOKEN_TRIES = Statement(
    "SELECT token_asked_at, token_failures FROM accounts WHERE shop_id = :shop AND id = :id"
)
_TOKEN_ASKED = Statement(
    "UPDATE accounts SET token_asked_at = :now WHERE shop_id = :shop AND id = :id"
)
_TOKEN_FAILURES = Statement(
    "UPDATE accounts SET token_failures = :failures"
    " WHERE shop_id = :shop AND id = :id AND token_failures <> :failures"
)
_RENEWED_AT = Statement("SELECT renewed_at FROM accounts WHERE shop_id = :shop AND id = :id")
_SET_RENEWED = Statement("UPDATE accounts SET renewed_at = :now WHERE shop_id = :shop AND id = :id")
_REMOVE = Statement("DELETE FROM accounts WHERE shop_id = :shop AND id = :id")


class Accounts:
    __slots__ = ("_sql", "_vault")

    def __init__(self, sql: Sql, vault: Vault) -> None:
        self._sql = sql
        self._vault = vault

    def add(
        self,
        shop: ShopId,
        *,
        name: str,
        user: PlatformUser,
        device_id: str,
        cookies: str,
        proxy: str | None = None,
        takeover_minutes: int,
        now: datetime,
    ) -> Account:
        """A new enabled account. Raises Conflict if the user or the name exists already."""
        id_ = self._sql.value(
            _ADD,
            shop=shop,
            name=name,
            user=user,
            device_id=device_id,
            cookies=self._vault.seal(cookies),
            proxy=None if proxy is None else self._vault.seal(proxy),
            takeover_minutes=takeover_minutes,
            now=micros(now),
        )
        if id_ is None:
            if self._sql.value(_USER_TAKEN, user=user):
                raise Conflict(f"an account of platform user {user} exists already")
            raise Conflict(f"account name {name!r} is taken")
        self._sql.changed(shop, "account", id_)
        account = self.get(shop, AccountId(id_))
        assert account is not None  # noqa: S101 - inserted above
        return account

    def get(self, shop: ShopId, id_: AccountId) -> Account | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_account(row)

    def all(self, shop: ShopId) -> list[Account]:
        return [_to_account(row) for row in self._sql.rows(_ALL, shop=shop)]

    def enabled(self) -> list[Account]:
        """Accounts that want a connection. System-wide: one supervisor runs those of all shops."""
        return [_to_account(row) for row in self._sql.rows(_ENABLED)]

    def every(self) -> dict[AccountId, bool]:
        """All there are, and whether each is enabled. System-wide: nodes share them, whoever's they
        are."""
        return {AccountId(id_): bool(enabled) for id_, enabled in self._sql.rows(_EVERY)}

    def by_user(self, shop: ShopId, user: PlatformUser) -> Account | None:
        row = self._sql.row(_BY_USER, shop=shop, user=user)
        return None if row is None else _to_account(row)

    def cookies(self, shop: ShopId, id_: AccountId) -> str:
        """The cookie text in clear; empty if there is no such account."""
        sealed = self._sql.value(_COOKIES, shop=shop, id=id_)
        return "" if sealed is None else self._vault.unseal(sealed)

    def set_cookies(self, shop: ShopId, id_: AccountId, text: str) -> None:
        """Touches nothing but the cookies (L46)."""
        self._sql.run(_SET_COOKIES, shop=shop, id=id_, cookies=self._vault.seal(text))

    def proxy(self, shop: ShopId, id_: AccountId) -> str | None:
        """The address of its proxy in clear, with name and password; None: it leaves directly."""
        sealed = self._sql.value(_PROXY, shop=shop, id=id_)
        return None if sealed is None else self._vault.unseal(sealed)

    def set_proxy(self, shop: ShopId, id_: AccountId, proxy: str | None, now: datetime) -> bool:
        """False: it had that one. Otherwise the line starts afresh, unless the account rests until
        a person acts: another address alone is no reason to try again what was refused.
        """
        if proxy == self.proxy(shop, id_):
            return False
        sealed = None if proxy is None else self._vault.seal(proxy)
        touched = self._sql.run(_SET_PROXY, shop=shop, id=id_, proxy=sealed)
        if not self._sql.run(_REDIAL, shop=shop, id=id_, now=micros(now)):
            self._sql.run(_START, shop=shop, id=id_, now=micros(now))
        return self._changed(shop, id_, touched)

    def new_login(self, shop: ShopId, id_: AccountId, *, cookies: str, now: datetime) -> None:
        """A person gave new credentials: the old token goes, and what was remembered of attempts
        with the old ones; `logins` and `starts` count one more.

        An account that waited for anything is NEW again.
        """
        sealed = self._vault.seal(cookies)
        touched = self._sql.run(_NEW_LOGIN, shop=shop, id=id_, cookies=sealed, now=micros(now))
        self._sql.run(_LOGIN_MENDED, shop=shop, id=id_, now=micros(now))
        self._changed(shop, id_, touched)

    def set_enabled(self, shop: ShopId, id_: AccountId, enabled: bool, now: datetime) -> bool:
        """True if that was news. A disabled account is in state DISABLED, an enabled one is NEW."""
        statement = _ENABLE if enabled else _DISABLE
        touched = self._sql.run(statement, shop=shop, id=id_, now=micros(now))
        return self._changed(shop, id_, touched)

    def reconnect(self, shop: ShopId, id_: AccountId, now: datetime) -> bool:
        """End a wait, a hold or a rest: the runner starts afresh at once. False: nothing to end."""
        return self._changed(
            shop, id_, self._sql.run(_RECONNECT, shop=shop, id=id_, now=micros(now))
        )

    def set_state(
        self,
        shop: ShopId,
        id_: AccountId,
        state: AccountState,
        reason: str,
        now: datetime,
        *,
        until: datetime | None = None,
        url: str = "",
    ) -> bool:
        """True if anything changed; `state_since` moves only with the state.

        ONLINE ends the outage, and the trouble that owners were told of.
        """
        touched = self._sql.run(
            _SET_STATE,
            shop=shop,
            id=id_,
            state=state,
            reason=reason,
            until=micros_or_none(until),
            until_or_0=0 if until is None else micros(until),
            url=url,
            now=micros(now),
        )
        return self._changed(shop, id_, touched)

    def set_told(self, shop: ShopId, id_: AccountId, since: datetime) -> None:
        """Owners know of trouble that began at `since`; the first telling counts."""
        self._sql.run(_SET_TOLD, shop=shop, id=id_, since=micros(since))

    def rename(self, shop: ShopId, id_: AccountId, name: str) -> None:
        """Raises Conflict if another account of the shop has that name."""
        if self._sql.value(_NAME_TAKEN, shop=shop, id=id_, name=name):
            raise Conflict(f"account name {name!r} is taken")
        self._changed(shop, id_, self._sql.run(_RENAME, shop=shop, id=id_, name=name))

    def set_takeover_minutes(self, shop: ShopId, id_: AccountId, minutes: int) -> None:
        touched = self._sql.run(_SET_TAKEOVER, shop=shop, id=id_, minutes=minutes)
        self._changed(shop, id_, touched)

    def token(self, shop: ShopId, id_: AccountId) -> StoredToken | None:
        row = self._sql.row(_TOKEN, shop=shop, id=id_)
        if row is None:
            return None
        value, device_id, expires_at, fetched_at = row
        return StoredToken(
            self._vault.unseal(value), device_id, moment(expires_at), moment(fetched_at)
        )

    def set_token(self, shop: ShopId, id_: AccountId, token: StoredToken | None) -> None:
        """None forgets the token."""
        self._sql.run(
            _SET_TOKEN,
            shop=shop,
            id=id_,
            token=None if token is None else self._vault.seal(token.value),
            device_id=None if token is None else token.device_id,
            expires_at=None if token is None else micros(token.expires_at),
            fetched_at=None if token is None else micros(token.fetched_at),
        )

    def token_tries(self, shop: ShopId, id_: AccountId) -> TokenTries:
        row = self._sql.row(_TOKEN_TRIES, shop=shop, id=id_)
        return TokenTries() if row is None else TokenTries(moment_or_none(row[0]), row[1])

    def token_asked(self, shop: ShopId, id_: AccountId, now: datetime) -> None:
        """Remember an attempt before it is made, so that no crash makes it forgotten."""
        self._sql.run(_TOKEN_ASKED, shop=shop, id=id_, now=micros(now))

    def set_token_failures(self, shop: ShopId, id_: AccountId, failures: int) -> None:
        self._sql.run(_TOKEN_FAILURES, shop=shop, id=id_, failures=failures)

    def renewed_at(self, shop: ShopId, id_: AccountId) -> datetime | None:
        """When the login was last renewed, or when that was last tried."""
        return moment_or_none(self._sql.value(_RENEWED_AT, shop=shop, id=id_))

    def set_renewed(self, shop: ShopId, id_: AccountId, now: datetime) -> None:
        self._sql.run(_SET_RENEWED, shop=shop, id=id_, now=micros(now))

    def remove(self, shop: ShopId, id_: AccountId) -> bool:
        """The account with its conversations, messages, rules and all that hangs on them (L50)."""
        return self._changed(shop, id_, self._sql.run(_REMOVE, shop=shop, id=id_))

    def _changed(self, shop: ShopId, id_: AccountId, touched: int) -> bool:
        if touched:
            self._sql.changed(shop, "account", id_)
        return touched > 0


@lru_cache(maxsize=1024)
def _to_account(row: Row) -> Account:
    """Remembered, because accounts are read all the time and change rarely."""
    id_, shop, name, user, device_id, enabled, state, reason, since, *rest = row
    minutes, logins, gone, until, url, starts, started, told = rest
    return Account(
        id=AccountId(id_),
        shop=ShopId(shop),
        name=name,
        user=PlatformUser(user),
        device_id=device_id,
        enabled=bool(enabled),
        state=AccountState(state),
        state_reason=reason,
        state_since=moment(since),
        takeover_minutes=minutes,
        offline_since=moment_or_none(gone),
        logins=logins,
        state_until=moment_or_none(until),
        check_url=url,
        starts=starts,
        started_at=moment(started),
        told_since=moment_or_none(told),
    )
