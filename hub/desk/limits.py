"""How much of what cannot be undone one person may do in a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.desk.operator import Operator
from hub.errors import Forbidden
from hub.model import Role
from hub.store import Tx

RISKY = ("order.resend", "order.release", "order.ship", "order.free", "order.price")
"""What the audit calls it."""
DAY = timedelta(days=1)


def check_risky(tx: Tx, operator: Operator, most: int, now: datetime) -> None:
    """Call it before one more of them is done. `most`: of an agent within 24 hours, 0: any number;
    owners have no limit. Raises Forbidden."""
    if operator.member.role is Role.OWNER or not most:
        return
    done = tx.audit.count(operator.shop, operator.member.id, RISKY, now - DAY)
    if done >= most:
        raise Forbidden(
            f"没有执行：补发、退回、标记发货、免拼、改价，你 24 小时里做了 {done} 次，"
            f"客服最多 {most} 次，请店主来做"
        )
