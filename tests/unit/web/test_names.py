"""Whatever people call themselves and things, it is shown as text."""

from __future__ import annotations

from web_stage import Stage, Visitor, utc_now

from hub.desk import Operator
from hub.model import AccountState, Role, RuleKind, Scope


async def test_no_name_that_anybody_chose_is_markup_on_any_page(
    stage: Stage, boss: Visitor, owner: Operator
) -> None:
    """Buyers, sellers, colleagues and platforms name things; so do bots that knock."""
    evil = "\"'><svg onload=alert(1)>"
    account = await stage.account(owner, evil[:30])
    conversation = await stage.conversation(account, buyer=evil)
    await stage.store.write(
        lambda tx: tx.conversations.upsert(
            account.shop, account.id, conversation.platform_id, item_title=evil
        )
    )
    await stage.says(conversation, evil)
    await stage.store.write(
        lambda tx: tx.accounts.set_state(
            account.shop, account.id, AccountState.WAITING, evil, utc_now()
        )
    )
    member = await stage.member(owner, evil[:30], Role.AGENT)
    rule = await stage.desk.rules.add(owner, kind=RuleKind.KEYWORD, keywords=[evil], reply=evil)
    await stage.desk.holds.pause(owner, Scope(conversation=conversation.id), reason=evil)
    stage.bots.append(evil)
    stage.refusals.append((utc_now(), evil))
    for path in (
        "/",
        "/accounts",
        f"/accounts/{account.id}",
        "/conversations",
        f"/conversations/{conversation.id}",
        "/rules",
        f"/rules/{rule.id}",
        f"/rules/{rule.id}/remove",
        "/members",
        "/mail",
        f"/members/{member.id}",
        "/qq",
        "/audit",
    ):
        page = await boss.get(path)
        assert page.status == 200, path
        assert "<svg onload" not in page.text, path
        assert "svg onload" in page.text, f"{path} does not show what is tested here"
