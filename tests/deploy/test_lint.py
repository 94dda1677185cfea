"""Linters that know Docker, shells and YAML better than we do find nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.stack import ROOT, run
from tests.deploy.test_files import CLUSTER, COMPOSE, IMAGES, SCRIPTS


def lint(tool: str, *arguments: str | Path) -> None:
    folder = os.environ.get("DEPLOY_LINTERS")
    if not folder:
        pytest.skip("the linters are brought by make deploy-test")
    run(Path(folder) / tool, *arguments, cwd=ROOT)


@pytest.mark.parametrize("name", [*IMAGES, "tests/deploy/postgres/Dockerfile"])
def test_hadolint(name: str) -> None:
    lint("hadolint", name)


def test_shellcheck() -> None:
    tracked = run("git", "ls-files", "*.sh", cwd=ROOT).stdout.split()
    lint("shellcheck", *{*SCRIPTS, *tracked})


def test_yamllint() -> None:
    lint("yamllint", "--strict", *COMPOSE, CLUSTER, "tests/deploy/sandbox.yml", ".yamllint.yml")


@pytest.mark.parametrize("name", [*COMPOSE, CLUSTER])
def test_the_schema_of_compose_files(name: str) -> None:
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", name)


@pytest.mark.parametrize("name", COMPOSE)
@pytest.mark.parametrize("profile", ["with-nginx", "with-napcat"])
def test_compose_itself_takes_it(engine: None, name: str, profile: str) -> None:
    command = ("docker", "compose", "--file", name, "--profile", profile, "config", "--quiet")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", COMPOSE)
def test_a_cluster_needs_a_password_of_its_database(engine: None, name: str) -> None:
    files = ("--file", name, "--file", CLUSTER, "--profile", "cluster", "--profile", "with-nginx")
    command = ("docker", "compose", *files, "config", "--quiet")
    without = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert without.returncode != 0
    assert "POSTGRES_PASSWORD" in without.stderr
    run(*command, cwd=ROOT, env=os.environ | {"POSTGRES_PASSWORD": "x"})
