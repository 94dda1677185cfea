"""Cards of the original become pools; items are kept to tell what they belong to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from hub.errors import Invalid
from hub.model import Item, PoolKind, SupplierCall
from hub.ops.importing import cells
from hub.ops.importing.pictures import find_picture
from hub.ops.importing.plan import Draft, NewPool, OldCard, OldItem, line_of
from hub.ops.importing.report import Outcome, Part
from hub.ops.importing.wording import literal_braces
from hub.policy import CONTENT, FACTS
from hub.store import OriginalRow
from hub.suppliers import check_call
from hub.text import imports as words

POOL = "pool"
LONGEST_NAME = 30
LONGEST_TEMPLATE = 2000
LONGEST_DELAY = 3600
LONGEST_WAIT = 60
KINDS = {
    "text": PoolKind.TEXT,
    "data": PoolKind.CODES,
    "image": PoolKind.IMAGE,
    "api": PoolKind.API,
}
OF_THE_ORIGINAL = "__test_image_constraint__"
"""A card that the original made for itself."""
_AUTO = "auto_"
_ITEM_ID = re.compile(r"[0-9]{6,24}")
_DETAIL_KEPT = 2000
"""Characters of an item's words in which keywords are looked for."""


@dataclass(slots=True)
class _Content:
    """What a pool hands out, as far as it is known so far."""

    text: str = ""
    supplier: SupplierCall | None = None
    picture: Path | str | None = None
    enabled: bool = True
    notes: list[str] = field(default_factory=list)


def plan_pools(draft: Draft) -> None:
    draft.names["pool"] = set(draft.known.pools)
    draft.each(Part.POOLS, "cards", lambda row: _plan_pool(draft, row))


def _plan_pool(draft: Draft, row: OriginalRow) -> None:
    key, title = cells.word(row, "id"), " ".join(cells.word(row, "name").split())
    if title == OF_THE_ORIGINAL:
        return
    owner = cells.word(row, "user_id") or "1"
    if not draft.wants(owner):
        draft.leave(Part.POOLS, title, words.NOT_WANTED)
        return
    kind = KINDS.get(cells.word(row, "type").lower())
    if kind is None:
        draft.leave(Part.POOLS, title, words.unknown_kind(cells.word(row, "type")))
        return
    draft.cards[key] = OldCard(
        key,
        title or words.unnamed_card(key),
        owner,
        kind,
        spec=_spec(row),
        delay_seconds=min(max(int(cells.number(row, "delay_seconds") or 0), 0), LONGEST_DELAY),
    )
    if (POOL, key) in draft.known.ledger:
        draft.leave(Part.POOLS, title, outcome=Outcome.KNOWN)
        return
    content = _content(draft, row, kind)
    if isinstance(content, str):
        del draft.cards[key]
        draft.leave(Part.POOLS, title, content)
        return
    template, literal = literal_braces(cells.text(row, "description"), (CONTENT, *FACTS))
    notes = content.notes
    if literal:
        notes.append(words.literal_braces(literal))
    if max(len(template), len(content.text)) > LONGEST_TEMPLATE:
        notes.append(words.LONG_TEXT)
    name = draft.free_name("pool", draft.cards[key].name, LONGEST_NAME)
    if name != title:
        notes.append(words.renamed(name))
    enabled = cells.flag(row, "enabled", True)
    if not enabled:
        notes.append(words.WAS_OFF)
    draft.put(
        line_of(Part.POOLS, title, notes),
        POOL,
        key,
        NewPool(
            name,
            kind,
            template,
            content.text,
            enabled=enabled and content.enabled,
            supplier=content.supplier,
            picture=content.picture,
        ),
    )


def _spec(row: OriginalRow) -> tuple[tuple[str, str], ...]:
    value = cells.word(row, "spec_value")
    if not cells.flag(row, "is_multi_spec", False) or not value:
        return ()
    return ((cells.word(row, "spec_name"), value),)


