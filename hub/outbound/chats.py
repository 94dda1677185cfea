"""Notices and receipts to operators in chat, with the relay that lets a quote find its way back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from loguru import logger

from hub.album import Album
from hub.commands import need_of_notice
from hub.errors import HubError, PeerError, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    HANDED_KEY,
    NOTICE_KEY,
    PING_KEY,
    AccountId,
    ChatAbilities,
    ChatPeer,
    ConversationId,
    Delivered,
    Image,
    Mark,
    SendNotice,
    SendReceipt,
    ShopId,
    Task,
    TaskId,
    TaskState,
    Urgent,
    UrgentNews,
    only_bot,
)
from hub.notices import mail_members
from hub.outbound.last_told import LastTold
from hub.outbound.turns import Turns
from hub.outbound.worker import Claim
from hub.pacing import Pacer
from hub.policy import ReceiptWay, backoff, receipt_way
from hub.store import Store, Tx
from hub.text import gathered, mail, merged_notice, merged_pings, unlinked

NOT_CONNECTED_AGAIN = timedelta(seconds=30)
"""The chat lanes are hastened when a bot connects; this is the fallback."""
LOOK_AGAIN = timedelta(seconds=2)
IDS_COME_AGAIN = timedelta(minutes=1)
"""A relay that is older than this, seen from the moment of sending, is about another message: short
ids in chats come round again, but not so soon."""
PICTURE_SECONDS = 8.0
"""How long a notice waits for its pictures; what is not there by then is left out."""
SLOW_PICTURE_SECONDS = 1.0
SLOW_FOR = timedelta(minutes=1)
"""After pictures of an account took too long, its next notices do not wait like that again: all
the pictures for a person stand in one line."""
MOST_PICTURES = 9
MOST_PICTURE_BYTES = 4 * 1024 * 1024
"""Of all pictures of a notice. Bridges need about a second for a quarter of a megabyte."""
MOST_TRIES = 5
"""Of saying it and of looking for it; waiting for a bot or for a turn is none."""


REFUSED_ENOUGH = 2
"""Refusals after which what many notices say is left out."""
MISSED = timedelta(minutes=2)
"""A notice that waited so long was not told when it should have been."""
BEHIND = timedelta(seconds=10)
MANY = 30
"""So many notices that wait are told in one as soon as the chat is `BEHIND`: buyers talk faster
than a bot may."""
NOTHING: Mapping[str, str] = MappingProxyType({})
KEPT_APART = 3
"""The newest of what was missed; each can be quoted."""
WORTH_MERGING = 3


class ChatPort(Protocol):
    """What the chat door offers; see `bots.QQ`."""

    async def deliver(
        self,
        peer: ChatPeer,
        text: str,
        *,
        quote: str | None = None,
        goes_on: Mapping[str, str] = NOTHING,
        pictures: Sequence[bytes] = (),
    ) -> Delivered: ...

    async def find_delivered(self, peer: ChatPeer, text: str, since: datetime) -> Delivered | None:
        """Each message is found once: asked again, the next one that says the same."""

    def abilities(self, peer: ChatPeer) -> ChatAbilities: ...

    async def react(self, peer: ChatPeer, message_id: str, mark: Mark) -> None: ...


class ChatSends:
    """Performs `SendNotice` and `SendReceipt`."""

    def __init__(
        self,
        store: Store,
        port: ChatPort,
        album: Album,
        *,
        spacing: float,
        now: Callable[[], datetime],
        silent_after: timedelta | None = None,
        links: bool = False,
        lives: Callable[[], bool] = lambda: True,
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`links`: addresses in what buyers wrote stay links. `silent_after`: notices that wait so
        long for a bot are worth a mail; None: they never are. `lives`: False if other nodes may
        take this one for dead. `count` hears what became of each attempt to say something."""
        self._count = count
        self._store = store
        self._port = port
        self._album = album
        self._pacer = Pacer(spacing)
        self._slow_until: dict[AccountId, datetime] = {}
        self._turns = Turns(store, port.abilities, now=now)
        self._now = now
        self._last_told = LastTold()
        self._tries: dict[TaskId, int] = {}
        """Of open tasks. A new process starts to count anew, that does no harm."""
        self._silent_after = silent_after
        self._links = links
        self._lives = lives
        self._told_silent: set[ShopId] = set()

    async def perform(self, claim: Claim) -> None:
        task = claim.task
        if task.expires_at is not None and self._now() >= task.expires_at:
            self._count("expired")
            await self._settle(claim, TaskState.DROPPED, "expired")
        elif task.wire_at is not None and _told(claim)[1]:
            await self._look(claim, task.wire_at)
        elif (ready := await self._turns.ready(claim)) is not None:
            await self._send(await self._merge(ready))

    async def _send(self, claim: Claim) -> None:
        peer, text, quote = self._told(claim)
        way = self._way(claim)
        if not (way.sign or way.words):
            await self._settle(claim, TaskState.DROPPED, "no sign for it in this chat")
            return
        pictures = await self._pictures(claim)
        if seconds := await self._pacer.turn(peer.bot):
            await self._release(claim, timedelta(seconds=seconds), None, clear_wire=True)
            return
        now = self._now()
        if not await self._store.write(
            lambda tx: tx.outbox.mark_wire(claim.task, claim.holder, now)
        ):
            return
        if way.sign and not await self._has_to_say(claim, in_words=way.words):
            return
        if not self._lives():  # it was stopped since the mark, and another may have said it
            await self._release(claim, LOOK_AGAIN, None, clear_wire=True)
            return
        try:
            delivered = await self._port.deliver(
                peer,
                text,
                quote=quote,
                goes_on=self._last_told.before(claim.task),
                pictures=pictures,
            )
        except Uncertain as error:
            self._count("uncertain")
            logger.info("notice {} uncertain: {}", claim.task.id, error)
            self._count_try(claim)
            await self._release(claim, LOOK_AGAIN, error, clear_wire=False)
        except Unreachable as error:
            self._count("unreachable")
            await self._release(claim, NOT_CONNECTED_AGAIN, error, clear_wire=True)
            await self._tell_silence(claim)
        except (Rejected, Throttled) as error:
            self._count("refused")
            if _loses_nothing_by_waiting(claim, error):
                await self._try_again_later(claim, error)
            else:
                await self._try_again_or_give_up(claim, error, TaskState.FAILED, clear_wire=True)
        else:
            self._count("delivered")
            await self._done(claim, delivered)

    def _way(self, claim: Claim) -> ReceiptWay:
        work = claim.task.work
        mark = work.mark if isinstance(work, SendReceipt) else None
        reacts = mark is not None and self._port.abilities(_told(claim)[0]).reacts
        return receipt_way(mark, reacts=reacts)

    async def _has_to_say(self, claim: Claim, *, in_words: bool) -> bool:
        """Put the sign on the operator's message. True: its words have still to be said, because
        they are always or because the sign did not work. Putting it there twice does no harm."""
        work = claim.task.work
        assert isinstance(work, SendReceipt) and work.mark is not None  # noqa: S101, PT018
        try:
            await self._port.react(work.asked_by.peer, work.asked_by.message_id, work.mark)
        except Unreachable as error:
            await self._release(claim, NOT_CONNECTED_AGAIN, error, clear_wire=True)
            return False
        except PeerError as error:
            logger.info("sign {} of receipt {} not put: {}", work.mark, claim.task.id, error)
            if not receipt_way(work.mark, reacts=False).words:
                await self._settle(claim, TaskState.FAILED, str(error))
                return False
            return True
        if not in_words:
            await self._done(claim, Delivered(work.asked_by.peer.bot, ()))
        return in_words

    async def _merge(self, claim: Claim) -> Claim:
        """What a chat has missed for long is told in one notice, but for the newest; so are more
        than can be said before long, and many reminders at a time."""
        task, now = claim.task, self._now()
        family = _family(task)
        waited = now - task.created_at
        if family is None or (family == NOTICE_KEY and waited < BEHIND):
            return claim

        def unit(tx: Tx) -> SendNotice | None:
            lane = tx.outbox.waiting(task.shop, task.lane)
            waiting = [one for one in lane if _family(one) == family]
            if family == NOTICE_KEY and waited < MISSED and len(waiting) < MANY:
                return None
            older = waiting[:-KEPT_APART]
            if len(older) < WORTH_MERGING or older[0].id != task.id:
                return None
            said = Counter(_about(one) for one in older)
            order = dict.fromkeys(_about(one) for one in reversed(older))
            found = (tx.conversations.get(task.shop, one) for one in order)
            buyers = [(one, said[one.id]) for one in found if one is not None]
            assert isinstance(task.work, SendNotice)  # noqa: S101 - no other is mergeable
            words = (
                merged_notice(len(older), buyers) if family == NOTICE_KEY else merged_pings(buyers)
            )
            merged = SendNotice(task.work.peer, words, None)
            expires_at = max((one.expires_at for one in older if one.expires_at), default=None)
            if not tx.outbox.rewrite(task, claim.holder, merged, expires_at=expires_at):
                return None
            for one in older[1:]:
                tx.outbox.cancel(task.shop, one.key, error=f"merged into {task.id}", now=now)
            return merged

        merged = await self._store.write(unit)
        return claim if merged is None else replace(claim, task=replace(task, work=merged))

    async def _tell_silence(self, claim: Claim) -> None:
        """No bot takes notices: who reads mail has to know, once until one does again."""
        task, now = claim.task, self._now()
        waited, peer = now - task.created_at, self._told(claim)[0]
        if self._silent_after is None or waited < self._silent_after or peer.bot:
            return
        if task.shop in self._told_silent:
            return
        self._told_silent.add(task.shop)
        words, key = mail.silent_chat_mail(waited), f"silent-chat:{task.id}"
        news = UrgentNews(Urgent.SILENT_CHAT, words=words)
        await self._store.write(lambda tx: mail_members(tx, task.shop, news, words, key, now))

    async def _pictures(self, claim: Claim) -> list[bytes]:
        """Those of the message it tells of, as far as they can be had soon."""
        work, shop = claim.task.work, claim.task.shop
        if not isinstance(work, SendNotice) or not work.pictures or work.message is None:
            return []
        about, where = work.message, work.conversation
        message, conversation = await self._store.read(
            lambda tx: (
                tx.messages.get(shop, about),
                tx.conversations.get(shop, where) if where is not None else None,
            )
        )
        if message is None or conversation is None or not isinstance(message.content, Image):
            return []
        found: list[bytes] = []
        room = MOST_PICTURE_BYTES
        try:
            async with asyncio.timeout(self._patience(conversation.account)):
                for picture in message.content.pictures[:MOST_PICTURES]:
                    try:
                        shown = await self._album.show(conversation.account, picture)
                    except HubError as error:
                        logger.info("a picture of message {} is not shown: {}", about, error)
                        continue
                    if len(shown.data) <= room:
                        room -= len(shown.data)
                        found.append(shown.data)
        except TimeoutError:
            logger.info("pictures of message {} took too long", about)
            self._slow_until[conversation.account] = self._now() + SLOW_FOR
        return found

    def _patience(self, account: AccountId) -> float:
        slow = self._now() < self._slow_until.get(account, self._now())
        return SLOW_PICTURE_SECONDS if slow else PICTURE_SECONDS

    async def _look(self, claim: Claim, wire_at: datetime) -> None:
        """An earlier attempt had no answer: read the chat before saying it again."""
        peer, text, _ = self._told(claim)
        try:
            found = await self._find(peer, text, wire_at)
        except Unreachable as error:
            await self._release(claim, NOT_CONNECTED_AGAIN, error, clear_wire=False)
        except Uncertain as error:
            await self._try_again_or_give_up(claim, error, TaskState.UNCERTAIN, clear_wire=False)
        except PeerError as error:
            # This implementation cannot show its history: leave it, the ticket still works.
            logger.warning("notice {} may not have arrived: {}", claim.task.id, error)
            await self._settle(claim, TaskState.UNCERTAIN, str(error))
        else:
            if found is not None:
                await self._done(claim, found)
            elif self._tries.get(claim.task.id, 0) < MOST_TRIES:
                await self._release(claim, timedelta(0), None, clear_wire=True)
            else:
                await self._settle(claim, TaskState.FAILED, "never arrived")

    async def _find(self, peer: ChatPeer, text: str, wire_at: datetime) -> Delivered | None:
        """Where it arrived. What is a relay by now is another one that says the same, told before
        this process began: two answers to one buyer have the same receipt."""
        while (found := await self._port.find_delivered(peer, text, wire_at)) is not None:
            bot, (first, *_) = found.bot, found.message_ids
            relay = await self._store.read(
                lambda tx, bot=bot, first=first: tx.relays.find(bot, peer.scene, peer.peer, first)  # type: ignore[misc]
            )
            if relay is None or relay.at < wire_at - IDS_COME_AGAIN:
                break
        return found

    async def _try_again_or_give_up(
        self, claim: Claim, error: PeerError, end: TaskState, *, clear_wire: bool
    ) -> None:
        """A text that cannot go out or cannot be found holds up all that wait behind it."""
        tries = self._count_try(claim)
        if tries >= MOST_TRIES:
            logger.warning("notice {} given up: {}", claim.task.id, error)
            await self._settle(claim, end, str(error))
            return
        wait = backoff(tries, first=2, most=60, jitter=0)
        await self._release(claim, timedelta(seconds=wait), error, clear_wire=clear_wire)

    async def _try_again_later(self, claim: Claim, error: PeerError) -> None:
        """Until it expires. Each refusal costs something that may be said, so a digest which is
        refused for what it says soon says no more than that it is there."""
        work, tries = claim.task.work, self._count_try(claim)
        assert isinstance(work, SendNotice)  # noqa: S101 - no other waits so long
        changed = None
        if isinstance(error, Rejected) and tries >= REFUSED_ENOUGH:
            changed = replace(work, text=gathered.bare(work.text))
        due_at = self._now() + timedelta(seconds=backoff(tries, first=15, most=900, jitter=0))
        logger.info("notice {} is put off: {}", claim.task.id, error)
        await self._store.write(
            lambda tx: tx.outbox.release(
                claim.task, claim.holder, due_at, error=str(error), clear_wire=True, work=changed
            )
        )

    def _told(self, claim: Claim) -> tuple[ChatPeer, str, str | None]:
        """To whom, what, and which of their messages it quotes. What buyers wrote makes no link;
        what is to be said to them is shown as it is."""
        peer, text, quote = _told(claim)
        said = claim.task.key.startswith((NOTICE_KEY, PING_KEY, HANDED_KEY))
        return peer, unlinked(text) if said and not self._links else text, quote

    def _count_try(self, claim: Claim) -> int:
        tries = self._tries[claim.task.id] = self._tries.get(claim.task.id, 0) + 1
        return tries

    async def _release(
        self, claim: Claim, wait: timedelta, error: PeerError | None, *, clear_wire: bool
    ) -> None:
        due_at = self._now() + wait
        await self._store.write(
            lambda tx: tx.outbox.release(
                claim.task,
                claim.holder,
                due_at,
                error=str(error) if error is not None else "",
                clear_wire=clear_wire,
            )
        )

    async def _settle(self, claim: Claim, state: TaskState, error: str) -> None:
        now = self._now()
        self._tries.pop(claim.task.id, None)
        await self._store.write(
            lambda tx: tx.outbox.settle(claim.task, claim.holder, state, error=error, now=now)
        )

    async def _done(self, claim: Claim, delivered: Delivered) -> None:
        work, shop, now = claim.task.work, claim.task.shop, self._now()
        assert isinstance(work, SendNotice | SendReceipt)  # noqa: S101 - registered by kind
        peer, said, _ = self._told(claim)
        self._tries.pop(claim.task.id, None)
        self._told_silent.discard(shop)
        self._last_told.note(claim.task, delivered)

        def unit(tx: Tx) -> None:
            if not tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now):
                return
            if isinstance(work, SendNotice) and work.joined:
                tx.outbox.told_with(shop, work.joined)
            if work.conversation is None:
                return
            for part, message_id in enumerate(delivered.message_ids):
                tx.relays.add(
                    shop,
                    bot=delivered.bot,
                    scene=peer.scene,
                    peer=peer.peer,
                    external_id=message_id,
                    conversation=work.conversation,
                    message=work.message,
                    part=part,
                    need=need_of_notice(said) if part == 0 else None,
                    now=now,
                )

        await self._store.write(unit)


