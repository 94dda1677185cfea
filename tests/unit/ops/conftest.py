"""What tests of running the hub share."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from backup_stage import NOW as BACKED_UP
from backup_stage import PASSPHRASE, Machine, furnish

from hub.ops import ImportFrom
from hub.store import open_store
from tests import originals
from tests.unit.ops.import_stage import NOW, Stage, shop_of


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    old = tmp_path / "old"
    uploads = originals.write_pictures(old / "static" / "uploads" / "images")
    source = ImportFrom(originals.write_original(old / "xianyu_data.db"), uploads=uploads)
    async with open_store(tmp_path / "new" / "hub.db", now=lambda: NOW) as store:
        yield Stage(store, tmp_path / "new", source, await shop_of(store))


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Nobody changes it: tests work with a copy."""
    machine = Machine(tmp_path_factory.mktemp("furnished"))
    asyncio.run(furnish(machine))
    return machine


@pytest.fixture
def shop(furnished: Machine, tmp_path: Path) -> Machine:
    shutil.copytree(furnished.folder, tmp_path / "here")
    return Machine(tmp_path / "here")


@pytest.fixture(scope="session")
def made(furnished: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of that shop, made at another place."""
    there = tmp_path_factory.mktemp("made") / "there"
    shutil.copytree(furnished.folder, there)
    return Machine(there).backups.make(BACKED_UP, passphrase=PASSPHRASE).path
