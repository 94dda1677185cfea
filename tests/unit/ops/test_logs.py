"""What the log must never show, and what it must go on showing."""

from __future__ import annotations

import logging

import pytest
from loguru import logger

from hub.errors import Throttled, Unreachable
from hub.ops import redact, set_up_logs

VALUE = "s3cretV4lue"


@pytest.mark.parametrize(
    "line",
    [
        f"cookie2={VALUE}; x=1",
        f"unb=2200; cookie17={VALUE}",
        f"_m_h5_tk={VALUE}_1790000000000; t=1",
        f"Cookie: cna=1; t={VALUE}; tracknick={VALUE}",
        f"{{'cookie': 'cna=1; t={VALUE}'}}",
        f"'cookie2': '{VALUE}'",
        f"('sgcookie', '{VALUE}')",
        f"https://h5api.m.goofish.com/punish?x5secdata={VALUE}&x5step=1",
        f'{{"accessToken": "{VALUE}"}}',
        f'"{{\\"accessToken\\":\\"{VALUE}\\"}}"',
        f"ws://127.0.0.1:3001/?access_token={VALUE}",
        f"ws://bot:{VALUE}@127.0.0.1:3001/",
        f"YUQIAO_QQ__ACCESS_TOKEN={VALUE}",
        f"Authorization: Bearer {VALUE}",
        f"Authorization: Token {VALUE}",
        f"{{'authorization': 'Bearer {VALUE}'}}",
        f"Password={VALUE}",
        f"api-key: {VALUE}",
        f'apiKey: "{VALUE}"',
        f"yuqiao_session={VALUE}",
    ],
)
def test_a_secret_never_reaches_the_log(line: str) -> None:
    shown = redact(line)
    assert VALUE not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "line",
    [
        "xianyu 2200111122223: FAIL_SYS_TOKEN_EXOIRED::令牌过期",
        "QQ connection turned away (bot 10001): access token 不对",
        "account 1 not connected: xianyu register: token is not found",
        f"not connected: {Unreachable('xianyu', 'im token', 'Cannot connect to host')}",
        f"not connected: {Throttled('xianyu', 'a.pc.login.token', 'asked too often')}",
        "cannot listen on 0.0.0.0:8080 (Address already in use)",
        "Cookie 里没有 unb，看不出是哪个账号",
        "QQ bridge at ws://127.0.0.1:3001/ cannot be reached",
    ],
)
def test_ordinary_lines_stay_as_they_are(line: str) -> None:
    assert redact(line) == line


def test_what_libraries_warn_about_is_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("INFO")
    try:
        logging.getLogger("some.library").warning("refused: cookie2=%s", VALUE)
        logger.info("kept: {}", f"token={VALUE}")
    finally:
        logger.remove()
        logging.getLogger().handlers.clear()
    shown = capsys.readouterr().err
    assert "refused" in shown
    assert "kept" in shown
    assert VALUE not in shown
