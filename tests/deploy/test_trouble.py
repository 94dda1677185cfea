"""Things that go wrong on an owner's machine: they are said, nothing is lost, and it recovers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hub.model import AccountState
from hub.text import ACCOUNT_STATES
from tests.deploy.stack import HUB, TOKEN, Stack, run, wait_for
from tests.originals import SECOND_SELLER, SELLER, VERSIONS, write_original

pytestmark = pytest.mark.timeout(600)

DISK = 80 * 1024 * 1024
LONG = "话" * 1500


@pytest.fixture
def small(image: str, tmp_path: Path) -> Iterator[Stack]:
    """An installation whose data lies on a disk of its own, which is small."""
    small = Stack.laid_out(tmp_path, "yuqiao-small", image)
    data = tmp_path / "data"
    data.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", data, cwd=tmp_path)
    try:
        small.compose("up", "--detach", "--wait", "--wait-timeout", "240")
        small.open_shop()
        yield small
    finally:
        small.remove()
        run("umount", data, cwd=tmp_path)


def test_a_full_disk_is_said_nothing_is_lost_and_it_recovers(small: Stack) -> None:
    small.converse("满之前", "在的")
    ballast = small.folder / "data" / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass
    said = [f"满了之后的第{number}句" for number in range(12)]
    for words in said:
        small.say(f"{words} {LONG}")
    wait_for("the log says it", lambda: "database or disk is full" in small.log())
    unready = {"status": "unready", "hub": "unready"}
    assert small.health() == (503, unready), "to whoever asks from outside"
    told = small.deploy("health", check=False)
    assert told.returncode == 1
    assert "磁盘满了，只剩 " in told.stdout + told.stderr
    small.compose("restart", HUB)
    ballast.unlink()
    small.wait_ready()
    for words in said:
        wait_for(f"{words} in QQ", lambda words=words: small.notices(words))
    assert [len(small.notices(words)) for words in said] == [1] * len(said)
    small.converse("满之后", "还在")


def test_a_database_of_the_original_is_set_aside_and_brought_over(
    image: str, tmp_path: Path
) -> None:
    stack = Stack.laid_out(tmp_path, "yuqiao-original", image)
    data = tmp_path / "data"
    data.mkdir()
    write_original(data / "xianyu_data.db", VERSIONS[-1])
    try:
        stack.deploy("start")
        assert (data / "xianyu_data.db.original").is_file()
        assert "账号" in (data / "xianyu_data.db.original.report.txt").read_text("utf-8")
        accounts = stack.deploy("run", "account", "list").stdout.splitlines()
        assert {line.split("\t")[2] for line in accounts} == {SELLER, SECOND_SELLER}
        assert {line.split("\t")[3] for line in accounts} == {ACCOUNT_STATES[AccountState.DISABLED]}
    finally:
        stack.remove()


def test_napcat_is_told_where_the_hub_is_and_the_token_that_it_takes(
    image: str, tmp_path: Path
) -> None:
    """Another image stands in for NapCat's, which nobody here can have."""
    stack = Stack.laid_out(tmp_path, "yuqiao-napcat", image)
    stack.set(NAPCAT_IMAGE="nginx:1.30-alpine", NAPCAT_PORT=stack.https)
    try:
        stack.deploy("with-napcat")
        seen = json.loads(stack.inside("cat", "/app/templates/yuqiao.json", service="napcat"))
        [client] = seen["network"]["websocketClients"]
        assert (client["enable"], client["token"]) == (True, TOKEN)
        stack.admin("qq/connect", {"url": client["url"], "token": client["token"]})
        stack.admin("qq/wait_online?timeout=100")
    finally:
        stack.remove()


def test_a_wrong_setting_is_named_and_nothing_starts(image: str, tmp_path: Path) -> None:
    wrong = tmp_path / "hub.yml"
    wrong.write_text("web:\n  prot: 1\n", "utf-8")
    mount = f"{wrong}:/app/config/hub.yml:ro"
    done = run(
        *("docker", "run", "--rm", "--network", "none", "--volume", mount, image),
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 78
    assert "unknown setting 'web.prot'; did you mean 'port'?" in done.stderr


@pytest.mark.parametrize("path", ["/app/hub/x.db", "/x.db", "x.db", "/etc/../usr/x.db"])
def test_no_folder_of_the_program_is_taken_for_the_one_with_the_data(
    image: str, tmp_path: Path, path: str
) -> None:
    alone = (
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        "--user",
        "0",
        "--env",
        f"DB_PATH={path}",
    )
    done = run(*alone, image, cwd=tmp_path, check=False)
    assert done.returncode == 78
    assert "不在数据的文件夹里" in done.stderr


def test_settings_that_the_hub_cannot_read_are_named_with_the_way_out(
    image: str, tmp_path: Path
) -> None:
    settings = tmp_path / "hub.yml"
    settings.write_text("web: {}\n", "utf-8")
    settings.chmod(0o600)
    mount = f"{settings}:/app/config/hub.yml:ro"
    alone = ("docker", "run", "--rm", "--network", "none", "--user", "0", "--volume", mount)
    done = run(*alone, image, cwd=tmp_path, check=False)
    assert done.returncode == 78
    assert "读不了 config/hub.yml" in done.stderr


def test_a_folder_that_the_hub_cannot_write_is_named_with_the_way_out(
    image: str, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    mount = f"{tmp_path / 'data'}:/app/data"
    done = run(
        *("docker", "run", "--rm", "--network", "none", "--volume", mount, image),
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 78
    assert "用户 10001 不能写 data" in done.stderr
    assert "chown -R 10001:10001" in done.stderr
