"""What a buyer is called: what his order or his conversation knows, both know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hub.model import Order, OrderStatus, PlatformConversation
from hub.store import Tx
from tests.unit.delivery.ledger_stage import Ledger, buyer, open_ledger


async def names(ledger: Ledger, order: Order) -> tuple[str, str]:
    """As the conversation and as the order have it."""
    thread = ledger.threads[order.id]
    found = await ledger.store.read(lambda tx: tx.conversations.get(thread.shop, thread.id))
    assert found is not None
    return found.buyer_name, (await ledger.known(order)).buyer_name


async def test_a_buyer_who_never_wrote_is_called_as_his_order_says(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        page = replace(await ledger.page(1, OrderStatus.PAID), buyer_name="阿七")
        await ledger.write(lambda tx: ledger.read(tx, page))
        assert await names(ledger, page) == ("阿七", "阿七")


async def test_an_order_without_a_name_has_that_of_its_conversation(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        page = await ledger.page(1, OrderStatus.PAID)
        await write_as(ledger, page, "阿七")
        await ledger.write(lambda tx: ledger.read(tx, page))
        assert await names(ledger, page) == ("阿七", "阿七")


async def test_who_writes_after_he_bought_has_a_name_in_his_order_too(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        page = await ledger.page(1, OrderStatus.PAID)
        await ledger.write(lambda tx: ledger.read(tx, page))
        assert await names(ledger, page) == ("", "")
        await write_as(ledger, page, "阿七")
        assert await names(ledger, page) == ("阿七", "阿七")


async def test_an_order_never_names_somebody_else(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        page = replace(await ledger.page(1, OrderStatus.PAID), buyer=buyer(2), buyer_name="阿八")
        await ledger.write(lambda tx: ledger.read(tx, page))
        assert await names(ledger, page) == ("", "阿八")


async def write_as(ledger: Ledger, order: Order, name: str) -> None:
    """The buyer writes, and the platform says what he is called."""
    thread: PlatformConversation = ledger.threads[order.id].platform_id

    def unit(tx: Tx) -> None:
        account = ledger.account
        tx.conversations.upsert(account.shop, account.id, thread, buyer_name=name, at=ledger.now())

    await ledger.write(unit)
