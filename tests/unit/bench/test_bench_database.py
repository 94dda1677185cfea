"""Which database a benchmark fills, and who gets to see its password."""

from __future__ import annotations

from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from hub.bench import BenchOptions
from hub.cli import bench
from hub.cli.bench import bench_group

URL = "postgresql://app:secret@db.example:5432/empty"


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The databases that would be filled."""
    found: list[str] = []

    def measure(options: BenchOptions) -> NoReturn:
        found.append(options.database)
        raise click.Abort

    monkeypatch.setattr(bench, "run_bench", measure)
    monkeypatch.setattr(bench, "set_up_logs", lambda _: None)
    return found


def test_the_address_need_not_stand_on_the_command_line(filled: list[str]) -> None:
    CliRunner().invoke(bench_group, env={"BENCH_DATABASE_URL": URL})
    assert filled == [URL]


def test_the_database_of_the_shop_is_not_filled(filled: list[str]) -> None:
    CliRunner().invoke(bench_group, env={"YUQIAO_DATABASE__URL": URL, "BENCH_DATABASE_URL": None})
    assert filled == [""]


def test_an_address_that_is_not_understood_is_refused_and_not_repeated(filled: list[str]) -> None:
    result = CliRunner().invoke(bench_group, env={"BENCH_DATABASE_URL": "postgresql://app:secret@"})
    assert result.exit_code == 2
    assert "postgresql://user:password@host:port/name" in result.output
    assert "secret" not in result.output
    assert filled == []
