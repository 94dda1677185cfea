"""Why a file cannot be brought over, one sentence each."""

from __future__ import annotations

from pathlib import Path

NO_ROOM = "临时目录放不下原数据库的副本；用环境变量 TMPDIR 指一个有空间的目录，再试一次"


def unreadable(path: Path, error: OSError) -> str:
    return f"读不了 {path}（{error.strerror or error}）"


def empty(path: Path) -> str:
    return f"{path} 是空文件"


def no_sqlite(path: Path) -> str:
    return f"{path} 不是 SQLite 数据库；原系统的数据库通常叫 xianyu_data.db"


def ours(path: Path) -> str:
    return f"{path} 是鱼桥自己的数据库，不用导入；要导入的是原系统的 xianyu_data.db"


def other_program(path: Path) -> str:
    return f"{path} 不是 xianyu-auto-reply 的数据库（里面没有 cookies 表）"


def newer(path: Path, version: str, known: str) -> str:
    return f"{path} 的结构版本是 {version}，比鱼桥认识的 {known} 新；请先升级鱼桥"


def locked(path: Path) -> str:
    return f"{path} 正被别的程序写着；先停掉原系统，再导入"


def broken(path: Path) -> str:
    return f"{path} 坏得读不出表了；请换一份备份"
