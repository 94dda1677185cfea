"""Mail: whether it works, who gets it, and a test."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.commands import narrow
from hub.desk.operator import Operator
from hub.errors import Invalid, PeerError, TooOften, Unavailable
from hub.model import Letter, MailTrouble, Member, Role, is_mail_address, mail_lane
from hub.notify import MailServer
from hub.store import Store, Tx
from hub.text import mail as text

TESTS, TEST_WINDOW = 5, timedelta(minutes=10)
"""Test mails of a shop within a while: providers take many of them for spam."""


@dataclass(frozen=True, slots=True)
class MailOverview:
    configured: bool
    trouble: MailTrouble | None
    """Why mails do not get through, if they do not."""
    members: Sequence[Member]
    """All that are active."""


class MailDesk:
    def __init__(
        self,
        store: Store,
        server: MailServer,
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._store = store
        self._server = server
        self._now = now
        self._zone = zone

    async def overview(self, operator: Operator) -> MailOverview:
        operator.require(Role.OWNER)
        shop = operator.shop
        members, trouble = await self._store.read(
            lambda tx: (tx.members.all(shop), tx.mail_troubles.get(shop))
        )
        active = [one for one in members if one.active]
        return MailOverview(self._server.configured, trouble, active)

    async def test(self, operator: Operator, to: str) -> str:
        """Send a mail right now; returns a sentence for people.

        Success ends a pause: mails that wait for the server leave at once. Raises Invalid for what
        is no address, Unavailable with the reason when the server did not take it.
        """
        operator.require(Role.OWNER)
        address = checked_address(to)
        if not address:
            raise Invalid(text.BAD_MAIL_ADDRESS, {"email": text.BAD_MAIL_ADDRESS})
        if not self._server.configured:
            raise Unavailable(text.NO_MAIL_SERVER)
        now = self._now()
        await self._store.write(lambda tx: _begin(tx, operator, address, now))
        letter = Letter(
            id=secrets.token_hex(16),
            to=address,
            subject=text.TEST_MAIL_SUBJECT,
            text=text.test_mail_body(now, self._zone),
            at=now,
        )
        try:
            await self._server.send(letter)
        except PeerError as error:
            raise Unavailable(text.test_mail_failed(error.reason)) from None
        await self._store.write(lambda tx: _works(tx, operator, now))
        return text.test_mail_sent(address)


def checked_address(written: str) -> str:
    """Empty stays empty. Raises Invalid."""
    address = narrow(written).strip()
    if address and not is_mail_address(address):
        raise Invalid(text.BAD_MAIL_ADDRESS, {"email": text.BAD_MAIL_ADDRESS})
    return address


def _begin(tx: Tx, operator: Operator, address: str, now: datetime) -> None:
    key = f"mail-test:{operator.shop}"
    if tx.throttle.count(key, now - TEST_WINDOW) >= TESTS:
        raise TooOften("测试邮件发得太勤，会被当成垃圾邮件，十分钟后再试")
    tx.throttle.add(key, now)
    operator.record(tx, "mail.test", address, now)


def _works(tx: Tx, operator: Operator, now: datetime) -> None:
    tx.mail_troubles.clear(operator.shop)
    tx.outbox.hasten(mail_lane(), now)
