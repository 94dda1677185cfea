"""Log lines to standard error: few, dated, and never with a secret in them."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

from loguru import logger

if TYPE_CHECKING:
    from loguru import Record

FORMAT = "{time:YYYY-MM-DD HH:mm:ss.SSS} {level: <7} {name}: {message}\n{exception}"
HIDDEN = "***"

_NAMES = (
    r"_m_h5_tk(?:_enc)?|cookie\d+|sgcookie|_tb_token_|unb|csg|havana_lgc\w*|x5sec\w*|yuqiao_session"
    r"|[\w-]*(?:token|api[_-]?key|passw(?:or)?d|secret|authorization)"
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
_URL_PASSWORD = re.compile(r"(?P<name>://[^/\s:@]*:)[^/\s@]+(?=@)")


def redact(line: str) -> str:
    """The line with the values of known secrets replaced by stars."""
    for known in (_COOKIE_LINE, _SECRETS, _URL_PASSWORD):
        line = known.sub(lambda match: match["name"] + HIDDEN, line)
    return line


def _write(message: str) -> None:
    sys.stderr.write(redact(message))


class _ToLoguru(logging.Handler):
    """Libraries log through `logging`; their warnings end in the same place."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.opt(exception=record.exc_info).log(record.levelname, record.getMessage())


def _format(record: Record) -> str:
    return FORMAT


def set_up_logs(level: str) -> None:
    """One sink on standard error; `diagnose` stays off, it would print values of variables."""
    logger.remove()
    logger.add(_write, level=level, format=_format, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.WARNING, force=True)
