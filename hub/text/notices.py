"""Notices in chat: who, about what, what they said, and the ticket to answer by."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model import Account, Content, Conversation, Item, Message, Origin, Place
from hub.text.content import plain, shorten
from hub.text.holds import how_to_resume, still_paused
from hub.text.items import item_line

GOODS = "[发货内容]"
"""Stands for what was delivered, where not everybody may read it."""


def notice_head(account: Account, conversation: Conversation, item: Item | None = None) -> str:
    buyer = shorten(conversation.buyer_name, 24) or conversation.buyer or "买家"
    about = item_line(conversation.item_title, item)
    return f"【{account.name}】{buyer}" + (f" · {about}" if about else "")


def buyer_notice(
    account: Account,
    conversation: Conversation,
    content: Content,
    outcome: str,
    *,
    quoted: Message | None = None,
    item: Item | None = None,
    known: str = "",
) -> str:
    """`outcome` is a line such as `↪ 自动回复：在的`, or empty. `quoted`: what it answers; `item`:
    what the conversation is about, if more than its title is known; `known`: what the shop has
    written down about the buyer."""
    lines = [notice_head(account, conversation, item)]
    if known:
        lines.append(known)
    if quoted is not None:
        whose = "我们" if quoted.ours else "自己"
        goods = quoted.origin is Origin.DELIVERY  # may hold a card, and this may be read in a group
        said = GOODS if goods else shorten(plain(quoted.content), 30)
        lines.append(f"「引用{whose}的：{said}」")
    lines.append(plain(content, links=False))
    if outcome:
        lines.append(outcome)
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


MOST_MERGED = 8
"""Buyers that a merged notice names."""


def merged_notice(count: int, buyers: Sequence[tuple[Conversation, int]]) -> str:
    """In the place of `count` notices that could not be told in time; `buyers`: who said how much,
    who spoke last first."""
    lines = [f"⏳ 没来得及一条条说，另有 {count} 条买家消息："]
    for conversation, said in buyers[:MOST_MERGED]:
        lines.append(f"{conversation.buyer_name or '买家'} {said} 条 #{conversation.ticket}")
    if len(buyers) > MOST_MERGED:
        lines.append(f"还有 {len(buyers) - MOST_MERGED} 位，都在后台「会话」里")
    ticket = buyers[0][0].ticket if buyers else "a7"
    lines.append(f"看说了什么：/历史 #{ticket}；回复：#{ticket} 加上要说的话")
    return "\n".join(lines)


def merged_pings(buyers: Sequence[tuple[Conversation, int]]) -> str:
    """In the place of reminders of these buyers, of whom there are many at a time. It must not end
    with a ticket: a quote of it would answer that buyer."""
    lines = [f"⏰ 另有 {len(buyers)} 位买家还没人回复："]
    lines += [f"{one.buyer_name or '买家'} #{one.ticket}" for one, _ in buyers[:MOST_MERGED]]
    if len(buyers) > MOST_MERGED:
        lines.append(f"还有 {len(buyers) - MOST_MERGED} 位，都在后台「会话」里")
    ticket = buyers[0][0].ticket if buyers else "a7"
    lines.append(f"回复：#{ticket} 加上要说的话")
    return "\n".join(lines)


def answer_planned(answer: str) -> str:
    return f"↪ 自动回复：{shorten(answer)}"


def answer_replaced(answer: str) -> str:
    """The notice of an earlier line has promised another answer."""
    return f"{answer_planned(answer)}（前一句不再单独回复）"


def answer_joined(answer: str) -> str:
    """This line got no answer of its own; the one to the earlier lines is still to come."""
    return f"↪ 和前面的话一起自动回复：{shorten(answer)}"


def ai_asked() -> str:
    return "↪ AI 正在想怎么回复"


def ai_joined() -> str:
    return "↪ 和前面的话一起交给 AI"


DRAFT_HEAD = "✎ AI 草稿，等你决定："


def draft_notice(
    account: Account,
    conversation: Conversation,
    asked: str,
    draft: str,
    why: str,
    *,
    minutes: int = 0,
) -> str:
    """`asked`: what the buyer said; `why`: why a person has to look at it; `minutes`: how long it
    waits for that, 0: for ever."""
    lines = [notice_head(account, conversation)]
    if asked:
        lines.append(f"「{shorten(asked, 60)}」")
    lines += [DRAFT_HEAD, draft]
    if why:
        lines.append(f"（{why}）")
    until = f"（{minutes} 分钟内）" if minutes else ""
    lines.append(f"引用这条或写编号回复{until}：好 / 改 新的话 / 换 / 不要")
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def is_draft_notice(quoted: str) -> bool:
    return DRAFT_HEAD in quoted


def draft_sent(conversation: Conversation) -> str:
    return f"✓ 草稿已发送 #{conversation.ticket}"


def draft_again(conversation: Conversation) -> str:
    return f"AI 正在换一份 #{conversation.ticket}"


def draft_dropped(conversation: Conversation) -> str:
    return f"草稿不要了，买家什么也不会收到 #{conversation.ticket}"


def ai_answered_notice(account: Account, conversation: Conversation, answer: str) -> str:
    """What AI says in the seller's name, as told when a rule answers."""
    head = notice_head(account, conversation)
    return f"{head}\n↪ AI 自动回复：{answer}\n#{conversation.ticket}"


