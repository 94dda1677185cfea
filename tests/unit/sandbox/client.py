"""A bare client of the platform's wire, written with aiohttp alone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import aiohttp
import msgpack  # type: ignore[import-untyped]

from hub.sandbox import Sandbox

SELLER = "2200111122223"
BUYER = "3100444455556"
CONVERSATION = "60010020030"
IM_APP_KEY = "444e9908a51d1cb236a27862abc769c9"
DEADLINE = 30.0
SEND = "/r/MessageSend/sendByReceiverScope"


class Browser:
    """The HTTP side: keeps cookies, signs, and repeats a call after a token came back."""

    def __init__(self, http: aiohttp.ClientSession, origin: str, cookies: str) -> None:
        self.http = http
        self.origin = origin
        self.cookies = dict(piece.split("=", 1) for piece in cookies.split("; "))
        self.query: dict[str, str] = {}
        """Further parameters of every call."""

    async def once(
        self, api: str, data: str = "{}", *, sign: str | None = None, method: str = "POST"
    ) -> tuple[dict[str, Any], list[str]]:
        """One request; returns the answer and its Set-Cookie headers."""
        stamp = str(int(time.time() * 1000))
        token = self.cookies.get("_m_h5_tk", "").partition("_")[0]
        made = hashlib.md5(f"{token}&{stamp}&34839810&{data}".encode()).hexdigest()  # noqa: S324
        signed = made if sign is None else sign
        query = {"appKey": "34839810", "t": stamp, "sign": signed, **self.query}
        async with self.http.request(
            method,
            f"{self.origin}/h5/{api}/1.0/",
            params=query,
            data={"data": data},
            headers={"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())},
        ) as response:
            given = response.headers.getall("Set-Cookie", [])
            for line in given:
                name, _, rest = line.partition("=")
                self.cookies[name] = rest.partition(";")[0]
            return json.loads(await response.text()), given

    async def call(self, api: str, data: str = "{}") -> dict[str, Any]:
        answer, _ = await self.once(api, data)
        if "TOKEN" in answer["ret"][0]:
            answer, _ = await self.once(api, data)
        return answer

    async def ret(self, api: str, **data: Any) -> str:
        """First code of the answer, without its words."""
        answer = await self.call(api, json.dumps(data, ensure_ascii=False))
        return str(answer["ret"][0]).partition("::")[0]

    async def data(self, api: str, **data: Any) -> dict[str, Any]:
        """What a successful call brought."""
        answer = await self.call(api, json.dumps(data, ensure_ascii=False))
        assert answer["ret"] == ["SUCCESS::调用成功"], answer["ret"]
        return dict(answer["data"])

    async def token(self, did: str) -> str:
        data = json.dumps({"appKey": IM_APP_KEY, "deviceId": did})
        answer = await self.call("mtop.taobao.idlemessage.pc.login.token", data)
        assert answer["ret"] == ["SUCCESS::调用成功"]
        return unquote(answer["data"]["accessToken"])


class Wire:
    """One WebSocket connection; collects everything that arrives."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.frames: list[dict[str, Any]] = []
        self.garbage: list[str] = []
        self.closed = asyncio.Event()
        self.acking = True
        self._news = asyncio.Event()
        self._mids = itertools.count(1)

    async def read(self) -> None:
        async for message in self.ws:
            try:
                frame = json.loads(message.data)
            except ValueError:
                self.garbage.append(message.data)
            else:
                self.frames.append(frame)
                if self.acking and "lwp" in frame and "body" in frame:
                    await self.ack(frame)
            self._news.set()
        self.closed.set()
        self._news.set()

    async def ack(self, push: dict[str, Any]) -> None:
        headers = {key: push["headers"][key] for key in ("mid", "sid")}
        await self.ws.send_str(json.dumps({"code": 200, "headers": headers}))

    async def until(self, look: Callable[[], Any]) -> Any:
        """Wait for something to be seen."""
        async with asyncio.timeout(DEADLINE):
            while not (found := look()):
                self._news.clear()
                await self._news.wait()
        return found

    async def post(self, lwp: str, body: Any = None, **headers: str) -> str:
        mid = f"{next(self._mids)}{int(time.time() * 1000)} 0"
        frame: dict[str, Any] = {"lwp": lwp, "headers": {**headers, "mid": mid}}
        if body is not None:
            frame["body"] = body
        await self.ws.send_str(json.dumps(frame))
        return mid

    def answers(self, mid: str) -> list[dict[str, Any]]:
        return [f for f in self.frames if "lwp" not in f and f["headers"]["mid"] == mid]

    async def ask(self, lwp: str, body: Any = None, **headers: str) -> dict[str, Any]:
        mid = await self.post(lwp, body, **headers)
        found = await self.until(lambda: self.answers(mid))
        return dict(found[0])

    async def register(self, token: str, did: str) -> dict[str, Any]:
        return await self.ask("/reg", None, token=token, did=did, **{"app-key": IM_APP_KEY})

    def pushes(self, lwp: str = "/s/sync") -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame.get("lwp") == lwp]

    def payloads(self, lwp: str = "/s/sync") -> list[Any]:
        """Every readable MessagePack entry that was pushed, in order."""
        found = []
        for push in self.pushes(lwp):
            for one in push["body"]["syncPushPackage"]["data"]:
                if one["bizType"] == 40:
                    try:
                        packed = base64.b64decode(one["data"])
                        found.append(msgpack.unpackb(packed, raw=False, strict_map_key=False))
                    except ValueError:
                        found.append(None)
        return found

    def texts(self) -> list[str]:
        """Text of every chat message that was pushed, in order."""
        chat = [p[1] for p in self.payloads() if isinstance(p, dict) and isinstance(p[1], dict)]
        return [message[6][3][2] for message in chat]

    async def send(self, text: str, conversation: str = CONVERSATION) -> str:
        return await self.post(SEND, send_body(text, conversation))


