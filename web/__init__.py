"""The admin: server-rendered pages over the desk."""

from web.mount import attach
from web.site import Site

__all__ = ["Site", "attach"]
