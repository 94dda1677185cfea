"""An installation as an owner has it: a folder with the program, and what its scripts start."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HUB = "xianyu-app"
TOKEN = "a-token-of-these-tests"
OWNER_QQ = "10002"
SELLER, BUYER = "2200111122223", "3100444455556"
SECONDS = 120.0
"""Deadline of every wait; nothing takes nearly as long."""
_WORKER = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
_PORTS = itertools.count(30_000 + 300 * _WORKER)
SETTINGS = """
xianyu:
  ws_url: ws://sandbox:9000
  mtop_url: http://sandbox:9000
  passport_url: http://sandbox:9000
  upload_url: http://sandbox:9000
  token_spacing_seconds: 0
  renewal_spacing_minutes: 0
  send_spacing_seconds: 0
  answer_seconds: 5
  breaker_minutes: 0
  compare_minutes: 0.1
  reconnect_most_seconds: 1
replies:
  debounce_seconds: 0
"""


def run(
    *command: str | Path, cwd: Path, check: bool = True, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Text in, text out. A failure shows what was said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
        **more,
    )
    if check and done.returncode:
        said = f"{done.stdout}\n{done.stderr}"
        raise AssertionError(f"{' '.join(map(str, command))} -> {done.returncode}\n{said}")
    return done


def wait_for(what: str, met: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Look until it is so; what looking found."""
    end = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.2)
    return found


def free_ports(count: int) -> Sequence[int]:
    """Below those that the system gives to outgoing connections; each test process has its own."""
    ports: list[int] = []
    while len(ports) < count:
        port = next(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            ports.append(port)
    return ports


@dataclass(frozen=True, slots=True)
class Stack:
    folder: Path
    web: int
    http: int
    https: int
    sandbox: int
    user: int = 0
    """Who runs the scripts."""

    @classmethod
    def laid_out(
        cls,
        folder: Path,
        project: str,
        image: str,
        *,
        file: str = "docker-compose.yml",
        nginx: bool = False,
        user: int = 0,
    ) -> Stack:
        """What a clone brings, and an .env. With nginx QQ comes in that way, over TLS."""
        listed = run("git", "ls-files", "-z", cwd=ROOT).stdout.split("\0")
        for name in filter(None, listed):
            if not name.startswith("tests/"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        shutil.copy2(ROOT / "tests" / "deploy" / "sandbox.yml", folder)
        (folder / "config" / "hub.yml").write_text(SETTINGS, "utf-8")
        stack = cls(folder, *free_ports(4), user)
        stack.set(
            COMPOSE_FILE=f"{file}:sandbox.yml",
            COMPOSE_PROJECT_NAME=project,
            HUB_IMAGE=image,
            WEB_PORT=stack.web,
            HTTP_PORT=stack.http,
            HTTPS_PORT=stack.https,
            SANDBOX_PORT=stack.sandbox,
            YUQIAO_QQ__ACCESS_TOKEN=TOKEN,
            COMPOSE_PROFILES="with-nginx" if nginx else "",
            QQ_DIALS="wss://nginx:8443" if nginx else "ws://xianyu-app:8080",
        )
        run("sh", "nginx/ssl/self-signed.sh", "localhost", "127.0.0.1", "nginx", cwd=folder)
        if user:
            plugins = Path(os.environ["DOCKER_CONFIG"]) / "cli-plugins"
            (folder / ".docker").mkdir()
            (folder / ".docker" / "cli-plugins").symlink_to(plugins)
            run("chown", "-Rh", f"{user}:{user}", folder, cwd=folder)
        return stack

    def set(self, **values: Any) -> None:
        with (self.folder / ".env").open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())

    def deploy(self, *words: str, check: bool = True, **more: Any) -> Any:
        """What an owner does: ./docker-deploy.sh WORDS."""
        command = ("./docker-deploy.sh", *words)
        return run(*command, cwd=self.folder, check=check, **self.as_owner(), **more)

    def as_owner(self) -> dict[str, Any]:
        """For starting a process as whom the folder belongs to."""
        if not self.user:
            return {}
        env = os.environ | {"DOCKER_CONFIG": str(self.folder / ".docker")}
        return {"user": self.user, "group": self.user, "extra_groups": (), "env": env}

    def compose(self, *words: str, check: bool = True, **more: Any) -> Any:
        return run("docker", "compose", *words, cwd=self.folder, check=check, **more)

    def inside(self, *command: str, service: str = HUB, check: bool = True) -> str:
        done = self.compose("exec", "-T", service, *command, check=check)
        return str(done.stdout)

    def container(self, service: str = HUB) -> str:
        return str(self.compose("ps", "--all", "--quiet", service).stdout.strip())

    def inspect(self, service: str = HUB) -> Any:
        return json.loads(
            run("docker", "inspect", self.container(service), cwd=self.folder).stdout
        )[0]

    def log(self, service: str = HUB) -> str:
        return str(self.compose("logs", "--no-log-prefix", service).stdout)

    # --- doors ---

    def curl(self, path: str, *options: str, check: bool = True, stranger: bool = False) -> str:
        """Through nginx, over TLS that is checked, with the cookies of one browser; as a `stranger`
        with none."""
        jar = "/dev/null" if stranger else self.folder / "cookies.txt"
        return run(
            *("curl", "--silent", "--show-error", "--max-time", "60"),
            *("--cacert", "nginx/ssl/cert.pem", "--cookie", jar, "--cookie-jar", jar),
            *options,
            f"https://localhost:{self.https}{path}",
            cwd=self.folder,
            check=check,
        ).stdout

    def health(self, path: str = "/health") -> tuple[int, Any]:
        """Of the hub itself, as strangers are told. 0: nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, None

    def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The sandbox's admin door."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.sandbox}/admin/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - ours
            return json.load(answer)

    # --- people ---

    def open_shop(self) -> None:
        """An owner who is known in QQ, and an account that is online."""
        self.deploy("run", "member", "add", "--name", "店主", "--role", "owner", "--qq", OWNER_QQ)
        cookies = self.admin(f"sellers/{SELLER}/cookies")["cookies"]
        self.deploy(
            *("run", "account", "add", "--name", "小店", "--cookies-file", "-"), input=cookies
        )
        self.wait_ready()

    def wait_ready(self) -> None:
        wait_for("the hub is ready", lambda: self.health()[0] == 200)
        self.admin("qq/wait_online?timeout=100")

    def say(self, text: str) -> None:
        self.admin("say", {"seller": SELLER, "buyer": BUYER, "text": text})

    def notices(self, part: str) -> list[Any]:
        """What the owner read in QQ and holds these words."""
        lines = self.admin("qq/chat?scene=private")
        return [one for one in lines if one["sender"] != OWNER_QQ and part in one["text"]]

    def converse(self, question: str, answer: str) -> None:
        """The buyer asks, the owner quotes the notice, the buyer reads the answer, each once."""
        assert self.heard(answer) == 0, "or it would be heard before it is said"
        self.say(question)
        [notice] = wait_for(f"{question} in QQ", lambda: self.notices(question))
        self.admin("qq/say", {"text": answer, "quote": notice["id"]})
        wait_for(f"{answer} on the buyer's phone", lambda: self.heard(answer))
        assert len(self.notices(question)) == 1
        assert self.heard(answer) == 1

    def heard(self, text: str) -> int:
        """How often the buyer's phone shows it."""
        found = [
            message
            for one in self.admin("state")["conversations"]
            for message in self.admin(f"conversations/{one['conversation']}")["messages"]
            if message["text"] == text
        ]
        return len(found)

    def remove(self) -> None:
        self.compose("down", "--volumes", "--timeout", "3", check=False)
