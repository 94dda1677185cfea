"""Bringing over what a seller had: all that has a place, nothing twice, nothing set going."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.delivery import on_order_read
from hub.desk.members import Members
from hub.errors import Forbidden, Invalid, Unreachable
from hub.model import (
    AiMode,
    FloorKind,
    NeedKind,
    Order,
    OrderStatus,
    Origin,
    PlatformConversation,
    PlatformUser,
    PoolKind,
    Role,
    RuleKind,
    StepOrder,
)
from hub.ops import ImportFrom, bring_over, in_words
from hub.ops.importing import Outcome, Part
from hub.policy import Rulebook
from hub.settings import load_settings
from hub.store import Tx
from tests import originals
from tests.unit.ops.import_stage import NOW, Stage, came, into, made, notes


@pytest.mark.parametrize("version", originals.VERSIONS)
async def test_each_version_comes_over_with_the_report_that_belongs_to_it(
    stage: Stage, version: str
) -> None:
    path = originals.write_original(stage.folder / f"{version}.db", version)

    report = await stage.run(path=path)

    assert report.version == version
    pictures, owners = version >= "1.2", version >= "1.1"
    assert came(report) == {
        "members": 2,
        "accounts": 2,
        "keywords": 7 if pictures else 6,
        "default_replies": 1,
        "item_replies": 1,
        "pools": 6 if pictures else 5,
        "cards": 3,
        "items": 3,
        "delivery_rules": 2 if owners else 3,
        "ai": 2,
        "conversations": 2,
        "greeted": 1,
        "orders": 2,
    }
    assert report.number(Part.KEYWORDS, Outcome.LEFT) == (2 if pictures else 1)


async def test_what_came_over_says_what_it_said_before(stage: Stage) -> None:
    await stage.run()
    have = await stage.read(lambda tx: made(tx, stage.shop))

    assert have["members"] == [
        ("admin", "owner", True, "admin@example.com"),
        ("xiaoli", "agent", False, "xiaoli@example.com"),  # sellers stay apart
    ]
    assert have["accounts"] == [
        ("other", originals.SECOND_SELLER, False),
        ("数码小店", originals.SELLER, False),
    ]
    assert have["cookies"] == sorted(
        map(originals.cookies, (originals.SELLER, originals.SECOND_SELLER))
    )
    assert (await stage.account("数码小店")).takeover_minutes == 0  # never is never
    words = {rule.keywords: rule for rule in have["rules"] if rule.kind is RuleKind.KEYWORD}
    assert words["价格",].items == (originals.ITEM,)  # L47
    assert not words["nan",].enabled
    assert words["滚",].silent
    assert words["代码",].reply == "填 ｛code｝ 就行"  # L36
    defaults = [rule for rule in have["rules"] if rule.kind is RuleKind.DEFAULT]
    assert [(rule.items, rule.reply, rule.once) for rule in defaults] == [
        ((), "你好 {send_user_name}，稍等", True),
        ((originals.ITEM,), "商品 {item_id} 有货", False),
    ]
    assert have["codes"] == [
        ("年卡卡密", originals.CODES[2]),
        ("月卡卡密", originals.CODES[0]),
        ("月卡卡密", originals.CODES[1]),
    ]
    assert have["titles"] == [
        (originals.ITEM, "会员月卡 自动发货"),
        (originals.SECOND_ITEM, "会员年卡 官方"),
        (originals.THIRD_ITEM, "月卡加年卡 套餐"),
    ]
    assert [(said[0], said[2].text) for said in have["said"]] == [
        (Origin.BUYER, "能便宜吗"),
        (Origin.AI, "最低 90"),
    ]


async def test_keywords_answer_in_the_order_they_had(stage: Stage) -> None:
    """The first row that was added won, however long another one is (L45)."""
    await stage.run()
    account = await stage.account("数码小店")
    rules = await stage.read(lambda tx: tx.rules.enabled(stage.shop, account.id))
    first = next(Rulebook(rules).keywords[""].hits("老板在吗"))
    assert first.rule.reply == "在的，{send_user_name}"  # type: ignore[union-attr]


async def test_pools_hand_out_what_cards_did(stage: Stage) -> None:
    await stage.run()
    pools = {p.name: p for p in await stage.read(lambda tx: tx.pools.all(stage.shop))}
    assert pools["月卡卡密"].counts.available == 2
    assert pools["网盘"].text == "链接 ｛link｝ 提取码 1234"
    assert len(pools["二维码"].pictures) == 1
    assert (stage.folder / "pictures" / "stock" / pools["二维码"].pictures[0].name).is_file()
    # Where its cards lie in its answers nobody has seen yet (L11).
    assert pools["供货"].kind is PoolKind.API
    assert not pools["供货"].enabled
    call = await stage.read(lambda tx: tx.pools.supplier(stage.shop, pools["供货"].id))
    assert call.headers == (("X-Key", originals.API_SECRET),)
    assert json.loads(call.body) == {"order": "{order_id}", "n": 1}
    assert call.timeout_seconds == 20


async def test_delivery_rules_wait_for_a_person_and_name_the_items_they_surely_meant(
    stage: Stage,
) -> None:
    report = await stage.run()
    account = await stage.account("数码小店")
    rules = await stage.read(lambda tx: tx.delivery_rules.all(stage.shop))

    assert [(r.account, r.keywords, r.items, r.enabled, r.steps) for r in rules] == [
        (account.id, ("月卡",), (originals.ITEM,), False, StepOrder.SEND_THEN_CONFIRM),
        (account.id, ("年卡",), (originals.SECOND_ITEM,), False, StepOrder.SEND_THEN_CONFIRM),
    ]
    # Both keywords stand in the third item's title, so it is named and bound to neither.
    assert notes(report, "月卡卡密（数码小店）").count(originals.THIRD_ITEM) == 1
    # L7, L60: nobody delivers from a stranger's stock.
    assert "另一个用户" in notes(report, "规则 3 · 月卡")


async def test_ai_comes_as_drafts_with_its_limits_as_floors(stage: Stage) -> None:
    report = await stage.run()
    on, off = await stage.account("数码小店"), await stage.account("other")
    scopes = await stage.read(lambda tx: tx.ai_scopes.accounts(stage.shop))
    assert (scopes[on.id].mode, scopes[on.id].prompt) == (AiMode.DRAFT, "语气亲切")
    assert scopes[off.id].mode is AiMode.OFF
    floors = await stage.read(lambda tx: tx.floors.all(stage.shop))
    # 10% off, and 5 yuan at most: for the item of 12000 the amount is the tighter one (L42).
    assert {(f.account, f.item, f.floor.kind, f.floor.value) for f in floors} == {
        (on.id, None, FloorKind.PERCENT, Decimal(10)),
        (on.id, originals.SECOND_ITEM, FloorKind.AMOUNT, Decimal(5)),
    }
    (profile,) = await stage.read(lambda tx: tx.ai_profiles.all(stage.shop))
    assert (profile.account, profile.api_key) == (on.id, originals.AI_SECRET)
    assert "百炼" in notes(report, "other")


async def test_a_discount_of_nothing_stays_nothing(stage: Stage) -> None:
    rows = originals.furnished()
    rows["ai_reply_settings"] = [
        {**rows["ai_reply_settings"][0], "max_discount_percent": 0, "max_discount_amount": 100}
    ]
    await stage.run(path=originals.write_original(stage.folder / "zero.db", rows=rows))
    floors = await stage.read(lambda tx: tx.floors.all(stage.shop))
    assert [(f.floor.kind, f.floor.value) for f in floors] == [(FloorKind.PERCENT, Decimal(0))]


async def test_nothing_starts_sends_or_delivers_because_of_it(stage: Stage) -> None:
    await stage.run()

    def unit(tx: Tx) -> tuple[Any, ...]:
        return (
            tx.accounts.enabled(),
            tx.outbox.backlog(),
            [r for r in tx.delivery_rules.all(stage.shop) if r.enabled],
            tx.deliveries.tally(),
            tx.needs.tally(),
            tx.members.mailed(stage.shop),
        )

    assert await stage.read(unit) == ([], {}, [], {}, {}, [])


PAID = Order(
    originals.ORDER,
    OrderStatus.PAID,
    "已付款",
    item_id=originals.ITEM,
    buyer=PlatformUser(originals.BUYER),
    quantity=1,
    paid_amount=Decimal(12),
)


async def test_orders_of_before_are_never_delivered_whatever_their_page_says(
    stage: Stage,
) -> None:
    """Nobody knows what was sent for them (L2, L6)."""
    await stage.run()
    account = await stage.account("数码小店")

    def unit(tx: Tx) -> tuple[Any, ...]:
        for rule in tx.delivery_rules.all(stage.shop):
            tx.delivery_rules.save(replace(rule, enabled=True))
        talk = tx.conversations.upsert(stage.shop, account.id, PlatformConversation(originals.CHAT))
        on_order_read(tx, account, PAID, talk.id, OrderStatus.PAID, NOW)
        return (
            tx.deliveries.of_order(stage.shop, account.id, originals.ORDER),
            tx.needs.all_open(stage.shop),
            tx.outbox.backlog(),
        )

    assert await stage.store.write(unit) == ([], [], {})


async def test_an_order_of_before_that_nobody_wrote_down_is_put_before_a_person(
    stage: Stage,
) -> None:
    """The original delivered without marking it, and kept no row; a reminder of the platform makes
    it be read after the account was connected here."""
    await stage.run()
    account = await stage.account("数码小店")
    connected = NOW + timedelta(hours=1)

    def unit(tx: Tx, order: str, paid_at: datetime) -> tuple[int, list[NeedKind]]:
        for rule in tx.delivery_rules.all(stage.shop):
            tx.delivery_rules.save(replace(rule, enabled=True))
        tx.comparisons.begin(stage.shop, account.id, connected, connected)
        talk = tx.conversations.upsert(stage.shop, account.id, PlatformConversation(originals.CHAT))
        paid = replace(PAID, id=order, paid_at=paid_at)
        on_order_read(tx, account, paid, talk.id, OrderStatus.PAID, connected)
        needs = tx.needs.all_open(stage.shop)
        return (
            len(tx.deliveries.of_order(stage.shop, account.id, order)),
            [need.kind for need in needs if need.order == order],
        )

    before, after = connected - timedelta(minutes=5), connected + timedelta(minutes=5)
    assert await stage.store.write(lambda tx: unit(tx, "4400000000000000001", before)) == (
        0,
        [NeedKind.HELD],
    )
    assert await stage.store.write(lambda tx: unit(tx, "4400000000000000002", after)) == (1, [])


async def test_only_the_admin_of_the_original_becomes_an_owner(stage: Stage) -> None:
    """A name that only looks like it was free to be registered by anybody."""
    rows = originals.furnished()
    alike = {**rows["users"][1], "id": 3, "username": " admin", "password_hash": "0" * 64}
    rows["users"] = [*rows["users"], alike]
    await stage.run(path=originals.write_original(stage.folder / "alike.db", rows=rows))
    members = await stage.read(lambda tx: tx.members.all(stage.shop))
    assert [one.name for one in members if one.role is Role.OWNER] == ["admin"]
    assert len(members) == 3


async def test_who_was_greeted_is_not_greeted_again(stage: Stage) -> None:
    await stage.run()
    account = await stage.account("数码小店")

    def unit(tx: Tx) -> tuple[Any, Any]:
        rule = next(r for r in tx.rules.all(stage.shop) if r.once)
        talk = tx.conversations.by_platform(
            stage.shop, account.id, PlatformConversation(originals.TOLD_CHAT)
        )
        assert talk is not None
        return tx.decisions.used(stage.shop, talk.id), rule.id

    used, rule = await stage.read(unit)
    assert used == {rule}


async def test_pictures_are_taken_over_from_wherever_they_lie(stage: Stage) -> None:
    rows = originals.furnished()
    rows["keywords"].append(originals.picture_keyword(originals.PICTURE_ADDRESS))
    path = originals.write_original(stage.folder / "pictures.db", rows=rows)
    await stage.run(path=path)
    rules = await stage.read(lambda tx: tx.rules.all(stage.shop))
    shown = {rule.keywords[0]: rule for rule in rules if rule.pictures}
    assert set(shown) == {"二维码", "图床"}
    for rule in shown.values():
        assert rule.enabled
        assert (stage.folder / "pictures" / "stock" / rule.pictures[0].name).is_file()


async def test_a_picture_that_cannot_be_had_leaves_its_rule_switched_off(stage: Stage) -> None:
    """An address that is not the platform's is not even asked."""
    rows = originals.furnished()
    rows["keywords"] = [
        originals.picture_keyword("http://127.0.0.1:1/x.png", "内网"),
        *(originals.picture_keyword(f"http://gw.alicdn.com/{n}.png", f"图{n}") for n in range(4)),
    ]
    path = originals.write_original(stage.folder / "pictures.db", rows=rows)
    asked: list[str] = []

    async def unreachable(address: str) -> bytes:
        asked.append(address)
        raise Unreachable("xianyu", "picture", "no answer in time")

    given = replace(into(stage.store), fetch=unreachable)
    report = await bring_over(ImportFrom(path), given, dry=False)

    assert asked == [f"https://gw.alicdn.com/{n}.png" for n in range(2)]
    rules = await stage.read(lambda tx: tx.rules.all(stage.shop))
    assert [rule.enabled for rule in rules if rule.kind is RuleKind.KEYWORD] == [False] * 5
    assert "gw.alicdn.com/3.png" in notes(report, "shop1 · 图3")
    assert "127.0.0.1" in notes(report, "shop1 · 内网")


