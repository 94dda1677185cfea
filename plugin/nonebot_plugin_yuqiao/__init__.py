"""鱼桥 in an existing NoneBot: says what the hub wants said, and brings back what members write."""

from __future__ import annotations

import nonebot
from nonebot import get_driver, get_plugin_config, on_message
from nonebot.adapters import Bot, Event
from nonebot.log import logger
from nonebot.matcher import Matcher
from nonebot.plugin import PluginMetadata
from nonebot.typing import T_State

from nonebot_plugin_yuqiao.config import Config, link_url
from nonebot_plugin_yuqiao.hands import Hands
from nonebot_plugin_yuqiao.link import Link
from nonebot_plugin_yuqiao.words import is_binding, names_conversation

__plugin_meta__ = PluginMetadata(
    name="鱼桥",
    description="在 QQ 里经营闲鱼店铺：买家消息推到 QQ，引用通知就能回复，付款自动发货",
    usage="引用一条通知写下要说的话，就回复那位买家；发 /帮助 看全部命令",
    type="application",
    homepage="https://pypi.org/project/nonebot-plugin-yuqiao/",
    config=Config,
    supported_adapters={"~onebot.v11", "~milky"},
)

WORDS = "yuqiao_words"

_driver = get_driver()
_config = get_plugin_config(Config)
_hands = Hands(lambda: nonebot.get_bots(), only=_config.yuqiao_bots)
_url = link_url(_config.yuqiao_hub_url)


def _begin(link: Link) -> None:
    """Hang the link onto this bot's life and messages."""

    async def ours(bot: Bot, event: Event, state: T_State) -> bool:
        words = _hands.read(bot, event)
        if words is None:
            return False
        if not (words["sender"] in link.operators or is_binding(words)):
            return False
        state[WORDS] = words
        return True

    matcher = on_message(rule=ours, priority=_config.yuqiao_priority, block=False)

    @matcher.handle()
    async def bring(matcher: Matcher, state: T_State) -> None:
        words = state[WORDS]
        answered = await link.hear(words)
        if answered or names_conversation(words) or _hands.said(words):
            matcher.stop_propagation()  # type: ignore[no-untyped-call]

    _driver.on_startup(link.start)
    _driver.on_shutdown(link.stop)

    @_driver.on_bot_connect
    async def _(_bot: Bot) -> None:
        await link.tell_bots()

    @_driver.on_bot_disconnect
    async def _(bot: Bot) -> None:
        await link.tell_bots(without=bot.self_id)


if _url and _config.yuqiao_token:
    _begin(Link(_url, _config.yuqiao_token, _hands))
elif _config.yuqiao_hub_url and not _url:
    logger.error("鱼桥：yuqiao_hub_url 不是地址，应当像 http://127.0.0.1:8080")
else:
    logger.info("鱼桥：还没有设置 yuqiao_hub_url 和 yuqiao_token，插件不做任何事")
