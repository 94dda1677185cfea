"""What operators read about orders when they ask in chat. No card stands in it but as given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from hub.model import (
    Account,
    Choice,
    Conversation,
    Delivery,
    DeliveryRule,
    DeliveryState,
    KnownOrder,
    MemberId,
    Need,
    OrderNote,
    StepOrder,
    Stop,
    StoryLine,
)
from hub.text.content import shorten
from hub.text.delivery import (
    CHOICES,
    DELIVERY_STATES,
    NEED_KINDS,
    ORDER_STATUSES,
    STEPS,
    need_line,
    stop_line,
)

_SHOWN = 10
"""Orders or needs in one message; more would be a wall of text."""
_STORY_SHOWN = 8
_RULES_SHOWN = 15
Clock = Callable[[datetime], str]
Unit = tuple[Delivery, str, Sequence[str]]
"""A unit, the name of its pool, and its cards as they may be shown here."""


def order_status(order: KnownOrder) -> str:
    """In words; what the platform calls it when that is not known."""
    if order.status is None:
        return order.raw_status or "状态未知"
    return ORDER_STATUSES[order.status]


def bought(order: KnownOrder, longest: int = 24) -> str:
    """`手冲咖啡壶 月卡 ×2 90.00 元`."""
    spec = " ".join(value for _, value in order.spec)
    pieces = f"×{order.quantity}" if order.quantity and order.quantity > 1 else ""
    paid = f"{order.paid_amount} 元" if order.paid_amount is not None else ""
    said = (shorten(order.item_title, longest), shorten(spec, longest), pieces, paid)
    return " ".join(part for part in said if part)


def delivered_so_far(states: Sequence[DeliveryState]) -> str:
    """`2 份已完成`, or `1 份已完成，1 份待人工处理`; empty without a delivery."""
    counts = {state: states.count(state) for state in states}
    return "，".join(f"{n} 份{DELIVERY_STATES[state]}" for state, n in counts.items())


def order_page(
    order: KnownOrder,
    account: Account,
    conversation: Conversation | None,
    units: Sequence[Unit],
    needs: Sequence[Need],
    story: Sequence[str],
    acts: Sequence[Choice],
    others: Sequence[KnownOrder] = (),
) -> str:
    """Everything about one order, and what can be done next. `others`: of the same conversation."""
    buyer = shorten(order.buyer_name, 24) or order.buyer or "买家"
    lines = [
        f"订单 {order.id}｜{order_status(order)}",
        f"【{account.name}】{buyer} · {bought(order)}".rstrip(" ·"),
    ]
    lines += [_unit_line(*unit) for unit in units]
    lines += [need_line(need) for need in needs]
    lines += story
    name = f"#{conversation.ticket}" if conversation is not None else order.id
    lines += _next(needs, acts, name if not others else order.id)
    if others:
        numbers = "、".join(one.id for one in others[:3]) + (" 等" if len(others) > 3 else "")
        lines.append(f"这个会话还有 {len(others)} 笔订单：{numbers}")
    if conversation is not None:
        lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def _unit_line(delivery: Delivery, pool: str, cards: Sequence[str]) -> str:
    from_ = f"「{pool}」" if pool else ""
    given = f"：{'、'.join(cards)}" if cards else ""
    return f"第 {delivery.unit.unit} 份{from_}{DELIVERY_STATES[delivery.state]}{given}"


def _next(needs: Sequence[Need], acts: Sequence[Choice], name: str) -> list[str]:
    if needs:
        return [f"下一步：/处理 {needs[0].number}"]
    ways = {
        Choice.FREE: "/免拼",
        Choice.DELIVER: "/发货",
        Choice.RESEND: "/补发",
        Choice.OUTSIDE: "/发货完成",
    }
    said = [f"{ways[act]} {name}" for act in acts if act in ways]
    return [f"可以：{'、'.join(said)}"] if said else []


def story_lines(
    story: Sequence[StoryLine], names: Mapping[MemberId, str], clock: Clock
) -> list[str]:
    """The timeline in few lines: what happened to several units at once is one of them."""
    merged: list[tuple[StoryLine, list[int]]] = []
    for line in story:
        if line.step is OrderNote.READ:
            continue
        unit = [line.unit] if line.unit is not None else []
        same = merged and _key(merged[-1][0], clock) == _key(line, clock)
        if same:
            merged[-1][1].extend(one for one in unit if one not in merged[-1][1])
        else:
            merged.append((line, unit))
    hidden = len(merged) - _STORY_SHOWN
    several = len({line.unit for line in story if line.unit is not None}) > 1
    said = [_story_line(line, units if several else [], names, clock) for line, units in merged]
    if hidden <= 0:
        return said
    return [f"（前面还有 {hidden} 条，后台的订单页有全部）", *said[hidden:]]


def _key(line: StoryLine, clock: Clock) -> tuple[object, ...]:
    return (line.step, line.detail, line.member, clock(line.at))


def _story_line(
    line: StoryLine, units: Sequence[int], names: Mapping[MemberId, str], clock: Clock
) -> str:
    which = f" 第 {'、'.join(map(str, units))} 份" if units else ""
    detail = f"：{line.detail}" if line.detail else ""
    name = names.get(line.member) if line.member is not None else None
    who = f"（{name}）" if name else ""
    return f"{clock(line.at)}{which} {STEPS[line.step]}{detail}{who}"


def order_list(
    orders: Sequence[tuple[KnownOrder, Sequence[DeliveryState]]],
    words: str = "",
    *,
    more: bool = False,
) -> str:
    """Several orders; a page of one is asked for by its number. `more`: there are others besides
    these."""
    if not orders:
        if words:
            return f"没有找到「{shorten(words, 20)}」的订单；可以写订单号、买家名或商品标题里的字"
        return "还没有订单，买家付款后会出现在这里"
    lines = [order_in_list(order, states) for order, states in orders[:_SHOWN]]
    if len(orders) > _SHOWN:
        rest = "很多" if more else f" {len(orders) - _SHOWN} "
        lines.append(f"还有{rest}笔，写上买家名或商品缩小范围")
    lines.append("看一笔：/单 订单号（末尾几位也行）")
    return "\n".join(lines)


def order_in_list(order: KnownOrder, states: Sequence[DeliveryState] = ()) -> str:
    buyer = shorten(order.buyer_name, 12) or order.buyer or "买家"
    so_far = delivered_so_far(states)
    ending = f"｜{so_far}" if so_far else ""
    return f"{order.id} {order_status(order)} {buyer} {bought(order, 14)}{ending}"


# --- Needs ----------------------------------------------------------------------------------------


def numbered(choices: Sequence[Choice]) -> str:
    return "　".join(f"{number} {CHOICES[one]}" for number, one in enumerate(choices, 1))


def need_page(need: Need, order: KnownOrder | None, choices: Sequence[Choice]) -> str:
    """One need with its numbered answers."""
    said = _need_said(need, order)
    if need.closed_at is not None:
        return f"{said}\n已经处理过：{need.resolution}"
    return f"{said}\n{numbered(choices)}\n回复：/处理 {need.number} 数字"


def needs_page(
    needs: Sequence[tuple[Need, KnownOrder | None, Sequence[Choice]]],
    stops: Sequence[tuple[Stop, Account | None]],
) -> str:
    """All that waits for a person. Several begin with how many they are, so that nobody who quotes
    the list with a number answers the first of them."""
    lines = [stop_line(stop, account) for stop, account in stops]
    if not needs:
        return "\n".join([*lines, "没有待处理的事"])
    if len(needs) > 1:
        lines.append(f"一共 {len(needs)} 件等你决定")
    lines += [
        f"{_need_said(need, order)}\n{numbered(choices)}" for need, order, choices in needs[:_SHOWN]
    ]
    if len(needs) > _SHOWN:
        lines.append(f"还有 {len(needs) - _SHOWN} 件，在后台的「待处理」里看")
    first = needs[0][0].number
    lines.append(f"回复「/处理 {first} 1」，或者引用那条通知只写数字")
    return "\n".join(lines)


def _need_said(need: Need, order: KnownOrder | None) -> str:
    if order is None:
        return need_line(need)
    buyer = shorten(order.buyer_name, 16) or order.buyer or "买家"
    return f"{need_line(need)}\n{buyer} · {bought(order)}".rstrip(" ·")


def which_pool(refusal: str, number: int) -> str:
    """Nothing says which pool an order is served from; `number` of the need that is answered."""
    return f"{refusal}，例如 /处理 {number} 1 月卡"


def which_pool_for(refusal: str, order: str) -> str:
    """The same of a command that names the order."""
    return f"{refusal}，例如 /发货 {order} 月卡"


def quote_is_blank(need: Need, number: str, ticket: str) -> str:
    """The quote came without its text: a number may be meant for the hub or for the buyer."""
    return (
        f"没有执行：看不出这个数字是说给谁的。要处理「{NEED_KINDS[need.kind]}」，"
        f"写 /处理 {need.number} {number}{_to_buyer(ticket, number)}"
    )


def either_way(need: Need, words: str, ticket: str) -> str:
    """An answer to a need in words, under its notice: it would be a strange thing to say to a
    buyer, and a worse one to do unasked."""
    return (
        f"没有执行，也没有发给买家。要这样处理，写 /处理 {need.number} {words}"
        f"{_to_buyer(ticket, words)}"
    )


def which_need(numbers: Sequence[int], words: str) -> str:
    """An answer that quotes several needs at once."""
    listed = "、".join(str(one) for one in numbers)
    return (
        f"没有执行，也没有发给买家：引用的消息里有几件待处理（{listed}）。"
        f"写上编号，例如 /处理 {numbers[0]} {words}"
    )


def _to_buyer(ticket: str, words: str) -> str:
    return f"；要对买家说，写 #{ticket} {words}" if ticket else ""


def need_without_buyer(need: Need) -> str:
    return (
        f"没有发送：待处理 {need.number} 没有对应的会话，话没有发给任何人。"
        f"要处理它，引用那条通知只写数字，或者写 /处理 {need.number}"
    )


# --- What was done --------------------------------------------------------------------------------


def order_named(order: KnownOrder) -> str:
    """`小林 · 手冲咖啡壶 45.00 元，订单 4400112233445566778`."""
    buyer = shorten(order.buyer_name, 16) or order.buyer or "买家"
    return f"{buyer} · {bought(order, 16)}".rstrip(" ·") + f"，订单 {order.id}"


def confirm_question(what: str, about: str, code: str, seconds: int) -> str:
    """`about`: what it is done to; may be empty."""
    which = f"\n{about}" if about else ""
    return f"⚠ {what}。{which}\n确定的话，{seconds} 秒内回复：确认 {code}"


def confirm_wrong(code: str) -> str:
    return f"没有执行：确认码不对，要做就回复「确认 {code}」"


def confirm_late(seconds: int, bare: str = "") -> str:
    """`bare`: the number, where it was said alone and may have been meant for a buyer."""
    said = f"没有执行：没有等你确认的操作。确认只在 {seconds} 秒内有效，请把命令再发一次"
    return f"{said}；要对买家说，写 #编号 {bare}" if bare else said


def order_done(
    act: Choice, order: KnownOrder, conversation: Conversation | None, units: Sequence[Unit]
) -> str:
    """What a command did to an order. Whatever the platform answers is told later."""
    pools = "、".join(dict.fromkeys(f"「{pool}」" for _, pool, _ in units if pool))
    cards = [card for _, _, given in units for card in given]
    given = f"：{'、'.join(cards[:5])}{' 等' if len(cards) > 5 else ''}" if cards else ""
    number = f"订单 {order.id}"
    said = {
        Choice.DELIVER: f"🚚 开始发货 {len(units)} 份{pools}{given}，结果会告诉你",
        Choice.RESEND: f"🚚 正在把同样的内容再发一次{given}",
        Choice.OUTSIDE: f"已记为在别处发货，不会再自动发，{number}",
        Choice.RELEASE: f"卡密已退回库存，{number}",
        Choice.REFUSE: f"已记为不发，{number}。退款请在闲鱼里处理",
        Choice.SHIP: f"正在闲鱼里标记发货，{number}",
        Choice.FREE: f"正在免拼，{number}。成交以后按发货规则发，没成会告诉你",
    }[act]
    return said + (f" #{conversation.ticket}" if conversation is not None else "")


def stopped(account: Account | None, *, news: bool, back: str) -> str:
    """`back`: the command that ends it."""
    where = _where(account)
    if not news:
        return f"{where}本来就停着发货。恢复：{back}"
    return (
        f"⛔ {where}已停止发货，马上生效。已经发出的收不回；"
        f"新付款的订单会留在待处理里。恢复：{back}"
    )


def going_on(
    account: Account | None, orders: int, still: Sequence[tuple[Stop, Account | None]]
) -> str:
    """An emergency stop is over; `still`: those that are not."""
    said = f"▶ {_where(account)}恢复发货" + (f"，{orders} 笔订单接着发" if orders else "")
    if not still:
        return said
    lines = [
        f"{stop_line(stop, of)}，恢复发 /开发{f' {of.name}' if of is not None else ''}"
        for stop, of in still
    ]
    return "\n".join([f"{said}。仍然停着：", *lines])


def nothing_stopped(
    account: Account | None, still: Sequence[tuple[Stop, Account | None]], command: str
) -> str:
    said = f"{_where(account)}没有急停"
    if not still:
        return f"{said}，发货正常"
    names = "、".join(of.name if of is not None else "全店" for _, of in still)
    first = still[0][1]
    how = f"/{command} {first.name}" if first is not None else f"/{command}"
    return f"{said}。停着的是：{names}，恢复：{how}"


def _where(account: Account | None) -> str:
    return f"【{account.name}】" if account is not None else "全店"


# --- Delivery rules -------------------------------------------------------------------------------

_AFTER = {
    StepOrder.SEND_THEN_CONFIRM: "发完标记发货",
    StepOrder.CONFIRM_THEN_SEND: "先标记发货再发",
    StepOrder.SEND_ONLY: "不标记发货",
}


def rule_sentence(
    rule: DeliveryRule, pool: str, account: str, titles: Mapping[str, str], *, one_piece: bool
) -> str:
    """What a delivery rule does, in words. `account`: empty for all; `titles`: of known items;
    `one_piece`: the pool gives the same to everybody, once per order."""
    where = f"【{account}】" if account else "全部账号"
    when = "付款后马上" if not rule.delay_seconds else f"付款 {_span(rule.delay_seconds)}后"
    each = "" if one_piece else (f"每件 {rule.cards} 张，" if rule.cards > 1 else "每件 1 张，")
    return (
        f"{where}卖出{_what(rule, titles)}{_which(rule)}，{when}发「{pool}」，{each}"
        f"一笔最多 {rule.most_units} 件，{_AFTER[rule.steps]}"
    )


def _what(rule: DeliveryRule, titles: Mapping[str, str]) -> str:
    named = [f"「{shorten(titles.get(item, item), 16)}」" for item in rule.items[:3]]
    more = f"等 {len(rule.items)} 个商品" if len(rule.items) > 3 else ""
    said = "、".join(named) + more
    words = "、".join(f"“{word}”" for word in rule.keywords[:3])
    if not words:
        return said
    by_title = f"标题里有{words}{'等' if len(rule.keywords) > 3 else ''}的商品"
    return f"{said}，或者{by_title}" if said else by_title


def _which(rule: DeliveryRule) -> str:
    if not rule.spec:
        return "（任何规格）" if rule.fallback else "（没有规格可选的）"
    spec = " ".join(f"{name}：{value}" if name else value for name, value in rule.spec)
    return f"（{spec}{'，也管没有规则的其他规格' if rule.fallback else ''}）"


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return (
        f"{minutes} 分 {rest} 秒"
        if minutes and rest
        else (f"{minutes} 分钟" if minutes else f"{rest} 秒")
    )


def rules_page(sentences: Sequence[tuple[DeliveryRule, str]]) -> str:
    if not sentences:
        return "还没有发货规则，付款的订单都会留在待处理里。请店主在后台的「发货规则」里添加"
    lines = [
        f"{rule.id} {said}{'' if rule.enabled else '（已关闭）'}"
        for rule, said in sentences[:_RULES_SHOWN]
    ]
    if len(sentences) > _RULES_SHOWN:
        lines.append(f"还有 {len(sentences) - _RULES_SHOWN} 条，在后台的「发货规则」里看")
    return "\n".join(lines)
