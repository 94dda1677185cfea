"""A button of the admin asks for the role that its command asks for in chat."""

from __future__ import annotations

import pytest
from test_delivery_doors import DOORS as DELIVERY
from test_reply_doors import DOORS as REPLIES

from hub.commands import Action, least_role

PLACE = r"/{what:conversations|accounts}/{id:\d{1,15}}"
TALK = r"/conversations/{id:\d{1,15}}"
BUTTONS: dict[tuple[str, str], Action] = {
    ("POST", f"{TALK}/buyer"): Action.NOTE,
    ("POST", TALK + r"/recall/{message:\d{1,15}}"): Action.RECALL,
    ("POST", f"{TALK}/take-over"): Action.TAKE_OVER,
    ("GET", TALK): Action.HISTORY,
    ("POST", "/canned"): Action.SAVE_CANNED,
    ("POST", "/shop/pause"): Action.PAUSE,
    ("POST", "/shop/resume"): Action.RESUME,
    ("POST", f"{PLACE}/pause"): Action.PAUSE,
    ("POST", f"{PLACE}/resume"): Action.RESUME,
    ("POST", r"/orders/{number:\d{1,30}}/price"): Action.PRICE,
    ("POST", r"/accounts/{id:\d{1,15}}/floors"): Action.FLOOR,
    ("GET", "/rules/try"): Action.TRY,
    ("GET", "/orders"): Action.ORDER,
    ("POST", r"/orders/{number:\d{1,30}}/{act:[a-z]+}"): Action.DELIVER,
    ("GET", "/needs"): Action.NEEDS,
    ("POST", r"/needs/{number:\d{1,9}}"): Action.SETTLE,
    ("POST", "/emergency/halt"): Action.HALT,
    ("POST", "/emergency/go"): Action.GO,
    ("POST", "/delivery/stop"): Action.STOP,
    ("POST", "/delivery/resume"): Action.GO_ON,
    ("GET", "/stock"): Action.STOCK,
    ("POST", r"/stock/{id:\d{1,15}}/restock/add"): Action.RESTOCK,
    ("POST", r"/cards/{id:\d{1,15}}/void"): Action.VOID,
    ("GET", "/delivery-rules"): Action.DELIVERY_RULES,
}
"""That each door really asks for its role is shown where the doors are listed."""


@pytest.mark.parametrize(("door", "action"), BUTTONS.items(), ids=str)
def test_it_is_the_same(door: tuple[str, str], action: Action) -> None:
    _, least, _ = {**DELIVERY, **REPLIES}[door]
    assert least is least_role(action)
