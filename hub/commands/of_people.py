"""Working together."""

from __future__ import annotations

from hub.commands.actions import Action
from hub.commands.command import Command
from hub.model import Role

PEOPLE: tuple[Command, ...] = (
    Command(
        Action.HAND_OVER,
        "转",
        ("转交", "转给"),
        "/转 成员 [对象] [要交代的话]",
        "把这位买家转给另一位同事",
        Role.AGENT,
        "引用买家的通知写 /转 小李，或者 /转 小李 #a7、/转 小李 阿七。对方会收到最近的对话，"
        "接着由他回复。后面可以写一句话给他：/转 小李 #a7 他要发票。",
    ),
    Command(
        Action.LATER,
        "稍后",
        ("稍后提醒", "later"),
        "/稍后 [对象] [时长|不用]",
        "过一会儿还没人回复就提醒你",
        Role.AGENT,
        "引用买家的通知写 /稍后 20m，或者 /稍后 #a7 20m、/稍后 阿七 20m。不写时长就是 20 分钟；"
        "有人回复了就不提醒。不用回复的，写 /稍后 不用。",
    ),
    Command(
        Action.SILENCE,
        "静音",
        ("免打扰", "mute"),
        "/静音 [时长|关]",
        "买家消息先不发给你",
        Role.VIEWER,
        "时长：2小时、到8:00、一直；不写就是 1 小时。待处理和账号异常照发。结束时给你一条小结。",
    ),
    Command(
        Action.DUTY,
        "值班",
        ("duty",),
        "/值班 [我|成员] [时长]",
        "谁在值班，或者临时接班",
        Role.VIEWER,
        "不写就看现在谁值班。/值班 我 到22:00 临时接班，/值班 结束 下班；排班在后台的「通知」里。"
        "有人值班时，买家消息只发给值班的人。",
    ),
    Command(
        Action.BIND,
        "绑定",
        ("bind",),
        "/绑定 绑定码",
        "把这个 QQ 绑定到你名下",
        Role.VIEWER,
        "绑定码在后台「成员 → 绑定 QQ」里取，10 分钟内有效，只能用一次。",
    ),
    Command(
        Action.UNBIND,
        "解绑",
        ("unbind",),
        "/解绑",
        "这个 QQ 不再是你的",
        Role.VIEWER,
        "解绑后这个 QQ 收不到通知，也不能再发命令，所以会先请你确认。",
    ),
)
