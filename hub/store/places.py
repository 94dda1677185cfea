"""What people call the thing that a hold stops."""

from __future__ import annotations

from dataclasses import replace

from hub.model import Hold, HoldKind, Place, Scope, ShopId
from hub.store.tx import Tx


def place_of(tx: Tx, shop: ShopId, scope: Scope) -> Place:
    """Its name is empty when it has none, or is no more."""
    if scope.conversation is not None:
        found = tx.conversations.get(shop, scope.conversation)
        return Place(scope, found.buyer_name, found.ticket) if found is not None else Place(scope)
    if scope.item is not None:
        return Place(scope, tx.items.title(shop, scope.item))
    if scope.account is not None:
        account = tx.accounts.get(shop, scope.account)
        return Place(scope, account.name if account is not None else "")
    return Place(scope)


def held_place(tx: Tx, hold: Hold) -> Place:
    """What it stops."""
    place = place_of(tx, hold.shop, hold.scope)
    return replace(place, halted=hold.kind is HoldKind.EMERGENCY)
