"""Databases as xianyu-auto-reply left them, of each version of its schema, with the known damage.

Only what sellers have on their disks is imitated: names of tables and columns, what was missing in
older versions, and what its own faults did to rows (L46, L47, L49, L50).
"""

# ruff: noqa: S608 - names of tables are constants of this file

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from PIL import Image

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
SELLER, SECOND_SELLER = "2201000000011", "2201000000022"
ITEM, SECOND_ITEM, THIRD_ITEM = "900100200300", "900100200301", "900100200302"
CHAT, TOLD_CHAT = "47600001111", "47600002222"
BUYER = "3100444455556"
PICTURE_ADDRESS = "https://img.alicdn.com/x.png"
ORDER = "4400112233445566778"
COOKIE_SECRET, API_SECRET, AI_SECRET = "c00kie-very-secret", "supplier-key-77", "sk-ai-secret-88"
SMTP_SECRET, TOKEN_SECRET = "smtp-secret-99", "bot-token-55"
CODES = ("KEY-AAAA-0001", "KEY-AAAA-0002", "KEY-AAAA-0003")
SECRETS = (
    COOKIE_SECRET,
    API_SECRET,
    AI_SECRET,
    SMTP_SECRET,
    TOKEN_SECRET,
    *CODES,
    hashlib.sha256(b"old-password-1").hexdigest(),
)

_TABLES: dict[str, str] = {
    "users": "id INTEGER PRIMARY KEY, username TEXT, email TEXT, password_hash TEXT,"
    " is_active BOOLEAN, created_at TIMESTAMP, updated_at TIMESTAMP",
    "cookies": "id TEXT PRIMARY KEY, value TEXT NOT NULL, user_id INTEGER, auto_confirm INTEGER,"
    " remark TEXT, pause_duration INTEGER, created_at TIMESTAMP",
    "cookie_status": "cookie_id TEXT PRIMARY KEY, enabled BOOLEAN, updated_at TIMESTAMP",
    "keywords": "cookie_id TEXT, keyword TEXT, reply TEXT, item_id TEXT, type TEXT, image_url TEXT",
    "default_replies": "cookie_id TEXT PRIMARY KEY, enabled BOOLEAN, reply_content TEXT,"
    " reply_once BOOLEAN, created_at TIMESTAMP",
    "default_reply_records": "id INTEGER PRIMARY KEY, cookie_id TEXT, chat_id TEXT,"
    " replied_at TIMESTAMP",
    "item_replay": "item_id TEXT, cookie_id TEXT, reply_content TEXT, created_at TIMESTAMP,"
    " updated_at TIMESTAMP",
    "ai_reply_settings": "cookie_id TEXT PRIMARY KEY, ai_enabled BOOLEAN, model_name TEXT,"
    " api_key TEXT, base_url TEXT, max_discount_percent INTEGER, max_discount_amount INTEGER,"
    " max_bargain_rounds INTEGER, custom_prompts TEXT, created_at TIMESTAMP",
    "ai_conversations": "id INTEGER PRIMARY KEY, cookie_id TEXT, chat_id TEXT, user_id TEXT,"
    " item_id TEXT, role TEXT, content TEXT, intent TEXT, bargain_count INTEGER,"
    " created_at TIMESTAMP",
    "ai_item_cache": "item_id TEXT, title TEXT",
    "item_info": "id INTEGER PRIMARY KEY, cookie_id TEXT, item_id TEXT, item_title TEXT,"
    " item_description TEXT, item_category TEXT, item_price TEXT, item_detail TEXT,"
    " is_multi_spec BOOLEAN, created_at TIMESTAMP, updated_at TIMESTAMP,"
    " multi_quantity_delivery BOOLEAN",
    "cards": "id INTEGER PRIMARY KEY, name TEXT, type TEXT, api_config TEXT, text_content TEXT,"
    " data_content TEXT, image_url TEXT, description TEXT, enabled BOOLEAN,"
    " delay_seconds INTEGER, is_multi_spec BOOLEAN, spec_name TEXT, spec_value TEXT,"
    " user_id INTEGER, created_at TIMESTAMP",
    "delivery_rules": "id INTEGER PRIMARY KEY, keyword TEXT, card_id INTEGER,"
    " delivery_count INTEGER, enabled BOOLEAN, description TEXT, delivery_times INTEGER,"
    " created_at TIMESTAMP, user_id INTEGER",
    "orders": "order_id TEXT PRIMARY KEY, item_id TEXT, buyer_id TEXT, spec_name TEXT,"
    " spec_value TEXT, quantity TEXT, amount TEXT, order_status TEXT, cookie_id TEXT,"
    " created_at TIMESTAMP, updated_at TIMESTAMP",
    "notification_channels": "id INTEGER PRIMARY KEY, name TEXT, type TEXT, config TEXT,"
    " enabled BOOLEAN, user_id INTEGER, created_at TIMESTAMP",
    "message_notifications": "id INTEGER PRIMARY KEY, cookie_id TEXT, channel_id INTEGER,"
    " enabled BOOLEAN",
    "system_settings": "key TEXT PRIMARY KEY, value TEXT, description TEXT",
    "user_settings": "id INTEGER PRIMARY KEY, user_id INTEGER, key TEXT, value TEXT",
    "captcha_codes": "id INTEGER PRIMARY KEY, code TEXT, expires_at REAL",
    "email_verifications": "id INTEGER PRIMARY KEY, email TEXT, code TEXT, expires_at REAL,"
    " type TEXT",
    "risk_control_logs": "id INTEGER PRIMARY KEY, cookie_id TEXT, event TEXT",
}
_SINCE: dict[str, dict[str, tuple[str, ...]]] = {
    "1.1": {"delivery_rules": ("user_id",), "cards": ("user_id",)},
    "1.2": {
        "keywords": ("item_id", "type", "image_url"),
        "cookies": ("auto_confirm",),
        "cards": ("image_url",),
    },
    "1.3": {
        "cookies": ("remark", "pause_duration"),
        "cards": ("delay_seconds", "is_multi_spec", "spec_name", "spec_value"),
        "default_replies": ("reply_once",),
        "item_info": ("is_multi_spec",),
    },
    "1.4": {"item_info": ("multi_quantity_delivery",), "email_verifications": ("type",)},
}
"""Columns that came with a version; whole tables are in all of them here."""

