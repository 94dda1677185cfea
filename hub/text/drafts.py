"""What is said of drafts that nobody decided about."""

from __future__ import annotations

from hub.model import Account, Conversation
from hub.text.content import shorten
from hub.text.notices import notice_head

_SHOWN = 80
WORD_ONLY = (
    "没有执行：决定草稿只能写字，一起发来的没有发给买家。只写字再说一次，图片引用买家的消息另发"
)


def none_waits(ticket: str, said: str) -> str:
    """`said`: what is a word about a draft, where there is none."""
    return (
        f"没有发送：#{ticket} 没有等你决定的草稿。真要对买家说「{shorten(said, 20)}」，"
        f"引用他的消息写，或者先发 /聊 {ticket}"
    )


def dropped(
    account: Account,
    conversation: Conversation,
    draft: str,
    minutes: int,
    why: str,
    *,
    waits: bool,
) -> str:
    """`why`: why it was not sent, where the owner wants such drafts sent; may be empty. `waits`:
    the buyer has got no other answer meanwhile."""
    then = "买家还在等，引用这条直接回复" if waits else "已经另外回复了买家，要补充就引用这条写"
    reason = f"（没有自动发出：{why}）" if why else ""
    return (
        f"{notice_head(account, conversation)}\n"
        f"⌛ AI 草稿 {minutes} 分钟没人决定，作废了，没有发给买家{reason}\n"
        f"「{shorten(draft, _SHOWN)}」\n"
        f"{then}\n#{conversation.ticket}"
    )


def sent_alone(account: Account, conversation: Conversation, draft: str, minutes: int) -> str:
    return (
        f"{notice_head(account, conversation)}\n"
        f"⌛ AI 草稿 {minutes} 分钟没人决定，按你的设置发给买家了\n"
        f"「{shorten(draft, _SHOWN)}」\n#{conversation.ticket}"
    )