# --- Secrets and passwords ------------------------------------------------------------------------


async def test_no_secret_stands_in_a_report_nor_in_clear_in_the_database(stage: Stage) -> None:
    report = await stage.run()
    said = in_words(report) + json.dumps(report.as_dict(), ensure_ascii=False)
    assert [one for one in originals.SECRETS if one in said] == []
    (entry,) = await stage.read(lambda tx: tx.audit.recent(stage.shop, 10))
    assert (entry.door, entry.action, entry.target) == ("cli", "import", "xianyu_data.db")
    stored = (stage.folder / "hub.db").read_bytes() + (stage.folder / "hub.db-wal").read_bytes()
    sealed = set(originals.SECRETS) - set(originals.CODES)  # cards are readable to be found
    assert [one for one in sealed if one.encode() in stored] == []


async def test_the_old_password_opens_the_door_once_more_and_is_kept_our_way(
    stage: Stage,
) -> None:
    await stage.run()
    members = Members(stage.store, lambda: NOW, timedelta(days=1))
    shop = stage.shop
    (admin,) = [m for m in await stage.read(lambda tx: tx.members.all(shop)) if m.active]

    async def kept() -> str:
        found: str = await stage.read(lambda tx: tx.members.password_hash(shop, admin.id))
        return found

    before = await kept()
    with pytest.raises(Forbidden):
        await members.log_in(name="admin", password=originals.hashed("old-password-1"), client="c")
    assert await kept() == before
    await members.log_in(name="admin", password="old-password-1", client="c")
    after = await kept()
    assert before.startswith("sha256:")
    assert after.startswith("$argon2")
    await members.log_in(name="admin", password="old-password-1", client="c")
    # The default password of the original is nobody's here.
    (other,) = [m for m in await stage.read(lambda tx: tx.members.all(shop)) if not m.active]
    assert not other.has_password


