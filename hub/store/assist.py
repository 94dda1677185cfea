"""AI: whom to ask, what shop, accounts and items say about it, and what was spent."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime, time, timedelta
from typing import Any

from hub.errors import Conflict
from hub.model import (
    AccountId,
    AiLimits,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    AiSettings,
    AiTry,
    AiUse,
    AiUseId,
    ConversationId,
    Hours,
    Intent,
    ShopId,
)
from hub.store.codec import micros
from hub.store.sql import Row, Sql, Statement
from hub.store.vault import Vault

_COLUMNS = (
    "id, shop_id, account_id, name, base_url, model, api_key, position, timeout_seconds,"
    " sees_pictures, allow_private, enabled"
)
_ALL = Statement(f"SELECT {_COLUMNS} FROM ai_profiles WHERE shop_id = :shop ORDER BY position, id")
_ANY = Statement("SELECT 1 FROM ai_profiles WHERE shop_id = :shop AND enabled LIMIT 1")
_GET = Statement(f"SELECT {_COLUMNS} FROM ai_profiles WHERE shop_id = :shop AND id = :id")
_ADD = Statement(
    "INSERT INTO ai_profiles (shop_id, account_id, name, base_url, model, api_key, position,"
    " timeout_seconds, sees_pictures, allow_private, enabled, created_at) VALUES (:shop, :account,"
    " :name, :base_url, :model, :api_key, :position, :timeout, :sees_pictures, :allow_private,"
    " :enabled, :now) ON CONFLICT DO NOTHING RETURNING id"
)
_NAME_TAKEN = Statement(
    "SELECT 1 FROM ai_profiles WHERE shop_id = :shop AND name = :name AND id <> :id"
)
_UPDATE = Statement(
    "UPDATE ai_profiles SET account_id = :account, name = :name, base_url = :base_url,"
    " model = :model, api_key = :api_key, position = :position, timeout_seconds = :timeout,"
    " sees_pictures = :sees_pictures, allow_private = :allow_private, enabled = :enabled"
    " WHERE shop_id = :shop AND id = :id"
)
_REMOVE = Statement("DELETE FROM ai_profiles WHERE shop_id = :shop AND id = :id")

_SCOPES = Statement(
    "SELECT account_id, item_id, value FROM ai_scopes WHERE shop_id = :shop"
    " AND account_id IS NULL AND item_id IS NULL"
    " UNION ALL SELECT account_id, item_id, value FROM ai_scopes WHERE shop_id = :shop"
    " AND account_id = :account"
    " UNION ALL SELECT account_id, item_id, value FROM ai_scopes WHERE shop_id = :shop"
    " AND item_id = :item"
)
_ALL_SCOPES = Statement(
    "SELECT account_id, item_id, value FROM ai_scopes WHERE shop_id = :shop ORDER BY changed_at"
)
_CLEAR_SCOPE = Statement(
    "DELETE FROM ai_scopes WHERE shop_id = :shop"
    " AND coalesce(account_id, 0) = coalesce(CAST(:account AS BIGINT), 0)"
    " AND coalesce(item_id, '') = coalesce(:item, '')"
)
_SET_SCOPE = Statement(
    "INSERT INTO ai_scopes (shop_id, account_id, item_id, value, changed_at)"
    " VALUES (:shop, :account, :item, :value, :now)"
)

_BEGIN = Statement(
    "INSERT INTO ai_uses (shop_id, account_id, conversation_id, profile_id, calls, tokens_in,"
    " tokens_out, outcome, at) VALUES (:shop, :account, :conversation, NULL, 1, 0, 0, 'asking',"
    " :now)"
)
_END = Statement("DELETE FROM ai_uses WHERE shop_id = :shop AND id = :id RETURNING at")
_SPENT = Statement(
    "INSERT INTO ai_uses (shop_id, account_id, conversation_id, profile_id, calls, tokens_in,"
    " tokens_out, outcome, at) VALUES (:shop, :account, :conversation, :profile, :calls,"
    " :tokens_in, :tokens_out, :outcome, :at)"
)
_SUM = "SELECT coalesce(sum(calls), 0), coalesce(sum(tokens_in + tokens_out), 0) FROM ai_uses"
_SUM_SHOP = Statement(f"{_SUM} WHERE shop_id = :shop AND at >= :since")
_SUM_CONVERSATION = Statement(
    f"{_SUM} WHERE shop_id = :shop AND conversation_id = :conversation AND at >= :since"
)
_BY_OUTCOME = Statement(
    "SELECT profile_id, outcome, sum(calls), sum(tokens_in + tokens_out) FROM ai_uses"
    " WHERE shop_id = :shop AND at >= :since GROUP BY profile_id, outcome ORDER BY profile_id"
)
_FORGET = Statement("DELETE FROM ai_uses WHERE shop_id = :shop AND at < :before")

KEPT = timedelta(days=60)
"""How long it stays known what was spent."""


class AiProfiles:
    __slots__ = ("_sql", "_vault")

    def __init__(self, sql: Sql, vault: Vault) -> None:
        self._sql = sql
        self._vault = vault

    def all(self, shop: ShopId) -> list[AiProfile]:
        """Disabled ones included, by position, with their keys in clear."""
        return [self._to_profile(row) for row in self._sql.rows(_ALL, shop=shop)]

    def any_enabled(self, shop: ShopId) -> bool:
        return self._sql.row(_ANY, shop=shop) is not None

    def get(self, shop: ShopId, id_: AiProfileId) -> AiProfile | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else self._to_profile(row)

    def add(self, profile: AiProfile, now: datetime) -> AiProfile:
        """A new profile of `profile.shop`; its id is given here. Raises Conflict if the name is
        taken."""
        id_ = self._sql.value(_ADD, **self._values(profile), now=micros(now))
        if id_ is None:
            raise Conflict(f"ai profile name {profile.name!r} is taken")
        return replace(profile, id=AiProfileId(id_))

    def save(self, profile: AiProfile) -> bool:
        """False: there is no such profile in this shop. Raises Conflict if the name is taken."""
        if self._sql.value(_NAME_TAKEN, shop=profile.shop, name=profile.name, id=profile.id):
            raise Conflict(f"ai profile name {profile.name!r} is taken")
        return self._sql.run(_UPDATE, id=profile.id, **self._values(profile)) > 0

    def remove(self, shop: ShopId, id_: AiProfileId) -> bool:
        return self._sql.run(_REMOVE, shop=shop, id=id_) > 0

    def _values(self, profile: AiProfile) -> dict[str, Any]:
        return {
            "shop": profile.shop,
            "account": profile.account,
            "name": profile.name,
            "base_url": profile.base_url,
            "model": profile.model,
            "api_key": self._vault.seal(profile.api_key),
            "position": profile.position,
            "timeout": profile.timeout_seconds,
            "sees_pictures": profile.sees_pictures,
            "allow_private": profile.allow_private,
            "enabled": profile.enabled,
        }

    def _to_profile(self, row: Row) -> AiProfile:
        id_, shop, account, name, base_url, model, api_key, position, timeout, *flags = row
        sees_pictures, allow_private, enabled = map(bool, flags)
        return AiProfile(
            id=AiProfileId(id_),
            shop=ShopId(shop),
            name=name,
            base_url=base_url,
            model=model,
            api_key=self._vault.unseal(api_key),
            account=None if account is None else AccountId(account),
            position=position,
            timeout_seconds=timeout,
            sees_pictures=sees_pictures,
            allow_private=allow_private,
            enabled=enabled,
        )


class AiScopes:
    """Settings and knowledge. Limits are the shop's and lie with its scope."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def settings(
        self, shop: ShopId, account: AccountId | None = None, item: str | None = None
    ) -> AiSettings:
        """What holds for an item of an account."""
        found = AiSettings()
        for of_account, of_item, value in self._sql.rows(
            _SCOPES, shop=shop, account=account, item=item
        ):
            fields = json.loads(value)
            if of_item is not None:
                found = replace(found, item=_to_scope(fields))
            elif of_account is not None:
                found = replace(found, account=_to_scope(fields))
            else:
                limits = AiLimits(**fields["limits"])
                found = replace(found, shop=_to_scope(fields), limits=limits)
        return found

    def accounts(self, shop: ShopId) -> dict[AccountId, AiScope]:
        """Accounts that say something of their own."""
        rows = self._sql.rows(_ALL_SCOPES, shop=shop)
        return {AccountId(a): _to_scope(json.loads(v)) for a, _, v in rows if a is not None}

    def items(self, shop: ShopId) -> dict[str, AiScope]:
        """Items that say something of their own, by their number on the platform."""
        rows = self._sql.rows(_ALL_SCOPES, shop=shop)
        return {item: _to_scope(json.loads(v)) for _, item, v in rows if item is not None}

    def set_shop(self, shop: ShopId, scope: AiScope, limits: AiLimits, now: datetime) -> None:
        value = {**_scope_fields(scope), "limits": asdict(limits)}
        self._set(shop, None, None, value, now)

    def set_account(self, shop: ShopId, account: AccountId, scope: AiScope, now: datetime) -> None:
        self._set(shop, account, None, _scope_fields(scope), now)

    def set_item(self, shop: ShopId, item: str, scope: AiScope, now: datetime) -> None:
        self._set(shop, None, item, _scope_fields(scope), now)

    def _set(
        self,
        shop: ShopId,
        account: AccountId | None,
        item: str | None,
        value: dict[str, Any],
        now: datetime,
    ) -> None:
        self._sql.run(_CLEAR_SCOPE, shop=shop, account=account, item=item)
        if value != _scope_fields(AiScope()):
            text = json.dumps(value, ensure_ascii=False)
            self._sql.run(
                _SET_SCOPE, shop=shop, account=account, item=item, value=text, now=micros(now)
            )


