"""Working together."""

from __future__ import annotations

from command_case import NO_MEMBER, NO_TALK, Case

from hub.commands import Action

PEOPLE: dict[Action, Case] = {
    Action.HAND_OVER: Case(
        ("/转 小客 #a1", "已经转给 小客"),
        ("/转", "没有转：引用"),
        ("/转 谁 #a1", NO_MEMBER),
        [("/转 店主 #a1", "不用转给自己")],
    ),
    Action.LATER: Case(
        ("/稍后 20m #a1", "还没人回复"),
        ("/稍后", "没有设提醒：引用"),
        ("/稍后 20m #z9", NO_TALK),
        [("/稍后 20m #b1", "已经回复过了")],
    ),
    Action.SILENCE: Case(
        ("/静音 2小时", "买家消息先不发给你"),
        unknown=("/静音 那天", "看不懂「那天」"),
        wrong=[("/静音 关", "你没有静音")],
    ),
    Action.DUTY: Case(
        ("/值班", "现在没有人值班"),
        unknown=("/值班 谁", NO_MEMBER),
        wrong=[("/值班 结束", "没有临时接班")],
    ),
    Action.BIND: Case(("/绑定 483920", "不用再绑定")),
    Action.UNBIND: Case(("/解绑", "确定的话")),
}
