"""Who is told what, who is on duty, who answers: in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.model import (
    Account,
    AccountId,
    AwayWords,
    Conversation,
    Group,
    Hours,
    MemberId,
    Message,
    NoticeKind,
    Origin,
    PeoplePlan,
    Role,
    Route,
    Shift,
    Standing,
    Tally,
)
from hub.text.assist import ai_hours
from hub.text.content import plain, shorten
from hub.text.notices import GOODS
from hub.text.talk import what_became
from hub.text.times import clock, span

NOTICE_KINDS: dict[NoticeKind, str] = {
    NoticeKind.MESSAGE: "买家消息",
    NoticeKind.ORDER: "订单",
    NoticeKind.NEED: "待处理",
    NoticeKind.ACCOUNT: "账号异常",
    NoticeKind.STOCK: "库存不足",
    NoticeKind.SYSTEM: "备份和系统",
    NoticeKind.RECEIPT: "自动回复没发出",
}
ROLE_WORDS: dict[Role, str] = {
    Role.OWNER: "全部店主",
    Role.AGENT: "全部客服",
    Role.VIEWER: "全部只读成员",
}
WEEKDAYS = "一二三四五六日"
NOTHING_STANDS = Standing()
MOST_POOLS = 5
"""That are named; further ones are counted."""
ANSWERERS: dict[str, str] = {"phone": "手机", "rule": "规则", "ai": "AI"}


def route_line(
    route: Route,
    accounts: Mapping[AccountId, str],
    members: Mapping[MemberId, str],
    groups: Mapping[str, str],
) -> str:
    """One rule as one sentence."""
    where = []
    if route.account is not None:
        where.append(f"账号「{accounts.get(route.account, '已删除的账号')}」")
    if route.item is not None:
        where.append(f"商品 {route.item}")
    if route.tag is not None:
        where.append(f"标签「{route.tag}」")
    what = "、".join(NOTICE_KINDS[kind] for kind in route.kinds) or "所有通知"
    to = [ROLE_WORDS[role] for role in route.roles]
    to += [members.get(one, "已停用的成员") for one in route.members]
    to += [f"群 {groups.get(one) or one}" for one in route.groups]
    to += [f"{members.get(one, '已停用的成员')}的邮箱" for one in route.mailed]
    about = f"{'、'.join(where)}的{what}" if where else what
    return f"{about}：发给 {'、'.join(to)}"


def shift_line(shift: Shift, members: Mapping[MemberId, str]) -> str:
    days = "每天" if not shift.weekdays else "周" + "、".join(WEEKDAYS[n] for n in shift.weekdays)
    return f"{members.get(shift.member, '已停用的成员')}：{days} {ai_hours([shift.hours])}"


def away_line(words: AwayWords, accounts: Mapping[AccountId, str]) -> str:
    if words.account is None:
        return f"所有账号：{words.text}"
    return f"{accounts.get(words.account, '已删除的账号')}：{words.text}"


def group_line(group: Group) -> str:
    name = f"{group.name}（{group.number}）" if group.name else group.number
    how = "命令要 @机器人 或引用它的消息" if group.addressed else "命令不用 @"
    return f"{name}：{how}"


def quiet_line(quiet: Hours | None) -> str:
    return "没有设" if quiet is None else ai_hours([quiet])


# --- Binding --------------------------------------------------------------------------------------


def bound(name: str) -> str:
    return f"绑定好了，你是「{name}」。以后在这里引用通知就能回复买家，/帮助 看全部命令。"


def bound_already(name: str) -> str:
    return f"这个 QQ 已经是「{name}」的了，不用再绑定"


def bind_wrong() -> str:
    return "绑定码不对，或者已经过期，请在后台重新取一个。"


def bind_too_often() -> str:
    return "试了太多次，请 15 分钟后再试。"


def bind_how() -> str:
    return "写成 /绑定 483920，数字在后台「成员 → 绑定 QQ」里取。"


def bound_told(name: str, qq: str) -> str:
    return f"「{name}」绑定了 QQ {qq}。不认识的话，请到后台「成员」里移除。"


def unbound(name: str, qq: str) -> str:
    return f"QQ {qq} 已经和「{name}」解绑，机器人不再理它。"


def unbind_question(qq: str) -> str:
    return f"解绑以后，QQ {qq} 收不到通知，也不能再发命令"


# --- Silence and duty -----------------------------------------------------------------------------


def silenced(until: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    end = "直到你发 /静音 关" if until is None else f"到 {clock(until, zone, now)}"
    return f"好，买家消息先不发给你，{end}。待处理和账号异常照发。提前结束：/静音 关"


def silence_over(tally: Tally) -> str:
    return f"静音关了。这段时间：{tally_line(tally)}。"


def not_silenced() -> str:
    return "你没有静音"


def duty_page(
    plan: PeoplePlan,
    now_on: Sequence[MemberId],
    members: Mapping[MemberId, str],
    zone: ZoneInfo,
    now: datetime,
) -> str:
    ends = {one.member: one.end for one in plan.stints if one.end is None or one.end > now}
    if now_on:
        on = []
        for one in now_on:
            name, end = members.get(one, "已停用的成员"), ends.get(one)
            on.append(f"{name}（到 {clock(end, zone, now)}）" if end is not None else name)
        lines = [f"现在值班：{'、'.join(on)}。买家消息发给值班的人。"]
    else:
        lines = ["现在没有人值班，买家消息按「通知」里的规则发。"]
    lines += [shift_line(one, members) for one in plan.shifts]
    lines.append("/值班 我 到22:00 接班，/值班 结束 下班")
    return "\n".join(lines)


def duty_taken(name: str, until: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    end = "直到发 /值班 结束" if until is None else f"到 {clock(until, zone, now)}"
    return f"{name} 开始值班，{end}。买家消息发给值班的人。"


def sent_on_duty(by: str, until: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    end = "直到有人结束" if until is None else f"到 {clock(until, zone, now)}"
    return f"{by} 安排你值班，{end}。买家消息发给值班的人；下班发 /值班 结束"


def sent_off_duty(by: str) -> str:
    return f"{by} 让你下班了，买家消息按规则发。"


def duty_ended(name: str) -> str:
    return f"{name} 下班了"


# --- Who answers ----------------------------------------------------------------------------------


def claimed(name: str, conversation: Conversation) -> str:
    return f"{name} 正在回复 {conversation.buyer_name or '买家'} #{conversation.ticket}"


def handed_over(
    giver: str,
    account: Account,
    conversation: Conversation,
    messages: Sequence[Message],
    *,
    note: str = "",
) -> str:
    about = f" · {conversation.item_title}" if conversation.item_title else ""
    buyer = conversation.buyer_name or "买家"
    lines = [f"{giver} 把这位买家转给你{'：' if note else ''}{note}"]
    lines.append(f"【{account.name}】{buyer}{about}")
    for one in messages:
        who = buyer if one.origin is Origin.BUYER else "我们"
        said = GOODS if one.origin is Origin.DELIVERY else shorten(plain(one.content), 60)
        lines.append(f"{who}：{said}{what_became(one)}")
    lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def hand_over_done(name: str, conversation: Conversation, *, silenced: bool) -> str:
    but = f"；{name} 正在静音，收不到这位买家后面的话" if silenced else ""
    return f"已经转给 {name}，最近的对话也发过去了{but} #{conversation.ticket}"


def ping(
    account: Account, conversation: Conversation, said: str, waited: timedelta, asked: bool
) -> str:
    buyer = conversation.buyer_name or "买家"
    head = "你要的提醒：" if asked else ""
    return (
        f"⏰ {head}【{account.name}】{buyer} 等了 {span(waited)}，还没人回复\n"
        f"{shorten(said, 60)}\n#{conversation.ticket}"
    )


def later(until: datetime, zone: ZoneInfo, now: datetime, conversation: Conversation) -> str:
    at = clock(until, zone, now)
    return f"好，{at} 还没人回复的话提醒你 #{conversation.ticket}"


def needs_nothing(ticket: str, *, stopped: bool) -> str:
    if not stopped:
        return f"#{ticket} 本来就没有要提醒的"
    return f"好，#{ticket} 不再提醒；买家再说话会重新开始"


def answered_already(conversation: Conversation) -> str:
    return f"#{conversation.ticket} 已经回复过了，没有要提醒的"


# --- Summaries ------------------------------------------------------------------------------------


def tally_line(tally: Tally, standing: Standing = NOTHING_STANDS) -> str:
    parts = [f"{tally.messages} 条买家消息（{tally.conversations} 个会话）"]
    if not tally.messages:
        parts = ["没有买家消息"]
    if tally.paid:
        parts.append(f"{tally.paid} 笔付款")
    if tally.delivered:
        parts.append(f"{tally.delivered} 笔已发货")
    if tally.unsent:
        parts.append(f"{tally.unsent} 条自动回复没发出")
    if standing.needs:
        parts.append(f"{standing.needs} 件待处理")
    return "、".join(parts)


def summary(
    tally: Tally, standing: Standing, since: datetime, zone: ZoneInfo, now: datetime
) -> str:
    lines = [f"📋 从 {clock(since, zone, now)} 到现在没有打扰你：{tally_line(tally, standing)}。"]
    lines += _short_of(standing)
    lines.append("会话都在后台，/待处理 看要你决定的。")
    return "\n".join(lines)


def digest(
    tally: Tally,
    standing: Standing,
    troubled: Sequence[str],
    day: tuple[datetime, datetime],
    zone: ZoneInfo,
    now: datetime,
) -> str:
    since, until = (clock(at, zone, now) for at in day)
    lines = [f"📋 日报（{since} 到 {until}）：{tally_line(tally)}"]
    if tally.answers:
        who = [f"{ANSWERERS.get(one, one)} {count}" for one, count in tally.answers.items()]
        lines.append(f"回复：{'、'.join(who)}")
    needs = standing.needs
    lines.append(f"待处理：{needs} 件，/待处理 看" if needs else "待处理：没有")
    lines += _short_of(standing)
    lines.append(f"账号异常：{'、'.join(troubled)}" if troubled else "账号：都正常")
    return "\n".join(lines)


def _short_of(standing: Standing) -> list[str]:
    pools = standing.short_of
    if not pools:
        return []
    more = f"等 {len(pools)} 个卡池" if len(pools) > MOST_POOLS else ""
    return [f"库存不足：{'、'.join(pools[:MOST_POOLS])}{more}，/库存 看"]