def send_body(text: str, conversation: str = CONVERSATION) -> list[Any]:
    content = json.dumps({"contentType": 1, "text": {"text": text}}, ensure_ascii=False)
    message = {
        "uuid": f"-{time.time_ns()}",
        "cid": f"{conversation}@goofish",
        "conversationType": 1,
        "content": {
            "contentType": 101,
            "custom": {"type": 1, "data": base64.b64encode(content.encode()).decode()},
        },
        "extension": {"extJson": "{}"},
    }
    return [message, {"actualReceivers": [f"{BUYER}@goofish", f"{SELLER}@goofish"]}]


class Rig:
    """A sandbox and the means to act on it from outside."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http
        self.browser = Browser(http, sandbox.urls["mtop_url"], sandbox.cookies(SELLER))

    @asynccontextmanager
    async def dial(self) -> AsyncIterator[Wire]:
        """A connection that has not registered yet."""
        async with self.http.ws_connect(self.sandbox.urls["ws_url"]) as ws:
            wire = Wire(ws)
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(wire.read())
                yield wire
                reading.cancel()

    @asynccontextmanager
    async def online(self, did: str = "DID-1") -> AsyncIterator[Wire]:
        token = await self.browser.token(did)
        async with self.dial() as wire:
            assert (await wire.register(token, did))["code"] == 200
            yield wire

    async def admin(
        self, method: str, path: str, body: Any = None, *, status: int | None = None
    ) -> Any:
        url = self.sandbox.urls["admin_url"] + path
        async with self.http.request(method, url, json=body) as response:
            answer = await response.json()
            if status is None:
                assert response.status < 300, answer
            else:
                assert response.status == status, answer
            return answer

    async def say(self, text: str) -> list[str]:
        answer = await self.admin("POST", "/say", {"conversation": CONVERSATION, "text": text})
        return list(answer["ids"])

    async def order(self, **wish: Any) -> dict[str, Any]:
        """The buyer orders what the conversation is about."""
        body = {"conversation": CONVERSATION, **wish}
        return dict(await self.admin("POST", "/orders", body))

    async def step(self, order: dict[str, Any], *steps: str, **values: Any) -> dict[str, Any]:
        for step in steps:
            path = f"/orders/{order['id']}/{step}"
            order = dict(await self.admin("POST", path, values))
        return order

    async def fault(self, kind: str, **values: Any) -> None:
        await self.admin("POST", "/faults", {"user": SELLER, "kind": kind, **values})

    async def manners(self, **values: Any) -> None:
        await self.admin("PATCH", "/manners", values)
