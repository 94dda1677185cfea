"""Suppliers: strangers' servers that hand out a card for money. One request, one verdict."""

from hub.suppliers.calls import fetch_cards
from hub.suppliers.checks import check_call
from hub.suppliers.paths import parse_path

__all__ = ["check_call", "fetch_cards", "parse_path"]
