"""Where the platform lives, how patient we are with it, and the face our requests show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SIGN_APP_KEY = "34839810"
"""App key of the signed HTTP gateway."""
IM_APP_KEY = "444e9908a51d1cb236a27862abc769c9"
"""App key of the message connection; a token is bound to it and to the device id."""

SITE = "https://www.goofish.com"
PASSPORT = "https://passport.goofish.com"
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/133.0.0.0 Safari/537.36"
)
IM_BROWSER = (
    f"{BROWSER} DingTalk(2.1.5) OS(Windows/10) Browser(Chrome/133.0.0.0) DingWeb/2.1.5 "
    "IMPaaS DingWeb/2.1.5"
)

BROWSER_HEADERS = {
    "accept": "application/json",
    "accept-language": "zh-CN,zh;q=0.9",
    "user-agent": BROWSER,
    "sec-ch-ua": '"Not(A:Brand";v="99", "Google Chrome";v="133", "Chromium";v="133"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-site",
}


@dataclass(frozen=True, slots=True)
class Site:
    """One of the platform's sites, as the requests of its pages name it."""

    origin: str
    page: str = "/"
    extra: Mapping[str, str] = field(default_factory=dict)


WEB = Site(SITE)
MOBILE = Site("https://h5.m.goofish.com")
SELLER_CENTRE = Site(
    "https://seller.goofish.com",
    "/?site=COMMONPRO",
    {"idle_site_biz_code": "COMMONPRO", "idle_user_group_member_id": ""},
)
"""Open to pro shops (鱼小铺) only."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Origins without a path; another server (the sandbox) can take the platform's place."""

    ws_url: str
    mtop_url: str
    passport_url: str
    upload_url: str

    @property
    def site_url(self) -> str:
        """The site people log in at: the platform's own, or whoever takes the passport's place."""
        return SITE if self.passport_url.rstrip("/") == PASSPORT else self.passport_url


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, all of them."""

    heartbeat: float = 15.0
    """The platform drops a line whose first heartbeat comes much later than this."""
    answer: float = 15.0
    """Longest wait for the answer to one request."""
    transfer: float = 60.0
    """Longest wait for a picture to go up or come down."""
    dial: float = 15.0
    close: float = 2.0
    sync_delay: float = 1.0
    """Between registration and declaring the sync state; every known client waits this long."""
    list_settle: float = 3.0
    """Lists asked for sooner than this after registration are refused as too early."""
    list_spacing: float = 0.3
    """Least time between two list requests of one session."""
    list_retries: tuple[float, ...] = (2.0, 4.0, 6.0)
    """Waits before asking again for a list that was refused as too early."""
