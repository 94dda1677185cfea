"""`yuqiao check`: what must be in order, one line each, and what to do where it is not."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from hub.cluster import MOST_APART, ahead_of
from hub.errors import StoreError, Unreachable
from hub.model import Account
from hub.settings import Settings, WebSettings, XianyuSettings
from hub.store import Database, Store, Tx
from hub.text import ACCOUNT_STATES, account_mend, span
from hub.text import nodes as words
from hub.xianyu import masked_proxy, reach

REACH_SECONDS = 5.0
PROXY_SECONDS = 10.0
PROXY_MEND = "到后台这个账号的页面检查代理的地址、用户名密码和有效期"
NO_ACCOUNTS = "还没有账号，到后台「账号」页添加"
LEAST_DISK = 500 * 1024 * 1024
MOST_SKEW = timedelta(minutes=2)
"""Requests to the platform carry a time stamp; far more than this and they are refused."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `mend` says what to do when it is not in order."""

    ok: bool
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{'✓' if self.ok else '✗'} {self.what}" + (f"。{self.mend}" if self.mend else "")


async def check_store(settings: Settings, store: Store) -> list[Finding]:
    """Database, disk and accounts; asks nothing outside this machine."""
    path, place = settings.database.path, Database.chosen(settings.database)
    try:
        await store.ping()
        accounts = await store.read(lambda tx: tx.accounts.all(tx.shops.default()))
    except StoreError as error:
        return [Finding(False, f"数据库 {place} 没有应答", str(error))]
    return [
        Finding(True, f"数据库 {place}，密钥相符"),
        *([] if store.alone else [await _clock_of_database(store)]),
        _disk(path.parent),
        *([_account(account) for account in accounts] or [Finding(True, NO_ACCOUNTS)]),
    ]


def closed_store(settings: Settings, error: StoreError) -> list[Finding]:
    """The same when the database cannot even be opened; a full disk may be the reason."""
    path, place = settings.database.path, Database.chosen(settings.database)
    folder = next((one for one in path.absolute().parents if one.is_dir()), Path("/"))
    return [Finding(False, f"数据库 {place} 打不开", str(error)), _disk(folder)]


async def check_running(web: WebSettings) -> Finding:
    """Whether a hub answers here. That none does is nothing wrong: people check before a start."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(web.host, web.host)  # noqa: S104 - of a setting
    timeout = aiohttp.ClientTimeout(total=REACH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"http://{host}:{web.port}/health/live") as response,
        ):
            runs = "version" in await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError, TypeError):
        runs = False
    if runs:
        return Finding(True, f"鱼桥正在运行，端口 {web.port}")
    return Finding(True, f"鱼桥没有在运行（端口 {web.port} 没有应答），账号的状态是停下时的")


async def check_platform(settings: XianyuSettings) -> list[Finding]:
    """Whether Xianyu's four addresses can be reached from here, and whether the clocks agree."""
    places = {
        "消息连接": settings.ws_url,
        "接口": settings.mtop_url,
        "登录": settings.passport_url,
        "上传": settings.upload_url,
    }
    reached = await asyncio.gather(*(_reach(name, url) for name, url in places.items()))
    return [*reached, await _clock(settings.mtop_url)]


async def check_proxies(settings: XianyuSettings, store: Store) -> list[Finding]:
    """Whether the proxy of each enabled account leads to Xianyu; nothing about those without."""

    def unit(tx: Tx) -> list[tuple[Account, str]]:
        enabled = tx.accounts.enabled()
        found = [(account, tx.accounts.proxy(account.shop, account.id)) for account in enabled]
        return [(account, proxy) for account, proxy in found if proxy is not None]

    with_proxy = await store.read(unit)
    looks = (_through(account, proxy, settings.mtop_url) for account, proxy in with_proxy)
    return list(await asyncio.gather(*looks))


async def _through(account: Account, proxy: str, url: str) -> Finding:
    what = f"账号 {account.name} 的代理 {masked_proxy(proxy)}"
    try:
        await reach(url, proxy, PROXY_SECONDS)
    except Unreachable as error:
        return Finding(False, f"{what} 没有接通（{error.reason}）", PROXY_MEND)
    return Finding(True, f"{what} 可以连到闲鱼")


async def _clock_of_database(store: Store) -> Finding:
    def unit(tx: Tx) -> timedelta:
        before, there, after = datetime.now(UTC), tx.nodes.now(), datetime.now(UTC)
        return ahead_of(there, before, after)

    ahead = await store.read(unit)
    if abs(ahead) > MOST_APART:
        return Finding(False, words.clocks_apart(ahead), words.CLOCKS_MEND)
    return Finding(True, "本机的钟和数据库的一致")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    size = f"{free / 1024**3:.1f} GB"
    if free < LEAST_DISK:
        return Finding(False, f"磁盘只剩 {size}", f"清理 {folder} 所在的磁盘，至少留出 500 MB")
    return Finding(True, f"磁盘剩余 {size}")


def _account(account: Account) -> Finding:
    state = ACCOUNT_STATES[account.state]
    what = f"账号 {account.name} {state}"
    if account.state_reason:
        what += f"（{account.state_reason}）"
    mend = account_mend(account).replace("\n", "。")
    return Finding(not mend, what, mend)


async def _reach(name: str, url: str) -> Finding:
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme in ("https", "wss")
    port = parts.port or (443 if secure else 80)
    try:
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=secure or None)
    except (OSError, TimeoutError) as error:
        reason = "超时" if isinstance(error, TimeoutError) else str(error)
        return Finding(False, f"连不上闲鱼{name} {host}（{reason}）", "检查网络、DNS 和防火墙")
    writer.transport.abort()
    return Finding(True, f"闲鱼{name} {host} 可以连接")


async def _clock(url: str) -> Finding:
    timeout = aiohttp.ClientTimeout(total=REACH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.head(url, allow_redirects=False) as response,
        ):
            there = parsedate_to_datetime(response.headers["Date"])
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return Finding(True, "时钟没有比对（闲鱼没有给出时间）")
    skew = abs(datetime.now(UTC) - there.astimezone(UTC))
    if skew > MOST_SKEW:
        return Finding(False, f"本机时钟差了 {span(skew)}", "打开系统的自动对时（NTP）")
    return Finding(True, "本机时钟准确")


def in_order(findings: Sequence[Finding]) -> bool:
    return all(finding.ok for finding in findings)
