"""A mail server on a real socket that takes mails, or does what a test tells it to."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from hub.bench.certificate import write_certificate

USER, PASSWORD = "shop@example.com", "the-authorisation-code"


@dataclass
class PostOffice:
    """`says` answers a step (`MAIL`, `RCPT`, `DATA`) in the server's place; `cuts`, `hangs`: the
    step at which the line is cut, after a mail was taken, or nothing is said any more."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    ciphers: list[bool] = field(default_factory=list)
    """For each mail taken: whether the line was encrypted."""
    says: dict[str, str] = field(default_factory=dict)
    cuts: set[str] = field(default_factory=set)
    hangs: set[str] = field(default_factory=set)
    connections: int = 0
    quits: int = 0

    def subjects(self) -> list[str]:
        return [str(one["Subject"]) for one in self.taken]

    def texts(self) -> list[str]:
        return [str(one.get_content()) for one in self.taken]

    # --- hooks of aiosmtpd ---

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._step("MAIL", server, "250 OK")
        envelope.mail_from = address
        return answer

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._step("RCPT", server, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.says.get("DATA", "250 OK")
        if answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            assert list(envelope.rcpt_tos) == [str(message["To"])]
            self.taken.append(message)
            assert server.transport is not None
            self.ciphers.append(server.transport.get_extra_info("cipher") is not None)
        return await self._step("DATA", server, answer)

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.quits += 1
        return await self._step("QUIT", server, "221 Bye")

    async def _step(self, name: str, server: SMTP, answer: str) -> str:
        if name in self.hangs:
            await asyncio.Event().wait()
        if name in self.cuts:
            assert server.transport is not None
            server.transport.abort()
        return self.says.get(name, answer)

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        right = self.logins[-1] == (USER, PASSWORD)
        return AuthResult(success=right, handled=False)


@asynccontextmanager
async def open_post_office(
    security: Literal["starttls", "tls", "none"] = "none",
    certificate: Path | None = None,
    *,
    login: bool = True,
) -> AsyncIterator[PostOffice]:
    """`certificate`: written there, and to be believed by who wants to connect."""
    office = PostOffice()
    tls: ssl.SSLContext | None = None
    if security != "none":
        assert certificate is not None
        write_certificate(certificate)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    protocols: list[SMTP] = []

    def line() -> SMTP:
        office.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a login without TLS is not safe
            protocols.append(protocol())
        return protocols[-1]

    def protocol() -> SMTP:
        return SMTP(
            office,
            hostname="post-office",
            loop=asyncio.get_running_loop(),
            tls_context=tls if security == "starttls" else None,
            require_starttls=security == "starttls",
            auth_required=login,
            auth_require_tls=security == "starttls",
            authenticator=office.authenticate,
            enable_SMTPUTF8=False,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(line, "127.0.0.1", 0, ssl=tls if security == "tls" else None)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        for one in protocols:
            if one.transport is not None:
                one.transport.abort()
            if one._handler_coroutine is not None:
                one._handler_coroutine.cancel()
        await server.wait_closed()
