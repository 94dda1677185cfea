"""The whole wire against the sandbox, which was written without any of this code."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image as Pillow

from hub.bench.certificate import write_certificate
from hub.errors import AuthExpired, Rejected, Throttled, Uncertain, Unreachable
from hub.model import Done, Image, OrderStatus, PlatformUser
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.faults import EVERYBODY
from hub.sandbox.world import DEMO_SELLER
from hub.xianyu import (
    PERMISSION,
    Client,
    CookieJar,
    Endpoints,
    ImToken,
    QrLogin,
    QrState,
    QrStep,
    Session,
    Timing,
    new_device_id,
    new_uuid,
    open_http,
    open_qr_login,
    open_session,
)
from hub.xianyu.client import utc_now

SELLER = PlatformUser(DEMO_SELLER)
TIMING = Timing(sync_delay=0, list_settle=0, list_spacing=0, close=0.5)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    options = SandboxOptions(list_quiet_seconds=0, origins_apart=True)
    async with asyncio.timeout(30), start_sandbox(options) as running:
        yield running


def endpoints_of(sandbox: Sandbox) -> Endpoints:
    urls = sandbox.urls
    return Endpoints(urls["ws_url"], urls["mtop_url"], urls["passport_url"], urls["upload_url"])


@asynccontextmanager
async def client_of(sandbox: Sandbox, cookies: str = "") -> AsyncIterator[Client]:
    async def forget(_: str) -> None:
        pass

    jar = CookieJar.parse(cookies or sandbox.cookies())
    async with open_http() as http:
        yield Client(http, endpoints_of(sandbox), jar, on_cookies=forget, timing=TIMING)


@asynccontextmanager
async def session_of(sandbox: Sandbox, client: Client) -> AsyncIterator[Session]:
    token = await client.im_token(new_device_id(SELLER))
    async with open_session(endpoints_of(sandbox), token, SELLER, timing=TIMING) as session:
        yield session


async def test_a_line_to_somebody_with_a_foreign_certificate_is_not_opened(tmp_path: Path) -> None:
    """The registration carries the token: nobody but the platform may read it."""
    certificate = tmp_path / "sandbox.pem"
    write_certificate(certificate)
    options = SandboxOptions(list_quiet_seconds=0, certificate=certificate)
    async with asyncio.timeout(30), start_sandbox(options) as sandbox:
        token = ImToken("a-token", "a-device", utc_now() + timedelta(days=1))
        with pytest.raises(Unreachable, match="certificate"):
            async with open_session(endpoints_of(sandbox), token, SELLER, timing=TIMING):
                pass
        assert not sandbox.lines.dials


# --- Login --------------------------------------------------------------------------------------


@asynccontextmanager
async def qr_login(sandbox: Sandbox) -> AsyncIterator[QrLogin]:
    async with open_qr_login(endpoints_of(sandbox), timing=TIMING) as login:
        yield login


@pytest.mark.parametrize("manner", ["cookies", "token"])
async def test_a_scanned_code_becomes_a_login(sandbox: Sandbox, manner: str) -> None:
    sandbox.manners.qr_login = manner
    async with qr_login(sandbox) as login:
        assert await login.poll() == QrState(QrStep.NEW)
        sandbox.passport.act("latest", "scan", DEMO_SELLER)
        assert await login.poll() == QrState(QrStep.SCANNED)
        sandbox.passport.act("latest", "confirm")
        assert await login.poll() == QrState(QrStep.CONFIRMED)
        jar = await login.finish()
    assert (jar.user, login.name) == (DEMO_SELLER, sandbox.world.sellers[DEMO_SELLER].name)
    assert jar.get("havana_lgc2_77")
    async with client_of(sandbox, jar.header()) as client:
        assert await client.login_user() == DEMO_SELLER


@pytest.mark.parametrize("what", ["cancel", "expire"])
async def test_a_code_that_is_given_up_says_so(sandbox: Sandbox, what: str) -> None:
    async with qr_login(sandbox) as login:
        sandbox.passport.act("latest", what)
        expected = QrStep.CANCELLED if what == "cancel" else QrStep.EXPIRED
        assert (await login.poll()).step is expected


async def test_a_passed_check_becomes_a_login(sandbox: Sandbox) -> None:
    async with qr_login(sandbox) as login:
        sandbox.passport.act("latest", "verify")
        state = await login.poll()
        assert state.step is QrStep.VERIFICATION
        assert await login.check_verification() == state
        sandbox.passport.act("latest", "pass")
        assert (await login.check_verification()).step is QrStep.CONFIRMED
        assert (await login.finish()).user == DEMO_SELLER


async def test_a_login_that_ended_is_renewed_by_its_long_cookies(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as client:
        assert await client.has_login()
        assert await client.keep_logged_in()
        sandbox.logins.end(DEMO_SELLER, renewable=True)
        assert not await client.has_login()
        with pytest.raises(AuthExpired):
            await client.login_user()
        assert await client.silent_has_login()
        assert await client.login_user() == DEMO_SELLER
        assert await client.silent_has_login() is None


# --- Items and orders ---------------------------------------------------------------------------


async def test_own_items_lead_to_their_pages(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as client:
        page = await client.items()
        assert {one.id for one in page.items} == {
            one.id for one in sandbox.world.items_of(DEMO_SELLER) if one.on_sale
        }
        for line in page.items:
            item = await client.item(line.id)
            assert (item.title, item.price) == (line.title, line.price)
            assert item.seller == DEMO_SELLER
            assert item.price is not None


@pytest.mark.parametrize("spec_form", ["sku_info", "names"])
@pytest.mark.parametrize("completed_words", [True, False])
async def test_an_order_is_followed_from_placing_to_rating(
    sandbox: Sandbox, spec_form: str, completed_words: bool
) -> None:
    sandbox.manners.spec_form = spec_form
    sandbox.manners.completed_words = completed_words
    conversation = next(iter(sandbox.world.conversations.values()))
    placed = await sandbox.trade.place(conversation)
    async with client_of(sandbox) as client:

        async def status() -> OrderStatus | None:
            return (await client.order(placed.id)).status

        assert await status() is OrderStatus.UNPAID
        sandbox.manners.settle_seconds = 60
        with pytest.raises(Throttled):
            await client.change_price(placed.id, 660)
        sandbox.manners.settle_seconds = 0
        assert await client.change_price(placed.id, 660, 40) == Done()
        assert (await client.order(placed.id)).paid_amount == Decimal("7.00")
        await sandbox.trade.step(placed, "pay")
        order = await client.order(placed.id)
        assert (order.status, order.quantity) == (OrderStatus.PAID, placed.quantity)
        assert (order.buyer, order.item_id) == (placed.buyer, placed.item)
        assert [one.id for one in (await client.unshipped_orders()).orders] == [placed.id]
        found = await client.order_of_conversation(conversation.id, placed.item)
        assert found == placed.id
        assert await client.ship(placed.id, "已发") == Done()
        assert await client.ship(placed.id) == Done(already=True)
        assert await status() is OrderStatus.SHIPPED
        await sandbox.trade.step(placed, "receive")
        assert await status() is OrderStatus.COMPLETED
        assert await client.rate(placed.id, "好买家") == Done()
        assert await client.rate(placed.id, "好买家") == Done(already=True)
        assert (await client.unshipped_orders()).orders == ()


async def test_a_refund_keeps_goods_back(sandbox: Sandbox) -> None:
    sandbox.manners.unfiltered_orders = True
    conversation = next(iter(sandbox.world.conversations.values()))
    placed = await sandbox.trade.place(conversation)
    await sandbox.trade.step(placed, "pay")
    await sandbox.trade.step(placed, "refund")
    async with client_of(sandbox) as client:
        assert (await client.order(placed.id)).status is OrderStatus.REFUND_REQUESTED
        assert (await client.unshipped_orders()).orders == ()
        await sandbox.trade.step(placed, "agree")
        await sandbox.trade.step(placed, "repay")
        assert (await client.order(placed.id)).status is OrderStatus.REFUNDED


async def test_a_bargain_waits_for_its_completion(sandbox: Sandbox) -> None:
    conversation = next(iter(sandbox.world.conversations.values()))
    placed = await sandbox.trade.place(conversation, bargain=True)
    await sandbox.trade.step(placed, "pay")
    async with client_of(sandbox) as client:
        order = await client.order(placed.id)
        assert (order.status, order.bargain) == (OrderStatus.BARGAIN_PENDING, True)
        buyer = PlatformUser(placed.buyer)
        assert await client.free_shipping(placed.id, placed.item, buyer) == Done()
        order = await client.order(placed.id)
        assert (order.status, order.bargain) == (OrderStatus.PAID, True)


async def test_the_pro_list_is_for_pro_shops(sandbox: Sandbox) -> None:
    conversation = next(iter(sandbox.world.conversations.values()))
    placed = await sandbox.trade.place(conversation)
    await sandbox.trade.step(placed, "pay")
    seller = sandbox.world.sellers[DEMO_SELLER]
    async with client_of(sandbox) as client:
        seller.pro = False
        with pytest.raises(Rejected) as caught:
            await client.unshipped_orders(pro=True)
        assert caught.value.code == PERMISSION
        seller.pro = True
        found = (await client.unshipped_orders(pro=True)).orders
        assert [(one.id, one.status) for one in found] == [(placed.id, OrderStatus.PAID)]
        assert await client.close_order(placed.id, "缺货", pro=True) == Done()


async def test_an_item_is_polished_once_a_day(sandbox: Sandbox) -> None:
    item = sandbox.world.items_of(DEMO_SELLER)[0]
    async with client_of(sandbox) as client:
        assert await client.polish(item.id) == Done()
        assert await client.polish(item.id) == Done(already=True)
        item.on_sale = False
        with pytest.raises(Rejected) as caught:
            await client.polish(item.id)
        assert caught.value.code == "UNSUPPORTED_ITEM_STATUS"


async def test_a_write_into_trouble_is_uncertain(sandbox: Sandbox) -> None:
    conversation = next(iter(sandbox.world.conversations.values()))
    placed = await sandbox.trade.place(conversation)
    async with client_of(sandbox) as client:
        await client.login_user()
        sandbox.faults.add(SELLER, "mtop_http500")
        with pytest.raises(Uncertain):
            await client.close_order(placed.id)


# --- Messages -----------------------------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    target = io.BytesIO()
    Pillow.new("RGB", (width, height), "orange").save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize("create_answer", ["single", "list", "user", "cid"])
async def test_a_picture_travels_into_a_new_conversation_and_back(
    sandbox: Sandbox, create_answer: str
) -> None:
    sandbox.manners.create_answer = create_answer
    buyer = PlatformUser(next(iter(sandbox.world.buyers)))
    item = sandbox.world.items_of(DEMO_SELLER)[-1]
    async with client_of(sandbox) as client, session_of(sandbox, client) as session:
        picture = await client.upload(png(2400, 1200))
        assert (picture.width, picture.height) == (1920, 960)
        assert (await client.download(picture.url)).startswith(b"\x89PNG")
        conversation = await session.create_conversation(buyer, item.id)
        uuid = new_uuid(utc_now())
        sent = await session.send(conversation, buyer, Image((picture,)), uuid=uuid)
        page = await session.history(conversation)
        assert [getattr(one, "content", None) for one in page.events] == [Image((picture,))]
        assert sent.id is not None
        await session.recall(sent.id)
        assert (await session.history(conversation)).events == ()


# --- Where cookies go ---------------------------------------------------------------------------


async def test_cookies_reach_the_gateways_and_nothing_else(sandbox: Sandbox) -> None:
    """L14"""
    async with client_of(sandbox) as client, session_of(sandbox, client) as session:
        picture = await client.upload(png(10, 10))
        await client.download(picture.url)
        await client.has_login()
        await client.items()
        elsewhere = f"{sandbox.urls['elsewhere_url']}/x.jpg"
        with pytest.raises(Rejected):
            await client.download(elsewhere)
        sandbox.faults.add(EVERYBODY, "picture_moved", reason=elsewhere)
        with pytest.raises(Rejected):
            await client.download(picture.url)
        await session.conversations()
    carried = {one.kind for one in sandbox.recorder.seen if one.header("Cookie")}
    assert carried == {"mtop", "passport", "upload"}
    reached = {one.kind for one in sandbox.recorder.seen}
    assert reached == {"mtop", "passport", "upload", "picture", "im"}
