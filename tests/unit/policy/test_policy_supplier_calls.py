"""Facts of an order in the request to a supplier: in texts, and nowhere else."""

from __future__ import annotations

import json

from hub.model import SupplierCall
from hub.policy import DeliveryFacts, supplier_request

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
