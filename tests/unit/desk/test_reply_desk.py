"""Canned answers, reasons, trials and replays, from the chat and at the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import text
from hub.answers import propose
from hub.desk import Desk, Door, Operator, Replayed
from hub.errors import Forbidden, Invalid, NotFound
from hub.inbound import Inbound
from hub.model import (
    Account,
    BuyerMessage,
    ChatPeer,
    Conversation,
    Item,
    Member,
    Message,
    OperatorMessage,
    Origin,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Role,
    RuleKind,
    Scope,
    ShopId,
    Text,
)
from hub.settings import ReplySettings, Settings
from hub.store import Store, open_store

NOW = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
PRIVATE = ChatPeer("10001", "private", "10002")
ITEM = "880011223344"


@dataclass
class Stage:
    store: Store
    desk: Desk
    owner: Member
    viewer: Member
    account: Account
    inbound: Inbound
    now: datetime = NOW
    _written: int = field(default=0)

    @property
    def operator(self) -> Operator:
        return Operator(self.owner, Door.WEB)

    async def write(self, what: str, **more: Any) -> str | None:
        self._written += 1
        message = OperatorMessage(PRIVATE, "10002", f"{self._written}", what)
        return await self.desk.chat.receive(replace(message, **more))

    async def hear(self, words: str, item: str | None = ITEM, *, seconds: int = 60) -> None:
        """The buyer says something a minute after the last time."""
        self.now += timedelta(seconds=seconds)
        self._written += 1
        event = BuyerMessage(
            id=PlatformMessage(f"43{self._written:011}.PNM"),
            conversation=PlatformConversation("60010020030"),
            buyer=PlatformUser("3100444455556"),
            buyer_name="小林",
            item_id=item,
            content=Text(words),
            sent_at=self.now,
        )
        await self.inbound.take_in(self.account, [event])

    async def talk(self) -> Conversation:
        [line] = await self.desk.inbox.conversations(self.operator)
        return line.conversation

    async def messages(self) -> list[Message]:
        """Everything that was said, oldest first."""
        shop, talk = self.owner.shop, await self.talk()
        return await self.store.read(
            lambda tx: tx.messages.of_conversation(shop, talk.id, limit=100)
        )

    async def said(self) -> list[str]:
        """By operators, in order."""
        messages = await self.messages()
        return [text.plain(m.content) for m in messages if m.origin is Origin.OPERATOR]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    def unit(tx: Any) -> Any:
        shop = tx.shops.default()
        owner = tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=NOW)
        viewer = tx.members.add(shop, "阿看", Role.VIEWER, qq=["10003"], now=NOW)
        account = tx.accounts.add(
            shop,
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=1",
            takeover_minutes=0,
            now=NOW,
        )
        item = Item(ITEM, "视频会员月卡", price=Decimal("12.80"), on_sale=True)
        tx.items.save(shop, account.id, item, NOW)
        return owner, viewer, account

    async with open_store(tmp_path / "hub.db", now=lambda: NOW) as store:
        owner, viewer, account = await store.write(unit)
        stage = Stage(
            store,
            Desk(store, Settings(), lambda: stage.now),
            owner,
            viewer,
            account,
            Inbound(store, ReplySettings(debounce_seconds=0), lambda: stage.now),
        )
        yield stage


async def keyword(stage: Stage, *words: str, reply: str = "在的", **more: Any) -> Any:
    return await stage.desk.rules.add(
        stage.operator, kind=RuleKind.KEYWORD, keywords=words, reply=reply, **more
    )


# --- Canned answers -------------------------------------------------------------------------------


async def test_a_canned_answer_is_said_with_its_placeholders_filled(stage: Stage) -> None:
    await stage.hear("在吗")
    answer = await stage.write("/存 dz {buyer_name}您好\n######\n地址发我")
    assert answer is not None
    assert "已存为「dz」" in answer
    await stage.write(f"/k #{(await stage.talk()).ticket} DZ")
    assert await stage.said() == ["小林您好", "地址发我"]


async def test_an_own_answer_is_kept_by_quoting_it(stage: Stage) -> None:
    await stage.hear("在吗")
    await stage.write(f"#{(await stage.talk()).ticket} 今天能发", message_id="77")
    answer = await stage.write("/存 fh", quoted_id="77")
    assert answer is not None
    assert "今天能发" in answer
    await stage.write(f"/k #{(await stage.talk()).ticket} f")
    assert await stage.said() == ["今天能发", "今天能发"]


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("/k", "还没有常用语"),
        ("/k #{t} dz", "还没有常用语"),
        ("/存", "没有存"),
        ("/存 dz", "没有存"),
        ("/存 #x 你好", "短码不能用 # 或 / 开头"),
        ("/存 abcdefghijklmnopqrstuvwxyz 你好", "短码是 1 到 20 个字"),
        ("/存 dz {who}您好", "变量 {who} 不认识"),
    ],
)
async def test_what_is_wrong_with_a_canned_answer_is_said(
    stage: Stage, written: str, answer: str
) -> None:
    await stage.hear("在吗")
    told = await stage.write(written.replace("{t}", (await stage.talk()).ticket))
    assert told is not None
    assert answer in told
    assert await stage.said() == []
    assert await stage.desk.canned.all(stage.operator) == []


async def test_a_code_that_could_mean_two_says_nothing(stage: Stage) -> None:
    await stage.hear("在吗")
    for code in ("fh1", "fh2"):
        await stage.desk.canned.save(stage.operator, code, "发货")
    told = await stage.write(f"/k #{(await stage.talk()).ticket} fh")
    assert told is not None
    assert "fh1、fh2" in told
    assert await stage.said() == []


async def test_the_same_code_takes_new_words(stage: Stage) -> None:
    await stage.desk.canned.save(stage.operator, "dz", "旧的")
    await stage.desk.canned.save(stage.operator, "DZ", "新的")
    [known] = await stage.desk.canned.all(stage.operator)
    assert (known.code, known.text) == ("dz", "新的")
    await stage.desk.canned.remove(stage.operator, known.id)
    with pytest.raises(NotFound):
        await stage.desk.canned.remove(stage.operator, known.id)


async def test_viewers_may_look_but_neither_keep_nor_say(stage: Stage) -> None:
    viewer = Operator(stage.viewer, Door.WEB)
    known = await stage.desk.canned.save(stage.operator, "dz", "地址")
    assert await stage.desk.canned.all(viewer) == [known]
    with pytest.raises(Forbidden):
        await stage.desk.canned.save(viewer, "dz", "别的")
    with pytest.raises(Forbidden):
        await stage.desk.canned.remove(viewer, known.id)


# --- Why ------------------------------------------------------------------------------------------


async def test_why_tells_the_reason_and_what_was_looked_at_before(stage: Stage) -> None:
    await keyword(stage, "包邮", items=[ITEM])
    await stage.desk.rules.add(stage.operator, kind=RuleKind.DEFAULT, reply="稍等")
    await stage.hear("能便宜吗")
    told = await stage.write(f"/为什么 #{(await stage.talk()).ticket}")
    assert told == (
        "买家 12:01 说：能便宜吗\n"
        "回复：「稍等」（待发）\n"
        "→ 自动回复了：没有命中关键词，使用默认回复\n"
        "  · 没有暂停，也没有人在接待\n"
        "  · 这个商品的关键词：1 条规则都没有命中\n"
        "  · AI：没有打开\n"
        f"#{(await stage.talk()).ticket}"
    )


async def test_why_about_a_quoted_notice_means_that_message(stage: Stage) -> None:
    await keyword(stage, "包邮")
    await stage.hear("包邮吗")
    await stage.hear("多少钱")
    talk = await stage.talk()
    shop = stage.owner.shop
    first = (
        await stage.store.read(lambda tx: tx.messages.of_conversation(shop, talk.id, limit=10))
    )[0]
    await stage.store.write(
        lambda tx: tx.relays.add(
            shop,
            bot="10001",
            scene="private",
            peer="10002",
            external_id="5",
            conversation=talk.id,
            message=first.id,
            now=NOW,
        )
    )
    told = await stage.write("/为什么", quoted_id="5")
    assert told is not None
    assert "命中关键词「包邮」" in told
    assert "买家 12:01 说：包邮吗\n（前后还说了「多少钱」，要看那句就引用它的通知）" in told
    newest = await stage.write(f"/为什么 #{talk.ticket}")
    assert newest is not None
    assert "买家 12:02 说：多少钱\n（前后还说了「包邮吗」" in newest
    assert "回复" not in newest.replace("没有自动回复", "")


async def quote(stage: Stage, message: Message, external_id: str) -> str:
    """What `/为什么` says under a notice about this message."""
    talk = await stage.talk()
    await stage.store.write(
        lambda tx: tx.relays.add(
            stage.owner.shop,
            bot="10001",
            scene="private",
            peer="10002",
            external_id=external_id,
            conversation=talk.id,
            message=message.id,
            now=NOW,
        )
    )
    return str(await stage.write("/为什么", quoted_id=external_id))


async def test_why_about_an_automatic_answer_means_the_line_that_it_answers(stage: Stage) -> None:
    await keyword(stage, "包邮", reply="包的")
    await stage.hear("包邮吗")
    await stage.hear("多少钱")
    heard, answer, _ = await stage.messages()
    for number, one in enumerate((heard, answer)):
        told = await quote(stage, one, f"9{number}")
        assert "说：包邮吗" in told
        assert "回复：「包的」" in told


async def test_why_about_something_undecided_says_that_it_speaks_of_something_else(
    stage: Stage,
) -> None:
    await stage.hear("在吗")
    await stage.write(f"#{(await stage.talk()).ticket} 在的")
    _, answer = await stage.messages()
    told = await quote(stage, answer, "5")
    assert told.startswith("你引用的那条没有单独的决定，下面是最近的一次：\n买家 12:01 说：在吗\n")


async def test_why_shows_what_a_burst_was_told_under_the_line_that_got_it(stage: Stage) -> None:
    stage.inbound = Inbound(stage.store, ReplySettings(debounce_seconds=3), lambda: stage.now)
    await keyword(stage, "在吗", reply="在的")
    await keyword(stage, "包邮", reply="包的\n" * 40)
    for words in ("在吗", "包邮吗", "好的"):
        await stage.hear(words, seconds=1)
    first, *_, last = [one for one in await stage.messages() if one.origin is Origin.BUYER]
    assert "回复：「" not in await quote(stage, first, "91")
    answered = str(await stage.write(f"/为什么 #{(await stage.talk()).ticket}"))
    assert f"说：{text.plain(last.content)}\n" in answered
    assert answered.count("包的") == 20  # of 40: shortened to one line
    assert "…」（待发）" in answered


async def test_why_shows_the_draft_of_ai_and_what_became_of_it(stage: Stage) -> None:
    await stage.hear("能用吗")
    [heard] = await stage.messages()

    def unit(tx: Any) -> None:
        talk = tx.conversations.get(heard_in := stage.owner.shop, heard.conversation)
        propose(tx, talk, f"draft:{heard.id}:0", "能用的", "要人看", NOW)
        tx.decisions.add(
            heard_in,
            conversation=talk.id,
            message=heard.id,
            outcome="draft",
            reason="要人看",
            now=NOW,
        )

    await stage.store.write(unit)
    ticket = (await stage.talk()).ticket
    assert "回复：「能用的」（草稿）" in str(await stage.write(f"/为什么 #{ticket}"))
    await stage.write(f"#{ticket} 不要")
    assert "回复：「能用的」（没有发出）" in str(await stage.write(f"/为什么 #{ticket}"))


async def test_why_without_a_conversation_says_how_to_ask(stage: Stage) -> None:
    assert "引用买家的通知再写 /为什么" in str(await stage.write("/为什么"))


# --- What if --------------------------------------------------------------------------------------


async def test_a_trial_shows_what_would_be_said_and_says_it_to_nobody(stage: Stage) -> None:
    await keyword(stage, "多少钱", reply="{buyer_name}，{item_title} {item_price} 元")
    told = await stage.write("/试 月卡 这个多少钱")
    assert told is not None
    assert "「买家小林，视频会员月卡 12.80 元」" in told
    assert "没有发给任何人" in told
    assert await stage.desk.inbox.conversations(stage.operator) == []


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("/试", "写上买家的话"),
        ("/试 在吗", "没有命中任何规则"),
        ("/试 880011223399 在吗", "没有命中任何规则"),
        ("/试 没这个 在吗 在吗", "没有命中任何规则"),
    ],
)
async def test_a_trial_needs_only_the_buyers_words(stage: Stage, written: str, part: str) -> None:
    assert part in str(await stage.write(written))


async def test_a_trial_of_a_title_that_two_items_have_asks_which(stage: Stage) -> None:
    await stage.store.write(
        lambda tx: tx.items.save(
            stage.owner.shop, stage.account.id, Item("880011223345", "视频会员季卡"), NOW
        )
    )
    assert "写长一点" in str(await stage.write("/试 视频会员 在吗"))


async def test_a_changed_rule_is_replayed_over_what_buyers_said(stage: Stage) -> None:
    rule = await keyword(stage, "在吗", reply="在的")
    for words in ("在吗", "老板在不在", "包邮吗"):
        await stage.hear(words)
    replayed = await stage.desk.rehearsal.replay(
        stage.operator, rule=rule.id, fields={"keywords": ["在不在", "包邮"]}
    )
    assert replayed.looked_at == 3
    assert [(one.words, one.before, one.after) for one in replayed.differences] == [
        ("包邮吗", "不回复：没有命中任何规则", "在的"),
        ("老板在不在", "不回复：没有命中任何规则", "在的"),
        ("在吗", "在的", "不回复：没有命中任何规则"),
    ]
    taken_away = await stage.desk.rehearsal.replay(stage.operator, rule=rule.id)
    assert [one.words for one in taken_away.differences] == ["在吗"]
    assert (await stage.desk.rules.all(stage.operator)) == [rule]


async def test_a_new_rule_is_replayed_before_it_is_kept(stage: Stage) -> None:
    await keyword(stage, "在吗", reply="在的")
    await stage.hear("在吗")
    first = await stage.desk.rehearsal.replay(
        stage.operator,
        kind=RuleKind.KEYWORD,
        fields={"keywords": ["在"], "reply": "你好", "priority": 5},
    )
    assert [one.after for one in first.differences] == ["你好"]
    last = await stage.desk.rehearsal.replay(
        stage.operator, kind=RuleKind.KEYWORD, fields={"keywords": ["在"], "reply": "你好"}
    )
    assert last.differences == ()
    with pytest.raises(Invalid):
        await stage.desk.rehearsal.replay(
            stage.operator, kind=RuleKind.KEYWORD, fields={"keywords": [], "reply": "你好"}
        )


async def test_nothing_about_replies_is_there_for_the_owner_of_another_shop(stage: Stage) -> None:
    desk, owner = stage.desk, stage.operator
    await stage.hear("在吗")
    talk = await stage.talk()
    rule = await desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["旧"], reply="旧的")
    canned = await desk.canned.save(owner, "dz", "上海")
    proposed = await stage.store.write(
        lambda tx: propose(tx, talk, "ai:1", "好的", "要人看过", stage.now)
    )
    assert proposed is not None
    stranger = Operator(replace(stage.owner, shop=ShopId(stage.owner.shop + 1)), Door.WEB)
    account, here = stage.account.id, Scope(conversation=talk.id)
    uses: dict[str, Callable[[], Awaitable[Any]]] = {
        "send": lambda: desk.drafts.approve(stranger, proposed),
        "another": lambda: desk.drafts.another(stranger, proposed),
        "drop": lambda: desk.drafts.drop(stranger, proposed),
        "remove canned": lambda: desk.canned.remove(stranger, canned.id),
        "canned here": lambda: desk.canned.for_conversation(stranger, talk.id),
        "canned said": lambda: desk.canned.messages(stranger, talk.id, "dz"),
        "rule": lambda: desk.rules.get(stranger, rule.id),
        "change rule": lambda: desk.rules.change(stranger, rule.id, reply="x"),
        "remove rule": lambda: desk.rules.remove(stranger, rule.id),
        "rule there": lambda: desk.rules.add(
            stranger, kind=RuleKind.DEFAULT, account=account, reply="x"
        ),
        "replay": lambda: desk.rehearsal.replay(stranger, rule=rule.id),
        "try": lambda: desk.rehearsal.try_out(stranger, "在吗", account=account),
        "floor": lambda: desk.bargains.floor_of(stranger, ITEM),
        "set floor": lambda: desk.bargains.set_floor(stranger, "10", item=ITEM),
        "floor of account": lambda: desk.bargains.set_floor(stranger, "10%", account=account),
        "floors": lambda: desk.bargains.of_account(stranger, account),
        "pause": lambda: desk.holds.pause(stranger, here),
        "pause account": lambda: desk.holds.pause(stranger, Scope(account=account)),
        "resume": lambda: desk.holds.resume(stranger, here),
        "take over": lambda: desk.holds.take_over(stranger, talk.id),
    }

    async def facts() -> object:
        lines = await desk.inbox.conversations(owner, drafted=True)
        kept = await desk.rules.all(owner), await desk.canned.all(owner)
        return lines, kept, await desk.bargains.floors(owner), await desk.system.audit(owner)

    before = await facts()
    refused = {name: await _refusal(use) for name, use in uses.items()}
    assert all(refused.values()), refused
    assert not await desk.canned.all(stranger)
    assert not await desk.rules.all(stranger)
    assert not await desk.inbox.conversations(stranger, drafted=True)
    assert (await desk.system.overview(stranger)).drafts == 0
    nothing = await desk.rehearsal.replay(stranger, kind=RuleKind.DEFAULT, fields={"reply": "x"})
    assert nothing == Replayed(0, ())
    assert await facts() == before


async def _refusal(use: Callable[[], Awaitable[Any]]) -> str:
    """Why it was refused; empty: it was not."""
    try:
        await use()
    except (NotFound, Invalid) as refusal:
        return refusal.text
    return ""


async def test_change_alone_about_a_draft_asks_for_the_words_and_sends_nothing(
    stage: Stage,
) -> None:
    await stage.hear("在吗")
    talk = await stage.talk()
    await stage.store.write(lambda tx: propose(tx, talk, "ai:1", "好的", "要人看过", stage.now))
    quoted = text.draft_notice(stage.account, talk, "在吗", "好的", "")
    refused = await stage.write("改", quoted_text=quoted)
    assert refused is not None
    assert refused.startswith("没有发送：把新的话写在「改」后面")
    assert await stage.said() == []
    assert len(await stage.desk.inbox.conversations(stage.operator, drafted=True)) == 1


async def test_a_code_without_a_buyer_says_how_to_write_it(stage: Stage) -> None:
    await stage.desk.canned.save(stage.operator, "dz", "上海")
    said = await stage.write("/k dz")
    assert said == "没有发送：引用买家的通知再写 /k dz，或者写上编号：/k #a7 dz"
