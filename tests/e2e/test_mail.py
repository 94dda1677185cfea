"""Mail as the second channel: a whole hub, a real mail server, every kind of trouble between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest

from hub.app import open_hub, utc_now
from hub.delivery import open_need
from hub.model import AccountState, NeedKind, Role, TaskKind, Urgent, UrgentNews, mail_lane
from hub.notices import tell_owners_of_shop
from hub.sandbox import SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from hub.settings import MailSettings
from tests.e2e.shop import Shop
from tests.e2e.stage import TOKEN, Stage, furnish, open_stage, settings_for
from tests.post_office import PASSWORD, USER, PostOffice, open_post_office
from tests.waiting import wait_until

BOSS = "boss@example.org"
PATIENCE = 60.0
OFTEN = 0.002


def mail_settings(office: PostOffice, **values: Any) -> MailSettings:
    return MailSettings(
        **{
            "host": "127.0.0.1",
            "port": office.port,
            "security": "none",
            "user": USER,
            "password": PASSWORD,
            "gather_seconds": 0,
            "spacing_minutes": 0,
            "untold_minutes": 0.01,
            "timeout_seconds": 5,
            **values,
        }
    )


class Clock:
    """The real time, and as much later as a test says."""

    ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class Mailed:
    stage: Stage
    office: PostOffice

    async def wait_mail(self, part: str) -> str:
        async def arrived() -> bool:
            return any(part in one for one in self.office.texts())

        await wait_until(arrived, PATIENCE)
        return next(one for one in self.office.texts() if part in one)

    async def news(self, what: str) -> None:
        shop = self.stage.operator.shop

        def unit(tx: Any) -> None:
            now = utc_now()
            urgent = UrgentNews(Urgent.ACCOUNT)
            tell_owners_of_shop(tx, shop, what, key=what, now=now, urgent=urgent)

        await self.stage.hub.store.write(unit)

    async def settled(self) -> None:
        async def empty() -> bool:
            return TaskKind.MAIL not in await self.stage.read(lambda tx: tx.outbox.backlog())

        await wait_until(empty, PATIENCE)


async def give_address(stage: Stage) -> None:
    shop = stage.operator.shop

    def unit(tx: Any) -> None:
        (owner,) = tx.members.owners(shop)
        tx.members.update(shop, owner.id, email=BOSS)

    await stage.hub.store.write(unit)


@asynccontextmanager
async def mailed(
    folder: Path,
    security: Literal["starttls", "tls", "none"] = "none",
    *,
    qq_online: bool = True,
    **values: Any,
) -> AsyncIterator[Mailed]:
    certificate = folder / "mail.pem"
    async with open_post_office(security, certificate) as office:
        ca_file = "" if security == "none" else str(certificate)
        mail = mail_settings(office, security=security, ca_file=ca_file, **values)
        async with open_stage(
            folder, qq_online=qq_online, mail=mail, keep_alive_minutes=OFTEN
        ) as stage:
            await give_address(stage)
            yield Mailed(stage, office)


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_an_account_that_was_logged_out_is_told_in_qq_and_by_mail(
    security: Literal["starttls", "tls", "none"], tmp_path: Path
) -> None:
    async with mailed(tmp_path, security) as it:
        it.stage.sandbox.logins.end(DEMO_SELLER)
        await it.stage.wait_state(AccountState.LOGGED_OUT)
        await it.stage.wait_for_notice("【小店】")
        said = await it.wait_mail("【小店】")
        assert "扫码或粘贴新的 Cookie" in said
        await it.settled()
        assert it.office.subjects() == ["【鱼桥】账号要你处理"]
        assert it.office.ciphers == [security != "none"]
        page = await metrics(it.stage)
        assert 'yuqiao_mails_total{outcome="sent"} 1.0' in page


async def metrics(stage: Stage) -> str:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{stage.hub.port}/metrics") as response,
    ):
        return await response.text()


async def test_an_order_that_waits_reaches_the_mailbox_while_no_bot_is_connected(
    tmp_path: Path,
) -> None:
    async with mailed(tmp_path, qq_online=False) as it:
        shop = Shop(it.stage)
        await shop.rule_for_something_else()
        await shop.buy()
        await shop.wait_need(NeedKind.NO_RULE)
        said = await it.wait_mail("待处理 1｜没有发货规则")
        await it.settled()
        assert it.office.subjects() == ["【鱼桥】有事在等你处理"]
        assert "请到 QQ 或鱼桥后台处理" in said


async def test_an_order_that_waits_is_not_mailed_when_qq_has_told_it(tmp_path: Path) -> None:
    async with mailed(tmp_path, untold_minutes=0.05) as it:
        stage = it.stage
        shop, now = stage.operator.shop, utc_now()
        await stage.hub.store.write(
            lambda tx: open_need(tx, shop, NeedKind.NO_RULE, detail="键盘", now=now)
        )
        await stage.wait_for_notice("待处理 1")
        await it.settled()
        assert it.office.connections == 0


async def test_goods_are_in_no_mail(tmp_path: Path) -> None:
    async with mailed(tmp_path) as it:
        shop = Shop(it.stage)
        pool = await shop.pool(["SECRET-CARD-AAAA-1111"])
        await shop.rule(pool)
        await shop.buy()
        said = await it.wait_mail("已经没有可用的卡密了")
        await it.stage.wait_for_answer("SECRET-CARD-AAAA-1111")
        await it.settled()
        assert "SECRET" not in said + "".join(it.office.subjects())
        for one in it.office.taken:
            assert b"SECRET" not in one.as_bytes()


async def test_a_wrong_password_is_told_in_qq_once_and_the_right_one_mails_what_waited(
    tmp_path: Path,
) -> None:
    async with (
        open_post_office() as office,
        start_sandbox(SandboxOptions(list_quiet_seconds=0, onebot_reconnect_seconds=0.05)) as box,
    ):
        wrong = settings_for(box, tmp_path, mail=mail_settings(office, password="wrong-secret"))
        async with open_hub(wrong) as hub:
            operator, account = await furnish(hub, box.cookies())
            stage = Stage(hub, box, operator, account)
            await give_address(stage)
            box.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
            await Mailed(stage, office).news("第一件")
            told = await stage.wait_for_notice("邮件通知寄不出去")
            assert "授权码" in told.text
            await Mailed(stage, office).news("第二件")
            await stage.wait_for_notice("第二件")
            assert len(office.logins) == 1
        right = settings_for(box, tmp_path, mail=mail_settings(office))
        async with open_hub(right) as hub:
            again = Mailed(replace(stage, hub=hub), office)
            await again.wait_mail("第一件")
            await again.wait_mail("第二件")
            await again.settled()
        assert sum("寄不出去" in one.text for one in stage.notices()) == 1


async def test_a_refused_mailbox_is_told_in_qq_and_holds_up_nothing(tmp_path: Path) -> None:
    async with mailed(tmp_path) as it:
        it.office.says["RCPT"] = f"550 5.1.1 <{BOSS}> no such user"
        await it.news("第一件")
        told = await it.stage.wait_for_notice("的邮件没有寄到")
        assert "b***@example.org" in told.text
        assert BOSS not in told.text
        it.office.says.clear()
        await it.news("第二件")
        await it.wait_mail("第二件")


async def test_a_greylisted_mail_comes_later(tmp_path: Path) -> None:
    clock = Clock()
    async with (
        open_post_office() as office,
        start_sandbox(SandboxOptions(list_quiet_seconds=0)) as box,
    ):
        settings = settings_for(box, tmp_path, mail=mail_settings(office))
        async with open_hub(settings, now=clock) as hub:
            operator, account = await furnish(hub, box.cookies())
            it = Mailed(Stage(hub, box, operator, account), office)
            await give_address(it.stage)
            office.says["RCPT"] = "450 4.2.0 come back later"
            await it.news("第一件")

            async def put_back() -> bool:
                lane = mail_lane(BOSS)
                waiting = await it.stage.read(lambda tx: tx.outbox.waiting(operator.shop, lane))
                return office.quits == 1 and [one.attempt for one in waiting] == [1]

            await wait_until(put_back, PATIENCE)
            office.says.clear()
            clock.ahead = timedelta(minutes=6)
            await it.wait_mail("第一件")


@pytest.mark.parametrize("fault", ["cuts", "hangs"])
async def test_a_mail_cut_off_in_the_middle_comes_again_as_the_same_mail(
    fault: str, tmp_path: Path
) -> None:
    clock = Clock()
    async with (
        open_post_office() as office,
        start_sandbox(SandboxOptions(list_quiet_seconds=0)) as box,
    ):
        mail = mail_settings(office, timeout_seconds=1)
        async with open_hub(settings_for(box, tmp_path, mail=mail), now=clock) as hub:
            operator, account = await furnish(hub, box.cookies())
            it = Mailed(Stage(hub, box, operator, account), office)
            await give_address(it.stage)
            getattr(office, fault).add("DATA")
            await it.news("第一件")

            async def uncertain() -> bool:
                return 'outcome="uncertain"' in await metrics(it.stage)

            await wait_until(uncertain, PATIENCE)
            getattr(office, fault).clear()
            clock.ahead = timedelta(minutes=2)
            await it.settled()
            assert len(office.taken) == 2
            assert len({str(one["Message-ID"]) for one in office.taken}) == 1


async def test_a_member_can_be_added_for_mail_alone(tmp_path: Path) -> None:
    async with mailed(tmp_path) as it:
        stage = it.stage
        await stage.hub.desk.members.add(
            stage.operator, name="小李", role=Role.AGENT, email="li@example.org"
        )
        await it.news("第一件")

        async def both() -> bool:
            return {str(one["To"]) for one in it.office.taken} == {BOSS, "li@example.org"}

        await wait_until(both, PATIENCE)
        await it.settled()
        assert len(it.office.taken) == 2
