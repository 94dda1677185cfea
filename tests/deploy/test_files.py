"""Without an engine: files that come in pairs agree, and nothing in them is a dead letter."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from hub import __version__
from hub.settings import GUIDE_NAMES, Settings, load_settings

ROOT = Path(__file__).parents[2]
COMPOSE = ("docker-compose.yml", "docker-compose-cn.yml")
IMAGES = ("Dockerfile", "Dockerfile-cn")
CLUSTER = "docker-compose-cluster.yml"
SCRIPTS = (
    "docker-deploy.sh",
    "entrypoint.sh",
    "docker/yuqiao",
    "nginx/ssl/self-signed.sh",
)
OF_COMPOSE = {
    "COMPOSE_FILE",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROFILES",
    "COMPOSE_PROJECT_NAME",
}
"""Variables that Docker Compose itself reads."""


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def compose(name: str) -> Any:
    return yaml.safe_load(text(name))


def test_both_images_differ_in_their_mirrors_only() -> None:
    usual, other = (text(name).splitlines() for name in IMAGES)
    mirrors = re.compile(r"ARG (PIP_INDEX_URL|DEBIAN_MIRROR)=https://")
    added = [line for line in other if line not in usual]
    start = other.index(next(line for line in other if line.startswith("RUN rm -f /etc/apt")))
    sources = other[start : start + 4]
    assert [line for line in other if not mirrors.match(line) and line not in sources] == usual
    assert [line for line in added if mirrors.match(line)] == [
        "ARG PIP_INDEX_URL=https://pypi.tuna.tsinghua.edu.cn/simple",
        "ARG DEBIAN_MIRROR=https://mirrors.ustc.edu.cn/debian",
    ]
    assert "://" not in text("Dockerfile")
    assert "\n".join(sources).count("${DEBIAN_MIRROR}") == 2


def test_both_compose_files_differ_in_the_image_that_they_build_only() -> None:
    usual, other = (compose(name) for name in COMPOSE)
    assert usual["services"]["xianyu-app"].pop("build") == {
        "context": ".",
        "dockerfile": "Dockerfile",
    }
    assert other["services"]["xianyu-app"].pop("build") == {
        "context": ".",
        "dockerfile": "Dockerfile-cn",
        "args": ["DEBIAN_MIRROR", "PIP_INDEX_URL"],
    }
    assert usual == other


def test_the_second_hub_of_a_cluster_is_as_the_first() -> None:
    first = compose(COMPOSE[0])["services"]["xianyu-app"]
    cluster = compose(CLUSTER)["services"]
    second, added = cluster["xianyu-app-2"], cluster["xianyu-app"]
    assert second.pop("profiles") == cluster["postgres"]["profiles"] == ["cluster"]
    assert second.pop("depends_on") == added["depends_on"]
    for part in ("build", "ports"):
        first.pop(part)
    logs = "./logs:/app/logs"
    assert second.pop("volumes") == [
        one if one != logs else "./logs/node-2:/app/logs" for one in first.pop("volumes")
    ]
    theirs, ours = (_given(one.pop("environment")) for one in (first, second))
    more = _given(added["environment"])
    assert set(theirs) - set(ours) == {"DB_PATH"}
    assert {**theirs, **more, "YUQIAO_NODE__NAME": "node-2"} == {**ours, "DB_PATH": None}
    assert first == second


def _given(environment: list[str]) -> dict[str, str | None]:
    """Without the message that is shown for what is missing."""
    pairs = (one.partition("=") for one in environment)
    return {name: re.sub(r":\?[^}]*", ":?", value) if is_ else None for name, is_, value in pairs}


def test_the_image_has_the_version_of_the_program_and_the_health_check_of_the_guide() -> None:
    for name in IMAGES:
        assert f"ARG VERSION={__version__}\n" in text(name)
        check = "--interval=30s --timeout=10s --start-period=40s --retries=3"
        assert f"HEALTHCHECK {check} CMD" in text(name)


@pytest.mark.parametrize("name", [*COMPOSE, CLUSTER])
def test_every_variable_that_the_hub_is_given_is_one_that_it_reads(name: str) -> None:
    given = compose(name)["services"]["xianyu-app"]["environment"]
    names = [one.partition("=")[0] for one in given]
    assert len(set(names)) == len(names)
    for one in names:
        if one.startswith("YUQIAO_"):
            section, _, key = one.removeprefix("YUQIAO_").lower().partition("__")
        else:
            section, key = GUIDE_NAMES[one]
        part = getattr(Settings(), section)
        assert key in type(part).model_fields, one


def test_what_compose_sets_of_itself_is_what_the_program_takes() -> None:
    given = compose(COMPOSE[0])["services"]["xianyu-app"]["environment"]
    values = dict(one.split("=", 1) for one in given if "=" in one)
    env = {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for name, value in values.items()}
    assert load_settings(env={"YUQIAO_CONFIG": "", **env}) is not None


@pytest.mark.parametrize("name", COMPOSE)
def test_every_variable_of_the_compose_file_is_explained_in_the_sample(name: str) -> None:
    used = set(re.findall(r"\$\{(\w+)", text(name)))
    app = compose(name)["services"]["xianyu-app"]
    used |= {one for one in app["environment"] if "=" not in one}
    used |= set(re.findall(r"\$\{(\w+)", text(CLUSTER)))
    used |= set(app["build"].get("args", ()))
    explained = set(re.findall(r"^#(\w+)=", text(".env.example"), re.M))
    assert used <= explained
    if name == "docker-compose-cn.yml":
        assert explained - used == OF_COMPOSE


def test_the_sample_says_the_defaults_of_the_compose_file() -> None:
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]+)\}", text(COMPOSE[0])))
    sample = dict(re.findall(r"^#(\w+)=(.+)$", text(".env.example"), re.M))
    shown = {name for name in sample if name in defaults} - {"WEB_BIND"}
    assert shown
    for name in shown:
        assert sample[name] == defaults[name], name


def test_nginx_passes_on_whom_it_saw_and_not_what_the_visitor_claims() -> None:
    said = re.findall(r"^proxy_set_header (X-\S+) (\S+);", text("nginx/proxy.conf"), re.M)
    assert dict(said) == {
        "X-Real-IP": "$remote_addr",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Proto": "$scheme",
    }


def test_napcat_is_sent_to_the_path_where_the_hub_listens() -> None:
    service = compose(COMPOSE[0])["services"]["napcat"]
    template = text("napcat/yuqiao.json.in")
    assert '"url": "ws://xianyu-app:8080/onebot/v11/ws"' in template
    assert "./napcat/yuqiao.json:/app/templates/yuqiao.json:ro" in service["volumes"]
    assert "MODE=yuqiao" in service["environment"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_are_sh_that_parses_and_may_be_run(name: str) -> None:
    path = ROOT / name
    assert text(name).startswith("#!/bin/sh\n")
    assert b"\r" not in path.read_bytes()
    if os.name == "posix":
        assert path.stat().st_mode & stat.S_IXUSR
        subprocess.run(["sh", "-n", path], check=True)


@pytest.mark.skipif(os.name != "posix", reason="needs sh")
def test_a_setting_that_reaches_nobody_is_named(tmp_path: Path) -> None:
    engine = tmp_path / "docker"
    engine.write_text("#!/bin/sh\necho '      YUQIAO_WEB__PUBLIC_URL: x'\n", "utf-8")
    engine.chmod(0o755)
    lines = ("WEB_PORT=1", "YUQIAO_WEB__PUBLIC_URL=x", "YUQIAO_WEB__PUBLIC_UR=x", "#YUQIAO_NO=1")
    (tmp_path / ".env").write_text("\n".join(lines), "utf-8")
    said = subprocess.run(
        ["sh", "-euc", f'say() {{ echo "$*"; }}; . "{ROOT}/deploy/parts.sh"; unheeded'],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert re.findall(r"YUQIAO_\w+", said) == ["YUQIAO_WEB__PUBLIC_UR"]


def test_the_windows_script_does_what_the_other_one_does() -> None:
    script = text("docker-deploy.bat")
    end = """
