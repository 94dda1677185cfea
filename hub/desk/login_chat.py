"""`/登录`: a QR code in private chat, and what becomes of it; unasked when a login has died."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import segno
from loguru import logger

from hub.desk.accounts import Accounts
from hub.desk.login import Logins, LoginStep, QrView
from hub.desk.operator import Door, Operator
from hub.errors import Invalid, PeerError, Refusal, StoreError
from hub.model import (
    Account,
    AccountState,
    ChatPeer,
    OperatorMessage,
    in_group_only,
    peer_at,
)
from hub.store import Store, Tx, persistently
from hub.text import login_qr as words

Say = Callable[[ChatPeer, str, Sequence[bytes]], Awaitable[object]]
"""Says something in a chat, with pictures below it. Raises PeerError."""
WAITING_TALKS = 64
SCALE = 8
"""Pixels per module: a phone reads it off another phone's screen."""
QUIET_ZONE = 4
_UNTOLD = frozenset({LoginStep.PREPARING, LoginStep.WAITING})


@dataclass(frozen=True, slots=True)
class _Talk:
    """An attempt that is told of in a chat."""

    operator: Operator
    peer: ChatPeer
    attempt: str
    opening: str


class LoginChat:
    """`run` does the telling; without it nothing is sent."""

    def __init__(
        self, store: Store, accounts: Accounts, logins: Logins, *, unasked: bool = True
    ) -> None:
        """`unasked`: owners are sent a code when a login has died."""
        self._store = store
        self._accounts = accounts
        self._logins = logins
        self._unasked = unasked
        self._talks: asyncio.Queue[_Talk] = asyncio.Queue(WAITING_TALKS)

    async def begin(
        self, operator: Operator, argument: str, message: OperatorMessage
    ) -> str | None:
        """None: the picture comes by itself."""
        if message.peer.scene != "private":
            raise Invalid("没有开始：二维码只在私聊里发，请私聊我写 /登录")
        account = await self._accounts.find(operator, argument)
        view = await self._logins.start(operator, account.id)
        if not view.pending:
            return words.told(account.name, view.words, view.url)
        await self._talks.put(_Talk(operator, message.peer, view.id, words.code(account.name)))
        return None

    async def run(self, say: Say, connected: Callable[[], Awaitable[None]]) -> None:
        """Tell of every attempt that was begun here, until cancelled.

        `connected` returns as soon as something can be said.
        """
        async with asyncio.TaskGroup() as tasks:
            if self._unasked:
                tasks.create_task(self._watch(connected), name="dead logins")
            running: dict[tuple[str, ChatPeer], asyncio.Task[None]] = {}
            while True:
                talk = await self._talks.get()
                running = {key: task for key, task in running.items() if not task.done()}
                if (known := running.get((talk.attempt, talk.peer))) is not None:
                    known.cancel()  # asked for again: the picture is sent once more
                running[talk.attempt, talk.peer] = tasks.create_task(
                    self._tell(talk, say), name="login in chat"
                )

    async def _tell(self, talk: _Talk, say: Say) -> None:
        """From the first picture to the end of the attempt."""
        shown, told = 0, LoginStep.WAITING
        opening = talk.opening
        try:
            while True:
                seen = self._logins.revision(talk.operator.shop)
                view = self._logins.state(talk.operator, talk.attempt)
                if view.step is LoginStep.WAITING and view.picture > shown:
                    await _try_to_say(say, talk.peer, opening, [_drawn(view)])
                    shown, told = view.picture, view.step
                elif view.step is LoginStep.EXPIRED and view.may_retry:
                    await self._logins.retry(talk.operator, talk.attempt)
                    opening = words.code_again()
                    continue
                elif view.step is not told and view.step not in _UNTOLD:
                    await _try_to_say(say, talk.peer, _in_words(view), ())
                    told = view.step
                if not view.pending:
                    return
                await self._logins.wait_moved(talk.operator.shop, seen)
        except Refusal as refusal:
            await _try_to_say(say, talk.peer, refusal.text, ())
        except StoreError as error:
            logger.error("a login in chat broke off, it can be asked for again: {}", error)

    # --- Unasked --------------------------------------------------------------------------------

    async def _watch(self, connected: Callable[[], Awaitable[None]]) -> None:
        async with self._store.changes() as changes:
            while True:
                await persistently("dead logins", lambda: self._offer_all(connected))
                while (change := await anext(changes, None)) is not None:
                    if change.noun == "account":
                        break
                else:
                    return

    async def _offer_all(self, connected: Callable[[], Awaitable[None]]) -> None:
        for account in await self._store.read(_dead):
            await connected()
            await self._offer(account)

    async def _offer(self, account: Account) -> None:
        """One code per death, to each QQ id of each owner."""
        for operator, peer in await self._store.write(lambda tx: _owners(tx, account)):
            try:
                view = await self._logins.start(operator, account.id)
            except Refusal as refusal:
                logger.info("no code for the dead login of {}: {}", account.name, refusal.text)
                return
            opening = words.died(account.name)
            await self._talks.put(_Talk(operator, peer, view.id, opening))


def _dead(tx: Tx) -> list[Account]:
    """Accounts whose owners were not sent a code yet."""
    dead = [one for one in tx.accounts.enabled() if one.state is AccountState.LOGGED_OUT]
    return [one for one in dead if not tx.inputs.known(one.shop, [_key(one)])]


def _owners(tx: Tx, account: Account) -> list[tuple[Operator, ChatPeer]]:
    """Nobody if the login is alive again, or its owners were sent a code."""
    now = tx.accounts.get(account.shop, account.id)
    if now is None or now.state is not AccountState.LOGGED_OUT:
        return []
    if not tx.inputs.first_time(account.shop, _key(now), now.state_since):
        return []
    found = []
    for qq in tx.members.owners_qq(account.shop):
        if in_group_only(qq):
            continue
        member = tx.members.by_qq(qq)
        if member is not None:
            operator = Operator(member, Door.QQ, "login died")
            found.append((operator, peer_at("private", qq)))
    return found


def _key(account: Account) -> str:
    """One per life of a login: the next one has another number."""
    return f"login:code:{account.id}:{account.logins}"


def _in_words(view: QrView) -> str:
    said = words.VERIFICATION if view.step is LoginStep.VERIFICATION else view.words
    if view.account is None:
        return said
    return words.told(view.account.name, said, view.url)


def _drawn(view: QrView) -> bytes:
    drawn = io.BytesIO()
    code = segno.make(view.image_text, error="m", micro=False)
    code.save(drawn, kind="png", scale=SCALE, border=QUIET_ZONE, light="#ffffff")
    return drawn.getvalue()


async def _try_to_say(say: Say, peer: ChatPeer, said: str, pictures: Sequence[bytes]) -> None:
    """What is not said is seen in the admin; the attempt goes on."""
    try:
        await say(peer, said, pictures)
    except PeerError as error:
        logger.warning("a login was not told of in chat: {}", error)
