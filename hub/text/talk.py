"""What is said about talking with one buyer, and what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.model import Conversation, Message, MessageState, Origin
from hub.text.content import plain, shorten
from hub.text.notices import GOODS
from hub.text.times import clock

LONGEST_LINE = 80

_WHO: dict[Origin, str] = {
    Origin.BUYER: "买家",
    Origin.OPERATOR: "我们",
    Origin.PLATFORM: "闲鱼",
    Origin.DELIVERY: "发货",
    Origin.PHONE: "手机",
}
_WHAT_BECAME: dict[MessageState, str] = {
    MessageState.REJECTED: "（没有发出）",
    MessageState.UNCERTAIN: "（不确定）",
    MessageState.RECALLED: "（已撤回）",
    MessageState.DROPPED: "（没有发出）",
    MessageState.QUEUED: "（待发）",
    MessageState.DRAFT: "（草稿）",
}


def what_became(message: Message) -> str:
    """`（没有发出）` and the like, to stand behind what was said; empty for what arrived."""
    return _WHAT_BECAME.get(message.state, "")


def _whom(conversation: Conversation) -> str:
    about = f" · {shorten(conversation.item_title, 20)}" if conversation.item_title else ""
    return f"{conversation.buyer_name or '买家'}{about}"


def focus_head(conversation: Conversation) -> str:
    """Stands above everything that is answered to a line in focus."""
    return f"💬 正在聊 {_whom(conversation)}"


def focus_begun(conversation: Conversation) -> str:
    return (
        f"{focus_head(conversation)}\n"
        f"现在起你写的话都发给这位买家，/退出 结束 #{conversation.ticket}"
    )


def focus_now(conversation: Conversation) -> str:
    return f"{focus_head(conversation)}，/退出 结束 #{conversation.ticket}"


def focus_left(conversation: Conversation) -> str:
    return f"已退出和 {_whom(conversation)} 的聊天 #{conversation.ticket}"


def focus_over(conversation: Conversation) -> str:
    return (
        f"一会儿没有写话，已退出和 {_whom(conversation)} 的聊天，"
        f"接着聊写 /聊 #{conversation.ticket}"
    )


def focus_none() -> str:
    return "现在没有专心和哪位买家聊；要开始，引用一条通知写 /聊"


def focus_whom() -> str:
    return "要和哪位买家聊：引用一条通知写 /聊，或者写编号、买家名，例如 /聊 #a7、/聊 小林"


def which_buyer(conversations: Sequence[Conversation], undone: str = "没有开始") -> str:
    """`undone`: what was not done because of that."""
    names = "\n".join(f"#{one.ticket} {_whom(one)}" for one in conversations)
    return f"{undone}：有几位买家都对得上，请写编号：\n{names}"


def whole_name(conversations: Sequence[Conversation], undone: str) -> str:
    """A part of a name was written where only a whole one counts."""
    names = "\n".join(f"#{one.ticket} {_whom(one)}" for one in conversations)
    return f"{undone}：买家的名字要写全，或者写编号。说的是不是：\n{names}"


def sent_beside_focus(target: Conversation, focused: Conversation) -> str:
    return (
        f"↪ 这一句没有发给正在聊的 {_whom(focused)}（#{focused.ticket}），"
        f"发给了你指明的 {_whom(target)} #{target.ticket}"
    )


def recall_or_words(ticket: str) -> str:
    return (
        "没有撤回，也没有发送：引用你自己的那句或者它的回执，再写「撤」；"
        f"撤回最后一句写 /撤回 #{ticket}；要把这个字发给买家，写 #{ticket} 撤"
    )


def history_page(
    conversation: Conversation,
    messages: Sequence[Message],
    zone: ZoneInfo,
    now: datetime,
    *,
    hide: bool,
    secrets: Sequence[str] = (),
) -> str:
    """Oldest first. `hide`: what was delivered is not for everybody who reads this, nor are
    the `secrets`, whoever wrote them."""
    lines = [f"{_whom(conversation)} 最近 {len(messages)} 条"]
    for one in messages:
        said = GOODS if hide and one.origin is Origin.DELIVERY else plain(one.content)
        for secret in secrets if hide else ():
            said = said.replace(secret, GOODS)
        said = shorten(said, LONGEST_LINE)
        who = _WHO.get(one.origin, "自动")
        lines.append(f"{clock(one.sent_at, zone, now)} {who}：{said}{what_became(one)}")
    if not messages:
        lines.append("还没有说过话")
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)
