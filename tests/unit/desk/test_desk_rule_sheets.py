"""Rules leave as spreadsheets and come back: merged by key, nothing lost (L47, L48)."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path
from typing import Any

import openpyxl
import PIL.Image
import pytest
from stock_stage import StockStage, open_stock_stage

from hub.desk import RuleSheet, SheetFormat
from hub.errors import Forbidden, Invalid, StoreError
from hub.model import Hours, Match, Moment, Rule, RuleKind
from hub.policy import RULE_COLUMNS
from hub.sheets import write_csv
from hub.store.rules import Rules as StoredRules
from tests.unit.sheets.sheet_files import KNOWN, xlsx

ITEM, OTHER = "900100200300", "900100200301"
OURS = ("关键词", "关键词内容", "匹配", "优先级", "时段", "开关", "类型", "账号", "商品ID")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[StockStage]:
    async with open_stock_stage(tmp_path) as stage:
        yield stage


async def keyword(stage: StockStage, *words: str, reply: str = "旧的", **more: object) -> Rule:
    return await stage.desk.rules.add(
        stage.owner,
        kind=RuleKind.KEYWORD,
        keywords=words,
        reply=reply,
        **more,  # type: ignore[arg-type]
    )


async def bring(stage: StockStage, data: bytes, **how: object) -> RuleSheet:
    return await stage.desk.rule_sheets.import_(stage.owner, data, **how)  # type: ignore[arg-type]


async def told(stage: StockStage) -> list[tuple[tuple[str, ...], tuple[str, ...], str]]:
    rules = await stage.desk.rules.all(stage.owner)
    return [(rule.keywords, rule.items, rule.reply) for rule in rules]


def drawn() -> bytes:
    target = io.BytesIO()
    PIL.Image.new("RGB", (40, 20), "teal").save(target, "PNG")
    return target.getvalue()


# --- The sheet that sellers have ----------------------------------------------------------------


async def test_a_sheet_of_the_earlier_program_is_taken_as_it_is(stage: StockStage) -> None:
    data = xlsx(
        [
            ("你好", None, "您好，{send_user_name}"),
            ("价格", 123456789012.0, "99 元"),
            ("在吗\n在么", "", "在的"),
            ("加微信", "", None),
            ("私下", "", "nan"),
            (100, "987654321098.0", "编号"),
        ]
    )
    done = await bring(stage, data)
    assert len(done.plan.added) == 6
    assert await told(stage) == [
        (("你好",), (), "您好，{send_user_name}"),
        (("价格",), ("123456789012",), "99 元"),
        (("在吗", "在么"), (), "在的"),
        (("加微信",), (), ""),
        (("私下",), (), ""),
        (("100",), ("987654321098",), "编号"),
    ]
    assert [one.line for one in done.plan.warnings] == [5, 6]
    assert all("不回复" in one.why for one in done.plan.warnings)
    rules = await stage.desk.rules.all(stage.owner)
    assert all((rule.match, rule.account) == (Match.CONTAINS, None) for rule in rules)


async def test_its_export_of_a_keyword_that_was_empty_is_refused_by_line(
    stage: StockStage,
) -> None:
    done = await bring(stage, xlsx([("nan", "", "在的"), ("", "", "在的"), ("好", "nan", "行")]))
    assert [one.line for one in done.wrong] == [2, 3]
    assert await told(stage) == [(("好",), (), "行")]


async def test_lines_without_an_account_go_where_the_owner_says(stage: StockStage) -> None:
    cookies = "unb=2200111122223; cookie2=0123456789abcdef; _m_h5_tk=aa_1"
    account = await stage.desk.accounts.add(stage.owner, "小店", cookies)
    await keyword(stage, "你好", reply="全店的")
    data = xlsx([("你好", "小店的", ""), ("包邮", "全店的", "全部账号")], (*KNOWN[::2], "账号"))
    await bring(stage, data, account=account.id)
    rules = await stage.desk.rules.all(stage.owner)
    assert [(rule.reply, rule.account) for rule in rules] == [
        ("全店的", None),
        ("小店的", account.id),
        ("全店的", None),
    ]


# --- Merging ------------------------------------------------------------------------------------


async def test_merging_adds_changes_and_leaves_what_is_not_spoken_of(stage: StockStage) -> None:
    await keyword(stage, "包邮", priority=7, once=True)
    await keyword(stage, "发货")
    data = xlsx([("包邮", "", "新的"), ("退货", "", "七天")])
    seen = await stage.desk.rule_sheets.preview(stage.owner, data)
    assert (len(seen.plan.added), len(seen.plan.changed), seen.plan.unchanged) == (1, 1, 0)
    assert await told(stage) == [(("包邮",), (), "旧的"), (("发货",), (), "旧的")]
    await bring(stage, data)
    assert await told(stage) == [
        (("包邮",), (), "新的"),
        (("发货",), (), "旧的"),
        (("退货",), (), "七天"),
    ]
    kept = (await stage.desk.rules.all(stage.owner))[0]
    assert (kept.priority, kept.once) == (7, True)
    assert (await stage.audit())[0] == ("rule.import", "+1 ~1 -0")


async def test_what_a_column_says_holds_even_when_its_cell_is_blank(stage: StockStage) -> None:
    await keyword(stage, "包邮", priority=7, once=True)
    await bring(stage, xlsx([("包邮", "旧的", "")], ("关键词", "关键词内容", "优先级")))
    (rule,) = await stage.desk.rules.all(stage.owner)
    assert (rule.priority, rule.once) == (0, True)


async def test_the_same_keyword_for_another_item_is_another_rule(stage: StockStage) -> None:
    await keyword(stage, "价格", items=[ITEM])
    await bring(stage, xlsx([("价格", OTHER, "新的"), ("价格", "", "都一样")]))
    assert await told(stage) == [
        (("价格",), (ITEM,), "旧的"),
        (("价格",), (OTHER,), "新的"),
        (("价格",), (), "都一样"),
    ]


async def test_one_word_of_a_rule_with_several_is_changed_alone(stage: StockStage) -> None:
    rule = await keyword(stage, "在吗", "你好", priority=3)
    done = await bring(stage, xlsx([("你好", "", "新的")]))
    assert await told(stage) == [(("在吗",), (), "旧的"), (("你好",), (), "新的")]
    rules = await stage.desk.rules.all(stage.owner)
    assert rules[0].id == rule.id
    assert [one.priority for one in rules] == [3, 3]
    assert len(done.plan.changed) == len(done.plan.added) == 1


async def test_words_and_items_are_cut_without_losing_any(stage: StockStage) -> None:
    await keyword(stage, "甲", "乙", items=[ITEM, OTHER])
    await bring(stage, xlsx([("甲", ITEM, "新的")]))
    assert await told(stage) == [
        (("乙",), (ITEM, OTHER), "旧的"),
        (("甲",), (OTHER,), "旧的"),
        (("甲",), (ITEM,), "新的"),
    ]


async def test_a_line_that_covers_several_rules_changes_each_and_adds_the_rest(
    stage: StockStage,
) -> None:
    await keyword(stage, "甲")
    await keyword(stage, "乙", reply="新的")
    await bring(stage, xlsx([("甲、乙、丙", "", "新的")]))
    assert await told(stage) == [
        (("甲",), (), "新的"),
        (("乙",), (), "新的"),
        (("丙",), (), "新的"),
    ]
    again = await bring(stage, xlsx([("甲、乙、丙", "", "新的")]))
    assert (again.plan.changes, again.plan.unchanged) == ((), 1)


async def test_day_and_night_for_the_same_word_stay_two_rules(stage: StockStage) -> None:
    day, night = Hours(time(8), time(22)), Hours(time(22), time(8))
    await keyword(stage, "在吗", reply="在", hours=day)
    await keyword(stage, "在吗", reply="睡了", hours=night)
    columns = ("关键词", "关键词内容", "时段")
    rows = [("在吗", "睡了", "22:00 - 08:00"), ("在吗", "在的", "8:00到22：00")]
    data = xlsx(rows, columns)
    done = await bring(stage, data)
    assert (len(done.plan.changed), done.plan.unchanged, done.plan.added) == (1, 1, ())
    rules = await stage.desk.rules.all(stage.owner)
    assert [(rule.reply, rule.hours) for rule in rules] == [("在的", day), ("睡了", night)]


async def test_a_line_said_twice_is_added_once_and_one_in_the_shade_is_told(
    stage: StockStage,
) -> None:
    done = await bring(stage, xlsx([("甲", "", "1"), ("甲", "", "1"), ("甲", "", "2")]))
    assert await told(stage) == [(("甲",), (), "1"), (("甲",), (), "2")]
    assert [(one.line, "第 2 行" in one.why) for one in done.plan.warnings] == [
        (3, True),
        (4, True),
    ]


async def test_rules_with_pictures_are_never_touched(stage: StockStage) -> None:
    rule = await keyword(stage, "教程", reply="看图", new_pictures=[drawn()])
    done = await bring(stage, xlsx([("教程", "", "只有字")]), replace_all=True)
    rules = await stage.desk.rules.all(stage.owner)
    assert rules[0] == rule
    assert (rules[1].keywords, rules[1].reply) == (("教程",), "只有字")
    assert "仍然是它先回答" in done.plan.warnings[0].why


# --- Replacing ----------------------------------------------------------------------------------


async def test_replacing_removes_what_the_sheet_could_say_and_does_not(stage: StockStage) -> None:
    await keyword(stage, "留下", reply="一样")
    await keyword(stage, "不要了")
    await stage.desk.rules.add(stage.owner, kind=RuleKind.DEFAULT, reply="默认")
    data = xlsx([("留下", "", "一样"), ("新的", "", "来了")])
    done = await bring(stage, data, replace_all=True)
    assert [one.old.keywords for one in done.plan.removed if one.old] == [("不要了",)]
    assert await told(stage) == [(("留下",), (), "一样"), ((), (), "默认"), (("新的",), (), "来了")]
    columns = ("关键词", "关键词内容", "类型")
    await bring(stage, xlsx([("留下", "一样", "")], columns), replace_all=True)
    assert await told(stage) == [(("留下",), (), "一样")]


async def test_replacing_with_a_wrong_line_is_refused_whole(stage: StockStage) -> None:
    await keyword(stage, "旧词")
    data = xlsx([("新词", "", "好"), ("坏词", "", "{nobody}")])
    with pytest.raises(Invalid, match="有 1 行不对"):
        await bring(stage, data, replace_all=True)
    assert await told(stage) == [(("旧词",), (), "旧的")]
    done = await bring(stage, data)
    assert [one.line for one in done.wrong] == [3]
    assert (("新词",), (), "好") in await told(stage)


async def test_an_import_that_fails_in_the_middle_has_not_happened(
    stage: StockStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keyword(stage, "旧词")
    put = StoredRules.put

    def half(self: StoredRules, *words: Any) -> None:
        put(self, *words)
        raise StoreError("the disk is full")

    monkeypatch.setattr(StoredRules, "put", half)
    with pytest.raises(StoreError):
        await bring(stage, xlsx([("新词", "", "好")]), replace_all=True)
    assert await told(stage) == [(("旧词",), (), "旧的")]
    assert "rule.import" not in [action for action, _ in await stage.audit()]


async def test_what_changed_since_the_look_is_not_overwritten(stage: StockStage) -> None:
    data = xlsx([("包邮", "", "包")])
    seen = await stage.desk.rule_sheets.preview(stage.owner, data)
    await keyword(stage, "别人加的")
    with pytest.raises(Invalid, match="规则刚刚被改过"):
        await bring(stage, data, version=seen.version)
    assert len(await told(stage)) == 1


async def test_what_changes_while_the_file_is_read_is_not_overwritten(stage: StockStage) -> None:
    loop = asyncio.get_running_loop()

    def meanwhile(_done: int, _of: int) -> None:
        asyncio.run_coroutine_threadsafe(keyword(stage, "包邮"), loop).result(30)

    with pytest.raises(Invalid, match="规则刚刚被改过"):
        await bring(stage, xlsx([("包邮", "", "包的")]), progress=meanwhile)
    assert await told(stage) == [(("包邮",), (), "旧的")]


async def test_what_was_looked_at_does_the_same_when_it_is_sent_back(stage: StockStage) -> None:
    rows = [("=1+1", "", "'-x"), ("a,b\n", "", "逗"), ("坏", "", "{nobody}"), ("c", ITEM, "")]
    data = write_csv(KNOWN, rows)
    seen = await stage.desk.rule_sheets.preview(stage.owner, data)
    again = await stage.desk.rule_sheets.preview(stage.owner, seen.readable)
    assert len(again.plan.added) == 3
    assert [one.new for one in again.plan.added] == [one.new for one in seen.plan.added]


# --- Our own columns ----------------------------------------------------------------------------


async def test_every_column_is_understood(stage: StockStage) -> None:
    rows = [
        ("(能|可以){1,2}便宜\n少,一点", "不行", "正则", 5.0, "22:00-08:00", "关", "关键词", "", ""),
        ("", "马上发", "", "", "", "开", "已付款", "全部账号", ""),
        ("", "这件定了", "", "", "", "", "商品回复", "", f"{ITEM}、{OTHER}"),
        ("", "稍等", "", "", "全天", "是", "默认回复", "", ""),
    ]
    done = await bring(stage, xlsx(rows, OURS))
    assert done.wrong == ()
    pattern, moment, item, default = await stage.desk.rules.all(stage.owner)
    assert (pattern.match, pattern.keywords) == (
        Match.PATTERN,
        ("(能|可以){1,2}便宜", "少,一点"),
    )
    assert (pattern.priority, pattern.hours, pattern.enabled) == (
        5,
        Hours(time(22), time(8)),
        False,
    )
    assert (moment.kind, moment.moment) == (RuleKind.MOMENT, Moment.PAID)
    assert (item.kind, item.items) == (RuleKind.ITEM, (ITEM, OTHER))
    assert (default.kind, default.enabled) == (RuleKind.DEFAULT, True)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"关键词": ""}, "至少要有一个关键词"),
        ({"关键词": "长" * 61}, "最多 60 字"),
        ({"关键词": "(", "匹配": "正则"}, "正则"),
        ({"关键词": "在", "匹配": "差不多"}, "「匹配」里的「差不多」不认识"),
        ({"优先级": "高"}, "「优先级」是 0 到 100"),
        ({"优先级": "101"}, "优先级是 0 到 100"),
        ({"优先级": "-1"}, "「优先级」"),
        ({"时段": "晚上"}, "「时段」写成"),
        ({"时段": "25:00-08:00"}, "「时段」写成"),
        ({"时段": "08:00-08:00"}, "开始和结束的时间一样"),
        ({"开关": "也许"}, "「开关」写是或否"),
        ({"类型": "广告"}, "「类型」里的「广告」不认识"),
        ({"类型": "默认回复"}, "不看关键词"),
        ({"类型": "商品回复", "关键词": ""}, "写明是哪些商品"),
        ({"账号": "没有的店"}, "没有叫「没有的店」的账号"),
        ({"商品ID": "9.87654E+11"}, "丢了后面几位"),
        ({"商品ID": "月卡"}, "不是商品编号"),
        ({"关键词内容": "{nobody}"}, "{nobody}"),
        ({"关键词内容": "长" * 2001}, "最多 2000 字"),
    ],
)
async def test_each_wrong_cell_is_told_by_its_line_and_the_others_are_used(
    stage: StockStage, cells: dict[str, str], why: str
) -> None:
    wrong = {"关键词": "在吗", "关键词内容": "在的"} | cells
    rows = [[wrong.get(name, "") for name in OURS], ["好", "行", *[""] * 7]]
    done = await bring(stage, xlsx(rows, OURS))
    (trouble,) = done.wrong
    assert trouble.line == 2
    assert why in trouble.why
    assert await told(stage) == [(("好",), (), "行")]


@pytest.mark.parametrize("who", ["agent", "viewer"])
async def test_only_owners_bring_rules_and_everybody_may_take_them(
    stage: StockStage, who: str
) -> None:
    other = getattr(stage, who)
    for act in (stage.desk.rule_sheets.preview, stage.desk.rule_sheets.import_):
        with pytest.raises(Forbidden):
            await act(other, xlsx([("在吗", "", "在")]))
    assert await stage.desk.rule_sheets.export(other, SheetFormat.CSV)


async def test_a_wrong_account_and_an_empty_table_are_refused(stage: StockStage) -> None:
    with pytest.raises(Invalid, match="账号不存在"):
        await bring(stage, xlsx([("在吗", "", "在")]), account=99)
    with pytest.raises(Invalid, match="没有规则"):
        await bring(stage, xlsx([]))


# --- Taking them out ----------------------------------------------------------------------------


async def test_an_empty_shop_gives_the_template_with_three_samples(stage: StockStage) -> None:
    data = await stage.desk.rule_sheets.export(stage.owner, SheetFormat.XLSX)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    assert sheet.title == "关键词数据"
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == RULE_COLUMNS
    assert [row[0] for row in rows[1:]] == ["你好", "价格\n多少钱", "发货"]
    assert sheet["A2"].font.color.rgb.endswith("808080")
    seen = await stage.desk.rule_sheets.preview(stage.owner, data)
    assert (len(seen.plan.added), seen.wrong) == (3, ())


async def test_taking_rules_out_and_bringing_them_back_changes_nothing(stage: StockStage) -> None:
    cookies = "unb=2200111122223; cookie2=0123456789abcdef; _m_h5_tk=aa_1"
    account = await stage.desk.accounts.add(stage.owner, "小店", cookies)
    await keyword(stage, "在吗", "你好", items=[ITEM, OTHER], account=account.id, once=True)
    await keyword(stage, "a,b", hours=Hours(time(22), time(8)), priority=9, enabled=False)
    await keyword(stage, "教程", new_pictures=[drawn()])
    await keyword(stage, "加微信", silent=True)
    await keyword(stage, "^x{1,2}$", match=Match.PATTERN)
    for kind, more in (
        (RuleKind.ITEM, {"items": [ITEM]}),
        (RuleKind.MOMENT, {"moment": Moment.PAID}),
        (RuleKind.DEFAULT, {}),
    ):
        await stage.desk.rules.add(stage.owner, kind=kind, reply="=1+1\n######\n二", **more)  # type: ignore[arg-type]
    before = await stage.desk.rules.all(stage.owner)
    for form in SheetFormat:
        data = await stage.desk.rule_sheets.export(stage.owner, form)
        for replace_all in (False, True):
            done = await bring(stage, data, replace_all=replace_all)
            assert (done.wrong, done.plan.changes, done.plan.warnings) == ((), (), ())
            assert (done.plan.unchanged, done.pictured) == (7, 1)
    assert await stage.desk.rules.all(stage.owner) == before


async def test_ten_thousand_lines_come_in_and_say_how_far_they_are(
    stage: StockStage,
) -> None:
    rows = [(f"词{n}", f"{900_000_000_000 + n}", f"答案 {n}" * 5) for n in range(10_000)]
    data = xlsx(rows)
    heard: list[tuple[int, int]] = []
    done = await bring(stage, data, progress=lambda at, of: heard.append((at, of)))
    assert len(done.plan.added) == 10_000
    assert heard[0] == (500, 10_000)
    assert heard[-1] == (10_000, 10_000)
    again = await bring(stage, await stage.desk.rule_sheets.export(stage.owner, SheetFormat.XLSX))
    assert (again.plan.changes, again.plan.unchanged) == ((), 10_000)
