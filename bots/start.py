"""NoneBot's start: everything it reads from outside is kept away from it.

Its state is global, so there is one `QQ` per process at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import nonebot
from nonebot.drivers import Driver as BaseDriver
from nonebot.matcher import matchers

from bots.driver import Driver
from bots.sockets import Timing
from hub.errors import SettingsError

POISON = frozenset(
    {
        "environment",
        "driver",
        "host",
        "port",
        "log_level",
        "api_timeout",
        "superusers",
        "nickname",
        "command_start",
        "command_sep",
        "session_expire_timeout",
    }
)
"""Variables that NoneBot reads. Build machines and shells set `HOST` and `PORT` to anything."""


def start_nonebot(*, api_seconds: float, timing: Timing) -> Driver:
    """A fresh driver. Raises RuntimeError while the one before is still running."""
    _forget_previous()
    try:
        with _without_poison():
            nonebot.init(
                _env_file=(os.devnull,),
                driver="bots.driver",
                log_level="WARNING",
                api_timeout=api_seconds,
            )
    except (ValueError, OSError) as error:
        raise SettingsError(f"QQ cannot start, NoneBot refuses: {error}") from error
    driver = nonebot.get_driver()
    if not isinstance(driver, Driver):
        raise RuntimeError("somebody else has started NoneBot in this process")
    driver.timing = timing
    return driver


def _forget_previous() -> None:
    """Undo what an earlier start left in NoneBot's globals; used by tests and by a second hub.

    Private names of nonebot2 2.5, all of them here: `nonebot._driver`, `Driver._adapters` (a class
    variable: otherwise the old adapter stays bound to the old driver).
    """
    before = nonebot._driver
    if isinstance(before, Driver) and before.serving:
        raise RuntimeError("QQ runs already in this process; NoneBot allows one at a time")
    nonebot._driver = None
    BaseDriver._adapters.clear()
    matchers.clear()


@contextmanager
def _without_poison() -> Iterator[None]:
    taken = {name: text for name, text in os.environ.items() if name.lower() in POISON}
    for name in taken:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(taken)
