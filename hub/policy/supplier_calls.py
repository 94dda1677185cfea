"""The request to a supplier, with the order's facts in their places."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hub.model import SupplierCall
from hub.policy.templates import DeliveryFacts, fill


def supplier_request(call: SupplierCall, facts: DeliveryFacts) -> tuple[str, str | None]:
    """Address and body. In an address a value is quoted, so that it cannot become part of the
    address itself; in a body placeholders stand in texts, however deep, and stay texts."""
    values = facts.by_name()
    url = fill(call.url, {name: quote(value, safe="") for name, value in values.items()})
    if call.method != "POST":
        return url, None
    body = call.body.strip() or "{}"
    return url, json.dumps(_filled(json.loads(body), values), ensure_ascii=False)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, values) for name, one in value.items()}
    return value
