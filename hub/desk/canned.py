"""Canned answers: kept under a short code, said from every door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from hub.answers import written
from hub.desk.operator import Operator
from hub.desk.rules import refuse_cards
from hub.errors import Invalid, NotFound
from hub.model import CannedAnswer, CannedId, ConversationId, Role, Text
from hub.policy import checked_reply
from hub.store import Store, Tx

LONGEST_CODE = 20
MOST = 200


class Canned:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def all(self, operator: Operator) -> Sequence[CannedAnswer]:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.canned.all(operator.shop))

    async def save(self, operator: Operator, code: str, text: str) -> CannedAnswer:
        """Keep a new one, or new words under a code that is known."""
        operator.require(Role.AGENT)
        name, words = _checked_code(code), checked_reply(text, field="text", what="常用语")
        now = self._now()

        def unit(tx: Tx) -> CannedAnswer:
            known = tx.canned.all(operator.shop)
            if len(known) >= MOST and all(one.code != name for one in known):
                raise Invalid(f"常用语最多 {MOST} 条，先删掉不用的")
            refuse_cards(tx, operator, words, "text")
            operator.record(tx, "canned.save", name, now)
            return tx.canned.save(operator.shop, name, words, now)

        return await self._store.write(unit)

    async def remove(self, operator: Operator, id_: CannedId) -> None:
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> None:
            found = tx.canned.get(operator.shop, id_)
            if found is None:
                raise NotFound("这条常用语已经不在了")
            tx.canned.remove(operator.shop, id_)
            operator.record(tx, "canned.remove", found.code, now)

        await self._store.write(unit)

    async def for_conversation(
        self, operator: Operator, conversation: ConversationId
    ) -> Sequence[CannedAnswer]:
        """All of them as they would be said in this conversation; several messages of one are
        parted by an empty line."""
        operator.require(Role.AGENT)

        def unit(tx: Tx) -> list[CannedAnswer]:
            found = tx.conversations.get(operator.shop, conversation)
            account = tx.accounts.get(operator.shop, found.account) if found else None
            if found is None or account is None:
                raise NotFound("这个会话已经不在了")
            said = []
            for one in tx.canned.all(operator.shop):
                contents = written(tx, account, found, one.text)
                texts = [part.text for part in contents if isinstance(part, Text)]
                said.append(replace(one, text="\n\n".join(texts)))
            return said

        return await self._store.read(unit)

    async def messages(
        self, operator: Operator, conversation: ConversationId, code: str
    ) -> list[str]:
        """What this code says in this conversation, placeholders filled, one text a message."""
        operator.require(Role.AGENT)

        def unit(tx: Tx) -> list[str]:
            found = tx.conversations.get(operator.shop, conversation)
            account = tx.accounts.get(operator.shop, found.account) if found else None
            if found is None or account is None:
                raise NotFound("这个会话已经不在了")
            canned = meant(tx.canned.all(operator.shop), code)
            contents = written(tx, account, found, canned.text)
            return [one.text for one in contents if isinstance(one, Text)]

        return await self._store.read(unit)


def meant(known: Sequence[CannedAnswer], code: str) -> CannedAnswer:
    """The one of this code, or the only one whose code begins so. Raises NotFound."""
    wanted = code.strip().lower()
    exact = [one for one in known if one.code == wanted]
    found = exact or [one for one in known if wanted and one.code.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    codes = "、".join(one.code for one in (found or known)[:20])
    if found:
        raise NotFound(f"没有发送：不知道是哪一条，请写全：{codes}")
    if not known:
        raise NotFound("没有发送：还没有常用语。引用一条自己的回复写 /存 短码，就存下来了")
    raise NotFound(f"没有发送：没有短码是「{code.strip()}」的常用语，现有：{codes}")


def _checked_code(code: str) -> str:
    name = code.strip().lower()
    if not name or len(name) > LONGEST_CODE or any(sign.isspace() for sign in name):
        raise Invalid(
            f"短码是 1 到 {LONGEST_CODE} 个字，中间不能有空格", {"code": "短一点，不带空格"}
        )
    if name[0] in "#＃/":
        raise Invalid("短码不能用 # 或 / 开头，会和编号、命令混在一起", {"code": "换个开头"})
    return name
