"""Pausing, resuming and taking over by a word in chat: what is meant, until when, what remains."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from test_desk_chat import NOW, Stage, notice, stage

from hub.desk import Door, Operator
from hub.errors import Invalid, NotFound
from hub.model import (
    WHOLE_SHOP,
    AccountId,
    ConversationId,
    Hold,
    HoldKind,
    ListedItem,
    PlatformConversation,
    Scope,
    ShopId,
)

__all__ = ["stage"]
BOARD, CAPS = "900100200300", "900100200301"
HOUR = timedelta(hours=1)
"""`NOW` is eight in the evening where the shop is."""


@pytest.fixture
async def shop(stage: Stage) -> Stage:
    """小林 asks about a keyboard; there are key caps as well, and a second account."""

    def unit(tx: Any) -> None:
        titles = {BOARD: "机械键盘 87 键", CAPS: "键盘帽一套"}
        items = [ListedItem(id_, title, None, None, True, None) for id_, title in titles.items()]
        tx.items.save_list(stage.owner.shop, stage.account.id, items, NOW)
        tx.conversations.upsert(
            stage.owner.shop, stage.account.id, PlatformConversation("60010020030"), item_id=BOARD
        )

    await stage.store.write(unit)
    return stage


async def holds(stage: Stage, at: datetime = NOW) -> list[Hold]:
    return await stage.store.read(lambda tx: tx.holds.all_active(stage.owner.shop, at))


def here(stage: Stage) -> Scope:
    return Scope(conversation=stage.lin.id)


@pytest.mark.parametrize(
    ("words", "quotes", "scope"),
    [
        ("/暂停", False, lambda _: WHOLE_SHOP),
        ("/暂停 全店", False, lambda _: WHOLE_SHOP),
        ("/暂停", True, here),
        ("/暂停 #a1", False, here),
        ("/暂停 商品", True, lambda _: Scope(item=BOARD)),
        ("/暂停 #a1 商品", False, lambda _: Scope(item=BOARD)),
        ("/暂停 账号", True, lambda stage: Scope(account=stage.account.id)),
        ("/暂停 小店", False, lambda stage: Scope(account=stage.account.id)),
        ("/暂停「小店」", False, lambda stage: Scope(account=stage.account.id)),
        (f"/暂停 {BOARD}", False, lambda _: Scope(item=BOARD)),
        ("/暂停 机械", False, lambda _: Scope(item=BOARD)),
        ("/暂停 机械键盘 87 键", False, lambda _: Scope(item=BOARD)),
    ],
)
async def test_what_is_meant_is_paused_and_resumed_by_the_same_words(
    shop: Stage, words: str, quotes: bool, scope: Any
) -> None:
    more = {"quoted_text": notice(shop.lin)} if quotes else {}
    assert shop.lin.ticket == "a1"

    answer = await shop.write(words, **more)

    assert answer is not None
    assert answer.startswith("⏸ 已暂停")
    (held,) = await holds(shop)
    assert (held.kind, held.scope, held.until) == (HoldKind.PAUSE, scope(shop), None)
    assert held.reason == "店主 手动暂停"
    answer = await shop.write(words.replace("暂停", "恢复"), **more)
    assert answer is not None
    assert answer.startswith("▶ 已恢复")
    assert await holds(shop) == []


@pytest.mark.parametrize(
    ("length", "lasts"),
    [
        ("30分钟", HOUR / 2),
        ("2小时", 2 * HOUR),
        ("到22:00", 2 * HOUR),
        ("到明天9点", 13 * HOUR),
        ("一直", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("what", ["", "小店", "机械", "#a1"])
async def test_a_pause_ends_when_its_words_say(
    shop: Stage, what: str, length: str, lasts: timedelta | None
) -> None:
    for words in (f"/暂停 {what} {length}", f"/暂停 {length} {what}"):
        if what == "#a1" and not words.startswith("/暂停 #"):
            continue  # a ticket comes first, as everywhere
        answer = await shop.write(words)
        (held,) = await holds(shop)
        assert held.until == (None if lasts is None else NOW + lasts)
        assert answer is not None
        assert ("自动恢复" in answer) is (lasts is not None)
        if lasts is not None:
            assert await holds(shop, NOW + lasts) == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("/暂停 键盘", "有几个商品都叫「键盘」"),
        ("/暂停 30份", "没有叫「30份」的账号、商品或买家，也看不懂这样的时长"),
        ("/暂停 到今天9点", "那个时间已经过去了"),
        ("/暂停 400天", "365 天"),
        ("/暂停 #a1 小店", "看不懂「小店」"),
        ("/恢复 没有的", "没有叫「没有的」"),
        ("/接管", "没有接管"),
        ("/接管 小店", "看不懂「小店」"),
        ("/接管 #a1 一直", "请用 /暂停"),
    ],
)
async def test_nothing_is_guessed(shop: Stage, words: str, part: str) -> None:
    answer = await shop.write(words)

    assert answer is not None
    assert part in answer
    assert await holds(shop) == []


async def test_a_partial_resume_says_what_remains(shop: Stage) -> None:
    for words in ("/暂停 #a1", "/暂停 机械", "/暂停 小店", "/暂停"):
        await shop.write(words)

    answer = await shop.write("/恢复 #a1")
    assert answer == (
        "「小林」已恢复，但商品「机械键盘 87 键」、账号「小店」、整个店铺还在暂停中，"
        f"「小林」现在仍然不会自动回复。解除：/恢复 {BOARD}、/恢复 小店、/恢复 全店\n#a1"
    )
    answer = await shop.write("/恢复")
    assert answer is not None
    assert "另有 1 个商品、1 个账号单独暂停着" in answer
    answer = await shop.write("/恢复 小店")
    assert answer is not None
    assert "另有 1 个商品单独暂停着" in answer
    assert "本来就没有暂停" in (await shop.write(f"/恢复 #{shop.qi.ticket}") or "")
    assert await shop.write("/恢复 机械") == "▶ 已恢复商品「机械键盘 87 键」的自动回复"


async def test_the_status_lists_all_that_is_paused(shop: Stage) -> None:
    led = f"/接管 #{shop.qi.ticket}"
    for words in ("/暂停 #a1 1小时", "/暂停 机械", "/暂停 小店", "/暂停", led):
        await shop.write(words)

    status = await shop.write("/状态")

    assert status is not None
    assert [line for line in status.splitlines() if line.startswith("⏸")] == [
        "⏸ #a1 小林：店主 手动暂停，到 21:00",
        "⏸ 商品「机械键盘 87 键」：店主 手动暂停，直到 /恢复",
        "⏸ 账号「小店」：店主 手动暂停，直到 /恢复",
        "⏸ 整个店铺：店主 手动暂停，直到 /恢复",
        f"⏸ #{shop.qi.ticket} 阿七：店主 正在人工接待，到 20:10",
    ]


@pytest.mark.parametrize(
    ("minutes", "length", "lasts"),
    [(10, "", HOUR / 6), (10, " 2小时", 2 * HOUR), (0, "", None), (0, " 30分", HOUR / 2)],
)
async def test_a_conversation_is_taken_over_without_an_answer(
    shop: Stage, minutes: int, length: str, lasts: timedelta | None
) -> None:
    await shop.store.write(
        lambda tx: tx.accounts.set_takeover_minutes(shop.owner.shop, shop.account.id, minutes)
    )

    answer = await shop.write(f"/接管{length}", quoted_text=notice(shop.lin))

    assert answer is not None
    assert answer.startswith("⏸ 你接管了「小林」")
    (held,) = await holds(shop)
    assert (held.kind, held.scope) == (HoldKind.TAKEOVER, here(shop))
    assert held.until == (None if lasts is None else NOW + lasts)
    assert await shop.queued(shop.lin) == []


async def test_an_answer_extends_a_takeover_and_never_shortens_it(shop: Stage) -> None:
    await shop.write("/接管 #a1 5分")
    await shop.write("#a1 我来")
    (held,) = await holds(shop)
    assert held.until == NOW + 10 * HOUR / 60
    await shop.write("/接管 #a1 2小时")
    await shop.write("#a1 还在")
    await shop.write("/接管 #a1")
    (held,) = await holds(shop)
    assert held.until == NOW + 2 * HOUR
    assert await shop.queued(shop.lin) == ["我来", "还在"]


async def test_an_answer_takes_nothing_over_where_the_minutes_are_zero(shop: Stage) -> None:
    await shop.store.write(
        lambda tx: tx.accounts.set_takeover_minutes(shop.owner.shop, shop.account.id, 0)
    )
    await shop.write("#a1 我来")
    assert await holds(shop) == []


@pytest.mark.parametrize("words", ["/暂停", "/恢复", "/接管 #a1"])
async def test_a_viewer_stops_and_resumes_nothing(shop: Stage, words: str) -> None:
    await shop.write(f"/暂停 #{shop.qi.ticket}")
    before = await holds(shop)

    answer = await shop.write(words, sender="10003")

    assert answer is not None
    assert "身份" in answer
    assert await holds(shop) == before


async def test_another_shop_stops_nothing_here(shop: Stage) -> None:
    operator = Operator(replace(shop.owner, shop=ShopId(99)), Door.WEB)
    desk = shop.desk.holds
    for scope in (here(shop), Scope(item=BOARD), Scope(account=shop.account.id)):
        with pytest.raises(NotFound):
            await desk.pause(operator, scope)
    assert await holds(shop) == []
    for gone in (Scope(conversation=ConversationId(99)), Scope(account=AccountId(99))):
        with pytest.raises(NotFound):
            await desk.resume(operator, gone)


@pytest.mark.parametrize("end", [timedelta(0), timedelta(days=366), NOW - HOUR])
async def test_a_length_nobody_can_mean_is_refused(shop: Stage, end: Any) -> None:
    operator = Operator(shop.owner, Door.WEB)
    with pytest.raises(Invalid):
        await shop.desk.holds.pause(operator, WHOLE_SHOP, end=end)
    with pytest.raises(Invalid):
        await shop.desk.holds.take_over(operator, shop.lin.id, end=end)
    assert await holds(shop) == []
