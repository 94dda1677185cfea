"""Whatever is done every day can be done from chat, and asks for the same role through every door.

The use cases of the desk are all there is to do. Each stands here: with its command, as part of the
configuration, which is the admin's, or as something that is only looked at.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from stock_stage import StockStage, open_stock_stage

from hub.commands import Action, least_role
from hub.desk import Operator
from hub.errors import Forbidden
from hub.model import Role

FROM_CHAT: dict[str, Action] = {
    "inbox.answer": Action.FOCUS,
    "inbox.recall": Action.RECALL,
    "drafts.approve": Action.CANNED,
    "drafts.another": Action.CANNED,
    "drafts.drop": Action.CANNED,
    "holds.pause": Action.PAUSE,
    "holds.resume": Action.RESUME,
    "holds.take_over": Action.TAKE_OVER,
    "buyers.change": Action.NOTE,
    "accounts.reconnect": Action.RECONNECT,
    "accounts.switch": Action.SWITCH_ON,
    "logins.start": Action.LOG_IN,
    "logins.retry": Action.LOG_IN,
    "canned.messages": Action.CANNED,
    "canned.save": Action.SAVE_CANNED,
    "rehearsal.try_out": Action.TRY,
    "orders.arrived": Action.SETTLE,
    "orders.deliver": Action.DELIVER,
    "orders.free": Action.FREE,
    "orders.outside": Action.OUTSIDE,
    "orders.read": Action.SETTLE,
    "orders.refuse": Action.REFUSE,
    "orders.release": Action.RELEASE,
    "orders.resend": Action.RESEND,
    "orders.ship": Action.SHIP,
    "bargains.answer": Action.SETTLE,
    "bargains.change_price": Action.PRICE,
    "bargains.set_floor": Action.FLOOR,
    "needs.answer": Action.SETTLE,
    "needs.resume": Action.GO_ON,
    "needs.stop": Action.STOP,
    "cards.void": Action.VOID,
    "cards.void_by_code": Action.VOID,
    "restock.add": Action.RESTOCK,
    "restock.preview": Action.RESTOCK,
    "binding.unbind": Action.UNBIND,
    "handing.hand_over": Action.HAND_OVER,
    "handing.later": Action.LATER,
    "handing.needs_nothing": Action.LATER,
    "emergency.go": Action.GO,
    "emergency.halt": Action.HALT,
    "ai_modes.set": Action.AI,
    "people.end_duty": Action.DUTY,
    "people.silence": Action.SILENCE,
    "people.speak_up": Action.SILENCE,
    "people.take_duty": Action.DUTY,
    "focusing.begin": Action.FOCUS,
    "focusing.leave": Action.LEAVE,
}
"""Drafts and answers have words instead of commands; their role is that of whoever may answer."""
OF_THE_ADMIN = {"backups", "imports", "mail", "rule_sheets", "statistics", "suppliers"}
"""Nouns that are the admin's altogether."""
CONFIGURES = [
    "inbox.opened",
    "accounts.add",
    "accounts.configure",
    "accounts.log_in",
    "accounts.set_proxy",
    "logins.cancel",
    "members.add",
    "members.change",
    "rules.add",
    "rules.add_picture",
    "rules.change",
    "rules.remove",
    "rules.remove_picture",
    "canned.remove",
    "rehearsal.replay",
    "stock.add_picture",
    "stock.change",
    "stock.create",
    "stock.remove",
    "stock.remove_picture",
    "bargains.forbid",
    "delivery_rules.add",
    "delivery_rules.change",
    "delivery_rules.remove",
    "delivery_rules.set_guards",
    "cards.set_note",
    "binding.make_code",
    "ai.add",
    "ai.change",
    "ai.remove",
    "ai.set_scope",
    "ai.set_shop",
    "ai.switch",
    "ai.test",
    "people.add_group",
    "people.add_route",
    "people.add_shift",
    "people.raise_route",
    "people.remove_group",
    "people.remove_route",
    "people.remove_shift",
    "people.set_away",
    "people.set_habits",
    "ai_replays.ask_again",
    "items.refresh",
]
LOOKS = [
    "emergency.standing",
    "inbox.by_ticket",
    "inbox.conversation",
    "inbox.conversations",
    "holds.account_of",
    "holds.all",
    "holds.item_of",
    "holds.meant",
    "buyers.of_conversation",
    "pictures.of_item",
    "pictures.of_message",
    "items.fresh",
    "items.of_account",
    "accounts.all",
    "accounts.find",
    "accounts.proxy",
    "logins.pending",
    "logins.state",
    "members.all",
    "rules.all",
    "rules.get",
    "rules.picture",
    "canned.all",
    "canned.for_conversation",
    "rehearsal.is_item",
    "system.audit",
    "system.overview",
    "stock.overview",
    "stock.picture",
    "stock.pool",
    "orders.ending",
    "orders.get",
    "orders.of_conversation",
    "orders.page",
    "bargains.floor_of",
    "bargains.floors",
    "bargains.forbidden",
    "bargains.of_account",
    "needs.count",
    "needs.get",
    "needs.open",
    "needs.stops",
    "delivery_rules.all",
    "delivery_rules.get",
    "delivery_rules.guards",
    "delivery_rules.told",
    "cards.get",
    "cards.look_up",
    "cards.page",
    "binding.code",
    "binding.member",
    "handing.ticket",
    "ai.overview",
    "ai.profile",
    "ai.scope",
    "ai_modes.standing",
    "people.duty_page",
    "people.view",
    "focusing.called",
    "focusing.of",
    "login_chat.begin",
]
OWN_BUSINESS = {"binding.unbind", "people.take_duty", "people.end_duty"}
"""Everybody may do it for themselves, only owners for others."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[StockStage]:
    async with open_stock_stage(tmp_path) as stage:
        yield stage


def use_cases(stage: StockStage) -> dict[str, Any]:
    """By noun and verb: what an operator is named for."""
    return {
        f"{noun}.{verb}": getattr(one, verb)
        for noun, one in vars(stage.desk).items()
        for verb, function in inspect.getmembers(type(one), inspect.isfunction)
        if not verb.startswith("_")
        and list(inspect.signature(function).parameters)[1:2] == ["operator"]
    }


async def test_every_use_case_has_its_place(stage: StockStage) -> None:
    known = [one for one in use_cases(stage) if one.partition(".")[0] not in OF_THE_ADMIN]
    placed = {*FROM_CHAT, *CONFIGURES, *LOOKS}
    assert placed ^ set(known) == set(), "a new one? say whether chat can do it"


async def test_the_desk_asks_for_the_role_that_the_command_names(
    stage: StockStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the buttons of the admin, which call the same use cases, cannot ask for another."""
    monkeypatch.setattr("hub.desk.login.START_SECONDS", 0)  # nobody brings a code here
    who = {Role.OWNER: stage.owner, Role.AGENT: stage.agent, Role.VIEWER: stage.viewer}
    cases = use_cases(stage)
    for name, action in FROM_CHAT.items():
        least = least_role(action)
        lesser = {Role.OWNER: Role.AGENT, Role.AGENT: Role.VIEWER}.get(least)
        if lesser is not None:
            assert await refuses(cases[name], who[lesser]), name
        if name not in OWN_BUSINESS:
            assert not await refuses(cases[name], who[least]), name


async def refuses(use_case: Any, operator: Operator) -> bool:
    """Whether it turns this person away, whatever it is asked for."""
    needed = [
        one
        for one in inspect.signature(use_case).parameters.values()
        if one.default is inspect.Parameter.empty and one.name != "operator"
    ]
    given = {one.name: DUMMIES.get(one.name, 0) for one in needed}
    try:
        await use_case(operator, **given)
    except Forbidden:
        return True
    except Exception:
        return False
    return False


DUMMIES: dict[str, Any] = {"said": "在的", "key": "k", "codes": "A", "words": "A", "text": "A"}
