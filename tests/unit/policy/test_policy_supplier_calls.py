"""Facts of an order in the request to a supplier: in texts, and nowhere else."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from hub.model import SupplierCall
from hub.policy import DeliveryFacts, supplier_request, words_of_body
from hub.policy.supplier_calls import DEEPEST_BODY

FACTS = DeliveryFacts(order_id="44001", buyer_name='小林"}, {&a=1#', order_quantity="2")


def test_placeholders_are_filled_however_deep_and_stay_texts() -> None:
    body = {
        "order": "{order_id}",
        "n": 1,
        "on": True,
        "deep": [{"who": "买家 {buyer_name}", "{order_id}": None}, "{unknown}", "{}"],
    }
    _, sent = supplier_request(
        SupplierCall(url="https://a.example/", method="POST", body=json.dumps(body)), FACTS
    )
    assert sent is not None
    assert json.loads(sent) == {
        "order": "44001",
        "n": 1,
        "on": True,
        "deep": [{"who": '买家 小林"}, {&a=1#', "{order_id}": None}, "{unknown}", "{}"],
    }


def test_a_value_in_an_address_cannot_become_part_of_the_address() -> None:
    url, body = supplier_request(
        SupplierCall(url="https://a.example/{order_id}?who={buyer_name}&x=%20"), FACTS
    )
    assert url == ("https://a.example/44001?who=%E5%B0%8F%E6%9E%97%22%7D%2C%20%7B%26a%3D1%23&x=%20")
    assert body is None


def test_a_post_without_a_body_sends_an_empty_object() -> None:
    _, body = supplier_request(SupplierCall(url="https://a.example/", method="POST"), FACTS)
    assert body == "{}"


def test_every_body_that_can_be_saved_can_be_sent() -> None:
    """One that Python can read and not walk would be asked for again and again."""
    deepest = '{"a":' * (DEEPEST_BODY - 1) + '"{order_id}"' + "}" * (DEEPEST_BODY - 1)
    assert words_of_body(deepest) == (["{order_id}"], ["a"] * (DEEPEST_BODY - 1))
    call = SupplierCall(url="https://a.example/", method="POST", body=deepest)
    _, body = supplier_request(call, FACTS)
    assert body is not None
    assert f'"{FACTS.order_id}"' in body
    for levels in (DEEPEST_BODY, 400, 900, 100_000):
        with pytest.raises(ValueError):
            words_of_body('{"a":' * levels + "1" + "}" * levels)


def test_texts_and_names_of_a_body_are_told_apart() -> None:
    body = '{"a": ["{order_id}", 1, null, {"{item_id}": "b"}], "c": "\\u007bx}"}'
    texts, names = words_of_body(body)
    assert set(texts) == {"{order_id}", "b", "{x}"}
    assert set(names) == {"a", "{item_id}", "c"}


@pytest.mark.parametrize("body", ["", "{", "NaN", '{"a": Infinity}', '["\\ud800"]', "9" * 5000])
def test_what_is_no_body_is_refused(body: str) -> None:
    with pytest.raises(ValueError):
        words_of_body(body)


@pytest.mark.parametrize(
    "value", ['"}, {"', "\r\nX-Evil: 1", "{order_id}", "\\u0022", "../x?a=b#c&d"]
)
def test_no_value_gets_out_of_its_place(value: str) -> None:
    call = SupplierCall(
        url="https://a.example/{item_title}?x={item_title}&y=1",
        method="POST",
        body='{"a": "{item_title}", "b": 1}',
    )
    url, body = supplier_request(call, DeliveryFacts(item_title=value, order_id="1"))
    parts = urlsplit(url)
    assert (parts.netloc, parts.fragment) == ("a.example", "")
    assert parse_qs(parts.query) == {"x": [value], "y": ["1"]}
    assert unquote(parts.path) == f"/{value}"
    assert json.loads(body or "") == {"a": value, "b": 1}
