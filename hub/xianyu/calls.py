"""What one call to the signed gateway says, before anybody signs or sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.xianyu.endpoints import WEB, Site


@dataclass(frozen=True, slots=True)
class Call:
    api: str
    version: str
    fields: Mapping[str, object] = field(default_factory=dict)
    site: Site = WEB
    page: str = ""
    """Path of the page that asks; empty: the usual one of its site."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Query parameters beside the usual ones."""
    write: bool = False
    """It has an effect: without a readable answer nobody knows whether it happened."""
    done_before: tuple[str, ...] = ()
    """Codes and words of a refusal that means: this was done already."""
    tells_success: bool = False
    """The answer has to say `success: true` a second time, inside."""
