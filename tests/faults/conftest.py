"""How many seeds of the soak and of the market are played, and where their shops are furnished."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.crowd import HUBS, SEEDS, furnish_all
from tests.faults.goods import TALLY, Figures
from tests.faults.purchases import ORDERS_IN_SHORT


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known to pytest when this folder, or a file in it, is named on its command line."""
    group = parser.getgroup("faults")
    group.addoption("--soak", type=int, default=SEEDS, help="how many seeds are played")
    group.addoption("--soak-from", type=int, default=0, help="the first seed")
    group.addoption(
        "--deliveries", type=int, default=ORDERS_IN_SHORT, help="how many orders are delivered"
    )
    group.addoption("--deliveries-from", type=int, default=0, help="the first seed of those")
    group.addoption("--hubs", type=int, default=HUBS, help="hubs that run side by side")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Figures()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    figures = config.stash[TALLY]
    if figures.orders:
        terminalreporter.write_line(f"deliveries: {figures}")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def furnished(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    return await furnish_all(tmp_path_factory.mktemp("furnished"))
