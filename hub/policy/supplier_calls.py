"""The request to a supplier, with the order's facts in their places."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hub.model import SupplierCall
from hub.policy.templates import DeliveryFacts, fill

DEEPEST_BODY = 50
"""Levels of a body: far more than a supplier wants, far fewer than Python can walk."""


def supplier_request(call: SupplierCall, facts: DeliveryFacts) -> tuple[str, str | None]:
    """Address and body. In an address a value is quoted, so that it cannot become part of the
    address itself; in a body placeholders stand in texts, however deep, and stay texts."""
    values = facts.by_name()
    url = fill(call.url, {name: quote(value, safe="") for name, value in values.items()})
    if call.method != "POST":
        return url, None
    body = call.body.strip() or "{}"
    return url, json.dumps(_filled(json.loads(body), values), ensure_ascii=False)


def words_of_body(body: str) -> tuple[list[str], list[str]]:
    """The texts of a body, in which placeholders are filled, and its names, in which none is.

    Raises ValueError for what is no JSON or could not be sent as such: NaN, half a character, more
    levels than `DEEPEST_BODY`.
    """
    try:
        level = [json.loads(body, parse_constant=_refuse)]
    except RecursionError:
        raise ValueError("too deep") from None
    texts: list[str] = []
    names: list[str] = []
    for _ in range(DEEPEST_BODY):
        texts += [one for one in level if isinstance(one, str)]
        names += [name for one in level if isinstance(one, dict) for name in one]
        level = [below for one in level for below in _parts(one)]
        if not level:
            "".join(texts + names).encode()  # refuses halves of characters
            return texts, names
    raise ValueError("too deep")


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, values) for name, one in value.items()}
    return value
