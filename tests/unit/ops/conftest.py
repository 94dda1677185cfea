"""What tests of running the hub share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