def ai_failed_notice(account: Account, conversation: Conversation, reason: str) -> str:
    return f"{notice_head(account, conversation)}\nAI 没有回答：{reason}\n#{conversation.ticket}"


def order_notice(
    account: Account,
    conversation: Conversation,
    what: str,
    order_id: str | None,
    *,
    item: Item | None = None,
) -> str:
    lines = [notice_head(account, conversation, item), f"🧾 {what}"]
    if order_id:
        lines.append(f"订单 {order_id}")
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def phone_notice(account: Account, conversation: Conversation, minutes: int) -> str:
    return (
        f"{notice_head(account, conversation)}\n"
        f"你在手机上回复了，自动回复停 {minutes} 分钟\n#{conversation.ticket}"
    )


def account_notice(account: Account, what: str) -> str:
    return f"【{account.name}】{what}"


def receipt_accepted(conversation: Conversation) -> str:
    return f"✓ 已送达 {conversation.buyer_name or '买家'} #{conversation.ticket}"


def receipt_rejected(conversation: Conversation, reason: str) -> str:
    return (
        f"✗ 没有发出：闲鱼拒绝了这条消息（{reason or '没有给出原因'}）。"
        f"改一改再发。#{conversation.ticket}"
    )


def receipt_uncertain(conversation: Conversation, reason: str) -> str:
    return (
        f"？ 不确定是否送达：{reason}。为免重复，没有自动重发，"
        f"请先在闲鱼里看一眼再决定。#{conversation.ticket}"
    )


def receipt_dropped(conversation: Conversation, reason: str) -> str:
    return f"✗ 没有发出：{reason}。#{conversation.ticket}"


def recall_done(conversation: Conversation) -> str:
    return f"↩ 已撤回，{conversation.buyer_name or '买家'} 看不到了 #{conversation.ticket}"


def recall_cancelled(conversation: Conversation) -> str:
    return f"↩ 还没有发出，已经取消 #{conversation.ticket}"


def recall_failed(conversation: Conversation, reason: str) -> str:
    return f"✗ 没有撤回：{reason}。#{conversation.ticket}"


def recall_uncertain(conversation: Conversation) -> str:
    return f"？ 不确定是否撤回：闲鱼没有确认，请在闲鱼里看一眼。#{conversation.ticket}"


def paused_by_phone(account: Account, conversation: Conversation, wider: Sequence[Place]) -> str:
    also = f"（{still_paused(wider)}）" if wider else ""
    said = f"⏸ 你在手机上暂停了这个会话的自动回复{also}。再发一次同样的字，或者 /恢复，就继续"
    return f"{notice_head(account, conversation)}\n{said}\n#{conversation.ticket}"


def resumed_by_phone(account: Account, conversation: Conversation, wider: Sequence[Place]) -> str:
    said = "▶ 你在手机上恢复了这个会话的自动回复"
    if wider:
        said += f"，但{still_paused(wider)}，现在仍然不会自动回复"
        said += f"。解除：{'、'.join(how_to_resume(one) for one in wider)}"
    return f"{notice_head(account, conversation)}\n{said}\n#{conversation.ticket}"


def late_from_phone(account: Account, conversation: Conversation, wider: Sequence[Place]) -> str:
    del wider
    said = "你在手机上发的暂停/恢复字到得太晚，没有照做。要暂停请引用这条写 /暂停"
    return f"{notice_head(account, conversation)}\n{said}\n#{conversation.ticket}"
