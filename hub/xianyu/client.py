"""What one account asks of the platform over HTTP, in our words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from urllib.parse import unquote

import aiohttp

from hub.errors import Malformed
from hub.model import PlatformUser
from hub.xianyu.cookies import CookieJar
from hub.xianyu.endpoints import IM_APP_KEY, SITE, Endpoints, Timing
from hub.xianyu.ids import bare
from hub.xianyu.mtop import Mtop
from hub.xianyu.shapes import as_int, as_map, as_text
from hub.xianyu.verdicts import PEER

UNKNOWN_LIFE = timedelta(minutes=30)
"""How long a token is trusted whose expiry cannot be read."""
LONGEST_LIFE = timedelta(days=2)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ImToken:
    """Opens one message connection at a time, and only together with this device id."""

    value: str = field(repr=False)
    device_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """A listing as its page shows it; what the page does not say is None or empty."""

    id: str
    title: str
    description: str
    price: Decimal | None
    """Yuan."""
    quantity: int | None
    seller: PlatformUser | None
    picture_url: str


class Client:
    """One account's HTTP side.

    `http` must hold no cookies of its own (`aiohttp.DummyCookieJar`). `on_cookies` receives the
    whole cookie line whenever an answer changed it, before that answer is looked at. All methods
    raise the `PeerError`s of the gateway.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoints: Endpoints,
        jar: CookieJar,
        *,
        on_cookies: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime] = utc_now,
        timing: Timing | None = None,
    ) -> None:
        self._now = now
        self._mtop = Mtop(
            http,
            endpoints,
            jar,
            on_cookies=on_cookies,
            now=now,
            answer_seconds=(timing or Timing()).answer,
        )

    async def login_user(self) -> PlatformUser:
        """Who the cookies log in as: the cheapest proof that they still do."""
        op = "mtop.taobao.idlemessage.pc.loginuser.get"
        answer = await self._mtop.call(op, "1.0", {})
        user = bare(answer.get("userId"))
        if user is None:
            raise Malformed(PEER, op, "answer without userId")
        return PlatformUser(user)

    async def im_token(self, device_id: str) -> ImToken:
        """A new token for the message connection.

        The platform watches this call closely, and a newer token silences the connection that was
        opened with the older one: ask rarely, and reconnect right after.
        """
        op = "mtop.taobao.idlemessage.pc.login.token"
        answer = await self._mtop.call(
            op, "1.0", {"appKey": IM_APP_KEY, "deviceId": device_id}, referer=f"{SITE}/im"
        )
        value = as_text(answer.get("accessToken"))
        if not value:
            raise Malformed(PEER, op, "answer without accessToken")
        expires_at = read_expiry(answer.get("accessTokenExpiredTime"), self._now())
        return ImToken(unquote(value), device_id, expires_at)

    async def item(self, item_id: str) -> Item:
        op = "mtop.taobao.idle.pc.detail"
        answer = await self._mtop.call(
            op, "1.0", {"itemId": item_id}, referer=f"{SITE}/item?id={item_id}"
        )
        page = as_map(answer.get("itemDO"))
        title = as_text(page.get("title"))
        if not title:
            raise Malformed(PEER, op, "answer without an item")
        seller = bare(as_map(answer.get("sellerDO")).get("sellerId"))
        pictures = page.get("imageInfos")
        first = pictures[0] if isinstance(pictures, list) and pictures else None
        return Item(
            id=bare(page.get("itemId")) or item_id,
            title=title,
            description=as_text(page.get("desc")),
            price=_price(page.get("soldPrice")) or _price(page.get("defaultPrice")),
            quantity=as_int(page.get("quantity")),
            seller=PlatformUser(seller) if seller else None,
            picture_url=as_text(as_map(first).get("url")),
        )


def read_expiry(value: object, now: datetime) -> datetime:
    """When a token ends. Seen: a date, a moment or a span, in seconds or milliseconds, as text."""
    moment = _expiry(value, now)
    if moment is None or not now < moment:
        return now + UNKNOWN_LIFE
    return min(moment, now + LONGEST_LIFE)


def _expiry(value: object, now: datetime) -> datetime | None:
    number = as_int(value)
    if number is None:
        try:
            moment = datetime.fromisoformat(as_text(value))
        except ValueError:
            return None
        return moment if moment.tzinfo else None
    if not 0 < number < 10**14:
        return None
    if number > 10**12:
        return datetime.fromtimestamp(number / 1000, UTC)
    if number > 10**9:
        return datetime.fromtimestamp(number, UTC)
    return now + (timedelta(milliseconds=number) if number >= 10**6 else timedelta(seconds=number))


def _price(value: object) -> Decimal | None:
    """Only plain amounts: `1.2万` or `10-20` is no price."""
    text = as_text(value) if isinstance(value, str) else str(as_int(value) or "")
    try:
        price = Decimal(text.removeprefix("¥").strip())
    except InvalidOperation:
        return None
    return price if price.is_finite() and price >= 0 else None
