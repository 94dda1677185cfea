"""What people are told about several hubs on one database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from hub.model import AccountId, NodeView
from hub.text.times import span

MOST_NAMED = 5


def node_line(seen: NodeView, names: Mapping[AccountId, str]) -> str:
    """`names`: of the accounts that the reader may know of."""
    held = [names[one] for one in seen.accounts if one in names]
    more = f" 等 {len(held)} 个账号" if len(held) > MOST_NAMED else ""
    said = "、".join(held[:MOST_NAMED]) + more if held else "没有账号"
    bots = f"；QQ {len(seen.node.bots)} 个" if seen.node.bots else ""
    return f"节点 {seen.node.name}{'（这台）' if seen.here else ''}：{said}{bots}"


def node_lines(nodes: Sequence[NodeView], names: Mapping[AccountId, str]) -> list[str]:
    return [node_line(one, names) for one in nodes]


def clocks_apart(ahead: timedelta) -> str:
    """`ahead`: how far this machine's clock is ahead of the database's; negative: behind."""
    how = "快" if ahead > timedelta(0) else "慢"
    return f"这台机器的钟比数据库的{how} {span(abs(ahead))}"


CLOCKS_MEND = "打开两边的自动对时（NTP），不然任务会早做或者晚做"


def told_clocks_apart(node: str, ahead: timedelta) -> str:
    return f"节点 {node}：{clocks_apart(ahead)}。{CLOCKS_MEND}"


def not_read_elsewhere(account: str, node: str) -> str:
    return f"账号「{account}」由节点 {node} 连着，商品还没有读到；过一会儿再刷新"
