"""A conversation with the mail server: one letter, one verdict on whatever becomes of it."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiosmtplib
from aiosmtplib import SMTP

from hub.errors import (
    AuthExpired,
    PeerError,
    Rejected,
    SettingsError,
    Throttled,
    Uncertain,
    Unreachable,
)
from hub.model import Letter, is_mail_address
from hub.notify.letters import letter_bytes, one_line
from hub.settings import MailSettings
from hub.text import mail as text

PEER, OP = "mail", "send"
GOODBYE_SECONDS = 2.0
LOG_IN_FIRST = (530, 535, 538)
OURSELVES = "[127.0.0.1]"
"""How we introduce ourselves: the name of this machine is nobody's business."""
_NOT_FOR_CHATS = re.compile(r"[^\s<>@]+@[^\s<>@]+|https?://\S+")


class MailServer:
    """The server of the settings. Each letter has a connection of its own."""

    def __init__(self, settings: MailSettings) -> None:
        """Raises SettingsError if the file of authorities cannot be used."""
        self._settings = settings
        self._tls = _trusted(settings)

    @property
    def configured(self) -> bool:
        return bool(self._settings.host)

    async def send(self, letter: Letter) -> None:
        """Hand it over; returns once the server has accepted it.

        Raises Unreachable when it certainly did not leave, Throttled when the server wants it
        later, AuthExpired when it does not let us send at all, Rejected when it does not take this
        letter, Uncertain when the letter left and no answer came.
        """
        if not is_mail_address(letter.to):
            raise Rejected(PEER, OP, text.BAD_MAIL_ADDRESS)
        data = letter_bytes(letter, self._settings.full_sender)
        smtp = SMTP(
            hostname=self._settings.host,
            port=self._settings.dialled_port,
            local_hostname=OURSELVES,
            timeout=self._settings.timeout_seconds,
            use_tls=self._settings.security == "tls",
            start_tls=False,
            tls_context=self._tls,
        )
        step = _Step()
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                await self._talk(smtp, letter, data, step)
            await _say_goodbye(smtp)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            if isinstance(error, aiosmtplib.SMTPResponseException):
                await _say_goodbye(smtp)
            raise _verdict(error, step) from None
        finally:
            smtp.close()

    async def _talk(self, smtp: SMTP, letter: Letter, data: bytes, step: _Step) -> None:
        step.fault = _not_reached
        await smtp.connect()
        if self._settings.security == "starttls":
            step.fault = _no_starttls
            await smtp.starttls()
        step.fault = _no_login
        await self._log_in(smtp)
        step.fault = _refused_sender
        await smtp.mail(self._settings.sender_address)
        step.fault = _refused_address
        await smtp.rcpt(letter.to)
        step.fault = _refused_mail
        step.left = True
        await smtp.data(data)

    async def _log_in(self, smtp: SMTP) -> None:
        """By one method and once: servers lock out who tries several."""
        user, password = self._settings.user, self._settings.password
        if not user:
            return
        await smtp.ehlo()
        offered = smtp.supported_auth_methods
        methods: dict[str, Callable[[str, str], Coroutine[Any, Any, object]]] = {
            "plain": smtp.auth_plain,
            "login": smtp.auth_login,
            "cram-md5": smtp.auth_crammd5,
        }
        method = next((call for name, call in methods.items() if name in offered), None)
        if method is None:
            raise AuthExpired(PEER, OP, text.NO_LOGIN)
        await method(user, password)


class _Step:
    """How far the conversation came: what an answer means depends on it."""

    def __init__(self) -> None:
        self.fault: Callable[[int, str], PeerError] = _not_reached
        self.left = False
        """The letter itself may be with the server."""


def _verdict(error: Exception, step: _Step) -> PeerError:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        words = _words(error.message)
        if 400 <= error.code < 500:
            return Throttled(PEER, OP, text.with_words(text.COME_BACK_LATER, words))
        if error.code in LOG_IN_FIRST:
            return _no_login(error.code, words)
        if 500 <= error.code < 600:
            return step.fault(error.code, words)
        return Unreachable(PEER, OP, text.ODD_ANSWER)
    if step.left:
        return Uncertain(PEER, OP, text.PERHAPS_SENT)
    if _has(error, ssl.SSLCertVerificationError):
        return Unreachable(PEER, OP, text.BAD_CERTIFICATE)
    if _has(error, ssl.SSLError):
        return Unreachable(PEER, OP, text.NO_TLS)
    if isinstance(error, TimeoutError):
        return Unreachable(PEER, OP, text.TOO_SLOW)
    if isinstance(error, aiosmtplib.SMTPConnectError) or step.fault is _not_reached:
        return Unreachable(PEER, OP, text.UNREACHABLE)
    if isinstance(error, OSError):
        return Unreachable(PEER, OP, text.CUT_OFF)
    return step.fault(0, "")


def _not_reached(code: int, words: str) -> PeerError:
    return Unreachable(PEER, OP, text.with_words(text.UNREACHABLE, words))


def _no_starttls(code: int, words: str) -> PeerError:
    return AuthExpired(PEER, OP, text.with_words(text.NO_STARTTLS, words))


def _no_login(code: int, words: str) -> PeerError:
    return AuthExpired(PEER, OP, text.with_words(text.WRONG_LOGIN, words))


def _refused_sender(code: int, words: str) -> PeerError:
    return AuthExpired(PEER, OP, text.with_words(text.WRONG_SENDER, words))


def _refused_address(code: int, words: str) -> PeerError:
    return Rejected(PEER, OP, text.with_words(text.REFUSED_ADDRESS, words), code=str(code))


def _refused_mail(code: int, words: str) -> PeerError:
    return Rejected(PEER, OP, text.with_words(text.REFUSED_MAIL, words), code=str(code))


def _words(message: str) -> str:
    """What the server said, on one line, without links or anybody's address."""
    return _NOT_FOR_CHATS.sub("***", one_line(message))


def _has(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


async def _say_goodbye(smtp: SMTP) -> None:
    """If that is quick; what was accepted stays accepted."""
    with suppress(aiosmtplib.SMTPException, OSError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            if smtp.is_connected:
                await smtp.quit()


def _trusted(settings: MailSettings) -> ssl.SSLContext | None:
    if not settings.host or settings.security == "none":
        return None
    context = ssl.create_default_context()
    if settings.ca_file:
        try:
            context.load_verify_locations(settings.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(
                f"cannot read mail.ca_file at {settings.ca_file}: {error}"
            ) from None
    return context