"%BASH%" "%HERE:\\=/%docker-deploy.sh" %* & goto done

:done
set "RC=%ERRORLEVEL%"
"""
    assert end in script
    assert "setlocal DisableDelayedExpansion" in script.splitlines()


def test_cmd_reads_nothing_but_ascii_before_it_reads_utf_8() -> None:
    """In another code page it takes such a line for another one, and looks for labels elsewhere."""
    before, _, after = text("docker-deploy.bat").partition("chcp 65001 >nul\n")
    assert before.isascii()
    assert not after.isascii()
    assert "goto" not in after


def test_each_script_has_the_line_ends_of_its_system_however_it_was_fetched(tmp_path: Path) -> None:
    """A clone made on Linux or with autocrlf=false, and what is downloaded as an archive."""
    if not (ROOT / ".git").exists():
        pytest.skip("no repository: this is an archive itself")
    batch, *others = ("docker-deploy.bat", *SCRIPTS, "deploy/parts.sh", "deploy/update.sh")
    for settings in ((), ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")):
        archive = ("git", *settings, "archive", "--worktree-attributes", "HEAD", batch, *others)
        tar = subprocess.run(archive, cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", tmp_path], input=tar, check=True)
        assert not any(b"\r" in (tmp_path / name).read_bytes() for name in others)
        for folder in (tmp_path, ROOT):
            fetched = (folder / batch).read_bytes()
            assert 0 < fetched.count(b"\n") == fetched.count(b"\r\n") == fetched.count(b"\r")


EXPIRED, OTHER, FULL = (
    "账号 小店 需要登录：已退出",
    "账号 二店 连接中",
    "磁盘满了，只剩 3 MB：/app/data",
)
UNTOLD = "没有就绪，原因看 yuqiao check"


@pytest.mark.parametrize(
    ("options", "reasons", "code"),
    [
        ((), (), 0),
        ((), (EXPIRED,), 1),
        (("--but", f"{EXPIRED}\n"), ("账号 小店 需要登录：还是",), 0),
        (("--but", EXPIRED), (EXPIRED, OTHER), 1),
        (("--but", FULL), (FULL,), 1),
        (("--hub",), (EXPIRED, OTHER), 0),
        (("--hub",), (EXPIRED, FULL), 1),
    ],
)
def test_the_probe_lets_pass_what_it_is_told_to(
    tmp_path: Path, options: tuple[str, ...], reasons: tuple[str, ...], code: int
) -> None:
    (tmp_path / "health.token").write_text("of-this-hub", "ascii")
    assert probed(tmp_path, reasons, *options) == (list(reasons), code)


@pytest.mark.parametrize(
    ("options", "reasons", "code"),
    [
        ((), (), 0),
        ((), (EXPIRED,), 1),
        (("--hub",), (EXPIRED,), 0),
        (("--hub",), (FULL,), 1),
        (("--but", ""), (EXPIRED,), 0),
        (("--but", EXPIRED), (EXPIRED, FULL), 1),
    ],
)
def test_the_probe_that_finds_no_token_goes_by_the_verdicts(
    tmp_path: Path, options: tuple[str, ...], reasons: tuple[str, ...], code: int
) -> None:
    assert probed(tmp_path, reasons, *options) == ([UNTOLD] if reasons else [], code)


@pytest.mark.parametrize(("reason", "code"), [(EXPIRED, 0), (FULL, 1)])
def test_the_probe_that_was_told_no_reasons_before_knows_no_account_that_was_fit(
    tmp_path: Path, reason: str, code: int
) -> None:
    """The end of the line is of whoever wrote the token anew."""
    (tmp_path / "health.token").write_text("of-this-hub\n", "ascii")
    assert probed(tmp_path, (reason,), "--but", UNTOLD) == ([reason], code)


@pytest.mark.parametrize(
    ("said", "code", "steps"),
    [(UNTOLD, 4, ""), ("没有应答：refused", 3, "restored backups/a.zip\n")],
)
def test_a_version_that_answers_without_reasons_keeps_its_data(
    tmp_path: Path, said: str, code: int, steps: str
) -> None:
    constants = re.search(r"^FAILED=.+?\n\n", text("docker-deploy.sh"), re.M | re.S)
    names = re.search(r"^UNTOLD=.+$", text("docker-deploy.sh"), re.M)
    assert constants is not None
    assert names is not None
    (tmp_path / "last").write_text("backups/a.zip", "utf-8")
    script = f"""
{constants[0]}
{names[0]}
image=i previous=p failed=f UPDATED=last back=no
. "{ROOT}/deploy/update.sh"
step() {{ :; }}
docker() {{ :; }}
stop_hubs() {{ :; }}
up() {{ said='{said}'; [ $back = yes ]; }}
restore_at_rest() {{ echo "restored $1"; back=yes; }}
go_back"""
    done = subprocess.run(
        ["sh", "-euc", script], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout) == (code, steps), done.stderr


def probed(data: Path, reasons: tuple[str, ...], *options: str) -> tuple[list[str], int]:
    """What the probe says and ends with, asking a hub that tells reasons to whoever shows its
    token."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said: dict[str, object] = {
                "status": "unready" if reasons else "ready",
                "hub": "unready" if FULL in reasons else "ready",
            }
            if self.headers["Authorization"] == "Bearer of-this-hub":
                said["reasons"] = reasons
            self.send_response(503 if reasons else 200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.handle_request, daemon=True).start()
        hub = {"YUQIAO_WEB__PORT": str(server.server_port), "DB_PATH": str(data / "hub.db")}
        done = subprocess.run(
            [sys.executable, ROOT / "docker" / "yuqiao-health", *options],
            env=os.environ | hub | {"PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    return done.stdout.splitlines(), done.returncode


def test_every_command_of_the_deploy_script_is_in_its_help_and_in_the_guide() -> None:
    script = text("docker-deploy.sh")
    known = script[script.index("\ncase $command in") :]
    commands = set(re.findall(r"(?:^  |\| )([a-z][a-z-]+)(?= \||\))", known, re.M)) - {"help"}
    assert {"start", "update", "rollback", "with-nginx", "clean"} <= commands
    told = script[script.index("用法") : script.index("\nTEXT")]
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / "operations").glob("*.md"))
    for command in commands:
        assert re.search(rf"(?:^  |\| ){command}\b", told, re.M), command
        assert f"docker-deploy.sh {command}" in pages, command