def _loses_nothing_by_waiting(claim: Claim, error: PeerError) -> bool:
    """What carries all that has gathered must not end with five refusals, and a bot that may only
    answer is told to wait for what it has said, not for what it says."""
    work = claim.task.work
    if not isinstance(work, SendNotice) or not only_bot(work.peer.peer):
        return False
    return isinstance(error, Throttled) or gathered.is_gathered(work.text)


def _family(task: Task) -> str | None:
    """What may be told together with its like: words of buyers, and reminders of buyers."""
    work = task.work
    if (
        not isinstance(work, SendNotice)
        or work.conversation is None
        or gathered.is_gathered(work.text)
    ):
        return None
    return next((one for one in (NOTICE_KEY, PING_KEY) if task.key.startswith(one)), None)


def _about(task: Task) -> ConversationId:
    assert isinstance(task.work, SendNotice)  # noqa: S101 - no other is mergeable
    assert task.work.conversation is not None  # noqa: S101 - no other is mergeable
    return task.work.conversation


def _told(claim: Claim) -> tuple[ChatPeer, str, str | None]:
    """To whom, what, and which of their messages it quotes."""
    match claim.task.work:
        case SendNotice(peer, text):
            return peer, text, None
        case SendReceipt(asked_by, text):
            return asked_by.peer, text, asked_by.message_id
        case other:
            raise TypeError(f"no chat work: {other!r}")
