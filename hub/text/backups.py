"""What is said about backups and restores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.model import StoredBackup
from hub.text.times import clock, span

NO_KEY = (
    "注意：备份里没有密钥文件 yuqiao.key。没有它，恢复以后所有账号要重新登录、密码类设置要重填。"
    "请把它单独存到安全的地方，或者设置 backup.passphrase 让备份带上加密的密钥"
)
READABLE = "备份里有买家的消息和卡密，请当作密码一样保管"
BUSY = "正在备份，请等它做完"
TOO_OFTEN = "一小时里备份得太多了，过一会儿再试"
NOT_HERE = "这里不能备份，请用命令 yuqiao backup"
NO_BACKUPS = "还没有备份"
NEED_PASSPHRASE = "这份备份的密钥用口令加密了，请用 --passphrase-file 给出口令"  # noqa: S105
WRONG_PASSPHRASE = "口令不对，密钥没有解开"  # noqa: S105
OTHER_PASSPHRASE = (
    "设置里的口令不是做这份备份时的那个，"  # noqa: S105
    "里面的密钥和完整配置没有用上；要用就加 --passphrase-file"
)
NEED_KEY = (
    "这份备份里没有密钥，这里的 yuqiao.key 也打不开它；用 --key-file 给出那台机器上的 yuqiao.key"
)
FOREIGN_KEY = "设置里的 database.key 打不开这份备份；改成那台机器上的密钥再试"
CUT_SHORT = "上一次恢复换到一半断了，先启动一次鱼桥让它换完"
CUT_SHORT_NOW = "换文件换到一半停下了：先腾出磁盘空间或者修好权限，再启动鱼桥，它会接着换完"
CUT_SHORT_ON_SERVER = "上一次恢复换到一半断了，把那条恢复命令再执行一次，它会接着换完"
CUT_SHORT_NOW_ON_SERVER = (
    "换文件换到一半停下了：先腾出磁盘空间或者修好权限，再把同一条恢复命令执行一次，它会接着换完"
)
_LEAST_SAID = timedelta(minutes=1)
_MOST_HELD = 10
_MOST_NAMED = 5
EMPTY_PASSPHRASE = "口令文件是空的"  # noqa: S105


def size(number: int) -> str:
    """`812 KB`, `3.4 MB`."""
    for unit, least in (("GB", 1024**3), ("MB", 1024**2)):
        if number >= least:
            return f"{number / least:.1f} {unit}"
    return f"{max(1, round(number / 1024))} KB"


def made(name: str, length: int, rows: int, *, sealed: bool) -> str:
    key = "密钥已加密放在里面" if sealed else "不含密钥"
    return f"✓ 已备份并检查过：{name}（{size(length)}，{rows} 行数据，{key}）"


def failed(why: str) -> str:
    return f"⚠ 备份没有做成：{why}"


def made_in_chat(one: StoredBackup) -> str:
    key = "密钥已加密放在里面" if one.sealed else "不含密钥文件 yuqiao.key，请把它另外存好"
    return f"✓ 已备份并检查过：{one.name}（{size(one.size)}），{key}。下载在后台「备份」里"


def failed_daily(why: str, last: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    before = f"上一份成功的备份是 {clock(last, zone, now)} 的" if last else "还没有成功的备份"
    return f"⚠ 今天的自动备份没有做成：{why}。{before}；一小时后再试"


def newest(name: str, length: int, age: timedelta) -> str:
    return f"最近一份：{name}（{size(length)}），{span(age)}前"


def cannot_write(folder: object, reason: str) -> str:
    return f"写不进 {folder}：{reason}"


def cannot_use(path: object, reason: str) -> str:
    return f"{path} 用不了：{reason}"


def no_room(folder: object, needed: int, free: int) -> str:
    return f"{folder} 所在的磁盘放不下：至少要 {size(needed)}，只剩 {size(free)}"


def not_good(why: str) -> str:
    return f"做出来的备份没有通过检查（{why}）"


def missing(name: object) -> str:
    return f"没有备份文件 {name}"


def no_database(path: object) -> str:
    return f"{path} 还没有数据库，没有可以备份的东西"


def foreign(name: str) -> str:
    return f"{name} 不是鱼桥的备份，什么都没有动"


def newer(name: str, program: str) -> str:
    return f"{name} 是更新的版本（{program}）做的，请先升级鱼桥再恢复；什么都没有动"


def damaged(name: str, what: str) -> str:
    return f"{name} 已损坏（{what}），不能用；什么都没有动"


def running(path: object) -> str:
    return f"鱼桥正在运行（{path} 被占用），先停下它再恢复；什么都没有动"


def unknown_part(name: str, known: Sequence[str]) -> str:
    return f"没有叫「{name}」的部分，可以写：{'、'.join(known)}"


def nothing_there(path: object) -> str:
    return f"{path} 没有数据库，不能只恢复一部分；去掉 --only，整份恢复"


def good(name: str, at: str, program: str, schema: str, rows: int, key: str) -> str:
    return f"✓ {name} 完好：{at} 由 {program} 备份，数据库 {schema}，{rows} 行；{key}"


KEY_SEALED = "密钥在里面，用口令加密"
KEY_ABSENT = "不含密钥"
UNREADABLE = "读不了，不能用"

WOULD = "只是看看，什么都没有动。确定恢复就加上 --yes"


def nothing_kept(folder: object) -> str:
    return f"{folder} 里没有恢复时换下来的旧文件，没有可以换回去的；什么都没有动"


def kept_elsewhere(folder: object, database: object) -> str:
    return f"{folder} 不是从 {database} 换下来的，不能换回去；什么都没有动"


def as_before(at: datetime, name: str) -> str:
    return f"{at:%m-%d %H:%M} 恢复以前的样子（{name}）"


UNDO = "要换回去：yuqiao restore --undo --yes（用 Docker：./docker-deploy.sh restore --undo）"


NOTHING_TO_RESTORE = "这份备份里没有这一部分，没有可以恢复的"


def restored(parts: Sequence[str], kept: object | None) -> str:
    if not parts:
        return NOTHING_TO_RESTORE
    where = f"；换下来的旧文件在 {kept}" if kept else ""
    return f"✓ 已恢复：{'、'.join(parts)}{where}"


def would_restore(parts: Sequence[str]) -> str:
    return f"会恢复：{'、'.join(parts)}" if parts else NOTHING_TO_RESTORE


PARTS = {
    "database": "整个数据库",
    "pictures": "图片",
    "config": "配置文件",
    "key": "密钥",
    "rules": "回复规则",
    "delivery-rules": "发货规则",
    "canned": "常用语",
    "pools": "卡池",
}


def group_done(name: str, came: int, left: Sequence[str]) -> str:
    rest = f"，没有恢复 {len(left)} 条：{'；'.join(left[:5])}" if left else ""
    return f"{PARTS[name]} {came} 条{rest}"


CONFIG_LOCKED = "配置文件没有恢复：这里写不进去。内容在备份的 config/ 里，请自己比对"
CONFIG_BUT_SETTINGS = "提示词和禁用词"
CONFIG_LEFT = "配置文件 hub.yml 没有动：备份里的那份没有密码和令牌。要连它一起恢复，用带口令的备份"
WHOLE_AND_PART = "database 是整个数据库，不能和里面的一部分一起写"
CONFIG_BLANK = "恢复的配置文件里没有密码、密钥和令牌，请重新填上"
POOLS_OFF = "新加进来的卡池先关着：里面的卡密可能在备份以后卖出过，核对完再到后台打开"
CARRIED = "备份以后发出的，恢复时记下"
CARDS_UNKNOWN = (
    "备份以后卖掉的卡密，这次没能从换下来的数据库里认出来；开发货以前请自己核对，卖掉的 /作废"
)
NO_SUPPLIER = "供货接口的密码打不开，要重填"


def carried(cards: int) -> str:
    return f"备份以后发出过的 {cards} 张卡密照现在的样子记下了，不会再发给别人"


def other_place(said: object, here: object) -> str:
    return f"注意：恢复的配置把数据库放在 {said}，这次恢复到了 {here}"


def after_restore(lost: timedelta, held: int) -> str:
    """`held`: as many orders are held by now; so below."""
    return (
        f"♻ 数据库已从备份恢复，是 {span(lost)}前的样子。那以后发出的消息和卡密这里不知道，"
        f"所以发货先停着，没发完的消息也没有再发。{_what_to_do(held)}"
    )


def after_left(lost: timedelta, held: int) -> str:
    return (
        f"♻ 现在用的是换成 PostgreSQL 以前的旧数据库文件，是 {span(lost)}前的样子。"
        "那以后发出的消息和卡密这里不知道，所以发货先停着，没发完的消息也没有再发。"
        "要接着用 PostgreSQL，把 database.url 写回去；"
        "要把那边的数据带过来，照「用 PostgreSQL」那一页备份再恢复。"
        f"就用这个旧文件的话：{_what_to_do(held)}"
    )


def after_other_server(lost: timedelta, held: int) -> str:
    return (
        "♻ 数据库换了一台服务器（备机接管，或库被搬过）。"
        f"从 {span(max(lost, _LEAST_SAID))}前起发出的消息和卡密，新的那台可能不知道，"
        f"所以发货先停着，没发完的消息也没有再发。{_what_to_do(held)}"
    )


def _what_to_do(held: int) -> str:
    return (
        f"\n① 账号连上后等几分钟，发 /待处理 看扣下的订单（现在 {held} 笔，可能还会多）"
        "\n② 看闲鱼聊天，已经给过货的逐个发：/发货完成 订单号"
        "\n③ 最后发 /开发：其余扣下的会全部发货"
    )


def resume_question(
    why: str,
    held: Sequence[str],
    *,
    later: int,
    changed: bool,
    early: bool,
    off: Sequence[str],
    apart_off: Sequence[str],
    apart: Sequence[str],
) -> str:
    """Before deliveries go on; `why` they stand still, `held`: a line about each order that then is
    served and may have been before; `later`: how many others are. `changed`: since it was asked.
    `early`: others may still come up.

    Names of accounts: `off` are not connected and would go on; `apart_off` are not connected and
    do not go on, and neither do `apart`, which had a stop of their own.
    """
    first = f"名单刚变了，请再看一遍。{why}" if changed else why
    wait = ""
    if off:
        wait = f"{_named(off)}没连上，订单读不到：最好连上几分钟后再恢复，不然连上就直接发。"
    elif early:
        wait = "刚连上不久，订单可能还没读全，最好等几分钟再恢复。"
    if held:
        lines = [f"{first}。{wait}扣着 {len(held)} 笔：", *held[:_MOST_HELD]]
    else:
        lines = [f"{first}。{wait}现在没有扣下的订单要核对"]
    if len(held) > _MOST_HELD:
        lines.append(f"……还有 {len(held) - _MOST_HELD} 笔，在「待处理」里看（QQ 里发 /待处理）")
    if later:
        lines.append(f"另有 {later} 笔是停下以后才付款的，也会发货")
    if apart_off:
        lines.append(
            f"{_named(apart_off)}没连上，先不恢复：连上几分钟后再单独恢复（QQ 里发 /开发 账号名）"
        )
    if apart:
        lines.append(f"{_named(apart)}单独停着，也要单独恢复（QQ 里发 /开发 账号名）")
    if held:
        lines.append(
            "恢复以后扣着的会全部发货。其中已经给过货的，先逐个记成已在别处发货"
            "（QQ 里发 /发货完成 订单号），不然会再发一份"
        )
    else:
        lines.append("恢复以后新读到的待发货订单会自动发货")
    return "\n".join(lines)


def _named(accounts: Sequence[str]) -> str:
    more = f"等 {len(accounts)} 个账号" if len(accounts) > _MOST_NAMED else ""
    return f"【{'、'.join(accounts[:_MOST_NAMED])}】{more}"


RESTORED = "数据库从备份恢复，等人核对"
LEFT = "用的是换成 PostgreSQL 以前的旧数据库文件，等人核对"
OTHER_SERVER = "数据库换了一台服务器，等人核对"
NOT_CONNECTED = "全店恢复发货时还没连上，连上几分钟后再核对"
"""Of an account."""
WENT_BACK = frozenset({RESTORED, LEFT, OTHER_SERVER, NOT_CONNECTED})
"""Why deliveries stand still after the database went back in time."""
NUMBER_UNUSED = "数据库回到过以前的样子，这个编号没有再用"
DROPPED = "从备份恢复以前排队的消息，没有再发"
