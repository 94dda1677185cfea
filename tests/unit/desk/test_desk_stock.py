"""What members may do to the stock, what it tells them, and what it never shows."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from loguru import logger
from PIL import Image
from stock_stage import GROUP, NOW, StockStage, open_stock_stage

from hub.desk.restock import ADDED_AT_ONCE
from hub.errors import Forbidden, Invalid, NotFound
from hub.model import (
    AccountId,
    CardCounts,
    CardState,
    CardStep,
    OrderUnit,
    PoolKind,
    Role,
    StockLevel,
    Text,
)
from hub.notices import tell_stock
from hub.ops import Expiry
from hub.store import Tx

CODES = [f"CODE-{n:04d}-SECRET" for n in range(1, 11)]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[StockStage]:
    async with open_stock_stage(tmp_path) as stage:
        yield stage


# --- Pools ----------------------------------------------------------------------------------------


async def test_roles_viewers_look_agents_restock_owners_change(stage: StockStage) -> None:
    pool = await stage.stocked(CODES)
    (card, *_) = await stage.desk.cards.page(stage.owner, pool.id)
    await stage.desk.stock.overview(stage.viewer)
    with pytest.raises(Forbidden):
        await stage.desk.restock.add(stage.viewer, pool.id, "X-1")
    with pytest.raises(Forbidden):
        await stage.desk.restock.preview(stage.viewer, pool.id, "X-1")
    await stage.desk.restock.add(stage.agent, pool.id, "X-1")
    for who in (stage.viewer, stage.agent):
        with pytest.raises(Forbidden):
            await stage.desk.stock.create(who, name="x", kind=PoolKind.CODES)
        with pytest.raises(Forbidden):
            await stage.desk.stock.change(who, pool.id, enabled=False)
        with pytest.raises(Forbidden):
            await stage.desk.stock.remove(who, pool.id)
        with pytest.raises(Forbidden):
            await stage.desk.stock.add_picture(who, pool.id, b"")
        with pytest.raises(Forbidden):
            await stage.desk.cards.void(who, card.id, "坏的")
        with pytest.raises(Forbidden):
            await stage.desk.cards.void_by_code(who, f"{CODES[0]} 坏的")


async def test_viewers_see_masked_codes_and_agents_see_them_whole(stage: StockStage) -> None:
    pool = await stage.stocked(CODES[:1])
    (whole,) = await stage.desk.cards.page(stage.agent, pool.id)
    (half,) = await stage.desk.cards.page(stage.viewer, pool.id)
    assert whole.code == CODES[0]
    assert half.code == "CO…ET"
    assert (await stage.desk.cards.get(stage.viewer, whole.id)).card.code == "CO…ET"
    (found,) = await stage.desk.cards.look_up(stage.viewer, CODES[0])
    assert found.code == "CO…ET"


async def test_a_change_touches_what_was_given_and_nothing_else(stage: StockStage) -> None:
    """Saving a note does not switch a pool on again (L54)."""
    pool = await stage.pool(low_at=3)
    await stage.desk.stock.change(stage.owner, pool.id, enabled=False, template="{order_id}")
    changed = await stage.desk.stock.change(stage.owner, pool.id, note=" 老王家 ")
    assert (changed.enabled, changed.template, changed.note) == (False, "{order_id}", "老王家")
    assert (changed.name, changed.low_at) == ("月卡", 3)


async def test_two_people_who_change_a_pool_do_not_overwrite_each_other(stage: StockStage) -> None:
    pool = await stage.pool()
    await stage.desk.stock.change(stage.owner, pool.id, version=pool.version, note="先")
    with pytest.raises(Invalid, match="别人刚刚改过"):
        await stage.desk.stock.change(stage.owner, pool.id, version=pool.version, template="后")
    assert (await stage.desk.stock.pool(stage.owner, pool.id)).pool.template == ""


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "名" * 31}),
        ("name", {"name": "月卡"}),
        ("template", {"template": "{nonsense}"}),
        ("template", {"template": "x" * 2001}),
        ("note", {"note": "x" * 501}),
        ("low_at", {"low_at": -1}),
    ],
)
async def test_what_cannot_be_saved_is_refused_at_its_field(
    stage: StockStage, field: str, fields: dict[str, str]
) -> None:
    await stage.pool()
    with pytest.raises(Invalid) as refused:
        await stage.desk.stock.create(
            stage.owner,
            **{"name": "年卡", "kind": PoolKind.CODES, **fields},  # type: ignore[arg-type]
        )
    assert field in refused.value.fields
    other = await stage.pool("季卡")
    with pytest.raises(Invalid):
        await stage.desk.stock.change(stage.owner, other.id, **fields)  # type: ignore[arg-type]


async def test_an_unknown_placeholder_is_named_together_with_the_known_ones(
    stage: StockStage,
) -> None:
    with pytest.raises(Invalid) as refused:
        await stage.desk.stock.create(
            stage.owner, name="x", kind=PoolKind.CODES, template="{买家} {buyer} {order_id}"
        )
    assert "没有 {buyer} 这个变量" in refused.value.text
    assert "{DELIVERY_CONTENT} {order_id}" in refused.value.text


async def test_a_fixed_text_must_say_something_and_may_not_name_itself(stage: StockStage) -> None:
    for content in ("", "  \n", "{DELIVERY_CONTENT}"):
        with pytest.raises(Invalid) as refused:
            await stage.desk.stock.create(
                stage.owner, name="x", kind=PoolKind.TEXT, content=content
            )
        assert "content" in refused.value.fields


async def test_a_sample_shows_the_messages_as_they_would_go_out(stage: StockStage) -> None:
    parts = stage.desk.stock.sample(PoolKind.CODES, "{buyer_name}\n######\n{DELIVERY_CONTENT}", "")
    assert parts == (Text("小林"), Text("ABCD-EFGH-1234-5678"))
    parts = stage.desk.stock.sample(PoolKind.TEXT, "", "网盘 {order_quantity} 份")
    assert parts == (Text("网盘 1 份"),)
    with pytest.raises(Invalid):
        stage.desk.stock.sample(PoolKind.CODES, "{oops}", "")


async def test_a_pool_goes_with_its_unsold_cards_but_not_while_some_are_promised(
    stage: StockStage,
) -> None:
    pool = await stage.stocked([f"{n}" for n in range(ADDED_AT_ONCE + 500)])
    sold, promised = await stage.sell(pool), await stage.reserve(pool)
    with pytest.raises(Invalid, match="1 张卡预留"):
        await stage.desk.stock.remove(stage.owner, pool.id)
    kept = await stage.desk.stock.pool(stage.owner, pool.id)
    assert kept.pool.counts == CardCounts(available=ADDED_AT_ONCE + 498, reserved=1, handed_over=1)
    await stage.store.write(lambda tx: tx.cards.release(pool.shop, promised, now=NOW))
    await stage.desk.stock.remove(stage.owner, pool.id)
    assert await stage.desk.stock.overview(stage.owner) == []
    with pytest.raises(NotFound):
        await stage.desk.stock.pool(stage.owner, pool.id)
    (card,) = await stage.desk.cards.look_up(stage.owner, sold.order)
    view = await stage.desk.cards.get(stage.owner, card.id)
    assert (view.pool, view.card.code) == (None, "0")
    assert ("pool.remove", "月卡") in await stage.audit()


# --- Pictures -------------------------------------------------------------------------------------


def drawn(kind: str, colour: str = "red") -> bytes:
    target = io.BytesIO()
    picture = Image.new("RGB", (40, 20), colour)
    picture.save(target, kind, **({"exif": b"Exif\x00\x00SECRET-PLACE"} if kind == "JPEG" else {}))
    return target.getvalue()


async def test_pictures_are_packed_anew_and_stay_what_they_are(
    stage: StockStage, tmp_path: Path
) -> None:
    """In the data folder, which survives a rebuild; PNG stays PNG (L55)."""
    pool = await stage.desk.stock.create(stage.owner, name="图", kind=PoolKind.IMAGE)
    await stage.desk.stock.add_picture(stage.owner, pool.id, drawn("PNG"))
    changed = await stage.desk.stock.add_picture(stage.owner, pool.id, drawn("JPEG"))
    png, jpeg = changed.pictures
    assert (png.media_type, png.width, png.height) == ("image/png", 40, 20)
    assert jpeg.media_type == "image/jpeg"
    for picture, kind in ((png, "PNG"), (jpeg, "JPEG")):
        data, media_type = await stage.desk.stock.picture(stage.agent, pool.id, picture.name)
        assert Image.open(io.BytesIO(data)).format == kind
        assert media_type == picture.media_type
        assert b"SECRET-PLACE" not in data
    files = sorted(f.name for f in (tmp_path / "pictures" / "stock").iterdir())
    assert files == sorted([png.name, jpeg.name])
    with pytest.raises(Forbidden):
        await stage.desk.stock.picture(stage.viewer, pool.id, png.name)
    assert (await stage.desk.stock.pool(stage.viewer, pool.id)).pool.pictures == ()
    left = await stage.desk.stock.remove_picture(stage.owner, pool.id, png.name)
    assert left.pictures == (jpeg,)
    with pytest.raises(NotFound):
        await stage.desk.stock.picture(stage.owner, pool.id, png.name)


async def test_the_same_picture_twice_is_one(stage: StockStage) -> None:
    pool = await stage.desk.stock.create(stage.owner, name="图", kind=PoolKind.IMAGE)
    for _ in range(2):
        pool = await stage.desk.stock.add_picture(stage.owner, pool.id, drawn("PNG"))
    assert len(pool.pictures) == 1


async def test_a_picture_that_is_sent_twice_at_once_is_kept_once(
    stage: StockStage, tmp_path: Path
) -> None:
    """Somebody clicked twice."""
    pool = await stage.desk.stock.create(stage.owner, name="图", kind=PoolKind.IMAGE)
    noise = Image.frombytes("RGB", (700, 700), bytes(range(245)) * 6000)
    data = io.BytesIO()
    noise.save(data, "PNG", compress_level=0)
    await asyncio.gather(
        *(stage.desk.stock.add_picture(stage.owner, pool.id, data.getvalue()) for _ in range(8))
    )
    (line,) = await stage.desk.stock.overview(stage.owner)
    (picture,) = line.pool.pictures
    kept, _ = await stage.desk.stock.picture(stage.owner, pool.id, picture.name)
    assert Image.open(io.BytesIO(kept)).size == (700, 700)
    assert [one.name for one in (tmp_path / "pictures" / "stock").iterdir()] == [picture.name]


@pytest.mark.parametrize("data", [b"", b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n broken"])
async def test_what_is_no_picture_is_refused(stage: StockStage, data: bytes) -> None:
    pool = await stage.desk.stock.create(stage.owner, name="图", kind=PoolKind.IMAGE)
    with pytest.raises(Invalid) as refused:
        await stage.desk.stock.add_picture(stage.owner, pool.id, data)
    assert "pictures" in refused.value.fields


async def test_a_name_of_a_picture_leads_nowhere_else(stage: StockStage, tmp_path: Path) -> None:
    pool = await stage.desk.stock.create(stage.owner, name="图", kind=PoolKind.IMAGE)
    (tmp_path / "pictures" / "stock").mkdir(parents=True)
    for name in ("../../hub.db", "/etc/passwd", "a.png", ""):
        with pytest.raises(NotFound):
            await stage.desk.stock.picture(stage.owner, pool.id, name)
        assert stage.store.pictures.read(name) is None


# --- Restocking -----------------------------------------------------------------------------------


async def test_restocking_reports_what_was_added_and_each_line_that_was_not(
    stage: StockStage,
) -> None:
    pool = await stage.stocked(["A-1", "A-2"])
    await stage.sell(pool)
    pasted = "A-1\r\nB-1\r\n\r\nB-1\r\n  B-2  \r\nbad\x07\r\n" + "x" * 2001 + "\r\n"
    before = await stage.desk.restock.preview(stage.agent, pool.id, pasted)
    done = await stage.desk.restock.add(stage.agent, pool.id, pasted, label="第二批")
    assert (before.new, before.known) == (done.new, done.known) == (2, (1,))
    assert before.pool.counts.available == 1
    assert done.pool.counts.available == 3
    assert done.read.repeated == (4,)
    assert (done.read.too_long, done.read.unreadable, done.read.blank) == ((7,), (6,), 1)
    assert ("stock.add", "月卡 +2") in await stage.audit()


async def test_nothing_of_a_large_paste_is_lost_and_repeating_it_adds_nothing(
    stage: StockStage,
) -> None:
    pool = await stage.pool()
    codes = [f"N-{n}" for n in range(ADDED_AT_ONCE * 2 + 1)]
    heard: list[tuple[int, int]] = []
    done = await stage.desk.restock.add(
        stage.owner, pool.id, "\n".join(codes), progress=lambda *said: heard.append(said)
    )
    assert done.new == len(codes)
    assert heard == [(1000, 2001), (2000, 2001), (2001, 2001)]
    again = await stage.desk.restock.add(stage.owner, pool.id, "\n".join(codes))
    assert (again.new, len(again.known)) == (0, len(codes))
    (batch, *_) = await stage.store.read(
        lambda tx: tx.card_records.batches(pool.shop, pool.id)[::-1]
    )
    assert batch.added == len(codes)


@pytest.mark.parametrize(
    "codes", ["", " \n\n", b"", b"\xef\xbb\xbf\r\n", b"PK\x03\x04\x00", b"\xff\xff\xff"]
)
async def test_a_paste_or_file_without_codes_is_refused_in_words(
    stage: StockStage, codes: str | bytes
) -> None:
    pool = await stage.pool()
    with pytest.raises(Invalid):
        await stage.desk.restock.add(stage.owner, pool.id, codes)
    assert (await stage.desk.stock.pool(stage.owner, pool.id)).pool.counts.total == 0


async def test_only_pools_of_codes_are_restocked(stage: StockStage) -> None:
    pool = await stage.desk.stock.create(
        stage.owner, name="网盘", kind=PoolKind.TEXT, content="链接"
    )
    with pytest.raises(Invalid, match="不是卡密池"):
        await stage.desk.restock.add(stage.owner, pool.id, "A-1")


async def test_an_end_in_the_past_is_refused_and_one_to_come_is_kept(stage: StockStage) -> None:
    pool = await stage.pool()
    with pytest.raises(Invalid):
        await stage.desk.restock.add(stage.owner, pool.id, "A-1", expires_at=NOW)
    await stage.desk.restock.add(stage.owner, pool.id, "A-1", expires_at=NOW + timedelta(days=2))
    stage.later(days=2)
    line = await stage.desk.stock.pool(stage.owner, pool.id)
    assert (line.expired, line.level) == (1, StockLevel.EMPTY)


# --- Cards ----------------------------------------------------------------------------------------


async def test_a_void_card_says_who_voided_it_and_why(stage: StockStage) -> None:
    pool = await stage.stocked(CODES[:2])
    this = await stage.sell(pool)
    (card,) = await stage.desk.cards.look_up(stage.owner, this.order)
    before = await stage.desk.cards.void(stage.owner, card.id, "充值失败")
    assert before.state is CardState.HANDED_OVER
    view = await stage.desk.cards.get(stage.owner, card.id)
    assert view.card.state is CardState.VOID
    last = view.events[-1]
    assert (last.step, last.cause.why, last.cause.door) == (CardStep.VOID, "充值失败", "web")
    assert last.cause.member is not None
    assert view.names[last.cause.member] == "店主"
    with pytest.raises(Invalid, match="早就作废"):
        await stage.desk.cards.void(stage.owner, card.id, "再来")
    with pytest.raises(Invalid):
        await stage.desk.cards.void(stage.owner, card.id, " ")


async def test_a_note_on_a_card_is_no_business_of_viewers(stage: StockStage) -> None:
    pool = await stage.stocked(CODES[:1])
    (card,) = await stage.desk.cards.page(stage.owner, pool.id)
    await stage.desk.cards.set_note(stage.agent, card.id, " 备用 ")
    assert (await stage.desk.cards.get(stage.viewer, card.id)).card.note == "备用"
    with pytest.raises(Forbidden):
        await stage.desk.cards.set_note(stage.viewer, card.id, "x")


async def test_no_code_is_in_the_audit_or_the_log(stage: StockStage) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level=0)
    try:
        pool = await stage.stocked(CODES)
        (card, *_) = await stage.desk.cards.page(stage.owner, pool.id)
        await stage.desk.cards.void(stage.owner, card.id, "坏的")
        await stage.write(f"/补货 月卡\n{CODES[0]}\nNEW-CODE-SECRET")
        asked = await stage.write(f"/作废 {CODES[1]} 坏的")
        lines.append(asked or "")
        await stage.write((asked or "").partition("秒内回复：")[2])
        lines.append(await stage.write(f"/作废 {CODES[1]} 坏的") or "")
        await stage.sell(pool)
    finally:
        logger.remove(sink)
    said = "\n".join([*lines, *(f"{a} {t}" for a, t in await stage.audit()), *await stage.told()])
    assert "SECRET" not in said
    assert "CO…ET" in said


# --- Overview and low stock -----------------------------------------------------------------------


async def test_the_overview_tells_how_long_stock_will_last(stage: StockStage) -> None:
    pool = await stage.stocked([str(n) for n in range(100)], low_at=10)
    stage.later(days=20)
    await stage.sell(pool, 28)
    stage.later(days=1)
    (line,) = await stage.desk.stock.overview(stage.viewer)
    assert (line.sold, line.level) == (28, StockLevel.FINE)
    assert line.days == 72 / 2
    stage.later(days=14)
    (line,) = await stage.desk.stock.overview(stage.viewer)
    assert (line.sold, line.days) == (0, None)


async def test_expired_cards_are_not_counted_as_left_and_nothing_left_lasts_no_days(
    stage: StockStage,
) -> None:
    pool = await stage.stocked(["1", "2"])
    soon = stage.clock[0] + timedelta(days=2)
    await stage.desk.restock.add(stage.owner, pool.id, "3\n4\n5", expires_at=soon)
    await stage.sell(pool)
    stage.later(days=3)
    (line,) = await stage.desk.stock.overview(stage.viewer)
    assert (line.left, line.expired, line.days) == (2, 2, 6.0)
    assert await stage.write("/库存") == "🟢 月卡 剩 2，约够 6 天"
    assert "另有 2 张已经过期" in (await stage.write("/库存 月卡") or "")
    await stage.sell(pool, 2)
    (line,) = await stage.desk.stock.overview(stage.viewer)
    assert (line.left, line.days) == (0, None)
    assert await stage.write("/库存") == "🔴 月卡 剩 0"


async def test_the_note_of_a_pool_is_for_members_and_not_for_a_group(stage: StockStage) -> None:
    pool = await stage.pool()
    await stage.desk.stock.change(stage.owner, pool.id, note="老王 13800000000")
    assert "老王" in (await stage.write("/库存 月卡") or "")
    assert "老王" not in (await stage.write("/库存 月卡", peer=GROUP) or "")


async def test_a_shop_without_pools_is_told_where_to_add_one(stage: StockStage) -> None:
    for words in ("/库存", "/库存 月卡", "/补货 月卡\nA-1", "/补货"):
        assert await stage.write(words) == "还没有卡池，请店主在网页后台的「库存」里添加", words


async def test_a_crowd_of_pools_is_no_wall_of_text(stage: StockStage) -> None:
    for number in range(45):
        await stage.pool(f"卡 {number}")
    said = await stage.write("/库存") or ""
    assert said.count("\n") == 40
    assert "还有 5 个" in said


async def test_owners_hear_once_when_stock_falls_to_the_threshold_and_again_when_it_is_empty(
    stage: StockStage,
) -> None:
    pool = await stage.stocked(["1", "2", "3", "4", "5"], low_at=3)
    assert await stage.told() == []
    await stage.sell(pool)
    assert await stage.told() == []
    await stage.sell(pool)
    (low,) = await stage.told()
    assert "只剩 3 张（提醒线 3）" in low
    await stage.sell(pool)
    assert await stage.told() == []
    await stage.sell(pool, 2)
    (empty,) = await stage.told()
    assert "没有可用的卡密" in empty


async def test_after_restocking_the_next_fall_is_told_again(stage: StockStage) -> None:
    pool = await stage.stocked(["1", "2"], low_at=1)
    await stage.sell(pool, 2)
    assert len(await stage.told()) == 1
    await stage.desk.restock.add(stage.agent, pool.id, "3")
    assert await stage.told() == []  # one card is better than none: no fall
    stage.later(minutes=1)
    await stage.sell(pool)
    assert len(await stage.told()) == 1
    await stage.desk.restock.add(stage.agent, pool.id, "4\n5\n6")
    await stage.sell(pool, 2)
    assert len(await stage.told()) == 1


async def test_a_new_empty_pool_worries_nobody(stage: StockStage) -> None:
    pool = await stage.pool(low_at=5)
    await stage.desk.stock.change(stage.owner, pool.id, note="x")
    assert await stage.told() == []


async def test_voiding_and_a_raised_threshold_count_as_falls_too(stage: StockStage) -> None:
    pool = await stage.stocked(["1", "2", "3"])
    await stage.desk.stock.change(stage.owner, pool.id, low_at=3)
    assert len(await stage.told()) == 1
    for card in await stage.desk.cards.page(stage.owner, pool.id):
        await stage.desk.cards.void(stage.owner, card.id, "坏的")
    assert len(await stage.told()) == 1


async def test_owners_hear_of_cards_that_expire_while_nobody_buys(stage: StockStage) -> None:
    pool = await stage.pool(low_at=1)
    codes = "\n".join(f"E-{n}" for n in range(450))
    await stage.desk.restock.add(stage.owner, pool.id, codes, expires_at=NOW + timedelta(days=1))
    await stage.desk.restock.add(stage.owner, pool.id, "A-1")
    expiry = Expiry(stage.store, now=lambda: stage.clock[0])
    stage.later(hours=23, minutes=59)
    await expiry.sweep()
    assert await stage.told() == []
    stage.later(minutes=1)
    await expiry.sweep()
    await expiry.sweep()
    (low,) = await stage.told()
    assert "只剩 1 张" in low
    (line,) = await stage.desk.stock.overview(stage.viewer)
    assert (line.pool.counts, line.expired) == (CardCounts(available=1, void=450), 0)
    assert await stage.sell(pool)
    (empty,) = await stage.told()
    assert "没有可用的卡密" in empty


async def test_owners_hear_of_stock_that_a_buyer_in_vain_found_expired(stage: StockStage) -> None:
    """The draw voids what it finds, and gets nothing to tell of."""
    pool = await stage.pool()
    await stage.desk.restock.add(stage.owner, pool.id, "A", expires_at=NOW + timedelta(days=1))
    stage.later(days=2)
    now = stage.clock[0]
    this = OrderUnit(AccountId(1), "9", 1)
    drawn = await stage.store.write(
        lambda tx: tx.cards.reserve(pool.shop, pool.id, this, 1, now=now)
    )
    assert drawn is None
    assert await stage.told() == []
    await Expiry(stage.store, now=lambda: now).sweep()
    (empty,) = await stage.told()
    assert "没有可用的卡密" in empty


async def test_a_fall_that_was_rolled_back_is_told_to_nobody(stage: StockStage) -> None:
    """The telling lies in the transaction that crosses the threshold."""
    pool = await stage.stocked(["1"])

    def unit(tx: Tx) -> None:
        tx.cards.reserve(pool.shop, pool.id, OrderUnit(AccountId(1), "9", 1), 1, now=NOW)
        tell_stock(tx, pool.shop, pool.id, NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await stage.store.write(unit)
    assert await stage.told() == []
    await stage.sell(pool)
    assert len(await stage.told()) == 1


# --- In chat --------------------------------------------------------------------------------------


async def test_stock_is_shown_in_chat_without_codes(stage: StockStage) -> None:
    assert await stage.write("/库存") == "还没有卡池，请店主在网页后台的「库存」里添加"
    pool = await stage.stocked(CODES, low_at=9)
    await stage.desk.stock.create(stage.owner, name="网盘", kind=PoolKind.TEXT, content="链接")
    await stage.sell(pool)
    assert await stage.write("/库存", as_=Role.VIEWER) == (
        "🟡 月卡 剩 9，约够 9 天\n▫ 网盘 固定文字，已发 0"
    )
    page = await stage.write("/库存月")
    assert page is not None
    assert "可用 9，预留 0，作废 0" in page
    assert "剩 9 张时提醒" in page
    missing = await stage.write("/库存 年卡")
    assert missing == "没有叫「年卡」的卡池，现有：月卡、网盘"


@pytest.mark.parametrize(
    "what", ["/补货 月卡\nA-1\nA-2", "/补货月卡\nA-1\r\nA-2\n", "/入库 月卡\n\n A-1 \nA-2"]
)
async def test_lines_below_the_name_are_restocked_from_a_private_chat(
    stage: StockStage, what: str
) -> None:
    pool = await stage.pool()
    answer = await stage.write(what, as_=Role.AGENT)
    assert answer == "「月卡」入库 2 张，现在可用 2 张"
    cards = await stage.desk.cards.page(stage.owner, pool.id)
    assert [card.code for card in cards] == ["A-2", "A-1"]


async def test_one_code_may_stand_behind_the_name(stage: StockStage) -> None:
    await stage.pool("月卡")
    pool = await stage.pool("月卡 豪华")
    await stage.write("/补货 月卡 豪华 user name----pass")
    (card,) = await stage.desk.cards.page(stage.owner, pool.id)
    assert card.code == "user name----pass"


async def test_a_mistyped_pool_name_is_never_taken_for_a_code(stage: StockStage) -> None:
    pool = await stage.pool("月卡")
    answer = await stage.write("/补货 月卡 豪华\nA-1\nA-2")
    assert answer == "没有叫「月卡 豪华」的卡池，现有：月卡"
    assert (await stage.desk.stock.pool(stage.owner, pool.id)).pool.counts.total == 0


async def test_the_report_in_chat_names_the_lines_that_were_left_out(stage: StockStage) -> None:
    await stage.stocked(["A-1"])
    answer = await stage.write("/补货 月卡\nA-1\nB-1\nB-1\n")
    assert answer == (
        "「月卡」入库 1 张，现在可用 2 张\n"
        "1 行店里已经有过（包括卖出和作废的）：第 1 行\n1 行和前面的行重复：第 3 行"
    )


@pytest.mark.parametrize("what", ["/补货 月卡\nA-1", "/作废 A-1 坏的"])
async def test_codes_in_a_group_are_refused_with_a_word(stage: StockStage, what: str) -> None:
    pool = await stage.stocked(["A-1"])
    answer = await stage.write(what, peer=GROUP)
    assert answer is not None
    assert "不要发在群里" in answer
    counts = (await stage.desk.stock.pool(stage.owner, pool.id)).pool.counts
    assert counts == CardCounts(available=1)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("/补货", "请写上卡池名，现有：月卡"),
        ("/补货 月卡", "一行写一张卡密"),
        ("/补货 年卡\nA-9", "没有叫「年卡」的卡池"),
        ("/作废", "没有作废：写上完整的卡密"),
        ("/作废 A-9 坏的", "没有找到这张卡密"),
        ("/作废 A-1", "要写原因"),
    ],
)
async def test_what_is_missing_is_said(stage: StockStage, what: str, said: str) -> None:
    await stage.stocked(["A-1"])
    answer = await stage.write(what)
    assert answer is not None
    assert said in answer


async def test_a_card_is_voided_in_chat_by_its_whole_code(stage: StockStage) -> None:
    """Codes may hold blanks; the reason is what follows."""
    await stage.stocked(["user name----pass word", "user name"])
    asked = await stage.write("/作废 user name----pass word 登不上 去")
    assert asked is not None
    assert "作废后不能恢复，也不能再入库" in asked
    assert "pass word" not in asked
    answer = await stage.write(asked.partition("秒内回复：")[2])
    assert answer == "已作废「月卡」的 us…rd"
    (card,) = await stage.desk.cards.look_up(stage.owner, "user name----pass word")
    view = await stage.desk.cards.get(stage.owner, card.id)
    assert view.events[-1].cause.why == "登不上 去"


async def test_a_card_is_not_voided_without_its_second_word(stage: StockStage) -> None:
    """By the same person, in the same chat, within a minute; what cannot be done is not asked."""
    pool = await stage.stocked(["CODE-1"])
    (card,) = await stage.desk.cards.page(stage.owner, pool.id)
    word = f"确认 {card.id:04d}"
    assert word in (await stage.write("/作废 CODE-1 坏的") or "")
    assert await stage.desk.cards.page(stage.owner, pool.id) == [card]
    assert "没有等你确认" in (await stage.write(word, peer=GROUP) or "")
    assert "没有等你确认" in (await stage.write(word, as_=Role.AGENT) or "")
    assert "确认码不对" in (await stage.write("确认 9999") or "")
    stage.later(seconds=61)
    assert "没有等你确认" in (await stage.write(word) or "")
    assert await stage.desk.cards.page(stage.owner, pool.id) == [card]
    assert ("card.void", f"{card.id} C…-1") not in await stage.audit()
    await stage.write("/作废 CODE-1 坏的")
    assert "已作废" in (await stage.write(word) or "")
    assert await stage.write("/作废 CODE-1 坏的") == "这张卡密早就作废了"
    assert "作废要写原因" in (await stage.write("/作废 CODE-1") or "")


async def test_voiding_a_sold_card_says_who_has_it(stage: StockStage) -> None:
    pool = await stage.stocked(["CODE-1"])
    this = await stage.sell(pool)
    asked = await stage.write("/作废 CODE-1 充不上")
    assert asked is not None
    assert f"它已经发给订单 {this.order} 的买家" in asked
    answer = await stage.write(asked.partition("秒内回复：")[2])
    assert answer == (f"已作废「月卡」的 C…1，它已经发给订单 {this.order} 的买家，要补发请另外发货")


async def test_viewers_and_agents_are_told_what_they_may_not(stage: StockStage) -> None:
    await stage.stocked(["A-1"])
    refused = await stage.write("/补货 月卡\nA-2", as_=Role.VIEWER)
    assert refused == "你的身份是只读成员，这件事要客服才能做"
    refused = await stage.write("/作废 A-1 坏的", as_=Role.AGENT)
    assert refused == "你的身份是客服，这件事要店主才能做"
