"""Logins: which cookies prove one, how a new one is issued, how one ends and comes back."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from urllib.parse import quote

from hub.sandbox.world import Seller, World, now_ms

_DAY_MS = 86_400_000
LONG_LOGIN_DAYS = 30


class Logins:
    """Proofs are computed and not stored, so that they hold in every sandbox of the same realm: a
    restart ends none, and a hub that another sandbox left behind gets in nowhere."""

    def __init__(self, world: World, realm: str) -> None:
        self._world = world
        self._realm = realm

    def holds(self, cookies: dict[str, str]) -> Seller | None:
        """The seller whose good login these cookies are."""
        seller = self._world.sellers.get(cookies.get("unb", ""))
        cookie2 = cookies.get("cookie2", "")
        if seller is None:
            return None
        if cookie2 == self._first_proof(seller.user):
            return seller if seller.logged_in else None
        issued = self._issued_at(seller.user, cookie2)
        return seller if issued is not None and issued > seller.ended_at else None

    def issue(self, user: str) -> dict[str, str]:
        """A new login, as the passport sets it. Raises KeyError for a stranger."""
        seller = self._world.seller(user)
        cookie2 = self._proof(user, max(now_ms(), seller.ended_at + 1), secrets.token_hex(2))
        return {
            "unb": user,
            "cookie2": cookie2,
            "sgcookie": "E100" + secrets.token_urlsafe(24),
            "csg": secrets.token_hex(4),
            "tracknick": quote(seller.name),
            "_tb_token_": "sandbox" + secrets.token_hex(3),
            "t": secrets.token_hex(16),
            "uc1": "cookie14=UoSandbox",
            "uc3": "id2=UUSandbox&nk2=Sandbox",
            "uc4": "id4=0%40USandbox",
        }

    def end(self, user: str, *, renewable: bool = False) -> None:
        """Every login so far is over; `renewable`: its long login still brings a new one."""
        seller = self._world.seller(user)
        seller.logged_in = False
        seller.ended_at = max(now_ms(), seller.ended_at + 1)
        seller.renewable = renewable
        self._world.bell.ring()

    def restore(self, user: str) -> None:
        """Every login of the past holds again."""
        seller = self._world.seller(user)
        seller.logged_in, seller.ended_at, seller.renewable = True, 0, False
        self._world.bell.ring()

    def renew(self, cookies: dict[str, str]) -> dict[str, str] | None:
        """What a silent renewal sets; None when neither login nor long login is good."""
        if self.holds(cookies) is not None:
            return {"sgcookie": "E100" + secrets.token_urlsafe(24)}
        seller = self._world.sellers.get(cookies.get("unb", ""))
        long_login = cookies.get("havana_lgc2_77", "")
        if seller is None or not seller.renewable or long_login != self._long_proof(seller.user):
            return None
        return self.issue(seller.user)

    def long_login(self, user: str) -> dict[str, str]:
        """The cookies of 'keep me logged in'."""
        until = str(now_ms() + LONG_LOGIN_DAYS * _DAY_MS)
        return {"havana_lgc2_77": self._long_proof(user), "havana_lgc_exp": until}

    def cookies(self, user: str) -> str:
        """A login as a browser would hold it; its `_m_h5_tk` is stale, as most pasted ones are."""
        seller = self._world.seller(user)
        jar = {
            "cna": "SandboxCnaAAAAAAAAAAAAAA",
            **self.issue(user),
            "cookie2": self._first_proof(seller.user),
            "XSRF-TOKEN": secrets.token_hex(16),
            **self.long_login(user),
            "_m_h5_tk": f"{'0' * 31}1_{now_ms() - 60_000}",
            "_m_h5_tk_enc": secrets.token_hex(16),
        }
        return "; ".join(f"{name}={value}" for name, value in jar.items())

    def _first_proof(self, user: str) -> str:
        return self._digest(f"login of {user}")

    def _proof(self, user: str, at: int, salt: str) -> str:
        start = f"{at:012x}{salt}"
        return start + self._digest(f"login {start} of {user}")[:16]

    def _issued_at(self, user: str, cookie2: str) -> int | None:
        """When this login was issued, in ms; None if it is no login of this user."""
        try:
            at = int(cookie2[:12], 16)
        except ValueError:
            return None
        return at if cookie2 == self._proof(user, at, cookie2[12:16]) else None

    def _long_proof(self, user: str) -> str:
        """Ends in `=`, as values of the platform do; whoever splits there breaks it."""
        key = self._digest(f"long login of {user}")
        text = json.dumps({"hid": int(user), "k": key}, separators=(",", ":"))
        return base64.b64encode(text.encode()).decode("ascii").rstrip("=") + "=="

    def _digest(self, text: str) -> str:
        return hashlib.md5(f"sandbox {self._realm}: {text}".encode()).hexdigest()