# --- What else is read ----------------------------------------------------------------------------


async def test_the_settings_file_becomes_lines_that_our_settings_understand(
    stage: Stage, tmp_path: Path
) -> None:
    config = {
        "AUTO_REPLY": {"enabled": False, "api": {"enabled": True, "url": "http://x/y", "port": 81}},
        "WEBSOCKET_URL": "wss://wss-goofish.dingtalk.com/",
        "HEARTBEAT_INTERVAL": 20,
        "TOKEN_REFRESH_INTERVAL": 600,
        "MESSAGE_EXPIRE_TIME": 600_000,
        "MANUAL_MODE": {"enabled": True, "timeout": 3600, "toggle_keywords": ["。", "#"]},
        "LOG_CONFIG": {"level": "debug"},
        "SLIDER_VERIFICATION": {"max_concurrent": 3},
        "COOKIES": [{"id": "fromyml", "value": originals.cookies("2201000000033")}],
    }
    report = await stage.run(config=yaml.safe_dump(config))
    assert await stage.account("fromyml")
    assert report.settings["mail"] == {
        "host": "smtp.example.com",
        "port": 465,
        "security": "tls",
        "user": "shop@example.com",
    }
    file = tmp_path / "hub.yml"
    file.write_text(yaml.safe_dump(report.settings, allow_unicode=True), encoding="utf-8")
    settings = load_settings(file, {})
    assert not settings.replies.enabled
    assert settings.replies.expire_minutes == 10
    assert settings.replies.takeover_minutes == 60
    assert settings.replies.toggle_words == ("。", "#")
    assert (settings.web.port, settings.xianyu.heartbeat_seconds) == (81, 20)
    assert settings.log.level == "DEBUG"
    assert settings.mail.dialled_port == 465
    assert "重连" in notes(report, "TOKEN_REFRESH_INTERVAL")
    odd = 'WEBSOCKET_URL: "http://[::1"\nMANUAL_MODE: {enabled: 1, timeout: x}\nAUTO_REPLY: []\n'
    odd += 'COOKIES: [7, {id: 1, value: "unb=\\ud800"}]\nAPI_ENDPOINTS: {token: "http://[x"}\n'
    report = await stage.run(config=odd, dry=True)
    assert "不是文字" in notes(report, "设置文件里的账号")
    with pytest.raises(Invalid, match="global_config"):
        await stage.run(config="a: [")


