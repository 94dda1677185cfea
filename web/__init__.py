"""The admin: server-rendered pages over the desk."""

from web.insiders import is_insider
from web.mount import attach
from web.site import Site

__all__ = ["Site", "attach", "is_insider"]
