"""Stock in the admin: pools, restocking with a look before, cards and their stories."""

from __future__ import annotations

import html
import io
import random
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest
from PIL import Image
from web_stage import Page, Stage, Visitor, utc_now, visiting

from hub.desk import Operator
from hub.model import AccountId, CardState, OrderUnit, Pool, PoolKind, Role
from hub.store import Tx

ORDER = "4400112233445566778"


@pytest.fixture
async def pool(stage: Stage, owner: Operator) -> Pool:
    return await stage.desk.stock.create(owner, name="月卡", kind=PoolKind.CODES, low_at=2)


@pytest.fixture
async def agent(stage: Stage, owner: Operator) -> AsyncIterator[Visitor]:
    await stage.member(owner, "小客", Role.AGENT)
    async with visiting(stage) as visitor:
        await visitor.log_in("小客")
        yield visitor


@pytest.fixture
async def viewer(stage: Stage, owner: Operator) -> AsyncIterator[Visitor]:
    await stage.member(owner, "阿看", Role.VIEWER)
    async with visiting(stage) as visitor:
        await visitor.log_in("阿看")
        yield visitor


async def sell(stage: Stage, pool: Pool, order: str = ORDER) -> None:
    this, now = OrderUnit(AccountId(1), order, 1), utc_now()
    await stage.store.write(lambda tx: tx.cards.reserve(pool.shop, pool.id, this, 1, now=now))
    await stage.store.write(lambda tx: tx.cards.hand_over(pool.shop, this, now=now))


async def upload(visitor: Visitor, path: str, on: str, name: str, *files: bytes) -> Page:
    """Send files through the form that the page `on` shows."""
    form = await visitor.get(on)
    data = aiohttp.FormData({"csrf": form.csrf}, default_to_multipart=True)
    for file in files:
        kind = "application/octet-stream"
        data.add_field(name, io.BytesIO(file), filename="codes.txt", content_type=kind)
    return await post(visitor, path, data)


async def post(
    visitor: Visitor, path: str, data: aiohttp.FormData | io.BytesIO, kind: str | None = None
) -> Page:
    headers = {"Content-Type": kind} if kind else None
    async with visitor.http.post(
        visitor.url + path, data=data, headers=headers, allow_redirects=False
    ) as answer:
        return Page(answer.status, answer.headers.copy(), await answer.text())


def codes_to_add(page: Page) -> str:
    text = page.text.split('<textarea name="codes" hidden>\n')[1].split("</textarea>")[0]
    return html.unescape(text)


# --- Pools ----------------------------------------------------------------------------------------


async def test_a_pool_is_added_and_its_page_leads_to_restocking(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    page = await boss.submit(
        "/stock/new",
        name="月卡",
        kind="codes",
        template="你好{buyer_name}",
        low_at="3",
        note="老王",
        content="",
    )
    (line,) = await stage.desk.stock.overview(owner)
    assert page.leads_to == f"/stock/{line.pool.id}/restock?done=pool-added"
    assert (line.pool.template, line.pool.low_at, line.pool.note) == ("你好{buyer_name}", 3, "老王")
    shown = await boss.get(f"/stock/{line.pool.id}")
    assert "你好小林" in shown.text
    assert "ABCD-EFGH" in shown.text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"template": "{nonsense}"}, "template"),
        ({"low_at": "viel"}, "low_at"),
        ({"low_at": "-1"}, "low_at"),
        ({"kind": "gold"}, "kind"),
        ({"kind": "text", "content": " "}, "content"),
    ],
)
async def test_a_refused_pool_keeps_what_was_typed_and_blames_the_field(
    stage: Stage, owner: Operator, boss: Visitor, fields: dict[str, str], field: str
) -> None:
    sent = {
        "name": "月卡",
        "kind": "codes",
        "template": "T",
        "low_at": "1",
        "content": "",
        "note": "n",
    }
    page = await boss.submit("/stock/new", **(sent | fields))
    assert page.status == 400
    assert f'id="{field}-error"' in page.text
    assert await stage.desk.stock.overview(owner) == []


