"""Requests to the official platform: the access token, messages, pictures, presses of buttons."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import aiohttp
from nonebot.drivers import URL, Request, Response

from bots.official.outcomes import Answered, Outcome
from bots.port import PEER
from hub.errors import AuthExpired, PeerError, Rejected, Uncertain, Unreachable
from hub.model import ChatPeer
from hub.settings import OfficialSettings

PICTURE = 1
LEAST_WAIT = 60.0
"""Seconds to stay away when all sessions of the day are used up and nobody says until when."""
TOKEN_MARGIN = timedelta(seconds=50)
"""A new token can be had in the last minute of an old one; both are good until then."""
NOT_THERE = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Of these nothing has left."""


class Platform:
    """One bot's requests. All raise the hub's errors."""

    def __init__(
        self,
        settings: OfficialSettings,
        request: Callable[[Request], Awaitable[Response]],
        *,
        seconds: float,
    ) -> None:
        self._settings = settings
        self._api = URL(settings.api_base)
        self._request = request
        self._seconds = seconds
        self._token = ""
        self._good_until = datetime.min.replace(tzinfo=UTC)
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        """Raises AuthExpired when the platform does not know this bot and its secret."""
        async with self._asking:
            if not self._token or datetime.now(UTC) >= self._good_until:
                await self._ask_for_token()
            return self._token

    async def _ask_for_token(self) -> None:
        who = {"appId": self._settings.app_id, "clientSecret": self._settings.secret}
        request = Request("POST", self._settings.auth_url, json=who, timeout=self._seconds)
        answered = await self._send(request, "token", safe=True)
        token, seconds = answered.body.get("access_token"), answered.body.get("expires_in")
        if token and str(seconds).isdigit():
            self._token = str(token)
            self._good_until = datetime.now(UTC) + timedelta(seconds=int(str(seconds)))
            self._good_until -= TOKEN_MARGIN
            return
        if answered.status >= 500:
            raise Unreachable(PEER, "token", "QQ 开放平台出错了", raw=str(answered.status))
        raise AuthExpired(
            PEER, "token", "AppID 或 AppSecret 不对", raw=f"{answered.code} {answered.words}"
        )

    async def gateway(self) -> tuple[str, float]:
        """The address of the gateway, and how many seconds to stay away from it, more than none if
        it lets nobody in."""
        answered = await self._call("GET", "gateway/bot", safe=True)
        url, limit = answered.body.get("url"), answered.body.get("session_start_limit")
        if not isinstance(url, str):
            raise answered.error("gateway")
        wait = 0.0
        if isinstance(limit, dict) and limit.get("remaining") == 0:
            after = limit.get("reset_after")
            wait = LEAST_WAIT
            if isinstance(after, int | float) and 0 < after < inf:
                wait = after / 1000
        return self._settings.gateway_url or url, wait

    async def say(self, peer: ChatPeer, body: dict[str, Any]) -> Answered:
        """What became of it is in the answer. Raises Unreachable (nothing left), Uncertain."""
        return await self._call("POST", f"{_place(peer)}/messages", body)

    async def upload(self, peer: ChatPeer, picture: bytes) -> str:
        """The word by which a message shows the picture. Raises as `say`, and Rejected."""
        packed = base64.b64encode(picture).decode()
        body = {"file_type": PICTURE, "file_data": packed, "srv_send_msg": False}
        answered = await self._call("POST", f"{_place(peer)}/files", body, safe=True)
        word = answered.body.get("file_info")
        if isinstance(word, str) and word:
            return word
        error = answered.error("upload")
        raise error if isinstance(error, Rejected) else Rejected(PEER, "upload", error.reason)

    async def acknowledge(self, interaction: str) -> None:
        """Tell that a press of a button was heard, so that the phone stops waiting."""
        await self._call("PUT", f"interactions/{interaction}", {"code": 0}, safe=True)

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, safe: bool = False
    ) -> Answered:
        """`safe`: it may be done twice, so that no answer is as good as not having asked."""
        answered = await self._once(method, path, body, safe=safe)
        if answered.outcome is Outcome.TOKEN:
            self._token = ""
            answered = await self._once(method, path, body, safe=safe)
        return answered

    async def _once(
        self, method: str, path: str, body: dict[str, Any] | None, *, safe: bool
    ) -> Answered:
        headers = {
            "Authorization": f"QQBot {await self.token()}",
            "X-Union-Appid": self._settings.app_id,
        }
        url = self._api / path if not self._api.path.endswith("/") else self._api.joinpath(path)
        request = Request(method, url, headers=headers, json=body, timeout=self._seconds)
        return await self._send(request, path.rpartition("/")[2], safe=safe)

    async def _send(self, request: Request, op: str, *, safe: bool) -> Answered:
        try:
            response = await self._request(request)
        except NOT_THERE as error:
            raise _away(op, error) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if safe:
                raise _away(op, error) from error
            raise Uncertain(PEER, op, "QQ 开放平台没有回应", raw=type(error).__name__) from error
        return Answered(response.status_code, _object(response.content))


def _place(peer: ChatPeer) -> str:
    kind = "groups" if peer.scene == "group" else "users"
    return f"v2/{kind}/{peer.peer.rpartition('/')[2]}"


def _away(op: str, error: Exception) -> PeerError:
    return Unreachable(PEER, op, "连不上 QQ 开放平台", raw=type(error).__name__)


def _object(content: str | bytes | None) -> dict[str, object]:
    try:
        found = json.loads(content or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
