"""docker-deploy.sh on Windows: run by a bash that is told so, with a docker that writes down."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.stack import ROOT

bash = shutil.which("bash")
pytestmark = pytest.mark.skipif(os.name != "posix" or not bash, reason="NOT TESTED: no bash")

TOOL = """#!/bin/sh
{ printf '%s' "$(basename "$0") $MSYS_NO_PATHCONV"; printf ' <%s>' "$@"; echo; } >>"$RECORD"
case "$*" in
  'compose config --images '*) echo yuqiao:latest ;;
  'compose config --services') echo xianyu-app ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation that was never started, with a docker that agrees to everything."""
    place = tmp_path / "鱼桥 (1)"
    (place / "backups").mkdir(parents=True)
    shutil.copy2(ROOT / "docker-deploy.sh", place)
    shutil.copytree(ROOT / "deploy", place / "deploy")
    (place / "backups" / "yuqiao-1.zip").touch()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("docker", "winpty"):
        (tools / name).write_text(TOOL)
        (tools / name).chmod(0o755)
    return place


def deploy(folder: Path, *words: str, **more: str) -> tuple[int, str, list[str]]:
    """Exit code, what was said, what docker was told."""
    assert bash is not None
    record = folder.parent / "record"
    record.unlink(missing_ok=True)
    path = f"{folder.parent / 'tools'}:{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", folder / "docker-deploy.sh", *words],
        env={"PATH": path, "RECORD": str(record), "OS": "Windows_NT", **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    told = record.read_text("utf-8").splitlines() if record.exists() else []
    return done.returncode, done.stdout + done.stderr, told


def test_the_database_of_a_first_start_is_on_a_disk_that_it_can_lock(folder: Path) -> None:
    code, said, told = deploy(folder, "start")
    assert (code, (folder / ".env").read_text()) == (0, "DATA_PLACE=data\n"), said
    assert any("<up>" in line for line in told)
    assert all(line.startswith("docker 1 ") for line in told), "paths would be changed"


def test_macos_is_no_better(folder: Path) -> None:
    uname = folder.parent / "tools" / "uname"
    uname.write_text("#!/bin/sh\necho Darwin\n")
    uname.chmod(0o755)
    assert deploy(folder, "start", OS="")[0] == 0
    assert (folder / ".env").read_text() == "DATA_PLACE=data\n"


def test_elsewhere_nothing_of_this_happens(folder: Path) -> None:
    code, said, told = deploy(folder, "start", OS="")
    assert code == 0, said
    assert not (folder / ".env").exists()
    assert all(line.startswith("docker  ") for line in told)


def test_what_the_owner_wrote_stays_and_a_database_that_is_not_used_is_named(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "xianyu_data.db").touch()
    assert "data/xianyu_data.db 不会用到" in deploy(folder, "start")[1]
    (folder / ".env").write_text("DATA_PLACE=./data\r\n", newline="")
    assert "不会用到" not in deploy(folder, "start")[1]
    assert (folder / ".env").read_bytes() == b"DATA_PLACE=./data\r\n"


@pytest.mark.parametrize(
    "file", [r"backups\yuqiao-1.zip", "backups/yuqiao-1.zip", r".\backups\yuqiao-1.zip"]
)
def test_a_backup_may_be_named_as_windows_names_it(folder: Path, file: str) -> None:
    code, said, told = deploy(folder, "restore", file, "--only", "rules")
    assert code == 0, said
    restores = [line for line in told if "<restore>" in line]
    assert [line.partition("<yuqiao> ")[2] for line in restores] == [
        "<restore> <backups/yuqiao-1.zip> <--only> <rules> <--yes>"
    ]
    assert not any(".part" in line for line in told), "it was there already"


def test_a_cluster_is_refused_before_anything_is_changed(folder: Path) -> None:
    code, said, _ = deploy(folder, "with-cluster")
    assert code == 1
    assert "with-cluster 要在 Linux 上用" in said
    assert "POSTGRES_PASSWORD" not in (folder / ".env").read_text()


@pytest.mark.parametrize(("window", "first"), [("mintty", "winpty"), ("", "docker")])
def test_a_person_at_the_window_of_git_bash_has_a_terminal(
    folder: Path, window: str, first: str
) -> None:
    told = deploy(folder, "shell", TERM_PROGRAM=window)[2]
    assert told[-1].startswith(f"{first} 1 ")
    assert told[-1].endswith("<exec> <--user> <10001:10001> <xianyu-app> <sh>")
