"""`/停` and `/开`."""

from __future__ import annotations

import re

from hub.commands import Action, narrow
from hub.desk.accounts import Accounts
from hub.desk.confirming import Confirmations
from hub.desk.emergency import Emergency, Going
from hub.desk.holds import Held
from hub.desk.operator import Operator
from hub.errors import NotFound
from hub.model import Account, OperatorMessage, Scope
from hub.text import emergency as words

_LENGTH = re.compile(r"\d|半|到|一会|一直|[一二两三四五六七八九十]+(?:个|分|小时|天)")
"""How long somebody may want it to last begins like this."""
WHOLE_SHOP = frozenset({"", "全店", "店铺", "整个店铺", "全部"})


def _is_told(held: Held, going: Going) -> bool:
    """With the stop of the same place, which the same command ends."""
    scopes = {Scope(account=stop.account) for stop, _ in going.stops}
    return held.place.halted and held.hold.scope in scopes


class EmergencyChat:
    def __init__(
        self, emergency: Emergency, accounts: Accounts, confirmations: Confirmations
    ) -> None:
        self._emergency = emergency
        self._accounts = accounts
        self._confirmations = confirmations

    async def run(
        self, operator: Operator, action: Action, name: str, message: OperatorMessage
    ) -> str:
        account = None
        if name.strip() not in WHOLE_SHOP:
            account = (await self._named(operator, name)).id
        if action is Action.HALT:
            halted = await self._emergency.halt(operator, account)
            return words.halted(halted.account, news=halted.news)

        async def act(who: Operator, code: str) -> str:
            going = await self._emergency.go(who, account, code=code)
            return words.going(
                going.account,
                news=going.news,
                orders=going.orders,
                stops=going.stops,
                paused=[one.place for one in going.held if not _is_told(one, going)],
            )

        return await self._confirmations.run(operator, message, "", act)

    async def _named(self, operator: Operator, name: str) -> Account:
        try:
            return await self._accounts.find(operator, name)
        except NotFound as unknown:
            if _LENGTH.match(narrow(name).strip()) is None:
                raise
            raise NotFound(words.has_no_end(unknown.text, name.strip())) from None
