"""What people are told about several hubs on one database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.model import AccountId, NodeView

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


def not_read_elsewhere(account: str, node: str) -> str:
    return f"账号「{account}」由节点 {node} 连着，商品还没有读到；过一会儿再刷新"
