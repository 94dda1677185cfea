"""鱼桥 in an existing NoneBot: says what the hub wants said, and brings back what members write."""

from __future__ import annotations

import nonebot
from nonebot import get_driver, get_plugin_config, on_message
from nonebot.adapters import Bot, Event
from nonebot.log import logger
from nonebot.matcher import Matcher
from nonebot.plugin import PluginMetadata
from nonebot.typing import T_State
from pydantic import ValidationError

from nonebot_plugin_yuqiao.config import Config, link_url, wrong_names
from nonebot_plugin_yuqiao.hands import Hands
from nonebot_plugin_yuqiao.link import Link
from nonebot_plugin_yuqiao.words import is_binding, names_conversation, quotes_notice

__plugin_meta__ = PluginMetadata(
    name="鱼桥",
    description="在 QQ 里经营闲鱼店铺：买家消息推到 QQ，引用通知就能回复，付款自动发货",
    usage="引用一条通知写下要说的话，就回复那位买家；发 /帮助 看全部命令",
    type="application",
    config=Config,
    supported_adapters={"~onebot.v11", "~milky"},
)

WORDS = "yuqiao_words"

_driver = get_driver()


def _read_config() -> Config | None:
    """None: something in it cannot be read. The bot and its other plugins start all the same."""
    try:
        return get_plugin_config(Config)
    except ValidationError as error:
        names = wrong_names(error)
        logger.error(f"鱼桥：.env 里的 {names} 写得不对，插件不做任何事（写法见插件的 README）")
        return None


def _begin(config: Config, url: str) -> None:
    """Hang the link onto this bot's life and messages."""
    hands = Hands(lambda: nonebot.get_bots(), only=config.yuqiao_bots)
    link = Link(url, config.yuqiao_token.strip(), hands)

    async def ours(bot: Bot, event: Event, state: T_State) -> bool:
        words = hands.read(bot, event)
        if words is None:
            return False
        if not (words["sender"] in link.operators or is_binding(words)):
            return False
        state[WORDS] = words
        return True

    matcher = on_message(rule=ours, priority=config.yuqiao_priority, block=False)

    @matcher.handle()
    async def bring(matcher: Matcher, state: T_State) -> None:
        words = state[WORDS]
        answered = await link.hear(words)
        if answered or names_conversation(words) or hands.said(words) or quotes_notice(words):
            matcher.stop_propagation()  # type: ignore[no-untyped-call]

    _driver.on_startup(link.start)
    _driver.on_shutdown(link.stop)

    @_driver.on_bot_connect
    async def _(_bot: Bot) -> None:
        await link.tell_bots()

    @_driver.on_bot_disconnect
    async def _(bot: Bot) -> None:
        await link.tell_bots(without=bot.self_id)


def _start() -> None:
    config = _read_config()
    if config is None:
        return
    url = link_url(config.yuqiao_hub_url)
    if not config.yuqiao_hub_url and not config.yuqiao_token:
        logger.info("鱼桥：还没有设置 yuqiao_hub_url 和 yuqiao_token，插件不做任何事")
    elif url is None:
        logger.error("鱼桥：yuqiao_hub_url 不是地址，应当像 http://127.0.0.1:8080")
    elif not config.yuqiao_token.strip():
        logger.error("鱼桥：没有设置 yuqiao_token，请到鱼桥后台的 QQ 页复制")
    else:
        _begin(config, url)


_start()
