"""Where the platform lives, how patient we are with it, and the face our requests show."""

from __future__ import annotations

from dataclasses import dataclass

SIGN_APP_KEY = "34839810"
"""App key of the signed HTTP gateway."""
IM_APP_KEY = "444e9908a51d1cb236a27862abc769c9"
"""App key of the message connection; a token is bound to it and to the device id."""

SITE = "https://www.goofish.com"
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/133.0.0.0 Safari/537.36"
)
IM_BROWSER = (
    f"{BROWSER} DingTalk(2.1.5) OS(Windows/10) Browser(Chrome/133.0.0.0) DingWeb/2.1.5 "
    "IMPaaS DingWeb/2.1.5"
)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Origins without a path; another server (the sandbox) can take the platform's place."""

    ws_url: str
    mtop_url: str
    passport_url: str
    upload_url: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, all of them."""

    heartbeat: float = 15.0
    """The platform drops a line whose first heartbeat comes much later than this."""
    answer: float = 15.0
    """Longest wait for the answer to one request."""
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
