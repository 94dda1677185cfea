"""What the way of asking a supplier must be like before it is kept."""

from __future__ import annotations

import re

from hub import text
from hub.addresses import host_of, is_address, is_public
from hub.errors import Invalid
from hub.model import SupplierCall
from hub.policy import FACTS, unknown_placeholders, words_of_body
from hub.suppliers.paths import parse_path

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


def check_call(call: SupplierCall) -> None:
    """Raises Invalid that names the field, in Chinese."""
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
