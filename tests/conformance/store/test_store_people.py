"""Members, logins, and what must happen only once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_stage import Stage, at

from hub.errors import Conflict
from hub.model import Claim, MailTrouble, Member, PeoplePlan, Role
from hub.store import Listeners, Tx, WebSession


async def test_a_member_comes_back_as_added(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        member = tx.members.add(
            stage.shop, "老板", Role.OWNER, qq=("20002", "10002"), email="o@x.cn", now=at()
        )
        assert member == Member(
            member.id, stage.shop, "老板", Role.OWNER, ("10002", "20002"), "o@x.cn"
        )
        assert tx.members.get(stage.shop, member.id) == member
        assert tx.members.by_name("老板") == member
        assert tx.members.by_qq("20002") == member
        assert tx.members.all(stage.shop) == [member]
        assert tx.members.by_qq("30003") is tx.members.by_name("谁") is None

    await stage.do(unit)


@pytest.mark.parametrize(("name", "qq"), [("老板", ()), ("别人", ("10002",))])
async def test_names_and_qq_ids_belong_to_one_member(
    stage: Stage, name: str, qq: tuple[str, ...]
) -> None:
    await stage.do(
        lambda tx: tx.members.add(stage.shop, "老板", Role.OWNER, qq=("10002",), now=at())
    )
    with pytest.raises(Conflict):
        await stage.do(lambda tx: tx.members.add(stage.shop, name, Role.AGENT, qq=qq, now=at()))
    members = await stage.store.read(lambda tx: tx.members.all(stage.shop))
    assert [member.name for member in members] == ["老板"]


async def test_an_update_changes_only_what_is_given(stage: Stage) -> None:

    def unit(tx: Tx) -> None:
        id_ = tx.members.add(
            stage.shop, "小王", Role.AGENT, qq=("1", "2"), email="w@x.cn", now=at()
        ).id
        tx.members.set_password(stage.shop, id_, "argon2")
        renamed = tx.members.update(stage.shop, id_, name="王")
        assert renamed == Member(
            id_, stage.shop, "王", Role.AGENT, ("1", "2"), "w@x.cn", has_password=True
        )
        changed = tx.members.update(stage.shop, id_, qq=("2", "3"), email="", role=Role.VIEWER)
        assert changed is not None
        assert (changed.qq, changed.email, changed.role) == (("2", "3"), None, Role.VIEWER)
        assert tx.members.by_qq("1") is None
        assert tx.members.password_hash(stage.shop, id_) == "argon2"
        assert tx.members.update(stage.shop, type(id_)(99), name="x") is None
        tx.members.add(stage.shop, "李", Role.AGENT, now=at())
        with pytest.raises(Conflict):
            tx.members.update(stage.shop, id_, name="李")

    await stage.do(unit)


async def test_only_active_members_are_operators(stage: Stage) -> None:
    """A switched-off member has no door left."""

    def unit(tx: Tx) -> None:
        owner = tx.members.add(stage.shop, "老板", Role.OWNER, qq=("1",), now=at())
        agent = tx.members.add(stage.shop, "小王", Role.AGENT, qq=("2",), now=at())
        assert tx.members.operators_qq() == {"1", "2"}
        assert tx.members.owners(stage.shop) == [owner]
        assert tx.members.owners_qq(stage.shop) == ["1"]
        tx.web_sessions.add(
            stage.shop, agent.id, token_hash="h", csrf="c", now=at(), expires_at=at(60)
        )
        tx.members.update(stage.shop, agent.id, active=False)
        tx.members.update(stage.shop, owner.id, active=False)
        assert tx.members.operators_qq() == frozenset()
        assert tx.members.by_qq("2") is None
        assert tx.members.owners(stage.shop) == []
        assert tx.members.owners_qq(stage.shop) == []
        assert tx.web_sessions.find("h", at(1)) is None
        found = tx.members.by_name("小王")
        assert found is not None
        assert not found.active

    await stage.do(unit)


async def test_the_first_password_is_noticed(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        id_ = tx.members.add(stage.shop, "老板", Role.OWNER, now=at()).id
        assert not tx.members.any_with_password()
        tx.members.set_password(stage.shop, id_, "hash")
        assert tx.members.any_with_password()

    await stage.do(unit)


async def test_a_web_session_ends_by_time_by_itself_and_with_its_member(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        id_ = tx.members.add(stage.shop, "老板", Role.OWNER, now=at()).id

        def add(token: str) -> None:
            tx.web_sessions.add(
                stage.shop, id_, token_hash=token, csrf="c", now=at(), expires_at=at(60)
            )

        for token in "abc":
            add(token)
        assert tx.web_sessions.find("a", at(59)) == WebSession(stage.shop, id_, "c", at(60))
        assert tx.web_sessions.find("a", at(60)) is None
        tx.web_sessions.remove("a")
        assert tx.web_sessions.find("a", at(1)) is None
        assert tx.web_sessions.find("b", at(1)) is not None
        tx.web_sessions.remove_of(stage.shop, id_)
        assert tx.web_sessions.find("b", at(1)) is tx.web_sessions.find("c", at(1)) is None

    await stage.do(unit)


async def test_attempts_are_counted_by_key_and_time(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        for seconds in (0, 10, 20):
            tx.throttle.add("name:x", at(seconds))
        tx.throttle.add("ip:y", at(20))
        assert tx.throttle.count("name:x", at(10)) == 2
        assert tx.throttle.count("ip:y", at(0)) == 1
        tx.throttle.clear("name:x")
        assert tx.throttle.count("name:x", at(0)) == 0
        assert tx.throttle.count("ip:y", at(0)) == 1
        tx.throttle.add("ip:z", at(2 * 86400))
        assert tx.throttle.count("ip:y", at(0)) == 0

    await stage.do(unit)


async def test_an_input_counts_once_per_shop(stage: Stage) -> None:
    assert await stage.do(lambda tx: tx.inputs.first_time(stage.shop, "qq:1", at()))
    assert not await stage.do(lambda tx: tx.inputs.first_time(stage.shop, "qq:1", at(9)))
    assert await stage.do(lambda tx: tx.inputs.first_time(stage.shop, "qq:2", at()))


async def test_a_stranger_is_answered_at_most_once_in_a_while(stage: Stage) -> None:
    day = timedelta(days=1)

    def unit(tx: Tx) -> list[bool]:
        return [
            tx.strangers.may_answer(key, at(hours * 3600), day)
            for key, hours in [("a", 0), ("a", 1), ("b", 1), ("a", 24), ("a", 25), ("b", 25)]
        ]

    assert await stage.do(unit) == [True, False, True, True, False, True]


async def test_urgent_mail_goes_to_active_members_who_want_it_each_mailbox_once(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        shop = stage.shop
        tx.members.add(shop, "老板", Role.OWNER, email="Boss@x.cn", now=at())
        tx.members.add(shop, "同箱", Role.AGENT, email="boss@x.cn", now=at())
        tx.members.add(shop, "没有", Role.AGENT, now=at())
        tx.members.add(shop, "不要", Role.AGENT, email="no@x.cn", urgent_mail=False, now=at())
        gone = tx.members.add(shop, "走了", Role.AGENT, email="gone@x.cn", now=at())
        tx.members.update(shop, gone.id, active=False)
        some = tx.members.add(shop, "小李", Role.AGENT, email="li@x.cn", now=at())
        assert [one.casefold() for one in tx.members.mailed(shop)] == ["boss@x.cn", "li@x.cn"]
        off = tx.members.update(shop, some.id, urgent_mail=False)
        assert off is not None
        assert off.urgent_mail is False
        kept = tx.members.update(shop, some.id, name="李")
        assert kept is not None
        assert kept.urgent_mail is False
        assert len(tx.members.mailed(shop)) == 1

    await stage.do(unit)


async def test_a_trouble_of_mail_comes_back_as_it_was_kept_until_it_is_over(stage: Stage) -> None:
    trouble = MailTrouble("不认密码", at(1), at(2), at(3))

    def unit(tx: Tx) -> None:
        assert tx.mail_troubles.get(stage.shop) is None
        assert not tx.mail_troubles.clear(stage.shop)
        tx.mail_troubles.set(stage.shop, trouble)
        assert tx.mail_troubles.get(stage.shop) == trouble
        assert tx.mail_troubles.clear(stage.shop)
        assert tx.mail_troubles.get(stage.shop) is None

    await stage.do(unit)


async def test_who_hears_of_something_comes_in_one_answer(stage: Stage) -> None:
    plan = PeoplePlan(claimed_only=True)

    def unit(tx: Tx) -> None:
        shop, here = stage.shop, stage.conversation.id
        assert tx.attention.listeners(shop, here) == Listeners(None, None, ())
        owner = tx.members.add(shop, "老板", Role.OWNER, qq=("3", "1"), now=at())
        other = tx.members.add(shop, "老板娘", Role.OWNER, qq=("2",), now=at())
        agent = tx.members.add(shop, "小李", Role.AGENT, qq=("4",), now=at())
        tx.members.add(shop, "没有QQ", Role.OWNER, now=at())
        claim = Claim(here, agent.id, at(), at(1), handed=True)
        tx.attention.claim(shop, claim)
        tx.plans.set(shop, plan)
        found = tx.attention.listeners(shop, here)
        assert found == Listeners(plan, claim, (("1", "3"), ("2",)))
        assert [qq for one in found.owners_qq for qq in one] == tx.members.owners_qq(shop)
        assert tx.attention.listeners(shop, None).claim is None
        tx.members.update(shop, owner.id, active=False)
        tx.members.update(shop, other.id, role=Role.VIEWER)
        assert tx.attention.listeners(shop, here) == Listeners(plan, claim, ())

    await stage.do(unit)
