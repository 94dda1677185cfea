"""How far AI may go somewhere, changed by a word; the rest of its settings stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from hub.desk.operator import Operator
from hub.errors import NotFound
from hub.model import AiMode, Place, Role, Scope
from hub.policy import mode_for
from hub.store import Store, Tx, place_of


@dataclass(frozen=True, slots=True)
class AiStanding:
    """How far AI may go at a place."""

    place: Place
    own: AiMode | None
    """None: the wider place says."""
    mode: AiMode
    """What counts."""
    apart: tuple[tuple[Place, AiMode], ...]
    """Narrower places that say something of their own."""


class AiModes:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def standing(self, operator: Operator, scope: Scope) -> AiStanding:
        """`scope`: an item, an account or the whole shop."""
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: _standing(tx, operator, scope))

    async def set(self, operator: Operator, scope: Scope, mode: AiMode | None) -> AiStanding:
        """None: like the wider place. Holding AI back is for everybody who answers; what may let it
        speak by itself is the owner's to say, and so are drafts where these go out undecided."""
        free = mode in (None, AiMode.AUTOMATIC)
        operator.require(Role.OWNER if free else Role.AGENT)
        now, shop = self._now(), operator.shop

        def unit(tx: Tx) -> AiStanding:
            sends = tx.ai_scopes.settings(shop).limits.draft_sends
            if mode is AiMode.DRAFT and sends:
                before = _standing(tx, operator, scope).mode
                operator.require(Role.OWNER if before is AiMode.OFF else Role.AGENT)
            if scope.item is not None:
                known = tx.items.get(shop, scope.item)
                found = tx.ai_scopes.settings(shop, known.account if known else None, scope.item)
                tx.ai_scopes.set_item(shop, scope.item, replace(found.item, mode=mode), now)
            elif scope.account is not None:
                if tx.accounts.get(shop, scope.account) is None:
                    raise NotFound("这个账号不存在，可能已经被删除")
                found = tx.ai_scopes.settings(shop, scope.account, None)
                account = replace(found.account, mode=mode)
                tx.ai_scopes.set_account(shop, scope.account, account, now)
            else:
                found = tx.ai_scopes.settings(shop)
                tx.ai_scopes.set_shop(shop, replace(found.shop, mode=mode), found.limits, now)
            standing = _standing(tx, operator, scope)
            target = standing.place.name or "shop"
            operator.record(tx, "ai.mode", f"{target} {mode or 'default'}", now)
            return standing

        return await self._store.write(unit)


def _standing(tx: Tx, operator: Operator, scope: Scope) -> AiStanding:
    shop = operator.shop
    known = tx.items.get(shop, scope.item) if scope.item is not None else None
    account = known.account if known is not None else scope.account
    found = tx.ai_scopes.settings(shop, account, scope.item)
    if scope.item is not None:
        own = found.item.mode
    else:
        own = (found.account if scope.account is not None else found.shop).mode
    return AiStanding(
        place_of(tx, shop, scope), own, mode_for(found), tuple(_apart(tx, operator, scope))
    )


def _apart(tx: Tx, operator: Operator, scope: Scope) -> list[tuple[Place, AiMode]]:
    if scope.item is not None:
        return []
    shop = operator.shop
    apart = []
    if scope.account is None:
        for account, said in tx.ai_scopes.accounts(shop).items():
            if said.mode is not None:
                apart.append((place_of(tx, shop, Scope(account=account)), said.mode))
    for item, said in tx.ai_scopes.items(shop).items():
        known = tx.items.get(shop, item)
        inside = scope.account is None or (known is not None and known.account == scope.account)
        if inside and said.mode is not None:
            apart.append((place_of(tx, shop, Scope(item=item)), said.mode))
    return apart
