"""What mails say."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hub.model import MailPart, Urgent
from hub.text.mail import mail_body, mail_subject, masked_address

AT = datetime(2026, 11, 25, 4, 5, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
PARTS = (
    MailPart(Urgent.ACCOUNT, "🔴【小店】登录失效", AT),
    MailPart(Urgent.STOCK, "卡池「月卡」已经没有可用的卡密了", AT),
    MailPart(Urgent.ACCOUNT, "🔴【二店】登录失效", AT),
)


def test_a_subject_names_kinds_and_numbers_and_nobodys_words() -> None:
    assert mail_subject(PARTS[:1]) == "【鱼桥】账号要你处理"
    assert mail_subject(PARTS) == "【鱼桥】3 件急事：账号要你处理、卡密发完了"


def test_a_mail_says_what_happened_when_and_where_to_act() -> None:
    said = mail_body(PARTS, ZONE, AT, "https://hub.example/")
    assert "12:05　账号要你处理\n🔴【小店】登录失效\n处理：https://hub.example/accounts\n" in said
    assert "处理：https://hub.example/stock\n" in said
    assert "请不要回复" in said


def test_without_a_public_address_there_is_no_link() -> None:
    said = mail_body(PARTS, ZONE, AT, "")
    assert "http" not in said
    assert "请到 QQ 或鱼桥后台处理" in said


def test_an_address_is_not_shown_in_full() -> None:
    assert masked_address("boss@example.org") == "b***@example.org"
