"""Letters as bytes: any language, one line per header, nothing smuggled in."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model import Letter
from hub.notify.letters import letter_bytes

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
]


def read(letter: Letter, sender: str = "鱼桥 <shop@example.com>") -> EmailMessage:
    data = letter_bytes(letter, sender)
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) < 998
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    return message


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_begins_a_header_of_its_own(subject: str, text: str) -> None:
    message = read(Letter("a1", "boss@example.org", subject, text, AT))
    assert sorted(message.keys()) == sorted(HEADERS)
    assert str(message["To"]) == "boss@example.org"


@pytest.mark.parametrize(
    "subject",
    ["a\r\nBcc: thief@example.org", "a\nBcc: x@y.z", "a\rBcc: x@y.z", "a\x85b", "a\u2028b\x00"],
)
def test_line_ends_in_a_subject_become_blanks(subject: str) -> None:
    message = read(Letter("a1", "boss@example.org", subject, "x", AT))
    assert "Bcc" not in message
    assert message["Subject"].startswith("a ")


def test_chinese_arrives_as_it_was_written() -> None:
    text = "【数码小店】需要验证\n　打开后台 🔴\n.\n.. 一行只有点\nFrom 行首\n"
    message = read(Letter("a1", "boss@example.org", "【鱼桥】账号要你处理、卡密发完了", text, AT))
    assert message["Subject"] == "【鱼桥】账号要你处理、卡密发完了"
    assert message.get_content().splitlines() == text.splitlines()
    assert message["Date"].datetime == AT


def test_a_name_of_the_sender_is_no_header_either() -> None:
    message = read(Letter("a1", "b@example.org", "s", "x", AT), '"a, b" <shop@example.com>')
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("a, b", "shop@example.com")
