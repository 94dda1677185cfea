"""What the parts promise, the hub as it is wired keeps."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub.app import Hub, open_hub
from hub.cluster import Cluster
from hub.model import AccountState
from hub.ops import health
from hub.sandbox.world import DEMO_SELLER
from hub.settings import DatabaseSettings, QQSettings, Settings, WebSettings
from tests.e2e.stage import open_stage

OFTEN = 0.002
"""Minutes between two looks at a login."""
PROBE = Path(__file__).parents[2] / "docker" / "yuqiao-health"
FORGED = ({}, {"Host": "127.0.0.1"}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Real-IP": "::1"})


async def told(hub: Hub, **headers: str) -> Any:
    url = f"http://127.0.0.1:{hub.port}/health"
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as response:
        return await response.json()


async def test_health_names_nobody_to_whoever_only_comes_from_this_machine(tmp_path: Path) -> None:
    """As everything does that comes through a tunnel of TCP (frp, ssh -R, socat)."""
    settings = Settings(
        web=WebSettings(host="127.0.0.1", port=0),
        database=DatabaseSettings(path=tmp_path / "hub.db"),
        qq=QQSettings(enabled=False),
    )
    async with open_hub(settings) as hub:
        founded = await hub.desk.members.found_shop(name="店主", password="a long password", qq=[])
        token = (tmp_path / "health.token").read_text("ascii")
        for forged in FORGED:
            assert await told(hub, **forged) == {"status": "ready", "hub": "ready"}
        for shown in (
            {"Authorization": f"Bearer {token}"},
            {"Cookie": f"yuqiao_session={founded.token}"},
        ):
            assert (await told(hub, **shown))["reasons"] == []


async def probed(hub: Hub, data: Path, *options: str) -> tuple[str, int | None]:
    """What the probe of the container says and ends with, if it looks for the token there."""
    own = {"YUQIAO_WEB__PORT": str(hub.port), "DB_PATH": str(data / "hub.db"), "PYTHONUTF8": "1"}
    probe = await asyncio.create_subprocess_exec(
        sys.executable, PROBE, *options, env=os.environ | own, stdout=PIPE
    )
    said, _ = await probe.communicate()
    return said.decode().strip(), probe.returncode


async def test_the_probe_that_finds_no_token_knows_the_hub_from_an_account_that_needs_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    async with open_stage(
        tmp_path, qq_online=False, login_codes=False, keep_alive_minutes=OFTEN
    ) as stage:
        stage.sandbox.logins.end(DEMO_SELLER)
        await stage.wait_state(AccountState.LOGGED_OUT)
        untold, code = await probed(stage.hub, elsewhere)
        assert ("小店" in untold, code) == (False, 1)
        assert await probed(stage.hub, elsewhere, "--hub") == (untold, 0)
        assert await probed(stage.hub, elsewhere, "--but", untold) == (untold, 0)
        told, code = await probed(stage.hub, tmp_path, "--but", untold)
        assert ("小店" in told, code) == (True, 0)
        assert (await probed(stage.hub, tmp_path, "--but", ""))[1] == 1
        monkeypatch.setattr(health, "LEAST_FREE", shutil.disk_usage(tmp_path).total + 1)
        assert await probed(stage.hub, elsewhere, "--hub") == (untold, 1)
        assert await probed(stage.hub, elsewhere, "--but", untold) == (untold, 1)


async def test_a_notice_leaves_only_while_no_other_node_can_take_this_one_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked between the mark and the sending; it was stopped there the first time."""
    answers = []

    def lives(_: Cluster) -> bool:
        answers.append(len(answers) > 0)
        return answers[-1]

    async with open_stage(tmp_path) as stage:
        await stage.settled()
        monkeypatch.setattr(Cluster, "lives", property(lives))
        await stage.buyer_says("请问还有货吗")
        await stage.wait_for_notice("请问还有货吗")
        assert answers[:2] == [False, True]
        assert sum("请问还有货吗" in line.text for line in stage.notices()) == 1
