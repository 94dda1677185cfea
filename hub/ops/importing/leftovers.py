"""Channels and settings of the original: what of them has a place here, and what has none."""

from __future__ import annotations

from typing import Any

from hub.model import is_mail_address
from hub.ops.importing import cells
from hub.ops.importing.plan import Draft
from hub.ops.importing.report import Outcome, Part
from hub.store import OriginalRow
from hub.text import imports as words

_SAME_KINDS = {"ding_talk": "dingtalk", "lark": "feishu", "wechat": "wecom"}
_KINDS = frozenset({"qq", "email", "dingtalk", "feishu", "bark", "webhook", "wecom", "telegram"})
_IMPLICIT_TLS = 465
_KEYS_OF_THE_ORIGINAL = frozenset(
    {"xianyu_qq_reply_2024", "xianyu_api_secret_2024", "zhinina_test_key"}
)
_READ = frozenset(
    {
        "users", "cookies", "cookie_status", "keywords", "default_replies",
        "default_reply_records", "item_replay", "ai_reply_settings", "ai_conversations",
        "item_info", "cards", "delivery_rules", "orders", "notification_channels",
        "message_notifications", "system_settings", "user_settings",
    }
)  # fmt: skip
_WITHOUT_USE = frozenset({"captcha_codes", "email_verifications", "ai_item_cache"})
"""Codes that ran out, and a table that nobody ever wrote."""
_OF_ITS_OWN = frozenset(
    {
        "db_version", "anonymous_user_id", "show_default_login_info", "admin_password_hash",
        "theme_color", "registration_enabled",
    }
)  # fmt: skip
_MAIL = ("smtp_server", "smtp_port", "smtp_user", "smtp_from", "smtp_use_tls", "smtp_use_ssl")


def plan_leftovers(draft: Draft) -> None:
    _system_settings(draft)
    draft.each(Part.CHANNELS, "notification_channels", lambda row: _channel(draft, row))
    bound = draft.source.count("message_notifications")
    if bound:
        draft.leave(Part.CHANNELS, words.table_named("message_notifications"), words.bound(bound))
    themes = draft.source.count("user_settings")
    if themes:
        draft.leave(Part.SETTINGS, words.table_named("user_settings"), words.NO_THEMES)
    risks = draft.source.count("risk_control_logs")
    if risks:
        draft.leave(Part.OTHER, words.table_named("risk_control_logs"), words.history_only(risks))
    for table in sorted(draft.source.tables - _READ - {"risk_control_logs"}):
        why = words.NO_USE if table in _WITHOUT_USE else words.UNKNOWN_TABLE
        draft.leave(Part.OTHER, table, why)


# --- Channels -------------------------------------------------------------------------------------


def _channel(draft: Draft, row: OriginalRow) -> None:
    kind = cells.word(row, "type").lower()
    kind = _SAME_KINDS.get(kind, kind)
    owner, written = cells.word(row, "user_id") or "1", cells.word(row, "config")
    name = f"{cells.word(row, 'name')}（{words.CHANNEL_KINDS.get(kind, kind[:20])}）"
    if written in ("", "1") or not owner.isdecimal():
        # A step of the original wrote the columns of a row into each other's places (L49).
        draft.leave(Part.CHANNELS, name, words.SPOILT_CHANNEL)
        return
    if not draft.wants(owner):
        draft.leave(Part.CHANNELS, name, words.NOT_WANTED)
        return
    if kind not in _KINDS:
        draft.leave(Part.CHANNELS, name, words.unknown_kind(kind))
        return
    config = cells.as_object(written)
    if kind == "qq":
        number = str(config.get("qq_number") or (written if not config else "")).strip()
        draft.leave(Part.CHANNELS, name, words.qq_channel(number), outcome=Outcome.SUGGESTED)
        if cells.flag(row, "enabled", True):
            draft.report.ask(words.bind_qq(number, _user(draft, owner)))
    elif kind == "email":
        _mail_channel(draft, name, config, _user(draft, owner))
    else:
        draft.leave(Part.CHANNELS, name, words.NO_SUCH_CHANNEL)


def _user(draft: Draft, owner: str) -> str:
    user = draft.users.get(owner)
    return user.name if user is not None else ""


def _mail_channel(draft: Draft, name: str, config: dict[str, Any], user: str) -> None:
    to = str(config.get("recipient_email") or "").strip()
    draft.leave(Part.CHANNELS, name, words.MAIL_CHANNEL, outcome=Outcome.SUGGESTED)
    if is_mail_address(to):
        draft.report.ask(words.mail_to(to, user))
    _suggest_mail(
        draft,
        host=str(config.get("smtp_server") or "").strip(),
        port=_port(config.get("smtp_port")),
        user=str(config.get("email_user") or "").strip(),
        sender="",
        security="",
    )


def _port(written: object) -> int:
    said = str(written or "").strip()
    return int(said) if said.isdecimal() and int(said) <= 65535 else 0


def _suggest_mail(
    draft: Draft, *, host: str, port: int, user: str, sender: str, security: str
) -> None:
    """The first server that is named; its password is left to the person."""
    if not host or "mail" in draft.report.settings:
        return
    section: dict[str, Any] = {"host": host}
    if port:
        section["port"] = port
    section["security"] = security or ("tls" if port == _IMPLICIT_TLS else "starttls")
    section |= {"user": user} if user else {}
    section |= {"sender": sender} if is_mail_address(sender) and sender != user else {}
    draft.report.settings["mail"] = section
    draft.report.ask(words.MAIL_LOGIN)


# --- Settings -------------------------------------------------------------------------------------


def _system_settings(draft: Draft) -> None:
    found: dict[str, str] = {}

    def take(row: OriginalRow) -> None:
        found[cells.word(row, "key")] = cells.text(row, "value").strip()

    draft.each(Part.SETTINGS, "system_settings", take)
    port = _port(found.get("smtp_port"))
    if found.get("smtp_server"):
        _suggest_mail(
            draft,
            host=found["smtp_server"],
            port=port,
            user=found.get("smtp_user", ""),
            sender=found.get("smtp_from", ""),
            security=_security(found, port),
        )
        draft.leave(Part.SETTINGS, "smtp_*", words.MAIL_SETTINGS, outcome=Outcome.SUGGESTED)
    key = found.get("qq_reply_secret_key", "")
    if key:
        own = key not in _KEYS_OF_THE_ORIGINAL
        draft.leave(Part.SETTINGS, "qq_reply_secret_key", words.OWN_KEY if own else words.KNOWN_KEY)
    for name in ("theme_color", "registration_enabled"):
        if name in found:
            draft.leave(Part.SETTINGS, name, words.NO_SUCH_SETTING)
    known = _OF_ITS_OWN | {*_MAIL, "smtp_password", "qq_reply_secret_key"}
    for name in sorted(found.keys() - known):
        draft.leave(Part.SETTINGS, name[:40], words.NO_SUCH_SETTING)


def _security(found: dict[str, str], port: int) -> str:
    if found.get("smtp_use_ssl", "").lower() == "true" or port == _IMPLICIT_TLS:
        return "tls"
    return "starttls" if found.get("smtp_use_tls", "true").lower() == "true" else "none"
