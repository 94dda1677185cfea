"""The admin: server-rendered pages over the desk."""

from web.mount import attach
from web.site import OfficialBot, Site

__all__ = ["OfficialBot", "Site", "attach"]
