"""Many accounts in one hub: they come and come back one after the other, and none meets another."""

from __future__ import annotations

from pathlib import Path

from hub.app import open_hub
from hub.desk import Door, Operator
from hub.model import RuleKind
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.world import Seller, add_sellers
from tests.e2e.stage import GREETING, settings_for

ACCOUNTS = 12
PER_SECOND = 40
LEAST_SECONDS = (ACCOUNTS - 1) * 0.75 / PER_SECOND
"""A crowd takes at least so long: the time between two turns varies by a quarter."""
SECONDS = 60.0


async def test_a_crowd_comes_and_comes_back_spread_and_is_answered(tmp_path: Path) -> None:
    async with start_sandbox(SandboxOptions(furnished=False, list_quiet_seconds=0)) as sandbox:
        sellers = add_sellers(sandbox.world, ACCOUNTS)
        settings = settings_for(
            sandbox, tmp_path, connects_per_second=PER_SECOND, token_spacing_seconds=180
        )
        async with open_hub(settings) as hub:
            founded = await hub.desk.members.found_shop(name="店主", password="a long password")
            operator = Operator(founded.login.operator.member, Door.CLI)
            await hub.desk.rules.add(
                operator, kind=RuleKind.KEYWORD, keywords=["在吗"], reply=GREETING
            )
            for number, seller in enumerate(sellers):
                cookies = sandbox.cookies(seller.user)
                await hub.desk.accounts.add(operator, f"店{number}", cookies)
            await all_online(sandbox, sellers)
            assert spread(sandbox.lines.dials) >= LEAST_SECONDS

            sandbox.lines.dials.clear()
            await sandbox.lines.restart("abnormal", 0)
            await all_online(sandbox, sellers)

            assert spread(sandbox.lines.dials) >= LEAST_SECONDS
            assert asked_for_tokens(sandbox) == {seller.user: 1 for seller in sellers}
            for seller in sellers:
                (conversation,) = sandbox.world.conversations_of(seller.user)
                await sandbox.stage.say(conversation, [{"text": "在吗"}])
            assert await sandbox.world.bell.until(lambda: answered(sandbox), SECONDS)


async def all_online(sandbox: Sandbox, sellers: list[Seller]) -> None:
    def met() -> bool:
        return all(sandbox.lines.of(seller.user) for seller in sellers)

    assert await sandbox.world.bell.until(met, SECONDS)


def spread(dials: object) -> float:
    """Seconds between the first and the last."""
    moments = sorted(dials)  # type: ignore[call-overload]
    assert len(moments) >= ACCOUNTS
    return float(moments[-1] - moments[0]) / 1000


def asked_for_tokens(sandbox: Sandbox) -> dict[str, int]:
    asked: dict[str, int] = {}
    for call in sandbox.mtop.calls:
        if call.api.endswith("login.token") and call.ret.startswith("SUCCESS"):
            asked[call.user] = asked.get(call.user, 0) + 1
    return asked


def answered(sandbox: Sandbox) -> bool:
    """Every account answered its own buyer, once."""
    said = [(one.user, one.text) for one in sandbox.im.sends]
    return sorted(said) == sorted((user, GREETING) for user in sandbox.world.sellers)
