"""The composition root: opens, wires, starts, stops. The only file that knows everybody."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from loguru import logger

from bots import QQ
from hub import __version__
from hub.addresses import OwnLookup
from hub.album import album_of, sources
from hub.answers import Replies
from hub.assist import Assist, load_prompts
from hub.bargains import answer_offer
from hub.cluster import Cluster, Word
from hub.credits import Credits, fingerprint
from hub.desk import Desk, Door, hash_brought_over
from hub.errors import StoreError
from hub.inbound import Inbound
from hub.listening import listening
from hub.model import (
    DIALS,
    Account,
    AccountState,
    ChatPeer,
    Event,
    NodeBot,
    NoticeKind,
    OfficialBot,
    TakenIn,
    account_seat,
    chat_lane,
    mail_lane,
)
from hub.notices import answer_later, tell_owners_of_shop
from hub.notify import MailServer
from hub.ops import (
    BackupClock,
    Backups,
    Expiry,
    ImportInto,
    Metrics,
    Surroundings,
    UploadedOriginals,
    attach_ops,
    bring_over_set_aside,
    check_store,
    fetch_from,
    mind_rewind,
    probe_token,
    stored_token,
)
from hub.outbound import Worker
from hub.settings import Settings, settings_file
from hub.store import (
    Database,
    Store,
    Tx,
    leave_unused,
    node_home,
    open_store,
    persistently,
    set_aside,
)
from hub.suggesting import why_no_ai
from hub.supervisor import Supervisor, TakeIn, last_sign_of_life
from hub.text import nodes as node_words
from hub.workers import ai_worker, mail_worker, timed_fetch, workers_by_name
from web import Site, attach, is_signed_in

FINISH_SECONDS = 4.0
"""How long a stop waits for what is in hand."""
LARGEST_REQUEST = 1024 * 1024
"""Of anybody; pages that take files allow more to those who are logged in."""
QQ_TOKEN = "qq.access_token"  # noqa: S105 - the name of a stored value
SCENES = ("private", "group")
LINK_TOKEN = "qq.link_token"  # noqa: S105 - the name of a stored value


Life = Callable[[], Coroutine[Any, Any, None]]
"""Runs until it is cancelled."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Hub:
    """A running hub, for the command line and the tests."""

    store: Store
    desk: Desk
    qq: QQ
    qq_token: str
    link_token: str
    port: int
    """The port it listens on; asked for as 0, the system chose one."""


