"""What is true in the sandbox: sellers and their logins, buyers, items, conversations, messages."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.sandbox.payloads import Content, Stamp, Thread

DEMO_SELLER = "2200111122223"
DEMO_SELLER_NAME = "鱼桥演示店"
DEMO_CONVERSATION = "60010020030"

_START_OF_2026_MS = 1_767_225_600_000


class Bell:
    """Rings when something changed, so that long polls and the page can look again."""

    def __init__(self) -> None:
        self.count = 0
        self._waiters: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        self.count += 1
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def rung_since(self, count: int) -> int:
        """Return at once if it rang since `count`, else wait for the next ring."""
        if self.count == count:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
        return self.count

    async def until(self, met: Callable[[], bool], seconds: float) -> bool:
        """Wait until `met()` holds, looking again at each ring; False after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    seen = self.count
                    if met():
                        return True
                    await self.rung_since(seen)
        except TimeoutError:
            return met()


@dataclass(slots=True)
class Seller:
    user: str
    name: str
    logged_in: bool = True
    """Whether the login holds that its cookie string shows."""
    ended_at: int = 0
    """Other logins count if they were issued after this time (ms)."""
    renewable: bool = False
    """Whether a long login may replace a login that is over."""
    pro: bool = False
    """Has a 鱼小铺; others may not call the seller centre."""


@dataclass(frozen=True, slots=True)
class ImToken:
    """Access token of the IM connection, bound to account and device."""

    value: str
    user: str
    did: str
    number: int
    """Counts up: the connection of an older number of the same device is stale."""
    expires_at: int
    """Ms."""


@dataclass(slots=True)
class Buyer:
    user: str
    name: str


@dataclass(frozen=True, slots=True)
class Sku:
    """One choice of an item, such as 套餐: 月卡."""

    id: str
    specs: tuple[tuple[str, str], ...]
    cents: int
    quantity: int = 99


@dataclass(slots=True)
class Item:
    id: str
    seller: str
    title: str
    price: str
    """Yuan as the platform shows it: `12.80`, `1.2万`, `9.90-29.90`."""
    picture: str = "https://img.alicdn.com/bao/uploaded/i1/O1CN01SANDBOX_!!0-fleamarket.jpg"
    quantity: int = 1
    skus: tuple[Sku, ...] = ()
    on_sale: bool = True
    polished_on: str = ""
    """Day in China on which it was polished last."""


@dataclass(slots=True)
class Message:
    conversation: str
    stamp: Stamp
    sender: str
    content: Content
    summary: str
    meta: dict[str, str]
    """`1.10` of the payload: what history calls `extension`."""
    own: bool = False
    """Written by the seller."""
    system: bool = False
    read: bool = False
    """By the other person."""
    recalled: bool = False
    uuid: str = ""


@dataclass(slots=True)
class Conversation:
    thread: Thread
    created_at: int
    messages: list[Message] = field(default_factory=list)
    by_id: dict[str, Message] = field(default_factory=dict)
    red_reminder: str = ""
    order: str = ""
    typing_until: float = 0.0

    @property
    def id(self) -> str:
        return self.thread.conversation

    @property
    def age(self) -> tuple[int, str]:
        """Sorts by the newest message; ids tell those of one millisecond apart."""
        return self.modified_at, self.messages[-1].stamp.id if self.messages else ""

    @property
    def modified_at(self) -> int:
        """Time of the newest message in ms."""
        return self.messages[-1].stamp.at if self.messages else self.created_at


