"""Files that people send to a bot, fetched like pictures."""

from __future__ import annotations

from bots.pictures import download, from_base64
from bots.port import PEER
from hub.errors import Rejected
from hub.model import ChatFile

WHAT = "文件"
MOST_BYTES = 5 * 1024 * 1024
TOO_LARGE = f"文件太大，最多 {MOST_BYTES // 1024 // 1024} MB"


def check_size(file: ChatFile) -> None:
    """Raises Rejected for one that says itself that it is too large."""
    if file.size > MOST_BYTES:
        raise Rejected(PEER, "file", TOO_LARGE)


async def file_from(place: str, bridge: str) -> bytes | None:
    """What lies at an address; None: there is none. Raises Rejected, Unreachable."""
    if not place:
        return None
    packed = from_base64(place, what=WHAT, most=MOST_BYTES)
    if packed is not None:
        return packed
    return await download(place, bridge=bridge, what=WHAT, most=MOST_BYTES)
