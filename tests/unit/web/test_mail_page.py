"""The page for mail, the member's switch, and the test mail from the admin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from web_stage import Stage, Visitor, open_stage, utc_now, visiting

from hub.desk import Operator
from hub.model import MailTrouble, Role
from hub.settings import MailSettings, Settings
from tests.post_office import PASSWORD, USER, PostOffice, open_post_office


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with open_post_office() as office:
        yield office


@pytest.fixture
async def stage(tmp_path: Path, office: PostOffice) -> AsyncIterator[Stage]:
    mail = MailSettings(
        host="127.0.0.1",
        port=office.port,
        security="none",
        user=USER,
        password=PASSWORD,
        timeout_seconds=5,
    )
    async with open_stage(tmp_path, settings=Settings(mail=mail)) as stage:
        yield stage


async def test_a_test_mail_is_sent_told_of_and_audited(
    stage: Stage, boss: Visitor, office: PostOffice
) -> None:
    page = await boss.submit("/mail", email="boss@example.org")
    assert page.leads_to == "/mail?done=mail-tested"
    assert "测试邮件已经交给邮件服务器" in (await boss.get(page.leads_to)).text
    (message,) = office.taken
    assert (message["To"], message["Subject"]) == ("boss@example.org", "【鱼桥】测试邮件")
    assert "发测试邮件" in (await boss.get("/audit")).text


async def test_what_went_wrong_is_said_in_words(boss: Visitor, office: PostOffice) -> None:
    office.says["RCPT"] = "550 <boss@example.org> unknown <b>user</b>"
    page = await boss.submit("/mail", email="boss@example.org")
    assert page.status == 400
    assert "测试邮件没有寄出：对方的邮箱不收" in page.text
    assert "<b>user" not in page.text
    assert page.value("email") == "boss@example.org"


@pytest.mark.parametrize("address", ["", "nobody", "a@b\r\nRCPT TO:<c@d>", "a@b, c@d"])
async def test_what_is_no_address_reaches_no_server(
    boss: Visitor, office: PostOffice, address: str
) -> None:
    page = await boss.submit("/mail", email=address)
    assert page.status == 400
    assert "这个邮箱地址不对" in page.text
    assert office.connections == 0


async def test_test_mails_are_few(boss: Visitor, office: PostOffice) -> None:
    for _ in range(5):
        await boss.submit("/mail", email="boss@example.org")
    page = await boss.submit("/mail", email="boss@example.org")
    assert "十分钟后再试" in page.text
    assert len(office.taken) == 5


async def test_a_trouble_is_shown_until_a_test_gets_through(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    shop, now = owner.shop, utc_now()
    trouble = MailTrouble("不认用户名或密码", now, now, now)
    await stage.store.write(lambda tx: tx.mail_troubles.set(shop, trouble))
    page = await boss.get("/mail")
    assert "起寄不出去：不认用户名或密码" in page.text
    assert PASSWORD not in page.text
    await boss.submit("/mail", email="boss@example.org")
    assert "寄不出去：" not in (await boss.get("/mail")).text


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_mail_is_the_owners_business(stage: Stage, owner: Operator, role: Role) -> None:
    await stage.member(owner, "小周", role)
    async with visiting(stage) as visitor:
        await visitor.log_in("小周")
        assert (await visitor.get("/mail")).status == 403
        page = await visitor.submit("/mail", on="/", email="boss@example.org")
        assert page.status == 403


async def test_a_member_has_an_address_and_a_switch(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await boss.submit(
        "/members/new", name="小周", role="agent", qq="", email=" zhou@example.org ", mails="none"
    )
    member = next(m for m in await stage.desk.members.all(owner) if m.name == "小周")
    assert (member.email, member.urgent_mail) == ("zhou@example.org", False)
    path = f"/members/{member.id}"
    assert (await boss.get(path)).value("email") == "zhou@example.org"
    await boss.submit(path, role="agent", qq="", email="z@example.org", mails="all")
    member = next(m for m in await stage.desk.members.all(owner) if m.name == "小周")
    assert (member.email, member.urgent_mail) == ("z@example.org", True)
    page = await boss.get("/mail")
    assert "z@example.org" in page.text
    assert "全部紧急" in page.text
    page = await boss.submit(path, role="agent", qq="", email="nonsense", mails="all")
    assert page.status == 400
    assert 'id="email-error"' in page.text
    await boss.submit(path, role="agent", qq="", email="", mails="all")
    member = next(m for m in await stage.desk.members.all(owner) if m.name == "小周")
    assert member.email is None


async def test_without_a_server_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    async with open_stage(tmp_path / "bare") as stage:
        owner = await stage.found()
        async with visiting(stage) as boss:
            await boss.log_in(owner.member.name)
            page = await boss.get("/mail")
            assert "还没有设置邮件服务器" in page.text
            page = await boss.submit("/mail", on="/", email="boss@example.org")
            assert page.status == 400
            assert "config/hub.yml" in page.text
