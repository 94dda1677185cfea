"""Logging in with a QR code: a real store, and the sandbox's passport with its phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from loguru import logger

from hub.desk import Door, LoginStep, Operator, QrView
from hub.desk.login import MOST_PENDING, MOST_PICTURES, Logins, open_login_at
from hub.errors import Forbidden, Invalid, NotFound, TooOften
from hub.model import (
    Account,
    AccountId,
    AccountState,
    Member,
    MemberId,
    PlatformUser,
    Role,
    Rule,
    RuleId,
    RuleKind,
    ShopId,
)
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from hub.settings import XianyuSettings
from hub.store import Store, StoredToken, open_store
from tests.fake_proxy import fake_proxy
from tests.waiting import wait_until

OTHER = "2200999988887"
SECONDS = 30.0


class Clock:
    """The time, with a way to let it pass."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Stage:
    store: Store
    sandbox: Sandbox
    logins: Logins
    owner: Operator
    clock: Clock

    def phone(self, *acts: str, seller: str = DEMO_SELLER) -> None:
        """What somebody taps on the phone, at the newest code."""
        for act in acts:
            self.sandbox.passport.act("latest", act, seller)

    async def wait(self, view: QrView, *steps: LoginStep) -> QrView:
        async def there() -> bool:
            return self.logins.state(self.owner, view.id).step in steps

        await wait_until(there, SECONDS)
        return self.logins.state(self.owner, view.id)

    async def scan(self, view: QrView, seller: str = DEMO_SELLER) -> QrView:
        """Scan, confirm, and wait for what comes of it."""
        self.phone("scan", "confirm", seller=seller)
        return await self.wait(view, LoginStep.DONE, LoginStep.FAILED)

    async def accounts(self) -> list[Account]:
        return await self.store.read(lambda tx: tx.accounts.all(self.owner.shop))

    async def account(self, user: str = DEMO_SELLER, name: str = "数码小店") -> Account:
        return await self.store.write(
            lambda tx: tx.accounts.add(
                self.owner.shop,
                name=name,
                user=PlatformUser(user),
                device_id=f"device-of-{user}",
                cookies=f"unb={user}; cookie2=old",
                takeover_minutes=25,
                now=self.clock(),
            )
        )

    async def cookies(self, account: Account) -> str:
        return await self.store.read(lambda tx: tx.accounts.cookies(account.shop, account.id))

    async def audited(self) -> list[tuple[str, str]]:
        entries = await self.store.read(lambda tx: tx.audit.recent(self.owner.shop, 50))
        return [(e.action, e.target) for e in reversed(entries)]

    def polls(self) -> int:
        return self.sandbox.passport.find("latest").polls


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = Clock()
    async with (
        start_sandbox(SandboxOptions()) as sandbox,
        open_store(tmp_path / "hub.db", now=clock) as store,
        asyncio.TaskGroup() as tasks,
    ):
        sandbox.world.add_seller("隔壁小铺", OTHER)
        shop = await store.read(lambda tx: tx.shops.default())
        member = await store.write(
            lambda tx: tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=clock())
        )
        urls = ("ws_url", "mtop_url", "passport_url", "upload_url")
        settings = XianyuSettings(**{key: sandbox.urls[key] for key in urls}, answer_seconds=2)
        logins = Logins(
            store, open_login_at(settings, clock), clock, takeover_minutes=10, poll_seconds=0.01
        )
        running = tasks.create_task(logins.run())
        yield Stage(store, sandbox, logins, Operator(member, Door.WEB), clock)
        running.cancel()


async def test_a_confirmed_code_adds_an_account_that_works(stage: Stage) -> None:
    view = await stage.logins.start(stage.owner, name="二店")
    assert view.step is LoginStep.WAITING
    assert view.image_text.startswith(stage.sandbox.urls["passport_url"])
    assert 290 < view.seconds_left <= 300

    stage.phone("scan")
    scanned = await stage.wait(view, LoginStep.SCANNED)
    assert "确认登录" in scanned.words
    stage.phone("confirm")
    done = await stage.wait(view, LoginStep.DONE)

    (account,) = await stage.accounts()
    assert done.account == account
    assert (account.name, account.user, account.enabled) == ("二店", DEMO_SELLER, True)
    assert account.takeover_minutes == 10
    jar = dict(pair.split("=", 1) for pair in (await stage.cookies(account)).split("; "))
    assert stage.sandbox.logins.holds(jar) is not None
    assert await stage.audited() == [("account.scan", "二店"), ("account.add", "二店")]
    assert not done.pending
    assert done.image_text == ""
    assert stage.logins.pending(stage.owner) == []


