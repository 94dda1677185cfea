"""Files that operators send in private chats. OneBot v11 has none; NapCat and its like do."""

from __future__ import annotations

from typing import Any

from nonebot.adapters.onebot.v11 import ActionFailed, NetworkError

from bots.files import check_size, file_from
from bots.onebot.reactions import Ask
from bots.pictures import BASE64
from bots.port import PEER
from hub.errors import PeerError, Rejected
from hub.model import ChatFile, ChatPeer


async def fetch_file(ask: Ask, peer: ChatPeer, file: ChatFile, *, bridge: str) -> bytes:
    """What a file holds: from the address that came with it, else from what the bridge says.

    `bridge`: the host that it speaks from. Raises Rejected, Unreachable.
    """
    check_size(file)
    trouble: PeerError = Rejected(PEER, "file", "QQ 端没有给出文件的地址")
    try:
        if (found := await file_from(file.url, bridge)) is not None:
            return found
    except PeerError as error:
        trouble = error
    for action, params in (
        ("get_private_file_url", {"user_id": peer.peer, "file_id": file.id}),
        ("get_file", {"file_id": file.id}),
    ):
        told = await _told(ask, peer.bot, action, params) if file.id else {}
        packed = str(told.get("base64") or "")
        for place in (f"{BASE64}{packed}" if packed else "", str(told.get("url") or "")):
            try:
                if (found := await file_from(place, bridge)) is not None:
                    return found
            except PeerError as error:
                trouble = error
    raise trouble


async def _told(ask: Ask, bot: str, action: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the bridge says; empty when it does not know the action or the file."""
    try:
        told = await ask(bot, action, params)
    except (ActionFailed, NetworkError):
        return {}
    return told if isinstance(told, dict) else {}
