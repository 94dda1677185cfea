"""An ordinary NoneBot of somebody else, in a process of its own: `python own_bot.py SETTINGS`.

SETTINGS is JSON for `nonebot.init`. Beside ours it has a plugin that repeats what everybody says.
"""

from __future__ import annotations

import json
import sys

import nonebot
from nonebot import on_message
from nonebot.adapters.milky import Adapter as Milky
from nonebot.adapters.onebot.v11 import Adapter as OneBot
from nonebot.adapters.onebot.v11 import Bot, MessageEvent

settings = json.loads(sys.argv[1])
waits = settings.pop("words_wait", 60.0)
nonebot.init(_env_file=("nowhere",), driver="~aiohttp", **settings)
nonebot.get_driver().register_adapter(OneBot)
nonebot.get_driver().register_adapter(Milky)
nonebot.load_plugin("nonebot_plugin_yuqiao")
sys.modules["nonebot_plugin_yuqiao.link"].WAITS = waits  # type: ignore[attr-defined]


@on_message(priority=95).handle()
async def parrot(bot: Bot, event: MessageEvent) -> None:
    await bot.send(event, f"鹦鹉：{event.get_plaintext()}")


nonebot.run()
