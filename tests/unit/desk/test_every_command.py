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

from hub.commands import COMMANDS, Action, Command, may
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


@pytest.mark.parametrize("role", Role)
async def test_help_fits_one_screen_and_leads_to_all_that_its_reader_may_use(
    stage: DeliveryStage, role: Role
) -> None:
    first = await stage.write("/帮助", as_=role)
    assert len(first.splitlines()) <= 15
    groups = [line.partition("　")[0] for line in first.splitlines()[1:-3]]
    pages = [await stage.write(f"/帮助 {group}", as_=role) for group in groups]
    every = await stage.write("/帮助 全部", as_=role)
    for command in COMMANDS:
        line = f"{command.usage}　{command.summary}"
        allowed = may(role, command.role)
        assert any(line in page for page in pages) is (line in every) is allowed, command.name


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("发货", "/发货 订单号|#编号"),
        ("/单", "/单 [订单号"),
        ("订单", "〔订单和发货〕"),
        ("库存", "/库存 [卡池名]"),
        ("库存和补货", "〔库存和补货〕"),
        ("暂停30分钟", "/暂停 [对象] [时长]"),
        ("随便写写", "没有 /随便写写 这个命令"),
    ],
)
async def test_help_about_a_name_means_the_command_then_the_group(
    stage: DeliveryStage, asked: str, answer: str
) -> None:
    assert (await stage.write(f"/帮助 {asked}")).startswith(answer)


async def test_help_about_a_group_of_others_says_whose_it_is(stage: DeliveryStage) -> None:
    assert "要客服或店主" in await stage.write("/帮助 买家", as_=Role.VIEWER)


def test_the_manual_in_the_docs_is_the_one_of_the_registry() -> None:
    assert manual.written() == manual.made(), "run: python -m tests.unit.manual"
