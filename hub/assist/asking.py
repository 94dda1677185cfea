"""Asks one profile after the other until one answers, within a time that is known beforehand."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module

from loguru import logger

from hub.addresses import Lookup, system_lookup
from hub.assist.answers import Read, read_answer
from hub.assist.line import Completion, Line, Message, OpenLine
from hub.assist.prompt import Prompts, opening, repair, texts_of
from hub.assist.trouble import Trouble
from hub.model import AiAnswer, AiFailure, AiProfile, AiTrouble, AiTry, Question
from hub.text import ai_failed

SDK = "hub.assist.calls"
MOST_SECONDS = 60.0
LEAST_SECONDS = 1.0
"""With less left, another profile is not worth asking."""
SHORT_WAIT = 5.0
"""Told to wait no longer than this, we wait; otherwise somebody else is asked."""
_REPAIRABLE = (AiTrouble.UNREADABLE, AiTrouble.EMPTY)


class Assist:
    """Holds nothing between questions, so they never wait for one another."""

    def __init__(
        self,
        prompts: Prompts,
        *,
        most_seconds: float = MOST_SECONDS,
        lookup: Lookup = system_lookup,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most_seconds`: for all profiles of one question together."""
        self._prompts = prompts
        self._most = most_seconds
        self._lookup = lookup
        self._clock = clock
        self._open_line: OpenLine | None = None

    async def suggest(
        self, question: Question, profiles: Sequence[AiProfile]
    ) -> AiAnswer | AiFailure:
        """An answer from the first profile that has one. Each is called at most twice: once more
        when it asked for a short wait, or when nobody can read what it wrote. Raises nothing that
        the outside did."""
        began = self._clock()
        tries: list[AiTry] = []
        open_line = self._open_line = self._open_line or await self._load()
        for profile in profiles:
            left = self._most - (self._clock() - began)
            one = _Attempt(profile, self._prompts, self._clock)
            read = await one.run(question, left, open_line)
            tries.append(one.result)
            if read is not None:
                return AiAnswer(
                    text=read.text,
                    intent=read.intent,
                    confidence=read.confidence,
                    language=read.language,
                    profile=profile.id,
                    profile_name=profile.name,
                    tokens_in=sum(t.tokens_in for t in tries),
                    tokens_out=sum(t.tokens_out for t in tries),
                    elapsed=self._clock() - began,
                    tries=tuple(tries),
                )
            logger.warning("ai profile {} gave no answer: {}", profile.id, tries[-1].trouble)
        kind = tries[-1].trouble if tries else None
        return AiFailure(
            kind or AiTrouble.NO_PROFILE,
            ai_failed([(t.name, t.reason) for t in tries]),
            self._clock() - began,
            tuple(tries),
        )

    async def _load(self) -> OpenLine:
        """The SDK and the certificates of this machine, when a model is asked for the first time
        (docs/decisions/0005)."""
        calls = await asyncio.to_thread(import_module, SDK)
        tls = await asyncio.to_thread(ssl.create_default_context)
        lookup = self._lookup

        def open_line(profile: AiProfile) -> AbstractAsyncContextManager[Line]:
            opened: AbstractAsyncContextManager[Line] = calls.open_line(profile, tls, lookup)
            return opened

        return open_line


class _Attempt:
    """One question to one profile; counts what it costs while it runs."""

    def __init__(self, profile: AiProfile, prompts: Prompts, clock: Callable[[], float]) -> None:
        self._profile = profile
        self._prompts = prompts
        self._clock = clock
        self._began = clock()
        self._calls = self._tokens_in = self._tokens_out = 0
        self._written = ""
        self._trouble: Trouble | None = None

    async def run(self, question: Question, left: float, open_line: OpenLine) -> Read | None:
        """None: `result` says why."""
        if left < LEAST_SECONDS:
            self._trouble = Trouble(AiTrouble.OUT_OF_TIME)
            return None
        deadline = self._began + min(left, self._profile.timeout_seconds)
        try:
            async with asyncio.timeout(deadline - self._began):
                async with open_line(self._profile) as line:
                    return await self._ask(line, question, deadline)
        except Trouble as trouble:
            self._trouble = trouble
        except TimeoutError:
            self._trouble = Trouble(AiTrouble.TIMEOUT)
        return None

    @property
    def result(self) -> AiTry:
        return AiTry(
            profile=self._profile.id,
            name=self._profile.name,
            calls=self._calls,
            tokens_in=self._tokens_in,
            tokens_out=self._tokens_out,
            elapsed=self._clock() - self._began,
            trouble=None if self._trouble is None else self._trouble.kind,
            reason="" if self._trouble is None else self._trouble.reason,
        )

    async def _ask(self, line: Line, question: Question, deadline: float) -> Read:
        fence = _fence(question)
        asked = opening(question, self._prompts, fence, pictures=self._profile.sees_pictures)
        try:
            first = await self._call(line, asked)
            return read_answer(first.text, fence)
        except Trouble as trouble:
            if trouble.kind is AiTrouble.THROTTLED:
                await self._wait(trouble, deadline)
                again = await self._call(line, asked)
                return read_answer(again.text, fence)
            if trouble.kind not in _REPAIRABLE:
                raise
            written = self._written
            reason = trouble.reason
        more = repair(self._prompts, written, reason) if written else []
        second = await self._call(line, [*asked, *more])
        return read_answer(second.text, fence)

    async def _call(self, line: Line, messages: Sequence[Message]) -> Completion:
        self._written = ""
        self._calls += 1
        done = await line.complete(messages)
        self._written = done.text
        self._tokens_in += done.tokens_in
        self._tokens_out += done.tokens_out
        return done

    async def _wait(self, trouble: Trouble, deadline: float) -> None:
        after = trouble.after
        if after is None or after > SHORT_WAIT or self._clock() + after >= deadline:
            raise trouble
        await asyncio.sleep(after)


def _fence(question: Question) -> str:
    """A number that nobody could know when they wrote."""
    while True:
        fence = secrets.token_hex(8)
        if not any(fence in text for text in texts_of(question)):
            return fence
