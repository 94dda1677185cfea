"""Log lines to standard error and to files: few, dated, never with a secret in them."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from loguru import logger

from hub.ops.log_files import MEGABYTE, LogFiles
from hub.settings import Settings

if TYPE_CHECKING:
    from loguru import Message, Record

HIDDEN = "***"
IDS = ("request", "account", "conversation", "task")
"""What `logger.contextualize` may be given, in the order in which it stands in a line."""

_NAMES = (
    r"_m_h5_tk(?:_enc)?|mh5\w*|cookie\d+|sgcookie|_tb_token_|unb|csg|havana_lgc\w*|_hvn_lgc\w*"
    r"|x5sec\w*|tfstk|isg|cna|tracknick|yuqiao_session|csrf|pwd|pass(?==)|(?<=[?&])(?:key|t|sign)"
    r"|[\w-]{0,40}(?:token|api[_-]?key|passw(?:or)?d|passphrase|secret|authorization)"
    r"|[\w-]{0,40}(?:(?:app|private|access)[._-]?|database[._]+)key"
)
_QUOTE = r"(?:[\\\"']|%22|%27|%5C)"
_SECRETS = re.compile(
    rf"(?P<name>(?<![A-Za-z0-9])(?:{_NAMES})"
    # `name=`, `name: `, `"name": "`, `'name', '`, `--name `, with quotes escaped or encoded or not
    rf"(?:{_QUOTE}*\s*(?:[=:]|%3D|%3A)|{_QUOTE}+\s*,)\s*[\[(]?{_QUOTE}*"
    r"(?:(?:Bearer|Token|Basic|QQBot)\s+)?)"
    r"(?P<value>(?<=[\"'])[^\\\"'\n]+|[^\s;,\\\"'&}]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<name>\b(?:Bearer|QQBot)\s+|--pass\w+[ =])[\w.~+/=-]{8,}", re.IGNORECASE)
_KEYS = re.compile(r"(?P<name>\bsk-|\bgAAAAA)[\w*=-]{8,}")
"""Of models' services, and what our own key sealed: services repeat in errors what they got."""
_IN_WORDS = re.compile(
    r"(?P<name>(?:密码|口令|令牌|授权码|密钥|卡密)[\\\"']*\s*[:：=是为]+\s*[\\\"'「【]*)[^\s，。；、,;\"'」】]+"
)
_COOKIE_LINE = re.compile(
    r"(?P<name>cookies?[\\\"']*\s*[=:]\s*[\\\"']*)(?=[^\s=;,:]+=)[^\n\\\"']*", re.IGNORECASE
)
_COOKIE_JAR = re.compile(
    r"(?P<name><(?:SimpleCookie|Morsel)\b:?|\bcookies?[\\\"']*\s*[=:]\s*\{)[^}>\n]*", re.IGNORECASE
)
_COOKIES = re.compile(
    r"(?P<name>)(?<![\w;=-])(?=[\w.-]+=)(?=[^\n]{0,400}?\b(?:cookie2|unb|_tb_token_|_m_h5_tk|tracknick|cna|xlly_s)=)"
    r"(?:[\w.-]+=[^;\s]*;[ ]?)+[\w.-]+=[^;\s\"'\\]*"
)
"""Several of them in a row, whatever stands before."""
_CODE = re.compile(
    r"(?P<name>(?:验证码|绑定码|校验码|动态码|/绑定|\b\w*(?:sms|verify|binding)[_ -]?code)"
    r"[\\\"'：:=，,【\[（(\s是为]*)\d{4,8}(?!\d)",
    re.IGNORECASE,
)
_SIX_DIGITS = re.compile(
    r"(?P<name>\bcode[\\\"']*\s*(?:[=:]|is)\s*[\\\"']*)\d{6}(?!\d)", re.IGNORECASE
)
_PHONE = re.compile(
    r"(?P<name>(?:(?<![A-Za-z0-9_.])|(?<=%2B)|(?<=%3D)|(?<=%22))"
    r"(?:\+?86[ -]?)?1[3-9]\d)[ -]?\d{4}[ -]?\d{4}(?![A-Za-z0-9_]|\.\d)"
)
_URL_PASSWORD = re.compile(r"(?P<name>://[^/\s:@]*:)[^/\s]+(?=@)")
_KNOWN = (
    _COOKIE_JAR,
    _COOKIE_LINE,
    _COOKIES,
    _SECRETS,
    _BEARER,
    _KEYS,
    _IN_WORDS,
    _URL_PASSWORD,
    _CODE,
    _SIX_DIGITS,
    _PHONE,
)


def redact(line: str) -> str:
    """The line with the values of known secrets, codes and mobile numbers replaced by stars."""
    for known in _KNOWN:
        line = known.sub(lambda match: match["name"] + HIDDEN, line)
    return line


class _Lines:
    """Makes a line of a record, without secrets, and hands it to those who keep it."""

    def __init__(
        self, *keep: Callable[[str, datetime], None], as_json: bool, zone: ZoneInfo | None
    ) -> None:
        self._keep = keep
        self._as_json = as_json
        self._zone = zone

    def __call__(self, message: Message) -> None:
        record = message.record
        at = datetime.fromtimestamp(record["time"].timestamp(), self._zone).astimezone(self._zone)
        line = (_json if self._as_json else _plain)(record, at, str(message))
        for keep in self._keep:
            keep(line, at)


def _plain(record: Record, at: datetime, exception: str) -> str:
    about = "".join(f" {name}={value}" for name, value in _ids(record).items())
    when = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"
    head = f"{when} {record['level'].name: <7} {record['name']}"
    return redact(f"{head}{about}: {record['message']}\n{exception}")


def _json(record: Record, at: datetime, exception: str) -> str:
    fields = {
        "time": at.isoformat(),
        "level": record["level"].name,
        "name": record["name"],
        **_ids(record),
        "message": redact(record["message"]),
    }
    if exception:
        fields["exception"] = redact(exception)
    return json.dumps(fields, ensure_ascii=False, default=str) + "\n"


def _ids(record: Record) -> dict[str, object]:
    """Which request, account, conversation and task it is about: those that are known."""
    extra = record["extra"]
    return {name: extra[name] for name in IDS if extra.get(name) is not None}


def _to_stderr(line: str, _at: datetime) -> None:
    sys.stderr.write(line)


class _ToLoguru(logging.Handler):
    """Libraries log through `logging`; their warnings end in the same place."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # their mistake: `logging` would print it all
            message = str(record.msg)
        known = record.levelname in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        level = record.levelname if known else record.levelno
        logger.opt(exception=record.exc_info).log(level, message)


def _format(record: Record) -> str:
    return "{exception}"  # the rest is made by us: names and ids may hold what looks like markup


def set_up_logs(
    level: str,
    *,
    as_json: bool = False,
    files: LogFiles | None = None,
    zone: ZoneInfo | None = None,
) -> None:
    """Lines to standard error, and to `files`, dated in `zone` or the machine's own; `diagnose`
    stays off, it would print values of variables."""
    logger.remove()
    keep = (_to_stderr,) if files is None else (_to_stderr, files.write)
    lines = _Lines(*keep, as_json=as_json, zone=zone)
    logger.add(lines, level=level, format=_format, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.WARNING, force=True)


def log_files(settings: Settings) -> LogFiles | None:
    """As the settings say; None: no files."""
    log = settings.log
    if not log.files:
        return None
    return LogFiles(
        settings.log_folder,
        keep_days=log.keep_days,
        zone=ZoneInfo(settings.text.timezone),
        most_bytes=log.most_megabytes * MEGABYTE,
        pack=log.pack,
    )
