"""QQ as one door: NoneBot and the protocols of bots stay behind the class `QQ`.

qq = QQ(settings.qq, access_token=token, receive=desk.receive, is_operator=operators.__contains__)
qq.attach(app)                  # /onebot/v11/ws on the hub's own aiohttp application
tasks.create_task(qq.run())     # NoneBot's life, restarted if it crashes
await qq.deliver(peer, text)    # a notice, an answer, a receipt
"""

from bots.nonebot_log import import_apart

import_apart()  # before anything below imports NoneBot, which would throw away the hub's log sinks

from bots.qq import QQ  # noqa: E402
from bots.refusals import TurnedAway  # noqa: E402
from bots.sockets import Timing  # noqa: E402

__all__ = ["QQ", "Timing", "TurnedAway"]
