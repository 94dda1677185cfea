"""Reading lists that move while they are read, are out of order, or do not end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hub.model import (
    BuyerMessage,
    Event,
    Ignored,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Text,
    Unknown,
)
from hub.supervisor.lists import (
    MOST_HISTORY_PAGES,
    MOST_LIST_PAGES,
    ChangedSince,
    said_since,
)
from hub.xianyu import ConversationPage, HistoryPage, ListedConversation

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
THREAD = PlatformConversation("60010020030")


def at(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def listed(name: str, minutes: float | None) -> ListedConversation:
    moment = None if minutes is None else at(minutes)
    return ListedConversation(PlatformConversation(name), None, None, "", moment, None, 0)


def said(number: int, minutes: float) -> BuyerMessage:
    return BuyerMessage(
        PlatformMessage(f"{number}.PNM"),
        THREAD,
        PlatformUser("3100444455556"),
        "小林",
        None,
        Text(str(number)),
        at(minutes),
    )


@dataclass
class Script:
    """Pages in the order in which they are asked for; the last one is given again and again."""

    lists: list[Sequence[ListedConversation]] = field(default_factory=list)
    histories: list[Sequence[tuple[Event, datetime | None]]] = field(default_factory=list)
    endless: bool = False
    asked: int = 0

    async def conversations(
        self, *, cursor: int | None = None, limit: int = 20
    ) -> ConversationPage:
        page = self.lists[min(self.asked, len(self.lists) - 1)]
        self.asked += 1
        return ConversationPage(tuple(page), self._next(len(self.lists)))

    async def history(
        self, conversation: PlatformConversation, *, cursor: int | None = None, limit: int = 20
    ) -> HistoryPage:
        page = self.histories[min(self.asked, len(self.histories) - 1)]
        self.asked += 1
        events, times = tuple(e for e, _ in page), tuple(t for _, t in page)
        return HistoryPage(events, self._next(len(self.histories)), times)

    def _next(self, pages: int) -> int | None:
        return self.asked if self.endless or self.asked < pages else None


async def changed(script: Script, since: datetime) -> ChangedSince:
    found = ChangedSince(since)
    await found.read(script)
    return found


def names(found: ChangedSince) -> list[str]:
    return [str(one.id) for one in found.in_order]


async def test_what_changed_first_comes_first_and_one_page_is_enough() -> None:
    script = Script([[listed("c", 1), listed("b", 2), listed("a", 3), listed("old", 60)]])
    found = await changed(script, at(10))
    assert names(found) == ["a", "b", "c"]
    assert (found.newest, found.older, found.cut) == (at(1), at(60), False)
    assert script.asked == 1


async def test_a_pinned_conversation_does_not_end_the_reading() -> None:
    script = Script([[listed("pinned", 999), listed("a", 1)], [listed("b", 2), listed("c", 60)]])
    script.lists.append(script.lists[0])
    assert names(await changed(script, at(10))) == ["b", "a"]


async def test_a_conversation_that_rose_while_the_list_was_read_is_not_overlooked() -> None:
    """It stood on page two when page one was read, and on page one when page two was."""
    script = Script(
        [
            [listed("a", 1), listed("b", 2)],
            [listed("old", 60)],
            [listed("risen", 0), listed("a", 1)],
            [listed("a", 1), listed("b", 2)],
        ]
    )
    found = await changed(script, at(10))
    assert set(names(found)) == {"a", "b", "risen"}
    assert found.newest == at(1), "what came later is compared again next time"


async def test_a_list_without_times_is_read_as_changed() -> None:
    assert names(await changed(Script([[listed("a", None)]]), at(10))) == ["a"]


async def test_a_list_without_an_end_ends() -> None:
    rows = [[listed(f"{page}-{row}", 1) for row in range(20)] for page in range(99)]
    found = await changed(Script(list(rows), endless=True), at(10))
    assert found.cut
    assert len(found.found) == 20 * MOST_LIST_PAGES


async def test_a_history_is_given_as_it_was_said() -> None:
    script = Script(
        histories=[
            [(said(4, 1), at(1)), (said(3, 2), at(2))],
            [(said(2, 3), at(3)), (said(1, 60), at(60))],
        ]
    )
    found = await said_since(script, THREAD, at(10))
    assert [event.id for event in found.events if isinstance(event, BuyerMessage)] == [
        "2.PNM",
        "3.PNM",
        "4.PNM",
    ]
    assert not found.cut


async def test_what_cannot_be_read_neither_ends_a_history_nor_comes_from_its_past() -> None:
    unreadable, aged = Unknown("new", ""), Unknown("old", "")
    script = Script(
        histories=[
            [(said(2, 1), at(1)), (unreadable, None), (Ignored("x"), at(2))],
            [(said(1, 3), at(3)), (said(0, 60), at(60)), (aged, None)],
        ]
    )
    found = await said_since(script, THREAD, at(10))
    assert [type(event) for event in found.events] == [
        BuyerMessage,
        Ignored,
        Unknown,
        BuyerMessage,
    ]
    assert unreadable in found.events


async def test_a_history_without_an_end_ends_and_says_so() -> None:
    pages = [[(said(page, 1), at(1))] for page in range(99)]
    found = await said_since(Script(histories=list(pages), endless=True), THREAD, at(10))
    assert found.cut
    assert len(found.events) == MOST_HISTORY_PAGES
