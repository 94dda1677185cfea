"""What another program remembers: kept once, told to nobody, taken for nothing that is new."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from store_stage import Stage, at, pid

from hub.model import Item, MessageState, Origin, ShopId, Text
from hub.store import Tx


async def test_what_was_imported_is_remembered_by_installation_and_shop(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        for origin, key, target in (("a", "1", 7), ("a", "2", None), ("b", "1", 9), ("a", "1", 8)):
            tx.imports.note(stage.shop, origin, "rule", key, target, at(1))
        assert tx.imports.all(stage.shop, "a") == {("rule", "1"): 7, ("rule", "2"): None}
        assert tx.imports.of_kind(stage.shop, "rule") == [
            ("a", "1", 7),
            ("a", "2", None),
            ("b", "1", 9),
        ]
        assert tx.imports.all(ShopId(stage.shop + 1), "a") == {}

    await stage.do(unit)


async def test_a_past_message_is_said_once_and_never_taken_for_an_echo(stage: Stage) -> None:
    """What the seller types today in the same words is the seller's."""

    def unit(tx: Tx) -> None:
        here = (stage.shop, stage.account.id, stage.conversation.id)
        said = {"content": Text("在的"), "sent_at": at(-60), "now": at(1)}
        assert tx.past.say(*here, key="before:1", origin=Origin.AI, **said)  # type: ignore[arg-type]
        assert not tx.past.say(*here, key="before:1", origin=Origin.AI, **said)  # type: ignore[arg-type]
        assert tx.past.say(*here, key="before:2", origin=Origin.BUYER, **said)  # type: ignore[arg-type]
        assert tx.past.said(stage.shop, "before:1")
        assert not tx.past.said(ShopId(stage.shop + 1), "before:1")
        echo = tx.messages.match_echo(
            *here, platform_id=pid(1), content=Text("在的"), now=at(2), sent_at=at(2)
        )
        assert echo is None
        messages = tx.messages.of_conversation(stage.shop, stage.conversation.id, limit=10)
        assert [(one.origin, one.state) for one in messages] == [
            (Origin.AI, MessageState.READ),
            (Origin.BUYER, MessageState.RECEIVED),
        ]
        assert tx.outbox.backlog() == {}

    await stage.do(unit)


async def test_a_past_item_yields_to_one_that_was_read(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        here = (stage.shop, stage.account.id)
        old = Item("880011223344", "旧标题", price=Decimal("9.90"), highest_price=Decimal("9.90"))
        assert tx.past.keep_item(*here, old)
        known = tx.items.get(stage.shop, old.id)
        assert known is not None
        assert (known.item, known.read_at, known.listed_at) == (old, None, None)
        tx.items.save(*here, replace(old, title="新标题"), at(1))
        assert not tx.past.keep_item(*here, old)
        assert tx.items.title(stage.shop, old.id) == "新标题"

    await stage.do(unit)
