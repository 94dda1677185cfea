"""The shop, its accounts and backups in chat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from hub import text
from hub.commands import Action
from hub.desk.accounts import Accounts
from hub.desk.backups import BackupDesk
from hub.desk.items import Items
from hub.desk.operator import Operator
from hub.desk.system import System
from hub.errors import Invalid, Refusal
from hub.model import Scope, TaskKind
from hub.text import emergency as words
from hub.text import nodes as node_words

ITEMS_SHOWN = 15
"""Of one account; more would be a wall of text in a chat."""
ABOUT_THE_SHOP = frozenset(
    {
        Action.STATUS,
        Action.ITEMS,
        Action.ACCOUNTS,
        Action.RECONNECT,
        Action.SWITCH_ON,
        Action.SWITCH_OFF,
        Action.BACKUP,
    }
)
"""What this surface answers."""


class ShopChat:
    def __init__(
        self,
        accounts: Accounts,
        items: Items,
        system: System,
        backups: BackupDesk,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._accounts = accounts
        self._items = items
        self._system = system
        self._backups = backups
        self._now = now
        self._zone = zone

    async def run(self, operator: Operator, action: Action, argument: str) -> str:
        match action:
            case Action.STATUS:
                return await self._status(operator)
            case Action.ITEMS:
                return await self._item_lists(operator, argument)
            case Action.RECONNECT:
                return await self._reconnect(operator, argument)
            case Action.SWITCH_ON | Action.SWITCH_OFF:
                return await self._switch(operator, argument, on=action is Action.SWITCH_ON)
            case Action.BACKUP:
                return text.backups.made_in_chat(await self._backups.make(operator))
            case _:
                return await self._list(operator)

    async def _list(self, operator: Operator) -> str:
        accounts = await self._accounts.all(operator)
        now = self._now()
        if not accounts:
            return "还没有账号，请在网页后台添加"
        return "\n".join(text.account_line(account, self._zone, now) for account in accounts)

    async def _reconnect(self, operator: Operator, name: str) -> str:
        account = await self._accounts.find(operator, name)
        if not await self._accounts.reconnect(operator, account.id):
            return text.no_need_to_reconnect(account)
        return text.reconnecting(account)

    async def _switch(self, operator: Operator, name: str, *, on: bool) -> str:
        """By name only: switching the wrong one off costs orders."""
        if not name.strip():
            names = "、".join(f"「{a.name}」" for a in await self._accounts.all(operator))
            raise Invalid(f"写上账号名，现在有{names}" if names else "还没有账号，请在网页后台添加")
        account = await self._accounts.find(operator, name)
        return text.account_switched(await self._accounts.switch(operator, account.id, on=on))

    async def _item_lists(self, operator: Operator, argument: str) -> str:
        """`[账号] [词]`: a first word that names an account means that one."""
        accounts = await self._accounts.all(operator)
        first, _, rest = argument.partition(" ")
        named = [account for account in accounts if account.name == first]
        word = (rest if named else argument).strip()
        lists = []
        for account in named or [account for account in accounts if account.enabled]:
            try:
                found = await self._items.fresh(operator, account.id)
            except Refusal as refusal:
                lists.append(f"【{account.name}】{refusal.text}")
                continue
            items = [item for item in found.items if word.lower() in item.title.lower()]
            if items:
                shown = items[:ITEMS_SHOWN]
                lists.append(text.item_list(account.name, shown, len(items) - len(shown)))
        return "\n".join(lists) or text.no_items(word)

    async def _status(self, operator: Operator) -> str:
        overview = await self._system.overview(operator)
        now = self._now()
        waiting = overview.waiting.get(TaskKind.SEND, 0)
        names = {one.id: one for one in overview.accounts}
        halted = {one.hold.scope for one in overview.holds if one.place.halted}
        whole = {Scope(account=stop.account) for stop in overview.stops} & halted
        stops = [
            words.stands(
                names.get(stop.account) if stop.account is not None else None,
                stop.reason,
                answers=Scope(account=stop.account) in whole,
            )
            for stop in overview.stops
        ]
        holds = [
            text.held_line(one.hold, one.place, self._zone, now)
            for one in overview.holds
            if not (one.place.halted and one.hold.scope in whole)
        ]
        page = text.status_page(
            overview.accounts,
            holds,
            waiting,
            self._zone,
            now,
            stops=stops,
            needs=overview.needs,
            nodes=node_words.node_lines(
                overview.nodes, {one.id: one.name for one in overview.accounts}
            ),
        )
        trouble = overview.backup_trouble
        return f"{page}\n{text.backups.failed(trouble.reason)}" if trouble is not None else page
