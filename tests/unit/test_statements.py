"""What the store is asked for each message is counted: a statement more is paid a million times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine, event

from hub.inbound import Inbound
from hub.model import (
    Account,
    BuyerMessage,
    Event,
    OwnMessage,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Role,
    Rule,
    RuleId,
    RuleKind,
    TaskKind,
    Text,
)
from hub.outbound import BuyerSends
from hub.outbound.uploads import Uploads
from hub.outbound.worker import Claim
from hub.pacing import Pacer
from hub.settings import ReplySettings
from hub.store import Store, Tx, open_store
from hub.xianyu import Sent, Session

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
THREAD = PlatformConversation("60010020030")


class Watch:
    """Everything that reaches SQLite for work, transaction control left out."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, connection: Any, _record: object) -> None:
        if not hasattr(connection, "run_async"):  # the connection that writes
            connection.set_trace_callback(self.seen.append)

    def count(self) -> int:
        """How many since the last call."""
        control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "--")
        found = [one for one in self.seen if not one.startswith(control)]
        self.seen.clear()
        return len(found)


@pytest.fixture
def watch() -> Iterator[Watch]:
    found = Watch()
    event.listen(Engine, "connect", found)
    yield found
    event.remove(Engine, "connect", found)


@pytest.fixture
async def store(watch: Watch, tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "hub.db") as opened:
        yield opened


def furnish(tx: Tx) -> Account:
    shop = tx.shops.default()
    tx.members.add(shop, "老板", Role.OWNER, qq=("20002",), now=NOW)
    tx.rules.add(Rule(RuleId(0), shop, None, RuleKind.KEYWORD, ("在吗",), "在"), NOW)
    account = tx.accounts.add(
        shop,
        name="主号",
        user=PlatformUser("2200111122223"),
        device_id="device",
        cookies="unb=1",
        takeover_minutes=10,
        now=NOW,
    )
    tx.comparisons.begin(shop, account.id, NOW, NOW)
    return account


def asked(name: str, at: datetime, said: str = "在吗") -> BuyerMessage:
    return BuyerMessage(
        id=PlatformMessage(f"{name}.PNM"),
        conversation=THREAD,
        buyer=PlatformUser("3100444455556"),
        buyer_name="小林",
        item_id="900100200300",
        content=Text(said),
        sent_at=at,
    )


class Platform:
    """Accepts everything, under a new name each time."""

    def __init__(self) -> None:
        self.now = NOW
        self.accepted: list[PlatformMessage] = []

    async def send(self, *_: object, **__: object) -> Sent:
        self.accepted.append(PlatformMessage(f"answer {len(self.accepted)}.PNM"))
        return Sent(self.accepted[-1], self.now)

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


async def test_a_message_that_is_answered_costs_no_more_statements_than_this(
    store: Store, watch: Watch
) -> None:
    account = await store.write(furnish)
    platform = Platform()
    now = platform.clock
    inbound = Inbound(store, ReplySettings(debounce_seconds=0), now)
    sends = BuyerSends(
        store,
        lambda _: cast(Session, platform),
        cast(Uploads, None),
        pacer=Pacer(0),
        look_for=timedelta(0),
        now=now,
    )

    async def cost(*events: Event) -> int:
        watch.count()
        await inbound.take_in(account, events)
        return watch.count()

    async def send() -> None:
        (task,) = await store.write(
            lambda tx: tx.outbox.claim("w", now(), now() + timedelta(60), 9, [TaskKind.SEND])
        )
        watch.count()
        await sends.perform(Claim(task, "w"))

    await cost(asked("1", now()))
    await send()
    costs = {"push": await cost(asked("2", now()))}
    await send()
    costs["send"] = watch.count()
    own = OwnMessage(platform.accepted[-1], THREAD, "900100200300", Text("在"), now())
    costs["echo"] = await cost(own)

    waits = await cost(asked("3", now(), "多久发货"))

    # One of a send's looks whether the message carried goods: the ledger has to hear of those.
    # One of a push asks what is known of the buyer, one who is to be told.
    assert costs == {"push": 14, "send": 9, "echo": 1}
    # What nobody answers costs no answer, but somebody has to be reminded of it.
    assert waits == 13
