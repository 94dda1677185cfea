"""Pools and cards: nothing is sold twice, nothing is lost, everything is remembered."""

from __future__ import annotations

import random

import pytest
from cards_stage import (
    BY,
    ORDER,
    add_pool,
    codes_of,
    counted_one_by_one,
    counts,
    draw,
    restock,
    unit_of,
)
from store_stage import Stage, at

from hub.errors import Conflict
from hub.model import (
    CardCounts,
    CardId,
    CardState,
    CardStep,
    Cause,
    OrderUnit,
    PoolKind,
    ShopId,
    StockLevel,
    StoredPicture,
    SupplierCall,
)
from hub.store import Store, Tx, pools

# --- Pools ----------------------------------------------------------------------------------------


async def test_a_pool_update_changes_only_what_is_given(stage: Stage) -> None:
    """A partial change does not enable a disabled pool again (L54), nor touch its pictures."""
    picture = StoredPicture("ab12.png", "image/png", 20, 10)

    def unit(tx: Tx) -> None:
        pool = tx.pools.add(
            stage.shop,
            name="图",
            kind=PoolKind.IMAGE,
            template="请查收{DELIVERY_CONTENT}",
            note="进货价 3",
            low_at=5,
            pictures=[picture],
            now=at(),
        )
        tx.pools.update(stage.shop, pool.id, enabled=False)
        changed = tx.pools.update(stage.shop, pool.id, note="")
        assert changed == tx.pools.get(stage.shop, pool.id)
        assert changed is not None
        assert (changed.enabled, changed.template) == (False, "请查收{DELIVERY_CONTENT}")
        assert (changed.note, changed.low_at, changed.pictures) == ("", 5, (picture,))
        assert changed.version == pool.version + 2

    await stage.do(unit)


