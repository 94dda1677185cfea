"""A seller's day in QQ: what people do in it, and how each thing is seen to have happened.

The hub is the real program in a process of its own, so that it can be stopped, killed and started
between any two steps. Only the buyer's phone and the QQ chat are looked at, as people would.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image

from hub.app import utc_now
from hub.desk import Desk, Door, Operator
from hub.model import (
    AccountState,
    AiLimits,
    AiMode,
    AiScope,
    DeliveryRule,
    DeliveryRuleId,
    PoolKind,
    RuleKind,
)
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.onebot import ChatLine, Dialect
from hub.sandbox.world import DEMO_SELLER, Conversation
from hub.settings import QQSettings, Settings, WebSettings
from hub.store import open_store
from tests.e2e.shop import CARD_ITEM, KEYBOARD, POT
from tests.e2e.stage import BUYER, GREETING, OTHER_BUYER, OWNER_QQ, TOKEN, settings_for
from tests.faults.lives import Life, free_port
from tests.waiting import wait_until

SECONDS = 60.0
"""Deadline of every wait; nothing takes nearly as long."""
OF_THE_RESTART = ("已收下，账号", "已恢复连接")
"""What is said beside everything else: an answer waits for the account, the account is back."""


@dataclass
class Day:
    sandbox: Sandbox
    life: Life
    dialect: Dialect
    notices: dict[str, ChatLine] = field(default_factory=dict)
    """What the operator may quote later, by names of these tests."""
    order: str = ""
    hub_is_new: bool = False
    """It was started again since the last step."""
    bridge_is_new: bool = False
    _heard: set[str] = field(default_factory=set)
    _written: str = ""

    # --- what comes and goes ---

    async def start_hub(self) -> None:
        await self.life.start()
        await self.sandbox.qq.wait_online(SECONDS)

    async def account_online(self) -> bool:
        assert self.life.store is not None
        accounts = await self.life.store.read(lambda tx: tx.accounts.enabled())
        return all(one.state is AccountState.ONLINE for one in accounts)

    async def restart_hub(self, *, kill: bool = False) -> None:
        await (self.life.kill() if kill else self.life.stop())
        await self.start_hub()
        self.hub_is_new = True

    async def restart_bridge(self) -> None:
        qq = self.sandbox.qq
        before = qq.connections
        qq.forget()
        await qq.hang_up()
        await qq.wait_until(lambda: qq.connections > before and qq.online, SECONDS)
        self.bridge_is_new = True

    async def restart_both(self) -> None:
        await self.life.stop()
        self.sandbox.qq.forget()
        await self.start_hub()
        self.hub_is_new = self.bridge_is_new = True

    # --- the buyers' side ---

    def thread(self, buyer: str, item: str) -> Conversation:
        return self.sandbox.world.conversation_of(DEMO_SELLER, buyer, item)

    async def buyer_says(self, text: str, buyer: str = BUYER, item: str = CARD_ITEM) -> None:
        await self.sandbox.stage.say(self.thread(buyer, item), [{"text": text}])

    def phone(self, buyer: str = BUYER, item: str = CARD_ITEM) -> list[str]:
        """What the buyer sees of ours, oldest first."""
        said = self.thread(buyer, item).messages
        return [one.summary for one in said if one.own and not one.recalled]

    async def phone_shows(self, *texts: str, buyer: str = BUYER, item: str = CARD_ITEM) -> None:
        met = await self.sandbox.world.bell.until(
            lambda: self.phone(buyer, item) == list(texts), SECONDS
        )
        assert met, f"waited for {texts}, the phone shows {self.phone(buyer, item)}"

    # --- the operator's side ---

    def unheard(self) -> list[ChatLine]:
        """What the bot said and no step has asked about yet."""
        lines = self.sandbox.qq.bot_lines("private", OWNER_QQ)
        fresh = [one for one in lines if one.id not in self._heard]
        return [one for one in fresh if not any(words in one.text for words in OF_THE_RESTART)]

    async def hears(self, *parts: str) -> ChatLine:
        """The next thing that the bot says with all of these in it; each is heard once."""

        def found() -> ChatLine | None:
            fitting = (one for one in self.unheard() if all(p in one.text for p in parts))
            return next(fitting, None)

        met = await self.sandbox.world.bell.until(lambda: found() is not None, SECONDS)
        line = found()
        assert met, f"waited for {parts} among {[one.text for one in self.unheard()]}"
        assert line is not None
        self._heard.add(line.id)
        return line

    async def writes(self, text: str, *, quote: ChatLine | None = None, image: str = "") -> None:
        quoted = quote.id if quote is not None else None
        qq = self.sandbox.qq
        self._written = await qq.say_private(OWNER_QQ, text, quote=quoted, image=image)

    @property
    def quotes_get_lost(self) -> bool:
        return self.dialect.drop_private_reply or self.dialect.reply_id_zero

    async def writes_about(self, name: str, text: str) -> None:
        """Quote that notice; where the bridge loses quotes, hear so, and write its ticket."""
        notice = self.notices[name]
        if not self.quotes_get_lost:
            await self.writes(text, quote=notice)
            return
        await self.writes(text, quote=notice)
        await self.hears("没有发送：")
        await self.writes(f"{ticket_of(notice)} {text}")

    async def hears_receipt(self) -> ChatLine:
        """Of what was written last; a bridge that was restarted cannot show what is quoted."""
        receipt = await self.hears("✓ 已送达")
        assert receipt.quoted in (self._written, None)
        return receipt

    def picture(self) -> str:
        """Where a photo of the operator's lies."""
        packed = io.BytesIO()
        PIL.Image.new("RGB", (60, 40), "teal").save(packed, "JPEG")
        pictures = self.sandbox.pictures
        return pictures.url(pictures.add(packed.getvalue()))