async def test_no_secret_of_a_login_is_logged_or_shown(stage: Stage) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="DEBUG")
    try:
        done = await stage.scan(await stage.logins.start(stage.owner))
    finally:
        logger.remove(sink)

    (account,) = await stage.accounts()
    values = [pair.split("=", 1)[1] for pair in (await stage.cookies(account)).split("; ")]
    secrets = [value for value in values if len(value) > 12 and value != account.user]
    told = "".join(lines) + repr(done)
    assert "done" in told
    assert secrets
    assert not [secret for secret in secrets if secret in told]


async def test_an_account_without_a_wished_name_is_called_like_its_seller(stage: Stage) -> None:
    done = await stage.scan(await stage.logins.start(stage.owner))

    assert done.account is not None
    assert done.account.name == stage.sandbox.world.seller(DEMO_SELLER).name


async def test_a_login_is_not_lost_because_its_name_was_taken_meanwhile(stage: Stage) -> None:
    view = await stage.logins.start(stage.owner, name="二店")
    await stage.account(OTHER, "二店")

    done = await stage.scan(view)

    assert done.account is not None
    assert done.account.name == f"二店{DEMO_SELLER[-4:]}"


async def test_a_renewed_login_changes_nothing_but_the_login(stage: Stage) -> None:
    account = await stage.account()
    shop, now = stage.owner.shop, stage.clock()

    def furnish(tx: object) -> None:
        token = StoredToken("token", account.device_id, now + timedelta(hours=1), now)
        tx.accounts.set_token(shop, account.id, token)  # type: ignore[attr-defined]
        tx.accounts.set_enabled(shop, account.id, False, now)  # type: ignore[attr-defined]
        rule = Rule(RuleId(0), shop, account.id, RuleKind.KEYWORD, ("在吗",), "在的")
        tx.rules.add(rule, now)  # type: ignore[attr-defined]

    await stage.store.write(furnish)
    (before,) = await stage.accounts()
    done = await stage.scan(await stage.logins.start(stage.owner, account.id))

    (after,) = await stage.accounts()
    expected = replace(before, logins=before.logins + 1, starts=before.starts + 1)
    assert replace(after, started_at=None) == replace(expected, started_at=None)
    assert after.state is AccountState.DISABLED
    assert "停用" in done.words
    assert "cookie2=old" not in await stage.cookies(after)
    assert await stage.store.read(lambda tx: tx.accounts.token(shop, account.id)) is None
    assert len(await stage.store.read(lambda tx: tx.rules.all(shop))) == 1
    assert ("account.log_in", "数码小店") in await stage.audited()


async def test_another_sellers_login_never_overwrites_an_account(stage: Stage) -> None:
    account = await stage.account()
    await stage.account(OTHER, "隔壁")

    failed = await stage.scan(await stage.logins.start(stage.owner, account.id), OTHER)

    assert failed.step is LoginStep.FAILED
    for part in (DEMO_SELLER, OTHER, "数码小店", "隔壁"):
        assert part in failed.words
    assert [a.logins for a in await stage.accounts()] == [1, 1]
    assert "cookie2=old" in await stage.cookies(account)


async def test_a_seller_who_is_known_already_gets_his_login_renewed(stage: Stage) -> None:
    await stage.account()

    done = await stage.scan(await stage.logins.start(stage.owner, name="又一个"))

    (account,) = await stage.accounts()
    assert (account.name, account.logins) == ("数码小店", 2)
    assert "已经添加过" in done.words
    assert done.account == account


async def test_a_login_told_by_a_token_is_redeemed(stage: Stage) -> None:
    stage.sandbox.manners.qr_login = "token"

    done = await stage.scan(await stage.logins.start(stage.owner))

    assert done.step is LoginStep.DONE


async def test_a_check_is_shown_with_five_more_minutes_and_goes_on_by_itself(
    stage: Stage,
) -> None:
    view = await stage.logins.start(stage.owner)
    stage.phone("scan")
    await stage.wait(view, LoginStep.SCANNED)
    stage.clock.ahead = timedelta(minutes=4)
    stage.phone("verify")

    asked = await stage.wait(view, LoginStep.VERIFICATION)
    assert asked.url.startswith(stage.sandbox.urls["passport_url"])
    assert asked.seconds_left > 240
    stage.phone("pass")
    done = await stage.wait(view, LoginStep.DONE)

    assert done.url == ""
    assert len(await stage.accounts()) == 1