@asynccontextmanager
async def open_hub(
    settings: Settings,
    *,
    config: Path | None = None,
    now: Callable[[], datetime] = utc_now,
    log_trouble: Callable[[], str] = str,
) -> AsyncIterator[Hub]:
    """Everything from the database to the open port; leaving it stops in the opposite order.

    `config`: the settings file, which goes into backups. `log_trouble`: why no log files are
    written, if they are not.

    Raises StoreError or SettingsError, each one line for the person who starts it.
    """
    await asyncio.to_thread(set_aside, settings.database.path)
    word = Word()

    def complete(tx: Tx) -> bool:
        return settings.database.synchronous_standby and word.is_kept(tx)

    async with (
        open_store(
            Database.chosen(settings.database),
            key=settings.database.key,
            now=now,
            first=lambda tx, timeline: mind_rewind(tx, timeline, now(), complete=complete),
        ) as store,
        OwnLookup() as lookup,
        _on_server(settings, store, now()) as home,
    ):
        into = ImportInto(store, "hub", now, hash_brought_over, fetch_from(settings.xianyu))
        await bring_over_set_aside(store, settings.database.path, into)
        cluster = Cluster(
            store,
            settings.node.called,
            lasts=timedelta(seconds=settings.node.lease_seconds),
            bots=lambda: _bots_here(qq),
            quiet=lambda account: supervisor.is_quiet(account),
            home=home,
            clock=now,
            word=word,
            apart=lambda tx, ahead: _tell_clock(tx, settings.node.called, ahead, now()),
        )
        await store.write(lambda tx: _forget_last_life(tx, now(), cluster))
        token = settings.qq.access_token or await stored_token(store, QQ_TOKEN)
        link_token = settings.qq.link_token or await stored_token(store, LINK_TOKEN)
        probe = await probe_token(store, settings.database.path.parent)
        metrics = Metrics()
        zone = ZoneInfo(settings.text.timezone)
        replies = _replies(settings, zone)

        def reacts(peer: ChatPeer) -> bool:
            return qq.abilities(peer).reacts or cluster.reacts_elsewhere(peer)

        inbound = Inbound(store, settings.replies, now, replies, reacts, cluster.fence)
        supervisor = Supervisor(
            store,
            settings.xianyu,
            _counted(inbound, metrics),
            now,
            zone=zone,
            cluster=cluster,
            count_renewal=lambda result: metrics.renewals.labels(result).inc(),
        )
        album = album_of(
            settings,
            sources(settings.xianyu, store, supervisor.client_of, cluster.holds_account),
        )
        assist = Assist(load_prompts(settings.ai.prompts), most_seconds=settings.ai.most_seconds)
        mail = MailServer(settings.mail)
        backups = BackupClock(
            store,
            Backups(settings, config or settings_file()),
            settings.backup,
            zone,
            now=now,
            count=lambda outcome: metrics.backups.labels(outcome).inc(),
            mine=lambda: cluster.keeps,
        )
        uploads = UploadedOriginals(
            settings.database.path.parent,
            replace(into, door=Door.WEB),
            now,
            settings.node.called if cluster.shared else "",
        )
        await asyncio.to_thread(uploads.clear)
        desk = Desk(
            store,
            settings,
            now,
            album,
            supervisor.client_of,
            assist,
            mail,
            backups,
            uploads,
            cluster,
        )

        connected = asyncio.Event()
        qq = _chat_side(settings, store, desk, cluster, (token, link_token), connected, now)
        metrics.surroundings = Surroundings(
            settings.database.path.parent,
            latencies=supervisor.latencies,
            bots=lambda: len(qq.bots()),
            backup=lambda: backups.last,
            nodes=lambda: cluster.living,
            holds=cluster.holds_account,
        )
        fetch = timed_fetch(metrics, lookup)
        holder = _holder(cluster)
        workers = workers_by_name(
            store,
            supervisor,
            qq,
            album,
            fetch,
            metrics,
            settings,
            now,
            holder,
            reacts,
            lambda: cluster.lives,
        )
        workers["ai"] = ai_worker(
            store, assist, replies, album, supervisor.client_of, metrics, settings, now, holder
        )
        workers["mails"] = mail_worker(store, mail, metrics, settings, now, holder)
        expiry = Expiry(store, now=now, mine=lambda: cluster.keeps)
        tokens = (token, link_token, probe)
        app = _application(store, desk, qq, tokens, metrics, settings, now, log_trouble, cluster)
        await desk.chat.learn_operators()
        async with (
            cluster.taking_part(),
            listening(app, settings.web) as port,
            asyncio.TaskGroup() as tasks,
        ):
            lives: dict[str, Life] = {
                "cluster": cluster.run,
                **_of_the_desk(desk, qq),
                "qq": qq.run,
                "hasten chats": lambda: _hasten_chats(store, connected, cluster, now),
                **{name: one.run for name, one in workers.items()},
                "expiry": expiry.run,
                "backups": backups.run,
                "imports": uploads.run,
                "accounts": supervisor.run,
            }
            running = [tasks.create_task(run(), name=name) for name, run in lives.items()]
            try:
                yield Hub(store, desk, qq, token, link_token, port)
                await _finish(*workers.values())
            finally:
                for task in running:
                    task.cancel()


