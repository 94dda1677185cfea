"""The admin: server-rendered pages over the desk."""

from web.auth import is_signed_in
from web.mount import attach
from web.site import Site

__all__ = ["Site", "attach", "is_signed_in"]
