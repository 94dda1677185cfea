"""What the log must never show, and what it must go on showing."""

from __future__ import annotations

import json
import logging
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from loguru import logger

from hub.cli import cli, main
from hub.errors import Throttled, Unreachable
from hub.ops import LogFiles, redact, set_up_logs

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
        f"backup.passphrase: {VALUE}",
        f"YUQIAO_DATABASE__KEY={VALUE}",
        f"<SimpleCookie: sgcookie='{VALUE}' t='{VALUE}'>",
        f"cookies={{'t': '{VALUE}', '_tb_token_': '{VALUE}'}}",
        f"sent xlly_s=1; t={VALUE}; tracknick={VALUE}",
        f"Incorrect API key provided: sk-{VALUE}123. You can find yours",
        f"Authorization: QQBot 1234.{VALUE}",
        f"got Bearer {VALUE}",
        f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={VALUE}",
        f"access_token%22%3A%22{VALUE}%22",
        f"{{'password': ['{VALUE}']}}",
        f"password: 'a;b {VALUE}'",
        f"http://user:pa@ss{VALUE}@host:80/",
        f"密码：{VALUE}",
        f"卡密: {VALUE}",
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
        "order 4400112233445566778 unit 1: reserved -> sending (left)",
        "account 13800138000x of buyer 2200111122223",
        "2026-11-26 12:00:00.123 took 13800138000.5 ns",
        "state code 200, error code 10001",
        "closed with code=1006",
        "bearer of bad news: no token here",
        "took=1; left=2; sent=3",
    ],
)
def test_ordinary_lines_stay_as_they_are(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "call 13812345678",
        "13812345678",
        "+86 138 1234 5678",
        "8613812345678",
        "手机138-1234-5678。",
        "验证码：345678",
        "短信验证码是 345678",
        "/绑定 345678",
        "sms_code=345678",
        "验证码为【345678】",
        "phone%22%3A%2213812345678",
    ],
)
def test_neither_does_a_mobile_number_or_a_code(line: str) -> None:
    shown = redact(line)
    assert not any(part in shown for part in ("345678", "5678"))
    assert "***" in shown


def record(**more: object) -> str:
    """One line as it is written with these settings."""
    lines: list[str] = []
    files = SimpleNamespace(write=lambda line, _at: lines.append(line))
    as_json = bool(more.pop("as_json", False))
    set_up_logs("INFO", as_json=as_json, files=files)  # type: ignore[arg-type]
    try:
        with logger.contextualize(request="A1B2C3"):
            try:
                raise ValueError(f"token={VALUE} <red>{{0}}")
            except ValueError:
                logger.bind(conversation=17).exception("said {}", "<b>{x}</b> 13812345678")
    finally:
        logger.remove()
        logging.getLogger().handlers.clear()
    (line,) = lines
    return line


def test_a_line_says_which_request_and_conversation_it_is_about() -> None:
    line = record()
    assert " request=A1B2C3 conversation=17: said <b>{x}</b> 138***\n" in line
    assert "Traceback" in line
    assert VALUE not in line


def test_lines_of_json_hold_the_same_and_no_more() -> None:
    line = record(as_json=True)
    assert line.count("\n") == 1
    fields = json.loads(line)
    assert (fields["level"], fields["request"], fields["conversation"]) == ("ERROR", "A1B2C3", 17)
    assert fields["message"] == "said <b>{x}</b> 138***"
    assert "ValueError: token=*** <red>{0}" in fields["exception"]


DAY = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def files_in(folder: Path, **more: Any) -> LogFiles:
    given = {"keep_days": 7, "zone": ZoneInfo("Asia/Shanghai"), "most_bytes": 1000, **more}
    return LogFiles(folder, **given)


def test_after_nine_days_there_is_today_and_seven_packed_days(tmp_path: Path) -> None:
    for day in range(9):
        files = files_in(tmp_path)  # restarted every day
        for hour in (0, 11):  # 12:00 and 23:00 in Shanghai
            files.write(f"day {day}\n", DAY + timedelta(days=day, hours=hour))
        files.settle()
        files.close()
    names = kept(tmp_path)
    assert names == [
        *(f"yuqiao-2026-11-0{day}.log.zip" for day in range(2, 9)),
        "yuqiao-2026-11-09.log",
    ]
    assert (tmp_path / names[-1]).read_text("utf-8") == "day 8\nday 8\n"
    with zipfile.ZipFile(tmp_path / names[0]) as packed:
        assert packed.read("yuqiao-2026-11-02.log") == b"day 1\nday 1\n"


def test_a_day_that_says_too_much_gets_more_files(tmp_path: Path) -> None:
    files = files_in(tmp_path, pack=False)
    for number in range(25):
        files.write(f"{number:02} {'x' * 96}\n", DAY)
    files.settle()
    files.close()
    assert kept(tmp_path) == [
        "yuqiao-2026-11-01.2.log",
        "yuqiao-2026-11-01.3.log",
        "yuqiao-2026-11-01.log",
    ]


def test_a_folder_that_cannot_be_written_is_told_of_once_and_stops_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "logs"
    place.write_text("no folder")
    files = files_in(place)
    for _ in range(3):
        files.write("lost\n", DAY)
    assert capsys.readouterr().err.count("log files cannot be written") == 1
    assert str(place) in files.trouble


def test_log_files_go_on_where_a_full_disk_let_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("nothing here is always full")
    clock = [0.0]
    module = sys.modules[LogFiles.__module__]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    today = tmp_path / "yuqiao-2026-11-01.log"
    today.symlink_to("/dev/full")
    files = files_in(tmp_path)
    files.write("lost\n", DAY)
    assert "No space left" in files.trouble
    today.unlink()
    files.write("too early\n", DAY)
    clock[0] = 61.0
    files.write("kept\n", DAY)
    files.settle()
    files.close()
    assert files.trouble == ""
    assert today.read_text("utf-8") == "kept\n"


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


def test_what_a_library_logs_wrongly_is_neither_lost_nor_printed_raw(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A level of its own, or values that do not fit: `logging` would print them with the stack."""
    set_up_logs("INFO")
    try:
        logging.getLogger("some.library").log(35, "of its own level")
        logging.getLogger("some.library").warning("%d things", f"token={VALUE}")
    finally:
        logger.remove()
        logging.getLogger().handlers.clear()
    shown = capsys.readouterr().err
    assert "of its own level" in shown
    assert "things" in shown
    assert VALUE not in shown


def test_a_bug_in_a_command_is_told_without_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        password = VALUE
        raise KeyError(f"token={password}")

    set_up_logs("WARNING")  # as the command line does first
    monkeypatch.setattr(cli, "main", broken)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        logger.remove()
        logging.getLogger().handlers.clear()
    shown = capsys.readouterr().err
    assert ended.value.code == 70
    assert "stopped by a bug" in shown
    assert VALUE not in shown
