"""Every command: done, without its argument, without the right, about nothing known, at a wrong
time. Whatever is refused says what to do next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cases_answers import ANSWERS
from cases_people import PEOPLE
from cases_shop import SHOP
from cases_trade import TRADE
from command_case import BARGAIN, REVIEWED, SECOND, UNPAID, Case
from delivery_stage import DeliveryStage, open_delivery_stage

from hub.commands import COMMANDS, Action, Command
from hub.model import DeliveryState, OrderStatus, Role
from tests.unit import manual

CASES: dict[Action, Case] = SHOP | ANSWERS | TRADE | PEOPLE


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        await stage.served("CODE-1111", "CODE-2222", "CODE-3333", "CODE-4444")
        reviewed = await stage.order(REVIEWED, stage.qi)
        await stage.write(f"/发货 {REVIEWED}")
        await stage.left(reviewed, DeliveryState.REVIEW)
        await stage.order()
        await stage.order(BARGAIN, stage.qi, status=OrderStatus.BARGAIN_PENDING)
        await stage.order(UNPAID, stage.qi, status=OrderStatus.UNPAID)
        order = await stage.order(SECOND, stage.qi)
        await stage.need(order)
        await stage.asks(stage.lin, "在吗")
        await stage.write("/存 地址 本店在上海")
        await stage.write(f"#{stage.qi.ticket} 在的")
        yield stage


def test_every_command_is_in_the_table() -> None:
    assert set(CASES) == {command.action for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
async def test_it_does_what_it_says(stage: DeliveryStage, command: Command) -> None:
    happy = CASES[command.action].happy
    if not isinstance(happy, str):
        assert happy[1] in await stage.write(happy[0])


async def test_without_what_they_need_they_say_what_to_write(stage: DeliveryStage) -> None:
    for case in CASES.values():
        if case.missing is not None:
            assert case.missing[1] in await stage.write(case.missing[0]), case.missing


async def test_what_is_not_known_is_named(stage: DeliveryStage) -> None:
    for case in CASES.values():
        if case.unknown is not None:
            assert case.unknown[1] in await stage.write(case.unknown[0]), case.unknown


@pytest.mark.parametrize(
    "action", [action for action, case in CASES.items() if case.wrong], ids=lambda one: one.value
)
async def test_at_a_wrong_time_they_say_why(stage: DeliveryStage, action: Action) -> None:
    for line, said in CASES[action].wrong:
        assert said in await stage.write(line), line


async def test_whoever_may_not_is_told_who_may(stage: DeliveryStage) -> None:
    """Before anything else: nobody learns what exists from a refusal."""
    for command in COMMANDS:
        lesser = {Role.OWNER: Role.AGENT, Role.AGENT: Role.VIEWER}.get(command.role)
        if lesser is not None:
            said = await stage.write(f"/{command.name} #z9 谁", as_=lesser)
            assert "你的身份是" in said, command.name


async def test_help_of_every_command_says_how_it_is_written(stage: DeliveryStage) -> None:
    for command in COMMANDS:
        said = await stage.write(f"/帮助 {command.name}", as_=Role.VIEWER)
        assert said.startswith(f"{command.usage}\n{command.summary}"), command.name


def test_the_manual_in_the_docs_is_the_one_of_the_registry() -> None:
    assert manual.written() == manual.made(), "run: python -m tests.unit.manual"
