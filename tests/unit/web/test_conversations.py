"""The list, the thread, the reply box, pauses."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from web_stage import Stage, Visitor, jpeg, picture, visiting

from hub.app import LARGEST_REQUEST
from hub.desk import Door, Operator
from hub.errors import NotFound
from hub.model import (
    Conversation,
    HoldKind,
    Image,
    MessageId,
    MessageState,
    Origin,
    PlatformMessage,
    Role,
    ShopId,
    TaskKind,
    Text,
)
from hub.store import Tx


@pytest.fixture
async def conversation(stage: Stage, owner: Operator) -> Conversation:
    return await stage.conversation(await stage.account(owner))


async def _texts(stage: Stage, owner: Operator, conversation: Conversation) -> list[str]:
    view = await stage.desk.inbox.conversation(owner, conversation.id)
    return [m.content.text for m in view.messages if m.ours and isinstance(m.content, Text)]


async def _write(boss: Visitor, conversation: Conversation, text: str, nonce: str = "") -> int:
    path = f"/conversations/{conversation.id}"
    form = await boss.get(path)
    page = await boss.post(
        f"{path}/answer", csrf=form.csrf, nonce=nonce or form.value("nonce"), text=text
    )
    return page.status


async def test_the_list_shows_who_wrote_what_about_which_item(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    await stage.says(conversation, "还在吗？\n急用")
    page = await boss.get("/conversations")
    assert "小林" in page.text
    assert "还在吗？ 急用" in page.text
    assert "二手机械键盘" in page.text
    assert f"#{conversation.ticket}" in page.text


async def test_what_a_buyer_wrote_is_never_markup(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    await stage.says(conversation, "<script>alert(1)</script>")
    for path in ("/conversations", f"/conversations/{conversation.id}"):
        page = await boss.get(path)
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text


async def test_a_picture_is_shown_through_the_hub_and_from_nowhere_else(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    urls = ("https://img.alicdn.com/a.jpg", "https://pixel.example/seen.gif", "javascript:alert(1)")
    shown = [await stage.says(conversation, picture(url), n) for n, url in enumerate(urls, 1)]
    page = await boss.get(f"/conversations/{conversation.id}")
    for message in shown:
        assert f'<img src="/pictures/{message}/0"' in page.text
    for url in urls:
        assert url not in page.text
    images = page.headers["Content-Security-Policy"].partition("img-src")[2].partition(";")[0]
    assert images.strip() == "'self'"


async def test_a_picture_is_fetched_once_and_then_comes_from_the_disk(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    message = await stage.says(conversation, picture("https://img.alicdn.com/a.jpg"))
    stage.platform.pictures["https://img.alicdn.com/a.jpg"] = jpeg()
    for _ in range(2):
        page = await boss.get(f"/pictures/{message}/0")
        assert page.status == 200
        assert page.headers["Content-Type"] == "image/jpeg"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"].startswith("private")
    assert stage.platform.asked == ["https://img.alicdn.com/a.jpg"]


async def test_what_is_no_picture_is_never_handed_on(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    message = await stage.says(conversation, picture("https://img.alicdn.com/a.jpg"))
    stage.platform.pictures["https://img.alicdn.com/a.jpg"] = b"<script>alert(1)</script>"
    page = await boss.get(f"/pictures/{message}/0")
    assert page.status == 404
    assert "<script>alert" not in page.text


async def test_pictures_of_another_shop_are_not_there(
    stage: Stage, owner: Operator, conversation: Conversation
) -> None:
    message = await stage.says(conversation, picture("https://img.alicdn.com/a.jpg"))
    stage.platform.pictures["https://img.alicdn.com/a.jpg"] = jpeg()
    stranger = Operator(replace(owner.member, shop=ShopId(owner.shop + 1)), Door.WEB)
    with pytest.raises(NotFound):
        await stage.desk.pictures.of_message(stranger, message, 0)
    assert stage.platform.asked == []


async def test_a_picture_needs_a_login(stage: Stage, conversation: Conversation) -> None:
    message = await stage.says(conversation, picture("https://img.alicdn.com/a.jpg"))
    async with visiting(stage) as stranger:
        assert (await stranger.get(f"/pictures/{message}/0")).status == 303


async def test_pictures_go_out_after_the_text_and_only_once_per_form(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    form = await boss.get(f"/conversations/{conversation.id}")
    for _ in range(2):
        page = await boss.post_files(
            f"/conversations/{conversation.id}/answer",
            [jpeg(), jpeg((9, 9))],
            csrf=form.csrf,
            nonce=form.value("nonce"),
            text="看图",
        )
        assert page.status == 303
    messages = await stage.store.read(
        lambda tx: tx.messages.of_conversation(conversation.shop, conversation.id, limit=9)
    )
    first, *rest = [message.content for message in messages]
    assert first == Text("看图")
    assert [one.pictures[0].kept for one in rest if isinstance(one, Image)] == [True, True]
    page = await boss.get(f"/pictures/{messages[-1].id}/0")
    assert page.headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ([b"no picture at all"], "不是能发送的图片"),
        ([b"x" * (10 * 1024 * 1024 + 1)], "一张最多 10 MB"),
        ([b"x"] * 10, "一次最多发 9 张图片"),
    ],
)
async def test_a_file_that_cannot_be_sent_is_refused_with_one_sentence_and_the_text_stays(
    stage: Stage, boss: Visitor, conversation: Conversation, files: list[bytes], complaint: str
) -> None:
    form = await boss.get(f"/conversations/{conversation.id}")
    page = await boss.post_files(
        f"/conversations/{conversation.id}/answer",
        files,
        csrf=form.csrf,
        nonce=form.value("nonce"),
        text="还没发的话",
    )
    assert page.status == 400
    assert complaint in page.text
    assert "还没发的话" in page.text
    assert not await stage.store.read(lambda tx: tx.outbox.backlog())


async def test_an_address_that_is_none_does_not_break_the_page(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    await stage.says(conversation, picture("http://[half"))
    page = await boss.get(f"/conversations/{conversation.id}")
    assert page.status == 200
    assert "<img" in page.text


async def test_an_answer_is_queued_with_its_line_breaks_and_takes_the_conversation_over(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    assert await _write(boss, conversation, "在的\r\n\r\n可以小刀") == 303
    assert await _texts(stage, owner, conversation) == ["在的\n\n可以小刀"]
    page = await boss.get(f"/conversations/{conversation.id}")
    assert "排队中" in page.text
    assert "人工接待中" in page.text


async def test_the_same_form_sent_twice_says_it_once(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    for _ in range(2):
        assert await _write(boss, conversation, "在的", nonce="same-nonce-1") == 303
    assert await _texts(stage, owner, conversation) == ["在的"]


async def test_another_text_from_an_old_page_is_another_message(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    for text in ("在的", "明天发货"):
        await _write(boss, conversation, text, nonce="same-nonce-1")
    assert await _texts(stage, owner, conversation) == ["在的", "明天发货"]


async def test_a_refused_answer_stays_in_the_box(boss: Visitor, conversation: Conversation) -> None:
    path = f"/conversations/{conversation.id}"
    form = await boss.get(path)
    too_long = "很长" * 1500
    page = await boss.post(
        f"{path}/answer", csrf=form.csrf, nonce=form.value("nonce"), text=too_long
    )
    assert page.status == 400
    assert "太长了" in page.text
    assert too_long in page.text
    forged = await boss.post(f"{path}/answer", csrf=form.csrf, nonce="?", text="在的")
    assert forged.status == 400
    assert "在的</textarea>" in forged.text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (MessageState.ACCEPTED, "已送达"),
        (MessageState.READ, "已读"),
        (MessageState.REJECTED, "被闲鱼拒绝：含有违规内容"),
        (MessageState.UNCERTAIN, "不确定是否送达：含有违规内容"),
    ],
)
async def test_what_became_of_an_answer_stands_below_it(
    stage: Stage,
    owner: Operator,
    boss: Visitor,
    conversation: Conversation,
    state: MessageState,
    said: str,
) -> None:
    await _write(boss, conversation, "在的")
    view = await stage.desk.inbox.conversation(owner, conversation.id)
    message = view.messages[0]
    reason = "含有违规内容" if "：" in said else ""
    await stage.store.write(
        lambda tx: tx.messages.set_state(
            owner.shop, message.id, state, reason=reason, now=message.sent_at
        )
    )
    page = await boss.get(f"/conversations/{conversation.id}")
    assert said in page.text


async def test_a_message_tells_why_it_was_or_was_not_answered(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    message = await stage.says(conversation, "在吗")
    await stage.store.write(
        lambda tx: tx.decisions.add(
            owner.shop,
            conversation=conversation.id,
            message=message,
            outcome="no_rule",
            reason="没有命中任何规则",
            now=_now(),
        )
    )
    page = await boss.get(f"/conversations/{conversation.id}")
    assert "没有自动回复：没有命中任何规则" in page.text


@pytest.mark.parametrize(("length", "forever"), [("30", False), ("", True)])
async def test_pause_and_resume(
    stage: Stage,
    owner: Operator,
    boss: Visitor,
    conversation: Conversation,
    length: str,
    forever: bool,
) -> None:
    path = f"/conversations/{conversation.id}"
    await boss.submit(f"{path}/pause", on=path, length=length)
    hold = (await stage.desk.inbox.conversation(owner, conversation.id)).hold
    assert hold is not None
    assert (hold.kind, hold.until is None) == (HoldKind.PAUSE, forever)
    assert "自动回复已暂停" in (await boss.get(path)).text
    page = await boss.submit(f"{path}/resume", on=path, back=path)
    assert page.leads_to == f"{path}?done=resumed"
    assert (await stage.desk.inbox.conversation(owner, conversation.id)).hold is None


async def test_the_whole_shop_is_paused_and_resumed_on_the_overview(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    await boss.submit("/shop/pause", on="/", length="120")
    assert "整个店铺已暂停" in (await boss.get("/")).text
    thread = await boss.get(f"/conversations/{conversation.id}")
    assert "整个店铺的自动回复已暂停" in thread.text
    await boss.submit("/shop/resume", on="/", back="/")
    assert "整个店铺已暂停" not in (await boss.get("/")).text


async def test_a_length_that_was_not_offered_is_refused(
    boss: Visitor, conversation: Conversation
) -> None:
    path = f"/conversations/{conversation.id}"
    assert (await boss.submit(f"{path}/pause", on=path, length="-5")).status == 400


async def test_long_threads_and_lists_are_read_page_by_page(
    stage: Stage, owner: Operator, boss: Visitor, conversation: Conversation
) -> None:
    for number in range(70):
        await stage.says(conversation, f"第 {number} 句", number)
    account = (await stage.desk.accounts.all(owner))[0]
    for number in range(35):
        await stage.conversation(account, buyer=f"买家{'一' * number}")
    newest = await boss.get(f"/conversations/{conversation.id}")
    assert "第 69 句" in newest.text
    assert "第 5 句" not in newest.text
    older = _link(newest.text, r"/conversations/\d+\?before=\d+")
    assert "第 5 句" in (await boss.get(older)).text
    first = await boss.get("/conversations")
    second = await boss.get(_link(first.text, r"/conversations\?before=[^\"]+"))
    shown = first.text.count('class="card talk"'), second.text.count('class="card talk"')
    assert shown == (30, 6)


@pytest.mark.parametrize("path", ["/conversations/999", "/accounts/999", "/rules/999"])
async def test_what_does_not_exist_is_a_404_with_a_sentence(boss: Visitor, path: str) -> None:
    page = await boss.get(path)
    assert page.status == 404
    assert "不存在" in page.text


@pytest.mark.parametrize(
    "before", ["nonsense", "2026-01-01", "0001-01-01T00:00%2B14:00", "%00", "99999999999999999999"]
)
async def test_a_mangled_page_address_shows_the_first_page(
    boss: Visitor, conversation: Conversation, before: str
) -> None:
    assert (await boss.get(f"/conversations?before={before}")).status == 200
    assert (await boss.get(f"/conversations/{conversation.id}?before={before}")).status == 200


def _now() -> datetime:
    return datetime.now(UTC)


def _link(text: str, pattern: str) -> str:
    match = re.search(f'href="({pattern})"', text)
    assert match is not None
    return html.unescape(match[1])


async def _accepted(
    stage: Stage, conversation: Conversation, *, age: timedelta = timedelta(0)
) -> MessageId:
    """Something that an operator said and the platform took."""
    at = datetime.now(UTC) - age

    def unit(tx: Tx) -> MessageId:
        message = tx.messages.add_out(
            conversation.shop,
            conversation.account,
            conversation.id,
            key=f"said {age}",
            origin=Origin.OPERATOR,
            content=Text("写错了"),
            now=at,
        )
        assert message is not None
        tx.messages.set_state(
            conversation.shop,
            message,
            MessageState.ACCEPTED,
            platform_id=PlatformMessage(f"{message}.PNM"),
            now=at,
        )
        return message

    return await stage.store.write(unit)


async def test_what_was_just_said_has_a_button_to_take_it_back(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    message = await _accepted(stage, conversation)
    old = await _accepted(stage, conversation, age=timedelta(minutes=3))
    path = f"/conversations/{conversation.id}"
    page = await boss.get(path)
    assert f"{path}/recall/{message}" in page.text
    assert f"{path}/recall/{old}" not in page.text

    nonce = page.value("nonce")
    for _ in range(2):
        done = await boss.post(f"{path}/recall/{message}", csrf=page.csrf, nonce=nonce)
        assert done.status == 303
    waiting = await stage.store.read(lambda tx: tx.outbox.backlog())
    assert waiting == {TaskKind.RECALL: 1}


async def test_too_late_is_said_in_one_sentence(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    old = await _accepted(stage, conversation, age=timedelta(minutes=3))
    path = f"/conversations/{conversation.id}"
    form = await boss.get(path)
    page = await boss.post(f"{path}/recall/{old}", csrf=form.csrf, nonce=form.value("nonce"))
    assert page.status == 400
    assert "没有撤回：已经超过 2 分钟，闲鱼不让撤回了" in page.text


async def test_a_viewer_takes_nothing_back(
    stage: Stage, owner: Operator, conversation: Conversation
) -> None:
    message = await _accepted(stage, conversation)
    await stage.member(owner, "看客", Role.VIEWER)
    async with visiting(stage) as viewer:
        await viewer.log_in("看客")
        path = f"/conversations/{conversation.id}"
        page = await viewer.get(path)
        assert "/recall/" not in page.text
        done = await viewer.post(f"{path}/recall/{message}", csrf=page.csrf, nonce="n" * 12)
        assert done.status == 403


async def test_a_quoting_message_shows_what_it_quotes(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    mine = await _accepted(stage, conversation)
    now = datetime.now(UTC)
    for number, quoted in ((1, f"{mine}.PNM"), (2, "404.PNM")):
        await stage.store.write(
            lambda tx, number=number, quoted=quoted: tx.messages.add_in(  # type: ignore[misc]
                conversation.shop,
                conversation.account,
                conversation.id,
                platform_id=PlatformMessage(f"9{number}.PNM"),
                origin=Origin.BUYER,
                content=Text("什么意思"),
                sent_at=now,
                quoted=PlatformMessage(quoted),
                now=now,
            )
        )
    page = await boss.get(f"/conversations/{conversation.id}")
    assert re.findall(r'<p class="quote">([^<]*)</p>', page.text) == [
        "写错了",
        "引用了一条更早的消息",
    ]


async def test_only_an_answer_of_somebody_with_a_login_may_be_large(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    path, large = f"/conversations/{conversation.id}", b"x" * (LARGEST_REQUEST + 1)
    form = await boss.get(path)
    answer = {"csrf": form.csrf, "nonce": form.value("nonce"), "text": "看图"}
    not_taken = await boss.post_files(f"{path}/answer", [large], **answer)
    assert not_taken.status == 400  # it was read, and is no picture
    assert "不是能发送的图片" in not_taken.text
    assert (await boss.post_files(f"{path}/pause", [large], **answer)).status == 413
    async with visiting(stage) as stranger:
        login = await stranger.get("/login")
        assert (await stranger.post_files("/login", [large], csrf=login.csrf)).status == 413


async def test_a_kept_picture_is_not_shown_to_the_next_login_of_the_same_browser(
    stage: Stage, boss: Visitor, conversation: Conversation
) -> None:
    message = await stage.says(conversation, picture("https://img.alicdn.com/a.jpg"))
    stage.platform.pictures["https://img.alicdn.com/a.jpg"] = jpeg()
    page = await boss.get(f"/pictures/{message}/0")
    assert page.headers["Vary"] == "Cookie"
