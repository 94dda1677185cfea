"""Reply rules at the desk: who may, what is kept, what a change leaves alone."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from stock_stage import StockStage, open_stock_stage

from hub.errors import Forbidden, Invalid, NotFound
from hub.model import Hours, Match, Moment, Rule, RuleId, RuleKind, StoredPicture, Text

ITEM = "900100200300"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[StockStage]:
    async with open_stock_stage(tmp_path) as stage:
        yield stage


def drawn(colour: str = "teal", kind: str = "PNG") -> bytes:
    target = io.BytesIO()
    PIL.Image.new("RGB", (40, 20), colour).save(target, kind)
    return target.getvalue()


async def keyword(stage: StockStage, **fields: Any) -> Rule:
    fields = {"keywords": ["在吗"], "reply": "在的"} | fields
    return await stage.desk.rules.add(stage.owner, kind=RuleKind.KEYWORD, **fields)


@pytest.mark.parametrize("who", ["agent", "viewer"])
async def test_only_owners_change_rules_and_everybody_sees_them(
    stage: StockStage, who: str
) -> None:
    other, rules = getattr(stage, who), stage.desk.rules
    rule = await keyword(stage, new_pictures=[drawn()])
    for act in (
        rules.add(other, kind=RuleKind.DEFAULT, reply="在"),
        rules.change(other, rule.id, reply="在"),
        rules.add_picture(other, rule.id, drawn()),
        rules.remove_picture(other, rule.id, rule.pictures[0].name),
        rules.remove(other, rule.id),
    ):
        with pytest.raises(Forbidden):
            await act
    assert await rules.all(other) == [rule]
    assert await rules.get(other, rule.id) == rule
    assert await rules.picture(other, rule.id, rule.pictures[0].name)


async def test_a_change_leaves_alone_what_it_does_not_name(stage: StockStage) -> None:
    rule = await keyword(
        stage,
        items=[ITEM],
        priority=5,
        hours=Hours(time(22), time(8)),
        once=True,
        match=Match.EXACT,
        new_pictures=[drawn()],
    )
    changed = await stage.desk.rules.change(stage.owner, rule.id, enabled=False)
    assert (changed.enabled, changed.pictures) == (False, rule.pictures)
    assert (changed.priority, changed.hours, changed.once) == (5, rule.hours, True)
    assert await stage.desk.rules.get(stage.owner, rule.id) == changed


async def test_pictures_come_after_those_that_are_there_each_once(stage: StockStage) -> None:
    rule = await keyword(stage, new_pictures=[drawn("teal")])
    rule = await stage.desk.rules.add_picture(stage.owner, rule.id, drawn("orange", "JPEG"))
    teal, orange = rule.pictures
    assert (teal.media_type, orange.media_type) == ("image/png", "image/jpeg")
    again = await stage.desk.rules.add_picture(stage.owner, rule.id, drawn("teal"))
    assert again.pictures == (orange, teal)
    left = await stage.desk.rules.remove_picture(stage.owner, rule.id, teal.name)
    assert left.pictures == (orange,)
    with pytest.raises(NotFound):
        await stage.desk.rules.picture(stage.owner, rule.id, teal.name)
    assert stage.store.pictures.read(teal.name) is not None
    assert [action for action, _ in await stage.audit()].count("rule.change") == 3


async def test_more_pictures_than_nine_are_refused_and_none_is_added(stage: StockStage) -> None:
    rule = await keyword(stage)
    colours = [drawn(f"#{number:02x}0000") for number in range(10)]
    with pytest.raises(Invalid) as refused:
        await stage.desk.rules.change(stage.owner, rule.id, new_pictures=colours)
    assert "pictures" in refused.value.fields
    assert (await stage.desk.rules.get(stage.owner, rule.id)).pictures == ()


async def test_silence_ends_when_there_is_something_to_say(stage: StockStage) -> None:
    rule = await keyword(stage, reply="", silent=True)
    assert rule.silent
    assert (await stage.desk.rules.change(stage.owner, rule.id, enabled=False)).silent
    shown = await stage.desk.rules.add_picture(stage.owner, rule.id, drawn())
    assert (shown.silent, len(shown.pictures)) == (False, 1)
    muted = await stage.desk.rules.change(stage.owner, rule.id, silent=True)
    assert (muted.silent, muted.pictures) == (True, ())
    assert not (await stage.desk.rules.change(stage.owner, rule.id, reply="在")).silent


async def test_what_cannot_be_seen_is_taken_out_and_line_breaks_become_one_kind(
    stage: StockStage,
) -> None:
    rule = await keyword(
        stage, keywords=["在\x00吗", "a\r\nb", "a\x85b"], reply="一\r\n二\r三\x0b四\x07\ufffe"
    )
    assert rule.keywords == ("在吗", "a b")
    assert rule.reply == "一\n二\n三\n四"


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        (RuleKind.KEYWORD, {"keywords": [], "reply": "在"}, "keywords"),
        (RuleKind.KEYWORD, {"keywords": ["x" * 61], "reply": "在"}, "keywords"),
        (RuleKind.KEYWORD, {"keywords": [f"{n}" for n in range(51)], "reply": "在"}, "keywords"),
        (
            RuleKind.KEYWORD,
            {"keywords": ["(?P<x"], "match": Match.PATTERN, "reply": "在"},
            "keywords",
        ),
        (RuleKind.ITEM, {"reply": "在"}, "items"),
        (RuleKind.ITEM, {"items": ["12"], "reply": "在"}, "items"),
        (RuleKind.ITEM, {"items": [f"{n:012d}" for n in range(201)], "reply": "在"}, "items"),
        (RuleKind.MOMENT, {"reply": "在"}, "moment"),
        (RuleKind.DEFAULT, {"reply": " \n"}, "reply"),
        (RuleKind.DEFAULT, {"reply": "{nobody}"}, "reply"),
        (RuleKind.DEFAULT, {"reply": "在", "priority": 101}, "priority"),
        (RuleKind.DEFAULT, {"reply": "在", "priority": -1}, "priority"),
        (RuleKind.DEFAULT, {"reply": "在", "hours": Hours(time(8), time(8))}, "hours"),
        (RuleKind.DEFAULT, {"reply": "在", "account": 99}, "account"),
        (RuleKind.DEFAULT, {"reply": "在", "new_pictures": [b"nothing"]}, "pictures"),
    ],
)
async def test_what_makes_no_sense_is_blamed_on_its_field_and_not_kept(
    stage: StockStage, kind: RuleKind, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await stage.desk.rules.add(stage.owner, kind=kind, **fields)
    assert field in refused.value.fields
    assert await stage.desk.rules.all(stage.owner) == []


async def test_each_kind_keeps_what_belongs_to_it_only(stage: StockStage) -> None:
    more: dict[str, Any] = {"keywords": ["x"], "match": Match.EXACT, "moment": Moment.PAID}
    default = await stage.desk.rules.add(stage.owner, kind=RuleKind.DEFAULT, reply="在", **more)
    assert (default.keywords, default.match, default.moment) == ((), Match.CONTAINS, None)
    moment = await stage.desk.rules.add(stage.owner, kind=RuleKind.MOMENT, reply="在", **more)
    assert (moment.keywords, moment.moment) == ((), Moment.PAID)


async def test_a_rule_that_is_gone_is_not_found(stage: StockStage) -> None:
    rules = stage.desk.rules
    for act in (
        rules.get(stage.owner, RuleId(9)),
        rules.change(stage.owner, RuleId(9), reply="在"),
        rules.remove(stage.owner, RuleId(9)),
        rules.picture(stage.owner, RuleId(9), "x"),
    ):
        with pytest.raises(NotFound):
            await act


def test_the_sample_fills_in_and_refuses_as_saving_would(stage: StockStage) -> None:
    picture = StoredPicture("x.png", "image/png", 1, 1)
    rules = stage.desk.rules
    assert rules.sample("{buyer_name}\n######\n好", [picture]) == (
        Text("小林"),
        Text("好"),
        picture,
    )
    assert rules.sample("", [picture]) == (picture,)
    for wrong in ("", "{nobody}", "x" * 2001):
        with pytest.raises(Invalid):
            rules.sample(wrong)
