"""Accounts, rules, members, QQ: what owners set up."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from web_stage import LINK_TOKEN, PASSWORD, TOKEN, Stage, Visitor, cookies_of, visiting

from hub.desk import Operator
from hub.model import AccountState, Role, RuleKind

# --- Accounts -------------------------------------------------------------------------------------


async def test_an_account_is_added_by_a_pasted_cookie_and_shown_with_its_state(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    page = await boss.submit("/accounts/new", name="数码小店", cookies=cookies_of())
    (account,) = await stage.desk.accounts.all(owner)
    assert page.leads_to == f"/accounts/{account.id}?done=account-added"
    shown = await boss.get("/accounts")
    assert "数码小店" in shown.text
    assert "准备连接" in shown.text


@pytest.mark.parametrize(
    ("cookies", "said"),
    [
        ("", "Cookie 是空的"),
        ("SECRET-nonsense", "不像 Cookie"),
        ("cookie2=SECRET; t=1", "没有 unb"),
        ("unb=2200111122223; t=SECRET", "缺少登录凭证 cookie2"),
    ],
)
async def test_a_refused_cookie_is_never_shown_again_but_the_name_stays(
    boss: Visitor, cookies: str, said: str
) -> None:
    page = await boss.submit("/accounts/new", name="数码小店", cookies=cookies)
    assert page.status == 400
    assert said in page.text
    assert page.value("name") == "数码小店"
    assert "SECRET" not in page.text
    assert 'id="cookies-error"' in page.text


async def test_a_stored_cookie_is_on_no_page(stage: Stage, owner: Operator, boss: Visitor) -> None:
    account = await stage.account(owner)
    for path in ("/", "/accounts", f"/accounts/{account.id}", "/audit", "/conversations"):
        assert "E100secret" not in (await boss.get(path)).text


PROXY = "socks5://me:SECRET@10.0.0.1:1080"
SHOWN = "socks5://***@10.0.0.1:1080"


async def test_a_proxy_is_saved_shown_with_stars_and_taken_away_again(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    path = f"/accounts/{account.id}"
    assert "现在是直连" in (await boss.get(path)).text

    saved = await boss.submit(f"{path}/proxy", on=path, proxy=PROXY)

    assert saved.leads_to == f"{path}?done=account-proxy"
    shown = (await boss.get(saved.leads_to)).text
    assert SHOWN in shown
    assert "代理已保存" in shown
    for page in (path, "/accounts", "/audit", "/"):
        assert "SECRET" not in (await boss.get(page)).text
    assert "更换账号代理" in (await boss.get("/audit")).text
    assert await stage.desk.accounts.proxy(owner, account.id) == SHOWN

    direct = await boss.submit(f"{path}/proxy", on=path, direct="1")
    assert direct.leads_to == f"{path}?done=account-direct"
    assert "现在是直连" in (await boss.get(path)).text


@pytest.mark.parametrize("proxy", ["", "  ", "10.0.0.1:1080 SECRET", "socks5://me:SEC#RET@h:1"])
async def test_a_refused_proxy_keeps_the_old_one_and_is_not_shown_again(
    stage: Stage, owner: Operator, boss: Visitor, proxy: str
) -> None:
    account = await stage.account(owner)
    await stage.desk.accounts.set_proxy(owner, account.id, PROXY)
    path = f"/accounts/{account.id}"
    page = await boss.submit(f"{path}/proxy", on=path, proxy=proxy)
    assert page.status == 400
    assert 'id="proxy-error"' in page.text
    assert "SEC" not in page.text
    assert await stage.desk.accounts.proxy(owner, account.id) == SHOWN


async def test_a_new_account_can_have_a_proxy_from_its_first_connection_on(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    refused = await boss.submit(
        "/accounts/new", name="二店", cookies=cookies_of(), proxy="nonsense SECRET"
    )
    assert (refused.status, "SECRET" in refused.text) == (400, False)
    assert refused.value("name") == "二店"
    await boss.submit("/accounts/new", name="二店", cookies=cookies_of(), proxy=PROXY)
    (account,) = await stage.desk.accounts.all(owner)
    assert await stage.desk.accounts.proxy(owner, account.id) == SHOWN


async def test_members_who_are_no_owners_see_nothing_of_a_proxy(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    await stage.desk.accounts.set_proxy(owner, account.id, PROXY)
    await stage.member(owner, "小王", Role.AGENT)
    async with visiting(stage) as visitor:
        await visitor.log_in("小王")
        page = await visitor.get(f"/accounts/{account.id}")
        assert page.status == 200
        assert "10.0.0.1" not in page.text
        csrf = (await visitor.get("/conversations")).csrf
        posted = await visitor.post(f"/accounts/{account.id}/proxy", csrf=csrf, proxy=PROXY)
        assert posted.status == 403
    assert await stage.desk.accounts.proxy(owner, account.id) == SHOWN


async def test_a_new_login_for_another_seller_is_refused_beside_its_own_form(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    path = f"/accounts/{account.id}"
    page = await boss.submit(f"{path}/login", on=path, cookies=cookies_of("2200999988887"))
    assert page.status == 400
    assert "不是同一个闲鱼用户" in page.text
    assert page.value("name") == "数码小店"
    assert "0123456789abcdef" not in page.text
    done = await boss.submit(f"{path}/login", on=path, cookies=cookies_of())
    assert done.leads_to == f"{path}?done=account-renewed"
    (renewed,) = await stage.desk.accounts.all(owner)
    assert renewed.logins == account.logins + 1


async def test_name_and_takeover_minutes_change_and_bad_ones_are_named(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    path = f"/accounts/{account.id}"
    for minutes in ("abc", "-1", "99999", "1.5", "²"):
        page = await boss.submit(path, name="新名字", takeover_minutes=minutes)
        assert page.status == 400, minutes
        assert 'id="takeover_minutes-error"' in page.text
        assert page.value("name") == "新名字"
    await boss.submit(path, name="新名字", takeover_minutes="25")
    (changed,) = await stage.desk.accounts.all(owner)
    assert (changed.name, changed.takeover_minutes) == ("新名字", 25)


async def test_an_account_is_switched_off_and_on(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    path = f"/accounts/{account.id}"
    form = await boss.get(path)
    await boss.post(f"{path}/switch", csrf=form.csrf, on="0")
    (off,) = await stage.desk.accounts.all(owner)
    assert (off.enabled, off.state) == (False, AccountState.DISABLED)
    await boss.post(f"{path}/switch", csrf=form.csrf, on="1")
    (on,) = await stage.desk.accounts.all(owner)
    assert on.enabled


# --- Rules ----------------------------------------------------------------------------------------


async def test_a_rule_is_added_edited_switched_and_removed_after_asking(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    await boss.submit(
        "/rules/new",
        kind="keyword",
        account=str(account.id),
        keywords="包邮，邮费\n运费",
        reply="江浙沪包邮\r\n其他地区补 5 元",
    )
    (rule,) = await stage.desk.rules.all(owner)
    assert rule.keywords == ("包邮", "邮费", "运费")
    assert rule.reply == "江浙沪包邮\n其他地区补 5 元"
    assert rule.account == account.id
    edit = f"/rules/{rule.id}"
    assert "江浙沪包邮\n其他地区补 5 元</textarea>" in (await boss.get(edit)).text
    await boss.submit(edit, keywords="包邮", reply="都包邮")
    csrf = (await boss.get("/rules")).csrf
    await boss.post(f"{edit}/switch", csrf=csrf, on="0")
    (changed,) = await stage.desk.rules.all(owner)
    assert (changed.keywords, changed.reply, changed.enabled) == (("包邮",), "都包邮", False)
    asked = await boss.get(f"{edit}/remove")
    assert "删除这条规则？" in asked.text
    assert await stage.desk.rules.all(owner)
    await boss.submit(f"{edit}/remove")
    assert not await stage.desk.rules.all(owner)


async def test_a_default_reply_needs_no_keywords(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    form = await boss.get("/rules/new?kind=default")
    assert 'name="keywords"' not in form.text
    await boss.post("/rules/new", csrf=form.csrf, kind="default", account="", reply="稍后回复你")
    (rule,) = await stage.desk.rules.all(owner)
    assert (rule.kind, rule.account) == (RuleKind.DEFAULT, None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "keyword", "account": "", "keywords": " ，", "reply": "在的"}, "keywords"),
        ({"kind": "keyword", "account": "", "keywords": "在吗", "reply": "  "}, "reply"),
        ({"kind": "keyword", "account": "77", "keywords": "在吗", "reply": "在的"}, "account"),
    ],
)
async def test_a_bad_rule_is_refused_beside_the_field_and_what_was_written_stays(
    boss: Visitor, fields: dict[str, str], field: str
) -> None:
    page = await boss.submit("/rules/new", **fields)
    assert page.status == 400
    assert f'id="{field}-error"' in page.text
    assert fields["reply"] in page.text


# --- Members --------------------------------------------------------------------------------------


async def test_a_member_is_added_and_can_log_in(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await boss.submit(
        "/members/new", name="小周", role="agent", qq="345678", password=PASSWORD, again=PASSWORD
    )
    async with visiting(stage) as agent:
        await agent.log_in("小周")
        assert "小周" in (await agent.get("/members")).text
    member = next(m for m in await stage.desk.members.all(owner) if m.name == "小周")
    assert (member.role, member.qq) == (Role.AGENT, ("345678",))


async def test_changing_a_member_keeps_the_password_unless_a_new_one_is_given(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    agent = await stage.member(owner, "小周", Role.AGENT)
    path = f"/members/{agent.id}"
    await boss.submit(path, role="viewer", qq="345678 456789", password="", again="")
    async with visiting(stage) as viewer:
        await viewer.log_in("小周")
        await boss.submit(path, role="viewer", qq="", password="new password", again="new password")
        assert (await viewer.get("/")).leads_to == "/login"
        await viewer.log_in("小周", "new password")


async def test_the_last_owner_cannot_be_demoted_or_switched_off(
    owner: Operator, boss: Visitor
) -> None:
    path = f"/members/{owner.member.id}"
    page = await boss.submit(path, role="viewer", qq="", password="", again="")
    assert page.status == 400
    assert "至少要有一位" in page.text
    off = await boss.post(f"{path}/switch", csrf=page.csrf, on="0")
    assert "至少要有一位" in off.text


async def test_an_owner_who_changes_the_own_password_logs_in_again(
    owner: Operator, boss: Visitor
) -> None:
    page = await boss.submit(
        f"/members/{owner.member.id}",
        role="owner",
        qq="",
        password="new password",
        again="new password",
    )
    assert page.leads_to == "/login?done=password-changed"


async def test_a_qq_id_of_another_member_is_refused_beside_the_field(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await stage.desk.members.add(owner, name="小周", role=Role.AGENT, qq=["345678"])
    page = await boss.submit("/members/new", name="小吴", role="viewer", qq="345678")
    assert page.status == 400
    assert 'id="qq-error"' in page.text
    assert page.value("name") == "小吴"


# --- QQ and the audit -----------------------------------------------------------------------------


async def test_owners_alone_see_the_onebot_token(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await stage.member(owner, "小周", Role.AGENT)
    page = await boss.get("/qq")
    assert TOKEN in page.text
    assert stage.url.replace("http", "ws") + "/onebot/v11/ws" in page.text
    async with visiting(stage) as agent:
        await agent.log_in("小周")
        assert TOKEN not in (await agent.get("/qq")).text


async def test_owners_alone_see_the_token_of_the_plugin(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    await stage.member(owner, "小周", Role.AGENT)
    page = (await boss.get("/qq")).text
    assert f'value="yuqiao_hub_url={stage.url}"' in page
    assert LINK_TOKEN in page
    async with visiting(stage) as agent:
        await agent.log_in("小周")
        assert LINK_TOKEN not in (await agent.get("/qq")).text


async def test_connected_bots_are_named(stage: Stage, boss: Visitor) -> None:
    assert "还没有机器人连上来" in (await boss.get("/qq")).text
    stage.bots.append("10001")
    assert "机器人 10001" in (await boss.get("/qq")).text


async def test_the_qq_page_says_why_a_bot_was_turned_away(stage: Stage, boss: Visitor) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=11)
    stage.refusals += [(datetime.now(UTC), "access token 不对"), (long_ago, "Milky 连不上")]
    for address in ("/qq", "/qq?part=1"):
        page = (await boss.get(address)).text
        assert "access token 不对" in page
        assert "Milky 连不上" in page, "neither hides the other"
    stage.bots.append("10001")
    page = (await boss.get("/qq")).text
    assert "另有连接没有成功：access token 不对" in page
    assert "Milky 连不上" not in page


async def test_the_audit_tells_who_did_what_through_which_door(boss: Visitor) -> None:
    await boss.submit("/accounts/new", name="数码小店", cookies=cookies_of())
    page = await boss.get("/audit")
    assert "添加账号" in page.text
    assert "数码小店" in page.text
    assert "网页" in page.text


async def test_a_check_is_shown_with_its_link_and_reconnected_by_a_button(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    url = "https://h5api.m.goofish.com:443//h5/x/1.0/_____tmd_____/punish?x5secdata=a&x5step=2"
    await stage.store.write(
        lambda tx: tx.accounts.set_state(
            account.shop,
            account.id,
            AccountState.VERIFICATION_NEEDED,
            "闲鱼要求验证身份",
            datetime.now(UTC),
            url=url,
        )
    )

    shown = await boss.get(f"/accounts/{account.id}")
    assert "需要验证" in shown.text
    assert f'href="{html.escape(url)}"' in shown.text

    page = await boss.submit(f"/accounts/{account.id}/reconnect", on=f"/accounts/{account.id}")
    assert (page.status, page.leads_to) == (
        303,
        f"/accounts/{account.id}?done=account-reconnecting",
    )
    again = await boss.get(f"/accounts/{account.id}")
    assert "连接中" in again.text
    assert "punish" not in again.text


async def test_a_link_that_is_none_is_not_linked(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    needed = AccountState.VERIFICATION_NEEDED
    await stage.store.write(
        lambda tx: tx.accounts.set_state(
            account.shop, account.id, needed, "要验证", datetime.now(UTC), url="javascript:alert(1)"
        )
    )
    assert "javascript:" not in (await boss.get(f"/accounts/{account.id}")).text


async def test_a_wait_is_shown_with_its_end(stage: Stage, owner: Operator, boss: Visitor) -> None:
    account = await stage.account(owner)
    until = datetime.now(UTC) + timedelta(minutes=30)
    await stage.store.write(
        lambda tx: tx.accounts.set_state(
            account.shop,
            account.id,
            AccountState.WAITING,
            "连接断开了",
            datetime.now(UTC),
            until=until,
        )
    )
    clock = until.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%H:%M")
    for path in ("/accounts", f"/accounts/{account.id}"):
        assert f"{clock} 再试" in (await boss.get(path)).text
