"""What an account says keeps its distance, and people do not wait behind the automation."""

from __future__ import annotations

import time
from pathlib import Path

from hub.model import AccountState, MessageState, Origin
from tests.e2e.stage import BUYER, GREETING, open_stage

CROWD = 30
GAP = 0.2
SILENCE = 2.0


async def test_a_person_goes_before_thirty_automatic_answers_that_wait(tmp_path: Path) -> None:
    async with open_stage(tmp_path, send_spacing_seconds=GAP) as stage:
        await stage.buyer_says("我想问个事")
        await stage.wait_for_notice("我想问个事")
        for _ in range(CROWD):
            await stage.buyer_says("在吗", buyer=stage.sandbox.world.add_buyer().user)
        lines = stage.sandbox.world.conversations

        def sends() -> list[str]:
            said = [m for c in lines.values() for m in c.messages if m.own]
            return [m.summary for m in sorted(said, key=lambda m: m.stamp.at)]

        await stage.until(lambda: len(sends()) >= 2, "the first answers")
        (asked,) = [c for c in await stage.recent() if c.conversation.buyer == BUYER]
        await stage.hub.desk.inbox.answer(stage.operator, asked.conversation.id, "您说", key="1")
        before = len(sends())

        await stage.wait_for_answer("您说", BUYER)
        assert sends().index("您说") <= before + 2
        await stage.until(lambda: sends().count(GREETING) == CROWD, "everybody's answer")
        moments = sorted(m.stamp.at for c in lines.values() for m in c.messages if m.own)
        assert moments[-1] - moments[0] >= (CROWD - 1) * GAP * 1000 * 0.9


async def test_a_burst_gets_one_answer_after_the_buyer_has_finished(tmp_path: Path) -> None:
    async with open_stage(tmp_path, debounce_seconds=SILENCE) as stage:
        first = time.monotonic()
        for line in ("在吗", "老板在吗", "想问下键盘"):
            await stage.buyer_says(line)
        for outcome in ("↪ 自动回复", "前一句不再单独回复", "和前面的话一起自动回复"):
            await stage.wait_for_notice(outcome)

        await stage.wait_for_answer(GREETING)
        assert time.monotonic() - first >= SILENCE
        await stage.settled()
        assert stage.answers() == [GREETING]


async def test_a_person_neither_waits_for_silence_nor_behind_an_answer_that_does(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, debounce_seconds=30) as stage:
        await stage.buyer_says("在吗")
        notice = await stage.wait_for_notice("↪ 自动回复")

        await stage.operator_writes("在，您说", quote=notice)

        await stage.wait_for_answer("在，您说")
        await stage.settled()
        assert stage.answers() == ["在，您说"]
        needless = [m for m in await stage.messages() if m.origin is Origin.RULE]
        assert [(m.state, m.reason) for m in needless] == [
            (MessageState.DROPPED, "人工已经先回复了")
        ]


async def test_an_account_that_comes_back_ends_no_silence(tmp_path: Path) -> None:
    """What waits for the account is sent at once then; what waits for the buyer is not."""
    async with open_stage(tmp_path, debounce_seconds=30) as stage:
        await stage.buyer_says("在吗")
        await stage.wait_for_notice("↪ 自动回复")
        line = stage.sandbox.lines.of(stage.account.user)[-1]
        line.abort()
        await stage.until(lambda: line not in stage.sandbox.lines.of(stage.account.user))
        await stage.wait_state(AccountState.ONLINE)
        await stage.buyer_says("想问下键盘")
        await stage.wait_for_notice("和前面的话一起自动回复")
        assert stage.answers() == []
