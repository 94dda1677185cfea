"""`Tx`: what a unit of work sees, one attribute per noun."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hub.store.accounts import Accounts
from hub.store.assist import AiProfiles, AiScopes, AiUses
from hub.store.backup_trouble import BackupTroubles
from hub.store.bargains import Bargains, Floors
from hub.store.buyers import Buyers
from hub.store.canned import CannedAnswers
from hub.store.card_records import CardRecords
from hub.store.cards import Cards
from hub.store.comparisons import Comparisons
from hub.store.conversations import Conversations
from hub.store.credits import ReplyAnchors
from hub.store.decisions import Decisions
from hub.store.deliveries import Deliveries
from hub.store.delivery_rules import DeliveryRules
from hub.store.drafts import Drafts
from hub.store.focuses import Focuses
from hub.store.holds import Holds
from hub.store.imports import Imports
from hub.store.items import Items
from hub.store.logins import Throttle, WebSessions
from hub.store.mail import MailTroubles
from hub.store.members import Members
from hub.store.messages import Messages
from hub.store.needs import Needs, Stops, StoredGuards
from hub.store.nodes import Nodes
from hub.store.once import Inputs, Strangers
from hub.store.orders import Orders
from hub.store.outbox import Outbox
from hub.store.past import Past
from hub.store.people import Attention, BindingCodes, Plans
from hub.store.pools import Pools
from hub.store.records import Audit, Quarantine
from hub.store.relays import Relays
from hub.store.rewinds import Rewinds
from hub.store.rules import Rules
from hub.store.shops import Shops
from hub.store.sql import Sql
from hub.store.statistics import Statistics
from hub.store.transcripts import Transcripts
from hub.store.values import Values
from hub.store.vault import Vault


class Tx:
    """Belongs to the unit of work it was handed to; it must not be kept beyond its end.

    Methods on what a shop owns take the shop first and touch nothing of other shops. Times are
    timezone-aware in both directions.
    """

    __slots__ = (
        "accounts",
        "ai_profiles",
        "ai_scopes",
        "ai_uses",
        "attention",
        "audit",
        "backup_troubles",
        "bargains",
        "binding_codes",
        "buyers",
        "canned",
        "card_records",
        "cards",
        "comparisons",
        "conversations",
        "decisions",
        "deliveries",
        "delivery_rules",
        "drafts",
        "floors",
        "focuses",
        "guards",
        "holds",
        "imports",
        "inputs",
        "items",
        "mail_troubles",
        "members",
        "messages",
        "needs",
        "nodes",
        "orders",
        "outbox",
        "past",
        "plans",
        "pools",
        "quarantine",
        "relays",
        "reply_anchors",
        "rewinds",
        "rules",
        "shops",
        "statistics",
        "stops",
        "strangers",
        "throttle",
        "transcripts",
        "values",
        "web_sessions",
    )

    def __init__(self, sql: Sql, vault: Vault, clock: Callable[[], datetime]) -> None:
        self.shops = Shops(sql)
        self.members = Members(sql)
        self.web_sessions = WebSessions(sql)
        self.throttle = Throttle(sql)
        self.accounts = Accounts(sql, vault)
        self.comparisons = Comparisons(sql)
        self.holds = Holds(sql)
        self.orders = Orders(sql)
        self.conversations = Conversations(sql, self.holds, self.orders, clock)
        self.messages = Messages(sql, clock)
        self.drafts = Drafts(sql)
        self.transcripts = Transcripts(sql)
        self.items = Items(sql)
        self.rules = Rules(sql)
        self.canned = CannedAnswers(sql)
        self.decisions = Decisions(sql)
        self.outbox = Outbox(sql)
        self.relays = Relays(sql)
        self.reply_anchors = ReplyAnchors(sql)
        self.pools = Pools(sql, vault)
        self.card_records = CardRecords(sql)
        self.cards = Cards(sql, self.card_records, self.pools)
        self.deliveries = Deliveries(sql)
        self.delivery_rules = DeliveryRules(sql)
        self.needs = Needs(sql)
        self.statistics = Statistics(sql)
        self.floors = Floors(sql)
        self.bargains = Bargains(sql)
        self.stops = Stops(sql)
        self.ai_profiles = AiProfiles(sql, vault)
        self.ai_scopes = AiScopes(sql)
        self.ai_uses = AiUses(sql)
        self.inputs = Inputs(sql)
        self.strangers = Strangers(sql)
        self.audit = Audit(sql)
        self.quarantine = Quarantine(sql)
        self.values = Values(sql, vault)
        self.guards = StoredGuards(self.values)
        self.mail_troubles = MailTroubles(self.values)
        self.backup_troubles = BackupTroubles(self.values)
        self.buyers = Buyers(sql, self.guards)
        self.focuses = Focuses(sql)
        self.binding_codes = BindingCodes(sql)
        self.attention = Attention(sql)
        self.plans = Plans(self.values)
        self.imports = Imports(sql)
        self.past = Past(sql)
        self.nodes = Nodes(sql, clock)
        self.rewinds = Rewinds(sql, clock)
