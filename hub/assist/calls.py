"""One request to a model through the openai SDK, and one verdict on whatever becomes of it."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast
from urllib.parse import urlsplit

import httpcore
import httpx
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, OpenAIError
from openai.resources.chat import AsyncCompletions
from openai.types.chat import ChatCompletionMessageParam

from hub.addresses import Lookup, PrivateAddress, is_address
from hub.assist.line import Completion, Message
from hub.assist.transport import (
    AnswerPacked,
    AnswerTooLarge,
    CheckedTransport,
    is_allowed,
)
from hub.assist.trouble import Trouble
from hub.model import AiProfile, AiTrouble

NO_KEY = "none"
"""The library insists on one; servers that want none ignore it."""
LONGEST_DETAIL = 120
_LONGEST_WAIT = 3600.0
_LOOKS_LIKE_A_KEY = re.compile(r"\b(?:sk|key|ak)-[\w*.-]{4,}|\bBearer\s+\S+", re.IGNORECASE)


class SdkLine:
    """Through the openai SDK."""

    def __init__(self, profile: AiProfile, client: AsyncOpenAI) -> None:
        self._profile = profile
        # By its own name: reached through the client it would be loaded, for most of a second, in
        # the middle of the loop's work.
        self._completions = AsyncCompletions(client)

    async def complete(self, messages: Sequence[Message]) -> Completion:
        """See `Line`."""
        try:
            answer = await self._completions.with_raw_response.create(
                model=self._profile.model,
                messages=cast("list[ChatCompletionMessageParam]", list(messages)),
            )
            body = answer.http_response.content
        except APIStatusError as error:
            raise _refusal(error, self._profile.api_key) from None
        except (OpenAIError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise _lost(error) from None
        return _read(body, messages)


@asynccontextmanager
async def open_line(
    profile: AiProfile, tls: ssl.SSLContext, lookup: Lookup
) -> AsyncIterator[SdkLine]:
    """A connection of its own, without cookies, redirects, proxies or repeats. Raises Trouble for
    an address that may not be asked."""
    _check_address(profile)
    async with httpx.AsyncClient(
        transport=CheckedTransport(tls, lookup, allow_private=profile.allow_private),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        timeout=None,  # noqa: S113 - the caller's deadline counts
    ) as http:
        try:
            client = AsyncOpenAI(
                api_key=profile.api_key or NO_KEY,
                base_url=profile.base_url,
                max_retries=0,
                timeout=None,
                http_client=http,
            )
        except (OpenAIError, httpx.InvalidURL, ValueError):
            raise Trouble(AiTrouble.REJECTED, "地址写得不对") from None
        yield SdkLine(profile, client)


def _check_address(profile: AiProfile) -> None:
    """A name is checked when it is looked up; here those that are written in figures."""
    try:
        parts = urlsplit(profile.base_url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise Trouble(AiTrouble.REJECTED, "地址写得不对")
    if is_address(host) and not is_allowed(host, allow_private=profile.allow_private):
        raise Trouble(AiTrouble.FORBIDDEN_ADDRESS)


def _refusal(error: APIStatusError, key: str) -> Trouble:
    status = error.status_code
    if status in (401, 403):
        return Trouble(AiTrouble.KEY)  # their words often repeat half of the key
    if status == 402 or error.code in ("insufficient_quota", "insufficient_balance"):
        return Trouble(AiTrouble.NO_MONEY)
    if status == 429:
        after = _seconds(error.response.headers.get("retry-after"))
        return Trouble(AiTrouble.THROTTLED, after=after)
    if status == 408:
        return Trouble(AiTrouble.TIMEOUT)
    if status >= 500:
        return Trouble(AiTrouble.BROKEN, f"HTTP {status}")
    if "content_filter" in (error.code or "") or error.code == "content_policy_violation":
        return Trouble(AiTrouble.REFUSED)
    words = _their_words(error.body, key)
    return Trouble(AiTrouble.REJECTED, f"HTTP {status}：{words}" if words else f"HTTP {status}")


def _their_words(body: object, key: str) -> str:
    """The server's own sentence, on one line, without anything that looks like a key."""
    said = body.get("message") if isinstance(body, dict) else None
    if not isinstance(said, str):
        return ""
    line = " ".join(said.split())
    if key:
        line = line.replace(key, "…")
    line = "".join(sign for sign in _LOOKS_LIKE_A_KEY.sub("…", line) if sign.isprintable())
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"


def _lost(error: BaseException) -> Trouble:
    """The library wraps what happened, so all of the chain is looked at."""
    link: BaseException | None = error
    kind = AiTrouble.CUT if isinstance(error, APIConnectionError) else AiTrouble.REJECTED
    while link is not None:
        if isinstance(link, PrivateAddress):
            return Trouble(AiTrouble.FORBIDDEN_ADDRESS)
        if isinstance(link, AnswerTooLarge):
            return Trouble(AiTrouble.TOO_LARGE)
        if isinstance(link, AnswerPacked):
            return Trouble(AiTrouble.UNREADABLE)
        if isinstance(link, httpcore.NetworkError | httpcore.ProtocolError):
            left = not isinstance(link, httpcore.ConnectError)
            return Trouble(AiTrouble.CUT if left else AiTrouble.UNREACHABLE)
        if isinstance(link, OSError):  # of the look-up: those of the connection come wrapped
            return Trouble(AiTrouble.UNREACHABLE)
        link = link.__cause__ or link.__context__
    return Trouble(kind)


def _read(body: bytes, asked: Sequence[Message]) -> Completion:
    """By hand: what the library makes of an odd answer is odder still."""
    try:
        answer = json.loads(body.decode("utf-8-sig"))
        choice = answer["choices"][0]
        message = choice["message"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise Trouble(AiTrouble.UNREADABLE) from None
    if not isinstance(message, dict) or not isinstance(choice, dict):
        raise Trouble(AiTrouble.UNREADABLE)
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        raise Trouble(AiTrouble.REFUSED)
    text = _content(message.get("content"))
    if not text.strip():
        raise Trouble(AiTrouble.EMPTY)
    usage = answer.get("usage")
    known = usage if isinstance(usage, dict) else {}
    return Completion(
        text,
        _count(known.get("prompt_tokens"), sum(len(str(m["content"])) for m in asked)),
        _count(known.get("completion_tokens"), len(text)),
    )


def _content(content: object) -> str:
    """Some servers answer with a list of parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        content = "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _count(said: object, length: int) -> int:
    """Tokens as the server counted them; otherwise a guess, so that budgets still hold."""
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 10**9:
        return said
    return length // 2 + 1


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(float(retry_after), _LONGEST_WAIT)
