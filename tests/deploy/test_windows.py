"""docker-deploy.bat, run by the cmd of Wine where this machine has one.

What Wine's cmd does otherwise than the real one is not looked at here: it takes a `%` in what a
batch file was given for a variable, and batch files for text of the console's first code page.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.stack import ROOT

pty = pytest.importorskip("pty", reason="Windows itself has no Wine")

BATCH = "docker-deploy.bat"
COMPILER = "x86_64-w64-mingw32-gcc"
MACHINE = {
    "WINEDEBUG": "-all",
    "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
}
SECONDS = 120.0
"""For one command of Wine, which takes well below one second."""
GIT = "Program Files/Git"
OWN_GIT = "users/{user}/AppData/Local/Programs/Git"


@dataclass(frozen=True, slots=True)
class Started:
    """How bash was started, and what came back from it."""

    code: int
    said: str
    bash: str
    folder: str
    arguments: Sequence[str]


@dataclass(frozen=True, slots=True)
class Windows:
    """Drive C of a Windows, and a bash that can be put somewhere on it."""

    prefix: Path
    bash: Path

    @property
    def drive(self) -> Path:
        return self.prefix / "drive_c"

    def env(self, more: Mapping[str, str]) -> dict[str, str]:
        return os.environ | MACHINE | {"WINEPREFIX": str(self.prefix)} | more

    def put_git(self, place: str) -> Path:
        """With git.exe in its cmd folder, as the installer lays it out."""
        folder = self.drive / place.format(user=self.user)
        for name in ("bin/bash.exe", "cmd/git.exe"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.bash, folder / name)
        return folder

    @property
    def user(self) -> str:
        names = {path.name for path in (self.drive / "users").iterdir()} - {"Public"}
        assert len(names) == 1
        return names.pop()

    def run(self, *words: str, cwd: Path, **more: str) -> Started:
        record = self.prefix / "record"
        record.unlink(missing_ok=True)
        done = subprocess.run(
            ["wine", "cmd", "/d", "/c", *words],
            cwd=cwd,
            env=self.env({"RECORD": f"Z:{record}".replace("/", "\\"), **more}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert record.exists(), said
        bash, folder, *arguments = record.read_text("utf-8").rstrip("\0").split("\0")
        return Started(done.returncode, said, bash, folder, arguments)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    if not (shutil.which("wine") and shutil.which(COMPILER)):
        pytest.skip(
            "NOT TESTED: no cmd has run docker-deploy.bat. "
            "It wants apt-get install wine wine64 gcc-mingw-w64-x86-64-win32"
        )
    folder = tmp_path_factory.mktemp("windows")
    bash = folder / "bash.exe"
    source = ROOT / "tests" / "deploy" / "bash_for_windows.c"
    subprocess.run([COMPILER, "-municode", "-o", bash, source], check=True)
    windows = Windows(folder / "prefix", bash)
    try:
        # As long as somebody is there, Windows need not be started anew for every command.
        with subprocess.Popen(
            ["wine", "cmd", "/d", "/q"],
            env=windows.env({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as somebody:
            assert somebody.stdin is not None
            assert somebody.stdout is not None
            assert somebody.stdout.readline()
            yield windows
            somebody.stdin.close()
    finally:
        subprocess.run(["wineserver", "-k"], env=windows.env({}), check=False)
        shutil.rmtree(windows.prefix, ignore_errors=True)


@pytest.fixture
def windows(machine: Windows) -> Iterator[Windows]:
    """With no Git."""
    yield machine
    for place in (GIT, OWN_GIT.format(user=machine.user), "tools"):
        shutil.rmtree(machine.drive / place, ignore_errors=True)


@pytest.fixture(params=["yuqiao", "鱼桥 (1) & Co!"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    place = tmp_path / request.param
    place.mkdir()
    shutil.copy2(ROOT / BATCH, place)
    return place


def as_windows_calls_it(path: Path) -> str:
    return f"Z:{path}"


@pytest.mark.parametrize(
    "words",
    [
        ("start", "with-nginx", "with-napcat"),
        ("logs", "nginx", "--tail", "50", "--follow"),
        ("restore", r"backups\备份 (1).zip", "--only", "rules,pools"),
        ("run", "import", "/app/data/x.db", "C:\\原来 的\\", "a & b", "hi!", "*", 'say "hi"'),
    ],
    ids=lambda words: words[0],
)
def test_every_word_arrives_as_it_was_written(
    windows: Windows, folder: Path, words: tuple[str, ...]
) -> None:
    windows.put_git(GIT)
    # What a person writes at the prompt: in quotes, what has more in it than letters.
    started = windows.run(BATCH, *words, cwd=folder)
    assert started.arguments == [as_windows_calls_it(folder / "docker-deploy.sh"), *words]
    assert started.code == 0
    assert "any key" not in started.said


def test_the_exit_code_comes_back(windows: Windows, folder: Path) -> None:
    windows.put_git(GIT)
    for code in (1, 4, 130):
        assert windows.run(BATCH, "health", cwd=folder, ANSWER=str(code)).code == code


def test_it_finds_its_script_from_another_folder(windows: Windows, folder: Path) -> None:
    windows.put_git(GIT)
    started = windows.run("call", f"{folder.name}\\{BATCH}", "status", cwd=folder.parent)
    assert started.arguments == [as_windows_calls_it(folder / "docker-deploy.sh"), "status"]


def test_after_a_double_click_the_window_stays(windows: Windows, folder: Path) -> None:
    windows.put_git(GIT)
    started = windows.run(BATCH, cwd=folder, ANSWER="1")
    assert started.arguments == [as_windows_calls_it(folder / "docker-deploy.sh")]
    assert "any key" in started.said
    assert started.code == 1


@pytest.mark.parametrize(
    ("place", "in_path"),
    [
        (GIT, None),
        (OWN_GIT, None),
        ("tools/Git (x86)", "cmd"),
        ("tools/工具 & 盒/Git", "mingw64/bin"),
        ("tools/Git", "bin"),
    ],
)
def test_git_is_found_where_it_is(
    windows: Windows, tmp_path: Path, place: str, in_path: str | None
) -> None:
    git = windows.put_git(place)
    more = {}
    if in_path:
        (git / in_path).mkdir(parents=True, exist_ok=True)
        shutil.copy2(windows.bash, git / in_path / "git.exe")
        more["WINEPATH"] = f"Z:{git / in_path}".replace("/", "\\")
    shutil.copy2(ROOT / BATCH, tmp_path)
    started = windows.run(BATCH, "status", cwd=tmp_path, **more)
    assert _on_this_machine(windows, started.bash) == git / "bin" / "bash.exe"


def _on_this_machine(windows: Windows, path: str) -> Path:
    drive, _, rest = path.replace("\\", "/").partition(":")
    return Path(os.path.normpath({"C": str(windows.drive), "Z": ""}[drive] + rest))


def test_git_of_scoop_is_found_by_its_shim(windows: Windows, tmp_path: Path) -> None:
    scoop = windows.drive / "tools" / "scoop"
    windows.put_git("tools/scoop/apps/git/current")
    (scoop / "shims").mkdir()
    shutil.copy2(windows.bash, scoop / "shims" / "git.exe")
    shutil.copy2(ROOT / BATCH, tmp_path)
    started = windows.run(BATCH, "status", cwd=tmp_path, WINEPATH=r"C:\tools\scoop\shims")
    assert started.bash.endswith(r"apps\git\current\bin\bash.exe")


def test_an_update_may_put_another_file_in_its_place(windows: Windows, folder: Path) -> None:
    windows.put_git(GIT)
    text = (ROOT / BATCH).read_bytes()
    newer = folder / "newer.bat"
    # Whoever goes on at the place where the old one was gets lost here.
    lost = b"goto past\r\n" + b"exit /b 55\r\n" * 120 + b":past\r\n"
    newer.write_bytes(text.replace(b"setlocal", lost + b"setlocal", 1))
    more = {"UPDATE": "newer.bat", "BATCH": BATCH, "ANSWER": "3"}
    started = windows.run(BATCH, "update", cwd=folder, **more)
    assert (folder / BATCH).read_bytes() == newer.read_bytes()
    assert started.code == 3


def test_without_git_it_says_so_and_gives_the_console_back_as_it_was(
    windows: Windows, folder: Path
) -> None:
    """In a console, as only there the code page is one that can be changed."""
    outer = folder / "outer.bat"
    lines = ("@echo off", "chcp 936", f"cmd /d /c {BATCH} start", "echo code %ERRORLEVEL%", "chcp")
    outer.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    said = _at_a_console(["wine", "cmd", "/d", "/c", "outer.bat"], folder, windows.env({}))
    assert "git-scm.com" in said
    assert "code 1" in said
    assert said.count("Active code page: 936") == 2
    # Wine reads the batch file as if it were of code page 437, whatever the console's is.
    assert "请从".encode().decode("cp437") in said


def _at_a_console(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> str:
    """All that it said; a key is pressed when it asks for one."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ):
        os.close(theirs)
        said = b""
        asked = False
        while part := _read(ours):
            said += part
            if not asked and b"any key" in said:
                asked = True
                os.write(ours, b"x")
    os.close(ours)
    return said.decode("utf-8", "replace")


def _read(terminal: int) -> bytes:
    assert select.select([terminal], [], [], SECONDS)[0], "it hangs"
    try:
        return os.read(terminal, 65536)
    except OSError:  # everybody at the other end is gone
        return b""