async def test_the_file_of_keywords_speaks_for_every_account(stage: Stage) -> None:
    await stage.run(keywords="# 注释\n\n价钱\t看标价\n几点发货: 马上\n没有回复\n")
    rules = await stage.read(lambda tx: tx.rules.all(stage.shop))
    general = [rule for rule in rules if rule.account is None]
    assert [(r.keywords, r.reply) for r in general] == [
        (("价钱",), "看标价"),
        (("几点发货",), "马上"),
    ]


async def test_a_backup_that_a_user_downloaded_comes_over_as_well(
    stage: Stage, tmp_path: Path
) -> None:
    rows = originals.furnished()
    tables = {}
    for table in ("cookies", "keywords", "default_replies", "cookie_status"):
        columns = sorted({name for row in rows[table] for name in row})
        tables[table] = {
            "columns": columns,
            "rows": [[row.get(name) for name in columns] for row in rows[table]],
        }
    file = tmp_path / "backup.json"
    file.write_text(json.dumps({"version": "1.0", "user_id": 1, "data": tables}), encoding="utf-8")
    report = await stage.run(path=file)
    assert came(report) == {"accounts": 2, "keywords": 7, "default_replies": 1}
    file.write_text('{"data": 3}', encoding="utf-8")
    with pytest.raises(Invalid, match="不是原系统导出的备份"):
        await stage.run(path=file)
