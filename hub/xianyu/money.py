"""Amounts of money as the platform writes them; what is not one for certain is None."""

from __future__ import annotations

import re
from decimal import Decimal

from hub.xianyu.shapes import as_int, as_text

_NUMBER = r"[¥￥]?\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*(万)?\s*元?"
_PRICE = re.compile(rf"{_NUMBER}(?:\s*[-~～—至]\s*{_NUMBER})?\s*起?")
_TEN_THOUSAND = Decimal(10_000)
_CENT = Decimal("0.01")
_MOST = Decimal(10**10)


def read_prices(value: object) -> tuple[Decimal, Decimal] | None:
    """Lowest and highest price of a listing in yuan: `9.90`, `¥1.2万`, `10-20` (L40).

    In `1-2万` nobody can tell whether the first number counts ten thousands, so it is none.
    """
    if isinstance(value, float):
        value = repr(value)
    text = as_text(value).strip() if isinstance(value, str) else str(as_int(value) or "")
    found = _PRICE.fullmatch(text)
    if found is None:
        return None
    first, first_unit, second, second_unit = found.groups()
    low = _yuan(first, first_unit)
    if second is None:
        return (low, low) if low < _MOST else None
    high = _yuan(second, second_unit)
    if second_unit and not first_unit and low * _TEN_THOUSAND <= high:
        return None
    return (low, high) if low <= high < _MOST else None


def read_amount(value: object) -> Decimal | None:
    """A sum of an order in yuan. Whole numbers may be yuan or cents, so only `8.80` is believed."""
    text = as_text(value).strip().lstrip("¥￥")
    if not re.fullmatch(r"\d{1,10}\.\d{1,2}", text):
        return None
    return Decimal(text).quantize(_CENT)


def read_cents(value: object) -> Decimal | None:
    """A number of cents as yuan."""
    number = as_int(value)
    return Decimal(number) * _CENT if number is not None and 0 <= number < 10**12 else None


def _yuan(number: str, unit: str | None) -> Decimal:
    amount = Decimal(number.replace(",", ""))
    return (amount * _TEN_THOUSAND).normalize() + 0 if unit else amount
