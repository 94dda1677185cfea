"""How the platform writes: MessagePack of the old raw16 dialect in base64, LWP frames as JSON.

Written for the sandbox alone, from the platform's side of the wire. It shares nothing with the
client's decoder, so that each can prove the other wrong.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgpack  # type: ignore[import-untyped]

APP_KEY = "444e9908a51d1cb236a27862abc769c9"
"""Key of the IM application, not of the mtop signature."""
UA = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/133.0.0.0 Safari/537.36 DingTalk(2.1.5) OS(Windows/10) Browser(Chrome/133.0.0.0) "
    "DingWeb/2.1.5 IMPaaS DingWeb/2.1.5"
)

NEW_MESSAGE = 40000
RED_POINT = 40004
CONVERSATION_CHANGED = 40005
TYPING = 40006
READ_BATCH = 40102
READ = 40103
RECALLED = 40104
CARD_CHANGED = 40105
AROUSE = 370000

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Entry = dict[str, Any]
"""One element of `syncPushPackage.data`."""
Payload = dict[Any, Any]
"""One decoded entry; integer keys at the protocol's own levels."""


def compact(value: object) -> str:
    """JSON as the platform writes it: no blanks, Chinese unescaped."""
    return _COMPACT.encode(value)


def pack(payload: Payload) -> bytes:
    """MessagePack of the old specification: strings are fixraw or raw16, never str8 or bin."""
    return bytes(msgpack.packb(payload, use_bin_type=False))


def wire(payload: Payload) -> str:
    """The `data` string of a MessagePack entry."""
    return base64.b64encode(pack(payload)).decode("ascii")


def json_wire(value: object) -> str:
    """The `data` string of an entry on the JSON channel; also content inside requests."""
    return base64.b64encode(compact(value).encode()).decode("ascii")


def entry(payload: Payload, object_type: int = NEW_MESSAGE) -> Entry:
    return {"bizType": 40, "data": wire(payload), "streamId": "40", "objectType": object_type}


def json_entry(value: object) -> Entry:
    return {"bizType": 370, "data": json_wire(value), "streamId": "370", "objectType": AROUSE}


def malformed_entry() -> Entry:
    """An entry whose MessagePack ends in the middle of a map."""
    return {"bizType": 40, "data": "ggGLAYEBtTMxMDA0", "streamId": "40", "objectType": NEW_MESSAGE}


def push_frame(
    entries: Sequence[Entry],
    *,
    mid: str,
    sid: str,
    at: int,
    first_seq: int = 1,
    pts: int = 0,
    lwp: str = "/s/sync",
    reconnect: bool = False,
    extra_type: int | None = None,
) -> str:
    """One push; `at` in ms, `pts` in µs of the newest entry."""
    if lwp == "/s/para":
        return _transient_frame(entries, mid=mid, sid=sid)
    body: dict[str, Any] = {
        "syncPushPackage": {
            "maxHighPts": 0,
            "startSeq": first_seq,
            "endSeq": first_seq + len(entries) - 1,
            "minCreateTime": at,
            "data": list(entries),
            "maxPts": pts or at * 1000,
            "hasMore": 0,
            "timestamp": at,
        },
        "syncExtensionModel": {
            "reconnectType": int(reconnect),
            "failover": 0,
            "fingerprint": -898528959,
        },
    }
    if extra_type is not None:
        body["syncExtraType"] = {"type": extra_type}
    return compact({"headers": _push_headers(mid, sid), "lwp": lwp, "body": body})


def _transient_frame(entries: Sequence[Entry], *, mid: str, sid: str) -> str:
    """`/s/para` carries what is not kept: no sequence, no times, an empty `syncId` per entry."""
    body = {
        "syncPushPackage": {
            "maxHighPts": 0,
            "startSeq": 0,
            "endSeq": 0,
            "data": [{**one, "syncId": ""} for one in entries],
            "maxPts": 0,
            "hasMore": 0,
            "timestamp": 0,
        },
        "syncExtensionModel": {},
    }
    return compact({"headers": _push_headers(mid, sid), "lwp": "/s/para", "body": body})


def order_frame(lwp: str, *, mid: str, sid: str) -> str:
    """`/push/kickout` or `/s/session/remove`: the platform tells the connection to go."""
    return compact({"lwp": lwp, "headers": {"mid": mid, "sid": sid}, "body": {}})


def sync_package(entries: Sequence[Entry], *, at: int) -> dict[str, Any]:
    """What one published answer to `ackDiff` carries instead of pushes."""
    package = {"data": list(entries), "maxPts": at * 1000, "hasMore": 0, "timestamp": at}
    return {"syncPushPackage": package}


def answer_frame(
    mid: str, code: int, body: object = None, *, headers: Mapping[str, str] | None = None
) -> str:
    """The answer to a request; it repeats the mid and has no `lwp`. Code 0: `code` is missing."""
    frame: dict[str, Any] = {"headers": {"mid": mid, **(headers or {})}}
    if code:
        frame = {"code": code, **frame}
    if body is not None:
        frame["body"] = body
    return compact(frame)


def registered_frame(mid: str, *, user: str, sid: str, at: int) -> str:
    """The answer to an accepted `/reg`."""
    return compact(
        {
            "headers": {
                "ip-digest": "00112233445566778899aabbccddeeff",
                "dt": "j",
                "reg-sid": sid,
                "ip-region-digest": "ffeeddccbbaa99887766554433221100",
                "reg-uid": f"{user}@goofish",
                "mid": mid,
                "real-ip": "203.0.113.9",
                "sid": sid,
            },
            "code": 200,
            "body": {"unitName": "PNM", "cookie": "", "timestamp": at, "isFromChina": True},
        }
    )


def _push_headers(mid: str, sid: str) -> dict[str, str]:
    return {"app-key": APP_KEY, "mid": mid, "ua": UA, "sid": sid}
