"""Two hubs that share a database: one is killed, and the other answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.images import POSTGRES
from tests.deploy.stack import HUB, Stack, run, wait_for

pytestmark = pytest.mark.timeout(600)

MADE_ANEW = "yuqiao-cluster:latest"
HUBS = (HUB, f"{HUB}-2")
ASK = """
import urllib.request as u
shown = {"Authorization": "Bearer " + open("/app/data/health.token").read()}
print(u.urlopen(u.Request("http://127.0.0.1:8080/health", headers=shown)).read().decode())
"""


@pytest.fixture(scope="module")
def cluster(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("cluster")
    # By a name of its own: an update builds it anew, and users of the other one must not notice.
    run("docker", "tag", image, MADE_ANEW, cwd=folder)
    stack = Stack.laid_out(folder, "yuqiao-cluster", MADE_ANEW, nginx=True)
    stack.set(POSTGRES_IMAGE=POSTGRES)
    try:
        stack.deploy("with-cluster")
        stack.open_shop()
        # A hub without accounts is ready at once.
        wait_for("a hub has the account", lambda: holder_of(stack))
        yield stack
    finally:
        stack.remove()


def holds(stack: Stack, hub: str) -> Any:
    """The accounts that this hub has; nothing while it is not ready."""
    said = stack.inside("python", "-c", ASK, service=hub, check=False)
    return json.loads(said)["accounts"] if said else []


def holder_of(stack: Stack) -> str | None:
    return next((hub for hub in HUBS if holds(stack, hub)), None)


def test_when_one_hub_is_killed_the_other_answers(cluster: Stack) -> None:
    cluster.converse("两个都在", "在的")
    holder = holder_of(cluster)
    assert holder is not None
    [other] = set(HUBS) - {holder}
    cluster.compose("kill", holder)
    wait_for("the other hub has it", lambda: holds(cluster, other))
    cluster.admin("qq/wait_online?timeout=100")
    cluster.converse("少了一个", "还在")
    assert holds(cluster, other) == ["小店"]
    assert cluster.curl("/health", "--fail") == '{"status": "ready", "hub": "ready"}'
    assert cluster.deploy("health", check=False).returncode == 1
    cluster.deploy("start")
    assert cluster.deploy("health").returncode == 0
    cluster.admin("qq/wait_online?timeout=100")
    cluster.converse("又有两个", "照常")
    assert cluster.heard("在的") == 1


def test_both_are_updated_and_restored_as_one(cluster: Stack) -> None:
    cluster.deploy("update", "--no-pull")
    [made] = (cluster.folder / "backups").glob("yuqiao-*.zip")
    cluster.admin("qq/wait_online?timeout=100")
    cluster.converse("更新之后", "在呢")
    cluster.deploy("restore", f"backups/{made.name}")
    wait_for("a hub has the account", lambda: holder_of(cluster))
    cluster.admin("qq/wait_online?timeout=100")
    cluster.converse("恢复之后", "都还在")