def ticket_of(notice: ChatLine) -> str:
    return notice.text.splitlines()[-1]


@asynccontextmanager
async def open_day(folder: Path, dialect: Dialect) -> AsyncIterator[Day]:
    """A furnished shop whose hub runs, connected to Xianyu and QQ."""
    port = free_port()
    options = SandboxOptions(
        list_quiet_seconds=0,
        onebot_url=f"ws://127.0.0.1:{port}/onebot/v11/ws",
        onebot_token=TOKEN,
        onebot_reconnect_seconds=0.05,
    )
    async with start_sandbox(options) as sandbox:
        sandbox.qq.dialect = dialect
        patient = {"item_spacing_seconds": 0, "uncertain_seconds": 60, "answer_seconds": 10}
        settings = settings_for(sandbox, folder, ai_model="sandbox-mini", **patient)
        settings = settings.model_copy(
            update={
                "web": WebSettings(host="127.0.0.1", port=port),
                "qq": QQSettings(access_token=TOKEN, send_spacing_seconds=0, api_seconds=10),
            }
        )
        await _furnish(settings, sandbox.cookies())
        life = Life(settings)
        day = Day(sandbox, life, dialect)
        try:
            await day.start_hub()
            await wait_until(day.account_online, SECONDS)
            yield day
        except Exception as error:
            error.add_note(f"the end of the hub's log:\n{life.tail()}")
            raise
        finally:
            await life.kill()


async def _furnish(settings: Settings, cookies: str) -> None:
    """A rule, an empty pool for one item, and drafts of AI for another."""
    async with open_store(settings.database.path, now=utc_now) as store:
        desk = Desk(store, settings, utc_now)
        founded = await desk.members.found_shop(
            name="店主", password="a long password", qq=[OWNER_QQ]
        )
        owner = Operator(founded.login.operator.member, Door.CLI)
        await desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=["在吗"], reply=GREETING)
        await desk.accounts.add(owner, "小店", cookies)
        pool = await desk.stock.create(owner, name="月卡", kind=PoolKind.CODES)
        rule = DeliveryRule(DeliveryRuleId(0), owner.shop, None, pool.id, (POT,))
        now = utc_now()
        await store.write(lambda tx: tx.delivery_rules.add(rule, now))
        off, draft = AiScope(mode=AiMode.OFF), AiScope(mode=AiMode.DRAFT)
        await store.write(lambda tx: tx.ai_scopes.set_shop(owner.shop, off, AiLimits(), now))
        await store.write(lambda tx: tx.ai_scopes.set_item(owner.shop, KEYBOARD, draft, now))


__all__ = ["BUYER", "CARD_ITEM", "GREETING", "KEYBOARD", "OTHER_BUYER", "POT", "Day", "open_day"]
