"""What a model may know is gathered in one unit of work, and its cost is counted in two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.assist import Assist, load_prompts
from hub.model import (
    Account,
    AiAnswer,
    AiFailure,
    AiLimits,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    AiTrouble,
    AiUse,
    Content,
    Conversation,
    Hours,
    Image,
    Item,
    MessageId,
    Order,
    OrderStatus,
    OrderUnit,
    Origin,
    Picture,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    PoolKind,
    Text,
)
from hub.policy import day_began
from hub.sandbox import SandboxOptions, start_sandbox
from hub.settings import AssistSettings
from hub.store import Store, Tx, open_store
from hub.suggesting import FROM_SETTINGS, Prepared, conclude, known_profiles, prepare

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
BUYER = PlatformUser("3100444455556")
ITEM = Item(id="900100200300", title="会员月卡", description="三分钟到账", price=Decimal("12.80"))
SETTINGS = AssistSettings(base_url="http://127.0.0.1:9/v1", model="m", api_key="sk-of-the-file")


@dataclass
class Talk:
    store: Store
    account: Account
    conversation: Conversation
    said: list[MessageId] = field(default_factory=list)

    async def hear(self, content: str | Content, origin: Origin = Origin.BUYER) -> None:
        number = len(self.said)
        at = NOW + timedelta(seconds=number)

        def unit(tx: Tx) -> MessageId | None:
            return tx.messages.add_in(
                self.account.shop,
                self.account.id,
                self.conversation.id,
                platform_id=PlatformMessage(f"{number:013d}.PNM"),
                origin=origin,
                content=Text(content) if isinstance(content, str) else content,
                sent_at=at,
                now=at,
            )

        message = await self.store.write(unit)
        assert message is not None
        self.said.append(message)

    async def do(self, unit: Callable[[Tx], object]) -> None:
        await self.store.write(unit)

    async def prepare(
        self, settings: AssistSettings = SETTINGS, now: datetime = NOW
    ) -> Prepared | str:
        return await self.store.write(
            lambda tx: prepare(tx, settings, self.conversation, now, ZONE)
        )

    async def prepared(self, settings: AssistSettings = SETTINGS) -> Prepared:
        found = await self.prepare(settings)
        assert isinstance(found, Prepared), found
        return found

    async def spent(self) -> AiUse:
        since = day_began(NOW, ZONE)
        return await self.store.read(
            lambda tx: tx.ai_uses.of_conversation(self.account.shop, self.conversation.id, since)
        )


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    def furnish(tx: Tx) -> tuple[Account, Conversation]:
        shop = tx.shops.default()
        account = tx.accounts.add(
            shop,
            name="主号",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=1",
            takeover_minutes=10,
            now=NOW,
        )
        tx.items.save(shop, account.id, ITEM, NOW)
        conversation = tx.conversations.upsert(
            shop,
            account.id,
            PlatformConversation("60010020030"),
            buyer=BUYER,
            buyer_name="小林",
            item_id=ITEM.id,
            item_title="会员月卡",
            at=NOW,
        )
        return account, conversation

    async with open_store(tmp_path / "hub.db") as store:
        yield Talk(store, *await store.write(furnish))


async def test_a_question_holds_what_is_known_of_the_item_and_the_order(talk: Talk) -> None:
    page = Order(
        "4400112233445566001",
        OrderStatus.PAID,
        "待发货",
        item_title="会员月卡",
        buyer=BUYER,
        quantity=1,
    )
    await talk.do(
        lambda tx: tx.orders.save(
            talk.account.shop, talk.account.id, page, conversation=talk.conversation.id, now=NOW
        )
    )
    await talk.hear("在吗")
    found = await talk.prepared()
    assert [one.text for one in found.question.words] == ["在吗"]
    assert found.question.item.description == "三分钟到账"
    assert found.question.item.price == "¥12.80"
    assert "会员月卡" in found.question.order
    assert "4400112233445566001" not in found.question.order
    assert [one.id for one in found.profiles] == [FROM_SETTINGS]
    assert "sk-of-the-file" not in repr(found)


async def test_a_card_that_the_buyer_quotes_is_hidden(talk: Talk) -> None:
    def unit(tx: Tx) -> None:
        shop, account = talk.account.shop, talk.account.id
        pool = tx.pools.add(shop, name="月卡", kind=PoolKind.CODES, now=NOW)
        tx.cards.add(shop, pool.id, ["KEY-7788"], batch=None, expires_at=None, now=NOW)
        page = Order("4400112233445566001", OrderStatus.SHIPPED, "", buyer=BUYER)
        tx.orders.save(shop, account, page, conversation=None, now=NOW)
        piece = OrderUnit(account, page.id, 1)
        assert tx.cards.reserve(shop, pool.id, piece, 1, now=NOW)
        tx.cards.hand_over(shop, piece, now=NOW)

    await talk.do(unit)
    await talk.hear("KEY-7788 提示用过了")
    found = await talk.prepared()
    assert found.question.words[0].text == "[已发货内容] 提示用过了"


@pytest.mark.parametrize(
    ("scope", "limits", "settings", "reason"),
    [
        (AiScope(AiMode.OFF), AiLimits(), SETTINGS, "全店的 AI 是关的"),
        (AiScope(hours=(Hours(time(0), time(1)),)), AiLimits(), SETTINGS, "现在不在 AI 的工作时间"),
        (AiScope(), AiLimits(), AssistSettings(), "还没有配置可用的 AI"),
        (AiScope(), AiLimits(), SETTINGS.model_copy(update={"enabled": False}), "ai.enabled"),
        (AiScope(), AiLimits(calls_per_conversation=1), SETTINGS, "这个会话今天问 AI 的次数"),
        (AiScope(), AiLimits(calls_per_day=1), SETTINGS, "全店今天问 AI 的次数"),
    ],
)
async def test_nobody_is_asked_without_saying_why_and_nothing_is_counted(
    talk: Talk, scope: AiScope, limits: AiLimits, settings: AssistSettings, reason: str
) -> None:
    await talk.hear("在吗")
    await talk.prepared()
    await talk.do(lambda tx: tx.ai_scopes.set_shop(talk.account.shop, scope, limits, NOW))
    said = await talk.prepare(settings)
    assert isinstance(said, str)
    assert reason in said
    assert (await talk.spent()).calls == 1


async def test_a_budget_counts_what_is_still_on_its_way_and_begins_anew_tomorrow(
    talk: Talk,
) -> None:
    await talk.hear("在吗")
    limits = AiLimits(calls_per_conversation=2)
    await talk.do(lambda tx: tx.ai_scopes.set_shop(talk.account.shop, AiScope(), limits, NOW))
    await talk.prepared()
    await talk.prepared()
    assert isinstance(await talk.prepare(), str)
    assert isinstance(await talk.prepare(now=NOW + timedelta(days=1)), Prepared)


async def test_another_draft_that_a_person_wants_needs_no_hours_but_a_budget(talk: Talk) -> None:
    await talk.hear("便宜点")
    shop = talk.account.shop

    async def again() -> Prepared | str:
        return await talk.store.write(
            lambda tx: prepare(tx, SETTINGS, talk.conversation, NOW, ZONE, unlike="不行")
        )

    limits = AiLimits(calls_per_conversation=1)
    await talk.do(lambda tx: tx.ai_scopes.set_shop(shop, AiScope(AiMode.OFF), limits, NOW))
    found = await again()
    assert isinstance(found, Prepared)
    assert found.question.unlike == "不行"
    said = await again()
    assert isinstance(said, str)
    assert "次数用完了" in said


async def test_words_that_somebody_answered_are_no_question(talk: Talk) -> None:
    await talk.hear("在吗")
    await talk.hear("在的", Origin.PHONE)
    assert await talk.prepare() == "买家的话已经有人回答过了"
    assert await talk.spent() == AiUse()


async def test_a_picture_is_fetched_only_for_those_who_see(talk: Talk) -> None:
    await talk.hear(Image((Picture("https://img.example/1.jpg"),)))
    assert (await talk.prepared()).picture_url is None
    seeing = AiProfile(
        AiProfileId(0), talk.account.shop, "眼", "https://x/v1", "m", sees_pictures=True
    )
    await talk.do(lambda tx: tx.ai_profiles.add(seeing, NOW))
    assert (await talk.prepared()).picture_url == "https://img.example/1.jpg"


async def test_the_file_gives_the_first_profile_and_the_admin_further_ones(talk: Talk) -> None:
    shop = talk.account.shop
    second = AiProfile(AiProfileId(0), shop, "乙", "https://x/v1", "m")
    await talk.do(lambda tx: tx.ai_profiles.add(second, NOW))
    first, other = await talk.store.read(lambda tx: known_profiles(tx, SETTINGS, shop))
    assert (first.model, first.api_key, first.allow_private) == ("m", "sk-of-the-file", True)
    assert other.name == "乙"
    without = await talk.store.read(lambda tx: known_profiles(tx, AssistSettings(), shop))
    assert [one.name for one in without] == ["乙"]


async def test_from_the_buyers_words_to_an_answer_that_is_counted(talk: Talk) -> None:
    """As an outbox performer does it: between two units of work, with a fallback."""
    await talk.hear("多少钱")
    async with start_sandbox(SandboxOptions(furnished=False)) as sandbox:
        sandbox.faults.add("*", "ai_http500", subject="first", times=None)
        settings = AssistSettings(base_url=sandbox.urls["ai_url"], model="first", api_key="k")
        fallback = AiProfile(
            AiProfileId(0),
            talk.account.shop,
            "备用",
            sandbox.urls["ai_url"],
            "second",
            allow_private=True,
        )
        await talk.do(lambda tx: tx.ai_profiles.add(fallback, NOW))
        found = await talk.prepared(settings)
        assist = Assist(load_prompts())
        outcome = await assist.suggest(found.question, found.profiles)
        assert isinstance(outcome, AiAnswer)
        assert "¥12.80" in outcome.text
        for _ in range(2):
            await talk.do(lambda tx: conclude(tx, found, outcome))
        spent = await talk.spent()
        assert spent == AiUse(2, outcome.tokens_in + outcome.tokens_out)

        sandbox.faults.add("*", "ai_cut", subject="second", times=None)
        again = await talk.prepared(settings)
        failed = await assist.suggest(again.question, again.profiles)
        assert isinstance(failed, AiFailure)
        assert [one.trouble for one in failed.tries] == [AiTrouble.BROKEN, AiTrouble.CUT]
        assert "「设置文件」服务器出错" in failed.reason
        assert "「备用」答到一半断开了" in failed.reason
