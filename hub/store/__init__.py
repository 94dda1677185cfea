"""The store: everything that must survive, behind units of work. SQL stays in here."""

from hub.store.aside import is_original, set_aside, set_aside_before
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
from hub.store.originals import ROW, Original, OriginalRow, open_original
from hub.store.places import place_of
from hub.store.store import EVERY_KIND, Store, open_store
from hub.store.tx import Tx

__all__ = [
    "EVERY_KIND",
    "ROW",
    "AuditEntry",
    "Change",
    "ConversationLine",
    "Decision",
    "KnownItem",
    "Listeners",
    "Original",
    "OriginalRow",
    "Outage",
    "QuarantineEntry",
    "Relay",
    "Store",
    "StoredToken",
    "TokenTries",
    "Tx",
    "WebSession",
    "is_original",
    "open_original",
    "open_store",
    "place_of",
    "set_aside",
    "set_aside_before",
]
