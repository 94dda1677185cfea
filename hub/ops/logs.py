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
    r"_m_h5_tk(?:_enc)?|cookie\d+|sgcookie|_tb_token_|unb|csg|havana_lgc\w*|x5sec\w*|yuqiao_session"
    r"|[\w-]*(?:token|api[_-]?key|passw(?:or)?d|passphrase|secret|authorization)"
)
_SECRETS = re.compile(
    rf"(?P<name>(?<![A-Za-z0-9])(?:{_NAMES})"
    # `name=`, `name: `, `"name": "`, `'name', '`, with quotes escaped or not
    r"(?:[\\\"']*\s*[=:]|[\\\"']+\s*,)\s*[\\\"']*(?:(?:Bearer|Token|Basic)\s+)?)"
    r"(?P<value>[^\s;,\\\"'&}]+)",
    re.IGNORECASE,
)
_COOKIE_LINE = re.compile(
    r"(?P<name>cookies?[\\\"']*\s*[=:]\s*[\\\"']*)(?=[^\s=;,:]+=)[^\n\\\"']*", re.IGNORECASE
)
_CODE = re.compile(
    r"(?P<name>(?:验证码|绑定码|校验码|/绑定|\b\w*(?:sms|verify|binding)[_ -]?code)"
    r"[\\\"'：:=，,\s是为]*)\d{4,8}(?!\d)",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?P<name>(?<![A-Za-z0-9_.])(?:\+?86[ -]?)?1[3-9]\d)[ -]?\d{4}[ -]?\d{4}"
    r"(?![A-Za-z0-9_]|\.\d)"
)
_URL_PASSWORD = re.compile(r"(?P<name>://[^/\s:@]*:)[^/\s@]+(?=@)")


def redact(line: str) -> str:
    """The line with the values of known secrets, codes and mobile numbers replaced by stars."""
    for known in (_COOKIE_LINE, _SECRETS, _URL_PASSWORD, _CODE, _PHONE):
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
        logger.opt(exception=record.exc_info).log(record.levelname, record.getMessage())


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
