"""From xianyu-auto-reply to the first answer: imported, looked at, enabled, and it speaks."""

from __future__ import annotations

from pathlib import Path

from hub.app import open_hub
from hub.desk import Door, Operator
from hub.model import AccountState, Member, MemberId, Role
from hub.sandbox import SandboxOptions, start_sandbox
from tests import originals
from tests.e2e.stage import BUYER, Stage, settings_for, wait_account


async def test_after_the_import_the_old_keyword_answers_once_the_account_is_enabled(
    tmp_path: Path,
) -> None:
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        settings = settings_for(sandbox, tmp_path)
        rows = originals.furnished()
        rows["cookies"] = [
            {"id": "shop1", "value": sandbox.cookies(), "user_id": 1, "remark": "数码小店"}
        ]
        originals.write_original(settings.database.path, rows=rows)
        async with open_hub(settings) as hub:
            shop = await hub.store.read(lambda tx: tx.shops.default())
            operator = Operator(Member(MemberId(0), shop, "店主", Role.OWNER), Door.CLI)
            (account,) = await hub.desk.accounts.all(operator)
            stage = Stage(hub, sandbox, operator, account)
            assert (account.name, account.state) == ("数码小店", AccountState.DISABLED)
            assert not sandbox.mtop.calls  # nothing was asked in its name

            await hub.desk.accounts.switch(operator, account.id, on=True)
            await wait_account(hub, account, lambda one: one.state is AccountState.ONLINE)
            await stage.buyer_says("老板在吗")

            name = sandbox.world.buyers[BUYER].name
            await stage.wait_for_answer(f"在的，{name}")
            await stage.settled()
            assert stage.answers() == [f"在的，{name}"]
