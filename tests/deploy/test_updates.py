"""Updates that work, and updates that do not."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.stack import Stack, run

pytestmark = pytest.mark.timeout(600)

ORDINARY = 1000
NEVER_FIT = "raise SystemExit('this version is broken')\n"
NEVER_LISTENS = """

async def serve(settings: Settings, *_: object) -> None:
    async with open_store(settings.database.path, key=settings.database.key, now=utc_now):
        raise SystemExit("this version is broken, and has migrated before")
"""
MIGRATION = '''
"""A change of the schema that the version before cannot read."""

from alembic import op

revision = "r9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE a_new_one (id INTEGER PRIMARY KEY)")
'''


@pytest.fixture(scope="module")
def shop(image: str) -> Iterator[Stack]:
    """A shop of its own, because it is changed for good. It belongs to somebody who may use Docker
    and is not root."""
    folder = Path(tempfile.mkdtemp(prefix="yuqiao shop "))
    shop = Stack.laid_out(folder, "yuqiao-shop", "yuqiao-shop:latest", user=ORDINARY)
    run("docker", "tag", image, "yuqiao-shop:latest", cwd=folder)
    try:
        shop.deploy("start")
        shop.compose("up", "--detach", "--wait", "sandbox")
        shop.open_shop()
        shop.converse("更新之前", "在的")
        yield shop
    finally:
        shop.remove()
        shutil.rmtree(folder)


def version(shop: Stack) -> str:
    return str(shop.health("/health/live")[1]["version"])


def give_version(shop: Stack, number: str) -> None:
    """The next version lies in the folder, as after `git pull`."""
    file = shop.folder / "hub" / "__init__.py"
    lines = file.read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("__version__")]
    file.write_text("\n".join([*kept, f'__version__ = "{number}"', ""]), "utf-8")


def test_an_update_keeps_everything_makes_a_backup_first_and_can_be_taken_back(shop: Stack) -> None:
    before = version(shop)
    give_version(shop, "7.0.0")
    said = shop.deploy("update").stdout
    assert version(shop) == "7.0.0"
    assert list((shop.folder / "backups").glob("yuqiao-*.zip")), said
    shop.deploy("rollback")
    assert version(shop) == before
    shop.deploy("rollback")
    assert version(shop) == "7.0.0"
    shop.wait_ready()
    shop.converse("更新之后", "还在")
    assert shop.heard("在的") == 1


def test_a_version_that_does_not_run_is_taken_back_and_the_data_stays(shop: Stack) -> None:
    before = version(shop)
    give_version(shop, "7.0.1")
    broken = shop.folder / "hub" / "app.py"
    good = broken.read_text("utf-8")
    broken.write_text(good + NEVER_FIT, "utf-8")
    done = shop.deploy("update", check=False)
    broken.write_text(good, "utf-8")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "已退回旧版本；数据没有变" in done.stderr
    assert version(shop) == before
    shop.wait_ready()
    shop.converse("失败之后", "照常")


def test_a_version_that_changed_the_schema_and_fails_is_taken_back_with_its_data(
    shop: Stack,
) -> None:
    before = version(shop)
    shop.converse("失败之前", "记着这句")
    give_version(shop, "8.0.0")
    steps = shop.folder / "hub" / "store" / "migrations" / "versions"
    newest = sorted(steps.glob("r*.py"))[-1].read_text("utf-8")
    head = newest.partition('\nrevision = "')[2].partition('"')[0]
    (steps / "r9999_new.py").write_text(MIGRATION.replace("{head}", head), "utf-8")
    serving = shop.folder / "hub" / "app.py"
    good = serving.read_text("utf-8")
    serving.write_text(good + NEVER_LISTENS, "utf-8")
    done = shop.deploy("update", check=False)
    serving.write_text(good, "utf-8")
    (steps / "r9999_new.py").unlink()
    assert done.returncode == 3, done.stdout + done.stderr
    assert "已退回旧版本和更新前的数据" in done.stderr, done.stdout + done.stderr
    assert version(shop) == before
    shop.wait_ready()
    shop.converse("退回之后", "都还在")
    assert shop.heard("记着这句") == 1


def test_an_update_that_is_interrupted_leaves_the_version_before_running(shop: Stack) -> None:
    before = version(shop)
    give_version(shop, "9.0.0")
    with subprocess.Popen(
        ["./docker-deploy.sh", "update"],
        cwd=shop.folder,
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
        **shop.as_owner(),
    ) as update:
        assert update.stdout is not None
        lines = iter(update.stdout.readline, "")
        assert any(line.startswith("== 4/5") for line in lines)
        os.killpg(update.pid, signal.SIGHUP)
        update.stdout.read()
    assert update.returncode != 0
    assert version(shop) == before
    assert not (shop.folder / ".at-work").exists()
    shop.wait_ready()
    shop.converse("断开之后", "还是照常")


def test_a_second_folder_of_the_same_name_takes_nothing_away(shop: Stack, tmp_path: Path) -> None:
    running = shop.inspect()["Id"]
    other = Stack.laid_out(tmp_path, "yuqiao-shop", "yuqiao-shop:latest")
    done = other.deploy("start", check=False)
    assert done.returncode == 1
    assert re.search("COMPOSE_PROJECT_NAME", done.stderr)
    assert shop.inspect()["Id"] == running
