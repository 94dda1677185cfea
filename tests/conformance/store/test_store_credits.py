"""Reply credits survive, whoever dies in between."""

from __future__ import annotations

from datetime import datetime, timedelta

from store_stage import Stage, at

from hub.credits import Credits, fingerprint
from hub.model import AnchorKind, ChatPeer, Reply, ReplyUse

THERE = ChatPeer("official:102001", "private", "official:102001/0A1B")
ELSEWHERE = ChatPeer("official:102001", "private", "official:102001/FFFF")


class Time:
    def __init__(self) -> None:
        self.now = at()

    def __call__(self) -> datetime:
        return self.now


async def test_each_answer_has_its_own_number_until_there_are_five(stage: Stage) -> None:
    credits = Credits(stage.store, now=at)
    await credits.hear(THERE, "m1", AnchorKind.PRIVATE)
    await credits.hear(THERE, "m1", AnchorKind.PRIVATE)  # told twice
    numbers = []
    for word in "abcde":
        reply = await credits.take(THERE, word)
        assert reply is not None
        numbers.append(reply.number)
        await credits.arrived(THERE, reply, f"id-{word}")
    assert numbers == [1, 2, 3, 4, 5]
    assert await credits.take(THERE, "f") is None
    assert await credits.take(ELSEWHERE, "f") is None


async def test_what_has_no_answer_yet_keeps_its_number_over_a_restart(stage: Stage) -> None:
    credits = Credits(stage.store, now=at)
    await credits.hear(THERE, "m1", AnchorKind.PRIVATE)
    first = await credits.take(THERE, "a")
    later = Credits(stage.store, now=at)
    other, again = await later.take(THERE, "b"), await later.take(THERE, "a")
    assert first is not None
    assert other is not None
    assert again is not None
    assert [first.number, other.number, again.number] == [1, 2, 1]
    await later.arrived(THERE, again, "id")
    said_anew = await later.take(THERE, "a")
    assert said_anew is not None
    assert said_anew.number == 3


async def test_a_new_life_finds_what_the_last_one_said_and_nothing_that_it_did_not(
    stage: Stage,
) -> None:
    credits = Credits(stage.store, now=at)
    await credits.hear(THERE, "m1", AnchorKind.PRIVATE)
    reply = await credits.take(THERE, "a")
    assert reply is not None
    later = Credits(stage.store, now=at)
    assert await later.find(THERE, "a", at(), known=str.isdigit) == reply_again(reply)
    assert await later.find(THERE, "b", at(), known=str.isdigit) is None
    await credits.arrived(THERE, reply, "77")
    assert await later.find(THERE, "a", at(), known=lambda _: False) == "77"
    assert await later.find(THERE, "a", at(), known=str.isdigit) is None
    assert await later.find(THERE, "a", at(1), known=lambda _: False) is None


def reply_again(reply: Reply) -> Reply:
    """As the store has it: with the use that was taken."""
    use = ReplyUse(fingerprint("a"), at())
    return Reply(reply.anchor.used(use), reply.number)


async def test_a_credit_that_was_not_needed_comes_back(stage: Stage) -> None:
    credits = Credits(stage.store, now=at)
    await credits.hear(THERE, "m1", AnchorKind.PRIVATE)
    for word in "abcdefgh":
        reply = await credits.take(THERE, word)
        assert reply is not None
        assert reply.number == 1
        await credits.give_back(THERE, reply)


async def test_an_ended_or_old_anchor_is_answered_no_more_and_forgotten_in_time(
    stage: Stage,
) -> None:
    time = Time()
    credits = Credits(stage.store, now=time)
    await credits.hear(THERE, "m1", AnchorKind.PRIVATE)
    await credits.hear(THERE, "m2", AnchorKind.PRIVATE)
    reply = await credits.take(THERE, "a", prefer="m2")
    assert reply is not None
    await credits.end(THERE, reply)
    other = await credits.take(THERE, "a", prefer="m2")
    assert other is not None
    assert other.anchor.id == "m1"
    time.now += timedelta(minutes=61)
    assert await credits.take(THERE, "b") is None
    time.now += timedelta(hours=2)
    await credits.hear(THERE, "m3", AnchorKind.GROUP)
    kept = await stage.store.read(lambda tx: tx.reply_anchors.of(THERE.peer))
    assert [one.id for one in kept] == ["m3"]
