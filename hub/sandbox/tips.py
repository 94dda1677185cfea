"""What else the platform writes: grey tips, invitations, the notify centre, its robot."""

from __future__ import annotations

from hub.sandbox.cards import CHANNELS_2026, message_args, platform_meta
from hub.sandbox.encode import Payload, compact
from hub.sandbox.payloads import Stamp, Thread, envelope


def tip(
    thread: Thread, stamp: Stamp, words: str, *, task_name: str, status: str = "", notice: str = ""
) -> Payload:
    """A grey line in the conversation, such as `[你已发货]`; it names no order."""
    content = {
        "contentType": 14,
        "tip": {"tip": words, "argInfo": {"arg1": "MsgTips", "args": message_args(stamp)}},
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
        "msgArgs": message_args(stamp),
        "msgArg1": "MsgTips",
        "messageId": stamp.hex,
        "contentType": "14",
    }
    return platform_meta(
        thread,
        stamp,
        ext,
        task_name=task_name,
        words=words,
        notice=notice,
        status=status,
        quiet=True,
    )


def text_card(thread: Thread, stamp: Stamp, order: str) -> Payload:
    """`物流已签收`, a card that is HTML; it stands for all cards of that kind."""
    words = "[卡片消息]"
    link = f'<a href="fleamarket://order_detail?id={order}&role=Seller">查看详情</a>'
    card = {
        "title": '<strong><font color="#000000">物流已签收</font></strong>',
        "content": f'<strong><font color="#999999">3天后自动确认收货 {link}</font></strong>',
    }
    ext = {
        "msgArgs": message_args(stamp),
        "msgArg1": "MsgCard",
        "messageId": stamp.hex,
        "contentType": "6",
    }
    meta = platform_meta(
        thread,
        stamp,
        ext,
        task_name="物流签收提醒_卖家",
        words=words,
        notice="交易消息",
        quiet=True,
    )
    content = {"contentType": 6, "textCard": card}
    return envelope(
        thread.conversation, stamp, thread.buyer, content, words, meta, system=True, push=False
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
        "msgArgs": message_args(stamp),
        "quickReply": "1",
        "msgArg1": "MsgCard",
        "updateKey": f"{thread.conversation}:{order}:20:INVITE_RATE:25",
        "messageId": stamp.hex,
        "multiChannel": CHANNELS_2026,
        "contentType": "25",
    }
    meta = platform_meta(thread, stamp, ext, task_name="邀请评价_卖家", words=words, notice=words)
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
