"""Whether a message can still be taken back, and why not."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.model import Message, MessageState

_WHY_NOT: dict[MessageState, str] = {
    MessageState.RECALLED: "这条消息已经撤回了",
    MessageState.SENDING: "这条消息正在发送，等它送达了再撤回",
    MessageState.UNCERTAIN: "不确定这条消息有没有送达，请在闲鱼里看一眼，需要的话在那里撤回",
    MessageState.REJECTED: "这条消息没有发出，不用撤回",
    MessageState.DROPPED: "这条消息没有发出，不用撤回",
}


def why_not_recall(message: Message, now: datetime, within: timedelta) -> str | None:
    """None: it may be tried. What is still queued was never said and is simply cancelled."""
    if not message.ours:
        return "只能撤回自己发的消息"
    if why := _WHY_NOT.get(message.state):
        return why
    if message.state is MessageState.QUEUED:
        return None
    if message.platform_id is None:
        return "闲鱼没有给出这条消息的编号，请在闲鱼里撤回"
    if now - (message.wire_at or message.sent_at) >= within:
        minutes = within // timedelta(minutes=1)
        return f"已经超过 {minutes} 分钟，闲鱼不让撤回了"
    return None
