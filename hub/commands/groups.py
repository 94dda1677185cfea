"""How the list of commands is parted for people."""

from __future__ import annotations

from hub.commands.actions import Action

HELP_GROUPS: tuple[tuple[str, tuple[Action, ...]], ...] = (
    (
        "会话",
        (
            Action.FOCUS,
            Action.HISTORY,
            Action.CANNED,
            Action.RECALL,
            Action.WHY,
            Action.TRY,
            Action.SAVE_CANNED,
            Action.LEAVE,
        ),
    ),
    (
        "订单和发货",
        (
            Action.NEEDS,
            Action.SETTLE,
            Action.ORDER,
            Action.DELIVER,
            Action.RESEND,
            Action.OUTSIDE,
            Action.SHIP,
            Action.FREE,
            Action.RELEASE,
            Action.REFUSE,
            Action.STOP,
            Action.GO_ON,
            Action.DELIVERY_RULES,
        ),
    ),
    (
        "自动回复",
        (
            Action.PAUSE,
            Action.RESUME,
            Action.HALT,
            Action.GO,
            Action.TAKE_OVER,
            Action.AI,
        ),
    ),
    ("买家", (Action.NOTE, Action.TAG, Action.BLOCK, Action.CLEAR)),
    ("价格", (Action.PRICE, Action.FLOOR)),
    ("库存和补货", (Action.STOCK, Action.RESTOCK, Action.VOID)),
    (
        "店铺",
        (
            Action.STATUS,
            Action.CHECK_UP,
            Action.ACCOUNTS,
            Action.LOG_IN,
            Action.SWITCH_ON,
            Action.SWITCH_OFF,
            Action.RECONNECT,
            Action.ITEMS,
            Action.BACKUP,
            Action.HELP,
        ),
    ),
    (
        "同事",
        (
            Action.HAND_OVER,
            Action.LATER,
            Action.SILENCE,
            Action.DUTY,
            Action.BIND,
            Action.UNBIND,
        ),
    ),
)
"""Every action stands in one of them, the daily ones first. None is called like a command, so that
help about both can be asked for by name."""


def find_group(name: str) -> str | None:
    """The group that is called so, or begins so: `订单` is enough for 订单和发货."""
    wanted = name.strip().lstrip("/／")
    return next((group for group, _ in HELP_GROUPS if wanted and group.startswith(wanted)), None)
