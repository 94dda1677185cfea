"""What a model and its server must be like before they are kept."""

from __future__ import annotations

from urllib.parse import urlsplit

from hub.addresses import is_address, is_forbidden, is_public
from hub.errors import Invalid
from hub.model import AiProfile

LONGEST_NAME = 40
LONGEST_URL = 500
LONGEST_MODEL = 100
LONGEST_KEY = 500
LEAST_SECONDS, MOST_SECONDS = 1, 120


def check_profile(profile: AiProfile) -> None:
    """Raises Invalid that names the field, in Chinese."""
    if not 1 <= len(profile.name) <= LONGEST_NAME:
        length = f"1 到 {LONGEST_NAME} 个字"
        raise Invalid(f"名字要有 {length}", {"name": f"写 {length}"})
    _check_url(profile)
    if not 1 <= len(profile.model) <= LONGEST_MODEL or not profile.model.isprintable():
        raise Invalid("模型的名字不对", {"model": "照服务商给的写，例如 deepseek-chat"})
    key = profile.api_key
    if len(key) > LONGEST_KEY or not key.isascii() or any(s.isspace() for s in key):
        raise Invalid("密钥不对", {"api_key": "照原样粘贴，中间没有空格和汉字"})
    if not key.isprintable():
        raise Invalid("密钥不对", {"api_key": "里面有看不见的字符，重新复制一次"})
    if not LEAST_SECONDS <= profile.timeout_seconds <= MOST_SECONDS:
        sentence = f"超时填 {LEAST_SECONDS} 到 {MOST_SECONDS} 秒"
        raise Invalid(sentence, {"timeout": sentence})


def _check_url(profile: AiProfile) -> None:
    url = profile.base_url
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    odd = len(url) > LONGEST_URL or any(sign.isspace() for sign in url) or not url.isascii()
    if odd or parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        sentence = "写完整的地址，以 http:// 或 https:// 开头，例如 https://api.example.com/v1"
        raise Invalid("地址不对", {"base_url": sentence})
    if parts.query or parts.fragment or parts.path.endswith("/chat/completions"):
        sentence = "只写到版本号为止，例如 https://api.example.com/v1"
        raise Invalid("地址不对", {"base_url": sentence})
    if is_address(host) and is_forbidden(host):
        raise Invalid("这个地址不能用", {"base_url": "云主机的元数据地址和本地链路地址不能用"})
    if is_address(host) and not is_public(host) and not profile.allow_private:
        sentence = "这个地址在内网或本机，确实要用请勾选允许"
        raise Invalid(sentence, {"base_url": sentence})
