"""Does what the hub asks for, through whichever bots this NoneBot has."""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from nonebot.adapters import Bot, Event
from nonebot.exception import ActionFailed, AdapterException, ApiNotAvailable
from nonebot.log import logger

from nonebot_plugin_yuqiao.voices import LONGEST_REASON, TIMED_OUT, Refused, Voice, installed
from nonebot_plugin_yuqiao.words import Words, number, whole

Frame = dict[str, Any]
MOST_BOTS = 50
MOST_SAID = 5_000
FACES = {"accepted": "124", "read": "289", "refused": "123", "uncertain": "32"}
"""OK, 睁眼, NO, 疑问: QQ's faces by their numbers."""


class Hands:
    def __init__(self, bots: Callable[[], Mapping[str, Bot]], *, only: Collection[str]) -> None:
        """`only`: bots that may be used; empty: all."""
        self._bots = bots
        self._only = only
        self._voices = installed()
        self._said: OrderedDict[tuple[str, str], None] = OrderedDict()

    def bots(self, *, without: str = "") -> list[Frame]:
        """Those that can be used, as the hub is told of them. `without`: that one just left."""
        found = []
        for bot_id, bot in self._bots().items():
            voice = self._voice_of(bot)
            if voice is not None and number(bot_id) == bot_id != without:
                can = {"quotes": True, "pictures": True, "history": True}
                found.append({"id": bot_id, "reacts": list(voice.reacts), **can})
        return found[:MOST_BOTS]

    def read(self, bot: Bot, event: Event) -> Words | None:
        """What somebody wrote to a bot of ours; None for anything else."""
        voice = self._voice_of(bot)
        words = voice.read(bot, event) if voice is not None else None
        return words and {**words, "id": f"{words['bot']}:{words['peer']}:{words['message_id']}"}

    def said(self, words: Words) -> bool:
        """Whether it quotes something that we said here for the hub."""
        return (words["bot"], str(words["quoted_id"])) in self._said

    async def perform(self, frame: Frame) -> Frame:
        """Do it and answer. Raises nothing."""
        asked, place = str(frame.get("id")), {k: frame.get(k) for k in ("bot", "scene", "peer")}
        bot = self._bots().get(str(frame.get("bot")))
        voice = self._voice_of(bot) if bot is not None else None
        if bot is None or voice is None:
            return _failed(asked, "unreachable", "QQ 机器人没有连接")
        try:
            if frame["type"] == "say":
                ids = await self._say(bot, voice, frame)
                told = {"text": frame["text"], "message_ids": ids, "at": int(time.time())}
                return {"type": "said", "id": asked, **place, **told}
            data = await self._look(bot, voice, frame)
            return {"type": "answer", "id": asked, "data": data}
        except Refused as error:
            return _failed(asked, "rejected", str(error))
        except ActionFailed as error:
            said = voice.reason(error)[:LONGEST_REASON]
            lost = frame["type"] == "say" and bool(TIMED_OUT.search(said))
            return _failed(asked, "uncertain" if lost else "rejected", said)
        except ApiNotAvailable:
            return _failed(asked, "rejected", "QQ 端不支持这个操作")
        except AdapterException as error:
            logger.info("鱼桥：QQ 端没有回应：{!r}", error)
            return _failed(asked, "uncertain", "QQ 端没有回应")
        except Exception:  # whatever an adapter makes of an odd answer: it may have been said
            logger.opt(exception=True).error("鱼桥：没有做成 {}", frame.get("type"))
            return _failed(asked, "uncertain", "插件出错了")

    async def _say(self, bot: Bot, voice: Voice, frame: Frame) -> list[str]:
        shown = [base64.b64decode(one) for one in frame.get("pictures") or ()]
        where = (str(frame["scene"]), str(frame["peer"]))
        quote = str(frame.get("quote") or "")
        ids = await voice.say(bot, *where, str(frame["text"]), quote, shown)
        for message_id in ids:
            self._said[bot.self_id, message_id] = None
        while len(self._said) > MOST_SAID:
            self._said.popitem(last=False)
        return ids

    async def _look(self, bot: Bot, voice: Voice, frame: Frame) -> Frame:
        where = (str(frame["scene"]), str(frame["peer"]))
        match frame["type"]:
            case "history":
                found = await voice.history(bot, *where, int(frame["count"]))
                return {"messages": found[-200:]}
            case "picture":
                return await voice.picture(bot, str(frame["file"]))
            case "react":
                face = FACES.get(str(frame["mark"]), FACES["read"])
                await voice.react(bot, *where, str(frame["message_id"]), face)
                return {}
            case other:
                raise Refused(f"这个插件不会 {other}，请更新")

    def _voice_of(self, bot: Bot) -> Voice | None:
        if self._only and bot.self_id not in self._only:
            return None
        return self._voices.get(bot.adapter.get_name())

    async def tell_lost(self, words: Words, why: str) -> None:
        """Somebody waits for an answer that will not come."""
        quote = {"quote": words["message_id"], "text": why}
        await self.perform({**words, **quote, "type": "say", "pictures": []})


def _failed(number: str, kind: str, reason: str) -> Frame:
    return {"type": "failed", "id": number, "kind": kind, "reason": whole(reason[:500])}
