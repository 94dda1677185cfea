"""A form counts only when it was filled in on our own page, in this very session."""

from __future__ import annotations

import asyncio

import pytest
from web_stage import PASSWORD, Stage, Visitor, visiting
from yarl import URL

from hub.desk import Operator
from hub.model import Role, RuleKind

POSTS = [
    "/logout",
    "/shop/pause",
    "/shop/resume",
    "/conversations/1/answer",
    "/conversations/1/pause",
    "/conversations/1/resume",
    "/conversations/1/take-over",
    "/accounts/1/pause",
    "/accounts/1/resume",
    "/items/1/pause",
    "/items/1/resume",
    "/accounts/new",
    "/accounts/1",
    "/accounts/1/login",
    "/accounts/1/switch",
    "/rules/new",
    "/rules/1",
    "/rules/1/switch",
    "/rules/1/remove",
    "/members/new",
    "/members/1",
    "/members/1/switch",
    "/imports",
    "/imports/0123456789abcdef/start",
    "/imports/0123456789abcdef/drop",
]


@pytest.mark.parametrize("path", POSTS)
async def test_a_post_without_the_session_token_is_refused(boss: Visitor, path: str) -> None:
    page = await boss.post(path, text="x", name="x", length="30", on="1")
    assert page.status == 403
    assert "这个页面已经过期" in page.text


async def test_the_token_of_somebody_else_does_not_count(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await stage.member(owner, "小周", Role.AGENT)
    async with visiting(stage) as other:
        await other.log_in("小周")
        foreign = (await other.get("/")).csrf
    page = await boss.post("/shop/pause", csrf=foreign, length="30")
    assert page.status == 403
    assert not (await stage.desk.system.overview(owner)).holds


@pytest.mark.parametrize("path", ["/login", "/first-run"])
async def test_without_the_cookie_of_the_page_a_login_or_first_run_is_refused(
    stage: Stage, path: str
) -> None:
    if path == "/login":
        await stage.found()
    async with visiting(stage) as visitor:
        form = await visitor.get(path)
        visitor.http.cookie_jar.clear()
        page = await visitor.post(
            path, csrf=form.csrf, name="店主", password=PASSWORD, again=PASSWORD
        )
        assert page.status == 403
        visitor.http.cookie_jar.clear()
        empty = await visitor.post(path, csrf="", name="店主", password=PASSWORD)
        assert empty.status == 403


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded; charset=no-such-charset", b"csrf=%ff"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"csrf=+2AA-"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"csrf=x&name=+2AA-"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n'
            b"Content-Transfer-Encoding: odd\r\n\r\nx\r\n--b--\r\n",
        ),
    ],
)
async def test_a_form_that_cannot_be_decoded_is_refused(
    boss: Visitor, kind: str, body: bytes
) -> None:
    headers = {"Content-Type": kind}
    async with boss.http.post(boss.url + "/shop/pause", data=body, headers=headers) as page:
        assert page.status == 400


@pytest.mark.parametrize("name", ["yuqiao_session", "yuqiao_form"])
async def test_a_cookie_that_is_no_text_counts_as_none(
    stage: Stage, owner: Operator, name: str
) -> None:
    address = URL(stage.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(
        b"POST /login HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 6\r\nCookie: " + name.encode() + b"=\xff\xfe\r\n\r\ncsrf=x"
    )
    assert b" 403 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_what_a_member_may_not_do_is_neither_shown_nor_done(
    stage: Stage, owner: Operator
) -> None:
    account = await stage.account(owner)
    conversation = await stage.conversation(account)
    rule = await stage.desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["在吗"], reply="在的")
    await stage.member(owner, "小吴", Role.VIEWER)
    async with visiting(stage) as viewer:
        await viewer.log_in("小吴")
        thread = await viewer.get(f"/conversations/{conversation.id}")
        assert thread.status == 200
        assert "/answer" not in thread.text
        assert "/pause" not in thread.text
        assert "/accounts/new" not in (await viewer.get("/accounts")).text
        assert f"/rules/{rule.id}" not in (await viewer.get("/rules")).text
        csrf = (await viewer.get("/")).csrf
        for path in (
            f"/conversations/{conversation.id}/answer",
            f"/conversations/{conversation.id}/pause",
            "/shop/pause",
            f"/accounts/{account.id}/switch",
            f"/rules/{rule.id}/remove",
            f"/members/{owner.member.id}/switch",
        ):
            page = await viewer.post(
                path, csrf=csrf, text="x", nonce="abcdefgh", length="30", on="0"
            )
            assert page.status == 403, path
            assert "才能做" in page.text, path
        for path in ("/audit", "/accounts/new", "/members/new", "/rules/new"):
            assert (await viewer.get(path)).status == 403, path


async def test_an_agent_answers_but_does_not_configure(stage: Stage, owner: Operator) -> None:
    account = await stage.account(owner)
    conversation = await stage.conversation(account)
    await stage.member(owner, "小周", Role.AGENT)
    async with visiting(stage) as agent:
        await agent.log_in("小周")
        thread = await agent.get(f"/conversations/{conversation.id}")
        assert "/answer" in thread.text
        page = await agent.get(f"/accounts/{account.id}")
        assert "更新登录" not in page.text
        csrf = thread.csrf
        refused = await agent.post("/accounts/new", csrf=csrf, name="x", cookies="x")
        assert "要店主才能做" in refused.text
