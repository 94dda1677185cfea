"""Requests that read and mark: sync state, lists, histories, receipts, creating, taking back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.sandbox.answers import BAD_REQUEST, DOMAIN, THROTTLED, Answer, digits, refusal
from hub.sandbox.faults import Faults
from hub.sandbox.lines import Line, Lines
from hub.sandbox.manners import Manners
from hub.sandbox.views import conversation_model, history_model, pair_model
from hub.sandbox.world import Conversation, World, now_ms

RECALL_MS = 120_000
"""How long an own message can be taken back."""


class Requests:
    """Everything that is answered at once from what the platform knows."""

    def __init__(self, world: World, lines: Lines, faults: Faults, manners: Manners) -> None:
        self._world = world
        self._lines = lines
        self._faults = faults
        self._manners = manners

    def table(self) -> dict[str, Callable[[Line, list[Any]], Answer]]:
        return {
            "/r/SyncStatus/getState": self._get_state,
            "/r/Conversation/listNewestPagination": self._list_conversations,
            "/r/MessageManager/listUserMessages": self._list_messages,
            "/r/SingleChatConversation/create": self._create_conversation,
            "/r/MessageStatus/read": self._read,
            "/r/Conversation/clearRedPoint": self._clear_red_point,
            "/r/MessageManager/recallMessage": lambda line, body: self._recall(line, body[0]),
            "/r/MessageManager/recallMessageByFeature": (
                lambda line, body: self._recall(line, body[1])
            ),
        }

    def _get_state(self, line: Line, _body: list[Any]) -> Answer:
        newest = self._lines.newest_pts(line.user)
        line.state_given = newest if line.gap is None else line.gap
        return Answer(
            body={
                "channel": "sync",
                "highPts": 0,
                "pipeline": "sync",
                "pts": line.state_given,
                "seq": 0,
                "timestamp": now_ms(),
                "tooLong2Tag": "PNM,1",
                "topic": "sync",
            }
        )

    def _read(self, line: Line, body: list[Any]) -> Answer:
        ids = body[0]
        if not isinstance(ids, list) or not all(str(one).endswith(".PNM") for one in ids):
            return BAD_REQUEST
        for id in ids:
            found = self._world.find_message(id)
            if found and found[0].thread.seller == line.user:
                self._world.mark_read(found[0], line.user, [id])
        return Answer()

    def _too_early(self, line: Line) -> bool:
        early = line.seconds_registered < self._manners.list_quiet_seconds
        return early or self._faults.take(line.user, "list_throttle") is not None

    def _list_conversations(self, line: Line, body: list[Any]) -> Answer:
        if self._too_early(line):
            return THROTTLED
        cursor, limit = int(body[0]), int(body[1])
        older = [
            one
            for one in self._world.conversations_of(line.user)
            if one.modified_at < cursor and one.messages
        ]
        page = older[:limit]
        # A cursor is a time, so those of one millisecond must not be torn apart.
        page += [one for one in older[limit:] if one.modified_at == page[-1].modified_at]
        return Answer(
            body={
                "hasMore": int(len(older) > len(page)),
                "nextCursor": page[-1].modified_at if page else 0,
                "userConvs": [
                    {
                        "type": 1,
                        "singleChatUserConversation": conversation_model(one, self._manners),
                    }
                    for one in page
                ],
            }
        )

    def _list_messages(self, line: Line, body: list[Any]) -> Answer:
        if self._too_early(line):
            return THROTTLED
        conversation = self._own_conversation(line, body[0])
        cursor, limit = int(body[2]), int(body[3])
        shown = [one for one in conversation.messages if not one.recalled]
        if not shown:
            return Answer(body={"nextCursor": 0, "hasMore": 0, "degradeFailover": 0})
        older = [one for one in reversed(shown) if one.stamp.at < cursor]
        page = older[:limit]
        return Answer(
            body={
                "hasMore": int(len(older) > limit),
                "nextCursor": page[-1].stamp.at if page else 0,
                "userMessageModels": [history_model(one, self._manners) for one in page],
            }
        )

    def _create_conversation(self, line: Line, body: list[Any]) -> Answer:
        wish = body[0]
        pair = {digits(wish["pairFirst"]), digits(wish["pairSecond"])}
        (buyer,) = pair - {line.user}
        made = self._world.conversation_of(line.user, buyer, str(wish["extension"]["itemId"]))
        forms: dict[str, Any] = {
            "single": {"singleChatConversation": pair_model(made)},
            "list": [{"singleChatConversation": pair_model(made)}],
            "user": {"singleChatUserConversation": {"singleChatConversation": pair_model(made)}},
            "cid": {"cid": f"{made.id}{DOMAIN}"},
        }
        return Answer(body=forms[self._manners.create_answer])

    def _clear_red_point(self, line: Line, body: list[Any]) -> Answer:
        """Both published forms: up to a message, or a whole conversation."""
        for one in body[0]:
            cid, last = (one["cid"], one["messageId"]) if isinstance(one, dict) else (one, "")
            conversation = self._own_conversation(line, cid)
            ids = list(conversation.by_id)
            until = ids.index(last) + 1 if last else len(ids)
            self._world.mark_read(conversation, line.user, ids[:until])
        return Answer()

    def _recall(self, line: Line, id: object) -> Answer:
        found = self._world.find_message(str(id))
        if found is None or found[1].sender != line.user:
            return refusal(400, "400", "非本人消息，无法撤回")
        if now_ms() - found[1].stamp.at > RECALL_MS:
            return refusal(400, "400", "超过可撤回时间")
        found[1].recalled = True
        self._world.bell.ring()
        return Answer()

    def _own_conversation(self, line: Line, cid: str) -> Conversation:
        conversation = self._world.conversation(digits(cid))
        if conversation.thread.seller != line.user:
            raise KeyError(cid)
        return conversation
