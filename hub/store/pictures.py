"""Pictures that stock hands out: files beside the database, named by what they hold (L55)."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from hub.errors import StoreError

_NAME = re.compile(r"[0-9a-f]{64}\.(?:png|jpg)")


class PictureFolder:
    """Methods touch the disk: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes, suffix: str) -> str:
        """Returns the name; the same picture has the same one. On the disk when this returns."""
        name = hashlib.sha256(data).hexdigest() + suffix
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = self._folder / f"{name}.{secrets.token_hex(4)}.half"
        try:
            with half.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            half.replace(self._folder / name)
        except OSError as error:
            raise StoreError(f"cannot keep a picture in {self._folder}: {error}") from error
        finally:
            half.unlink(missing_ok=True)
        return name

    def read(self, name: str) -> bytes | None:
        """None if there is none of this name."""
        if _NAME.fullmatch(name) is None:  # it becomes a path
            return None
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
