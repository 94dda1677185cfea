"""The store: everything that must survive, behind units of work. SQL stays in here."""

from hub.store.nouns import (
    AuditEntry,
    Change,
    ConversationLine,
    Decision,
    KnownItem,
    Listeners,
    Outage,
    QuarantineEntry,
    Relay,
    StoredToken,
    TokenTries,
    WebSession,
)
from hub.store.places import place_of
from hub.store.store import EVERY_KIND, Store, open_store
from hub.store.tx import Tx

__all__ = [
    "EVERY_KIND",
    "AuditEntry",
    "Change",
    "ConversationLine",
    "Decision",
    "KnownItem",
    "Listeners",
    "Outage",
    "QuarantineEntry",
    "Relay",
    "Store",
    "StoredToken",
    "TokenTries",
    "Tx",
    "WebSession",
    "open_store",
    "place_of",
]
