"""`/体检`, in words."""

from __future__ import annotations

from hub import text
from hub.desk.checkup import CheckUps, ItemCheck, RuleCheck, SpecCheck
from hub.desk.operator import Operator
from hub.model import ConversationId, NeedKind, PoolKind, Spec
from hub.store import Store


class CheckChat:
    def __init__(self, store: Store, check_ups: CheckUps) -> None:
        self._store = store
        self._check_ups = check_ups

    async def run(self, operator: Operator, words: str, target: ConversationId | None) -> str:
        """`words`: what stands behind the command, without a ticket; else the item that the
        conversation is about."""
        wanted = words or await self._item_of(operator, target)
        if wanted:
            found = await self._check_ups.item(operator, wanted)
            return "\n\n".join(_item_page(one) for one in found)
        check = await self._check_ups.shop(operator)
        return text.check_up_shop(
            check.accounts,
            check.stops,
            [(one.sentence, _to_restock(one), one.short, one.there) for one in check.rules],
            switched_off=check.switched_off,
            needs=check.needs,
            held=check.held,
            halted=check.halted,
            guards=check.guards,
        )

    async def _item_of(self, operator: Operator, target: ConversationId | None) -> str:
        if target is None:
            return ""
        found = await self._store.read(lambda tx: tx.conversations.get(operator.shop, target))
        return (found.item_id or "") if found is not None else ""


def _item_page(check: ItemCheck) -> str:
    return text.check_up_item(
        check.title,
        check.account,
        on_sale=check.on_sale,
        stops=check.stops,
        halted=check.halted,
        specs=[_spec(one) for one in check.specs],
        guards=check.guards,
    )


def _spec(check: SpecCheck) -> tuple[Spec, NeedKind | None, str, str | None, int | None]:
    if isinstance(check.served, NeedKind):
        return check.spec, check.served, "", None, None
    served = check.served
    return check.spec, None, _to_restock(served), served.short, served.there


def _to_restock(check: RuleCheck) -> str:
    """The pool's name, where something can be put into it or nothing has to be."""
    if check.pool is None:
        return ""
    restocks = check.pool.kind is PoolKind.CODES and check.pool.enabled
    return check.pool.name if check.short is None or restocks else ""
