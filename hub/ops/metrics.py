"""Numbers for Prometheus; no text of any message, no name of any person."""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import asdict
from datetime import datetime

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from hub.delivery import UNDELIVERED
from hub.model import AccountState, AiAnswer, AiFailure, DeliveryState, NeedKind, PoolKind, TaskKind
from hub.policy import UNSERVED
from hub.store import Store


class Metrics:
    """One registry per hub, so that two hubs in one process do not count into each other."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
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

    def count_ai(self, outcome: str, answer: AiAnswer | AiFailure) -> None:
        """A question that was asked. `outcome`: one word for what became of it."""
        self._ai_questions.labels(outcome).inc()
        self._ai_seconds.observe(answer.elapsed)
        self._ai_tokens.labels("in").inc(sum(one.tokens_in for one in answer.tries))
        self._ai_tokens.labels("out").inc(sum(one.tokens_out for one in answer.tries))

    async def refresh(self, store: Store, now: datetime) -> None:
        """Read the gauges from the store; called at each scrape."""
        accounts, backlog, pools, units, needs, stops = await store.read(
            lambda tx: (
                tx.accounts.enabled(),
                tx.outbox.backlog(),
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

    def page(self) -> bytes:
        return generate_latest(self._registry)
