"""The wire: everything that is known about how Xianyu talks, and nothing else knows it."""

from hub.xianyu.client import Client, ImToken, Item
from hub.xianyu.cookies import CookieJar
from hub.xianyu.decode import decode_entry
from hub.xianyu.endpoints import Endpoints, Timing
from hub.xianyu.ids import new_device_id, new_uuid
from hub.xianyu.line import Ended, How
from hub.xianyu.listing import ConversationPage, HistoryPage, ListedConversation
from hub.xianyu.session import Push, Sent, Session, open_session
from hub.xianyu.verdicts import CONNECT_LIMIT

__all__ = [
    "CONNECT_LIMIT",
    "Client",
    "ConversationPage",
    "CookieJar",
    "Ended",
    "Endpoints",
    "HistoryPage",
    "How",
    "ImToken",
    "Item",
    "ListedConversation",
    "Push",
    "Sent",
    "Session",
    "Timing",
    "decode_entry",
    "new_device_id",
    "new_uuid",
    "open_session",
]
