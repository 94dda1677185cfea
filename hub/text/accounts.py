"""What operators are told about an account's line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.model import RESTING, Account, AccountState
from hub.text.content import shorten
from hub.text.times import clock, since, span

ACCOUNT_STATES: dict[AccountState, str] = {
    AccountState.NEW: "准备连接",
    AccountState.CONNECTING: "连接中",
    AccountState.ONLINE: "在线",
    AccountState.RENEWING: "自动续期中",
    AccountState.WAITING: "等待重连",
    AccountState.VERIFICATION_NEEDED: "需要验证",
    AccountState.LOGGED_OUT: "登录失效",
    AccountState.HELD: "已停下",
    AccountState.DISABLED: "已停用",
}

_MARKS: dict[AccountState, str] = {
    AccountState.ONLINE: "🟢",
    AccountState.CONNECTING: "🟡",
    AccountState.RENEWING: "🟡",
    AccountState.WAITING: "🟡",
    AccountState.NEW: "⚪",
    AccountState.DISABLED: "⚪",
    AccountState.VERIFICATION_NEEDED: "🔴",
    AccountState.LOGGED_OUT: "🔴",
    AccountState.HELD: "🔴",
}
SOON = timedelta(minutes=1)


def account_line(account: Account, zone: ZoneInfo, now: datetime) -> str:
    """One account in lists: state, reason, since when, what happens next or has to be done."""
    state = ACCOUNT_STATES[account.state]
    reason = f"（{account.state_reason}）" if account.state_reason else ""
    parts = [f"{account.name} {state}{reason} {since(account.state_since, now)}"]
    if then := next_try(account, zone, now):
        parts.append(then)
    line = f"{_MARKS[account.state]} {'，'.join(parts)}"
    mend = account_mend(account)
    return f"{line}\n　{mend.replace(chr(10), chr(10) + '　')}" if mend else line


DEAF_UNTIL_MENDED = "期间收不到买家消息，也发不出回复"


def account_trouble(
    account: Account, age: timedelta, zone: ZoneInfo, now: datetime, *, again: bool
) -> str:
    """First telling and reminders; `age`: how long it has lasted."""
    if account.state in RESTING:
        still = f"已经 {span(age)} 没有恢复：" if again else ""
        what = account.state_reason or ACCOUNT_STATES[account.state]
        return f"🔴【{account.name}】{still}{what}\n{account_mend(account)}\n{DEAF_UNTIL_MENDED}"
    reason = f"：{account.state_reason}" if account.state_reason else ""
    until = next_try(account, zone, now)
    then = f"{until}；" if until else ""
    return (
        f"🟡【{account.name}】已断线 {span(age)}{reason}\n"
        f"{then}程序会自动重连；等不及就发 /重连 {account.name}"
    )


MOST_NAMES = 10


def accounts_trouble(accounts: Sequence[Account], longest: timedelta) -> str:
    """Many that are down at the same time; `longest`: how long the first of them has been."""
    return (
        f"🟡 {len(accounts)} 个账号断线，最久的已经 {span(longest)}：\n"
        f"{_by_reason(accounts)}\n"
        "程序会自动重连，连上了会告诉你；每个账号的情况发 /账号 看"
    )


def accounts_need_you(accounts: Sequence[Account]) -> str:
    """Many that rest until a person acts."""
    return (
        f"🔴 {len(accounts)} 个账号要你处理，{DEAF_UNTIL_MENDED}：\n"
        f"{_by_reason(accounts)}\n"
        "每个账号怎么处理，发 /账号 看"
    )


def _by_reason(accounts: Sequence[Account]) -> str:
    names: dict[str, list[str]] = defaultdict(list)
    for account in accounts:
        names[account.state_reason or ACCOUNT_STATES[account.state]].append(account.name)
    return "\n".join(f"· {reason}：{_names(some)}" for reason, some in names.items())


def _names(names: Sequence[str]) -> str:
    """`甲、乙`; of many the first ones and how many they are."""
    shown = "、".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} 等 {len(names)} 个"


def account_mend(account: Account) -> str:
    """What a person does about an account that rests; empty for one that does not."""
    again = f"发 /重连 {account.name}（或在后台「账号」页点“重新连接”）"
    match account.state:
        case AccountState.LOGGED_OUT:
            return f"发 /登录 {account.name}，或在后台「账号」页扫码或粘贴新的 Cookie，就能恢复"
        case AccountState.HELD:
            return f"程序已经停下，不会自己再试。处理好以后{again}"
        case AccountState.VERIFICATION_NEEDED:
            url = account.check_url
            where = f"打开这个链接完成验证：{url} （打不开就" if url else "请（"
            other = "在闲鱼 App 或浏览器里打开闲鱼消息页，看到验证就做完）"
            return (
                f"{where}{other}\n完成后{again}；也可以在「账号」页扫码或粘贴新的 Cookie。"
                "在那之前程序什么都不会向闲鱼要"
            )
        case _:
            return ""


def next_try(account: Account, zone: ZoneInfo, now: datetime) -> str:
    """`将在 14:05 再试`; empty when no try is planned."""
    until = account.state_until
    if account.state is not AccountState.WAITING or until is None:
        return ""
    return f"将在 {clock(until, zone, now)} 再试" if until - now >= SOON else "马上再试"


def account_switched(account: Account) -> str:
    if account.enabled:
        return f"▶ 已启用「{account.name}」，正在连接闲鱼；出了问题会告诉你，/账号 看连上没有"
    return (
        f"⏹ 已停用「{account.name}」：不收消息和订单，也不回复、不发货，直到 /启用 {account.name}"
    )


def reconnecting(account: Account) -> str:
    return f"正在重新连接「{account.name}」，连上或又出问题都会在这里告诉你"


def no_need_to_reconnect(account: Account) -> str:
    state = ACCOUNT_STATES[account.state]
    return f"「{account.name}」现在{state}，不需要重新连接"


def account_back(
    account: Account, gap: timedelta, *, messages: int, expired: int, orders: int
) -> str:
    """`messages`, `orders`: what was found and handled that had been missed; `expired`: messages
    among them that came too late for an automatic answer."""
    caught = _caught_up(messages, expired, orders)
    return f"🟢【{account.name}】已恢复连接，离线 {span(gap)}：{caught}"


def accounts_back(
    accounts: Sequence[Account], longest: timedelta, *, messages: int, expired: int, orders: int
) -> str:
    """Many at the same time, with what was found altogether; `longest`: of their outages."""
    return (
        f"🟢 {len(accounts)} 个账号已恢复连接，最长离线 {span(longest)}："
        f"{_caught_up(messages, expired, orders)}\n"
        f"{_names([account.name for account in accounts])}"
    )


def _caught_up(messages: int, expired: int, orders: int) -> str:
    found = []
    if messages:
        found.append(f"{messages} 条消息")
    if orders:
        found.append(f"{orders} 笔付款")
    caught = "、".join(found) + "已补处理" if found else "没有漏掉消息"
    late = f"；其中 {expired} 条已过自动回复时限，没有自动回复，请看一下" if expired else ""
    return f"{caught}{late}"


def line_was_deaf(account: Account, messages: int) -> str:
    return f"🟡【{account.name}】连接看似正常却漏了 {messages} 条消息，已补处理并重新连接"


def list_too_long(account: Account, conversations: int) -> str:
    return (
        f"🟡【{account.name}】离线期间有变化的会话太多，只核对了最近的 {conversations} 个，"
        "更早的请在闲鱼里看一下"
    )


def history_too_long(account: Account, item_title: str, messages: int) -> str:
    return (
        f"🟡【{account.name}】{_about(item_title)}离线期间的消息太多，只补上了最近的"
        f" {messages} 条，更早的请在闲鱼里看一下"
    )


def history_refused(account: Account, item_title: str) -> str:
    return (
        f"🟡【{account.name}】闲鱼一直不让读取{_about(item_title)}的聊天记录，"
        "可能漏了消息，请在闲鱼里看一下"
    )


def away_too_long(account: Account, compared: timedelta) -> str:
    return (
        f"🟡【{account.name}】离线太久，只核对了最近 {span(compared)}的消息，更早的请在闲鱼里看一下"
    )


def orders_from_before(account: Account, orders: int) -> str:
    return (
        f"🟡【{account.name}】接入之前已有 {orders} 笔待发货订单，程序不会自动处理，"
        "请在闲鱼里看一下"
    )


def orders_too_many(account: Account, orders: int) -> str:
    return f"🟡【{account.name}】待发货订单太多，只核对了最近的 {orders} 笔，更早的请在闲鱼里看一下"


def orders_refused(account: Account) -> str:
    return (
        f"🟡【{account.name}】闲鱼一直不让读取待发货订单，断线期间的付款可能漏掉，"
        "请在闲鱼里看一下；明天程序会再试"
    )


def order_unclear(account: Account, order_id: str, words: str) -> str:
    """`words`: the platform's own for the status, perhaps empty."""
    said = f"（闲鱼显示「{words}」）" if words else ""
    return f"🔴【{account.name}】有一笔待发货订单读不懂{said}，请在闲鱼里处理：{order_id}"


def _about(item_title: str) -> str:
    return f"「{shorten(item_title, 20)}」这个会话" if item_title else "一个会话"
