"""The installation as people run it: built, started, used through nginx, killed, made anew."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub import __version__
from tests.deploy.images import IMAGE, OTHER_IMAGE
from tests.deploy.stack import HUB, ROOT, Stack, run, wait_for

pytestmark = pytest.mark.timeout(600)

PAGES = ROOT / "docs" / "operations"
HUB_USER = "10001"
MOST_MEGABYTES = 200
"""Of the image, above its base."""
LIVELY = {"accounts", "comparisons", "settings", "sqlite_sequence"}
"""Tables that a hub writes to as soon as it runs: cookies are renewed, lists compared."""


def rows(database: Path) -> dict[str, set[Any]]:
    """Each row of each table; of a shop without its tickets, which see."""
    with closing(sqlite3.connect(database)) as file:
        tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = {}
        for (name,) in tables:
            columns = [row[1] for row in file.execute(f"PRAGMA table_info({name})")]
            kept = ", ".join(f'"{one}"' for one in columns if (name, one) != ("shops", "tickets"))
            found[name] = set(file.execute(f"SELECT {kept} FROM {name}"))  # noqa: S608
        return found


def tickets(database: Path) -> int:
    """How many were given out or skipped."""
    with closing(sqlite3.connect(database)) as file:
        return int(file.execute("SELECT tickets FROM shops").fetchone()[0])


def megabytes(image: str, at: Path) -> float:
    said = run("docker", "image", "inspect", "--format", "{{.Size}}", image, cwd=at).stdout
    return int(said) / 1_000_000


def test_the_image_is_lean_and_says_what_it_is(stack: Stack) -> None:
    template = "{{json .Config.Labels}} {{.Config.User}} {{.Config.StopSignal}}"
    said = run("docker", "image", "inspect", "--format", template, IMAGE, cwd=stack.folder).stdout
    assert f'"org.opencontainers.image.version":"{__version__}"' in said
    assert said.split()[-2:] == ["10001:10001", "SIGTERM"]
    base = "python:3.11-slim-bookworm"
    assert megabytes(IMAGE, stack.folder) - megabytes(base, stack.folder) < MOST_MEGABYTES


def test_nothing_is_in_the_image_that_does_not_run(stack: Stack) -> None:
    found = stack.inside(
        "sh",
        "-c",
        "command -v gcc cc make node npm chromium git curl wget;"
        " ls -d /app/tests /app/.git /app/.env /app/data/*.pem /build /var/cache/pip;"
        " find /opt/yuqiao/bin -name 'pip*';"
        " find / -xdev -perm -0002 ! -type l ! -path '/tmp*' ! -path '/proc/*' ! -path '/var/tmp'"
        " ! -path '/run/lock' ! -path '/dev/*';"
        " true",
    )
    assert found.split() == []


def test_the_hub_says_at_its_start_what_the_check_up_says(stack: Stack) -> None:
    assert "check: ✓ 数据库" in stack.log()
    assert "check: ✓ 磁盘剩余" in stack.log()


def test_the_hub_runs_as_nobody_special_on_a_file_system_that_it_cannot_change(
    stack: Stack,
) -> None:
    status = stack.inside("cat", "/proc/1/status")
    assert re.search(rf"^Uid:\t{HUB_USER}\t{HUB_USER}\t{HUB_USER}\t{HUB_USER}$", status, re.M)
    assert re.search(r"^CapEff:\t0+$", status, re.M)
    assert re.search(r"^CapPrm:\t0+$", status, re.M)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M)
    limits = stack.inside("cat", "/proc/1/limits")
    assert re.search(r"^Max core file size\s+0\s+0\s", limits, re.M)
    refused = stack.inside("sh", "-c", "touch /app/hub/x /opt/yuqiao/x 2>&1", check=False)
    assert refused.count("Read-only file system") == 2
    whose = stack.inside("find", "/app/data", "-printf", r"%U %m %f\n").splitlines()
    assert {line.split()[0] for line in whose} == {HUB_USER}
    assert [line for line in whose if "yuqiao.key" in line] == [f"{HUB_USER} 600 yuqiao.key"]


def test_what_a_person_does_inside_as_root_still_belongs_to_the_hub(stack: Stack) -> None:
    assert stack.inside("id", "-u").strip() == "0"
    stack.inside("yuqiao", "check", "--quick")
    assert stack.inside("sh", "-c", "find /app/data ! -user 10001") == ""


def test_the_limits_of_the_guide_hold(stack: Stack) -> None:
    made = stack.inspect()
    host = made["HostConfig"]
    assert host["Memory"] == 2048 * 1024 * 1024
    assert host["MemoryReservation"] == 512 * 1024 * 1024
    assert host["NanoCpus"] == 2_000_000_000
    assert host["PidsLimit"] == 256
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["CapDrop"] == ["ALL"]
    check = made["Config"]["Healthcheck"]
    seconds = {name: check[name] / 1e9 for name in ("Interval", "Timeout", "StartPeriod")}
    assert seconds == {"Interval": 30, "Timeout": 10, "StartPeriod": 40}
    assert check["Retries"] == 3


def test_a_buyer_is_answered_from_qq_through_nginx(stack: Stack) -> None:
    """The sandbox's QQ dials wss://nginx."""
    stack.converse("还有货吗", "有的，直接拍")


