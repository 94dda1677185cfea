"""How many seeds of the soak are played, and where its shops are furnished."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.crowd import HUBS, SEEDS, furnish_all


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known to pytest when this folder, or a file in it, is named on its command line."""
    group = parser.getgroup("faults")
    group.addoption("--soak", type=int, default=SEEDS, help="how many seeds are played")
    group.addoption("--soak-from", type=int, default=0, help="the first seed")
    group.addoption("--hubs", type=int, default=HUBS, help="hubs that run side by side")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def furnished(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    return await furnish_all(tmp_path_factory.mktemp("furnished"))
