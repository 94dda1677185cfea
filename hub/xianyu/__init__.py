"""The wire: everything that is known about how Xianyu talks, and nothing else knows it."""

from hub.xianyu.client import Client
from hub.xianyu.cookies import CookieJar
from hub.xianyu.decode import decode_entry
from hub.xianyu.endpoints import Endpoints, Timing
from hub.xianyu.ids import new_device_id, new_uuid
from hub.xianyu.line import Ended, How
from hub.xianyu.listing import ConversationPage, HistoryPage, ListedConversation
from hub.xianyu.media import FOREIGN, NO_PICTURE, TOO_LARGE, download, may_fetch
from hub.xianyu.pace import Ask, Pace, Spacings
from hub.xianyu.pictures import FittedPicture, fit_picture
from hub.xianyu.proxy import check_proxy, masked_proxy, open_http, reach
from hub.xianyu.qr import (
    NO_LOGIN,
    QR_LIFE,
    QR_POLL_SECONDS,
    QrLogin,
    QrState,
    QrStep,
    open_qr_login,
)
from hub.xianyu.session import RECALL_WITHIN, Push, Sent, Session, open_session
from hub.xianyu.token import ImToken
from hub.xianyu.trouble import Trouble
from hub.xianyu.verdicts import CONNECT_LIMIT, FORBIDDEN_CONTENT, PERMISSION
from hub.xianyu.writes import LONGEST_RATING, LONGEST_SHIP_TEXT

__all__ = [
    "CONNECT_LIMIT",
    "FORBIDDEN_CONTENT",
    "FOREIGN",
    "LONGEST_RATING",
    "LONGEST_SHIP_TEXT",
    "NO_LOGIN",
    "NO_PICTURE",
    "PERMISSION",
    "QR_LIFE",
    "QR_POLL_SECONDS",
    "RECALL_WITHIN",
    "TOO_LARGE",
    "Ask",
    "Client",
    "ConversationPage",
    "CookieJar",
    "Ended",
    "Endpoints",
    "FittedPicture",
    "HistoryPage",
    "How",
    "ImToken",
    "ListedConversation",
    "Pace",
    "Push",
    "QrLogin",
    "QrState",
    "QrStep",
    "Sent",
    "Session",
    "Spacings",
    "Timing",
    "Trouble",
    "check_proxy",
    "decode_entry",
    "download",
    "fit_picture",
    "masked_proxy",
    "may_fetch",
    "new_device_id",
    "new_uuid",
    "open_http",
    "open_qr_login",
    "open_session",
    "reach",
]