def test_the_guide_tells_of_no_command_and_no_service_that_does_not_exist() -> None:
    script = text("docker-deploy.sh")
    told = script[script.index("用法") : script.index("\nTEXT")]
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / "operations").glob("*.md"))
    for command, options in re.findall(r"docker-deploy\.sh ([a-z-]+)([^`\n]*)", pages):
        assert re.search(rf"(?:^  |\| ){command}\b", told, re.M), command
        own = re.findall(r"--(?:cn|no-cache|tail|follow|data|no-pull)\b", options)
        assert all(option in told for option in own), options
    services = {*compose(COMPOSE[0])["services"], *compose(CLUSTER)["services"]}
    named = re.findall(
        r"docker compose (?:[^\n`]* )?(?:exec|logs|restart|stop)((?: [^\n`]*)?)", pages
    )
    assert len(named) > 5
    for words in named:
        plain = [word for word in words.split("#")[0].split() if not word.startswith("-")]
        assert plain == [] or plain[0] in services | {"1h"}, words


def test_nothing_but_the_program_is_sent_to_the_engine() -> None:
    lines = text(".dockerignore").splitlines()
    assert lines[1] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", text("Dockerfile"), re.M)
        for word in line.split()[:-1]
    }
    assert {word.rstrip("/") for word in copied} == allowed
    assert {"config/hub.yml", "**/__pycache__"} <= set(lines)
