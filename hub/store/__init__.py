"""The store: everything that must survive, behind units of work. SQL stays in here."""

from hub.store.aside import is_original, set_aside, set_aside_before
from hub.store.copies import Contents, contents, copy_database, known_schemas, opens
from hub.store.copying import copy_in, copy_out, is_used, kept_shut, size_of
from hub.store.database import Database
from hub.store.given_out import carry_given_out
from hub.store.lock import locked, node_home
from hub.store.merge import Merged, merge
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
from hub.store.patience import persistently
from hub.store.places import held_place, place_of
from hub.store.rewinds import Rewind, Timeline, leave_unused, read_rewind, write_rewind
from hub.store.store import EVERY_KIND, Store, open_store, utc_now
from hub.store.swap import STAGING, Exchange, exchange, finish, under_way
from hub.store.tx import Tx
from hub.store.vault import KEY_FILE, read_key
from hub.store.writer import outlast

__all__ = [
    "EVERY_KIND",
    "KEY_FILE",
    "ROW",
    "STAGING",
    "AuditEntry",
    "Change",
    "Contents",
    "ConversationLine",
    "Database",
    "Decision",
    "Exchange",
    "KnownItem",
    "Listeners",
    "Merged",
    "Original",
    "OriginalRow",
    "Outage",
    "QuarantineEntry",
    "Relay",
    "Rewind",
    "Store",
    "StoredToken",
    "Timeline",
    "TokenTries",
    "Tx",
    "WebSession",
    "carry_given_out",
    "contents",
    "copy_database",
    "copy_in",
    "copy_out",
    "exchange",
    "finish",
    "held_place",
    "is_original",
    "is_used",
    "kept_shut",
    "known_schemas",
    "leave_unused",
    "locked",
    "merge",
    "node_home",
    "open_original",
    "open_store",
    "opens",
    "outlast",
    "persistently",
    "place_of",
    "read_key",
    "read_rewind",
    "set_aside",
    "set_aside_before",
    "size_of",
    "under_way",
    "utc_now",
    "write_rewind",
]
