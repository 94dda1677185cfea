"""How the platform behaves when nothing is wrong, and how it answers each open question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

CHOICES: dict[str, tuple[str, ...]] = {
    "sync_duty": ("none", "ack", "state"),
    "ack_diff_answer": ("plain", "extended", "package"),
    "send_answer": ("body", "nested", "nested_twice", "bare", "none"),
    "forbid_in": ("code", "more_info"),
    "expired_line": ("nothing", "zombie", "kick"),
    "json_messages": ("no", "text", "custom"),
    "create_answer": ("single", "list", "user", "cid"),
    "ws_cookie": ("ignored", "needed"),
    "spec_form": ("sku_info", "names"),
    "order_numbers": ("all", "to_ship"),
    "bargain": ("both", "state", "later"),
    "qr_login": ("cookies", "token"),
}
"""What the manners that are words may say; the first is the default."""


@dataclass(slots=True)
class Manners:
    """All of it can be changed while running; the open questions stand at the end."""

    list_quiet_seconds: float = 3.0
    """Lists asked for earlier than this after `/reg` are throttled (400600001)."""
    mtop_token_seconds: float = 600.0
    im_token_seconds: float = 86_400.0
    encoded_token: bool = True
    """Hand the access token out percent-encoded, as the platform sometimes does."""
    zombies: bool = True
    """A newer token turns the older connection of the same device into a zombie."""
    redeliver: bool = True
    """Push again, after a reconnect, what was pushed and never acknowledged."""
    unacked_limit: int = 0
    """Close a connection that owes this many acknowledgements; 0: never."""
    lines_per_account: int = 0
    """Refuse `/reg` beyond this many connections of other devices; 0: no limit."""
    echo_first: bool = False
    """Push the echo of an accepted send before its answer."""
    settle_seconds: float = 0.0
    """An order younger than this refuses a new price and being closed."""
    qr_seconds: float = 300.0
    """Life of a QR code."""
    qr_login: str = "cookies"
    """A confirmed code brings the session at once, or a token for `login_token/login.do`."""
    item_group: bool = True
    """The own items are listed only to those who name a group or ask for its details."""
    unfiltered_orders: bool = False
    """The ordinary order list ignores which states were asked for, as it may."""

    # --- open questions ---

    sync_duty: str = "none"
    """What `/reg` must be followed by before anything is pushed: nothing, `ackDiff`, or `getState`
    and then `ackDiff` with its answer."""
    ack_diff_answer: str = "plain"
    """Without body, with the extension model, or with what was missed inside the answer."""
    image_type: int = 0
    """`custom.type` of image sends that is accepted; 0: any."""
    history_type: int = 0
    """`custom.type` in histories; 0: the content type."""
    send_answer: str = "body"
    """Where the answer to a send names the message; `none`: no answer at all."""
    ok_code: int = 200
    forbid_in: str = "code"
    """Where CSI_FORBID stands: in code and moreInfo, or in moreInfo alone."""
    forbid_code: int = 200
    """Outer code of a blocked send; 0: no code."""
    announced_token_seconds: float = 0.0
    """Life that the answer promises for an IM token; 0: its true life."""
    expired_line: str = "nothing"
    """What becomes of a connection whose token runs out."""
    object_types: bool = True
    """False: every MessagePack entry says objectType 40."""
    spec_form: str = "sku_info"
    """Specification in an order: one text, or name and value."""
    spec_joint: str = ";"
    """Between several specifications in one text."""
    order_numbers: str = "all"
    """Whether states other than 2 (to ship) have a number."""
    completed_words: bool = False
    """`completed` of an order's steps as "true" and "false"."""
    ws_cookie: str = "ignored"
    """Whether `/reg` needs a login cookie on the WebSocket."""
    nested_messages: bool = False
    """Chat messages one level deeper, with the receiver in `1.4` and the time as text."""
    read_status: bool = True
    """False: `readStatus` is always 2."""
    json_messages: str = "no"
    """Buyers' messages over the JSON channel, as inner content or wrapped."""
    create_answer: str = "single"
    """Where the answer to `create` names the conversation."""
    session_sync: bool = True
    """False: `pc.session.sync` has been withdrawn."""
    bargain: str = "both"
    """After freeshipping: card and state change, the state alone, or neither until told."""

    def change(self, values: Mapping[str, Any]) -> None:
        """Raises ValueError for an unknown name or another type; then nothing changes."""
        known = asdict(self)
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown manner {name!r}; known: {sorted(known)}")
            if name in CHOICES and value not in CHOICES[name]:
                raise ValueError(f"{name} is one of {', '.join(CHOICES[name])}")
            if not _alike(known[name], value):
                raise ValueError(f"{name} must be like {known[name]!r}")
        for name, value in values.items():
            setattr(self, name, type(known[name])(value))


def _alike(current: object, value: object) -> bool:
    if isinstance(current, bool) or isinstance(value, bool):
        return isinstance(current, bool) and isinstance(value, bool)
    if isinstance(current, str) or isinstance(value, str):
        return isinstance(current, str) and isinstance(value, str)
    return isinstance(value, int | float)
