"""Log lines to standard error: few, dated, and never with a secret in them (L64)."""

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

_SECRETS = re.compile(
    r"(?P<name>\b(?:_m_h5_tk(?:_enc)?|cookie2|sgcookie|_tb_token_|unb|csg|havana_lgc2_77|x5sec"
    r"|x5secdata|XSRF-TOKEN|access_?[Tt]oken|refresh_?[Tt]oken|api_?key|password|token"
    r"|[Aa]uthorization)\b[\"']?\s*[=:]\s*[\"']?(?:Bearer )?)(?P<value>[^\s;,\"'&}]+)"
)


def redact(line: str) -> str:
    """The line with the values of known secrets replaced by stars."""
    return _SECRETS.sub(lambda match: match["name"] + HIDDEN, line)


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