def test_the_admin_works_over_http2_and_hears_of_changes_at_once(stack: Stack) -> None:
    what = stack.curl("/first-run", "--output", "page.html", "--write-out", "%{http_version}")
    assert what == "2"
    page = (stack.folder / "page.html").read_text("utf-8")
    [token] = set(re.findall(r'name="csrf" value="([^"]+)"', page))
    form = {"csrf": token, "name": "老板", "password": "eight-or-more", "again": "eight-or-more"}
    fields = [
        part for name, text in form.items() for part in ("--data-urlencode", f"{name}={text}")
    ]
    secure = stack.curl("/first-run", *fields, "--dump-header", "-", "--output", "/dev/null")
    assert re.search(r"^location: /\??", secure, re.M), secure
    assert "店" in stack.curl("/", "--fail")
    jar = stack.folder / "cookies.txt"
    events = f"https://localhost:{stack.https}/events"
    with subprocess.Popen(
        ["curl", "-sN", "--cacert", "nginx/ssl/cert.pem", "--cookie", jar, events],
        cwd=stack.folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as stream:
        assert stream.stdout is not None
        lines = iter(stream.stdout.readline, "")
        assert ": hello\n" in lines
        stack.say("这句话要马上看到")
        assert next(line for line in lines if line.startswith("data: "))
        stream.terminate()


def test_nginx_lets_through_what_it_should_and_nothing_else(stack: Stack) -> None:
    told = stack.curl("/health", stranger=True)
    assert told == '{"status": "ready", "hub": "ready"}'
    assert "404" in stack.curl("/metrics")
    headers = stack.curl("/login", "--head").lower()
    for name in ("content-security-policy", "x-frame-options", "x-content-type-options"):
        assert headers.count(f"\n{name}:") == 1, headers
    assert "strict-transport-security: max-age=63072000" in headers
    assert re.search(r"^server: nginx\s*$", headers, re.M)
    moved = run("curl", "-sI", f"http://127.0.0.1:{stack.http}/orders?x=1", cwd=stack.folder).stdout
    assert "308" in moved.splitlines()[0]
    assert "https://127.0.0.1/orders?x=1" in moved
    large = stack.folder / "large.bin"
    large.write_bytes(b"\0" * 11_000_000)
    code = ("--output", "/dev/null", "--write-out", "%{http_code}")
    sent = stack.curl("/login", "--data-binary", "@large.bin", *code, check=False)
    assert sent == "413"


def test_nginx_speaks_no_old_tls(stack: Stack) -> None:
    old = ("--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    code = ("--output", "/dev/null", "--write-out", "%{http_code}")
    assert stack.curl("/health", *old, *code, check=False) == "000"
    for version in ("1.2", "1.3"):
        assert stack.curl("/health", "--tls-max", version, *code) == "200"


def test_what_the_pages_tell_people_to_look_at_can_be_looked_at(stack: Stack) -> None:
    looks = re.compile(
        r"(?:docker compose [^`\n]*(?:ps|logs|exec|reload)|docker system df"
        r"|\./docker-deploy\.sh (?:status|health|logs))\b[^`\n]*"
    )
    endless = {"--follow", "-f", "…"}
    pages = ("install", "running", "logs", "troubleshooting")
    texts = [(PAGES / f"{name}.md").read_text("utf-8") for name in pages]
    told = {one.partition(" #")[0].strip() for text in texts for one in looks.findall(text)}
    not_here = re.compile(r"napcat|original\.report")
    done = sorted(
        one for one in told if not endless & set(one.split()) and not not_here.search(one)
    )
    assert len(done) > 8
    with ThreadPoolExecutor(4) as pool:
        words = [("sh", "-c", line) for line in done]
        list(pool.map(lambda each: run(*each, cwd=stack.folder, stdin=subprocess.DEVNULL), words))


def test_the_nginx_of_somebody_else_takes_what_the_guide_tells_him(stack: Stack) -> None:
    page = (PAGES / "install.md").read_text("utf-8")
    block = page.partition("```nginx\n")[2].partition("```")[0]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path /tmp/theirs;" for kind in kinds)
    whole = f"pid /tmp/theirs.pid; events {{}} http {{ access_log off; {places}\n{block} }}"
    script = "cat >/tmp/theirs.conf && nginx -t -c /tmp/theirs.conf"
    stack.compose("exec", "-T", "nginx", "sh", "-c", script, input=whole)


def test_guessing_passwords_is_slowed_down_by_nginx(stack: Stack) -> None:
    code = ("--output", "/dev/null", "--write-out", "%{http_code}")
    answers = [stack.curl("/login", "--data", "name=x", *code) for _ in range(20)]
    assert "429" in answers
    assert stack.curl("/login", *code) in {"200", "303"}


def test_a_killed_hub_comes_back_and_goes_on(stack: Stack) -> None:
    stack.converse("杀之前", "在的")
    pid = stack.inside("sh", "-c", "cat /proc/1/task/1/children").strip()
    stack.compose("exec", "-T", "--user", HUB_USER, HUB, "sh", "-c", f"kill -9 {pid}", check=False)
    wait_for("the engine started it again", lambda: stack.inspect()["RestartCount"] == 1)
    stack.wait_ready()
    stack.converse("杀之后", "还在")
    assert stack.heard("在的") == 1


def test_nginx_finds_a_hub_that_was_made_anew(stack: Stack) -> None:
    before = stack.inspect()["Id"]
    stack.compose("up", "--detach", "--force-recreate", "--no-deps", HUB)
    stack.wait_ready()
    assert stack.inspect()["Id"] != before
    stack.converse("换了容器", "数据还在")
    assert stack.curl("/health", "--fail")


def test_a_backup_restored_on_a_fresh_machine_is_the_same_shop(
    stack: Stack, tmp_path: Path
) -> None:
    stack.set(YUQIAO_BACKUP__PASSPHRASE="open sesame, please")
    stack.deploy("start")
    made = json.loads(stack.deploy("backup", "--json").stdout)
    fresh = Stack.laid_out(tmp_path, "yuqiao-fresh", IMAGE)
    # As on Windows, where the data cannot be in the folder.
    fresh.set(YUQIAO_BACKUP__PASSPHRASE="open sesame, please", DATA_PLACE="data")
    elsewhere = tmp_path / "from-the-other-machine.zip"
    shutil.copy2(stack.folder / made["file"], elsewhere)
    with zipfile.ZipFile(elsewhere) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".db")]
        backed_up = Path(archive.extract(name, tmp_path / "unpacked"))
    before = rows(backed_up)
    try:
        fresh.compose("up", "--detach", "--wait", "--no-deps", "sandbox")
        fresh.deploy("restore", str(elsewhere))
        fresh.deploy("stop")
        place = ("docker", "volume", "inspect", "--format", "{{.Mountpoint}}", "yuqiao-fresh_data")
        volume = run(*place, cwd=fresh.folder).stdout.strip()
        assert not (fresh.folder / "data").exists()
        restored = Path(volume) / "xianyu_data.db"
        after = rows(restored)
        changed = {name for name in before if before[name] - after.get(name, set())}
        assert changed <= LIVELY
        assert tickets(restored) > tickets(backed_up)  # what was given out since is not given again
        assert "小店" in fresh.deploy("run", "account", "list").stdout
    finally:
        fresh.remove()


def test_stopping_is_clean_and_away_is_said(stack: Stack) -> None:
    stack.deploy("stop")
    assert stack.inspect()["State"]["ExitCode"] == 0
    assert "stopping" in stack.log()
    assert stack.deploy("health", check=False).returncode == 1
    stack.compose("up", "--detach", "--no-deps", "--wait", "nginx", "sandbox")
    page = stack.curl("/", "--write-out", "%{http_code}")
    assert page.endswith("503")
    assert "鱼桥正在启动" in page
    stack.deploy("start")
    stack.wait_ready()
    assert stack.deploy("health").returncode == 0


def test_the_image_with_other_mirrors_is_the_same_program(engine: None, tmp_path: Path) -> None:
    alone = ("docker", "run", "--rm", "--network", "none")
    said = run(*alone, OTHER_IMAGE, "yuqiao", "--version", cwd=tmp_path)
    assert __version__ in said.stdout
