"""Rules for automatic answers: for items, keywords, moments, and when nothing else answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypedDict, Unpack

from hub.desk.operator import Operator
from hub.desk.stored_pictures import keep_picture, read_picture
from hub.errors import Invalid, NotFound
from hub.model import (
    AccountId,
    Hours,
    Match,
    Moment,
    Role,
    Rule,
    RuleId,
    RuleKind,
    StoredPicture,
)
from hub.policy import (
    Author,
    GuardWords,
    ReplyFacts,
    ReplyPart,
    checked_reply,
    checked_rule,
    compose_reply,
    guard,
)
from hub.store import Store, Tx

SAMPLE = ReplyFacts(
    buyer_name="小林",
    buyer_id="3100444455556",
    message="在吗，今天能发吗",
    item_id="900100200300",
    item_title="会员月卡 自动发货",
    item_price="12.50",
    order_id="4400112233445566778",
    order_amount="12.50",
    account="数码小店",
)
"""What previews are made with."""


class RuleFields(TypedDict, total=False):
    """What can be given of a rule; see `Rule`."""

    account: AccountId | None
    keywords: Iterable[str]
    match: Match
    items: Iterable[str]
    reply: str
    silent: bool
    """True: the rule matches and says nothing on purpose, whatever `reply` was."""
    priority: int
    hours: Hours | None
    once: bool
    moment: Moment | None
    enabled: bool
    new_pictures: Iterable[bytes]
    """Added after those it has, packed anew."""
    without_pictures: Collection[str]
    """Names of pictures it says no more. The files stay: an answer under way may need them."""


class Rules:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def all(self, operator: Operator) -> Sequence[Rule]:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.rules.all(operator.shop))

    async def get(self, operator: Operator, rule: RuleId) -> Rule:
        """Raises NotFound."""
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: _find(tx, operator, rule))

    async def picture(self, operator: Operator, rule: RuleId, name: str) -> tuple[bytes, str]:
        """A picture that a rule says, and its media type. Raises NotFound."""
        found = await self.get(operator, rule)
        return await read_picture(self._store, found.pictures, name)

    def sample(self, reply: str, pictures: Sequence[StoredPicture] = ()) -> tuple[ReplyPart, ...]:
        """What an invented buyer would read. Raises Invalid as saving would."""
        return compose_reply(checked_reply(reply, has_pictures=bool(pictures)), SAMPLE, pictures)

    async def add(
        self, operator: Operator, *, kind: RuleKind, **fields: Unpack[RuleFields]
    ) -> Rule:
        operator.require(Role.OWNER)
        new = await self._kept(fields)
        wanted = drawn_up(new_rule(operator, kind), fields, new)
        now = self._now()

        def unit(tx: Tx) -> Rule:
            _check_account(tx, operator, wanted.account)
            refuse_cards(tx, operator, wanted.reply, "reply")
            rule = tx.rules.add(wanted, now)
            operator.record(tx, "rule.add", str(rule.id), now)
            return rule

        return await self._store.write(unit)

    async def change(self, operator: Operator, rule: RuleId, **fields: Unpack[RuleFields]) -> Rule:
        """Change what is given, leave the rest: switching a rule does not touch its text (L54)."""
        operator.require(Role.OWNER)
        new = await self._kept(fields)
        now = self._now()

        def unit(tx: Tx) -> Rule:
            found = _find(tx, operator, rule)
            wanted = drawn_up(found, fields, new)
            _check_account(tx, operator, wanted.account)
            if wanted.reply != found.reply or (wanted.enabled and not found.enabled):
                refuse_cards(tx, operator, wanted.reply, "reply")
            tx.rules.save(wanted)
            operator.record(tx, "rule.change", str(rule), now)
            return wanted

        return await self._store.write(unit)

    async def add_picture(self, operator: Operator, rule: RuleId, data: bytes) -> Rule:
        """One more picture that this rule says after its text."""
        return await self.change(operator, rule, new_pictures=[data])

    async def remove_picture(self, operator: Operator, rule: RuleId, name: str) -> Rule:
        return await self.change(operator, rule, without_pictures=[name])

    async def remove(self, operator: Operator, rule: RuleId) -> None:
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> None:
            _find(tx, operator, rule)
            tx.rules.remove(operator.shop, rule)
            operator.record(tx, "rule.remove", str(rule), now)

        await self._store.write(unit)

    async def _kept(self, fields: RuleFields) -> list[StoredPicture]:
        return [await keep_picture(self._store, data) for data in fields.get("new_pictures", ())]


def new_rule(operator: Operator, kind: RuleKind) -> Rule:
    """One of this kind that says nothing yet."""
    return Rule(RuleId(0), operator.shop, None, kind)


def drawn_up(rule: Rule, fields: RuleFields, new: Sequence[StoredPicture] = ()) -> Rule:
    """The rule with these fields, as it would be kept; `new`: pictures that are on the disk
    already. Raises Invalid with a sentence for each that is wrong."""
    muted = rule.silent and rule.id != 0 and not fields.get("reply") and not new
    return checked_rule(_with(rule, fields, new), silent=fields.get("silent", muted))


def _with(rule: Rule, fields: RuleFields, new: Sequence[StoredPicture]) -> Rule:
    gone = {*fields.get("without_pictures", ()), *(one.name for one in new)}
    kept = [one for one in rule.pictures if one.name not in gone]
    return replace(
        rule,
        account=fields.get("account", rule.account),
        keywords=tuple(fields.get("keywords", rule.keywords)),
        match=fields.get("match", rule.match),
        items=tuple(fields.get("items", rule.items)),
        reply=fields.get("reply", rule.reply),
        pictures=(*kept, *dict.fromkeys(new)),
        priority=fields.get("priority", rule.priority),
        hours=fields.get("hours", rule.hours),
        once=fields.get("once", rule.once),
        moment=fields.get("moment", rule.moment),
        enabled=fields.get("enabled", rule.enabled),
    )


def _check_account(tx: Tx, operator: Operator, account: AccountId | None) -> None:
    if account is not None and tx.accounts.get(operator.shop, account) is None:
        raise Invalid("选的账号不存在，请重新选择", {"account": "账号不存在"})


def refuse_cards(tx: Tx, operator: Operator, words: str, field: str) -> None:
    """What is said again and again must hold no goods: every buyer would get the same card.

    Raises Invalid, without the code."""
    leaks = guard(
        words,
        GuardWords(),
        author=Author.OWNER,
        is_card=lambda code: tx.cards.by_code(operator.shop, code) is not None,
    )
    if leaks:
        raise Invalid(
            "没有保存：里面有库存里的卡密，谁问都会发给谁。卡密请放在卡池里，由发货规则发出",
            {field: "不能写库存里的卡密"},
        )


def _find(tx: Tx, operator: Operator, rule: RuleId) -> Rule:
    found = tx.rules.get(operator.shop, rule)
    if found is None:
        raise NotFound("这条规则不存在，可能已经被删除")
    return found
