"""An account's cookies: what must be among them and how the platform's changes are taken over."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hub.errors import Invalid
from hub.model import PlatformUser
from hub.text import login

PROTECTED = frozenset(
    {
        "unb",
        "sgcookie",
        "cookie2",
        "_m_h5_tk",
        "_m_h5_tk_enc",
        "t",
        "cna",
        "havana_lgc2_77",
        "_tb_token_",
    }
)
"""Never deleted because an answer says so: a partial answer must not log the account out."""
LOGIN_PROOFS = ("cookie2", "havana_lgc2_77", "sgcookie", "_tb_token_")
"""One of these has to accompany `unb`; without any the paste misses the HttpOnly cookies."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_EXPIRED = re.compile(r"max-age\s*=\s*(?:0+|-\d+)\s*(?:;|$)|expires\s*=[^;]*\b19\d\d\b", re.I)


class CookieJar:
    """Cookies of one account by name, values exactly as they came."""

    def __init__(self, cookies: dict[str, str]) -> None:
        self._cookies = cookies

    def __repr__(self) -> str:
        return f"<CookieJar of {self._cookies.get('unb', '?')}, {len(self._cookies)} cookies>"

    @classmethod
    def parse(cls, text: str) -> CookieJar:
        """Read what a person pasted: `name=value; name=value`, a leading `Cookie:` allowed.

        Raises Invalid with one Chinese sentence when it cannot be a login.
        """
        line = _CONTROL.sub(";", text.strip()).strip("; ")
        if line[:7].lower() == "cookie:":
            line = line[7:].strip()
        if not line:
            raise Invalid(login.COOKIES_EMPTY)
        cookies = dict(_pairs(line))
        if not cookies:
            raise Invalid(login.COOKIES_UNREADABLE)
        user = cookies.get("unb", "")
        if not user:
            raise Invalid(login.COOKIES_WITHOUT_USER)
        if not (user.isascii() and user.isdigit()):
            raise Invalid(login.COOKIES_WITH_ODD_USER)
        if not any(cookies.get(name) for name in LOGIN_PROOFS):
            raise Invalid(login.COOKIES_WITHOUT_LOGIN)
        return cls(cookies)

    @property
    def user(self) -> PlatformUser:
        return PlatformUser(self._cookies["unb"])

    @property
    def sign_token(self) -> str:
        return self._cookies.get("_m_h5_tk", "").partition("_")[0]

    def get(self, name: str) -> str | None:
        return self._cookies.get(name)

    def header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def merge(self, set_cookie_values: Iterable[str]) -> bool:
        """Take over `Set-Cookie` values by name; True if something changed.

        Empty values are ignored; a deletion counts only for names that are not protected. Domain
        and path do not matter: the gateways share one login, and only they ever see this jar.
        """
        changed = False
        for line in set_cookie_values:
            first, _, attributes = _CONTROL.sub("", line).partition(";")
            for name, value in _pairs(first):
                if _EXPIRED.search(attributes):
                    changed |= name not in PROTECTED and self._cookies.pop(name, None) is not None
                elif value and self._cookies.get(name) != value:
                    self._cookies[name] = value
                    changed = True
        return changed

    def drop_sign_token(self) -> None:
        """Forget the signing pair, so that the next call asks for a new one."""
        self._cookies.pop("_m_h5_tk", None)
        self._cookies.pop("_m_h5_tk_enc", None)


def _pairs(line: str) -> Iterable[tuple[str, str]]:
    """Values keep everything after the first `=`; pieces without a proper name are skipped."""
    for piece in line.split(";"):
        name, separator, value = piece.partition("=")
        name = name.strip()
        if separator and _NAME.fullmatch(name):
            yield name, value.strip()
