"""What the platform itself writes into a conversation: trade cards, their updates, tips, robots."""

from __future__ import annotations

from dataclasses import dataclass
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
_CHANNELS_2026 = {
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
        "msgArgs": _message_args(stamp),
        "quickReply": "1",
        "msgArg1": "MsgCard",
        "updateKey": f"{thread.conversation}:{order}:{card.tail}",
        "messageId": stamp.hex,
        "multiChannel": _CHANNELS_2025 if card.year_2025 else _CHANNELS_2026,
        "contentType": "26",
    }
    if card.year_2025:
        ext["correlationGroupId"] = _GROUP
    return _platform_meta(
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


def _platform_meta(
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


def _message_args(stamp: Stamp) -> dict[str, str]:
    return {"task_id": TASK, "source": "im", "msg_id": stamp.hex}


# --- Tips and other texts of the platform -------------------------------------------------------


def tip(
    thread: Thread, stamp: Stamp, words: str, *, task_name: str, status: str = "", notice: str = ""
) -> Payload:
    """A grey line in the conversation, such as `[你已发货]`; it names no order."""
    content = {
        "contentType": 14,
        "tip": {"tip": words, "argInfo": {"arg1": "MsgTips", "args": _message_args(stamp)}},
    }
    meta = _tip_meta(thread, stamp, words, task_name, status, notice or words.strip("[]"))
    return envelope(
        thread.conversation, stamp, thread.buyer, content, words, meta, system=True, push=False
    )


def shipped_tip(thread: Thread, stamp: Stamp) -> Payload:
    return tip(thread, stamp, "[你已发货]", task_name="已发货_卖家", status="等待买家收货")


def marketing_tip(
    thread: Thread, stamp: Stamp, words: str = "[不想宝贝被砍价?设置不砍价回复  ]"
) -> Payload:
    """Noise: formally from the buyer, only `1.7`, the type and `msgArg1` give it away."""
    content = {"contentType": 14, "tip": {"argInfo": {"arg1": "NoBargainGuide"}}}
    meta = _tip_meta(thread, stamp, words, "不砍价引导", "", "你已发货")
    return envelope(
        thread.conversation,
        stamp,
        thread.buyer,
        content,
        words,
        meta,
        system=True,
        push=False,
        nine=1,
    )


def _tip_meta(
    thread: Thread, stamp: Stamp, words: str, task_name: str, status: str, notice: str
) -> dict[str, str]:
    ext = {
        "msgArgs": _message_args(stamp),
        "msgArg1": "MsgTips",
        "messageId": stamp.hex,
        "contentType": "14",
    }
    return _platform_meta(
        thread,
        stamp,
        ext,
        task_name=task_name,
        words=words,
        notice=notice,
        status=status,
        quiet=True,
    )


def rate_invitation(thread: Thread, stamp: Stamp, order: str) -> Payload:
    """`快给ta一个评价吧～`, a card of type 25 that follows a completed order."""
    words = "快给ta一个评价吧～"
    page = f"https://h5.m.goofish.com/wow/moyu/moyu-project/evaluate?orderId={order}"
    main = {
        "exContent": {
            "subTitle": "交易体验还满意吗？评价帮更多人选购",
            "title": words,
            "button": {"text": "去评价", "targetUrl": page},
        },
        "targetUrl": "",
    }
    ext = {
        "msgArgs": _message_args(stamp),
        "quickReply": "1",
        "msgArg1": "MsgCard",
        "updateKey": f"{thread.conversation}:{order}:20:INVITE_RATE:25",
        "messageId": stamp.hex,
        "multiChannel": _CHANNELS_2026,
        "contentType": "25",
    }
    meta = _platform_meta(thread, stamp, ext, task_name="邀请评价_卖家", words=words, notice=words)
    content = {"contentType": 25, "dxCard": {"item": {"main": main}}}
    return envelope(
        thread.conversation, stamp, thread.buyer, content, words, meta, system=True, push=False
    )


def workbench_card(
    stamp: Stamp,
    order: str,
    item_title: str,
    *,
    title: str = "买家已确认收货，交易成功",
    conversation: str = "60019999999",
    sender: str = "2222000000001",
) -> Payload:
    """The notify centre speaks in a conversation of its own, with no buyer in it."""
    main = {
        "exContent": {
            "title": title,
            "item1": {
                "subscription": item_title,
                "targetUrl": f"fleamarket://order_detail?id={order}",
            },
        }
    }
    content = {
        "contentType": 28,
        "dxCard": {"item": {"main": main}, "template": {"name": "notify_center_trade_card"}},
    }
    meta = {
        "extJson": compact({"msgArg1": "MsgCard", "messageId": stamp.hex}),
        "reminderContent": "[卡片消息]",
        "reminderTitle": "工作台通知",
        "senderUserId": sender,
        "sessionType": "53",
    }
    return envelope(conversation, stamp, "", content, "[卡片消息]", meta, system=True, push=True)


def robot_message(stamp: Stamp, words: str, *, conversation: str = "60018888888") -> Payload:
    """闲小蜜, the platform's robot, user 1400: looks like a person's text in every other way."""
    meta = {
        "extJson": compact({"messageId": stamp.hex}),
        "reminderContent": words,
        "reminderTitle": "闲小蜜发来一条新消息",
        "senderUserId": "1400",
        "sessionType": "1",
    }
    content = {"contentType": 1, "text": {"text": words}}
    return envelope(conversation, stamp, "1400", content, words, meta, system=False, push=True)
