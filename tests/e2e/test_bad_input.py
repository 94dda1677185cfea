"""What people get wrong: one clear line that says what to mend, and nothing half done."""

from __future__ import annotations

import os
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.programs import run

GOOD = "unb=2200111122223; cookie2=abc; sgcookie=def; _tb_token_=ghi; t=1; cna=2"


def yuqiao(folder: Path, *words: str, given: str = "", **settings: str) -> tuple[int, str]:
    """Run the command line as a person would; returns exit code and everything it printed."""
    environment = {
        "YUQIAO_DATABASE__PATH": str(folder / "hub.db"),
        "YUQIAO_WEB__HOST": "127.0.0.1",
    }
    environment |= {f"YUQIAO_{name}": value for name, value in settings.items()}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("YUQIAO_")}
    done = run(*words, env={**kept, **environment}, given=given.encode(), plain=True)
    return done.code, (done.out + done.err).strip()


def one_line(said: str) -> str:
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1, said
    return said


@pytest.mark.parametrize(
    ("cookies", "part"),
    [
        ("", "空"),
        ("this is not a cookie", "Cookie"),
        (GOOD.replace("unb=2200111122223; ", ""), "unb"),
        ("unb=2200111122223", "cookie2"),
    ],
)
def test_a_wrong_cookie_string_is_refused_and_nothing_is_added(
    tmp_path: Path, cookies: str, part: str
) -> None:
    words = ("account", "add", "--name", "小店", "--cookies-file", "-")
    code, said = yuqiao(tmp_path, *words, given=cookies)
    assert code == 1
    assert part in one_line(said)
    assert yuqiao(tmp_path, "account", "list") == (0, "")


def test_a_cookie_string_is_never_echoed(tmp_path: Path) -> None:
    words = ("account", "add", "--name", "小店", "--cookies-file", "-")
    code, said = yuqiao(tmp_path, *words, given=GOOD.replace("unb", "nobody"))
    assert code == 1
    assert "abc" not in said
    assert "def" not in said


def test_a_cookie_file_that_is_missing_is_named(tmp_path: Path) -> None:
    code, said = yuqiao(
        tmp_path, "account", "add", "--name", "小店", "--cookies-file", str(tmp_path / "none.txt")
    )
    assert code == 2
    assert "none.txt" in said


def test_a_cookie_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "cookie.txt"
    file.write_bytes(GOOD.encode() + b"\xff\xfe")
    code, said = yuqiao(tmp_path, "account", "add", "--name", "小店", "--cookies-file", str(file))
    assert code == 1
    assert "cookie.txt 不是 UTF-8" in one_line(said)


def test_a_cookie_file_saved_by_the_windows_notepad_is_read(tmp_path: Path) -> None:
    file = tmp_path / "cookie.txt"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n")
    code, said = yuqiao(tmp_path, "account", "add", "--name", "小店", "--cookies-file", str(file))
    assert code == 0, said


def test_a_good_cookie_string_adds_an_account_once(tmp_path: Path) -> None:
    words = ("account", "add", "--name", "小店", "--cookies-file", "-")
    assert yuqiao(tmp_path, *words, given=GOOD)[0] == 0
    assert "2200111122223" in yuqiao(tmp_path, "account", "list")[1]

    code, said = yuqiao(tmp_path, *(w if w != "小店" else "又一个" for w in words), given=GOOD)
    assert code == 1
    assert "已经添加过" in one_line(said)


def test_a_proxy_is_set_and_removed_without_the_web_and_its_password_never_shown(
    tmp_path: Path,
) -> None:
    proxy = "socks5://me:SECRET@10.0.0.1:1080"
    add = ("account", "add", "--name", "小店", "--cookies-file", "-", "--proxy")
    code, said = yuqiao(tmp_path, *add, "10.0.0.1:SECRET", given=GOOD)
    assert (code, "SECRET" in said) == (1, False)
    assert "代理地址看不懂" in one_line(said)
    assert yuqiao(tmp_path, *add, proxy, given=GOOD)[0] == 0

    change = ("account", "proxy", "小店")
    assert yuqiao(tmp_path, *change, "none") == (0, "account 小店 leaves directly")
    through = "account 小店 leaves through socks5://***@10.0.0.1:1080"
    assert yuqiao(tmp_path, *change, "-", given=f"{proxy}\n") == (0, through)
    code, said = yuqiao(tmp_path, *change, "-")
    assert code == 1
    assert "标准输入里没有代理地址" in one_line(said)
    code, said = yuqiao(tmp_path, "account", "proxy", "大店", proxy)
    assert code == 1
    assert "大店" in one_line(said)


def test_a_member_can_be_added_without_the_web(tmp_path: Path) -> None:
    words = ("member", "add", "--name", "店主", "--role", "owner", "--qq", "123456789")
    assert yuqiao(tmp_path, *words)[0] == 0
    assert "123456789" in yuqiao(tmp_path, "member", "list")[1]
    code, said = yuqiao(tmp_path, "member", "add", "--name", "乙", "--role", "agent", "--qq", "12")
    assert code == 1
    assert "QQ 号" in one_line(said)