Rows = dict[str, list[Mapping[str, object]]]
NOW = "2025-10-20 08:30:00"


def cookies(seller: str) -> str:
    return f"unb={seller}; cookie2={COOKIE_SECRET}; _m_h5_tk=abc_1"


def hashed(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def furnished() -> Rows:
    """One shop as a seller may have it after a year, with a second user who sees other accounts."""
    supplier = {
        "url": "https://cards.example.com/get",
        "method": "POST",
        "timeout": 20,
        "headers": json.dumps({"X-Key": API_SECRET}),
        "params": json.dumps({"order": "{order_id}", "n": 1}),
    }
    return {
        "users": [
            _user(1, "admin", "admin@example.com", "old-password-1"),
            _user(2, "xiaoli", "xiaoli@example.com", "admin123"),
        ],
        "cookies": [
            {
                "id": "shop1",
                "value": cookies(SELLER),
                "user_id": 1,
                "auto_confirm": 1,
                "remark": "数码小店",
                "pause_duration": 0,
            },
            {
                "id": "other",
                "value": cookies(SECOND_SELLER),
                "user_id": 2,
                "auto_confirm": 0,
                "remark": "",
                "pause_duration": 10,
            },
            {"id": "dead", "value": "nothing=here", "user_id": 1},
        ],
        "cookie_status": [{"cookie_id": "other", "enabled": 0}],
        "keywords": _keywords(),
        "default_replies": [
            {
                "cookie_id": "shop1",
                "enabled": 1,
                "reply_content": "你好 {send_user_name}，稍等",
                "reply_once": 1,
            },
            {"cookie_id": "other", "enabled": 0, "reply_content": ""},
            {"cookie_id": "deleted", "enabled": 1, "reply_content": "孤儿"},
        ],
        "default_reply_records": [
            {"id": 1, "cookie_id": "shop1", "chat_id": TOLD_CHAT, "replied_at": NOW},
            {"id": 2, "cookie_id": "deleted", "chat_id": TOLD_CHAT, "replied_at": NOW},
        ],
        "item_replay": [
            _item_reply("旧的", "2025-01-01 00:00:00"),
            _item_reply("商品 {item_id} 有货", "2025-06-01 00:00:00"),
        ],
        "ai_reply_settings": [
            {
                "cookie_id": "shop1",
                "ai_enabled": 1,
                "model_name": "qwen-plus",
                "api_key": AI_SECRET,
                "base_url": "https://dashscope.aliyuncs.com/compatible-mode/v1",
                "max_discount_percent": 10,
                "max_discount_amount": 5,
                "max_bargain_rounds": 3,
                "custom_prompts": json.dumps({"classify": "x", "default": "语气亲切"}),
            },
            {
                "cookie_id": "other",
                "ai_enabled": 0,
                "model_name": "custom",
                "api_key": AI_SECRET,
                "max_discount_percent": 0,
                "max_discount_amount": 0,
            },
        ],
        "ai_conversations": [
            _said(1, CHAT, "user", "能便宜吗"),
            _said(2, CHAT, "assistant", "最低 90"),
            _said(3, "test_1", "user", "测试"),
        ],
        "item_info": [
            _item(1, ITEM, "会员月卡 自动发货", "¥12.00"),
            _item(2, SECOND_ITEM, "会员年卡 官方", "1.2万"),
            _item(3, THIRD_ITEM, "月卡加年卡 套餐", "10-20"),
            _item(4, "auto_1761", "编出来的", ""),
        ],
        "cards": [
            _card(1, "月卡卡密", "data", data_content=f"{CODES[0]}\n\n{CODES[1]}\n{CODES[0]}\n"),
            _card(2, "年卡卡密", "data", data_content=f"{CODES[1]}\n{CODES[2]}\n"),
            _card(3, "网盘", "text", text_content="链接 {link} 提取码 1234", delay_seconds=9999),
            _card(4, "供货", "api", api_config=json.dumps(supplier)),
            _card(5, "二维码", "image", image_url="static/uploads/images/qr.png"),
            _card(6, "__test_image_constraint__", "image", image_url="x"),
            _card(7, "小李的卡", "text", text_content="别人的", user_id=2),
        ],
        "delivery_rules": [
            _rule(1, "月卡", 1),
            _rule(2, "年卡", 2),
            _rule(3, "月卡", 7),
            _rule(4, "网盘", 99),
        ],
        "orders": [
            _order(ORDER, "shop1", "processed"),
            _order("4400112233445566779", "shop1", "processing"),
            _order("4400112233445566780", "deleted", "unknown"),
        ],
        "notification_channels": [
            _channel(1, "我的QQ", "qq", json.dumps({"qq_number": "123456789"})),
            _channel(2, "邮箱", "email", json.dumps(_MAIL)),
            _channel(3, "钉钉群", "ding_talk", json.dumps({"webhook_url": TOKEN_SECRET})),
            # L49: what a step of the original made of a row.
            {"id": 4, "name": "坏的", "type": "qq", "config": "1", "user_id": "dingtalk"},
        ],
        "message_notifications": [
            {"id": 1, "cookie_id": "shop1", "channel_id": 1, "enabled": 1},
        ],
        "system_settings": [
            {"key": "theme_color", "value": "blue"},
            {"key": "smtp_server", "value": "smtp.example.com"},
            {"key": "smtp_port", "value": "465"},
            {"key": "smtp_user", "value": "shop@example.com"},
            {"key": "smtp_password", "value": SMTP_SECRET},
            {"key": "qq_reply_secret_key", "value": "xianyu_qq_reply_2024"},
        ],
        "user_settings": [{"id": 1, "user_id": 1, "key": "theme_color", "value": "red"}],
        "captcha_codes": [{"id": 1, "code": "ab12", "expires_at": 1760000000.5}],
        "risk_control_logs": [{"id": 1, "cookie_id": "shop1", "event": "slider"}],
    }


_MAIL = {
    "smtp_server": "smtp.qq.com",
    "smtp_port": "465",
    "email_user": "me@qq.com",
    "email_password": SMTP_SECRET,
    "recipient_email": "boss@example.com",
}


def picture_keyword(address: str, keyword: str = "图床") -> dict[str, object]:
    return {
        "cookie_id": "shop1",
        "keyword": keyword,
        "reply": "",
        "type": "image",
        "image_url": address,
    }


def _user(id_: int, name: str, email: str, password: str) -> dict[str, object]:
    return {
        "id": id_,
        "username": name,
        "email": email,
        "password_hash": hashed(password),
        "is_active": 1,
        "created_at": "2025-01-01 00:00:00",
    }


def _keywords() -> list[Mapping[str, object]]:
    def one(keyword: str, reply: str, **more: object) -> dict[str, object]:
        return {"cookie_id": "shop1", "keyword": keyword, "reply": reply, **more}

    return [
        one("在吗", "在的，{send_user_name}"),
        one("在", "第二条不会先答"),
        one("价格", "这件 12 元", item_id=f"{ITEM}.0"),
        one("nan", "nan"),
        one("滚", ""),
        one("代码", "填 {code} 就行"),
        one("二维码", "", type="image", image_url="static/uploads/images/qr.png"),
        one("说明书", "", type="image", image_url="static/uploads/images/gone.png"),
        {"cookie_id": "deleted", "keyword": "孤儿", "reply": "没有账号"},
    ]


def _item_reply(reply: str, at: str) -> dict[str, object]:
    return {"item_id": ITEM, "cookie_id": "shop1", "reply_content": reply, "updated_at": at}


def _said(id_: int, chat: str, role: str, content: str) -> dict[str, object]:
    return {
        "id": id_,
        "cookie_id": "shop1",
        "chat_id": chat,
        "user_id": BUYER,
        "item_id": ITEM,
        "role": role,
        "content": content,
        "created_at": NOW,
    }


def _item(id_: int, item: str, title: str, price: str) -> dict[str, object]:
    return {
        "id": id_,
        "cookie_id": "shop1",
        "item_id": item,
        "item_title": title,
        "item_price": price,
        "item_detail": json.dumps({"desc": f"{title}，拍下就发"}),
        "is_multi_spec": 0,
        "multi_quantity_delivery": 1,
    }


def _card(id_: int, name: str, type_: str, **more: object) -> dict[str, object]:
    return {"id": id_, "name": name, "type": type_, "enabled": 1, "user_id": 1, **more}


def _rule(id_: int, keyword: str, card: int) -> dict[str, object]:
    return {
        "id": id_,
        "keyword": keyword,
        "card_id": card,
        "delivery_count": 1,
        "enabled": 1,
        "user_id": 1,
    }


def _order(number: str, account: str, status: str) -> dict[str, object]:
    return {
        "order_id": number,
        "item_id": ITEM,
        "buyer_id": BUYER,
        "spec_name": "",
        "spec_value": "",
        "quantity": "2",
        "amount": "24.00",
        "order_status": status,
        "cookie_id": account,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _channel(id_: int, name: str, type_: str, config: str) -> dict[str, object]:
    return {"id": id_, "name": name, "type": type_, "config": config, "enabled": 1, "user_id": 1}


def write_original(
    path: Path, version: str = "1.4", rows: Rows | None = None, *, wal: bool = False
) -> Path:
    """A database of that version; what its columns cannot hold is not in it. `wal`: with a log
    beside it that holds everything, as a program that was killed leaves it."""
    rows = furnished() if rows is None else rows
    missing = {
        (table, column)
        for since, tables in _SINCE.items()
        if since > version
        for table, columns in tables.items()
        for column in columns
    }
    with closing(sqlite3.connect(path)) as connection:
        for table, columns in _TABLES.items():
            kept = [one for one in _columns(columns) if (table, one.split()[0]) not in missing]
            connection.execute(f"CREATE TABLE {table} ({', '.join(kept)})")
        if wal:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
        settings = [{"key": "db_version", "value": version}]
        for table in _TABLES:
            more = settings if table == "system_settings" else []
            _insert(connection, table, [*rows.get(table, []), *more], missing)
        connection.commit()
        if wal:
            _kill(path)
    return path


def _columns(written: str) -> list[str]:
    return [one.strip() for one in written.split(",")]


def _insert(
    connection: sqlite3.Connection,
    table: str,
    rows: Iterable[Mapping[str, object]],
    missing: set[tuple[str, str]],
) -> None:
    for row in rows:
        if row.get("type") == "image" and (table, "image_url") in missing:
            continue  # there were none before there was a place for them
        given = {name: cell for name, cell in row.items() if (table, name) not in missing}
        names, marks = ", ".join(given), ", ".join("?" * len(given))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*given.values()])


def _kill(path: Path) -> None:
    """Keep the files as they are now: closing would work the log into the database."""
    kept = {one: one.read_bytes() for one in (path, path.with_name(f"{path.name}-wal"))}
    for one, content in kept.items():
        one.with_name(f"{one.name}.kept").write_bytes(content)


def left_by_a_killed_program(path: Path) -> Path:
    """A database whose rows are all still in the log beside it."""
    write_original(path, wal=True)
    for name in (path.name, f"{path.name}-wal"):
        path.with_name(f"{name}.kept").replace(path.with_name(name))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return path


def write_pictures(folder: Path) -> Path:
    """The original's folder of pictures, with one in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qr.png").write_bytes(picture("red"))
    return folder


def picture(colour: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (30, 30), colour).save(made, "PNG")
    return made.getvalue()
