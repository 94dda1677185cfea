"""The home of a node: proof that whoever had it before is dead, or no word at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.store import lock, node_home

pytestmark = pytest.mark.skipif(
    not lock.BOOT.exists(), reason="nothing here tells one run of the system from another"
)


def test_a_home_is_the_same_for_the_next_life_and_nobody_elses_while_it_is_lived_in(
    tmp_path: Path,
) -> None:
    with node_home(tmp_path, "a") as home:
        assert home
        with node_home(tmp_path, "a") as second, node_home(tmp_path, "b") as other:
            assert second == ""
            assert other not in ("", home)
    with node_home(tmp_path, "a") as again:
        assert again == home


@pytest.mark.parametrize("boot", ["", "another run of the system"])
def test_a_home_under_another_kernel_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    with node_home(tmp_path, "a") as home:
        pass
    file = tmp_path / "boot"
    file.write_text(boot)
    monkeypatch.setattr(lock, "BOOT", file)
    with node_home(tmp_path, "a") as elsewhere:
        assert elsewhere != home
        assert bool(elsewhere) == bool(boot)


def test_without_a_folder_to_write_to_there_is_no_home(tmp_path: Path) -> None:
    with node_home(tmp_path / "missing", "a") as home:
        assert home == ""
