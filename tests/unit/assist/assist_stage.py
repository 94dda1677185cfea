"""A question about a keyboard, and a model on a real socket that answers as badly as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from hub.assist import Assist, load_prompts
from hub.model import (
    AiAnswer,
    AiFailure,
    AiProfile,
    AiProfileId,
    ItemFacts,
    MessageId,
    Question,
    Said,
    ShopId,
    Speaker,
)
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox

KEY = "sk-a-secret-key-of-this-test"
SHOP = ShopId(1)
ITEM = ItemFacts(
    title="机械键盘 87 键",
    price="¥168",
    description="青轴，九成新，带原装键帽，无线和有线都能用。",
    specs=("颜色：黑，¥168，有货", "颜色：白，¥178，卖完了"),
    stock="有货",
)


def said(text: str, id_: int = 1, speaker: Speaker = Speaker.BUYER) -> Said:
    return Said(MessageId(id_), speaker, text)


def question(*words: str, **more: Any) -> Question:
    asked = tuple(said(one, 100 + number) for number, one in enumerate(words or ("多少钱",)))
    return Question(**{"words": asked, "item": ITEM, **more})


@dataclass
class AssistStage:
    sandbox: Sandbox
    assist: Assist
    profiles: int = 0

    def profile(self, model: str = "first", **more: Any) -> AiProfile:
        self.profiles += 1
        return AiProfile(
            **{
                "id": AiProfileId(self.profiles),
                "shop": SHOP,
                "name": model,
                "base_url": self.sandbox.urls["ai_url"],
                "model": model,
                "api_key": KEY,
                "timeout_seconds": 20.0,
                "allow_private": True,
                **more,
            }
        )

    def fault(self, kind: str, model: str = "first", **more: Any) -> None:
        self.sandbox.faults.add("*", kind, subject=model, **more)

    async def ask(
        self, *profiles: AiProfile, about: Question | None = None
    ) -> AiAnswer | AiFailure:
        return await self.assist.suggest(about or question(), profiles or [self.profile()])

    async def answer(self, *profiles: AiProfile, about: Question | None = None) -> AiAnswer:
        found = await self.ask(*profiles, about=about)
        assert isinstance(found, AiAnswer), found
        return found

    async def failure(self, *profiles: AiProfile, about: Question | None = None) -> AiFailure:
        found = await self.ask(*profiles, about=about)
        assert isinstance(found, AiFailure), found
        return found

    def asked(self, model: str = "first") -> list[dict[str, Any]]:
        return [call for call in self.sandbox.ai.calls if call["model"] == model]


@asynccontextmanager
async def open_assist(**more: Any) -> AsyncIterator[AssistStage]:
    async with start_sandbox(SandboxOptions(furnished=False)) as sandbox:
        yield AssistStage(sandbox, Assist(load_prompts(), **more))


def elsewhere(profile: AiProfile, url: str) -> AiProfile:
    return replace(profile, base_url=url)
