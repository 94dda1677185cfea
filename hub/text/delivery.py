"""What people read about orders and deliveries. No card stands in it but masked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hub.model import (
    Account,
    Choice,
    Conversation,
    DeliveryState,
    DeliveryStep,
    KnownOrder,
    Need,
    NeedKind,
    OrderNote,
    OrderStatus,
    StepOrder,
    Stop,
)
from hub.text.content import shorten
from hub.text.times import span

NEED_KINDS: dict[NeedKind, str] = {
    NeedKind.NO_RULE: "没有发货规则",
    NeedKind.OUT_OF_STOCK: "库存不足",
    NeedKind.UNKNOWN_SPEC: "规格没有对应的规则",
    NeedKind.TOO_MANY: "购买数量超过上限",
    NeedKind.UNCLEAR: "订单看不清楚",
    NeedKind.UNREADABLE: "订单读不到",
    NeedKind.HELD: "按防护规则拦下了",
    NeedKind.STOPPED: "停下了，没有发",
    NeedKind.OFFLINE: "账号不在线，货还没发出去",
    NeedKind.UNSUPPLIED: "供货方没有给卡",
    NeedKind.SUPPLY_UNCERTAIN: "不确定供货方有没有出卡",
    NeedKind.REJECTED: "闲鱼拒绝了发货消息",
    NeedKind.UNCERTAIN: "不确定买家是否收到",
    NeedKind.SHIP_FAILED: "没能标记为已发货",
    NeedKind.BARGAIN: "小刀订单没能免拼",
    NeedKind.REFUND: "已发货的订单要退款",
    NeedKind.REFUND_OFF: "退款取消，订单又在等发货",
    NeedKind.OFFER: "买家还价，等你定",
    NeedKind.BRAKE: "发货异常，全店已自动急停",
}

CHOICES: dict[Choice, str] = {
    Choice.DELIVER: "发货",
    Choice.ASK_AGAIN: "再向供货方取一次",
    Choice.RESEND: "把同样的内容再发一次",
    Choice.ARRIVED: "买家已经收到",
    Choice.OUTSIDE: "我已在别处发货",
    Choice.RELEASE: "卡密退回库存",
    Choice.REFUSE: "不发了",
    Choice.SHIP: "再标记一次发货",
    Choice.FREE: "再免拼一次",
    Choice.READ: "重新读订单",
    Choice.RESUME: "恢复发货",
    Choice.DONE: "知道了",
    Choice.AGREE: "同意这个价",
    Choice.COUNTER: "还个价",
    Choice.DECLINE: "不降价",
}

_HINTS: dict[NeedKind, str] = {
    NeedKind.NO_RULE: "发货要选卡池：引用这条写「1 卡池名」",
    NeedKind.UNKNOWN_SPEC: "发货要选卡池：引用这条写「1 卡池名」",
    NeedKind.OUT_OF_STOCK: "先补货再选 1，或者写「1 卡池名」从别的卡池发",
}
"""What the numbers alone do not say."""

DELIVERY_STATES: dict[DeliveryState, str] = {
    DeliveryState.PENDING: "待发",
    DeliveryState.SUPPLYING: "向供货方取卡中",
    DeliveryState.RESERVED: "已预留",
    DeliveryState.SENDING: "发送中",
    DeliveryState.SENT: "买家已收到",
    DeliveryState.CONFIRMED: "已完成",
    DeliveryState.REVIEW: "待人工处理",
    DeliveryState.FAILED: "不发了",
    DeliveryState.OUTSIDE: "在别处发货",
    DeliveryState.RELEASED: "已退回库存",
}

STEPS: dict[DeliveryStep | OrderNote, str] = {
    DeliveryStep.OWED: "记下要发的货",
    DeliveryStep.ASKED: "向供货方取卡",
    DeliveryStep.UNSUPPLIED: "没有取到卡",
    DeliveryStep.RESERVED: "预留",
    DeliveryStep.LEFT: "开始发送",
    DeliveryStep.ACCEPTED: "买家收到",
    DeliveryStep.REJECTED: "闲鱼拒绝",
    DeliveryStep.UNCERTAIN: "不确定是否送达",
    DeliveryStep.STOPPED: "没有发出",
    DeliveryStep.SHIPPED: "订单已标记发货",
    DeliveryStep.RESENT: "再发一次",
    DeliveryStep.OUTSIDE: "在别处发货",
    DeliveryStep.RELEASED: "退回库存",
    DeliveryStep.REFUSED: "决定不发",
    OrderNote.READ: "读订单",
    OrderNote.HELD: "转人工",
    OrderNote.LEFT_ALONE: "不自动发货",
    OrderNote.FREED: "小刀免拼",
    OrderNote.SHIP_FAILED: "标记发货失败",
    OrderNote.REFUND: "退款或关闭",
    OrderNote.REFUND_OFF: "退款取消",
    OrderNote.DISPUTED: "卡密标记为有争议",
    OrderNote.PRICE_ASKED: "要求改价",
    OrderNote.PRICED: "已改价",
    OrderNote.PRICE_FAILED: "改价没有成功",
    OrderNote.HURRIED: "不再等，马上发",
    OrderNote.KEPT: "供货方的卡来晚了，留着没有发",
}

ORDER_STATUSES: dict[OrderStatus, str] = {
    OrderStatus.UNPAID: "待付款",
    OrderStatus.BARGAIN_PENDING: "待刀成",
    OrderStatus.PAID: "待发货",
    OrderStatus.SHIPPED: "已发货",
    OrderStatus.COMPLETED: "交易成功",
    OrderStatus.REFUND_REQUESTED: "退款中",
    OrderStatus.REFUNDED: "已退款",
    OrderStatus.CLOSED: "已关闭",
}

STEP_ORDERS: dict[StepOrder, str] = {
    StepOrder.SEND_THEN_CONFIRM: "先发内容，再标记发货",
    StepOrder.CONFIRM_THEN_SEND: "先标记发货，再发内容",
    StepOrder.SEND_ONLY: "只发内容，不标记发货",
}


def need_line(need: Need) -> str:
    """One need in a list."""
    about = f" 订单 {need.order}" if need.order else ""
    detail = f"：{need.detail}" if need.detail else ""
    return f"待处理 {need.number}｜{NEED_KINDS[need.kind]}{detail}{about}"


def need_notice(
    need: Need,
    account: Account | None,
    order: KnownOrder | None,
    conversation: Conversation | None,
    choices: Sequence[Choice],
    *,
    again: bool,
) -> str:
    """The need with its numbered answers."""
    lines = [f"🔔 {'还没处理：' if again else ''}待处理 {need.number}｜{NEED_KINDS[need.kind]}"]
    if need.detail:
        lines.append(need.detail)
    lines += _about(account, order, need.order)
    lines += [f"{number} {CHOICES[one]}" for number, one in enumerate(choices, 1)]
    if need.kind in _HINTS:
        lines.append(_HINTS[need.kind])
    if conversation is not None:
        lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def need_mail(need: Need, account: Account | None, order: KnownOrder | None) -> str:
    """The need for somebody who cannot answer by a number."""
    lines = [f"待处理 {need.number}｜{NEED_KINDS[need.kind]}"]
    if need.detail:
        lines.append(need.detail)
    return "\n".join([*lines, *_about(account, order, need.order)])


def _about(account: Account | None, order: KnownOrder | None, number: str | None) -> list[str]:
    lines = []
    if account is not None:
        buyer = (order.buyer_name or order.buyer or "") if order is not None else ""
        lines.append(f"【{account.name}】{shorten(buyer, 24)}".rstrip())
    if order is not None:
        spec = " ".join(value for _, value in order.spec)
        pieces = f" ×{order.quantity}" if order.quantity and order.quantity > 1 else ""
        paid = f" {order.paid_amount} 元" if order.paid_amount is not None else ""
        lines.append(f"{shorten(order.item_title, 24)} {shorten(spec, 24)}{pieces}{paid}".strip())
    if number:
        lines.append(f"订单 {number}")
    return [line for line in lines if line]


def delivered_notice(
    account: Account,
    order: KnownOrder,
    conversation: Conversation | None,
    pool: str,
    cards: Sequence[str],
    units: int,
    *,
    again: bool = False,
    by_hand: tuple[str, timedelta] | None = None,
) -> str:
    """`cards` are masked. `again`: a person had the same sent once more. `by_hand`: who wanted it
    delivered, empty if that is not known, and how long before."""
    given = f"：{'、'.join(cards[:5])}{' 等' if len(cards) > 5 else ''}" if cards else ""
    done = "已再发一次" if again else "已手动发货" if by_hand is not None else "已自动发货"
    lines = [f"✅ {done} {units} 份「{pool}」{given}", *_about(account, order, order.id)]
    if by_hand is not None and by_hand[0]:
        who, ago = by_hand
        lines.append(f"{who} 让发的，{span(ago)}后发到")
    if conversation is not None:
        lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def refund_notice(
    account: Account,
    order: KnownOrder,
    conversation: Conversation | None,
    status: OrderStatus,
    *,
    returned: int,
    kept: int,
    disputed: int,
) -> str:
    """`returned`: units whose cards went back into stock. `kept`: units that were stopped and have
    no such cards, or cards of a supplier, which stay with their order."""
    what = {
        OrderStatus.REFUND_REQUESTED: "买家申请退款",
        OrderStatus.REFUNDED: "已退款",
        OrderStatus.CLOSED: "订单已关闭",
    }[status]
    lines = [f"↩ {what}", *_about(account, order, order.id)]
    if returned:
        lines.append(f"还没发出的 {returned} 份已停下，卡密退回库存")
    if kept:
        lines.append(f"还没发出的 {kept} 份已停下")
    if disputed:
        lines.append(f"已发出的 {disputed} 份标记为有争议")
    if conversation is not None:
        lines.append(f"#{conversation.ticket}")
    return "\n".join(lines)


def stop_line(stop: Stop, account: Account | None) -> str:
    where = f"【{account.name}】" if account is not None else "全店"
    return f"⛔ {where}发货急停：{stop.reason}"
