"""Keeps the key: credentials lie in the database only as sealed text."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from hub.errors import StoreError

KEY_FILE = "yuqiao.key"


class Vault:
    """Seals and unseals short texts with one symmetric key."""

    __slots__ = ("_fernet",)

    def __init__(self, key: str) -> None:
        """`key`: 32 bytes in URL-safe base64. Raises StoreError for anything else."""
        try:
            self._fernet = Fernet(key.encode())
        except ValueError as error:
            raise StoreError(
                "the key of the database is not usable; it must be 32 bytes in URL-safe base64 "
                "(44 characters)"
            ) from error

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Raises StoreError if it was sealed with another key or was altered."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise StoreError(
                "a sealed value cannot be opened with this key; restore the key file that belongs "
                "to this database"
            ) from None


def read_key(folder: Path) -> str | None:
    """The key beside the database; None if there is no such file."""
    file = folder / KEY_FILE
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"cannot read the key file {file}: {error}") from error


def create_key(folder: Path) -> str:
    """Write a new key file that only this user can read; it appears complete or not at all.

    Raises FileExistsError if somebody else was faster: their key counts.
    """
    key = Fernet.generate_key().decode()
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{KEY_FILE}.")  # mkstemp: mode 0600
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, folder / KEY_FILE)
    finally:
        draft.unlink(missing_ok=True)
    return key


def _publish(draft: Path, target: Path) -> None:
    """Give the draft its final name without ever replacing a file that is there."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links. The lock on the database keeps other processes out.
        if target.exists():
            raise FileExistsError(target) from None
        draft.rename(target)
