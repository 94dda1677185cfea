"""A draft that nobody decides about ends with a word, and says nothing to the buyer unasked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from answers_stage import OTHER_ITEM, Shop, open_shop, suggestion

from hub.model import AiLimits, AiMode, AiScope, Intent, MessageState, NeedKind, TaskKind
from hub.outbound import DraftEnds
from hub.settings import BargainSettings

HALF_AN_HOUR = 30 * 60


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def drafted(shop: Shop, *, intent: Intent = Intent.QUESTION, **limits: Any) -> None:
    """A draft waits; the notice of it was told."""
    await shop.store.write(
        lambda tx: tx.ai_scopes.set_shop(
            shop.owner.shop, AiScope(mode=AiMode.DRAFT), AiLimits(**limits), shop.now
        )
    )
    shop.model.answers = [suggestion(intent=intent)]
    await shop.hears("能用多久")
    await shop.settles()
    await shop.notices()
    assert len(await shop.drafts()) == 1


async def end(shop: Shop, *, connected: bool = True) -> None:
    """The drafts that are due."""
    ends = DraftEnds(
        shop.store,
        BargainSettings(),
        more_words="",
        now=shop.clock,
        connected=lambda _: connected,
    )
    await shop.work(ends.perform, TaskKind.DRAFT)
    await shop.sends_all()


async def test_it_is_dropped_in_its_time_and_the_buyer_is_called_to_mind(shop: Shop) -> None:
    await drafted(shop)
    await end(shop)
    assert len(await shop.drafts()) == 1
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    [one] = await shop.by_ai()
    assert (one.state, one.reason) == (MessageState.DROPPED, "30 分钟没人决定")
    [told] = await shop.notices()
    assert "AI 草稿 30 分钟没人决定，作废了，没有发给买家" in told
    assert "买家还在等" in told
    assert told.endswith(f"#{(await shop.talk()).ticket}")
    assert shop.session.said == []


async def test_it_goes_out_where_the_owner_wants_that_and_that_is_told(shop: Shop) -> None:
    await drafted(shop, draft_sends=True)
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    assert shop.session.said == ["可以用一个月"]
    [told] = await shop.notices()
    assert "按你的设置发给买家了" in told


async def test_what_a_person_has_to_see_never_goes_out_by_itself(shop: Shop) -> None:
    await drafted(shop, intent=Intent.REFUND, draft_sends=True)
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    assert shop.session.said == []
    [told] = await shop.notices()
    assert "没有自动发出：要人看过才能发" in told


async def test_where_a_person_leads_it_is_dropped(shop: Shop) -> None:
    await drafted(shop, draft_sends=True)
    shop.passes(HALF_AN_HOUR)
    await shop.desk.holds.take_over(shop.operator, (await shop.talk()).id)
    await end(shop)
    assert shop.session.said == []


@pytest.mark.parametrize("then", ["rule", "question"])
async def test_what_the_buyer_said_since_is_not_answered_by_an_older_draft(
    shop: Shop, then: str
) -> None:
    """Whether a rule has answered, or AI is about to be asked anew."""
    await drafted(shop, draft_sends=True)
    if then == "rule":
        await shop.keyword("邮费", "包邮")
    shop.passes(HALF_AN_HOUR)
    await shop.hears("邮费呢")
    await end(shop)
    assert "可以用一个月" not in shop.session.said
    [over] = [told for told in await shop.notices() if "没有自动发出：买家后来又说了话" in told]
    assert ("买家还在等" in over) == (then == "question")


async def test_while_its_account_is_away_it_waits_as_a_draft(shop: Shop) -> None:
    """A message that waits would go out whatever the buyer says meanwhile."""
    await drafted(shop, draft_sends=True)
    shop.passes(HALF_AN_HOUR)
    await end(shop, connected=False)
    assert len(await shop.drafts()) == 1
    await shop.hears("算了，不要了")
    shop.passes(60)
    await end(shop)
    assert "可以用一个月" not in shop.session.said


async def test_a_draft_about_another_item_never_goes_out_by_itself(shop: Shop) -> None:
    """Whether it was written so, or the conversation turned to another item afterwards."""
    await drafted(shop, draft_sends=True)
    talk = await shop.talk()
    await shop.store.write(
        lambda tx: tx.conversations.upsert(
            talk.shop, talk.account, talk.platform_id, item_id=OTHER_ITEM
        )
    )
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    assert shop.session.said == []
    assert any("换了商品" in told for told in await shop.notices())


async def test_a_draft_to_what_the_buyer_took_back_does_not_go_out_by_itself(shop: Shop) -> None:
    await drafted(shop, draft_sends=True)
    [asked] = [one for one in await shop.messages() if not one.ours]
    recalled = MessageState.RECALLED
    await shop.store.write(
        lambda tx: tx.messages.set_state(shop.owner.shop, asked.id, recalled, now=shop.now)
    )
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    assert shop.session.said == []


async def test_while_an_offer_waits_for_a_person_no_draft_goes_out_by_itself(shop: Shop) -> None:
    await drafted(shop, draft_sends=True)
    talk = await shop.talk()
    await shop.store.write(
        lambda tx: tx.needs.open(
            talk.shop, NeedKind.OFFER, conversation=talk.id, detail="8 元", now=shop.now
        )
    )
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    assert shop.session.said == []
    assert any("买家的还价在等人决定" in told for told in await shop.notices())


async def test_one_that_was_decided_about_ends_without_a_word(shop: Shop) -> None:
    await drafted(shop)
    await shop.desk.drafts.approve(shop.operator, (await shop.draft()).id)
    await shop.sends_all()
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    assert shop.session.said == ["可以用一个月"]
    assert await shop.notices() == []
    assert TaskKind.DRAFT not in await shop.waiting()


async def test_more_time_that_is_given_meanwhile_counts(shop: Shop) -> None:
    await drafted(shop)
    await shop.store.write(
        lambda tx: tx.ai_scopes.set_shop(
            shop.owner.shop, AiScope(mode=AiMode.DRAFT), AiLimits(draft_minutes=60), shop.now
        )
    )
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    assert len(await shop.drafts()) == 1
    shop.passes(HALF_AN_HOUR)
    await end(shop)
    assert await shop.drafts() == []
