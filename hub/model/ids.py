"""Ids: numbers of ours, strings of the platform's."""

from __future__ import annotations

from typing import NewType

ShopId = NewType("ShopId", int)
MemberId = NewType("MemberId", int)
AccountId = NewType("AccountId", int)
ConversationId = NewType("ConversationId", int)
MessageId = NewType("MessageId", int)
RuleId = NewType("RuleId", int)
HoldId = NewType("HoldId", int)
TaskId = NewType("TaskId", int)
PoolId = NewType("PoolId", int)
CardId = NewType("CardId", int)
BatchId = NewType("BatchId", int)
DeliveryId = NewType("DeliveryId", int)
DeliveryRuleId = NewType("DeliveryRuleId", int)
NeedId = NewType("NeedId", int)
CannedId = NewType("CannedId", int)
AiProfileId = NewType("AiProfileId", int)
AiUseId = NewType("AiUseId", int)

PlatformUser = NewType("PlatformUser", str)
"""Numeric id of a person on the platform, digits only (no `@goofish`)."""
PlatformConversation = NewType("PlatformConversation", str)
"""Digits of a conversation id (no `@goofish`)."""
PlatformMessage = NewType("PlatformMessage", str)
"""Server id of a message, `<13 digits>.PNM`; unique per account."""
