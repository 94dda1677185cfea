"""The link: bots inside somebody's own NoneBot, whose plugin dials the hub.

One WebSocket on `/api/bot/ws`, `Authorization: Bearer <token>`, JSON objects as text, version 1.
Pings every 20 s from either side tell that the other one lives. docs/nonebot.md lists the frames.

- The plugin begins with `hello`: version, a random name of this life of it, and its bots. The hub
  answers `welcome` with the operators, and `operators` whenever they change, so that what other
  people say in QQ never leaves the bot.
- The hub asks (`say`, `history`, `picture`, `react`) with a number; the plugin answers each number
  once, and a repeated one with what it answered before. If the connection breaks in between, the
  hub asks again with the same number as long as it is the same life of the plugin: a new one
  remembers nothing, so the hub looks in the chat's history then.
- What was said is told with place, text and time, and the last ones again in each `hello`: a hub
  that was restarted finds what its predecessor had said.
- Operators' words come as `operator`, named by bot and message id, and again until the hub has
  answered `heard`; the desk does nothing twice for one message. Words that nobody will hear are
  answered at once too: of a bot that is connected elsewhere, or more than can be taken (`lost`).
"""

from bots.link.port import Link

__all__ = ["Link"]
