"""What holds for every page: headers, no inline code, errors in one clear sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from loguru import logger
from web_stage import Stage, Visitor, open_stage, visiting
from yarl import URL

from hub.desk import Operator
from hub.model import RuleKind, Scope, TaskKind
from web import is_signed_in
from web.pages.overview import ON_TIME, WAITING


@pytest.fixture
async def addresses(stage: Stage, owner: Operator) -> list[str]:
    """Every page, with something on it."""
    account = await stage.account(owner)
    conversation = await stage.conversation(account)
    await stage.says(conversation, "在吗")
    await stage.desk.holds.pause(owner, Scope(conversation=conversation.id))
    await stage.desk.inbox.answer(owner, conversation.id, "在的", key="k")
    rule = await stage.desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["a"], reply="b")
    return [
        "/",
        "/accounts",
        "/accounts/new",
        "/accounts/scan",
        f"/accounts/{account.id}",
        "/conversations",
        f"/conversations/{conversation.id}",
        "/rules",
        "/rules/new",
        f"/rules/{rule.id}",
        f"/rules/{rule.id}/remove",
        "/members",
        "/mail",
        "/members/new",
        f"/members/{owner.member.id}",
        "/qq",
        "/audit",
        "/backups",
        "/imports",
        "/statistics",
        "/changelog",
    ]


async def test_every_page_has_strict_headers_and_no_inline_code(
    boss: Visitor, addresses: list[str]
) -> None:
    for path in addresses:
        page = await boss.get(path)
        assert page.status == 200, path
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", page.text), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text), path


async def test_every_field_has_a_label(boss: Visitor, addresses: list[str]) -> None:
    for path in addresses:
        page = (await boss.get(path)).text
        for tag in re.findall(r"<(?:input|textarea|select)\b[^>]*>", page):
            if 'type="hidden"' in tag or 'type="radio"' in tag:
                continue
            named = re.search(r'\bid="([^"]+)"', tag)
            labelled = named is not None and f'<label for="{named[1]}"' in page
            assert labelled or "aria-label=" in tag or 'class="unseen"' in page, (path, tag)


async def test_an_unknown_address_is_a_404_with_a_way_back(boss: Visitor) -> None:
    page = await boss.get("/no-such-page")
    assert page.status == 404
    assert "没有这个页面" in page.text
    assert 'href="/"' in page.text


def test_everything_that_may_wait_is_named_in_chinese_or_set_for_later() -> None:
    assert {*WAITING, *ON_TIME} == set(TaskKind)
    assert all(not re.search("[a-z_]", words) for words in WAITING.values())


async def test_a_wrong_method_is_one_sentence(boss: Visitor) -> None:
    page = await boss.get("/logout")
    assert page.status == 405
    assert "不能这样打开" in page.text


async def test_a_bug_shows_a_reference_that_is_in_the_log_and_nothing_else(
    stage: Stage, boss: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> object:
        raise RuntimeError("unb=2200111122223 secret detail")

    monkeypatch.setattr(type(stage.desk.system), "overview", broken)
    lines: list[str] = []
    sink = logger.add(lines.append, level="ERROR", format="{message}")
    try:
        page = await boss.get("/")
    finally:
        logger.remove(sink)
    assert page.status == 500
    assert "secret detail" not in page.text
    reference = re.search(r"编号 ([0-9A-F]{6})", page.text)
    assert reference is not None
    assert any(reference[1] in line for line in lines)


async def test_paths_of_others_stay_theirs(tmp_path: Path) -> None:
    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def unready(_: web.Request) -> web.Response:
        raise web.HTTPServiceUnavailable(text="not ready: database")

    app = web.Application()
    app.router.add_get("/health", healthy)
    app.router.add_get("/unready", unready)
    async with open_stage(tmp_path, app=app) as stage, visiting(stage) as visitor:
        assert (await visitor.get("/health")).text == "ok"
        assert (await visitor.get("/unready")).text == "not ready: database"
        assert (await visitor.get("/onebot/v11/nothing")).status == 404
        assert (await visitor.get("/metrics")).status == 404


async def test_others_of_this_server_can_ask_who_is_signed_in(tmp_path: Path) -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.json_response(await is_signed_in(request))

    app = web.Application()
    app.router.add_get("/inside", tell)
    async with open_stage(tmp_path, app=app) as stage, visiting(stage) as visitor:
        owner = await stage.found()

        async def answer() -> Any:
            async with visitor.http.get(f"{stage.url}/inside") as response:
                return await response.json()

        assert await answer() is False
        await visitor.log_in(owner.member.name)
        assert await answer() is True


async def test_static_files_need_no_login_and_are_kept_by_browsers(
    visitor: Visitor, owner: Operator
) -> None:
    login = await visitor.get("/login")
    style = re.search(r'href="(/static/site\.css\?v=\w+)"', login.text)
    assert style is not None
    file = await visitor.get(style[1])
    assert file.status == 200
    assert "immutable" in file.headers["Cache-Control"]


async def test_a_file_that_is_missing_for_a_moment_is_not_missing_for_a_year(
    visitor: Visitor, owner: Operator
) -> None:
    """While a new version is put in place, say."""
    page = await visitor.get("/static/not-there-yet.css?v=0123456789ab")
    assert page.status == 404
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", "/static/site.css", "/nowhere"])
async def test_no_answer_tells_what_the_program_is_made_of(
    visitor: Visitor, owner: Operator, path: str
) -> None:
    page = await visitor.get(path)
    assert page.headers["Server"] == "yuqiao"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../mount.py",
        "/static/%2e%2e/mount.py",
        "/static/..%2fmount.py",
        "/static//etc/hostname",
        "/static/%00",
        "/static/site.css%00.png",
    ],
)
async def test_nothing_but_static_files_is_handed_out(
    stage: Stage, visitor: Visitor, owner: Operator, path: str
) -> None:
    async with visitor.http.get(URL(stage.url + path, encoded=True)) as answer:
        assert answer.status in (400, 403, 404)
        assert b"import" not in await answer.read()
