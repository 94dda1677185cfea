"""A model of our own for trying things out: the OpenAI interface, answers from what it is told.

It thinks nothing. It finds facts and the buyer's words in the prompt, guesses what is wanted from a
few words, and is as sure as a rule can be. Its bad days are faults, as everywhere in the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from hub.sandbox.doors import Body, answer, cut
from hub.sandbox.faults import Fault, Faults
from hub.sandbox.world import Bell

MODELS = ("sandbox-mini", "sandbox-vision")
KEPT_CALLS = 1_000
ENDLESS = b'"' + b"x" * 8192
_FACTS = re.compile(r"^\{.*\}$", re.MULTILINE)
_WANTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("contact_outside", ("微信", "加v", "vx", "wechat", "手机号", "转账", "telegram")),
    ("refund", ("退款", "退货", "refund", "退钱")),
    ("complaint", ("投诉", "骗", "差评", "complain", "scam", "用不了")),
    ("order", ("发货", "订单", "物流", "快递", "shipped")),
    ("price", ("多少钱", "便宜", "最低", "包邮", "price", "cheaper", "how much")),
    ("none", ("好的", "谢谢", "ok", "thanks")),
    ("chat", ("你好", "在吗", "hello", "hi")),
)


class Ai:
    """Paths: `/ai/v1/chat/completions` and `/ai/v1/models`."""

    def __init__(self, faults: Faults, bell: Bell) -> None:
        self._faults = faults
        self._bell = bell
        self.calls: deque[dict[str, Any]] = deque(maxlen=KEPT_CALLS)
        """Bodies of the requests as they came, with the headers under `headers`."""

    def attach(self, app: web.Application) -> None:
        app.router.add_get("/ai/v1/models", self._models)
        app.router.add_post("/ai/v1/chat/completions", self._complete)

    def attach_door(self, door: web.Application) -> None:
        """The last calls, for those who look from outside."""
        door.router.add_get("/ai", self._show)

    async def _show(self, _request: web.Request) -> web.Response:
        return answer({"calls": list(self.calls)})

    async def _models(self, _request: web.Request) -> web.Response:
        listed = [{"id": name, "object": "model", "owned_by": "sandbox"} for name in MODELS]
        return answer({"object": "list", "data": listed})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = json.loads(await request.text())
            messages = asked["messages"]
        except (ValueError, LookupError, TypeError):
            return _error(400, "the body is no chat completion request", "invalid_request")
        self.calls.append({**asked, "headers": dict(request.headers)})
        self._bell.ring()
        model = str(asked.get("model", ""))
        if late := self._take("ai_slow", model):
            await asyncio.sleep(late.seconds)
        if trouble := await self._trouble(request, model):
            return trouble
        if said := self._take("ai_says", model):
            return _completion(model, said.reason, messages)
        return _completion(model, _written(messages), messages)

    def _take(self, kind: str, model: str) -> Fault | None:
        return self._faults.take("", kind, model)

    async def _trouble(self, request: web.Request, model: str) -> web.StreamResponse | None:
        if self._take("ai_cut", model):
            return cut(request)
        if busy := self._take("ai_throttle", model):
            return _error(429, "slow down", "rate_limit_exceeded", after=busy.seconds)
        if refused := self._take("ai_error", model):
            status, code, words = refused.reason.split(" ", 2)
            return _error(int(status), words, code)
        if self._take("ai_http500", model):
            return web.Response(status=500, text="<html>upstream gone</html>")
        if self._take("ai_garbage", model):
            return web.Response(text="<html>login</html>", content_type="text/html")
        if self._take("ai_empty", model):
            return _completion(model, "", [])
        if self._take("ai_refusal", model):
            return _completion(model, None, [], refusal="I can't help with that.")
        if self._take("ai_endless", model):
            return await _endless(request)
        return None


def _error(status: int, words: str, code: str, *, after: float | None = None) -> web.Response:
    response = answer({"error": {"message": words, "type": code, "code": code}}, status)
    if after is not None:
        response.headers["Retry-After"] = str(int(after))
    return response


def _completion(
    model: str, text: str | None, asked: list[Body], *, refusal: str | None = None
) -> web.Response:
    message = {"role": "assistant", "content": text, "refusal": refusal}
    tokens_in = sum(len(str(one.get("content", ""))) for one in asked) // 2
    tokens_out = len(text or "") // 2
    return answer(
        {
            "id": "chatcmpl-sandbox",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": tokens_in,
                "completion_tokens": tokens_out,
                "total_tokens": tokens_in + tokens_out,
            },
        }
    )


async def _endless(request: web.Request) -> web.StreamResponse:
    """Text that never ends, as fast as it is read."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"choices": [{"message": {"content": "')
    while True:
        await response.write(ENDLESS[1:])


def _written(messages: list[Body]) -> str:
    facts, words = _facts(messages), _last_words(messages)
    intent = _intent(words)
    english = words.isascii()
    known = _from_facts(intent, facts, english=english)
    found = {
        "intent": intent,
        "confidence": 0.9 if known else 0.2,
        "language": "en" if english else "zh",
        "answer": "" if intent == "none" else known or "稍等，我确认一下",
    }
    return json.dumps(found, ensure_ascii=False)


def _facts(messages: list[Body]) -> Mapping[str, Any]:
    """The first JSON object that stands on a line of its own in what the system says."""
    for message in messages:
        if message.get("role") != "system":
            continue
        for match in _FACTS.finditer(str(message.get("content", ""))):
            try:
                found = json.loads(match[0])
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return {}


def _last_words(messages: list[Body]) -> str:
    """What the buyer said last: the last line of JSON in the last message of the user."""
    content = next((m["content"] for m in reversed(messages) if m.get("role") == "user"), "")
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content)
    for line in reversed(str(content).splitlines()):
        if line.startswith("{"):
            try:
                return str(json.loads(line).get("说", ""))
            except (ValueError, AttributeError):
                continue
    return str(content)


def _intent(words: str) -> str:
    folded = words.casefold()
    return next(
        (intent for intent, known in _WANTS if any(one in folded for one in known)), "question"
    )


def _from_facts(intent: str, facts: Mapping[str, Any], *, english: bool) -> str:
    """Empty: the facts do not say."""
    title, price = str(facts.get("标题", "")), str(facts.get("价格", ""))
    stock, about = str(facts.get("库存", "")), str(facts.get("说明", ""))
    if intent == "price" and price:
        return f"It is {price}." if english else f"{title} {price}，页面上的价格就是。"
    if intent == "chat":
        return "Hello!" if english else f"在的，{title}{stock or '可以问我'}。"
    if intent == "order" and facts.get("买家的订单"):
        return f"订单：{facts['买家的订单']}"
    if intent == "question" and about:
        return about[:60] if not english else f"From the listing: {about[:60]}"
    if intent in ("refund", "complaint", "contact_outside"):
        return "稍等，我看一下。"
    return ""
