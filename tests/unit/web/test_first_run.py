"""First run: nothing is open before there is an owner, and there is one owner only."""

from __future__ import annotations

import pytest
from web_stage import PASSWORD, Stage, Visitor

from hub.desk import Operator
from hub.model import Role


@pytest.mark.parametrize("path", ["/", "/login", "/accounts", "/conversations/1", "/no-such-page"])
async def test_every_address_leads_to_first_run_until_somebody_has_a_password(
    visitor: Visitor, path: str
) -> None:
    page = await visitor.get(path)
    assert (page.status, page.leads_to) == (303, "/first-run")


async def test_first_run_makes_the_owner_and_logs_in(stage: Stage, visitor: Visitor) -> None:
    page = await visitor.submit(
        "/first-run", name="老板", password=PASSWORD, again=PASSWORD, qq="123456，234567"
    )
    assert (page.status, page.leads_to) == (303, "/?done=welcome")
    overview = await visitor.get("/")
    assert overview.status == 200
    assert "添加闲鱼账号" in overview.text
    assert "连接 QQ" in overview.text
    member = await stage.store.read(lambda tx: tx.members.by_name("老板"))
    assert member is not None
    assert (member.role, member.qq) == (Role.OWNER, ("123456", "234567"))


async def test_two_different_passwords_are_refused_beside_the_field_and_nothing_is_kept(
    stage: Stage, visitor: Visitor
) -> None:
    page = await visitor.submit(
        "/first-run", name="老板", password=PASSWORD, again="something else", qq=""
    )
    assert page.status == 400
    assert 'id="again-error"' in page.text
    assert page.value("name") == "老板"
    assert PASSWORD not in page.text
    assert await stage.desk.members.first_run()


async def test_a_short_password_and_a_wrong_qq_id_are_named(visitor: Visitor) -> None:
    short = await visitor.submit("/first-run", name="老板", password="abc", again="abc", qq="")
    assert 'id="password-error"' in short.text
    odd = await visitor.submit(
        "/first-run", name="老板", password=PASSWORD, again=PASSWORD, qq="my-qq"
    )
    assert 'id="qq-error"' in odd.text


async def test_first_run_is_closed_once_there_is_an_owner(
    stage: Stage, visitor: Visitor, owner: Operator
) -> None:
    assert (await visitor.get("/first-run")).leads_to == "/login"
    login = await visitor.get("/login")
    page = await visitor.post(
        "/first-run", csrf=login.csrf, name="贼", password=PASSWORD, again=PASSWORD
    )
    assert page.leads_to == "/login"
    assert len(await stage.desk.members.all(owner)) == 1
