"""AI in words: what buyers want, how far it may go, what went wrong, what is said of goods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time

from hub.model import AiMode, AiTrouble, Hours, Intent

INTENTS: Mapping[Intent, str] = {
    Intent.PRICE: "问价、砍价",
    Intent.QUESTION: "问商品",
    Intent.ORDER: "问订单、发货",
    Intent.CHAT: "打招呼、闲聊",
    Intent.COMPLAINT: "投诉、不满",
    Intent.REFUND: "退款、退货",
    Intent.CONTACT_OUTSIDE: "要到平台外联系",
    Intent.NONE: "不用回答",
    Intent.OTHER: "说不清",
}

AI_MODES: Mapping[AiMode, str] = {
    AiMode.OFF: "关",
    AiMode.DRAFT: "草稿",
    AiMode.AUTOMATIC: "自动",
}

DELIVERED = "[已发货内容]"
"""In the place of goods: what was sold is nobody's business but the buyer's."""
PICTURE = "[图片]"

AI_TROUBLES: Mapping[AiTrouble, str] = {
    AiTrouble.UNREACHABLE: "连不上服务器",
    AiTrouble.FORBIDDEN_ADDRESS: "地址在内网、本机或云主机的元数据服务，没有允许就不会访问",
    AiTrouble.TIMEOUT: "没有在限定时间内答完",
    AiTrouble.CUT: "答到一半断开了",
    AiTrouble.KEY: "密钥不对，或者没有权限用这个模型",
    AiTrouble.THROTTLED: "说请求太频繁",
    AiTrouble.NO_MONEY: "说余额或额度用完了",
    AiTrouble.REJECTED: "拒绝了请求",
    AiTrouble.BROKEN: "服务器出错",
    AiTrouble.REFUSED: "不愿意回答这个问题",
    AiTrouble.EMPTY: "什么也没有回答",
    AiTrouble.UNREADABLE: "回答的格式不对",
    AiTrouble.TOO_LARGE: "回答太长，没有读完",
    AiTrouble.NO_PROFILE: "还没有配置可用的 AI",
    AiTrouble.OUT_OF_TIME: "前面的 AI 花了太久，没有再问",
}


def ai_would(mode: AiMode) -> str:
    """What becomes of an answer of AI, as the end of a sentence."""
    return {
        AiMode.OFF: "",
        AiMode.DRAFT: "，写成草稿先给你看",
        AiMode.AUTOMATIC: "，有把握时直接发",
    }[mode]


def ai_trouble(kind: AiTrouble, detail: str = "") -> str:
    return f"{AI_TROUBLES[kind]}（{detail}）" if detail else AI_TROUBLES[kind]


def ai_failed(tries: Sequence[tuple[str, str]]) -> str:
    """`tries`: name of each profile and why it gave no answer."""
    if not tries:
        return AI_TROUBLES[AiTrouble.NO_PROFILE]
    return "；".join(f"「{name}」{reason}" for name, reason in tries)


def ai_hours(hours: Sequence[Hours]) -> str:
    """`9:00-12:00、13:30-22:00`; empty for always."""
    return "、".join(f"{_clock(one.start)}-{_clock(one.end, '24:00')}" for one in hours)


def _clock(at: time, midnight: str = "0:00") -> str:
    return f"{at.hour}:{at.minute:02d}" if at != time() else midnight
