"""What the desk answers to operators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.model import Account, AccountState, Conversation, Role
from hub.text.accounts import ACCOUNT_STATES, account_line

_LEAST = {Role.OWNER: "店主", Role.AGENT: "客服、店主", Role.VIEWER: "所有成员"}
HELP_WIDTH = 36
"""What one line of a phone shows; a Chinese character counts twice."""
_NARROWEST_WIDE = 0x1100
"""From here on, characters are as wide as two Latin ones, nearly all of those in use here."""


def help_page(groups: Sequence[tuple[str, Sequence[str]]], *, answers: bool) -> str:
    """One screen of a phone. `groups`: the names of the commands that this operator may use, under
    that of their group. `answers`: they may answer buyers."""
    if answers:
        lines = ["引用买家的通知直接写字就是回复他；也可以写「#a7 在的」。"]
    else:
        lines = ["你可以看会话、订单和库存；回复买家、改动要请客服或店主。"]
    lines += [_help_line(name, commands) for name, commands in groups]
    return "\n".join(
        [
            *lines,
            f"/帮助 {groups[0][0]}　看一组命令",
            "/帮助 命令名　看一条命令的说明",
            "/帮助 全部　列出所有命令",
        ]
    )


def _help_line(group: str, commands: Sequence[str]) -> str:
    """As many as fit."""
    line = f"{group}　/{commands[0]}"
    for number, name in enumerate(commands[1:], 1):
        longer = f"{line} /{name}"
        more = " …" if number + 1 < len(commands) else ""
        if _width(longer + more) > HELP_WIDTH:
            return f"{line} …"
        line = longer
    return line


def _width(words: str) -> int:
    return sum(2 if ord(one) >= _NARROWEST_WIDE else 1 for one in words)


def help_groups(groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> str:
    """`groups`: usage and summary of each command this operator may use, under a heading."""
    lines: list[str] = []
    for name, commands in groups:
        lines += [f"〔{name}〕", *(f"{usage}　{summary}" for usage, summary in commands), ""]
    return "\n".join([*lines, "/帮助 命令名　看详细说明"])


def help_for_others(group: str) -> str:
    return f"「{group}」里的命令要客服或店主来用。发 /帮助 看你能用的"


def command_help(
    usage: str,
    summary: str,
    details: str,
    aliases: Sequence[str],
    *,
    role: Role,
    group: str,
) -> str:
    """`role`: the least that may use it; `group`: where others like it are found."""
    parts = [f"{usage}\n{summary}"]
    if details:
        parts.append(details)
    if aliases:
        parts.append("别名：" + "、".join(f"/{alias}" for alias in aliases))
    if role is not Role.VIEWER:
        parts.append(f"谁能用：{_LEAST[role]}")
    parts.append(f"相近的命令：/帮助 {group}")
    return "\n".join(parts)


def manual(commands: Sequence[tuple[str, str, str, Role, str, Sequence[str]]]) -> str:
    """The manual page. Each: name, usage, summary, least role, details, other names."""
    lines = ["| 命令 | 做什么 | 谁能用 |", "|---|---|---|"]
    for _, usage, summary, role, _, _ in commands:
        lines.append(f"| `{_cell(usage)}` | {_cell(summary)} | {_LEAST[role]} |")
    for name, usage, _, _, details, aliases in commands:
        others = f"也可以写：{'、'.join(f'`/{alias}`' for alias in aliases)}。" if aliases else ""
        if details or others:
            lines += ["", f"**/{name}**　`{usage}`", "", f"{details}{others}"]
    return "\n".join(lines) + "\n"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


def unknown_command(name: str, nearest_usage: str | None) -> str:
    if nearest_usage is not None:
        return f"没有 /{name} 这个命令。是不是想用 {nearest_usage}？"
    return f"没有 /{name} 这个命令，发 /帮助 看有哪些命令。"


def status_page(
    accounts: Sequence[Account],
    holds: Sequence[str],
    waiting: int,
    zone: ZoneInfo,
    now: datetime,
    *,
    stops: Sequence[str] = (),
    needs: int = 0,
    nodes: Sequence[str] = (),
) -> str:
    """`holds`, `stops`: lines about what is stopped; `needs`: how much waits for a decision;
    `nodes`: a line for each hub, where there are several."""
    online = sum(account.state is AccountState.ONLINE for account in accounts)
    lines = [f"账号 {online}/{len(accounts)} 在线，待发 {waiting} 条"]
    lines += [account_line(a, zone, now) for a in accounts if a.state is not AccountState.ONLINE]
    lines += stops
    lines += holds or ([] if stops else ["自动回复正常"])
    if needs:
        lines.append(f"🔔 {needs} 件等你决定，发 /待处理 看")
    lines += nodes
    return "\n".join(lines)


def no_target(quoted: bool, undone: str = "没有发送") -> str:
    if quoted and undone != "没有发送":
        return (
            f"{undone}：认不出你引用的是哪个会话的通知。请引用带编号（如 #a7）的通知，或者写上编号"
        )
    if quoted:
        return (
            "没有发送：认不出你引用的是哪个会话的通知。"
            "请引用带编号（如 #a7）的通知，或者直接写「#a7 要说的话」。"
        )
    return (
        "没有发送：不知道要回复哪位买家。引用一条通知再写，或者写「#a7 要说的话」；/帮助 看命令。"
    )


def no_such_ticket(ticket: str) -> str:
    return f"没有编号是 #{ticket} 的会话；编号在通知的最后一行，直接引用那条通知也行"


def lost_ticket(ticket: str) -> str:
    """Of a notice that was quoted."""
    return (
        f"这里不认得 #{ticket} 是和谁的会话（数据库恢复以前的通知会这样）。"
        "请引用这位买家新的通知，或者先 /聊 买家名"
    )


def number_about_nothing(number: str) -> str:
    return (
        f"没有执行：认不出你引用的是哪一件，只写 {number} 不知道是说什么。"
        f"处理一件事写 /处理 编号 {number}，编号看 /待处理；对买家说写「#a7 {number}」。"
    )


def no_target_for_canned(code: str) -> str:
    return f"没有发送：引用买家的通知再写 /k {code}，或者写上编号：/k #a7 {code}"


def queued_offline(conversation: Conversation, account: Account) -> str:
    return (
        f"已收下，账号「{account.name}」现在{ACCOUNT_STATES[account.state]}，"
        f"连上后马上发给 {conversation.buyer_name or '买家'} #{conversation.ticket}"
    )


def stranger() -> str:
    return (
        "你好，我是一个店铺的内部助手，只听店铺成员的话。"
        "如果你是成员，请到后台「成员」里取一个绑定码，在这里发 /绑定 绑定码；"
        "或者请店主填上你的 QQ 号。"
    )
