"""Over real sockets: three kinds of security, and a verdict on whatever becomes of a letter."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from hub.errors import (
    AuthExpired,
    PeerError,
    Rejected,
    SettingsError,
    Throttled,
    Uncertain,
    Unreachable,
)
from hub.model import Letter
from hub.notify import MailServer
from hub.settings import MailSettings
from tests.post_office import PASSWORD, USER, PostOffice, open_post_office

LETTER = Letter(
    id="a" * 32,
    to="boss@example.org",
    subject="【鱼桥】账号要你处理",
    text="小店 登录失效\n去「账号」页扫码\n",
    at=datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
)


def server_for(office: PostOffice, **values: Any) -> MailServer:
    settings = {
        "host": "127.0.0.1",
        "port": office.port,
        "security": "none",
        "user": USER,
        "password": PASSWORD,
        "sender": f"鱼桥 <{USER}>",
        "timeout_seconds": 10,
        **values,
    }
    return MailServer(MailSettings(**settings))


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_a_letter_arrives_over_each_kind_of_security(
    security: Literal["starttls", "tls", "none"], tmp_path: Path
) -> None:
    """L66: always STARTTLS."""
    certificate = tmp_path / "mail.pem"
    async with open_post_office(security, certificate) as office:
        ca_file = "" if security == "none" else str(certificate)
        await server_for(office, security=security, ca_file=ca_file).send(LETTER)
    (message,) = office.taken
    assert office.ciphers == [security != "none"]
    assert office.logins == [(USER, PASSWORD)]
    assert office.quits == 1
    assert message["Subject"] == LETTER.subject
    assert str(message["From"]) == f"鱼桥 <{USER}>"
    assert message["To"] == LETTER.to
    assert message["Message-ID"] == f"<{'a' * 32}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines() == LETTER.text.splitlines()


async def test_a_server_without_login_is_not_given_one() -> None:
    async with open_post_office(login=False) as office:
        await server_for(office, user="", password="").send(LETTER)
    assert office.logins == []
    assert len(office.taken) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_whose_certificate_is_not_believed_gets_neither_password_nor_letter(
    security: Literal["starttls", "tls"], tmp_path: Path
) -> None:
    async with open_post_office(security, tmp_path / "mail.pem") as office:
        with pytest.raises(Unreachable, match="证书不可信"):
            await server_for(office, security=security).send(LETTER)
    assert (office.logins, office.taken) == ([], [])


async def test_no_password_leaves_in_clear_when_the_server_knows_no_starttls() -> None:
    async with open_post_office("none") as office:
        with pytest.raises(AuthExpired, match="不支持 STARTTLS"):
            await server_for(office, security="starttls").send(LETTER)
    assert (office.logins, office.taken) == ([], [])


async def test_tls_where_none_is_spoken_is_a_fault_of_the_port() -> None:
    async with open_post_office("none") as office:
        with pytest.raises(Unreachable, match=r"mail\.security"):
            await server_for(office, security="tls").send(LETTER)


async def test_a_wrong_password_is_tried_once_and_asks_for_the_authorisation_code() -> None:
    async with open_post_office() as office:
        with pytest.raises(AuthExpired, match="授权码") as caught:
            await server_for(office, password="wrong-secret").send(LETTER)
    assert len(office.logins) == 1
    assert "wrong-secret" not in str(caught.value)


async def test_a_server_that_wants_a_login_first_asks_for_one() -> None:
    async with open_post_office() as office:
        with pytest.raises(AuthExpired, match="不认用户名或密码"):
            await server_for(office, user="", password="", sender=USER).send(LETTER)


@pytest.mark.parametrize(
    ("step", "answer", "verdict", "said"),
    [
        ("MAIL", "553 mail from must equal authorized user", AuthExpired, "mail.sender"),
        ("MAIL", "421 4.7.0 too many connections", Throttled, "过一会儿"),
        ("RCPT", "550 5.1.1 <boss@example.org> no such user", Rejected, "对方的邮箱不收"),
        ("RCPT", "450 4.2.0 greylisted, come back", Throttled, "过一会儿"),
        ("DATA", "554 5.7.1 spam, see https://example.org/boss", Rejected, "不收这封信"),
        ("DATA", "451 4.3.0 try again later", Throttled, "过一会儿"),
    ],
)
async def test_each_answer_has_its_verdict_and_its_words(
    step: str, answer: str, verdict: type[PeerError], said: str
) -> None:
    async with open_post_office() as office:
        office.says[step] = answer
        with pytest.raises(verdict, match=said) as caught:
            await server_for(office).send(LETTER)
    assert type(caught.value) is verdict
    assert "boss" not in str(caught.value)
    assert office.taken == []


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b.c>\r\nRCPT TO:<d@e.f", "a@b.c, d@e.f", "老板@example.org"]
)
async def test_what_is_no_address_is_refused_before_anybody_is_asked(to: str) -> None:
    async with open_post_office() as office:
        with pytest.raises(Rejected):
            await server_for(office).send(replace(LETTER, to=to))
    assert office.connections == 0


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
async def test_a_line_that_is_cut_before_the_letter_left_is_no_uncertainty(step: str) -> None:
    async with open_post_office() as office:
        office.cuts.add(step)
        with pytest.raises(Unreachable):
            await server_for(office).send(LETTER)
    assert office.taken == []


@pytest.mark.parametrize("fault", ["cuts", "hangs"])
async def test_a_letter_without_an_answer_is_uncertain(fault: str) -> None:
    async with open_post_office() as office:
        getattr(office, fault).add("DATA")
        with pytest.raises(Uncertain):
            await server_for(office, timeout_seconds=1).send(LETTER)
    assert len(office.taken) == 1


@pytest.mark.parametrize("fault", ["cuts", "hangs"])
async def test_what_was_accepted_stays_accepted_whatever_the_goodbye(fault: str) -> None:
    async with open_post_office() as office:
        getattr(office, fault).add("QUIT")
        await server_for(office).send(LETTER)
    assert len(office.taken) == 1


async def test_a_slow_server_costs_no_more_than_its_time() -> None:
    async with open_post_office() as office:
        office.hangs.add("RCPT")
        with pytest.raises(Unreachable, match="规定时间"):
            await server_for(office, timeout_seconds=1).send(LETTER)


class Stranger(asyncio.Protocol):
    """Says the same to everybody and listens to nobody."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\xfe\x00\r\n",
        b"554 go away\r\n",
        b"x" * 9000,
    ],
)
async def test_whatever_else_listens_there_is_out_of_reach(answer: bytes) -> None:
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: Stranger(answer), "127.0.0.1", 0) as other:
        office = PostOffice(port=other.sockets[0].getsockname()[1])
        with pytest.raises(Unreachable):
            await server_for(office, timeout_seconds=1).send(LETTER)


async def test_nobody_there_is_out_of_reach() -> None:
    async with open_post_office() as office:
        pass
    with pytest.raises(Unreachable, match="连不上"):
        await server_for(office).send(LETTER)


async def test_the_letter_sent_again_is_recognisable() -> None:
    async with open_post_office() as office:
        server = server_for(office)
        await server.send(LETTER)
        await server.send(replace(LETTER, at=datetime(2026, 11, 25, 13, 0, tzinfo=UTC)))
    first, second = office.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert first.get_content() == second.get_content()


def test_a_file_of_authorities_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for content in (None, "no certificate"):
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_text(content)
        with pytest.raises(SettingsError, match=r"mail\.ca_file"):
            MailServer(MailSettings(host="a.example", sender=USER, ca_file=str(path)))
