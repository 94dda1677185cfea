"""How much of what cannot be undone one person may do in a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.desk.operator import Operator
from hub.errors import Forbidden
from hub.model import Role
from hub.store import Tx

ANYWAY = {
    "order.deliver": "order.deliver_anyway",
    "order.release": "order.release_anyway",
    "order.ship": "order.ship_anyway",
}
"""What the audit calls acts that need a second word only at times, when they needed one."""
RISKY = ("order.resend", "order.free", "order.price", *ANYWAY.values())
"""What is counted: all that was done after a second word, each time that it was done."""
DAY = timedelta(days=1)


def check_risky(tx: Tx, operator: Operator, most: int, now: datetime) -> None:
    """Call it before one more of them is done. `most`: of an agent within 24 hours, 0: any number;
    owners have no limit. Raises Forbidden."""
    if operator.member.role is Role.OWNER or not most:
        return
    done = tx.audit.count(operator.shop, operator.member.id, RISKY, now - DAY)
    if done >= most:
        raise Forbidden(
            f"没有执行：要确认的事（再发一次、退回、免拼、改价等），你 24 小时里做了 {done} 次，"
            f"客服最多 {most} 次，请店主来做"
        )
