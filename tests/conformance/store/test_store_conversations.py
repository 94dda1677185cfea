"""Conversations: known things stay known, tickets are short and never given twice."""

from __future__ import annotations

from functools import partial

from store_stage import Stage, add_account, at

from hub.model import (
    WHOLE_SHOP,
    Conversation,
    HoldKind,
    Order,
    OrderStatus,
    PlatformConversation,
    PlatformUser,
    Scope,
)
from hub.store import Tx

PLATFORM = PlatformConversation("60010020040")


async def test_tickets_are_short_readable_and_unique(stage: Stage) -> None:
    def unit(tx: Tx) -> list[str]:
        return [
            tx.conversations.upsert(
                stage.shop, stage.account.id, PlatformConversation(str(7000 + n))
            ).ticket
            for n in range(60)
        ]

    tickets = [stage.conversation.ticket, *await stage.do(unit)]
    assert tickets[:3] == ["a1", "b1", "c1"]
    assert tickets[23:26] == ["z1", "a2", "b2"]
    assert len(set(tickets)) == len(tickets)
    assert not any(letter in ticket for ticket in tickets for letter in "lo")


async def test_a_ticket_is_not_given_again_after_its_conversation_went(stage: Stage) -> None:
    def unit(tx: Tx) -> str:
        tx.accounts.remove(stage.shop, stage.account.id)
        account = add_account(tx, stage.shop, "2")
        return tx.conversations.upsert(stage.shop, account.id, PLATFORM).ticket

    assert await stage.do(unit) == "b1"


async def test_what_is_known_is_never_blanked(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        again = tx.conversations.upsert(
            stage.shop, stage.account.id, stage.conversation.platform_id
        )
        assert again == stage.conversation

    await stage.do(unit)


async def test_gaps_are_filled_and_newer_news_replaces_older(stage: Stage) -> None:
    def upsert(tx: Tx, **given: object) -> Conversation:
        return tx.conversations.upsert(stage.shop, stage.account.id, PLATFORM, **given)  # type: ignore[arg-type]

    def unit(tx: Tx) -> None:
        upsert(tx)
        first = upsert(tx, buyer=PlatformUser("3100"), item_id="1", at=at(10))
        assert (first.buyer, first.item_id, first.last_message_at) == ("3100", "1", at(10))
        named = upsert(tx, buyer_name="小林", item_title="键盘", at=at(20))
        assert (named.buyer_name, named.item_title) == ("小林", "键盘")
        older = upsert(tx, buyer_name="旧名字", item_id="0", item_title="旧的", at=at(5))
        assert (older.buyer_name, older.item_id, older.item_title) == ("小林", "1", "键盘")
        assert older.last_message_at == at(20)
        newer = upsert(tx, buyer_name="小林林", at=at(30))
        assert (newer.buyer_name, newer.last_message_at) == ("小林林", at(30))
        assert tx.conversations.by_platform(stage.shop, stage.account.id, PLATFORM) == newer
        assert tx.conversations.by_ticket(stage.shop, newer.ticket) == newer

    await stage.do(unit)


async def test_the_first_name_goes_to_the_orders_of_this_buyer_that_have_none(
    stage: Stage,
) -> None:
    buyer = PlatformUser("3100")

    def order(tx: Tx, number: str, name: str = "", of: PlatformUser = buyer) -> None:
        told = Order(number, OrderStatus.PAID, "", buyer=of, buyer_name=name)
        tx.orders.save(stage.shop, stage.account.id, told, conversation=None, now=at())

    def unit(tx: Tx) -> None:
        upsert = partial(tx.conversations.upsert, stage.shop, stage.account.id, PLATFORM)
        upsert(buyer=buyer, at=at(1))
        order(tx, "1")
        order(tx, "2", "页面上的名字")
        order(tx, "3", of=PlatformUser("3200"))
        upsert(buyer_name="小林", at=at(2))
        order(tx, "4")
        upsert(buyer_name="小林林", at=at(3))
        names = {one.id: one.buyer_name for one in tx.orders.recent(stage.shop)}
        assert names == {"1": "小林", "2": "页面上的名字", "3": "", "4": ""}

    await stage.do(unit)


async def test_an_order_names_the_buyer_of_its_conversation_only_where_nothing_else_did(
    stage: Stage,
) -> None:
    buyer, other = PlatformUser("3100"), PlatformUser("3200")

    def unit(tx: Tx) -> None:
        made = tx.conversations.upsert(stage.shop, stage.account.id, PLATFORM, buyer=buyer)

        def named(by: PlatformUser, name: str) -> str:
            tx.conversations.name_buyer(stage.shop, made.id, by, name)
            found = tx.conversations.get(stage.shop, made.id)
            assert found is not None
            return found.buyer_name

        assert named(other, "别人") == ""
        assert named(buyer, "小林") == "小林"
        assert named(buyer, "小林林") == "小林"

    await stage.do(unit)


async def test_a_title_does_not_stay_when_the_item_changes(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        other = tx.conversations.upsert(
            stage.shop,
            stage.account.id,
            stage.conversation.platform_id,
            item_id="900100200301",
            at=at(1),
        )
        assert (other.item_id, other.item_title) == ("900100200301", "")

    await stage.do(unit)


async def test_the_inbox_lists_the_latest_first_with_last_message_and_hold(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.conversations.upsert(stage.shop, stage.account.id, PlatformConversation("1"))
        stage.hear(tx, 1, "先说的", seconds=10)
        other = add_account(tx, stage.shop, "2")
        quiet = tx.conversations.upsert(stage.shop, other.id, PLATFORM, at=at(5))
        lines = tx.conversations.recent(stage.shop, limit=10, now=at())
        assert [line.conversation.id for line in lines] == [stage.conversation.id, quiet.id]
        assert [line.last is None for line in lines] == [False, True]
        assert [line.hold for line in lines] == [None, None]

        tx.holds.add(stage.shop, WHOLE_SHOP, kind=HoldKind.PAUSE, reason="休息", now=at(20))
        takeover = tx.holds.add(
            stage.shop,
            Scope(conversation=stage.conversation.id),
            kind=HoldKind.TAKEOVER,
            reason="人工",
            now=at(20),
            until=at(30),
        )
        stage.say(tx, "后说的", seconds=20)
        (line,) = tx.conversations.recent(stage.shop, limit=1, now=at(25))
        assert line.last is not None
        assert line.last.sent_at == line.conversation.last_message_at == at(20)
        assert line.hold is not None
        assert line.hold.kind is HoldKind.PAUSE
        tx.holds.end(stage.shop, WHOLE_SHOP, at(25))
        (line,) = tx.conversations.recent(stage.shop, limit=1, now=at(25))
        assert line.hold == takeover
        (line,) = tx.conversations.recent(stage.shop, limit=1, now=at(30))
        assert line.hold is None

        only = tx.conversations.recent(stage.shop, account=other.id, limit=10, now=at())
        assert [line.conversation.id for line in only] == [quiet.id]
        page = tx.conversations.recent(stage.shop, before=at(20), limit=10, now=at())
        assert [line.conversation.id for line in page] == [quiet.id]
        page = tx.conversations.recent(
            stage.shop, account=other.id, before=at(5), limit=10, now=at()
        )
        assert page == []

    await stage.do(unit)
