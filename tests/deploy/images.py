"""Builds both images at once, before the tests that need them: `python -m tests.deploy.images`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.deploy.stack import Stack, run

IMAGE = "yuqiao-test:latest"
OTHER_IMAGE = "yuqiao-cn:latest"
"""The same from other mirrors."""


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


def main() -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        with ThreadPoolExecutor() as pool:
            both = [pool.submit(build, Path(one)), pool.submit(build_other, Path(two))]
        for done in both:
            done.result()
    print(f"both images are built after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
