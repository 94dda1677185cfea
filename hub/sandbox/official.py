"""The simulated platform of official QQ bots: tokens, a gateway, messages that only answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from hub.sandbox.doors import answer, cut
from hub.sandbox.official_chats import OfficialChats, OfficialLine, OfficialRules, Refused
from hub.sandbox.official_gateway import INTERACTIONS, Gateway
from hub.sandbox.world import Bell

__all__ = ["OfficialLine", "OfficialRules", "OfficialSim"]

APP_ID = "102001234"
SECRET = "sandbox-secret"  # noqa: S105 - of the sandbox itself
TOKEN_SECONDS = 7200
MOODS = {
    "none": "nothing goes wrong",
    "stored": "say it, then cut the connection without an answer",
    "lost": "do not say it, cut the connection without an answer",
    "http500": "answer with HTTP 500 and no JSON",
    "throttle": "answer 429",
    "audit": "say it, answer 202 with an audit",
    "refuse": "answer with `code` and `words`",
}


class OfficialSim:
    """One official bot and everybody who talks to it. People speak through `say` and `say_group`;
    what the bot does is seen in `lines`. Paths: `/official/…`."""

    def __init__(self, bell: Bell, origin: Callable[[], str], *, app_id: str = APP_ID) -> None:
        self.app_id = app_id
        self.secret = SECRET
        self.token_seconds = TOKEN_SECONDS
        self.chats = OfficialChats(bell)
        me = {"id": "BOT0001", "username": "鱼桥机器人", "bot": True}
        self.gateway = Gateway(bell, self._is_token, me)
        self.tokens_given = 0
        self.acknowledged: list[tuple[str, int]] = []
        """Button presses that the bot has acknowledged, with its code."""
        self.sends: deque[dict[str, Any]] = deque(maxlen=10_000)
        """Bodies of all requests to say something, and what became of them under `outcome`."""
        self._me = me
        self._bell = bell
        self._origin = origin
        self._tokens: set[str] = set()
        self._moods: deque[tuple[str, int, str]] = deque()
        self._pictures: dict[str, bytes] = {}

    def attach(self, app: web.Application) -> None:
        router = app.router
        router.add_post("/official/app/getAppAccessToken", self._token)
        router.add_get("/official/gateway/bot", self._where)
        router.add_get("/official/gateway", self.gateway.meet)
        router.add_get("/official/users/@me", self._who)
        router.add_post("/official/v2/{scene:users|groups}/{openid}/messages", self._say)
        router.add_post("/official/v2/{scene:users|groups}/{openid}/files", self._upload)
        router.add_put("/official/interactions/{id}", self._acknowledge)
        router.add_get("/official/pictures/{name}", self._show)

    # --- People ---------------------------------------------------------------------------------

    async def say(
        self, openid: str, text: str, *, quote: OfficialLine | None = None, picture: bytes = b""
    ) -> OfficialLine:
        """Somebody writes to the bot in private."""
        line = self.chats.hear("private", openid, openid, text, picture)
        author = {"id": openid, "user_openid": openid, "union_openid": openid[::-1]}
        await self.gateway.tell("C2C_MESSAGE_CREATE", line.id, self.event(line, author, quote))
        return line

    async def say_group(
        self,
        group: str,
        member: str,
        text: str,
        *,
        quote: OfficialLine | None = None,
        at_bot: bool = True,
    ) -> OfficialLine:
        """Somebody writes in a group; the bot hears of it only when it is @-ed."""
        line = self.chats.hear("group", group, member, text)
        author: dict[str, Any] = {"id": member, "member_openid": member}
        if self.chats.rules.full_authors:
            author |= {"bot": False, "member_role": "member"}
        event = self.event(line, author, quote) | {"group_id": group, "group_openid": group}
        event["content"] = f" {text}"
        if at_bot:
            await self.gateway.tell("GROUP_AT_MESSAGE_CREATE", line.id, event)
        return line

    async def press(self, openid: str, data: str) -> str:
        """Somebody presses a button in private; returns the id of the press."""
        event_id, press = self.chats.press("private", openid), secrets.token_hex(16)
        told = {
            "id": press,
            "type": 11,
            "scene": "c2c",
            "chat_type": 2,
            "user_openid": openid,
            "application_id": self.app_id,
            "timestamp": self.chats.now().isoformat(),
            "version": 1,
            "data": {"type": 11, "resolved": {"button_data": data, "button_id": "1"}},
        }
        await self.gateway.tell("INTERACTION_CREATE", event_id, told, INTERACTIONS)
        return press

    def lines(self, scene: str, peer: str) -> list[OfficialLine]:
        """What the bot said there, oldest first."""
        return [line for line in self.chats.lines(scene, peer) if line.by_bot]

    async def wait_for_line(
        self, peer: str, part: str, seconds: float, *, scene: str = "private", count: int = 1
    ) -> OfficialLine:
        """The last of `count` lines of the bot that hold `part`. Raises TimeoutError."""

        def found() -> list[OfficialLine]:
            return [line for line in self.lines(scene, peer) if part in line.text]

        if not await self._bell.until(lambda: len(found()) >= count, seconds):
            said = [line.text for line in self.lines(scene, peer)]
            raise TimeoutError(f"{part!r} was not said {count} times in {said}")
        return found()[count - 1]

    def upset(self, kind: str, *, times: int = 1, code: int = 0, words: str = "") -> None:
        """The next requests to say something go wrong. Raises ValueError for an unknown kind."""
        if kind not in MOODS:
            raise ValueError(f"unknown mood {kind!r}; known: {sorted(MOODS)}")
        self._moods.extend([(kind, code, words)] * times)

    def forget_tokens(self) -> None:
        """Every token is good for nothing from now on."""
        self._tokens.clear()

    def event(
        self, line: OfficialLine, author: dict[str, Any], quote: OfficialLine | None = None
    ) -> dict[str, Any]:
        """What the gateway tells of a line."""
        rules, ext = self.chats.rules, ["", f"msg_idx={line.index}"]
        event: dict[str, Any] = {
            "id": line.id,
            "author": author,
            "content": line.text,
            "timestamp": line.at.isoformat(),
            "message_type": 0,
            "message_scene": {"source": "default", "ext": ext},
        }
        if line.picture:
            name = f"{secrets.token_hex(8)}.png"
            self._pictures[name] = line.picture
            address = f"{self._origin()}/official/pictures/{name}"
            event["attachments"] = [
                {"content_type": "image/png", "filename": name, "url": address, "size": 1}
            ]
        if quote is not None:
            event["message_type"] = 103
            if rules.tells_quotes:
                ext.append(f"ref_msg_idx={quote.index}")
            if rules.tells_quoted_text:
                event["msg_elements"] = [{"msg_idx": quote.index, "content": quote.text}]
        return event

    # --- The platform ---------------------------------------------------------------------------

    async def _token(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked.get("appId") != self.app_id or asked.get("clientSecret") != self.secret:
            return answer({"code": 100016, "message": "invalid appid or secret"})
        self.tokens_given += 1
        token = secrets.token_hex(16)
        self._tokens.add(token)
        return answer({"access_token": token, "expires_in": str(self.token_seconds)})

    def _is_token(self, token: str) -> bool:
        return token in self._tokens

    def _check(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if not given.startswith("QQBot ") or not self._is_token(given.removeprefix("QQBot ")):
            raise Refused(11244, "token not exist or expire", 401)

    async def _where(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
        except Refused as refused:
            return _no(refused)
        limit = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1}
        limit |= self.gateway.session_limit
        url = self._origin().replace("http", "ws", 1) + "/official/gateway"
        return answer({"url": url, "shards": 1, "session_start_limit": limit})

    async def _who(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
        except Refused as refused:
            return _no(refused)
        return answer(self._me)

    async def _say(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        kept = {**body, "openid": request.match_info["openid"], "outcome": "said"}
        self.sends.append(kept)
        mood, code, words = self._moods.popleft() if self._moods else ("", 0, "")
        try:
            self._check(request)
            match mood:
                case "lost":
                    kept["outcome"] = "lost"
                    return cut(request)
                case "http500":
                    kept["outcome"] = "http500"
                    return web.Response(status=500, text="upstream gone")
                case "throttle":
                    raise Refused(22009, "消息发送超频", 429)
                case "refuse":
                    raise Refused(code, words)
                case _:
                    pass
            line = self.chats.say(_scene(request), kept["openid"], body)
        except Refused as refused:
            kept["outcome"] = refused.code
            return _no(refused)
        if mood == "stored":
            return cut(request)
        if mood == "audit":
            audit = {"message_audit": {"audit_id": secrets.token_hex(8)}}
            return answer(
                {"code": 304023, "message": "push message is waiting", "data": audit}, 202
            )
        said: dict[str, Any] = {"id": line.id, "timestamp": line.at.isoformat()}
        if self.chats.rules.tells_quotes:
            said["ext_info"] = {"ref_idx": line.index}
        return answer(said)

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
            body = await request.json()
            packed = str(body.get("file_data") or "")
            picture = base64.b64decode(packed, validate=True)
            if body.get("file_type") != 1 or body.get("srv_send_msg") or not picture:
                raise Refused(40034003, "文件参数错误")
        except Refused as refused:
            return _no(refused)
        except binascii.Error:
            return _no(Refused(40034003, "文件参数错误"))
        name = secrets.token_hex(16)
        self.chats.media[name] = picture
        return answer({"file_uuid": name[:8], "file_info": name, "ttl": 3600})

    async def _acknowledge(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.acknowledged.append((request.match_info["id"], int(body.get("code", 0))))
        self._bell.ring()
        return answer({})

    async def _show(self, request: web.Request) -> web.Response:
        found = self._pictures.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found, content_type="image/png")

    async def wait_online(self, seconds: float) -> None:
        """Until the bot is in a session. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not self.gateway.online:
                seen = self._bell.count
                if not self.gateway.online:
                    await self._bell.rung_since(seen)


def _scene(request: web.Request) -> str:
    return "private" if request.match_info["scene"] == "users" else "group"


def _no(refused: Refused) -> web.Response:
    said = {"message": refused.words, "code": refused.code, "err_code": refused.code}
    return answer(said, refused.status)