async def test_a_code_lives_five_minutes_and_is_replaced_once(stage: Stage) -> None:
    first = await stage.logins.start(stage.owner, name="二店")
    stage.clock.ahead += timedelta(minutes=5, seconds=1)
    expired = await stage.wait(first, LoginStep.EXPIRED)
    assert expired.may_retry
    assert expired.image_text == ""

    second = await stage.logins.retry(stage.owner, first.id)
    assert (second.id, second.picture, second.step) == (first.id, 2, LoginStep.WAITING)
    assert second.image_text not in ("", first.image_text)
    assert second.seconds_left > 290
    stage.clock.ahead += timedelta(minutes=5, seconds=1)
    expired = await stage.wait(first, LoginStep.EXPIRED)
    assert not expired.may_retry
    with pytest.raises(Invalid):
        await stage.logins.retry(stage.owner, first.id)


async def test_a_fresh_picture_still_knows_what_it_is_for(stage: Stage) -> None:
    view = await stage.logins.start(stage.owner, name="二店")
    stage.phone("expire")
    await stage.wait(view, LoginStep.EXPIRED)

    done = await stage.scan(await stage.logins.retry(stage.owner, view.id))

    assert done.account is not None
    assert done.account.name == "二店"


async def test_a_refusal_on_the_phone_ends_it(stage: Stage) -> None:
    view = await stage.logins.start(stage.owner)
    stage.phone("scan", "cancel")

    ended = await stage.wait(view, LoginStep.CANCELLED)

    assert "手机上取消" in ended.words
    assert await stage.accounts() == []


async def test_who_cancels_here_is_not_logged_in_by_a_late_tap(stage: Stage) -> None:
    view = await stage.logins.start(stage.owner)
    assert stage.logins.cancel(stage.owner, view.id).step is LoginStep.CANCELLED
    stage.phone("scan", "confirm")

    done = await stage.scan(await stage.logins.start(stage.owner, name="后来的"), OTHER)

    (account,) = await stage.accounts()
    assert account == done.account
    assert account.user == OTHER
    assert stage.logins.state(stage.owner, view.id).step is LoginStep.CANCELLED


async def test_an_account_has_one_code_at_a_time(stage: Stage) -> None:
    account = await stage.account()
    one, two = await asyncio.gather(
        stage.logins.start(stage.owner, account.id), stage.logins.start(stage.owner, account.id)
    )

    assert one.id == two.id
    assert len(stage.sandbox.passport.codes) == 1


async def test_an_expired_attempt_joins_the_one_that_came_after_it(stage: Stage) -> None:
    account = await stage.account()
    old = await stage.logins.start(stage.owner, account.id)
    stage.phone("expire")
    await stage.wait(old, LoginStep.EXPIRED)
    newer = await stage.logins.start(stage.owner, account.id)

    assert (await stage.logins.retry(stage.owner, old.id)).id == newer.id


async def test_a_shop_has_few_codes_at_a_time_and_few_in_a_quarter_of_an_hour(
    stage: Stage,
) -> None:
    views = [await stage.logins.start(stage.owner) for _ in range(MOST_PENDING)]
    with pytest.raises(TooOften):
        await stage.logins.start(stage.owner)
    for view in views:
        stage.logins.cancel(stage.owner, view.id)
    for _ in range(MOST_PICTURES - MOST_PENDING):
        view = await stage.logins.start(stage.owner)
        stage.logins.cancel(stage.owner, view.id)
    with pytest.raises(TooOften):
        await stage.logins.start(stage.owner)

    stage.clock.ahead += timedelta(minutes=21)
    again = await stage.logins.start(stage.owner)
    assert again.step is LoginStep.WAITING
    with pytest.raises(NotFound):
        stage.logins.state(stage.owner, view.id)


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_only_owners_log_accounts_in(stage: Stage, role: Role) -> None:
    view = await stage.logins.start(stage.owner)
    other = Operator(replace(stage.owner.member, role=role), Door.WEB)

    with pytest.raises(Forbidden):
        await stage.logins.start(other)
    with pytest.raises(Forbidden):
        await stage.logins.retry(other, view.id)
    for act in (
        lambda: stage.logins.state(other, view.id),
        lambda: stage.logins.cancel(other, view.id),
        lambda: stage.logins.pending(other),
    ):
        with pytest.raises(Forbidden):
            act()
    assert stage.logins.state(stage.owner, view.id).pending


async def test_another_shop_sees_nothing_of_it(stage: Stage) -> None:
    view = await stage.logins.start(stage.owner)
    stranger = Operator(Member(MemberId(99), ShopId(99), "别家", Role.OWNER), Door.WEB)

    with pytest.raises(NotFound):
        stage.logins.state(stranger, view.id)
    with pytest.raises(NotFound):
        stage.logins.cancel(stranger, view.id)
    assert stage.logins.pending(stranger) == []


