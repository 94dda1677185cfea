"""Accounts: add by pasted cookie, log in anew, switch on and off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from hub.desk.operator import Operator
from hub.errors import Conflict, Invalid, NotFound
from hub.model import Account, AccountId, AccountState, Role
from hub.store import Store, Tx
from hub.xianyu import CookieJar, check_proxy, masked_proxy, new_device_id

LONGEST_NAME = 30


class Accounts:
    def __init__(self, store: Store, now: Callable[[], datetime], takeover_minutes: int) -> None:
        self._store = store
        self._now = now
        self._takeover_minutes = takeover_minutes

    async def all(self, operator: Operator) -> Sequence[Account]:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.accounts.all(operator.shop))

    async def add(self, operator: Operator, name: str, cookies: str, *, proxy: str = "") -> Account:
        """Add a seller login from a pasted cookie string; it is enabled at once.

        `proxy`: the way out of all its connections, as `check_proxy` takes it; empty: directly.
        """
        operator.require(Role.OWNER)
        alias = checked_name(name)
        way_out = checked_way_out(proxy)
        jar = CookieJar.parse(cookies)
        now = self._now()

        def unit(tx: Tx) -> Account:
            if any(a.name == alias for a in tx.accounts.all(operator.shop)):
                raise Invalid(f"已经有一个叫「{alias}」的账号，换个名字", {"name": "名字已被使用"})
            try:
                account = tx.accounts.add(
                    operator.shop,
                    name=alias,
                    user=jar.user,
                    device_id=new_device_id(jar.user),
                    cookies=jar.header(),
                    proxy=way_out,
                    takeover_minutes=self._takeover_minutes,
                    now=now,
                )
            except Conflict:
                raise Invalid(
                    f"闲鱼用户 {jar.user} 已经添加过了；"
                    "要换新的 Cookie，请在那个账号上点「更新登录」",
                    {"cookies": "这个闲鱼用户已经添加过"},
                ) from None
            operator.record(tx, "account.add", account.name, now)
            return account

        return await self._store.write(unit)

    async def log_in(self, operator: Operator, account: AccountId, cookies: str) -> Account:
        """Give an account new credentials; they must belong to the same seller."""
        operator.require(Role.OWNER)
        jar = CookieJar.parse(cookies)
        now = self._now()

        def unit(tx: Tx) -> Account:
            found = find_account(tx, operator, account)
            if found.user != jar.user:
                raise Invalid(
                    f"这份 Cookie 属于闲鱼用户 {jar.user}，而账号「{found.name}」是 {found.user}；"
                    "请用同一个闲鱼号登录，或者把它添加成新账号",
                    {"cookies": "不是同一个闲鱼用户"},
                )
            tx.accounts.new_login(operator.shop, account, cookies=jar.header(), now=now)
            operator.record(tx, "account.log_in", found.name, now)
            return find_account(tx, operator, account)

        return await self._store.write(unit)

    async def find(self, operator: Operator, name: str) -> Account:
        """The account that a person means: by its name or a part of it; without a name the only
        one, or the only one that is not connected.

        Raises Invalid or NotFound with what to write instead.
        """
        operator.require(Role.VIEWER)
        accounts = await self._store.read(lambda tx: tx.accounts.all(operator.shop))
        wanted = name.strip().strip("「」").casefold()
        exact = [a for a in accounts if a.name.casefold() == wanted]
        off = [a for a in accounts if a.enabled and a.state is not AccountState.ONLINE]
        if wanted:
            found = exact or [a for a in accounts if wanted in a.name.casefold()]
        else:
            found = accounts if len(accounts) == 1 else off
        if len(found) == 1:
            return found[0]
        names = "、".join(f"「{a.name}」" for a in found or accounts)
        if not names:
            raise NotFound("还没有账号，请在网页后台添加")
        if wanted and not found:
            raise NotFound(f"没有叫「{name.strip()}」的账号，现在有{names}")
        raise Invalid(f"要写清楚是哪个账号：{names}")

    async def reconnect(self, operator: Operator, account: AccountId) -> bool:
        """Try at once what waits, rests or was stopped. False: there is nothing to end.

        After a check was demanded this is one attempt; the platform's next no stops it again.
        Raises Invalid for an account that is switched off.
        """
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> bool:
            found = find_account(tx, operator, account)
            if not found.enabled:
                raise Invalid(f"账号「{found.name}」停用着，先发 /启用 {found.name}，或在后台启用")
            done = tx.accounts.reconnect(operator.shop, account, now)
            if done:
                operator.record(tx, "account.reconnect", found.name, now)
            return done

        return await self._store.write(unit)

    async def switch(self, operator: Operator, account: AccountId, *, on: bool) -> Account:
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> Account:
            found = find_account(tx, operator, account)
            if found.enabled != on:
                tx.accounts.set_enabled(operator.shop, account, on, now)
                operator.record(tx, "account.enable" if on else "account.disable", found.name, now)
            return find_account(tx, operator, account)

        return await self._store.write(unit)

    async def proxy(self, operator: Operator, account: AccountId) -> str:
        """Through which proxy the account leaves, as it may be shown; empty: directly."""
        operator.require(Role.OWNER)

        def unit(tx: Tx) -> str:
            find_account(tx, operator, account)
            proxy = tx.accounts.proxy(operator.shop, account)
            return "" if proxy is None else masked_proxy(proxy)

        return await self._store.read(unit)

    async def set_proxy(self, operator: Operator, account: AccountId, proxy: str) -> Account:
        """From now on all connections of the account leave through this proxy; empty: directly.

        A running line is dialled anew. The same proxy again changes nothing.
        """
        operator.require(Role.OWNER)
        way_out, now = checked_way_out(proxy), self._now()

        def unit(tx: Tx) -> Account:
            found = find_account(tx, operator, account)
            if tx.accounts.set_proxy(operator.shop, account, way_out, now):
                act = "account.proxy" if way_out is not None else "account.proxy_off"
                operator.record(tx, act, found.name, now)
            return find_account(tx, operator, account)

        return await self._store.write(unit)

    async def configure(
        self,
        operator: Operator,
        account: AccountId,
        *,
        name: str | None = None,
        takeover_minutes: int | None = None,
    ) -> Account:
        """Change what is given, leave the rest (L54)."""
        operator.require(Role.OWNER)
        alias = checked_name(name) if name is not None else None
        if takeover_minutes is not None and not 0 <= takeover_minutes <= 1440:
            raise Invalid("人工接管时长要在 0 到 1440 分钟之间", {"takeover_minutes": "0 到 1440"})
        now = self._now()

        def unit(tx: Tx) -> Account:
            found = find_account(tx, operator, account)
            if alias is not None and alias != found.name:
                if any(a.name == alias for a in tx.accounts.all(operator.shop)):
                    raise Invalid(f"已经有一个叫「{alias}」的账号", {"name": "名字已被使用"})
                tx.accounts.rename(operator.shop, account, alias)
            if takeover_minutes is not None:
                tx.accounts.set_takeover_minutes(operator.shop, account, takeover_minutes)
            operator.record(tx, "account.configure", found.name, now)
            return find_account(tx, operator, account)

        return await self._store.write(unit)


def checked_name(name: str) -> str:
    alias = name.strip()
    if not alias or len(alias) > LONGEST_NAME:
        raise Invalid(
            f"账号名字要有 1 到 {LONGEST_NAME} 个字，它会出现在每条通知里",
            {"name": f"1 到 {LONGEST_NAME} 个字"},
        )
    return alias


def checked_way_out(proxy: str) -> str | None:
    """None: directly. Raises Invalid."""
    return check_proxy(proxy) if proxy.strip() else None


def find_account(tx: Tx, operator: Operator, account: AccountId) -> Account:
    found = tx.accounts.get(operator.shop, account)
    if found is None:
        raise NotFound("这个账号不存在，可能已经被删除")
    return found
