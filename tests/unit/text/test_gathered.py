"""Notices that had to wait: nothing is lost, nobody is taken for somebody else."""

from __future__ import annotations

import pytest

from bots.official.words import LONGEST_TEXT
from hub.commands import closing_ticket, needs_of_notice
from hub.text import cut_short, in_parts
from hub.text.gathered import (
    LOW,
    MOST_CHATS,
    MOST_NEEDS,
    Waited,
    address_name,
    bare,
    bot_name,
    gathered,
    is_gathered,
    with_low_credit,
)


def notice(ticket: str, *said: str, buyer: str = "小林") -> str:
    return "\n".join([f"【小店】{buyer} · 键盘", *said, f"#{ticket}"])


def test_of_one_conversation_it_can_be_quoted_like_any_notice() -> None:
    said = gathered([Waited(notice("a7", "在吗"), 7), Waited(notice("a7", "包邮吗"), 7)])
    assert said.splitlines() == ["📬 攒了 2 条消息 【小店】小林 · 键盘", "在吗", "包邮吗", "#a7"]
    assert closing_ticket(said) == "a7"


def test_of_several_it_names_each_and_cannot_be_taken_for_one() -> None:
    said = gathered(
        [
            Waited(notice("a7", "在吗"), 7),
            Waited(notice("b8", "多久到", buyer="阿七"), 8),
            Waited(notice("a7", "包邮吗"), 7),
            Waited("【小店】登录失效\n请扫码", None),
        ]
    )
    assert said.splitlines() == [
        "📬 2 个会话有新消息，另有 1 条通知：",
        "#a7 【小店】小林 · 键盘（2 条）",
        "　在吗",
        "　包邮吗",
        "#b8 【小店】阿七 · 键盘",
        "　多久到",
        "· 【小店】登录失效",
        "回复写「编号 要说的话」，看全部写「/历史 编号」",
    ]
    assert closing_ticket(said) is None


def test_only_notices_about_no_conversation_are_a_list() -> None:
    said = gathered([Waited("【小店】登录失效", None), Waited("卡池 月卡 空了", None)])
    assert said.splitlines() == ["📬 攒了 2 条通知：", "· 【小店】登录失效", "· 卡池 月卡 空了"]


def test_a_list_that_names_a_ticket_last_is_no_notice_of_that_buyer() -> None:
    said = gathered([Waited("卡池 月卡 空了", None), Waited("小李 接手了 #a7", None)])
    assert closing_ticket(said) is None


NEED = "🔔 待处理 37｜库存不足\n只剩 0 张\n【小店】小林\n1 发货\n2 不发了\n#a7"
FORGED = notice("a7", "🔔 待处理 5｜库存不足", "📬 待处理 5｜")


def test_what_is_to_be_decided_comes_first_with_its_answers() -> None:
    said = gathered([Waited(FORGED, 7), Waited(NEED, 7, 37)])
    assert said.splitlines()[:2] == [
        "📬 待处理 37｜攒了 2 条消息 【小店】小林 · 键盘",
        "　🔔 待处理 37｜库存不足",
    ]
    assert "　2 不发了" in said.splitlines()
    assert needs_of_notice(said) == (37,)
    assert closing_ticket(said) == "a7"
    many = [Waited(NEED.replace("37", str(n)), n, n) for n in range(30, 50)]
    several = gathered([Waited(FORGED, 7), *many])
    assert needs_of_notice(several) == tuple(range(30, 30 + MOST_NEEDS))
    assert closing_ticket(several) is None
    assert len(several) < LONGEST_TEXT
    assert needs_of_notice(gathered([Waited(FORGED, 7), Waited(FORGED, 8)])) == ()


def test_a_bare_digest_keeps_what_leads_somewhere_and_no_word_of_anybody_else() -> None:
    several = bare(gathered([Waited(FORGED, 7), Waited(notice("b8", "多久到"), 8)]))
    assert "#a7、#b8" in several
    assert "多久到" not in several
    only = bare(gathered([Waited(notice("a7", "在吗"), 7), Waited(NEED, 7, 37)]))
    assert (needs_of_notice(only), closing_ticket(only)) == ((37,), "a7")
    assert "在吗" not in only
    assert is_gathered(only)


@pytest.mark.parametrize("room", [1, 2])
def test_what_is_cut_says_where_the_rest_is_and_can_still_be_quoted(room: int) -> None:
    text = "\n".join(["字" * 80] * 60) + "\n#a7"
    parts = cut_short(in_parts(text, 1_800), room, 1_800)
    assert len(parts) == room
    assert all(len(one) <= 1_800 for one in parts)
    assert "后台" in parts[-1]
    assert closing_ticket(parts[-1]) == "a7"
    assert cut_short(["一", "二"], 2, 1_800) == ["一", "二"]


def test_it_stays_short_however_much_waited() -> None:
    many = [Waited(notice(f"a{n % 100}", "话" * 500, buyer="名" * 50), n % 100) for n in range(300)]
    said = gathered([*many, *[Waited("通" * 200, None)] * 100])
    assert len(said) < LONGEST_TEXT
    assert f"另有 {100 - MOST_CHATS} 个会话" in said
    talker = [Waited(notice("a7", f"第{n}句"), 7) for n in range(50)]
    assert gathered(talker).splitlines()[1:] == ["第47句", "第48句", "第49句", "#a7"]


@pytest.mark.parametrize("text", [notice("a7", "在吗"), "登录失效", ""])
def test_a_word_about_the_last_credit_leaves_the_ticket_at_the_end(text: str) -> None:
    said = with_low_credit(text)
    assert closing_ticket(said) == closing_ticket(text)
    assert LOW in said
    assert with_low_credit(said) == said


def test_addresses_and_bots_have_names_among_people() -> None:
    assert address_name("10002") == "10002"
    assert address_name("official:102001/0A1B2C3D") == "官方机器人里的 …2C3D"
    assert address_name("official:102001/0A1B2C3D@G1") == "官方机器人里的 …2C3D（只在一个群里）"
    assert (bot_name("10001"), bot_name("official:102001")) == ("10001", "官方机器人 102001")
