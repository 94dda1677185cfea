"""One engine, one image, one installation, shared by what wants to look at them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.deploy.images import IMAGE
from tests.deploy.stack import Stack


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips unless `make deploy-test` has started an engine for us."""
    if not os.environ.get("DEPLOY_TESTS"):
        pytest.skip("needs a Docker engine of its own: make deploy-test")


@pytest.fixture(scope="session")
def image(engine: None) -> str:
    """Built before the tests."""
    return IMAGE


@pytest.fixture(scope="session")
def stack(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Hub, nginx and sandbox, with a shop that is open."""
    stack = Stack.laid_out(tmp_path_factory.mktemp("a stack"), "yuqiao-test", image, nginx=True)
    try:
        stack.compose("up", "--detach", "--wait", "--wait-timeout", "240")
        stack.open_shop()
        yield stack
    finally:
        stack.remove()
