"""Logging in and out, sessions and their cookies."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from web_stage import PASSWORD, Stage, Visitor, open_stage, visiting

from hub.desk import Operator
from hub.desk.members import DECOY
from hub.model import Role
from hub.settings import Settings, WebSettings


async def test_login_leads_back_to_the_page_that_was_wanted(
    visitor: Visitor, owner: Operator
) -> None:
    asked = await visitor.get("/conversations?account=3")
    assert asked.leads_to == "/login?next=/conversations?account%3D3"
    form = await visitor.get(asked.leads_to)
    page = await visitor.post(
        "/login", csrf=form.csrf, next=form.value("next"), name="店主", password=PASSWORD
    )
    assert page.leads_to == "/conversations?account=3"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        "/login?next=/login",
        "/logout",
        "",
    ],
)
async def test_login_never_leads_to_a_foreign_site(
    visitor: Visitor, owner: Operator, target: str
) -> None:
    page = await visitor.submit("/login", next=target, name="店主", password=PASSWORD)
    assert (page.status, page.leads_to) == (303, "/")


async def test_a_wrong_password_is_refused_without_saying_which_part_was_wrong(
    visitor: Visitor, owner: Operator
) -> None:
    wrong = await visitor.submit("/login", name="店主", password="wrong password")
    unknown = await visitor.submit("/login", name="没有这个人", password="wrong password")
    assert wrong.status == unknown.status == 403
    assert "名字或密码不对" in wrong.text
    assert "名字或密码不对" in unknown.text
    assert wrong.value("name") == "店主"
    assert "wrong password" not in wrong.text


def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    assert not PasswordHasher().check_needs_rehash(DECOY)


async def test_the_sixth_try_is_refused_even_with_the_right_password(
    visitor: Visitor, owner: Operator
) -> None:
    for _ in range(5):
        await visitor.submit("/login", name="店主", password="wrong password")
    page = await visitor.submit("/login", name="店主", password=PASSWORD)
    assert page.status == 429
    assert "15 分钟后再试" in page.text


async def test_one_address_cannot_go_through_many_names(
    stage: Stage, visitor: Visitor, owner: Operator
) -> None:
    for number in range(20):
        page = await visitor.submit("/login", name=f"某人{number}", password="wrong password")
        assert page.status == 403
    page = await visitor.submit("/login", name="店主", password=PASSWORD)
    assert page.status == 429


async def test_guesses_at_one_name_lock_out_no_other_of_the_same_address(
    stage: Stage, visitor: Visitor, owner: Operator
) -> None:
    """Behind a proxy everybody has its address: a stranger must not shut the whole shop out."""
    await stage.member(owner, "小周", Role.AGENT)
    for _ in range(6):
        await visitor.submit("/login", name="小周", password="wrong password")
    assert (await visitor.submit("/login", name="小周", password=PASSWORD)).status == 429
    assert (await visitor.submit("/login", name="店主", password=PASSWORD)).status == 303


async def test_a_new_password_counts_at_once_whatever_was_guessed_before(
    stage: Stage, visitor: Visitor, owner: Operator
) -> None:
    """Who forgot theirs has tried a few times before asking for a new one."""
    for _ in range(6):
        await visitor.submit("/login", name="店主", password="wrong password")
    await stage.desk.members.change(owner, owner.member.id, password="new and long enough")
    page = await visitor.submit("/login", name="店主", password="new and long enough")
    assert page.status == 303


async def test_a_session_from_before_the_login_is_not_taken_over(
    stage: Stage, visitor: Visitor, owner: Operator
) -> None:
    """A token that somebody else chose never becomes a session."""
    chosen = "x" * 43
    visitor.http.cookie_jar.update_cookies({"yuqiao_session": chosen})
    await visitor.submit("/login", name="店主", password=PASSWORD)
    assert visitor.cookie("yuqiao_session") not in ("", chosen)
    async with visiting(stage) as attacker:
        attacker.http.cookie_jar.update_cookies({"yuqiao_session": chosen})
        assert (await attacker.get("/")).leads_to == "/login"


async def test_guesses_that_arrive_together_are_counted_one_by_one(
    visitor: Visitor, owner: Operator
) -> None:
    form = await visitor.get("/login")
    guesses = (
        visitor.post("/login", csrf=form.csrf, name="店主", password=f"guess {n}")
        for n in range(12)
    )
    answers = [page.status for page in await asyncio.gather(*guesses)]
    assert (answers.count(403), answers.count(429)) == (5, 7)


async def test_an_endless_name_is_not_kept(
    stage: Stage, visitor: Visitor, owner: Operator, tmp_path: Path
) -> None:
    before = _size_of(tmp_path)
    page = await visitor.submit("/login", name="n" * 900_000, password="wrong password")
    assert page.status == 403
    assert _size_of(tmp_path) - before < 300_000


async def test_logging_out_ends_the_session_itself_and_not_only_the_cookie(
    stage: Stage, boss: Visitor
) -> None:
    token = boss.cookie("yuqiao_session")
    page = await boss.submit("/logout", on="/")
    assert page.leads_to == "/login?done=logged-out"
    async with visiting(stage) as thief:
        thief.http.cookie_jar.update_cookies({"yuqiao_session": token})
        assert (await thief.get("/")).leads_to == "/login"


async def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(
    stage: Stage, visitor: Visitor, owner: Operator
) -> None:
    page = await visitor.submit("/login", name="店主", password=PASSWORD)
    cookie = _session_cookie(page.headers)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


async def test_behind_tls_cookies_are_sent_over_tls_only(tmp_path: Path) -> None:
    settings = Settings(web=WebSettings(secure_cookies=True))
    async with open_stage(tmp_path, settings=settings) as stage, visiting(stage) as visitor:
        page = await visitor.get("/first-run")
        assert "Secure" in page.headers["Set-Cookie"]


async def test_a_member_who_is_switched_off_is_out_at_once(
    stage: Stage, visitor: Visitor, owner: Operator
) -> None:
    agent = await stage.member(owner, "小周", Role.AGENT)
    await visitor.log_in("小周")
    assert (await visitor.get("/")).status == 200
    await stage.desk.members.change(owner, agent.id, active=False)
    assert (await visitor.get("/")).leads_to == "/login"


def _session_cookie(headers: object) -> str:
    lines = headers.getall("Set-Cookie")  # type: ignore[attr-defined]
    return next(line for line in lines if line.startswith("yuqiao_session="))


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("shop.db*"))
