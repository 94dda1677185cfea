"""What one account asks of the platform over HTTP, in our words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import aiohttp

from hub.errors import Malformed, Rejected
from hub.model import (
    Done,
    Item,
    ItemPage,
    Order,
    OrderPage,
    Picture,
    PlatformConversation,
    PlatformUser,
)
from hub.xianyu import items, media, orders, writes
from hub.xianyu.browser import Browser
from hub.xianyu.calls import Call
from hub.xianyu.cookies import CookieJar
from hub.xianyu.endpoints import Endpoints, Timing
from hub.xianyu.ids import bare
from hub.xianyu.mtop import Mtop
from hub.xianyu.pace import Ask, Pace
from hub.xianyu.passport import Passport
from hub.xianyu.token import ImToken, ask_token, read_token
from hub.xianyu.trouble import Trouble
from hub.xianyu.verdicts import MISSING_APIS, PEER

_WHO = Call("mtop.taobao.idlemessage.pc.loginuser.get", "1.0")


def utc_now() -> datetime:
    return datetime.now(UTC)


class Client:
    """One account's HTTP side.

    `http` from `open_http`, with the account's proxy if it has one. `on_cookies` receives the whole
    cookie line whenever an answer changed it, before that answer is looked at. All methods raise
    the `PeerError`s of the gateway. Items, orders and writes wait for their turn at `pace`, which
    belongs to the account and outlives this client; None: they do not wait. `proxied`: `http` was
    opened with a proxy, so what cannot be dialled is the proxy.

    Reads may be repeated: without an answer they raise Unreachable. Writes return Done, and raise
    Uncertain when nobody knows whether they happened: then read the order or item first, never
    repeat blindly.

    `may_ask` is asked before each request in the account's name; what must not leave is
    Unreachable.

    Once the platform demanded a check, every further call raises VerificationNeeded and asks
    nothing.
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
        pace: Pace | None = None,
        proxied: bool = False,
        may_ask: Callable[[], bool] = lambda: True,
    ) -> None:
        self._http = http
        self._endpoints = endpoints
        self._user = jar.user
        self._now = now
        self._timing = timing or Timing()
        self._pace = pace or Pace()
        self.trouble = Trouble()
        """What its calls met that concerns the whole account."""
        self._browser = Browser(
            http,
            endpoints,
            jar,
            on_cookies=on_cookies,
            answer_seconds=self._timing.answer,
            trouble=self.trouble,
            proxied=proxied,
            may_ask=may_ask,
        )
        self._mtop = Mtop(self._browser, endpoints, now=now)
        self._passport = Passport(self._browser, endpoints, now=now)

    # --- Login ----------------------------------------------------------------------------------

    async def login_user(self) -> PlatformUser:
        """Who the cookies log in as: the cheapest proof that they still do."""
        answer = await self._mtop.call(_WHO)
        user = bare(answer.get("userId"))
        if user is None:
            raise Malformed(PEER, _WHO.api, "answer without userId")
        return PlatformUser(user)

    async def im_token(self, device_id: str) -> ImToken:
        """A new token for the message connection.

        The platform watches this call closely, and a newer token silences the connection that was
        opened with the older one: ask rarely, and reconnect right after.
        """
        call = ask_token(device_id)
        token = read_token(await self._mtop.call(call), device_id, self._now())
        if token is None:
            raise Malformed(PEER, call.api, "answer without accessToken")
        return token

    async def has_login(self) -> bool:
        """Whether the login still holds; if it does, its cookies are fresh afterwards."""
        return await self._passport.has_login()

    async def silent_has_login(self) -> bool | None:
        """Renew the login by its long-lived cookies; None when that is not due or not possible."""
        return await self._passport.silent_has_login()

    async def keep_logged_in(self) -> bool:
        """Turn the long login of about thirty days on, or renew it."""
        return await self._passport.keep_logged_in()

    # --- Pictures -------------------------------------------------------------------------------

    async def upload(self, data: bytes) -> Picture:
        """A picture file, scaled down as needed, as something that can be sent.

        Raises Rejected with code `NO_PICTURE` when it is none.
        """
        return await media.upload(
            self._browser, self._endpoints, data, seconds=self._timing.transfer
        )

    async def download(self, url: str, *, most_bytes: int = media.MOST_DOWNLOAD) -> bytes:
        """What a picture, voice or video message points to. Only the platform's own addresses."""
        self.trouble.stop_calls("download")
        return await media.download(
            self._http,
            self._endpoints,
            url,
            most_bytes=most_bytes,
            seconds=self._timing.transfer,
        )

    # --- Items ----------------------------------------------------------------------------------

    async def item(self, item_id: str) -> Item:
        """One item's page. The platform dislikes more than one of these in three seconds."""
        await self._pace.turn(Ask.ITEM)
        call = items.ask_item(item_id)
        item = items.read_item(await self._mtop.call(call), item_id)
        if item is None:
            raise Malformed(PEER, call.api, "answer without this item")
        return item

    async def items(self, page: int = 1) -> ItemPage:
        """The account's own items on sale. Now and then the platform answers with none: ask again
        before believing it."""
        await self._pace.turn(Ask.ITEM_LIST)
        return items.read_items(await self._mtop.call(items.ask_items(self._user, page)))

    # --- Orders ---------------------------------------------------------------------------------

    async def order(self, order_id: str) -> Order:
        """The order's page: the only proof of what was paid."""
        await self._pace.turn(Ask.ORDER)
        call = orders.ask_order(order_id)
        order = orders.read_order(await self._mtop.call(call), order_id)
        if order is None:
            raise Malformed(PEER, call.api, "answer without this order")
        return order

    async def unshipped_orders(self, page: int = 1, *, pro: bool = False) -> OrderPage:
        """Paid orders that wait, and those whose status could not be read.

        `pro`: the list of pro shops; Rejected with code `PERMISSION` for other accounts.
        """
        await self._pace.turn(Ask.ORDER_LIST)
        if pro:
            return orders.read_unshipped_pro(await self._mtop.call(orders.ask_unshipped_pro(page)))
        return orders.read_unshipped(await self._mtop.call(orders.ask_unshipped(page)))

    async def order_of_conversation(
        self, conversation: PlatformConversation, item_id: str
    ) -> str | None:
        """The id of the newest order of a conversation; None when there is none."""
        await self._pace.turn(Ask.ORDER_LOOKUP)
        answer = await self._mtop.call(orders.ask_order_of(conversation, item_id))
        return orders.read_order_of(answer)

    # --- Writes ---------------------------------------------------------------------------------

    async def ship(self, order_id: str, text: str = "") -> Done:
        """Mark an order as shipped without a parcel; `text` goes to the buyer, 200 characters."""
        return await self._write(writes.ship(order_id, text))

    async def free_shipping(self, order_id: str, item_id: str, buyer: PlatformUser) -> Done:
        """Complete a bargain order (免拼). Read the order afterwards: it may still be pending."""
        return await self._write(writes.free_shipping(order_id, item_id, buyer))

    async def change_price(self, order_id: str, cents: int, postage_cents: int = 0) -> Done:
        """New price of an unpaid order. Throttled (three seconds) while it is too early for it."""
        return await self._write(writes.change_price(order_id, cents, postage_cents))

    async def close_order(
        self, order_id: str, reason: str = "其他原因", *, pro: bool = False
    ) -> Done:
        """Close an order that was not shipped. `pro` as in `unshipped_orders`."""
        return await self._write(writes.close_order(order_id, reason, pro=pro))

    async def rate(self, order_id: str, text: str) -> Done:
        """Rate the buyer as good, in at most 500 characters."""
        return await self._write(writes.rate(order_id, text))

    async def polish(self, item_id: str) -> Done:
        """Show an item as fresh again (擦亮); counts once per day."""
        try:
            return await self._write(writes.polish(item_id), Ask.POLISH)
        except Rejected as refusal:
            if refusal.code not in MISSING_APIS:
                raise
            # The call itself does not exist there any more, so nothing has happened yet.
            return await self._mtop.do(writes.polish(item_id, older=True))

    async def _write(self, call: Call, ask: Ask = Ask.WRITE) -> Done:
        """Made once, at its turn. Cancelled before that, nothing has happened."""
        await self._pace.turn(ask)
        return await self._mtop.do(call)
