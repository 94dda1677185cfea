"""The admin door of the QQ side: the operator's hands and eyes, and the bridge's moods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any

from aiohttp import web

from hub.sandbox.doors import answer, body_of, seconds_of
from hub.sandbox.onebot import ChatLine, Dialect, OneBotSim
from hub.sandbox.onebot_chats import DIALECTS


class QQDoor:
    """Paths and bodies are described in `docs/sandbox.md`."""

    def __init__(
        self,
        qq: OneBotSim,
        *,
        operator_id: str,
        group_id: str,
        dial: Callable[[str, str], None],
    ) -> None:
        self._qq = qq
        self._operator_id = operator_id
        self._group_id = group_id
        self._dial = dial

    def attach(self, app: web.Application) -> None:
        router = app.router
        router.add_post("/qq/connect", self._connect)
        router.add_get("/qq/status", self._status)
        router.add_post("/qq/say", self._say)
        router.add_post("/qq/repeat", self._repeat)
        router.add_get("/qq/chat", self._chat)
        router.add_get("/qq/wait", self._wait)
        router.add_get("/qq/wait_online", self._wait_online)
        router.add_post("/qq/restart", self._restart)
        router.add_post("/qq/cut", self._cut)
        router.add_patch("/qq/dialect", self._dialect)
        router.add_post("/qq/faults", self._fault)
        router.add_delete("/qq/faults", self._heal)

    async def _connect(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._dial(str(body["url"]), str(body.get("token", "")))
        return answer({})

    async def _status(self, _request: web.Request) -> web.Response:
        return answer(
            {
                "online": self._qq.online,
                "bot_id": self._qq.self_id,
                "refusals": list(self._qq.refusals),
                "reactions": [list(one) for one in self._qq.reactions],
            }
        )

    async def _say(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        user = str(body.get("user", self._operator_id))
        text, quote = str(body.get("text", "")), body.get("quote")
        quoted = None if quote in (None, "") else str(quote)
        image = str(body.get("image", ""))
        if body.get("scene", "private") == "group":
            id = await self._qq.say_group(
                str(body.get("peer", self._group_id)),
                user,
                text,
                quote=quoted,
                at_bot=bool(body.get("at", False)),
                image=image,
            )
        else:
            id = await self._qq.say_private(user, text, quote=quoted, image=image)
        return answer({"id": id})

    async def _repeat(self, request: web.Request) -> web.Response:
        await self._qq.repeat(str((await body_of(request))["id"]))
        return answer({})

    def _place(self, request: web.Request) -> tuple[str, str]:
        scene = request.query.get("scene", "private")
        usual = self._group_id if scene == "group" else self._operator_id
        return scene, request.query.get("peer", usual)

    async def _chat(self, request: web.Request) -> web.Response:
        return answer([self._line(one) for one in self._qq.chat(*self._place(request))])

    async def _wait(self, request: web.Request) -> web.Response:
        """Long poll for `count` lines of the bot that contain a text, after a line if given."""
        scene, peer = self._place(request)
        contains, after = request.query.get("contains", ""), request.query.get("after", "")
        count = int(request.query.get("count", "1"))

        def found() -> list[ChatLine]:
            lines = self._qq.chat(scene, peer)
            ids = [line.id for line in lines]
            start = ids.index(after) + 1 if after in ids else 0
            return [
                line
                for line in lines[start:]
                if line.sender == self._qq.self_id and contains in line.text
            ]

        try:
            await self._qq.wait_for_line(
                scene, peer, lambda _line: len(found()) >= count, timeout=seconds_of(request)
            )
        except TimeoutError:
            met = {"met": False, "lines": [self._line(one) for one in found()]}
            return answer(met, 408)
        return answer({"met": True, "lines": [self._line(one) for one in found()]})

    async def _wait_online(self, request: web.Request) -> web.Response:
        try:
            await self._qq.wait_online(seconds_of(request))
        except TimeoutError:
            return answer({"online": False}, 408)
        return answer({"online": True})

    async def _restart(self, _request: web.Request) -> web.Response:
        """The bridge restarts: the connection ends and old message ids are unknown to it."""
        self._qq.forget()
        await self._qq.hang_up()
        return answer({})

    async def _cut(self, _request: web.Request) -> web.Response:
        self._qq.cut()
        return answer({})

    async def _dialect(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        spoken = self._qq.dialect
        if (like := body.pop("like", None)) is not None:
            if like not in DIALECTS:
                raise ValueError(f"like is one of {sorted(DIALECTS)}")
            spoken = DIALECTS[like]
        known = {field.name for field in fields(Dialect)}
        if wrong := set(body) - known:
            raise ValueError(f"unknown switch {sorted(wrong)[0]!r}; known: {sorted(known)}")
        if "missing_actions" in body:
            body["missing_actions"] = frozenset(body["missing_actions"])
        self._qq.dialect = replace(spoken, **body)
        shown = asdict(self._qq.dialect)
        return answer({**shown, "missing_actions": sorted(shown["missing_actions"])})

    async def _fault(self, request: web.Request) -> web.Response:
        """`fail` an action, `delay` it, or `swallow` it: do it and answer late or never."""
        body = await body_of(request)
        action, how = str(body["action"]), str(body.get("how", "fail"))
        times = body.get("times", 1)
        match how:
            case "fail":
                retcode, text = int(body.get("retcode", 1200)), str(body.get("text", ""))
                self._qq.fail(action, retcode, text, times=times)
            case "delay":
                self._qq.delay(action, float(body["seconds"]), times=times)
            case "swallow":
                late = body.get("seconds")
                after = None if late is None else float(late)
                self._qq.swallow(action, answer_after=after, times=times)
            case _:
                raise ValueError("how is fail, delay or swallow")
        return answer({}, 201)

    async def _heal(self, _request: web.Request) -> web.Response:
        self._qq.heal()
        return answer({})

    def _line(self, line: ChatLine) -> dict[str, Any]:
        return {
            "id": line.id,
            "sender": line.sender,
            "by_bot": line.sender == self._qq.self_id,
            "text": line.text,
            "segments": list(line.segments),
            "quoted": line.quoted,
            "at": line.at.isoformat(),
        }
