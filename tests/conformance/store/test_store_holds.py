"""Holds by scope, kind and time: what stops the automation of a conversation, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from store_stage import Stage, add_account, at

from hub.model import WHOLE_SHOP, Conversation, Hold, HoldKind, PlatformConversation, Scope
from hub.store import Tx, place_of

ITEM = "900100200300"
PAUSE, TAKEOVER = HoldKind.PAUSE, HoldKind.TAKEOVER
SCOPES: dict[str, Callable[[Conversation], Scope]] = {
    "conversation": lambda one: Scope(conversation=one.id),
    "item": lambda one: Scope(item=one.item_id),
    "account": lambda one: Scope(account=one.account),
    "shop": lambda _: WHOLE_SHOP,
}


def here(stage: Stage, tx: Tx) -> Conversation:
    """The conversation of the stage, about an item."""
    return tx.conversations.upsert(
        stage.shop,
        stage.account.id,
        stage.conversation.platform_id,
        item_id=ITEM,
        item_title="机械键盘",
    )


def neighbours(stage: Stage, tx: Tx) -> dict[str, Conversation]:
    """Others, by what they share with it at most."""

    def add(number: int, account: object, item: str) -> Conversation:
        return tx.conversations.upsert(
            stage.shop,
            account,  # type: ignore[arg-type]
            PlatformConversation(str(number)),
            item_id=item,
        )

    other = add_account(tx, stage.shop, "2").id
    return {
        "item": add(1, stage.account.id, ITEM),
        "account": add(2, stage.account.id, "1"),
        "shop": add(3, other, "2"),
    }


@pytest.mark.parametrize("kind", [PAUSE, TAKEOVER])
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_hold_stops_what_lies_in_its_scope_until_its_end_and_nothing_else(
    stage: Stage, scope: str, kind: HoldKind
) -> None:
    def unit(tx: Tx) -> None:
        mine, others = here(stage, tx), neighbours(stage, tx)
        where = SCOPES[scope](mine)
        hold = tx.holds.add(stage.shop, where, kind=kind, reason="盘点", now=at(10), until=at(60))
        assert hold.scope == where
        assert tx.holds.active(stage.shop, mine.id, at(59)) == hold
        assert tx.holds.active(stage.shop, mine.id, at(60)) is None
        order = list(SCOPES)
        for shared, other in others.items():
            stopped = tx.holds.active(stage.shop, other.id, at(30))
            expected = hold if order.index(shared) <= order.index(scope) else None
            assert stopped == expected, shared
            assert where.covers(other) is (expected is not None)
        assert tx.holds.end(stage.shop, where, at(40)) == 1
        assert tx.holds.end(stage.shop, where, at(41)) == 0
        assert tx.holds.active(stage.shop, mine.id, at(42)) is None

    await stage.do(unit)


@pytest.mark.parametrize("kind", [PAUSE, TAKEOVER])
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_hold_without_end_lasts_until_somebody_ends_exactly_it(
    stage: Stage, scope: str, kind: HoldKind
) -> None:
    def unit(tx: Tx) -> None:
        mine = here(stage, tx)
        where = SCOPES[scope](mine)
        hold = tx.holds.add(stage.shop, where, kind=kind, reason="盘点", now=at())
        for other in SCOPES:
            if other != scope:
                assert tx.holds.end(stage.shop, SCOPES[other](mine), at(1)) == 0
        other_kind = TAKEOVER if kind is PAUSE else PAUSE
        assert tx.holds.end(stage.shop, where, at(1), [other_kind]) == 0
        assert tx.holds.active(stage.shop, mine.id, at(10**9)) == hold
        assert tx.holds.of_scope(stage.shop, where, at(10**9)) == [hold]
        assert tx.holds.end(stage.shop, where, at(2), [kind]) == 1
        assert tx.holds.all_active(stage.shop, at(3)) == []

    await stage.do(unit)


async def test_a_pause_weighs_more_than_a_takeover_and_the_narrow_more_than_the_wide(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        mine = here(stage, tx)
        added: list[Hold] = [
            tx.holds.add(stage.shop, SCOPES[scope](mine), kind=kind, reason=scope, now=at())
            for kind in (TAKEOVER, PAUSE)
            for scope in ("shop", "account", "item", "conversation")
        ]
        weighed = added[:3:-1] + added[3::-1]
        assert tx.holds.here(stage.shop, mine.id, at(1)) == weighed
        assert tx.holds.all_active(stage.shop, at(1)) == weighed
        for number, hold in enumerate(weighed):
            assert tx.holds.active(stage.shop, mine.id, at(2)) == hold
            assert tx.holds.end(stage.shop, hold.scope, at(3), [hold.kind]) == 1
            assert len(tx.holds.here(stage.shop, mine.id, at(4))) == 7 - number

    await stage.do(unit)


async def test_a_hold_of_an_item_follows_the_conversation_to_its_next_item(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        mine = here(stage, tx)
        tx.holds.add(stage.shop, Scope(item=ITEM), kind=PAUSE, reason="缺货", now=at())
        tx.conversations.upsert(
            stage.shop, stage.account.id, stage.conversation.platform_id, item_id="77"
        )
        assert tx.holds.active(stage.shop, mine.id, at(1)) is None
        tx.conversations.upsert(
            stage.shop, stage.account.id, stage.conversation.platform_id, item_id=ITEM
        )
        assert tx.holds.active(stage.shop, mine.id, at(1)) is not None

    await stage.do(unit)


async def test_a_newer_hold_of_the_same_kind_and_scope_replaces_the_older(stage: Stage) -> None:
    where = Scope(conversation=stage.conversation.id)

    def unit(tx: Tx) -> None:
        def take_over(now: float, until: float | None) -> int:
            return tx.holds.add(
                stage.shop,
                where,
                kind=TAKEOVER,
                reason=f"{now}",
                now=at(now),
                until=None if until is None else at(until),
            ).id

        first = take_over(0, 60)
        assert take_over(30, 90) == first
        hold = tx.holds.active(stage.shop, stage.conversation.id, at(89))
        assert hold is not None
        assert (hold.since, hold.until, hold.reason) == (at(0), at(90), "30")
        assert len(tx.holds.all_active(stage.shop, at(40))) == 1
        assert take_over(100, None) != first
        assert take_over(200, 260) != first
        assert tx.holds.active(stage.shop, stage.conversation.id, at(260)) is None

    await stage.do(unit)


@pytest.mark.parametrize(
    ("runs", "wanted", "lasts"),
    [(60, 90, 90), (60, 30, 60), (60, 60, 60), (None, 90, None), (60, None, None)],
)
async def test_who_may_not_shorten_a_hold_only_extends_it(
    stage: Stage, runs: float | None, wanted: float | None, lasts: float | None
) -> None:
    def unit(tx: Tx) -> None:
        def add(until: float | None, reason: str) -> Hold:
            return tx.holds.add(
                stage.shop,
                Scope(conversation=stage.conversation.id),
                kind=TAKEOVER,
                reason=reason,
                now=at(),
                until=None if until is None else at(until),
                shorten=False,
            )

        add(runs, "先")
        told = add(wanted, "后")
        hold = tx.holds.active(stage.shop, stage.conversation.id, at(1))
        assert hold == told
        assert hold.until == (None if lasts is None else at(lasts))
        assert hold.reason == ("先" if lasts == runs else "后")

    await stage.do(unit)


async def test_a_hold_goes_with_the_account_it_is_about(stage: Stage) -> None:
    """L50."""

    def unit(tx: Tx) -> None:
        mine = here(stage, tx)
        for scope in SCOPES.values():
            tx.holds.add(stage.shop, scope(mine), kind=PAUSE, reason="盘点", now=at())
        tx.accounts.remove(stage.shop, stage.account.id)
        assert [one.scope for one in tx.holds.all_active(stage.shop, at(1))] == [
            Scope(item=ITEM),
            WHOLE_SHOP,
        ]

    await stage.do(unit)


async def test_places_are_called_what_people_call_them(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        mine = here(stage, tx)
        names = [place_of(tx, stage.shop, scope(mine)).name for scope in SCOPES.values()]
        assert names == [mine.buyer_name, "机械键盘", stage.account.name, ""]
        assert place_of(tx, stage.shop, Scope(item="1")).name == ""
        assert tx.items.titles(stage.shop) == {ITEM: "机械键盘"}

    await stage.do(unit)
