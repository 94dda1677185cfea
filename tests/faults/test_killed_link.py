"""SIGKILL of the hub while a plugin in somebody's own NoneBot is saying something for it."""

from __future__ import annotations

from pathlib import Path

from hub.sandbox.onebot import Dialect
from tests.faults.rig import LINK_TOKEN, OWNER_QQ, open_rig
from tests.own_nonebot import own_bot

BUYER = "3100444455556"
STARTS = 60.0


async def test_a_notice_that_was_said_after_the_hubs_death_is_not_said_again(
    tmp_path: Path,
) -> None:
    """The bridge shows no history: only the plugin's word can tell."""
    async with open_rig(tmp_path, dial=False) as rig, rig.sandbox.qq.serve_forward() as bridge:
        qq = rig.sandbox.qq
        qq.dialect = Dialect(missing_actions=frozenset({"get_friend_msg_history"}))
        await rig.start()
        link = {"yuqiao_hub_url": f"http://127.0.0.1:{rig.port}", "yuqiao_token": LINK_TOKEN}
        with own_bot(tmp_path, onebot_ws_urls=[bridge], **link):
            qq.delay("send_private_msg", 1.0)
            await rig.buyer_says(BUYER, "键盘还在？")
            await qq.wait_until(lambda: "send_private_msg" in dict(qq.calls), STARTS)
            await rig.kill()
            await rig.wait_for_notice("键盘还在？")

            await rig.start()
            await rig.buyer_says(BUYER, "还有一句")
            notice = await rig.wait_for_notice("还有一句")
            await qq.say_private(OWNER_QQ, "还在", quote=notice.id)
            await rig.until(lambda: "还在" in rig.answers(BUYER), "the answer")
            qq.forget()  # so that its number alone can tell what is quoted
            first = next(line for line in rig.notices() if "键盘还在？" in line.text)
            await qq.say_private(OWNER_QQ, "两句都看到了", quote=first.id)
            await rig.until(lambda: "两句都看到了" in rig.answers(BUYER), "the other answer")

            assert await rig.stop() == 0
        await rig.check_invariants()
        told = [line.text for line in rig.notices()]
        assert sum("键盘还在？" in text for text in told) == 1, told
