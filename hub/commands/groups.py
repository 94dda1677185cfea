"""How the list of commands is parted for people."""

from __future__ import annotations

from hub.commands.actions import Action

HELP_GROUPS: tuple[tuple[str, tuple[Action, ...]], ...] = (
    (
        "会话",
        (
            Action.CANNED,
            Action.SAVE_CANNED,
            Action.RECALL,
            Action.FOCUS,
            Action.LEAVE,
            Action.HISTORY,
            Action.WHY,
            Action.TRY,
        ),
    ),
    (
        "几个人一起用",
        (
            Action.HAND_OVER,
            Action.LATER,
            Action.SILENCE,
            Action.DUTY,
            Action.BIND,
            Action.UNBIND,
        ),
    ),
    ("买家", (Action.NOTE, Action.TAG, Action.BLOCK, Action.CLEAR)),
    (
        "自动回复",
        (
            Action.PAUSE,
            Action.RESUME,
            Action.TAKE_OVER,
            Action.AI,
            Action.HALT,
            Action.GO,
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
    ("价格", (Action.PRICE, Action.FLOOR)),
    ("库存", (Action.STOCK, Action.RESTOCK, Action.VOID)),
    (
        "店铺",
        (
            Action.STATUS,
            Action.ACCOUNTS,
            Action.LOG_IN,
            Action.SWITCH_ON,
            Action.SWITCH_OFF,
            Action.RECONNECT,
            Action.CHECK_UP,
            Action.ITEMS,
            Action.BACKUP,
            Action.HELP,
        ),
    ),
)
"""Every action stands in one of them."""
