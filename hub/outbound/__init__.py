"""The outbox at work: claim, perform, settle by verdict."""

from hub.outbound.ai_answers import AiAnswers
from hub.outbound.buyers import BuyerSends
from hub.outbound.chats import ChatPort, ChatSends
from hub.outbound.drafts import DraftEnds
from hub.outbound.items import ItemReads
from hub.outbound.mails import MailPort, Mails, MailWords
from hub.outbound.orders import BargainEnds, OrderReads, Reminders, Shipping, Starts
from hub.outbound.people import Digests, Pings, Summaries
from hub.outbound.prices import PriceChanges
from hub.outbound.reading import Reading
from hub.outbound.recalls import Recalls
from hub.outbound.supplies import Fetch, Supplies
from hub.outbound.uploads import Uploads
from hub.outbound.worker import Claim, Performer, Worker

__all__ = [
    "AiAnswers",
    "BargainEnds",
    "BuyerSends",
    "ChatPort",
    "ChatSends",
    "Claim",
    "Digests",
    "DraftEnds",
    "Fetch",
    "ItemReads",
    "MailPort",
    "MailWords",
    "Mails",
    "OrderReads",
    "Performer",
    "Pings",
    "PriceChanges",
    "Reading",
    "Recalls",
    "Reminders",
    "Shipping",
    "Starts",
    "Summaries",
    "Supplies",
    "Uploads",
    "Worker",
]
