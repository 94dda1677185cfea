"""Why an account is in its state: one short clause each, shown behind the state's name."""

from __future__ import annotations

from hub.text.content import shorten

UNREACHABLE = "连不上闲鱼"
PROXY = "代理没有接通，要检查代理的地址、用户名密码和有效期"
LOST = "连接断开了"
DEAF = "连接失灵，收不到新消息"
TOKEN_REFUSED = "闲鱼不认这份连接凭证，要换一份新的"  # noqa: S105 - words for people
TOKEN_SPACED = "离上次向闲鱼要连接凭证太近，隔一会儿再要，免得惹来验证"  # noqa: S105
RENEWING = "登录失效，正在自动续期"
RENEWAL_UNCLEAR = "登录像是失效了，自动续期时闲鱼没有给出明确回答"
RENEWAL_SPACED = "登录失效，离上次自动续期太近，隔一会儿再试"
LOGGED_OUT = "登录失效，自动续期也没有成功"
VERIFICATION = "闲鱼要求验证身份"
CROWDED = "闲鱼说这个账号的连接太多，可能还有别的程序在用它"
CROWDED_AGAIN = "闲鱼又说这个账号的连接太多，像是有别的程序一直在用它，继续抢会惹来验证"
OUSTED_OFTEN = "一小时内连接被顶掉或失灵了好几次，像是有别的程序在用这个账号，继续抢会惹来验证"
SHORT_LINES = "连接总是刚建立就断开，先停一停"
SHORT_LINES_AGAIN = "一小时内连接总是刚建立就断开，停了几次也没有好转"
STORE = "本机数据库暂时写不进去"
BROKEN = "程序内部出错，详情在日志里"


def token_failed(reason: str) -> str:
    """`reason`: the platform's words, if there were any."""
    said = f"（{shorten(reason, 40)}）" if reason else ""
    return f"闲鱼没有给出可用的连接凭证{said}"


def token_given_up(failures: int, reason: str) -> str:
    return f"连续 {failures} 次{token_failed(reason)}，继续要会惹来验证"


def refused(reason: str) -> str:
    return f"闲鱼拒绝了连接（{shorten(reason, 40)}）" if reason else UNREACHABLE
