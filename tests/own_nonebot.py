"""Runs `own_bot.py`, with nothing of the hub within its reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PLUGIN = HERE.parent / "plugin"


class OwnBot:
    """A NoneBot process; `restart` kills it as a power cut does."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._folder = folder
        self._settings = settings
        self.log = folder / "own_bot.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        script = self._folder / "own_bot.py"
        script.write_bytes((HERE / "own_bot.py").read_bytes())
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, script, json.dumps(self._settings)],
                cwd=self._folder,
                env={**kept, "PYTHONPATH": str(PLUGIN), "PYTHONIOENCODING": "utf-8"},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def terminate(self) -> int:
        """As somebody who updates the bot; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)


@contextmanager
def own_bot(folder: Path, **settings: Any) -> Iterator[OwnBot]:
    bot = OwnBot(folder, {"log_level": "INFO", **settings})
    bot.start()
    try:
        yield bot
    finally:
        bot.kill()
