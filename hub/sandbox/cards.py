"""Trade cards: what the platform writes into a conversation when an order changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hub.sandbox.encode import Payload, compact
from hub.sandbox.payloads import Content, Stamp, Thread, chat_url, envelope

TASK = "T3stTaskAbCd"
_GROUP = "T3stTaskAbCd_GrPaBcD12345"
_ORDER_PAGE = "fleamarket://order_detail?id={order}&role=seller"
_LOGISTICS = "https://h5.m.goofish.com/wow/moyu/moyu-project/idle-logistics/pages/"
_UPGRADE = {
    "targetUrl": "https://h5.m.goofish.com/app/idleFish-F2e/fm-downlaod/home.html"
    "?noRedriect=true&canBack=true&checkVersion=true",
    "version": "7.7.90",
}
_TEMPLATE = {
    "name": "idlefish_message_trade_chat_card",
    "url": "https://dinamicx.alibabausercontent.com/pub/idlefish_message_trade_chat_card/"
    "1667222052767/idlefish_message_trade_chat_card.zip",
    "version": "1667222052767",
}
_CHANNELS_2025 = {
    "huawei": "EXPRESS",
    "xiaomi": "108000",
    "oppo": "EXPRESS",
    "honor": "NORMAL",
    "agoo": "product",
    "vivo": "ORDER",
}
CHANNELS_2026 = {
    "huawei": "EXPRESS",
    "xiaomi": "108000",
    "oppo_notify_level": "16",
    "honor": "NORMAL",
    "agoo": "product",
    "oppo_category": "ORDER",
    "vivo": "ORDER",
}


@dataclass(frozen=True, slots=True)
class TradeCard:
    """One kind of trade card. `tail` is what follows conversation and order in the update key."""

    title: str
    desc: str
    button: str
    tail: str
    task_name: str
    notice: str
    reminder_title: str = "交易消息"
    status: str = ""
    words: str = ""
    """Bracketed summary; the title in brackets if empty."""
    button_url: str = _ORDER_PAGE
    page: str = _ORDER_PAGE
    push: bool = True
    year_2025: bool = False
    """The captured older form: other push channels, no `button_text`, a correlation group."""

    @property
    def summary(self) -> str:
        return self.words or f"[{self.title}]"


CARDS = {
    "unpaid": TradeCard(
        title="我已拍下，待付款",
        desc="请双方沟通及时确认价格",
        button="修改价格",
        button_url="fleamarket://adjust_price?flutter=true&bizOrderId={order}",
        tail="1_not_pay_seller",
        task_name="已拍下_未付款_卖家",
        notice="买家已拍下，待付款",
        reminder_title="买家已拍下，待付款",
        status="等待买家付款",
        year_2025=True,
    ),
    "price_changed": TradeCard(
        title="我已修改价格，等待你付款",
        desc="请确认价格与协商一致，并在24小时内付款",
        button="查看详情",
        tail="2:TRADE_MODIFY_FEE_SELLER:26",
        task_name="已修改价格_卖家",
        notice="我已修改价格，快来付款吧",
        status="等待买家付款",
        push=False,
    ),
    "paid": TradeCard(
        title="我已付款，等待你发货",
        desc="请包装好商品，并按我在闲鱼上提供的地址发货",
        button="去发货",
        button_url=_LOGISTICS + "noPostageRequired?kun=true&opaque=false&orderId={order}",
        page="fleamarket://order_detail?id={order}&role=Seller",
        tail="64:TRADE_PAID_DONE_SELLER:26",
        task_name="付款完成待发货_卖家",
        notice="买家已付款",
        reminder_title="等待你发货",
        status="等待卖家发货",
    ),
    "paid_parcel": TradeCard(
        title="我已付款，等待你发货",
        desc="请包装好商品，并按我在闲鱼上提供的地址发货",
        button="去发货",
        button_url=_LOGISTICS
        + "idleDeliver?kun=true&titleVisible=false&useCusFont='true'&orderId={order}",
        page="fleamarket://order_detail?id={order}&role=Seller",
        tail="63:TRADE_PAID_DONE_SELLER:26",
        task_name="付款完成待发货_卖家",
        notice="买家已付款",
        reminder_title="等待你发货",
        status="等待卖家发货",
    ),
    "ship_reminder": TradeCard(
        title="记得及时发货",
        desc="买家在等你发货",
        button="去发货",
        button_url="https://h5.m.goofish.com/app/idleFish-F2e/fm-delivery/home.html?orderId={order}",
        page="fleamarket://order_detail?id={order}&role=Seller",
        tail="2",
        task_name="提醒发货_卖家",
        notice="记得及时发货",
        status="等待卖家发货",
    ),
    "bargain_waiting": TradeCard(
        title="我已小刀，待刀成",
        desc="已邀请好友一起拍，达成后请发货",
        button="免拼发货",
        tail="61:BARGAIN_WAIT_SELLER:26",
        task_name="小刀待刀成_卖家",
        notice="我已小刀，待刀成",
        words="[卡片消息]",
    ),
    "bargain_done": TradeCard(
        title="我已成功小刀，待发货",
        desc="请尽快发货",
        button="去发货",
        tail="63:TRADE_PAID_DONE_SELLER:26",
        task_name="付款完成待发货_卖家",
        notice="我已成功小刀，待发货",
        status="等待卖家发货",
        words="[卡片消息]",
    ),
    "refund_requested": TradeCard(
        title="我发起了退款申请",
        desc="请尽快处理",
        button="去处理",
        tail="80:BUYER_APPLY_REFUND:26",
        task_name="发起退款申请_卖家-新逆向url",
        notice="买家申请退款",
        reminder_title="买家申请退款",
        status="买家申请退款",
    ),
    "rated": TradeCard(
        title="我完成了评价",
        desc="期待你的评价",
        button="去评价",
        page="fleamarket://order_detail?id={order}&role=Seller",
        button_url="fleamarket://order_detail?id={order}&role=Seller",
        tail="10:BUYER_RATE_SELLER:26",
        task_name="期待评价_卖家",
        notice="我完成了评价",
        reminder_title="我完成了评价",
        status="有新交易评价",
        push=False,
    ),
}


def trade_card(
    thread: Thread, stamp: Stamp, kind: str, order: str, *, masked_nick: str = ""
) -> Payload:
    """A card of `CARDS`; formally the buyer sends it, `1.7` says that the platform wrote it."""
    card = CARDS[kind]
    meta = _trade_meta(thread, stamp, card, order, masked_nick)
    return envelope(
        thread.conversation,
        stamp,
        thread.buyer,
        _trade_content(stamp, card, order),
        card.summary,
        meta,
        system=True,
        push=card.push,
    )


def card_update(
    thread: Thread, stamp: Stamp, order: str, *, card_id: str, kind: str = "paid_parcel"
) -> Payload:
    """The button of an earlier card turns into 已付款; a paid order may be told by this alone."""
    button = {
        "bgColor": "#FAFAFA",
        "borderColor": "#FAFAFA",
        "fontColor": "#C2C2C2",
        "targetUrl": _ORDER_PAGE.format(order=order),
        "text": "已付款",
    }
    meta = {
        "_CONTENT_MAP_UPDATE_PRE_dxCard.item.main.exContent.button": compact(button),
        **_trade_meta(thread, stamp, CARDS[kind], order, ""),
    }
    return {
        1: card_id,
        2: f"{thread.conversation}@goofish",
        3: 1,
        4: dict(sorted(meta.items())),
        5: stamp.at,
    }


def refund_changed(thread: Thread, stamp: Stamp, order: str, *, button: str = "已同意") -> Payload:
    """A refund card with a changed button: 已同意, 已撤销 or 已拒绝."""
    page = _ORDER_PAGE.format(order=order)
    main = {
        "exContent": {
            "title": CARDS["refund_requested"].title,
            "button": {"text": button, "targetUrl": page},
        },
        "targetUrl": page,
    }
    change = {"changeContent": {"dxCard": {"item": {"main": main}}}}
    card = replace(CARDS["refund_requested"], words="[卡片消息]")
    return envelope(
        thread.conversation,
        stamp,
        thread.buyer,
        {"contentType": 26, "dynamicOperation": change},
        card.summary,
        _trade_meta(thread, stamp, card, order, ""),
        system=True,
        push=True,
    )


def _trade_content(stamp: Stamp, card: TradeCard, order: str) -> Content:
    args = {"source": "im", "task_id": TASK, "msg_id": stamp.hex}
    action = args if card.year_2025 else {**args, "button_text": card.button}
    main = {
        "clickParam": {"arg1": "MsgCard", "args": args},
        "exContent": {
            "bgColor": "#FFFFFF",
            "button": {
                "bgColor": "#FFE60F",
                "borderColor": "#FFE60F",
                "clickParam": {"arg1": "MsgCardAction", "args": action},
                "fontColor": "#333333",
                "targetUrl": card.button_url.format(order=order),
                "text": card.button,
            },
            "desc": card.desc,
            "descColor": "#A3A3A3",
            "title": card.title,
            "upgrade": _UPGRADE,
        },
        "targetUrl": card.page.format(order=order),
    }
    return {"contentType": 26, "dxCard": {"item": {"main": main}, "template": _TEMPLATE}}


def _trade_meta(
    thread: Thread, stamp: Stamp, card: TradeCard, order: str, masked_nick: str
) -> dict[str, str]:
    ext: dict[str, Any] = {
        "msgArgs": message_args(stamp),
        "quickReply": "1",
        "msgArg1": "MsgCard",
        "updateKey": f"{thread.conversation}:{order}:{card.tail}",
        "messageId": stamp.hex,
        "multiChannel": _CHANNELS_2025 if card.year_2025 else CHANNELS_2026,
        "contentType": "26",
    }
    if card.year_2025:
        ext["correlationGroupId"] = _GROUP
    return platform_meta(
        thread,
        stamp,
        ext,
        task_name=card.task_name,
        words=card.summary,
        notice=card.notice,
        title=card.reminder_title,
        status=card.status,
        nick=masked_nick,
    )


def platform_meta(
    thread: Thread,
    stamp: Stamp,
    ext: dict[str, Any],
    *,
    task_name: str,
    words: str,
    notice: str,
    title: str = "交易消息",
    status: str = "",
    nick: str = "",
    quiet: bool = False,
) -> dict[str, str]:
    """`1.10` of everything that the platform writes; `senderUserId` is the counterpart's."""
    tag = {"sourceId": f"C2C:{TASK}", "taskName": task_name, "materialId": TASK, "taskId": TASK}
    meta = {
        "bizTag": compact(tag),
        "closePushReceiver": "true" if quiet else "false",
        "closeUnreadNumber": "true" if quiet else "false",
        "detailNotice": words,
        "extJson": compact(ext),
        "receiver": thread.seller,
        "reminderContent": words,
        "reminderNotice": notice,
        "reminderTitle": title,
        "reminderUrl": chat_url(thread, stamp, peer=thread.buyer, nick=nick),
        "senderUserId": thread.buyer,
        "senderUserType": "0",
        "sessionType": "1",
        "updateHead": "true",
    }
    if status:
        meta |= {"redReminder": status, "redReminderStyle": "1"}
    return meta


def message_args(stamp: Stamp) -> dict[str, str]:
    return {"task_id": TASK, "source": "im", "msg_id": stamp.hex}
