"""Items: what their pages and the lists of accounts said when they were last looked at."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.model import AccountId, Item, ListedItem, Picture, ShopId
from hub.store.codec import (
    decimal_or_none,
    decimal_to_text,
    micros,
    moment_or_none,
    variants_from_text,
    variants_to_text,
)
from hub.store.nouns import KnownItem
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "platform_id, account_id, title, description, price, highest_price, quantity, on_sale, picture,"
    " variants, read_at, listed_at"
)
_GET = Statement(f"SELECT {_COLUMNS} FROM items WHERE shop_id = :shop AND platform_id = :id")
_SAVE = Statement(
    "INSERT INTO items (shop_id, account_id, platform_id, title, description, price,"
    " highest_price, quantity, on_sale, picture, variants, read_at)"
    " VALUES (:shop, :account, :id, :title, :description, :price, :highest, :quantity, :on_sale,"
    " :picture, :variants, :now) ON CONFLICT (shop_id, platform_id) DO UPDATE SET"
    " title = excluded.title, description = excluded.description, price = excluded.price,"
    " highest_price = excluded.highest_price, quantity = excluded.quantity,"
    " on_sale = excluded.on_sale, picture = excluded.picture, variants = excluded.variants,"
    " read_at = excluded.read_at"
)
# Variants state cents; where they are known, the words of a list say nothing better.
_LIST = Statement(
    "INSERT INTO items (shop_id, account_id, platform_id, title, description, price,"
    " highest_price, on_sale, picture, variants, listed_at, position)"
    " VALUES (:shop, :account, :id, :title, '', :price, :highest, :on_sale, :picture, '[]', :now,"
    " :position) ON CONFLICT (shop_id, platform_id) DO UPDATE SET"
    " account_id = excluded.account_id, title = excluded.title, on_sale = excluded.on_sale,"
    " price = CASE WHEN items.variants = '[]' THEN excluded.price ELSE items.price END,"
    " highest_price = CASE WHEN items.variants = '[]' THEN excluded.highest_price"
    " ELSE items.highest_price END,"
    " picture = CASE WHEN excluded.picture = '' THEN items.picture ELSE excluded.picture END,"
    " listed_at = excluded.listed_at, position = excluded.position"
)
_UNLIST = Statement(
    "UPDATE items SET listed_at = NULL, position = NULL, on_sale = FALSE"
    " WHERE shop_id = :shop AND account_id = :account AND listed_at < :now"
)
_LISTED = Statement(
    f"SELECT {_COLUMNS} FROM items WHERE shop_id = :shop AND account_id = :account"
    " AND listed_at IS NOT NULL ORDER BY position, id"
)
_KNOWN = Statement(f"SELECT {_COLUMNS} FROM items WHERE shop_id = :shop ORDER BY id")
# What buyers asked about before its page was read is known by its conversations only.
_OF_CONVERSATIONS = (
    "SELECT c.item_id, max(c.item_title) FROM conversations c WHERE c.shop_id = :shop"
    " AND c.item_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM items i WHERE i.shop_id = c.shop_id"
    " AND i.platform_id = c.item_id)"
)
_TITLES = Statement(
    "SELECT platform_id, title FROM items WHERE shop_id = :shop"
    f" UNION ALL {_OF_CONVERSATIONS} GROUP BY c.item_id"
)
_TITLE_IN_CONVERSATIONS = Statement(f"{_OF_CONVERSATIONS} AND c.item_id = :id GROUP BY c.item_id")


class Items:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, shop: ShopId, item_id: str) -> KnownItem | None:
        row = self._sql.row(_GET, shop=shop, id=item_id)
        return None if row is None else _to_known(row)

    def title(self, shop: ShopId, item_id: str) -> str:
        """Empty if nobody has said it yet."""
        known = self.get(shop, item_id)
        if known is not None:
            return known.item.title
        row = self._sql.row(_TITLE_IN_CONVERSATIONS, shop=shop, id=item_id)
        return row[1] if row is not None else ""

    def titles(self, shop: ShopId) -> dict[str, str]:
        """Of every item that the shop has heard of, by its id; empty where it is not known."""
        return dict(self._sql.rows(_TITLES, shop=shop))

    def save(self, shop: ShopId, account: AccountId, item: Item, now: datetime) -> None:
        """What the page of an item says; replaces what was known of it."""
        self._sql.run(
            _SAVE,
            shop=shop,
            account=account,
            id=item.id,
            title=item.title,
            description=item.description,
            price=decimal_to_text(item.price),
            highest=decimal_to_text(item.highest_price),
            quantity=item.quantity,
            on_sale=item.on_sale,
            picture=item.pictures[0].url if item.pictures else "",
            variants=variants_to_text(item.variants),
            now=micros(now),
        )

    def save_list(
        self, shop: ShopId, account: AccountId, items: Sequence[ListedItem], now: datetime
    ) -> None:
        """The whole list of an account's items on sale; what is not in it is not for sale."""
        for position, item in enumerate(items):
            self._sql.run(
                _LIST,
                shop=shop,
                account=account,
                id=item.id,
                title=item.title,
                price=decimal_to_text(item.price),
                highest=decimal_to_text(item.highest_price),
                on_sale=item.on_sale,
                picture=item.picture.url if item.picture is not None else "",
                now=micros(now),
                position=position,
            )
        self._sql.run(_UNLIST, shop=shop, account=account, now=micros(now))

    def called(self, shop: ShopId, part: str) -> list[KnownItem]:
        """All whose title holds this, whatever the case, also those that are not for sale."""
        folded = part.casefold()
        known = (_to_known(row) for row in self._sql.rows(_KNOWN, shop=shop))
        return [one for one in known if folded in one.item.title.casefold()]

    def listed(self, shop: ShopId, account: AccountId) -> list[KnownItem]:
        """The account's list as it was last read, in its order."""
        return [_to_known(row) for row in self._sql.rows(_LISTED, shop=shop, account=account)]


def _to_known(row: Row) -> KnownItem:
    (
        platform_id,
        account,
        title,
        description,
        price,
        highest,
        quantity,
        on_sale,
        picture,
        variants,
        read_at,
        listed_at,
    ) = row
    item = Item(
        id=platform_id,
        title=title,
        description=description,
        price=decimal_or_none(price),
        highest_price=decimal_or_none(highest),
        quantity=quantity,
        on_sale=None if on_sale is None else bool(on_sale),
        pictures=(Picture(picture),) if picture else (),
        variants=variants_from_text(variants),
    )
    return KnownItem(item, AccountId(account), moment_or_none(read_at), moment_or_none(listed_at))
