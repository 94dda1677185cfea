"""The bare loop: the least that any client must do for an answer, and nothing more.

Reads the frame, unpacks the entry, sends a canned answer, acknowledges. Nothing is kept, checked or
waited for. It is the yardstick of a run, so it owes nothing to the program it is compared with,
and knows the wire by itself.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ormsgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hub.xianyu import ImToken

APP_KEY = "444e9908a51d1cb236a27862abc769c9"
KEEP_INTEGERS = ormsgpack.OPT_NON_STR_KEYS


@asynccontextmanager
async def bare_loop(ws_url: str, token: ImToken, user: str, answer: str) -> AsyncIterator[None]:
    """Answers every buyer message while the block runs."""
    content = json.dumps({"contentType": 1, "text": {"text": answer}})
    data = b64encode(content.encode()).decode()
    async with (
        connect(ws_url + "/", compression=None, ping_interval=None, proxy=None) as socket,
        asyncio.TaskGroup() as tasks,
    ):
        await _register(socket, token)
        answering = tasks.create_task(_answer(socket, user, data))
        yield
        answering.cancel()


async def _register(socket: ClientConnection, token: ImToken) -> None:
    headers = {
        "cache-header": "app-key token ua wv",
        "app-key": APP_KEY,
        "token": token.value,
        "ua": "bench",
        "dt": "j",
        "wv": "im:3,au:3,sy:6",
        "sync": "0,0;0;0;",
        "did": token.device_id,
        "mid": "1 0",
    }
    await socket.send(json.dumps({"lwp": "/reg", "headers": headers}))
    await socket.recv()


async def _answer(socket: ClientConnection, user: str, data: str) -> None:
    count = 1
    while True:
        try:
            frame = json.loads(await socket.recv())
        except ConnectionClosed:
            return
        if frame.get("lwp") != "/s/sync":
            continue
        for entry in frame["body"]["syncPushPackage"]["data"]:
            message = ormsgpack.unpackb(b64decode(entry["data"]), option=KEEP_INTEGERS)[1]
            said_by = message[10]["senderUserId"]
            if said_by != user:
                count += 1
                await socket.send(_message(count, message[2], said_by, user, data))
        await socket.send(json.dumps({"code": 200, "headers": frame["headers"]}))


def _message(count: int, conversation: str, buyer: str, user: str, data: str) -> str:
    """A send request; its uuid and mid need only differ from each other's."""
    body = [
        {
            "uuid": f"-{time.time_ns()}{count}",
            "cid": conversation,
            "conversationType": 1,
            "content": {"contentType": 101, "custom": {"type": 1, "data": data}},
            "redPointPolicy": 0,
            "extension": {"extJson": "{}"},
            "ctx": {"appVersion": "1.0", "platform": "web"},
            "mtags": {},
            "msgReadStatusSetting": 1,
        },
        {"actualReceivers": [f"{buyer}@goofish", f"{user}@goofish"]},
    ]
    path = "/r/MessageSend/sendByReceiverScope"
    return json.dumps({"lwp": path, "headers": {"mid": f"{count} 0"}, "body": body})
