"""Whatever an entry holds, it is told, quarantined or ignored; it never stops the line."""

from __future__ import annotations

import copy
import json
import random
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from hub.inbound import Inbound
from hub.model import (
    Account,
    PlatformUser,
    Role,
    Rule,
    RuleId,
    RuleKind,
    TakenIn,
)
from hub.settings import ReplySettings
from hub.store import Tx, open_store
from hub.xianyu import decode_entry

FRAMES = Path(__file__).parents[1] / "conformance" / "frames"
CASES = [json.loads(path.read_text("utf-8")) for path in sorted(FRAMES.glob("b*.json"))]
SELLER = PlatformUser("2200111122223")
NASTY: list[Any] = [
    None, True, 0, -1, 2**63, 2**64 - 1, -(2**63), 1e308, float("inf"), float("nan"),
    "", "\ud83d", "\0", "a" * 70_000, "{", "[]", "null", "1" * 4000, "9" * 19, "٣", "@goofish",
    "\u202eevil", "#a1\n#b2", [], [[]], {}, {"1": 1}, {"a": [1] * 50},
]  # fmt: skip


class Inner:
    """JSON that stands as text inside the payload."""

    def __init__(self, value: Any) -> None:
        self.value = value


def opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: opened(inner) for key, inner in value.items()}
    if isinstance(value, str) and value[:1] == "{":
        return Inner(opened(json.loads(value)))
    return value


def closed(value: Any) -> Any:
    match value:
        case Inner():
            return json.dumps(closed(value.value))
        case dict():
            return {key: closed(inner) for key, inner in value.items()}
        case _:
            return value


def places(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every key of every map, at every depth."""
    inside = value.value if isinstance(value, Inner) else value
    if isinstance(inside, dict):
        for key, inner in inside.items():
            yield inside, key
            yield from places(inner)


def on_the_wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {int(k) if k.isdecimal() else k: on_the_wire(v) for k, v in value.items()}
    return value


def mangled(die: random.Random) -> dict[str, Any]:
    """An entry of the corpus with up to three values replaced, in any of the encodings."""
    case = copy.deepcopy(die.choice(CASES))
    payload = opened(case["payload"])
    for _ in range(die.choice((1, 1, 2, 3))):
        holder, key = die.choice(list(places(payload)))
        holder[key] = copy.deepcopy(die.choice(NASTY))
    bare = closed(payload)
    text = json.dumps(bare)
    match die.choice(("msgpack", "json", "plain")):
        case "msgpack":
            packed = msgpack.packb(
                on_the_wire(bare), use_bin_type=die.random() < 0.5, unicode_errors="surrogatepass"
            )
            data = b64encode(packed).decode()
        case "json":
            data = b64encode(text.encode()).decode()
        case _:
            data = text
    channel = die.choice((40, 370))
    return {"bizType": channel, "objectType": case["object_type"], "data": data}


@pytest.mark.parametrize("seed", range(4))
async def test_no_mangled_entry_breaks_the_way_in(tmp_path: Path, seed: int) -> None:
    now = datetime(2026, 9, 21, 14, 14, tzinfo=UTC)

    def furnish(tx: Tx) -> Account:
        shop = tx.shops.default()
        tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=now)
        tx.rules.add(Rule(RuleId(0), shop, None, RuleKind.DEFAULT, reply="在的"), now)
        return tx.accounts.add(
            shop,
            name="小店",
            user=SELLER,
            device_id="d",
            cookies="unb=2200111122223; cookie2=x",
            takeover_minutes=10,
            now=now,
        )

    die, sum_of = random.Random(seed), TakenIn()
    async with open_store(tmp_path / "hub.db", now=lambda: now) as store:
        account = await store.write(furnish)
        inbound = Inbound(store, ReplySettings(), lambda: now)
        for _ in range(150):
            counts = await inbound.take_in(account, decode_entry(mangled(die), user=SELLER))
            sum_of.messages += counts.messages
            sum_of.unreadable += counts.unreadable
    assert sum_of.messages > 10, "some of them were readable"
    assert sum_of.unreadable > 5, "some of them were not"
