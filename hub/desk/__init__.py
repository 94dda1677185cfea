"""The desk: everything an operator may do, authorised, audited, keyed. All doors lead here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.album import Album, Shown, album_of
from hub.assist import Assist, load_prompts
from hub.cluster import Cluster
from hub.desk.accounts import Accounts
from hub.desk.ai_chat import AiChat
from hub.desk.ai_modes import AiModes
from hub.desk.ai_replay import MOST_QUESTIONS, AiReplays, AskedAgain
from hub.desk.answer_chat import AnswerChat
from hub.desk.assist import (
    TRIED_WORDS,
    AiDesk,
    AiOverview,
    AiPlace,
    AiTrial,
    ProfileLine,
    parse_hours,
)
from hub.desk.backups import BackupDesk, BackupKeeper, BackupOverview
from hub.desk.bargain_chat import BargainChat
from hub.desk.bargains import Bargains, FloorList, ItemFloor
from hub.desk.binding import Binding
from hub.desk.buyer_chat import BuyerChat
from hub.desk.buyers import Buyers, KnownBuyer, split_tags
from hub.desk.canned import Canned
from hub.desk.cards import Cards, CardView
from hub.desk.chat import Chat, Surfaces
from hub.desk.check_chat import CheckChat
from hub.desk.checkup import CheckUps
from hub.desk.confirming import Confirmations
from hub.desk.delivery_chat import DeliveryChat, DeliveryDesk
from hub.desk.delivery_rules import CHANGED_MEANWHILE, DeliveryRules
from hub.desk.draft_chat import DraftChat
from hub.desk.drafts import Drafts
from hub.desk.emergency import Emergency
from hub.desk.emergency_chat import EmergencyChat
from hub.desk.focus_chat import FocusChat
from hub.desk.focusing import Focusing
from hub.desk.handing import Handing
from hub.desk.history_chat import HistoryChat
from hub.desk.hold_chat import HoldChat
from hub.desk.holds import Held, Holds, Resumed
from hub.desk.imports import ImportDesk, OriginalKeeper
from hub.desk.inbox import Answered, ConversationView, Inbox
from hub.desk.items import ItemList, Items
from hub.desk.login import Logins, LoginStep, QrView, open_login_at
from hub.desk.login_chat import LoginChat
from hub.desk.mail import MailDesk, MailOverview
from hub.desk.members import Login, Members, NewLogin, hash_brought_over
from hub.desk.needs import NeedLine, Needs
from hub.desk.operator import ROLES, Door, Operator
from hub.desk.orders import OrderLine, Orders, OrderView, UnitLine
from hub.desk.people import People, PeopleView
from hub.desk.people_chat import PeopleChat
from hub.desk.pictures import Pictures
from hub.desk.rehearsal import Rehearsal, Replayed
from hub.desk.reply_chat import ReplyChat
from hub.desk.restock import Restock, Restocking
from hub.desk.routing import Routing
from hub.desk.rule_sheets import RuleSheet, RuleSheets, SheetFormat
from hub.desk.rules import RuleFields, Rules
from hub.desk.shop_chat import ShopChat
from hub.desk.statistics import StatisticsDesk
from hub.desk.stock import PoolLine, Stock
from hub.desk.stock_chat import StockChat
from hub.desk.suppliers import Suppliers, Trial, parse_headers
from hub.desk.system import Overview, System
from hub.model import AccountId
from hub.notify import MailServer
from hub.settings import Settings
from hub.store import Store
from hub.xianyu import Client

__all__ = [
    "CHANGED_MEANWHILE",
    "MOST_QUESTIONS",
    "ROLES",
    "TRIED_WORDS",
    "AiOverview",
    "AiPlace",
    "AiTrial",
    "Answered",
    "AskedAgain",
    "BackupKeeper",
    "BackupOverview",
    "CardView",
    "ConversationView",
    "Desk",
    "Door",
    "FloorList",
    "Held",
    "ItemFloor",
    "ItemList",
    "KnownBuyer",
    "Login",
    "LoginStep",
    "MailOverview",
    "NeedLine",
    "NewLogin",
    "Operator",
    "OrderLine",
    "OrderView",
    "Orders",
    "OriginalKeeper",
    "Overview",
    "PeopleView",
    "PoolLine",
    "ProfileLine",
    "QrView",
    "Replayed",
    "Restocking",
    "Resumed",
    "RuleFields",
    "RuleSheet",
    "SheetFormat",
    "Shown",
    "Trial",
    "UnitLine",
    "hash_brought_over",
    "parse_headers",
    "parse_hours",
    "split_tags",
]


class Desk:
    """The use cases by noun: inbox, holds, pictures, items, accounts, logins, members, rules and
    so on."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        now: Callable[[], datetime],
        album: Album | None = None,
        client_of: Callable[[AccountId], Client | None] = lambda _: None,
        assist: Assist | None = None,
        mail: MailServer | None = None,
        backups: BackupKeeper | None = None,
        originals: OriginalKeeper | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        """`client_of`: the HTTP side of an account while it is connected. Without it and an
        `album`, nothing can be read from the platform. Without `assist` or `mail`, one as the
        settings say; without `backups` none are made, without `originals` none are taken; without
        `cluster` there is one hub."""
        album = album or album_of(settings)
        assist = assist or Assist(
            load_prompts(settings.ai.prompts), most_seconds=settings.ai.most_seconds
        )
        self.inbox = Inbox(store, album, now, marks_read=settings.replies.mark_read != "never")
        self.drafts = Drafts(store, now, marks_read=settings.replies.mark_read != "never")
        self.holds = Holds(store, now)
        self.buyers = Buyers(store, now)
        self.pictures = Pictures(store, album)
        self.items = Items(store, client_of, now, cluster)
        self.accounts = Accounts(store, now, settings.replies.takeover_minutes)
        self.logins = Logins(
            store,
            open_login_at(settings.xianyu, now),
            now,
            takeover_minutes=settings.replies.takeover_minutes,
        )
        self.members = Members(store, now, timedelta(days=settings.web.session_days))
        self.mail = MailDesk(
            store,
            mail or MailServer(settings.mail),
            now,
            ZoneInfo(settings.text.timezone),
        )
        self.backups = BackupDesk(store, backups, now)
        self.imports = ImportDesk(store, originals, now)
        self.rules = Rules(store, now)
        self.canned = Canned(store, now)
        self.rehearsal = Rehearsal(
            store, settings.ai, settings.bargain, now, ZoneInfo(settings.text.timezone)
        )
        self.rule_sheets = RuleSheets(store, now)
        self.system = System(store, now, cluster)
        self.stock = Stock(store, now)
        risky = settings.limits.agent_risky_per_day
        self.orders = Orders(store, now, most_risky=risky)
        self.bargains = Bargains(store, self.inbox, settings.bargain, now, most_risky=risky)
        self.needs = Needs(store, now, self.orders, self.bargains)
        self.delivery_rules = DeliveryRules(store, now)
        self.cards = Cards(store, now)
        self.restock = Restock(store, now)
        self.suppliers = Suppliers(store, now)
        self.binding = Binding(store, now)
        self.handing = Handing(store, now)
        self.emergency = Emergency(store, now)
        self.ai_modes = AiModes(store, now)
        zone, confirmations = ZoneInfo(settings.text.timezone), Confirmations(store, now)
        self.ai = AiDesk(store, assist, settings.ai, now, zone)
        self.people = People(store, now, zone, mails=bool(settings.mail.host))
        self.statistics = StatisticsDesk(store, now, zone)
        self.ai_replays = AiReplays(store, assist, settings.ai, now, zone)
        self.focusing = Focusing(store, now, minutes=settings.qq.focus_minutes)
        self.login_chat = LoginChat(
            store, self.accounts, self.logins, unasked=settings.qq.login_codes
        )
        routing = Routing(store, self.focusing, now)
        replies = ReplyChat(store, self.canned, self.rehearsal, now, zone)
        surfaces = Surfaces(
            AnswerChat(store, self.inbox, replies, routing, self.focusing),
            ShopChat(self.accounts, self.items, self.system, self.backups, now, zone),
            self.login_chat,
            FocusChat(self.focusing),
            HistoryChat(store, self.inbox, now, zone),
            BuyerChat(self.buyers),
            CheckChat(store, CheckUps(store, now)),
            StockChat(self.stock, self.cards, self.restock, confirmations),
            BargainChat(store, self.bargains, self.accounts),
            DeliveryChat(
                DeliveryDesk(
                    self.orders,
                    self.needs,
                    self.delivery_rules,
                    self.cards,
                    self.stock,
                    self.accounts,
                    self.bargains,
                ),
                confirmations,
                now,
                zone,
            ),
            DraftChat(store, self.drafts),
            replies,
            HoldChat(self.holds, now, zone),
            AiChat(self.ai_modes, self.holds, self.ai),
            EmergencyChat(self.emergency, self.accounts, confirmations),
            PeopleChat(
                store,
                self.binding,
                self.people,
                self.handing,
                self.inbox,
                confirmations,
                now,
                zone,
            ),
        )
        self.chat = Chat(store, routing, surfaces, confirmations, now)
