"""What mails say, and what is said about mails. No words of buyers stand in a subject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.model import ORDINARY, Account, Conversation, MailPart, Urgent
from hub.text.content import shorten
from hub.text.times import clock, span

MAIL_KINDS: dict[Urgent, str] = {
    Urgent.ACCOUNT: "账号要你处理",
    Urgent.NEED: "有事在等你处理",
    Urgent.BRAKE: "发货异常，全店已自动急停",
    Urgent.STOCK: "卡密发完了",
    Urgent.UNANSWERED: "有买家一直没人回复",
    Urgent.SILENT_CHAT: "QQ 里收不到通知",
    Urgent.MESSAGE: "买家消息",
    Urgent.ORDER: "订单",
    Urgent.RECEIPT: "自动回复没发出",
    Urgent.ACCOUNT_NEWS: "账号",
    Urgent.STOCK_NEWS: "库存",
    Urgent.BACKUP: "备份或恢复要你看一下",
}
_PAGES: dict[Urgent, str] = {
    Urgent.ACCOUNT: "/accounts",
    Urgent.NEED: "/needs",
    Urgent.BRAKE: "/needs",
    Urgent.STOCK: "/stock",
    Urgent.UNANSWERED: "/conversations",
    Urgent.SILENT_CHAT: "/qq",
    Urgent.MESSAGE: "/conversations",
    Urgent.ORDER: "/orders",
    Urgent.RECEIPT: "/conversations",
    Urgent.ACCOUNT_NEWS: "/accounts",
    Urgent.STOCK_NEWS: "/stock",
    Urgent.BACKUP: "/backups",
}
NO_MAIL_SERVER = "还没有设置邮件服务器：在 config/hub.yml 的 mail 里填好，重启鱼桥"
BAD_MAIL_ADDRESS = "这个邮箱地址不对，要像 name@example.com 这样"

UNREACHABLE = "连不上邮件服务器，检查 mail.host 和 mail.port"
TOO_SLOW = "邮件服务器没有在规定时间里回应"
CUT_OFF = "邮件服务器中途断开了"
PERHAPS_SENT = "信交出去以后连接断了，不确定有没有寄到"
BAD_CERTIFICATE = (
    "邮件服务器的证书不可信，没有把密码交给它；检查 mail.host，自己签的证书写进 mail.ca_file"
)
NO_TLS = "加密没有谈成，检查 mail.port 和 mail.security 是不是一对"
NO_STARTTLS = "邮件服务器不支持 STARTTLS，把 mail.security 改成 tls 或检查端口"
NO_LOGIN = "邮件服务器在这个端口不让登录，检查 mail.port 和 mail.security"
WRONG_LOGIN = "邮件服务器不认用户名或密码；QQ 邮箱、163 等要用授权码，不是登录密码"
WRONG_SENDER = "邮件服务器不让用这个发件人，mail.sender 要和登录的邮箱一致"
REFUSED_ADDRESS = "对方的邮箱不收"
REFUSED_MAIL = "邮件服务器不收这封信"
COME_BACK_LATER = "邮件服务器要我们过一会儿再来"
ODD_ANSWER = "邮件服务器的回答看不懂，检查 mail.port 和 mail.security"


def mail_subject(parts: Sequence[MailPart]) -> str:
    kinds = "、".join(dict.fromkeys(MAIL_KINDS[part.kind] for part in parts))
    if len(parts) == 1:
        return f"【鱼桥】{kinds}"
    urgent = any(part.kind not in ORDINARY for part in parts)
    return f"【鱼桥】{len(parts)} 件{'急事' if urgent else '事'}：{kinds}"


def mail_body(parts: Sequence[MailPart], zone: ZoneInfo, now: datetime, public_url: str) -> str:
    """`public_url`: how the admin is reached from outside, if that is known."""
    pieces = []
    for part in parts:
        lines = [f"{clock(part.at, zone, now)}　{MAIL_KINDS[part.kind]}", part.text]
        if public_url:
            lines.append(f"处理：{public_url.rstrip('/')}{_PAGES[part.kind]}")
        pieces.append("\n".join(lines))
    where = "" if public_url else "请到 QQ 或鱼桥后台处理。"
    foot = f"{where}这是鱼桥自动发出的，请不要回复；不想再收到，到后台「成员」里关掉邮件通知。"
    return "\n\n".join([*pieces, f"-- \n{foot}"]) + "\n"


TEST_MAIL_SUBJECT = "【鱼桥】测试邮件"


def test_mail_body(at: datetime, zone: ZoneInfo) -> str:
    when = at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return f"看到这封信，说明鱼桥能寄出邮件了。\n发出时间：{when}\n"


def test_mail_sent(to: str) -> str:
    return f"测试邮件已经交给邮件服务器，去 {to} 看看；没有就找找垃圾箱。"


def test_mail_failed(reason: str) -> str:
    return f"测试邮件没有寄出：{reason}"


def with_words(what: str, words: str) -> str:
    """With what the server said, if it said something."""
    return f"{what}（对方说：{shorten(words, 120)}）" if words else what


def masked_address(address: str) -> str:
    """`s***@example.com`, for logs and chats."""
    name, _, host = address.partition("@")
    return f"{name[:1]}***@{host}"


def unanswered_mail(account: Account, conversation: Conversation, waited: timedelta) -> str:
    """Without what the buyer wrote: mails pass through other people's servers."""
    who = f"【{account.name}】{conversation.buyer_name or '买家'} #{conversation.ticket}"
    return f"{who} 等了 {span(waited)}，提醒都发过了，还没人回复"


def silent_chat_mail(waited: timedelta) -> str:
    return (
        f"没有 QQ 机器人连着鱼桥，通知已经等了 {span(waited)}。"
        "看看机器人那边是不是掉线了、要不要重新登录；连上以后会补发最近一天的。"
    )


def mail_trouble_notice(reason: str) -> str:
    return (
        f"🟡 邮件通知寄不出去：{reason}\n"
        "急事暂时只发到 QQ。改好设置重启鱼桥，再到后台「邮件」页发一封测试邮件"
    )


def mail_refused_notice(to: str, reason: str) -> str:
    return f"🟡 给 {masked_address(to)} 的邮件没有寄到：{reason}\n检查成员页里的邮箱地址"
