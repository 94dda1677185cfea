"""A hub that stops in the middle of a QR login leaves nothing half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.app import open_hub
from hub.desk import LoginStep
from hub.errors import NotFound
from hub.model import AccountState
from hub.sandbox import SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.stage import SECONDS, furnish, settings_for, wait_account
from tests.waiting import wait_until

OTHER = "2200999988887"


@pytest.mark.parametrize("taps", [(), ("scan",), ("scan", "confirm"), ("scan", "verify")])
async def test_a_stop_in_the_middle_leaves_all_or_nothing(
    tmp_path: Path, taps: tuple[str, ...]
) -> None:
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        sandbox.world.add_seller("隔壁小铺", OTHER)
        settings = settings_for(sandbox, tmp_path)
        async with open_hub(settings) as hub:
            owner, account = await furnish(hub, sandbox.cookies())
            view = await hub.desk.logins.start(owner, name="二店")
            for tap in taps:
                sandbox.passport.act("latest", tap, OTHER)

        async with open_hub(settings) as hub:
            accounts = await hub.desk.accounts.all(owner)
            assert [a.user for a in accounts] == [DEMO_SELLER]
            with pytest.raises(NotFound):
                hub.desk.logins.state(owner, view.id)

            again = await hub.desk.logins.start(owner, name="二店")
            sandbox.passport.act("latest", "confirm", OTHER)

            async def done() -> bool:
                return hub.desk.logins.state(owner, again.id).step is LoginStep.DONE

            await wait_until(done, SECONDS)
            added = hub.desk.logins.state(owner, again.id).account
            assert added is not None
            for one in (account, added):
                await wait_account(hub, one, lambda a: a.state is AccountState.ONLINE)
