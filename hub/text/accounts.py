"""What operators are told about an account's line."""

from __future__ import annotations

from datetime import timedelta

from hub.model import Account, AccountState
from hub.text.times import span

_MEND: dict[AccountState, str] = {
    AccountState.LOGGED_OUT: "在后台「账号」页扫码或粘贴新的 Cookie，就能恢复",
    AccountState.VERIFICATION_NEEDED: (
        "请在自己的浏览器里打开闲鱼网页版完成验证，再到后台「账号」页更新登录；"
        "在这之前程序不会再去尝试"
    ),
}


def account_trouble(account: Account, age: timedelta, *, again: bool) -> str:
    """First telling and reminders; `age`: how long it has lasted."""
    still = f"仍然没有恢复（已 {span(age)}），" if again else ""
    mend = _MEND.get(account.state)
    if mend is not None:
        what = account.state_reason or "登录失效"
        return f"🔴【{account.name}】{still}{what}。{mend}。期间收不到买家消息，也发不出回复"
    reason = f"（{account.state_reason}）" if account.state_reason else ""
    return f"🟡【{account.name}】已断线 {span(age)}{reason}，程序会一直自动重连"


def account_back(account: Account, gap: timedelta, messages: int, orders: int) -> str:
    """`messages`, `orders`: what was found and handled that had been missed."""
    found = []
    if messages:
        found.append(f"{messages} 条消息")
    if orders:
        found.append(f"{orders} 笔待发货订单")
    caught = "、".join(found) + "已补处理" if found else "没有漏掉消息"
    return f"🟢【{account.name}】已恢复连接，离线 {span(gap)}：{caught}"


def line_was_deaf(account: Account, messages: int) -> str:
    return f"🟡【{account.name}】连接看似正常却漏了 {messages} 条消息，已补处理并重新连接"
