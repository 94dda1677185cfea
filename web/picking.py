"""Choosing items in a form: ticked among those that were read, or pasted as numbers or links."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from hub.model import Account, AccountId, Item
from web.auth import operator
from web.site import SITE

_IN_LINK = re.compile(r"(?:[?&]|^)(?:id|itemId)=(\d{6,24})")


@dataclass(frozen=True, slots=True)
class Picking:
    """What `pick_items.html` shows."""

    accounts: Sequence[Account]
    items: Mapping[AccountId, Sequence[Item]]
    """For sale, as last read."""
    chosen: Collection[str] = ()

    @property
    def others(self) -> str:
        """What was chosen and is in none of the lists."""
        known = {item.id for items in self.items.values() for item in items}
        return "\n".join(sorted(set(self.chosen) - known))

    @property
    def titles(self) -> dict[str, str]:
        return {item.id: item.title for items in self.items.values() for item in items}


async def picking(request: web.Request, chosen: Collection[str] = ()) -> Picking:
    desk, who = request.app[SITE].desk, operator(request)
    accounts = await desk.accounts.all(who)
    items = {one.id: (await desk.items.of_account(who, one.id)).items for one in accounts}
    return Picking(accounts, items, chosen)


async def picked(request: web.Request) -> set[str]:
    """The items of a form that was sent."""
    form = await request.post()
    ticked = {value for value in form.getall("item", []) if isinstance(value, str)}
    pasted = form.get("items", "")
    return ticked | set(_item_ids(pasted if isinstance(pasted, str) else ""))


def _item_ids(pasted: str) -> list[str]:
    """Numbers, or links in which they stand; anything else is kept, so that it can be blamed."""
    words = [word for word in re.split(r"[\s,，、;；]+", pasted) if word]
    return [match[1] if (match := _IN_LINK.search(word)) else word for word in words]
