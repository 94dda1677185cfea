"""Numbers for Prometheus; no text of any message, no name of any person."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from hub import __version__
from hub.delivery import UNDELIVERED
from hub.model import (
    AccountId,
    AccountState,
    AiAnswer,
    AiFailure,
    DeliveryState,
    MessageState,
    NeedKind,
    Origin,
    PoolKind,
    StoredBackup,
    TaskKind,
)
from hub.ops.machine import disk, memory_limit
from hub.policy import UNSERVED
from hub.store import Store

ON_TIME = frozenset({TaskKind.REMIND, TaskKind.PING, TaskKind.SUMMARY, TaskKind.DIGEST})
"""Set for later, so that their age says nothing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is looked at besides the store. `folder`: of the data."""

    folder: Path
    latencies: Callable[[], Mapping[AccountId, float]] = dict
    bots: Callable[[], int] = lambda: 0
    backup: Callable[[], StoredBackup | None] = lambda: None
    nodes: Callable[[], int] = lambda: 1
    """Hubs on this database that live, this one among them."""
    holds: Callable[[AccountId], bool] = lambda _: True
    """Whether an account is this one's."""


class Metrics:
    """One registry per hub, so that two hubs in one process do not count into each other."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.surroundings: Surroundings | None = None
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        Gauge("yuqiao_build_info", "Always 1", ["version"], registry=self._registry).labels(
            __version__
        ).set(1)
        Gauge(
            "yuqiao_memory_limit_bytes",
            "Memory of the container, or of the machine",
            registry=self._registry,
        ).set(memory_limit())
        self._sent = Counter(
            "yuqiao_answers",
            "Messages to buyers, by who wrote them and what became of them",
            ["source", "outcome"],
            registry=self._registry,
        )
        self._answer_seconds = Histogram(
            "yuqiao_answer_seconds",
            "From when a message to a buyer was written until the platform took it",
            ["source"],
            registry=self._registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
        )
        self.qq_sends = Counter(
            "yuqiao_qq_sends",
            "Notices and receipts in QQ, by what became of each attempt",
            ["outcome"],
            registry=self._registry,
        )
        self.pushes = Histogram(
            "yuqiao_push_commit_seconds",
            "From a push to its commit",
            registry=self._registry,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0),
        )
        self.messages = Counter(
            "yuqiao_messages",
            "Messages taken in, by what became of them",
            ["outcome"],
            registry=self._registry,
        )
        self.renewals = Counter(
            "yuqiao_login_renewals",
            "Renewals of logins, by what became of them",
            ["result"],
            registry=self._registry,
        )
        self.supplies = Counter(
            "yuqiao_supplier_calls",
            "Calls to suppliers, by what became of them",
            ["outcome"],
            registry=self._registry,
        )
        self.mails = Counter(
            "yuqiao_mails",
            "Mails to members, by what became of each attempt",
            ["outcome"],
            registry=self._registry,
        )
        self.backups = Counter(
            "yuqiao_backups",
            "Backups that the hub made, by what became of them",
            ["outcome"],
            registry=self._registry,
        )
        self.supplier_seconds = Histogram(
            "yuqiao_supplier_seconds",
            "How long calls to suppliers took",
            registry=self._registry,
            buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0),
        )
        self._ai_questions = Counter(
            "yuqiao_ai_questions",
            "Questions to models, by what became of their answers",
            ["outcome"],
            registry=self._registry,
        )
        self._ai_seconds = Histogram(
            "yuqiao_ai_seconds",
            "How long questions to models took, all profiles together",
            registry=self._registry,
            buckets=(0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0),
        )
        self._ai_tokens = Counter(
            "yuqiao_ai_tokens",
            "Tokens that models read (in) and wrote (out)",
            ["direction"],
            registry=self._registry,
        )
        self._stock = Gauge(
            "yuqiao_stock_cards",
            "Cards of pools of codes, by the number of the pool and by state",
            ["pool", "state"],
            registry=self._registry,
        )
        self._accounts = Gauge(
            "yuqiao_accounts", "Enabled accounts by state", ["state"], registry=self._registry
        )
        self._held = Gauge(
            "yuqiao_node_accounts",
            "Enabled accounts that this hub connects, of all on its database",
            registry=self._registry,
        )
        self._nodes = Gauge(
            "yuqiao_nodes", "Hubs that share the database and live", registry=self._registry
        )
        self._deliveries = Gauge(
            "yuqiao_deliveries", "Units of orders by state", ["state"], registry=self._registry
        )
        self._needs = Gauge(
            "yuqiao_needs_open",
            "What waits for a person, by kind",
            ["kind"],
            registry=self._registry,
        )
        self._unserved = Gauge(
            "yuqiao_unserved_seconds",
            "Age of the oldest paid order that its buyer waits for; 0: none",
            registry=self._registry,
        )
        self._stops = Gauge(
            "yuqiao_delivery_stops", "Emergency stops that are on", registry=self._registry
        )
        self._backlog = Gauge(
            "yuqiao_outbox_waiting", "Tasks not settled yet", ["kind"], registry=self._registry
        )

        self._oldest = Gauge(
            "yuqiao_outbox_oldest_seconds",
            "Age of the oldest task that is not settled; 0: none",
            ["kind"],
            registry=self._registry,
        )
        self._disk = Gauge(
            "yuqiao_disk_bytes",
            "Room on the disk that holds the data",
            ["what"],
            registry=self._registry,
        )
        self._latency = Gauge(
            "yuqiao_xianyu_latency_seconds",
            "How long the last heartbeat of each connected account took",
            ["account"],
            registry=self._registry,
        )
        self._bots = Gauge("yuqiao_qq_bots", "QQ bots that are connected", registry=self._registry)
        self._backup_at = Gauge(
            "yuqiao_backup_newest_timestamp_seconds",
            "When the newest good backup was made; 0: there is none",
            registry=self._registry,
        )
        self._backup_bytes = Gauge(
            "yuqiao_backup_newest_bytes", "How large it is", registry=self._registry
        )

    def count_ai(self, outcome: str, answer: AiAnswer | AiFailure) -> None:
        """A question that was asked. `outcome`: one word for what became of it."""
        self._ai_questions.labels(outcome).inc()
        self._ai_seconds.observe(answer.elapsed)
        self._ai_tokens.labels("in").inc(sum(one.tokens_in for one in answer.tries))
        self._ai_tokens.labels("out").inc(sum(one.tokens_out for one in answer.tries))

    def count_sent(self, source: Origin, outcome: MessageState, seconds: float) -> None:
        """The end of a message to a buyer."""
        self._sent.labels(source, outcome).inc()
        if outcome is MessageState.ACCEPTED:
            self._answer_seconds.labels(source).observe(max(seconds, 0.0))

    async def refresh(self, store: Store, now: datetime) -> None:
        """Read the gauges from the store; called at each scrape."""
        accounts, backlog, oldest_tasks, pools, units, needs, stops = await store.read(
            lambda tx: (
                tx.accounts.enabled(),
                tx.outbox.backlog(),
                tx.outbox.oldest(),
                tx.pools.all(tx.shops.default()),
                tx.deliveries.tally(),
                tx.needs.tally(),
                tx.stops.count(),
            )
        )
        states = Tally(account.state for account in accounts)
        for state in AccountState:
            self._accounts.labels(state).set(states[state])
        for kind in TaskKind:
            self._backlog.labels(kind).set(backlog.get(kind, 0))
            if kind not in ON_TIME:
                age = now - oldest_tasks.get(kind, now)
                self._oldest.labels(kind).set(max(age.total_seconds(), 0.0))
        self._stock.clear()  # of pools that were removed
        for pool in pools:
            if pool.kind is PoolKind.CODES:
                for name, number in asdict(pool.counts).items():
                    self._stock.labels(pool.id, name).set(number)

        for unit in DeliveryState:
            self._deliveries.labels(unit).set(units[unit][0] if unit in units else 0)
        for need in NeedKind:
            self._needs.labels(need).set(needs[need][0] if need in needs else 0)
        self._stops.set(stops)
        waiting = [at for unit, (_, at) in units.items() if unit in UNSERVED]
        waiting += [at for need, (_, at) in needs.items() if need in UNDELIVERED]
        oldest = min(waiting, default=now)
        self._unserved.set(max((now - oldest).total_seconds(), 0.0))

        if self.surroundings is not None:
            self._held.set(sum(self.surroundings.holds(one.id) for one in accounts))
            self._look_around(self.surroundings)

    def _look_around(self, around: Surroundings) -> None:
        total, free = disk(around.folder)
        self._disk.labels("total").set(total)
        self._disk.labels("free").set(free)
        self._bots.set(around.bots())
        self._nodes.set(around.nodes())
        self._latency.clear()  # of accounts that went
        for account, seconds in around.latencies().items():
            self._latency.labels(account).set(seconds)
        backup = around.backup()
        self._backup_at.set(backup.at.timestamp() if backup is not None else 0)
        self._backup_bytes.set(backup.size if backup is not None else 0)

    def page(self) -> bytes:
        return generate_latest(self._registry)
