"""Builds all images at once, before the tests that need them: `python -m tests.deploy.images`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.deploy.stack import ROOT, Stack, run

IMAGE = "yuqiao-test:latest"
OTHER_IMAGE = "yuqiao-cn:latest"
"""The same from other mirrors."""
POSTGRES = "postgres:17-bookworm"
"""A stand-in by that name."""


def build(folder: Path) -> None:
    """The image of what lies here; the sandbox runs in it too."""
    Stack.laid_out(folder, "yuqiao-image", IMAGE).deploy("build")


def build_other(folder: Path) -> None:
    """From the mirrors that can be reached here, in a clone that nobody but its owner may read."""
    other = Stack.laid_out(folder, "yuqiao-cn", OTHER_IMAGE, file="docker-compose-cn.yml")
    asked = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    usual = run(sys.executable, "-c", asked, cwd=folder).stdout.strip()
    other.set(DEBIAN_MIRROR=os.environ["DEPLOY_MIRROR"], PIP_INDEX_URL=usual)
    run("chmod", "-R", "go-rwx", folder, cwd=folder)
    other.deploy("build")


def build_postgres(folder: Path) -> None:
    context = ROOT / "tests" / "deploy" / "postgres"
    run("docker", "build", "--quiet", "--network", "host", "-t", POSTGRES, context, cwd=folder)


def main() -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        with ThreadPoolExecutor() as pool:
            every = [
                pool.submit(build, Path(one)),
                pool.submit(build_other, Path(two)),
                pool.submit(build_postgres, ROOT),
            ]
        for done in every:
            done.result()
    print(f"the images are built after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
