"""Two nodes on one PostgreSQL: every account at one of them, and everything done once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import inf
from pathlib import Path

import pytest

from hub.app import utc_now
from hub.desk import Desk, Door, Operator
from hub.model import AccountState
from hub.sandbox.milky import MilkySim
from hub.sandbox.pictures import blank
from tests.faults.nodes import LEASE_SECONDS, LONG_LEASE_SECONDS, Row, answers, open_row
from tests.faults.town import (
    BUYER,
    GREETING,
    KEYWORD,
    OTHER_BUYER,
    OWNER_QQ,
    SECONDS,
    SELLERS,
    TOKEN,
)
from tests.postgres import MISSING, Server, can_serve, server
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(not can_serve(), reason=MISSING),
    pytest.mark.timeout(240),
]

Open = Callable[..., AbstractAsyncContextManager[Row]]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def opened(postgres: Server, tmp_path: Path) -> Open:
    @asynccontextmanager
    async def opening(
        *,
        accounts: int = 1,
        lease_seconds: float = LONG_LEASE_SECONDS,
        spacing_seconds: float = 0.0,
        milky: MilkySim | None = None,
    ) -> AsyncIterator[Row]:
        url = postgres.make()
        async with open_row(
            url,
            tmp_path,
            accounts=accounts,
            lease_seconds=lease_seconds,
            spacing_seconds=spacing_seconds,
            milky=milky,
        ) as row:
            yield row

    return opening


async def test_accounts_are_shared_and_meet_in_the_one_chat(opened: Open) -> None:
    """The bot is at `a`; the second account is at `b`. Words go both ways, each of them once."""
    async with opened() as row:
        await row.lives["a"].start()
        await row.lives["b"].start()
        await row.until_held(a=1, b=0)
        desk = Desk(row.store, row.settings["a"], utc_now)
        (owner,) = await row.read(lambda tx, shop: tx.members.owners(shop))
        boss = Operator(owner, Door.CLI)
        sandbox = row.sandbox
        sandbox.world.add_seller("第二家", SELLERS[1])
        sandbox.world.add_item(SELLERS[1], "旧书一箱")

        await desk.accounts.add(boss, "小店2", sandbox.cookies(SELLERS[1]))

        await row.until_held(a=1, b=1)
        assert (await row.node_of(SELLERS[0]), await row.node_of(SELLERS[1])) == ("a", "b")
        await sandbox.qq.wait_online(SECONDS)
        for number, seller in enumerate(SELLERS[:2]):
            said = f"第{number}个问题"
            await row.say(row.thread(seller), said)
            notice = await sandbox.qq.wait_for_line(
                "private",
                OWNER_QQ,
                lambda line, said=said: said in line.text.splitlines(),  # type: ignore[misc]
                SECONDS,
            )
            await sandbox.qq.say_private(OWNER_QQ, f"第{number}个回答", quote=notice.id)
            await row.until(
                lambda seller=seller, number=number: (  # type: ignore[misc]
                    answers(row.thread(seller)) == [f"第{number}个回答"]
                ),
                "the answer",
            )
            assert row.told(said) == 1
        assert row.claims == [SELLERS[0], SELLERS[1]]
        assert (await row.health("b"))["node"] == "b"
        assert (await row.health("b"))["accounts"] == ["小店2"]
        await sandbox.qq.say_private(OWNER_QQ, "/状态")
        await row.until(lambda: row.told("节点 b：小店2") == 1, "the status")

        await sandbox.qq.say_private(OWNER_QQ, "/商品 小店2")
        await row.until(lambda: row.told("旧书一箱") > 0, "items that `b` has to read")
        photo = sandbox.pictures.url(sandbox.pictures.add(blank(40, 40)))
        await sandbox.stage.say(row.thread(SELLERS[1]), [{"image": photo}])
        await row.until(lambda: row.pictures_told() == 1, "a picture that `a` has to fetch")

        await row.lives["a"].stop()

        await row.until_held(b=2)
        await row.say(row.thread(SELLERS[0]), KEYWORD)
        await row.until(lambda: answers(row.thread(SELLERS[0]))[1:] == [GREETING], "an answer")


async def test_what_a_killed_node_had_in_hand_is_done_by_the_other_once(opened: Open) -> None:
    """It is killed while it reads the order that was paid; a buyer speaks while nobody listens."""
    async with opened(lease_seconds=LEASE_SECONDS) as row:
        await row.lives["b"].start()
        await row.until_held(b=1)
        await row.lives["a"].start()
        await row.until_held(b=1, a=0)
        sandbox, thread = row.sandbox, row.thread(item="880011223346")
        order_api = "mtop.idle.web.trade.order.detail"
        sandbox.faults.add(SELLERS[0], "answer_drop", subject=order_api)
        order = await sandbox.trade.place(thread)
        await sandbox.trade.step(order, "pay")
        await row.until(
            lambda: any(order_api in one.path for one in sandbox.recorder.seen), "the question"
        )

        await row.lives["b"].kill()
        await row.say(row.thread(), KEYWORD)

        await row.until_held(a=1)
        await row.until(lambda: order.story.count("shipped") == 1, "the delivery")
        await row.until(lambda: GREETING in answers(row.thread()), "the answer")
        await row.lives["b"].start()
        await row.until_held(a=1, b=0)
        await row.lives["a"].stop()
        await row.until_held(b=1)
        assert len([one for one in answers(thread) if "CODE-" in one]) == 1
        assert answers(row.thread()).count(GREETING) == 1
        assert order.story.count("shipped") == 1
        assert row.told(KEYWORD) <= 1


async def test_a_lone_node_that_was_killed_goes_on_as_soon_as_it_is_started_again(
    opened: Open,
) -> None:
    """Its word would hold for minutes yet; but it alone can have its home."""
    async with opened(lease_seconds=10 * SECONDS) as row:
        await row.lives["a"].start()
        await row.until_held(a=1)
        await row.lives["a"].kill()
        await row.say(row.thread(), KEYWORD)

        await row.lives["a"].start()

        await row.until_held(a=1)
        await row.until(lambda: answers(row.thread()) == [GREETING], "the answer")


async def test_a_node_that_was_stopped_says_nothing_when_it_goes_on(opened: Open) -> None:
    """An answer waits for its turn there, and a push to be read; by then the other one has dealt
    with both."""
    async with opened(lease_seconds=LEASE_SECONDS, spacing_seconds=2.0) as row:
        await row.lives["b"].start()
        await row.until_held(b=1)
        await row.lives["a"].start()
        await row.until_held(b=1, a=0)
        threads = [row.thread(buyer=buyer) for buyer in (BUYER, OTHER_BUYER)]
        (line,) = row.sandbox.lines.of(SELLERS[0])

        def said() -> list[str]:
            return [one for thread in threads for one in answers(thread)]

        for thread in threads:
            await row.say(thread, KEYWORD)
        await row.until(lambda: bool(said()), "the first answer")
        row.lives["b"].freeze()
        await row.say(threads[0], f"{KEYWORD}？")
        await row.until_held(a=1)
        await row.until(lambda: len(said()) == 3, "the other one's answers")
        beats = line.heartbeats
        row.lives["b"].thaw()
        await row.until(lambda: line.closed, "the old line to be left")
        await row.until_held(a=1, b=0)
        await row.say(threads[1], f"{KEYWORD}？")
        await row.until(lambda: len(said()) == 4, "life to go on")

        assert line.heartbeats == beats
        assert row.claims == [SELLERS[0]] * 2
        await row.lives["b"].stop()
        assert said() == [GREETING] * 4
        assert row.told(KEYWORD) == 4


async def test_a_new_node_is_given_its_share_and_no_buyer_notices(opened: Open) -> None:
    """Two buyers speak while the account that moves is connected nowhere, one to the other."""
    async with opened(accounts=2, lease_seconds=LEASE_SECONDS) as row:
        await row.lives["a"].start()
        await row.until_held(a=2)
        await row.sandbox.qq.wait_online(SECONDS)
        lines, (stays, moves) = row.sandbox.lines, SELLERS[:2]
        (old,) = lines.of(moves)
        threads = [
            row.thread(moves),
            row.thread(moves, buyer=OTHER_BUYER),
            row.thread(stays),
        ]

        async def all_ask(text: str, number: int) -> None:
            for thread in threads:
                await row.say(thread, text)
            if number:
                await row.until(
                    lambda: all(answers(one) == [GREETING] * number for one in threads),
                    "the answers",
                )

        await all_ask(KEYWORD, 1)
        lines.refusing_until = inf
        await row.lives["b"].start()
        await row.until(lambda: old.closed, "the old line to be left")
        await all_ask(f"{KEYWORD}？", 0)
        lines.refusing_until = 0.0
        await row.until_held(a=1, b=1)
        assert await row.node_of(moves) == "b"
        await all_ask(f"{KEYWORD}！", 3)

        await row.until(lambda: row.told(KEYWORD) >= 9, "the notices")

        assert sorted(row.claims) == [stays, moves, moves]
        for life in row.lives.values():
            await life.stop()
        assert [answers(one) for one in threads] == [[GREETING] * 3] * 3
        assert row.told(KEYWORD) == 9


async def test_the_bot_that_is_dialled_is_dialled_by_another_when_its_node_is_killed(
    opened: Open,
) -> None:
    """Never by two at once; and what is to be told meanwhile is told, once."""
    bot = MilkySim(token=TOKEN)
    async with opened(lease_seconds=LEASE_SECONDS, milky=bot) as row:

        def told(part: str) -> int:
            return sum(part in line.text for line in bot.bot_lines("private", OWNER_QQ))

        await row.lives["b"].start()
        await row.until_held(b=1)
        await row.lives["a"].start()
        await row.until_held(b=1, a=0)
        await row.say(row.thread(), "第一句")
        await bot.wait_for_line("private", OWNER_QQ, "第一句", SECONDS)
        assert bot.connections == 1

        await row.lives["b"].kill()
        await row.say(row.thread(), "第二句")

        notice = await bot.wait_for_line("private", OWNER_QQ, "第二句", SECONDS)
        assert bot.connections == 2
        await bot.say_private(OWNER_QQ, "在的", quote=notice.id)
        await row.until(lambda: answers(row.thread()) == ["在的"], "the answer")
        await row.lives["b"].start()
        await row.until_held(a=1, b=0)
        await row.lives["a"].stop()
        await row.until_held(b=1)
        await row.say(row.thread(), "第三句")
        await bot.wait_for_line("private", OWNER_QQ, "第三句", SECONDS)
        assert bot.connections == 3
        assert [told(one) for one in ("第一句", "第二句", "第三句")] == [1, 1, 1]


async def test_nodes_outlive_a_restart_of_their_database(opened: Open, postgres: Server) -> None:
    if postgres.folder is None:
        pytest.skip("the database is somebody else's, and not restarted")
    async with opened(accounts=2) as row:
        await row.lives["a"].start()
        await row.lives["b"].start()
        await row.sandbox.qq.wait_online(SECONDS)
        await wait_until(_all_online(row), SECONDS)

        postgres.stop()
        for seller in SELLERS[:2]:
            await row.say(row.thread(seller), KEYWORD)
        postgres.start()

        for seller in SELLERS[:2]:
            thread = row.thread(seller)
            await row.until(lambda thread=thread: answers(thread) == [GREETING], "an answer")  # type: ignore[misc]
        await wait_until(_all_online(row), SECONDS)
        assert set(await row.view()) == {"a", "b"}


def _all_online(row: Row) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return all(one.state is AccountState.ONLINE for one in await row.accounts())

    return look