async def serve(
    settings: Settings, config: Path | None = None, log_trouble: Callable[[], str] = str
) -> None:
    """Run until SIGTERM or SIGINT. Says first what `yuqiao check --quick` says. `log_trouble`: as
    `open_hub` has it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows: Ctrl+C raises KeyboardInterrupt instead
            loop.add_signal_handler(number, stop.set)
    async with open_hub(settings, config=config, log_trouble=log_trouble) as hub:
        logger.info("yuqiao {} listens on {}:{}", __version__, settings.web.host, hub.port)
        for finding in await check_store(settings, hub.store):
            logger.log("INFO" if finding.ok else "WARNING", "check: {}", finding)
        if await hub.desk.members.first_run():
            logger.warning("nobody has a password yet: open the admin and set the owner's")
        await stop.wait()
        logger.info("stopping")


def _replies(settings: Settings, zone: ZoneInfo) -> Replies:
    """What answers by itself, with what may keep it from that."""
    return Replies(
        settings.replies,
        zone,
        why_no_ai=lambda tx, _, conversation, at: why_no_ai(
            tx, settings.ai, conversation, at, zone
        ),
        hear_offer=lambda tx, conversation, said, message, at: answer_offer(
            tx, conversation, said, message, settings.bargain, at
        ),
    )


def _chat_side(
    settings: Settings,
    store: Store,
    desk: Desk,
    cluster: Cluster,
    tokens: tuple[str, str],
    connected: asyncio.Event,
    now: Callable[[], datetime],
) -> QQ:
    """The bots. `connected` is set whenever one connects."""
    qq = QQ(
        settings.qq,
        access_token=tokens[0],
        receive=lambda message: desk.chat.receive(message, qq.fetch, qq.fetch_file),
        is_operator=desk.chat.is_operator,
        operators=desk.chat.operators,
        link_token=tokens[1],
        on_connect=lambda _: connected.set(),
        on_leave=lambda _: cluster.look(),
        credits=Credits(store, now=now),
        later=lambda peer, said, key: store.write(
            lambda tx: answer_later(tx, tx.shops.default(), peer, said, key=key, now=now())
        ),
        trouble=lambda bot, said: _tell_trouble(store, bot, said, now()),
        dialling=partial(cluster.while_held, DIALS),
    )
    return qq


def _of_the_desk(desk: Desk, qq: QQ) -> dict[str, Life]:
    """What the desk does without being asked."""
    return {
        "members": desk.chat.follow_members,
        "qr logins": desk.logins.run,
        "logins in chat": lambda: desk.login_chat.run(
            lambda peer, said, pictures: qq.deliver(peer, said, pictures=pictures),
            qq.wait_connected,
        ),
        "ends of focus": desk.focusing.keep_ending,
    }


def _counted(inbound: Inbound, metrics: Metrics) -> TakeIn:
    outcomes = ("messages", "repeated", "unreadable", "answers", "merged")
    counters = {outcome: metrics.messages.labels(outcome) for outcome in outcomes}

    async def take_in(account: Account, events: Sequence[Event]) -> TakenIn:
        with logger.contextualize(request=secrets.token_hex(3)), metrics.pushes.time():
            counts = await inbound.take_in(account, events)
        for outcome, counter in counters.items():
            if number := getattr(counts, outcome):
                counter.inc(number)
        return counts

    return take_in


async def _tell_trouble(store: Store, bot: str, said: str, now: datetime) -> None:
    key = f"trouble:{bot}:{fingerprint(said)}"
    kind = NoticeKind.SYSTEM

    def unit(tx: Tx) -> None:
        tell_owners_of_shop(tx, tx.shops.default(), said, key=key, now=now, kind=kind)

    await store.write(unit)


def _tell_clock(tx: Tx, node: str, ahead: timedelta, now: datetime) -> None:
    """Once a day."""
    said, key = node_words.told_clocks_apart(node, ahead), f"clock:{node}:{now:%Y-%m-%d}"
    kind = NoticeKind.SYSTEM
    tell_owners_of_shop(tx, tx.shops.default(), said, key=key, now=now, kind=kind)


async def _hasten_chats(
    store: Store, connected: asyncio.Event, cluster: Cluster, now: Callable[[], datetime]
) -> None:
    """Whenever a bot connects, the notices that wait for one are due at once; among several nodes,
    once it is settled who speaks."""
    while True:
        await connected.wait()
        connected.clear()
        await cluster.settle()
        await persistently(
            "notices", lambda: store.write(lambda tx: tx.outbox.hasten(chat_lane(), now()))
        )


def _application(
    store: Store,
    desk: Desk,
    qq: QQ,
    tokens: tuple[str, str, str],
    metrics: Metrics,
    settings: Settings,
    now: Callable[[], datetime],
    log_trouble: Callable[[], str],
    cluster: Cluster,
) -> web.Application:
    """`tokens`: of bots, of plugins, and of the probe."""

    def refusals() -> tuple[tuple[datetime, str], ...]:
        return tuple((one.at, one.reason) for one in qq.turned_away)

    app = web.Application(client_max_size=LARGEST_REQUEST)

    def official() -> OfficialBot | None:
        bot = qq.official()
        elsewhere = bot is not None and bot.bot in cluster.bots_elsewhere()
        return replace(bot, online=True) if bot is not None and elsewhere else bot

    folder = settings.database.path.parent
    attach_ops(
        app,
        store,
        metrics,
        __version__,
        now,
        folder,
        log_trouble,
        cluster,
        token=tokens[2],
        is_signed_in=is_signed_in,
    )
    qq.attach(app)
    attach(
        app,
        Site(
            desk=desk,
            settings=settings,
            version=__version__,
            qq=lambda: tuple(dict.fromkeys((*qq.bots(), *cluster.bots_elsewhere()))),
            qq_token=tokens[0],
            link_token=tokens[1],
            qq_refusals=refusals,
            official=official,
        ),
    )
    return app


async def _finish(*workers: Worker) -> None:
    """Take no new work and let what is on the wire get its answer, for a few seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FINISH_SECONDS):
            await asyncio.gather(*(worker.stop() for worker in workers))


