"""Talking from QQ over real sockets: focus, notes, history, logging in, checking up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.model import AccountState
from hub.sandbox.onebot_chats import ChatLine
from tests.e2e.shop import POT, Shop, open_shop
from tests.e2e.stage import (
    BUYER,
    OTHER_BUYER,
    OWNER_QQ,
    SECONDS,
    Stage,
)


def ticket_of(line: ChatLine) -> str:
    return line.text.rsplit("#", 1)[-1].strip()


def pictures_of(line: ChatLine) -> int:
    return sum(segment["type"] == "image" for segment in line.segments)


async def test_a_buyers_next_words_quote_the_last_notice_of_that_conversation(
    stage: Stage,
) -> None:
    await stage.buyer_says("我是小林")
    lin = await stage.wait_for_notice("我是小林")
    await stage.buyer_says("我是阿七", buyer=OTHER_BUYER)
    qi = await stage.wait_for_notice("我是阿七")
    await stage.buyer_says("包邮吗？")
    more = await stage.wait_for_notice("包邮吗？")

    assert [lin.quoted, qi.quoted, more.quoted] == [None, None, lin.id]
    await stage.operator_writes("包邮的", quote=more)
    await stage.wait_for_answer("包邮的")
    assert stage.answers(OTHER_BUYER) == []


async def test_in_focus_each_line_reaches_the_buyer_under_a_head_that_names_them(
    stage: Stage,
) -> None:
    await stage.buyer_says("我是小林")
    await stage.buyer_says("我是阿七", buyer=OTHER_BUYER)
    lin = await stage.wait_for_notice("我是小林")
    qi = await stage.wait_for_notice("我是阿七")

    await stage.operator_writes(f"/聊 {ticket_of(lin)}")
    begun = await stage.wait_for_notice("现在起你写的话都发给这位买家")
    assert begun.text.startswith("💬 正在聊 ")
    await stage.operator_writes("在的\n有货")
    await stage.wait_for_answer("在的\n有货")
    receipt = await stage.wait_for_notice("✓ 已送达")
    assert receipt.text.startswith("💬 正在聊 ")

    await stage.operator_writes("阿七稍等", quote=qi)
    await stage.wait_for_answer("阿七稍等", OTHER_BUYER)
    await stage.wait_for_notice("没有发给正在聊的")
    assert stage.answers(BUYER) == ["在的\n有货"]

    await stage.operator_writes("/退出")
    await stage.wait_for_notice("已退出")
    await stage.operator_writes("说给谁的")
    await stage.wait_for_notice("没有发送")
    assert stage.answers(BUYER) == ["在的\n有货"]
    assert stage.answers(OTHER_BUYER) == ["阿七稍等"]


async def test_what_is_kept_about_a_buyer_stands_in_the_next_notice_and_the_block_silences(
    stage: Stage,
) -> None:
    await stage.buyer_says("在吗")
    notice = await stage.wait_for_notice("在吗")
    await stage.operator_writes("/备注 上次少发一张", quote=notice)
    await stage.wait_for_notice("已备注")
    await stage.operator_writes("/标签 老客", quote=notice)
    await stage.wait_for_notice("的标签：老客")
    await stage.operator_writes("/拉黑", quote=notice)
    await stage.wait_for_notice("⛔ 已拉黑")
    before = stage.answers()

    await stage.buyer_says("在吗？还在吗")
    told = await stage.wait_for_notice("还在吗")
    await stage.settled()

    assert told.text.splitlines()[1] == "📌 ⛔ 已拉黑 [老客] 上次少发一张"
    assert stage.answers() == before
    await stage.operator_writes("/清除", quote=told)
    await stage.wait_for_notice("已清除")


async def test_the_history_and_the_word_that_takes_back(stage: Stage) -> None:
    await stage.buyer_says("包邮吗")
    notice = await stage.wait_for_notice("包邮吗")
    said = await stage.operator_writes("包邮的", quote=notice)
    await stage.wait_for_answer("包邮的")
    receipt = await stage.wait_for_notice("✓ 已送达")
    await stage.operator_writes("/历史 5", quote=notice)
    page = await stage.wait_for_notice("最近")
    assert "买家：包邮吗" in page.text
    assert "我们：包邮的" in page.text

    await stage.operator_writes("撤", quote=receipt)
    await stage.wait_for_notice("已撤回")
    assert said


async def test_a_code_is_sent_in_private_and_the_phone_is_followed(stage: Stage) -> None:
    await stage.operator_writes("/登录 小店")
    code = await stage.wait_for_notice("扫这个码登录")
    assert pictures_of(code) == 1

    stage.sandbox.passport.act("latest", "scan")
    await stage.wait_for_notice("已扫码")
    stage.sandbox.passport.act("latest", "confirm")
    await stage.wait_for_notice("手机上已确认")
    await stage.wait_for_notice("登录已更新")


async def test_a_check_of_the_person_comes_with_its_link(stage: Stage) -> None:
    await stage.operator_writes("/登录")
    await stage.wait_for_notice("扫这个码登录")
    stage.sandbox.passport.act("latest", "scan")
    stage.sandbox.passport.act("latest", "verify")
    told = await stage.wait_for_notice("闲鱼要求验证身份")
    assert "http" in told.text
    stage.sandbox.passport.act("latest", "pass")
    await stage.wait_for_notice("登录已更新")


async def test_an_expired_code_is_replaced_once(stage: Stage) -> None:
    await stage.operator_writes("/登录")
    first = await stage.wait_for_notice("扫这个码登录")
    stage.sandbox.passport.act("latest", "expire")
    second = await stage.wait_for_notice("上一张过期了")
    assert pictures_of(first) == pictures_of(second) == 1
    stage.sandbox.passport.act("latest", "expire")
    await stage.wait_for_notice("二维码又过期了")


async def test_codes_are_for_private_chats(stage: Stage) -> None:
    await stage.sandbox.qq.say_group("777001", OWNER_QQ, "/登录", at_bot=True)
    line = await stage.sandbox.qq.wait_for_line(
        "group", "777001", lambda one: "只在私聊里发" in one.text, SECONDS
    )
    assert pictures_of(line) == 0


async def test_a_dead_login_sends_a_code_unasked_and_once(stage: Stage) -> None:
    await stage.hub.store.write(
        lambda tx: tx.accounts.set_state(
            stage.account.shop,
            stage.account.id,
            AccountState.LOGGED_OUT,
            "登录失效",
            stage.account.state_since,
        )
    )
    code = await stage.wait_for_notice("扫这个码就能恢复")
    assert pictures_of(code) == 1
    await stage.operator_writes("/账号")
    await stage.wait_for_notice("登录失效")
    assert sum("扫这个码就能恢复" in line.text for line in stage.notices()) == 1

    stage.sandbox.passport.act("latest", "scan")
    stage.sandbox.passport.act("latest", "confirm")
    await stage.wait_for_notice("登录已更新")
    await stage.wait_state(AccountState.ONLINE)


async def test_an_account_is_switched_off_and_on_from_chat(stage: Stage) -> None:
    await stage.operator_writes("/停用 小店")
    await stage.wait_for_notice("已停用「小店」")
    await stage.wait_state(AccountState.DISABLED)
    await stage.operator_writes("/启用 小店")
    await stage.wait_for_notice("已启用「小店」")
    await stage.wait_state(AccountState.ONLINE)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def test_the_check_up_says_why_a_purchase_would_not_be_delivered(shop: Shop) -> None:
    stage = shop.stage
    pool = await shop.pool()
    await shop.rule(pool, POT)
    await stage.operator_writes(f"/体检 {POT}")
    page = await stage.wait_for_notice("体检「")
    assert "❌ 卡池「月卡」要 1 张，只剩 0 张。补货发 /补货 月卡" in page.text
    assert page.text.endswith("1 处要处理")

    await stage.operator_writes("/补货 月卡\nAAAA-1111\nBBBB-2222")
    await stage.wait_for_notice("月卡")
    await stage.operator_writes(f"/体检 {POT}")
    page = await stage.wait_for_notice("没有发现问题")
    assert "✅ 从卡池「月卡」发，还有 2 张" in page.text

    await stage.operator_writes("/停发")
    await stage.wait_for_notice("已停止发货")
    await stage.operator_writes("/体检")
    page = await stage.wait_for_notice("体检\n")
    assert "恢复发 /开发" in page.text