def _content(draft: Draft, row: OriginalRow, kind: PoolKind) -> _Content | str:
    """Or why there is nothing to bring over."""
    match kind:
        case PoolKind.TEXT:
            text, literal = literal_braces(cells.text(row, "text_content"), FACTS)
            if not text.strip():
                return words.EMPTY_TEXT
            return _Content(text, notes=[words.literal_braces(literal)] if literal else [])
        case PoolKind.CODES:
            return _Content()
        case PoolKind.IMAGE:
            return _picture(draft, cells.word(row, "image_url"))
        case PoolKind.API:
            return _supplier(draft, row)


def _picture(draft: Draft, path: str) -> _Content | str:
    if not path:
        return words.NO_PICTURE
    notes: list[str] = []
    try:
        picture, elsewhere = find_picture(draft, path, notes)
    except Invalid as error:
        return error.text
    return _Content(picture=picture, enabled=not elsewhere, notes=notes)


def _supplier(draft: Draft, row: OriginalRow) -> _Content:
    """Switched off in any case: nobody has seen yet where its cards lie in its answers (L11)."""
    draft.report.ask(words.TRY_SUPPLIERS)
    content = _Content(enabled=False, notes=[words.SUPPLIER_TO_TRY])
    call = _call(cells.fields(row, "api_config"))
    try:
        check_call(call)
    except Invalid as error:
        content.notes.append(words.supplier_unusable(error.fields or {"": error.text}))
        return content
    content.supplier = call
    draft.report.secrets[words.SECRET_SUPPLIERS] += 1
    return content


def _call(config: dict[str, Any]) -> SupplierCall:
    """Headers and parameters are texts of JSON inside the JSON. Only what was posted had its
    placeholders filled in, so braces in an address are quoted like any other sign."""
    url, method = str(config.get("url") or "").strip(), str(config.get("method") or "GET").upper()
    params = cells.as_object(config.get("params"))
    headers = cells.as_object(config.get("headers"))
    try:
        seconds = float(config.get("timeout") or 10)
    except (TypeError, ValueError):
        seconds = 10.0
    if method == "GET" and params:
        url += ("&" if "?" in url else "?") + urlencode({k: str(v) for k, v in params.items()})
    return SupplierCall(
        url=url,
        method=method,
        headers=tuple((str(name), str(value)) for name, value in headers.items()),
        body=json.dumps(params, ensure_ascii=False) if method == "POST" else "",
        timeout_seconds=min(max(seconds, 1.0), float(LONGEST_WAIT)),
    )


# --- Items ----------------------------------------------------------------------------------------


def plan_items(draft: Draft) -> None:
    """They are kept for the rules of delivery that name them, and written with the history."""

    def take(row: OriginalRow) -> None:
        item = read_item(row)
        account = draft.accounts.get(cells.word(row, "cookie_id"))
        if item is None or account is None:
            return
        draft.items.append(
            OldItem(
                item.id,
                account.key,
                item.title,
                item.description[:_DETAIL_KEPT],
                item.price,
                cells.flag(row, "multi_quantity_delivery", False),
            )
        )

    for row in draft.source.rows("item_info"):
        try:
            take(row)
        except cells.UnreadableCell:  # told when it is written
            continue


def read_item(row: OriginalRow) -> Item | None:
    """None: the original made the row up."""
    id_ = cells.item_id(row)
    if id_.startswith(_AUTO) or not _ITEM_ID.fullmatch(id_):
        return None
    price, highest = cells.prices(cells.text(row, "item_price"))
    return Item(
        id=id_,
        title=cells.word(row, "item_title"),
        description=_description(row),
        price=price,
        highest_price=highest,
    )


def _description(row: OriginalRow) -> str:
    """What the page said is JSON, or words, or the words that were searched for (L56)."""
    said = cells.text(row, "item_description").strip()
    detail = cells.text(row, "item_detail").strip()
    if not detail.startswith("{"):
        return said or detail
    found = cells.as_object(detail)
    for name in ("desc", "description", "content", "detail"):
        value = found.get(name)
        if isinstance(value, str) and value.strip():
            return said or value.strip()
    return said


def is_dearer(item: OldItem, limit: Decimal) -> bool:
    return item.price is not None and item.price > limit
