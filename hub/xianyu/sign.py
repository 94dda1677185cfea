"""How a request to the gateway is signed."""

from __future__ import annotations

import hashlib

from hub.xianyu.endpoints import SIGN_APP_KEY


def sign(token: str, milliseconds: str, body: str) -> str:
    """MD5 over token, time, app key and exactly the text that is sent as `data`.

    The token is the part of the cookie `_m_h5_tk` before its first underscore, or empty.
    """
    text = f"{token}&{milliseconds}&{SIGN_APP_KEY}&{body}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
