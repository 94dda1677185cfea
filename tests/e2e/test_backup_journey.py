"""A backup asked for in QQ, taken away through the admin, and brought back on a bad day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from hub.app import open_hub
from hub.model import (
    AccountState,
    Message,
    MessageState,
    PlatformConversation,
    RuleKind,
    Text,
)
from hub.ops import Wish, restore, verify
from hub.sandbox import SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from hub.store import Tx, read_rewind
from tests.e2e.stage import OTHER_BUYER, SECONDS, TOKEN, Stage, furnish, settings_for
from tests.waiting import wait_until

ANSWER = "这句话在备份的时候还没有发出"
ASKED, BY_RULE = "地址在哪", "上海"


async def test_what_left_after_the_backup_does_not_leave_again_after_the_restore(
    tmp_path: Path,
) -> None:
    """One answer waits in the backup, and was sent before the machine died; one that the backup
    does not know of was given by a rule."""
    nobody = tmp_path / "no-settings.yml"
    options = SandboxOptions(list_quiet_seconds=0, onebot_reconnect_seconds=0.05)
    async with start_sandbox(options) as sandbox:
        settings = settings_for(sandbox, tmp_path / "data")
        async with open_hub(settings) as hub:
            stage = Stage(hub, sandbox, *await furnish(hub, sandbox.cookies()))
            sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
            await sandbox.qq.wait_online(SECONDS)
            await stage.wait_state(AccountState.ONLINE)
            desk, who = hub.desk, stage.operator
            await desk.rules.add(who, kind=RuleKind.KEYWORD, keywords=["地址"], reply=BY_RULE)
            await stage.buyer_says("在？")
            notice = await stage.wait_for_notice("在？")
            await _switch(stage, on=False)
            await stage.operator_writes(ANSWER, quote=notice)
            await wait_until(lambda: _is(stage, MessageState.QUEUED))
            made = await _backup_through_every_door(stage, tmp_path)
            await _switch(stage, on=True)
            await stage.wait_for_answer(ANSWER)
            await stage.buyer_says(ASKED, buyer=OTHER_BUYER)
            await stage.wait_for_answer(BY_RULE, OTHER_BUYER)
            await wait_until(lambda: _is(stage, MessageState.ACCEPTED))

        done = await asyncio.to_thread(restore, settings, nobody, Wish(made), now=datetime.now(UTC))
        assert done.kept is not None
        async with open_hub(settings) as hub:
            stage = Stage(hub, sandbox, stage.operator, stage.account)
            await _switch(stage, on=True)
            await wait_until(lambda: _is(stage, MessageState.ACCEPTED))
            known = await _wait_known(stage, ASKED, OTHER_BUYER)
            assert [m for m in known if m.automatic] == []
            assert stage.answers().count(ANSWER) == 1
            assert stage.answers(OTHER_BUYER).count(BY_RULE) == 1
            stops = await stage.read(lambda tx: tx.stops.all(stage.account.shop))
            assert [one.account for one in stops] == [None]
            sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
            await stage.wait_for_notice("数据库已从备份恢复")
        assert read_rewind(settings.database.path) is None


async def _switch(stage: Stage, *, on: bool) -> None:
    await stage.hub.desk.accounts.switch(stage.operator, stage.account.id, on=on)
    if on:
        await stage.wait_state(AccountState.ONLINE)
    else:
        lines = stage.sandbox.lines
        await stage.until(lambda: not lines.of(DEMO_SELLER), "the account to go")


async def _wait_known(stage: Stage, words: str, buyer: str) -> Sequence[Message]:
    """What is stored of the conversation once these words are."""
    thread = PlatformConversation(stage.conversation(buyer).id)

    def unit(tx: Tx) -> Sequence[Message]:
        shop, account = stage.operator.shop, stage.account.id
        found = tx.conversations.by_platform(shop, account, thread)
        return tx.messages.of_conversation(shop, found.id, limit=99) if found else ()

    async def known() -> bool:
        return any(m.content == Text(words) for m in await stage.read(unit))

    await wait_until(known)
    return await stage.read(unit)


async def _is(stage: Stage, state: MessageState) -> bool:
    return any(m.state is state for m in await stage.messages() if m.automatic is False)


async def _backup_through_every_door(stage: Stage, folder: Path) -> Path:
    await stage.operator_writes("/备份")
    await stage.wait_for_notice("✓ 已备份并检查过")
    url = f"http://127.0.0.1:{stage.hub.port}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        csrf = await _csrf(http, f"{url}/login")
        form = {"csrf": csrf, "name": "店主", "password": "a long password"}
        async with http.post(f"{url}/login", data=form) as page:
            assert page.status == 200
        csrf = await _csrf(http, f"{url}/backups")
        async with http.post(f"{url}/backups", data={"csrf": csrf}) as page:
            said = await page.text()
            assert "备份做好了" in said
            assert "密钥文件要另外保存" in said
        name = said.partition('name="name" value="')[2].partition('"')[0]
        form = {"csrf": csrf, "name": name}
        async with http.post(f"{url}/backups/take", data=form) as file:
            taken = folder / name
            await asyncio.to_thread(taken.write_bytes, await file.read())
        form = {"csrf": csrf, "name": "../hub.db"}
        async with http.post(f"{url}/backups/take", data=form) as page:
            assert page.status == 404
    assert verify(taken).rows["messages"] >= 2
    acts = [one.action for one in await stage.hub.desk.system.audit(stage.operator, 4)]
    assert acts[:3] == ["backup.take", "backup.make", "backup.make"]
    return taken


async def _csrf(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url) as page:
        return (await page.text()).partition('name="csrf" value="')[2].partition('"')[0]
