"""Pictures on their way up to the platform and down from it."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from hub.errors import (
    AuthExpired,
    Invalid,
    Malformed,
    PeerError,
    Rejected,
    Unreachable,
)
from hub.model import Picture
from hub.xianyu.browser import (
    CUT,
    NOTHING_LEFT,
    Browser,
    Page,
    nothing_left,
    origin_of,
    refuse_closed,
)
from hub.xianyu.endpoints import BROWSER, WEB, Endpoints
from hub.xianyu.pictures import FittedPicture, fit_picture
from hub.xianyu.shapes import Map, as_int, as_map, as_text
from hub.xianyu.verdicts import PEER, find_reason, judge_gateway, judge_page

UPLOAD, DOWNLOAD = "upload", "download"
MOST_DOWNLOAD = 20 * 1024 * 1024
HOMES = ("alicdn.com", "goofish.com", "taobao.com")
"""Domains that pictures and other media of conversations lie at."""
TOO_LARGE = "too large"
FOREIGN = "foreign address"
NO_PICTURE = "no picture"
"""Codes of Rejected transfers."""
_REDIRECTS = 3
_UPLOAD_PATH = "/api/upload.api"
_UPLOAD_QUERY = {"floderId": "0", "appkey": "xy_chat", "_input_charset": "utf-8"}  # sic
_CHUNK = 64 * 1024


async def upload(browser: Browser, endpoints: Endpoints, data: bytes, *, seconds: float) -> Picture:
    """Fit and upload a picture; what comes back can be sent.

    Uploading twice does no harm, so no answer is Unreachable.
    """
    try:
        fitted = await asyncio.to_thread(fit_picture, data)
    except Invalid as error:
        raise Rejected(PEER, UPLOAD, error.text, code=NO_PICTURE) from error
    form = aiohttp.FormData()
    name = "image" + fitted.suffix  # what the file is called at home is nobody's business
    form.add_field("file", fitted.data, filename=name, content_type=fitted.media_type)
    page = await browser.ask(
        UPLOAD,
        "POST",
        endpoints.upload_url.rstrip("/") + _UPLOAD_PATH,
        query=_UPLOAD_QUERY,
        form=form,
        headers={"accept": "*/*", "origin": WEB.origin, "referer": WEB.origin + "/"},
        seconds=seconds,
    )
    try:
        return read_upload(page, fitted)
    except PeerError as error:
        raise browser.noted(error) from None


def read_upload(page: Page, fitted: FittedPicture) -> Picture:
    """Raises what the answer stands for when it names no picture."""
    try:
        answer = as_map(json.loads(page.text))
    except (ValueError, RecursionError):
        raise _judge_upload_page(page) from None
    for part in (answer.get("object"), answer.get("data"), answer, answer.get("result")):
        shape = as_map(part)
        url = as_text(shape.get("url")) or as_text(shape.get("fileUrl"))
        if url and (not answer.get("ret") or judge_gateway(UPLOAD, answer) is None):
            width, height = _size(shape)
            return Picture(_absolute(url), width or fitted.width, height or fitted.height)
    if "ret" in answer:
        raise judge_gateway(UPLOAD, answer) or Malformed(PEER, UPLOAD, "answer without a picture")
    reason = find_reason(answer)
    if reason:
        raise Rejected(PEER, UPLOAD, reason)
    raise Malformed(PEER, UPLOAD, "answer without a picture", raw=page.text)


async def download(
    http: aiohttp.ClientSession,
    endpoints: Endpoints,
    url: str,
    *,
    most_bytes: int,
    seconds: float,
) -> bytes:
    """What lies at an address of the platform. No cookies are sent along (L14).

    Raises Rejected with code FOREIGN or TOO_LARGE, or when it is not there; Unreachable.
    """
    uploads = origin_of(endpoints.upload_url)
    try:
        async with asyncio.timeout(seconds):
            refuse_closed(http, DOWNLOAD)
            for _ in range(_REDIRECTS):
                url = _absolute(url)
                if not may_fetch(url, uploads):
                    raise Rejected(PEER, DOWNLOAD, f"not at {origin_of(url)}", code=FOREIGN)
                async with http.get(
                    url, headers={"user-agent": BROWSER}, allow_redirects=False
                ) as response:
                    if location := response.headers.get("Location"):
                        url = urljoin(url, location)
                        continue
                    return await _body(response, most_bytes)
    except NOTHING_LEFT as error:
        raise nothing_left(DOWNLOAD, error, proxied=False) from None
    except CUT as error:
        raise Unreachable(PEER, DOWNLOAD, str(error) or "no answer in time") from error
    raise Rejected(PEER, DOWNLOAD, "too many redirects")


def may_fetch(url: str, uploads: str = "") -> bool:
    """Whether an address is one of the platform's own, or of the place uploads go to."""
    if uploads and origin_of(url) == uploads:
        return True
    try:
        seen = URL(url)
        host = seen.host or ""
    except ValueError:
        return False
    at_home = any(host == home or host.endswith("." + home) for home in HOMES)
    return at_home and seen.scheme == "https" and seen.port == 443


async def _body(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    if response.status >= 500:
        raise Unreachable(PEER, DOWNLOAD, f"HTTP {response.status}")
    if response.status != 200:
        raise Rejected(PEER, DOWNLOAD, f"HTTP {response.status}", code=str(response.status))
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > most_bytes:
            raise Rejected(PEER, DOWNLOAD, f"more than {most_bytes} bytes", code=TOO_LARGE)
    return bytes(body)


def _judge_upload_page(page: Page) -> PeerError:
    """Pages instead of data come to those who are not logged in."""
    error = judge_page(UPLOAD, page.status, page.text, page.location)
    if isinstance(error, Malformed) and ("<html" in page.text.lower() or page.location):
        return AuthExpired(PEER, UPLOAD, "a page instead of an answer")
    return error


def _absolute(url: str) -> str:
    """The platform writes addresses without a scheme, or with the old one."""
    if url.startswith("//"):
        return "https:" + url
    plain = "http://"
    if url.startswith(plain) and may_fetch("https://" + url[len(plain) :]):
        return "https://" + url[len(plain) :]
    return url


def _size(shape: Map) -> tuple[int | None, int | None]:
    """`1080x1440`."""
    width, _, height = as_text(shape.get("pix")).lower().partition("x")
    return as_int(width), as_int(height)
