"""Whose wrong passwords are counted: who asked, and not the proxy that stands in front."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request

from web.proxies import client_address

OURS = (ip_network("172.16.0.0/12"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        ("172.18.0.3", "203.0.113.9", "203.0.113.9"),
        ("fd00::2", "2001:db8::1", "2001:db8::1"),
        # a second proxy of ours, and what the stranger claims about others
        ("172.18.0.3", "198.51.100.1, 203.0.113.9, 172.18.0.9", "203.0.113.9"),
        # a stranger's word counts for nothing
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("172.18.0.3", "", "172.18.0.3"),
        ("172.18.0.3", "unknown", "172.18.0.3"),
        ("172.18.0.3", "172.18.0.9", "172.18.0.9"),
    ],
)
def test_only_the_word_of_a_proxy_of_ours_counts(peer: str, said: str, found: str) -> None:
    headers = {"X-Forwarded-For": said} if said else {}
    request = make_mocked_request("POST", "/login", headers=headers).clone(remote=peer)
    assert client_address(request, OURS) == found
    assert client_address(request, ()) == peer
