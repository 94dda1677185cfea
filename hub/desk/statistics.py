"""What happened in the shop: by day and by account. Nothing of it leaves the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.desk.operator import Operator
from hub.model import AccountId, Counted, Figures, Role
from hub.policy import figures, figures_since
from hub.store import Store, Tx

MOST_DAYS = 366


class StatisticsDesk:
    def __init__(self, store: Store, now: Callable[[], datetime], zone: ZoneInfo) -> None:
        self._store = store
        self._now = now
        self._zone = zone

    async def figures(
        self, operator: Operator, *, days: int = 30, account: AccountId | None = None
    ) -> Figures:
        """Of the last `days` days, today among them; of one account or of all."""
        operator.require(Role.VIEWER)
        now, days = self._now(), max(1, min(days, MOST_DAYS))
        since = figures_since(days, self._zone, now)

        def unit(tx: Tx) -> dict[str, Counted]:
            return {
                one.name: tx.statistics.counted(operator.shop, one.id, since)
                for one in tx.accounts.all(operator.shop)
                if account in (None, one.id)
            }

        counted = await self._store.read(unit)
        of_all = figures(counted.values(), days, self._zone, now)
        by_account = {
            name: figures([one], days, self._zone, now).total for name, one in counted.items()
        }
        return replace(of_all, by_account=by_account)