async def test_an_unknown_placeholder_is_named_on_the_page(boss: Visitor) -> None:
    page = await boss.submit(
        "/stock/new", name="x", kind="codes", template="{oops}", low_at="0", content="", note=""
    )
    assert "没有 {oops} 这个变量" in page.text
    assert "{DELIVERY_CONTENT}" in page.text


async def test_a_pool_is_changed_switched_and_removed(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    path = f"/stock/{pool.id}"
    form = await boss.get(f"{path}/edit")
    changed = await boss.post(
        f"{path}/edit",
        csrf=form.csrf,
        version=form.value("version"),
        name="年卡",
        template="",
        note="",
        low_at="9",
    )
    assert changed.leads_to == f"{path}?done=pool-changed"
    stale = await boss.post(
        f"{path}/edit",
        csrf=form.csrf,
        version=form.value("version"),
        name="旧",
        template="",
        note="",
        low_at="9",
    )
    assert stale.status == 400
    assert "别人刚刚改过" in stale.text
    await boss.post(f"{path}/switch", csrf=form.csrf, on="0")
    line = await stage.desk.stock.pool(owner, pool.id)
    assert (line.pool.name, line.pool.low_at, line.pool.enabled) == ("年卡", 9, False)
    assert "已停用" in (await boss.get("/stock")).text
    removed = await boss.submit(f"{path}/remove")
    assert removed.leads_to == "/stock?done=pool-removed"
    assert (await boss.get(path)).status == 404


async def test_the_live_preview_shows_messages_or_says_what_is_wrong(
    boss: Visitor, pool: Pool
) -> None:
    form = await boss.get("/stock/new")
    shown = await boss.post(
        "/stock/preview?part=1",
        csrf=form.csrf,
        kind="codes",
        template="{buyer_name}<b>\n######\n{DELIVERY_CONTENT}",
        content="",
    )
    assert shown.status == 200
    assert shown.text.count('class="bubble"') == 2
    assert "小林&lt;b&gt;" in shown.text
    assert "<html" not in shown.text
    wrong = await boss.post(
        "/stock/preview?part=1", csrf=form.csrf, kind="codes", template="{oops}", content=""
    )
    assert "没有 {oops} 这个变量" in wrong.text
    for fields in ({"kind": "?"}, {"pool": "999"}, {"pool": "x"}):
        answer = await boss.post("/stock/preview?part=1", csrf=form.csrf, **fields)
        assert answer.status in (200, 404)


async def test_the_template_is_sent_line_by_line_as_typed(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    """A browser turns line breaks into CRLF; the buyer gets what was typed."""
    await boss.submit(
        "/stock/new",
        name="x",
        kind="text",
        template="",
        low_at="0",
        content="一\r\n\r\n二",
        note="",
    )
    (line,) = await stage.desk.stock.overview(owner)
    assert line.pool.text == "一\n\n二"


# --- Restocking -----------------------------------------------------------------------------------


async def test_a_paste_is_looked_at_before_it_is_added(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    await stage.desk.restock.add(owner, pool.id, "A-1")
    path = f"/stock/{pool.id}/restock"
    seen = await boss.submit(path, codes="A-1\r\n\r\nB-1\r\nB-1\r\n B-2 ", label="老王", expires="")
    assert seen.status == 200
    assert "入库 2 张？" in seen.text
    assert "1 行店里已经有过（包括卖出和作废的）：第 1 行" in seen.text
    assert "1 行和前面的行重复：第 4 行" in seen.text
    assert (await stage.desk.stock.pool(owner, pool.id)).pool.counts.available == 1
    done = await boss.post(
        f"{path}/add", csrf=seen.csrf, codes=codes_to_add(seen), label="老王", expires=""
    )
    assert done.leads_to == f"/stock/{pool.id}?done=stock-added"
    assert (await stage.desk.stock.pool(owner, pool.id)).pool.counts.available == 3
    again = await boss.post(
        f"{path}/add", csrf=seen.csrf, codes=codes_to_add(seen), label="老王", expires=""
    )
    assert again.status == 303
    assert (await stage.desk.stock.pool(owner, pool.id)).pool.counts.available == 3


@pytest.mark.parametrize(
    "file",
    [
        "卡一\r\n卡二 \r\n\r\n卡一\r\n".encode("gbk"),
        "\ufeff卡一\n卡二\n卡一".encode(),
        "卡一\n卡二\n\n卡一\n".encode("utf-16"),
    ],
)
async def test_files_are_read_whatever_program_wrote_them(
    boss: Visitor, pool: Pool, file: bytes
) -> None:
    path = f"/stock/{pool.id}/restock"
    seen = await upload(boss, path, path, "file", file)
    assert "入库 2 张？" in seen.text
    assert codes_to_add(seen) == "卡一\n卡二"


@pytest.mark.parametrize("file", [b"PK\x03\x04\x00\x00", b"", b"\r\n \r\n", b"\xff\xff\xff"])
async def test_a_file_without_codes_is_refused_in_words(
    boss: Visitor, pool: Pool, file: bytes
) -> None:
    path = f"/stock/{pool.id}/restock"
    page = await upload(boss, path, path, "file", file)
    assert page.status == 400
    assert "-error" in page.text


async def test_codes_that_look_like_html_are_shown_and_kept_as_they_are(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    code = "</textarea><script>alert(1)</script>"
    path = f"/stock/{pool.id}/restock"
    seen = await boss.submit(path, codes=code, label="", expires="")
    assert "<script>alert" not in seen.text
    await boss.post(f"{path}/add", csrf=seen.csrf, codes=codes_to_add(seen), label="", expires="")
    (card,) = await stage.desk.cards.page(owner, pool.id)
    assert card.code == code
    assert "<script>alert" not in (await boss.get(f"/stock/{pool.id}")).text


async def test_an_end_is_the_end_of_its_day_in_the_shops_time(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    path = f"/stock/{pool.id}/restock/add"
    form = await boss.get(f"/stock/{pool.id}/restock")
    await boss.post(path, csrf=form.csrf, codes="A-1", label="", expires="2099-12-31")
    (card,) = await stage.desk.cards.page(owner, pool.id)
    assert card.expires_at is not None
    assert card.expires_at.isoformat() == "2099-12-31T16:00:00+00:00"
    for day in ("2001-01-01", "morgen", "9999-12-31", "2099-02-30"):
        page = await boss.post(path, csrf=form.csrf, codes="A-2", label="", expires=day)
        assert page.status == 400, day
        assert 'id="expires-error"' in page.text
        assert "A-2" in page.text


# --- Pictures -------------------------------------------------------------------------------------


async def test_pictures_of_a_pool_are_uploaded_shown_and_taken_away(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    pool = await stage.desk.stock.create(owner, name="图", kind=PoolKind.IMAGE)
    data = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(data, "PNG")
    path = f"/stock/{pool.id}"
    done = await upload(boss, f"{path}/pictures", path, "pictures", data.getvalue())
    assert done.status == 303
    (kept,) = (await stage.desk.stock.pool(owner, pool.id)).pool.pictures
    shown = await boss.get(path)
    assert f"{path}/pictures/{kept.name}" in shown.text
    async with boss.http.get(f"{boss.url}{path}/pictures/{kept.name}") as answer:
        assert answer.headers["Content-Type"] == "image/png"
        assert Image.open(io.BytesIO(await answer.read())).size == (30, 20)
    await boss.post(f"{path}/pictures/remove", csrf=shown.csrf, name=kept.name)
    assert (await boss.get(f"{path}/pictures/{kept.name}")).status == 404
    refused = await upload(boss, f"{path}/pictures", path, "pictures", b"no picture")
    assert refused.status == 400
    assert (await upload(boss, f"{path}/pictures", path, "pictures")).status == 400


# --- Cards ----------------------------------------------------------------------------------------


async def test_a_card_is_found_by_its_code_or_by_its_order_and_tells_its_story(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    await stage.desk.restock.add(owner, pool.id, "CODE-1", label="老王那批")
    await sell(stage, pool)
    (card,) = await stage.desk.cards.page(owner, pool.id)
    for wanted in ("CODE-1", ORDER):
        page = await boss.submit("/stock/find", on="/stock", find=wanted)
        assert f'href="/cards/{card.id}"' in page.text
    assert f'href="/cards/{card.id}"' in (await boss.get(f"/stock?order={ORDER}")).text
    nothing = await boss.submit("/stock/find", on="/stock", find="nothing")
    assert "没有找到" in nothing.text
    # A code is in no address: those are kept in histories and in logs of proxies.
    assert 'action="/stock/find"' in page.text
    assert 'method="get"' not in page.text.split('role="search"')[0].rsplit("<form", 1)[1]
    story = (await boss.get(f"/cards/{card.id}")).text
    for words in ("老王那批", "预留给订单", f"发给买家 {ORDER}", "自动", owner.member.name):
        assert words in story


async def test_what_a_supplier_gave_is_found_by_its_code_too(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    """It may have given the same to several buyers; then all are shown."""
    pool = await stage.desk.stock.create(owner, name="接口", kind=PoolKind.API)

    def give(tx: Tx) -> list[int]:
        now = utc_now()
        units = [OrderUnit(AccountId(1), f"{ORDER[:-1]}{n}", 1) for n in range(2)]
        return [
            card.id
            for this in units
            for card in tx.cards.keep_fetched(pool.shop, pool.id, this, ["GIVEN-1"], now=now)
        ]

    ids = await stage.store.write(give)
    page = await boss.submit("/stock/find", on="/stock", find=" GIVEN-1 ")
    for id_ in ids:
        assert f'href="/cards/{id_}"' in page.text
    assert "没有找到" in (await boss.submit("/stock/find", on="/stock", find="GIVEN")).text


async def test_a_card_is_voided_with_a_reason_after_a_question(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    await stage.desk.restock.add(owner, pool.id, "CODE-1")
    (card,) = await stage.desk.cards.page(owner, pool.id)
    path = f"/cards/{card.id}"
    refused = await boss.submit(f"{path}/void", reason="")
    assert refused.status == 400
    assert 'id="reason-error"' in refused.text
    done = await boss.submit(f"{path}/void", reason="充值失败")
    assert done.leads_to == f"{path}?done=card-void"
    view = await stage.desk.cards.get(owner, card.id)
    assert view.card.state is CardState.VOID
    assert "充值失败" in (await boss.get(path)).text


async def test_pages_of_cards_follow_each_other(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    await stage.desk.restock.add(owner, pool.id, "\n".join(f"N-{n:03d}" for n in range(60)))
    first = await boss.get(f"/stock/{pool.id}")
    assert "N-059" in first.text
    assert "N-009" not in first.text
    link = first.text.split("?state=")[1].split("#")[0]
    second = await boss.get(f"/stock/{pool.id}?state={html.unescape(link)}")
    assert "N-009" in second.text
    assert "更早的" not in second.text
    assert "没有了" in (await boss.get(f"/stock/{pool.id}?state=void")).text
    assert (await boss.get(f"/stock/{pool.id}?state=odd&before=x")).status == 200


# --- Roles ----------------------------------------------------------------------------------------


async def test_viewers_find_masked_codes_and_no_buttons(
    stage: Stage, owner: Operator, viewer: Visitor, pool: Pool
) -> None:
    await stage.desk.restock.add(owner, pool.id, "SECRET-CODE-1")
    (card,) = await stage.desk.cards.page(owner, pool.id)
    for path in ("/stock", f"/stock/{pool.id}", f"/cards/{card.id}"):
        page = await viewer.get(path)
        assert page.status == 200
        assert "SECRET-CODE-1" not in page.text
        assert "补货</a>" not in page.text
        assert "作废这张" not in page.text
    assert "SE…-1" in (await viewer.get(f"/cards/{card.id}")).text
    for path in (
        "/stock/new",
        f"/stock/{pool.id}/edit",
        f"/stock/{pool.id}/restock",
        f"/stock/{pool.id}/remove",
        f"/cards/{card.id}/void",
    ):
        assert (await viewer.get(path)).status == 403


async def test_agents_restock_but_do_not_change_or_void(
    stage: Stage, owner: Operator, agent: Visitor, pool: Pool
) -> None:
    path = f"/stock/{pool.id}"
    seen = await agent.submit(f"{path}/restock", codes="A-1", label="", expires="")
    done = await agent.post(
        f"{path}/restock/add", csrf=seen.csrf, codes="A-1", label="", expires=""
    )
    assert done.status == 303
    (card,) = await stage.desk.cards.page(owner, pool.id)
    await agent.submit(f"/cards/{card.id}/note", on=f"/cards/{card.id}", note="备用")
    assert (await stage.desk.cards.get(owner, card.id)).card.note == "备用"
    for refused in (f"{path}/switch", f"{path}/remove", f"{path}/edit", f"/cards/{card.id}/void"):
        page = await agent.post(refused, csrf=seen.csrf, on="0", version="1", name="x", low_at="1")
        assert page.status == 403, refused


async def test_what_was_done_is_readable_in_the_records(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    await stage.desk.restock.add(owner, pool.id, "SECRET-CODE-1")
    (card,) = await stage.desk.cards.page(owner, pool.id)
    await stage.desk.cards.void(owner, card.id, "坏的")
    page = await boss.get("/audit")
    for words in ("添加卡池", "补货", "月卡 +1", "作废卡密", "SE…-1"):
        assert words in page.text
    assert "SECRET-CODE-1" not in page.text


async def test_as_many_codes_as_may_be_added_in_one_go_fit_through_the_pages(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    """A megabyte is not enough for them."""
    codes = [f"{n:06d}-{'x' * 33}" for n in range(60_000)]
    path = f"/stock/{pool.id}/restock"
    seen = await upload(boss, path, path, "file", "\r\n".join(codes).encode())
    assert "入库 60000 张？" in seen.text
    fields = {"csrf": seen.csrf, "codes": "\r\n".join(codes), "label": "", "expires": ""}
    data = io.BytesIO(urlencode(fields).encode())
    done = await post(boss, f"{path}/add", data, "application/x-www-form-urlencoded")
    assert done.leads_to == f"/stock/{pool.id}?done=stock-added"
    assert (await stage.desk.stock.pool(owner, pool.id)).pool.counts.available == 60_000


async def test_a_picture_as_large_as_may_be_fits_through_the_page(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    pool = await stage.desk.stock.create(owner, name="大图", kind=PoolKind.IMAGE)
    noise = Image.frombytes("RGB", (1200, 800), random.Random(1).randbytes(1200 * 800 * 3))
    file = io.BytesIO()
    noise.save(file, "PNG")
    assert len(file.getvalue()) > 2 * 1024 * 1024
    page = f"/stock/{pool.id}"
    await upload(boss, f"{page}/pictures", page, "pictures", file.getvalue())
    (line,) = await stage.desk.stock.overview(owner)
    assert len(line.pool.pictures) == 1


async def test_a_picture_that_is_refused_is_told_on_the_page_of_its_pool(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    pool = await stage.desk.stock.create(owner, name="图", kind=PoolKind.IMAGE)
    path = f"/stock/{pool.id}"
    for files, said in (([b"no picture"], 'role="alert"'), ([], "没有选图片")):
        refused = await upload(boss, f"{path}/pictures", path, "pictures", *files)
        assert said in refused.text
        assert "添加图片" in refused.text
