"""Who acts, through which door, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.commands import may
from hub.errors import Forbidden
from hub.model import Member, Role, ShopId
from hub.store import Tx


class Door(StrEnum):
    QQ = "qq"
    WEB = "web"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Operator:
    """A member acting through a door; `reference` is the door's own id of the act."""

    member: Member
    door: Door
    reference: str = ""

    @property
    def shop(self) -> ShopId:
        return self.member.shop

    def require(self, role: Role) -> None:
        """Raises Forbidden unless the member's role is at least `role`."""
        if not may(self.member.role, role):
            raise Forbidden(f"你的身份是{ROLES[self.member.role]}，这件事要{ROLES[role]}才能做")

    def record(self, tx: Tx, action: str, target: str, now: datetime) -> None:
        """Write the act into the audit, in the transaction that does it."""
        tx.audit.add(
            self.shop,
            member=self.member.id or None,
            door=self.door,
            action=action,
            target=target,
            detail=self.reference,
            now=now,
        )


ROLES: dict[Role, str] = {Role.OWNER: "店主", Role.AGENT: "客服", Role.VIEWER: "只读成员"}
