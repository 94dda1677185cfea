"""Each fault that the platform can play, while buyers talk and an operator answers in QQ.

Afterwards the promises hold, and what was said about the fault is what it deserves: nothing where
the hub mends it by itself, a sentence for the owner where it cannot.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.model import RESTING, AccountState
from hub.sandbox.faults import KINDS
from hub.sandbox.world import DEMO_SELLER
from tests.faults.crowd import Crowd, at_once, gathered, selected
from tests.faults.promises import FINAL_WORDS, keep
from tests.faults.town import OTHER_BUYER, Town, Written, open_town

ANSWER = "可以的，今天发"
SEND = "/r/MessageSend/sendByReceiverScope"
HEARTBEAT = "/!"
TOKEN_API = "mtop.taobao.idlemessage.pc.login.token"
ACCEPTED, REJECTED, UNCERTAIN = "✓ 已送达", "✗ 没有发出", "？ 不确定是否送达"

Provoke = Callable[[Town], Awaitable[None]]


# --- ways to break it, all through the admin door ---


def fault(kind: str, **more: Any) -> Provoke:
    async def provoke(town: Town) -> None:
        await town.admin("faults", {"user": DEMO_SELLER, "kind": kind, **more})

    return provoke


def cut(how: str) -> Provoke:
    async def provoke(town: Town) -> None:
        await town.admin("connections/cut", {"user": DEMO_SELLER, "how": how})

    return provoke


def login(kind: str, **more: Any) -> Provoke:
    """The line ends, and the fault waits for the next attempt to log in with a new token."""

    async def provoke(town: Town) -> None:
        await fault(kind, **more)(town)
        await town.admin("tokens/expire", {"kind": "im", "user": DEMO_SELLER})
        await cut("abnormal")(town)

    return provoke


def manners(**values: Any) -> Provoke:
    async def provoke(town: Town) -> None:
        await town.admin("manners", values, method="PATCH")

    return provoke


def both(*parts: Provoke) -> Provoke:
    async def provoke(town: Town) -> None:
        for part in parts:
            await part(town)

    return provoke


def again(part: Provoke) -> Provoke:
    """As soon as there is another line."""

    async def provoke(town: Town) -> None:
        (before,) = town.sandbox.lines.of(DEMO_SELLER)
        await part(town)
        await town.until(
            lambda: any(one is not before for one in town.sandbox.lines.of(DEMO_SELLER)),
            "another line",
        )
        await part(town)

    return provoke


def restart(**how: Any) -> Provoke:
    async def provoke(town: Town) -> None:
        await town.admin("restart", how)

    return provoke


async def newer_token(town: Town) -> None:
    """Somebody asked for a token for our device: our line hears nothing from now on."""
    line = town.sandbox.lines.of(DEMO_SELLER)[-1]
    newer = town.world.issue_token(DEMO_SELLER, line.did, 600)
    town.sandbox.lines.age(DEMO_SELLER, line.did, newer.number)
    assert line.zombie


async def token_runs_out(town: Town) -> None:
    for line in town.sandbox.lines.of(DEMO_SELLER):
        line.token_expires_at = 1


# --- the line and the login: what buyers say ---


@dataclass(frozen=True, slots=True)
class Trouble:
    name: str
    provoke: Provoke
    kinds: tuple[str, ...] = ()
    needs_person: bool = False
    """The hub must not go on by itself: it tells the owner and waits."""
    lasts: bool = False
    """Nothing gets through before it heals."""
    told: str = ""
    """What the owner reads about it."""
    quarantined: bool = False
    """Something came that nobody could read, and was put aside."""


def _trouble(kind: str, *, provoke: Provoke | None = None, **more: Any) -> Trouble:
    return Trouble(kind, provoke or fault(kind), (kind,), **more)


DEAF = "连接看似正常却漏了"
TROUBLES = [
    _trouble("push_lost", told=DEAF),
    _trouble("push_delay", provoke=fault("push_delay", seconds=0.5)),
    _trouble("push_duplicate", provoke=fault("push_duplicate", times=None)),
    _trouble("push_reorder"),
    _trouble("push_gap"),
    _trouble("push_malformed", quarantined=True),
    _trouble("push_garbage", quarantined=True),
    _trouble("cut_on_push"),
    _trouble("cut_after_push", provoke=fault("cut_after_push", after=1)),
    _trouble("answer_drop", provoke=fault("answer_drop", times=None, subject=HEARTBEAT)),
    _trouble("answer_delay", provoke=fault("answer_delay", times=None, seconds=0.3)),
    _trouble("cut_on_request", provoke=fault("cut_on_request", subject=HEARTBEAT)),
    _trouble("cut_on_answer", provoke=fault("cut_on_answer", subject=HEARTBEAT)),
    _trouble("half_open", provoke=fault("half_open", subject=HEARTBEAT)),
    _trouble("list_throttle", provoke=both(fault("list_throttle"), fault("push_lost")), told=DEAF),
    Trouble("missing acks", manners(unacked_limit=2), lasts=True),
    Trouble("cut: abnormal", cut("abnormal")),
    Trouble("cut: normal", cut("normal")),
    Trouble("cut: kickout", cut("kickout")),
    Trouble("cut: zombie", cut("zombie"), told=DEAF),
    Trouble("cut: half open", cut("half_open")),
    Trouble("cut: garbage", cut("garbage"), quarantined=True),
    Trouble("cut: session remove", cut("remove")),
    Trouble("cut: session remove, again", again(cut("remove")), needs_person=True),
    Trouble("zombie after a newer token", newer_token, told=DEAF),
    Trouble("im token expired: kick", both(manners(expired_line="kick"), token_runs_out)),
    Trouble(
        "im token expired: zombie", both(manners(expired_line="zombie"), token_runs_out), told=DEAF
    ),
    Trouble("restart: abnormal", restart(how="abnormal", seconds=0.5)),
    Trouble("restart: normal", restart(how="normal", seconds=0.5)),
    Trouble("restart: tokens forgotten", restart(how="abnormal", seconds=0.2, tokens=True)),
    _trouble("reg_refused", provoke=both(fault("reg_refused"), cut("abnormal"))),
    Trouble("reg_refused for ever", login("reg_refused", times=None), needs_person=True),
    _trouble("reg_limit", provoke=login("reg_limit")),
    Trouble("reg_limit for ever", login("reg_limit", times=None), needs_person=True),
    _trouble("reg_silent", provoke=login("reg_silent")),
    _trouble("mtop_token_expired", provoke=login("mtop_token_expired", times=2)),
    _trouble("mtop_throttle", provoke=login("mtop_throttle", times=2)),
    _trouble("mtop_garbage", provoke=login("mtop_garbage", subject=TOKEN_API)),
    _trouble("mtop_http500", provoke=login("mtop_http500", times=2)),
    _trouble("mtop_delay", provoke=login("mtop_delay", seconds=0.5)),
    _trouble("mtop_lost", provoke=login("mtop_lost")),
    _trouble("mtop_stored", provoke=login("mtop_stored")),
    _trouble("mtop_session_expired", provoke=login("mtop_session_expired")),
    Trouble(
        "mtop_session_expired for ever",
        login("mtop_session_expired", times=None),
        needs_person=True,
    ),
    _trouble("mtop_risk", provoke=login("mtop_risk", times=None), needs_person=True),
    _trouble(
        "mtop_ret",
        provoke=login("mtop_ret", times=None, reason="FAIL_SYS_ILLEGAL_ACCESS::非法访问"),
        needs_person=True,
    ),
]


async def play_trouble(case: Trouble, furnished: Path, folder: Path) -> None:
    async with open_town(furnished, folder) as town:
        await town.start_hub()
        buyer, other = town.conversation(), town.conversation(OTHER_BUYER)
        await town.say(buyer, "第一句")
        notice = await town.wait_notice("第一句")
        await town.wait_declared()
        if case.told == DEAF:
            await town.wait_compared()

        await case.provoke(town)
        await town.say(other, "另一位说的")
        await town.say(buyer, "第二句", "在吗")
        await town.say(buyer, "第四句")
        written = await town.answer(buyer, notice, ANSWER)
        if case.needs_person:
            await _asks_for_a_person(town)
        elif not case.lasts:
            await town.until(lambda: bool(_end(town, written)), "a receipt, before it heals")
        town.heal()

        await keep(town)
        _check_what_was_told(town, case)
        await _check_account(town, case)
        if case.quarantined:
            assert await town.read(lambda tx, shop: tx.quarantine.count(shop)) > 0


async def _asks_for_a_person(town: Town) -> None:
    """It says so, and asks for nothing more until then."""
    await town.wait_accounts(lambda a: a.state in RESTING, "a person to be needed")
    asked = len(town.sandbox.mtop.calls)
    await town.wait_notice("🔴【小店1】")
    assert len(town.sandbox.mtop.calls) == asked
    assert not town.sandbox.lines.of(DEMO_SELLER)


def _check_what_was_told(town: Town, case: Trouble) -> None:
    about_accounts = [line.text for line in town.notices() if line.text[0] in "🔴🟡🟢"]
    if case.needs_person:
        assert len([one for one in about_accounts if one.startswith("🔴")]) == 1
    elif case.told:
        assert any(case.told in one for one in about_accounts), about_accounts
    else:
        assert not [one for one in about_accounts if one.startswith("🔴")]


async def _check_account(town: Town, case: Trouble) -> None:
    (account,) = await town.accounts()
    assert account.state is AccountState.ONLINE
    assert case.needs_person or account.starts == 1, "nobody was asked without need"


def _answers(town: Town) -> list[str]:
    return [one.summary for one in town.conversation().messages if one.own]


# --- sends: what becomes of one answer of the operator ---


@dataclass(frozen=True, slots=True)
class Sending:
    name: str
    provoke: Provoke
    kinds: tuple[str, ...]
    receipt: str
    says: str = ""
    """Part of the receipt."""


def _sending(kind: str, receipt: str, *, says: str = "", **more: Any) -> Sending:
    return Sending(kind, fault(kind, **more), (kind,), receipt, says)


BLOCKED = "内容存在不当信息"
SENDINGS = [
    _sending("send_no_body", ACCEPTED),
    _sending("send_stored", ACCEPTED),
    _sending("send_lost", UNCERTAIN, says="没有自动重发"),
    _sending("send_blocked", REJECTED, says=BLOCKED),
    Sending(
        "send_blocked, said elsewhere",
        both(manners(forbid_in="more_info", forbid_code=400), fault("send_blocked")),
        ("send_blocked",),
        REJECTED,
        BLOCKED,
    ),
    _sending("send_failed", REJECTED),
    _sending("send_throttled", ACCEPTED, times=2),
    _sending("echo_missing", ACCEPTED),
    Sending(
        "neither echo nor body",
        both(fault("echo_missing"), fault("send_no_body")),
        ("echo_missing", "send_no_body"),
        ACCEPTED,
    ),
    _sending("answer_drop", ACCEPTED, subject=SEND),
    Sending(
        "no answer, no echo",
        both(fault("answer_drop", subject=SEND), fault("echo_missing")),
        ("answer_drop", "echo_missing"),
        ACCEPTED,
    ),
    _sending("answer_delay", ACCEPTED, subject=SEND, seconds=1.5),
    _sending("cut_on_request", UNCERTAIN, subject=SEND),
    _sending("cut_on_answer", ACCEPTED, subject=SEND),
    _sending("half_open", UNCERTAIN, subject=SEND),
]


async def play_sending(case: Sending, furnished: Path, folder: Path) -> None:
    async with open_town(furnished, folder) as town:
        await town.start_hub()
        buyer = town.conversation()
        await town.say(buyer, "便宜点？")
        notice = await town.wait_notice("便宜点？")

        await case.provoke(town)
        written = await town.answer(buyer, notice, ANSWER)
        await town.say(town.conversation(OTHER_BUYER), "我是另一位")
        await town.wait_notice("我是另一位")
        await town.until(lambda: bool(_end(town, written)), "a receipt, before it heals")
        town.heal()
        await town.say(buyer, "在吗")

        await keep(town)
        assert _end(town, written).startswith(case.receipt)
        assert case.says in _end(town, written)
        assert _answers(town).count(ANSWER) == int(case.receipt == ACCEPTED)
        in_doubt = any("不确定" in line.text for line in town.notices())
        assert in_doubt == (case.receipt == UNCERTAIN), "said only where it cannot be known"


def _end(town: Town, written: Written) -> str:
    said = (line.text for line in town.receipts(written))
    return next((text for text in said if text.startswith(FINAL_WORDS)), "")


# --- the tests ---


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def crowd(
    request: pytest.FixtureRequest,
    furnished: dict[int, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Crowd[Trouble | Sending]]:
    folder = tmp_path_factory.mktemp("faults")

    async def play(case: Trouble | Sending) -> None:
        mine = folder / case.name.replace(": ", "-")
        if isinstance(case, Trouble):
            await play_trouble(case, furnished[1], mine)
        else:
            await play_sending(case, furnished[1], mine.with_name(f"send {mine.name}"))

    cases: list[Trouble | Sending] = [
        *selected(request, "trouble"),
        *selected(request, "sending"),
    ]
    async with gathered(play, cases, at_once(request.config)) as crowd:
        yield crowd


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda case: case.name)
async def test_nothing_is_lost_or_doubled_whatever_the_line_does(
    trouble: Trouble, crowd: Crowd[Trouble | Sending]
) -> None:
    await crowd.result(trouble)


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("sending", SENDINGS, ids=lambda case: case.name)
async def test_the_operator_learns_what_became_of_an_answer_and_it_is_sent_once(
    sending: Sending, crowd: Crowd[Trouble | Sending]
) -> None:
    await crowd.result(sending)


ELSEWHERE = {
    "mtop_unsure": "a write that says no inside its yes; the line writes nothing but messages",
    "passport_html": "renewals and QR logins",
    "passport_refused": "renewals and QR logins",
    "passport_delay": "renewals and QR logins",
    "qr_error": "QR logins",
    "qr_status": "QR logins",
    "upload_html": "pictures",
    "upload_refused": "pictures",
    "upload_delay": "pictures",
    "upload_lost": "pictures",
    "picture_missing": "pictures",
    "picture_moved": "pictures",
    "ai_slow": "answers by AI",
    "ai_throttle": "answers by AI",
    "ai_error": "answers by AI",
    "ai_http500": "answers by AI",
    "ai_garbage": "answers by AI",
    "ai_says": "answers by AI",
    "ai_empty": "answers by AI",
    "ai_endless": "answers by AI",
    "ai_refusal": "answers by AI",
    "ai_cut": "answers by AI",
}
"""Faults that the tests of these things provoke."""


def test_every_fault_is_provoked() -> None:
    provoked = {kind for trouble in TROUBLES for kind in trouble.kinds}
    provoked |= {kind for sending in SENDINGS for kind in sending.kinds}
    assert provoked | set(ELSEWHERE) == set(KINDS)
