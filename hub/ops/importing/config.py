"""`global_config.yml` of the original becomes lines for our settings file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from hub.errors import Invalid
from hub.ops.importing.plan import Draft
from hub.ops.importing.report import Outcome, Part
from hub.store import OriginalRow
from hub.text import imports as words

PART = Part.SETTINGS
SHIPPED_WS = "wss://wss-goofish.dingtalk.com"
SHIPPED_MTOP = "h5api.m.goofish.com"
LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
SHIPPED_PORT = 8080
LONGEST_WORD = 20
_WITHOUT_PLACE = {
    "DEFAULT_HEADERS": words.OWN_HEADERS,
    "WEBSOCKET_HEADERS": words.OWN_HEADERS,
    "ITEM_DETAIL": words.ITEMS_BY_ITSELF,
    "SLIDER_VERIFICATION": words.NO_SLIDER,
    "APP_CONFIG": words.OWN_HEADERS,
}


def read_config(written: str) -> dict[str, Any]:
    """Raises Invalid for what is no such file."""
    try:
        found = yaml.safe_load(written)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError):
        # PyYAML lets through whatever making a date or a number of a text ends with.
        raise Invalid(words.BAD_CONFIG) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Invalid(words.BAD_CONFIG)
    return {str(key): value for key, value in found.items()}


def accounts_of(config: Mapping[str, Any]) -> list[OriginalRow]:
    """Logins that stand in the file, as rows of the table."""
    found = config.get("COOKIES")
    if isinstance(found, dict):
        value = found.get("value")
        return [{"id": "default", "value": value}] if isinstance(value, str) and value else []
    rows: list[OriginalRow] = []
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and isinstance(one.get("value"), str) and one["value"]:
            rows.append({"id": str(one.get("id") or "default"), "value": one["value"]})
    return rows


def plan_settings(draft: Draft, config: Mapping[str, Any]) -> None:
    put = _Suggestions(draft)
    reply = _section(config, "AUTO_REPLY")
    if reply.get("enabled") is False:
        put("AUTO_REPLY.enabled", "replies", "enabled", False)
    _api(draft, put, _section(reply, "api"))
    default = _section(reply, "default_message") or reply.get("default_message")
    if default:
        draft.leave(PART, "AUTO_REPLY.default_message", words.DEFAULT_WAS_DEAD)
    _connection(draft, put, config)
    _tokens(draft, config)
    expire = _number(config, "MESSAGE_EXPIRE_TIME")
    if expire > 0 and expire != 300_000:
        put("MESSAGE_EXPIRE_TIME", "replies", "expire_minutes", round(expire / 60_000, 2))
    _takeover(draft, put, _section(config, "MANUAL_MODE"))
    level = str(_section(config, "LOG_CONFIG").get("level", "")).upper()
    if level in LEVELS and level != "INFO":
        put("LOG_CONFIG.level", "log", "level", level)
    for key, why in _WITHOUT_PLACE.items():
        if key in config:
            draft.leave(PART, key, why)


class _Suggestions:
    """One line each for our settings file, and one of the report."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def __call__(self, name: str, section: str, key: str, value: object) -> None:
        self._draft.report.settings.setdefault(section, {})[key] = value
        self._draft.leave(PART, name, words.setting(section, key), outcome=Outcome.SUGGESTED)


def _section(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = config.get(key)
    return found if isinstance(found, dict) else {}


def _number(config: Mapping[str, Any], key: str) -> float:
    """-1 where there is none."""
    value = config.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else -1


def _api(draft: Draft, put: _Suggestions, api: dict[str, Any]) -> None:
    port, host = api.get("port"), api.get("host")
    if isinstance(port, int) and 0 < port <= 65535 and port != SHIPPED_PORT:
        put("AUTO_REPLY.api.port", "web", "port", port)
    if isinstance(host, str) and host not in ("", "0.0.0.0"):  # noqa: S104 - compared, not bound
        put("AUTO_REPLY.api.host", "web", "host", host)
    if api.get("enabled") is True:
        local = str(api.get("url", "")).rstrip("/").endswith("/xianyu/reply")
        draft.leave(
            PART, "AUTO_REPLY.api.url", words.OWN_REPLY_ADDRESS if local else words.NO_REPLY_HOOK
        )


def _connection(draft: Draft, put: _Suggestions, config: Mapping[str, Any]) -> None:
    ws = str(config.get("WEBSOCKET_URL") or "").rstrip("/")
    if ws.isascii() and ws != SHIPPED_WS and _scheme(ws) in ("ws", "wss"):
        put("WEBSOCKET_URL", "xianyu", "ws_url", ws)
    token = str(_section(config, "API_ENDPOINTS").get("token") or "")
    if token.isascii() and _scheme(token) in ("http", "https"):
        parts = urlsplit(token)
        if parts.hostname not in (None, SHIPPED_MTOP):
            put("API_ENDPOINTS.token", "xianyu", "mtop_url", f"{parts.scheme}://{parts.netloc}")
    beat = _number(config, "HEARTBEAT_INTERVAL")
    if 0 < beat <= 60 and beat != 15:
        put("HEARTBEAT_INTERVAL", "xianyu", "heartbeat_seconds", beat)
    wait = _number(config, "HEARTBEAT_TIMEOUT")
    if 0 < wait <= 120 and wait not in (5, 15, 30):
        put("HEARTBEAT_TIMEOUT", "xianyu", "answer_seconds", wait)


def _scheme(address: str) -> str:
    """Empty for what is no address."""
    try:
        return urlsplit(address).scheme
    except ValueError:
        return ""


def _tokens(draft: Draft, config: Mapping[str, Any]) -> None:
    for key in ("TOKEN_REFRESH_INTERVAL", "TOKEN_RETRY_INTERVAL"):
        if key in config:
            draft.leave(PART, key, words.RESTARTED if config[key] == 600 else words.TOKENS)


def _takeover(draft: Draft, put: _Suggestions, manual: dict[str, Any]) -> None:
    if not manual.get("enabled"):
        return
    seconds = _number(manual, "timeout")
    if 0 <= seconds <= 86_400:
        put("MANUAL_MODE.timeout", "replies", "takeover_minutes", round(seconds / 60))
    written = manual.get("toggle_keywords")
    found = [
        str(one).strip()
        for one in (written if isinstance(written, list) else [written])
        if isinstance(one, str | int)
    ]
    toggles = [one for one in found if 0 < len(one) <= LONGEST_WORD and one.isprintable()]
    if toggles:
        put("MANUAL_MODE.toggle_keywords", "replies", "toggle_words", toggles)
