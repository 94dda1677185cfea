"""Cookies: what a login needs, and what answers may change."""

from __future__ import annotations

import pytest

from hub.errors import Invalid
from hub.text import login
from hub.xianyu import CookieJar

LOGIN = "unb=2200111122223; cookie2=1a2b; _m_h5_tk=abc_1790000600000; t=x=y=="


def test_values_keep_everything_after_the_first_equals_sign() -> None:
    assert CookieJar.parse(LOGIN).get("t") == "x=y=="


@pytest.mark.parametrize(
    "text",
    [
        LOGIN.replace("; ", ";"),
        f"Cookie: {LOGIN}",
        f"  {LOGIN};\r\n",
        LOGIN.replace("; ", ";\n"),
        LOGIN.replace("; ", "\n"),
        f"{LOGIN}; =nameless; piece without value; ",
    ],
)
def test_every_usual_way_of_pasting_gives_the_same_cookies(text: str) -> None:
    assert CookieJar.parse(text).header() == LOGIN


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", login.COOKIES_EMPTY),
        (" ;\n", login.COOKIES_EMPTY),
        ("Cookie:", login.COOKIES_EMPTY),
        ("我的账号是小鱼", login.COOKIES_UNREADABLE),
        ('[{"name": "unb"}]', login.COOKIES_UNREADABLE),
        ("cookie2=1a2b; t=1", login.COOKIES_WITHOUT_USER),
        ("unb=; cookie2=1a2b", login.COOKIES_WITHOUT_USER),
        ("unb=fish; cookie2=1a2b", login.COOKIES_WITH_ODD_USER),
        ("unb=２２００; cookie2=1a2b", login.COOKIES_WITH_ODD_USER),
        ("unb=2200111122223; _m_h5_tk=abc_1", login.COOKIES_WITHOUT_LOGIN),
    ],
)
def test_what_cannot_be_a_login_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        CookieJar.parse(text)
    assert caught.value.text == sentence


@pytest.mark.parametrize("proof", ["cookie2", "havana_lgc2_77", "sgcookie", "_tb_token_"])
def test_any_proof_of_a_login_is_enough(proof: str) -> None:
    assert CookieJar.parse(f"unb=2200111122223; {proof}=x").user == "2200111122223"


def test_the_signing_token_is_the_part_before_the_underscore() -> None:
    assert CookieJar.parse(LOGIN).sign_token == "abc"
    assert CookieJar.parse("unb=1; cookie2=x").sign_token == ""


def test_new_values_replace_old_ones_and_nothing_else() -> None:
    jar = CookieJar.parse(LOGIN)
    assert jar.merge(
        ["_m_h5_tk=new_2;Path=/;Domain=goofish.com;Max-Age=604800", "fresh=1; HttpOnly"]
    )
    assert jar.header() == LOGIN.replace("abc_1790000600000", "new_2") + "; fresh=1"


def test_the_same_value_again_is_no_change() -> None:
    assert not CookieJar.parse(LOGIN).merge(["cookie2=1a2b; Path=/"])


def test_an_empty_value_is_ignored() -> None:
    jar = CookieJar.parse(LOGIN)
    assert not jar.merge(["cookie2=; Path=/", "=x", "", "nothing"])
    assert jar.header() == LOGIN


@pytest.mark.parametrize(
    "deletion",
    ["Max-Age=0", "max-age=-1; path=/", "Expires=Thu, 01-Jan-1970 00:00:10 GMT; Path=/"],
)
def test_deletions_count_but_never_log_the_account_out(deletion: str) -> None:
    jar = CookieJar.parse(LOGIN + "; extra=1")
    assert not jar.merge([f"cookie2=gone; {deletion}", f"unb=x; {deletion}", f"new=x; {deletion}"])
    assert jar.merge([f"extra=x; {deletion}"])
    assert jar.header() == LOGIN


def test_a_lifetime_is_no_deletion() -> None:
    jar = CookieJar.parse(LOGIN)
    assert jar.merge(["a=1; Max-Age=0604800", "b=1; Expires=Thu, 01 Jan 2030 19:70:00 GMT"])
    assert (jar.get("a"), jar.get("b")) == ("1", "1")


def test_a_jar_never_shows_its_values() -> None:
    assert "1a2b" not in repr(CookieJar.parse(LOGIN))