async def test_who_is_no_owner_any_more_logs_nobody_in(stage: Stage) -> None:
    view = await stage.logins.start(stage.owner)
    me = stage.owner.member
    await stage.store.write(lambda tx: tx.members.update(me.shop, me.id, role=Role.AGENT))

    failed = await stage.scan(view)

    assert "不是店主" in failed.words
    assert await stage.accounts() == []


async def test_an_account_removed_meanwhile_does_not_come_back(stage: Stage) -> None:
    account = await stage.account()
    view = await stage.logins.start(stage.owner, account.id)
    await stage.store.write(lambda tx: tx.accounts.remove(account.shop, account.id))

    failed = await stage.scan(view)

    assert "不存在" in failed.words
    assert await stage.accounts() == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda logins, owner: logins.start(owner, AccountId(404)),
        lambda logins, owner: logins.start(owner, name="名" * 31),
        lambda logins, owner: logins.start(owner, name="数码小店"),
    ],
    ids=["no such account", "name too long", "name taken"],
)
async def test_what_cannot_become_an_account_asks_the_platform_for_nothing(
    stage: Stage, ask: Callable[..., object]
) -> None:
    await stage.account()
    with pytest.raises((Invalid, NotFound)):
        await ask(stage.logins, stage.owner)  # type: ignore[misc]

    assert stage.sandbox.passport.codes == {}
    assert stage.logins.pending(stage.owner) == []


async def test_a_platform_that_gives_no_code_is_told_in_words(stage: Stage) -> None:
    stage.sandbox.faults.add("", "passport_html", subject="mini_login.htm")

    failed = await stage.logins.start(stage.owner)

    assert failed.step is LoginStep.FAILED
    assert "没有登录成功" in failed.words
    assert (await stage.logins.start(stage.owner)).step is LoginStep.WAITING


async def test_answers_that_fail_in_between_do_not_end_it(stage: Stage) -> None:
    view = await stage.logins.start(stage.owner)
    for kind in ("passport_html", "qr_error", "passport_html", "passport_refused"):
        stage.sandbox.faults.add("", kind)
    before = stage.polls()

    async def asked_on() -> bool:
        return stage.polls() > before + 2

    await wait_until(asked_on, SECONDS)
    assert (await stage.scan(view)).step is LoginStep.DONE


async def test_a_code_that_breaks_leaves_the_others_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = await stage.logins.start(stage.owner)
    good_code = stage.sandbox.passport.find("latest").ck

    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(stage.logins, "_open_login", broken)
    bad = await stage.logins.start(stage.owner)
    assert "程序内部出错" in bad.words

    stage.sandbox.passport.act(good_code, "scan", DEMO_SELLER)
    stage.sandbox.passport.act(good_code, "confirm")
    assert (await stage.wait(good, LoginStep.DONE)).account is not None


async def test_every_step_is_news_to_who_watches(stage: Stage) -> None:
    seen = [stage.logins.revision(stage.owner.shop)]
    view = await stage.logins.start(stage.owner)
    seen.append(stage.logins.revision(stage.owner.shop))
    stage.phone("scan")
    await stage.wait(view, LoginStep.SCANNED)
    seen.append(stage.logins.revision(stage.owner.shop))
    stage.logins.cancel(stage.owner, view.id)
    seen.append(stage.logins.revision(stage.owner.shop))

    assert seen == sorted(set(seen))
    assert stage.logins.revision(ShopId(99)) == 0


async def test_a_known_seller_keeps_the_proxy_of_their_account_and_is_told_so(
    stage: Stage,
) -> None:
    account = await stage.account()
    async with fake_proxy("http") as proxy:
        done = await stage.scan(await stage.logins.start(stage.owner, proxy=proxy.url))
        assert proxy.passed
    assert done.step is LoginStep.DONE
    assert "它自己的代理设置没有改" in done.words
    kept = await stage.store.read(lambda tx: tx.accounts.proxy(account.shop, account.id))
    assert kept is None


async def test_an_account_is_renewed_through_its_own_proxy(stage: Stage) -> None:
    account = await stage.account()
    async with fake_proxy("socks5") as proxy:
        await stage.store.write(
            lambda tx: tx.accounts.set_proxy(account.shop, account.id, proxy.url, stage.clock())
        )
        done = await stage.scan(await stage.logins.start(stage.owner, account.id))
        assert proxy.passed
        kept = await stage.store.read(lambda tx: tx.accounts.proxy(account.shop, account.id))
        assert kept == proxy.url
    assert done.step is LoginStep.DONE