def _forget_last_life(tx: Tx, now: datetime, cluster: Cluster) -> None:
    """The lock on the file proves that whoever held a lease or a session is dead. Where several
    hubs may share the database, that is only said of what no other node holds."""
    if not cluster.shared:
        tx.outbox.relieve(now)
    tx.outbox.hasten(mail_lane(), now)  # the settings may be others
    held = cluster.held_by_others(tx)
    for account in tx.accounts.enabled():
        if account.state is AccountState.ONLINE and account_seat(account.id) not in held:
            died = last_sign_of_life(tx, account.shop) or now
            tx.accounts.set_state(account.shop, account.id, AccountState.CONNECTING, "", died)


@asynccontextmanager
async def _on_server(settings: Settings, store: Store, now: datetime) -> AsyncIterator[str]:
    """The home of this node (see there), where there may be others. What is not used, file or
    server, is left behind."""
    path = settings.database.path
    try:
        await asyncio.to_thread(leave_unused, path, now, server=not store.alone)
    except (OSError, StoreError) as error:
        logger.warning("what is not used beside {} was not left behind: {}", path, error)
    if store.alone:
        yield ""
        return
    with node_home(path.parent, settings.node.called) as home:
        yield home


def _holder(cluster: Cluster) -> str:
    """Names this process, and this life of it, in the leases of tasks."""
    return cluster.id if cluster.shared else f"{os.getpid()}-{secrets.token_hex(4)}"


def _bots_here(qq: QQ) -> tuple[NodeBot, ...]:
    """What other nodes have to know of the bots that are connected to this one."""
    return tuple(
        NodeBot(
            bot,
            tuple(one for one in SCENES if qq.abilities(ChatPeer(bot, one, "")).reacts),
        )
        for bot in qq.bots()
    )
