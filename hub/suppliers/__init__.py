"""Suppliers: strangers' servers that hand out a card for money. One request, one verdict."""

from hub.suppliers.addresses import OwnLookup, host_of, is_address, is_public
from hub.suppliers.calls import fetch_cards
from hub.suppliers.paths import parse_path

__all__ = ["OwnLookup", "fetch_cards", "host_of", "is_address", "is_public", "parse_path"]
