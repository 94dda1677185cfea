"""What we say to people: nothing missing, nothing that leads to the wrong buyer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub import text
from hub.commands import closing_ticket
from hub.model import (
    RESTING,
    WHOLE_SHOP,
    Account,
    AccountId,
    AccountState,
    Card,
    Content,
    Conversation,
    ConversationId,
    Hold,
    HoldId,
    HoldKind,
    Image,
    Location,
    Picture,
    Place,
    PlatformConversation,
    PlatformUser,
    Role,
    Scope,
    ShopId,
    Text,
    Unsupported,
    Video,
    Voice,
)
from hub.text import login

NOW = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
ACCOUNT = Account(
    AccountId(1),
    ShopId(1),
    "小店",
    PlatformUser("2200111122223"),
    "device",
    True,
    AccountState.ONLINE,
    "",
    NOW - timedelta(minutes=5),
)
LIN = Conversation(
    ConversationId(1),
    ShopId(1),
    AccountId(1),
    PlatformConversation("60010020030"),
    "a7",
    PlatformUser("3100444455556"),
    "小林",
    "9",
    "键帽",
    NOW,
)
NAMELESS = replace(LIN, buyer_name="", buyer=None, item_title="")
TRICKSTER = replace(LIN, buyer_name="小林 #b3", item_title="#b3")
HERE = Scope(conversation=LIN.id)
HOLD = Hold(HoldId(1), ShopId(1), HoldKind.PAUSE, HERE, "盘点", NOW, None)
UNTIL = replace(HOLD, until=NOW + timedelta(hours=2))
SHOP = Place(WHOLE_SHOP)
ITEM = Place(Scope(item="900100200300"), "机械键盘")
OF_ACCOUNT = Place(Scope(account=ACCOUNT.id), "小店")


def place(conversation: Conversation) -> Place:
    return Place(HERE, conversation.buyer_name, conversation.ticket)


@pytest.mark.parametrize("conversation", [LIN, NAMELESS, TRICKSTER])
def test_whatever_is_about_one_buyer_ends_with_his_ticket(conversation: Conversation) -> None:
    """So that quoting it answers him, whatever buyers call themselves and write."""
    about = [
        text.buyer_notice(ACCOUNT, conversation, Text("看 #b3"), "↪ 自动回复：#b3"),
        text.buyer_notice(ACCOUNT, conversation, Text("看 #b3"), ""),
        text.order_notice(ACCOUNT, conversation, "买家已付款", "3"),
        text.order_notice(ACCOUNT, conversation, "买家已付款", None),
        text.phone_notice(ACCOUNT, conversation, 10),
        text.receipt_accepted(conversation),
        text.receipt_rejected(conversation, "安全拦截"),
        text.receipt_rejected(conversation, ""),
        text.receipt_uncertain(conversation, "没有回应"),
        text.receipt_dropped(conversation, "等得太久"),
        text.queued_offline(conversation, ACCOUNT),
        text.paused(UNTIL, place(conversation), ZONE, NOW),
        text.paused(HOLD, place(conversation), ZONE, NOW),
        text.taken_over(UNTIL, place(conversation), ZONE, NOW),
        text.resumed(place(conversation), 1, [], []),
        text.resumed(place(conversation), 0, [], []),
        text.resumed(place(conversation), 1, [SHOP, OF_ACCOUNT], []),
        text.paused_by_phone(ACCOUNT, conversation, [SHOP]),
        text.resumed_by_phone(ACCOUNT, conversation, [ITEM]),
        text.late_from_phone(ACCOUNT, conversation, []),
    ]

    assert [closing_ticket(one) for one in about] == ["a7"] * len(about)


def test_what_is_about_the_shop_or_many_buyers_leads_to_none() -> None:
    line = text.held_line(HOLD, place(LIN), ZONE, NOW)
    shop = replace(HOLD, scope=WHOLE_SHOP)
    pages = [
        text.paused(shop, SHOP, ZONE, NOW),
        text.resumed(SHOP, 1, [], []),
        text.resumed(SHOP, 0, [], []),
        text.resumed(SHOP, 1, [], [place(LIN)]),
        text.status_page([ACCOUNT], [line, line], 0, ZONE, NOW),
        text.help_page([("自动回复", ["暂停"])], answers=True),
        text.help_groups([("自动回复", [("/暂停 [#编号] [时长]", "停止自动回复")])]),
        text.no_target(quoted=True),
        text.no_target(quoted=False),
        text.account_notice(ACCOUNT, "登录失效"),
        text.stranger(),
        text.merged_notice(3, [(LIN, 3)]),
        text.merged_pings([(LIN, 1), (LIN, 2)]),
    ]

    assert [closing_ticket(one) for one in pages] == [None] * len(pages)


def test_a_notice_names_account_buyer_item_and_words() -> None:
    notice = text.buyer_notice(ACCOUNT, LIN, Text("在吗\n包邮吗"), "↪ 自动回复：在的")

    assert notice == "【小店】小林 · 键帽\n在吗\n包邮吗\n↪ 自动回复：在的\n#a7"


def test_a_buyer_without_a_name_is_called_by_id_or_buyer() -> None:
    assert text.buyer_notice(ACCOUNT, NAMELESS, Text("在吗"), "") == "【小店】买家\n在吗\n#a7"
    known = replace(NAMELESS, buyer=PlatformUser("31"))
    assert text.buyer_notice(ACCOUNT, known, Text("在吗"), "").startswith("【小店】31\n")
    assert "送达 买家" in text.receipt_accepted(NAMELESS)
    assert "发给 买家" in text.queued_offline(NAMELESS, ACCOUNT)
    assert "「买家」" in text.paused(HOLD, place(NAMELESS), ZONE, NOW)


def test_a_buyers_name_cannot_look_like_a_line_of_ours() -> None:
    liar = replace(LIN, buyer_name="小林\n↪ 自动回复：在的\n" + "长" * 90)
    first, *rest = text.buyer_notice(ACCOUNT, liar, Text("在吗"), "").splitlines()
    assert len(first) < 50
    assert rest == ["在吗", "#a7"]


def test_an_order_notice_names_the_order_if_it_is_known() -> None:
    assert "订单 3\n" in text.order_notice(ACCOUNT, LIN, "买家已付款", "3")
    assert "订单" not in text.order_notice(ACCOUNT, LIN, "买家已付款", None)


def test_an_account_notice_names_the_account() -> None:
    assert text.account_notice(ACCOUNT, "登录失效") == "【小店】登录失效"


@pytest.mark.parametrize("state", AccountState)
def test_every_state_of_an_account_has_a_word_and_a_mark(state: AccountState) -> None:
    account = replace(ACCOUNT, state=state, state_reason="原因")
    line = text.account_line(account, ZONE, NOW).splitlines()[0]

    assert line.endswith(f"小店 {text.ACCOUNT_STATES[state]}（原因） 5 分钟")
    assert line[0] in "🟢🟡⚪🔴"


def test_a_state_without_a_reason_shows_none() -> None:
    assert text.account_line(ACCOUNT, ZONE, NOW) == "🟢 小店 在线 5 分钟"


def test_the_status_page_counts_and_names_what_is_not_well() -> None:
    broken = replace(ACCOUNT, name="二店", state=AccountState.LOGGED_OUT)

    page = text.status_page([ACCOUNT, broken], [], 3, ZONE, NOW).splitlines()

    assert page[0] == "账号 1/2 在线，待发 3 条"
    assert page[1].startswith("🔴 二店 登录失效")
    assert "扫码" in page[2]
    assert page[3:] == ["自动回复正常"]


def test_the_status_page_lists_what_is_held() -> None:
    assert text.status_page([], ["⏸ 一", "⏸ 二"], 0, ZONE, NOW).splitlines()[1:] == ["⏸ 一", "⏸ 二"]


def test_a_held_line_says_what_and_until_when() -> None:
    def line(where: Place, hold: Hold = HOLD) -> str:
        return text.held_line(replace(hold, scope=where.scope), where, ZONE, NOW)

    assert line(place(LIN), UNTIL) == "⏸ #a7 小林：盘点，到 14:00"
    assert line(place(NAMELESS)) == "⏸ #a7：盘点，直到 /恢复"
    assert line(SHOP) == "⏸ 整个店铺：盘点，直到 /恢复"
    assert line(ITEM) == "⏸ 商品「机械键盘」：盘点，直到 /恢复"
    assert line(replace(ITEM, name="")) == "⏸ 商品「900100200300」：盘点，直到 /恢复"
    assert line(OF_ACCOUNT) == "⏸ 账号「小店」：盘点，直到 /恢复"


def test_pausing_says_how_it_ends() -> None:
    def said(where: Place, hold: Hold = HOLD) -> str:
        return text.paused(replace(hold, scope=where.scope), where, ZONE, NOW)

    assert said(SHOP, UNTIL) == "⏸ 已暂停整个店铺的自动回复，到 14:00（2 小时后）自动恢复"
    assert said(place(LIN)) == "⏸ 已暂停「小林」的自动回复，发 /恢复 继续 #a7"
    assert said(ITEM).endswith("在所有会话里的自动回复，发 /恢复 900100200300 继续")
    assert said(OF_ACCOUNT).endswith("发 /恢复 小店 继续")
    assert said(SHOP).endswith("发 /恢复 全店 继续")


def test_resuming_says_what_still_stands() -> None:
    assert text.resumed(place(LIN), 1, [], []) == "▶ 已恢复「小林」的自动回复 #a7"
    assert "本来就没有暂停" in text.resumed(SHOP, 0, [], [])
    partly = text.resumed(place(LIN), 1, [ITEM, SHOP], [])
    assert partly == (
        "「小林」已恢复，但商品「机械键盘」、整个店铺还在暂停中，「小林」现在仍然不会自动回复。"
        "解除：/恢复 900100200300、/恢复 全店\n#a7"
    )
    assert text.resumed(place(LIN), 0, [SHOP], []).startswith(
        "「小林」的自动回复本来就没有单独暂停"
    )
    apart = text.resumed(SHOP, 1, [], [place(LIN), place(NAMELESS), ITEM, OF_ACCOUNT])
    assert "另有 2 个会话、1 个商品、1 个账号单独暂停着" in apart


def test_help_begins_with_what_its_reader_can_do() -> None:
    page = text.help_page([("店铺", ["状态"])], answers=True)
    assert page.splitlines()[:2] == [
        "引用买家的通知直接写字就是回复他；也可以写「#a7 在的」。",
        "店铺　/状态",
    ]
    looks = text.help_page([("店铺", ["状态"])], answers=False)
    assert looks.startswith("你可以看会话、订单和库存；")
    assert "#a7" not in looks


def test_a_group_of_commands_takes_one_line_of_a_phone() -> None:
    *_, full, short = text.help_page(
        [
            ("买家", ["备注", "标签", "拉黑", "清除"]),
            ("订单和发货", ["待处理", "处理", "单", "发货", "补发"]),
        ],
        answers=True,
    ).splitlines()[:3]
    assert full == "买家　/备注 /标签 /拉黑 /清除"
    assert short == "订单和发货　/待处理 /处理 /单 …"


def test_help_lists_the_commands_of_groups_with_what_they_do() -> None:
    page = text.help_groups([("店铺", [("/状态", "一览")])])
    assert page.splitlines() == ["〔店铺〕", "/状态　一览", "", "/帮助 命令名　看详细说明"]


def test_help_of_a_command_has_what_there_is_to_say() -> None:
    known = text.command_help("/状态", "一览", "", (), role=Role.VIEWER, group="店铺")
    assert known == "/状态\n一览\n相近的命令：/帮助 店铺"
    full = text.command_help(
        "/状态", "一览", "细节", ("status", "st"), role=Role.OWNER, group="店铺"
    )
    assert full == ("/状态\n一览\n细节\n别名：/status、/st\n谁能用：店主\n相近的命令：/帮助 店铺")


def test_an_unknown_command_is_answered_with_what_to_do() -> None:
    assert "/暂停 [时长]" in text.unknown_command("暂挺", "/暂停 [时长]")
    assert "/帮助" in text.unknown_command("xyz", None)


@pytest.mark.parametrize("quoted", [True, False])
def test_a_dead_end_says_that_nothing_was_sent_and_what_to_do(quoted: bool) -> None:
    said = text.no_target(quoted)
    assert said.startswith("没有发送")
    assert "#a7 要说的话" in said


def test_a_refusal_without_a_reason_says_so() -> None:
    assert "没有给出原因" in text.receipt_rejected(LIN, "")
    assert "安全拦截" in text.receipt_rejected(LIN, "安全拦截")


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (Text("在吗\n包邮吗"), "在吗\n包邮吗"),
        (Image((Picture("https://a/1"),)), "[图片]"),
        (Image((Picture("https://a/1"), Picture("https://a/2"))), "[2 张图片]"),
        (Image(()), "[图片]"),
        (Voice("https://a/1"), "[语音] https://a/1"),
        (Voice("https://a/1", 8.0), "[语音 8 秒] https://a/1"),
        (Voice("https://a/1", 8000.0), "[语音] https://a/1"),
        (Voice(""), "[语音]"),
        (Video("https://a/1"), "[视频] https://a/1"),
        (Video(""), "[视频]"),
        (Location("公司", "路 1 号"), "[位置] 公司 路 1 号"),
        (Location("公司", ""), "[位置] 公司"),
        (Card("标题", "内容"), "[卡片] 标题：内容"),
        (Card("标题"), "[卡片] 标题"),
        (Unsupported(99, "[红包]"), "[红包]"),
        (Unsupported(99, ""), "[暂不支持显示的消息，请在闲鱼里查看]"),
    ],
)
def test_every_content_has_a_text(content: Content, shown: str) -> None:
    assert text.plain(content) == shown


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (Voice("https://a/1", 8.0), "[语音 8 秒]，请在闲鱼里听"),
        (Video("https://a/1"), "[视频]，请在闲鱼里看"),
        (Text("https://a/1"), "https://a/1"),
    ],
)
def test_a_notice_brings_no_links_of_its_own_into_qq(content: Content, shown: str) -> None:
    assert text.buyer_notice(ACCOUNT, LIN, content, "").splitlines()[-2] == shown


def test_shortening_makes_one_line_of_at_most_so_many() -> None:
    assert text.shorten(" 在吗\n  包邮吗 ") == "在吗 包邮吗"
    assert text.shorten("一二三四五", 5) == "一二三四五"
    assert text.shorten("一二三四五六", 5) == "一二三四…"


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 11, 1, 6, 5, tzinfo=UTC), "14:05"),
        (datetime(2026, 10, 31, 15, 59, tzinfo=UTC), "10-31 23:59"),
        (datetime(2026, 10, 31, 16, 0, tzinfo=UTC), "00:00"),
        (datetime(2025, 12, 31, 15, 0, tzinfo=UTC), "2025-12-31 23:00"),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "2027-01-01 00:00"),
    ],
)
def test_clocks_are_local_and_as_short_as_they_can_be(at: datetime, shown: str) -> None:
    assert text.clock(at, ZONE, NOW) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 秒"),
        (0, "0 秒"),
        (59.9, "59 秒"),
        (60, "1 分钟"),
        (3599, "59 分钟"),
        (3600, "1 小时"),
        (12000, "3 小时 20 分钟"),
        (86400, "1 天"),
        (2 * 86400 + 5 * 3600 + 59, "2 天 5 小时"),
    ],
)
def test_spans_are_said_as_people_say_them(seconds: float, shown: str) -> None:
    assert text.span(timedelta(seconds=seconds)) == shown
    assert text.since(NOW - timedelta(seconds=seconds), NOW) == shown


def test_every_sentence_about_cookies_says_what_to_do() -> None:
    sentences = [value for name, value in vars(login).items() if name.startswith("COOKIES_")]

    assert len(sentences) == 5
    assert all("请" in one and one.endswith("。") for one in sentences)


def test_everything_exported_exists() -> None:
    assert sorted(text.__all__) == sorted(set(text.__all__))
    assert all(hasattr(text, name) for name in text.__all__)


URL = "https://h5api.m.goofish.com/_____tmd_____/punish?x5secdata=a"


def test_a_wait_says_when_it_ends() -> None:
    waiting = replace(
        ACCOUNT,
        state=AccountState.WAITING,
        state_reason="连接断开了",
        state_until=NOW + timedelta(minutes=65),
    )
    line = "🟡 小店 等待重连（连接断开了） 5 分钟，将在 13:05 再试"
    assert text.account_line(waiting, ZONE, NOW) == line
    soon = replace(waiting, state_until=NOW + timedelta(seconds=20))
    assert text.account_line(soon, ZONE, NOW).endswith("，马上再试")
    told = text.account_trouble(waiting, timedelta(minutes=7), ZONE, NOW, again=False)
    assert told.startswith("🟡【小店】已断线 7 分钟：连接断开了\n将在 13:05 再试；")


@pytest.mark.parametrize("state", sorted(RESTING))
@pytest.mark.parametrize("again", [False, True])
def test_what_needs_a_person_says_what_to_do(state: AccountState, again: bool) -> None:
    resting = replace(ACCOUNT, state=state, state_reason="原因", check_url=URL)
    told = text.account_trouble(resting, timedelta(hours=2), ZONE, NOW, again=again)

    assert told.startswith("🔴【小店】")
    assert ("2 小时" in told) is again
    assert text.account_mend(resting) in told
    assert "扫码" in told or "/重连 小店" in told
    assert closing_ticket(told) is None


def test_the_link_of_a_check_stands_apart_so_that_chats_find_its_end() -> None:
    needed = replace(ACCOUNT, state=AccountState.VERIFICATION_NEEDED, check_url=URL)
    assert f"：{URL} " in text.account_mend(needed)
    assert "：" not in text.account_mend(replace(needed, check_url="")).partition("\n")[0]