async def test_a_change_that_crossed_another_is_refused(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        tx.pools.update(stage.shop, pool.id, version=pool.version, note="先")
        with pytest.raises(Conflict):
            tx.pools.update(stage.shop, pool.id, version=pool.version, note="后")
        found = tx.pools.get(stage.shop, pool.id)
        assert found is not None
        assert found.note == "先"

    await stage.do(unit)


async def test_stock_that_moves_does_not_stand_in_the_way_of_a_change(stage: Stage) -> None:
    """Sales go on while a person fills in a form."""

    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1"])
        draw(stage, tx, pool.id, unit_of(stage))
        changed = tx.pools.update(stage.shop, pool.id, version=pool.version, note="新")
        assert changed is not None
        assert changed.counts == CardCounts(reserved=1)

    await stage.do(unit)


async def test_the_name_of_a_pool_is_unique_until_it_is_removed(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        other = add_pool(stage, tx, "年卡")
        with pytest.raises(Conflict):
            add_pool(stage, tx)
        with pytest.raises(Conflict):
            tx.pools.update(stage.shop, other.id, name="月卡")
        assert tx.pools.remove(stage.shop, pool.id, at())
        assert tx.pools.get(stage.shop, pool.id) is None
        assert tx.pools.by_name(stage.shop, "月卡") is None
        assert not tx.pools.remove(stage.shop, pool.id, at())
        assert [p.name for p in tx.pools.all(stage.shop)] == ["年卡"]
        assert add_pool(stage, tx).id not in (pool.id, other.id)

    await stage.do(unit)


async def test_a_pool_with_unsold_or_promised_cards_is_not_removed(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1", "A2", "A3"])
        draw(stage, tx, pool.id, unit_of(stage))
        assert not tx.pools.remove(stage.shop, pool.id, at())
        assert tx.cards.discard(stage.shop, pool.id, 1) == 1
        assert tx.cards.discard(stage.shop, pool.id, 5) == 1
        assert not tx.pools.remove(stage.shop, pool.id, at())
        tx.cards.hand_over(stage.shop, unit_of(stage), now=at())
        assert tx.pools.remove(stage.shop, pool.id, at())

    await stage.do(unit)


async def test_how_a_supplier_is_asked_is_sealed_at_rest(stage: Stage) -> None:
    call = SupplierCall(
        url="https://supplier.example/card?key=SECRET-KEY",
        method="POST",
        headers=(("Authorization", "Bearer SECRET-TOKEN"),),
        body='{"sign": "SECRET-SIGN"}',
        success_values=("200", "ok"),
    )
    pool = await stage.do(
        lambda tx: tx.pools.add(stage.shop, name="供货", kind=PoolKind.API, supplier=call, now=at())
    )
    as_stored = await stage.do(
        lambda tx: tx.pools._sql.value(pools._SUPPLIER, shop=stage.shop, id=pool.id)
    )
    assert "SECRET" not in as_stored
    assert "supplier.example" not in as_stored
    assert "SECRET" not in repr(pool)
    assert "SECRET" not in repr(call)
    assert await stage.store.read(lambda tx: tx.pools.supplier(stage.shop, pool.id)) == call
    await stage.do(lambda tx: tx.pools.update(stage.shop, pool.id, note="x"))
    assert await stage.store.read(lambda tx: tx.pools.supplier(stage.shop, pool.id)) == call


async def test_a_new_pool_is_known_to_be_empty(stage: Stage) -> None:
    """Nobody wants a warning about a pool that was made a second ago."""

    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        assert pool.told is StockLevel.EMPTY
        tx.pools.set_told(stage.shop, pool.id, StockLevel.LOW)
        found = tx.pools.get(stage.shop, pool.id)
        assert found is not None
        assert (found.told, found.version) == (StockLevel.LOW, pool.version)

    await stage.do(unit)


# --- Adding ---------------------------------------------------------------------------------------


async def test_a_code_that_exists_or_was_ever_sold_is_refused_in_every_pool(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool, other = add_pool(stage, tx), add_pool(stage, tx, "年卡")
        assert restock(stage, tx, pool.id, ["A1", "A2", "A3", "A4"]) == []
        assert draw(stage, tx, pool.id, unit_of(stage)) == ["A1"]
        tx.cards.hand_over(stage.shop, unit_of(stage), now=at())
        card = tx.cards.by_code(stage.shop, "A2")
        assert card is not None
        tx.cards.void(stage.shop, card.id, by=BY, now=at())
        assert restock(stage, tx, other.id, ["A1", "A2", "A3", "B1"]) == ["A1", "A2", "A3"]
        assert counts(stage, tx, other.id) == CardCounts(available=1)
        assert tx.card_records.known(stage.shop, ["A1", "B1", "C1"]) == {"A1", "B1"}

    await stage.do(unit)


async def test_a_sold_code_stays_known_after_its_pool_is_removed(stage: Stage) -> None:
    """An unsold one that was discarded with its pool may come back."""

    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1", "A2"])
        draw(stage, tx, pool.id, unit_of(stage))
        tx.cards.hand_over(stage.shop, unit_of(stage), now=at())
        tx.cards.discard(stage.shop, pool.id, 100)
        assert tx.pools.remove(stage.shop, pool.id, at())
        again = add_pool(stage, tx)
        assert restock(stage, tx, again.id, ["A1", "A2"]) == ["A1"]

    await stage.do(unit)


async def test_codes_are_kept_byte_for_byte(stage: Stage) -> None:
    strange = ["a'b\"c", "100%_", "卡密：一二三", "🎁" * 50, "x" * 2000, "a\tb", "{order_id}######"]

    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        assert restock(stage, tx, pool.id, strange) == []
        assert draw(stage, tx, pool.id, unit_of(stage), len(strange)) == strange
        assert tx.card_records.known(stage.shop, [*strange, "100x_"]) == set(strange)

    await stage.do(unit)


async def test_a_batch_tells_who_added_how_many_and_when(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        owner = tx.members.owners(stage.shop)
        assert owner == []
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1"])
        restock(stage, tx, pool.id, ["A1", "A2", "A3"], seconds=5)
        newest, oldest = tx.card_records.batches(stage.shop, pool.id)
        assert (oldest.added, newest.added) == (1, 2)
        assert (newest.label, newest.cause.door, newest.at) == ("一批", "cli", at(5))
        card = tx.cards.by_code(stage.shop, "A3")
        assert card is not None
        assert card.batch == newest.id
        assert tx.card_records.batch(stage.shop, newest.id) == newest

    await stage.do(unit)


# --- Reserving ------------------------------------------------------------------------------------


async def test_the_oldest_cards_are_drawn_first(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["B", "A", "C"])
        assert draw(stage, tx, pool.id, unit_of(stage, "1"), 2) == ["B", "A"]
        assert draw(stage, tx, pool.id, unit_of(stage, "2")) == ["C"]

    await stage.do(unit)


async def test_the_soonest_to_expire_is_drawn_first_and_an_expired_one_never(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["forever"])
        restock(stage, tx, pool.id, ["late"], expires_at=at(100))
        restock(stage, tx, pool.id, ["soon"], expires_at=at(50))
        restock(stage, tx, pool.id, ["over"], expires_at=at(10))
        assert tx.card_records.expired_count(stage.shop, pool.id, at(10)) == 1
        # What ends right now has ended.
        assert draw(stage, tx, pool.id, unit_of(stage, "1"), 1, seconds=10) == ["soon"]
        assert draw(stage, tx, pool.id, unit_of(stage, "2"), 3, seconds=10) is None
        assert draw(stage, tx, pool.id, unit_of(stage, "2"), 2, seconds=99) == ["forever", "late"]
        over = tx.cards.by_code(stage.shop, "over")
        assert over is not None
        assert over.state is CardState.VOID
        (line,) = tx.card_records.history(stage.shop, over.id)
        assert line.step is CardStep.EXPIRED
        assert counts(stage, tx, pool.id) == CardCounts(reserved=3, void=1)

    await stage.do(unit)


async def test_more_expired_cards_than_one_draw_tidies_up_are_still_not_drawn(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, [f"over {n}" for n in range(450)], expires_at=at(10))
        restock(stage, tx, pool.id, ["good"])
        assert draw(stage, tx, pool.id, unit_of(stage, "1"), seconds=20) == ["good"]
        assert counts(stage, tx, pool.id) == CardCounts(available=250, reserved=1, void=200)
        assert draw(stage, tx, pool.id, unit_of(stage, "2"), seconds=20) is None

    await stage.do(unit)


async def test_a_reservation_is_all_or_nothing(stage: Stage) -> None:
    """Two of three cards are no delivery (L10)."""

    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1", "A2"])
        assert draw(stage, tx, pool.id, unit_of(stage), 3) is None
        assert counts(stage, tx, pool.id) == CardCounts(available=2)
        assert tx.cards.of_unit(stage.shop, unit_of(stage)) == []
        assert draw(stage, tx, pool.id, unit_of(stage), 2) == ["A1", "A2"]

    await stage.do(unit)


async def test_a_second_reservation_for_the_same_unit_draws_nothing_new(stage: Stage) -> None:
    """Whatever signal, whatever pool, whatever the cards have become by then (L2)."""

    def unit(tx: Tx) -> None:
        pool, other = add_pool(stage, tx), add_pool(stage, tx, "年卡")
        restock(stage, tx, pool.id, ["A1", "A2", "A3", "A4"])
        restock(stage, tx, other.id, ["B1"])
        this = unit_of(stage)
        assert draw(stage, tx, pool.id, this, 2) == ["A1", "A2"]
        assert draw(stage, tx, pool.id, this, 2) == ["A1", "A2"]
        assert draw(stage, tx, other.id, this, 1) == ["A1", "A2"]
        tx.cards.hand_over(stage.shop, this, now=at())
        assert draw(stage, tx, pool.id, this, 4) == ["A1", "A2"]
        tx.cards.dispute(stage.shop, this, now=at())
        assert draw(stage, tx, pool.id, this, 2) == ["A1", "A2"]
        for card in tx.cards.of_unit(stage.shop, this):
            tx.cards.void(stage.shop, card.id, by=BY, now=at())
        assert draw(stage, tx, pool.id, this, 2) == ["A1", "A2"]
        assert counts(stage, tx, pool.id) == CardCounts(available=2, void=2)
        # Other units of the order, other orders and other accounts are others.
        assert draw(stage, tx, pool.id, unit_of(stage, ORDER, 2)) == ["A3"]
        assert draw(stage, tx, pool.id, unit_of(stage, "9")) == ["A4"]

    await stage.do(unit)


async def test_a_bad_card_found_before_it_was_handed_over_is_replaced(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1", "A2", "A3"])
        this = unit_of(stage)
        draw(stage, tx, pool.id, this, 2)
        bad = tx.cards.by_code(stage.shop, "A1")
        assert bad is not None
        before = tx.cards.void(stage.shop, bad.id, by=Cause(None, "qq", "充不上"), now=at())
        assert before is not None
        assert before.state is CardState.RESERVED
        assert draw(stage, tx, pool.id, this, 2) == ["A2", "A3"]
        assert counts(stage, tx, pool.id) == CardCounts(reserved=2, void=1)

    await stage.do(unit)


@pytest.mark.parametrize("how", ["disabled", "removed", "foreign"])
async def test_a_pool_that_is_off_gives_nothing(stage: Stage, how: str) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        if how == "removed":
            tx.pools.remove(stage.shop, pool.id, at())
        else:
            restock(stage, tx, pool.id, ["A1"])
        if how == "disabled":
            tx.pools.update(stage.shop, pool.id, enabled=False)
        shop = ShopId(stage.shop + 1) if how == "foreign" else stage.shop
        assert tx.cards.reserve(shop, pool.id, unit_of(stage), 1, now=at()) is None

    await stage.do(unit)


async def test_what_a_supplier_gave_too_late_is_kept_and_goes_to_nobody(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx, "供货", PoolKind.API)
        one = unit_of(stage, "1")
        tx.cards.keep_fetched(stage.shop, pool.id, one, ["A"], now=at())
        tx.cards.keep_late(stage.shop, pool.id, one, ["B"], at())
        assert codes_of(tx.cards.of_unit(stage.shop, one)) == ["A"]
        late = tx.card_records.page(stage.shop, pool.id, state=CardState.VOID, limit=9)
        assert codes_of(late) == ["B"]
        assert counts(stage, tx, pool.id) == CardCounts(reserved=1, void=1)
        assert counts(stage, tx, pool.id) == counted_one_by_one(stage, tx, pool.id)
        assert draw(stage, tx, pool.id, unit_of(stage, "2")) is None

    await stage.do(unit)


async def test_what_a_supplier_gave_is_kept_for_its_unit_and_may_repeat(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx, "供货", PoolKind.API)
        one, two = unit_of(stage, "1"), unit_of(stage, "2")
        kept = tx.cards.keep_fetched(stage.shop, pool.id, one, ["https://x/1"], now=at())
        assert codes_of(kept) == ["https://x/1"]
        assert codes_of(tx.cards.keep_fetched(stage.shop, pool.id, one, ["other"], now=at())) == [
            "https://x/1"
        ]
        tx.cards.keep_fetched(stage.shop, pool.id, two, ["https://x/1"], now=at())
        tx.cards.hand_over(stage.shop, one, now=at())
        assert counts(stage, tx, pool.id) == CardCounts(reserved=1, handed_over=1)
        # What was fetched in vain serves the next order.
        tx.cards.release(stage.shop, two, now=at())
        assert draw(stage, tx, pool.id, unit_of(stage, "3")) == ["https://x/1"]

    await stage.do(unit)


# --- Moving ---------------------------------------------------------------------------------------


async def test_every_move_leaves_a_line_that_says_who_when_why_and_for_whom(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1"])
        this = unit_of(stage)
        draw(stage, tx, pool.id, this, seconds=1)
        tx.cards.release(stage.shop, this, by=Cause(None, "web", "买家退款"), now=at(2))
        draw(stage, tx, pool.id, this, seconds=3)
        tx.cards.hand_over(stage.shop, this, now=at(4))
        tx.cards.dispute(stage.shop, this, now=at(5))
        card = tx.cards.by_code(stage.shop, "A1")
        assert card is not None
        tx.cards.void(stage.shop, card.id, by=Cause(None, "qq", "已赔付"), now=at(6))
        lines = tx.card_records.history(stage.shop, card.id)
        assert [(e.step, e.at) for e in lines] == [
            (CardStep.RESERVED, at(1)),
            (CardStep.RELEASED, at(2)),
            (CardStep.RESERVED, at(3)),
            (CardStep.HANDED_OVER, at(4)),
            (CardStep.DISPUTED, at(5)),
            (CardStep.VOID, at(6)),
        ]
        assert {e.unit for e in lines} == {this}
        assert lines[1].cause == Cause(None, "web", "买家退款")
        assert lines[0].cause == Cause(None, "hub")
        found = tx.cards.get(stage.shop, card.id)
        assert found is not None
        # Who got it stays on the card itself, also after it was voided.
        assert (found.unit, found.handed_over_at, found.changed_at) == (this, at(4), at(6))
        assert codes_of(tx.card_records.of_order(stage.shop, ORDER)) == ["A1"]

    await stage.do(unit)


async def test_moves_that_do_not_fit_the_state_change_nothing(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1"])
        this = unit_of(stage)
        assert tx.cards.hand_over(stage.shop, this, now=at()) == []
        assert tx.cards.release(stage.shop, this, now=at()) == []
        draw(stage, tx, pool.id, this)
        assert tx.cards.dispute(stage.shop, this, now=at()) == []
        assert codes_of(tx.cards.hand_over(stage.shop, this, now=at())) == ["A1"]
        assert tx.cards.hand_over(stage.shop, this, now=at()) == []
        # What the buyer has never goes back into the pool.
        assert tx.cards.release(stage.shop, this, now=at()) == []
        card = tx.cards.by_code(stage.shop, "A1")
        assert card is not None
        assert tx.cards.void(stage.shop, card.id, by=BY, now=at()) is not None
        assert tx.cards.void(stage.shop, card.id, by=BY, now=at()) is None
        assert tx.cards.void(stage.shop, CardId(999), by=BY, now=at()) is None
        assert len(tx.card_records.history(stage.shop, card.id)) == 3
        assert counts(stage, tx, pool.id) == CardCounts(void=1)

    await stage.do(unit)


@pytest.mark.parametrize("seed", range(8))
async def test_any_mix_of_moves_keeps_the_numbers_true_and_each_code_with_one_buyer(
    stage: Stage, seed: int
) -> None:
    """A card that was handed over never reaches another unit; numbers equal a recount."""
    dice = random.Random(seed)
    both = [
        (await stage.do(lambda tx, n=n: add_pool(stage, tx, n))).id  # type: ignore[misc]
        for n in ("一", "二")
    ]
    units = [OrderUnit(stage.account.id, str(n), u) for n in range(12) for u in (1, 2)]
    got: dict[str, OrderUnit] = {}

    def step(tx: Tx) -> None:
        pool, this, now = dice.choice(both), dice.choice(units), at(dice.randint(0, 40))
        match dice.randint(0, 7):
            case 0:
                codes = [f"C{dice.randint(0, 60)}" for _ in range(4)]
                ends = dice.choice([None, None, at(30)])
                restock(stage, tx, pool, list(dict.fromkeys(codes)), expires_at=ends)
            case 1 | 2 | 3:
                tx.cards.reserve(stage.shop, pool, this, dice.randint(1, 3), now=now)
            case 4 | 5:
                for card in tx.cards.hand_over(stage.shop, this, now=now):
                    assert got.setdefault(card.code, this) == this
                    assert card.expires_at is None or card.expires_at > at()
            case 6:
                tx.cards.release(stage.shop, this, now=now)
            case 7:
                page = tx.card_records.page(stage.shop, pool, limit=5)
                if page and dice.random() < 0.4:
                    tx.cards.void(stage.shop, dice.choice(page).id, by=BY, now=now)
                else:
                    tx.cards.dispute(stage.shop, this, now=now)

    def check(tx: Tx) -> None:
        for pool in both:
            assert counts(stage, tx, pool) == counted_one_by_one(stage, tx, pool)
        for code, this in got.items():
            card = tx.cards.by_code(stage.shop, code)
            assert card is not None
            assert card.unit == this

    for _ in range(150):
        await stage.do(step)
    await stage.do(check)
    assert got


# --- Looking --------------------------------------------------------------------------------------


async def test_pages_of_cards_follow_each_other_by_state(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, [f"A{n}" for n in range(7)])
        draw(stage, tx, pool.id, unit_of(stage), 2)
        records = tx.card_records
        first = records.page(stage.shop, pool.id, limit=3)
        assert codes_of(first) == ["A6", "A5", "A4"]
        second = records.page(stage.shop, pool.id, before=first[-1].id, limit=3)
        assert codes_of(second) == ["A3", "A2", "A1"]
        reserved = records.page(stage.shop, pool.id, state=CardState.RESERVED)
        assert codes_of(reserved) == ["A1", "A0"]
        assert records.page(ShopId(stage.shop + 1), pool.id) == []

    await stage.do(unit)


async def test_sales_are_counted_by_pool_and_time(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool, other = add_pool(stage, tx), add_pool(stage, tx, "年卡")
        restock(stage, tx, pool.id, ["A1", "A2", "A3"])
        restock(stage, tx, other.id, ["B1"])
        for n, (where, when) in enumerate([(pool, 0), (pool, 50), (pool, 60), (other, 70)]):
            draw(stage, tx, where.id, unit_of(stage, str(n)))
            tx.cards.hand_over(stage.shop, unit_of(stage, str(n)), now=at(when))
        sold = tx.card_records.sold_since(stage.shop, at(100), at(100) - at(50))
        assert sold == {pool.id: 2, other.id: 1}

    await stage.do(unit)


async def test_a_note_on_a_card_is_kept(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        restock(stage, tx, pool.id, ["A1"])
        (card,) = tx.card_records.page(stage.shop, pool.id)
        assert tx.cards.set_note(stage.shop, card.id, "来自老王")
        found = tx.cards.get(stage.shop, card.id)
        assert found is not None
        assert found.note == "来自老王"
        assert not tx.cards.set_note(ShopId(stage.shop + 1), card.id, "别人")

    await stage.do(unit)


async def test_stock_survives_closing_the_store(stage: Stage, store: Store) -> None:
    """What a second look through the readers shows is what was committed."""

    def unit(tx: Tx) -> None:
        restock(stage, tx, add_pool(stage, tx).id, ["A1"])

    await stage.do(unit)
    found = await store.read(lambda tx: tx.pools.all(stage.shop))
    assert [p.counts for p in found] == [CardCounts(available=1)]


async def test_a_code_is_in_no_repr(stage: Stage) -> None:
    """Tracebacks and logs print values; a code must not be among them."""

    def unit(tx: Tx) -> str:
        restock(stage, tx, add_pool(stage, tx).id, ["SECRET-CODE-1"])
        card = tx.cards.by_code(stage.shop, "SECRET-CODE-1")
        assert card is not None
        assert card.masked == "SE…-1"
        return repr(card)

    assert "SECRET-CODE-1" not in await stage.do(unit)