class AiUses:
    """What was spent, for budgets and for people."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def begin(
        self,
        shop: ShopId,
        account: AccountId | None,
        conversation: ConversationId | None,
        now: datetime,
    ) -> AiUseId:
        """Count a call before it is made. One that is never ended stays counted."""
        self._sql.run(_FORGET, shop=shop, before=micros(now - KEPT))
        id_ = self._sql.insert(
            _BEGIN, shop=shop, account=account, conversation=conversation, now=micros(now)
        )
        assert id_ is not None  # noqa: S101 - nothing it could collide with
        return AiUseId(id_)

    def end(
        self,
        shop: ShopId,
        id_: AiUseId,
        tries: Iterable[AiTry],
        *,
        account: AccountId | None,
        conversation: ConversationId | None,
    ) -> None:
        """Put what was really spent, a row for each profile, in the place of what was counted
        before. A second time it does nothing."""
        at = self._sql.value(_END, shop=shop, id=id_)
        if at is None:
            return
        for one in tries:
            self._sql.run(
                _SPENT,
                shop=shop,
                account=account,
                conversation=conversation,
                profile=one.profile,
                calls=one.calls,
                tokens_in=one.tokens_in,
                tokens_out=one.tokens_out,
                outcome="answered" if one.trouble is None else one.trouble,
                at=at,
            )

    def of_shop(self, shop: ShopId, since: datetime) -> AiUse:
        return AiUse(*self._one(_SUM_SHOP, shop=shop, since=micros(since)))

    def of_conversation(self, shop: ShopId, conversation: ConversationId, since: datetime) -> AiUse:
        return AiUse(
            *self._one(_SUM_CONVERSATION, shop=shop, conversation=conversation, since=micros(since))
        )

    def by_outcome(
        self, shop: ShopId, since: datetime
    ) -> list[tuple[AiProfileId | None, str, AiUse]]:
        """Per profile and outcome (`answered`, `asking`, or a trouble)."""
        rows = self._sql.rows(_BY_OUTCOME, shop=shop, since=micros(since))
        return [
            (None if profile is None else AiProfileId(profile), outcome, AiUse(calls, tokens))
            for profile, outcome, calls, tokens in rows
        ]

    def _one(self, statement: Statement, **values: Any) -> Row:
        row = self._sql.row(statement, **values)
        assert row is not None  # noqa: S101 - a sum is always there
        return row


def _scope_fields(scope: AiScope) -> dict[str, Any]:
    return {
        "mode": scope.mode,
        "intents": [[intent, mode] for intent, mode in scope.intents],
        "hours": None if scope.hours is None else [_span(one) for one in scope.hours],
        "knowledge": scope.knowledge,
        "prompt": scope.prompt,
    }


def _to_scope(fields: dict[str, Any]) -> AiScope:
    hours = fields["hours"]
    return AiScope(
        mode=None if fields["mode"] is None else AiMode(fields["mode"]),
        intents=tuple((Intent(intent), AiMode(mode)) for intent, mode in fields["intents"]),
        hours=None if hours is None else tuple(_hours(*span) for span in hours),
        knowledge=fields["knowledge"],
        prompt=fields["prompt"],
    )


def _span(hours: Hours) -> list[str]:
    return [hours.start.isoformat("minutes"), hours.end.isoformat("minutes")]


def _hours(start: str, end: str) -> Hours:
    return Hours(time.fromisoformat(start), time.fromisoformat(end))