class World:
    """The platform's memory. Ids look like the real ones and do not repeat after a restart."""

    def __init__(self) -> None:
        self.bell = Bell()
        self.sellers: dict[str, Seller] = {}
        self.buyers: dict[str, Buyer] = {}
        self.items: dict[str, Item] = {}
        self.conversations: dict[str, Conversation] = {}
        self.tokens: dict[str, ImToken] = {}
        self._token_numbers = itertools.count(1)
        self._places: dict[str, Conversation] = {}
        self._by_people: dict[tuple[str, str, str], Conversation] = {}
        self._by_seller: dict[str, list[Conversation]] = {}
        since = now_ms() - _START_OF_2026_MS
        self._message_ids = itertools.count(4_300_000_000_000 + since)
        self._conversation_ids = itertools.count(61_000_000_000 + since // 100)
        self._order_ids = itertools.count(5_120_000_000_000_000_000 + since * 1000)
        self._user_ids = itertools.count(2_210_000_000_000 + since)
        self._item_ids = itertools.count(890_000_000_000 + since)

    # --- people and things ---

    def add_seller(self, name: str = "", user: str = "") -> Seller:
        user = user or str(next(self._user_ids))
        if not (user.isdigit() and 8 <= len(user) <= 13):
            raise ValueError("a user id has 8 to 13 digits")
        if user in self.sellers or user in self.buyers:
            raise ValueError(f"user {user} exists already")
        seller = Seller(user, name or f"卖家{user[-4:]}")
        self.sellers[user] = seller
        self.bell.ring()
        return seller

    def add_buyer(self, name: str = "", user: str = "") -> Buyer:
        user = user or str(next(self._user_ids))
        if user in self.sellers or user in self.buyers:
            raise ValueError(f"user {user} exists already")
        buyer = Buyer(user, name or f"买家{user[-4:]}")
        self.buyers[user] = buyer
        self.bell.ring()
        return buyer

    def add_item(self, seller: str, title: str, price: str = "9.90", id: str = "") -> Item:
        self.seller(seller)
        item = Item(id or str(next(self._item_ids)), seller, title, price)
        self.items[item.id] = item
        self.bell.ring()
        return item

    def seller(self, user: str) -> Seller:
        """Raises KeyError with a sentence when there is no such seller."""
        if user not in self.sellers:
            raise KeyError(f"no seller {user!r}")
        return self.sellers[user]

    def conversation(self, id: str) -> Conversation:
        """Raises KeyError with a sentence when there is no such conversation."""
        if id not in self.conversations:
            raise KeyError(f"no conversation {id!r}")
        return self.conversations[id]

    def conversation_of(
        self, seller: str, buyer: str, item: str = "", *, id: str = ""
    ) -> Conversation:
        """The conversation of these two about this item; made when it does not exist yet.

        Without an item: where they last spoke, else the first they have, else one about the
        seller's first item.
        Raises KeyError when one of them is unknown.
        """
        owner = self.seller(seller)
        if buyer not in self.buyers:
            raise KeyError(f"no buyer {buyer!r}")
        if not item:
            known = [c for c in self._by_seller.get(seller, ()) if c.thread.buyer == buyer]
            spoken = [c for c in known if c.messages]
            if spoken:
                return max(spoken, key=lambda one: one.age)
            if known:
                return known[0]
            item = next((one.id for one in self.items.values() if one.seller == seller), "")
        if item not in self.items or self.items[item].seller != seller:
            raise KeyError(f"seller {seller} has no item {item!r}")
        key = (seller, buyer, item)
        if key not in self._by_people:
            thing = self.items[item]
            thread = Thread(
                conversation=id or str(next(self._conversation_ids)),
                seller=seller,
                buyer=buyer,
                item=item,
                buyer_name=self.buyers[buyer].name,
                seller_name=owner.name,
                item_title=thing.title,
                item_picture=thing.picture,
            )
            made = Conversation(thread, now_ms())
            self._by_people[key] = self.conversations[thread.conversation] = made
            self._by_seller.setdefault(seller, []).append(made)
            self.bell.ring()
        return self._by_people[key]

    def conversations_of(self, seller: str) -> list[Conversation]:
        """Newest first."""
        mine = self._by_seller.get(seller, ())
        return sorted(mine, key=lambda one: one.age, reverse=True)

    def items_of(self, seller: str) -> list[Item]:
        return [one for one in self.items.values() if one.seller == seller]

    def issue_token(self, user: str, did: str, seconds: float) -> ImToken:
        value = f"oauth_k1:{secrets.token_urlsafe(33)}=="
        expires = now_ms() + int(seconds * 1000)
        token = ImToken(value, user, did, next(self._token_numbers), expires)
        self.tokens[value] = token
        return token

    # --- messages ---

    def stamp(self, conversation: Conversation) -> Stamp:
        """A new message's ids and time; times within one conversation never repeat."""
        at = max(now_ms(), conversation.modified_at + 1)
        return Stamp(f"{next(self._message_ids)}.PNM", secrets.token_hex(16), at)

    def new_order(self) -> str:
        return str(next(self._order_ids))

    def keep(self, conversation: Conversation, message: Message) -> Message:
        """Store a message; whatever the buyer's phone shows comes from here."""
        conversation.messages.append(message)
        conversation.by_id[message.stamp.id] = message
        self._places[message.stamp.id] = conversation
        self.bell.ring()
        return message

    def mark_read(self, conversation: Conversation, reader: str, ids: list[str]) -> list[str]:
        """Mark what the other person wrote as read by `reader`; returns what was new."""
        fresh = []
        for id in ids:
            message = conversation.by_id.get(id)
            if message and not message.read and message.sender != reader and not message.system:
                message.read = True
                fresh.append(id)
        if fresh:
            self.bell.ring()
        return fresh

    def find_message(self, id: str) -> tuple[Conversation, Message] | None:
        conversation = self._places.get(id)
        return None if conversation is None else (conversation, conversation.by_id[id])


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def add_sellers(world: World, count: int, *, name: str = "店铺{n}", items: int = 1) -> list[Seller]:
    """Many shops, `{n}` counts them; all share one new buyer, who has spoken to nobody yet."""
    buyer = world.add_buyer("买家小周")
    made = []
    for number in range(1, count + 1):
        seller = world.add_seller(name.replace("{n}", str(number)))
        for thing in range(items):
            world.add_item(seller.user, f"商品{number}-{thing + 1}")
        if items:
            world.conversation_of(seller.user, buyer.user)
        made.append(seller)
    return made


def furnish(world: World) -> None:
    """The demo shop: one seller, two buyers, three items, three conversations."""
    world.add_seller(DEMO_SELLER_NAME, DEMO_SELLER)
    world.add_buyer("买家小林", "3100444455556")
    world.add_buyer("阿***7", "3100444455557")
    card = world.add_item(DEMO_SELLER, "视频会员月卡 自动发货", "12.80", "880011223344")
    card.skus = (
        Sku("88001122334401", (("套餐", "月卡"),), 1280),
        Sku("88001122334402", (("套餐", "季卡"),), 3480),
    )
    world.add_item(DEMO_SELLER, "二手机械键盘 87键 茶轴", "168.00", "880011223345")
    world.add_item(DEMO_SELLER, "手冲咖啡壶 九成新", "45.00", "880011223346")
    world.conversation_of(DEMO_SELLER, "3100444455556", "880011223344", id=DEMO_CONVERSATION)
    world.conversation_of(DEMO_SELLER, "3100444455557", "880011223345", id="60010020031")
    world.conversation_of(DEMO_SELLER, "3100444455556", "880011223346", id="60010020032")
