"""What owners are told about the lines of their accounts: once, and of many accounts together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub import text
from hub.model import RESTING, Account, AccountState, ShopId, Urgent, UrgentNews
from hub.notices import tell_owners_of_shop
from hub.policy import GATHER, AccountNews, account_news, was_told
from hub.store import Outage, Tx

TOGETHER = 3
"""From so many accounts on, what is due at the same time becomes one message."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    account: Account
    news: AccountNews

    @property
    def urgent(self) -> UrgentNews | None:
        news = self.news
        return UrgentNews(Urgent.ACCOUNT, news.step) if news.needs_person else None

    @property
    def key(self) -> str:
        """The same for the same telling, also after a restart."""
        account, news = self.account, self.news
        kind = account.state.value if news.needs_person else "offline"
        return f"account:{account.id}:{kind}:{news.since.isoformat()}:{news.step}"


class News:
    """A unit of the store that is run again and again."""

    def __init__(self, now: Callable[[], datetime], zone: ZoneInfo) -> None:
        self._now = now
        self._zone = zone
        self.awake = now()
        """Since when the hub runs."""

    def __call__(self, tx: Tx) -> None:
        now = self._now()
        accounts: dict[ShopId, list[Account]] = {tx.shops.default(): []}
        for account in tx.accounts.enabled():
            accounts.setdefault(account.shop, []).append(account)
        for shop, some in accounts.items():
            self._tell_troubles(tx, shop, some, now)
            self._tell_ends(tx, shop, some, now)

    # --- Trouble --------------------------------------------------------------------------------

    def _tell_troubles(
        self, tx: Tx, shop: ShopId, accounts: Sequence[Account], now: datetime
    ) -> None:
        due = self._untold(tx, shop, accounts, now)
        ahead = {one.account.id for one in due}
        coming = any(
            not one.news.needs_person and one.account.id not in ahead
            for one in self._untold(tx, shop, accounts, now + GATHER)
        )
        outages = [one for one in due if not one.news.needs_person]
        if not coming or any(self._was_due(one, now - GATHER) for one in outages):
            self._tell(tx, shop, outages, now)
        self._tell(tx, shop, [one for one in due if one.news.needs_person], now)

    def _untold(
        self, tx: Tx, shop: ShopId, accounts: Sequence[Account], now: datetime
    ) -> list[_Trouble]:
        news = ((one, account_news(one, now, self.awake)) for one in accounts)
        troubles = (_Trouble(one, new) for one, new in news if new is not None)
        due = {trouble.key: trouble for trouble in troubles}
        known = tx.inputs.known(shop, due)
        return [trouble for key, trouble in due.items() if key not in known]

    def _was_due(self, trouble: _Trouble, then: datetime) -> bool:
        return account_news(trouble.account, then, self.awake) == trouble.news

    def _tell(self, tx: Tx, shop: ShopId, troubles: Sequence[_Trouble], now: datetime) -> None:
        told = []
        if len(troubles) >= TOGETHER:
            accounts = [one.account for one in troubles]
            longest = max(now - one.news.since for one in troubles)
            said = (
                text.accounts_need_you(accounts)
                if troubles[0].news.needs_person
                else text.accounts_trouble(accounts, longest)
            )
            key = f"{troubles[0].key}:together:{now.isoformat()}"
            freshest = min(troubles, key=lambda one: one.news.step)
            if tell_owners_of_shop(tx, shop, said, key=key, now=now, urgent=freshest.urgent):
                told = list(troubles)
        else:
            told = [one for one in troubles if self._tell_one(tx, one, now)]
        for one in told:
            account = one.account
            tx.inputs.first_time(shop, one.key, now)
            tx.accounts.set_told(shop, account.id, account.offline_since or one.news.since)

    def _tell_one(self, tx: Tx, trouble: _Trouble, now: datetime) -> bool:
        account, news = trouble.account, trouble.news
        age = now - news.since
        said = text.account_trouble(account, age, self._zone, now, again=news.step > 0)
        return tell_owners_of_shop(
            tx,
            account.shop,
            said,
            key=trouble.key,
            now=now,
            account=account.id,
            urgent=trouble.urgent,
        )

    # --- Its end --------------------------------------------------------------------------------

    def _tell_ends(self, tx: Tx, shop: ShopId, accounts: Sequence[Account], now: datetime) -> None:
        """In the unit that forgets the outages: a crash in between tells them later."""
        outages = tx.comparisons.outages(shop)
        over = [(one, one.caught_up_at) for one in outages if one.caught_up_at is not None]
        coming = len(over) < len(outages) or any(_on_its_way(one) for one in accounts)
        if coming and not any(now - at >= GATHER for _, at in over):
            return
        worth = [one for one, _ in over if _is_worth_telling(one)]
        back = [(one, account) for one in worth if (account := tx.accounts.get(shop, one.account))]
        if len(back) >= TOGETHER:
            said = text.accounts_back(
                [account for _, account in back],
                max(one.until - one.since for one, _ in back),
                messages=sum(one.messages for one, _ in back),
                expired=sum(one.expired for one, _ in back),
                orders=sum(one.orders for one, _ in back),
            )
            tell_owners_of_shop(tx, shop, said, key=f"accounts:back:{now.isoformat()}", now=now)
        else:
            for one, account in back:
                said = text.account_back(
                    account,
                    one.until - one.since,
                    messages=one.messages,
                    expired=one.expired,
                    orders=one.orders,
                )
                key = f"account:{account.id}:back:{one.since.isoformat()}"
                tell_owners_of_shop(tx, shop, said, key=key, now=now, account=account.id)
        for one, _ in over:
            tx.comparisons.close_outage(shop, one.account)


def _on_its_way(account: Account) -> bool:
    """Owners know that it is down, and it may be back at any moment."""
    down = account.state is not AccountState.ONLINE and account.state not in RESTING
    return down and account.told_since is not None


def _is_worth_telling(outage: Outage) -> bool:
    long = outage.told or was_told(outage.since, outage.until)
    return long or outage.messages > 0 or outage.orders > 0