def test_a_forgotten_password_can_be_set_anew_without_the_web(tmp_path: Path) -> None:
    yuqiao(tmp_path, "member", "add", "--name", "店主", "--role", "owner")
    words = ("member", "password", "--name", "店主", "--password")
    code, said = yuqiao(tmp_path, *words, "correct horse")
    assert code == 0, said
    assert "correct horse" not in said
    code, said = yuqiao(tmp_path, *words, "short")
    assert code == 1
    assert "至少 8 位" in one_line(said)
    code, said = yuqiao(tmp_path, "member", "password", "--name", "小王", "--password", "x" * 8)
    assert code == 1
    assert "小王" in one_line(said)


@pytest.mark.parametrize("command", ["serve", "check"])
def test_an_unknown_setting_is_named(tmp_path: Path, command: str) -> None:
    config = tmp_path / "hub.yml"
    config.write_text("web:\n  prot: 9000\n")
    code, said = yuqiao(tmp_path, "--config", str(config), command)
    assert code == 78
    assert "web.prot" in one_line(said)
    assert "'port'" in said
    assert not (tmp_path / "hub.db").exists()


def test_an_unknown_variable_is_named(tmp_path: Path) -> None:
    code, said = yuqiao(tmp_path, "check", WEB__PROT="9000")
    assert code == 78
    assert "web.prot" in one_line(said)


def test_settings_that_are_no_yaml_are_told(tmp_path: Path) -> None:
    config = tmp_path / "hub.yml"
    config.write_text("web: [unclosed")
    code, said = yuqiao(tmp_path, "--config", str(config), "check")
    assert code == 78
    assert "hub.yml" in said
    assert "Traceback" not in said


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = yuqiao(tmp_path, "serve", WEB__PORT=str(port))
    assert code == 78
    assert str(port) in one_line(said)
    assert "another program uses the port" in said
    assert "WEB_PORT" in said


def test_an_address_that_is_not_this_machines_is_told_apart_from_a_port_in_use(
    tmp_path: Path,
) -> None:
    code, said = yuqiao(tmp_path, "serve", WEB__HOST="192.0.2.1", WEB__PORT="0")
    assert code == 78
    assert "192.0.2.1" in one_line(said)
    assert "web.host" in said
    assert "another program" not in said


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has nothing that is no file")
def test_a_place_that_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hub.db")
    code, said = yuqiao(tmp_path, "serve")
    assert code == 78
    assert "is no file" in one_line(said)
    assert not (tmp_path / "yuqiao.key").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    code, said = yuqiao(tmp_path, "serve", DATABASE__PATH=str(in_the_way / "hub.db"))
    assert code == 78
    assert str(in_the_way) in one_line(said)
    assert in_the_way.read_text() == "not a folder"


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    wrong = tmp_path / "hub.db"
    wrong.write_bytes(b"this is a text file, honestly" * 200)
    code, said = yuqiao(tmp_path, "serve")
    assert code == 78
    assert "hub.db" in one_line(said)
    assert wrong.read_bytes() == b"this is a text file, honestly" * 200


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    wrong = tmp_path / "hub.db"
    with sqlite3.connect(wrong) as other:
        other.execute("CREATE TABLE notes (id TEXT PRIMARY KEY, value TEXT)")
        other.execute("INSERT INTO notes VALUES ('a', 'b')")
    other.close()
    before = wrong.read_bytes()
    code, said = yuqiao(tmp_path, "serve")
    assert code == 78
    assert "hub.db" in one_line(said)
    assert wrong.read_bytes() == before


def test_a_quick_check_finds_nothing_wrong_with_the_defaults(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = str(closed.getsockname()[1])
        code, said = yuqiao(tmp_path, "check", "--quick", WEB__PORT=port)
    assert code == 0
    assert all(line.startswith("✓") for line in said.splitlines())
    assert f"没有在运行（端口 {port} " in said


def test_a_check_of_a_database_that_cannot_be_opened_says_why_and_goes_on(tmp_path: Path) -> None:
    """Whoever calls for a check-up does it because something is wrong."""
    assert yuqiao(tmp_path, "account", "list")[0] == 0
    (tmp_path / "yuqiao.key").unlink()
    code, said = yuqiao(tmp_path, "check", "--quick")
    lines = said.splitlines()
    assert code == 1
    assert [line[0] for line in lines] == ["✓", "✗", "✓"]
    assert "打不开" in lines[1]
    assert "key file" in lines[1]
    assert "磁盘" in lines[2]


def test_a_check_names_what_cannot_be_reached_and_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
        code, said = yuqiao(
            tmp_path,
            "check",
            XIANYU__WS_URL=f"ws://{nobody}",
            XIANYU__MTOP_URL=f"http://{nobody}",
            XIANYU__PASSPORT_URL=f"http://{nobody}",
            XIANYU__UPLOAD_URL=f"http://{nobody}",
        )
    assert code == 1
    red = [line for line in said.splitlines() if line.startswith("✗")]
    assert len(red) == 4
    assert all("检查网络" in line for line in red)
