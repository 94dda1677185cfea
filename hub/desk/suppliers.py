"""API pools: how their supplier is asked, and a try before buyers depend on it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from hub import text
from hub.addresses import host_of, is_address, is_public
from hub.desk.operator import Operator
from hub.desk.stock import SAMPLE, find_pool
from hub.errors import Invalid, PeerError
from hub.model import Pool, PoolId, PoolKind, Role, SupplierCall, masked
from hub.policy import (
    FACTS,
    DeliveryPart,
    compose,
    supplier_request,
    unknown_placeholders,
    words_of_body,
)
from hub.store import Store, Tx
from hub.suppliers import fetch_cards, parse_path

LONGEST_URL = 2000
LONGEST_BODY = 10_000
MOST_HEADERS = 20
LEAST_SECONDS, MOST_SECONDS = 1, 60

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HOST_WITH_VALUE = re.compile(r"[A-Za-z]+://[^/?#]*\{")
_RESERVED = frozenset(
    {"host", "cookie", "content-length", "transfer-encoding", "connection", "accept-encoding"}
)
"""Headers that are ours to write. A cookie has no business at a supplier (L14)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of asking a supplier for an invented order."""

    parts: tuple[DeliveryPart, ...]
    """What a buyer would have received, the card masked; empty when there was none."""
    trouble: str
    """Why there was none, a sentence for people."""


class Suppliers:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def get(self, operator: Operator, pool: PoolId) -> SupplierCall | None:
        """With its secrets in clear: for owners, and for no page to print the headers of."""
        operator.require(Role.OWNER)

        def unit(tx: Tx) -> SupplierCall | None:
            _find(tx, operator, pool)
            return tx.pools.supplier(operator.shop, pool)

        return await self._store.read(unit)

    async def configure(
        self, operator: Operator, pool: PoolId, call: SupplierCall, *, keep_headers: bool = False
    ) -> None:
        """Raises Invalid that names the field. `keep_headers`: those of before, `call` has none;
        a page that never shows them can leave them alone."""
        operator.require(Role.OWNER)
        _check(call)
        now = self._now()

        def unit(tx: Tx) -> None:
            found = _find(tx, operator, pool)
            old = tx.pools.supplier(operator.shop, pool)
            new = replace(call, headers=old.headers) if keep_headers and old is not None else call
            tx.pools.update(operator.shop, pool, supplier=new)
            operator.record(tx, "pool.supplier", found.name, now)

        await self._store.write(unit)

    async def test(self, operator: Operator, pool: PoolId) -> Trial:
        """Really ask the supplier, with an invented order. The card goes to nobody."""
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> tuple[Pool, SupplierCall | None]:
            found = _find(tx, operator, pool)
            operator.record(tx, "pool.test", found.name, now)
            return found, tx.pools.supplier(operator.shop, pool)

        found, call = await self._store.write(unit)
        if call is None:
            raise Invalid("先填好接口，再试取")
        url, body = supplier_request(call, SAMPLE)
        try:
            cards = await fetch_cards(
                call, url=url, body=body, key=f"yuqiao-test-{secrets.token_hex(8)}"
            )
        except PeerError as error:
            return Trial((), error.reason)
        codes = [masked(card) for card in cards]
        return Trial(compose(found.template, SAMPLE, codes=codes), "")


def parse_headers(words: str) -> tuple[tuple[str, str], ...]:
    """`Name: value`, one a line. Raises Invalid."""
    headers = []
    for line in words.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        name, separator, value = line.partition(":")
        if not separator or _TOKEN.fullmatch(name.strip()) is None:
            raise Invalid("请求头写成「名字: 值」，一行一个", {"headers": "写成「名字: 值」"})
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


def _check(call: SupplierCall) -> None:
    _check_url(call)
    if call.method not in ("GET", "POST"):
        raise Invalid("请求方式只能是 GET 或 POST", {"method": "选一个"})
    _check_headers(call)
    _check_body(call)
    _check_answer(call)
    if not LEAST_SECONDS <= call.timeout_seconds <= MOST_SECONDS:
        sentence = f"超时填 {LEAST_SECONDS} 到 {MOST_SECONDS} 秒"
        raise Invalid(sentence, {"timeout": sentence})


def _check_url(call: SupplierCall) -> None:
    if _HOST_WITH_VALUE.match(call.url):
        raise Invalid("域名里不能有变量", {"url": "变量只能写在域名后面"})
    try:
        if len(call.url) > LONGEST_URL or any(sign.isspace() for sign in call.url):
            raise ValueError
        host = host_of(call.url)
    except ValueError:
        sentence = "写完整的地址，以 http:// 或 https:// 开头"
        raise Invalid("接口地址不对", {"url": sentence}) from None
    if is_address(host) and not is_public(host) and not call.allow_private:
        sentence = "这个地址在内网或本机，确实要用请勾选允许"
        raise Invalid(sentence, {"url": sentence})
    if names := unknown_placeholders(call.url, FACTS):
        sentence = text.unknown_placeholder(names, FACTS)
        raise Invalid(sentence, {"url": sentence})


def _check_headers(call: SupplierCall) -> None:
    if len(call.headers) > MOST_HEADERS:
        raise Invalid("请求头太多", {"headers": f"最多 {MOST_HEADERS} 个"})
    for name, value in call.headers:
        if name.lower() in _RESERVED:
            raise Invalid(f"请求头 {name} 不能自己填", {"headers": f"去掉 {name}"})
        if set(unknown_placeholders(value, ())) & set(FACTS):
            sentence = "请求头里不能用变量，要用就写在地址或内容里"
            raise Invalid(f"没有保存：{sentence}", {"headers": sentence})
        if not value.isprintable():
            raise Invalid(f"请求头 {name} 的值有控制字符", {"headers": f"改一改 {name}"})
    key = call.key_header
    if key and (_TOKEN.fullmatch(key) is None or key.lower() in _RESERVED):
        raise Invalid("防重复的请求头名字不对", {"key_header": "例如 Idempotency-Key"})


def _check_body(call: SupplierCall) -> None:
    if call.method != "POST" or not call.body.strip():
        return
    try:
        if len(call.body) > LONGEST_BODY:
            raise ValueError
        texts, names = words_of_body(call.body)
    except ValueError:
        raise Invalid("请求内容要是 JSON", {"body": "检查引号和逗号，变量写在引号里"}) from None
    if unknown_placeholders("\n".join(names), ()):
        sentence = "变量只能写在值里，不能写在名字里"
        raise Invalid(f"没有保存：{sentence}", {"body": sentence})
    if unknown := unknown_placeholders("\n".join(texts), FACTS):
        sentence = text.unknown_placeholder(unknown, FACTS)
        raise Invalid(sentence, {"body": sentence})


def _check_answer(call: SupplierCall) -> None:
    paths = (("content_path", call.content_path), ("success_path", call.success_path))
    for field, path in paths:
        if field == "success_path" and not path:
            continue
        try:
            parse_path(path)
        except ValueError:
            sentence = "位置看不懂，写成 $.data.code、$.list[0] 的样子，不能用 .. 和筛选"
            raise Invalid(sentence, {field: sentence}) from None
    if bool(call.success_path) != bool(call.success_values):
        sentence = "成功的位置和成功的值要么都填，要么都不填"
        raise Invalid(sentence, {"success_values": sentence})


def _find(tx: Tx, operator: Operator, id_: PoolId) -> Pool:
    pool = find_pool(tx, operator, id_)
    if pool.kind is not PoolKind.API:
        raise Invalid(f"「{pool.name}」不是接口卡池")
    return pool
