"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from hub.store.opening import MIGRATIONS, create_private, migrate

# How fast a machine is proves nothing, and chance makes no test that fails only now and then.
settings.register_profile(
    "everywhere",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("everywhere")


@pytest.fixture(scope="session", autouse=True)
def _migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new database of this process is a copy of one that went through the real steps: these cost
    ten times what opening costs. Migrations of anything else are the real ones."""
    made = tmp_path_factory.mktemp("migrated") / "hub.db"
    migrate(made)
    content = made.read_bytes()

    def copied(path: Path, migrations: Path = MIGRATIONS) -> None:
        create_private(path)
        if migrations == MIGRATIONS and path.stat().st_size == 0:
            path.write_bytes(content)
        else:
            migrate(path, migrations)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.store.opening.migrate", copied)
        yield


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """How long guessing takes is no test's concern; what it costs here adds up."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.desk.members.PasswordHasher", cheap)
        patch.setattr("hub.desk.members.DECOY", cheap().hash("nobody's"))
        yield
