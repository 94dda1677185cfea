"""Suppliers: strangers' servers that hand out a card for money. One request, one verdict."""

from hub.addresses import is_address, is_public
from hub.suppliers.calls import fetch_cards
from hub.suppliers.paths import parse_path

__all__ = ["fetch_cards", "is_address", "is_public", "parse_path"]
