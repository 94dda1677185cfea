"""What was told last about each conversation, so that the next notice of it can quote that."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from hub.model import NOTICE_KEY, ChatPeer, Delivered, SendNotice, Task
from hub.text import gathered

MOST = 2_000
"""Conversations of one chat count each; those that were told of longest ago are forgotten."""
_Thread = tuple[str, str, int]


class LastTold:
    """Kept in memory on purpose: to look it up would cost a read for each notice, and a quote is a
    help to the eye. After a restart the first notice of a conversation quotes nothing."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ids: OrderedDict[_Thread, dict[str, str]] = OrderedDict()

    def before(self, task: Task) -> Mapping[str, str]:
        """By bot: the message that a notice of a buyer's words goes on from; empty for others."""
        thread = _thread(task)
        if thread is None or not task.key.startswith(NOTICE_KEY):
            return {}
        return self._ids.get(thread, {})

    def note(self, task: Task, delivered: Delivered) -> None:
        """It was told: the next one of its conversation goes on from there."""
        thread = _thread(task)
        if thread is None or not delivered.message_ids:
            return
        # Another bot cannot know the id, nor does what it said longer ago come next.
        self._ids[thread] = {delivered.bot: delivered.message_ids[-1]}
        self._ids.move_to_end(thread)
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)


def _thread(task: Task) -> _Thread | None:
    work = task.work
    if (
        not isinstance(work, SendNotice)
        or work.conversation is None
        or gathered.is_gathered(work.text)
    ):
        return None
    peer: ChatPeer = work.peer
    return (peer.scene, peer.peer, work.conversation)
