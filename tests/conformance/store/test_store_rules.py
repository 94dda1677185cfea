"""Rules by scope, and the small records beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest
from store_stage import Stage, add_account, at

from hub.model import (
    Hours,
    Match,
    Moment,
    Rule,
    RuleId,
    RuleKind,
    ShopId,
    StoredPicture,
)
from hub.store import Decision, Relay, Tx


def add_rule(stage: Stage, tx: Tx, reply: str, *, everywhere: bool = True) -> Rule:
    account = None if everywhere else stage.account.id
    rule = Rule(RuleId(0), stage.shop, account, RuleKind.KEYWORD, ("包邮", "在吗"), reply)
    return tx.rules.add(rule, at())


async def test_an_accounts_own_rules_come_before_those_for_all(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        all_1 = add_rule(stage, tx, "1")
        own_2 = add_rule(stage, tx, "2", everywhere=False)
        off_3 = add_rule(stage, tx, "3")
        own_4 = add_rule(stage, tx, "4", everywhere=False)
        off = replace(off_3, enabled=False)
        assert tx.rules.save(off)
        assert tx.rules.enabled(stage.shop, stage.account.id) == (own_2, own_4, all_1)
        other = add_account(tx, stage.shop, "2")
        assert tx.rules.enabled(stage.shop, other.id) == (all_1,)
        first_5 = tx.rules.add(replace(all_1, priority=1), at())
        assert tx.rules.enabled(stage.shop, stage.account.id)[0] == first_5
        tx.rules.remove(stage.shop, first_5.id)
        assert tx.rules.all(stage.shop) == [all_1, own_2, off, own_4]

    await stage.do(unit)


async def test_every_change_of_a_rule_counts_from_the_next_message_on(stage: Stage) -> None:
    """Also in the unit that makes it, and not after a unit that failed."""

    def replies(tx: Tx) -> list[str]:
        return [rule.reply for rule in tx.rules.enabled(stage.shop, stage.account.id)]

    rule = await stage.do(lambda tx: add_rule(stage, tx, "1"))
    assert await stage.do(replies) == ["1"]

    def failing(tx: Tx) -> None:
        tx.rules.save(replace(rule, reply="never"))
        assert replies(tx) == ["never"]
        raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await stage.do(failing)
        assert await stage.do(replies) == ["1"]

    def changing(tx: Tx) -> None:
        tx.rules.save(replace(rule, reply="2"))
        assert replies(tx) == ["2"]
        more = add_rule(stage, tx, "3")
        assert replies(tx) == ["2", "3"]
        tx.rules.save(replace(rule, enabled=False))
        assert replies(tx) == ["3"]
        tx.rules.remove(stage.shop, more.id)

    await stage.do(changing)
    assert await stage.do(replies) == await stage.store.read(replies) == []


async def test_a_rule_is_kept_whole_and_only_in_its_own_shop(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        rule = add_rule(stage, tx, "包邮的", everywhere=False)
        full = replace(
            rule,
            account=None,
            match=Match.PATTERN,
            keywords=("包.?邮",),
            items=("880011223344",),
            priority=7,
            hours=Hours(time(22, 30), time(8)),
            pictures=(StoredPicture("a.png", "image/png", 3, 4),),
            once=True,
            enabled=False,
        )
        assert tx.rules.save(full)
        assert tx.rules.get(stage.shop, rule.id) == full
        moment = replace(full, kind=RuleKind.MOMENT, moment=Moment.PAID, hours=None)
        assert tx.rules.save(moment)
        assert tx.rules.get(stage.shop, rule.id) == moment
        elsewhere = replace(full, shop=ShopId(stage.shop + 1))
        assert not tx.rules.save(elsewhere)
        assert not tx.rules.save(replace(full, id=RuleId(99)))
        assert tx.rules.get(stage.shop, rule.id) == moment
        assert tx.rules.remove(stage.shop, rule.id)
        assert not tx.rules.remove(stage.shop, rule.id)

    await stage.do(unit)


async def test_decisions_are_told_the_newest_first(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        message = stage.hear(tx, 1)
        rule = add_rule(stage, tx, "r")
        tx.decisions.add(
            stage.shop,
            conversation=stage.conversation.id,
            message=message,
            outcome="answered",
            reason="关键词 包邮",
            steps=("先看了商品",),
            rule=rule.id,
            now=at(),
        )
        tx.decisions.add(
            stage.shop,
            conversation=stage.conversation.id,
            message=message,
            outcome="silent",
            reason="人工接管",
            now=at(1),
        )
        tx.rules.remove(stage.shop, rule.id)
        assert tx.decisions.of_conversation(stage.shop, stage.conversation.id, 5) == [
            Decision(message, "silent", "人工接管", (), None, at(1)),
            Decision(message, "answered", "关键词 包邮", ("先看了商品",), rule.id, at()),
        ]

    await stage.do(unit)


async def test_a_relay_is_found_by_chat_and_id_the_newest_wins(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        def add(seconds: float, peer: str = "2") -> None:
            tx.relays.add(
                stage.shop,
                bot="1",
                scene="private",
                peer=peer,
                external_id="77",
                conversation=stage.conversation.id,
                now=at(seconds),
            )

        add(0)
        add(9)
        expected = Relay(stage.shop, stage.conversation.id, None, at(9))
        assert tx.relays.find("1", "private", "2", "77") == expected
        assert tx.relays.find("1", "group", "2", "77") is None
        assert tx.relays.find("9", "private", "2", "77") is None

    await stage.do(unit)


async def test_records_and_values(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.audit.add(
            stage.shop, member=None, door="cli", action="account.add", target="店1", now=at()
        )
        tx.audit.add(stage.shop, member=None, door="web", action="pause", now=at(1))
        assert [entry.action for entry in tx.audit.recent(stage.shop, 9)] == [
            "pause",
            "account.add",
        ]
        for number in range(1005):
            tx.quarantine.add(
                stage.shop,
                account=stage.account.id,
                raw="x" * (70_000 if number == 1004 else 9),
                reason="not base64",
                now=at(number),
            )
        assert tx.quarantine.count(stage.shop) == 1000
        newest = tx.quarantine.recent(stage.shop, 1)[0]
        assert (newest.reason, newest.at, len(newest.raw)) == ("not base64", at(1004), 64 * 1024)
        assert tx.values.get(stage.shop, "qq.token") is None
        tx.values.set(stage.shop, "qq.token", "秘密", sealed=True)
        assert tx.values.get(stage.shop, "qq.token") == "秘密"
        tx.values.set(stage.shop, "qq.token", "不秘密")
        assert tx.values.get(stage.shop, "qq.token") == "不秘密"

    await stage.do(unit)
