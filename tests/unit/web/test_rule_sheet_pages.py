"""Spreadsheets of reply rules in the admin: taken out, looked at, brought in."""

from __future__ import annotations

import html
import io
import re

import aiohttp
import openpyxl
import pytest
from web_stage import Page, Stage, Visitor, visiting

from hub.desk import Operator
from hub.model import Role, RuleKind
from tests.unit.sheets.sheet_files import xlsx

SHEETS = "/rules/sheets"


async def upload(visitor: Visitor, data: bytes, csrf: str = "", **fields: str) -> Page:
    csrf = csrf or (await visitor.get(SHEETS)).csrf
    form = aiohttp.FormData({"csrf": csrf, "account": "", "how": "merge", **fields})
    form.add_field("file", io.BytesIO(data), filename="a.xlsx")
    async with visitor.http.post(visitor.url + SHEETS, data=form, allow_redirects=False) as answer:
        return Page(answer.status, answer.headers.copy(), await answer.text())


def hidden(page: Page) -> dict[str, str]:
    """What the browser sends when the button is pressed."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    sheet = re.search(r"<textarea name=\"sheet\" hidden>\r?\n(.*?)</textarea>", page.text, re.S)
    assert sheet is not None
    fields["sheet"] = sheet[1].replace("\n", "\r\n")
    return {name: html.unescape(value) for name, value in fields.items()}


async def replies(stage: Stage, owner: Operator) -> list[tuple[tuple[str, ...], str]]:
    return [(rule.keywords, rule.reply) for rule in await stage.desk.rules.all(owner)]


async def test_a_sheet_is_looked_at_and_brought_in_as_it_was_shown(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await stage.desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["包邮"], reply="不包")
    seen = await upload(
        boss,
        xlsx([("包邮", "", "包的"), ("多行\n两词", "", '<b>"一"\n二'), ("坏", "", "{nobody}")]),
    )
    assert seen.status == 200
    assert "第 4 行：「关键词内容」不认识 {nobody}" in seen.text
    assert "会添加 1 条" in seen.text
    assert "会修改 1 条" in seen.text
    assert "<s>不包</s>" in seen.text
    assert "<b>&#34;" not in seen.text
    assert await replies(stage, owner) == [(("包邮",), "不包")]
    done = await boss.post(f"{SHEETS}/bring", **hidden(seen))
    assert done.leads_to == "/rules?done=rules-imported", done.text
    assert await replies(stage, owner) == [
        (("包邮",), "包的"),
        (("多行", "两词"), '<b>"一"\n二'),
    ]


async def test_replacing_wants_a_tick_and_tells_what_goes(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await stage.desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["旧词"], reply="旧的")
    seen = await upload(boss, xlsx([("新词", "", "新的")]), how="replace")
    assert "会删除 1 条" in seen.text
    fields = hidden(seen)
    refused = await boss.post(f"{SHEETS}/bring", **fields)
    assert (refused.status, "请先打勾确认" in refused.text) == (400, True)
    assert await replies(stage, owner) == [(("旧词",), "旧的")]
    await boss.post(f"{SHEETS}/bring", **fields, sure="1")
    assert await replies(stage, owner) == [(("新词",), "新的")]


async def test_replacing_with_wrong_lines_offers_no_button(boss: Visitor) -> None:
    seen = await upload(boss, xlsx([("好", "", "行"), ("坏", "", "{nobody}")]), how="replace")
    assert "改好它们才能替换" in seen.text
    assert f'action="{SHEETS}/bring"' not in seen.text


async def test_what_changed_since_the_look_is_looked_at_again(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    seen = await upload(boss, xlsx([("包邮", "", "包的")]))
    await stage.desk.rules.add(owner, kind=RuleKind.DEFAULT, reply="稍等")
    done = await boss.post(f"{SHEETS}/bring", **hidden(seen))
    assert (done.status, "规则刚刚被改过" in done.text) == (400, True)


async def test_lines_go_to_the_chosen_account(stage: Stage, owner: Operator, boss: Visitor) -> None:
    account = await stage.account(owner)
    seen = await upload(boss, xlsx([("包邮", "", "包的")]), account=str(account.id))
    await boss.post(f"{SHEETS}/bring", **hidden(seen))
    (rule,) = await stage.desk.rules.all(owner)
    assert rule.account == account.id


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xd0\xcf\x11\xe0" + b"x" * 50, "另存为 .xlsx"),
        (b"", "没有「关键词」"),
        (b"\x00\x01", "不是表格"),
    ],
)
async def test_what_is_no_sheet_is_blamed_beside_the_field(
    boss: Visitor, data: bytes, why: str
) -> None:
    page = await upload(boss, data)
    assert (page.status, 'id="file-error"' in page.text) == (400, True)
    assert why in page.text


@pytest.mark.parametrize(
    ("fields", "field"), [({"account": "99"}, "account"), ({"how": "somehow"}, "how")]
)
async def test_a_wrong_choice_is_blamed(boss: Visitor, fields: dict[str, str], field: str) -> None:
    page = await upload(boss, xlsx([("好", "", "行")]), **fields)
    assert (page.status, f'id="{field}-error"' in page.text) == (400, True)


@pytest.mark.parametrize("version", ["", "-1", "x", "9" * 30])
async def test_a_look_without_its_version_brings_nothing(
    stage: Stage, owner: Operator, boss: Visitor, version: str
) -> None:
    fields = hidden(await upload(boss, xlsx([("好", "", "行")]))) | {"version": version}
    assert (await boss.post(f"{SHEETS}/bring", **fields)).status == 400
    assert await replies(stage, owner) == []


async def test_a_form_without_a_file_says_so(boss: Visitor) -> None:
    page = await boss.submit(SHEETS, account="", how="merge")
    assert (page.status, "选一个 .xlsx 或 .csv 文件" in page.text) == (400, True)


async def test_rules_are_taken_out_in_both_forms_and_without_any_as_a_template(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    async with boss.http.get(boss.url + "/rules/export?format=xlsx") as answer:
        assert "keywords_template_" in answer.headers["Content-Disposition"]
        assert openpyxl.load_workbook(io.BytesIO(await answer.read())).sheetnames == ["关键词数据"]
    await stage.desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["=1+1"], reply="二")
    async with boss.http.get(boss.url + "/rules/export?format=csv") as answer:
        assert answer.content_type == "text/csv"
        assert answer.headers["Content-Disposition"].endswith('.csv"')
        data = await answer.read()
    assert "'=1+1" in data.decode("utf-8-sig")
    assert "没有要改的" in (await upload(boss, data)).text


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_others_than_owners_take_rules_out_and_bring_none(
    stage: Stage, owner: Operator, role: Role
) -> None:
    await stage.member(owner, "小周", role)
    async with visiting(stage) as other:
        await other.log_in("小周")
        page = await other.get(SHEETS)
        assert 'type="file"' not in page.text
        assert (await other.get("/rules/export")).status == 200
        assert (await upload(other, xlsx([("好", "", "行")]), page.csrf)).status == 403
        fields = {"csrf": page.csrf, "sheet": "关键词,关键词内容\n好,行", "version": "0"}
        assert (await other.post(f"{SHEETS}/bring", **fields)).status == 403
    assert await replies(stage, owner) == []
