"""Who does which kind of task, and how many of them at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bots import QQ
from hub.addresses import OwnLookup
from hub.album import Album
from hub.answers import Replies
from hub.assist import Assist
from hub.bargains import read_words
from hub.errors import SettingsError
from hub.model import AccountId, ChatPeer, SupplierCall, TaskKind
from hub.notify import MailServer
from hub.ops import Metrics
from hub.outbound import (
    AiAnswers,
    BargainEnds,
    BuyerSends,
    ChatSends,
    Digests,
    DraftEnds,
    Fetch,
    ItemReads,
    Mails,
    MailWords,
    OrderReads,
    Performer,
    Pings,
    PriceChanges,
    Reading,
    Recalls,
    Reminders,
    Shipping,
    Starts,
    Summaries,
    Supplies,
    Uploads,
    Worker,
)
from hub.pacing import Pacer
from hub.settings import Settings
from hub.store import Store
from hub.supervisor import Supervisor
from hub.suppliers import fetch_cards
from hub.xianyu import Client

BUYER_SENDS = 256
"""Messages to buyers in flight at once, over all accounts; waiting for a turn counts."""
CHAT_SENDS = 32
ORDER_TASKS = 64
AI_QUESTIONS = 64
"""At once; a model that hangs keeps its place for as long as it may."""
AI_MORE_SECONDS = 30.0
"""For a picture before, and the store after."""
SUPPLIER_CALLS = 64
SUPPLIER_SECONDS = 75.0
"""Longer than the longest time that a supplier may be given."""
MAILS = 4
MAIL_MORE_SECONDS = 15.0
"""For saying goodbye, and the store."""
ERRANDS = 16


def workers_by_name(
    store: Store,
    supervisor: Supervisor,
    qq: QQ,
    album: Album,
    fetch: Fetch,
    metrics: Metrics,
    settings: Settings,
    now: Callable[[], datetime],
    holder: str,
    reacts: Callable[[ChatPeer], bool],
    lives: Callable[[], bool],
) -> dict[str, Worker]:
    """By name. `holder` names this life of the hub in the leases of tasks; `reacts`: whether a chat
    has signs; `lives`: whether no other node can take this one for dead. Messages to buyers never
    wait for notices, orders for neither, and nobody for suppliers or errands."""
    buyers = BuyerSends(
        store,
        supervisor.session_of,
        Uploads(store, album, supervisor.client_of),
        pacer=Pacer(settings.xianyu.send_spacing_seconds, jitter=settings.xianyu.spacing_jitter),
        look_for=timedelta(seconds=settings.xianyu.uncertain_seconds),
        now=now,
        reacts=reacts,
        count=metrics.count_sent,
    )
    recalls = Recalls(store, supervisor.session_of, now=now)
    silent = timedelta(minutes=settings.mail.silent_chat_minutes)
    chats = ChatSends(
        store,
        qq,
        album,
        spacing=settings.qq.send_spacing_seconds,
        now=now,
        links=settings.qq.links,
        lives=lives,
        silent_after=silent if silent and settings.qq.enabled else None,
        count=lambda outcome: metrics.qq_sends.labels(outcome).inc(),
    )
    clients = supervisor.client_of
    performers: dict[str, tuple[int, dict[TaskKind, Performer]]] = {
        "to buyers": (BUYER_SENDS, {TaskKind.SEND: buyers, TaskKind.RECALL: recalls}),
        "to chats": (CHAT_SENDS, {TaskKind.NOTICE: chats, TaskKind.RECEIPT: chats}),
        "orders": (
            ORDER_TASKS,
            {
                TaskKind.READ_ORDER: OrderReads(store, clients, supervisor.session_of, now=now),
                TaskKind.DELIVER: Starts(store, now=now),
                TaskKind.SHIP: Shipping(store, clients, now=now),
                TaskKind.FREE_SHIPPING: BargainEnds(store, clients, now=now),
                TaskKind.PRICE: PriceChanges(store, clients, now=now),
                TaskKind.REMIND: Reminders(store, now=now),
                TaskKind.PING: Pings(store, now=now),
                TaskKind.SUMMARY: Summaries(store, now=now),
                TaskKind.DIGEST: Digests(store, now=now),
                TaskKind.DRAFT: DraftEnds(
                    store,
                    settings.bargain,
                    more_words=forbidden_words(settings.bargain.forbidden_words),
                    now=now,
                    connected=lambda account: supervisor.session_of(account) is not None,
                ),
            },
        ),
        "errands": (
            ERRANDS,
            {
                TaskKind.ITEM: ItemReads(store, clients, now=now),
                TaskKind.READ: Reading(store, supervisor.session_of, now=now),
            },
        ),
    }
    workers = {
        name: Worker(store, by_kind, holder=holder, most=most, now=now)
        for name, (most, by_kind) in performers.items()
    }
    supplies = Supplies(
        store,
        fetch,
        now=now,
        count=lambda outcome: metrics.supplies.labels(outcome).inc(),
    )
    workers["suppliers"] = Worker(
        store,
        {TaskKind.SUPPLY: supplies},
        holder=holder,
        most=SUPPLIER_CALLS,
        now=now,
        seconds=SUPPLIER_SECONDS,
    )
    return workers


def timed_fetch(metrics: Metrics, lookup: OwnLookup) -> Fetch:
    async def fetch(call: SupplierCall, *, url: str, body: str | None, key: str) -> tuple[str, ...]:
        with metrics.supplier_seconds.time():
            return await fetch_cards(call, url=url, body=body, key=key, lookup=lookup)

    return fetch


def ai_worker(
    store: Store,
    assist: Assist,
    replies: Replies,
    album: Album,
    clients: Callable[[AccountId], Client | None],
    metrics: Metrics,
    settings: Settings,
    now: Callable[[], datetime],
    holder: str,
) -> Worker:
    """Apart from the others, because models take their time."""
    answers = AiAnswers(
        store,
        assist,
        replies,
        album,
        clients,
        settings.ai,
        bargain=settings.bargain,
        more_words=forbidden_words(settings.bargain.forbidden_words),
        zone=ZoneInfo(settings.text.timezone),
        now=now,
        count=metrics.count_ai,
    )
    return Worker(
        store,
        {TaskKind.ANSWER: answers},
        holder=holder,
        most=AI_QUESTIONS,
        now=now,
        seconds=settings.ai.most_seconds + AI_MORE_SECONDS,
    )


def mail_worker(
    store: Store,
    server: MailServer,
    metrics: Metrics,
    settings: Settings,
    now: Callable[[], datetime],
    holder: str,
) -> Worker:
    """Apart from the others, because mail servers take their time."""
    mails = Mails(
        store,
        server,
        settings.mail,
        MailWords(ZoneInfo(settings.text.timezone), settings.web.public_url),
        now=now,
        count=lambda outcome: metrics.mails.labels(outcome).inc(),
    )
    return Worker(
        store,
        {TaskKind.MAIL: mails},
        holder=holder,
        most=MAILS,
        now=now,
        seconds=settings.mail.timeout_seconds + MAIL_MORE_SECONDS,
    )


def forbidden_words(path: Path) -> str:
    """The installation's own file; there need not be one."""
    try:
        return read_words(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read bargain.forbidden_words at {path}: {error}") from None
