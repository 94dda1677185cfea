"""What we say while somebody logs in with a QR code."""

from __future__ import annotations

PREPARING = "正在向闲鱼要二维码…"
WAITING = "请用闲鱼 App 扫码。"
SCANNED = "已扫码，请在手机上点“确认登录”。"
FINISHING = "手机上已确认，正在登录…"
VERIFICATION = "闲鱼要求验证身份，验证通过后会自动继续。"
CANCELLED_BY_PHONE = "手机上取消了这次登录，账号没有任何改动。"
CANCELLED_HERE = "这次扫码已取消，账号没有任何改动。"

UNKNOWN = "这次扫码已经结束，或者程序中途重启过；没有任何改动，需要的话请重新开始"
NO_RETRY = "这个二维码不能换新的了，请重新开始扫码"
TOO_MANY_WAITING = "已经有几个二维码在等扫码了，请先完成或取消它们"
TOO_MANY_PICTURES = "二维码要得太频繁，闲鱼可能会因此要求验证；请过一刻钟再试"

NO_LINE = "连不上闲鱼，没有登录成功。请检查服务器的网络，再重新开始。"
NO_PROXY = "代理没有接通，没有登录成功。请检查代理的地址、用户名密码和有效期，再重新开始。"
OWN_PROXY = "它自己的代理设置没有改，要换请到账号页。"
THROTTLED = "闲鱼说操作太频繁，没有登录成功。请过几分钟再重新开始。"
NO_LOGIN = "手机上确认了，但闲鱼没有给出登录。请重新扫码。"
UNREADABLE = "闲鱼的回答看不懂，没有登录成功。请重新扫码；还是不行的话，改用粘贴 Cookie 的方式。"
VERIFY_FIRST = "闲鱼要求先验证身份，这次没有登录成功。请完成验证，再重新扫码。"
BROKEN = "程序内部出错，没有登录成功；详情在日志里。请重新开始。"
NO_OWNER = "没有登录：发起扫码的人现在已经不是店主了"
IN_ANOTHER_SHOP = "没有添加：这个闲鱼号已经接入这台服务器上的另一个店铺"


def code(name: str) -> str:
    return f"【{name}】用这个账号的闲鱼 App 扫这个码登录，几分钟内有效。扫码以后会在这里告诉你"


def code_again() -> str:
    return "上一张过期了，扫这一张；还没准备好的话，过一会儿再发 /登录"


def died(name: str) -> str:
    return (
        f"【{name}】登录失效了，用这个账号的闲鱼 App 扫这个码就能恢复；"
        f"现在不方便的话，之后发 /登录 {name}"
    )


def told(name: str, said: str, url: str) -> str:
    return f"【{name}】{said}" + (f"\n{url}" if url else "")


def expired(*, may_retry: bool) -> str:
    if may_retry:
        return "时间到了，二维码已过期。可以重新获取一个。"
    return "二维码又过期了，没有登录成功。准备好手机后，再重新开始。"


def refused(reason: str) -> str:
    said = f"：{reason}" if reason else ""
    return f"闲鱼没有同意这次登录{said}"


def added(name: str) -> str:
    return f"账号「{name}」已添加，正在连接闲鱼。"


def renewed(name: str, enabled: bool) -> str:
    if enabled:
        return f"账号「{name}」的登录已更新，设置都没有变，正在重新连接。"
    return f"账号「{name}」的登录已更新，设置都没有变。它现在停用着，要收发消息请先启用。"


def known_already(name: str, enabled: bool) -> str:
    return f"这个闲鱼号已经添加过，没有重复添加。{renewed(name, enabled)}"


def other_seller(name: str, expected: str, got: str, known_as: str = "") -> str:
    """`known_as`: the account that the other seller is, if there is one."""
    then = (
        f"{got} 是账号「{known_as}」，要更新它请到那个账号上扫码"
        if known_as
        else f"要接入 {got}，请把它添加成新账号"
    )
    return (
        f"没有更新：扫码登录的是闲鱼用户 {got}，而账号「{name}」是 {expected}。"
        f"请换成同一个闲鱼号扫码；{then}。"
    )
